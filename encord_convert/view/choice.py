"""Chooses the images of a page or contact sheet, each with its labels and losses.

When two sets are compared an image shows the first, overlaid with what is missing or differs in the second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from encord_convert.view.content import Content, Renderer
from encord_convert.view.labels import Classes, Labels
from encord_convert.view.sample import LIMIT, Sampled, sample
from encord_convert.view.thumbnails import MISSING, Thumbnails

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.view.marks import MarkIndex, Marks


@dataclass(slots=True)
class Choice:
    """The shown images in order, out of ``images`` in ``rows``."""

    shown: list[Sampled[Content]]
    classes: Classes
    images: int
    rows: int

    @property
    def counts(self) -> Counter[int]:
        """Number of shown labels by class number."""
        return sum((image.content.counts for image in self.shown), Counter())


def has_images(choice: Choice) -> bool:
    """Return whether any image was found; True if none is shown."""
    return not choice.shown or any(image.content.image.note != MISSING for image in choice.shown)


def choose(
    labels: LabelSet,
    marks: Marks,
    thumbnails: Thumbnails,
    *,
    other: LabelSet | None = None,
    limit: int = LIMIT,
    has_drawings: bool = False,
) -> Choice:
    """Choose the images to show, those with marks first, and collect their labels.

    Parameters
    ----------
    labels : LabelSet
    marks : Marks
        Its losses, or differences of ``other``.
    thumbnails : Thumbnails
        Finds the images.
    other : LabelSet, optional
        Another set with the same images.
    limit : int
        How many images.
    has_drawings : bool
        Whether Pillow draws them, too.
    """
    classes = Classes()

    def renderer(shown: LabelSet, places: MarkIndex) -> Renderer:
        on_frames = Labels(shown.ontology, classes, places)
        return Renderer(on_frames, places, marks.lines, thumbnails, has_drawings=has_drawings)

    first = marks.ours.gravest(limit)
    found = sample(labels, renderer(labels, marks.ours), limit=limit, first=first, tells_copies=other is not None)
    choice = Choice(found.shown, classes, found.images, found.rows)
    if other is not None:
        _add_other(choice, other, renderer(other, marks.theirs), marks)
    return choice


def _add_other(choice: Choice, other: LabelSet, render: Renderer, marks: Marks) -> None:
    wanted = marks.theirs.gravest(len(choice.shown) or LIMIT)
    added = {(title, frame) for title, frames in wanted.items() for frame in frames}
    for image in choice.shown:
        wanted.setdefault(image.title, set()).add(image.frame)
    theirs = {
        image.key: image for image in sample(other, render, first=wanted, only_first=True, tells_copies=True).shown
    }
    for image in choice.shown:
        match = theirs.pop(image.key, None)
        if match is not None:
            _merge(image, match.content, marks.ours)
    rows = choice.rows
    for image in theirs.values():
        if (image.title, image.frame) in added:
            image.row += rows
            image.content.labels = msgspec.json.encode(_added(msgspec.json.decode(image.content.labels)))
            choice.shown.append(image)
            choice.images += 1


def _merge(image: Sampled[Content], there: Content, places: MarkIndex) -> None:
    """Put what is missing or otherwise in the second set above what is there."""
    here = image.content
    theirs = msgspec.json.decode(there.labels)
    same = {_look(their) for their in theirs}
    gone, is_gone = [], []
    for each in msgspec.json.decode(here.labels):
        marks = each.get("m")
        if not marks and _look(each) not in same:  # only the first frame on which a track differs is named
            marks = places.of_any_frame(image.title, each["i"])
        is_gone.append(bool(marks))
        if marks:
            gone.append(each | {"m": marks})
    here.labels = msgspec.json.encode(_added(theirs) + gone)
    here.lines |= there.lines | {number for entry in gone for number, _ in entry["m"]}
    here.counts = there.counts + Counter(item["c"] for item in gone)
    here.overlay = there.overlay or here.overlay
    here.notes = list(dict.fromkeys(here.notes + there.notes))
    here.image = here.image if here.image.member else there.image
    lost = [(colour, drawing, True) for (colour, drawing, _), is_lost in zip(here.drawings, is_gone, strict=False)
            if is_lost]  # fmt: skip
    here.drawings = [(colour, drawing, False) for colour, drawing, _ in there.drawings] + lost


def _added(labels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [label | {"new": True} if label.get("m") else label for label in labels]


def _look(label: Mapping[str, Any]) -> tuple[Any, ...]:
    return (*(label.get(key) for key in "calph"), str(label.get("q")))
