"""What objects and classifications in a label row have in common: frames, static answers, the row they are in.

An instance knows its row through a weak reference: rows hold instances, never the other way round, so that a row that
is dropped is gone at once and the garbage collector has nothing to look for. An instance whose row is gone belongs to
no row.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Protocol, Self, cast
from weakref import ref

from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects._answer_values import (
    KNOWN_KEYS,
    Unread,
    answer_to_json,
    checked_value,
    inferred_attribute,
    mark_from_json,
    public_value,
    says_more,
    united_marks,
    value_from_json,
    value_key,
)
from encord_convert.sdk.objects._watching import Watch
from encord_convert.sdk.objects.attributes import ChecklistAttribute
from encord_convert.sdk.objects.coordinates import _copied
from encord_convert.sdk.objects.frames import Frames, frames_class_to_frames_list
from encord_convert.sdk.objects.utils import check_email, short_uuid_str

if TYPE_CHECKING:
    from encord_convert.sdk.objects._answer_index import Path
    from encord_convert.sdk.objects.attributes import Attribute


class Row(Protocol):
    """What an instance asks of the label row it is in."""

    def _check_frame(self, frame: int) -> None: ...

    def _placed(self, instance: Any, frame: int) -> None: ...

    def _unplaced(self, instance: Any, frame: int) -> None: ...

    def get_frame_number(self, image_hash: str) -> int | None: ...


class SharedAnswers(dict[str, "tuple[Attribute, Any]"]):
    """Static answers that many instances have in common: hash of an attribute to the attribute and its value.

    An instance that is answered differently takes a copy first. Whoever writes many instances may remember what it
    made of an object of this class: it never changes.
    """

    __slots__ = ("ordered",)

    ordered: Any
    """(attribute, value) in ontology order."""

    def __init__(self, item: Any, answers: Iterable[tuple[Attribute, Any]]) -> None:
        super().__init__((attribute.feature_node_hash, (attribute, value)) for attribute, value in answers)
        self.ordered = tuple(item._in_order(self))


by_serial = attrgetter("_serial")
"""Sorts instances into the order of their row."""


class LabelInstance:
    """An object or a classification."""

    __slots__ = (
        "__weakref__",
        "_extras",
        "_frames",
        "_hash",
        "_item",
        "_marks",
        "_origin",
        "_row",
        "_serial",
        "_static",
    )

    _kind: str
    _unknown_option: type[Exception]

    _extras: dict[str, Any] | None
    """Keys of its answers entry that the model does not know."""
    _frames: dict[int, Any]
    _hash: str
    _item: Any
    _marks: dict[str, dict[str, Any]] | None
    """Hash of an attribute to what its answer's JSON says beyond the usual."""
    _origin: Any
    """Free for whoever made the instance; copied, never written."""
    _row: ref[Row] | None
    _serial: int
    """Its number in the row's order; set by the row."""
    _static: dict[str, tuple[Attribute, Any]] | None
    """Hash of an attribute to the attribute and its value."""

    def __init__(self, item: Any, hash_: str | None) -> None:
        self._item = item
        self._hash = hash_ or short_uuid_str()
        self._frames = {}
        self._extras = self._marks = self._origin = self._row = self._static = None

    def __lt__(self, other: Self) -> bool:
        return self._hash < other._hash

    # --- the row ----------------------------------------------------------------------------------------------------

    def _label_row(self) -> Row | None:
        return None if self._row is None else self._row()

    def _touch(self) -> None:
        """Tell whoever watches the row that this is about to change."""
        row = self._row
        if row is not None and row.__class__ is not ref:
            cast(Watch, row).touched(self)

    def _show(self, value: Any) -> None:
        """Tell whoever watches the row that the caller gets a list which can change this unseen."""
        row = self._row
        if row is not None and row.__class__ is not ref:
            cast(Watch, row).shown(value, self)

    def _frame_number(self, frame: int | str) -> int:
        """Return the frame of a number or of an image hash."""
        if not isinstance(frame, str):
            return frame
        row = self._label_row()
        if row is None:
            raise LabelRowError(
                f"The image hash {frame!r} means a frame only in a label row, and this {self._kind} is in none."
            )
        number = row.get_frame_number(frame)
        if number is None:
            raise KeyError(frame)
        return number

    def _check_bounds(self, frame: int) -> None:
        row = self._label_row()
        if row is not None:
            row._check_frame(frame)
        elif frame < 0:
            raise LabelRowError(f"Frames are counted from 0; {frame} is none.")

    def _put(self, frame: int, data: Any) -> None:
        """Place the instance on a frame, unchecked, and tell its row."""
        self._frames[frame] = data
        if self._row is not None:
            row = self._row()
            if row is not None:
                row._placed(self, frame)

    def remove_from_frames(self, frames: Frames) -> None:
        """Take it off frames, with what was said of it there.

        Raises
        ------
        KeyError
            It is not on one of them; nothing was removed.
        """
        numbers = frames_class_to_frames_list(frames)
        for frame in numbers:
            if frame not in self._frames:
                raise KeyError(frame)
        self._touch()
        row = self._label_row()
        for frame in numbers:
            del self._frames[frame]
            if row is not None:
                row._unplaced(self, frame)
        self._forget_answers_on(numbers)

    def _forget_answers_on(self, frames: list[int]) -> None:
        """Drop what is answered for these frames only."""

    # --- static answers ---------------------------------------------------------------------------------------------

    def _answer(self, attribute: Attribute, value: Any) -> None:
        """Set a static answer, unchecked.

        Parameters
        ----------
        attribute : Attribute
            Of this instance's ontology element.
        value : str, NestableOption or tuple of FlatOption
            A tuple in ontology order.
        """
        self._own_static()[attribute.feature_node_hash] = (attribute, value)

    def _own_static(self) -> dict[str, tuple[Attribute, Any]]:
        """Return its static answers, to be changed."""
        if self._static is None:
            self._static = {}
        elif self._static.__class__ is SharedAnswers:
            self._static = dict(self._static)
        return self._static

    def _static_answers(self) -> Any:
        """Return (attribute, value) of what is answered, visible or not, in depth-first ontology order."""
        if self._static is None:
            return ()
        if self._static.__class__ is SharedAnswers:
            return self._static.ordered
        return self._item._in_order(self._static)

    def _own_attribute(self, attribute: Attribute) -> Attribute | None:
        """Return this element's attribute with the hash of the given one."""
        return self._item._attribute(attribute.feature_node_hash)  # type: ignore[no-any-return]

    def _checked_attribute(self, attribute: Attribute) -> Attribute:
        own = self._own_attribute(attribute)
        if own is None:
            raise LabelRowError(f"The attribute {attribute.name!r} does not belong to this {self._kind}.")
        return own

    def _inferred(self, answer: Any) -> Attribute:
        return inferred_attribute(self._item, answer)

    def _is_visible(self, attribute: Attribute) -> bool:
        """Return whether every option on the path to the attribute is chosen."""
        path: Path = self._item._answer_index().paths[attribute.feature_node_hash]
        return all(self._is_chosen(radio, option) for radio, option in path)

    def _is_chosen(self, radio: Any, option: Any) -> bool:
        answered = (self._static or {}).get(radio.feature_node_hash)
        return answered is not None and answered[1].feature_node_hash == option.feature_node_hash

    def _static_answer(self, attribute: Attribute) -> Any:
        """Return a static answer as callers get it: None if hidden, an empty list for an unanswered checklist."""
        if not self._is_visible(attribute):
            return None
        answered = (self._static or {}).get(attribute.feature_node_hash)
        if answered is None:
            return [] if isinstance(attribute, ChecklistAttribute) else None
        return public_value(answered[1])

    def _set_static(self, attribute: Attribute, answer: Any, overwrite: bool) -> None:
        if not overwrite and attribute.feature_node_hash in (self._static or {}):
            raise LabelRowError(f"{attribute.name!r} is answered already. To replace the answer, say overwrite=True.")
        value = checked_value(attribute, answer)
        self._touch()
        self._answer(attribute, value)
        if self._marks is not None:
            self._marks.pop(attribute.feature_node_hash, None)

    def _delete_static(self, attribute: Attribute) -> None:
        self._touch()
        if self._static is not None:
            self._own_static().pop(attribute.feature_node_hash, None)
        if self._marks is not None:
            self._marks.pop(attribute.feature_node_hash, None)

    def _read_static(
        self, answers: list[dict[str, Any]], unread: Unread, path: str
    ) -> dict[str, tuple[Attribute, Any, dict[str, Any] | None]]:
        """Return the static answers of a list in JSON form: split checklists united, else the last one counts.

        What of the list is not read is appended to ``unread``, with ``path`` as where the list stands.
        """
        found: dict[str, tuple[Attribute, Any, dict[str, Any] | None]] = {}
        for answer in answers:
            hash_ = answer["featureHash"]
            attribute = self._item._attribute(hash_)
            if attribute is None:
                raise LabelRowError(f"No attribute of this {self._kind} has the hash {hash_!r}.")
            if self._is_dynamic(attribute):
                continue
            value = value_from_json(attribute, answer["answers"], self._unknown_option)
            if value is None:
                if says_more(answer):
                    unread.append((path, answer))
                continue
            mark = mark_from_json(answer, KNOWN_KEYS)
            if hash_ in found:
                _, before, mark_before = found[hash_]
                if isinstance(attribute, ChecklistAttribute):
                    hashes = {option.feature_node_hash for option in (*before, *value)}
                    value = tuple(option for option in attribute.options if option.feature_node_hash in hashes)
                if isinstance(attribute, ChecklistAttribute) or value_key(before) == value_key(value):
                    mark = united_marks(mark_before, mark, unread, path)
                else:
                    unread.append((path, answer_to_json(attribute, before, mark_before)))
            found[hash_] = (attribute, value, mark)
        return found

    def _is_dynamic(self, attribute: Attribute) -> bool:
        return False

    def _take_static(self, found: dict[str, tuple[Attribute, Any, dict[str, Any] | None]]) -> None:
        self._touch()
        for hash_, (attribute, value, mark) in found.items():
            self._answer(attribute, value)
            if mark is not None:
                if self._marks is None:
                    self._marks = {}
                self._marks[hash_] = mark
            elif self._marks is not None:
                self._marks.pop(hash_, None)

    def _static_json(self) -> list[dict[str, Any]]:
        """Return the static answers in JSON form, in the order the platform writes them: last attribute first."""
        if self._static is None:
            return []
        marks = self._marks or {}
        return [
            answer_to_json(attribute, value, marks.get(attribute.feature_node_hash))
            for attribute, value in reversed(self._static_answers())
        ]

    def _take_copies_from(self, other: LabelInstance) -> None:
        """Take over what another instance says, sharing nothing that changes."""
        self._origin = other._origin
        if other._static is not None:
            self._static = {**other._static}
        self._marks = _copied(other._marks)
        self._extras = _copied(other._extras) or None

    def _twin(self) -> Self:
        """Return a copy with the same hash, in no row. Records, which never change in place, are shared."""
        twin = object.__new__(type(self))
        twin._item = self._item
        twin._hash = self._hash
        twin._row = None
        twin._origin = self._origin
        twin._static = self._static if self._static.__class__ is SharedAnswers else _copied(self._static)
        twin._marks = _copied(self._marks)
        twin._extras = _copied(self._extras)
        twin._frames = dict(self._frames)
        return twin


class AnnotationHandle:
    """An instance on a frame: a handle that reads and writes the instance's own data.

    Each property but ``frame`` raises :class:`LabelRowError` while the instance is not on the frame.
    """

    __slots__ = ("_frame", "_instance")

    _instance: Any

    def __init__(self, instance: Any, frame: int) -> None:
        self._instance = instance
        self._frame = frame

    @property
    def frame(self) -> int:
        """The frame, from 0."""
        return self._frame

    def _data(self) -> Any:
        data = self._instance._frames.get(self._frame)
        if data is None:
            raise LabelRowError(f"The {self._instance._kind} is not on frame {self._frame}, so nothing is known of it.")
        return data

    def _info(self) -> Any:
        raise NotImplementedError

    def _change(self, **changes: Any) -> None:
        """Give the instance a changed copy of its record."""
        raise NotImplementedError

    @property
    def created_at(self) -> datetime:
        """When it was made."""
        return self._info().created_at  # type: ignore[no-any-return]

    @created_at.setter
    def created_at(self, created_at: datetime) -> None:
        self._change(created_at=created_at)

    @property
    def created_by(self) -> str | None:
        """The e-mail address of who made it. Setting anything that is none raises ``ValueError``."""
        return self._info().created_by  # type: ignore[no-any-return]

    @created_by.setter
    def created_by(self, created_by: str | None) -> None:
        if created_by is not None:
            check_email(created_by)
        self._change(created_by=created_by)

    @property
    def last_edited_at(self) -> datetime:
        """When it was last changed."""
        return self._info().last_edited_at  # type: ignore[no-any-return]

    @last_edited_at.setter
    def last_edited_at(self, last_edited_at: datetime) -> None:
        self._change(last_edited_at=last_edited_at)

    @property
    def last_edited_by(self) -> str | None:
        """The e-mail address of who last changed it. Setting anything that is none raises ``ValueError``."""
        return self._info().last_edited_by  # type: ignore[no-any-return]

    @last_edited_by.setter
    def last_edited_by(self, last_edited_by: str | None) -> None:
        if last_edited_by is not None:
            check_email(last_edited_by)
        self._change(last_edited_by=last_edited_by)

    @property
    def confidence(self) -> float:
        """How sure whoever made it was, 0..1."""
        return self._info().confidence  # type: ignore[no-any-return]

    @confidence.setter
    def confidence(self, confidence: float) -> None:
        self._change(confidence=confidence)

    @property
    def manual_annotation(self) -> bool:
        """Whether a person made it."""
        return self._info().manual_annotation  # type: ignore[no-any-return]

    @manual_annotation.setter
    def manual_annotation(self, manual_annotation: bool) -> None:
        self._change(manual_annotation=manual_annotation)

    @property
    def reviews(self) -> list[dict[str, Any]] | None:
        """The reviews it has had."""
        reviews = self._info().reviews
        if reviews is not None:
            self._instance._show(reviews)
        return reviews  # type: ignore[no-any-return]
