"""Annotations of Supervisely: a JSON file for each image, with its size and objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats._json_heads import is_object_list
from encord_convert.formats.masks.records import Answer, Record, json_of, unread_of
from encord_convert.formats.masks.rle_dialects import Dialect

_FILE_KEYS = frozenset({"size", "objects", "tags"})
_SIDES, _BITMAP_KEYS = frozenset({"width", "height"}), frozenset({"data", "origin"})
_OBJECT_KEYS = frozenset({"classTitle", "geometryType", "bitmap", "points", "tags"})


def is_annotation(top: Any) -> bool:
    """Tell whether a file begins as annotations of Supervisely do, whatever shapes its objects have."""
    if not isinstance(top, dict) or not isinstance(top.get("size"), dict) or not is_object_list(top.get("objects")):
        return False
    return {"width", "height"} <= top["size"].keys() and all("classTitle" in one for one in top["objects"][:-1])


def image_names(names: list[str]) -> Mapping[str, str]:
    """Return what the images of annotation files are called, with their dataset where that tells some apart."""
    short = {name: name.rpartition("/")[2][: -len(".json")] for name in names}
    several = len(set(short.values())) < len(names)
    return {name: name.replace("ann/", "", 1)[: -len(".json")] if several else short[name] for name in names}


def read(source: Source, name: str, dialect: Dialect | None, *, image: str = "") -> Iterator[Record]:
    """Yield the masks of a file, and what else stands in it.

    Raises
    ------
    ReadError
        It is not such an annotation.
    """
    place = source.place(name)
    image = image or image_names([name])[name]
    with source.open(name) as stream:
        members = json_of(stream.read(), place, dict)
    try:
        size = members["size"]["width"], members["size"]["height"]
        answers = _answers(members.get("tags") or ())
        unread = unread_of(members, _FILE_KEYS) + unread_of(members["size"], _SIDES, "size.")
        for one in members["objects"]:
            unread += unread_of(one, _OBJECT_KEYS, "object.")
            if isinstance(one.get("bitmap"), dict):
                unread += unread_of(one["bitmap"], _BITMAP_KEYS, "bitmap.")
        if unread or not members["objects"]:
            yield Record(image, "", size, None, None, place, unread=unread)
        if answers:
            yield Record(image, "", size, None, None, place, other="tag", answers=answers, is_of_image=True)
        for one in members["objects"]:
            label, kind = str(one["classTitle"]), str(one.get("geometryType", "bitmap"))
            if kind == "bitmap":
                said = _answers(one.get("tags") or ())
                yield Record(image, label, size, "supervisely", one["bitmap"], place, answers=said)
            else:
                yield Record(image, label, size, None, None, place, other=kind)
    except (KeyError, TypeError, AttributeError) as error:
        raise ReadError(place, f"is not an annotation of Supervisely ({type(error).__name__}: {error}).") from error


def _answers(tags: Any) -> dict[str, Answer]:
    """Return what tags say: their value, or that they are there."""
    said = {}
    for tag in tags:
        name, value = str(tag["name"]), tag.get("value")
        said[name] = Answer("choice", (name,)) if value is None else Answer("text", (str(value),))
    return said
