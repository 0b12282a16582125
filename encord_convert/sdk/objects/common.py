"""Shapes, kinds of attribute, and the conditions of DICOM de-identification.

:class:`Shape` and :class:`PropertyType` list what is documented. Newer servers know more; those are members of
:class:`NewerShape` and :class:`NewerPropertyType`, so that an ontology that uses them is carried whole.

Source: label-row JSON, "Object", "Attribute", "Newer server JSON".
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from importlib import import_module
from typing import Any, Union

from encord_convert.sdk.common.enum import StringEnum


class PropertyType(StringEnum):
    """What an attribute is answered with."""

    RADIO = "radio"
    TEXT = "text"
    CHECKLIST = "checklist"


class NewerPropertyType(StringEnum):
    """Kinds of attribute that are newer than the documented SDK."""

    NUMERIC = "numeric"


class Shape(StringEnum):
    """What an object is drawn as."""

    BOUNDING_BOX = "bounding_box"
    POLYGON = "polygon"
    POINT = "point"
    SKELETON = "skeleton"
    POLYLINE = "polyline"
    ROTATABLE_BOUNDING_BOX = "rotatable_bounding_box"
    BITMASK = "bitmask"


class NewerShape(StringEnum):
    """Shapes that are newer than the documented SDK. Those of images are drawn; those of other media are carried.

    Servers newer still have others. :meth:`carried` makes a member of any text: it has the text as its value, is the
    same one each time, and is not among those listed here.
    """

    AUDIO = "audio"
    TEXT = "text"
    CUBOID = "cuboid"
    CUBOID_2D = "cuboid_2d"
    SEGMENTATION = "segmentation"
    CIRCLE = "circle"
    ELLIPSE = "ellipse"
    TIME_RANGE = "time_range"

    @classmethod
    def carried(cls, text: str) -> NewerShape:
        """Return the shape that is called so, known or not."""
        member = cls.from_string(text) or _UNLISTED.get(text)
        if member is None:
            member = _UNLISTED[text] = object.__new__(cls)
            member._name_, member._value_ = text.upper(), text
        return member

    @classmethod
    def _missing_(cls, value: object) -> NewerShape | None:
        return _UNLISTED.get(value) if isinstance(value, str) else None


_UNLISTED: dict[str, NewerShape] = {}


class DeidentifyRedactTextMode(Enum):
    """Which text is blanked in the pixels of a DICOM file."""

    REDACT_ALL_TEXT = "REDACT_ALL_TEXT"
    REDACT_NO_TEXT = "REDACT_NO_TEXT"
    REDACT_SENSITIVE_TEXT = "REDACT_SENSITIVE_TEXT"


class SaveDeidentifiedDicomConditionType(Enum):
    """How a DICOM tag is compared before a de-identified file is saved."""

    NOT_SUBSTR = "NOT_SUBSTR"
    IN = "IN"


@dataclass
class SaveDeidentifiedDicomConditionNotSubstr:
    """Save a file only if a tag's value does not contain a text."""

    value: str
    dicom_tag: str
    condition_type: SaveDeidentifiedDicomConditionType = SaveDeidentifiedDicomConditionType.NOT_SUBSTR

    def to_dict(self) -> dict[str, Any]:
        """Return the form the server reads."""
        return {"value": self.value, "dicom_tag": self.dicom_tag, "condition_type": self.condition_type.value}


@dataclass
class SaveDeidentifiedDicomConditionIn:
    """Save a file only if a tag's value is one of several texts."""

    value: list[str]
    dicom_tag: str
    condition_type: SaveDeidentifiedDicomConditionType = SaveDeidentifiedDicomConditionType.IN

    def to_dict(self) -> dict[str, Any]:
        """Return the form the server reads."""
        return {"value": self.value, "dicom_tag": self.dicom_tag, "condition_type": self.condition_type.value}


SaveDeidentifiedDicomCondition = Union[  # noqa: UP007 -- documented as it is
    SaveDeidentifiedDicomConditionNotSubstr, SaveDeidentifiedDicomConditionIn
]

_ALSO_HERE = {
    "Attribute": "attributes",
    "ChecklistAttribute": "attributes",
    "RadioAttribute": "attributes",
    "TextAttribute": "attributes",
    "FlatOption": "options",
    "NestableOption": "options",
    "Option": "options",
    "NestedID": "ontology_element",
}


def __getattr__(name: str) -> Any:
    """Resolve the documented second addresses of attributes and options."""
    if name in _ALSO_HERE:
        return getattr(import_module(f"encord_convert.sdk.objects.{_ALSO_HERE[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
