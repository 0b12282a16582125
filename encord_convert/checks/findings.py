"""Findings: which losses and notes are faults of a data set, their order, and their fixes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from encord_convert.formats.yolo.read import TWICE, UNREADABLE
from encord_convert.hub.counts import SECONDARY
from encord_convert.hub.loss import Feature, Kind, Level, Loss, Note, Where
from encord_convert.losses.codes import LOSSES, NOTES
from encord_convert.losses.report import Report

MOST_PLACES = 1000
"""Number of locations listed per kind of finding; all are counted."""

_OF_READING = frozenset({
    "AMBIGUOUS_IMAGE", "CLASS_UNKNOWN", "DAMAGED", "DUPLICATE", "DUPLICATE_ID", "DUPLICATE_IMAGE", "DUPLICATE_UID",
    "EMPTY_MASK", "EMPTY_TRACK", "FILE_DAMAGED", "FRAME_BEYOND", "IMAGE_DIFFERS", "INVALID_ANNOTATION", "INVALID_BBOX",
    "INVALID_BOX", "INVALID_CATEGORY", "INVALID_GEOMETRY", "INVALID_KEYPOINTS", "INVALID_POLYGON", "INVALID_RLE",
    "INVALID_ROTATION", "INVALID_ROW", "INVALID_SHAPE", "KEYPOINT_UNKNOWN", "LABEL_RENAMED", "MASK_EXTENT",
    "NAME_MISSING", "NOT_RECTANGULAR", "NO_IMAGE", "ORPHAN_CATEGORY", "ORPHAN_IMAGE", "OUT_OF_BOUNDS",
    "PANOPTIC_PNG_MISSING", "SIZE_MISMATCH", "SIZE_UNKNOWN", "TRUNCATED", "TRUNCATED_PIXELS", "UNDECLARED_LABEL",
    "UNREADABLE", "VALUE_COUNT",
})  # fmt: skip
"""Reading losses that are faults of the source, not limits of the hub."""

_NOTHING_THERE = frozenset({"EMPTY_MASK", "EMPTY_TRACK", "OUT_OF_BOUNDS"})
"""Those with one right fix: the shape covers nothing of its image and is dropped."""

_NOTED = frozenset({
    "BBOX_SUSPECT_FORMAT", "CLASS_COUNT", "CLASS_NAMES_MISSING", "CONFIDENCE_DOUBTFUL", "CORNERS_SWAPPED",
    "DUPLICATE_ID", "DUPLICATE_IMAGE", "EMPTY_TRACK", "FILENAME_DIFFERS", "FILE_DAMAGED", "FRAME_BEYOND",
    "INVALID_GEOMETRY", "INVALID_ONTOLOGY", "INVALID_POLYGON", "INVALID_RLE",
    "INVALID_ROTATION", "INVALID_YAML", "KEYPOINT_CONFIDENCE", "MISSING_SLICES", "NAME_CLASH", "NO_STACK",
    "ROWS_DIFFER", "SCAN_DOUBTFUL", "SERIES_DIFFERS", "SET_WITHOUT_IMAGE", "SIZE_MISMATCH",
    "SIZE_UNKNOWN", "SPLIT_MISSING", "SPLIT_OVERLAP", "STUFF_TWICE", "TRAINER_SKIPS", "UNDECLARED_LABEL",
    "VISIBILITY_UNKNOWN",
})  # fmt: skip
"""Reading notes that indicate a fault."""

_STOPS: dict[str, frozenset[str]] = {
    "detectron2": frozenset({"DUPLICATE_ID"}),
    "hf": frozenset({"AREA_DERIVED"}),
    "rfdetr": frozenset({"AREA_DERIVED"}),
    "torchvision": frozenset({"AREA_DERIVED", "ISCROWD_MISSING", "OUTLINE_MISSING"}),
    "ultralytics": frozenset({"TRAINER"}),
}
"""Reading notes that are at most a minor fault, except for a trainer, which fails on them.

Source: ``ConvertCoco`` of RF-DETR 1.11.2 and ``coco_utils`` of torchvision's references ask each annotation for its
``area``, the latter for ``iscrowd`` and ``segmentation`` too; ``load_coco_json`` of Detectron2 asserts that ids of
annotations are unique; ``check_det_dataset`` of ultralytics 8.4.190 refuses a ``data.yaml`` without ``val``.
"""

_LEARNT = frozenset({
    Feature.DEGENERATE, Feature.EMPTY_ROWS, Feature.GROUPS, Feature.MEDIA, Feature.OUT_OF_BOUNDS, Feature.OVERLAPS,
    Feature.SHAPE,
})  # fmt: skip
"""Features that trainers learn from: only their losses are findings for a target."""

CHANGES = frozenset({"HOLES_FILLED", "KEYPOINT_UNKNOWN", "MASK_AS_POLYGON", "MASK_NOT_LOADED"})
"""Changes for a target that are findings; other shapes only change form."""

_FIXES = {Feature.DEGENERATE: "dropped", Feature.OUT_OF_BOUNDS: "dropped"}
FIXABLE = "fixable"
"""Type of findings of this package that have one right fix."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault at one location.

    Attributes
    ----------
    code : str
        Stable, of :mod:`encord_convert.losses.codes`.
    is_error : bool
        Whether a reader or trainer loses a label or an image; otherwise it misreads it.
    where : Where
        ``file``, ``line`` (one-based), ``row`` (the image), ``frame`` (from 0), ``element`` (the annotation).
    sentence : str
    label : str
        The class, if any.
    fix : str or None
        What ``--fix`` makes of it: ``dropped``, ``clipped to the image``, ``size corrected`` …
    count : int
        Number of things affected.
    """

    code: str
    is_error: bool
    where: Where
    sentence: str
    label: str = ""
    fix: str | None = None
    count: int = 1

    def to_dict(self) -> dict[str, Any]:
        """Return the form of ``--json``."""
        where = self.where
        return {
            "code": self.code,
            "level": "error" if self.is_error else "warning",
            "file": where.file,
            "line": where.line,
            "image": where.row,
            "frame": where.frame,
            "annotation": where.element,
            "class": self.label or None,
            "sentence": self.sentence,
            "fix": self.fix,
            "count": self.count,
        }


@dataclass(slots=True)
class Result:
    """What :func:`check` found.

    Attributes
    ----------
    report : Report
        Of reading.
    target : str or None
    task : str or None
        Of ``ultralytics``.
    findings : list of Finding
        Errors first, then by frequency of the kind; up to :data:`MOST_PLACES` of each kind.
    counts : dict of str to int
        All findings by code, listed or not.
    leaks : dict of str to (int, int), or None
        By split, the number of images that share something with another split, and of all. None: not checked.
    images : dict of str to int
        Number of images ``found`` next to the labels, and ``looked`` for.
    redrawn : list of str
        Shapes that the target takes in another form by design, which is not a finding: polygons as boxes.
    fixed : Report or None
        Of writing, with ``fix``.
    """

    report: Report
    target: str | None = None
    task: str | None = None
    findings: list[Finding] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    leaks: dict[str, tuple[int, int]] | None = None
    images: dict[str, int] = field(default_factory=dict)
    redrawn: list[str] = field(default_factory=list)
    fixed: Report | None = None

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.counts

    @property
    def is_mendable(self) -> bool:
        """Whether a listed finding has one right fix."""
        return any(f.fix for f in self.findings) or sum(self.counts.values()) > sum(f.count for f in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the form of ``--json``."""
        leaks = (self.leaks or {}).items()
        return {
            "source": self.report.source.to_dict(),
            "target": self.target,
            "task": self.task,
            "images": self.images,
            "redrawn": self.redrawn,
            "counts": self.counts,
            "findings": [finding.to_dict() for finding in self.findings],
            "leaks": {split: {"shared": shared, "images": count} for split, (shared, count) in leaks},
            "fixed": None if self.fixed is None else self.fixed.to_dict(),
        }


def meaning(code: str, target: str | None) -> str:
    """Return the meaning of a code as a clause."""
    words = _MEANINGS.get(code) or LOSSES.get(code) or NOTES.get(code, "")
    return words.replace("{target}", target or "the format")


_MEANINGS = {
    "CLIPPED": "outside the image, or across its border",
    "DUPLICATE_ID": NOTES["DUPLICATE_ID"],
    "DUPLICATE_IMAGE": "two images are the same file, or share a name",
    "MASK_NOT_LOADED": "masks that are not loaded",
    "MISSING_MEDIA": "the image is missing",
    "OUT_OF_BOUNDS": NOTES["OUT_OF_BOUNDS"],
    "SIZE_MISMATCH": NOTES["SIZE_MISMATCH"],
    "UNDECLARED_LABEL": NOTES["UNDECLARED_LABEL"],
}
"""Meanings of codes that differ between checks and conversions."""


def of_report(
    report: Report, target: str | None, unfixed: Collection[str | None]
) -> Iterator[tuple[list[Finding], int]]:
    """Yield the findings among losses and notes, with their counts.

    ``unfixed`` holds hashes of objects that leave their image and are not clipped by ``--fix``.
    """
    for loss in report.reading.losses():
        if loss.code in _OF_READING:
            yield _of_loss(loss, "dropped" if loss.code in _NOTHING_THERE and loss.kind is Kind.DROPPED else None)
    for note in (*report.finding.notes(), *report.reading.notes()):
        stops = note.code in _STOPS.get(target or "", ())
        if (note.code in _NOTED or stops) and note.detail not in (TWICE, UNREADABLE):
            yield _of_note(note, stops)
    for loss in report.writing.losses():
        if is_fault(loss):
            yield _of_loss(loss, _fix_of(loss), unfixed if loss.feature is Feature.OUT_OF_BOUNDS else ())


def not_read(report: Report) -> dict[str, int]:
    """Return counts by code of what could not be read and may not simply be dropped.

    Rewriting the labels would omit it, which would teach a model that nothing is there.
    """
    sums: Counter[str] = Counter()
    for loss in report.reading.losses():
        if loss.code in _OF_READING - _NOTHING_THERE and loss.kind is Kind.DROPPED:
            sums[loss.code] += loss.count
    return dict(sums)


def own_findings(losses: Iterable[Loss]) -> Iterator[tuple[list[Finding], int]]:
    """Yield the findings of losses counted by this package's checks."""
    for loss in losses:
        fix = _OWN_FIXES.get(loss.code) if loss.type == FIXABLE else None
        yield _of_loss(loss, fix)


_NOTE_FIXES = {"AREA_DERIVED": "computed", "DUPLICATE_ID": "renumbered", "ISCROWD_MISSING": "written as 0"}
_OWN_FIXES = {"DUPLICATE_ANNOTATION": "dropped", "SIZE_MISMATCH": "size corrected", "INVALID_BBOX": "box of the shape"}


def is_fault(loss: Loss) -> bool:
    """Return whether a loss for a target is a fault of the data set."""
    if loss.type in SECONDARY and loss.type not in ("image", "row", "file"):
        return False
    if loss.kind is Kind.DROPPED:
        return loss.feature in _LEARNT
    return loss.code in CHANGES or loss.feature in (Feature.OUT_OF_BOUNDS, Feature.DEGENERATE)


def _fix_of(loss: Loss) -> str | None:
    if loss.code == "TOO_SMALL" or loss.feature not in _FIXES:
        return None
    if loss.kind is Kind.DROPPED:
        return _FIXES[loss.feature]
    return "clipped to the image" if loss.feature is Feature.OUT_OF_BOUNDS else "the empty part is dropped"


def _of_loss(loss: Loss, fix: str | None, unfixed: Collection[str | None] = ()) -> tuple[list[Finding], int]:
    is_error = loss.kind is Kind.DROPPED
    found = [
        Finding(loss.code, is_error, where, detail, loss.label, None if where.object_hash in unfixed else fix)
        for where, detail in loss.examples
    ]
    return found, loss.count


def _of_note(note: Note, stops: bool) -> tuple[list[Finding], int]:
    is_error = stops or note.level is Level.ERROR or note.code == "TRAINER_SKIPS"
    share = note.count if len(note.places) == 1 else 1
    fix = _NOTE_FIXES.get(note.code) if note.level is not Level.ERROR else None
    return [Finding(note.code, is_error, where, note.detail, fix=fix, count=share) for where in note.places], note.count


def sorted_findings(found: Iterable[tuple[list[Finding], int]]) -> tuple[list[Finding], dict[str, int]]:
    """Return findings, the worst first, and their counts by code."""
    sums: Counter[str] = Counter()
    listed: dict[str, list[Finding]] = {}
    for findings, count in found:
        if findings:
            sums[findings[0].code] += count
            listed.setdefault(findings[0].code, []).extend(findings)
    order = sorted(listed, key=lambda code: (not any(item.is_error for item in listed[code]), -sums[code], code))
    kept = [entry for code in order for entry in sorted(listed[code], key=_place)[:MOST_PLACES]]
    return kept, {code: sums[code] for code in order}


def _place(finding: Finding) -> tuple[bool, str, int, str, int]:
    where = finding.where
    return not finding.is_error, where.file or "", where.line or 0, where.row or "", where.frame or 0
