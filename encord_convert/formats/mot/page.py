"""MOT Challenge text: tracks of boxes over sequences, one box per line.

What it is
    Ground truth and results of the MOT Challenge, which trackers write and TrackEval and motmetrics read; CVAT (MOT
    1.1), Datumaro and DagsHub write it too. Masks of tracks are the format ``mots``.

Files on disk
    For each sequence ``<name>/gt/gt.txt``, or ``<name>/det/det.txt``, or results in ``<name>.txt``; ``seqinfo.ini``
    with its size, length and rate; ``gt/labels.txt`` with a class per line; images in ``<name>/img1/``. Sizes come from
    seqinfo.ini, else the images, else ``-r size=1920x1080``. Frames and ids start at 1.

    =======  =============================  ========================================================================
    columns  of                             frame, id, left, top, width, height, then
    =======  =============================  ========================================================================
    9        ground truth from MOT16, CVAT  1 or 0 (ignore), class, visibility
    10       MOT15, detections, results     confidence (in gt.txt 1 or 0), x, y, z, which are -1 without depth
    6, 7, 8  other tools                    nothing; confidence; confidence and class
    =======  =============================  ========================================================================

How each hub thing maps
    =====================  =========================================================================================
    sequence               a video, or with ``-r kind=group`` an image group
    id, class              an object over its frames; ids below 1 (-1: detections) an object on each frame
    left, top, ...         a bounding box, in pixels as continuous numbers from 0; with ``-r coordinates=mot`` the pixel
                           at the top left is 1, 1, as the MOT Challenge says and no tool reads
    0 (ignore)             the checklist ``ignored``, on these frames
    visibility             the text ``visibility``, on the frames where it is not 1
    confidence             the confidence, made by a machine; one outside 0 to 1 is kept as MOT's own
    class                  the name in labels.txt, else that of MOT16 to MOT20, else ``class 14``
    x, y, z, ids,          kept as MOT's own: they come back, and other formats count them (but ids)
    comments, other keys
    =====================  =========================================================================================

    On a frame without a row the object is absent; ``-r fill=5`` interpolates gaps of up to five frames linearly.

What is lost
    Reading: rows without an area or with non-numbers, a second row of an id on one frame. Writing: all but boxes; other
    areas are written as their bounding box, images as sequences of one frame.

Dialects met in the wild
    Blanks for commas, text ids, 3.0 for 3, frames from 0 (noted and restored), seqinfo.ini without its section or in
    lower case, blank lines in labels.txt, comments. Ten columns that could be VisDrone's are an error that names the
    option.

Sources
    TrackEval 1.3.0, docs/MOTChallenge-format.txt; Milan et al., "MOT16", arXiv 1603.00831, table 3; CVAT, "MOT format";
    ``fixtures/mot``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import Any, Literal

from encord_convert.errors import ReadError
from encord_convert.formats._annotations import Annotation, RowBuilder
from encord_convert.formats._api import Exporter, Format, Importer, Match, NoOptions
from encord_convert.formats._boxes import box_carries, is_checked, is_number
from encord_convert.formats._files import Source, Target
from encord_convert.formats._numbered import FrameFolders
from encord_convert.formats._sizes import SIZES, SizeOptions, Sizes
from encord_convert.formats.mot.sequences import (
    CLASSES,
    INI,
    QUIET,
    VISDRONE,
    Clip,
    Dialect,
    clips,
    columns_of,
    is_empty,
    is_mask,
    own_of,
    rows_of,
)
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Level, Where
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import NOTES
from encord_convert.losses.narrow import Narrowed
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sdk.objects.coordinates import BoundingBoxCoordinates

FAMILY = "mot"


def keeps_answer(attribute: Any, value: Any) -> bool:
    """Return whether an answer has a column: ignored, or visibility."""
    if attribute.title == "ignored":
        return is_checked(attribute, value)
    return attribute.title == "visibility" and is_number(value) and float(value) != 1


CARRIES = box_carries(
    {Feature.TRACKS, Feature.CONFIDENCE}, {DataType.VIDEO}, 0.01, native=frozenset({FAMILY}), keeps_answer=keeps_answer
)
_MOST_UNITS = 1_000_000


@dataclass(frozen=True, slots=True)
class ReadOptions(SizeOptions):
    """How to read MOT files."""

    kind: Literal["video", "group"] = field(default="video", metadata={"help": "What a sequence is in the hub."})
    coordinates: Literal["continuous", "mot"] = field(
        default="continuous", metadata={"help": "mot: the top-left pixel is 1, 1; boxes are shifted by one."}
    )
    first: Literal["auto", "0", "1"] = field(
        default="auto", metadata={"help": "Number of the first frame; auto: 0 if a row has it, else 1."}
    )
    fill: int = field(default=0, metadata={"help": "Interpolate gaps of up to this many frames linearly."})
    dialect: Dialect = field(
        default="auto", metadata={"help": "visdrone: ten columns that end in class, truncation and occlusion."}
    )

    def __post_init__(self) -> None:
        SizeOptions.__post_init__(self)
        if not 0 <= self.fill <= 1000:
            raise ValueError(f"fill={self.fill} is not allowed; it takes 0 to 1000.")


def identify(source: Source) -> Match:
    """Say yes to a gt/gt.txt or det/det.txt of numbers, and to text files of 9 or 10 columns with commas."""
    return Match.YES if any(_is_mine(source, clip) for clip in clips(source)) else Match.NO


def _is_mine(source: Source, clip: Clip) -> bool:
    if columns_of(source, clip.file):
        return True
    head = source.head(clip.file, 4096).decode("utf-8", "replace").splitlines()
    rows = [line.replace(",", " ").split() for line in head if line.strip() and not line.startswith("#")][:8]
    if not rows:
        return bool(clip.info)
    return all(map(_is_box, rows))


def _is_box(row: list[str]) -> bool:
    return 6 <= len(row) <= 10 and is_number(row[0]) and all(map(is_number, row[2:6])) and not is_mask(row)


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read all sequences: their classes at once, their rows when they are walked.

    Raises
    ------
    ReadError
        None found, not text, ten columns of ambiguous dialect, or unknown frame size.
    """
    builder = RowBuilder(FAMILY, QUIET, is_dynamic=True)
    found, sizes = clips(source, builder.counts.note), Sizes(source, options.size)
    folders = FrameFolders(source)
    if not found and SIZES not in source.names(SIZES, depth=1):
        raise ReadError(source.name, "has no MOT sequences: gt/gt.txt, det/det.txt or files of 9 or 10 columns.")
    shift = -1.0 if options.coordinates == "mot" else 0.0
    first = None if options.first == "auto" else int(options.first)
    parse = partial(rows_of, source, dialect=options.dialect, shift=shift, first=first)
    order: dict[str, int] = {}
    unnamed: set[int] = set()
    for clip in found:
        for name in clip.labels or ():
            if name:
                builder.declare(name, Shape.BOUNDING_BOX, {})
                order.setdefault(name, len(order))
        _note(builder, source, clip, options)
    for number, name in enumerate(VISDRONE if options.dialect == "visdrone" else CLASSES):
        order.setdefault(name, 1000 + number)

    def every() -> Iterator[Annotation]:
        for clip in found:
            rows = parse(clip)
            yield from rows.annotations((1, 1))
            unnamed.update(rows.unnamed)
            if rows.first == 0 and first is None:
                detail = "Frames are numbered from 0; MOT numbers them from 1."
                builder.counts.note(Level.WARNING, "FRAMES_FROM_ZERO", detail, Where(source.place(clip.file)))
        for number in sorted(unnamed):
            detail = f"Class {number} has no name; it is called 'class {number}'."
            builder.counts.note(Level.WARNING, "UNDECLARED_LABEL", detail)

    def walk() -> Iterator[LabelRowV2]:
        return (_row(source, clip, sizes, builder, options, parse, folders) for clip in found)

    native = {"labels": any(clip.labels for clip in found), "visdrone": options.dialect == "visdrone", NOTES: ()}
    return builder.labels(every(), walk, native=native, order=lambda name: order.get(name, 10_000))


def _note(builder: RowBuilder, source: Source, clip: Clip, options: ReadOptions) -> None:
    where = Where(source.place(clip.file))
    for key, value in clip.unread():
        detail = f"{source.place(clip.base + INI)}: {key!r} is {value!r}, which is not a whole number above 0."
        builder.counts.note(Level.WARNING, "SEQINFO_NOT_READ", detail)
    if clip.title.upper().startswith("MOT") and options.coordinates == "continuous":
        detail = "The MOT Challenge counts pixels from 1; boxes are read unshifted, as all tools do."
        builder.counts.note(Level.INFO, "ONE_BASED_PIXELS", detail, where)


def _row(
    source: Source,
    clip: Clip,
    sizes: Sizes,
    builder: RowBuilder,
    options: ReadOptions,
    parse: Any,
    folders: FrameFolders,
) -> LabelRowV2:
    place, folder = source.place(clip.file), clip.images_in(folders)
    files, images = folders.files(folder), folders.frames(folder, length=clip.number("seqlength"))
    stated = sizes.stated.get(clip.file.removesuffix(".txt"))
    size = stated[1:3] if stated else clip.size_px
    is_unsized = {clip.value("imwidth"), clip.value("imheight")} == {"0"}  # unknown: it has no boxes
    if not (all(size) or stated or is_unsized):
        size = 0, 0
        with suppress(*(ReadError,) * is_empty(source, clip.file)):
            size = sizes.of(clip.title, files[0] if files else None, place)
    rows = parse(clip)
    title = (stated and stated.title) or clip.title
    frames = max(
        stated.frames if stated else clip.number("seqlength"),
        len(files),
        1,
        rows.last + 1,
        *(image + 1 for image in images),
    )
    if 0 < clip.number("seqlength") < frames:
        detail = f"{clip.title}: 'seqLength' is {clip.number('seqlength')}, and there are {frames} frames."
        builder.counts.note(Level.WARNING, "FRAME_BEYOND", detail, Where(place))
    rate = clip.number("framerate")
    fps = rate if clip.value("framerate") == str(rate) else None
    if options.kind == "group":
        row = _group(builder, clip, files, size, frames, place)
    else:
        row = builder.row(DataType.VIDEO, title, size, clip.file, place, frames=frames, fps=fps)
    row._file = LabelFile("", title, images, clip.folders(folder), first=1)
    found: Iterable[Annotation] = rows.annotations(size)
    if options.fill:
        marked = list(found)
        found = [*marked, *_filled(marked, options.fill)]
    own = own_of(rows)
    if fps is not None:
        own.pop(f"seqinfo.{clip.info['framerate'][0]}", None)
    return builder.fill(row, found, own)


def _group(
    builder: RowBuilder, clip: Clip, files: list[str], size: tuple[int, int], frames: int, place: str
) -> LabelRowV2:
    if frames > _MOST_UNITS:
        raise ReadError(place, f"has {frames} frames; an image group may have {_MOST_UNITS}.")
    ending = clip.value("imext") or ".jpg"
    given = [file.rpartition("/")[2] for file in files] if len(files) == frames else []
    names = given or [f"{frame + 1:06d}{ending}" for frame in range(frames)]
    units = [builder.draft.unit(name, *size, (clip.file, n), n) for n, name in enumerate(names)]
    return builder.draft.row(DataType.IMG_GROUP, clip.title, units, frames=frames, key=(clip.file,), file=place)


def _filled(annotations: list[Annotation], most: int) -> Iterator[Annotation]:
    """Yield interpolated marks for gaps in tracks of at most so many frames."""
    tracks: dict[Any, dict[int, Annotation]] = {}
    for annotation in annotations:
        if annotation.track is not None and annotation.fault is None:
            tracks.setdefault((annotation.track, annotation.label), {}).setdefault(annotation.frame, annotation)
    for members in tracks.values():
        for start, end in pairwise(sorted(members)):
            one, other = members[start], members[end]
            for frame in range(start + 1, end) if end - start <= most + 1 else ():
                share = (frame - start) / (end - start)
                a, b = one.coordinates, other.coordinates
                box = (x + share * (y - x) for x, y in zip(_numbers(a), _numbers(b), strict=True))
                computed = Annotation(
                    one.label, BoundingBoxCoordinates(*box), one.line, frame, one.track, is_manual=False
                )
                computed.is_computed = True
                yield computed


def _numbers(box: BoundingBoxCoordinates) -> tuple[float, float, float, float]:
    return box.height, box.width, box.top_left_x, box.top_left_y


def write(narrowed: Narrowed, target: Target, options: NoOptions) -> None:
    """Write a folder for each row."""
    from encord_convert.formats.mot.write import write_sequences

    write_sequences(narrowed, target)


FORMAT = Format(
    name="mot",
    title="MOT Challenge tracks",
    spec="https://github.com/JonathonLuiten/TrackEval/blob/master/docs/MOTChallenge-format.txt",
    suffixes=(),
    identify=identify,
    importer=Importer(read, ReadOptions, CARRIES),
    exporter=Exporter.of_narrowed(write, NoOptions, CARRIES),
)
