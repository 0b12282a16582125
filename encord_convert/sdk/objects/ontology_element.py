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
    _taken: dict[str, _Taken] | None = None


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
        for descendant in _descendants(self):
            if descendant.feature_node_hash == feature_node_hash:
                return checked_cast(descendant, type_)
        raise OntologyError(f"Nothing below {_name_of(self)} has the hash {feature_node_hash!r}.")

    def get_children_by_title(
        self, title: str, type_: type[OntologyNestedElementT] | None = None
    ) -> list[OntologyNestedElementT]:
        """Return the parts below, at any depth, with this title and type, in order."""
        return [e for e in _descendants(self) if _title_of(e) == title and does_type_match(e, type_)]  # type: ignore[misc]

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


class _Taken:
    """Numbers and hashes of siblings, each looked at once: the time to add many grows as they do."""

    def __init__(self) -> None:
        self.numbers: set[int] = set()
        self.hashes: set[str] = set()
        self.highest = self._count = 0
        self._last: Any = None

    def look(self, siblings: Sequence[Any]) -> None:
        """Look at the siblings that are new; at all if others are gone."""
        if self._count and (len(siblings) < self._count or siblings[self._count - 1] is not self._last):
            self.__init__()  # type: ignore[misc]
        for sibling in siblings[self._count :]:
            number = sibling.uid if isinstance(sibling.uid, int) else sibling.uid[-1]
            self.numbers.add(number)
            self.hashes.add(sibling.feature_node_hash)
            self.highest = max(self.highest, number) if self._count else number
            self._count += 1
            self._last = sibling


def _new_place(
    owner: _Keeping, name: str, number: int | None, hash_: str | None, *, top_level: bool = False
) -> tuple[int, str]:
    """Return number and hash of a new element among its siblings.

    They are the ones wanted, or the number after the highest, and a random hash. What was written over in a sibling
    that was there before is not noticed.
    """
    owner._taken = owner._taken if owner._taken is not None else {}
    taken = owner._taken.setdefault(name, _Taken())
    taken.look(getattr(owner, name))
    if number is not None and number in taken.numbers:
        raise ValueError(f"The id {number} is taken by a sibling.")
    if hash_ is not None and hash_ in taken.hashes:
        raise ValueError(f"The hash {hash_!r} is taken by a sibling.")
    if hash_ is None:
        hash_ = _object_hash_str() if top_level else short_uuid_str()
    return taken.highest + 1 if number is None else number, hash_


def _nested_id_from_text(text: str) -> NestedID:
    return [int(part) for part in str(text).split(".")]


def _text_from_nested_id(uid: NestedID) -> str:
    return ".".join(map(str, uid))


def _unknown_keys(d: dict[str, Any], known: frozenset[str]) -> dict[str, Any] | None:
    """Return the entries whose keys are not known, None if there are none."""
    if d.keys() <= known:
        return None
    return {key: value for key, value in d.items() if key not in known}
