"""Which images a COCO file lists, and under which names: what writing it notes of names, and refuses.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any, Literal, Protocol

from encord_convert.errors import OptionError
from encord_convert.formats._files import Target
from encord_convert.formats._finding import Finder, beside
from encord_convert.formats.coco.categories import Classes
from encord_convert.formats.coco.native import FAMILY, Kept
from encord_convert.formats.coco.write_images import Names, frames_of, split_suffix
from encord_convert.formats.coco.write_numbers import Style
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Level
from encord_convert.hub.media import SUFFIXES
from encord_convert.hub.splits import UNNAMED, split_of
from encord_convert.hub.video import Video
from encord_convert.losses.narrow import Left, LeftTable, LeftVideo, Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure

_USUAL = (".jpg", ".png", ".jpeg", ".JPG", ".PNG")


class Options(Style, Protocol):
    """What of the writing options the rows are written by."""

    @property
    def frames(self) -> Literal["labelled", "all"]:
        """Frames of videos, groups and series that are listed."""

    @property
    def checklists(self) -> Literal["names", "objects"]:
        """How answers to a checklist are written."""

    @property
    def ids(self) -> Mapping[str, int]:
        """Ids of categories that are given."""


def classes_of(structure: OntologyStructure, options: Options, carries: Carries, kept: Kept) -> Classes:
    """Return the classes of a file as the options want them, else with the ids of the source.

    Raises
    ------
    OptionError
        An id is given to a category that is none.
    """
    shapes = carries.shapes | carries.approximates
    ids = options.ids or kept.category_ids
    classes = Classes(structure, shapes, ids, as_objects=options.checklists == "objects", names=kept.classes)
    names = [category.name for category in classes.categories]
    for name in options.ids:
        if name not in names:
            listed = ", ".join(map(repr, names[:20]))
            raise OptionError(f"coco: category_ids names {name!r}, which is no category here; there are: {listed}.")
    return classes


class Listing:
    """Gives images the names they have in a file, a row or a table at a time.

    Parameters
    ----------
    labels : LabelSet
    options : Options
    carries : Carries

    Attributes
    ----------
    files : dict of str to (Names, Classes)
        What is known of each file, by the split whose images it holds; empty of the one that holds all.

    Raises
    ------
    OptionError
        An id is given to a category that is none.
    """

    def __init__(self, labels: LabelSet, options: Any, carries: Carries) -> None:
        self.by_split = getattr(options, "split_files", False)
        self._kept = Kept(labels)
        self._endings = _Endings(None)
        self._options = options
        self._classes = partial(classes_of, labels.ontology, options, carries, self._kept)
        self.files: dict[str, tuple[Names, Classes]] = {}
        if self.by_split:
            self._classes()
        else:
            self.file("")

    def file(self, split: str) -> tuple[Names, Classes]:
        """Return the names of images that were given in a file, and its classes."""
        if split not in self.files:
            self.files[split] = Names(), self._classes()
        return self.files[split]

    def rows(self, narrowed: Narrowed) -> Iterator[tuple[str, Left | LeftTable, Any]]:
        """Yield what is written: the split of its file, a row or a table, and the names of its images.

        Those of a row come with the frames that are listed, one by one; those of a table are a list.

        Raises
        ------
        WriteError
            A row says it has more frames than any medium, and all are to be listed.
        """
        if not self._endings.is_looking:
            self._endings = _Endings(narrowed.labels.source)
        for left in narrowed if self.by_split else narrowed.tables():
            if isinstance(left, LeftTable):
                yield "", left, self._of_table(left, *self.file(""))
            elif isinstance(left, LeftVideo) and not self.by_split:
                yield "", left, self._of_video(left.video, *self.file(""))
            else:
                split = split_of(left.row.client_metadata) or UNNAMED if self.by_split else ""
                names = self._of_row(left.row, *self.file(split))
                yield split, left, names
                deque(names, 0)  # none is left out, though nobody takes it
            del left
        for given, _ in self.files.values():
            given.say_clashes(narrowed.note)

    def clashes(self) -> list[str]:
        """Return in sentences which names of classes and attributes could not stay as they are."""
        return list(dict.fromkeys(clash for _, classes in self.files.values() for clash in classes.clashes()))

    def _of_row(self, row: LabelRowV2, names: Names, classes: Classes) -> Iterator[tuple[int, str]]:
        for one in row._objects.values():
            classes.of(one.ontology_item)
        for label in row._classifications.values():
            classes.questions_of(label.ontology_item)
        for frame in listed_frames(row, self._options, self._kept):
            own = self._kept.image(row, frame).get("file_name")
            yield frame, names.of(row, frame, partial(self._endings.of, row, frame), own)

    def _of_video(self, video: Video, names: Names, classes: Classes) -> list[tuple[int, str]]:
        for track in video.tracks:
            classes.of(track.item)
        row = video.empty_row
        frames = frames_of(row, video.frames, everything=self._options.frames == "all")
        return [(frame, names.of(row, frame, partial(self._endings.of, row, frame))) for frame in frames]

    def _of_table(self, left: LeftTable, names: Names, classes: Classes) -> list[str]:
        table = left.table
        for variant in left.variants:
            if variant is not None:
                classes.of(variant.item)
        for one in table.made.values():
            classes.of(one.ontology_item)
        for labels in table.classifications.values():
            for label in labels:
                classes.questions_of(label.ontology_item)
        titles = [title.replace("\\", "/") for title in table.titles]
        native = table.native if self._kept.is_known and table.native is not None else None
        own: Mapping[int, Any] = native.rows if native is not None and native.family == FAMILY else {}
        for number, title in enumerate(titles):
            if "file_name" in own.get(number, ()):
                titles[number] = own[number]["file_name"]
            elif not title.endswith(_USUAL):
                titles[number] = title + self._endings.of(table.empty_row(number), 0, title)
        return names.unique_many(titles)


class _Endings:
    """The endings that names of images lack, of images beside a source."""

    def __init__(self, source: Any) -> None:
        self._source = source
        self._finder: Finder | None = None

    @property
    def is_looking(self) -> bool:
        """Whether images were looked for."""
        return self._finder is not None

    def of(self, row: LabelRowV2, frame: int, name: str) -> str:
        """Return the ending that the name of a file lacks, where that is known."""
        if row.data_type is DataType.DICOM or split_suffix(name)[1].lower() in SUFFIXES:
            return ""
        if self._finder is None and self._source is not None:
            self._finder = beside(self._source)
        return "" if self._finder is None else self._finder.suffix(row, frame)


def listed_frames(row: LabelRowV2, options: Any, kept: Kept) -> list[int]:
    """Return the frames of a row that a COCO file of the same options lists."""
    labelled = {frame for one in (*row._objects.values(), *row._classifications.values()) for frame in one._frames}
    native = kept.of(row)
    labelled.update(native.frames if native is not None else ())
    return frames_of(row, labelled, everything=options.frames == "all")


def on_frames(instances: Iterable[Any]) -> dict[int, list[Any]]:
    """Return objects or classifications by frame."""
    by_frame: dict[int, list[Any]] = {}
    for one in instances:
        for frame in one._frames:
            by_frame.setdefault(frame, []).append(one)
    return by_frame


def check_folder(target: Target, options: Any) -> None:
    """Refuse a file where several are to be written.

    Raises
    ------
    OptionError
    """
    if target.is_file and getattr(options, "split_files", False):
        raise OptionError(f"{target.path}: split_files=yes writes several files. Name a folder.")


def walk(narrowed: Narrowed, target: Target, options: Any) -> Iterator[Left | LeftTable]:
    """Yield what is left of the rows, and say which names of images and classes cannot stay as they are."""
    check_folder(target, options)
    listing = Listing(narrowed.labels, options, narrowed.carries)
    for _, left, _ in listing.rows(narrowed):
        yield left
        del left
    for detail in listing.clashes():
        narrowed.note(Level.WARNING, "NAME_CLASH", detail)
