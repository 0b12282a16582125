"""Attributes: the questions an object or a classification can be asked."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from encord_convert.sdk.objects.common import NewerPropertyType, PropertyType
from encord_convert.sdk.objects.ontology_element import (
    NestedID,
    OntologyElement,
    OntologyNestedElement,
    _nested_id_from_text,
    _new_place,
    _text_from_nested_id,
    _unknown_keys,
)
from encord_convert.sdk.objects.options import FlatOption, NestableOption, Option

OptionType = TypeVar("OptionType", bound=Option)
AttributeType = TypeVar("AttributeType", bound="Attribute")

_KNOWN = frozenset({"id", "name", "type", "featureNodeHash", "required", "dynamic", "options"})


class Attribute(OntologyNestedElement):
    """A question. Two attributes are equal if their ids and hashes are; nothing else is compared.

    Parameters
    ----------
    uid : list of int
        The parent's id and one number more.
    feature_node_hash : str
    name : str
    required : bool
        Whether the platform insists on an answer; nothing here does.
    dynamic : bool
        Whether the answer may change from frame to frame. Means something directly under an object only.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, uid: NestedID, feature_node_hash: str, name: str, required: bool, dynamic: bool) -> None:
        super().__init__(feature_node_hash, uid)
        self.name = name
        self.required = required
        self.dynamic = dynamic

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Attribute):
            return NotImplemented
        return self.uid == other.uid and self.feature_node_hash == other.feature_node_hash

    @property
    def options(self) -> Sequence[Any]:
        """The options to choose from, in order; none for text."""
        return []

    @property
    def title(self) -> str:
        """The name."""
        return self.name

    @staticmethod
    @abstractmethod
    def get_property_type() -> PropertyType:
        """Return the kind of attribute."""

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        d: dict[str, Any] = {
            "id": _text_from_nested_id(self.uid),
            "name": self.name,
            "type": self.get_property_type().value,
            "featureNodeHash": self.feature_node_hash,
            "required": self.required,
            "dynamic": self.dynamic,
        }
        if self.options:
            d["options"] = [option.to_dict() for option in self.options]
        if self._extras is not None:
            d.update(self._extras)
        return d

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> Attribute:
        """Return the attribute a JSON form describes, of whichever kind it names.

        Raises
        ------
        TypeError
            The kind is unknown.
        KeyError
            A key is missing.
        ValueError
            The id is not made of integers.
        """
        return attribute_from_dict(d)

    @classmethod
    def _parse(cls, d: dict[str, Any]) -> Attribute:
        return cls(
            uid=_nested_id_from_text(d["id"]),
            feature_node_hash=d["featureNodeHash"],
            name=d["name"],
            required=d["required"],
            dynamic=d.get("dynamic", False),
        )


class _ChoiceAttribute(Attribute, Generic[OptionType]):
    """An attribute answered with its own options."""

    _option_type: type[OptionType]

    def __init__(
        self,
        uid: NestedID,
        feature_node_hash: str,
        name: str,
        required: bool,
        dynamic: bool,
        options: list[OptionType] | None = None,
    ) -> None:
        super().__init__(uid, feature_node_hash, name, required, dynamic)
        self._options: list[OptionType] = options if options is not None else []
        self._options_by_hash: dict[str, OptionType] = {}

    @property
    def options(self) -> Sequence[OptionType]:
        """The options to choose from, in order."""
        return self._options

    @property
    def children(self) -> Sequence[OntologyElement]:
        """The options."""
        return self._options

    def _option(self, feature_node_hash: str) -> OptionType | None:
        """Return the first option of this attribute with the hash, None if there is none."""
        if len(self._options_by_hash) != len(self._options):
            self._options_by_hash = {option.feature_node_hash: option for option in reversed(self._options)}
        return self._options_by_hash.get(feature_node_hash)

    def _add_option(
        self, label: str, value: str | None, local_uid: int | None, feature_node_hash: str | None
    ) -> OptionType:
        number, hash_ = _new_place(self, "_options", local_uid, feature_node_hash)
        option = self._option_type(
            uid=[*self.uid, number],
            feature_node_hash=hash_,
            label=label,
            value=value or _value_from_label(label),
        )
        self._options.append(option)
        return option

    @classmethod
    def _parse(cls, d: dict[str, Any]) -> Attribute:
        return cls(
            uid=_nested_id_from_text(d["id"]),
            feature_node_hash=d["featureNodeHash"],
            name=d["name"],
            required=d["required"],
            dynamic=d.get("dynamic", False),
            options=[cls._option_type.from_dict(option) for option in d.get("options") or ()],  # type: ignore[attr-defined]
        )


class RadioAttribute(_ChoiceAttribute[NestableOption]):
    """A question answered with one option, which may bring questions of its own.

    Parameters
    ----------
    options : list of NestableOption, optional
    """

    _option_type = NestableOption

    @staticmethod
    def get_property_type() -> PropertyType:
        """Return the kind of attribute."""
        return PropertyType.RADIO

    def add_option(
        self,
        label: str,
        value: str | None = None,
        local_uid: int | None = None,
        feature_node_hash: str | None = None,
    ) -> NestableOption:
        """Add an option at the end.

        Parameters
        ----------
        label : str
            What people read.
        value : str, optional
            The stored text; by default the label in lower case, each white space character an underscore.
        local_uid : int, optional
            The last number of its id; by default the highest sibling's and one more.
        feature_node_hash : str, optional
            By default 8 random base64 characters.

        Raises
        ------
        ValueError
            A sibling has the number or the hash; nothing was added.
        """
        return self._add_option(label, value, local_uid, feature_node_hash)


class ChecklistAttribute(_ChoiceAttribute[FlatOption]):
    """A question answered with any number of options.

    Parameters
    ----------
    options : list of FlatOption, optional
    """

    _option_type = FlatOption

    @staticmethod
    def get_property_type() -> PropertyType:
        """Return the kind of attribute."""
        return PropertyType.CHECKLIST

    def add_option(
        self,
        label: str,
        value: str | None = None,
        local_uid: int | None = None,
        feature_node_hash: str | None = None,
    ) -> FlatOption:
        """Add an option at the end; the parameters are those of :meth:`RadioAttribute.add_option`."""
        return self._add_option(label, value, local_uid, feature_node_hash)


class TextAttribute(Attribute):
    """A question answered with text."""

    @staticmethod
    def get_property_type() -> PropertyType:
        """Return the kind of attribute."""
        return PropertyType.TEXT


class NumericAttribute(Attribute):
    """A question answered with a number. Newer than the documented SDK."""

    @staticmethod
    def get_property_type() -> PropertyType:
        """Return the kind of attribute."""
        return NewerPropertyType.NUMERIC  # type: ignore[return-value]


_BY_TYPE: dict[str, type[Attribute]] = {
    c.get_property_type().value: c for c in (RadioAttribute, ChecklistAttribute, TextAttribute, NumericAttribute)
}


def attribute_from_dict(d: dict[str, Any]) -> Attribute:
    """Return the attribute a JSON form describes.

    Raises
    ------
    TypeError
        The kind is unknown.
    KeyError
        A key is missing.
    ValueError
        The id is not made of integers.
    """
    cls = _BY_TYPE.get(d["type"])
    if cls is None:
        raise TypeError(f"An attribute is of type {', '.join(_BY_TYPE)}, not {d['type']!r}.")
    attribute = cls._parse(d)
    attribute._extras = _unknown_keys(d, _KNOWN)
    return attribute


def attributes_to_list_dict(attributes: list[Attribute]) -> list[dict[str, Any]]:
    """Return the JSON forms of attributes, in order."""
    return [attribute.to_dict() for attribute in attributes]


def _value_from_label(label: str) -> str:
    return "".join("_" if character.isspace() else character for character in label).lower()


def _new_attribute(
    cls: type[AttributeType],
    owner: OntologyElement,
    siblings: str,
    parent_uid: NestedID,
    name: str,
    local_uid: int | None,
    feature_node_hash: str | None,
    required: bool,
    dynamic: bool,
) -> AttributeType:
    """Add an attribute to the end of the siblings, a list its owner has, numbered below its parent."""
    number, hash_ = _new_place(owner, siblings, local_uid, feature_node_hash)
    attribute = cls(
        uid=[*parent_uid, number],
        feature_node_hash=hash_,
        name=name,
        required=required,
        dynamic=dynamic,
    )
    getattr(owner, siblings).append(attribute)
    return attribute
