"""Rows of the hub to the two long blocks of a COCO file, images and annotations.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from msgspec import UNSET

from encord_convert.formats.coco.categories import Classes
from encord_convert.formats.coco.json_lines import Lines, written_value
from encord_convert.formats.coco.native import FAMILY, SAID, Kept
from encord_convert.formats.coco.write_annotations import Annotator
from encord_convert.formats.coco.write_images import Image, identity
from encord_convert.formats.coco.write_shapes import WrittenImage
from encord_convert.formats.coco.write_walk import Options, on_frames
from encord_convert.hub.class_names import unique
from encord_convert.hub.loss import Carries
from encord_convert.hub.native import Keys, Native
from encord_convert.hub.splits import split_of
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.narrow import Left, LeftTable, LeftVideo
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

KEPT = 256
"""Images that are written together."""


class Rows:
    """Writes rows, each once, and knows then what the short blocks of the file hold.

    Parameters
    ----------
    classes : Classes
        Those of the file.
    kept : Kept
        What only COCO has words for, and the number of the first image that has none of its own.
    options : Options
    carries : Carries
    images, annotations : Lines
        Where the entries go.
    said : Path
        File for annotations without a geometry, as :func:`~encord_convert.formats.coco.json_lines.numbered_lines` reads
        them: they stand behind all others.

    Attributes
    ----------
    videos : list of dict
        Entries of ``videos``.
    """

    def __init__(
        self,
        classes: Classes,
        kept: Kept,
        options: Options,
        carries: Carries,
        images: Lines,
        annotations: Lines,
        said: Path,
    ) -> None:
        self._classes = classes
        self._kept_keys = kept
        self._said = said
        self._said_lines: list[bytes] = []
        said.write_bytes(b"")
        self._largest = kept.largest
        self._more: dict[int, Keys] = {}
        self.videos: list[dict[str, Any]] = []
        self._everything = options.frames == "all"
        self._images = images
        self._kept: list[Image] = []
        self._videos: int = self._largest.get("video", 0)
        self._annotator = Annotator(classes, options, carries, annotations, kept.largest if kept.is_known else None)

    def add(self, left: Left, names: Iterable[tuple[int, str]]) -> None:
        """Write a row, of which these frames are listed under these names."""
        if isinstance(left, LeftVideo):
            self._add_video(left, names)
            return
        row, placed = left.row, left.on_frames()
        labelled = on_frames(row._classifications.values())
        tracks = {hash_: n for n, hash_ in enumerate(row._objects, 1)} if row.number_of_frames > 1 else None
        native = self._kept_keys.of(row)
        video_id = self._video(row, native) if row.data_type is DataType.VIDEO else None
        is_first = True
        for frame, name in names:
            image = self._image(row, frame, name, is_first)
            is_first = False
            if video_id is not None:
                image.video_id, image.frame_id = video_id, frame
            if frame in labelled:
                self._classify(image, frame, labelled[frame], native)
            if frame in placed:
                size = (image.width, image.height)
                self._annotator.add(WrittenImage(frame, image.id, size, tracks, native), placed[frame])  # type: ignore[arg-type]
            if len(self._kept) >= KEPT:
                self._flush()

    def _add_video(self, left: LeftVideo, names: Iterable[tuple[int, str]]) -> None:
        row = left.video.empty_row
        video_id = self._video(row, None)
        ids: dict[int, Any] = {}
        for frame, name in names:
            image = self._image(row, frame, name, not ids)
            image.video_id, image.frame_id, ids[frame] = video_id, frame, image.id
            if len(self._kept) >= KEPT:
                self._flush()
        for frames, table in left.tables():
            self._annotator.add_table(table, [ids[frame] for frame in frames])

    def add_table(self, left: LeftTable, names: Sequence[str]) -> None:
        """Write the images of a table, which are listed under these names."""
        table = left.table
        is_known = self._kept_keys.is_known
        native = table.native if is_known and table.native is not None and table.native.family == FAMILY else None
        own = native.row_columns.get("id") if native is not None and "image" in self._largest else None
        ids = [0] * len(table) if own is None else np.asarray(own).tolist()
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
                of_image = table.native_of(number) if native is not None and number in native.classifications else None
                self._classify(image, 0, table.classifications[number], of_image)
            self._kept.append(image)
        self._annotator.add_table(left, ids)
        if len(self._kept) >= KEPT:
            self._flush()

    def end(self) -> None:
        """Write what is held back."""
        self._annotator.flush()
        self._flush()

    def _image(self, row: LabelRowV2, frame: int, name: str, is_first: bool) -> Image:
        width, height = frame_size(row, frame)
        keys = self._kept_keys.image(row, frame)
        if keys:
            self._more[len(self._kept)] = keys
        encord = identity(row, frame, is_first=is_first)
        if row.data_type is DataType.IMAGE and name != row.data_title:
            encord["title"] = row.data_title
        image = Image(
            id=self._kept_keys.number(keys.get("id")),
            width=width,
            height=height,
            file_name=name,
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
                continue
            members: dict[str, Any] = {}
            self._classes.questions_of(classification.ontology_item).fill(members, classification._static_answers())
            name = unique(classification.classification_name, made)
            for key, value in (members or {name: {}}).items():
                attributes[unique(key, attributes)] = value
            info = classification._frames[frame]
            made[name] = {"hash": classification.classification_hash}
            if self._classes.shares_its_title(classification.ontology_item):
                made[name]["featureHash"] = classification.ontology_item.feature_node_hash
            if info.confidence != 1:
                made[name]["score"] = info.confidence
            if not info.manual_annotation:
                made[name]["manual_annotation"] = False
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
                head["category_id"] = self._classes.id_of(entry["category"])
            if "id" in entry and "annotation" in self._largest:
                head = {"id": entry["id"], **head}
            self._said_lines.append(written_value({**head, **members}) + b"\n")
