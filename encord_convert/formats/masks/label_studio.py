"""Exports of Label Studio: tasks with the brush masks and the ellipses of their annotations.

The results of an annotation that have one id are one region: its shape, its labels, and what is said of it. Answers
that belong to no region are about the image.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats._json_heads import is_object_list
from encord_convert.formats.masks.records import Answer, Record, json_of, unread_of
from encord_convert.formats.masks.rle_dialects import Dialect
from encord_convert.hub.visibility import is_far
from encord_convert.sdk.objects.coordinates import EllipseCoordinates

PREDICTION, ANNOTATOR = "PREDICTION_NOT_READ", "ANNOTATOR_SKIPPED"

_BRUSH_TYPES = ("brushlabels", "brush", "magicwand")
_ANSWERS = {
    "choices": "choice", "taxonomy": "choice", "textarea": "text", "rating": "text", "number": "text",
    "datetime": "text",
}  # fmt: skip
_VALUE_KEYS = {"textarea": "text"}
_LISTS = ("annotations", "completions", "predictions", "drafts")
_REASONS = {
    "predictions": (PREDICTION, "It is a prediction; -r predictions=yes reads it."),
    "drafts": ("DRAFT_NOT_READ", "It is a draft that was not submitted."),
}
_TASK_KEYS = frozenset({"id", "data", *_LISTS})
_ANNOTATION_KEYS = frozenset(
    {"result", "was_cancelled", "skipped", "completed_by", "ground_truth", "score", "created_at", "updated_at"}
)
_SIDES = ("original_width", "original_height")
_NUMBERS = (*_SIDES, "item_index")
_BRUSH_KEYS = frozenset({"format", "rle", "brushlabels", "labels"})
_ELLIPSE_TYPES = ("ellipselabels", "ellipse")
_ELLIPSE_KEYS = frozenset({"x", "y", "radiusX", "radiusY", "rotation", "ellipselabels", "labels"})
_RESULT_KEYS = frozenset(
    {
        "id",
        "type",
        "from_name",
        "to_name",
        "value",
        "original_width",
        "original_height",
        "item_index",
        "score",
        "image_rotation",
    }
)


class _Annotation(NamedTuple):
    """The results of one person or model, and why they are no labels, if they are none."""

    members: dict[str, Any]
    reason: tuple[str, str] | None
    annotator: str
    rank: int

    @property
    def results(self) -> list[dict[str, Any]]:
        return list(self.members.get("result") or ())


def tasks_of(top: Any) -> list[dict[str, Any]]:
    """Return the tasks a file of Label Studio begins with; none if it is not such a file."""
    tasks = top if isinstance(top, list) else [top]
    return [one for one in tasks if isinstance(one, dict) and any(map(is_object_list, _results_in(one)))]


def _results_in(task: dict[str, Any]) -> Iterator[Any]:
    for key in _LISTS:
        for annotation in task[key] if is_object_list(task.get(key)) else ():
            yield annotation.get("result")


def read(source: Source, name: str, dialect: Dialect | None) -> Iterator[Record]:
    """Yield the masks and ellipses of a file, and what else stands in it.

    Raises
    ------
    ReadError
        It is not JSON, or holds something that is not a task.
    """
    place = source.place(name)
    with source.open(name) as stream:
        tasks = json_of(stream.read(), place, list | dict)
    for number, task in enumerate(tasks if isinstance(tasks, list) else [tasks], 1):
        try:
            yield from _task(task, number, place)
        except (KeyError, TypeError, AttributeError, IndexError, ValueError) as error:
            fact = f"task {number} is not a task of Label Studio ({type(error).__name__}: {error})."
            raise ReadError(place, fact) from error


def _task(task: dict[str, Any], number: int, place: str) -> Iterator[Record]:
    images = _images_of(task)
    annotations = _annotations_of(task)
    unread = unread_of(task, _TASK_KEYS) + _unread_data(task, images)
    for one in annotations:
        unread += unread_of(one.members, _ANNOTATION_KEYS, "annotation.")
        for result in one.results:
            unread += unread_of(result, _RESULT_KEYS, "result.")
            unread += tuple(f"result.{key}" for key in _NUMBERS if type(result.get(key)) not in (int, type(None)))
            value = result.get("value")
            if isinstance(value, dict) and value.get("format") == "rle":
                unread += unread_of(value, _BRUSH_KEYS | {str(result.get("type"))}, "value.")
            elif _ellipse_of(result) is not None:
                unread += unread_of(_value_of(result), _ELLIPSE_KEYS, "value.")
    if unread or not any(one.results for one in annotations):
        # Each image is a row, whatever is on it; the first carries what is said of the task.
        for image in images or [""]:
            yield Record(image, "", None, None, None, place, unread=unread)
            unread = ()
    for annotation in annotations:
        for record in _records(annotation, place):
            page = int(record.image or 0)
            image = images[page] if 0 <= page < len(images) else ""
            reason = record.reason
            if not image and not reason:
                what = f"has no image number {page}" if images else "has no image in its data"
                reason = "NO_IMAGE", f"Task {number} {what}, so its labels are dropped."
            yield replace(record, image=image, reason=reason)


def _annotations_of(task: dict[str, Any]) -> list[_Annotation]:
    """Return what people and models made of a task; where several people did, each is named."""
    made = []
    for key in _LISTS:
        for members in task.get(key) or ():
            is_cancelled = members.get("was_cancelled") or members.get("skipped")
            cancelled = "ANNOTATION_CANCELLED", "The annotator cancelled (skipped) the annotation."
            made.append(_Annotation(members, cancelled if is_cancelled else _REASONS.get(key), "", 0))
    people = [one for one in made if one.reason is None]
    if len(people) < 2:
        return made
    newest = sorted(people, key=lambda one: (bool(one.members.get("ground_truth")), _time(one.members)), reverse=True)
    ranks = {id(one.members): rank for rank, one in enumerate(newest)}
    names = _names([one.members for one in people])
    return [
        one._replace(annotator=names[id(one.members)], rank=ranks[id(one.members)]) if one.reason is None else one
        for one in made
    ]


def _time(members: dict[str, Any]) -> str:
    return str(members.get("updated_at") or members.get("created_at") or "")


def _names(annotations: list[dict[str, Any]]) -> dict[int, str]:
    """Return what tells annotators apart: the number of each person, never a name or an address; else of the work."""
    names = {}
    for index, members in enumerate(annotations, 1):
        person = members.get("completed_by")
        person = person.get("id") if isinstance(person, dict) else person
        names[id(members)] = str(person if type(person) is int else members.get("id", index))
    if len(set(names.values())) < len(annotations):  # one person twice
        return {id(members): str(members.get("id", index)) for index, members in enumerate(annotations, 1)}
    return names


def _records(annotation: _Annotation, place: str) -> Iterator[Record]:
    """Yield the records of an annotation; as image, the number of the image in its task."""
    regions: dict[Any, list[dict[str, Any]]] = {}
    for index, result in enumerate(annotation.results):
        page = result.get("item_index")
        region = page if type(page) is int else 0, result.get("id") or f"result {index}"
        regions.setdefault(region, []).append(result)
    for (page, _), results in regions.items():
        for record in _region(results, annotation, place):
            yield replace(record, image=str(page), annotator=annotation.annotator, rank=annotation.rank)


def _region(results: list[dict[str, Any]], annotation: _Annotation, place: str) -> Iterator[Record]:
    """Yield what the results of one id are: shapes with answers, answers about the image, or what is not read."""
    drawn = [one for one in results if _is_brush(one) or _ellipse_of(one) is not None]
    shapes = set(map(id, drawn))
    answers: dict[str, Answer] = {}
    others = []
    for result in results:
        answer = _answer_of(result)
        if answer is not None and (drawn or not _has_geometry(results)):
            answers[str(result.get("from_name") or result["type"])] = answer
        elif id(result) not in shapes and not (drawn and result.get("type") == "labels"):
            others.append(result)
    shared = [label for result in results if id(result) not in shapes for label in _labels_of(result)]
    for result in drawn:
        labels = list(dict.fromkeys([*_labels_of(result), *shared])) or [""]
        score = result.get("score", annotation.members.get("score"))
        ellipse = _ellipse_of(result)
        record = Record(
            "", labels[0], _size_of(result), "label-studio" if ellipse is None else None, _value_of(result), place,
            other=str(result.get("type")), reason=annotation.reason or _rotated(result), answers=answers,
            score=score if type(score) is float else None, ellipse=ellipse,
        )  # fmt: skip
        yield record
        yield from (replace(record, label=label, is_again=True) for label in labels[1:])
    if answers and not drawn:
        kinds = str(results[0].get("type"))
        yield Record(
            "", "", _size_of(results[0]), None, None, place, other=kinds, reason=annotation.reason, answers=answers,
            is_of_image=True,
        )  # fmt: skip
    for result in others:
        reason = annotation.reason or (
            "UNSUPPORTED_SHAPE" if _labels_of(result) or not drawn else "ANSWER_DROPPED",
            "",
        )
        label = next(iter(_labels_of(result)), "")
        kind = str(result.get("type") or "result")
        yield Record("", label, _size_of(result), None, None, place, other=kind, reason=reason)


def _rotated(result: dict[str, Any]) -> tuple[str, str] | None:
    turn = result.get("image_rotation")
    if not turn:
        return None
    return "UNSUPPORTED_SHAPE", f"It was drawn on an image turned by {turn} degrees, which is not turned back."


def _answer_of(result: dict[str, Any]) -> Answer | None:
    """Return what a result says beside shapes; None if it is a shape, or says nothing."""
    type_ = str(result.get("type"))
    kind = _ANSWERS.get(type_)
    value = _value_of(result).get(_VALUE_KEYS.get(type_, type_))
    if kind is None or value in (None, [], ""):
        return None
    values = value if isinstance(value, list) else [value]
    texts = tuple("/".join(map(str, one)) if isinstance(one, list) else str(one) for one in values)
    return Answer("text", ("\n".join(texts),)) if kind == "text" else Answer("choice", tuple(dict.fromkeys(texts)))


def _value_of(result: dict[str, Any]) -> dict[str, Any]:
    value = result.get("value")
    return value if isinstance(value, dict) else {}


def _labels_of(result: dict[str, Any]) -> list[str]:
    value = _value_of(result)
    keys = (str(result.get("type")), "brushlabels", "labels")
    labels = next((value[key] for key in keys if key not in _ANSWERS and value.get(key)), ())
    return [str(label) for label in labels] if isinstance(labels, list) else [str(labels)] if labels else []


def _size_of(result: dict[str, Any]) -> tuple[int, int] | None:
    width, height = map(result.get, _SIDES)
    return (width, height) if type(width) is int and type(height) is int else None


def _is_brush(result: dict[str, Any]) -> bool:
    """Tell whether a result is a mask, and not what is said of one: that repeats the mask."""
    value = _value_of(result)
    return value.get("format") == "rle" and (result.get("type") in _BRUSH_TYPES or "brushlabels" in value)


def _ellipse_of(result: dict[str, Any]) -> EllipseCoordinates | None:
    """Return the ellipse a result is; None if it is none, or one of its numbers is missing or beyond any image.

    Source: Label Studio, "EllipseLabels": centre and radii in percent of width and height, turned in pixels.
    """
    value = _value_of(result)
    numbers = [value.get(key) for key in ("x", "y", "radiusX", "radiusY")] + [value.get("rotation") or 0]
    if result.get("type") not in _ELLIPSE_TYPES:
        return None
    if not all(type(one) in (int, float) for one in numbers) or is_far(numbers):
        return None
    x, y, along, across, turn = numbers
    return EllipseCoordinates(x / 100, y / 100, along / 100, across / 100, turn)


def _has_geometry(results: list[dict[str, Any]]) -> bool:
    """Tell whether results are about a shape; answers about one repeat it."""
    marks = {"x", "y", "points", "rle", "vertices", "sequence", "ranges", "imageDataURL", "start", "end"}
    return any(_value_of(result).keys() & marks for result in results)


def _images_of(task: dict[str, Any]) -> list[str]:
    """Return the images of a task: of the usual keys, else the first text or list of texts."""
    return next((pages for _, pages in _image_keys(task)), [])


def _image_keys(task: dict[str, Any]) -> Iterator[tuple[str, list[str]]]:
    data = _data_of(task)
    for key in ("image", "img", "images", "url", *data):
        value = data.get(key)
        pages = [page for page in (value if isinstance(value, list) else [value]) if isinstance(page, str)]
        if pages and all(pages) and len(pages) == (len(value) if isinstance(value, list) else 1):
            yield key, pages


def _data_of(task: dict[str, Any]) -> dict[str, Any]:
    data = task.get("data")
    return data if isinstance(data, dict) else {key: value for key, value in task.items() if key not in _LISTS}


def _unread_data(task: dict[str, Any], images: list[str]) -> tuple[str, ...]:
    data = task.get("data")
    if not isinstance(data, dict):
        return ()
    key = next((key for key, _ in _image_keys(task)), "")
    return unread_of(data, frozenset({key} if images else ()), "data.")
