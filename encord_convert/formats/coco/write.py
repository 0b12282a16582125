"""The COCO file as a whole: its two long blocks are written beside it, row by row, and put together at the end.

With several processes each writes the blocks of one part of the rows, with the numbers they have if the importer
foresees right how many are before them; if not, they are numbered again at the end. The file is the same, byte for
byte; where that cannot be had so (a name in two parts, videos), one process writes all.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats._files import Target, source_at
from encord_convert.formats._paths import Paths
from encord_convert.formats.coco.categories import Category
from encord_convert.formats.coco.json_lines import (
    Lines,
    append_file,
    numbered_lines,
    renumbered,
    written_lines,
)
from encord_convert.formats.coco.write_native import Kept
from encord_convert.formats.coco.write_rows import Rows, classes_of
from encord_convert.formats.coco.write_walk import check_folder
from encord_convert.geometry.rle import current_pixel_limit, pixel_limit
from encord_convert.hub.counts import Counts
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Level
from encord_convert.hub.splits import UNNAMED, split_of
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import Shape
from encord_convert.workers import pool

NAME = "annotations.json"

_BUFFER = 1 << 20


def write_whole(labels: LabelSet, target: Target, options: Any, report: Report, carries: Carries) -> None:
    """Write one file."""
    _write_in_turn([labels], target, options, report, carries)


def write_parts(shards: Sequence[LabelSet], target: Target, options: Any, report: Report, carries: Carries) -> None:
    """Write one file of the rows of all shards, one after the other, with a process for each.

    A shard that another process can open says how: ``shard.spec`` is the address of a function, ``module:name``, and
    what to call it with.
    """
    alone = getattr(options, "split_files", False)
    if alone or not _can_be_shared(shards) or not _write_at_once(shards, target, options, report, carries):
        _write_in_turn(shards, target, options, report, carries)


def _write_in_turn(sets: Sequence[LabelSet], target: Target, options: Any, report: Report, carries: Carries) -> None:
    if getattr(options, "split_files", False):
        _write_by_split(sets, target, options, report, carries)
        return
    images_path, annotations_path, said = (_scratch(target, name) for name in ("images", "annotations", "said"))
    with images_path.open("wb", _BUFFER) as images, annotations_path.open("wb", _BUFFER) as annotations:
        lines = Lines(images), Lines(annotations, _first(sets[0], "annotation", 1))
        rows = Rows(sets[0], options, carries, *lines, said)
        reports = [report, *(Report() for _ in sets[1:])]
        for labels, own in zip(sets, reports, strict=True):
            rows.write(labels, own)
    if len(sets) > 1:
        _merge(report, [Account.of(one) for one in reports])
    _note(report, rows.classes.clashes())
    with target.open(NAME) as stream:
        _write_file(
            stream,
            sets[0],
            rows.videos,
            lambda: append_file(stream, images_path),
            lambda: _append_annotations(stream, annotations_path, said, lines[1]),
            rows.classes.categories,
            options,
        )


def _first(labels: LabelSet, kind: str, otherwise: int) -> int:
    """Return the first number that is free for entries that have none of their own."""
    largest = Kept(labels).largest
    return int(largest[kind]) + 1 if kind in largest else otherwise


def _append_annotations(stream: BinaryIO, path: Path, said: Path, block: Lines) -> None:
    append_file(stream, path)
    _append_said(stream, said, block.next_id, is_first=not block.count)


def _append_said(stream: BinaryIO, path: Path, first: int, more_images: int = 0, *, is_first: bool) -> None:
    """Write annotations without a geometry behind all others."""
    for line in numbered_lines(path, first, more_images):
        stream.write(line if is_first else b",\n" + line)
        is_first = False


def _write_by_split(sets: Sequence[LabelSet], target: Target, options: Any, report: Report, carries: Carries) -> None:
    """Write a file for each split that rows say they are in, a row at a time."""
    check_folder(target)
    parts: dict[str, tuple[Rows, Path, Path, Path, Lines]] = {}
    reports = [report, *(Report() for _ in sets[1:])]
    with ExitStack() as stack:
        for labels, own in zip(sets, reports, strict=True):
            for row in own.rows(labels, carries):
                split = split_of(row.client_metadata) or UNNAMED
                if split not in parts:
                    blocks = ("images", "annotations", "said")
                    first, second, third = (_scratch(target, f"{name}-{len(parts)}") for name in blocks)
                    images = Lines(stack.enter_context(first.open("wb", _BUFFER)))
                    lines = Lines(stack.enter_context(second.open("wb", _BUFFER)), _first(sets[0], "annotation", 1))
                    rows = Rows(sets[0], options, carries, images, lines, third)
                    parts[split] = rows, first, second, third, lines
                rows = parts[split][0]
                rows.begin(labels, own)
                rows.add(row)
                rows.end()
    if len(sets) > 1:
        _merge(report, [Account.of(one) for one in reports])
    _note(report, dict.fromkeys(clash for rows, *_ in parts.values() for clash in rows.classes.clashes()))
    names = Paths()
    for split, (rows, images_path, annotations_path, said, lines) in parts.items():
        name = "".join("_" if char in '<>:"/\\|?*' or char < " " else char for char in split)
        with target.open(names.file(f"annotations/instances_{name}", ".json") + ".json") as stream:
            _write_file(
                stream,
                sets[0],
                rows.videos,
                partial(append_file, stream, images_path),
                partial(_append_annotations, stream, annotations_path, said, lines),
                rows.classes.categories,
                options,
            )


def _write_file(
    stream: BinaryIO,
    labels: LabelSet,
    videos: Sequence[dict[str, Any]],
    write_images: Callable[[], None],
    write_annotations: Callable[[], None],
    categories: Sequence[Category],
    options: Any,
) -> None:
    kept = Kept(labels)
    stream.write(kept.head(labels, with_ontology=True))
    if videos:
        stream.write(b',"videos":[\n' + written_lines(videos) + b"\n]")
    stream.write(b',"images":[\n')
    write_images()
    stream.write(b'\n],"annotations":[\n')
    write_annotations()
    entries = [one.to_dict(options.supercategory, kept.classes) for one in categories]
    stream.write(b'\n],"categories":[\n' + written_lines(entries) + b"\n]}\n")


def _scratch(target: Target, name: str) -> Path:
    return target.scratch("scratch").with_name(f"scratch-{name}")


@dataclass(slots=True)
class Account:
    """What a report knows of a part of the rows, in a form that can be sent."""

    reading: Counts
    mapping: Counts
    writing: Counts
    rows_read: int
    splits: dict[str, int]

    @classmethod
    def of(cls, report: Report) -> Account:
        """Return what a report knows."""
        return cls(report.reading, report.mapping, report.writing, report.rows_read, report.source.splits)


def _merge(report: Report, parts: Iterable[Account]) -> None:
    """Make one account of those of the parts, in their order."""
    report.reading, report.mapping, report.writing, report.rows_read = Counts(), Counts(), Counts(), 0
    splits: Counter[str] = Counter()
    for part in parts:
        report.reading.merge(part.reading)
        report.mapping.merge(part.mapping)
        report.writing.merge(part.writing)
        report.rows_read += part.rows_read
        splits.update(part.splits)
    report.source.splits = dict(splits)


def _note(report: Report, clashes: Iterable[str]) -> None:
    for detail in clashes:
        report.note(Level.WARNING, "NAME_CLASH", detail)


# --- with several processes -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Part:
    """What one process has written, and knows.

    ``images`` and ``annotations`` are its blocks, ``said`` holds annotations without a geometry; ``names`` are 64 bits
    of each file name; ``clashes`` what is to be said of names of classes and questions.
    """

    images: PartBlock
    annotations: PartBlock
    said: Path
    account: Account
    names: NDArray[np.uint64]
    clashes: list[str]
    has_videos: bool


@dataclass(slots=True)
class PartBlock:
    """Where a block of a part lies, how many entries it has, and the number the first of them was given.

    None: they have those of the source.
    """

    path: Path
    count: int
    first: int | None


def _can_be_shared(shards: Sequence[LabelSet]) -> bool:
    """Tell whether each shard can be opened elsewhere, and none has to know what another has seen."""
    structure = shards[0].ontology
    templates = {template.name for template in structure.skeleton_templates}
    skeletons = {one.name for one in structure.objects if one.shape is Shape.SKELETON}
    return all(shard.spec is not None for shard in shards) and skeletons <= templates


def _write_at_once(shards: Sequence[LabelSet], target: Target, options: Any, report: Report, carries: Carries) -> bool:
    """Write with a process for each shard, this one included; tell whether that gave the file."""
    parts = _parts(shards, target.scratch("scratch").parent, options, carries)
    names = np.sort(np.concatenate([part.names for part in parts]))
    if np.any(names[1:] == names[:-1]) or any(part.has_videos for part in parts):
        return False
    _merge(report, [part.account for part in parts])
    _note(report, dict.fromkeys(clash for part in parts for clash in part.clashes))
    categories = classes_of(shards[0].ontology, options, carries, Kept(shards[0])).categories
    with target.open(NAME) as stream:
        _write_file(
            stream,
            shards[0],
            [],
            lambda: _append(stream, [part.images for part in parts]),
            lambda: _append_all(stream, parts, shards[0]),
            categories,
            options,
        )
    return True


def _parts(shards: Sequence[LabelSet], folder: Path, options: Any, carries: Carries) -> list[Part]:
    place = None if shards[0].source is None else shards[0].source.name
    with pool(len(shards)) as processes:
        others = [
            processes.start(_opened_part, shard.spec, place, folder, number, options, carries, current_pixel_limit())
            for number, shard in enumerate(shards[1:], 1)
        ]
        return [_part(shards[0], folder, 0, options, carries), *(other.result() for other in others)]


def _opened_part(
    spec: Any, place: str | None, folder: Path, number: int, options: Any, carries: Carries, limit_pixels: int
) -> Part:
    """Write the part of a recipe: in another process."""
    address, payload = spec
    module, _, name = address.partition(":")
    with pixel_limit(limit_pixels):
        shard = getattr(import_module(module), name)(payload)
        shard.source = source_at(place) if place is not None and Path(place).exists() else None
        return _part(shard, folder, number, options, carries)


def _part(shard: LabelSet, folder: Path, number: int, options: Any, carries: Carries) -> Part:
    """Write a part, with the numbers it most likely has in the file."""
    images_path, annotations_path = folder / f"scratch-images-{number}", folder / f"scratch-annotations-{number}"
    first_image = first_annotation = 1
    if shard.before is not None:
        written = carries.shapes | carries.approximates
        first_image += shard.before.rows
        first_annotation += sum(count for shape, count in shard.before.objects.items() if shape in written)
    report = Report()
    said = folder / f"scratch-said-{number}"
    largest = Kept(shard).largest
    with images_path.open("wb", _BUFFER) as images, annotations_path.open("wb", _BUFFER) as annotations:
        blocks = Lines(images, first_image), Lines(annotations, _first(shard, "annotation", first_annotation))
        rows = Rows(shard, options, carries, *blocks, said, first_image)
        rows.write(shard, report)
    return Part(
        images=PartBlock(images_path, blocks[0].count, None if "image" in largest else first_image),
        annotations=PartBlock(annotations_path, blocks[1].count, None if "annotation" in largest else first_annotation),
        said=said,
        account=Account.of(report),
        names=rows.names.codes(),
        clashes=rows.classes.clashes(),
        has_videos=bool(rows.videos),
    )


def _append_all(stream: BinaryIO, parts: Sequence[Part], labels: LabelSet) -> None:
    """Write the annotations of all parts, those without a geometry last."""
    _append(stream, [part.annotations for part in parts], [part.images for part in parts])
    written = sum(part.annotations.count for part in parts)
    first, images = _first(labels, "annotation", written + 1), 0
    for part in parts:
        more = 0 if part.images.first is None else images + 1 - part.images.first
        _append_said(stream, part.said, first, more, is_first=not written)
        with part.said.open("rb") as lines:
            count = sum(1 for _ in lines)
        written, first, images = written + count, first + count, images + part.images.count


def _append(stream: BinaryIO, blocks: Sequence[PartBlock], images: Sequence[PartBlock] = ()) -> None:
    """Write one block after the other, with other numbers if they turned out to be others; ``images`` are those of the
    same parts, if the blocks are of annotations."""
    written = images_written = 0
    for number, block in enumerate(blocks):
        more = 0 if block.first is None else written + 1 - block.first
        more_images = None
        if images:
            first = images[number].first
            more_images = 0 if first is None else images_written + 1 - first
        if written and block.count:
            stream.write(b",\n")
        if more or more_images:
            stream.writelines(renumbered(block.path, more, more_images))
        else:
            append_file(stream, block.path)
        written += block.count
        images_written += images[number].count if images else 0
