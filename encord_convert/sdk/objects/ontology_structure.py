"""The structure of an ontology: objects and classifications in order."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from encord_convert.sdk.exceptions import OntologyError
from encord_convert.sdk.objects._colors import next_color
from encord_convert.sdk.objects._skeleton_template import SkeletonTemplate
from encord_convert.sdk.objects.classification import Classification
from encord_convert.sdk.objects.common import Shape
from encord_convert.sdk.objects.ontology_element import (
    OntologyElement,
    OntologyElementT,
    OntologyNestedElement,
    _descendants,
    _Keeping,
    _new_place,
    _the_only,
    _title_of,
    _unknown_keys,
)
from encord_convert.sdk.objects.ontology_object import Object
from encord_convert.sdk.objects.utils import checked_cast, does_type_match

__all__ = [
    "Classification",
    "Object",
    "OntologyElement",
    "OntologyNestedElement",
    "OntologyStructure",
    "Shape",
    "checked_cast",
    "does_type_match",
]

_KNOWN = frozenset({"objects", "classifications", "skeleton_templates"})


@dataclass
class OntologyStructure(_Keeping):
    """The classes that labels are drawn with.

    Attributes
    ----------
    skeleton_templates : list of SkeletonTemplate
        The points of each skeleton object; the template of an object has its name.
    """

    objects: list[Object] = field(default_factory=list)
    classifications: list[Classification] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.skeleton_templates: list[SkeletonTemplate] = []
        self._known: dict[str, Object | Classification] = {}
        self._known_count = 0

    def __repr__(self) -> str:
        return f"OntologyStructure(objects={len(self.objects)}, classifications={len(self.classifications)})"

    def get_child_by_hash(
        self, feature_node_hash: str, type_: type[OntologyElementT] | None = None
    ) -> OntologyElementT:
        """Return the first part, at any depth, with this hash.

        Objects first, each followed depth-first by its attributes; then classifications likewise.

        Raises
        ------
        OntologyError
            There is none.
        TypeError
            It is of another type than ``type_``.
        """
        for element in self._elements():
            if element.feature_node_hash == feature_node_hash:
                return checked_cast(element, type_)
            for below in _descendants(element):
                if below.feature_node_hash == feature_node_hash:
                    return checked_cast(below, type_)
        raise OntologyError(f"Nothing in the ontology has the hash {feature_node_hash!r}.")

    def get_child_by_title(self, title: str, type_: type[OntologyElementT] | None = None) -> OntologyElementT:
        """Return the one part with this title and type.

        Without a type the title of a classification is always there twice: its attribute has it too.

        Raises
        ------
        OntologyError
            There is none, or more than one.
        """
        return _the_only(self.get_children_by_title(title, type_), title, "the ontology")  # type: ignore[no-any-return]

    def get_children_by_title(self, title: str, type_: type[OntologyElementT] | None = None) -> list[OntologyElementT]:
        """Return the parts with this title and type, in order; attributes and options are only looked at if asked for.

        They are asked for by naming no type, or a type of attribute or option.
        """
        deep = type_ is None or issubclass(type_, OntologyNestedElement)
        found = []
        for element in self._elements():
            candidates: Sequence[OntologyElement] = [element, *_descendants(element)] if deep else [element]
            found += [each for each in candidates if _title_of(each) == title and does_type_match(each, type_)]
        return found  # type: ignore[return-value]

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> OntologyStructure:
        """Return the structure a JSON form describes. Ids and hashes are taken as they are, also if they repeat.

        Raises
        ------
        KeyError
            A key is missing.
        TypeError
            A shape or a kind of attribute is unknown.
        ValueError
            An id is not made of integers.
        """
        return cls._of([Object.from_dict(object_) for object_ in d["objects"]], d)

    @classmethod
    def _from_dict(cls, d: dict[str, Any]) -> OntologyStructure:
        """Return the structure a JSON form describes; classes of a shape nobody knows yet are carried."""
        return cls._of([Object._from_dict(object_) for object_ in d["objects"]], d)

    @classmethod
    def _of(cls, objects: list[Object], d: dict[str, Any]) -> OntologyStructure:
        structure = cls(
            objects=objects,
            classifications=[Classification.from_dict(classification) for classification in d["classifications"]],
        )
        structure.skeleton_templates = [
            SkeletonTemplate.from_dict(template["template"]) for template in d.get("skeleton_templates") or ()
        ]
        structure._extras = _unknown_keys(d, _KNOWN)
        return structure

    def to_dict(self) -> dict[str, list[dict[str, Any]]]:
        """Return the JSON form."""
        d: dict[str, list[dict[str, Any]]] = {
            "objects": [object_.to_dict() for object_ in self.objects],
            "classifications": [classification.to_dict() for classification in self.classifications],
        }
        if self.skeleton_templates:
            d["skeleton_templates"] = [{"template": template.to_dict()} for template in self.skeleton_templates]
        return d | (self._extras or {})

    def add_object(
        self,
        name: str,
        shape: Shape,
        uid: int | None = None,
        color: str | None = None,
        feature_node_hash: str | None = None,
    ) -> Object:
        """Add an object at the end.

        Parameters
        ----------
        name : str
        shape : Shape
        uid : int, optional
            By default the highest id and one more, from 1; gaps are not filled.
        color : str, optional
            By default the colour of the palette after that of the last object.
        feature_node_hash : str, optional
            By default 8 random hexadecimal digits.

        Raises
        ------
        ValueError
            An object has the id or the hash; nothing was added.
        """
        number, hash_ = _new_place(self, "objects", uid, feature_node_hash, top_level=True)
        one = Object(
            uid=number,
            name=name,
            color=color if color is not None else next_color(self.objects),
            shape=shape,
            feature_node_hash=hash_,
        )
        if color is None:
            one._default_color = one.color
        self.objects.append(one)
        return one

    def add_classification(self, uid: int | None = None, feature_node_hash: str | None = None) -> Classification:
        """Add a classification at the end; its attribute, which names it, is for the caller to add.

        Parameters
        ----------
        uid : int, optional
            By default the highest id and one more, from 1; gaps are not filled.
        feature_node_hash : str, optional
            By default 8 random hexadecimal digits.

        Raises
        ------
        ValueError
            A classification has the id or the hash; nothing was added.
        """
        number, hash_ = _new_place(self, "classifications", uid, feature_node_hash, top_level=True)
        one = Classification(uid=number, feature_node_hash=hash_, attributes=[])
        self.classifications.append(one)
        return one

    def _elements(self) -> Iterator[Object | Classification]:
        yield from self.objects
        yield from self.classifications

    def _feature(self, feature_node_hash: str, type_: type[OntologyElementT]) -> OntologyElementT:
        """Return an object or classification as :meth:`get_child_by_hash` does, remembering where they are."""
        count = len(self.objects) + len(self.classifications)
        if self._known_count != count:
            self._known = {element.feature_node_hash: element for element in reversed([*self._elements()])}
            self._known_count = count
        found = self._known.get(feature_node_hash)
        if type(found) is type_ and found.feature_node_hash == feature_node_hash:
            return found
        return self.get_child_by_hash(feature_node_hash, type_)
