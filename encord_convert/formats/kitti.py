"""KITTI object and tracking labels: a line an object, of blank-separated columns.

What it is
    The text files of the KITTI object and tracking benchmarks, which NVIDIA's TAO and DIGITS and many 3D detectors
    read.

Files on disk
    Detection: ``label_2/000000.txt`` for each image ``image_2/000000.png``, of 15 columns or, with a score, 16.
    Tracking: ``label_02/0000.txt`` for each sequence ``image_02/0000/``, with frame (from 0) and track id before these.
    Sizes come from the images, else from ``sizes.csv`` (ours), else from ``-r size=1242x375``. All of it may be in a
    folder named for the split: ``training/label_2``.

How each hub thing maps
    ===========================  ===================================================================================
    type                         the class, blanks percent-encoded; ``DontCare`` is a class like others
    left, top, right, bottom     a bounding box, in pixels as continuous numbers from 0
    truncated, occluded          answers to two text attributes of these names, where they are not -1
    alpha, dimensions,           kept as KITTI's own where they are known (not -10, -1, -1000, -10): they come back,
    location, rotation_y         and other formats count them
    score                        the confidence, made by a machine; one outside 0 to 1 is kept as KITTI's own
    file of tracking             a video; one track id is one object, id -1 an object on each frame
    ===========================  ===================================================================================

What is lost
    Reading: lines of another form, boxes without an area, a second box of a track on one frame. Writing: all but boxes;
    other areas are written as the box around them, image groups and series as sequences.

Sources
    KITTI object development kit, readme.txt, "Data Format Description"; tracking development kit, readme.txt, the same;
    writeLabels.m for the values of what is not known.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

from encord_convert.errors import ReadError
from encord_convert.formats._annotations import (
    MOST_FRAMES,
    Annotation,
    RowBuilder,
    answers_at,
    ids_of,
    native_of,
    plain,
)
from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._boxes import box_carries, box_from_px, box_px, decimal, is_number, whole
from encord_convert.formats._files import Source, Target
from encord_convert.formats._lines import lines_of
from encord_convert.formats._numbered import FrameFolders
from encord_convert.formats._paths import Paths
from encord_convert.formats._sizes import SIZES, Size, SizeOptions, Sizes, write_sizes
from encord_convert.formats.coco.write_images import split_suffix
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Level
from encord_convert.hub.media import LabelFile
from encord_convert.hub.splits import metadata_of, named_in, split_of
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

FAMILY = "kitti"
ASKED = ("truncated", "occluded")
CARRIES = box_carries(
    {Feature.TRACKS, Feature.CONFIDENCE}, {DataType.IMAGE, DataType.VIDEO}, 0.01, native=frozenset({FAMILY}),
    keeps_answer=lambda attribute, value: attribute.title in ASKED and is_number(value) and float(value) != -1,
)  # fmt: skip
_SPACE = {"alpha": ("-10",), "dimensions": ("-1",) * 3, "location": ("-1000",) * 3, "rotation_y": ("-10",)}
"""The 3D columns, and their values for "unknown"."""
_STILLS, _SEQUENCES = "label_2", "label_02"
_LOOKED_AT, _DEPTH, _HEAD = 32, 4, 1 << 16


class File(NamedTuple):
    """A label file, its image or folder of images, and whether it is a sequence."""

    name: str
    image: str
    is_sequence: bool


def label_files(source: Source) -> list[File]:
    """Return the label files: those of folders whose files begin with KITTI lines.

    One such file suffices in a folder with KITTI's name; elsewhere more than half of the non-empty files must qualify.
    """
    folders: dict[str, list[str]] = {}
    for name in source.names(".txt", depth=_DEPTH):
        folders.setdefault(name.rpartition("/")[0], []).append(name)
    found = []
    for folder, names in folders.items():
        heads = (source.head(name, _HEAD) for name in names[:_LOOKED_AT])
        columns = [_columns_at(head) for head in heads if head.strip()]
        known, is_named = [*filter(None, columns)], folder.endswith((_STILLS, _SEQUENCES))
        if (is_named and not columns) or (known and (is_named or 2 * len(known) > len(columns))):
            is_sequence = max(known) > 16 if known else folder.endswith(_SEQUENCES)
            images = folder[: folder.rfind("/") + 1] + ("image_02/" if is_sequence else "image_2/")
            found += [File(name, images + name[len(folder) :].strip("/")[:-4], is_sequence) for name in names]
    return found


def _columns_at(head: bytes) -> int:
    """Return the number of columns of a file's first KITTI line; 0 if there is none."""
    lines = head.decode("utf-8-sig", "replace").split("\n")
    whole_ones = lines if len(head) < _HEAD else lines[:-1]
    return next((count for line in whole_ones if (count := _columns(line.split()))), 0)


def _unlabelled(files: list[File], folders: FrameFolders) -> list[File]:
    """Return images without a label file in folders where others have one: images without objects."""
    known = {file.image for file in files if not file.is_sequence}
    beside = dict.fromkeys(item[: item.rfind("/") + 1] for item in known)
    stems = (split_suffix(name)[0] for folder in beside for name in folders.files(folder))
    return [File("", stem, is_sequence=False) for stem in dict.fromkeys(stems) if stem not in known]


def _columns(words: list[str]) -> int:
    """Return the number of columns of a KITTI line, all numbers but the type; 0 if it is not one."""
    at = 2 if len(words) > 16 else 0
    return len(words) if len(words) > 14 and [n for n, word in enumerate(words) if not is_number(word)] == [at] else 0


def identify(source: Source) -> Match:
    """Say yes to text files whose lines have 15 to 18 columns, all but the one of the type numbers."""
    return Match.YES if any(source.head(file.name, 1) for file in label_files(source)) else Match.NO


def read(source: Source, options: SizeOptions, report: Report) -> LabelSet:
    """Read all label files: their classes at once, their rows when they are walked.

    Raises
    ------
    ReadError
        There are none, or a size is not known.
    """
    files, sizes = label_files(source), Sizes(source, options.size)
    if not files and SIZES not in source.names(SIZES, depth=1):
        name = next((item for item in source.names(".txt", depth=_DEPTH) if source.head(item, _HEAD).strip()), None)
        if name is None:
            raise ReadError(source.name, "has no KITTI text files, which have 15 to 18 columns.")
        line, words = next((line, text.split()) for line, text in lines_of(source, name) if text.strip())
        raise ReadError(source.place(name), _fault(words, "15 to 18"), line=line)
    order = {path: number for number, path in enumerate(sizes.stated)}
    folders = FrameFolders(source)
    files = sorted(files + _unlabelled(files, folders), key=lambda file: (order.get(file.image, -1), file.image))
    builder = RowBuilder(FAMILY, {"annotation.track_id"}, is_dynamic=any(file.is_sequence for file in files))
    for left in folders.beside(f"{file.image}/" for file in files if file.is_sequence):
        detail = f"The images in {source.place(left)} have no label file and are left out."
        builder.counts.note(Level.WARNING, "FILE_NOT_READ", detail, count=len(folders.files(left)))
    every = (annotation for file in files for annotation in _annotations(source, file, (1, 1)))
    return builder.labels(every, lambda: (_row(source, file, sizes, builder, folders) for file in files))


def _row(source: Source, file: File, sizes: Sizes, builder: RowBuilder, folders: FrameFolders) -> LabelRowV2:
    images = folders.frames(f"{file.image}/", first=0) if file.is_sequence else {}
    first = next(iter(images.values()), f"{file.image}/000000.png") if file.is_sequence else f"{file.image}.png"
    title = file.image.rpartition("/")[2] if file.is_sequence else ""
    name = file.name or f"{file.image}.png"
    size = sizes.known(file.image, source.place(name), first, title)
    found = list(_annotations(source, file, size.px))
    last = max((*images, *(annotation.frame for annotation in found)), default=0)
    frames = max(size.frames, last + 1) if file.is_sequence else 1
    kind = DataType.VIDEO if file.is_sequence else DataType.IMAGE
    row = builder.row(kind, size.title, size.px, name, source.place(name), frames=frames)
    row.client_metadata = metadata_of(named_in(file.image))
    wanted = {
        annotation.frame: f"{file.image}/{annotation.frame:06d}.png"
        for annotation in found
        if file.is_sequence and not annotation.fault
    }
    row._file = LabelFile("", size.member or file.image, wanted | images, (file.image,) if file.is_sequence else ())
    return builder.fill(row, found)


def _annotations(source: Source, file: File, size: tuple[int, int]) -> Iterator[Annotation]:
    """Yield the objects of a file for an image of this size."""
    for line, text in lines_of(source, file.name) if file.name else ():
        words = text.split()
        if words and _columns(words) not in ((17, 18) if file.is_sequence else (15, 16)):
            wanted = "17 or 18, with frame and track id" if file.is_sequence else "15 or 16"
            yield Annotation("", line=line, fault=("INVALID_ROW", f"It {_fault(words, wanted)}"))
            continue
        if not words:
            continue
        frame, track = map(whole, words[:2]) if file.is_sequence else (0, None)
        type_, *rest = words[2:] if file.is_sequence else words
        left, top, right, bottom = map(float, rest[3:7])
        box = box_from_px(left, top, right - left, bottom - top, size)
        annotation = Annotation(
            unquote("" if type_ == "%" else type_), box, line, frame, None if track == -1 else track
        )
        if not 0 <= frame < MOST_FRAMES:
            annotation.fault, annotation.frame = ("FRAME_BEYOND", f"There is no frame {frame}."), 0
        elif box is None:
            annotation.fault = "INVALID_BBOX", f"The box {' '.join(rest[3:7])} has no area."
        annotation.answers = {name: word for name, word in zip(ASKED, rest, strict=False) if float(word) != -1}
        annotation.native = {} if track is None else {"track_id": track}
        for key, given in zip(_SPACE, (rest[2:3], rest[7:10], rest[10:13], rest[13:14]), strict=True):
            if [*map(float, given)] != [*map(float, _SPACE[key])]:
                annotation.native[key] = " ".join(given)
        if len(rest) > 14:
            annotation.score(rest[14], "score")
        yield annotation


def _fault(words: list[str], wanted: str) -> str:
    return f"has {len(words)} columns or a non-numeric one; KITTI has {wanted}, all numbers but the type."


def write(narrowed: Narrowed, target: Target, options: NoOptions) -> None:
    """Write a file for each image and for each sequence."""
    sizes, paths = [], Paths()
    for left in narrowed:
        row, written = left.row, left.on_frames()
        is_sequence, split = row.data_type is not DataType.IMAGE, split_of(row.client_metadata)
        folder = f"{split}/" if re.fullmatch(r"[\w-]+", split) and named_in(f"{split}/") else ""
        stem = plain(row.data_title if is_sequence else split_suffix(row.data_title)[0])
        path = paths.file(f"{folder}{_SEQUENCES if is_sequence else _STILLS}/{stem}", ".txt")
        native = native_of(row, FAMILY, narrowed.labels.native)
        ids = ids_of(row, native)
        with target.open(f"{path}.txt") as stream:
            for frame, objects in sorted(written.items()):
                for object_ in objects:
                    head = f"{frame} {ids[object_.object_hash]} " if is_sequence else ""
                    own = native.of(object_.object_hash, frame) if native else {}
                    line = head + _line(object_, frame, frame_size(row, frame), own)
                    stream.write(line.encode("utf-8", "surrogatepass") + b"\n")
        image = path.replace("/label_", "/image_") if folder else path.replace("label_", "image_", 1)
        sizes.append(Size(image, *frame_size(row, 0), row.data_title, row.number_of_frames * is_sequence))
    write_sizes(target, sizes)


def _line(one: Any, frame: int, size: tuple[int, int], native: Any) -> str:
    left, top, width, height = box_px(one._frames[frame].coordinates, size, CARRIES.tolerance_px)
    said, info = answers_at(one, frame, CARRIES), one._frames[frame].object_frame_instance_info
    score = native.get("score") or ("" if info.confidence == 1 and info.manual_annotation else repr(info.confidence))
    blanks = r"[\s%]|^." if is_number(one.object_name) else r"[\s%]"
    words = [re.sub(blanks, lambda one: "".join(f"%{byte:02X}" for byte in one[0].encode()), one.object_name) or "%"]
    words += [said.get(name, "-1") for name in ASKED] + [native.get("alpha", "-10")]
    words += [decimal(number) for number in (left, top, left + width, top + height)]
    words += [native.get(key, " ".join(_SPACE[key])) for key in ("dimensions", "location", "rotation_y")]
    return " ".join([*words, score]).rstrip()


FORMAT = Format(
    name="kitti",
    title="KITTI object and tracking labels",
    spec="https://www.cvlibs.net/datasets/kitti/eval_object.php",
    suffixes=(),
    identify=identify,
    importer=Importer(read, SizeOptions, CARRIES),
    exporter=Exporter.of_narrowed(write, NoOptions, CARRIES),
)
