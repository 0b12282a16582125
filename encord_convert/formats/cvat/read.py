"""CVAT files to a label set: what is known of them after a scan, their rows when walked, and parts of them.

The page of the format is :mod:`encord_convert.formats.cvat.page`.
"""

from __future__ import annotations

import pickle
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import FileSource, Source
from encord_convert.formats.cvat import fast_xml
from encord_convert.formats.cvat.counts import Account
from encord_convert.formats.cvat.exact_xml import Image, Record, Stray, Track, parsed_elements
from encord_convert.formats.cvat.grid import FAMILY, Grid, keys_of
from encord_convert.formats.cvat.head import META, WAS, beyond, body, labels_of, names_beyond, within
from encord_convert.formats.cvat.hints import own_ontology, own_plans
from encord_convert.formats.cvat.meta import Task, merged_labels
from encord_convert.formats.cvat.ontology import Plans, build
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.read_groups import Groups, own_row
from encord_convert.formats.cvat.read_images import Images
from encord_convert.formats.cvat.read_tables import TableReader
from encord_convert.formats.cvat.read_tracks import Tracks
from encord_convert.formats.cvat.scan import Scan, pieces, scan, stamp_of
from encord_convert.formats.cvat.stats import LabelStats, Wanted, merged_stats
from encord_convert.formats.cvat.trees import Tree
from encord_convert.formats.cvat.write_labels import Labels
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import Before, LabelSet
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.hub.media import Media, apart
from encord_convert.hub.native import NOTES, leaves
from encord_convert.hub.splits import UNNAMED, named_in
from encord_convert.hub.table import Table
from encord_convert.hub.video import Video
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import LabelRowV2, Shape

_PERSONAL = (
    "The 'owner' and the 'assignee' of a task (their 'username' and 'email') are personal data and are not read."
)

_TOLD = frozenset({"default_value"})
"""What has notes of its own."""


class Spec(msgspec.Struct, frozen=True):
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
        One-based line, and place among the images, at which it begins.
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
    objects: dict[Shape, int] = {}


def read_members(source: Source, members: Sequence[str], options: ReadOptions, report: Report) -> LabelSet:
    """Read files of a source; the other parameters are those of every importer."""
    wanted = Wanted(groups=options.group_id, pairs=options.points_as_skeleton)
    scans = [scan(source, member, wanted) for member in members]
    is_cut = _can_be_cut(source, scans, options)
    reading = _Reading(scans, options, is_cut)
    report.reading = reading.counts
    title = next((one.meta.name for one in scans if one.meta.name), "")
    cut = partial(_shards, source, reading) if is_cut else None
    labels = LabelSet(
        reading.draft.ontology, tables=partial(reading.tables, source), title=title, counts=reading.counts, shards=cut
    )
    labels.native[FAMILY] = reading.native
    if all(one.meta.own is None for one in scans):
        labels.splits = {split for one in scans for split in _splits_in(one, is_alone=len(scans) == 1)}
    return labels


def _splits_in(one: Scan, *, is_alone: bool) -> set[str]:
    tasks = {task.subset for task in one.meta.tasks} - {UNNAMED}
    return {*one.stats.subsets, *tasks, "" if is_alone else named_in(one.member)} - {""}


def _copied(values: list[Any]) -> list[Any]:
    """Return copies, made a third as fast by ``deepcopy``."""
    copies: list[Any] = pickle.loads(pickle.dumps(values, pickle.HIGHEST_PROTOCOL))
    return copies


class _Reading:
    """What is known of a source after the scan: ontology, plans, and the counts of reading."""

    def __init__(self, scans: Sequence[Scan], options: ReadOptions, is_cut: bool = True) -> None:
        self.scans = scans
        self.options = options
        self.draft = Draft("cvat")
        self.counts = Counts()
        self.native: dict[str, Any] = {NOTES: []}
        members = [one.member for one in scans]
        self.folders = dict(zip(members, apart(members), strict=True))
        for one in scans:
            _note_tasks(one, self.counts)
        own = self._own_plans()
        if own is not None:
            self.plans: Plans = own
            self._add_native()
            self.counts.mark_head()
            return
        self.plans = self._plans(is_cut)
        self._add_native()
        self.counts.mark_head()

    def _plans(self, is_cut: bool) -> Plans:
        # Merging and completing change labels. Of a file that is cut, each part begins with what the scan said.
        labels = [one.meta.labels for one in self.scans]
        if is_cut:
            labels = _copied(labels)
        else:
            for one in self.scans:
                one.meta.labels = []
        stats: dict[str, LabelStats] = merged_stats(_copied([one.stats.labels for one in self.scans]))
        return build(self.draft, merged_labels(labels), stats, self.options, self.counts, self.native[NOTES])

    def _add_native(self) -> None:
        """Find out what the files say of themselves that the hub has no words for."""
        labels = labels_of(Labels(self.draft.ontology))
        for one in self.scans:
            where = Where(file=one.member)
            if one.meta.personal:
                self.counts.note(Level.INFO, "PERSONAL_DATA", _PERSONAL, where, one.meta.personal)
            if one.meta.version not in ("", "1.1"):
                detail = f"The 'version' {one.meta.version} of the format; written is 1.1."
                self.counts.note(Level.INFO, "NATIVE_DROPPED", detail, where)
            for name in one.meta.around:
                detail = f"'{name.partition('.')[2]}' of <{name.partition('.')[0]}> is not read."
                self.counts.lose(
                    Kind.DROPPED, "UNKNOWN_ELEMENT", Feature.NATIVE, ("key", f"file.{name}"), where, detail
                )
            ours = self._written(one, labels)
            said = beyond(one.meta.tree, ours)
            names = [name for name in dict.fromkeys(names_beyond(said, ours)) if name not in _TOLD]
            if names:
                detail = f"Only CVAT has words for {', '.join(map(repr, names))} of the file."
                self.native[NOTES].append([Level.INFO.value, "NATIVE_DROPPED", detail, None, leaves(said)])
            if len(self.scans) == 1:
                was = {kind: within(value, said.get(kind, {})) for kind, value in ours.items()}
                self.native |= {META: said, WAS: was}

    def _written(self, one: Scan, labels: Tree) -> Tree:
        """Return what would be written of a file, from the ontology and what else is known of its rows."""
        meta, stats = one.meta, one.stats
        task, row = meta.tasks[0] if meta.tasks else Task(), own_row(meta.own)
        is_video = bool(stats.tracks) or (task.mode == "interpolation" and not stats.images)
        if not is_video or meta.kind == "project":
            name = row.title if row is not None else task.name or meta.name if self.options.group_images else meta.name
            size = stats.images if row is None else row.frames
            return body(meta.kind, name, Grid(0, 1, max(0, size - 1), size), "", labels)
        title = row.title if row is not None else task.source or task.name or meta.name or "video"
        frames = row.frames if row is not None else task.frames(self.options)
        grid = Grid(0, 1, max(0, frames - 1), frames)
        if own := keys_of(task):
            grid = Grid(task.start, task.step, own.get("stop_frame", task.last_frame or 0), own["size"])
        return body(meta.kind, title, grid, meta.split(""), labels, (task.width or 0, task.height or 0, title))

    def _own_plans(self) -> Plans | None:
        """Return the plans of reading what this package wrote, None if it did not, or not as it now stands there."""
        structure = own_ontology([one.meta for one in self.scans], self.options)
        plans = None
        if structure is not None:
            stats = merged_stats(_copied([one.stats.labels for one in self.scans]))
            plans = own_plans(structure, stats, self.draft)
        if plans is None or structure is None:
            return None
        self.draft.ontology = structure
        # Interpolated frames are as the keyframe before them: what differs from it was written as a keyframe.
        self.options = replace(self.options, keyframes_manual=False)
        return plans

    def tables(self, source: Source) -> Iterator[Table | Video | LabelRowV2]:
        """Walk all rows, many at a time where images are plain, with fresh counts."""
        self.counts.rewind()
        for one in self.scans:
            account = Account(self.counts, self.draft, source.place(one.member))
            yield from self._rows(one, account, source, Media(source, one.member.rpartition("/")[0]))

    def part(self, source: Source, spec: Spec) -> Iterator[Table | Video | LabelRowV2]:
        """Walk the rows of a part."""
        self.counts.rewind()
        account = Account(self.counts, self.draft, source.place(spec.scan.member))
        return self._rows(spec.scan, account, source, None, spec)

    def _rows(
        self, one: Scan, account: Account, source: Source, media: Media | None, spec: Spec | None = None
    ) -> Iterator[Table | Video | LabelRowV2]:
        key = (one.member,) if len(self.scans) > 1 else ()
        folder = self.folders[one.member]
        common = (
            self.draft, self.plans, self.options, account, one.meta, one.stats, media, one.member, key, folder,
        )  # fmt: skip
        images, tracks = TableReader(*common, first=spec.first if spec else 0), Tracks(*common)
        if own_row(one.meta.own) is not None:
            yield from self._grouped(one, account, images, tracks, _records(source, one, spec))
            return
        try:
            for piece in _walk(source, one, spec):
                if isinstance(piece, Piece) and (images.takes_pages or piece.has_tracks):
                    found = tracks.page(*piece) if piece.has_tracks else images.page(*piece)
                    if found is not None:
                        yield from found
                        del piece, found  # megabytes, once they are taken apart
                        continue
                for record in _records_of(piece):
                    if isinstance(record, Image):
                        yield from images.rows(record)
                    elif isinstance(record, Track):
                        yield from tracks.rows(record)
                    elif isinstance(record, Stray):
                        account.title = ""
                        account.drop_unknown(record.shape[0], record.shape[1], record.shape[6])
            yield from tracks.empty_rows()
        except fast_xml.NotCanonical as error:
            raise _changed(source, one) from error
        finally:
            account.flush()

    def _grouped(
        self, one: Scan, account: Account, images: Images, tracks: Tracks, records: Iterator[Record]
    ) -> Iterator[LabelRowV2]:
        """Walk a file that is about one row."""
        assert one.meta.own is not None
        groups = Groups(images, self.draft, self.counts, one.meta.own, (one.member,))
        is_done = False
        try:
            for record in records:
                if isinstance(record, Image):
                    groups.add([record])
                elif isinstance(record, Track):
                    for video in tracks.rows(record):
                        is_done = True
                        yield groups.filled(video.row)
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

    @property
    def has_tracks(self) -> bool:
        """Whether it begins with a track."""
        return self.chunk.startswith(fast_xml.MARKERS[1])


def _records_of(piece: Piece | Record) -> Iterable[Record]:
    return fast_xml.records(piece.chunk, piece.line) if isinstance(piece, Piece) else (piece,)


def _records(source: Source, one: Scan, spec: Spec | None = None) -> Iterator[Record]:
    """Walk a file record by record."""
    try:
        for piece in _walk(source, one, spec):
            yield from _records_of(piece)
    except fast_xml.NotCanonical as error:
        raise _changed(source, one) from error


def _walk(source: Source, one: Scan, spec: Spec | None) -> Iterator[Piece | Record]:
    """Walk a file record by record, or so many together as are read in one go."""
    if stamp_of(source, one.member) != one.stamp:
        raise _changed(source, one)
    with source.open(one.member) as stream:
        if one.is_canonical:
            yield from _pieces(stream, spec, source.size(one.member))
            return
        for kind, item in parsed_elements(stream, source.place(one.member)):
            if kind == "record":
                yield item


def _pieces(stream: BinaryIO, spec: Spec | None, size: int | None) -> Iterator[Piece]:
    if spec is not None:
        line, chunks = spec.line, fast_xml.chunks_between(stream, spec.start, spec.end)
    else:
        head, data = fast_xml.prologue(stream)
        line, chunks = 1 + head.count(b"\n"), fast_xml.chunks(stream, data)
    for chunk in pieces(chunks, spec is None or spec.end == size):
        yield Piece(chunk, line)
        line += fast_xml.count_in(chunk, b"\n")


def _changed(source: Source, one: Scan) -> ReadError:
    return ReadError(source.place(one.member), "changed while it was read.", advice="Read it again when it is done.")


def _note_tasks(one: Scan, counts: Counts) -> None:
    where = Where(file=one.member)
    if any(one.stats.subsets) and one.stats.subsets:
        detail = "The subsets of the project are kept in the client metadata of each row, as split."
        counts.note(Level.INFO, "SUBSET_AS_METADATA", detail, where)
    for task in one.meta.tasks:
        if one.stats.tracks and (task.step > 1 or task.start > 0):
            detail = (
                "The task starts after the first frame of its video, or skips frames; frames are numbered as in "
                "the source, or 0, 1, 2, … with -r frame_mapping=relative."
            )
            counts.note(Level.WARNING, "FRAME_STEP", detail, Where(file=one.member, element=task.name or task.id))
        if one.stats.images and task.mode == "interpolation":
            detail = "The images are frames of a video; this export has no tracks."
            counts.note(Level.INFO, "TRACK_ID_LOST", detail, Where(file=one.member, element=task.name or task.id))


# -- shards -------------------------------------------------------------------------------------------------------


def _can_be_cut(source: Source, scans: Sequence[Scan], options: ReadOptions) -> bool:
    """Tell whether other processes can read parts of the file: it is one file, plain, of images that are rows."""
    one = scans[0]
    is_sized = not one.stats.without_size or options.size is not None
    return (
        len(scans) == 1
        and one.is_canonical
        and one.stats.images > 1
        and not one.stats.tracks
        and not (options.group_images or options.frames_as_video)
        and own_row(one.meta.own) is None
        and is_sized
        and source.path(one.member) is not None
    )


def _shards(source: Source, reading: _Reading, count: int) -> list[LabelSet]:
    return [open_shard(spec) for spec in _specs(source, reading, count)]


def _specs(source: Source, reading: _Reading, count: int) -> Iterator[Spec]:
    """Cut the file at images, into parts of about equal size."""
    one = reading.scans[0]
    path = source.path(one.member)
    assert path is not None
    size = path.stat().st_size
    whole = Spec(path, source.place(one.member), one, reading.options, 0, size, 1, 0)
    with path.open("rb") as stream:
        head, _ = fast_xml.prologue(stream)
        if len(one.parts) == count:
            yield from _scanned_specs(whole, reading.plans, 1 + head.count(b"\n"))
            return
        stream.seek(len(head))
        step = (size - len(head)) // count + 1
        start, line, first = len(head), 1 + head.count(b"\n"), 0
        while start < size:
            length, lines, images = _chunk(stream, step)
            yield msgspec.structs.replace(whole, start=start, end=start + length, line=line, first=first)
            start, line, first = start + length, line + lines, first + images
            stream.seek(start)


def _scanned_specs(whole: Spec, plans: Plans, line: int) -> Iterator[Spec]:
    """Return the recipes of the parts a file was scanned in, of which more is known."""
    first, objects = 0, Counter[Shape]()
    for part in whole.scan.parts:
        yield msgspec.structs.replace(
            whole, start=part.start, end=part.end, line=line, first=first, objects=dict(objects)
        )
        line, first = line + part.lines, first + part.images
        for key, count in (part.objects or {}).items():
            plan = plans.shapes.get(key)
            if plan is not None:
                objects[plan.makes] += count


def _chunk(stream: BinaryIO, least: int) -> tuple[int, int, int]:
    """Return how many bytes, lines and images lie before the first image that is ``least`` bytes away or more."""
    begin = b"<image "
    length = lines = images = 0
    data = b""
    while more := stream.read(fast_xml.CHUNK_BYTES):
        data += more
        cut = data.find(begin, max(0, least - length))
        # The last bytes wait for the next chunk: an image may begin in them.
        keep = cut if cut >= 0 else len(data) - len(begin) + 1
        lines += data.count(b"\n", 0, keep)
        images += data.count(begin, 0, keep + len(begin) - 1)
        length += keep
        if cut >= 0:
            return length, lines, images
        data = data[keep:]
    return length + len(data), lines + data.count(b"\n"), images


def open_shard(spec: Spec) -> LabelSet:
    """Return the part of a label set that a recipe describes, in whatever process this runs.

    The parts have the ontology of the whole; their rows, one part after the other, are its rows, and their counts,
    merged in that order, its counts.
    """
    source = _NamedSource(spec.path, spec.name)
    reading = _Reading([spec.scan], spec.options)
    if spec.first:
        reading.counts = Counts()  # what was found before the rows belongs to the counts of the first part
    labels = LabelSet(
        reading.draft.ontology,
        tables=partial(reading.part, source, spec),
        title=spec.scan.meta.name,
        counts=reading.counts,
    )
    labels.native[FAMILY] = {NOTES: []} if spec.first else reading.native
    labels.before = Before(spec.first, spec.objects)
    labels.spec = (f"{__name__}:{open_shard.__name__}", spec)
    return labels


class _NamedSource(FileSource):
    """A file that messages call by another name: a member of a folder."""

    def __init__(self, path: Path, name: str) -> None:
        super().__init__(path)
        self.name = name
