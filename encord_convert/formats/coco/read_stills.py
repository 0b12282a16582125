"""Still images of COCO files to tables: what is on many of them is read together and stays in columns.

An annotation that is not as most are (it has several rings, is a crowd, is damaged) is made by itself, as
:mod:`encord_convert.formats.coco.read_shapes` does it; it is counted in the order of the annotations.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np
from msgspec.structs import replace

from encord_convert.formats._files import Source
from encord_convert.formats.coco.index import drawn_as
from encord_convert.formats.coco.index_entries import NO_ID, number_of, numbers_of_ids
from encord_convert.formats.coco.native import FAMILY, is_loud, own_of, quiet_of
from encord_convert.formats.coco.read_contents import Said, image_answers, labels, one_of_a_kind, opened, png_of
from encord_convert.formats.coco.read_document import (
    SIZE_ADVICE,
    Extents,
    Found,
    Part,
    file_name_of,
    name_of,
    tell_odd_name,
    title_of,
)
from encord_convert.formats.coco.read_regular import Alikes, Plain
from encord_convert.formats.coco.read_shapes import Placed, Reader, free_hash
from encord_convert.hub.draft import Draft, series_members, series_of
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import Native, NativeColumns
from encord_convert.hub.splits import KEY
from encord_convert.hub.table import HASH, Size, Table, Variant
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, ObjectInstance

READ_KEYS = frozenset({"id", "width", "height", "file_name", "attributes", "encord", KEY})
"""Keys of images that are read."""


class Stills:
    """Makes tables of the images of one document that are rows of their own.

    Parameters
    ----------
    source : Source
    draft : Draft
    part : Part
    extents : Extents
    """

    def __init__(self, source: Source, draft: Draft, part: Part, extents: Extents) -> None:
        self._source = source
        self._draft = draft
        self._part = part
        self._extents = extents
        self._alikes = Alikes(part.reader)

    def table(self, places: Sequence[int], found: list[list[Found]]) -> Table:
        """Return images as a table.

        Parameters
        ----------
        places : sequence of int
            Where they stand among the images of the document.
        found : list of list of Found
            Of each what the document has of it, then what others have.
        """
        keys = [(*self._part.key, "image", place) for place in places]
        images = [image for (_, image, _), *_ in found]
        folder, member = self._part.folder, self._part.document.member
        titles = [folder + title_of(image) for image in images]
        sizes = []
        for number, own in enumerate(found):
            size = self._extents.known(self._part, own[0][1], own)
            if size is None:
                size, found[number] = (0, 0), self._without_size(own, titles[number])
            sizes.append(size)
        entries = [entry for (_, _, some), *_ in found for entry in some]
        alikes, looks = self._alikes.of(entries)
        owners = np.repeat(np.arange(len(found)), [len(some) for (_, _, some), *_ in found])
        masks = {
            owner: (png_of(member, entry.file_name),)
            for owner, entry in zip(owners.tolist(), entries, strict=True)
            if isinstance(entry.file_name, str)
        }
        plain = Plain(self._part.reader, entries, alikes, looks, owners, sizes)
        seeds = [self._draft.hashes.seed("image", *key) for key in keys]
        gathering = _Gathering(self._source, plain, looks.hashes, self._part.reader.native.keeps("annotation"))
        for number, own in enumerate(found):
            gathering.add(number, own, titles[number], sizes[number], series_of(seeds[number]))
        native = self._native_of(found, [title.removeprefix(folder) for title in titles])
        are_loud = bool(native.row_columns) and "image.id" not in native.quiet
        metadata = {}
        for number, image in enumerate(images):
            said = native.row(number, ()) if are_loud or number in native.rows else None
            if more := metadata_of(said, self._part.split_of(image)):
                metadata[number] = more

        def empty_row(number: int) -> LabelRowV2:
            title, key = titles[number], keys[number]
            row = self._draft.row(
                DataType.IMAGE, title, [self._draft.unit(title, *sizes[number], key)], frames=1, key=key,
                dataset=self._part.split, client_metadata=metadata.get(number),
            )  # fmt: skip
            row._origin = self._part.document.place
            ids = tuple(gathering.said_ids[ends[number] - gathering.counts[number] : ends[number]])
            row._file = LabelFile(member, name_of(images[number]), masks=masks.get(number, ()), ids=ids)
            return row

        hashes, made = gathering.finish(seeds)
        ends = list(accumulate(gathering.counts))
        return Table(
            titles, [self._draft.hashes.uuid("unit", *key) for key in keys], sizes, gathering.counts,
            gathering.variants, hashes,
            plain.columns(np.array(gathering.place_of, np.int64)), made, gathering.classifications,
            lambda _: None, empty_row, metadata, {}, gathering.native(native),
        )  # fmt: skip

    def _native_of(self, found: list[list[Found]], titles: list[str]) -> NativeColumns:
        """Return what only COCO has words for of images; of several files that of the first that says it."""
        rows: dict[int, dict[str, Any]] = {}
        for number, own in enumerate(found):
            keys: dict[str, Any] = {}
            for _, image, _ in own:
                keys = {**own_of(image, READ_KEYS), **keys}
                self._compare(own[0][1], image)
                tell_odd_name(self._part, image, titles[number])
            name = file_name_of(own[0][1], titles[number])
            if name is not None:
                keys["file_name"] = name
            if keys:
                rows[number] = keys
        kept = self._part.reader.native
        quiet = kept.quiet | quiet_of(rows.values()) if rows else kept.quiet
        columns: dict[str, Any] = {}
        if kept.keeps("image"):
            ids = [number_of(image.get("id")) for (_, image, _), *_ in found]
            if NO_ID in ids:
                for number, id_ in enumerate(ids):
                    if id_ != NO_ID:
                        rows[number] = {"id": id_, **rows.get(number, {})}
            else:
                columns["id"] = ids
        return NativeColumns(FAMILY, rows, row_columns=columns, quiet=frozenset(quiet))

    def _compare(self, first: dict[str, Any], other: dict[str, Any]) -> None:
        """Say what another file says otherwise of an image."""
        for key, value in other.items() if other is not first else ():
            if key not in ("id", "encord", "attributes") and first.get(key, value) != value:
                detail = f"Files say something else of the {key!r} of an image: the first counts."
                name, where = ("key", f"image.{key}"), self._part.reader.where(title_of(first), None)
                self._part.reader.counts.lose(Kind.MERGED, "IMAGE_DIFFERS", Feature.NATIVE, name, where, detail)

    def _without_size(self, own: list[Found], title: str) -> list[Found]:
        """Return what an image of unknown size holds all the same: what has no place in it. The rest is lost.

        Raises
        ------
        ReadError
            No image of the file says its size, and this one has something to place.
        """
        kept: list[Found] = []
        for part, image, entries in own:
            placed = [entry for entry in entries if entry is None or drawn_as(entry) not in ("caption", "label")]
            if placed and not self._part.images_index.says_sizes:
                self._extents.of(self._part, image)
            for entry in placed:
                detail = f"The size of its image is not known. {SIZE_ADVICE}"
                part.reader.lose(entry, "SIZE_UNKNOWN", detail, title)
            kept.append((part, image, [entry for entry in entries if entry not in placed] if placed else entries))
        detail = "Images without a size, and without shapes, are read as 0 × 0 pixels; -r size=WIDTHxHEIGHT gives it."
        self._part.reader.counts.note(Level.WARNING, "SIZE_UNKNOWN", detail, self._part.reader.where(title, None))
        return kept


class _Gathering:
    """What is on the images of a table while they are walked.

    Attributes
    ----------
    counts, variants, classifications
        Of the table.
    said_ids : list
        Of the shapes, in their order, the ids that the files give them.
    place_of : list of int
        The place in the table of each annotation of the document that is plain.
    """

    def __init__(self, source: Source, plain: Plain, hashes: Mapping[int, bytes], keeps_ids: bool) -> None:
        self._source = source
        self._plain = plain
        self._keeps_ids = keeps_ids
        self._given = hashes
        self.counts: list[int] = []
        self.variants: list[Variant | None] = []
        self.classifications: dict[int, list[ClassificationInstance]] = {}
        self.place_of: list[int] = []
        self._indexes: list[int] = []
        self._ids: list[Any] = []
        self.said_ids: list[Any] = []
        self._native: dict[int, dict[str, Any]] = {}
        self._said: dict[int, dict[str, dict[str, Any]]] = {}
        self._own: dict[int, str] = {}
        self._made: dict[int, tuple[Reader, Placed]] = {}

    def add(self, number: int, found: list[Found], title: str, size: Size, hash_of: Callable[[int], str]) -> None:
        """Count the annotations of the next image in their order, and read those that are not plain."""
        before, start, index = len(self.variants), len(self.place_of), 0
        alikes = self._plain.alikes[start : start + len(found[0][2])]
        self.place_of += [0] * len(alikes)
        labelled: Said = []
        taken: set[str] = set()
        for part, image, entries in found:
            said: list[Any] = []
            if alikes and self._are_usual(alikes, start):
                self.place_of[start:] = range(before, before + len(alikes))
                self._indexes += range(len(alikes))
                self._ids += (ids := [entry.id for entry in entries])
                self.said_ids += ids
                for entry in entries if self._plain.lacks else ():
                    part.reader.tell_missing(entry, title)
                for at in range(start, start + len(alikes)) if self._given else ():
                    if at in self._given:
                        self._keep(part, self._given[at].decode(), before + at - start, taken)
                if self._plain.native:
                    self._take_own(part, start, before, entries)
                self.variants += [alike.variant for alike in alikes if alike]
                index, entries = len(alikes), []
            for at, entry in enumerate(entries):
                alike = alikes[at] if at < len(alikes) else None
                if alike is None:
                    index += self._draw(part, entry, title, size, index, taken, said)
                    continue
                self.place_of[start + at] = len(self.variants)
                part.reader.tell_missing(entry, title)
                if start + at in self._given:
                    self._keep(part, self._given[start + at].decode(), len(self.variants), taken)
                self._indexes.append(index)
                self._ids.append(entry.id)
                self.said_ids.append(entry.id)
                self._take_own(part, start + at, len(self.variants), [entry])
                self.variants.append(alike.variant)
                index += 1
            alikes = []  # only the document itself has any
            if said:
                labelled += labels(part.reader, said, title, 0, hash_of)
            answers = image_answers(part, image, 0, title, lambda n: hash_of((1 << 35) + n))
            labelled += [(instance, {}) for instance in answers]
        if len(found) > 1:
            labelled = one_of_a_kind(found[0][0].reader, labelled, title)
        self.counts.append(len(self.variants) - before)
        if labelled:
            self.classifications[number] = [instance for instance, _ in labelled]
            own = {instance.classification_hash: keys for instance, keys in labelled if keys}
            if own:
                self._said[number] = own

    def _are_usual(self, alikes: list[Any], start: int) -> bool:
        """Tell whether nothing is to be said of the annotations of an image by themselves, as of most."""
        if None in alikes or not self._plain.is_sound:
            return False
        hashes = [self._given[at] for at in range(start, start + len(alikes)) if at in self._given]
        return len(set(hashes)) == len(hashes)

    def _take_own(self, part: Part, start: int, place: int, entries: list[Any]) -> None:
        """Take what is native of annotations that are plain: from one, and one place of the table, on."""
        native, is_sound = self._plain.native, self._plain.is_sound
        for at, entry in enumerate(entries):
            own = native.get(start + at)
            if own is not None and (is_sound or part.reader.sound(own, entry)):
                self._native[place + at] = own

    def native(self, of_images: NativeColumns) -> NativeColumns | None:
        """Return what only COCO has words for, of the images and of what is on them; None if that is nothing."""
        columns: dict[str, Any] = {}
        if self._keeps_ids and self._ids:
            ids = numbers_of_ids(self._ids)
            if NO_ID in ids:
                for place, id_ in enumerate(ids):
                    if id_ != NO_ID:
                        self._native[place] = {"id": id_, **self._native.get(place, {})}
            else:
                columns["id"] = ids
        if not (of_images.rows or of_images.row_columns or self._native or columns or self._said):
            return None
        return replace(of_images, labels=self._native, label_columns=columns, classifications=self._said)

    def _draw(
        self, part: Part, given: Any, title: str, size: Size, index: int, taken: set[str], said: list[Any]
    ) -> int:
        """Read what an annotation places, or add it to what is said of the image; return how many it counts as."""
        count = 0
        for entry, kind in opened(self._source, part, [given], size, title):
            if kind in ("caption", "label"):
                said.append(entry)
                continue
            placed = part.reader.placed(entry, kind, size, title, False)
            if placed is not None:
                self._made[len(self.variants)] = part.reader, placed
                self._ids.append(placed.native.pop("id", None))
                self.said_ids.append(entry.id)
                if placed.native:
                    self._native[len(self.variants)] = placed.native
                if placed.hash is not None:
                    self._keep(part, placed.hash, len(self.variants), taken)
                self._indexes.append(index + count)
                self.variants.append(None)
            count += 1
        return count

    def _keep(self, part: Part, hash_: str, place: int, taken: set[str]) -> None:
        """Let the shape of a place keep its own hash, if no other of the image has it."""
        if hash_ in taken:
            detail = "Two objects of an image have the same hash; the later has another."
            part.reader.counts.note(Level.WARNING, "DUPLICATE_ID", detail, Where(file=part.document.place))
        else:
            taken.add(hash_)
            self._own[place] = hash_

    def finish(self, seeds: list[int]) -> tuple[bytes, dict[int, ObjectInstance]]:
        """Return the hashes of all shapes, one after the other, and those that are not plain."""
        owners = np.repeat(np.arange(len(seeds)), self.counts)
        indexes = np.array(self._indexes, np.uint64)
        hashes = (
            bytearray(series_members(np.array(seeds, np.uint64)[owners], indexes)) if self.variants else bytearray()
        )
        own = {place: hash_ for place, hash_ in self._own.items() if len(hash_) == HASH and hash_.isascii()}
        for place, hash_ in own.items():
            hashes[HASH * place : HASH * (place + 1)] = hash_.encode()
        for number in {int(owners[place]) for place in own}:
            end = sum(self.counts[: number + 1])
            span = range(end - self.counts[number], end)
            taken = [bytes(hashes[HASH * place : HASH * (place + 1)]).decode() for place in span]
            if len(set(taken)) < len(taken):  # written by this package and added to: these are of the same series
                known = {own[place] for place in span if place in own}
                for place in span:
                    if place not in own:
                        hash_ = free_hash(series_of(seeds[number]), self._indexes[place], known)
                        hashes[HASH * place : HASH * (place + 1)] = hash_.encode()
        made = {}
        for place, (reader, placed) in self._made.items():
            placed.hash = self._own.get(place)
            made[place] = reader.lone(placed, hashes[HASH * place : HASH * (place + 1)].decode(), 0)
        return bytes(hashes), made


def metadata_of(native: Native | None, split: str) -> dict[str, Any] | None:
    """Return the client metadata of a row: what only COCO has words for, as far as it says something, and the split."""
    metadata: dict[str, Any] = {}
    if native is not None:
        own = {key: value for key, value in native.row.items() if is_loud(key, native.row)}
        own = {key: value for key, value in own.items() if f"image.{key}" not in native.quiet}
        metadata = {"coco": own} if own else {}
    if split:
        metadata[KEY] = split
    return metadata or None
