"""A check: one walk over the rows, checked here and narrowed to what the trainer takes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

from encord_convert.checks.findings import MOST_PLACES, Result, not_read, of_report, own_findings, sorted_findings
from encord_convert.checks.fixes import TOLERANCE_PX, own_format, with_fixes
from encord_convert.checks.images import Images
from encord_convert.checks.leaks import Leaks
from encord_convert.checks.rows import Rows, place_of
from encord_convert.checks.screen import suspects, unwritable
from encord_convert.conversion import read, write
from encord_convert.errors import OptionError, WriteError
from encord_convert.formats._files import Source, Target, source_at
from encord_convert.formats._finding import Finder, beside
from encord_convert.formats._registry import format_named
from encord_convert.hub.counts import Counts, examples_kept
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature, Kind, Where
from encord_convert.hub.native import UNREAD, WORDS
from encord_convert.hub.table import Table, Variant
from encord_convert.hub.visibility import CROWD
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.training import TARGETS, target_named

COCO = "coco"
"""Not a trainer but any reader of COCO files."""

_ANY = Carries(
    shapes=frozenset([*Shape, *NewerShape]),
    data_types=frozenset(DataType),
    features=frozenset(Feature) - {Feature.DEGENERATE, Feature.OUT_OF_BOUNDS},
    tolerance_px=TOLERANCE_PX,
    codes={Feature.OUT_OF_BOUNDS: "OUT_OF_BOUNDS"},
    native=frozenset({"coco", "cvat", "voc", "yolo", UNREAD, *WORDS}),
)
"""Checks without a trainer: shapes are not empty and lie in their image."""


def check(
    path: str | os.PathLike[str] | Source,
    format: str | None = None,
    *,
    target: str | None = None,
    task: str | None = None,
    leaks: bool = False,
    images: str | None = None,
    fix: str | os.PathLike[str] | Target | None = None,
    clear: bool = False,
    **options: Any,
) -> Result:
    """Check labels of any format, and their images.

    Parameters
    ----------
    path, format, **options
        As of :func:`encord_convert.read`.
    target : str, optional
        A trainer, of :data:`encord_convert.training.TARGETS`, or ``coco`` for whatever reads COCO files: also find what
        it would drop or fail on.
    task : str, optional
        Task of ``ultralytics``; default: from the shapes of the source.
    leaks : bool
        Compare the splits.
    images : str, optional
        Folder or ZIP with the images; by default they are looked for by the labels.
    fix : path or Target, optional
        Rewrite the labels in their own format with fixes; nothing if there is nothing to fix.
    clear : bool
        As of :func:`encord_convert.write`.

    Raises
    ------
    OptionError
        Unknown target or task, ``fix`` for a format that cannot be written, or ``leaks`` without two splits.
    ReadError
    WriteError
        Of ``fix``; also if something could not be read and would be missing.
    """
    if target is not None and target not in (COCO, *TARGETS):
        raise OptionError(f"There is no target named {target!r}. Known: {', '.join(sorted((COCO, *TARGETS)))}.")
    source = path if isinstance(path, Source) else source_at(path)
    with examples_kept(MOST_PLACES), ExitStack() as stack:
        report = _Placed()
        labels = read(source, format, report=report, **options)
        writer = None if fix is None else own_format(labels, report.source.format or "")
        if fix is not None and writer is None:
            raise OptionError(f"fix: {report.source.format} can be read, but not written.")
        finder = beside(source) if images is None else Finder(stack.enter_context(source_at(images)))
        result = Result(report, target)
        if target == "ultralytics":
            result.task = task or _task_of(labels, report.source.format)
        elif task is not None:
            raise OptionError(f"task goes with the target ultralytics; task={task} was given.")
        report.target.format = target
        carries = _carries_of(target, result.task)
        needs_outlines = (report.source.format, target) == (COCO, "torchvision")
        walk = _Walk(labels, finder, leaks, report, carries, needs_outlines)
        for _ in Narrowed(walk.labels(), report, carries):
            pass
        report.rows_read = walk.rows
        shared = walk.finish()
        if leaks and len(shared) < 2:
            raise OptionError(_unsplit(source.name, [*shared]))
        result.leaks = shared if leaks else None
        result.images = {"looked": walk.images.looked, "found": walk.images.found}
        found = [*of_report(report, target, report.unfixed), *own_findings(walk.counts.losses())]
        result.findings, result.counts = sorted_findings(found)
        if target is not None:
            shapes = {item.shape: None for item in labels.ontology.objects}
            result.redrawn = [str(s.value) for s in shapes if s in carries.approximates or s in carries.redrawn]
        if fix is not None and (left := not_read(report)):
            raise WriteError(_unread(fix, left))
        if fix is not None and result.is_mendable:
            result.fixed = write(
                with_fixes(labels, walk.right_size), fix, writer, report=_of_fix(report), clear=clear,
            )  # fmt: skip
    return result


def _unsplit(name: str, splits: list[str]) -> str:
    fact = f"all of {name} is in the split {splits[0]}" if splits else f"{name} has no splits"
    advice = "Keep the labels of each split in a folder of its name: train, val, test."
    return f"leaks: {fact}, so there is nothing to compare. {advice}"


def _unread(fix: Any, left: dict[str, int]) -> str:
    """Raise since the fixed labels would lack what could not be read."""
    codes = ", ".join(f"{code} {count}" for code, count in left.items())
    advice = "Fix the source there first; check without --fix lists the locations."
    if left.keys() == {"SIZE_UNKNOWN"}:
        advice = "Put the images next to the labels, or give -r size=WIDTHxHEIGHT."
    place = fix if isinstance(fix, str | os.PathLike) else "fix"
    return f"{os.fspath(place)}: not written, since what could not be read would be missing ({codes}). {advice}"


class _Placed(Report):
    """A report that locates annotations also by id or index.

    ``unfixed`` holds hashes of objects that leave their image and cannot be clipped.
    """

    def __init__(self) -> None:
        super().__init__()
        self.unfixed: set[str] = set()

    def drop(self, instance: Any, frame: int, code: str, feature: Feature, detail: str) -> None:
        if feature is Feature.OUT_OF_BOUNDS and instance._item.shape is Shape.SKELETON:
            self._stays(instance)
        super().drop(instance, frame, code, feature, detail)

    def change(self, instance: Any, frame: int, kind: Kind, code: str, feature: Feature, detail: str) -> None:
        if feature is Feature.OUT_OF_BOUNDS and instance._item.shape not in _CUT:
            self._stays(instance)
        super().change(instance, frame, kind, code, feature, detail)

    def _stays(self, instance: Any) -> None:
        if len(self.unfixed) < 100 * MOST_PLACES:  # no more are listed, of a hundred classes
            self.unfixed.add(instance._hash)

    def _where(self, instance: Any, frame: int) -> Where:
        return place_of(self._row, instance, frame)


_CUT = frozenset({Shape.BOUNDING_BOX, Shape.POLYGON})


def _of_fix(report: Report) -> Report:
    fixed = Report()
    fixed.source, fixed.finding = report.source, report.finding
    return fixed


class _Walk:
    """Checks the rows of a set as they are walked; each walk starts over.

    Of a table only images that may have findings are checked.
    """

    def __init__(
        self,
        labels: LabelSet,
        finder: Finder | None,
        leaks: bool,
        report: Report,
        carries: Carries,
        needs_outlines: bool,
    ) -> None:
        self._labels = labels
        self._finder = finder
        self._leaks = leaks
        self._report = report
        self._carries = carries
        self._looks_at_all = needs_outlines or (carries.limits.drops_crowds and _has_crowds(labels))
        self._needs_outlines = needs_outlines
        self._begin()

    def _begin(self) -> None:
        self.rows = 0
        self.counts = Counts()
        self.images, self._shared = Images(self._finder, self.counts), Leaks(self.counts)
        self._lookout = Rows(self.counts, self._needs_outlines)

    def labels(self) -> LabelSet:
        """Return the set whose rows are checked as they are walked."""
        labels = self._labels
        tapped = LabelSet(labels.ontology, self._rows, title=labels.title, counts=labels.counts)
        tapped.native, tapped.mapping, tapped.splits = labels.native, labels.mapping, ()
        return tapped

    def _rows(self) -> Iterator[LabelRowV2]:
        self._begin()
        for table in self._labels.tables():
            if isinstance(table, Table):
                for number in range(len(table)):
                    self._see(table.empty_row(number), partial(table.row, number))
                for number in self._chosen(table):
                    self._lookout.see(table.row(number))
                    yield table.row(number)
            else:
                self._see(table, partial(_itself, table))
                self._lookout.see(table)
                yield table

    def _chosen(self, table: Table) -> Sequence[int]:
        """Return the images of a table that may have findings."""
        if self._looks_at_all:
            return range(len(table))
        some = suspects(table, TOLERANCE_PX, self._carries)
        for number, shapes in unwritable(table, self._carries).items():
            if number not in some and not _dropped(self._report, shapes, self._carries):
                some.add(number)
        return sorted(some)

    def _see(self, row: LabelRowV2, full: Callable[[], LabelRowV2]) -> None:
        self.rows += 1
        self.images.see(row, full)
        if self._leaks:
            self._shared.see(row, self.images)

    def finish(self) -> dict[str, tuple[int, int]]:
        """Count the findings known at the end, of images and splits."""
        self.images.settle()
        found = self._shared.finish(self.images) if self._leaks else {}
        self.images.finish(self._shared.same_files)
        return found

    def right_size(self, row: LabelRowV2) -> tuple[int, int] | None:
        """Return the size of the image of a row, if the row says another that is plainly wrong."""
        return self.images.right_size(row) if self.images.has_wrong_sizes else None


def _itself(row: LabelRowV2) -> LabelRowV2:
    return row


def _has_crowds(labels: LabelSet) -> bool:
    return any(attribute.title.lower() in CROWD for item in labels.ontology.objects for attribute in item.attributes)


def _dropped(report: Report, shapes: list[tuple[Variant, Shape]], carries: Carries) -> bool:
    """Count shapes that a target cannot hold, if enough locations are listed already; return whether so."""
    lost = []
    for variant, shape in shapes:
        loss = Kind.DROPPED, carries.code(shape), Feature.SHAPE, (variant.type, variant.label)
        weight = 1 if variant.weights is None else variant.weights.get(0, (0, ()))[0]
        if weight and report.writing.wants_examples(*loss):
            return False
        lost += [loss] * weight
    for loss in lost:
        report.writing.lose_more(*loss)
    return True


def _carries_of(target: str | None, task: str | None) -> Carries:
    """Return what a target takes; without one, non-empty shapes inside the image."""
    if target is None:
        return _ANY
    if target != COCO:
        exporter = target_named(target, task=task).exporter
        assert exporter is not None
        return exporter.carries
    exporter = format_named(COCO).exporter
    assert exporter is not None
    features = exporter.carries.features - {Feature.DEGENERATE, Feature.OUT_OF_BOUNDS}
    return replace(exporter.carries, features=features, tolerance_px=TOLERANCE_PX)


def _task_of(labels: LabelSet, format_: str | None) -> str:
    """Return the Ultralytics task for a source: from its shapes if they agree, else boxes."""
    shapes = [item.shape for item in labels.ontology.objects]
    if format_ == "yolo":  # the shape of its task comes first
        shapes = shapes[:1]
    tasks = {"pose": {Shape.SKELETON}, "obb": {Shape.ROTATABLE_BOUNDING_BOX}, "segment": {Shape.POLYGON, Shape.BITMASK}}
    return next((task for task, known in tasks.items() if shapes and known.issuperset(shapes)), "detect")
