"""Every claim of ``claims.toml`` is proved by a test, or says why it is not so; every proof is of a claim."""

import ast
import tomllib
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent


@cache
def claims() -> dict[str, str]:
    topics = tomllib.loads((TESTS / "claims.toml").read_text(encoding="utf-8"))
    return {
        f"{topic}: {key}": claim for topic, keys in topics.items() if topic != "lacks" for key, claim in keys.items()
    }


@cache
def lacks() -> dict[str, str]:
    return tomllib.loads((TESTS / "claims.toml").read_text(encoding="utf-8"))["lacks"]


@cache
def proofs() -> dict[str, list[str]]:
    """Return the text of each test that proves a claim, by claim."""
    found: dict[str, list[str]] = {}
    for path in TESTS.rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        for test in ast.parse(text).body if "mark.proves(" in text else ():
            for mark in test.decorator_list if isinstance(test, ast.FunctionDef) else ():
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.proves":
                    body = "\n".join(text.splitlines()[test.lineno - 1 : test.end_lineno])
                    for claim in mark.args:
                        found.setdefault(ast.literal_eval(claim), []).append(body)
    return found


def test_every_claim_is_proved_or_says_why_not() -> None:
    assert [claim for claim in claims() if claim not in proofs() and not lacks().get(claim)] == []


def test_every_proof_is_of_a_claim() -> None:
    assert (proofs().keys() | lacks().keys()) - claims().keys() == set()


def test_the_proof_of_a_code_speaks_of_it() -> None:
    codes = {claim: claim.partition(": ")[2] for claim in claims() if " codes: " in claim and claim not in lacks()}
    assert [claim for claim, code in codes.items() if not any(code in proof for proof in proofs()[claim])] == []
