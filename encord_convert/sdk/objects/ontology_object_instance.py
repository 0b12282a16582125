"""Objects of a label row: where they are on each frame, and what is answered about them.

The module is one thing, the documented class with all its methods; frames and answers have modules of their own.

Source: label-row JSON, "Placing instances on frames", "Static answers", "Dynamic answers", "Annotation objects".
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from encord_convert.sdk.exceptions import LabelRowError, OntologyError
from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.objects._answer_values import (
    Unread,
    answer_to_json,
    checked_value,
    says_more,
    united_marks,
    value_from_json,
    value_key,
)
from encord_convert.sdk.objects._dynamic_answer_manager import (
    AnswerForFrames,
    AnswersForFrames,
    AnswerValue,
    DynamicAnswerManager,
    GivenAnswer,
    answers_for_frames,
    delete_dynamic,
    with_checklists_united,
)
from encord_convert.sdk.objects._dynamic_answers import DynamicAnswers, Runs, mark_from_action
from encord_convert.sdk.objects._frame_info import CarriedObjectFrameData, ObjectFrameData, ObjectFrameInfo
from encord_convert.sdk.objects._instance import AnnotationHandle, LabelInstance, SharedAnswers
from encord_convert.sdk.objects.answers import Answer, get_default_answer_from_attribute
from encord_convert.sdk.objects.attributes import Attribute, ChecklistAttribute, RadioAttribute, TextAttribute
from encord_convert.sdk.objects.coordinates import (
    Coordinates,
    PolygonCoordinates,
    PolylineCoordinates,
    SkeletonCoordinates,
    _is_carried,
    _kind_for,
)
from encord_convert.sdk.objects.frames import (
    Frames,
    Range,
    _runs_of,
    frames_class_to_frames_list,
    frames_to_ranges,
    ranges_list_to_ranges,
)
from encord_convert.sdk.objects.ontology_object import Object
from encord_convert.sdk.objects.options import Option
from encord_convert.sdk.objects.utils import check_email, short_uuid_str

if TYPE_CHECKING:
    from encord_convert.sdk.objects.ontology_labels_impl import LabelRowV2

__all__ = [
    "Answer",
    "AnswerForFrames",
    "AnswersForFrames",
    "Attribute",
    "ChecklistAttribute",
    "DynamicAnswerManager",
    "Object",
    "ObjectInstance",
    "Option",
    "RadioAttribute",
    "Range",
    "TextAttribute",
    "check_coordinate_type",
    "check_email",
    "frames_class_to_frames_list",
    "frames_to_ranges",
    "get_default_answer_from_attribute",
    "ranges_list_to_ranges",
    "short_uuid_str",
]

_new = object.__new__


def check_coordinate_type(coordinates: Coordinates, ontology_object: Object) -> None:
    """Check that coordinates fit the shape of an object.

    Raises
    ------
    LabelRowError
        They do not.
    """
    shape = ontology_object.shape
    wanted = _kind_for(shape)
    if not isinstance(coordinates, wanted) and not _is_carried(coordinates, shape):
        raise LabelRowError(
            f"{ontology_object.name!r} is drawn as {getattr(shape, 'value', shape)}, that is with {wanted.__name__}, "
            f"not with {type(coordinates).__name__}."
        )


@seen_as("encord_convert.sdk.objects.ontology_object_instance:ObjectInstance.Annotation")
class ObjectAnnotation(AnnotationHandle):
    """An object on a frame: a handle that reads and writes the object's own data.

    Each property but ``frame`` raises :class:`LabelRowError` while the object is not on the frame; the same handle
    works again when it is.
    """

    __slots__ = ()

    def __init__(self, object_instance: ObjectInstance, frame: int) -> None:
        super().__init__(object_instance, frame)

    def _info(self) -> ObjectFrameInfo:
        return cast(ObjectFrameInfo, self._data().object_frame_instance_info)

    def _change(self, **changes: Any) -> None:
        data = self._data()
        self._instance._touch()
        data.object_frame_instance_info = data.object_frame_instance_info._with(**changes)

    @property
    def coordinates(self) -> Coordinates:
        """Where it is; setting others raises :class:`LabelRowError` if they do not fit the object's shape."""
        coordinates = self._data().coordinates
        if hasattr(coordinates, "values"):
            self._instance._show(coordinates)
        return cast(Coordinates, coordinates)

    @coordinates.setter
    def coordinates(self, coordinates: Coordinates) -> None:
        self._data()
        self._instance.set_for_frames(coordinates, self._frame, overwrite=True)

    @property
    def is_deleted(self) -> bool | None:
        """Whether the platform has deleted it."""
        return self._info().is_deleted


class ObjectInstance(LabelInstance):
    """One thing, on any number of frames, with its answers.

    Parameters
    ----------
    ontology_object : Object
        Its class.
    object_hash : str, optional
        By default 8 random base64 characters.
    """

    __slots__ = ("_dynamic",)

    _kind = "object"
    _unknown_option = OntologyError

    Annotation: TypeAlias = ObjectAnnotation
    FrameInfo: TypeAlias = ObjectFrameInfo
    FrameData: TypeAlias = ObjectFrameData

    _frames: dict[int, ObjectFrameData]
    _dynamic: DynamicAnswers | None

    def __init__(self, ontology_object: Object, *, object_hash: str | None = None) -> None:
        self._item = ontology_object
        self._hash = object_hash or short_uuid_str()
        self._frames = {}
        self._dynamic = self._extras = self._marks = self._origin = self._row = self._static = None

    @classmethod
    def _made(cls, item: Object, hash_: str) -> ObjectInstance:
        """Return a new object as the constructor does, at half the price: nothing is checked or defaulted."""
        self = _new(cls)
        self._item = item
        self._hash = hash_
        self._frames = {}
        self._dynamic = self._extras = self._marks = self._origin = self._row = self._static = None
        return self

    @classmethod
    def _on_frame(
        cls,
        item: Object,
        hash_: str,
        frame: int,
        coordinates: Coordinates,
        info: ObjectFrameInfo,
        static: SharedAnswers | None,
        dynamic: DynamicAnswers | None,
        origin: Any,
    ) -> ObjectInstance:
        """Return a new object on one frame: `_made`, `_place` and `_share_answers` in one call, a third cheaper."""
        self = _new(cls)
        self._item = item
        self._hash = hash_
        data = _new(ObjectFrameData)
        data.coordinates = coordinates
        data.object_frame_instance_info = info
        self._frames = {frame: data}
        self._static = static
        self._dynamic = dynamic
        self._origin = origin
        self._extras = self._marks = self._row = None
        return self

    def __repr__(self) -> str:
        return (
            f"ObjectInstance(object_hash={self.object_hash}, object_name={self.object_name}, "
            f"feature_hash={self.feature_hash}, frames={len(self._frames)})"
        )

    @property
    def object_hash(self) -> str:
        """What tells it from every other object of its row."""
        return self._hash

    @property
    def ontology_item(self) -> Object:
        """Its class."""
        return self._item  # type: ignore[no-any-return]

    @property
    def feature_hash(self) -> str:
        """The hash of its class."""
        return self._item.feature_node_hash  # type: ignore[no-any-return]

    @property
    def object_name(self) -> str:
        """The name of its class."""
        return self._item.name  # type: ignore[no-any-return]

    def is_assigned_to_label_row(self) -> LabelRowV2 | None:
        """Return the label row it is in, None if it is in none."""
        return cast("LabelRowV2 | None", self._label_row())

    # --- frames -----------------------------------------------------------------------------------------------------

    def _place(self, frame: int, coordinates: Coordinates, info: ObjectFrameInfo) -> None:
        """Place it on a frame, unchecked: the coordinates fit its shape. ``info`` may be shared by many labels."""
        self._frames[frame] = data = _new(ObjectFrameData)
        data.coordinates = coordinates
        data.object_frame_instance_info = info
        if self._row is not None:
            row = self._row()
            if row is not None:
                row._placed(self, frame)

    def check_within_range(self, frame: int) -> None:
        """Check that a frame is one of the row it is in; while it is in none, that it is not negative.

        Raises
        ------
        LabelRowError
            It is not.
        """
        self._check_bounds(frame)

    def set_for_frames(
        self,
        coordinates: Coordinates,
        frames: Frames = 0,
        *,
        overwrite: bool = False,
        created_at: datetime | None = None,
        created_by: str | None = None,
        last_edited_at: datetime | None = None,
        last_edited_by: str | None = None,
        confidence: float | None = None,
        manual_annotation: bool | None = None,
        reviews: list[dict[str, Any]] | None = None,
        is_deleted: bool | None = None,
    ) -> None:
        """Place it on frames.

        Parameters
        ----------
        coordinates : Coordinates
            The same on each of the frames.
        frames : int, list of int, Range or list of Range
            From 0.
        overwrite : bool
            Whether frames it is on already take the new coordinates; what is not given stays as it was there.
        created_at, last_edited_at : datetime, optional
            By default now.
        created_by, last_edited_by : str, optional
            E-mail addresses; not checked here.
        confidence : float, optional
            0..1, by default 1.
        manual_annotation : bool, optional
            By default True.

        Raises
        ------
        LabelRowError
            It is on one of the frames already, a frame is outside the row, or the coordinates do not fit its shape.
            Nothing was placed then.
        """
        numbers = frames_class_to_frames_list(frames)
        for frame in numbers:
            if not overwrite and frame in self._frames:
                raise LabelRowError(f"The object is on frame {frame} already. To move it there, say overwrite=True.")
            check_coordinate_type(coordinates, self._item)
            self._check_bounds(frame)
        given = {
            "created_at": created_at,
            "created_by": created_by,
            "last_edited_at": last_edited_at,
            "last_edited_by": last_edited_by,
            "confidence": confidence,
            "manual_annotation": manual_annotation,
            "reviews": reviews,
            "is_deleted": is_deleted,
        }
        changes = {name: value for name, value in given.items() if value is not None}
        self._touch()
        fresh: ObjectFrameInfo | None = None
        for frame in numbers:
            data = self._frames.get(frame)
            if data is None:
                if fresh is None:
                    fresh = ObjectFrameInfo(**changes)  # type: ignore[arg-type]
                self._put(frame, ObjectFrameData(coordinates, fresh))
                continue
            data.coordinates = coordinates
            if changes:
                data.object_frame_instance_info = data.object_frame_instance_info._with(**changes)

    def get_annotation(self, frame: int | str = 0) -> Annotation:
        """Return a handle on it on a frame.

        Parameters
        ----------
        frame : int or str
            From 0; or, in an image group, the hash of the image. A number is checked only when the handle is used.

        Raises
        ------
        LabelRowError
            An image hash was given and the object is in no row.
        KeyError
            No image has the hash.
        """
        return ObjectAnnotation(self, self._frame_number(frame))

    def get_annotations(self) -> list[Annotation]:
        """Return handles on it on each of its frames, ascending."""
        return [ObjectAnnotation(self, frame) for frame in sorted(self._frames)]

    # --- answers ----------------------------------------------------------------------------------------------------

    def get_answer(
        self,
        attribute: Attribute,
        filter_answer: AnswerValue | None = None,
        filter_frame: int | None = None,
        is_dynamic: bool | None = None,
    ) -> AnswerValue | AnswersForFrames | None:
        """Return what is answered to an attribute.

        Parameters
        ----------
        attribute : Attribute
            None: the first of the object.
        filter_answer : optional
            Of a dynamic attribute: only this answer.
        filter_frame : int, optional
            Of a dynamic attribute: only the answer on this frame, with all its frames.
        is_dynamic : bool, optional
            What the caller takes the attribute for.

        Returns
        -------
        str, Option, list of Option, list of AnswerForFrames or None
            Static text or radio: None if unanswered. Checklist: its options in ontology order. Any static attribute:
            None if hidden, because an option above it is not chosen. Dynamic: one entry per distinct answer, in
            order of first setting.

        Raises
        ------
        LabelRowError
            The attribute does not belong to the object, or is not what ``is_dynamic`` says.
        """
        own = self._checked_attribute(self._item.attributes[0] if attribute is None else attribute)
        if is_dynamic is not None and is_dynamic is not own.dynamic:
            raise LabelRowError(f"{own.name!r} is {'dynamic' if own.dynamic else 'static'}, unlike what was asked for.")
        if not own.dynamic:
            return self._static_answer(own)  # type: ignore[no-any-return]
        frames = None if filter_frame is None else [filter_frame]
        return answers_for_frames(self._dynamic, own, filter_answer, frames)

    def set_answer(
        self,
        answer: AnswerValue,
        attribute: Attribute | None = None,
        frames: Frames | None = None,
        overwrite: bool = False,
    ) -> None:
        """Answer an attribute.

        Parameters
        ----------
        answer : str, Option or list of Option
        attribute : Attribute, optional
            Needed when the answer alone does not tell: text where there are several text attributes, an empty list.
        frames : optional
            Of a dynamic attribute: the frames that take the answer, by default all the object is on now.
        overwrite : bool
            Whether a static answer may be replaced.

        Raises
        ------
        LabelRowError
            The attribute cannot be told, does not belong to the object, is hidden, is static although frames are
            given, or is answered already; or a frame is outside the row.
        ValueError
            The answer is of the wrong kind.
        RuntimeError
            An option belongs to another checklist.
        """
        own = self._checked_attribute(self._inferred(answer) if attribute is None else attribute)
        if self._is_dynamic(own):
            self._set_dynamic(own, answer, frames)
            return
        if not self._is_visible(own):
            raise LabelRowError(f"{own.name!r} is hidden: an option above it is not chosen. Choose that first.")
        if frames is not None:
            raise LabelRowError(f"{own.name!r} is static: its answer holds on all frames. Leave out the frames.")
        self._set_static(own, answer, overwrite)

    def set_answer_from_list(self, answers_list: list[dict[str, Any]]) -> None:
        """Answer attributes as a label row's JSON does.

        Entries of one checklist are united; of other attributes the later entry counts.

        Raises
        ------
        LabelRowError
            An attribute does not belong to the object, or a frame is outside the row; nothing was set.
        OntologyError
            An option is unknown; nothing was set.
        """
        self._read_answers(answers_list)

    def delete_answer(
        self,
        attribute: Attribute,
        filter_answer: AnswerValue | None = None,
        filter_frame: int | None = None,
    ) -> None:
        """Take an answer back. Answers below it are kept, hidden.

        Parameters
        ----------
        attribute : Attribute
        filter_answer : optional
            Of a dynamic attribute: only this answer.
        filter_frame : int, optional
            Of a dynamic attribute: only on this frame.

        Raises
        ------
        KeyError
            The attribute does not belong to the object.
        """
        own = self._own_attribute(attribute)
        if own is None and not attribute.dynamic:
            raise KeyError(attribute.feature_node_hash)
        if own is None:
            return
        if self._is_dynamic(own):
            frames = None if filter_frame is None else [filter_frame]
            if self._dynamic is not None:
                self._touch()
                delete_dynamic(self._dynamic_answers(), own, frames, filter_answer)
        else:
            self._delete_static(own)

    def _is_dynamic(self, attribute: Attribute) -> bool:
        return attribute.dynamic

    def _is_chosen(self, radio: Any, option: Any) -> bool:
        """Return whether an option is chosen; of a dynamic attribute, on any frame."""
        if not radio.dynamic:
            return super()._is_chosen(radio, option)
        key = (radio.feature_node_hash, option.feature_node_hash)
        return self._dynamic is not None and key in self._dynamic.entries

    def _set_dynamic(self, attribute: Attribute, answer: Any, frames: Frames | None) -> None:
        numbers = list(self._frames) if frames is None else frames_class_to_frames_list(frames)
        for frame in numbers:
            self._check_bounds(frame)
        if numbers:
            value = checked_value(attribute, answer)
            self._touch()
            answers = self._dynamic_answers()
            answers.set(answers.entry(attribute, value), _runs_of(numbers))

    def _dynamic_answers(self) -> DynamicAnswers:
        """Return its dynamic answers, to be changed."""
        if self._dynamic is None:
            self._dynamic = DynamicAnswers()
        elif self._dynamic.is_shared:
            self._dynamic = self._dynamic.copy()
        return self._dynamic

    def _share_answers(self, static: SharedAnswers | None, dynamic: DynamicAnswers | None) -> None:
        """Take answers that other objects of the class have too, unchecked; ``dynamic.is_shared`` must be set."""
        self._static = static
        self._dynamic = dynamic

    def _answers_in_common(self) -> tuple[SharedAnswers | None, DynamicAnswers | None] | None:
        """Return its answers if they are all shared, and so will not change; None if some are its own."""
        static, dynamic = self._static, self._dynamic
        if static is not None and static.__class__ is not SharedAnswers:
            return None
        if dynamic is not None and not dynamic.is_shared:
            return None
        return static, dynamic

    def _answer_frames(self, attribute: Attribute, value: Any, start: int, end: int) -> None:
        """Set a dynamic answer on a run, both ends inside, that lies after the attribute's others; unchecked."""
        self._dynamic_answers().append(attribute, value, start, end)

    def _dynamic_answers_at(self, frame: int) -> Any:
        """Return (attribute, value) of what is answered on a frame, in ontology order."""
        if self._dynamic is None:
            return ()
        found = {entry.key[0]: (entry.attribute, entry.value) for entry in self._dynamic.at(frame)}
        return self._item._in_order(found)

    def _dynamic_runs(self) -> Iterator[tuple[Attribute, Any, Runs]]:
        """Return each dynamic answer: attribute, value, and its runs, both ends inside; in order of first setting."""
        if self._dynamic is not None:
            for entry, runs in self._dynamic.with_runs():
                yield entry.attribute, entry.value, runs

    def _forget_answers_on(self, frames: list[int]) -> None:
        if self._dynamic is not None:
            runs = _runs_of(frames)
            for attribute in {entry.key[0]: entry.attribute for entry in self._dynamic.entries.values()}.values():
                self._dynamic_answers().clear(attribute, runs)

    def _read_answers(self, answers: list[dict[str, Any]], *, is_read: bool = False) -> Unread:
        """Take answers in JSON form, all or none; return what of them is not read.

        Parameters
        ----------
        is_read : bool
            Whether dynamic answers keep the order they come in when they are written.
        """
        unread: Unread = []
        path = "object_actions.actions" if is_read else "object_answers.classifications"
        static = self._read_static(answers, unread, path)
        dynamic = self._read_dynamic(answers, unread, path)
        before = self._static or {}
        for hash_, (attribute, value, _) in static.items():
            if hash_ in before and value_key(before[hash_][1]) != value_key(value):  # of the other dictionary
                was = answer_to_json(attribute, before[hash_][1], (self._marks or {}).get(hash_))
                unread.append(("object_answers.classifications", was))
        self._take_static(static)  # touches
        for attribute, value, runs, mark in dynamic:
            answers_here = self._dynamic_answers()
            entry = answers_here.entry(attribute, value, mark, is_read=is_read)
            if entry.mark is not mark:
                entry.mark = united_marks(entry.mark, mark, unread, path)
            answers_here.set(entry, runs)
        if dynamic:
            unread += ((f"{path}.range", [[*run]]) for run in self._dynamic_answers().lost_of(dynamic))
        return unread

    def _read_dynamic(self, answers: list[dict[str, Any]], unread: Unread, path: str) -> list[GivenAnswer]:
        found: list[GivenAnswer] = []
        for answer in answers:
            attribute = self._item._attribute(answer["featureHash"])
            if attribute is None or not self._is_dynamic(attribute):
                continue
            value = value_from_json(attribute, answer["answers"], self._unknown_option)
            runs: Runs = [(start, end) for start, end in answer["range"]]
            for start, end in runs:
                if start <= end:
                    self._check_bounds(start)
                    self._check_bounds(end)
            kept = [(start, end) for start, end in runs if start <= end]
            if value is None or not kept:
                if value is not None or says_more(answer):
                    unread.append((path, answer))
                continue
            unread += ((f"{path}.range", [[start, end]]) for start, end in runs if start > end)
            found.append((attribute, value, kept, mark_from_action(answer)))
        return with_checklists_united(found, unread, path)

    # --- the whole --------------------------------------------------------------------------------------------------

    def copy(self) -> ObjectInstance:
        """Return an independent copy with a new hash, in no label row."""
        copy = ObjectInstance(self._item)
        copy._take_copies_from(self)
        for frame, data in self._frames.items():
            twin = copy._frames[frame] = object.__new__(type(data))
            twin.coordinates = data.coordinates
            twin.object_frame_instance_info = data.object_frame_instance_info._with()
            if isinstance(data, CarriedObjectFrameData):
                twin._extras = data._extras  # type: ignore[attr-defined]
        if self._dynamic is not None:
            copy._dynamic = self._dynamic.copy()
        return copy

    def _twin(self) -> ObjectInstance:
        twin = super()._twin()
        for frame, data in self._frames.items():
            own = twin._frames[frame] = object.__new__(type(data))
            own.coordinates = _own(data.coordinates)
            own.object_frame_instance_info = data.object_frame_instance_info
            if isinstance(data, CarriedObjectFrameData):
                own._extras = data._extras  # type: ignore[attr-defined]
        dynamic = self._dynamic
        twin._dynamic = dynamic if dynamic is None or dynamic.is_shared else dynamic.twin()
        return twin

    def is_valid(self) -> None:
        """Check that it is on a frame, and that no dynamic answer is on a frame it is not on.

        Raises
        ------
        LabelRowError
            It is not valid.
        """
        if not self._frames:
            raise LabelRowError("The object is on no frame. Place it with set_for_frames first.")
        self.are_dynamic_answers_valid()

    def are_dynamic_answers_valid(self) -> None:
        """Check that no dynamic answer is on a frame the object is not on.

        Raises
        ------
        LabelRowError
            One is.
        """
        self._check_dynamic_answers()

    def _check_dynamic_answers(self, *more_frames: int) -> None:
        """Check that dynamic answers are where the object is, or is about to be."""
        if self._dynamic is not None:
            astray: set[int] = self._dynamic.frames() - self._frames.keys() - set(more_frames)
            if astray:
                raise LabelRowError(
                    f"A dynamic answer is on frame {min(astray)}, where the object is not. "
                    "Place the object there or delete the answer."
                )


def _own(coordinates: Any) -> Any:
    """Return coordinates that share no list of points with the given ones."""
    if isinstance(coordinates, PolygonCoordinates | PolylineCoordinates):
        return coordinates._twin()
    if isinstance(coordinates, SkeletonCoordinates):
        return SkeletonCoordinates([*coordinates.values])
    return coordinates
