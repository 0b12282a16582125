"""Annotations to objects and classifications of the hub, and counts of what is read of them.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from encord_convert.formats.coco.index import OWN_KEYS, drawn_as, keypoints_of
from encord_convert.formats.coco.index_entries import (
    NO_ID,
    SIDE_KEYS,
    Entries,
    first_byte,
    is_given,
    number_of,
    value_of,
)
from encord_convert.formats.coco.native import SEGMENT, KeptIds
from encord_convert.formats.coco.ontology import Category, Plan, Plans, Unknown, answer_of
from encord_convert.formats.coco.options import ReadOptions
from encord_convert.formats.coco.read_extent import is_sound, own_extent
from encord_convert.formats.coco.read_geometry import Drawing, Invalid, Size, coordinates_of
from encord_convert.hub.counts import CROWD, Carried, Counts, Key, Origin
from encord_convert.hub.draft import Draft, frame_info
from encord_convert.hub.loss import Feature, Kind, Level, Where
from encord_convert.sdk.objects import ClassificationInstance, ObjectInstance, Shape
from encord_convert.sdk.objects._dynamic_answers import DynamicAnswers
from encord_convert.sdk.objects._instance import SharedAnswers
from encord_convert.sdk.objects.attributes import ChecklistAttribute

_MOST_SHARED = 4096
_SHORT = 256
_BRACE = ord("{")
_NO_ATTRIBUTES: dict[str, Any] = {}
SAID_KEYS = ("track_id", "instance_id", "video_id", "iscrowd", "score", "confidence", "rotation", "num_keypoints",
             "bbox", "segmentation", "keypoints", "attributes", "segmentations", "bboxes", "area", "areas", "file_name",
             "segments_info")  # fmt: skip
"""Keys of an annotation without a geometry that are nothing in the hub."""
_BOXES = (Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX)
_WITHOUT_RINGS = frozenset((*_BOXES, Shape.POINT, Shape.SKELETON))
"""Shapes that are not read from a segmentation: what stands there is said beside them."""
NO_LABEL = ""
IN_PNG = object()
"""Stands for the file of a segment, which is found in it."""


class Placed:
    """An annotation that can be placed: its plan, where it is, what it answers and what is said beside.

    ``track`` tells the object it is part of, None for an object of its own; ``hash`` is the hub's own. ``native`` are
    keys that only COCO has words for.
    """

    __slots__ = ("answers", "carried", "changed", "coordinates", "hash", "info", "kind", "native", "plan", "track")

    def __init__(self, plan: Plan, kind: str, coordinates: Any) -> None:
        self.plan = plan
        self.kind = kind
        self.coordinates = coordinates
        self.answers: tuple[tuple[Any, Any], ...] = ()
        self.carried: Carried = ()
        self.changed = False
        self.hash: str | None = None
        self.track: Any = None
        self.info: Any = None
        self.native: dict[str, Any] = {}


_Shared = tuple[SharedAnswers | None, DynamicAnswers | None]

_NO_AREA = (
    Level.INFO, "AREA_DERIVED", "An annotation has no area; where it is written again it has that of its shape."
)  # fmt: skip
_NO_FLAG = (
    Level.INFO, "ISCROWD_MISSING", "An annotation does not say whether it is a crowd; it is read as one object."
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Suspicions:
    """What all annotations of a file together let one suspect."""

    place: str

    def __call__(self, counts: Counts, totals: Mapping[str, int]) -> None:
        """Say it."""
        where, boxes = Where(file=self.place), totals["boxes"]
        form = None
        if boxes > 1 and totals["small"] == boxes:
            form = (
                "No bbox has a number above 1: they look relative to the image, and are read as pixels; "
                "-r coordinates=relative reads them as they look."
            )
        elif boxes > 1 and 2 * totals["leaving"] > boxes:
            form = "Most boxes leave their images: they look like left, top, right, bottom, and are read as sizes."
        if form:
            counts.note(Level.WARNING, "BBOX_SUSPECT_FORMAT", form, where, count=boxes)


class Reader:
    """Reads the annotations of one document.

    Parameters
    ----------
    draft, plans, options, counts
        What is being made.
    place : str
        What to call the file.
    categories : dict of int to Category
    entries : Entries
        That of the first walk: it knows all keys.
    """

    def __init__(
        self, draft: Draft, plans: Plans, options: ReadOptions, counts: Counts, place: str,
        categories: dict[int, Category], entries: Entries,
    ) -> None:  # fmt: skip
        self.counts = counts
        self.categories = categories
        self.native = KeptIds({}, set())
        self.of_segment: dict[str, Any] = {}
        self.draft = draft
        self.plans = plans
        self.options = options
        self._place = place
        self._entries = entries
        self._infos: dict[tuple[bool, float], Any] = {(True, 1.0): draft.info, (False, 1.0): draft.machine_info}
        self._ready: dict[tuple[int, str, Any], Plan] = {}
        self._shared: dict[Any, _Shared] = {}
        self._attributes: dict[bytes, dict[str, Any]] = {}
        self._beside_texts: dict[tuple[int, bytes], tuple[tuple[tuple[Any, Any], ...], Carried]] = {}
        self._drawing = Drawing()
        self.begin()

    def begin(self) -> None:
        """Start to count what :meth:`close` will speak of."""
        self.boxes = self.small_boxes = self.leaving_boxes = 0

    @property
    def unknown_keys(self) -> list[str]:
        """Keys of annotations met so far that COCO does not define."""
        return self._entries.unknown

    def decoded(self, text: bytes) -> list[Any]:
        """Return the annotations of a JSON list."""
        return self._entries.decoded(text)

    def where(self, title: str, entry: Any, frame: int | None = None) -> Where:
        """Return the place of an annotation."""
        element = None if entry is None or entry.id is None else f"annotation {entry.id}"
        return Where(file=self._place, row=title or None, frame=frame, element=element)

    # -- annotations ------------------------------------------------------------------------------------------

    def label_of(self, entry: Any) -> str:
        """Return the name of an annotation's category, nothing if it is unknown."""
        category = self.categories.get(number_of(entry.category_id))
        return category.name if category is not None else NO_LABEL

    def lose(self, entry: Any, code: str, detail: str, title: str = "", feature: Feature = Feature.MEDIA) -> None:
        """Count an annotation, with all it carries, and say that it is not taken over."""
        kind, label = ("annotation", NO_LABEL) if entry is None else (drawn_as(entry), self.label_of(entry))
        carried: Carried = ()
        if entry is not None:
            _, carried = self._beside(entry, label, value_of(entry.attributes), title)
        self._count((kind, label), carried)
        self.counts.drop(code, feature, (kind, label), self.where(title, entry), detail, carried=carried)

    def placed(self, entry: Any, kind: str, size: Size, title: str, is_tracked: bool) -> Placed | None:
        """Return what an annotation places on its image; None if that is nothing, which is counted."""
        if entry is None:
            self.lose(entry, "INVALID_ANNOTATION", "An entry of annotations is no object.", title)
            return None
        attributes, text = self._attributes_of(entry) if len(entry.attributes) else (_NO_ATTRIBUTES, b"")
        if not attributes and is_given(entry.attributes) and first_byte(entry.attributes) != _BRACE:
            detail = f"'attributes' is {value_of(entry.attributes)!r:.60}, which is not an object."
            where, name = self.where(title, entry), ("key", "annotation.attributes")
            self.counts.lose(Kind.DROPPED, "NATIVE_DROPPED", Feature.NATIVE, name, where, detail)
        said = attributes.get("encord_shape")
        said = said if isinstance(said, str) else None
        if kind != "keypoints" and said == "skeleton":
            kind = "keypoints"
        ready = (entry.category_id, kind, said)
        plan = self._ready.get(ready) if entry.category_id.__class__ is int else None
        if plan is None:
            category = self.categories.get(number_of(entry.category_id))
            if category is None:
                detail = f"The category {entry.category_id!r} is not among the categories."
                self.lose(entry, "ORPHAN_CATEGORY", detail, title, Feature.LABEL_NAME)
                return None
            plan = self.plans.of(category, kind, said)
            if entry.category_id.__class__ is int:
                self._ready[ready] = plan
        drawing = self._drawing
        if drawing.is_used:
            drawing = self._drawing = Drawing()
        try:
            coordinates = coordinates_of(plan, entry, attributes, size, self.options, drawing)
        except Invalid as fault:
            self.lose(entry, fault.code, fault.detail, title, fault.feature)
            return None
        self.tell_missing(entry, title)
        label, counts = plan.label, self.counts
        found = Placed(plan, kind, coordinates)
        key = (kind, label)
        if kind == "bbox" and plan.shape in _BOXES:
            self._judge(coordinates, size)
        if not attributes and not drawing.is_used and not plan.constants and self._is_plain(entry, plan):
            counts.into[key] += 1
            found.info = self.draft.info
            found.native = self._native_of(entry, found, attributes, size, is_tracked)
            if is_tracked:
                found.track = _track_of(entry, attributes, None)
            return found
        found.answers, found.carried = self._answers_of(entry, attributes, text, title, plan)
        self._count(key, found.carried)
        for change_kind, code, detail in drawing.changes:
            counts.change(change_kind, code, Feature.SHAPE, key, self.where(title, entry), detail,
                          counted=found.changed)  # fmt: skip
            found.changed = True
        for level, code, detail in drawing.notes:
            counts.note(level, code, detail, self.where(title, entry))
        own = attributes.get("encord_object_hash") or attributes.get("encord_track_uuid")
        found.hash = own if isinstance(own, str) and own else None
        score = entry.score if entry.score is not None else entry.confidence
        found.info = self.info_of(score, attributes.get("manual_annotation"), found.hash is not None)
        found.native = self._native_of(entry, found, attributes, size, is_tracked)
        if is_tracked:
            found.track = _track_of(entry, attributes, found.hash)
        return found

    def _native_of(
        self, entry: Any, found: Placed, attributes: dict[str, Any], size: Size, is_tracked: bool
    ) -> dict[str, Any]:
        """Return the keys of an annotation that only COCO has words for."""
        keys = self.native_id(entry)
        if self._entries.unknown:
            for name, raw in self._entries.strange(entry):
                if name in SIDE_KEYS or self.options.extras != "attributes":
                    keys[name] = value_of(raw)
        if entry.video_id is not None and (self.native.keeps("video") or not is_tracked):
            keys["video_id"] = entry.video_id
        if entry.track_id is not None:
            keys["track_id"] = entry.track_id
        if entry.instance_id is not None:
            keys["instance_id"] = entry.instance_id
        track = attributes.get("track_id")
        if track is not None:
            keys["attributes"] = {"track_id": track}
        if entry.caption is not None:
            keys["caption"] = entry.caption
        if entry.file_name is not None and entry.file_name is not IN_PNG:
            keys["file_name"] = entry.file_name
        if len(entry.segments_info):
            keys["segments_info"] = value_of(entry.segments_info)
        if entry.confidence is not None and entry.score is not None:
            keys["confidence"] = entry.confidence
        if found.kind != "keypoints" and len(entry.keypoints):
            keys["keypoints"] = value_of(entry.keypoints)
            if entry.num_keypoints is not None:
                keys["num_keypoints"] = entry.num_keypoints
        has_rings = len(entry.segmentation) and found.plan.shape in _WITHOUT_RINGS
        if has_rings and is_given(entry.segmentation) and "rotation" not in attributes:
            keys["segmentation"] = value_of(entry.segmentation)
        if found.plan.shape is Shape.SKELETON and entry.num_keypoints is not None:
            shown = sum(1 for flag in (keypoints_of(entry) or ())[2::3] if flag > 0)
            if entry.num_keypoints != shown:
                keys["num_keypoints"] = entry.num_keypoints
        if entry.iscrowd:
            category = self.categories.get(number_of(entry.category_id))
            if entry.iscrowd != 1 or (category is not None and category.is_declared):
                keys["iscrowd"] = entry.iscrowd
        elif entry.iscrowd is not None and entry.iscrowd != 0:
            keys["iscrowd"] = entry.iscrowd
        if self.options.coordinates == "pixels":
            extent = own_extent(entry, found.coordinates, size, attributes)
            if extent:
                keys.update(self.sound(extent, entry))
        return keys

    def sound(self, extent: dict[str, Any], entry: Any) -> dict[str, Any]:
        """Return a box and an area that an annotation says beside its geometry; what is neither is lost."""
        for key in [key for key, value in extent.items() if not is_sound(key, value)]:
            detail = f"{key!r} is {extent.pop(key)!r:.60}; it is that of the geometry where it is written."
            where, name = self.where("", entry), ("key", f"annotation.{key}")
            self.counts.lose(Kind.DEFAULTED, "NATIVE_DROPPED", Feature.NATIVE, name, where, detail)
        return extent

    def native_id(self, entry: Any) -> dict[str, Any]:
        """Return the id of an annotation or a segment, as a key that is kept."""
        id_ = number_of(entry.id)
        if id_ == NO_ID:
            return {}
        if entry.file_name is IN_PNG:
            return {**self.of_segment, SEGMENT: id_}
        return {"id": id_} if self.native.keeps("annotation") else {}

    def said(self, entry: Any) -> dict[str, Any]:
        """Return all keys of an annotation without a geometry; what it says of its image is said otherwise."""
        keys = self.native_id(entry)
        keys.update({name: value_of(raw) for name, raw in self._entries.strange(entry)})
        for name in SAID_KEYS:
            value = getattr(entry, name)
            if isinstance(value, Raw):
                if len(value):
                    keys[name] = value_of(value)
            elif value is not None:
                keys[name] = value
        return keys

    def _is_plain(self, entry: Any, plan: Plan) -> bool:
        """Tell an annotation that is its geometry and its attributes and nothing else, as most are."""
        return (
            not entry.iscrowd
            and entry.score is None
            and entry.confidence is None
            and not self._entries.unknown
            and plan.shape is not Shape.SKELETON
        )

    def _judge(self, c: Any, size: Size) -> None:
        """Look whether a box is like those that are not left, top, width, height in pixels."""
        x, y, w, h = c.top_left_x * size[0], c.top_left_y * size[1], c.width * size[0], c.height * size[1]
        self.boxes += 1
        self.small_boxes += max(x, y, w, h) <= 1
        self.leaving_boxes += x + w > size[0] * 1.01 + 1 or y + h > size[1] * 1.01 + 1

    def judge(self, boxes: NDArray[np.float64], sizes: NDArray[np.float64]) -> None:
        """Look at boxes as :meth:`_judge` does: left, top, width and height, relative to images of these sizes."""
        low, sides = boxes[:, :2] * sizes, boxes[:, 2:] * sizes
        self.boxes += len(boxes)
        self.small_boxes += int((np.maximum(low, sides).max(axis=1) <= 1).sum())
        self.leaving_boxes += int((low + sides > sizes * 1.01 + 1).any(axis=1).sum())

    def tell_missing(self, entry: Any, title: str) -> None:
        """Say that an annotation has no area, or does not say whether it is a crowd."""
        if not (len(entry.area) or len(entry.areas)) and not self.counts.note_more(*_NO_AREA):
            self.counts.note(*_NO_AREA, self.where(title, entry))
        if entry.iscrowd is None and not self.counts.note_more(*_NO_FLAG):
            self.counts.note(*_NO_FLAG, self.where(title, entry))

    def close(self) -> None:
        """Count what all annotations together let one suspect."""
        counts = {"boxes": self.boxes, "small": self.small_boxes, "leaving": self.leaving_boxes}
        self.counts.weigh(_Suspicions(self._place), counts)
        if self._entries.is_full:
            detail = "Annotations have too many different keys; those that came last are not read."
            self.counts.note(Level.WARNING, "UNKNOWN_KEY", detail, Where(file=self._place))

    def _count(self, key: Key, carried: Carried) -> None:
        into = self.counts.into
        into[key] += 1
        for type_, count in carried:
            into[type_, key[1]] += count

    def info_of(self, score: Any, is_manual: Any, is_own: bool) -> Any:
        """Return the frame information of a score and a claim to be made by hand; ``is_own``: in a file of ours."""
        if score is None and is_manual is None:
            return self.draft.info
        confidence = confidence_of(score)
        if not isinstance(is_manual, bool):
            is_manual = is_own or confidence is None
        return self.info(1.0 if confidence is None else confidence, is_manual)

    def info(self, confidence: float, is_manual: bool) -> Any:
        """Return frame information; equal ones are one object."""
        key = (is_manual, confidence)
        found = self._infos.get(key)
        if found is None:
            if len(self._infos) > _MOST_SHARED:
                self._infos.clear()
            found = self._infos[key] = frame_info(manual=is_manual, confidence=confidence)
        return found

    def _attributes_of(self, entry: Any) -> tuple[dict[str, Any], bytes]:
        """Return the attributes of an annotation, and their text if it is short: the same few are met again."""
        if len(entry.attributes) > _SHORT:
            attributes = value_of(entry.attributes)
            return (attributes if isinstance(attributes, dict) else {}), b""
        text = bytes(entry.attributes)
        found = self._attributes.get(text)
        if found is None:
            if len(self._attributes) > _MOST_SHARED:
                self._attributes.clear()
            value = value_of(entry.attributes)
            found = self._attributes[text] = value if isinstance(value, dict) else {}
        return found, text

    def _answers_of(
        self, entry: Any, attributes: dict[str, Any], text: bytes, title: str, plan: Plan
    ) -> tuple[tuple[tuple[Any, Any], ...], Carried]:
        """Return what :meth:`_beside` does; of the same attributes the same, where nothing else is said."""
        if not (text and self._is_plain(entry, plan)):
            return self._beside(entry, plan.label, attributes, title, plan)
        key = (id(plan), text)
        found = self._beside_texts.get(key)
        if found is None:
            found = self._beside(entry, plan.label, attributes, title, plan)
            said = sum(value is not None for name, value in attributes.items() if name not in OWN_KEYS)
            if "classifications" not in attributes and found[1] == ((("answer", said),) if said else ()):
                if len(self._beside_texts) > _MOST_SHARED:
                    self._beside_texts.clear()
                self._beside_texts[key] = found
        return found

    # -- what is said beside ----------------------------------------------------------------------------------

    def _beside(
        self, entry: Any, label: str, attributes: Any, title: str, plan: Plan | None = None
    ) -> tuple[tuple[tuple[Any, Any], ...], Carried]:
        """Return the answers of an annotation, and counts of what it carries; what cannot be kept is dropped."""
        answers: list[tuple[Any, Any]] = [*plan.constants] if plan is not None else []
        attributes = attributes if isinstance(attributes, dict) else {}
        given: dict[str, Any] = {}
        if attributes:
            given = {name: value for name, value in attributes.items() if name not in OWN_KEYS}
            nested = attributes.get("classifications")
            given.update(nested if isinstance(nested, dict) else {})
        strange = self._entries.strange(entry) if self._entries.unknown else []
        if strange:
            sides = [one for one in strange if one[0] in SIDE_KEYS or self.options.extras == "attributes"]
            for name, raw in sides:
                given.setdefault(name, value_of(raw))
        kept = 0
        if plan is not None:
            for name, value in given.items():
                kept += self._answer(plan, name, value, answers, entry, title)
        else:
            kept = sum(value is not None for value in given.values())
        carried = [("answer", kept)] if kept else []
        confidence = confidence_of(entry.score if entry.score is not None else entry.confidence)
        if confidence is not None and confidence != 1:
            carried.append(("confidence", 1))
        if entry.iscrowd in (1, True):
            carried += self._crowd(plan, answers, label, entry, title)
        return tuple(answers), tuple(carried)

    def _answer(self, plan: Plan, name: str, value: Any, answers: list[tuple[Any, Any]], entry: Any, title: str) -> int:
        """Add an answer; return 1 if there is one that can be kept."""
        if value is None:
            return 0
        question = plan.questions.get(name)
        answer = Unknown if question is None else answer_of(question, value)
        if answer is Unknown:
            self.counts.into["answer", plan.label] += 1
            code = "UNKNOWN_ATTRIBUTE" if question is None else "UNKNOWN_OPTION"
            detail = f"{value!r} is no answer to {name!r}."
            self.counts.drop(code, Feature.ANSWERS, ("answer", plan.label), self.where(title, entry), detail)
            return 0
        answers.append((question.attribute, answer))  # type: ignore[union-attr]
        return 1

    def _crowd(
        self, plan: Plan | None, answers: list[tuple[Any, Any]], label: str, entry: Any, title: str
    ) -> list[tuple[str, int]]:
        category = self.categories.get(number_of(entry.category_id))
        if plan is None or (category is not None and category.is_declared):
            return []  # Encord's exporter calls every mask a crowd
        if plan.crowd is None:
            self.counts.into["answer", label] += 1
            detail = "That it is a crowd is not taken over; -r crowd=attribute keeps it."
            self.counts.drop("CROWD_DROPPED", Feature.ATTRIBUTES, ("answer", label), self.where(title, entry), detail)
            return []
        if any(attribute is plan.crowd for attribute, _ in answers):
            return []
        yes = plan.crowd.options[0]
        answers.append((plan.crowd, (yes,) if isinstance(plan.crowd, ChecklistAttribute) else yes))
        return [(CROWD, 1)]

    # -- making -----------------------------------------------------------------------------------------------

    def lone(self, found: Placed, hash_: str, frame: int) -> ObjectInstance:
        """Return an object that is on one frame."""
        instance = ObjectInstance._made(found.plan.object, found.hash or hash_)
        instance._origin = Origin(found.kind, found.plan.label, None, found.carried, found.changed)
        instance._place(frame, found.coordinates, found.info)
        if found.answers:
            instance._share_answers(*self.shared(found.plan.object, tuple(found.answers), frame))
        return instance

    def shared(self, item: Any, answers: tuple[tuple[Any, Any], ...], frame: int) -> _Shared:
        """Return the static answers of any number of objects of a class, and those that may change, on a frame.

        Equal ones are one object.
        """
        key = (id(item), frame, *((id(attribute), _key_of(value)) for attribute, value in answers))
        shared = self._shared.get(key)
        if shared is None:
            if len(self._shared) > _MOST_SHARED:
                self._shared.clear()
            static = tuple([one for one in answers if not one[0].dynamic])
            dynamic = DynamicAnswers() if len(static) < len(answers) else None
            for attribute, value in answers:
                if dynamic is not None and attribute.dynamic:
                    dynamic.append(attribute, value, frame, frame)
                    dynamic.is_shared = True
            shared = self._shared[key] = SharedAnswers(item, static) if static else None, dynamic
        return shared

    def classification(
        self, item: Any, answers: Iterable[tuple[Any, Any]], hash_: str, frame: int, origin: Origin, info: Any = None
    ) -> ClassificationInstance:
        """Return a classification of a frame."""
        instance = ClassificationInstance(item, classification_hash=hash_)
        instance._origin = origin
        shared: Any = self.draft.info if info is None else info
        instance._place(frame, shared)
        for attribute, value in answers:
            instance._answer(attribute, value)
        return instance


def free_hash(hash_of: Callable[[int], str], index: int, taken: set[str]) -> str:
    """Return the hash of a series for an index, or the first behind it that is not taken; now it is."""
    while (hash_ := hash_of(index)) in taken:
        index += 1 << 40
    taken.add(hash_)
    return hash_


def _track_of(entry: Any, attributes: dict[str, Any], own: str | None) -> str | None:
    """Return what tells the object an annotation is part of."""
    numbers = (own, entry.track_id, entry.instance_id, attributes.get("track_id"))
    return next((str(number) for number in numbers if number is not None), None)


def confidence_of(score: Any) -> float | None:
    """Return a score as a confidence, None if it is none."""
    is_number = isinstance(score, (int, float)) and not isinstance(score, bool)
    return float(score) if is_number and -1e15 < score < 1e15 else None


def _key_of(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(id, value))
    return value if isinstance(value, (str, int, float)) else id(value)


def raw_of(value: Any) -> Raw:
    """Return a value as the text it would have in a file."""
    return Raw(b"" if value is None else msgspec.json.encode(value))
