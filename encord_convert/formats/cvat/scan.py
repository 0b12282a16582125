"""The first pass over a CVAT file: what the ontology needs to know before the first row can be made.

What is gathered is in :mod:`encord_convert.formats.cvat.stats`. If several processes do the conversion, each scans a
part of the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats.cvat import fast_xml as lane
from encord_convert.formats.cvat.exact_xml import ROOT, describing_elements, parsed_elements, root_name
from encord_convert.formats.cvat.meta import Meta, parse_meta
from encord_convert.formats.cvat.stats import Choices, Collector, Stats, Wanted, choices_of
from encord_convert.workers import Pool, current_pool

_LEAST_BYTES = 1 << 22
"""How large a part is at least, for another process to scan it."""


class Part(msgspec.Struct):
    """A part of a file, in bytes, that begins with an image.

    ``lines`` and ``images`` are how many are in it, ``objects`` as those of ``Collector``.
    """

    start: int
    end: int
    lines: int
    images: int
    objects: dict[tuple[str, str], int] | None


class Scan(msgspec.Struct):
    """One file, described.

    ``is_canonical``: all of it can be read by the byte lane. ``stamp``: by what it is known to be the same file still.
    ``parts``: those it was scanned in, if several processes did.
    """

    member: str
    meta: Meta
    stats: Stats
    is_canonical: bool
    stamp: tuple[int, int] | None = None
    parts: tuple[Part, ...] = ()


def scan(source: Source, member: str, wanted: Wanted) -> Scan:
    """Read a file once and describe it.

    Raises
    ------
    ReadError
        It is not a CVAT file, is broken, or has a document type declaration.
    """
    place = source.place(member)
    with source.open(member) as stream:
        root = root_name(stream, place)
    if root != ROOT:
        raise ReadError(place, f"the root element is <{root}>, and that of a CVAT file is <{ROOT}>.")
    stamp = stamp_of(source, member)
    try:
        found = _canonical(source, member, wanted)
    except lane.NotCanonical:
        found = _exact(source, member, wanted)
    found.stamp = stamp
    return found


def stamp_of(source: Source, member: str) -> tuple[int, int] | None:
    """Return size and time of change of a member that is a file, None of others, which nobody can change."""
    path = source.path(member)
    if path is None:
        return None
    status = path.stat()
    return status.st_size, status.st_mtime_ns


def _canonical(source: Source, member: str, wanted: Wanted) -> Scan:
    with source.open(member) as stream:
        head, data = lane.prologue(stream)
        try:
            meta = parse_meta(*describing_elements(head + lane.END))
        except SyntaxError as error:
            raise lane.NotCanonical from error
        choices = choices_of(meta)
        pool, path, size = current_pool(), source.path(member), source.size(member)
        if pool is not None and path is not None and size is not None:
            spans = _cut(path, len(head), size, pool.size)
            if len(spans) > 1:
                stats, parts = _scanned_together(pool, path, spans, wanted, choices)
                return Scan(member, meta, stats, True, parts=parts)
        collector = Collector(wanted, choices)
        for chunk in pieces(lane.chunks(stream, data)):
            collector.chunk(chunk)
    return Scan(member, meta, collector.finished(), True)


Span = tuple[int, int]
"""First byte of a part, and the first behind it."""


def _cut(path: Path, begin: int, size: int, most: int) -> list[Span]:
    """Cut what follows the prologue of a file at images, into parts of about equal size."""
    count = max(1, min(most, (size - begin) // _LEAST_BYTES))
    with path.open("rb") as stream:
        cuts = [lane.image_from(stream, begin + number * (size - begin) // count) for number in range(1, count)]
    return list(pairwise(sorted({begin, *[cut for cut in cuts if cut is not None], size})))


def _scanned_together(
    pool: Pool, path: Path, spans: list[Span], wanted: Wanted, choices: Choices
) -> tuple[Stats, tuple[Part, ...]]:
    """Scan each part in a process of its own, the first in this one."""
    others = [pool.start(_scanned_part, path, span, span is spans[-1], wanted, choices) for span in spans[1:]]
    part, collector = _collected(path, spans[0], False, wanted, choices)
    parts = [part]
    for other in others:
        part, stats, images = other.result()
        collector.merge(stats, images)
        parts.append(part)
    return collector.finished(), tuple(parts)


def _scanned_part(
    path: Path, span: Span, is_last: bool, wanted: Wanted, choices: Choices
) -> tuple[Part, Stats, array[int]]:
    """Scan a part: in another process."""
    part, collector = _collected(path, span, is_last, wanted, choices)
    return part, collector.stats, collector.images


def _collected(path: Path, span: Span, is_last: bool, wanted: Wanted, choices: Choices) -> tuple[Part, Collector]:
    collector = Collector(wanted, choices)
    lines = 0
    with path.open("rb") as stream:
        for chunk in pieces(lane.chunks_between(stream, *span), is_last):
            collector.chunk(chunk)
            lines += lane.count_in(chunk, b"\n")
    collector.settle()
    return Part(*span, lines, collector.stats.images, collector.objects), collector


def pieces(chunks: Iterable[bytes], has_end: bool = True) -> Iterator[bytes]:
    """Yield chunks; the last, if it has the end of the document, without that."""
    held: bytes | None = None
    for chunk in chunks:
        if held is not None:
            yield held
        held = chunk
    if held is not None:
        yield lane.without_end(held) if has_end else held


def _exact(source: Source, member: str, wanted: Wanted) -> Scan:
    meta: Meta | None = None
    version = ""
    around: list[str] = []
    collector = Collector(wanted, None)
    with source.open(member) as stream:
        for kind, item in parsed_elements(stream, source.place(member)):
            if kind == "record":
                collector.record(item)
            elif kind == "version":
                version = item
            elif kind == "around":
                around += item
            elif meta is None:
                meta = parse_meta(item, version)
            else:
                known = {label.name for label in meta.labels}
                meta.labels += [label for label in parse_meta(item, version).labels if label.name not in known]
    meta = meta or Meta(version=version)
    meta.version, meta.around = version, around
    stats = collector.finished()
    _forget_texts(stats, choices_of(meta))
    return Scan(member, meta, stats, False)


def _forget_texts(stats: Stats, choices: set[tuple[str, str]]) -> None:
    for name, label in stats.labels.items():
        for key, one in ((name, label), *((f"{name}\0{point}", below) for point, below in label.points.items())):
            for attribute in one.answers:
                if (key, attribute) not in choices:
                    one.answers[attribute] = {}
