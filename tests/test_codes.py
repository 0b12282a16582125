"""Every code has a line of words, and the page of the report lists it."""

import re
from pathlib import Path

import pytest

from encord_convert import formats
from encord_convert.losses.codes import LOSSES, NOTES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "encord_convert"
PAGE = PACKAGE / "docs" / "report.md"

_CODE = re.compile(r'"([A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)"')
_OTHERS = re.compile(r"ENCORD_CONVERT|FORMAT_TABLE|REDACT_\w+")
"""Words that look like codes: keys of files, names of the wire."""


def codes_in_the_source() -> dict[str, str]:
    modules = [
        path
        for folder in ("checks", "hub", "losses", "formats", "training")
        for path in (PACKAGE / folder).rglob("*.py")
    ]
    modules += [*PACKAGE.glob("*.py"), *(PACKAGE / "batch" / name for name in ("merges.py", "naming.py"))]
    modules += [PACKAGE / "sync" / "mapping" / "mapped.py"]
    return {
        code: module.name
        for module in modules
        if module.name not in ("codes.py", "__init__.py")
        for code in _CODE.findall(module.read_text(encoding="utf-8"))
        if not _OTHERS.fullmatch(code)
    }


def test_every_code_has_words() -> None:
    declared = {code for one in formats().values() if one.exporter for code in one.exporter.carries.codes.values()}
    unsaid = {code: place for code, place in codes_in_the_source().items() if code not in LOSSES and code not in NOTES}
    assert unsaid == {}
    assert declared <= set(LOSSES)


@pytest.mark.parametrize(("name", "codes"), [("losses", LOSSES), ("notes", NOTES)])
def test_the_page_of_the_report_lists_every_code(name: str, codes: dict[str, str], accept: bool) -> None:
    lines = ["| code | what |", "|---|---|"]
    lines += [f"| `{code}` | {words.replace('{target}', 'the target')} |" for code, words in sorted(codes.items())]
    table = "\n".join(lines)
    text = PAGE.read_text(encoding="utf-8")
    if accept:
        between = re.compile(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", re.DOTALL)
        PAGE.write_text(between.sub(lambda found: f"{found[1]}{table}\n{found[2]}", text), encoding="utf-8")
    assert table in PAGE.read_text(encoding="utf-8")


def test_codes_stand_in_order() -> None:
    assert list(LOSSES) == sorted(LOSSES)
    assert list(NOTES) == sorted(NOTES)
