"""What only a source has words for is written back where the target has them, and counted where it has none."""

from dataclasses import replace

from encord_convert import LabelSet, Report
from encord_convert._samples import SAMPLES
from encord_convert.formats import format_named
from encord_convert.hub.native import Native, NativeColumns
from encord_convert.losses.narrow import predict


def sample() -> LabelSet:
    labels = SAMPLES["boxes"]()
    row = next(labels.walk())
    [first, *_] = row._objects
    row._native = Native("made-up", {"licence": 3, "more": {"a": 1, "b": [2, 3]}}, {first: {0: {"id": 9001}}})
    labels.native["made-up"] = {"info": {"year": 2026}, "classes": {"car": {"isthing": 0}}}
    return _with(labels, row)


def _with(labels: LabelSet, row: object) -> LabelSet:
    held = LabelSet(labels.ontology, (row,), title=labels.title)  # type: ignore[arg-type]
    held.native = labels.native
    return held


def lost(labels: LabelSet, *families: str) -> dict[str, int]:
    exporter = format_named("coco").exporter
    assert exporter is not None
    report = Report()
    predict(report, labels, replace(exporter.carries, native=frozenset(families)))
    return {loss.label: loss.count for loss in report.losses() if loss.code == "NATIVE_DROPPED"}


def test_native_keys_are_counted_by_their_leaves_where_the_target_has_no_word_for_them() -> None:
    assert lost(sample()) == {"class.isthing": 1, "image.licence": 1, "image.more": 3, "annotation.id": 1}
    assert lost(sample(), "made-up") == {}


def test_what_is_of_the_file_alone_is_a_note() -> None:
    exporter = format_named("coco").exporter
    assert exporter is not None
    report = Report()
    predict(report, sample(), exporter.carries)
    assert [note.count for note in report.notes() if note.code == "NATIVE_DROPPED"] == [1]


def test_columns_give_each_image_its_own_keys() -> None:
    columns = NativeColumns("coco", {1: {"license": 2}}, {2: {"area": 7.5}}, {"id": [139, 285]}, {"id": [1, 2, 9]})
    assert columns.row(0, ["a", "b"]) == Native("coco", {"id": 139}, {"a": {0: {"id": 1}}, "b": {0: {"id": 2}}})
    assert columns.row(1, ["c"], 2) == Native("coco", {"id": 285, "license": 2}, {"c": {0: {"id": 9, "area": 7.5}}})
    assert dict(columns.counts()) == {"image.id": 2, "image.license": 1, "annotation.id": 3, "annotation.area": 1}
