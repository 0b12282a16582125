"""What the JSON of a label row or of an ontology says that nothing here reads, so that nothing can write it back.

Keys that the model does not know are carried where they stand by themselves: of a row, a unit, a frame, a label, an
answer, a class (:func:`extras_of_row`, :func:`extras_of_ontology`). Inside what it does interpret, a box, a corner, the
template of a skeleton, an unknown key has no place and is counted (:class:`RowCheck`, :func:`differences`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from encord_convert.hub.native import UNREAD, Keys, Native
from encord_convert.sdk.objects._answer_values import _written_value
from encord_convert.sdk.objects._label_row_reader import number_of_frames_in
from encord_convert.sdk.objects.coordinates import CircleCoordinates, Cuboid2DCoordinates, EllipseCoordinates

if TYPE_CHECKING:
    from encord_convert.sdk.objects import LabelRowV2, OntologyStructure

_BOX = frozenset({"h", "w", "x", "y"})
_CORNER = frozenset({"x", "y"})
_KNOWN: dict[str, frozenset[str]] = {
    "boundingBox": _BOX,
    "rotatableBoundingBox": _BOX | {"theta"},
    "bitmask": frozenset({"top", "left", "height", "width", "rleString"}),
}
_NEWER: dict[str, Callable[[dict[str, Any]], Any]] = {
    "ellipse": EllipseCoordinates.from_dict,
    "circle": CircleCoordinates.from_dict,
    "cuboid_2d": Cuboid2DCoordinates._from_dict,
}
_ON_FRAMES = {"objects": "objectHash", "classifications": "classificationHash"}
_IN_ANSWERS = {
    "object_answers": "objectHash",
    "object_actions": "objectHash",
    "classification_answers": "classificationHash",
}
_QUIET_OF_ROW = frozenset({"branch_name", "client_metadata", "number_of_frames", "spaces"})
"""Keys of newer servers that say nothing of labels, or are counted by themselves; ``spaces`` if nothing is in it."""
_QUIET_OF_UNIT = frozenset({"data_fps", "data_duration", "data_links", "metadata"})
_QUIET_OF_SERIES = frozenset({"patient_id", "patientId", "series_uid", "seriesUid", "study_uid", "studyUid"})
_QUIET_OF_FRAME = frozenset(
    {"dicom_instance_uid", "dicomInstanceUid", "file_uri", "fileUri", "height", "multiframe_frame_number",
     "multiframeFrameNumber", "width"}
)  # fmt: skip
"""Keys of the metadata of a series, and of a frame, that say which it is."""
_QUIET_OF_ANSWERS = frozenset(
    {
        "confidence", "createdAt", "createdBy", "featureHash", "lastEditedAt", "lastEditedBy", "manualAnnotation",
        "range", "reviews", "shape", "spaces", "value", "name",
    }
)  # fmt: skip
_QUIET_OF_CLASS = {"archived": False, "required": False, "level": "global"}
_SPLIT = "split"


# --- read, and carried where a target has the form of the hub ---------------------------------------------------------


def extras_of_row(row: LabelRowV2) -> Iterator[tuple[str, int | None, str | None, Any]]:
    """Yield what a row carries that the model does not know: name (``image.<key>``), frame, hash and value.

    The rows of this package have none; only those that were read from JSON are looked through.
    """
    for key, value in (row.client_metadata or {}).items():
        is_native = row._native is not None and row._native.family == key
        if key != _SPLIT and not is_native:  # what is native stands there too, so that it is seen
            yield f"image.client_metadata.{key}", None, None, value
    contents = row._contents
    if not contents.has_extras:
        return
    for key, value in _but(contents.extras, _QUIET_OF_ROW):
        yield f"image.{key}", None, None, value
    for key, value in (("spaces", contents.extras.get("spaces")), *contents.orphans.items()):
        if value:
            yield f"image.{key}", None, None, value
    for unit in contents.units:
        for key, value in _but(unit.extras or {}, _QUIET_OF_UNIT):
            yield f"image.{key}", None, None, value
        metadata = (unit.extras or {}).get("metadata")
        for key, value in _but(metadata, _QUIET_OF_SERIES) if isinstance(metadata, dict) else ():
            yield f"image.metadata.{key}", None, None, value
    for frame, extras in contents.frame_extras.items():
        for key, value in _but(extras, {"metadata"}):
            yield f"image.{key}", frame, None, value
        metadata = extras.get("metadata")
        for key, value in _but(metadata, _QUIET_OF_FRAME) if isinstance(metadata, dict) else ():
            yield f"image.metadata.{key}", frame, None, value
    for instances in (contents.objects, contents.classifications):
        for hash_, instance in instances.items():
            for key, value in _extras_of_instance(instance, contents.action_extras.get(hash_, {})):
                yield f"annotation.{key}", None, hash_, value
            for frame, data in instance._frames.items():
                for key, value in getattr(data, "_extras", {}).items():
                    yield f"annotation.{key}", frame, hash_, value
                for point in getattr(getattr(data, "coordinates", None), "values", ()):
                    for key, value in _but(getattr(point, "_kept", {}), _VISIBILITIES):
                        yield f"annotation.skeleton.{key}", frame, hash_, value


def _extras_of_instance(instance: Any, of_actions: Keys) -> Iterator[tuple[str, Any]]:
    own = instance._extras or {}
    yield from _but(own, _QUIET_OF_ANSWERS)
    if own.get("spaces"):
        yield "spaces", own["spaces"]
    yield from _but(of_actions, _QUIET_OF_ANSWERS)
    marks = [*(instance._marks or {}).values()]
    dynamic = getattr(instance, "_dynamic", None)
    if dynamic is not None:
        marks += [entry.mark for entry in dynamic.entries.values() if entry.mark]
    for mark in marks:
        for key, value in mark.items():
            if key == "answers":
                yield from ((name, inner) for option in value for name, inner in _but(option, _OPTION))
            elif key not in ("manualAnnotation", "shouldPropagate", "trackHash") or isinstance(value, dict | list):
                yield key, value


_VISIBILITIES = frozenset({"visibility", "visible", "occluded", "invisible", "selfOccluded"})
_OPTION = frozenset({"name", "value", "featureHash", "answers"})


def _but(keys: Keys, quiet: Iterable[str]) -> Iterator[tuple[str, Any]]:
    return ((key, value) for key, value in keys.items() if key not in quiet)


def extras_of_ontology(structure: OntologyStructure) -> tuple[Keys, Mapping[str, Keys]]:
    """Return the keys of an ontology that the model does not know: its own, and those of each class by its name."""
    classes: dict[str, dict[str, Any]] = {}
    for item in (*structure.objects, *structure.classifications):
        for key, value in _extras_below(item):
            if key not in _QUIET_OF_CLASS or value != _QUIET_OF_CLASS[key]:
                classes.setdefault(item.title, {})[key] = value
    own = dict(structure._extras or {})
    for template in structure.skeleton_templates:
        own.update(template._extras or {})
        for node in template.skeleton:
            own.update(node._extras or {})
    return {key: value for key, value in own.items() if key != "shape"}, classes


def _extras_below(part: Any) -> Iterator[tuple[str, Any]]:
    yield from (part._extras or {}).items()
    for name in ("attributes", "options"):
        for inner in getattr(part, name, ()) or ():
            yield from _extras_below(inner)


# --- not read ---------------------------------------------------------------------------------------------------------


def check_names(structure: OntologyStructure) -> None:
    """Check that whatever an ontology names has a text as its name.

    Raises
    ------
    TypeError
    """
    for part in (*structure.objects, *structure.classifications):
        _check_names_of(part)


def _check_names_of(part: Any) -> None:
    for name in ("name", "label", "value", "feature_node_hash", "color"):
        text = getattr(part, name, "")
        if not isinstance(text, str | None):
            raise TypeError(f"a {name} is {text!r:.40}, which is not text")
    for inner in (*(getattr(part, "attributes", None) or ()), *(getattr(part, "options", None) or ())):
        _check_names_of(inner)


class RowCheck:
    """Finds in the JSON of rows what nothing reads; it knows the names of an ontology as they are when it is made.

    What a label or an answer says of its class and the ontology says otherwise is stale: the ontology is right.
    """

    def __init__(self, structure: OntologyStructure) -> None:
        self._fresh: dict[str, tuple[set[str], set[str], str | None, str | None]] = {}
        self._said: set[Any] = set()
        for part in (*structure.objects, *structure.classifications):
            self._know(part)

    def _know(self, part: Any) -> None:
        names = {name for name in (getattr(part, "name", None), getattr(part, "label", None)) if name}
        if not names:
            names = {part.title}
        values = {part.value} if hasattr(part, "label") else {_written_value(name) for name in names}
        shape = getattr(part, "shape", None)
        shape = None if shape is None else str(getattr(shape, "value", shape))
        self._fresh[part.feature_node_hash] = names, values, getattr(part, "color", None), shape
        for inner in (*(getattr(part, "attributes", None) or ()), *(getattr(part, "options", None) or ())):
            self._know(inner)

    def unread(self, row: Mapping[str, Any], of_answers: Iterable[tuple[str, Any]]) -> Native | None:
        """Return what a row says inside of what the model interprets, and has no place for; None if nothing.

        ``of_answers`` is what the model itself has found in answers, by where it stood.

        Raises
        ------
        TypeError
            A title is not text.
        """
        unread: dict[str, Any] = {}
        stale: Counter[str] = Counter()
        answers = row["classification_answers"].items()
        classes = {key: feature for key, entry in answers if (feature := entry.get("featureHash"))}
        for name, own in _IN_ANSWERS.items():
            for key, entry in row[name].items():
                if entry.get(own, key) != key:  # of another label than it is kept under, and so of none
                    unread.setdefault(name, []).append(entry)
                for answer in (*entry.get("classifications", ()), *entry.get("actions", ())):
                    if answer.get("dynamic", True) is not (name == "object_actions") and "dynamic" in answer:
                        unread["answers.dynamic"] = answer["dynamic"]
                    options = answer.get("answers")
                    for said in (answer, *(options if isinstance(options, list) else ())):
                        self._compare(said, stale)
        if "number_of_frames" in row and row["number_of_frames"] < number_of_frames_in(row):  # images need more
            unread["number_of_frames"] = row["number_of_frames"]
        for key, unit in row["data_units"].items():
            if unit["data_hash"] != key:
                unread["data_units"] = key
            if not isinstance(unit["data_title"], str):
                raise TypeError(f"a title is {unit['data_title']!r:.40}, which is not text")
            labels = unit["labels"]
            is_plain = isinstance(labels.get("objects"), list) or isinstance(labels.get("classifications"), list)
            for frame in [labels] if is_plain else labels.values():
                self._on_frame(frame, unread, stale, classes)
                _check_masks(frame, unit)
        if not isinstance(row["data_title"], str):
            raise TypeError(f"a title is {row['data_title']!r:.40}, which is not text")
        for path, value in of_answers:
            unread.setdefault(path, []).append(value)
        return Native(UNREAD, unread=unread, stale=stale) if unread or stale else None

    def _on_frame(
        self, frame: Mapping[str, Any], unread: dict[str, Any], stale: Counter[str], classes: dict[str, str]
    ) -> None:
        """Look at the labels of a frame; ``classes`` are those of the labels seen before, by their hashes."""
        for kind, own in _ON_FRAMES.items():
            for entry in frame.get(kind, ()):
                self._compare(entry, stale)
                feature = entry.get("featureHash")
                if classes.setdefault(entry.get(own), feature) != feature:
                    unread.setdefault(f"{kind}.featureHash", []).append(feature)
        for entry in frame.get("objects", ()):
            for form, coordinates in entry.items():
                if coordinates.__class__ is dict:
                    unread.update(_unread_coordinates(form, coordinates))

    def _compare(self, entry: Any, stale: Counter[str]) -> None:
        """Count the keys by which an entry says otherwise of its class, attribute or option than the ontology."""
        hash_, *said = (entry.get(key) for key in ("featureHash", "name", "value", "color", "shape"))
        name, value, color, shape = said
        if (hash_, repr(said)) in self._said:
            return
        fresh = self._fresh.get(hash_) if isinstance(hash_, str) else None
        if fresh is None:
            return
        names, values, of_class, of_shape = fresh
        bare = _APART.fullmatch(name) if isinstance(name, str) else None
        apart = [name] if bare is not None and bare[1] in names else []
        wrong = []
        if name is not None and name not in [*names, *apart]:
            wrong.append("name")
        if value is not None and value not in [*values, *map(_written_value, apart)]:
            wrong.append("value")
        if color is not None and of_class is not None and color != of_class:
            wrong.append("color")
        if shape is not None and of_shape is not None and shape != of_shape:
            wrong.append("shape")
        stale.update(wrong)
        if not wrong:
            self._said.add((hash_, repr(said)))


def _check_masks(frame: Mapping[str, Any], unit: Mapping[str, Any]) -> None:
    """Check that masks are of the size of their image."""
    size = unit.get("width"), unit.get("height")
    for entry in frame.get("objects", ()):
        mask = entry.get("bitmask")
        if mask is not None and None not in size and (mask["width"], mask["height"]) != size:
            found = f"{mask['width']} x {mask['height']}"
            raise ValueError(f"a bitmask is {found} pixels, its image {size[0]} x {size[1]} (width x height)")


_APART = re.compile(r"(.+) \([a-z0-9 ]+\)(?: \d+)?", re.DOTALL)
"""The name of a class with its shape behind it; see :mod:`encord_convert.hub.class_names`."""


def _unread_coordinates(form: str, coordinates: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    newer = _NEWER.get(form)
    if newer is not None:
        try:
            written = newer({form: coordinates})._json()
        except (KeyError, TypeError, ValueError, AttributeError):  # it lacks something, and is carried as it came
            return
        # Of two forms of a back face one is read, and corners that are none of its prism are not.
        yield from differences(coordinates, written, form)
        return
    known = _KNOWN.get(form)
    if known is not None:
        if not coordinates.keys() <= known:
            yield from ((f"{form}.{key}", value) for key, value in coordinates.items() if key not in known)
    elif form in ("polygon", "polyline") and sum(map(len, coordinates.values())) > 2 * len(coordinates):
        known = _CORNER if form == "polygon" else _CORNER | {"z"}
        for corner in coordinates.values():
            yield from ((f"{form}.{key}", value) for key, value in corner.items() if key not in known)
    elif form == "point":
        yield from ((f"point.{key}", value) for key, value in coordinates.items() if key != "0")
        point = coordinates.get("0", {})
        yield from ((f"point.{key}", value) for key, value in point.items() if key not in ("x", "y", "z"))


def differences(read: Any, written: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield what stands in a JSON value and not in another that is made of it, by its path.

    >>> dict(differences({"a": 1, "b": [{"c": 2, "d": 3}]}, {"a": 1, "b": [{"c": 4}], "e": 5}))
    {'b.c': 2, 'b.d': 3}
    """
    if isinstance(read, dict) and isinstance(written, dict):
        for key, value in read.items():
            inner = f"{path}.{key}" if path else str(key)
            if key in written:
                yield from differences(value, written[key], inner)
            elif value is not None:
                yield inner, value
    elif isinstance(read, list) and isinstance(written, list) and len(read) == len(written):
        for one, other in zip(read, written, strict=True):
            yield from differences(one, other, path)
    elif read != written:
        yield path, read


__all__ = ["RowCheck", "check_names", "differences", "extras_of_ontology", "extras_of_row"]
