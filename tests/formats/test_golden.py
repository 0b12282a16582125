"""Every folder of ``fixtures/<format>/``: reading it gives the hub and the account that lie beside it.

``pytest --accept`` rewrites them. Read the diff: a golden is only as right as the eye that saw it.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from encord_convert import Report, formats, read
from encord_convert.testing import hub_of

ROOT = Path(__file__).parents[2]
CASES = [
    case.relative_to(ROOT)
    for name, format_ in formats().items()
    if format_.importer is not None and (ROOT / "fixtures" / name).is_dir()
    for case in sorted((ROOT / "fixtures" / name).iterdir())
    if case.is_dir()
]


def golden(case: Path) -> dict[str, Any]:
    """Return the hub and the account of reading a case, with the options its ``options.json`` names."""
    options = json.loads(file.read_text()) if (file := case / "options.json").exists() else {}
    report = Report()
    labels = read(case, case.parts[1], report=report, **options)
    hub = hub_of(labels)
    account = report.to_dict()
    del account["target"]
    return {"hub.json": hub, "losses.json": account}


@pytest.mark.parametrize("case", CASES, ids=lambda case: "/".join(case.parts[1:]))
def test_reading_gives_the_golden_hub_and_account(case: Path, accept: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name, value in golden(case).items():
        text = json.dumps(value, indent=1, ensure_ascii=False) + "\n"
        if accept:
            (case / name).write_text(text, encoding="utf-8")
        assert (case / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("case", CASES, ids=lambda case: "/".join(case.parts[1:]))
def test_every_fixture_says_whence_it_comes_and_under_which_licence(case: Path) -> None:
    text = (ROOT / case / "ORIGIN.md").read_text(encoding="utf-8").lower()
    assert "licence" in text


@pytest.mark.parametrize("case", CASES, ids=lambda case: "/".join(case.parts[1:]))
def test_every_fixture_is_claimed_by_its_format_alone(case: Path) -> None:
    from encord_convert.formats import Match
    from encord_convert.formats._files import source_at

    with source_at(ROOT / case) as source:
        claims = {name for name, f in formats().items() if f.importer and f.identify(source) is Match.YES}
    assert claims == {case.parts[1]}
