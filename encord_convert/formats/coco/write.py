"""The COCO file as a whole: its two long blocks are written beside it, row by row, and put together at the end.

With several processes each writes the blocks of one part of the rows, with the numbers they have if the importer
foresees right how many are before them; if not, they are numbered again at the end. The file is the same, byte for
byte; where that cannot be had so (a name in two parts, videos), one process writes all.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from encord_convert.formats._files import Target, source_at
from encord_convert.formats._paths import Paths
from encord_convert.formats.coco.categories import Category, Classes
from encord_convert.formats.coco.json_lines import (
    Lines,
    append_file,
    numbered_lines,
    renumbered,
    written_lines,
)
from encord_convert.formats.coco.native import Kept
from encord_convert.formats.coco.write_rows import Rows
from encord_convert.formats.coco.write_walk import Listing, check_folder, classes_of
from encord_convert.geometry.rle import current_pixel_limit, pixel_limit
from encord_convert.hub.labelset import LabelSet, from_spec
from encord_convert.hub.loss import Carries, Level
from encord_convert.losses.narrow import Left, LeftTable, Narrowed
from encord_convert.sdk.objects import Shape
from encord_convert.workers import pool

NAME = "annotations.json"

_BUFFER = 1 << 20


def write_whole(narrowed: Narrowed, target: Target, options: Any) -> None:
    """Write one file, or one for each split."""
    _write_in_turn([narrowed], target, options)


def write_parts(parts: Sequence[Narrowed], target: Target, options: Any) -> None:
    """Write what :func:`write_whole` would of the rows of all parts, one after the other, with a process for each.

    A part that another process can open says how: ``labels.spec`` is the address of a function, ``module:name``, and
    what to call it with.
    """
    alone = getattr(options, "split_files", False)
    if alone or not _can_be_shared(parts) or not _write_at_once(parts, target, options):
        _write_in_turn(parts, target, options)


class _File:
    """The blocks of one file, which are written row by row."""

    def __init__(
        self, narrowed: Narrowed, classes: Classes, target: Target, number: int, options: Any, stack: ExitStack
    ) -> None:
        self._labels = narrowed.labels
        self._options = options
        self._classes = classes
        blocks = ("images", "annotations", "said")
        self._images, self._annotations, self._said = (_scratch(target, f"{name}-{number}") for name in blocks)
        images, annotations = (
            stack.enter_context(path.open("wb", _BUFFER)) for path in (self._images, self._annotations)
        )
        self._lines = Lines(annotations, _first(self._labels, "annotation", 1))
        kept = Kept(self._labels)
        self.rows = Rows(classes, kept, options, narrowed.carries, Lines(images), self._lines, self._said)

    def write(self, stream: BinaryIO) -> None:
        """Put the file together."""
        _write_file(
            stream,
            self._labels,
            self.rows.videos,
            lambda: append_file(stream, self._images),
            lambda: _append_annotations(stream, self._annotations, self._said, self._lines),
            self._classes.categories,
            self._options,
        )


def _write_in_turn(parts: Sequence[Narrowed], target: Target, options: Any) -> None:
    check_folder(target, options)
    listing = Listing(parts[0].labels, options, parts[0].carries)
    files: dict[str, _File] = {}
    with ExitStack() as stack:
        for split in listing.files:
            files[split] = _File(parts[0], listing.file(split)[1], target, 0, options, stack)
        for narrowed in parts:
            for split, left, names in listing.rows(narrowed):
                if split not in files:
                    files[split] = _File(parts[0], listing.file(split)[1], target, len(files), options, stack)
                _add(files[split].rows, left, names)
                del left
        for file in files.values():
            file.rows.end()
    _note(parts, listing.clashes())
    paths = _paths(files) if listing.by_split else [NAME]
    for path, file in zip(paths, files.values(), strict=True):
        with target.open(path) as stream:
            file.write(stream)


def _paths(splits: Iterable[str]) -> Iterator[str]:
    paths = Paths()
    for split in splits:
        name = "".join("_" if char in '<>:"/\\|?*' or char < " " else char for char in split)
        yield paths.file(f"annotations/instances_{name}", ".json") + ".json"


def _add(rows: Rows, left: Left | LeftTable, names: Any) -> None:
    if isinstance(left, LeftTable):
        rows.add_table(left, names)
    else:
        rows.add(left, names)


def _note(parts: Sequence[Narrowed], clashes: Iterable[str]) -> None:
    for detail in clashes:
        parts[-1].note(Level.WARNING, "NAME_CLASH", detail)


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


# --- with several processes -----------------------------------------------------------------------------------------


@dataclass(slots=True)
class Part:
    """What one process has written, and knows.

    ``images`` and ``annotations`` are its blocks, ``said`` holds annotations without a geometry; ``names`` are 64 bits
    of each file name; ``clashes`` what is to be said of names of classes and attributes, ``account`` what was lost.
    """

    images: PartBlock
    annotations: PartBlock
    said: Path
    account: Any
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


def _can_be_shared(parts: Sequence[Narrowed]) -> bool:
    """Tell whether each part can be opened elsewhere, and none has to know what another has seen."""
    structure = parts[0].labels.ontology
    templates = {template.name for template in structure.skeleton_templates}
    skeletons = {one.name for one in structure.objects if one.shape is Shape.SKELETON}
    return all(part.labels.spec is not None for part in parts) and skeletons <= templates


def _write_at_once(narrowed: Sequence[Narrowed], target: Target, options: Any) -> bool:
    """Write with a process for each part, this one included; tell whether that gave the file."""
    parts = _parts(narrowed, target.scratch("scratch").parent, options)
    names = np.sort(np.concatenate([part.names for part in parts]))
    if np.any(names[1:] == names[:-1]) or any(part.has_videos for part in parts):
        return False
    for one, part in zip(narrowed, parts, strict=True):
        one.account = part.account
    _note(narrowed, dict.fromkeys(clash for part in parts for clash in part.clashes))
    labels = narrowed[0].labels
    with target.open(NAME) as stream:
        _write_file(
            stream,
            labels,
            [],
            lambda: _append(stream, [part.images for part in parts]),
            lambda: _append_all(stream, parts, labels),
            classes_of(labels.ontology, options, narrowed[0].carries, Kept(labels)).categories,
            options,
        )
    return True


def _parts(narrowed: Sequence[Narrowed], folder: Path, options: Any) -> list[Part]:
    first = narrowed[0]
    place = None if first.labels.source is None else first.labels.source.name
    with pool(len(narrowed)) as processes:
        others = [
            processes.start(
                _opened_part, one.labels.spec, place, folder, number, options, one.carries, current_pixel_limit()
            )
            for number, one in enumerate(narrowed[1:], 1)
        ]
        return [_part(first, folder, 0, options), *(other.result() for other in others)]


def _opened_part(
    spec: Any, place: str | None, folder: Path, number: int, options: Any, carries: Carries, limit_pixels: int
) -> Part:
    """Write the part that a spec describes: in another process."""
    with pixel_limit(limit_pixels):
        shard = from_spec(spec)
        shard.source = source_at(place) if place is not None and Path(place).exists() else None
        return _part(Narrowed(shard, None, carries), folder, number, options)


def _part(narrowed: Narrowed, folder: Path, number: int, options: Any) -> Part:
    """Write a part, with the numbers it most likely has in the file."""
    images_path, annotations_path = folder / f"scratch-images-{number}", folder / f"scratch-annotations-{number}"
    first_image = first_annotation = 1
    labels, carries = narrowed.labels, narrowed.carries
    if labels.before is not None:
        written = carries.shapes | carries.approximates
        first_image += labels.before.rows
        first_annotation += sum(count for shape, count in labels.before.objects.items() if shape in written)
    said = folder / f"scratch-said-{number}"
    listing, kept = Listing(labels, options, carries), Kept(labels, first_image)
    names, classes = listing.file("")
    with images_path.open("wb", _BUFFER) as images, annotations_path.open("wb", _BUFFER) as annotations:
        blocks = Lines(images, first_image), Lines(annotations, _first(labels, "annotation", first_annotation))
        rows = Rows(classes, kept, options, carries, *blocks, said)
        for _, left, listed in listing.rows(narrowed):
            _add(rows, left, listed)
            del left
        rows.end()
    largest = kept.largest
    return Part(
        images=PartBlock(images_path, blocks[0].count, None if "image" in largest else first_image),
        annotations=PartBlock(annotations_path, blocks[1].count, None if "annotation" in largest else first_annotation),
        said=said,
        account=narrowed.account,
        names=names.codes(),
        clashes=listing.clashes(),
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
