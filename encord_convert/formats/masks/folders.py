"""Folders of masks that others made: images of indices or colours, and folders of masks per image.

The page of the formats is :mod:`encord_convert.formats.masks.page`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._api import Match
from encord_convert.formats._files import FolderSource, Source
from encord_convert.geometry import png
from encord_convert.geometry.paintings import mask_of, values_in, values_of
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import Before, LabelSet
from encord_convert.hub.media import LabelFile
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Object, ObjectInstance, Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.workers import current_pool

USUAL = ("classes.txt", "labelmap.txt", "class_dict.csv", "label_colors.txt")
"""Names of files that name the classes of images beside them."""

_LOOKED_AT = 8
_MOST_BYTES = 1 << 20
_NOTHING = frozenset({"background", "_background_", "__background__", "void", "unlabeled", "unlabelled", "ignore"})
_NUCLEI = re.compile(r"(?:.*/)?([^/]+)/masks/[^/]+\.png", re.IGNORECASE)
_COLOUR = r"(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})"
_LINES = (
    re.compile(rf"(?P<name>[^:]+):{_COLOUR}:.*"),
    re.compile(rf"{_COLOUR}[\s,]+(?P<name>\S.*)"),
    re.compile(rf"(?P<name>\S.*?)[\s,]+{_COLOUR}"),
)
_NUMBERED = re.compile(r"(\d{1,5})[\s,:]+(\S.*)")


def read_image(source: Source, name: str) -> png.Bands:
    """Open a PNG of a source, its header first. Its pixels are looked at when its bands are walked.

    Raises
    ------
    ReadError
        There is none, or it is too large or damaged.
    """
    try:
        with source.open(name) as stream:
            head = stream.read(png.HEADER_BYTES)
            png.header(head)
            return png.Bands(head + stream.read())
    except KeyError:
        raise ReadError(source.name, f"has no file {name!r}.") from None
    except ValueError as error:
        raise ReadError(source.place(name), f"{error}") from error


@contextmanager
def damage_of(source: Source, name: str) -> Iterator[None]:
    """Say in which image pixels cannot be read."""
    try:
        yield
    except ValueError as error:
        raise ReadError(source.place(name), f"{error}") from error


# --- images of indices or colours ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Entry:
    """A class as a file names it: by number, or by colour as red << 16 | green << 8 | blue."""

    name: str
    value: int
    is_colour: bool


def is_index_folder(source: Source) -> Match:
    """Say yes to images of indices, or of colours that are listed, beside a list of classes, and nothing else."""
    names = source.names(".png", depth=4)
    if not names or source.names(".xml", depth=4):
        return Match.NO
    listed = _usual(source)
    try:
        heads = [png.header(source.head(name, png.HEADER_BYTES)) for name in names[:_LOOKED_AT]]
    except (ReadError, OSError, ValueError):
        return Match.NO if listed is None else Match.UNSURE
    if listed is None or any(name.rpartition("/")[2] not in USUAL for name in source.names(".txt", depth=4)):
        return Match.UNSURE if all(head.has_palette for head in heads) else Match.NO
    try:
        has_colours = any(entry.is_colour for entry in entries_of(source, listed))
    except ReadError:
        return Match.NO
    return Match.YES if has_colours or all(head.colour_type in (0, 3) for head in heads) else Match.NO


def entries_of(source: Source, name: str) -> list[Entry]:
    """Read a file that names classes, one a line.

    Raises
    ------
    ReadError
        It is no text, or a colour has a number above 255.
    """
    place = source.place(name)
    try:
        text = source.head(name, _MOST_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ReadError(place, "is not text in UTF-8.") from error
    entries: list[Entry] = []
    for number, line in enumerate(text.splitlines(), 1):
        line = line.strip()
        if not line or line.startswith("#") or re.fullmatch(r"name\s*,\s*r\s*,\s*g\s*,\s*b", line, re.IGNORECASE):
            continue
        found = next((found for pattern in _LINES if (found := pattern.fullmatch(line))), None)
        if found is not None:
            red, green, blue = (int(part) for part in found.groups() if part is not None and part != found["name"])
            if max(red, green, blue) > 255:
                raise ReadError(place, f"names the colour {red} {green} {blue}; they are from 0 to 255.", line=number)
            entries.append(Entry(found["name"].strip(), red << 16 | green << 8 | blue, True))
        elif numbered := _NUMBERED.fullmatch(line):
            entries.append(Entry(numbered[2], int(numbered[1]), False))
        else:
            entries.append(Entry(line, len(entries), False))
    return entries


def _usual(source: Source) -> str | None:
    names = source.names(depth=2)
    return next((name for usual in USUAL for name in names if name.rpartition("/")[2] == usual), None)


def read_index_folder(source: Source, listed: str | None, ignore: int | None, label: str) -> LabelSet:
    """Read images of indices or colours; each is a still image, and each class in it one object.

    Raises
    ------
    ReadError
        There is none, one is damaged, or has a value that is not listed.
    """
    names = source.names(".png", depth=8)
    if not names:
        raise ReadError(source.name, "holds no .png file.")
    first = {name.partition("/")[0] + "/" for name in names}
    prefix = first.pop() if len(first) == 1 else ""
    listed = listed or _usual(source)
    found = None if listed and entries_of(source, listed) else _values_in_all(source, names)
    whole = Spec(
        source.name, names, listed, ignore, label, len(prefix) if all("/" in one for one in names) else 0, found
    )
    reading = _Indices(source, whole)
    cut = partial(_shards, source, whole) if _is_folder(source, names[0]) else None
    return LabelSet(reading.draft.ontology, reading.rows, shards=cut)


class Spec(msgspec.Struct, frozen=True):
    """What another process needs to read some of the images of a folder.

    Parameters
    ----------
    root : str
        The folder.
    names : list of str
        The images.
    listed : str or None
        The file that names the classes.
    ignore, label
        Options of the reader.
    prefix : int
        How many characters of each name are of the folder that all images are in.
    values : mapping of int to str, optional
        Of images whose classes no file names: the values in all of them, with their colours.
    first : int
        How many images are before these.
    """

    root: str
    names: list[str]
    listed: str | None
    ignore: int | None
    label: str
    prefix: int
    values: dict[int, str | None] | None
    first: int = 0


def _is_folder(source: Source, name: str) -> bool:
    """Tell whether another process can open the source by its name."""
    path = source.path(name)
    return path is not None and path == Path(source.name) / name


def _shards(source: Source, whole: Spec, count: int) -> list[LabelSet]:
    size = -(-len(whole.names) // count)
    parts = [(at, whole.names[at : at + size]) for at in range(0, len(whole.names), size)]
    return [_shard(source, msgspec.structs.replace(whole, names=names, first=at)) for at, names in parts]


def open_shard(spec: Spec) -> LabelSet:
    """Return the part of a label set that a spec describes, in whatever process this runs."""
    return _shard(FolderSource(Path(spec.root)), spec)


def _shard(source: Source, spec: Spec) -> LabelSet:
    reading = _Indices(source, spec)
    labels = LabelSet(reading.draft.ontology, reading.rows)
    labels.before = Before(spec.first, {})
    labels.spec = (f"{__name__}:{open_shard.__name__}", spec)
    return labels


def _values_in_all(source: Source, names: list[str]) -> dict[int, str | None]:
    """Look at every image once to learn which values there are, and which colours they have.

    Raises
    ------
    ReadError
        One is damaged, or a colour image.
    """
    pool = current_pool()
    if pool is None or len(names) < pool.size or not _is_folder(source, names[0]):
        return _values_in_some(source, names)
    size = -(-len(names) // pool.size)
    parts = [names[at : at + size] for at in range(0, len(names), size)]
    others = [pool.start(_values_in_some, FolderSource(Path(source.name)), part) for part in parts[1:]]
    found = _values_in_some(source, parts[0])
    for other in others:
        for value, color in other.result().items():
            found[value] = found.get(value) or color
    return found


def _values_in_some(source: Source, names: list[str]) -> dict[int, str | None]:
    found: dict[int, str | None] = {}
    for name in names:
        image = read_image(source, name)
        if image.has_channels:
            fact = "is a colour image, and nothing says which colour is which class."
            raise ReadError(source.place(name), fact, advice="Name them with -r classes=FILE.")
        with damage_of(source, name):
            values = sorted({value for band in image for value in values_of(band)})
        for value in values:
            color = "#{:02x}{:02x}{:02x}".format(*image.palette[value]) if value < len(image.palette) else None
            found[value] = found.get(value) or color
    return found


class _Indices:
    """Images of indices or colours, and their classes."""

    def __init__(self, source: Source, spec: Spec) -> None:
        self._source = source
        self._names = spec.names
        self._listed = listed = spec.listed
        self._prefix = spec.prefix
        self.draft = Draft("masks-index")
        entries = entries_of(source, listed) if listed else []
        self._by_colour = bool(entries) and all(entry.is_colour for entry in entries)
        self._classes: dict[int, Object | None] = {}
        if entries:
            self._name(entries, spec.ignore)
        else:
            self._number(spec.values or {}, spec.ignore, spec.label)

    def _name(self, entries: list[Entry], ignore: int | None) -> None:
        objects: dict[str, Object] = {}
        for entry in entries:
            if entry.name.lower() in _NOTHING:
                self._classes[entry.value] = None
                continue
            if entry.name not in objects:
                color = f"#{entry.value:06x}" if entry.is_colour else None
                objects[entry.name] = self.draft.add_object(entry.name, Shape.BITMASK, color=color)
            self._classes[entry.value] = objects[entry.name]
        self._classes.setdefault(0, None)
        if ignore is not None and not self._by_colour:
            self._classes.setdefault(ignore, None)

    def _number(self, found: dict[int, str | None], ignore: int | None, label: str) -> None:
        for value in sorted(found):
            is_class = value not in (0, ignore)
            self._classes[value] = (
                self.draft.add_object(f"{label} {value}", Shape.BITMASK, color=found[value]) if is_class else None
            )

    def rows(self) -> Iterator[LabelRowV2]:
        for name in self._names:
            yield self._row(name)

    def _row(self, name: str) -> LabelRowV2:
        image = read_image(self._source, name)
        if self._by_colour and not (image.palette or image.channels > 2):
            raise ReadError(self._source.place(name), "has no colours, and its classes are listed by colour.")
        if not self._by_colour and image.has_channels:
            raise ReadError(self._source.place(name), "is a colour image, but its classes are listed by number.")
        width, height = image.width, image.height
        title = name[self._prefix :]
        row = _still(self.draft, title, width, height)
        row._origin, row._file = self._source.place(name), LabelFile("", masks=(name,))
        with damage_of(self._source, name):
            found = values_in(image.colours() if self._by_colour else image, has_zero=True)
        for value, box_runs in found:
            item = self._classes.get(value, self)
            if item is self:
                what = f"the colour #{value:06x}" if self._by_colour else f"the value {value}"
                fact = f"has {what}, which {self._listed} has not."
                raise ReadError(self._source.place(name), fact)
            if isinstance(item, Object):
                _place(self.draft, row, item, BitmaskCoordinates._from_box_runs(*box_runs, width, height))
        return row


# --- a folder of masks per image ----------------------------------------------------------------------------------


def has_nuclei(source: Source) -> bool:
    """Tell whether some image has a folder ``masks`` beside its own ``images/<image>.png``.

    Without that, a folder ``train/masks`` of one image of classes for each image looks the same.
    """
    names = source.names(".png", depth=5)
    found = {match[0][: match.start(1)] + match[1] for match in map(_NUCLEI.fullmatch, names) if match}
    return any(f"{folder}/images/{folder.rpartition('/')[2]}.png" in names for folder in found)


def nuclei(source: Source) -> LabelSet:
    """Read ``<image>/masks/*.png``, one object a file, of the class ``object``.

    Raises
    ------
    ReadError
        There is none, one is damaged, or the masks of an image differ in size.
    """
    images: dict[str, list[str]] = {}
    for name in source.names(".png", depth=8):
        if found := _NUCLEI.fullmatch(name):
            images.setdefault(found[1], []).append(name)
    if not images:
        fact = "holds neither classes.json and labels.jsonl of masks, nor folders IMAGE/masks of .png files."
        raise ReadError(source.name, fact, advice="Is it masks-index or masks-instance?")
    draft = Draft("masks")
    item = draft.add_object("object", Shape.BITMASK)
    return LabelSet(draft.ontology, partial(_nuclei_rows, source, draft, item, images))


def _nuclei_rows(source: Source, draft: Draft, item: Object, images: dict[str, list[str]]) -> Iterator[LabelRowV2]:
    for title, names in images.items():
        try:
            head = png.header(source.head(names[0], png.HEADER_BYTES))
        except ValueError as error:
            raise ReadError(source.place(names[0]), str(error)) from error
        row = _still(draft, title, head.width, head.height)
        row._origin, row._file = source.place(names[0]), LabelFile("", masks=tuple(names))
        for name in names:
            image = read_image(source, name)
            if (image.width, image.height) != (head.width, head.height):
                size = f"{head.width} x {head.height}"
                raise ReadError(
                    source.place(name), f"is not of the size of the masks beside it, {size} (width x height)."
                )
            with damage_of(source, name):
                box_runs = mask_of(band[:, :, :3].max(axis=2) if band.ndim > 2 else band for band in image)
            mask = BitmaskCoordinates._from_box_runs(*box_runs, head.width, head.height)
            _place(draft, row, item, mask)
        yield row


def _still(draft: Draft, title: str, width: int, height: int) -> LabelRowV2:
    return draft.row(DataType.IMAGE, title, [draft.unit(title, width, height, (title,))], frames=1, key=(title,))


def _place(draft: Draft, row: LabelRowV2, item: Object, mask: BitmaskCoordinates) -> None:
    hash_ = draft.hashes.short(row.data_title, len(row._objects))
    instance = ObjectInstance(item, object_hash=hash_)
    instance._place(0, mask, draft.info)
    row.add_object_instance(instance)
