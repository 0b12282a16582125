"""Classifications of an ontology: what can be said of a whole frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from encord_convert.sdk.exceptions import OntologyError
from encord_convert.sdk.objects._answer_index import Answerable
from encord_convert.sdk.objects.attributes import (
    Attribute,
    _new_attribute,
    attribute_from_dict,
    attributes_to_list_dict,
)
from encord_convert.sdk.objects.ontology_element import OntologyElement, _unknown_keys

if TYPE_CHECKING:
    from encord_convert.sdk.objects.classification_instance import ClassificationInstance

T = TypeVar("T", bound=Attribute)

_KNOWN = frozenset({"id", "featureNodeHash", "attributes"})


class _NoTitleError(OntologyError, IndexError):
    """A classification without an attribute has no title."""


@dataclass
class Classification(Answerable, OntologyElement):
    """A question about a whole frame: one attribute, whose name is the classification's title.

    Parameters
    ----------
    feature_node_hash : str
    uid : int
    attributes : list of Attribute
        One, which names the classification; none while it is being built.
    """

    uid: int
    attributes: list[Attribute]

    def __hash__(self) -> int:
        return hash(self.feature_node_hash)

    @property
    def title(self) -> str:
        """The name of its attribute.

        Raises
        ------
        OntologyError
            It has none yet.
        """
        if not self.attributes:
            raise _NoTitleError(
                f"The classification {self.feature_node_hash!r} has no attribute, which would name it. Add one."
            )
        return self.attributes[0].name

    @property
    def children(self) -> Sequence[OntologyElement]:
        """The attribute."""
        return self.attributes

    def create_instance(self) -> ClassificationInstance:
        """Return a new classification of this kind, on no frame and in no label row."""
        from encord_convert.sdk.objects.classification_instance import ClassificationInstance

        return ClassificationInstance(self)

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Classification:
        """Return the classification a JSON form describes.

        Raises
        ------
        KeyError
            A key is missing.
        ValueError
            The id is no integer.
        """
        one = cls(
            uid=int(d["id"]),
            feature_node_hash=d["featureNodeHash"],
            attributes=[attribute_from_dict(attribute) for attribute in d["attributes"]],
        )
        one._extras = _unknown_keys(d, _KNOWN)
        return one

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        d: dict[str, Any] = {"id": str(self.uid), "featureNodeHash": self.feature_node_hash}
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
    ) -> T:
        """Add the attribute; it is never dynamic.

        Parameters
        ----------
        cls : type
            ``RadioAttribute``, ``ChecklistAttribute`` or ``TextAttribute``.
        name : str
            Also the title of the classification.
        local_uid : int, optional
            The last number of its id; by default 1.
        feature_node_hash : str, optional
            By default 8 random base64 characters.
        required : bool

        Raises
        ------
        ValueError
            There is one already.
        """
        if self.attributes:
            raise ValueError(f"The classification {self.title!r} has its attribute already; it takes one.")
        return _new_attribute(
            cls, self, "attributes", [self.uid], name, local_uid, feature_node_hash, required, dynamic=False
        )


def __getattr__(name: str) -> Any:
    """Resolve the documented second address of ``ClassificationInstance``."""
    if name == "ClassificationInstance":
        return import_module("encord_convert.sdk.objects.classification_instance").ClassificationInstance
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


# The reference lists the type variable of `add_attribute` as a member.
Classification.T = T  # type: ignore[attr-defined]
