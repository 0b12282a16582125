"""Why no annotation fits a condition: which of the values it asks for do not occur, and which do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.errors import OptionError, nearest
from encord_convert.hub.conditions import Coded, Condition, Wanted
from encord_convert.hub.fields import RowFields, RowImages, TableFields, TableImages
from encord_convert.hub.table import Table

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet

_MOST = 10
"""How many values that occur a sentence names."""
_OF_IMAGES = ("split", "title", "file")
_LONGEST = 60


def refuse_unmatched(condition: Condition, labels: LabelSet, given: str, *, has_images: bool) -> None:
    """Walk labels of which none fits a condition, and say why; images alone that fit are enough where there is none.

    Parameters
    ----------
    condition : Condition
    labels : LabelSet
        All there are.
    given : str
        How the condition was given, as ``--where``.
    has_images : bool
        There are images that fit.

    Raises
    ------
    OptionError
        None of the annotations fits, or of the images if there are only these. Of texts and answers the condition
        names and nothing has, it says so, with the nearest, and at most ten of those that occur, the most frequent
        first.
    """
    found = [False] * len(condition.wanted)
    occurring: dict[str, Counter[Any]] = {one.name: Counter() for one in condition.wanted}
    annotations = images_seen = 0
    for one in labels.tables():
        own = TableFields(one) if isinstance(one, Table) else RowFields(one)
        images = TableImages(one) if isinstance(one, Table) else RowImages(one)
        annotations += len(own)
        images_seen += len(images)
        counted = set()
        for number, wanted in enumerate(condition.wanted):
            fields: Any = images if wanted.name in _OF_IMAGES and wanted.column(images) is not None else own
            found[number] = found[number] or bool(wanted.truth(fields).may_hold.any())
            column = wanted.column(fields) if wanted.name not in counted else None
            counted.add(wanted.name)
            if isinstance(column, Coded):
                for code, count in enumerate(np.bincount(column.codes, minlength=len(column.vocabulary)).tolist()):
                    for value in _values(column.vocabulary[code]):
                        occurring[wanted.name][value] += count
    if not annotations and (has_images or not images_seen):
        return
    missing: dict[tuple[str, bool], list[Wanted]] = {}
    for wanted, is_found in zip(condition.wanted, found, strict=True):
        if not is_found:
            missing.setdefault((wanted.name, wanted.is_part), []).append(wanted)
    reasons = [
        _sentence(name, is_part, [one.value for one in some], +occurring[name], condition.classes)
        for (name, is_part), some in missing.items()
    ]
    why = f": {' '.join(reasons)}" if reasons else f"; there {_are(annotations or images_seen)}."
    raise OptionError(f"no {'annotation' if annotations else 'image'} fits {given} {_short(condition.text)!r}{why}")


def _sentence(name: str, is_part: bool, values: list[Any], occurring: Counter[Any], classes: list[str]) -> str:
    known = [_said(value) for value, _ in occurring.most_common(_MOST)]
    asked = " or ".join(repr(_said(value)) for value in dict.fromkeys(values))
    what = f"answer {'with ' if is_part else ''}{asked} to {name}" if name.startswith("attribute") else (
        f"{name} {'with ' if is_part else ''}{asked}")  # fmt: skip
    fact = f"there is no {what}."
    if name == "class" and not is_part and all(value in classes for value in values):
        fact = f"no annotation has the class {asked}."
    hint = "" if is_part else _nearest(values, [_said(value) for value in occurring])
    more = f", … ({len(occurring)} in all)" if len(occurring) > _MOST else ""
    if not known:
        return f"{fact} There is none at all."
    return f"{fact}{hint} There {'is' if len(known) == 1 else 'are'}: {', '.join(known)}{more}."


def _nearest(values: Iterable[Any], known: list[str]) -> str:
    return next(filter(None, (nearest(_said(value), known) for value in values)), "")


def _values(value: Any) -> Iterable[Any]:
    """Return what there is of a value: none, if it is missing; the options of an answer of several."""
    if isinstance(value, tuple):
        return value
    return () if value is None or value == "" else (value,)


def _said(value: Any) -> str:
    return _short(f"{value:g}" if isinstance(value, float) else str(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _are(count: int) -> str:
    return "is 1" if count == 1 else f"are {count}"
