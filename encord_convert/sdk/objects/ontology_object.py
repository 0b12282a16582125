"""Objects of an ontology: what can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from encord_convert.sdk.objects._answer_index import Answerable
from encord_convert.sdk.objects._colors import Coloured
from encord_convert.sdk.objects.attributes import (
    Attribute,
    _new_attribute,
    attribute_from_dict,
    attributes_to_list_dict,
)
from encord_convert.sdk.objects.common import NewerShape, Shape
from encord_convert.sdk.objects.ontology_element import OntologyElement, _unknown_keys

if TYPE_CHECKING:
    from encord_convert.sdk.objects.ontology_object_instance import ObjectInstance

T = TypeVar("T", bound=Attribute)

_KNOWN = frozenset({"id", "name", "color", "shape", "featureNodeHash", "attributes"})


@dataclass
class Object(Coloured, Answerable, OntologyElement):
    """A class of objects with one shape.

    Parameters
    ----------
    feature_node_hash : str
    uid : int
    name : str
    color : str
        Normally ``#RRGGBB``; never checked.
    shape : Shape
    attributes : list of Attribute
    """

    uid: int
    name: str
    color: str
    shape: Shape
    attributes: list[Attribute] = field(default_factory=list)

    @property
    def title(self) -> str:
        """The name."""
        return self.name

    @property
    def children(self) -> Sequence[OntologyElement]:
        """The attributes."""
        return self.attributes

    def create_instance(self) -> ObjectInstance:
        """Return a new object of this class, on no frame and in no label row."""
        from encord_convert.sdk.objects.ontology_object_instance import ObjectInstance

        return ObjectInstance(self)

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Object:
        """Return the object a JSON form describes.

        Raises
        ------
        TypeError
            The shape is unknown.
        KeyError
            A key is missing.
        ValueError
            The id is no integer.
        """
        if Shape.from_string(d["shape"]) is None and NewerShape.from_string(d["shape"]) is None:
            known = [item.value for item in (*Shape, *NewerShape)]
            raise TypeError(f"The shape of an object is one of {', '.join(known)}, not {d['shape']!r}.")
        return cls._from_dict(d)

    @classmethod
    def _from_dict(cls, d: dict[str, Any]) -> Object:
        """Return the object a JSON form describes; a shape nobody knows yet is carried."""
        text = d["shape"]
        if not isinstance(text, str):
            raise TypeError(f"The shape of an object is a text, not {text!r}.")
        shape = Shape.from_string(text) or NewerShape.carried(text)
        one = cls(
            uid=int(d["id"]),
            name=d["name"],
            color=d["color"],
            shape=shape,  # type: ignore[arg-type]
            feature_node_hash=d["featureNodeHash"],
            attributes=[attribute_from_dict(attribute) for attribute in d.get("attributes") or ()],
        )
        one._extras = _unknown_keys(d, _KNOWN)
        return one

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        d: dict[str, Any] = {
            "id": str(self.uid),
            "name": self.name,
            "color": self.color,
            "shape": self.shape.value,
            "featureNodeHash": self.feature_node_hash,
        }
        if self.attributes:
            d["attributes"] = attributes_to_list_dict(self.attributes)
        if self._extras is not None:
            d.update(self._extras)
        return d

    def add_attribute(
        self,
        cls: type[T],
        name: str,
        local_uid: int | None = None,
        feature_node_hash: str | None = None,
        required: bool = False,
        dynamic: bool = False,
    ) -> T:
        """Add an attribute at the end.

        Parameters
        ----------
        cls : type
            ``RadioAttribute``, ``ChecklistAttribute`` or ``TextAttribute``.
        name : str
        local_uid : int, optional
            The last number of its id; by default the highest sibling's and one more.
        feature_node_hash : str, optional
            By default 8 random base64 characters.
        required : bool
        dynamic : bool
            Whether the answer may change from frame to frame.

        Raises
        ------
        ValueError
            A sibling has the number or the hash; nothing was added.
        """
        return _new_attribute(
            cls, self, "attributes", [self.uid], name, local_uid, feature_node_hash, required, dynamic
        )


def __getattr__(name: str) -> Any:
    """Resolve the documented second address of ``ObjectInstance``."""
    if name == "ObjectInstance":
        return import_module("encord_convert.sdk.objects.ontology_object_instance").ObjectInstance
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# The reference lists the type variable of `add_attribute` as a member.
Object.T = T  # type: ignore[attr-defined]
