"""Options: what radio and checklist attributes are answered with."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from encord_convert.sdk.objects.ontology_element import (
    OntologyElement,
    OntologyNestedElement,
    _nested_id_from_text,
    _text_from_nested_id,
    _unknown_keys,
)

if TYPE_CHECKING:
    from encord_convert.sdk.objects.attributes import Attribute

AttributeType = TypeVar("AttributeType", bound="Attribute")

_KNOWN = frozenset({"id", "label", "value", "featureNodeHash", "options"})


@dataclass
class Option(OntologyNestedElement):
    """One of the answers an attribute offers.

    Parameters
    ----------
    feature_node_hash : str
    uid : list of int
    label : str
        What people read.
    value : str
        What is stored.
    """

    label: str
    value: str

    @property
    def title(self) -> str:
        """The label."""
        return self.label

    @abstractmethod
    def is_nestable(self) -> bool:
        """Return whether choosing it can bring further questions."""

    @property
    def attributes(self) -> list[Attribute]:
        """The questions that choosing it brings."""
        return []

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        d: dict[str, Any] = {
            "id": _text_from_nested_id(self.uid),
            "label": self.label,
            "value": self.value,
            "featureNodeHash": self.feature_node_hash,
        }
        if self.attributes:
            d["options"] = [attribute.to_dict() for attribute in self.attributes]
        if self._extras is not None:
            d.update(self._extras)
        return d


@dataclass
class FlatOption(Option):
    """An option of a checklist."""

    def is_nestable(self) -> bool:
        """Return False: choosing it brings no further questions."""
        return False

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> FlatOption:
        """Return the option a JSON form describes. Attributes nested below it are ignored."""
        option = cls(
            feature_node_hash=d["featureNodeHash"],
            uid=_nested_id_from_text(d["id"]),
            label=d["label"],
            value=d["value"],
        )
        option._extras = _unknown_keys(d, _KNOWN)
        return option


@dataclass
class NestableOption(Option):
    """An option of a radio attribute.

    Parameters
    ----------
    nested_options : list of Attribute
        The questions that choosing it brings. The name is the one the platform uses.
    """

    nested_options: list[Attribute] = field(default_factory=list)

    def __hash__(self) -> int:
        return hash(self.feature_node_hash)

    def is_nestable(self) -> bool:
        """Return True: choosing it can bring further questions."""
        return True

    @property
    def attributes(self) -> list[Attribute]:
        """The questions that choosing it brings."""
        return self.nested_options

    @property
    def children(self) -> Sequence[OntologyElement]:
        """The questions that choosing it brings."""
        return self.nested_options

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> NestableOption:
        """Return the option a JSON form describes."""
        from encord_convert.sdk.objects.attributes import attribute_from_dict

        option = cls(
            feature_node_hash=d["featureNodeHash"],
            uid=_nested_id_from_text(d["id"]),
            label=d["label"],
            value=d["value"],
            nested_options=[attribute_from_dict(item) for item in d.get("options") or ()],
        )
        option._extras = _unknown_keys(d, _KNOWN)
        return option

    def add_nested_option(
        self,
        cls: type[AttributeType],
        name: str,
        local_uid: int | None = None,
        feature_node_hash: str | None = None,
        required: bool = False,
    ) -> AttributeType:
        """Add a question under its old name: use :meth:`add_nested_attribute`."""
        warnings.warn(
            "add_nested_option adds an attribute. Use add_nested_attribute.", DeprecationWarning, stacklevel=2
        )
        return self.add_nested_attribute(cls, name, local_uid, feature_node_hash, required)

    def add_nested_attribute(
        self,
        cls: type[AttributeType],
        name: str,
        local_uid: int | None = None,
        feature_node_hash: str | None = None,
        required: bool = False,
    ) -> AttributeType:
        """Add a question that choosing this option brings; it is never dynamic.

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

        Raises
        ------
        ValueError
            A sibling has the number or the hash; nothing was added.
        """
        from encord_convert.sdk.objects.attributes import _new_attribute

        return _new_attribute(
            cls, self, "nested_options", self.uid, name, local_uid, feature_node_hash, required, dynamic=False
        )


def __getattr__(name: str) -> Any:
    """Resolve the names that attributes share with this module."""
    if name in ("Attribute", "attribute_from_dict", "attributes_to_list_dict"):
        return getattr(import_module("encord_convert.sdk.objects.attributes"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
