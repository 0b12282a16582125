"""Dynamic answers as callers see them: distinct answers, each with its ranges of frames."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, List, Union  # noqa: UP035 -- documented as they are

from encord_convert.sdk.objects._addresses import seen_as
from encord_convert.sdk.objects._answer_values import (
    Unread,
    checked_value,
    public_value,
    united_marks,
    value_key,
)
from encord_convert.sdk.objects._dynamic_answers import DynamicAnswers, Runs, united
from encord_convert.sdk.objects.answers import Answer, get_default_answer_from_attribute
from encord_convert.sdk.objects.attributes import Attribute, ChecklistAttribute
from encord_convert.sdk.objects.frames import Frames, Range, Ranges, _runs_of, frames_class_to_frames_list
from encord_convert.sdk.objects.options import Option

if TYPE_CHECKING:
    from encord_convert.sdk.objects.ontology_object_instance import ObjectInstance

GivenAnswer = tuple[Attribute, Any, Runs, "dict[str, Any] | None"]
"""A dynamic answer as it is read: attribute, value, runs, and what its JSON says beyond the usual."""

AnswerValue = Union[str, Option, Iterable[Option]]  # noqa: UP007


@seen_as("encord_convert.sdk.objects.ontology_object_instance:AnswerForFrames")
@dataclass
class AnswerForFrames:
    """A dynamic answer and the runs of frames that have it.

    Parameters
    ----------
    answer : str, Option or list of Option
    ranges : list of Range
        Ascending, merged.
    """

    answer: Union[str, Option, Iterable[Option]]  # noqa: UP007
    ranges: Ranges


AnswersForFrames = List[AnswerForFrames]  # noqa: UP006


@seen_as("encord_convert.sdk.objects.ontology_object_instance:DynamicAnswerManager")
class DynamicAnswerManager:
    """Dynamic answers of an object, kept apart from those the object has.

    Parameters
    ----------
    object_instance : ObjectInstance
        Says which attributes there are, which frames are allowed, and which are meant when none are named.
    """

    def __init__(self, object_instance: ObjectInstance) -> None:
        self._instance = object_instance
        self._answers = DynamicAnswers()

    def is_valid_dynamic_attribute(self, attribute: Attribute) -> bool:
        """Return whether the object has the attribute, and it is dynamic."""
        own = self._instance._own_attribute(attribute)
        return own is not None and own.dynamic

    def set_answer(self, answer: AnswerValue, attribute: Attribute, frames: Frames | None = None) -> None:
        """Answer an attribute on frames, by default on all the object is on."""
        numbers = list(self._instance._frames) if frames is None else frames_class_to_frames_list(frames)
        for frame in numbers:
            self._instance.check_within_range(frame)
        if numbers:
            value = checked_value(attribute, answer)
            self._answers.set(self._answers.entry(attribute, value), _runs_of(numbers))

    def get_answer(
        self, attribute: Attribute, filter_answer: AnswerValue | None = None, filter_frames: Frames | None = None
    ) -> AnswersForFrames:
        """Return the answers to an attribute, each with its ranges, in order of first setting."""
        frames = None if filter_frames is None else frames_class_to_frames_list(filter_frames)
        return answers_for_frames(self._answers, attribute, filter_answer, frames)

    def delete_answer(
        self, attribute: Attribute, frames: Frames | None = None, filter_answer: AnswerValue | None = None
    ) -> None:
        """Take answers back, by default on all frames."""
        numbers = None if frames is None else frames_class_to_frames_list(frames)
        delete_dynamic(self._answers, attribute, numbers, filter_answer)

    def frames(self) -> Iterable[int]:
        """Return the frames on which anything is answered."""
        return self._answers.frames()

    def get_all_answers(self) -> list[tuple[Answer[Any, Any], Ranges]]:
        """Return every answer with its ranges, in order of first setting."""
        found: list[tuple[Answer[Any, Any], Ranges]] = []
        for entry, runs in self._answers.with_runs():
            answer = get_default_answer_from_attribute(entry.attribute)
            answer.set(public_value(entry.value))
            found.append((answer, [Range(start, end) for start, end in runs]))
        return found

    def copy(self) -> DynamicAnswerManager:
        """Return independent answers of the same object."""
        copy = DynamicAnswerManager(self._instance)
        copy._answers = self._answers.copy()
        return copy


def answers_for_frames(
    answers: DynamicAnswers | None, attribute: Attribute, filter_answer: Any, frames: list[int] | None
) -> AnswersForFrames:
    found: AnswersForFrames = []
    if answers is None:
        return found
    for key, runs in answers.runs_of(attribute).items():
        if frames is not None and not any(start <= frame <= end for start, end in runs for frame in frames):
            continue
        value = public_value(answers.entries[key].value)
        if filter_answer is None or value == filter_answer:
            found.append(AnswerForFrames(value, [Range(start, end) for start, end in runs]))
    return found


def delete_dynamic(
    answers: DynamicAnswers | None, attribute: Attribute, frames: list[int] | None, filter_answer: Any
) -> None:
    if answers is None:
        return
    for key, runs in answers.runs_of(attribute).items():
        if filter_answer is None or public_value(answers.entries[key].value) == filter_answer:
            answers.clear(attribute, runs if frames is None else _runs_of(frames), only=key)


def with_checklists_united(found: list[GivenAnswer], unread: Unread, path: str) -> list[GivenAnswer]:
    """Return answers in which no two of a checklist share a frame, each checklist where its first answer stood."""
    by_checklist: dict[str, list[GivenAnswer]] = {}
    for given in found:
        if isinstance(given[0], ChecklistAttribute):
            by_checklist.setdefault(given[0].feature_node_hash, []).append(given)
    result: list[GivenAnswer] = []
    for given in found:
        attribute = given[0]
        if not isinstance(attribute, ChecklistAttribute):
            result.append(given)
            continue
        parts = by_checklist.pop(attribute.feature_node_hash, ())
        for value, runs in united(attribute, [(value, runs) for _, value, runs, _ in parts]):
            result.append((attribute, value, runs, _mark_of_united(value, parts, unread, path)))
    return result


def _mark_of_united(value: Any, parts: Sequence[GivenAnswer], unread: Unread, path: str) -> dict[str, Any] | None:
    """Return the mark of the parts that are the whole selection, and of those that are some of it."""
    chosen = set(value_key(value))
    same = [mark for _, one, _, mark in parts if set(value_key(one)) == chosen]
    some = [mark for _, one, _, mark in parts if one and chosen > set(value_key(one))]
    united = None
    for mark in (*same, *some):
        united = united_marks(united, mark, unread, path)
    return united
