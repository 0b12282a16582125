"""What a row of the hub holds, under the types and labels that a report counts it by."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from encord_convert.hub.counts import Key, Origin
from encord_convert.hub.loss import Feature, Where

if TYPE_CHECKING:
    from encord_convert.hub.loss import Carries
    from encord_convert.sdk.objects import LabelRowV2

SIDES: dict[str, Feature] = {
    "author": Feature.AUTHOR,
    "timestamp": Feature.TIMESTAMPS,
    "confidence": Feature.CONFIDENCE,
    "manual": Feature.MANUAL,
    "review": Feature.REVIEWS,
}
"""What an annotation says about its making, by the type it is counted under."""


_side_cache: dict[int, tuple[Any, tuple[str, ...]]] = {}


def side_types(info: Any) -> tuple[str, ...]:
    """Return which of :data:`SIDES` an annotation's frame information holds.

    Infos are shared by thousands of annotations, and never changed in place: the last answers are remembered.
    """
    cached = _side_cache.get(id(info))
    if cached is not None and cached[0] is info:
        return cached[1]
    present = []
    if info.created_by is not None or info.last_edited_by is not None:
        present.append("author")
    if not (is_unknown_time(info.created_at) and is_unknown_time(info.last_edited_at)):
        present.append("timestamp")
    if info.confidence != 1:
        present.append("confidence")
    if not info.manual_annotation:
        present.append("manual")
    if info.reviews or getattr(info, "is_deleted", None):
        present.append("review")
    if len(_side_cache) > 4096:
        _side_cache.clear()
    _side_cache[id(info)] = (info, tuple(present))
    return tuple(present)


def loses_sides(info: Any, carries: Carries) -> bool:
    """Tell whether anything of :data:`SIDES` that frame information holds is not carried."""
    return any(SIDES[side] not in carries.features for side in side_types(info))


def is_unknown_time(time: Any) -> bool:
    """Tell whether a time is the one that stands for "not known": none, or the epoch."""
    return time is None or (time.year == 1970 and time.timestamp() == 0)


def hub_answers(instance: Any) -> int:
    """Return how many answers an instance holds: static ones, and runs of dynamic ones.

    In a hub that no importer counted they live as long as the instance is on any frame.
    """
    return len(placed_answers(instance))


def lost_texts(instance: Any, carries: Carries) -> list[Any]:
    """Return the attribute of each answer that is carried, but is a text that is changed in the target.

    Of dynamic answers that is one for each run on frames of the instance.
    """
    pattern = carries.unwritable
    if pattern is None:
        return []
    is_object = hasattr(instance, "object_hash")
    return [
        attribute
        for attribute, text in answered_texts(instance)
        if feature_of(attribute, is_object=is_object) in carries.features and pattern.search(text)
    ]


def answered_texts(instance: Any) -> list[tuple[Any, str]]:
    """Return attribute and text of each answer that is a text: static ones, and runs of dynamic ones on its frames."""
    texts = [(attribute, value) for attribute, value in instance._static_answers() if isinstance(value, str)]
    runs = getattr(instance, "_dynamic_runs", None)
    for attribute, value, ranges in () if runs is None else runs():
        if isinstance(value, str):
            frames = sorted(instance._frames)
            texts += [(attribute, value)] * sum(placed_within(frames, start, end) > 0 for start, end in ranges)
    return texts


def feature_of(attribute: Any, *, is_object: bool) -> Feature:
    """Return the feature by which a format carries the answers to an attribute of an object or a classification."""
    if getattr(attribute, "dynamic", False):
        return Feature.DYNAMIC_ANSWERS
    if len(attribute.uid) > 2:
        return Feature.NESTED_ANSWERS
    return Feature.ANSWERS if is_object else Feature.CLASSIFICATIONS


def placed_answers(instance: Any) -> list[tuple[Any, Any, Feature]]:
    """Return attribute, value and kind of each answer: static ones, and runs of dynamic ones on the object's frames."""
    answers = [
        (attribute, value, Feature.NESTED_ANSWERS if len(attribute.uid) > 2 else Feature.ANSWERS)
        for attribute, value in instance._static_answers()
    ]
    runs = getattr(instance, "_dynamic_runs", None)
    if runs is not None:
        frames = sorted(instance._frames)
        for attribute, value, ranges in runs():
            placed = sum(placed_within(frames, start, end) > 0 for start, end in ranges)
            answers += [(attribute, value, Feature.DYNAMIC_ANSWERS)] * placed
    return answers


def unplaced_answers(instance: Any) -> list[tuple[Any, int, int]]:
    """Return attribute, first and last frame of each run of a dynamic answer that leaves the object's own frames."""
    dynamic = getattr(instance, "_dynamic", None)
    if dynamic is None or dynamic.are_each_on(instance._frames):
        return []
    frames = sorted(instance._frames)
    return [
        (attribute, start, end)
        for attribute, _, ranges in instance._dynamic_runs()
        for start, end in ranges
        if placed_within(frames, start, end) <= end - start
    ]


def placed_within(frames: list[int], start: int, end: int) -> int:
    """Count the ascending frames from ``start`` to ``end``, both included."""
    return bisect_right(frames, end) - bisect_left(frames, start)


def names_in(item: Any) -> Iterator[str]:
    """Yield the title of a class, and below it those of its attributes and options, of nested ones too."""
    title = getattr(item, "title", None)
    yield item.label if title is None else title
    for below in (*(getattr(item, "attributes", None) or ()), *(getattr(item, "options", None) or ())):
        yield from names_in(below)
    for below in getattr(item, "nested_options", None) or ():
        yield from names_in(below)


def info_of(instance: Any, frame: int) -> Any:
    data = instance._frames[frame]
    return getattr(data, "object_frame_instance_info", data)


def also_of(instance: Any) -> tuple[Origin, ...]:
    return () if instance._origin is None else instance._origin.also


def type_of(instance: Any) -> str:
    item = instance.ontology_item
    return item.shape.value if hasattr(item, "shape") else "classification"


def label_of(instance: Any) -> str:
    origin = instance._origin
    if origin is not None:
        return str(origin.label)
    return str(getattr(instance, "object_name", None) or getattr(instance, "classification_name", ""))


def hash_of(instance: Any) -> str:
    return str(getattr(instance, "object_hash", None) or instance.classification_hash)


def labels_off_frames(row: LabelRowV2) -> list[Key]:
    """Return type and class of labels that are on no frame by their nature: spans of sound, text and time, spaces.

    Newer servers write them; they are carried unread.
    """
    orphans = row._contents.orphans
    spaces = row._contents.extras.get("spaces") or {}
    if not orphans and not spaces:
        return []
    found: dict[tuple[str, str], Key] = {}
    for hash_, entry in orphans.get("object_answers", {}).items():
        if entry.get("range") or entry.get("range_html") or entry.get("spaces"):
            found["objectHash", hash_] = str(entry.get("shape") or "object"), str(entry.get("name") or "")
    titles: dict[Any, str] = {
        item.feature_node_hash: item.title for item in row.ontology_structure.classifications if item.attributes
    }
    for hash_, entry in orphans.get("classification_answers", {}).items():
        found["classificationHash", hash_] = "classification", titles.get(entry.get("featureHash"), "")
    for entry in _entries_in(spaces):
        if "objectHash" in entry:
            key = str(entry.get("shape") or "object"), str(entry.get("name") or "")
            found.setdefault(("objectHash", str(entry["objectHash"])), key)
        else:
            title = titles.get(entry.get("featureHash"), str(entry.get("name") or ""))
            found.setdefault(("classificationHash", str(entry["classificationHash"])), ("classification", title))
    return [*found.values()]


def _entries_in(part: Any) -> Iterator[dict[str, Any]]:
    """Yield the labels that stand somewhere in JSON."""
    if isinstance(part, dict):
        if "objectHash" in part or "classificationHash" in part:
            yield part
            return
        part = part.values()
    if not isinstance(part, str | int | float | None):
        for inner in part:
            yield from _entries_in(inner)


def where_of(row: LabelRowV2 | None, instance: Any, frame: int) -> Where:
    """Return where an object or classification of a row is, in the source and in the hub."""
    origin = instance._origin
    return Where(
        file=None if row is None else row._origin,
        line=None if origin is None else origin.line,
        row=None if row is None else row.data_title,
        frame=frame,
        element=None if origin is None else f"<{origin.on(frame)[0]}>",
        object_hash=hash_of(instance),
    )


def count_row(row: LabelRowV2, into: dict[Key, int]) -> None:
    """Count a row of a hub that no importer counted."""
    into["row", ""] += 1
    for instance in row._objects.values():
        label = instance.object_name
        frames = instance._frames
        into[instance.ontology_item.shape.value, label] += len(frames)
        if len(frames) > 1:
            into["track", label] += 1
        into["unplaced", label] += not frames
        into["unplaced", label] += len(unplaced_answers(instance))
        into["answer", label] += hub_answers(instance)
        for data in frames.values():
            for side in side_types(data.object_frame_instance_info):
                into[side, label] += 1
    for key in labels_off_frames(row) if row._contents.has_extras else ():
        into[key] += 1
    for classification in row._classifications.values():
        label = classification.classification_name
        into["classification", label] += len(classification._frames)
        into["answer", label] += hub_answers(classification)
        if not classification._frames:
            into["unplaced", label] += 1
        for info in classification._frames.values():
            for side in side_types(info):
                into[side, label] += 1
