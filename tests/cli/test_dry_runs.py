"""A dry run says what the run would: its losses, its notes, and why it would be refused."""

from collections.abc import Callable
from pathlib import Path

import pytest

from encord_convert import Report, write
from encord_convert._samples import SAMPLES, Sample, box, mask_of
from encord_convert.cli import run
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape


def two_videos() -> LabelSet:
    s = Sample(DataType.VIDEO, frames=2, title="a.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    s.place(car, box())
    s.add_row(DataType.VIDEO, 2, "b.mp4")
    s.place(car, box())
    return s.done()


def boxes_and_masks() -> LabelSet:
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    s.place(s.draft.add_object("leaf", Shape.BITMASK), mask_of("11"))
    return s.done()


def frames_without_end() -> LabelSet:
    s = Sample(DataType.DICOM, frames=20_000_000, title="series")
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    return s.done()


@pytest.mark.parametrize(
    ("make", "to", "out", "more"),
    [
        (two_videos, "cvat", "out.xml", ()),
        (frames_without_end, "cvat", "out.xml", ()),
        (boxes_and_masks, "coco-results", "out.json", ()),
        (boxes_and_masks, "coco", "out.json", ("-w", "split_files=yes")),
        (boxes_and_masks, "coco", "out.json", ("-w", "category_ids=bus=3")),
        (boxes_and_masks, "coco-panoptic", "out", ("-w", "stuff=sky")),
        (frames_without_end, "coco", "out.json", ("-w", "frames=all")),
        (frames_without_end, "coco-ytvis", "out.json", ("-w", "frames=all")),
        (boxes_and_masks, "torchvision", "out", ()),
    ],
)
def test_a_dry_run_refuses_what_writing_refuses(
    make: Callable[[], LabelSet],
    to: str,
    out: str,
    more: tuple[str, ...],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    write(make(), tmp_path / "in", "encord", report=Report())
    target = "--target" if to == "torchvision" else "--to"
    words = ["convert", str(tmp_path / "in"), str(tmp_path / out), target, to, *more]
    wet, said = run(words), capsys.readouterr().err.splitlines()[-1]
    assert wet in (2, 5)
    assert run([*words, "--dry-run"]) == wet
    assert capsys.readouterr().err.splitlines()[-1] == said
    assert not (tmp_path / out).exists()


def test_a_dry_run_over_an_earlier_result_is_not_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(SAMPLES["boxes"](), tmp_path / "in", "encord", report=Report())
    words = [
        "convert",
        str(tmp_path / "in"),
        str(tmp_path / "out"),
        "--target",
        "torchvision",
        "--image-files",
        "leave",
    ]
    assert run(words) == 0
    assert run([*words, "--overwrite", "--dry-run"]) == 0
    assert run([*words, "--overwrite"]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(("sample", "to"), [("equal_titles", "coco"), ("dicom_metadata", "dicom"), ("tracks", "cvat")])
def test_a_dry_run_shows_the_notes_that_writing_shows(
    sample: str, to: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(SAMPLES[sample](), tmp_path / "in", "encord", report=Report())
    words = ["convert", str(tmp_path / "in"), str(tmp_path / "out"), "--to", to]
    told = []
    for more in (["--dry-run"], []):
        assert run([*words, *more]) == 0
        lines = capsys.readouterr().err.splitlines()
        told.append([line for line in lines if not line.startswith(("dry run", "wrote"))])
    assert told[0] == told[1]
