"""Metadata of a label on one frame: author, times and confidence.

One record may be shared by thousands of labels: to change it for one label, give that label a copy.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from encord_convert.sdk.common.time_parser import parse_datetime
from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.objects.constants import DEFAULT_CONFIDENCE, DEFAULT_MANUAL_ANNOTATION

if TYPE_CHECKING:
    from encord_convert.sdk.objects.coordinates import Coordinates


class _Record:
    """Fields that are set where the caller gives them."""

    __slots__ = ()

    def _with(self, **changes: Any) -> Self:
        """Return a copy with the fields given set."""
        copy = object.__new__(type(self))
        for name in self.__dataclass_fields__:  # type: ignore[attr-defined]
            setattr(copy, name, changes[name] if name in changes else getattr(self, name))
        if hasattr(self, "_extras"):
            copy._extras = self._extras  # type: ignore[attr-defined]
        return copy

    def _update(self, **given: Any) -> None:
        """Set the fields whose value is not None."""
        for name, value in given.items():
            if value is not None:
                setattr(self, name, value)


@seen_as("encord_convert.sdk.objects.ontology_object_instance:ObjectInstance.FrameInfo")
@dataclass(slots=True)
class ObjectFrameInfo(_Record):
    """Metadata of an object on a frame.

    Parameters
    ----------
    created_at, last_edited_at : datetime
        By default now, in local time without zone.
    created_by, last_edited_by : str, optional
        E-mail addresses.
    confidence : float
        0..1.
    manual_annotation : bool
        Whether a person made it.
    reviews : list of dict, optional
        What reviewers decided.
    is_deleted : bool, optional
    """

    created_at: datetime = field(default_factory=datetime.now)
    created_by: str | None = None
    last_edited_at: datetime = field(default_factory=datetime.now)
    last_edited_by: str | None = None
    confidence: float = DEFAULT_CONFIDENCE
    manual_annotation: bool = DEFAULT_MANUAL_ANNOTATION
    reviews: list[dict[str, Any]] | None = None
    is_deleted: bool | None = None

    @staticmethod
    def from_dict(d: dict[str, Any]) -> ObjectFrameInfo:
        """Parse the metadata in a frame object's JSON."""
        return ObjectFrameInfo(**_values_of(d), is_deleted=d.get("isDeleted"))

    def update_from_optional_fields(
        self,
        created_at: datetime | None = None,
        created_by: str | None = None,
        last_edited_at: datetime | None = None,
        last_edited_by: str | None = None,
        confidence: float | None = None,
        manual_annotation: bool | None = None,
        reviews: list[dict[str, Any]] | None = None,
        is_deleted: bool | None = None,
    ) -> None:
        """Set the fields whose value is not None."""
        self._update(
            created_at=created_at,
            created_by=created_by,
            last_edited_at=last_edited_at,
            last_edited_by=last_edited_by,
            confidence=confidence,
            manual_annotation=manual_annotation,
            reviews=reviews,
            is_deleted=is_deleted,
        )


@seen_as("encord_convert.sdk.objects.ontology_object_instance:ObjectInstance.FrameData")
@dataclass(slots=True)
class ObjectFrameData:
    """An object on a frame.

    Parameters
    ----------
    coordinates : Coordinates
    object_frame_instance_info : ObjectInstance.FrameInfo
        May be shared with other frames and objects.
    """

    coordinates: Coordinates
    object_frame_instance_info: ObjectFrameInfo


class CarriedObjectFrameData(ObjectFrameData):
    """An object on a frame whose JSON has keys the model does not know."""

    __slots__ = ("_extras",)

    _extras: dict[str, Any]


@seen_as("encord_convert.sdk.objects.classification_instance:ClassificationInstance.FrameData")
@dataclass(slots=True)
class ClassificationFrameData(_Record):
    """Metadata of a classification on a frame.

    Parameters
    ----------
    created_at, last_edited_at : datetime
        By default now, in local time without zone.
    created_by, last_edited_by : str, optional
        E-mail addresses.
    confidence : float
        0..1.
    manual_annotation : bool
        Whether a person made it.
    reviews : list of dict, optional
        What reviewers decided.
    """

    created_at: datetime = field(default_factory=datetime.now)
    created_by: str | None = None
    confidence: float = DEFAULT_CONFIDENCE
    manual_annotation: bool = DEFAULT_MANUAL_ANNOTATION
    last_edited_at: datetime = field(default_factory=datetime.now)
    last_edited_by: str | None = None
    reviews: list[dict[str, Any]] | None = None

    @staticmethod
    def from_dict(d: dict[str, Any]) -> ClassificationFrameData:
        """Parse the metadata in a frame classification's JSON."""
        return ClassificationFrameData(**_values_of(d))

    def update_from_optional_fields(
        self,
        created_at: datetime | None = None,
        created_by: str | None = None,
        confidence: float | None = None,
        manual_annotation: bool | None = None,
        last_edited_at: datetime | None = None,
        last_edited_by: str | None = None,
        reviews: list[dict[str, Any]] | None = None,
    ) -> None:
        """Set the fields whose value is not None."""
        self._update(
            created_at=created_at,
            created_by=created_by,
            confidence=confidence,
            manual_annotation=manual_annotation,
            last_edited_at=last_edited_at,
            last_edited_by=last_edited_by,
            reviews=reviews,
        )


class CarriedClassificationFrameData(ClassificationFrameData):
    """A classification on a frame whose JSON has keys the model does not know."""

    __slots__ = ("_extras",)

    _extras: dict[str, Any]


def _values_of(d: dict[str, Any]) -> dict[str, Any]:
    """Return the fields that objects and classifications share. A null confidence or origin gives the default."""
    confidence, manual = d["confidence"], d["manualAnnotation"]
    return {
        "created_at": parse_datetime(d["createdAt"]),
        "created_by": d["createdBy"],
        "last_edited_at": parse_datetime(d["lastEditedAt"]) if "lastEditedAt" in d else datetime.now(),
        "last_edited_by": d.get("lastEditedBy"),
        "confidence": DEFAULT_CONFIDENCE if confidence is None else confidence,
        "manual_annotation": DEFAULT_MANUAL_ANNOTATION if manual is None else manual,
        "reviews": d.get("reviews"),
    }
