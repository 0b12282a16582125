"""Reads Pascal VOC: files are scanned once into columns, from which tables are made."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.errors import ReadError
from encord_convert.formats._classes import ONTOLOGY, Classes
from encord_convert.formats._files import Source
from encord_convert.formats.voc.answers import NO, split_answers
from encord_convert.formats.voc.elements import MOST_BYTES, Annotation, ObjectInfo, annotation_of, parsed
from encord_convert.formats.voc.evidence import MEANS, OTHER, Convention, Evidence
from encord_convert.formats.voc.images import Images, stem_of
from encord_convert.formats.voc.masks import Mask, Masks
from encord_convert.formats.voc.options import ReadOptions
from encord_convert.formats.voc.scan import Scanned, Scanner
from encord_convert.formats.voc.sets import LABELMAP, OFFICIAL, labelmap_of, sets_of
from encord_convert.formats.voc.shapes import Candidate, Plane, candidates, numbers_of
from encord_convert.hub.counts import Carried, Counts, Origin
from encord_convert.hub.draft import Draft, series_members, series_of
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import NOTES, NativeColumns
from encord_convert.hub.splits import metadata_of
from encord_convert.hub.table import Column, Table, Variant
from encord_convert.hub.visibility import FARTHEST_PX
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Object, ObjectInstance, Shape

FAMILY = "voc"
SETS, LISTED, CONVENTION, DATABASES = "ImageSets", "labelmap", "coordinates", "source"
"""Native keys of a set."""
PART_OF, HAS_PARTS = "part of", "has parts"
"""Native keys of an object, unlike any element."""
_TOGETHER = 256
_AT_ONCE = 4096

_QUIET = frozenset(
    f"image.{key}"
    for key in ("folder", "filename", "path", "segmented", "size.depth", "source.database", "source.annotation",
                "source.image")
) | {f"annotation.{HAS_PARTS}", f"annotation.{NO}"}  # fmt: skip
"""Native keys that are no loss elsewhere: paths of the image, and data of the whole set."""


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read annotations, image sets and masks.

    Raises
    ------
    ReadError
        There is no annotation, or the only one is damaged; or a mask is.
    """
    reading = _Reading(source, options)
    labels = LabelSet(reading.draft.ontology, title=FAMILY, counts=reading.counts, tables=reading.tables)
    labels.native[FAMILY] = reading.native()
    labels.splits = reading.splits
    return labels


@dataclass(slots=True)
class _Group:
    """Objects that differ only in their boxes."""

    variant: Variant
    native: dict[str, Any] | None
    again: int
    left: dict[str, Any]


class _Reading:
    """The scanned source; rows are made on demand."""

    def __init__(self, source: Source, options: ReadOptions) -> None:
        names = source.names()
        members = sorted(source.names(".xml"), key=lambda name: name.rpartition(".")[0])  # "a" before "a (2)"
        if not members and ONTOLOGY not in names:
            raise ReadError(source.name, "holds no .xml file.")
        self._source = source
        self.counts = Counts()
        self.draft = Draft(FAMILY)
        self._sets = sets_of(source, names)
        listed = next((name for name in names if name.rpartition("/")[2] == LABELMAP), None)
        self._listed = {} if listed is None else labelmap_of(source, listed)
        self._masks = Masks(source, names, self._listed)
        self._classes = Classes(self.draft, source, names, self.counts)
        self._evidence = Evidence(has_labelmap=bool(self._listed))
        self._names: set[str] = set()
        scanner = Scanner(source, self.counts, self._has_masks)
        for number, annotation in scanner.scan(members):
            self._register(number, annotation, scanner.found)
        self._found = found = scanner.found
        self._images = Images(source, names, found, self._sets, self._masks, self.counts)
        for number in range(len(found.members)):
            if found.heads[number] < 0 and stem_of(found.members[number]) in self._masks:
                found.irregular.add(number)
                self._register(number, None, found)
        self.splits = {split for split in self._images.splits if split}
        for info in found.infos:
            self._register_one(info, Shape.BOUNDING_BOX)
        self._build()
        self._ends = np.cumsum(np.array(found.counts, np.int64))
        self._corners = np.frombuffer(found.numbers or b"", np.float64).reshape(-1, 4)
        self._codes = np.frombuffer(found.codes or b"", np.uint32)
        found.irregular.update(self._swapped())
        self._note_files()
        self._convention = self._decided(options)
        self._plane = Plane(self._convention == "voc")
        self._alikes: dict[int, _Group] = {}
        self.counts.mark_head()

    # -- what the source holds --------------------------------------------------------------------------------

    def _register(self, number: int, annotation: Annotation | None, found: Scanned) -> None:
        """Register the classes and corners of an irregular file."""
        corners = []
        annotation = annotation or Annotation("", (0, 0), {}, [])
        for item in candidates(annotation, self._masks_of(number, found)):
            if item.shape is not None and item.info.name:
                self._register_one(item.info, item.shape, is_object=item.type == "object")
            box = None if item.xml_object is None else numbers_of(item.xml_object.box)
            corners += [] if box is None else [box]
        if corners:
            self._evidence.add(np.array(corners), np.array([annotation.size] * len(corners)))

    def _has_masks(self, member: str) -> bool:
        return bool(self._masks) and stem_of(member) in self._masks

    def _masks_of(self, number: int, found: Scanned) -> list[Mask]:
        stem = stem_of(found.members[number])
        if stem not in self._masks:
            return []
        try:
            return self._masks.of(stem, self._masks.size(stem))[0]
        except ReadError as error:
            self._masks.forget(stem)
            detail = f"{error.sentence} The masks of the image are left out."
            where = Where(file=self._source.place(found.members[number]))
            self.counts.into["file", ""] += 1
            self.counts.drop("FILE_DAMAGED", Feature.MEDIA, ("file", ""), where, detail)
            self.counts.note(Level.ERROR, "FILE_DAMAGED", detail, where)
            return []

    def _register_one(self, info: ObjectInfo, shape: Shape, *, is_object: bool = True) -> None:
        members, _, _ = split_answers(info, self._classes.given(info.name, shape), self._classes)
        self._classes.show(info.name, shape, members)
        if is_object:
            self._names.add(info.name)

    def _build(self) -> None:
        order: Sequence[str] = list(self._listed)
        if not order and self._names <= set(OFFICIAL):
            order = OFFICIAL
        self._classes.build(order, {name: one.color for name, one in self._listed.items()})

    def _note_files(self) -> None:
        """Add notes about whole files, and collect evidence on coordinates."""
        found, counts = self._found, self.counts
        if found.owners:
            place = self._source.place(found.members[min(found.owners)])
            detail = "The 'owner' of an image names a person and is not read."
            counts.lose(
                Kind.DROPPED, "OWNER_DROPPED", Feature.NATIVE, ("key", "image.owner"), Where(file=place), detail,
                count=len(found.owners),
            )  # fmt: skip
        self._evidence.stated.update(found.conventions.values())
        for head, count in Counter(found.heads).items():
            native = found.natives[head] if head >= 0 else {}
            for key in ("source.database", "source.annotation"):
                if key in native:
                    self._evidence.databases[native[key]] += count
        for start in range(0, len(found.members), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            per_image = np.array(found.counts[some], np.int64)
            sizes = np.repeat(np.array(found.sizes[some], np.int64), per_image, axis=0)
            end = int(self._ends[start + len(per_image) - 1])
            self._evidence.add(self._corners[end - len(sizes) : end], sizes)

    def _swapped(self) -> set[int]:
        """Return the images with a box whose minimum is above its maximum or whose numbers are absurdly large."""
        left, top, right, bottom = self._corners.T
        is_odd = (left > right) | (top > bottom) | (right > FARTHEST_PX) | (bottom > FARTHEST_PX)
        is_odd |= (left < -FARTHEST_PX) | (top < -FARTHEST_PX)
        return set(np.searchsorted(self._ends, np.flatnonzero(is_odd), "right").tolist())

    def _decided(self, options: ReadOptions) -> Convention:
        convention, reason, is_sure = self._evidence.decide()
        if options.coordinates != "auto":
            convention, reason, is_sure = options.coordinates, "-r coordinates says so", True
        if self._evidence.boxes:
            detail = f"Corners are read as {MEANS[convention]}: {reason}."
            if not is_sure or options.coordinates == "auto":
                detail += f" -r coordinates={OTHER[convention]} reads them the other way, a pixel apart."
            level = Level.INFO if is_sure else Level.WARNING
            self.counts.note(level, "COORDINATES_READ_AS", detail, count=self._evidence.boxes)
        return convention

    def native(self) -> dict[str, Any]:
        """Return the native data of the set."""
        databases = {name: count for name, count in self._evidence.databases.items() if name}
        native: dict[str, Any] = {CONVENTION: self._convention, NOTES: []}
        lost = {
            SETS: (self._sets.lines, "image sets beyond one split per image"),
            LISTED: (self._listed_rest(), "parts and actions of classes"),
        }
        for key, (value, what) in lost.items():
            if value:
                native[key] = value
                detail = f"Kept for VOC only: {what} ('{key}')."
                native[NOTES].append([Level.INFO.value, "NATIVE_DROPPED", detail, None, len(value)])
        if databases:
            detail = f"Kept for VOC only: the 'source' of images: {', '.join(sorted(databases)[:5])}."
            native[NOTES].append([Level.INFO.value, "NATIVE_DROPPED", detail, None, sum(databases.values())])
        return native

    def _listed_rest(self) -> dict[str, list[str]]:
        return {name: [one.color or "", one.parts, one.actions] for name, one in self._listed.items()}

    # -- tables -----------------------------------------------------------------------------------------------

    def tables(self) -> Iterator[Table]:
        """Yield tables of some hundred images."""
        self.counts.rewind()
        kept, counts = self._images.kept, np.zeros(len(self._found.infos), np.int64)
        for start in range(0, len(kept), _TOGETHER):
            yield self._table(kept[start : start + _TOGETHER], counts)
        for code in np.flatnonzero(counts).tolist():
            alike, name, count = self._alike(code), self._found.infos[code].name, int(counts[code])
            self.counts.into["object", name] += count
            answers = sum(number for _, number in alike.variant.carried)
            if answers:
                self.counts.into["answer", name] += count * answers
            if alike.left or alike.again:
                for _ in range(count):
                    self._lose_answers(name, alike.left, alike.again, Where())

    def _lose_answers(self, name: str, left: Mapping[str, Any], again: int, where: Where) -> None:
        lost = [f"Its class has no attribute for the answer {value!r} of {key!r}." for key, value in left.items()]
        lost += ["Two attributes have the same 'name'; the first is read."] * again
        for detail in lost:
            self.counts.into["answer", name] += 1
            self.counts.drop("ANSWER_DROPPED", Feature.ANSWERS, ("answer", name), where, detail)

    def _alike(self, code: int) -> _Group:
        known = self._alikes.get(code)
        if known is None:
            info = self._found.infos[code]
            item, shared, native, again, left, carried = self._answers(info, Shape.BOUNDING_BOX)
            variant = Variant(item, self.draft.info, shared, None, "object", info.name, carried)
            known = self._alikes[code] = _Group(variant, native or None, again, left)
        return known

    def _answers(
        self, info: ObjectInfo, shape: Shape
    ) -> tuple[Object, Any, dict[str, Any], int, dict[str, Any], Carried]:
        """Return the class of an object, its answers, native data, and the answers without an attribute.

        Of several classes of a name and shape it is the first with attributes for all answers.
        """
        classes, found = self._classes, []
        for item in classes.of(info.name, shape):
            members, native, again = split_answers(info, item if classes.is_given else None, classes)
            shared, left = classes.answers(item, members)
            count = len(members) - len(left)
            carried: Carried = (("answer", count),) if count else ()
            found.append((item, shared, native, again, left, carried))
            if not left:
                return found[-1]
        return found[0]

    def _table(self, numbers: list[int], counts: NDArray[np.int64]) -> Table:
        found, images, hashes = self._found, self._images, self.draft.hashes
        keys = [(found.members[number],) for number in numbers]
        seeds = hashes.seeds("image", keys)
        titles, sizes = [images.titles[number] for number in numbers], [found.sizes[number] for number in numbers]
        metadata = {at: own for at, number in enumerate(numbers) if (own := metadata_of(images.splits[number]))}
        self.counts.into["image", ""] += len(numbers)
        table = _Table()
        for at, number in enumerate(numbers):
            end = int(self._ends[number])
            if number in found.irregular:
                self._add_irregular(table, number, series_of(seeds[at]))
            else:
                table.add(range(end - found.counts[number], end))
        codes = self._codes[table.indexes]
        np.add.at(counts, codes, 1)
        alikes = [self._alike(code) for code in codes.tolist()]
        variants: list[Variant | None] = [None] * table.count
        shared: list[Any] = [None] * table.count
        for place, alike in zip(table.places, alikes, strict=True):
            variants[place], shared[place] = alike.variant, alike.native
        owners = np.repeat(np.arange(len(numbers)), table.counts)
        series = (np.arange(table.count) - np.repeat(np.cumsum(table.counts) - table.counts, table.counts)).astype(
            np.uint64
        )
        rows = {at: own for at, number in enumerate(numbers) if (own := self._native_of(number))}
        native = NativeColumns(FAMILY, rows, table.native, quiet=_QUIET, shared=shared if any(shared) else ())

        def empty_row(at: int) -> LabelRowV2:
            units = [self.draft.unit(found.units.get(numbers[at], titles[at]), *sizes[at], keys[at])]
            row = self.draft.row(
                DataType.IMAGE, titles[at], units, frames=1, key=keys[at], client_metadata=metadata.get(at)
            )
            member = found.members[numbers[at]]
            row._origin = self._source.place(member)
            row._file = LabelFile(member, images.names[numbers[at]])
            return row

        return Table(
            titles, hashes.uuids("unit", keys), sizes, table.counts, variants,
            series_members(np.array(seeds, np.uint64)[owners], series) if table.count else b"",
            {Shape.BOUNDING_BOX: Column(table.places, self._relative(table, np.array(sizes, np.float64), owners))},
            table.made, {}, lambda place: None, empty_row, metadata,
            {at: found.units[number] for at, number in enumerate(numbers) if number in found.units}, native,
        )  # fmt: skip

    def _relative(self, table: _Table, sizes: NDArray[np.float64], owners: NDArray[Any]) -> NDArray[np.float64]:
        """Return the boxes of a table relative to their images: left, top, width, height."""
        boxes = self._corners[table.indexes]
        if self._plane.is_one_based:
            boxes = boxes - np.array([1.0, 1.0, 0.0, 0.0])
        sides = sizes[owners[table.places]] if len(boxes) else np.empty((0, 2))
        return np.hstack([boxes[:, :2] / sides, (boxes[:, 2:] - boxes[:, :2]) / sides])

    def _native_of(self, number: int) -> dict[str, str]:
        found, head = self._found, self._found.heads[number]
        own = dict(found.natives[head]) if head >= 0 else {}
        if (path := found.paths[number]) is not None:
            folder, is_followed = path
            own["path"] = folder + found.filenames[number] if is_followed else folder
        if number in self._images.renamed:
            own["filename"] = found.filenames[number]
        return own

    # -- files that are odd -----------------------------------------------------------------------------------

    def _add_irregular(self, table: _Table, number: int, hash_of: Callable[[int], str]) -> None:
        """Make the objects of an irregular file or of an image with only masks."""
        found, member = self._found, self._found.members[number]
        size, place = found.sizes[number], self._source.place(member)
        annotation = Annotation("", size, {}, [])
        if found.heads[number] >= 0:
            annotation = annotation_of(parsed(self._source.head(member, MOST_BYTES + 1)))
        masks: list[Mask] = []
        if stem_of(found.members[number]) in self._masks:
            masks, void = self._masks.of(stem_of(member), size)
            if void:
                self.counts.into["void", ""] += 1
                detail = "Void mask pixels (255) belong to no object."
                where = Where(file=place, row=self._images.titles[number])
                self.counts.drop("VOID_DROPPED", Feature.MEDIA, ("void", ""), where, detail)
        made: list[tuple[ObjectInstance, dict[str, Any]]] = []
        for item in candidates(annotation, masks):
            line = None if item.xml_object is None else item.xml_object.line
            where = Where(file=place, line=line, row=self._images.titles[number], element=f"<{item.type}>")
            instance = self._made(item, size, hash_of(len(made)), line, where)
            if instance is not None:
                made.append(instance)
        table.add_made(made)

    def _made(
        self, one: Candidate, size: tuple[int, int], hash_: str, line: int | None, where: Where
    ) -> tuple[ObjectInstance, dict[str, Any]] | None:
        name, counts = one.info.name, self.counts
        counts.into[one.type, name] += 1
        if not name or one.shape is None:
            detail = "It has no name." if not name else "Its corners are not four numbers."
            code, feature = ("NAME_MISSING", Feature.LABEL_NAME) if not name else ("INVALID_BOX", Feature.SHAPE)
            counts.drop(code, feature, (one.type, name), where, detail)
            return None
        item, shared, native, again, left, carried = self._answers(one.info, one.shape)
        for key, count in carried:
            counts.into[key, name] += count
        self._lose_answers(name, left, again, where)
        coordinates, own_box, is_swapped = self._plane.coordinates(one, size)
        if is_swapped:
            detail = "A minimum is above its maximum ('xmin', 'ymin', 'xmax', 'ymax'): the corners are swapped."
            counts.note(Level.WARNING, "CORNERS_SWAPPED", detail, where)
        native |= own_box
        if one.parent is not None:
            native[PART_OF] = str(one.parent)
        if one.has_parts is not None:
            native[HAS_PARTS] = str(one.has_parts)
        origin = Origin(one.type, name, line, carried)
        instance = ObjectInstance._on_frame(item, hash_, 0, coordinates, self.draft.info, shared, None, origin)
        return instance, native


class _Table:
    """A table under construction.

    Attributes
    ----------
    counts : list of int
        By image.
    indexes, places : list of int
        Of the objects in columns: index in the source, and position in the table.
    made, native : dict
        The other objects, and native data, by position.
    """

    def __init__(self) -> None:
        self.count = 0
        self.counts: list[int] = []
        self.indexes: list[int] = []
        self.places: list[int] = []
        self.made: dict[int, ObjectInstance] = {}
        self.native: dict[int, dict[str, Any]] = {}

    def add(self, indexes: range) -> None:
        """Add an image whose objects are in columns."""
        self.indexes += indexes
        self.places += range(self.count, self.count + len(indexes))
        self._end(len(indexes))

    def add_made(self, made: list[tuple[ObjectInstance, dict[str, Any]]]) -> None:
        """Add an image whose objects are made."""
        for place, (instance, native) in enumerate(made, self.count):
            self.made[place] = instance
            if native:
                self.native[place] = native
        self._end(len(made))

    def _end(self, count: int) -> None:
        self.count += count
        self.counts.append(count)
