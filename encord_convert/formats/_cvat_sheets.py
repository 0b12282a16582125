"""Pages of a CVAT file to sheets: pictures whose shapes stay in columns from the text to whoever takes them.

A shape that is not as most are (it leaves its picture, is a tag, has a place in no plan) is made one by one, as
:mod:`encord_convert.formats._cvat_images` does it; the account is kept in the order of the file.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from operator import itemgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from encord_convert.formats._cvat_images import Pictures, pixels_of
from encord_convert.formats._cvat_masks import placed_mask, runs_of
from encord_convert.formats._cvat_pages import Columns, Page
from encord_convert.formats._cvat_shapes import LEAST_POINTS, is_turned_within, leaves_turned, plain_angle, points_split
from encord_convert.formats._cvat_uses import Ready
from encord_convert.formats._cvat_xml import Picture, unknown_names
from encord_convert.labelset import series_members, series_of
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance
from encord_convert.sdk.objects import Shape as HubShape
from encord_convert.sheets import Column, Sheet, Size, Use

_DEPTH = itemgetter(0)

_MOST_USES = 10_000
"""How many uses are remembered."""

_decode = msgspec.json.Decoder(list[float]).decode

_Entry = tuple[int, Any, int, int]
"""An object of a picture: its z_order, its use or itself, of which index its hash is, and its number on the page."""


class SheetReader(Pictures):
    """Makes sheets of pages, and rows of pictures; the parameters are those of :class:`Pictures`."""

    def __init__(self, *common: Any, **more: Any) -> None:
        super().__init__(*common, **more)
        self._uses: dict[Any, tuple[Any, Use]] = {}

    @property
    def takes_pages(self) -> bool:
        """Whether every picture is a row of its own, of known size, kept as it is, and none is there twice."""
        return not (self._options.group_images or self._options.clip or self._duplicates or self._without_size)

    def sheet(self, page: Page) -> Sheet:
        """Take the pictures of a page."""
        account, hashes = self._account, self._draft.hashes
        account.make_room(len(page.tags))
        attributes = [page.attributes(at) for at, _, _ in page.pictures]
        keys = [self._key(one) for one in attributes]
        titles = [self._title(one) for one in attributes]
        sizes = [
            self._extent(Picture(one, [], page.line_of(at) if not pixels_of(one.get("width")) else 0))
            for one, (at, _, _) in zip(attributes, page.pictures, strict=True)
        ]
        seeds = [hashes.seed("picture", *key) for key in keys]
        shapes = _Shapes(page, sizes, account.cache, self._use_of)
        gathering = _Gathering(shapes)
        account.ledger.into["image", ""] += len(keys)
        for number, (at, first, end) in enumerate(page.pictures):
            account.title = titles[number]
            if unknown_names("image", attributes[number]):
                account.note_unknown("image", attributes[number], page.line_of(at))
            placed, tags = self._placed(page, shapes, first, end, sizes[number], seeds[number])
            gathering.add(placed)
            if tags:
                gathering.classifications[number] = self._classifications(tags, 0, series_of(seeds[number]))

        def empty_row(number: int) -> LabelRowV2:
            return self._empty_row(attributes[number], keys[number], titles[number], sizes[number])

        data_hashes = [hashes.uuid("unit", *key) for key in keys]
        return gathering.sheet(titles, data_hashes, sizes, seeds, empty_row)

    def _use_of(self, key: _Key) -> Ready | None:
        """Return what shapes of this use have in common; None if there is no plan for them."""
        ready = self._account.cache.get(key)
        if ready is None:
            element, label, source, occluded, z_order, group_id, answers = key
            plan = self._plans.shapes.get((element, label))
            if plan is None:
                return None
            sides = (source, occluded, z_order, group_id, None)
            ready = self._account.cache[key] = self._account.ready(plan, element, sides, answers)
        return ready

    def _placed(
        self, page: Page, shapes: _Shapes, first: int, end: int, size: Size, seed: int
    ) -> tuple[list[_Entry], list[tuple[Ready, int, int]]]:
        """Count the shapes of a picture in the order of the file, and place them; return its tags apart."""
        account, uses, points = self._account, shapes.uses, shapes.points
        placed: list[_Entry] = []
        tags: list[tuple[Ready, int, int]] = []
        leaves = False
        for at in range(first, end):
            ready = uses[at]
            if ready is None:
                leaves |= self._make(page.shape(at), at - first, size, seed, placed, tags)
            elif at in points:
                self._split(page, ready, *points[at], at, at - first, placed)
            else:
                ready.count += 1
                if ready.is_open:
                    account.tell(ready, page.tags[at], page.line_of(at))
                placed.append((ready.z, ready.use or self._use(ready, page, at), at - first, at))
        if leaves or not shapes.leaving.isdisjoint(range(first, end)):
            self._note_leaving(page.line_of(first - 1))
        placed.sort(key=_DEPTH)
        return placed, tags

    def _make(
        self,
        shape: Any,
        index: int,
        size: Size,
        seed: int,
        placed: list[_Entry],
        tags: list[tuple[Ready, int, int]],
    ) -> bool:
        """Make the objects of a shape that is not as most are; tell whether it leaves its picture."""
        tag, label, _, values, _, _, line = shape
        ready = self._ready(shape)
        if ready is None:
            self._account.drop_unknown(tag, label, line)
            return False
        self._account.note_unknown(tag, values, line)
        if tag == "tag":
            tags.append((ready, index, line))
            return False
        made: list[tuple[int, ObjectInstance]] = []
        leaves = self._draw(made, shape, ready, size, None, 0, index, series_of(seed))
        placed += [(z, instance, 0, -1) for z, instance in made]
        return leaves

    def _split(
        self, page: Page, ready: Ready, start: int, count: int, at: int, index: int, placed: list[_Entry]
    ) -> None:
        """Place the points of an element: each is an object, and the first stands for the one shape of the source."""
        account, changed = self._account, ready.is_changed
        if count > 1:
            line = page.line_of(at) if account.wants(ready, points_split(count)) else None
            account.change(ready, points_split(count), line, changed)
        ready.count += 1
        if ready.is_open:
            account.tell(ready, page.tags[at], page.line_of(at))
        number = len(page.tags) + start
        if count == 1:
            placed.append((ready.z, ready.use or self._use(ready, page, at), index, number))
            return
        one, other = ready.split or self._split_uses(ready, page, at)
        placed.append((ready.z, one, index, number))
        placed += [(ready.z, other, index + (more << 32), number + more) for more in range(1, count)]

    def _use(self, ready: Ready, page: Page, at: int) -> Use:
        """Return a use as a sheet has it, and remember it."""
        ready.use = self._made_use(ready, page, at, ready.is_changed)
        return ready.use

    def _split_uses(self, ready: Ready, page: Page, at: int) -> tuple[Use, Use]:
        """Return the uses of the first of several points of an element, and of the others, which stand for none."""
        ready.split = self._made_use(ready, page, at, True), self._made_use(ready, page, at, True, stands_for=False)
        return ready.split

    def _made_use(self, ready: Ready, page: Page, at: int, changed: bool, *, stands_for: bool = True) -> Use:
        plan: Any = ready.plan
        shares, carried = ready.shares, ready.carried if stands_for else ()
        key = (id(plan), id(shares), id(ready.info), carried, changed, stands_for)  # all but z_order
        _, use = self._uses.get(key, (None, None))
        if use is None:
            if shares.frame != 0:
                shares.turn_to(0)
            if len(self._uses) > _MOST_USES:
                self._uses.clear()
            use = Use(
                plan.object, ready.info, shares.static, shares.dynamic, page.tags[at], page.labels[at], carried,
                changed, None if stands_for else {},
            )  # fmt: skip
            self._uses[key] = shares, use  # held, so that its `id` stays its own
        return use


class _Found:
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


_Key = tuple[Any, ...]
"""What makes shapes of one use: element, label, source, occluded, z_order, group_id, answers."""


class _Shapes:
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
    found : dict of HubShape to _Found
    """

    def __init__(
        self, page: Page, sizes: list[Size], known: dict[Any, Ready], use_of: Callable[[_Key], Ready | None]
    ) -> None:
        self.page = page
        self.uses: list[Ready | None] = [None] * len(page.tags)
        self.points: dict[int, tuple[int, int]] = {}
        self.point_count = 0
        self.leaving: set[int] = set()
        self.found: dict[HubShape, _Found] = {}
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

    def _kind(self, shape: HubShape) -> _Found:
        if shape not in self.found:
            self.found[shape] = _Found()
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
    "box": _Shapes.boxes,
    "polygon": _Shapes.lines,
    "polyline": _Shapes.lines,
    "points": _Shapes.lines,
    "mask": _Shapes.masks,
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


class _Gathering:
    """A sheet while its pictures are walked."""

    def __init__(self, shapes: _Shapes) -> None:
        self._shapes = shapes
        self._counts: list[int] = []
        self._entries: list[_Entry] = []
        self.classifications: dict[int, list[Any]] = {}

    def add(self, placed: list[_Entry]) -> None:
        """Take the objects of the next picture, in the order of its row."""
        self._counts.append(len(placed))
        self._entries += placed

    def sheet(
        self,
        titles: list[str],
        data_hashes: list[str],
        sizes: list[Size],
        seeds: list[int],
        empty_row: Callable[[int], LabelRowV2],
    ) -> Sheet:
        """Return the sheet, all pictures being there."""
        shapes, page = self._shapes, self._shapes.page
        entries: Any = zip(*self._entries, strict=True) if self._entries else ((), (), (), ())
        _, uses, indexes, numbers = entries
        made = {}
        if -1 in numbers:
            made = {place: uses[place] for place, number in enumerate(numbers) if number < 0}
            uses = [None if number < 0 else use for use, number in zip(uses, numbers, strict=True)]
        place_of = np.empty(len(page.tags) + shapes.point_count + 1, np.int64)
        place_of[list(numbers)] = np.arange(len(numbers))  # what is made already writes to the last, which nobody reads
        owners = np.repeat(np.array(seeds, np.uint64), self._counts)
        hashes = series_members(owners, np.array(indexes, np.uint64)) if uses else []

        def line_of(place: int) -> int:
            number = numbers[place]
            if number >= len(page.tags):  # one of several points
                number = next(at for at, (start, count) in shapes.points.items()
                              if start <= number - len(page.tags) < start + count)  # fmt: skip
            return page.line_of(number)

        columns = {shape: found.column(place_of) for shape, found in shapes.found.items()}
        return Sheet(
            titles, data_hashes, sizes, self._counts, list(uses), hashes, columns, made, self.classifications,
            line_of, empty_row,
        )  # fmt: skip
