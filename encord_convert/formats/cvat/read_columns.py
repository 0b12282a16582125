"""Columns of a page of a CVAT file: where those shapes are that are as most are, read in one go by kind."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import Any, NamedTuple

import numpy as np

from encord_convert.formats.cvat.exact_xml import CANONICAL
from encord_convert.formats.cvat.fast_chunks import Page, columns_of, numbers_text, stretches
from encord_convert.formats.cvat.fast_codes import KINDS, Ints
from encord_convert.formats.cvat.fast_masks import placed_mask, runs_of
from encord_convert.formats.cvat.fast_numbers import END, Floats, numbers_in
from encord_convert.formats.cvat.read_geometry import is_rotated_within, leaves_rotated
from encord_convert.formats.cvat.read_shapes import LEAST_POINTS
from encord_convert.hub.table import Size
from encord_convert.sdk.objects import Shape as HubShape

BOX, POLYGON, POLYLINE, POINTS, MASK = (KINDS[element] for element in CANONICAL)
ROTATED_BOX = MASK + 1
"""A box of a label of which any box is rotated."""

_CORNERS = CANONICAL["box"][:4]
_MASK = CANONICAL["mask"]
_POINTS = b' points="'

MAKES = {
    ("box", HubShape.BOUNDING_BOX): BOX,
    ("box", HubShape.ROTATABLE_BOUNDING_BOX): ROTATED_BOX,
    ("polygon", HubShape.POLYGON): POLYGON,
    ("polyline", HubShape.POLYLINE): POLYLINE,
    ("points", HubShape.POINT): POINTS,
    ("mask", HubShape.BITMASK): MASK,
}
"""Kinds of shapes by their element and what they become; all others are odd."""

HUB = {kind: makes for (_, makes), kind in MAKES.items()}


_NONE = np.zeros(0, np.int64)


class Found(NamedTuple):
    """Shapes of one kind in the order of the page: their numbers, as a column of a table has them.

    ``counts`` are the points of each shape, of lines and points.
    """

    places: Ints
    numbers: Any
    more: Sequence[Any] = ()
    counts: Ints = _NONE


class PlainShapes:
    """The shapes of a page that are as most are.

    Parameters
    ----------
    page : Page
    sizes : list of Size
        Of its images.

    Attributes
    ----------
    found : dict of int to Found
        By kind.
    leaving : list of int
        Tags of boxes that leave their image, since they are rotated.
    """

    def __init__(self, page: Page, sizes: list[Size]) -> None:
        self.page = page
        self.leaving: list[int] = []
        self.found: dict[int, Found] = {}
        self._sizes = np.array(sizes[:1] if sizes.count(sizes[0]) == len(sizes) else sizes, np.float64)
        for kind, read in _READERS.items():
            places = np.flatnonzero(page.kinds == kind)
            if len(places):
                read(self, kind, places, [page.bodies[at] for at in places.tolist()])

    def _limits(self, places: Ints) -> Floats:
        """Return width and height of the image of each shape, in one row if they are all alike."""
        if len(self._sizes) == 1:
            return self._sizes
        return np.asarray(self._sizes[self.page.owners[places]])

    def boxes(self, kind: int, places: Ints, bodies: list[bytes]) -> None:
        """Take boxes in order and within their images."""
        parts = []
        for own, some, names, is_numeric in stretches(places.tolist(), bodies):
            rotated = "rotation" in names
            if (rotated and kind == BOX) or sorted(names) != sorted((*_CORNERS, *["rotation"][: int(rotated)])):
                continue
            read = numbers_in(numbers_text(some) + END) if is_numeric else None
            if read is None or len(read[0]) != len(some) * len(names):
                continue
            numbers = read[0].reshape(-1, len(names))[:, [names.index(name) for name in _CORNERS]]
            turns = columns_of(some, names)["rotation"] if rotated else []
            parts.append(self._fitting(np.array(own), numbers, turns, kind))
        if parts:
            places, numbers, angles = (np.concatenate(some) for some in zip(*parts, strict=True))
            if len(parts) > 1:
                order = np.argsort(places)
                places, numbers, angles = places[order], numbers[order], angles[order]
            if len(places):
                self.found[kind] = Found(places, numbers, angles.tolist() if kind == ROTATED_BOX else ())

    def _fitting(
        self, places: Ints, numbers: Floats, turns: Sequence[str], kind: int
    ) -> tuple[Ints, Floats, Floats]:  # fmt: skip
        """Return which boxes are taken, where they are relative to their images, and their angles."""
        limits = self._limits(places)
        low, high = numbers[:, :2], numbers[:, 2:]
        fits = np.all((low >= 0) & (low < high) & (high <= limits), axis=1)
        angles = np.zeros(len(places))
        for number, turn in enumerate(turns):
            angle = _angle(turn)
            if angle is None:
                fits[number] = False
            elif fits[number]:
                angles[number] = angle
                box = *numbers[number].tolist(), *limits[number % len(limits)].tolist()
                if not is_rotated_within(angle, *box) and leaves_rotated(angle, *box):
                    self.leaving.append(int(places[number]))
        relative = np.hstack([low / limits, (high - low) / limits])
        return (places, relative, angles) if fits.all() else (places[fits], relative[fits], angles[fits])

    def lines(self, kind: int, places: Ints, bodies: list[bytes]) -> None:
        """Take polygons, polylines and points: plain numbers, points enough, within their images."""
        text = b"".join(bodies)
        if not all(bodies) or text.count(_POINTS) != len(bodies) or text.count(b'"') != 2 * len(bodies):
            plain = [at for at, body in enumerate(bodies) if body.startswith(_POINTS) and body.count(b'"') == 2]
            if not plain:
                return
            places, bodies = places[plain], [bodies[at] for at in plain]
            text = b"".join(bodies)
        read = numbers_in(text[len(_POINTS) : -1].replace(b'"' + _POINTS, END) + END)
        if read is None:
            return
        numbers, behind = read
        last = behind[1::2]
        if len(behind) % 2 or np.any(behind[::2] != ord(",")) or np.any(last == ord(",")):
            return
        ends = np.flatnonzero(last == ord(END)) + 1
        counts = np.diff(ends, prepend=0)
        if len(ends) != len(places):
            return
        limits = self._limits(places)
        spread = limits if len(limits) == 1 else np.repeat(limits, counts, axis=0)
        points = numbers.reshape(-1, 2) / spread
        starts = ends - counts
        low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
        fits = np.all((low >= 0) & (high <= 1), axis=1) & (counts >= LEAST_POINTS[_ELEMENTS[kind]])
        if not fits.all():
            places, points, counts = places[fits], points[np.repeat(fits, counts)], counts[fits]
        if len(places):
            flat = points if kind == POINTS else points.reshape(-1)
            self.found[kind] = Found(places, flat, () if kind == POINTS else (2 * counts).tolist(), counts)

    def masks(self, kind: int, places: Ints, bodies: list[bytes]) -> None:
        """Take masks whose runs fill their box, which is in the image."""
        taken, numbers = [], []
        for own, some, names, _ in stretches(places.tolist(), bodies):
            if sorted(names) != sorted(_MASK):
                continue
            columns = columns_of(some, names)
            values = zip(*(columns[name] for name in _MASK), strict=True)
            limits = self._limits(np.array(own)).astype(int).tolist()
            sizes = limits if len(limits) > 1 else repeat(limits[0])
            for at, runs, value, size in zip(own, runs_of(columns["rle"]), values, sizes, strict=False):
                coordinates = placed_mask(value, runs, *size)
                if coordinates is not None:
                    taken.append(at)
                    numbers.append(coordinates)
        if taken:
            order = np.argsort(taken)
            self.found[kind] = Found(np.array(taken)[order], [numbers[at] for at in order.tolist()])


_READERS = {
    BOX: PlainShapes.boxes,
    ROTATED_BOX: PlainShapes.boxes,
    POLYGON: PlainShapes.lines,
    POLYLINE: PlainShapes.lines,
    POINTS: PlainShapes.lines,
    MASK: PlainShapes.masks,
}

_ELEMENTS = {kind: element for element, kind in KINDS.items()}


def _angle(rotation: str) -> float | None:
    """Return an angle in degrees, None unless it is in [0, 360)."""
    try:
        angle = float(rotation)
    except ValueError:
        return None
    return angle if 0 <= angle < 360 else None
