"""Answers as values: text, an option, or a tuple of options in ontology order.

What fits an attribute, which attribute an answer must be meant for, and the JSON of an answer.

Source: label-row JSON, "Answer entry", "Static answers", "Attribute inference".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects.attributes import (
    Attribute,
    ChecklistAttribute,
    RadioAttribute,
    TextAttribute,
)
from encord_convert.sdk.objects.coordinates import _copied
from encord_convert.sdk.objects.ontology_element import _descendants
from encord_convert.sdk.objects.options import FlatOption, NestableOption, Option
from encord_convert.sdk.objects.utils import _value_from_name

if TYPE_CHECKING:
    from encord_convert.sdk.objects._answer_index import Answerable

KNOWN_KEYS = frozenset({"name", "value", "answers", "featureHash", "manualAnnotation"})
"""Keys of an answer's JSON that are derived or held in the model."""
_OPTION_KEYS = frozenset({"name", "value", "featureHash"})
"""Keys of an option in an answer's JSON; options with others are kept unchanged."""
KNOWN_DYNAMIC_KEYS = KNOWN_KEYS | {"dynamic", "range", "shouldPropagate", "trackHash"}

Unread = list[tuple[str, Any]]
"""What answers say that is neither held nor written back: where in the row's JSON, and what."""

_written_value = lru_cache(maxsize=1 << 14)(_value_from_name)


def checked_value(attribute: Attribute, answer: Any) -> Any:
    """Return the value an answer gives an attribute.

    Raises
    ------
    ValueError
        It is of the wrong kind.
    RuntimeError
        It names an option of another checklist.
    """
    if isinstance(attribute, RadioAttribute):
        option = attribute._option(answer.feature_node_hash) if isinstance(answer, NestableOption) else None
        if option is None:
            raise ValueError(f"{attribute.name!r} is answered with one of its own options, not with {answer!r}.")
        return option
    if isinstance(attribute, ChecklistAttribute):
        return _checked_selection(attribute, answer)
    if isinstance(attribute, TextAttribute):
        if not isinstance(answer, str):
            raise ValueError(f"{attribute.name!r} is answered with text, not with {answer!r}.")
        return answer
    if not isinstance(answer, (int, float)):
        raise ValueError(f"{attribute.name!r} is answered with a number, not with {answer!r}.")
    return answer


def _checked_selection(attribute: ChecklistAttribute, answer: Any) -> tuple[FlatOption, ...]:
    if not isinstance(answer, Iterable):
        raise ValueError(f"{attribute.name!r} is answered with a list of its options, not with {answer!r}.")
    options = list(answer)
    for option in options:
        if not isinstance(option, FlatOption):
            raise ValueError(f"{attribute.name!r} is answered with options of a checklist, not with {option!r}.")
        if attribute._option(option.feature_node_hash) is None:
            raise RuntimeError(f"{option.label!r} is no option of {attribute.name!r}.")
    return in_ontology_order(attribute, {option.feature_node_hash for option in options})


def in_ontology_order(attribute: ChecklistAttribute, hashes: set[str]) -> tuple[FlatOption, ...]:
    """Return the options of a checklist that have these hashes."""
    return tuple(option for option in attribute.options if option.feature_node_hash in hashes)


def public_value(value: Any) -> Any:
    """Return a value as callers get it: a selection as a list."""
    return list(value) if isinstance(value, tuple) else value


def value_key(value: Any) -> Any:
    """Return a key by which values of one attribute are compared."""
    if isinstance(value, tuple):
        return tuple(option.feature_node_hash for option in value)
    return value.feature_node_hash if isinstance(value, Option) else value


def inferred_attribute(item: Answerable, answer: Any) -> Attribute:
    """Return the only attribute of an ontology element that an answer fits.

    Raises
    ------
    LabelRowError
        There is none, or more than one.
    AssertionError
        A list holds something other than options.
    NotImplementedError
        The answer is neither text nor an option nor a list or tuple of options.
    """
    attributes = item._answer_index(fresh=True).attributes.values()
    if isinstance(answer, str):
        found = [attribute for attribute in attributes if isinstance(attribute, TextAttribute)]
        if len(found) != 1:
            raise LabelRowError(f"There are {len(found)} text attributes this text could answer. Name the attribute.")
        return found[0]
    if isinstance(answer, Option):
        return _attribute_with(attributes, answer)
    if isinstance(answer, (list, tuple)):
        return _attribute_with_all(attributes, answer)
    raise NotImplementedError(f"An answer is text, an option or a list of options, not {answer!r}.")


def _attribute_with(attributes: Iterable[Attribute], option: Option) -> Attribute:
    for attribute in attributes:
        if option in attribute.options:
            return attribute
    raise LabelRowError(f"No attribute here has the option {option.label!r}.")


def _attribute_with_all(attributes: Iterable[Attribute], options: Sequence[Any]) -> Attribute:
    if not options:
        raise LabelRowError("An empty list does not tell which attribute it answers. Name the attribute.")
    for option in options:
        if not isinstance(option, Option):
            raise AssertionError(f"A list of answers holds options, not {option!r}.")
    attribute = _attribute_with(attributes, options[0])
    for option in options:
        if option not in attribute.options:
            raise LabelRowError(f"{option.label!r} and {options[0].label!r} belong to different attributes.")
    return attribute


def value_from_json(attribute: Attribute, answers: Any, unknown_option: type[Exception]) -> Any:
    """Return the value of an answer's JSON; None if it is a radio answer without exactly one option.

    Parameters
    ----------
    unknown_option : type
        Raised when there is no such option anywhere below the attribute.

    Raises
    ------
    ValueError
        Text is not text, or the option of a radio attribute is one of another attribute below it.
    """
    if isinstance(attribute, RadioAttribute):
        if len(answers) != 1:
            return None
        return _radio_option(attribute, answers[0]["featureHash"], unknown_option)
    if isinstance(attribute, ChecklistAttribute):
        hashes = {answer["featureHash"] for answer in answers}
        for hash_ in hashes:
            if attribute._option(hash_) is None:
                raise unknown_option(f"{attribute.name!r} has no option {hash_!r}.")
        return in_ontology_order(attribute, hashes)
    return checked_value(attribute, answers)


def _radio_option(attribute: RadioAttribute, hash_: str, unknown_option: type[Exception]) -> NestableOption:
    option = attribute._option(hash_)
    if option is not None:
        return option
    if any(descendant.feature_node_hash == hash_ for descendant in _descendants(attribute)):
        raise ValueError(f"{hash_!r} is an option below {attribute.name!r}, but not one of its own.")
    raise unknown_option(f"{attribute.name!r} has no option {hash_!r}.")


def answer_to_json(attribute: Attribute, value: Any, mark: dict[str, Any] | None) -> dict[str, Any]:
    """Return the JSON of an answer.

    Parameters
    ----------
    mark : dict, optional
        Keys with unusual values, or unknown to the model.
    """
    answers: Any = value
    if isinstance(value, Option):
        answers = [_option_to_json(value)]
    elif isinstance(value, tuple):
        answers = [_option_to_json(option) for option in value]
    d = {
        "name": attribute.name,
        "value": _written_value(attribute.name),
        "answers": answers,
        "featureHash": attribute.feature_node_hash,
        "manualAnnotation": True,
    }
    return d if mark is None else with_mark(d, mark)


def with_mark(d: dict[str, Any], mark: dict[str, Any]) -> dict[str, Any]:
    """Return an answer's JSON with what its mark says: of its options those that are marked stand as they came."""
    own = _copied(mark)
    came: dict[str, dict[str, Any]] = {}
    for option in own.pop("answers", ()):
        came[option["featureHash"]] = {**option, **came.get(option["featureHash"], {})}
    if came:
        d["answers"] = [came.get(option["featureHash"], option) for option in d["answers"]]
    d.update(own)
    return d


def says_more(answer: dict[str, Any]) -> bool:
    """Tell whether an answer without a value says more than that there is none."""
    return answer["answers"] != [] or mark_from_json(answer, KNOWN_DYNAMIC_KEYS) is not None


def united_marks(
    first: dict[str, Any] | None, second: dict[str, Any] | None, unread: Unread, path: str
) -> dict[str, Any] | None:
    """Return the mark of two answers that are one; what the second says otherwise is not read, but for its track."""
    if not first or not second:
        return first or second
    united = {**second, **first}
    if "answers" in first and "answers" in second:
        united["answers"] = [*first["answers"], *second["answers"]]
    for key, value in second.items():
        if key != "answers" and united[key] != value and not (key == "trackHash" and isinstance(value, str)):
            unread.append((f"{path}.{key}", value))
    return united


def _option_to_json(option: Option) -> dict[str, str]:
    return {"name": option.label, "value": option.value, "featureHash": option.feature_node_hash}


def mark_from_json(answer: dict[str, Any], known: frozenset[str]) -> dict[str, Any] | None:
    """Return the unusual keys of an answer's JSON; None if there are none."""
    mark = {key: _copied(value) for key, value in answer.items() if key not in known}
    if answer.get("manualAnnotation", True) is not True:
        mark["manualAnnotation"] = answer["manualAnnotation"]
    answers = answer.get("answers")
    if isinstance(answers, list) and any(isinstance(a, dict) and not a.keys() <= _OPTION_KEYS for a in answers):
        mark["answers"] = _copied(answers)
    return mark or None
