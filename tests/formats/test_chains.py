"""CVAT to COCO and back, and COCO to CVAT and back: what the steps do not predict to lose comes back the same."""

from collections import Counter
from functools import reduce
from pathlib import Path

import pytest

from encord_convert import Report, read, write
from encord_convert.formats import format_named
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries
from encord_convert.losses.compare import diff
from encord_convert.losses.redraw import redrawn
from encord_convert.testing import tally

FIXTURES = Path(__file__).parents[2] / "fixtures"
ELEMENTS = {"box", "polygon", "polyline", "points", "ellipse", "cuboid", "mask", "skeleton", "bbox", "rle", "keypoints"}
"""What shapes are called in accounts of labels that were read: by the words of their source."""

OPTIONS = {"authored-images-v1.0": {"size": "10x10"}}
CASES = [
    (name, case.name, *via)
    for name, *via in (("cvat", "coco", "cvat"), ("coco", "cvat", "coco"))
    for case in sorted((FIXTURES / name).iterdir())
    if case.is_dir()
]


def carried(name: str) -> Carries:
    exporter = format_named(name).exporter
    assert exporter is not None
    return exporter.carries


def both(one: Carries, other: Carries) -> Carries:
    """Return what survives two formats, one after the other."""
    reached = (one.shapes | one.approximates) & (other.shapes | other.approximates)
    return Carries(
        shapes=one.shapes & other.shapes,
        data_types=one.data_types & other.data_types,
        features=one.features & other.features,
        tolerance_px=one.tolerance_px + other.tolerance_px,
        approximates=reached - one.shapes & other.shapes,
        alters=one.alters | other.alters,
    )


def step(labels: LabelSet, to: str, folder: Path) -> tuple[LabelSet, Report]:
    """Write labels, which loses what is predicted and nothing else, and read them again, which loses nothing."""
    report = write(labels, folder, to, report=Report())
    assert tally(report.writing.losses()) == tally(Report.predict(labels, carried(to)).writing.losses())
    reading = Report()
    back = read(folder, to, report=reading).held()
    assert [str(loss) for loss in reading.losses()] == []
    return back, report


@pytest.mark.proves("labels: 48")
@pytest.mark.parametrize(("name", "case", "first", "second"), CASES, ids=lambda word: word)
def test_a_file_comes_back_but_for_what_the_steps_predict(
    name: str, case: str, first: str, second: str, tmp_path: Path
) -> None:
    before = read(FIXTURES / name / case, name, report=Report(), **OPTIONS.get(case, {})).held()
    there, out = step(before, first, tmp_path / "there")
    back, home = step(there, second, tmp_path / "back")
    narrowed = reduce(both, [carried(first), carried(second)])
    assert narrowed.tolerance_px <= 0.01
    assert [str(one) for one in diff(before, back, carries=narrowed)] == []
    if not out.writing.losses() and not home.writing.losses():
        assert [str(one) for one in diff(before, back, tolerance_px=narrowed.tolerance_px)] == []


def places(labels: LabelSet) -> Counter[tuple[str, str]]:
    """Count the places of objects by class and shape."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in labels:
        for one in row._objects.values():
            counts[one.object_name, one.ontology_item.shape.value] += len(one._frames)
    return counts


BESIDE = {
    "answer", "author", "group_id", "key", "occluded", "review", "source", "timestamp", "track", "z_order",
}  # fmt: skip
"""What a label says beside its geometry and class, by the type it is counted under."""


@pytest.mark.proves("labels: 48")
@pytest.mark.parametrize(("name", "case", "first", "second"), CASES, ids=lambda word: word)
def test_what_a_chain_loses_is_what_it_predicts_and_no_class_or_question_beside(
    name: str, case: str, first: str, second: str, tmp_path: Path
) -> None:
    before = read(FIXTURES / name / case, name, report=Report(), **OPTIONS.get(case, {})).held()
    there, out = step(before, first, tmp_path / "there")
    back, home = step(there, second, tmp_path / "back")
    before = redrawn(before, carried(first)).held()
    assert back.ontology.to_dict() == before.ontology.to_dict()
    shapes = {one.shape.value for one in before.ontology.objects}
    dropped: Counter[str] = Counter()
    for loss in (*out.writing.losses(), *home.writing.losses()):
        if str(loss.kind) == "dropped" and loss.type != "key":  # numbers of the source, not labels
            if loss.type in shapes or loss.type in ELEMENTS:
                dropped[loss.label] += loss.count
            else:
                assert loss.type in BESIDE, loss
    lost: Counter[str] = Counter()
    for (label, _), count in (places(before) - places(back)).items():
        lost[label.partition(" (")[0].replace("unlabeled", "")] += count
    assert places(back) <= places(before)
    assert lost.keys() == (+dropped).keys()
    # A source counts the absent shapes that close its tracks too, which are on no frame.
    assert lost <= dropped
