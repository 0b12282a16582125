"""What writing a COCO file notes of names, and refuses: for a dry run.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from encord_convert.errors import OptionError
from encord_convert.formats._files import Target
from encord_convert.formats.coco.categories import Classes
from encord_convert.formats.coco.native import SAID
from encord_convert.formats.coco.write_images import Names
from encord_convert.formats.coco.write_instances import listed_frames
from encord_convert.formats.coco.write_native import Kept
from encord_convert.formats.coco.write_rows import Endings, classes_of
from encord_convert.hub.loss import Level
from encord_convert.hub.splits import UNNAMED, split_of
from encord_convert.losses.narrow import Left, Narrowed
from encord_convert.sdk.objects import LabelRowV2


def walk(narrowed: Narrowed, target: Target, options: Any) -> Iterator[Left]:
    """Yield what is left of each row, and say which names of images and classes cannot stay as they are.

    Raises
    ------
    OptionError
        An id is given to a category that is none, or several files are to be one.
    WriteError
        A row says it has more frames than any medium, and all are to be listed.
    """
    by_split = getattr(options, "split_files", False)
    if by_split:
        check_folder(target)
    kept, endings = Kept(narrowed.labels), Endings(narrowed.labels.source)
    parts: dict[str, tuple[Names, Classes]] = {}

    def part_of(split: str) -> tuple[Names, Classes]:
        if split not in parts:
            parts[split] = Names(), classes_of(narrowed.labels.ontology, options, narrowed.carries, kept)
        return parts[split]

    part_of(UNNAMED)
    for left in narrowed:
        names, classes = part_of((split_of(left.row.client_metadata) if by_split else "") or UNNAMED)
        for frame in listed_frames(left.row, options, kept):
            own = kept.image(left.row, frame).get("file_name")
            names.of(left.row, frame, partial(endings.of, left.row, frame), own)
        _meet(classes, left.row, kept)
        yield left
    for names, _ in parts.values():
        names.say_clashes(narrowed.note)
    for detail in dict.fromkeys(clash for _, classes in parts.values() for clash in classes.clashes()):
        narrowed.note(Level.WARNING, "NAME_CLASH", detail)


def check_folder(target: Target) -> None:
    """Refuse a file where several are to be written.

    Raises
    ------
    OptionError
    """
    if target.is_file:
        raise OptionError(f"{target.path}: split_files=yes writes several files. Name a folder.")


def _meet(classes: Classes, row: LabelRowV2, kept: Kept) -> None:
    """Look up what is on a row, of which it is then known how it is written."""
    for instance in row._objects.values():
        if instance._frames:
            classes.of(instance.ontology_item)
    native = kept.of(row)
    for one in row._classifications.values():
        hash_ = one.classification_hash
        if any(native is None or SAID not in native.of(hash_, frame) for frame in one._frames):
            classes.questions_of(one.ontology_item)
