"""Writing in Python touches nothing that the labels which are written were read from."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from encord_convert import LabelSet, Report, WriteError, convert, read, write

FIXTURES = Path(__file__).parent.parent / "fixtures"
CVAT = FIXTURES / "cvat" / "images-project-subsets"
COCO = FIXTURES / "coco" / "boxes-only"

DERIVED: dict[str, Callable[[LabelSet], LabelSet]] = {
    "read": lambda labels: labels,
    "filter": lambda labels: labels.filter(drop_empty=True),
    "filter-function": lambda labels: labels.filter(lambda row: True),
    "map": lambda labels: labels.map(lambda row: row),
    "rename": lambda labels: labels.rename({}),
    "sample": lambda labels: labels.sample(2),
    "split": lambda labels: labels.split(train=0.5, val=0.5),
    "held": lambda labels: labels.held(),
    "merge": lambda labels: labels.merge(read(COCO)).filter(drop_empty=True),
    "merge-behind": lambda labels: read(COCO).merge(labels),
}


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(CVAT, "s2")
    shutil.copytree(COCO, "mycoco", ignore=shutil.ignore_patterns("hub.json"))
    return tmp_path


@pytest.mark.parametrize("derive", DERIVED.values(), ids=DERIVED)
def test_a_set_is_not_written_over_what_it_was_read_from(derive: Callable[[LabelSet], LabelSet], own: Path) -> None:
    before = files_in(own)
    for place in ("s2", own / "s2", "s2/../s2"):
        with pytest.raises(WriteError, match="the source"):
            write(derive(read("s2")), place, "cvat")
    assert files_in(own) == before


def test_nothing_is_added_to_a_source_or_replaced_in_it(own: Path) -> None:
    before = files_in(own)
    json = next(Path("mycoco").rglob("[!l]*.json"))
    for place in ("mycoco", json, str(json.parent)):
        with pytest.raises(WriteError, match="Name another place"):
            write(read("mycoco"), place, "coco")
        with pytest.raises(WriteError, match="Name another place"):
            convert("mycoco", place, to="coco")
    for place in (json, "mycoco"):
        with pytest.raises(WriteError, match="Name another place"):
            convert(json, place, to="coco")
    assert files_in(own) == before


def test_an_archive_is_not_written_over(own: Path) -> None:
    shutil.make_archive("s2", "zip", "s2")
    before = files_in(own)
    with read("s2.zip").source as source, pytest.raises(WriteError, match="it is the source"):
        convert(source, "s2.zip", to="cvat")
    assert files_in(own) == before


def test_other_existing_places_are_written_as_before(own: Path) -> None:
    write(read("s2"), "mycoco", "cvat", report=Report())
    assert Path("mycoco", "annotations.xml").exists()
    for _ in range(2):
        write(read("s2"), "out", "cvat", report=Report())
    write(read("s2"), "s2/new", "coco", report=Report())
