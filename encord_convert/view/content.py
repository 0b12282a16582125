"""The content of one image: its labels as JSON, or as a PNG if too many, and their marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from encord_convert.hub.visibility import frame_size
from encord_convert.view.drawing import Drawing
from encord_convert.view.labels import MOST_SHAPES, NO_SIZE, Label, Labels
from encord_convert.view.marks import MINOR, Line, MarkIndex
from encord_convert.view.thumbnails import Found, Overlay, Thumbnails

if TYPE_CHECKING:
    from encord_convert.sdk.objects import LabelRowV2

MOST_BYTES = 4 << 20
"""JSON bytes of an image's shapes; above that they are drawn as one PNG."""
_BYTES = 256
"""JSON bytes of a common shape; larger ones count as several towards the limit of a page."""
_PATHS = frozenset("alph")


@dataclass(slots=True)
class Content:
    """The content of one image.

    Parameters
    ----------
    labels : bytes
        Shapes and classifications as JSON; see :mod:`encord_convert.view.labels`.
    counts : Counter
        Number of labels by class number.
    lines : set of int
        Numbers of the loss lines that mark them or the whole image.
    image : Found
    notes : list of str
    overlay : str
        Data URI of shapes too many to show individually.
    drawings : list of (str, Drawing, bool)
        Colour, drawing and whether marked, if requested and not in the overlay.
    """

    labels: bytes
    counts: Counter[int]
    lines: set[int]
    image: Found
    notes: list[str]
    overlay: str = ""
    drawings: list[tuple[str, Drawing, bool]] = field(default_factory=list)


class Renderer:
    """Collects the content of images.

    Parameters
    ----------
    labels : Labels
        Of the set.
    places : Places
        Its marks.
    lines : sequence of Line
        What the marks are of.
    thumbnails : Thumbnails
        Finds the images.
    has_drawings : bool
        Whether they are drawn by Pillow, too.
    """

    def __init__(
        self, labels: Labels, places: MarkIndex, lines: Sequence[Line], thumbnails: Thumbnails, *, has_drawings: bool
    ) -> None:
        self._labels = labels
        self._places = places
        self._lines = lines
        self._thumbnails = thumbnails
        self._has_drawings = has_drawings

    def __call__(self, row: LabelRowV2, frame: int) -> tuple[Content, int]:
        """Return the content of a frame, and its weight in shapes."""
        marks = self._places.of_image(row.data_title, frame)
        content = Content(b"", Counter(), {number for number, _ in marks}, self._thumbnails.find(row, frame), [])
        content.notes += [sentence for number, sentence in marks if self._lines[number].gravity < MINOR]
        held: list[Label] = []
        overlay: Overlay | None = None
        for shape, drawing in self._labels.on(row, frame):
            content.counts[shape["c"]] += 1
            content.lines.update(number for number, _ in shape.get("m", ()))
            held.append((shape, drawing))
            if overlay is not None or len(held) > MOST_SHAPES:
                overlay = overlay or Overlay(_size(row, frame))
                held = self._painted(overlay, held)
        content.labels = msgspec.json.encode([shape for shape, _ in held])
        if overlay is None and len(content.labels) > MOST_BYTES:
            overlay = Overlay(_size(row, frame))
            held = self._painted(overlay, held)
            content.labels = msgspec.json.encode([shape for shape, _ in held])
        if overlay is not None:
            content.overlay = overlay.uri()
            count = content.counts.total()
            content.notes.append(f"{count:,} shapes are drawn as one image and cannot be clicked.")
        if self._has_drawings:
            content.drawings = [(self._colour(shape), drawing, "m" in shape) for shape, drawing in held]
        return content, max(len(held), len(content.labels) // _BYTES)

    def _painted(
        self, overlay: Overlay, held: list[tuple[dict[str, Any], Drawing]]
    ) -> list[tuple[dict[str, Any], Drawing]]:
        """Draw shapes, and return those still shown individually: marked ones and texts."""
        kept = [item for item in held if "m" in item[0] or not item[0].keys() & _PATHS]
        overlay.paint((self._colour(shape), drawing) for shape, drawing in held if "m" not in shape)
        return kept[:MOST_SHAPES]

    def _colour(self, shape: dict[str, Any]) -> str:
        colour: str = self._labels.classes.all[shape["c"]].colour
        return colour


def _size(row: LabelRowV2, frame: int) -> tuple[int, int]:
    width, height = frame_size(row, frame)
    return width or NO_SIZE, height or NO_SIZE
