"""What all parts of an ontology have in common: a hash, a title, parts of their own, and look-ups among them.

Look-ups go depth-first in list order. Titles compare exactly. Titles and hashes need not be unique in an ontology
that was read; look-ups by hash give the first, look-ups of one thing by title refuse to guess.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, List, TypeVar  # noqa: UP035 -- NestedID is documented as it is

from encord_convert.sdk.exceptions import OntologyError
from encord_convert.sdk.objects.utils import (
    _object_hash_str,
    check_type,
    checked_cast,
    does_type_match,
    short_uuid_str,
)

__all__ = [
    "NestedID",
    "OntologyElement",
    "OntologyElementT",
    "OntologyNestedElement",
    "OntologyNestedElementT",
    "check_type",
    "checked_cast",
    "does_type_match",
    "short_uuid_str",
]

NestedID = List[int]  # noqa: UP006

OntologyElementT = TypeVar("OntologyElementT", bound="OntologyElement")
OntologyNestedElementT = TypeVar("OntologyNestedElementT", bound="OntologyNestedElement")


class _Keeping:
    """Keeps the keys of an element's JSON that have no place in the model; None when there are none."""

    _extras: dict[str, Any] | None = None


@dataclass
class OntologyElement(_Keeping, ABC):
    """A part of an ontology."""

    feature_node_hash: str

    @property
    def children(self) -> Sequence[OntologyElement]:
        """The parts directly below, in order."""
        return []

    @property
    @abstractmethod
    def title(self) -> str:
        """What people call it."""

    def get_child_by_hash(
        self, feature_node_hash: str, type_: type[OntologyNestedElementT] | None = None
    ) -> OntologyNestedElementT:
        """Return the first part below, at any depth, with this hash.

        Raises
        ------
        OntologyError
            There is none.
        TypeError
            It is of another type than ``type_``.
        """
        for one in _descendants(self):
            if one.feature_node_hash == feature_node_hash:
                return checked_cast(one, type_)
        raise OntologyError(f"Nothing below {_name_of(self)} has the hash {feature_node_hash!r}.")

    def get_children_by_title(
        self, title: str, type_: type[OntologyNestedElementT] | None = None
    ) -> list[OntologyNestedElementT]:
        """Return the parts below, at any depth, with this title and type, in order."""
        return [one for one in _descendants(self) if _title_of(one) == title and does_type_match(one, type_)]  # type: ignore[misc]

    def get_child_by_title(
        self, title: str, type_: type[OntologyNestedElementT] | None = None
    ) -> OntologyNestedElementT:
        """Return the one part below, at any depth, with this title and type.

        Raises
        ------
        OntologyError
            There is none, or more than one.
        """
        return _the_only(self.get_children_by_title(title, type_), title, _name_of(self))  # type: ignore[no-any-return]


@dataclass
class OntologyNestedElement(OntologyElement):
    """A part of an ontology below an object or a classification; its id is its parent's and one number more."""

    uid: NestedID


def _descendants(element: OntologyElement) -> Iterator[OntologyElement]:
    for child in element.children:
        yield child
        yield from _descendants(child)


def _title_of(element: OntologyElement) -> str | None:
    """Return the title, None for a classification that has no attribute to name it."""
    try:
        return element.title
    except OntologyError:
        return None


def _name_of(element: OntologyElement) -> str:
    title = _title_of(element)
    return f"{title!r}" if title is not None else f"{element.feature_node_hash!r}"


def _the_only(found: list[Any], title: str, where: str) -> Any:
    if not found:
        raise OntologyError(f"Nothing below {where} has the title {title!r}.")
    if len(found) > 1:
        raise OntologyError(
            f"{len(found)} things below {where} have the title {title!r}: "
            f"{', '.join(type(one).__name__ for one in found)}. Name the type, or use get_children_by_title."
        )
    return found[0]


def _next_number(taken: Sequence[int], wanted: int | None) -> int:
    """Return the number of a new element among its siblings: the one wanted, or the one after the highest."""
    if wanted is None:
        return max(taken, default=0) + 1
    if wanted in taken:
        raise ValueError(f"The id {wanted} is taken by a sibling.")
    return wanted


def _new_hash(siblings: Sequence[OntologyElement], wanted: str | None, *, top_level: bool = False) -> str:
    """Return the hash of a new element among its siblings: the one wanted, or a random one."""
    if wanted is None:
        return _object_hash_str() if top_level else short_uuid_str()
    if any(one.feature_node_hash == wanted for one in siblings):
        raise ValueError(f"The hash {wanted!r} is taken by a sibling.")
    return wanted


def _nested_id_from_text(text: str) -> NestedID:
    return [int(part) for part in str(text).split(".")]


def _text_from_nested_id(uid: NestedID) -> str:
    return ".".join(map(str, uid))


def _unknown_keys(d: dict[str, Any], known: frozenset[str]) -> dict[str, Any] | None:
    """Return the entries whose keys are not known, None if there are none."""
    if d.keys() <= known:
        return None
    return {key: value for key, value in d.items() if key not in known}
