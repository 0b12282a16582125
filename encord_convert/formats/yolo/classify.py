"""Classification data sets: one folder of images per class, read as a label on each image."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats.yolo.layout import IMAGE_SUFFIXES
from encord_convert.formats.yolo.ndjson import Lines
from encord_convert.formats.yolo.pages import IMAGES
from encord_convert.hub.counts import Counts, Origin
from encord_convert.hub.draft import Draft
from encord_convert.hub.headers import read_headers
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Level
from encord_convert.hub.media import LabelFile
from encord_convert.hub.splits import metadata_of, standard
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ClassificationInstance, LabelRowV2, RadioAttribute

QUESTION = "class"
"""Title of the classification."""


def read_classes(source: Source) -> LabelSet:
    """Read images in one folder per class, with or without split folders above.

    Raises
    ------
    ReadError
        There are no such images.
    """
    images = sorted(name for suffix in IMAGE_SUFFIXES for name in source.names(suffix) if "/" in name)
    if not images:
        raise ReadError(source.name, "has no images in folders, one for each class.")
    names = sorted({_class_of(name) for name in images})
    numbers = {name: number for number, name in enumerate(names)}

    def entries() -> Iterator[Entry]:
        for start in range(0, len(images), IMAGES):
            some = images[start : start + IMAGES]
            for name, header in zip(some, read_headers(source, some), strict=True):
                size = (0, 0) if header is None else header.shown
                yield Entry((name,), *_split(name), size, source.place(name), name, numbers[_class_of(name)])

    labels = _labels(entries, dict(enumerate(names)), len(images), len(images))
    assert labels.counts is not None
    others = [name for name in source.names() if not name.lower().endswith(IMAGE_SUFFIXES)]
    if others:
        detail = f"Files among the class folders are not read: {', '.join(others[:5])}."
        labels.counts.note(Level.WARNING, "FILE_NOT_READ", detail, count=len(others))
    labels.counts.mark_head()
    labels.splits = {split for name in images if (split := _split(name)[0])}
    return labels


def read_class_lines(lines: Lines) -> LabelSet:
    """Read NDJSON lines whose images have one class each."""
    count = len(lines.titles)
    numbers = [number for start in range(0, count, IMAGES) for number in lines.classes(_range(start, count))]
    names = dict(lines.description.names)
    names.update({item: f"class_{item}" for item in sorted(set(numbers) - set(names)) if item >= 0})

    def entries() -> Iterator[Entry]:
        for image, number in enumerate(numbers):
            fields = lines.splits[image], lines.titles[image], lines.sizes[image], lines.place(image)
            yield Entry(lines.key(image), *fields, lines.member(image), number)

    labels = _labels(entries, names, count, sum(number >= 0 for number in numbers))
    assert labels.counts is not None
    for level, code, detail in lines.description.notes:
        labels.counts.note(level, code, detail)
    labels.counts.mark_head()
    labels.splits = {split for split in lines.splits if split}
    return labels


def _range(start: int, count: int) -> range:
    return range(start, min(start + IMAGES, count))


class Entry(NamedTuple):
    """An image and its class number; -1: none."""

    key: tuple[str, ...]
    split: str
    title: str
    size: tuple[int, int]
    place: str
    member: str
    number: int


def _labels(entries: Callable[[], Iterator[Entry]], names: Mapping[int, str], images: int, labelled: int) -> LabelSet:
    draft, counts = Draft("yolo"), Counts()
    item = draft.add_classification(QUESTION)
    short = draft.hashes.short
    question: Any = item.add_attribute(RadioAttribute, QUESTION, feature_node_hash=short("attribute", QUESTION))
    options = {
        number: question.add_option(name, feature_node_hash=short("option", number, name))
        for number, name in names.items()
    }
    info: Any = draft.info
    counts.into["image", ""] += images
    counts.into["classification", QUESTION] += labelled
    counts.note(Level.INFO, "TASK", "Images have one label each (task classify).")
    counts.mark_head()

    def rows() -> Iterator[LabelRowV2]:
        for entry in entries():
            row = draft.row(
                DataType.IMAGE, entry.title, [draft.unit(entry.title, *entry.size, entry.key)], frames=1,
                key=entry.key, client_metadata=metadata_of(entry.split), file=entry.place,
            )  # fmt: skip
            row._file = LabelFile(entry.member, entry.title)
            if entry.number >= 0:
                instance = ClassificationInstance(item, classification_hash=short("image", *entry.key))
                instance._origin = Origin("classification", QUESTION)
                instance._place(0, info)
                instance._answer(question, options[entry.number])
                row._adopt(instance)
            yield row

    return LabelSet(draft.ontology, rows, title="", counts=counts)


def _split(name: str) -> tuple[str, str]:
    """Return the split of an image, and its path below that.

    >>> _split("train/cat/1.jpg"), _split("cat/1.jpg")
    (('train', 'cat/1.jpg'), ('', 'cat/1.jpg'))
    """
    first, _, rest = name.partition("/")
    return (first, rest) if "/" in rest and standard(first) else ("", name)


def _class_of(name: str) -> str:
    return _split(name)[1].split("/")[-2]
