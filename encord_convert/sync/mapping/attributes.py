"""Converts attributes and their answers to other types: a radio to text, a checklist to yes/no radios.

Conversions::

    radio      text        the title of the option that was chosen
    radio      checklist   the option that was chosen, checked; of a radio of yes and no one option called as the
                           attribute, checked for yes
    text       radio       an option per text in the source
    checklist  text        the checked titles, comma-separated
    checklist  yes_no      for each option a radio of yes and no, on every label of the class; of one option called
                           as the attribute

All of this works on the JSON form.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from encord_convert.errors import MappingError
from encord_convert.hub.draft import Hashes

KINDS: Mapping[str, tuple[str, ...]] = {
    "radio": ("text", "checklist"),
    "text": ("radio",),
    "checklist": ("text", "yes_no"),
}
"""Types that each attribute type can become."""
MOST_VALUES = 1000
"""Most distinct texts that can become options."""
YES, NO = "yes", "no"
_AFFIRMED = {"yes": True, "no": False, "true": True, "false": False}
_HASHES = Hashes("sync questions")

Attribute = dict[str, Any]


def asks_yes_or_no(attribute: Attribute) -> bool:
    """Return whether a radio attribute has only the options yes and no, or true and false."""
    labels = sorted(option["label"].lower() for option in attribute.get("options") or ())
    return labels in ([NO, YES], ["false", "true"])


def is_yes(option: Attribute) -> bool:
    """Return whether an option of such an attribute affirms."""
    return _AFFIRMED[option["label"].lower()]


def asked_again(attribute: Attribute, kind: str, values: Iterable[str] = ()) -> Iterator[Attribute]:
    """Yield the attributes that an attribute becomes; titles are already mapped.

    Parameters
    ----------
    attribute : dict
        Not changed.
    kind : str
        As :data:`KINDS` allows.
    values : iterable of str
        The texts that become options.
    """
    bare = {key: value for key, value in attribute.items() if key not in ("options", "type")}
    options = [{key: v for key, v in item.items() if key != "options"} for item in attribute.get("options") or ()]
    if kind == "text":
        yield {**bare, "type": "text"}
    elif kind == "checklist":
        if asks_yes_or_no(attribute):
            options = [{**item, **_called(attribute["name"])} for item in options if is_yes(item)]
        yield {**bare, "type": "checklist", "options": options}
    elif kind == "radio":
        yield {**bare, "type": "radio", "options": [_option(attribute, value) for value in values]}
    else:
        for option in options:
            own = {**bare, "name": title_of(attribute, option), "type": "radio"}
            own["featureNodeHash"] = _HASHES.short(attribute["featureNodeHash"], option["featureNodeHash"])
            yield {**own, "options": [_option(own, YES), _option(own, NO)]}


def title_of(attribute: Attribute, option: Attribute) -> str:
    """Return the title of the attribute for one option of a checklist."""
    return str(attribute["name"] if len(attribute["options"]) == 1 else option["label"])


def texts_of(rows: Iterable[dict[str, Any]], hashes: Iterable[str]) -> dict[str, list[str]]:
    """Return the distinct answers of text attributes, by hash, sorted.

    Parameters
    ----------
    rows : iterable of dict
        Label rows in JSON form.
    hashes : iterable of str
        Hashes of the attributes.

    Raises
    ------
    MappingError
        There are too many for options.
    """
    found: dict[str, set[str]] = {hash_: set() for hash_ in hashes}
    for row in rows:
        for name, member in (
            ("object_answers", "classifications"), ("object_actions", "actions"),
            ("classification_answers", "classifications"),
        ):  # fmt: skip
            for answers_entry in row[name].values():
                for entry in answers_entry.get(member) or ():
                    if entry["featureHash"] in found and isinstance(entry["answers"], str) and entry["answers"]:
                        found[entry["featureHash"]].add(entry["answers"])
                        if len(found[entry["featureHash"]]) > MOST_VALUES:
                            raise MappingError(
                                f"{entry['name']!r} has more than {MOST_VALUES} different texts: too many for a radio."
                            )
    return {hash_: sorted(texts) for hash_, texts in found.items()}


def _called(label: str) -> Attribute:
    return {"label": label, "value": label}


def _option(attribute: Attribute, label: str) -> Attribute:
    hash_ = _HASHES.short(attribute["featureNodeHash"], "option", label)
    return {"id": "1.1.1", **_called(label), "featureNodeHash": hash_}
