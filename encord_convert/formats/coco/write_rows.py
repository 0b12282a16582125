"""Rows of the hub to the two long blocks of a COCO file, images and annotations.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from msgspec import UNSET

from encord_convert.errors import OptionError
from encord_convert.formats._finding import Finder, beside
from encord_convert.formats.coco.categories import Classes
from encord_convert.formats.coco.json_lines import Block, written_value
from encord_convert.formats.coco.native import FAMILY, SAID
from encord_convert.formats.coco.write_annotations import Annotator
from encord_convert.formats.coco.write_images import Image, Names, frames_of, identity, split_suffix
from encord_convert.formats.coco.write_native import Kept
from encord_convert.formats.coco.write_shapes import Style, WrittenImage
from encord_convert.hub.class_names import unique
from encord_convert.hub.contents import loses_sides
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries
from encord_convert.hub.media import SUFFIXES
from encord_convert.hub.native import Keys, Native, NativeColumns
from encord_convert.hub.splits import split_of
from encord_convert.hub.table import Table
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure

_USUAL = (".jpg", ".png", ".jpeg", ".JPG", ".PNG")

KEPT = 256
"""Images that are written together."""


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


class Endings:
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


def _rows_of(native: NativeColumns | None) -> Iterable[tuple[int, Keys]]:
    return () if native is None else native.rows.items()


class Rows:
    """Writes rows, each once, and knows then what the short blocks of the file hold.

    Parameters
    ----------
    labels : LabelSet
        With the ontology, and what only COCO has words for.
    options : Options
    carries : Carries
    images, annotations : Block
        Where the entries go.
    said : Path
        File for annotations without a geometry, as :func:`~encord_convert.formats.coco.json_lines.numbered_lines` reads
        them: they stand behind all others.
    first_image : int
        Number of the first image that has none of its own.

    Attributes
    ----------
    classes : Classes
        Its categories are those of the file.
    videos : list of dict
        Entries of ``videos``.
    names : Names
        Those given to images.
    said_count : int
        How many annotations without a geometry there are.
    """

    def __init__(
        self,
        labels: LabelSet,
        options: Options,
        carries: Carries,
        images: Block,
        annotations: Block,
        said: Path,
        first_image: int = 1,
    ) -> None:
        self._kept_keys = Kept(labels, first_image)
        self.classes = classes_of(labels.ontology, options, carries, self._kept_keys)
        self.said_count = 0
        self._said = said
        self._said_lines: list[bytes] = []
        said.write_bytes(b"")
        self._largest = self._kept_keys.largest
        self._more: dict[int, Keys] = {}
        self.videos: list[dict[str, Any]] = []
        self.names = Names()
        self._options = options
        self._carries = carries
        self._images = images
        self._annotations = annotations
        self._kept: list[Image] = []
        self._report: Any = None
        self._endings = Endings(None)
        self._videos: int = self._largest.get("video", 0)

    def write(self, labels: LabelSet, report: Report) -> None:
        """Write all rows of a label set, and tell a report what is not written, or not as it was."""
        self.begin(labels, report)
        for one in report.tables(labels, self._carries):
            if isinstance(one, Table):
                self._add_table(one)
            else:
                self.add(one)
            del one
        self.end()

    def begin(self, labels: LabelSet, report: Report) -> None:
        """Look for images where a label set was read, and tell a report, from now on."""
        if not self._endings.is_looking:
            self._endings = Endings(labels.source)
        if report is not self._report:
            self._report = report
            native = self._largest if self._kept_keys.is_known else None
            self._annotator = Annotator(self.classes, self._options, self._carries, report, self._annotations, native)

    def end(self) -> None:
        """Write what is held back, and tell the report what names were taken."""
        self._annotator.flush()
        self._flush()
        self.names.say_clashes(self._report.note)

    def add(self, row: LabelRowV2) -> None:
        """Write a row."""
        for instance in row._objects.values():
            dynamic = instance._dynamic
            # Answers that many objects share were made for the very frame of each.
            if not instance._frames or (dynamic is not None and not dynamic.is_shared):
                self._report.drop_unplaced(instance, self._carries)
        for classification in row._classifications.values():
            if not classification._frames:
                self._report.drop_unplaced(classification, self._carries)
        placed = self._on_frames(row._objects.values())
        labelled = self._on_frames(row._classifications.values())
        tracks = {hash_: n for n, hash_ in enumerate(row._objects, 1)} if row.number_of_frames > 1 else None
        native = self._kept_keys.of(row)
        listed = placed.keys() | labelled.keys()
        if native is not None:
            listed |= native.frames.keys()
        video_id = self._video(row, native) if row.data_type is DataType.VIDEO else None
        everything = self._options.frames == "all"
        is_first = True
        for frame in frames_of(row, listed, everything=everything):
            image = self._image(row, frame, is_first)
            is_first = False
            if video_id is not None:
                image.video_id, image.frame_id = video_id, frame
            if frame in labelled:
                self._classify(image, frame, labelled[frame], native)
            if frame in placed:
                size = (image.width, image.height)
                self._annotator.add(WrittenImage(row, frame, image.id, size, tracks), placed[frame])  # type: ignore[arg-type]
            if len(self._kept) >= KEPT:
                self._flush()
        self._annotator.end_row()

    def _add_table(self, table: Table) -> None:
        is_known = self._kept_keys.is_known
        native = table.native if is_known and table.native is not None and table.native.family == FAMILY else None
        own = native.row_columns.get("id") if native is not None and "image" in self._largest else None
        ids = [0] * len(table) if own is None else np.asarray(own).tolist()
        titles = [title.replace("\\", "/") for title in table.titles]
        named = {number: keys["file_name"] for number, keys in _rows_of(native) if "file_name" in keys}
        for number, title in enumerate(titles):
            if number in named:
                titles[number] = named[number]
            elif not title.endswith(_USUAL):
                titles[number] = title + self._endings.of(table.empty_row(number), 0, title)
        names = self.names.unique_many(titles)
        for number, (title, shown) in enumerate(zip(table.titles, names, strict=True)):
            keys = native.rows.get(number, {}) if native is not None else {}
            ids[number] = self._kept_keys.number(ids[number] or keys.get("id"))
            if keys:
                self._more[len(self._kept)] = keys
            width, height = table.sizes[number]
            encord: dict[str, Any] = {"data_hash": table.data_hashes[number], "frame": 0}
            if shown != title:
                encord["title"] = title
            image = Image(id=ids[number], width=width, height=height, file_name=shown, encord=encord)
            if split := split_of(table.client_metadata.get(number)):
                image.split = split
            if number in table.classifications:
                labels = table.classifications[number]
                if any(loses_sides(one._frames[0], self._carries) for one in labels):  # else there is nothing to tell
                    self._report.turn_to(table.empty_row(number))
                of_image = table.native_of(number) if native is not None and number in native.classifications else None
                self._classify(image, 0, labels, of_image)
            self._kept.append(image)
        self._annotator.add_table(table, ids)
        if len(self._kept) >= KEPT:
            self._flush()

    def _image(self, row: LabelRowV2, frame: int, is_first: bool) -> Image:
        width, height = frame_size(row, frame)
        keys = self._kept_keys.image(row, frame)
        if keys:
            self._more[len(self._kept)] = keys
        shown = self.names.of(row, frame, partial(self._endings.of, row, frame), keys.get("file_name"))
        encord = identity(row, frame, is_first=is_first)
        if row.data_type is DataType.IMAGE and shown != row.data_title:
            encord["title"] = row.data_title
        image = Image(
            id=self._kept_keys.number(keys.get("id")),
            width=width,
            height=height,
            file_name=shown,
            split=split_of(row.client_metadata) or UNSET,
            encord=encord,
        )
        self._kept.append(image)
        return image

    def _flush(self) -> None:
        self._images.add(self._kept, self._more)
        self._kept, self._more = [], {}
        if self._said_lines:
            with self._said.open("ab") as stream:
                stream.writelines(self._said_lines)
            self._said_lines = []

    def _on_frames(self, instances: Collection[Any]) -> dict[int, list[Any]]:
        """Return objects or classifications by frame."""
        on_first = [one for one in instances if len(one._frames) == 1 and 0 in one._frames]
        if len(on_first) == len(instances):  # as in every still image
            return {0: on_first} if on_first else {}
        by_frame: dict[int, list[Any]] = {}
        for one in instances:
            for frame in one._frames:
                by_frame.setdefault(frame, []).append(one)
        return by_frame

    def _video(self, row: LabelRowV2, native: Native | None) -> int:
        keys: Keys = native.row if native is not None else {}
        number = keys.get("id") if "video" in self._largest else None
        if not number:
            self._videos += 1
            number = self._videos
        width, height = frame_size(row, 0)
        members = {
            "id": number, "name": row.data_title, "width": width, "height": height, "length": row.number_of_frames
        }  # fmt: skip
        self.videos.append({**members, **{key: value for key, value in keys.items() if key not in members}})
        return int(number)

    def _classify(self, image: Image, frame: int, classifications: list[Any], native: Native | None) -> None:
        """Write the labels of a frame."""
        attributes: dict[str, Any] = {}
        made: dict[str, dict[str, Any]] = {}
        for classification in classifications:
            said = native.of(classification.classification_hash, frame).get(SAID) if native is not None else None
            if said is not None:
                self._say(image, classification, said)
                self._report.drop_side(classification, frame, self._carries)
                continue
            members: dict[str, Any] = {}
            self.classes.questions_of(classification.ontology_item).fill(members, classification._static_answers())
            name = unique(classification.classification_name, made)
            for key, value in (members or {name: {}}).items():
                attributes[unique(key, attributes)] = value
            info = classification._frames[frame]
            made[name] = {"hash": classification.classification_hash}
            if self.classes.shares_its_title(classification.ontology_item):
                made[name]["featureHash"] = classification.ontology_item.feature_node_hash
            if info.confidence != 1:
                made[name]["score"] = info.confidence
            if not info.manual_annotation:
                made[name]["manual_annotation"] = False
            self._report.drop_side(classification, frame, self._carries)
        if made:
            image.attributes = attributes
            image.encord["classifications"] = made

    def _say(self, image: Image, classification: Any, said: list[Keys]) -> None:
        """Write annotations without a geometry, as the source has them, as far as the labels of the frame say so."""
        [(_, answer), *_] = classification._static_answers() or [(None, "")]
        if isinstance(answer, tuple):
            chosen = [option.label for option in answer]
            known = [one["category"] for one in said]
            entries = [one for one in said if one["category"] in chosen]
            entries += [{"category": label} for label in chosen if label not in known]
        else:
            entries = list(said)
            if "\n".join(one["caption"] for one in said) != answer:
                entries = [{**said[0], "caption": answer}] if answer else []
        for entry in entries:
            members = {key: value for key, value in entry.items() if key not in ("id", "category")}
            head: dict[str, Any] = {"image_id": image.id}
            if "category" in entry:
                head["category_id"] = self.classes.id_of(entry["category"])
            if "id" in entry and "annotation" in self._largest:
                head = {"id": entry["id"], **head}
            self._said_lines.append(written_value({**head, **members}) + b"\n")
            self.said_count += 1
