"""What the tests of small formats share: every fixture goes to its own format, to COCO and to the hub, and back."""

import contextlib
import io
import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from encord_convert import Report, convert, read, write
from encord_convert.formats import MemorySource, MemoryTarget, format_named
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.compare import diff

FIXTURES = Path(__file__).parents[2] / "fixtures"


def cases(name: str) -> list[Path]:
    return sorted(case for case in (FIXTURES / name).iterdir() if case.is_dir())


def options_of(case: Path) -> dict[str, Any]:
    return json.loads(file.read_text()) if (file := case / "options.json").exists() else {}


class Read:
    """What reading files gave: the labels, their rows, the account."""

    def __init__(self, name: str, files: Mapping[str, str | bytes] | Path, **options: Any) -> None:
        importer = format_named(name).importer
        assert importer is not None
        self.report = Report()
        if isinstance(files, Path):
            self.labels: LabelSet = read(files, name, report=self.report, **options)
        else:
            members = {key: text if isinstance(text, bytes) else text.encode() for key, text in files.items()}
            self.labels = importer.read(MemorySource(members), importer.options(**options), self.report)
        self.rows = list(self.report.rows(self.labels))

    @property
    def objects(self) -> list[Any]:
        return [one for row in self.rows for one in row._objects.values()]

    @property
    def losses(self) -> Counter[str]:
        counts: Counter[str] = Counter()
        for loss in self.report.losses():
            counts[loss.code] += loss.count
        return counts

    @property
    def notes(self) -> list[str]:
        return [note.code for note in self.report.notes()]

    def count(self, type_: str) -> int:
        return sum(count for key, count in self.labels.counts.into.items() if key[0] == type_)  # type: ignore[union-attr]


def written(name: str, labels: LabelSet, **options: Any) -> tuple[dict[str, bytes], Report]:
    target = MemoryTarget()
    report = write(labels, target, name, report=Report(), **options)
    return target.files, report


def comes_back(name: str, case: Path, folder: Path) -> None:
    """A source written in its own format is read as what it was."""
    labels = read(case, name, report=Report(), **options_of(case)).held()
    report = write(labels, folder, name, report=Report())
    assert not [
        loss for loss in report.losses() if str(loss.feature) not in ("manual", "shape", "degenerate", "tracks")
    ]
    carries = format_named(name).exporter.carries  # type: ignore[union-attr]
    assert not list(diff(labels, read(folder, name, report=Report()), carries=carries))


def goes_through_the_hub(name: str, case: Path, folder: Path) -> None:
    """Nothing but what is native is lost on the way to ``encord``, and the same labels come from there."""
    labels = read(case, name, report=Report(), **options_of(case)).held()
    report = write(labels, folder / "encord", "encord", report=Report())
    assert {loss.code for loss in report.writing.losses()} <= {"NATIVE_DROPPED"}
    back = read(folder / "encord", "encord", report=Report())
    carries = format_named(name).exporter.carries  # type: ignore[union-attr]
    write(back, folder / "again", name, report=Report())
    assert not list(diff(labels, read(folder / "again", name, report=Report()), carries=carries))


def coco_agrees(name: str, case: Path, folder: Path, kind: str = "bbox") -> COCO:
    """pycocotools loads what COCO is written, and finds its own boxes, or masks, all of them."""
    convert(case, folder, from_=name, to="coco", report=Report(), read_options=options_of(case))
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "annotations.json"))
        key = "bbox" if kind == "bbox" else "segmentation"
        results = [
            {"image_id": one["image_id"], "category_id": one["category_id"], key: one[key], "score": 1.0}
            for one in truth.dataset["annotations"]
            if one.get(key)
        ]
        for one in truth.dataset["annotations"]:
            one["iscrowd"] = 0
        evaluation = COCOeval(truth, truth.loadRes(results), kind)
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    assert evaluation.stats[0] == pytest.approx(1.0)
    return truth
