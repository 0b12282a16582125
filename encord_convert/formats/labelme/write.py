"""Writes LabelMe: one JSON file per image, as LabelMe 7 does."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from encord_convert.formats._api import NoOptions
from encord_convert.formats._classes import Asked, write_ontology
from encord_convert.formats._files import Target
from encord_convert.formats._images import Image, images, label_path
from encord_convert.formats._paths import Paths
from encord_convert.formats.coco.categories import Questions
from encord_convert.formats.labelme.read import BOX, FAMILY, FORMS, LABELS, OTHER_FLAGS, SET
from encord_convert.formats.labelme.shapes import OURS, converted, same, written
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries
from encord_convert.hub.splits import split_of
from encord_convert.hub.visibility import is_degenerate_ring, shown_points
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    Visibility,
)

VERSION = "5.8.0"
"""Version of LabelMe these files match; readers ignore it."""
_FIRST = ("label", "points", "group_id", "description", "shape_type", "flags", "mask")


def write(narrowed: Narrowed, target: Target, options: NoOptions) -> None:
    """Write one file per image, the list of classes and the ontology."""
    labels, carries = narrowed.labels, narrowed.carries
    writing = _Writing(labels, target, carries)
    for image in images(narrowed):
        writing.image(image)
    names = dict.fromkeys(item.name for item, _ in carries.coloured(labels.ontology.objects))
    with target.open(LABELS) as stream:
        stream.write("".join(f"{' '.join(name.split())}\n" for name in names).encode("utf-8", "replace"))
    write_ontology(target, labels.ontology)


class _Writing:
    def __init__(self, labels: LabelSet, target: Target, carries: Carries) -> None:
        self._target = target
        self._is_native = FAMILY in labels.native
        self._tolerance_px = carries.tolerance_px
        self._asked = Asked()
        self._paths = Paths()
        roots = [item.attributes[0] for item in labels.ontology.classifications if item.attributes]
        self._roots = Questions(roots)
        self._keys = {id(question.attribute): question for question in self._roots.by_key().values()}

    def image(self, image: Image) -> None:
        """Write an image."""
        native = image.row._native if self._is_native else None
        native = native if native is not None and native.family == FAMILY else None
        own = image.row._file.member if native is not None and image.row._file is not None else image.title
        stem = self._paths.file(label_path(own), ".json")
        row = {} if native is None else dict(native.row)
        flags, others = self._classifications(image)
        kept, other_flags = row.pop("flags", None), row.pop(OTHER_FLAGS, None)
        shapes = list(_ordered(image, native, self))
        name = image.title.rpartition("/")[2] or image.title
        file = {
            "version": row.pop("version", VERSION),
            "flags": _flags(kept, other_flags, flags),
            "shapes": shapes,
            "imagePath": row.pop("imagePath", None) or name,
            "imageData": row.pop("imageData", None),
            "imageHeight": image.height,
            "imageWidth": image.width,
        }
        ours = self._ours(image, others, row.pop(OURS, None))
        file |= row | ({OURS: ours} if ours else {})
        with self._target.open(f"{stem}.json") as stream:
            stream.write(json.dumps(file, ensure_ascii=False, indent=2).encode("utf-8", "replace") + b"\n")

    def _ours(self, image: Image, others: dict[str, Any], more: Any) -> Any:
        """Return what LabelMe cannot hold: title, split and native data of the row."""
        ours: dict[str, Any] = {"title": image.title}
        is_whole = image.title == image.row.data_title
        unit = image.row._units[image.frame].data_title if is_whole else image.title
        ours |= {"unit": unit} if unit != image.title else {}
        split = split_of(image.row.client_metadata)
        ours |= {"split": split} if split else {}
        ours |= {"classifications": others} if others else {}
        if more is not None and not isinstance(more, dict):
            return more
        return {**(more or {}), **ours}

    def _classifications(self, image: Image) -> tuple[dict[str, bool], dict[str, Any]]:
        """Return the flags of an image, and the other answers."""
        flags, others = {}, {}
        for instance in image.row._classifications.values():
            if image.frame not in instance._frames:
                continue
            attribute = instance.ontology_item.attributes[0]
            question = self._keys.get(id(attribute)) or self._roots._same(attribute)
            answers = [(one, value) for one, value in instance._static_answers() if len(one.uid) < 3]
            members: dict[str, Any] = {}
            self._roots.fill(members, answers)
            value = members.get(question.key)
            if question.is_claim and isinstance(value, bool):
                flags[question.key] = value
            else:
                others[question.key] = value
        return flags, others

    def entries(
        self, instance: Any, image: Image, native: Mapping[str, Any], free: Iterator[int]
    ) -> list[dict[str, Any]]:
        """Return the shapes of an object; ``free`` gives unused group numbers."""
        c, size = instance._frames[image.frame].coordinates, (image.width, image.height)
        shape = instance.ontology_item.shape
        entry = self._entry(instance, image, native)
        if shape is Shape.SKELETON:
            if entry["group_id"] is None:
                entry["group_id"] = next(free)
            return self._skeleton(c, entry, size, native)
        parts = [c]
        if shape is Shape.POLYGON:
            rings = [rings[0] for rings in c.polygons if rings]
            parts = [PolygonCoordinates._from_flat(ring) for ring in rings if self._is_drawn(ring, size)]
        forms = self._forms(parts, native.get(FORMS), size)
        if len(forms) > 1 and entry["group_id"] is None:
            entry["group_id"] = next(free)
        return [{**entry, **form} for form in forms]

    def _is_drawn(self, ring: Any, size: tuple[int, int]) -> bool:
        flat = [number * side for number, side in zip(ring, size * (len(ring) // 2), strict=True)]
        return not is_degenerate_ring(flat, self._tolerance_px)

    def _forms(self, parts: list[Any], given: Any, size: tuple[int, int]) -> list[dict[str, Any]]:
        """Return the entry of each part: the source's own if unchanged."""
        forms = [written(part, size) for part in parts]
        if isinstance(given, list) and len(given) == len(parts):
            for at, form in enumerate(given):
                if isinstance(form, dict) and self._says(form, parts[at], size):
                    forms[at] = {"shape_type": None, "mask": None, **form}
                    if "shape_type" not in form:
                        forms[at]["shape_type"] = "polygon"
        return forms

    def _says(self, form: Mapping[str, Any], part: Any, size: tuple[int, int]) -> bool:
        try:
            found = converted(form, size).coordinates
        except ValueError:
            return False
        one = found[0]
        return type(one) is type(part) and same(one, part, size, self._tolerance_px)

    def _entry(self, instance: Any, image: Image, native: Mapping[str, Any]) -> dict[str, Any]:
        members = self._asked.members(instance)
        own = {key: value for key, value in native.items() if key not in (FORMS, SET, BOX)}
        kept, other_flags = own.pop("flags", None), own.pop(OTHER_FLAGS, None)
        flags: dict[str, Any] = {}
        more = own.pop("attributes", None)
        attributes = dict(more) if isinstance(more, dict) else {}
        entry: dict[str, Any] = {"label": instance.object_name, "group_id": None, "description": ""}
        for key, value in members.items():
            if isinstance(value, bool):
                flags[key] = value
            elif key == "description" and isinstance(value, str) and value:
                entry["description"] = value
            elif key == "group_id" and isinstance(value, str) and _is_whole(value):
                entry["group_id"] = int(value)
            else:
                attributes[key] = value
        confidence = instance._frames[image.frame].object_frame_instance_info.confidence
        entry |= own
        entry["flags"] = _flags(kept, other_flags, flags)
        if attributes or isinstance(more, dict):
            entry["attributes"] = attributes
        elif "attributes" in native:
            entry["attributes"] = more
        if confidence != 1:
            entry["score"] = confidence
        return entry

    def _skeleton(
        self, c: Any, entry: dict[str, Any], size: tuple[int, int], native: Mapping[str, Any]
    ) -> list[dict[str, Any]]:
        points = shown_points(c)
        xs, ys = [point.x for point in points], [point.y for point in points]
        left, top = min(xs), min(ys)
        box = written(BoundingBoxCoordinates(max(ys) - top, max(xs) - left, left, top), size)
        if BOX in native:
            box["points"] = native[BOX]
        entries = [{**entry, **box}]
        for point in points:
            form = written(_point(point), size)
            flags = {"occluded": True} if point.visibility is Visibility.OCCLUDED else {}
            plain = {"label": point.name, "group_id": entry["group_id"], "description": "", "flags": flags}
            entries.append({**plain, **form})
        return entries


def _ordered(image: Image, native: Any, writing: _Writing) -> Iterator[dict[str, Any]]:
    """Yield the shapes of an image, with split ``points`` rejoined."""
    own = {o.object_hash: {} if native is None else native.of(o.object_hash, image.frame) for o in image.objects}
    taken = {keys["group_id"] for keys in own.values() if type(keys.get("group_id")) is int}
    taken |= {number for object_ in image.objects for number in _groups_of(writing._asked.members(object_))}
    free = (number for number in range(1 << 31) if number not in taken)
    sets: dict[Any, dict[str, Any]] = {}
    for instance in image.objects:
        keys = own[instance.object_hash]
        for entry in writing.entries(instance, image, keys, free):
            first = sets.get(keys.get(SET)) if SET in keys else None
            if first is not None and first["label"] == entry["label"]:
                first["points"] = [*first["points"], *entry["points"]]
                continue
            if SET in keys:
                entry["shape_type"] = "points"
                sets[keys[SET]] = entry
            yield {key: entry[key] for key in (*_FIRST, *entry)}


def _flags(kept: Any, other_flags: Any, flags: Mapping[str, Any]) -> Any:
    """Return flags as in the file: false ones, non-booleans, and answers."""
    if other_flags is not None and not isinstance(other_flags, dict):
        return other_flags if not flags else dict(flags)
    return {**(kept if isinstance(kept, dict) else {}), **(other_flags or {}), **flags}


def _groups_of(members: Mapping[str, Any]) -> Iterator[int]:
    value = members.get("group_id")
    if isinstance(value, str) and _is_whole(value):
        yield int(value)


def _is_whole(text: str) -> bool:
    digits = text.removeprefix("-")
    return digits.isascii() and digits.isdecimal() and str(int(text)) == text


def _point(point: Any) -> Any:
    return PointCoordinate(point.x, point.y)
