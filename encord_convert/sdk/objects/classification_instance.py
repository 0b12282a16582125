"""Classifications in a label row: what is said of whole frames.

Source: label-row JSON, "Placing instances on frames", "Static answers", "Annotation objects".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias, Union

from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.objects._answer_values import Unread, public_value
from encord_convert.sdk.objects._frame_info import ClassificationFrameData
from encord_convert.sdk.objects._instance import AnnotationHandle, LabelInstance
from encord_convert.sdk.objects.answers import Answer, get_default_answer_from_attribute
from encord_convert.sdk.objects.attributes import Attribute, ChecklistAttribute, RadioAttribute, TextAttribute
from encord_convert.sdk.objects.classification import Classification, _NoTitleError
from encord_convert.sdk.objects.constants import DEFAULT_CONFIDENCE, DEFAULT_MANUAL_ANNOTATION
from encord_convert.sdk.objects.frames import Frames, frames_class_to_frames_list
from encord_convert.sdk.objects.options import Option
from encord_convert.sdk.objects.utils import check_email, short_uuid_str

__all__ = [
    "Answer",
    "Attribute",
    "ChecklistAttribute",
    "Classification",
    "ClassificationInstance",
    "Option",
    "RadioAttribute",
    "TextAttribute",
    "check_email",
    "frames_class_to_frames_list",
    "short_uuid_str",
]


@seen_as("encord_convert.sdk.objects.classification_instance:ClassificationInstance.Annotation")
class ClassificationAnnotation(AnnotationHandle):
    """A classification on a frame: a handle that reads and writes the classification's own data.

    Each property but ``frame`` raises :class:`LabelRowError` while the classification is not on the frame; the same
    handle works again when it is.
    """

    __slots__ = ()

    def __init__(self, classification_instance: ClassificationInstance, frame: int) -> None:
        super().__init__(classification_instance, frame)

    def _info(self) -> Any:
        return self._data()

    def _change(self, **changes: Any) -> None:
        data = self._data()._with(**changes)
        self._instance._touch()
        self._instance._frames[self._frame] = data


class ClassificationInstance(LabelInstance):
    """One thing said of any number of frames.

    Parameters
    ----------
    ontology_classification : Classification
        Its kind; it must have its attribute.
    classification_hash : str, optional
        By default 8 random base64 characters.
    """

    __slots__ = ()

    _kind = "classification"
    _unknown_option = ValueError

    Annotation: TypeAlias = ClassificationAnnotation
    FrameData: TypeAlias = ClassificationFrameData

    _frames: dict[int, ClassificationFrameData]

    def __init__(self, ontology_classification: Classification, *, classification_hash: str | None = None) -> None:
        if not ontology_classification.attributes:
            raise _NoTitleError(
                f"The classification {ontology_classification.feature_node_hash!r} has no attribute to answer. Add one."
            )
        super().__init__(ontology_classification, classification_hash)

    def __repr__(self) -> str:
        return (
            f"ClassificationInstance(classification_hash={self.classification_hash}, "
            f"classification_name={self.classification_name}, feature_hash={self.feature_hash}, "
            f"frames={len(self._frames)})"
        )

    @property
    def classification_hash(self) -> str:
        """What tells it from every other classification of its row; setting it raises :class:`LabelRowError`."""
        return self._hash

    @classification_hash.setter
    def classification_hash(self, v: Any) -> None:
        raise LabelRowError("The hash of a classification does not change. Make a new one, or a copy.")

    @property
    def ontology_item(self) -> Classification:
        """Its kind."""
        return self._item  # type: ignore[no-any-return]

    @property
    def classification_name(self) -> str:
        """The title of its kind."""
        return self._item.title  # type: ignore[no-any-return]

    @property
    def feature_hash(self) -> str:
        """The hash of its kind."""
        return self._item.feature_node_hash  # type: ignore[no-any-return]

    def is_assigned_to_label_row(self) -> bool:
        """Return whether it is in a label row."""
        return self._label_row() is not None

    def _place(self, frame: int, info: ClassificationFrameData) -> None:
        """Place it on a frame, unchecked. ``info`` may be shared by many labels."""
        self._put(frame, info)

    def set_for_frames(
        self,
        frames: Frames = 0,
        *,
        overwrite: bool = False,
        created_at: datetime | None = None,
        created_by: str | None = None,
        confidence: float = DEFAULT_CONFIDENCE,
        manual_annotation: bool = DEFAULT_MANUAL_ANNOTATION,
        last_edited_at: datetime | None = None,
        last_edited_by: str | None = None,
        reviews: list[dict[str, Any]] | None = None,
    ) -> None:
        """Say it of frames.

        Parameters
        ----------
        frames : int, list of int, Range or list of Range
            From 0.
        overwrite : bool
            Whether it may be on some of them already. There the times become now, confidence and origin the
            defaults, unless given; who made it stays unless given.
        created_at, last_edited_at : datetime, optional
            By default now.
        created_by, last_edited_by : str, optional
            E-mail addresses; not checked here.
        confidence : float
            0..1.
        manual_annotation : bool

        Raises
        ------
        LabelRowError
            It is on one of the frames already, another of its kind is, or a frame is outside the row. Nothing was
            placed then.
        """
        numbers = frames_class_to_frames_list(frames)
        row: Any = self._label_row()
        for frame in numbers:
            if not overwrite and frame in self._frames:
                raise LabelRowError(f"The classification is on frame {frame} already. To renew it, say overwrite=True.")
            self._check_bounds(frame)
            if row is not None and row._has_another(self, frame):
                raise LabelRowError(f"Frame {frame} has another classification of the kind {self.feature_hash!r}.")
        given = {
            "created_at": created_at,
            "created_by": created_by,
            "confidence": confidence,
            "manual_annotation": manual_annotation,
            "last_edited_at": last_edited_at,
            "last_edited_by": last_edited_by,
            "reviews": reviews,
        }
        self._touch()
        fresh = ClassificationFrameData(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]
        for frame in numbers:
            before = self._frames.get(frame)
            if before is None:
                self._put(frame, fresh)
            else:
                self._frames[frame] = before._with(
                    created_at=fresh.created_at,
                    last_edited_at=fresh.last_edited_at,
                    confidence=confidence,
                    manual_annotation=manual_annotation,
                    created_by=created_by if created_by is not None else before.created_by,
                    last_edited_by=last_edited_by if last_edited_by is not None else before.last_edited_by,
                    reviews=reviews if reviews is not None else before.reviews,
                )

    def get_annotation(self, frame: int | str = 0) -> Annotation:
        """Return a handle on it on a frame.

        Parameters
        ----------
        frame : int or str
            From 0; or, in an image group, the hash of the image. A number is checked only when the handle is used.

        Raises
        ------
        LabelRowError
            An image hash was given and the classification is in no row.
        KeyError
            No image has the hash.
        """
        return ClassificationAnnotation(self, self._frame_number(frame))

    def get_annotations(self) -> list[Annotation]:
        """Return handles on it on each of its frames, ascending."""
        return [ClassificationAnnotation(self, frame) for frame in sorted(self._frames)]

    def is_valid(self) -> None:
        """Check that it is on a frame.

        Raises
        ------
        LabelRowError
            It is not.
        """
        if not self._frames:
            raise LabelRowError("The classification is on no frame. Place it with set_for_frames first.")

    def set_answer(
        self,
        answer: Union[str, Option, Sequence[Option]],  # noqa: UP007
        attribute: Attribute | None = None,
        overwrite: bool = False,
    ) -> None:
        """Answer an attribute.

        Parameters
        ----------
        answer : str, Option or list of Option
        attribute : Attribute, optional
            Needed when the answer alone does not tell. Left out, a hidden attribute may be answered too.
        overwrite : bool
            Whether an answer may be replaced.

        Raises
        ------
        LabelRowError
            The attribute cannot be told, does not belong to the classification, is hidden, or is answered already.
        ValueError
            The answer is of the wrong kind.
        RuntimeError
            An option belongs to another checklist.
        """
        if attribute is None:
            own = self._inferred(answer)
        else:
            own = self._checked_attribute(attribute)
            if not self._is_visible(own):
                raise LabelRowError(f"{own.name!r} is hidden: an option above it is not chosen. Choose that first.")
        self._set_static(own, answer, overwrite)

    def set_answer_from_list(self, answers_list: list[dict[str, Any]]) -> None:
        """Answer attributes as a label row's JSON does: entries of one checklist are united, else the later counts.

        Raises
        ------
        LabelRowError
            An attribute does not belong to the classification; nothing was set.
        ValueError
            An option is unknown; nothing was set.
        """
        self._read_answers(answers_list)

    def _read_answers(self, answers: list[dict[str, Any]]) -> Unread:
        """Take answers in JSON form, all or none; return what of them is not read."""
        unread: Unread = []
        self._take_static(self._read_static(answers, unread, "classification_answers.classifications"))
        return unread

    def get_answer(self, attribute: Attribute | None = None) -> Union[str, Option, Iterable[Option], None]:  # noqa: UP007
        """Return what is answered to an attribute, by default the classification's own.

        Returns
        -------
        str, Option, list of Option or None
            None if unanswered or hidden; a checklist's options in ontology order, none if unanswered.

        Raises
        ------
        LabelRowError
            The attribute does not belong to the classification.
        """
        own = self._item.attributes[0] if attribute is None else self._checked_attribute(attribute)
        return self._static_answer(own)  # type: ignore[no-any-return]

    def delete_answer(self, attribute: Attribute | None = None) -> None:
        """Take an answer back, by default that of the classification's own attribute; those below are kept, hidden.

        Raises
        ------
        LabelRowError
            The attribute does not belong to the classification.
        """
        own = self._item.attributes[0] if attribute is None else self._checked_attribute(attribute)
        self._delete_static(own)

    def get_all_static_answers(self) -> list[Answer[Any, Any]]:
        """Return an answer for each attribute, answered or not, in depth-first ontology order."""
        found = []
        static = self._static or {}
        for hash_, attribute in self._item._answer_index(fresh=True).attributes.items():
            answer = get_default_answer_from_attribute(attribute)
            if hash_ in static:
                answer.set(public_value(static[hash_][1]))
            found.append(answer)
        return found

    def copy(self) -> ClassificationInstance:
        """Return an independent copy with a new hash, in no label row."""
        copy = ClassificationInstance(self._item)
        copy._take_copies_from(self)
        for frame, data in self._frames.items():
            copy._frames[frame] = data._with()
        return copy
