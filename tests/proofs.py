"""Claims, and which tests prove them: data of the tables that tick what was asked for."""

import ast
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TESTS = Path(__file__).parent


@dataclass(frozen=True)
class Case:
    """One claim, the tests that prove it, and what of it is not so.

    Tests are named by their module below ``tests``, without suffix, and their function; several stand apart by blanks.
    """

    claim: str
    proofs: dict[str, str]
    lacks: str = ""

    def missing(self) -> set[str]:
        """Return the tests that are named and not there: pytest would not collect them."""
        named = {(module, name) for module, names in self.proofs.items() for name in names.split()}
        return {f"{module}::{name}" for module, name in named if name not in tests_of(module)}

    def speaks_of(self, word: str) -> bool:
        """Tell whether a proof has a word in it."""
        return any(word in tests_of(module).get(name, "") for module, names in self.proofs.items()
                   for name in names.split())  # fmt: skip


@cache
def tests_of(module: str) -> dict[str, str]:
    """Return the tests of a module that pytest collects, each with its text."""
    path = TESTS / f"{module}.py"
    assert path.is_file() and path.name.startswith("test_"), f"{path} is no module of tests"
    text = path.read_text(encoding="utf-8")
    return {
        node.name: "\n".join(text.splitlines()[node.lineno - 1 : node.end_lineno])
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
