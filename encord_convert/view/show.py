"""Show a label set: the page and the contact sheet that ``encord-convert view`` writes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from encord_convert.formats._files import whole_file
from encord_convert.formats._finding import Finder, beside
from encord_convert.losses.compare import diff
from encord_convert.view.choice import Choice, choose, has_images
from encord_convert.view.contact_sheet import MOST_IMAGES, contact_sheet
from encord_convert.view.marks import MINOR, Marks
from encord_convert.view.page import page
from encord_convert.view.sample import LIMIT
from encord_convert.view.thumbnails import Thumbnails

if TYPE_CHECKING:
    from encord_convert.formats._files import Source
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.losses.report import Report

TOLERANCE_PX = 0.01
"""Tolerance for coordinates of two sets."""
NO_IMAGES = "No images were found for the labels. Name their folder or archive with --images."


@dataclass(frozen=True, slots=True)
class Shown:
    """Summary: number of shown images, of all images, and of major losses or differences.

    ``wrong_sizes`` has a sentence for each image whose size differs from its labels'.
    """

    images: int
    of: int
    losses: int
    has_images: bool
    wrong_sizes: tuple[str, ...] = ()


def show(
    labels: LabelSet,
    file: str | None,
    *,
    sheet_file: str | None = None,
    title: str = "",
    facts: list[tuple[str, object]] | None = None,
    command: str = "",
    images: Source | None = None,
    other: LabelSet | None = None,
    losses: Report | Marks | None = None,
    reading: Sequence[Report] = (),
    limit: int = LIMIT,
) -> Shown:
    """Write the page of a label set, a contact sheet of it, or both.

    Parameters
    ----------
    labels : LabelSet
    file, sheet_file : str, optional
        Paths of the page, and of the sheet, a PNG.
    title, facts, command : optional
        Page header.
    images : Source, optional
        Source of the images; default: found from the labels.
    other : LabelSet, optional
        Another set with the same images: differences are marked.
    losses : Report or Marks, optional
        Losses of a conversion of the set, which are marked.
    reading : sequence of Report, optional
        Reports of reading the sets; their losses are listed, too.
    limit : int
        Most images to show, evenly spaced; those with marks first.

    Raises
    ------
    ReadError, WriteError
    """
    if other is not None:
        marks = Marks.of_differences(diff(labels, other, tolerance_px=TOLERANCE_PX, splits=True))
    else:
        marks = losses if isinstance(losses, Marks) else Marks() if losses is None else _marks(losses)
    differing = sum(line.count for line in marks.lines)
    thumbnails = Thumbnails(_finder(labels, images))
    most = limit if file else min(limit, MOST_IMAGES)
    choice = choose(labels, marks, thumbnails, other=other, limit=most, has_drawings=sheet_file is not None)
    for report in reading:  # complete after the walk
        marks.lines += Marks.of_losses(report.losses(), None).lines
    if file:
        what = "differences" if other is not None else "losses"
        with whole_file(file, "the page") as stream:
            for piece in page(
                choice, marks, thumbnails, title=title or labels.title or "Labels", facts=_facts(choice, facts or []),
                command=command, notices=list(_notices(choice, marks, what)), marked_words=what,
            ):  # fmt: skip
                stream.write(piece)
    if sheet_file:
        with whole_file(sheet_file, "the contact sheet") as stream:
            stream.buffer.write(contact_sheet(choice, thumbnails))
    lost = sum(line.count for line in marks.lines if line.gravity < MINOR)
    count = lost if other is None else differing
    return Shown(len(choice.shown), choice.images, count, has_images(choice), tuple(thumbnails.wrong_sizes.values()))


def _marks(report: Report) -> Marks:
    return Marks.of_losses(report.losses(), report.target.format)


def _finder(labels: LabelSet, images: Source | None) -> Finder | None:
    if images is not None:
        return Finder(images)
    return None if labels.source is None else beside(labels.source)


def _facts(choice: Choice, given: list[tuple[str, object]]) -> list[tuple[str, object]]:
    rows = [] if choice.rows == choice.images else [("rows", f"{choice.rows:,}")]
    return [*given, ("images", f"{choice.images:,}"), *rows, ("annotations shown", f"{choice.counts.total():,}")]


def _notices(choice: Choice, marks: Marks, what: str) -> Iterator[str]:
    shown = len(choice.shown)
    if shown < choice.images:
        first = f" The {what} come first." if marks.lines else ""
        yield f"{shown:,} of {choice.images:,} images are shown, evenly spaced; --limit shows more.{first}"
    if not has_images(choice):
        yield NO_IMAGES
    hidden = sum(line.count - len(line.places) for line in marks.lines if what == "losses")
    if hidden:
        yield "A report has the first 20 locations of each loss: those are marked, all are counted."
