"""CVAT annotation XML: "CVAT for images 1.1", "CVAT for video 1.1", and both as they were in version 1.0.

What it is
    The own format of the annotation tool CVAT: one XML file with a description of the labels (``meta``) and either
    pictures with shapes (``image``) or tracks of shapes over the frames of a video (``track``).

Files on disk
    ``annotations.xml`` and perhaps ``images/``, in a folder or ZIP archive; or the XML file alone. Any ``.xml`` whose
    root element is ``annotations`` is taken, whatever its name, in the folder itself or one below; several are read one
    after the other, and a label they share is one class. Pictures are looked at only for sizes the file does not say.
    Written is ``annotations.xml``; rows that are tasks of their own, one file each, where there are several.
    Shapes are in pixels, from the top-left corner; ``image/@id`` and ``@frame`` are frames of the source.

How each hub thing maps, reading
    ======================  ==========================================================================================
    image                   a label row; with ``group_images`` the pictures of a task are one image group. Its title is
                            the name, after the subset if a project has several
    task or job of a video  one video row. Frames are those of the source file; with ``frame_mapping=relative`` those
                            CVAT extracted. What a project adds to the frames of a task is taken off
    frames as pictures      pictures, or with ``group_images`` one group; with ``frames_as_video`` the video they are of
    subset of a project     ``client_metadata["cvat_subset"]``; with ``subsets=datasets`` a dataset too
    label                   one object per shape it is used with: the first of box, polygon, polyline, points, mask,
                            skeleton, ellipse, cuboid has the label's name, the others `` (polygon)`` and so on after it
    box                     bounding box; rotatable bounding box for all boxes of a label of which one is turned
    polygon, polyline       the same, vertex for vertex
    points                  a point; several points are as many objects, or a skeleton with ``points_as_skeleton``
    mask                    bitmask
    skeleton                skeleton, and its drawing the template. ``outside`` is invisible at (0, 0), ``occluded``
                            is occluded
    ellipse                 polygon of 72 vertices, or bitmask, or rotatable box
    cuboid                  polygon: the outline of its eight points
    tag                     an option of the checklist ``Tags``; of a label with attributes a classification of its own
    select, radio           radio; ``__undefined__`` is no answer
    checkbox                checklist of one option that has the attribute's name; checked if true
    number, text            text, as written; a number is one with ``numbers=numeric``, which newer servers alone know
    mutable attributes      dynamic answers; the others hold for the whole track
    occluded                a dynamic checklist ``occluded``, on labels of which any shape is
    track                   one object on all its frames, absent from gaps
    source                  made by hand if ``manual``; frames between keyframes are not
    ======================  ==========================================================================================

How each hub thing maps, writing
    ======================  ==========================================================================================
    image                   a picture of ``annotations.xml``, by its title; a title that is taken gets ``_1`` behind it
    image group, series     a file of its own; each frame is a picture, a slice by its place or with ``slices=uid`` by
                            its UID. What is on several has one ``track_id``
    video                   a file of its own with a track for each object. Each frame is a keyframe, or those that
                            interpolation does not give (``keyframes=sparse``); a shape with ``outside="1"`` ends each
                            run of frames
    object                  label; objects of one name that ask the same are one label of type ``any``, others get
                            ``_2`` behind it
    (rotatable) box         box, with ``rotation`` in degrees
    polygon                 polygon; holes and further parts are joined to it by cuts of no width, so that its area and
                            its class stay
    polyline, point         polyline, points of one pair
    bitmask                 mask, in its tight box
    skeleton                skeleton with a sub-label for each point; drawn as its template. Invisible is ``outside``,
                            occluded by anything is ``occluded``
    radio                   select (or radio, ``choices=radio``); no answer is ``__undefined__``, or nothing
    checklist               a checkbox for each option, ``question/option``; of one option with its own name just that
    numeric, text           number, with the range of the answers given; text
    nested questions        ``question/option/question``
    dynamic                 ``mutable``; said on every shape. An answer that ends is ``__undefined__`` from there
    occluded                a dynamic checklist of that name and option is CVAT's own ``occluded``
    classification          tag with its answers; on frames of a video a tag of the frame, which CVAT for video alone
                            has no place for: the file then has ``image`` elements before its tracks, and a note says
                            so (``TAGS_BEFORE_TRACKS``)
    made by a machine       ``source="auto"``
    colour                  colour
    ontology, kind of row   an element ``encord`` in ``meta``, which CVAT passes over. It lets this package read the
                            file back into the very ontology; it is not used where labels or answers were changed since
    ======================  ==========================================================================================

    Coordinates have up to six decimals. Times are left empty: nothing of when or where a file was written is in it.
    Unknown: whether every version of CVAT reads pictures and tracks of one file; one with tags of a video, uploaded to
    a server, would tell.

What is lost
    In writing: confidence, authors, times, reviews, positions of invisible points, by what a point is occluded, and
    that nobody said whether it is visible (it is, then); the third coordinate of points in space; shapes that cover
    nothing. Masks are cut at the border. Characters that XML has no place for become U+FFFD, and the text
    ``__undefined__``, which is no answer in CVAT, ``undefined``.

    In reading: z_order (labels stand in its order), group_id (kept with ``group_id``), the words of ``source`` other
    than manual and auto, default values and number ranges, which frames were keyframes. Ellipses and cuboids are
    approximated. Owner and assignee are personal data and are not read. Each is told in the report.

Dialects met in the wild
    Datumaro writes files of any name, options apart by blanks, empty labels, and XML attributes in alphabetical order.
    Exports of 2018 to 2020 keep ``original_size`` and ``source`` beside the task and stop a track at its last keyframe.
    Exports of jobs have no name. Old skeletons have a track nested for each point. Version 1.0 has no sizes (give
    ``size``) and a language of its own for attributes. Hand-made files leave out ``keyframe``, ``outside``, labels,
    attributes and closing shapes, and swap corners. A document type declaration is refused: CVAT writes none.

Sources
    CVAT's exports from 2017 to 2026; ``fixtures/cvat``, each with its ``ORIGIN.md``.
    https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from encord_convert.errors import ReadError
from encord_convert.formats import _cvat_bytes as lane
from encord_convert.formats._api import Exporter, Format, Importer, Match
from encord_convert.formats._cvat_account import Account
from encord_convert.formats._cvat_documents import Documents
from encord_convert.formats._cvat_facts import LabelFacts, Wanted, merged_facts
from encord_convert.formats._cvat_groups import Groups, own_row
from encord_convert.formats._cvat_hints import own_ontology, own_plans
from encord_convert.formats._cvat_images import Pictures
from encord_convert.formats._cvat_meta import Label, merged_labels
from encord_convert.formats._cvat_ontology import Plans, build
from encord_convert.formats._cvat_options import ReadOptions, WriteOptions
from encord_convert.formats._cvat_poses import TOLERANCE_PX
from encord_convert.formats._cvat_scan import Scan, pieces, scan, stamp_of
from encord_convert.formats._cvat_sheets import SheetReader
from encord_convert.formats._cvat_texts import UNWRITABLE
from encord_convert.formats._cvat_tracks import Tracks
from encord_convert.formats._cvat_xml import Picture, Record, Stray, Track, parsed_elements
from encord_convert.formats._files import FileSource, Source, Target
from encord_convert.labelset import Before, Draft, LabelSet
from encord_convert.ledger import Ledger
from encord_convert.losses import Carries, Feature, Level, Where
from encord_convert.media import Media
from encord_convert.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sheets import Sheet

CARRIES = Carries(
    shapes=frozenset(Shape),
    data_types=frozenset({DataType.IMAGE, DataType.IMG_GROUP, DataType.VIDEO, DataType.DICOM}),
    features=frozenset(
        {
            Feature.ROTATION, Feature.VISIBILITY, Feature.TRACKS, Feature.ANSWERS, Feature.DYNAMIC_ANSWERS,
            Feature.CLASSIFICATIONS, Feature.NESTED_ANSWERS, Feature.MANUAL, Feature.COLOUR, Feature.EMPTY_ROWS,
            Feature.OUT_OF_BOUNDS, Feature.UNKNOWN_POINTS,
        }
    ),
)  # fmt: skip

WRITES = Carries(
    shapes=frozenset(Shape),
    data_types=CARRIES.data_types,
    features=CARRIES.features,
    tolerance_px=TOLERANCE_PX,
    codes={
        Feature.HOLES: "HOLES_JOINED",
        Feature.PARTS: "PARTS_JOINED",
        Feature.SELF_OCCLUSION: "SELF_OCCLUSION_MERGED",
        Feature.HIDDEN_POSITION: "HIDDEN_POSITION_DEFAULTED",
        Feature.UNSAID_VISIBILITY: "VISIBILITY_DEFAULTED",
        Feature.DEGENERATE: "INVALID_GEOMETRY",
        (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK",
    },
    bounded=frozenset({Shape.BITMASK}),
    unwritable=UNWRITABLE,
)

_DEPTH = 2
_HELD = 64
"""How many pictures are read before the first of them becomes a row: their numbers are read together."""

_MAX_LOOKED_AT = 64
"""How many XML files are looked at to tell whether one of them is of CVAT."""


# -- identify -----------------------------------------------------------------------------------------------------

_PROLOGUE = re.compile(
    r"\A\ufeff?(?>\s+|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[.*?\]\s*)?>)*+<annotations(?=[\s/>])", re.DOTALL
)
_KNOWN_CHILD = re.compile(r"<(?:version|meta|image|track)[\s/>]")


def identify(source: Source) -> Match:
    """Say yes if some XML file begins as those of CVAT do; unsure if one of that name cannot be looked at."""
    answer = Match.NO
    for depth in (1, _DEPTH):
        for name in source.names(".xml", depth)[:_MAX_LOOKED_AT]:
            try:
                if _begins_as_cvat(source.head(name)):
                    return Match.YES
            except ReadError:
                answer = Match.UNSURE if name.endswith("annotations.xml") else answer
    return answer


def _is_cvat(source: Source, name: str) -> bool:
    try:
        return _begins_as_cvat(source.head(name))
    except ReadError:
        return False


def _begins_as_cvat(head: bytes) -> bool:
    codec = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8"
    text = head.decode(codec, "replace")
    root = _PROLOGUE.match(text)
    return bool(root and _KNOWN_CHILD.search(text, root.end()))


# -- read ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Recipe:
    """What another process needs to make a part of the rows: the source's description, and where the part begins.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        What to call it in messages.
    scan : Scan
    options : ReadOptions
    start, end : int
        The part, in bytes.
    line, first : int
        One-based line, and place among the pictures, at which it begins.
    objects : dict of Shape to int, optional
        Objects before it, as far as the scan could tell.
    """

    path: Path
    name: str
    scan: Scan
    options: ReadOptions
    start: int
    end: int
    line: int
    first: int
    objects: dict[Shape, int] = field(default_factory=dict)


def read(source: Source, options: ReadOptions, report: Report) -> LabelSet:
    """Read all CVAT files of a source: what they declare at once, their rows when they are walked.

    Raises
    ------
    ReadError
        There is none, or one is broken, or the size of a picture is not known.
    """
    members = _members(source)
    wanted = Wanted(groups=options.group_id, pairs=options.points_as_skeleton)
    scans = [scan(source, member, wanted) for member in members]
    reading = _Reading(scans, options)
    report.reading = reading.ledger
    title = next((one.meta.name for one in scans if one.meta.name), "")
    cut = partial(_shards, source, reading) if _can_be_cut(source, reading) else None
    return LabelSet(
        reading.draft.ontology, sheets=partial(reading.sheets, source), title=title, ledger=reading.ledger, shards=cut
    )


def _members(source: Source) -> list[str]:
    members = [name for name in source.names(".xml", _DEPTH) if _is_cvat(source, name)]
    if not members:
        members = source.names(".xml", 1)[:1]
    if not members:
        raise ReadError(source.name, "holds no .xml file, in itself or one folder below.")
    return members


class _Reading:
    """What is known of a source after the scan: ontology, plans, and the account of reading."""

    def __init__(self, scans: Sequence[Scan], options: ReadOptions) -> None:
        self.scans = scans
        self.options = options
        self.draft = Draft("cvat")
        self.ledger = Ledger()
        for one in scans:
            _note_tasks(one, self.ledger)
        own = self._own_plans()
        if own is not None:
            self.plans: Plans = own
            self.ledger.mark_head()
            return
        # The scans are descriptions of the files and stay as they are; merging and completing need copies.
        labels: list[Label] = merged_labels(deepcopy([one.meta for one in scans]))
        facts: dict[str, LabelFacts] = merged_facts(deepcopy([one.facts.labels for one in scans]))
        self.plans = build(self.draft, labels, facts, options, self.ledger)
        self.ledger.mark_head()

    def _own_plans(self) -> Plans | None:
        """Return the plans of reading what this package wrote, None if it did not, or not as it now stands there."""
        structure = own_ontology([one.meta for one in self.scans], self.options)
        plans = None
        if structure is not None:
            facts = merged_facts(deepcopy([one.facts.labels for one in self.scans]))
            plans = own_plans(structure, facts, self.draft)
        if plans is None or structure is None:
            return None
        self.draft.ontology = structure
        # Interpolated frames are as the keyframe before them: what differs from it was written as a keyframe.
        self.options = replace(self.options, keyframes_manual=False)
        return plans

    def sheets(self, source: Source) -> Iterator[Sheet | LabelRowV2]:
        """Walk all rows, many at a time where pictures are plain, from a fresh account."""
        self.ledger.rewind()
        for one in self.scans:
            account = Account(self.ledger, self.draft, source.place(one.member))
            yield from self._rows(one, account, source, Media(source, one.member.rpartition("/")[0]))

    def part(self, source: Source, recipe: Recipe) -> Iterator[Sheet | LabelRowV2]:
        """Walk the rows of a part."""
        self.ledger.rewind()
        account = Account(self.ledger, self.draft, source.place(recipe.scan.member))
        return self._rows(recipe.scan, account, source, None, recipe)

    def _rows(
        self, one: Scan, account: Account, source: Source, media: Media | None, recipe: Recipe | None = None
    ) -> Iterator[Sheet | LabelRowV2]:
        member = (one.member,) if len(self.scans) > 1 else ()
        common = (self.draft, self.plans, self.options, account, one.meta, one.facts, media, member)
        pictures, tracks = SheetReader(*common, first=recipe.first if recipe else 0), Tracks(*common)
        if own_row(one.meta.own) is not None:
            yield from self._grouped(one, account, pictures, tracks, _records(source, one, recipe))
            return
        held: list[Picture] = []
        try:
            for piece in _walk(source, one, recipe):
                sheet = None
                if isinstance(piece, Piece) and pictures.takes_pages:
                    yield from pictures.rows(held)
                    held = []
                    sheet = pictures.sheet(*piece)
                if sheet is not None:
                    yield sheet
                    del piece, sheet  # megabytes, once they are taken apart
                    continue
                for record in _records_of(piece):
                    if isinstance(record, Picture):
                        held.append(record)
                        if len(held) < _HELD:
                            continue
                    yield from pictures.rows(held)
                    held = []
                    if isinstance(record, Track):
                        yield from tracks.rows(record)
                    elif isinstance(record, Stray):
                        account.title = ""
                        account.drop_unknown(record.shape[0], record.shape[1], record.shape[6])
            yield from pictures.rows(held)
            yield from tracks.empty_rows()
        except lane.NotCanonical as error:
            raise _changed(source, one) from error
        finally:
            account.flush()

    def _grouped(
        self, one: Scan, account: Account, pictures: Pictures, tracks: Tracks, records: Iterator[Record]
    ) -> Iterator[LabelRowV2]:
        """Walk a file that is about one row."""
        assert one.meta.own is not None
        groups = Groups(pictures, self.draft, self.ledger, one.meta.own, (one.member,))
        is_done = False
        try:
            for record in records:
                if isinstance(record, Picture):
                    groups.add([record])
                elif isinstance(record, Track):
                    for row in tracks.rows(record):
                        is_done = True
                        yield groups.filled(row)
                else:
                    account.drop_unknown(record.shape[0], record.shape[1], record.shape[6])
            if not is_done:
                yield groups.row()
        finally:
            account.flush()


class Piece(NamedTuple):
    """Whole records of a file that is canonical, and their first line."""

    chunk: bytes
    line: int


def _records_of(piece: Piece | Record) -> Iterable[Record]:
    return lane.records(piece.chunk.decode(), piece.line) if isinstance(piece, Piece) else (piece,)


def _records(source: Source, one: Scan, recipe: Recipe | None = None) -> Iterator[Record]:
    """Walk a file record by record."""
    try:
        for piece in _walk(source, one, recipe):
            yield from _records_of(piece)
    except lane.NotCanonical as error:
        raise _changed(source, one) from error


def _walk(source: Source, one: Scan, recipe: Recipe | None) -> Iterator[Piece | Record]:
    """Walk a file record by record, or so many together as are read in one go."""
    if stamp_of(source, one.member) != one.stamp:
        raise _changed(source, one)
    with source.open(one.member) as stream:
        if one.is_canonical:
            yield from _pieces(stream, recipe, source.size(one.member))
            return
        for kind, item in parsed_elements(stream, source.place(one.member)):
            if kind == "record":
                yield item


def _pieces(stream: BinaryIO, recipe: Recipe | None, size: int | None) -> Iterator[Piece]:
    if recipe is not None:
        line, chunks = recipe.line, lane.chunks_between(stream, recipe.start, recipe.end)
    else:
        head, data = lane.prologue(stream)
        line, chunks = 1 + head.count(b"\n"), lane.chunks(stream, data)
    for chunk in pieces(chunks, recipe is None or recipe.end == size):
        yield Piece(chunk, line)
        line += lane.count_in(chunk, b"\n")


def _changed(source: Source, one: Scan) -> ReadError:
    return ReadError(source.place(one.member), "changed while it was read.", advice="Read it again when it is done.")


def _note_tasks(one: Scan, ledger: Ledger) -> None:
    where = Where(file=one.member)
    if any(one.facts.subsets) and one.facts.subsets:
        detail = "The subsets of the project are kept in the client metadata of each row, as cvat_subset."
        ledger.note(Level.INFO, "SUBSET_AS_METADATA", detail, where)
    for task in one.meta.tasks:
        if one.facts.tracks and (task.step > 1 or task.start > 0):
            detail = (
                "The task begins after the first frame of its video, or leaves frames out; frames are numbered as in "
                "the source, or 0, 1, 2, … with -r frame_mapping=relative."
            )
            ledger.note(Level.WARNING, "FRAME_STEP", detail, Where(file=one.member, element=task.name or task.id))
        if one.facts.pictures and task.mode == "interpolation":
            detail = "The pictures are frames of a video, whose tracks this export has not kept."
            ledger.note(Level.INFO, "TRACK_ID_LOST", detail, Where(file=one.member, element=task.name or task.id))


# -- shards -------------------------------------------------------------------------------------------------------


def _can_be_cut(source: Source, reading: _Reading) -> bool:
    """Tell whether other processes can read parts of the file: it is one file, plain, of pictures that are rows."""
    one = reading.scans[0]
    is_sized = not one.facts.without_size or reading.options.size is not None
    return (
        len(reading.scans) == 1
        and one.is_canonical
        and one.facts.pictures > 1
        and not one.facts.tracks
        and not (reading.options.group_images or reading.options.frames_as_video)
        and own_row(one.meta.own) is None
        and is_sized
        and source.path(one.member) is not None
    )


def _shards(source: Source, reading: _Reading, count: int) -> list[LabelSet]:
    return [open_shard(recipe) for recipe in _recipes(source, reading, count)]


def _recipes(source: Source, reading: _Reading, count: int) -> Iterator[Recipe]:
    """Cut the file at pictures, into parts of about equal size."""
    one = reading.scans[0]
    path = source.path(one.member)
    assert path is not None
    size = path.stat().st_size
    whole = Recipe(path, source.place(one.member), one, reading.options, 0, size, 1, 0)
    with path.open("rb") as stream:
        head, _ = lane.prologue(stream)
        if len(one.parts) == count:
            yield from _scanned_recipes(whole, reading.plans, 1 + head.count(b"\n"))
            return
        stream.seek(len(head))
        step = (size - len(head)) // count + 1
        start, line, first = len(head), 1 + head.count(b"\n"), 0
        while start < size:
            length, lines, pictures = _stretch(stream, step)
            yield replace(whole, start=start, end=start + length, line=line, first=first)
            start, line, first = start + length, line + lines, first + pictures
            stream.seek(start)


def _scanned_recipes(whole: Recipe, plans: Plans, line: int) -> Iterator[Recipe]:
    """Return the recipes of the parts a file was scanned in, of which more is known."""
    first, objects = 0, Counter[Shape]()
    for part in whole.scan.parts:
        yield replace(whole, start=part.start, end=part.end, line=line, first=first, objects=dict(objects))
        line, first = line + part.lines, first + part.pictures
        for key, count in (part.objects or {}).items():
            plan = plans.shapes.get(key)
            if plan is not None:
                objects[plan.makes] += count


def _stretch(stream: BinaryIO, least: int) -> tuple[int, int, int]:
    """Return how many bytes, lines and pictures lie before the first picture that is ``least`` bytes away or more."""
    begin = b"<image "
    length = lines = pictures = 0
    data = b""
    while more := stream.read(lane.CHUNK_BYTES):
        data += more
        cut = data.find(begin, max(0, least - length))
        # The last bytes wait for the next chunk: a picture may begin in them.
        keep = cut if cut >= 0 else len(data) - len(begin) + 1
        lines += data.count(b"\n", 0, keep)
        pictures += data.count(begin, 0, keep + len(begin) - 1)
        length += keep
        if cut >= 0:
            return length, lines, pictures
        data = data[keep:]
    return length + len(data), lines + data.count(b"\n"), pictures


def open_shard(recipe: Recipe) -> LabelSet:
    """Return the part of a label set that a recipe describes, in whatever process this runs.

    The parts have the ontology of the whole; their rows, one part after the other, are its rows, and their accounts,
    merged in that order, its account.
    """
    source = _NamedSource(recipe.path, recipe.name)
    reading = _Reading([recipe.scan], recipe.options)
    if recipe.first:
        reading.ledger = Ledger()  # what was found before the rows belongs to the account of the first part
    labels = LabelSet(
        reading.draft.ontology,
        sheets=partial(reading.part, source, recipe),
        title=recipe.scan.meta.name,
        ledger=reading.ledger,
    )
    labels.before = Before(recipe.first, recipe.objects)
    labels.recipe = (f"{__name__}:{open_shard.__name__}", recipe)
    return labels


class _NamedSource(FileSource):
    """A file that messages call by another name: a member of a folder."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path)
        self.name = name


# -- write --------------------------------------------------------------------------------------------------------


def write(labels: LabelSet, target: Target, options: WriteOptions, report: Report) -> None:
    """Write a file for all single pictures, and one for each video, image group and series.

    Raises
    ------
    WriteError
        The target is one file, and the rows need several.
    """
    Documents(labels, target, options, report, WRITES).write()


FORMAT = Format(
    name="cvat",
    title="CVAT annotation XML",
    spec="https://docs.cvat.ai/docs/dataset_management/formats/format-cvat/",
    suffixes=(".xml",),
    identify=identify,
    importer=Importer(read, ReadOptions, CARRIES, cuts=True),
    exporter=Exporter(write, WriteOptions, WRITES),
)
