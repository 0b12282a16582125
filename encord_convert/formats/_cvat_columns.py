"""Columns of a page of a CVAT file: where those shapes are that are as most are, read in one go by element."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from encord_convert.formats._cvat_masks import placed_mask, runs_of
from encord_convert.formats._cvat_pages import Columns, Page
from encord_convert.formats._cvat_shapes import LEAST_POINTS, is_turned_within, leaves_turned, plain_angle
from encord_convert.formats._cvat_uses import Ready
from encord_convert.sdk.objects import Shape as HubShape
from encord_convert.sheets import Column, Size

_decode = msgspec.json.Decoder(list[float]).decode


class Found:
    """Shapes of one kind: the number of each on the page, and where they are, as a column has it."""

    __slots__ = ("more", "numbers", "places")

    def __init__(self) -> None:
        self.places: list[int] = []
        self.numbers: list[Any] = []
        self.more: list[Any] = []

    def column(self, place_of: NDArray[np.int64]) -> Column:
        """Return the column, with the place of each in the sheet."""
        numbers = np.concatenate(self.numbers) if isinstance(self.numbers[0], np.ndarray) else self.numbers
        return Column(place_of[self.places].tolist(), numbers, self.more)


Key = tuple[Any, ...]
"""What makes shapes of one use: element, label, source, occluded, z_order, group_id, answers."""


class PlainShapes:
    """The shapes of a page that are as most are.

    Parameters
    ----------
    page : Page
    sizes : list of Size
        Of its pictures.
    known : dict
        Uses by key.
    use_of : callable
        Finds one that is not known; None if there is no plan for such shapes.

    Attributes
    ----------
    uses : list of Ready or None
        By tag; None for what is not as most are.
    points : dict of int to (int, int)
        By tag: number of its first point among those of the page, and how many it has.
    leaving : set of int
        Tags of boxes that leave their picture, since they are turned.
    found : dict of HubShape to Found
    """

    def __init__(
        self, page: Page, sizes: list[Size], known: dict[Any, Ready], use_of: Callable[[Key], Ready | None]
    ) -> None:
        self.page = page
        self.uses: list[Ready | None] = [None] * len(page.tags)
        self.points: dict[int, tuple[int, int]] = {}
        self.point_count = 0
        self.leaving: set[int] = set()
        self.found: dict[HubShape, Found] = {}
        self._known = known
        self._use_of = use_of
        self._sizes = np.array(sizes[:1] if sizes.count(sizes[0]) == len(sizes) else sizes, np.float64)
        self._starts = np.array([at for at, _, _ in page.pictures])
        for element, read in _READERS.items():
            for places, columns in page.stretches(element):
                read(self, element, places, columns, self._uses(element, places, columns))

    def _uses(self, element: str, places: list[int], columns: Columns) -> list[Ready | None]:
        labels, closed = self.page.labels, self.page.closed
        sides = [columns.get(name) or repeat(None) for name in ("source", "occluded", "z_order", "group_id")]
        own = [labels[at] for at in places], *sides, [closed[at] for at in places]
        # The key has no parts that are tuples: its hash is what costs.
        keys = list(zip(repeat(element), *own, strict=False))
        uses = list(map(self._known.get, keys))
        if None in uses:
            uses = [self._use_of(key) if ready is None else ready for key, ready in zip(keys, uses, strict=True)]
        return uses

    def _limits(self, places: list[int]) -> NDArray[np.float64]:
        """Return width and height of the picture of each shape, in one row if they are all alike."""
        if len(self._sizes) == 1:
            return self._sizes
        return np.asarray(self._sizes[np.searchsorted(self._starts, places) - 1])

    def _kind(self, shape: HubShape) -> Found:
        if shape not in self.found:
            self.found[shape] = Found()
        return self.found[shape]

    def boxes(self, element: str, places: list[int], columns: Columns, uses: list[Ready | None]) -> None:
        """Take boxes in order and within their pictures."""
        limits = self._limits(places)
        numbers = _numbers([text for name in ("xtl", "ytl", "xbr", "ybr") for text in columns[name]], 4 * len(places))
        if numbers is None:
            return
        low, high = numbers[: 2 * len(places)].reshape(2, -1).T, numbers[2 * len(places) :].reshape(2, -1).T
        fits = np.all((low >= 0) & (low < high) & (high <= limits), axis=1).tolist()
        relative = np.hstack([low / limits, (high - low) / limits])
        turns = columns.get("rotation")
        kept: dict[HubShape, list[int]] = {HubShape.BOUNDING_BOX: [], HubShape.ROTATABLE_BOUNDING_BOX: []}
        angles = []
        for number, (at, ready) in enumerate(zip(places, uses, strict=True)):
            if ready is None or not fits[number]:
                continue
            makes = ready.plan.makes  # type: ignore[union-attr]
            if makes is HubShape.ROTATABLE_BOUNDING_BOX:
                angle: float | None = 0.0  # of a label of which another box is turned
                if turns is not None:
                    angle = plain_angle(turns[number])
                    if angle is None:
                        continue
                    box = *low[number].tolist(), *high[number].tolist(), *limits[number % len(limits)].tolist()
                    if not is_turned_within(angle, *box) and leaves_turned(angle, *box):
                        self.leaving.add(at)
                angles.append(angle)
            elif makes is not HubShape.BOUNDING_BOX or turns is not None:
                continue
            kept[makes].append(number)
            self.uses[at] = ready
        for shape, chosen in kept.items():
            if chosen:
                found = self._kind(shape)
                found.places += [places[number] for number in chosen]
                found.numbers.append(relative if len(chosen) == len(places) else relative[chosen])
        if angles:
            self._kind(HubShape.ROTATABLE_BOUNDING_BOX).more += angles

    def lines(self, element: str, places: list[int], columns: Columns, uses: list[Ready | None]) -> None:
        """Take polygons, polylines and points: plain numbers, points enough, within their pictures."""
        texts = columns["points"]
        counts = [text.count(";") + 1 for text in texts]
        if [text.count(",") for text in texts] != counts:
            return
        numbers = _numbers(texts, 2 * sum(counts), ";")
        if numbers is None:
            return
        limits = self._limits(places)
        spread = limits if len(limits) == 1 else np.repeat(limits, counts, axis=0)
        flat = (numbers.reshape(-1, 2) / spread).reshape(-1)
        starts = 2 * (np.cumsum(counts) - np.array(counts))
        fits = ((np.minimum.reduceat(flat, starts) >= 0) & (np.maximum.reduceat(flat, starts) <= 1)).tolist()
        least = LEAST_POINTS[element]
        kept = []
        kind = _LINES[element]
        for number, (at, ready) in enumerate(zip(places, uses, strict=True)):
            if ready is not None and fits[number] and counts[number] >= least and ready.plan.makes is kind:  # type: ignore[union-attr]
                kept.append(number)
                self.uses[at] = ready
        if not kept:
            return
        found = self._kind(kind)
        if len(kept) < len(places):
            is_kept = np.zeros(len(places), bool)
            is_kept[kept] = True
            flat = flat[np.repeat(is_kept, 2 * np.array(counts))]
        if kind is not HubShape.POINT:
            found.places += [places[number] for number in kept]
            found.numbers.append(flat)
            found.more += [2 * counts[number] for number in kept]
            return
        for number in kept:
            self.points[places[number]] = (self.point_count, counts[number])
            self.point_count += counts[number]
        found.places += range(len(self.uses) + self.point_count - len(flat) // 2, len(self.uses) + self.point_count)
        found.numbers.append(flat.reshape(-1, 2))

    def masks(self, element: str, places: list[int], columns: Columns, uses: list[Ready | None]) -> None:
        """Take masks whose runs fill their box, which is in the picture."""
        runs = runs_of(columns["rle"])
        values = zip(*(columns[name] for name in ("rle", "left", "top", "width", "height")), strict=True)
        limits = self._limits(places).astype(int).tolist()
        sizes = limits if len(limits) > 1 else repeat(limits[0])
        for at, ready, own, value, size in zip(places, uses, runs, values, sizes, strict=False):
            coordinates = None if ready is None else placed_mask(value, own, *size)
            if coordinates is not None and ready.plan.makes is HubShape.BITMASK:  # type: ignore[union-attr]
                self.uses[at] = ready
                found = self._kind(HubShape.BITMASK)
                found.places.append(at)
                found.numbers.append(coordinates)


_READERS = {
    "box": PlainShapes.boxes,
    "polygon": PlainShapes.lines,
    "polyline": PlainShapes.lines,
    "points": PlainShapes.lines,
    "mask": PlainShapes.masks,
}

_LINES = {"polygon": HubShape.POLYGON, "polyline": HubShape.POLYLINE, "points": HubShape.POINT}


def _numbers(texts: Sequence[str], count: int, separator: str = ",") -> NDArray[np.float64] | None:
    """Return the numbers of texts, None if they are not as many plain ones."""
    joined = separator.join(texts)
    try:
        numbers = _decode("[" + joined.replace(";", ",") + "]")
    except msgspec.DecodeError:
        return None
    return np.array(numbers) if len(numbers) == count else None
