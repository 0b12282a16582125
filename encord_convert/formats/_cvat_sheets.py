"""Pages of a CVAT file to sheets: pictures whose shapes stay in columns from the text to whoever takes them.

A shape that is not as most are (it leaves its picture, is a tag, has a place in no plan) is made one by one, as
:mod:`encord_convert.formats._cvat_images` does it; the account is kept in the order of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from operator import itemgetter
from typing import Any

import numpy as np

from encord_convert.formats._cvat_columns import Key, PlainShapes
from encord_convert.formats._cvat_images import Pictures, pixels_of
from encord_convert.formats._cvat_pages import Page
from encord_convert.formats._cvat_shapes import points_split
from encord_convert.formats._cvat_uses import Ready
from encord_convert.formats._cvat_xml import Picture, unknown_names
from encord_convert.labelset import series_members, series_of
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance
from encord_convert.sheets import Sheet, Size, Use

_DEPTH = itemgetter(0)

_MOST_USES = 10_000
"""How many uses are remembered."""

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
        options = self._options
        is_grouped = options.group_images or options.frames_as_video
        return not (is_grouped or options.clip or self._duplicates or self._without_size)

    def sheet(self, page: Page) -> Sheet:
        """Take the pictures of a page."""
        account, hashes = self._account, self._draft.hashes
        account.make_room(len(page.tags))
        attributes = [page.attributes(at) for at, _, _ in page.pictures]
        keys = [self._key(one) for one in attributes]
        titles = [self._title(one) for one in attributes]
        sizes = [(pixels_of(one.get("width")), pixels_of(one.get("height"))) for one in attributes]
        for number, (at, _, _) in enumerate(page.pictures):
            if not all(sizes[number]):
                sizes[number] = self._extent(Picture(attributes[number], [], page.line_of(at)))
        seeds = [hashes.seed("picture", *key) for key in keys]
        shapes = PlainShapes(page, sizes, account.cache, self._use_of)
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

    def _use_of(self, key: Key) -> Ready | None:
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
        self, page: Page, shapes: PlainShapes, first: int, end: int, size: Size, seed: int
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


class _Gathering:
    """A sheet while its pictures are walked."""

    def __init__(self, shapes: PlainShapes) -> None:
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
