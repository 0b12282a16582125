"""Index of the attributes below an object or a classification.

Built per ontology element on first use, and rebuilt on an unknown attribute, since the tree may grow.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.objects.attributes import Attribute, RadioAttribute

if TYPE_CHECKING:
    from encord_convert.sdk.objects.options import NestableOption

Path = tuple[tuple[RadioAttribute, "NestableOption"], ...]
"""The radio attributes above a nested one, outermost first, each with the option that leads on."""


class AnswerIndex:
    """The attributes below one element, depth-first.

    Attributes
    ----------
    attributes : dict
        Hash to the first attribute with it, in depth-first order.
    paths : dict
        Hash to the path that leads to the attribute; empty for a top-level one.
    places : dict
        Hash to the number of the attribute in depth-first order, from 0.
    """

    __slots__ = ("attributes", "paths", "places")

    def __init__(self, attributes: Sequence[Attribute]) -> None:
        self.attributes: dict[str, Attribute] = {}
        self.paths: dict[str, Path] = {}
        self._add(attributes, ())
        self.places = {hash_: place for place, hash_ in enumerate(self.attributes)}

    def _add(self, attributes: Sequence[Attribute], path: Path) -> None:
        for attribute in attributes:
            if attribute.feature_node_hash not in self.attributes:
                self.attributes[attribute.feature_node_hash] = attribute
                self.paths[attribute.feature_node_hash] = path
            if isinstance(attribute, RadioAttribute):
                for option in attribute.options:
                    if option.nested_options:
                        self._add(option.nested_options, (*path, (attribute, option)))


class Answerable:
    """Mixed into the ontology elements whose instances are answered: keeps the index."""

    attributes: list[Attribute]
    _index: AnswerIndex | None = None

    def _answer_index(self, *, fresh: bool = False) -> AnswerIndex:
        index = self._index
        if index is None or fresh:
            index = self._index = AnswerIndex(self.attributes)
        return index

    def _attribute(self, feature_node_hash: str) -> Attribute | None:
        """Return the first attribute below with this hash, None if there is none."""
        found = self._answer_index().attributes.get(feature_node_hash)
        if found is None:
            found = self._answer_index(fresh=True).attributes.get(feature_node_hash)
        return found

    def _in_order(self, answers: dict[str, tuple[Attribute, Any]]) -> list[tuple[Attribute, Any]]:
        """Return answers, keyed by the attribute's hash, in depth-first order."""
        if len(answers) < 2:
            return list(answers.values())
        places = self._answer_index().places
        if not answers.keys() <= places.keys():
            places = self._answer_index(fresh=True).places
        return [answers[hash_] for hash_ in sorted(answers, key=lambda hash_: places.get(hash_, len(places)))]
