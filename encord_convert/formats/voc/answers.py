"""Converts answers of an ``<object>`` to the hub, and back to elements."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from encord_convert.formats._classes import Choice, Classes
from encord_convert.formats.voc.elements import DEFAULT_POSE, FLAGS, ObjectInfo, is_yes
from encord_convert.sdk.objects import ChecklistAttribute, Object, RadioAttribute, TextAttribute

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_TRUTHS = {"true": True, "false": False}


NO = "says no"
"""Native key, unlike any element: elements that state a negative, by path."""


def split_answers(
    info: ObjectInfo, item: Object | None, classes: Classes
) -> tuple[dict[str, Any], dict[str, Any], int]:
    """Return the answers of an object by attribute, its other data by path, and repeated attributes.

    Flags that are 0, the pose ``Unspecified`` and actions that are 0 are native data under :data:`NO`, unless the class
    (``item``, from the ontology file) has an attribute for them.
    """
    members: dict[str, Any] = {}
    native: dict[str, Any] = dict(info.native)
    no: dict[str, str] = {}
    again = 0
    for kind, key, text in info.answers:
        asked = "actions" if kind == "actions" else key
        question = None if item is None else classes.question(item, asked)
        if kind == "flag":
            if is_yes(text) or (question is not None and question.is_claim):
                members[key] = is_yes(text)
            else:
                no[key] = text
        elif kind == "pose":
            if text != DEFAULT_POSE or (question is not None and question.is_choice):
                members[key] = Choice(text)
            else:
                no[key] = text
        elif kind == "actions":
            if text == "1" or question is not None:
                members.setdefault(asked, []).extend([key] if text == "1" else ())
            else:
                no[f"actions.{key}"] = text
        elif kind == "again":
            again += 1
        else:
            members[key] = _value(text, question)
    if no:
        native[NO] = no
    return members, native, again


def _value(text: str, question: Any) -> Any:
    if question is None:
        return _TRUTHS.get(text, text)
    attribute = question.attribute
    if question.is_claim and text in _TRUTHS:
        return _TRUTHS[text]
    if isinstance(attribute, ChecklistAttribute):
        return _decoded(text, list) if text.startswith("[") else [text]
    if isinstance(attribute, (RadioAttribute, TextAttribute)):
        return text
    return _decoded(text, (int, float))


def _decoded(text: str, kind: Any) -> Any:
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return text
    return value if isinstance(value, kind) else text


def elements(members: dict[str, Any], question: Any) -> Iterator[tuple[str, str, str]]:
    """Yield element kind (as in :attr:`ObjectInfo.answers`), name and text of each answer.

    Parameters
    ----------
    members : dict
        Answers as JSON values.
    question : callable
        From a key to its attribute.
    """
    for key, value in members.items():
        if key in FLAGS and isinstance(value, bool):
            yield "flag", key, str(int(value))
        elif key == "pose" and question(key).is_choice and value.strip() == value and value:
            yield "pose", key, value
        elif key == "actions" and _are_actions(question(key)):
            for option in question(key).attribute.options:
                yield "actions", option.label, str(int(option.label in value))
        else:
            is_text = isinstance(value, str) and not isinstance(value, bool)
            yield "attribute", key, value if is_text else json.dumps(value, ensure_ascii=False)


def _are_actions(question: Any) -> bool:
    is_list = isinstance(question.attribute, ChecklistAttribute) and not question.is_claim and question.labels is None
    return is_list and all(_NAME.fullmatch(option.label) for option in question.attribute.options)
