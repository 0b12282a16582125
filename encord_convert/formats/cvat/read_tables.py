"""Pages of a CVAT file to tables: images whose shapes stay in columns from the text to whoever takes them.

A shape that is not as most are (it leaves its image, is a tag, has a place in no plan) is made one by one, as
:mod:`encord_convert.formats.cvat.read_images` does it; the counts are kept in the order of the file.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from encord_convert.formats.cvat.counts import Account
from encord_convert.formats.cvat.exact_xml import NO_ANSWERS, Image
from encord_convert.formats.cvat.fast_chunks import Page, page_of
from encord_convert.formats.cvat.fast_codes import NAMELESS, ODD, Codes, Ints, Tag
from encord_convert.formats.cvat.fast_codes import Variant as Said
from encord_convert.formats.cvat.grid import FAMILY
from encord_convert.formats.cvat.native import of_image
from encord_convert.formats.cvat.ontology import Plans
from encord_convert.formats.cvat.read_attributes import Ready
from encord_convert.formats.cvat.read_columns import HUB, MAKES, POINTS, PlainShapes
from encord_convert.formats.cvat.read_geometry import points_split
from encord_convert.formats.cvat.read_images import Images, TagAt, pixels_of
from encord_convert.hub.draft import series_members, series_of
from encord_convert.hub.native import Keys, NativeColumns
from encord_convert.hub.splits import metadata_of
from encord_convert.hub.table import Column, Size, Table, Variant
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance

_MOST_VARIANTS = 10_000
"""How many variants are remembered."""

_MOST_Z = 1 << 31
"""Shapes that lie deeper or higher are odd: numbers of any size do not fit a table."""

_Made = tuple[int, ObjectInstance, int]
"""An object that was made: its z_order, itself, and the tag it was made of."""


class _Known(Codes):
    """Codes with what shapes of each have in common.

    Attributes
    ----------
    depths : array
        ``z_order`` by code.
    is_open : array
        By code, whether some change of such a shape wants more examples.
    """

    def __init__(self, account: Account, plans: Plans) -> None:
        self._account = account
        self._plans = plans
        self._made: dict[Any, tuple[Any, Variant]] = {}
        super().__init__()

    def clear(self) -> None:
        """Forget all keys."""
        super().clear()
        room = len(self.kinds)
        self.readies: list[Ready | None] = []
        self.made: list[Variant | None] = []
        self.natives: list[Keys | None] = []
        self.depths = np.zeros(room, np.int64)
        self.is_open = np.zeros(room, bool)
        self._counts = np.zeros(room, np.int64)

    def of(self, found: list[Tag]) -> Ints:
        """Return the code of each tag; they are good until codes are asked for again."""
        self._account.make_room(len(found))
        return super().of(found)

    def grow(self, room: int) -> None:
        """Make room in the tables."""
        super().grow(room)
        for name in ("depths", "is_open", "_counts"):
            table = getattr(self, name)
            setattr(self, name, np.concatenate([table, np.zeros(room - len(table), table.dtype)]))

    def kind_of(self, code: int, variant: Said) -> int:
        """Return the kind of a key, for which its plan has a say; what is known of it goes into the tables."""
        ready = self._ready(variant) if variant.kind > ODD else None
        kind = variant.kind
        if kind > ODD:
            plan: Any = None if ready is None else ready.plan
            kind = ODD if plan is None else MAKES.get((variant.tag, plan.makes), ODD)
        if ready is None or kind == ODD or abs(ready.z) > _MOST_Z:
            self.readies.append(None)
            self.made.append(None)
            self.natives.append(None)
            return min(kind, ODD)
        self.readies.append(ready)
        self.made.append(self.variant(ready, variant))
        self.natives.append(ready.native)
        self.depths[code] = ready.z
        self.is_open[code] = ready.is_open
        return kind

    def _ready(self, variant: Said) -> Ready | None:
        plan = self._plans.shapes.get((variant.tag, variant.label))
        if plan is None:
            return None
        sides, answers = variant.sides(), variant.answers or NO_ANSWERS
        key = (
            variant.tag,
            variant.label,
            sides,
            answers,
            (),
        )  # as `Images` has it: there is one for each tag at most
        ready = self._account.cache.get(key)
        if ready is None:
            ready = self._account.cache[key] = self._account.ready(plan, variant.tag, sides, answers)
        return ready

    def variant(self, ready: Ready, said: Said, *, changed: bool | None = None, stands_for: bool = True) -> Variant:
        """Return a variant as a table has it, and remember it; ``stands_for``: a shape of it is one of the source."""
        plan: Any = ready.plan
        shares, carried = ready.shares, ready.carried if stands_for else ()
        changed = ready.is_changed if changed is None else changed
        key = (id(plan), id(shares), id(ready.info), carried, changed, stands_for)  # all but what is native
        _, variant = self._made.get(key, (None, None))
        if variant is None:
            if shares.frame != 0:
                shares.turn_to(0)
            if len(self._made) > _MOST_VARIANTS:
                self._made.clear()
            variant = Variant(
                plan.object, ready.info, shares.static, shares.dynamic, said.tag, said.label, carried, changed,
                None if stands_for else {},
            )  # fmt: skip
            self._made[key] = shares, variant  # held, so that its `id` stays its own
        return variant

    def count(self, codes: Ints) -> None:
        """Count shapes."""
        counts = np.bincount(codes)
        self._counts[: len(counts)] += counts

    def settle(self) -> None:
        """Add the counts to those of the variants."""
        for code in np.flatnonzero(self._counts).tolist():
            ready = self.readies[code]
            assert ready is not None
            ready.count += int(self._counts[code])
        self._counts[:] = 0


class TableReader(Images):
    """Makes tables of chunks, and rows of images; the parameters are those of :class:`Images`."""

    def __init__(self, *common: Any, **more: Any) -> None:
        super().__init__(*common, **more)
        self._known = self.account.tables = _Known(self.account, self.plans)

    @property
    def takes_pages(self) -> bool:
        """Whether every image is a row of its own, of known size, kept as it is, and none is there twice."""
        options = self.options
        is_grouped = options.group_images or options.frames_as_video
        return not (is_grouped or options.clip or self._duplicates or self.stats.without_size)

    def page(self, chunk: bytes, line: int) -> list[Table] | None:
        """Return the table of :meth:`table`, alone, or None."""
        table = self.table(chunk, line)
        return None if table is None else [table]

    def table(self, chunk: bytes, line: int) -> Table | None:
        """Take the images of a chunk; None, and none is taken, if there is more in it than plain images.

        Parameters
        ----------
        chunk : bytes
        line : int
            One-based line of its first character.
        """
        page = page_of(chunk, line, self._known)
        if page is None:
            return None
        account, hashes = self.account, self.draft.hashes
        images = page.starts.tolist()
        attributes = [page.attributes(at) for at in images]
        keys = [self._key(one) for one in attributes]
        titles = [self._title(one) for one in attributes]
        sizes = [(pixels_of(one.get("width")), pixels_of(one.get("height"))) for one in attributes]
        for number, at in enumerate(images):
            if not all(sizes[number]):
                sizes[number] = self._extent(Image(attributes[number], [], page.line_of(at)))
        seeds = hashes.seeds("picture", keys)
        account.counts.into["image", ""] += len(keys)
        gathering = _Gathering(page, PlainShapes(page, sizes), self._known)
        for number in sorted(gathering.told):
            account.title = titles[number]
            self._tell_image(gathering, number, sizes[number], seeds[number])

        def empty_row(number: int) -> LabelRowV2:
            return self._empty_row(attributes[number], keys[number], titles[number], sizes[number])

        data_hashes = hashes.uuids("unit", keys)
        metadata = {number: own for number, one in enumerate(attributes) if (own := metadata_of(self._split(one)))}
        first, self._place = self._place, self._place + len(keys)
        native = {number: said for number, one in enumerate(attributes) if (said := of_image(one, first + number))}
        gathering.natives, self._natives = self._natives, {}
        units = {number: one["unit"] for number, one in enumerate(attributes) if one.get("unit")}
        return gathering.table(titles, data_hashes, sizes, seeds, empty_row, metadata, units, native)

    def _tell_image(self, gathering: _Gathering, number: int, size: Size, seed: int) -> None:
        """Take those shapes of an image, in the order of the file, of which there is something to tell."""
        page, first = gathering.page, int(gathering.page.starts[number])
        tags: list[TagAt] = []
        leaves = number in gathering.leaving
        for at in gathering.told[number]:
            if gathering.is_taken[at]:
                self._tell_taken(gathering, at)
            else:
                made: list[tuple[int, ObjectInstance]] = []
                leaves |= self._take(page.shape(at), size, 0, at - first - 1, series_of(seed), made, tags)
                gathering.made += [(z, instance, at) for z, instance in made]
        if leaves:
            self._note_leaving(page.line_of(first))
        if tags:
            gathering.classifications[number] = self._classifications(tags, 0, series_of(seed))

    def _tell_taken(self, gathering: _Gathering, at: int) -> None:
        account, known, page = self.account, self._known, gathering.page
        code, points = int(page.codes[at]), int(gathering.repeats[at])
        ready = known.readies[code]
        assert ready is not None
        if points > 1:
            line = page.line_of(at) if account.wants(ready, points_split(points)) else None
            account.change(ready, points_split(points), line, ready.is_changed)
        if ready.is_open:
            account.tell(ready, page.variant(at).tag, page.line_of(at))
            known.is_open[code] = ready.is_open


class _Gathering:
    """A table while its images are walked.

    Attributes
    ----------
    is_taken : array
        By tag: whether it is a shape that is as most are.
    repeats : array
        By tag: how many objects such a shape is.
    told : dict of int to list of int
        By image: the shapes there is something to tell of.
    leaving : set of int
        Images that such a shape leaves.
    made : list
        The other objects.
    """

    def __init__(self, page: Page, shapes: PlainShapes, known: _Known) -> None:
        self.page = page
        self._found = shapes.found
        self._known = known
        self.is_taken = np.zeros(len(page), bool)
        self.repeats = np.ones(len(page), np.int64)
        for found in shapes.found.values():
            self.is_taken[found.places] = True
        if POINTS in shapes.found:
            points = shapes.found[POINTS]
            self.repeats[points.places] = points.counts
        known.count(page.codes[self.is_taken])
        self.made: list[_Made] = []
        self.natives: dict[str, dict[int, Keys]] = {}
        self.classifications: dict[int, list[Any]] = {}
        self.leaving = {int(page.owners[at]) for at in shapes.leaving}
        self.told: dict[int, list[int]] = {number: [] for number in self.leaving}
        is_told = known.is_open[page.codes] | (self.repeats > 1) | ~self.is_taken
        for at in np.flatnonzero(is_told & (page.kinds >= NAMELESS)).tolist():
            self.told.setdefault(int(page.owners[at]), []).append(at)

    def table(
        self,
        titles: list[str],
        data_hashes: list[str],
        sizes: list[Size],
        seeds: list[int],
        empty_row: Callable[[int], LabelRowV2],
        client_metadata: dict[int, dict[str, Any]],
        unit_titles: dict[int, str],
        native: dict[int, Keys],
    ) -> Table:
        """Return the table, all images being there."""
        page = self.page
        taken = np.flatnonzero(self.is_taken)
        repeats = self.repeats[taken]
        tags = np.repeat(taken, repeats)
        parts = np.arange(len(tags)) - np.repeat(
            np.cumsum(self.repeats[taken]) - self.repeats[taken], self.repeats[taken]
        )
        kinds = page.kinds[tags]
        depths = self._known.depths[page.codes[tags]]
        if self.made:
            tags = np.concatenate([tags, [at for _, _, at in self.made]])
            parts = np.concatenate([parts, np.arange(len(self.made))])
            depths = self._depths(depths)
        order = np.lexsort((parts, tags, depths, page.owners[tags]))
        tags, parts = tags[order], parts[order]
        owners = page.owners[tags]
        variants: list[Variant | None] = [self._known.made[code] for code in page.codes[tags].tolist()]
        made = {}
        for place in np.flatnonzero(order >= len(kinds)).tolist():
            variants[place] = None
            made[place] = self.made[int(order[place]) - len(kinds)][1]
        for place in np.flatnonzero((self.repeats[tags] > 1) & (order < len(kinds))).tolist():
            variants[place] = self._split_use(int(tags[place]), int(parts[place]))
        indexes = (tags - page.starts[owners] - 1 + (parts << 32)).astype(np.uint64)
        hashes = series_members(np.array(seeds, np.uint64)[owners], indexes) if variants else b""
        places = np.empty(len(order), np.int64)
        places[order] = np.arange(len(order))
        columns = {
            HUB[kind]: Column(places[np.flatnonzero(kinds == kind)].tolist(), found.numbers, found.more)
            for kind, found in self._found.items()
        }
        return Table(
            titles, data_hashes, sizes, np.bincount(owners, minlength=len(titles)).tolist(), variants, hashes, columns,
            made, self.classifications, lambda place: page.line_of(int(tags[place])), empty_row, client_metadata,
            unit_titles, self._native_columns(native, made, page.codes[tags]),
        )  # fmt: skip

    def _native_columns(self, rows: dict[int, Keys], made: dict[int, ObjectInstance], codes: Ints) -> NativeColumns:
        """Return what is native of images and labels; labels that were made one by one have keys of their own."""
        known = self._known.natives
        shared = [known[code] for code in codes.tolist()] if any(known) else ()
        if not self.natives:
            return NativeColumns(FAMILY, rows, shared=shared)
        labels = {place: own[0] for place, one in made.items() if (own := self.natives.get(one.object_hash))}
        said: dict[int, dict[str, Keys]] = {}
        for number, those in self.classifications.items():
            for one in those:
                if own := self.natives.get(one.classification_hash):
                    said.setdefault(number, {})[one.classification_hash] = own[0]
        return NativeColumns(FAMILY, rows, labels, classifications=said, shared=shared)

    def _depths(self, depths: Ints) -> Any:
        """Return the z_order of all shapes, those that were made behind the others; as ranks if one is no number of 64
        bits."""
        own = [z for z, _, _ in self.made]
        if max(map(abs, own)) > _MOST_Z:
            everything = [*depths.tolist(), *own]
            ranks = {z: rank for rank, z in enumerate(sorted(set(everything)))}
            return np.array([ranks[z] for z in everything])
        return np.concatenate([depths, own])

    def _split_use(self, at: int, part: int) -> Variant:
        """Return the variant of one of several points of an element; the first stands for it."""
        ready = self._known.readies[int(self.page.codes[at])]
        assert ready is not None
        if ready.split is None:
            said = self.page.variant(at)
            first = self._known.variant(ready, said, changed=True)
            ready.split = first, self._known.variant(ready, said, changed=True, stands_for=False)
        first, other = ready.split
        return other if part else first
