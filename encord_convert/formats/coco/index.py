"""The first walk over a COCO file: where each annotation stands and to which image it belongs, and what classes hold.

Of each annotation a few numbers are kept: that is what joins annotations and images in any order without holding them.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections import Counter
from itertools import compress
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw

from encord_convert.errors import ReadError
from encord_convert.formats.coco.index_columns import Column, Ints, Places
from encord_convert.formats.coco.index_entries import (
    NO_ID,
    SIDE_KEYS,
    Entries,
    Frame,
    first_byte,
    is_given,
    number_of,
    numbers_of,
    numbers_of_ids,
    outlines,
    sides,
    value_of,
    without_hash,
)
from encord_convert.formats.coco.index_records import Records, repetitions
from encord_convert.formats.coco.json_walk import Chunk, Document, Value
from encord_convert.formats.coco.native import IdStats
from encord_convert.formats.coco.stats import AnswerStats, ClassStats

MOST_FRAMES = 10_000_000
"""Frames of a row are numbered below this; what says otherwise is damage."""

_GEOMETRY = frozenset({"bbox", "segmentation", "keypoints", "segments_info", "caption", "category_id"})
_MOST_KNOWN = 10_000
_MOST_KEPT_BYTES = 4 << 20
"""Of blocks that nobody here knows."""

_BRACE = ord("{")

KNOWN_BLOCKS = frozenset({"images", "annotations", "categories", "videos"})
_SIDES = ("keypoints", "rotation", "track_id", "instance_id", "segments_info", "segmentations", "bboxes")
"""Keys by which an annotation tells more of its class than its outline and its attributes do."""

_frames = msgspec.json.Decoder(list[Frame])


OWN_KEYS = frozenset(
    {"encord_object_hash", "encord_track_uuid", "encord_shape", "manual_annotation", "rotation", "track_id",
     "unrotated_bbox", "classifications"}
)  # fmt: skip
"""Attributes that are no answers."""


def drawn_as(entry: Any) -> str:
    """Return what an annotation is: a word for its geometry, ``caption``, or ``label`` where there is none."""
    if (
        len(entry.segments_info) and first_byte(entry.segments_info) == 91
    ):  # a list, empty where an image has nothing on it
        return "panoptic"
    if (len(entry.segmentations) or len(entry.bboxes)) and (is_given(entry.segmentations) or is_given(entry.bboxes)):
        return "track"
    if len(entry.keypoints) and entry.num_keypoints != 0 and is_given(entry.keypoints):
        return "keypoints"
    return outline_of(entry) or ("keypoints" if is_given(entry.keypoints) else "caption" if entry.caption is not None
                                 else "label")  # fmt: skip


def outline_of(entry: Any) -> str:
    """Return ``polygon``, ``rle``, ``bbox``, or nothing where there is no outline."""
    if is_given(entry.segmentation):
        return "rle" if first_byte(entry.segmentation) == 123 else "polygon"
    return "bbox" if is_given(entry.bbox) else ""


class Index:
    """What the first walk learns of a document.

    Attributes
    ----------
    info : dict
        The block of this name.
    categories, videos : list of dict
    facts : dict of int to ClassFacts
        By category id.
    image_answers : dict of str to AnswerFacts
        Attributes of images.
    image_places : Places
        Where images stand.
    records : Records of 3
        Of each annotation the id of its image or video, where it begins, and its bytes.
    splits : set of str
        What images say their split is.
    blocks : dict of str to value
        Other blocks, which nobody here knows.
    annotation_ids : IdFacts
    invalid_image_ids : int
        How many images have an id that is neither a number nor a text.
    invalid_images : int
        How many entries of ``images`` are not objects; they have no place.
    unread : list of str
        Blocks that are not read.
    renamed : str
        The block that is read as annotations, if it is called otherwise.
    says_sizes : bool
        Some image says its width.
    captions : Counter of int
        How many captions each image has, if that was asked for.
    repeated : int
        How many annotations have the id of another.
    is_still : bool
        No annotation belongs to a track or is made of segments of a PNG.
    """

    def __init__(
        self, document: Document, entries: Entries, *, with_extras: bool = False, with_captions: bool = False
    ) -> None:
        self.document = document
        self.entries = entries
        self._with_extras = with_extras
        self._with_captions = with_captions
        self.captions: Counter[int] = Counter()
        self.says_sizes = False
        self.renamed = ""
        self.info: dict[str, Any] = {}
        self.categories: list[Any] = []
        self.videos: list[Any] = []
        self.stats: dict[int, ClassStats] = {}
        self.image_answers: dict[str, AnswerStats] = {}
        self.splits: set[str] = set()
        self.blocks: dict[str, Any] = {}
        self._kept_bytes = 0
        self.annotation_ids = IdStats()
        self.invalid_image_ids = 0
        self.invalid_images = 0
        self.unread: list[str] = []
        self._candidates: list[str] = []
        self.seen: set[str] = set()
        self.repeated = 0
        self.is_still = True
        self.group_titles: dict[int, str] = {}
        self.image_places, self.records, self._ids = Places(), Records(3), Records(1)
        self._image_ids, self._groups, self._frames = Column(), Column(), Column()
        self._frame_of: Counter[int] = Counter()
        self._known: set[tuple[int, str, int, bytes]] = set()

    def take(self, pattern: Any = None, *, only: str = "") -> None:
        """Walk the document; annotations are passed over if only images are asked for."""
        for part in self.document.walk():
            if not isinstance(part, Chunk):
                if part.key == "info":
                    info = value_of(part.text)
                    self.info = info if isinstance(info, dict) else {}
                    if info and not self.info:
                        self.unread.append(part.key)
                elif first_byte(part.text) != 110 or part.key not in KNOWN_BLOCKS:
                    self._unread_value(part)
                continue
            self.seen.add(part.key)
            if part.key in ("", "annotations"):
                if only != "images":
                    self._annotations(part)
            elif part.key == "images":
                self._images(part, pattern)
            elif part.key in ("categories", "videos"):
                getattr(self, part.key).extend(map(value_of, part.entries))
            elif part.key == "info":
                self.unread += [part.key] if part.key not in self.unread else []
            elif part.entries and part.key not in (*self.unread, *self.blocks) and is_annotation(part.entries[0]):
                self.unread.append(part.key)
                self._candidates.append(part.key)
            elif part.key == "info":
                self.unread += [part.key] if part.key not in self.unread else []
            elif part.key not in self._candidates:
                self._keep(part.key, len(part.text), list(map(value_of, part.entries)))
        if only != "images" and not self.seen & {"", "annotations"} and len(self._candidates) == 1:
            self._take_renamed()
        self.repeated = self.annotation_ids.repeated = repetitions(self._ids)

    def _unread_value(self, part: Value) -> None:
        """Take what is no list for one where that can be; say of annotations that cannot be read that they are there.

        Raises
        ------
        ReadError
            ``annotations`` holds what are no annotations.
        """
        value = value_of(part.text)
        if part.key == "categories" and isinstance(value, dict) and value:
            self.seen.add(part.key)
            self.categories.extend({"id": key, "name": name} for key, name in value.items())
        elif part.key == "annotations":
            kind = "an object of other things" if isinstance(value, dict) else f"{value!r:.40}"
            fact = f'"annotations" is {kind}; expected a list of annotations, or an object that holds them by id.'
            raise ReadError(self.document.place, fact)
        elif part.key in KNOWN_BLOCKS:
            self.unread.append(part.key)
        else:
            self._keep(part.key, len(part.text), value)

    def _keep(self, key: str, size: int, value: Any) -> None:
        """Keep a block, or some more entries of it, if it is not too long."""
        self._kept_bytes += size
        if self._kept_bytes > _MOST_KEPT_BYTES or key in self.unread:
            self.blocks.pop(key, None)
            if key not in self.unread:
                self.unread.append(key)
        elif isinstance(value, list) and isinstance(self.blocks.get(key), list):
            self.blocks[key] += value
        else:
            self.blocks[key] = value

    def _take_renamed(self) -> None:
        """Read the one block that holds annotations and is called otherwise."""
        [self.renamed] = self._candidates
        self.unread.remove(self.renamed)
        for part in self.document.walk():
            if isinstance(part, Chunk) and part.key == self.renamed:
                self._annotations(part)

    @property
    def other_annotations(self) -> list[str]:
        """Blocks that hold annotations beside those that are read."""
        return [key for key in self._candidates if key != self.renamed]

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs to read on: not what was kept of each annotation, which a join has."""
        return {name: value for name, value in vars(self).items() if name not in ("records", "_ids", "_known")}

    def image_ids(self) -> Ints:
        """Return the id of each image."""
        return self._image_ids.values()

    def groups(self) -> Ints:
        """Return of what row each image is a frame, 0 if of none."""
        return self._groups.values()

    def frames(self) -> Ints:
        """Return the frame of each image that is one."""
        return self._frames.values()

    # -- images -----------------------------------------------------------------------------------------------

    def _images(self, part: Chunk, pattern: Any) -> None:
        base, offsets, lengths = part.places()
        try:
            frames = _frames.decode(part.text)
        except msgspec.ValidationError:
            are_objects = [first_byte(raw) == _BRACE for raw in part.entries]
            if not all(are_objects):
                self.invalid_images += are_objects.count(False)
                self.image_places.has_gaps = True
                offsets, lengths = (list(compress(numbers, are_objects)) for numbers in (offsets, lengths))
            frames = [_lone_frame(raw) for raw in compress(part.entries, are_objects)]
        self.says_sizes = self.says_sizes or b'"width"' in part.text
        ids = [number_of(frame.id) for frame in frames]
        self._image_ids.extend(ids)
        if NO_ID in ids:
            self.invalid_image_ids += sum(id_ == NO_ID and f.id is not None for id_, f in zip(ids, frames, strict=True))
        self.image_places.extend(base, offsets, lengths)
        groups, numbers = [], []
        for frame in frames:
            group = self._group(frame, pattern)
            groups.append(group)
            number = 0
            if group:
                own = frame.frame_id if frame.frame_id.__class__ is int else frame.frame_index
                number = own if own.__class__ is int and 0 <= own < MOST_FRAMES else self._frame_of[group]
                self._frame_of[group] = max(self._frame_of[group], number + 1)
            numbers.append(number)
            if frame.split.__class__ is str:
                self.splits.add(frame.split)
            if is_given(frame.attributes) and not len(frame.encord):
                answers = value_of(frame.attributes)
                for name, value in answers.items() if isinstance(answers, dict) else ():
                    self.image_answers.setdefault(name, AnswerStats()).see(value)
        self._groups.extend(groups)
        self._frames.extend(numbers)

    def _group(self, frame: Frame, pattern: Any) -> int:
        """Return what row an image is a frame of: of a video, an image group or a series; 0 if it is a row alone."""
        if frame.video_id is not None and number_of(frame.video_id) != NO_ID:
            return number_of(frame.video_id) * 2 + 1
        if len(frame.encord):
            encord = value_of(frame.encord)
            hash_ = encord.get("row_hash") if isinstance(encord, dict) else None
            if isinstance(hash_, str):
                frame.frame_id = encord.get("frame")
                return number_of(f"row {hash_}") * 2
        if isinstance(frame.file_name, str):
            if frame.video_title is not None or frame.file_name.startswith("dicom/"):
                folder, _, last = frame.file_name.rpartition("/")
                stem, _, suffix = last.partition(".")  # or the identifier of a slice, of many numbers
                frame.frame_id = int(stem) if stem.isdecimal() and len(stem) < 8 and "." not in suffix else None
                return self._titled(folder, str(frame.video_title or folder))
            found = pattern.search(frame.file_name) if pattern is not None else None
            if found is not None:
                frame.frame_id = int(found["frame"])
                return self._titled(found["video"], found["video"])
        return 0

    def _titled(self, key: str, title: str) -> int:
        group = number_of(f"folder {key}") * 2
        self.group_titles[group] = title
        return group

    # -- annotations ------------------------------------------------------------------------------------------

    def _annotations(self, part: Chunk) -> None:
        entries = self.entries.decoded(part.text)
        parents = [
            None if entry is None else entry.video_id if entry.image_id is None else entry.image_id for entry in entries
        ]
        base, offsets, lengths = part.places()
        self.records.extend(numbers_of_ids(parents), np.array(offsets, np.int64) + base, lengths)
        entries = [entry for entry in entries if entry is not None]
        ids = numbers_of_ids([entry.id for entry in entries])
        self.annotation_ids.see(ids, [entry.id for entry in entries] if NO_ID in ids else ())
        self._ids.extend([number for number in ids if number != NO_ID])
        sides_of, no_sides = sides(_SIDES, len(self.entries.unknown))
        if len(self._known) > _MOST_KNOWN:
            self._known.clear()
        for entry, outline in zip(entries, outlines(entries), strict=True):
            category = entry.category_id if entry.category_id.__class__ is int else number_of(entry.category_id)
            stats = self.stats.get(category)
            if stats is None:
                stats = self.stats[category] = ClassStats()
            if outline and sides_of(entry) in no_sides:
                commas = bytes(entry.bbox).count(b",") if outline == "bbox" else 0
                key = (category, outline, commas, without_hash(bytes(entry.attributes))[0])
                if key in self._known:  # another has told already all that this one could
                    stats.kinds[outline] += 1
                    continue
                self._known.add(key)
            self._see(entry, stats)

    def _see(self, entry: Any, stats: ClassStats) -> None:
        kind = drawn_as(entry)
        if kind == "panoptic":
            self.is_still = False
            for segment in _dicts(value_of(entry.segments_info)):
                own = self.stats.setdefault(number_of(segment.get("category_id")), ClassStats())
                own.kinds["rle"] += 1
                if segment.get("iscrowd") in (1, True):
                    own.crowds.add("rle")
            return
        if kind == "track":
            self.is_still = False
            kind = kind_of_track(entry)
        stats.kinds[kind] += 1
        if kind == "caption" and self._with_captions:
            self.captions[number_of(entry.image_id)] += 1
        if entry.iscrowd in (1, True):
            stats.crowds.add(kind)
        if kind == "keypoints":
            pose = keypoints_of(entry)
            if pose:
                stats.see_pose(pose)
        if kind == "bbox" and not stats.is_rotated:
            stats.is_rotated = _is_rotated(entry)
        track = None
        if entry.track_id is not None or entry.instance_id is not None:
            self.is_still = False
            track = (number_of(entry.video_id), str(entry.instance_id if entry.track_id is None else entry.track_id))
        for name, raw in self.entries.strange(entry) if self.entries.unknown else ():
            if name in SIDE_KEYS or self._with_extras:
                stats.answers.setdefault(name, AnswerStats()).see(value_of(raw), track)
        if len(entry.attributes):
            self._see_answers(value_of(entry.attributes), stats, track)

    def _see_answers(self, answers: Any, stats: ClassStats, track: Any) -> None:
        if not isinstance(answers, dict):
            return
        if answers.get("track_id") is not None:
            self.is_still = False
            track = ("attribute", str(answers["track_id"]))
        nested = answers.get("classifications")
        for name, value in answers.items():
            if name not in OWN_KEYS:
                stats.answers.setdefault(name, AnswerStats()).see(value, track)
            elif name == "rotation":
                stats.is_rotated |= _is_angle(value)
            elif name == "encord_shape" and isinstance(value, str):
                stats.said[value] = None
        for name, value in nested.items() if isinstance(nested, dict) else ():
            stats.answers.setdefault(name, AnswerStats()).see(value, track)


def is_annotation(raw: Raw) -> bool:
    """Tell whether an entry says of an image what is on it."""
    entry = value_of(raw)
    return isinstance(entry, dict) and "image_id" in entry and bool(_GEOMETRY & set(entry))


def _is_angle(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value % 360 != 0


def _is_rotated(entry: Any) -> bool:
    if _is_angle(entry.rotation):
        return True
    box = value_of(entry.bbox) if bytes(entry.bbox).count(b",") == 4 else None
    return isinstance(box, list) and len(box) == 5


def keypoints_of(entry: Any) -> list[float] | None:
    """Return the keypoints of an annotation as x, y, v, …: None if they are no such list.

    Pairs x, y without v are all visible.
    """
    value = value_of(entry.keypoints)
    if isinstance(value, list):
        value = [0 if number is None else number for number in value]
    numbers = numbers_of(value)
    if not numbers:
        return None
    shown = entry.num_keypoints
    if (len(numbers) % 3 and len(numbers) % 2 == 0) or (shown.__class__ is int and len(numbers) == 2 * shown):
        numbers = [number for x, y in zip(numbers[::2], numbers[1::2], strict=True) for number in (x, y, 2)]
    return numbers if len(numbers) % 3 == 0 else None


def kind_of_track(entry: Any) -> str:
    """Return what an annotation over many frames is drawn as."""
    shapes = value_of(entry.segmentations)
    first = next((one for one in shapes if one), None) if isinstance(shapes, list) else None
    if first is None:
        return "bbox"
    return "rle" if isinstance(first, dict) else "polygon"


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _lone_frame(raw: Raw) -> Frame:
    try:
        return msgspec.json.decode(raw, type=Frame)
    except msgspec.ValidationError:
        return Frame()
