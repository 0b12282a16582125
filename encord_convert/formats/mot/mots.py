"""MOTS: masks of tracks over the frames of sequences, as lines of run lengths or as 16-bit PNG images.

What it is
    Ground truth and results of KITTI MOTS and the MOTS Challenge, which TrackEval reads and CVAT ("MOTS PNG") writes.
    Boxes of tracks are the format ``mot``.

Files on disk
    Text: ``<name>/gt/gt.txt`` or ``instances_txt/<name>.txt``, one mask per line: frame, id, class, height, width and
    COCO's compressed run lengths, separated by blanks. Images: ``<name>/instances/000001.png`` or
    ``instances/<name>/000001.png`` of 16 bits, whose pixel values are ids and 0 is background; ``labels.txt`` next to
    them has one class per line; ``seqinfo.ini`` as in ``mot``. An id is 1000 times the class plus a number.

How each hub thing maps
    ===========  =======================================================================================================
    sequence     a video; frames are counted from 0 or 1, as the file or the names of its images are
    id           one bitmask object over its frames
    class        the name in labels.txt, else 1 is ``car`` and 2 ``pedestrian``
    10000        a region to ignore: an object of the class ``ignored`` on each frame
    ids          come back where they fit; other formats have the tracks
    ===========  =======================================================================================================

What is lost
    Reading: lines that are not a mask of their sequence's size. Writing: pixels below a later object (HIDDEN_PIXELS);
    polygons and boxes become masks; answers, confidence.

Sources
    https://www.vision.rwth-aachen.de/page/mots, "Annotation format"; TrackEval 1.3.0, docs/MOTS-format.txt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from encord_convert.errors import ReadError, WriteError
from encord_convert.formats._annotations import MOST_FRAMES, Annotation, RowBuilder, native_of
from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._files import Source, Target
from encord_convert.formats._lines import lines_of
from encord_convert.formats._numbered import MASKS, FrameFolders, number_of
from encord_convert.formats._paths import Paths
from encord_convert.formats._sizes import SIZES, Size, Sizes, write_sizes
from encord_convert.formats.mot.sequences import INI, LABELS, OF_CLASS, Clip, base_of, info_of, is_mask, is_row, rest_of
from encord_convert.formats.mot.write import one_line, placed, write_info
from encord_convert.geometry import png, rle
from encord_convert.geometry.paintings import FlatImage, Painting, values_in
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import NOTES
from encord_convert.hub.rasterize import LEAST_TOLERANCE_PX, raster
from encord_convert.hub.visibility import unit_size
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates

FAMILY = "mots"
IGNORED, IGNORE_ID = "ignored", 10_000
KNOWN = {1: "car", 2: "pedestrian", IGNORE_ID // 1000: IGNORED}
CARRIES = Carries(
    shapes=frozenset({Shape.BITMASK}),
    data_types=frozenset({DataType.VIDEO}),
    features=frozenset({Feature.TRACKS, Feature.EMPTY_ROWS}),
    codes={
        Shape.POLYGON: "POLYGON_AS_MASK", Shape.BOUNDING_BOX: "BOX_AS_MASK",
        Shape.ROTATABLE_BOUNDING_BOX: "ROTATED_BOX_AS_MASK", Feature.HOLES: "HOLES_AS_MASK",
        Feature.PARTS: "PARTS_AS_MASK", Feature.OUT_OF_BOUNDS: "CLIPPED", Feature.OVERLAPS: "HIDDEN_PIXELS",
        (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK", (Feature.DEGENERATE, Shape.POLYGON): "INVALID_POLYGON",
    },
    approximates=frozenset({Shape.POLYGON, Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX}),
    one_layer="objects",
    native=frozenset({FAMILY}),
)  # fmt: skip
_DEPTH, _LOOKED_AT = 5, 8
_QUIET = ("file", "spelled", "first", "names", "frames")


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """How MOTS files are written."""

    container: Literal["auto", "txt", "png"] = field(
        default="auto", metadata={"help": "Lines of text or 16-bit images; auto: as the MOTS source, else txt."}
    )


@dataclass(slots=True)
class Sequence:
    """A sequence: its text file, or the images of its frames."""

    clip: Clip
    images: list[str]

    def size(self, source: Source) -> tuple[int, int]:
        """Return width and height of its frames, from seqinfo.ini, the first image or the first mask."""
        size = self.clip.size_px
        if not all(size) and self.images:
            head = png.header(source.head(self.images[0], png.HEADER_BYTES))
            return head.width, head.height
        line = (
            next((text.split() for _, text in lines_of(source, self.clip.file) if text.strip()), [])
            if not all(size)
            else []
        )
        return (int(line[4]), int(line[3])) if is_row(line) else size if all(size) else (1, 1)

    def annotations(self, source: Source) -> Iterator[Annotation]:
        """Yield its masks; frame numbers are the file's."""
        size = self.size(source)
        yield from _of_images(source, self, size) if self.images else _of_text(source, self, size)


def _sequences(source: Source, note: Any = None) -> list[Sequence]:
    names = source.names(".txt", depth=_DEPTH)
    known = {*names, *source.names(".ini", depth=_DEPTH)}
    texts = [name for name in names if _is_text(source, name)]
    texts += rest_of(source, names, texts, note, lambda name: False)
    found = [Sequence(_clip(source, name, known), []) for name in sorted(texts)]
    folders: dict[str, list[str]] = {}
    for name in source.names(".png", depth=_DEPTH):
        if MASKS in name.split("/")[:-1][-2:]:
            folders.setdefault(name.rpartition("/")[0], []).append(name)
    for names in folders.values():
        if _is_image(source, names[0]):
            found.append(Sequence(_clip(source, names[0], known), names))
    return sorted(found, key=lambda one: (one.clip.base.rstrip("/"), one.clip.file))


def _clip(source: Source, name: str, known: set[str]) -> Clip:
    folder, base = name.rpartition("/")[0], base_of(name)
    info = info_of(source, base + INI) if base is not None and base + INI in known else {}
    clip = Clip(base or "", name, is_truth=True, info=info)
    for labels in (f"{folder}/{LABELS}".lstrip("/"), f"{folder.rpartition('/')[0]}/{LABELS}".lstrip("/")):
        if labels in known and clip.labels is None:
            clip.labels = [text.strip() for _, text in lines_of(source, labels)]
    return clip


def _is_text(source: Source, name: str) -> bool:
    lines = source.head(name, 1 << 16).decode("utf-8", "replace").splitlines()
    found = [line.split() for line in lines[:_LOOKED_AT] if line.strip()]
    if not found:  # a sequence without masks, if we wrote it
        return name.endswith("gt/gt.txt")
    return is_row(found[0]) and any(map(is_mask, found))


def _is_image(source: Source, name: str) -> bool:
    try:
        head = png.header(source.head(name, png.HEADER_BYTES))
    except (ReadError, ValueError):
        return False
    return (head.colour_type, head.depth) == (0, 16)


def identify(source: Source) -> Match:
    """Say yes to lines of six columns that end in run lengths, and to folders ``instances`` of 16-bit images."""
    return Match.YES if any(s.images or source.head(s.clip.file, 1) for s in _sequences(source)) else Match.NO


def read(source: Source, options: NoOptions, report: Report) -> LabelSet:
    """Read all sequences: their classes at once, their rows when they are walked.

    Raises
    ------
    ReadError
        There is none, or an image is damaged or too large.
    """
    builder = RowBuilder(
        FAMILY,
        {"annotation.track_id", "image.(file)", "image.(spelled)", "image.(first)", "image.(names)", "image.(frames)"},
    )
    found, sizes, folders = _sequences(source, builder.counts.note), Sizes(source, None), FrameFolders(source)
    if not found and SIZES not in source.names(SIZES, depth=1):
        raise ReadError(
            source.name, "has no sequences of MOTS: lines with run lengths, or 16-bit images in instances/."
        )
    order: dict[str, int] = {}
    for entry in found:
        for name in filter(None, entry.clip.labels or KNOWN.values()):
            order.setdefault(name, len(order))
            if entry.clip.labels:
                builder.declare(name, Shape.BITMASK, {})
    is_listed = any(match.clip.labels for match in found)
    form = "png" if found and found[0].images else "txt"
    every = (annotation for item in found for annotation in item.annotations(source))
    native = {"labels": is_listed, "container": form, NOTES: ()}

    def walk() -> Iterator[LabelRowV2]:
        return (_row(source, match, builder, sizes, folders) for match in found)

    return builder.labels(every, walk, order=lambda name: order.get(name, len(order)), native=native)


def _row(source: Source, one: Sequence, builder: RowBuilder, sizes: Sizes, folders: FrameFolders) -> LabelRowV2:
    clip, place, found = one.clip, source.place(one.clip.file), list(one.annotations(source))
    folder = clip.images_in(folders)
    numbers = [_number(name, n) for n, name in enumerate(one.images, 1)] or [annotation.frame for annotation in found]
    first = int(all(numbers) and all(number_of(name) != 0 for name in folders.files(folder)))
    images = folders.frames(folder, first=first)
    for annotation in found:
        annotation.frame -= first
        if annotation.frame >= MOST_FRAMES:
            annotation.fault, annotation.frame = ("FRAME_BEYOND", f"There is no frame {annotation.frame}."), 0
    stated = sizes.stated.get(clip.file.removesuffix(".txt"))
    length = stated.frames if stated else clip.number("seqlength")
    frames = max(length, len(one.images), max(images, default=0) + 1, *(annotation.frame + 1 for annotation in found))
    title = (stated and stated.title) or clip.title
    size = stated[1:3] if stated else one.size(source)
    row = builder.row(DataType.VIDEO, title, size, clip.file, place, frames=frames)
    called = clip.folders(folder)[: 1 if one.images else None]  # shorter files are masks too
    row._file = LabelFile("", title, images, called, first)
    own: dict[str, Any] = {f"seqinfo.{key}": value for key, value in clip.rest()} | {
        "(file)": clip.file,
        "(spelled)": clip.spelled(),
    }
    if one.images:
        own["(names)"] = [name.rpartition("/")[2][:-4] for name in one.images]
        own["(frames)"] = [_number(name, n) - first for n, name in enumerate(one.images, 1)]
    return builder.fill(row, found, own | ({} if first else {"(first)": 0}))


def _number(name: str, number: int) -> int:
    found = number_of(name)
    return number if found is None else found


def _class_of(id_: int, one: Sequence) -> str:
    number, labels = id_ // OF_CLASS, one.clip.labels
    if labels is not None and 0 < number <= len(labels) and labels[number - 1]:
        return labels[number - 1]
    return KNOWN.get(number, f"class {number}") if labels is None or id_ == IGNORE_ID else f"class {number}"


def _annotation(id_: int, frame: int, one: Sequence, line: int | None = None) -> Annotation:
    track = None if id_ == IGNORE_ID else id_
    label, native = _class_of(id_, one), {"track_id": id_}
    return Annotation(label, None, line, frame, track, native=native, type="mask", shape=Shape.BITMASK)


def _of_text(source: Source, one: Sequence, size: tuple[int, int]) -> Iterator[Annotation]:
    for line, text in lines_of(source, one.clip.file):
        words = text.split()
        if not words:
            continue
        if not is_row(words):
            annotation = Annotation(IGNORED, line=line, frame=1, type="mask", shape=Shape.BITMASK)
            said = f"{text[:40].strip()} … {text[-30:].strip()}" if len(text) > 70 else text.strip()
            annotation.fault = "INVALID_ANNOTATION", f"Not frame, id, class, height, width and run lengths: {said}"
            yield annotation
            continue
        frame, id_, class_, height, width = map(int, words[:5])
        annotation = _annotation(id_, frame, one, line)
        if class_ != id_ // OF_CLASS:
            annotation.native["class"] = class_
        if (width, height) != size:
            said = f"{width} × {height} pixels, its sequence {size[0]} × {size[1]}"
            annotation.fault = "SIZE_MISMATCH", f"The mask is of {said}."
        else:
            try:
                runs = rle.check_runs(rle.runs_from_string(words[5]), height, width)
                box_runs = rle.box_runs_from_column_frame_runs(runs, width, height)
                annotation.coordinates = BitmaskCoordinates._from_box_runs(*box_runs, *size)
            except ValueError as error:
                annotation.fault = "INVALID_RLE", f"{error}"
        yield annotation


def _of_images(source: Source, one: Sequence, size: tuple[int, int]) -> Iterator[Annotation]:
    for number, name in enumerate(one.images, 1):
        try:
            pixels = png.decoded(source.head(name, 1 << 30)).pixels
        except ValueError as error:
            raise ReadError(source.place(name), f"{error}") from error
        frame = _number(name, number)
        if pixels.ndim != 2 or pixels.shape != size[::-1]:
            raise ReadError(source.place(name), f"is not an image of one channel and {size[0]} × {size[1]} pixels.")
        for value, box_runs in values_in([pixels]):
            annotation = _annotation(value, frame, one)
            annotation.coordinates = BitmaskCoordinates._from_box_runs(*box_runs, *size)
            yield annotation


def write(narrowed: Narrowed, target: Target, options: WriteOptions) -> None:
    """Write a folder for each row.

    Raises
    ------
    WriteError
        A row has more objects of a class, or the set more classes, than fit into 16-bit ids.
    """
    labels, is_empty = narrowed.labels, True
    own = labels.native.get(FAMILY, {})
    container = own.get("container", "txt") if options.container == "auto" else options.container
    shapes = CARRIES.shapes | CARRIES.approximates
    names = list(dict.fromkeys(item.title for item in labels.ontology.objects if item.shape in shapes))
    known = {name: number for number, name in KNOWN.items()}
    is_listed = bool(own.get("labels", True)) or not known.keys() >= {*names}
    numbers = {name: number for number, name in enumerate(names, 1)} if is_listed else known
    paths, sizes = Paths(), list[Size]()
    for left in narrowed:
        row, written, is_empty = left.row, left.on_frames(), False
        native = native_of(row, FAMILY, labels.native)
        keys = dict(native.row) if native else {}
        file = keys.get("(file)", "") if container == own.get("container") else ""
        file = placed(paths, row, file, "instances/000001.png" if container == "png" else "gt/gt.txt")
        folder = file.rpartition("/")[0]
        ids = _ids(row, native, numbers, 0xFFFF if container == "png" else 10**9)
        frames = _painted(row, written, ids)
        first = keys.get("(first)", 1)
        if container == "png":
            stems = dict(zip(keys.get("(frames)", ()), keys.get("(names)", ()), strict=False))
            blank = Painting([], [], *unit_size(row, 0)[::-1]).image
            for frame in stems.keys() - written.keys() or {0} - written.keys():
                _write_png(target, f"{folder}/{stems.get(frame, f'{frame + first:06d}')}", blank)
            for frame, image in frames:
                _write_png(target, f"{folder}/{stems.get(frame, f'{frame + first:06d}')}", image)
        else:
            with target.open(file) as stream:
                for frame, image in frames:
                    for id_, box_runs in image.masks():
                        columns = rle.column_frame_runs_from_box_runs(*box_runs, image.width, image.height)
                        text = rle.string_from_runs(columns)
                        head = f"{frame + first} {id_} {id_ // OF_CLASS} {image.height} {image.width} "
                        stream.write(f"{head}{text}\n".encode())
        if is_listed:
            with target.open(f"{folder}/{LABELS}".lstrip("/")) as stream:
                stream.write("".join(f"{one_line(name)}\n" for name in names).encode("utf-8", "surrogatepass"))
        write_info(target, row, keys, file, sizes)
    if sizes or is_empty:
        write_sizes(target, sizes)


def _write_png(target: Target, stem: str, image: FlatImage) -> None:
    with target.open(f"{stem}.png") as stream:
        stream.write(png.encoded_flat(image.with_values(image.values.astype(np.uint16))))


def _ids(row: LabelRowV2, native: Any, numbers: dict[str, int], most: int) -> dict[str, int]:
    """Return the id of each object of a row, by its hash.

    Raises
    ------
    WriteError
        There are too many.
    """
    ids: dict[str, int] = {}
    taken: set[int] = set()
    counts: dict[int, int] = {}
    for item in (object_ for object_ in row._objects.values() if object_._frames and object_.object_name in numbers):
        number = numbers[item.object_name]
        id_ = native.of(item.object_hash, min(item._frames)).get("track_id", -1) if native else -1
        if id_ != IGNORE_ID or item.object_name != IGNORED:
            while id_ in taken or id_ // OF_CLASS != number:
                counts[number] = counts.get(number, 0) + 1
                id_ = number * OF_CLASS + counts[number]
                if counts[number] >= OF_CLASS or id_ > most:
                    what = f"{row.data_title}: object {counts[number]} of class {number} does not fit into an id"
                    raise WriteError(f"{what}: there are 999 of a class, and in images 64 classes, at most.")
        ids[item.object_hash] = id_
        taken.add(id_)
    return ids


def _painted(row: LabelRowV2, written: Any, ids: dict[str, int]) -> Iterator[tuple[int, FlatImage]]:
    """Yield each frame with the image of its ids."""
    tolerance_px = max(CARRIES.tolerance_px, LEAST_TOLERANCE_PX)
    for frame, objects in sorted(written.items()):
        width, height = unit_size(row, frame)
        masks = [raster(one._frames[frame].coordinates, width, height, tolerance_px) for one in objects]
        yield frame, Painting(masks, [ids[one.object_hash] for one in objects], height, width).image


FORMAT = Format(
    name="mots",
    title="MOTS masks of tracks",
    spec="https://www.vision.rwth-aachen.de/page/mots",
    suffixes=(),
    identify=identify,
    importer=Importer(read, NoOptions, CARRIES),
    exporter=Exporter.of_narrowed(write, WriteOptions, CARRIES),
)
