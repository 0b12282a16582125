"""Answers as objects: an attribute and what is answered to it.

Label rows keep answers in a leaner form; these are what :meth:`ClassificationInstance.get_all_static_answers` and
:meth:`DynamicAnswerManager.get_all_answers` give out.
"""

from __future__ import annotations

import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any, Generic, TypeVar, cast

from encord_convert.sdk.objects._answer_values import (
    answer_to_json,
    checked_value,
    in_ontology_order,
    value_from_json,
    value_key,
)
from encord_convert.sdk.objects.attributes import (
    Attribute,
    ChecklistAttribute,
    NumericAttribute,
    RadioAttribute,
    TextAttribute,
)
from encord_convert.sdk.objects.frames import Ranges, ranges_to_list
from encord_convert.sdk.objects.options import FlatOption, NestableOption
from encord_convert.sdk.objects.utils import short_uuid_str

__all__ = [
    "Answer",
    "Attribute",
    "ChecklistAnswer",
    "ChecklistAttribute",
    "FlatOption",
    "NestableOption",
    "RadioAnswer",
    "RadioAttribute",
    "TextAnswer",
    "TextAttribute",
    "get_default_answer_from_attribute",
    "ranges_to_list",
    "short_uuid_str",
]

ValueType = TypeVar("ValueType")
AttributeType = TypeVar("AttributeType", bound=Attribute)

Hashes = set[str]

_UNSET: Any = object()


class Answer(ABC, Generic[ValueType, AttributeType]):
    """What is answered to an attribute, if anything.

    Parameters
    ----------
    ontology_attribute : Attribute
    track_hash : str, optional
        Ties dynamic answers together on the platform; by default 8 random base64 characters.
    """

    _ontology_attribute: AttributeType

    def __init__(self, ontology_attribute: AttributeType, track_hash: str | None = None) -> None:
        self._ontology_attribute = ontology_attribute
        self._track_hash = track_hash or short_uuid_str()
        self._is_manual_annotation = True
        self._value: Any = _UNSET

    def is_answered(self) -> bool:
        """Return whether there is an answer."""
        return self._value is not _UNSET

    def unset(self) -> None:
        """Take the answer back."""
        self._value = _UNSET

    @property
    def is_dynamic(self) -> bool:
        """Whether the attribute is dynamic; setting it raises ``RuntimeError``."""
        return self._ontology_attribute.dynamic

    @is_dynamic.setter
    def is_dynamic(self, value: bool) -> None:
        raise RuntimeError("Whether an answer is dynamic is its attribute's to say.")

    @property
    def is_manual_annotation(self) -> bool:
        """Whether a person gave it."""
        return self._is_manual_annotation

    @is_manual_annotation.setter
    def is_manual_annotation(self, value: bool) -> None:
        self._is_manual_annotation = value

    @property
    def ontology_attribute(self) -> AttributeType:
        """The attribute; setting it raises ``RuntimeError``."""
        return self._ontology_attribute

    @ontology_attribute.setter
    def ontology_attribute(self, value: AttributeType) -> None:
        raise RuntimeError("An answer belongs to its attribute for good. Make another answer.")

    @abstractmethod
    def set(self, value: ValueType) -> None:
        """Answer."""

    def get(self) -> ValueType:
        """Return the answer.

        Raises
        ------
        ValueError
            There is none.
        """
        if self._value is _UNSET:
            raise ValueError(f"{self._ontology_attribute.name!r} is not answered.")
        return cast(ValueType, self._public())

    def _public(self) -> Any:
        return self._value

    def to_encord_dict(self, ranges: Ranges | None = None) -> dict[str, Any] | None:
        """Return the JSON form; None if there is no answer.

        Parameters
        ----------
        ranges : list of Range, optional
            The frames of a dynamic answer.

        Raises
        ------
        ValueError
            The answer is dynamic and there are no ranges.
        """
        if self._value is _UNSET:
            return None
        d = answer_to_json(self._ontology_attribute, self._value, None)
        d["manualAnnotation"] = self._is_manual_annotation
        if self.is_dynamic:
            if ranges is None:
                raise ValueError(f"{self._ontology_attribute.name!r} is dynamic: its answer needs ranges of frames.")
            d |= {
                "dynamic": True,
                "range": ranges_to_list(ranges),
                "shouldPropagate": False,
                "trackHash": self._track_hash,
            }
        return d

    def from_dict(self, d: dict[str, Any]) -> None:
        """Take the answer of a JSON form.

        Raises
        ------
        ValueError
            It is for another attribute, or names an option the attribute does not have.
        """
        if d["featureHash"] != self._ontology_attribute.feature_node_hash:
            raise ValueError(f"This answers {d['featureHash']!r}, not {self._ontology_attribute.name!r}.")
        value = value_from_json(self._ontology_attribute, d["answers"], ValueError)
        if value is not None:
            self._value = value
        self._is_manual_annotation = d.get("manualAnnotation", True)

    def _key(self) -> Any:
        value = None if self._value is _UNSET else value_key(self._value)
        return self._ontology_attribute.feature_node_hash, self.is_answered(), value

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Answer):
            return NotImplemented
        return bool(self._key() == other._key())

    def __hash__(self) -> int:
        return hash(self._key())


class TextAnswer(Answer[str, TextAttribute]):
    """An answer of text."""

    def __init__(self, ontology_attribute: TextAttribute) -> None:
        super().__init__(ontology_attribute)

    def __repr__(self) -> str:
        return f"TextAnswer({self._value if self.is_answered() else None})"

    def set(self, value: str) -> None:
        """Answer with text; anything else raises ``ValueError``."""
        self._value = checked_value(self._ontology_attribute, value)

    def get_value(self) -> str | None:
        """Return the text, None if there is no answer."""
        return self._value if self.is_answered() else None

    def copy_from(self, text_answer: TextAnswer) -> None:
        """Take over the answer to the same attribute, answered or not."""
        _check_same_attribute(self, text_answer)
        self._value = text_answer._value


class _NumericAnswer(Answer[float, NumericAttribute]):
    """An answer of a number, which only newer servers write."""

    def __repr__(self) -> str:
        return f"_NumericAnswer({self._value if self.is_answered() else None})"

    def set(self, value: float) -> None:
        """Answer with a number; anything else raises ``ValueError``."""
        self._value = checked_value(self._ontology_attribute, value)


class RadioAnswer(Answer[NestableOption, RadioAttribute]):
    """An answer of one option."""

    def __init__(self, ontology_attribute: RadioAttribute) -> None:
        super().__init__(ontology_attribute)

    def __repr__(self) -> str:
        return f"RadioAnswer({self._value if self.is_answered() else None})"

    def set(self, value: NestableOption) -> None:
        """Answer with an option of the attribute; anything else raises ``ValueError``."""
        self._value = checked_value(self._ontology_attribute, value)

    def get_value(self) -> NestableOption | None:
        """Return the option, None if there is no answer."""
        return self._value if self.is_answered() else None

    def copy_from(self, radio_answer: RadioAnswer) -> None:
        """Take over the answer to the same attribute, answered or not."""
        _check_same_attribute(self, radio_answer)
        self._value = radio_answer._value


class ChecklistAnswer(Answer[list[FlatOption], ChecklistAttribute]):
    """An answer of any number of options."""

    def __init__(self, ontology_attribute: ChecklistAttribute) -> None:
        super().__init__(ontology_attribute)

    def __repr__(self) -> str:
        chosen = self._hashes()
        flags = [(option.feature_node_hash, option.feature_node_hash in chosen) for option in self._options()]
        return f"ChecklistAnswer({flags})"

    def _options(self) -> Iterable[FlatOption]:
        return self._ontology_attribute.options

    def _hashes(self) -> Hashes:
        return {option.feature_node_hash for option in self._value} if self.is_answered() else Hashes()

    def _public(self) -> list[FlatOption]:
        return list(self._value)

    def check_options(self, values: Iterable[FlatOption]) -> None:
        """Choose options besides those chosen already."""
        self._choose(self._hashes() | {option.feature_node_hash for option in self._checked(values)})

    def uncheck_options(self, values: Iterable[FlatOption]) -> None:
        """Take options back; the attribute stays answered."""
        self._choose(self._hashes() - {option.feature_node_hash for option in self._checked(values)})

    def _checked(self, values: Iterable[FlatOption]) -> list[FlatOption]:
        options = list(values)
        for option in options:
            if self._ontology_attribute._option(option.feature_node_hash) is None:
                raise RuntimeError(f"{option.label!r} is no option of {self._ontology_attribute.name!r}.")
        return options

    def _choose(self, hashes: Hashes) -> None:
        self._value = in_ontology_order(self._ontology_attribute, hashes)

    def set(self, value: Iterable[FlatOption]) -> None:
        """Answer with these options and no others.

        Raises
        ------
        ValueError
            They are not options of a checklist.
        RuntimeError
            One belongs to another checklist.
        """
        self._value = checked_value(self._ontology_attribute, value)

    def set_options(self, values: Iterable[FlatOption]) -> None:
        """Answer under the old name: use :meth:`set`."""
        warnings.warn("set_options is now set.", DeprecationWarning, stacklevel=2)
        self.set(values)

    def get_options(self) -> list[FlatOption]:
        """Return the options chosen, none if there is no answer, under the old name: use :meth:`get`."""
        warnings.warn("get_options is now get.", DeprecationWarning, stacklevel=2)
        return list(self._value) if self.is_answered() else []

    def get_value(self, value: FlatOption) -> bool:
        """Return whether an option is chosen, under the old name: use :meth:`get_option_value`."""
        warnings.warn("get_value is now get_option_value.", DeprecationWarning, stacklevel=2)
        return self.get_option_value(value)

    def get_option_value(self, value: FlatOption) -> bool:
        """Return whether an option is chosen."""
        (option,) = self._checked([value])
        return option.feature_node_hash in self._hashes()

    def copy_from(self, checklist_answer: ChecklistAnswer) -> None:
        """Take over the answer to the same attribute, answered or not."""
        _check_same_attribute(self, checklist_answer)
        self._value = checklist_answer._value


def _check_same_attribute(one: Answer[Any, Any], other: Answer[Any, Any]) -> None:
    if one.ontology_attribute.feature_node_hash != other.ontology_attribute.feature_node_hash:
        raise ValueError("An answer is copied between answers to the same attribute only.")


def get_default_answer_from_attribute(attribute: Attribute) -> Answer[Any, Any]:
    """Return an answer to the attribute that is not answered yet."""
    if isinstance(attribute, TextAttribute):
        return TextAnswer(attribute)
    if isinstance(attribute, RadioAttribute):
        return RadioAnswer(attribute)
    if isinstance(attribute, ChecklistAttribute):
        return ChecklistAnswer(attribute)
    if isinstance(attribute, NumericAttribute):
        return _NumericAnswer(attribute)
    raise ValueError(f"Nothing answers an attribute of type {type(attribute).__name__}.")
