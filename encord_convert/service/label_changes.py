"""Differences between saves: objects and classifications added, deleted or edited.

Source: wire protocol, section 10.8. Unknown: whether the original logs every frame of an object; here it is logged
once per save, with the first frame that is concerned.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from encord_convert.sdk.orm.label_log import Action
from encord_convert.service.classification_forms import ranges_of
from encord_convert.service.label_bodies import counted, frames_of


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that was done to an object or a classification.

    Parameters
    ----------
    action : Action
        ADD, EDIT or DELETE.
    identifier : str
        Object or classification hash.
    feature_hash, label_name : str or None
    frame : int or None
        The first that is concerned; None if only answers are. In a group: the number of the image.
    """

    action: Action
    identifier: str
    feature_hash: str | None
    label_name: str | None
    frame: int | None


@dataclass(slots=True)
class _Annotation:
    feature_hash: str | None
    label_name: str | None
    places: dict[int, Any] = field(default_factory=dict)
    answers: list[Any] = field(default_factory=list)


Contents = dict[str, _Annotation]

_PER_SAVE = ("createdAt", "createdBy", "lastEditedAt", "lastEditedBy", "reviews")
"""Of an entry: what clients write again without a change of the label."""


def contents_of(body: bytes | None) -> Contents:
    """Return the objects and classifications of a label row, by hash."""
    row: dict[str, Any] = msgspec.json.decode(body) if body else {}
    found: Contents = {}
    for unit in row.get("data_units", {}).values():
        start = counted(unit.get("data_sequence")) or 0
        for number, frame in frames_of(unit.get("labels", {})):
            for kind, key in (("objects", "objectHash"), ("classifications", "classificationHash")):
                for entry in frame.get(kind, ()):
                    hash_ = entry.get(key)
                    one = found.get(hash_) or found.setdefault(
                        hash_, _Annotation(entry.get("featureHash"), entry.get("name"))
                    )
                    # A classification is as well said by ranges in its answer: of it, only where it stands counts.
                    is_object = kind == "objects"
                    one.places[start + number] = is_object and {k: v for k, v in entry.items() if k not in _PER_SAVE}
    _place_by_ranges(found, row.get("classification_answers", {}))
    for name in ("object_answers", "classification_answers", "object_actions"):
        for hash_, answer in row.get(name, {}).items():
            if hash_ in found:
                found[hash_].answers += _comparable(answer.get("classifications", answer.get("actions", ())))
    return found


def _place_by_ranges(found: Contents, answers: dict[str, Any]) -> None:
    """Place classifications by their ranges: first frames to last ones, so that long ranges take no room."""
    for hash_, answer in answers.items():
        stated = answer.get("range") if isinstance(answer, dict) else None
        if hash_ not in found and not stated:
            continue
        one = found.setdefault(hash_, _Annotation(answer.get("featureHash"), _name(answer)))
        one.places = {first: last for first, last in ranges_of(answer, one.places)}  # noqa: C416


def _name(answer: dict[str, Any]) -> str | None:
    first: dict[str, Any] = next(iter(answer.get("classifications") or ()), {})
    name: str | None = first.get("name")
    return name


def _comparable(answers: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Return answers in an order of their own, without what is made again on every save."""
    lean = [{key: value for key, value in answer.items() if key != "trackHash"} for answer in answers]
    return sorted((str(item.get("featureHash")), repr(sorted(item.items()))) for item in lean)


def changes(before: Contents, after: Contents) -> Iterator[Change]:
    """Yield changes of objects and classifications: existing ones first, then deleted ones."""
    for hash_, new in after.items():
        old = before.get(hash_)
        if old is None:
            yield Change(Action.ADD, hash_, new.feature_hash, new.label_name, min(new.places, default=None))
            continue
        moved = [frame for frame in old.places | new.places if old.places.get(frame) != new.places.get(frame)]
        if moved or sorted(old.answers) != sorted(new.answers):
            yield Change(Action.EDIT, hash_, new.feature_hash, new.label_name, min(moved, default=None))
    for hash_, old in before.items():
        if hash_ not in after:
            yield Change(Action.DELETE, hash_, old.feature_hash, old.label_name, min(old.places, default=None))
