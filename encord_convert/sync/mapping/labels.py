"""Translates the labels of one row, and their answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from encord_convert.errors import TranslationError
from encord_convert.hub.draft import Hashes
from encord_convert.sync.mapping.answers import retyped

if TYPE_CHECKING:
    from encord_convert.sync.mapping.translate import Class, Row, Translation, YesNo

_HASHES = Hashes("sync")


@dataclass(slots=True)
class _Made:
    """A label of the project."""

    source: str
    class_: Class
    frames: set[int]
    split: str | None = None
    """Hash of the attribute that may split other frames of the label off."""


class AnswerOutcome(IntEnum):
    """Outcome for an answer; if a label becomes several, the lowest applies."""

    KEPT = 0
    CHANGED = 1
    """Converted to another form, or merged with another."""
    BECAME_CLASS = 2
    SECOND = 3
    """Two attributes were merged, and the other's answer won."""
    DROPPED = 4


class Relabelled:
    """The translation of one row: its labels and their answers."""

    def __init__(self, translation: Translation, row: Row) -> None:
        self._translation = translation
        self._row = row
        self._objects: dict[str, _Made] = {}
        self._classifications: dict[str, _Made] = {}
        self._options: dict[str, list[tuple[str, list[list[int]] | None]]] = {}
        self._first: dict[str, str] = {}
        self._met: set[str] = set()
        self.outcomes: dict[str, dict[int, tuple[dict[str, Any], AnswerOutcome]]] = {}
        """By hash of a source label, its answers by identity, with their outcomes."""
        self.undrawable: dict[tuple[str, int], str] = {}
        """By hash and frame of a dropped object, why it could not change shape."""
        self.off_frames: list[tuple[str, str]] = []
        """Shape and class of each dropped label without frames (spans of audio or text)."""

    def parts(self) -> dict[str, list[str]]:
        """Return the hashes of the labels that each source label became, by its hash."""
        found: dict[str, list[str]] = {}
        for made in (self._objects, self._classifications):
            for hash_, one in made.items():
                found.setdefault(one.source, []).append(hash_)
        return found

    def labels(self, unit: dict[str, Any]) -> dict[str, Any]:
        """Return the labels of a data unit, or of a space."""
        labels = unit.get("labels") or {}
        if "objects" in labels:
            return self._frame(labels, int(unit.get("data_sequence", 0)), unit)
        return {frame: self._frame(one, _number(frame), unit) for frame, one in labels.items()}

    def spaces(self) -> dict[str, Any]:
        """Return the spaces of a newer server's row, whose labels have the form of data units."""
        spaces = self._row.get("spaces") or {}
        return {id_: {**space, "labels": self.labels(space)} for id_, space in spaces.items()}

    def take_off_frames(self) -> None:
        """Handle labels without frames: spans of audio and text, which exist only in the answers."""
        for name, key, made in (
            ("object_answers", "objectHash", self._objects),
            ("classification_answers", "classificationHash", self._classifications),
        ):
            for hash_, entry in self._row[name].items():
                if hash_ in self._met or "featureHash" not in entry:
                    continue
                self._met.add(hash_)
                class_rule = self._translation.class_rule_of(entry)
                if class_rule.plain is None or class_rule.plain.shape != class_rule.shape:
                    self._translation.dropped[f"{class_rule.name!r} ({class_rule.shape})"] += 1
                    self.off_frames.append((class_rule.shape, class_rule.name))
                else:
                    made[str(entry.get(key, hash_))] = _Made(hash_, class_rule.plain, set())

    def _frame(self, labels: dict[str, Any], frame: int, unit: dict[str, Any]) -> dict[str, Any]:
        objects = [new for entry in labels.get("objects", ()) if (new := self._object(entry, frame, unit)) is not None]
        classifications = [
            new
            for entry in labels.get("classifications", ())
            if (new := self._classification(entry, frame)) is not None
        ]
        return {**labels, "objects": objects, "classifications": classifications}

    def _object(self, entry: dict[str, Any], frame: int, unit: dict[str, Any]) -> dict[str, Any] | None:
        class_rule = self._translation.class_rule_of(entry)
        hash_ = entry["objectHash"]
        self._met.add(hash_)
        class_ = class_rule.plain
        if class_rule.split is not None:
            option = self._option(hash_, class_rule.split, frame)
            class_ = class_rule.plain if option is None else class_rule.by_option.get(option)
        if class_ is None:
            self._translation.dropped[f"{class_rule.name!r} ({class_rule.shape})"] += 1
            return None
        if class_.shape != class_rule.shape:
            try:
                entry = retyped(entry, class_rule.shape, class_.shape, unit["width"], unit["height"])
            except ValueError as error:
                if not self._translation.leaves_undrawable:
                    raise TranslationError(f"{class_rule.name!r} on frame {frame}: {error}.") from error
                self.undrawable[hash_, frame] = str(error)
                return None
        first = self._first.setdefault(hash_, class_.name)
        new_hash = hash_ if first == class_.name else _HASHES.short(hash_, class_.name)
        made = self._objects.get(new_hash)
        if made is None:
            made = self._objects[new_hash] = _Made(hash_, class_, set(), class_rule.split)
        made.frames.add(frame)
        new = {**entry, **class_.base, "objectHash": new_hash}
        if class_.points and class_rule.shape == "skeleton":
            new["skeleton"] = _pointed(entry["skeleton"], class_.points)
        return new

    def _option(self, hash_: str, split: str, frame: int) -> str | None:
        """Return the hash of a label's chosen option on a frame."""
        found = self._options.get(hash_)
        if found is None:
            found = self._options[hash_] = [
                (option["featureHash"], entry.get("range"))
                for entry in (*self._said("object_answers", hash_), *self._said("object_actions", hash_))
                if entry["featureHash"] == split
                for option in entry["answers"]
            ]
        for option, ranges in found:
            if ranges is None or any(start <= frame <= end for start, end in ranges):
                return option
        return None

    def _said(self, where: str, hash_: str) -> list[dict[str, Any]]:
        entry = self._row.get(where, {}).get(hash_, {})
        outcome: list[dict[str, Any]] = entry.get("actions" if where == "object_actions" else "classifications", [])
        return outcome

    def _classification(self, entry: dict[str, Any], frame: int) -> dict[str, Any] | None:
        class_rule = self._translation.class_rule_of(entry)
        hash_ = entry["classificationHash"]
        self._met.add(hash_)
        if class_rule.plain is None:
            self._translation.dropped[f"{class_rule.name!r} ({class_rule.shape})"] += 1
            return None
        made = self._classifications.setdefault(hash_, _Made(hash_, class_rule.plain, set()))
        made.frames.add(frame)
        return {**entry, **class_rule.plain.base}

    def unplaced(self) -> int:
        """Count answers of labels without frames."""
        answered = [*self._row["object_answers"], *self._row["classification_answers"]]
        return sum(hash_ not in self._met for hash_ in answered)

    def object_answers(self) -> dict[str, Any]:
        return {
            hash_: {
                **self._based(self._row["object_answers"].get(made.source, {}), made.class_),
                "classifications": self._answered(made, self._said("object_answers", made.source)),
                "objectHash": hash_,
            }
            for hash_, made in self._objects.items()
        }

    @staticmethod
    def _based(entry: dict[str, Any], class_: Class) -> dict[str, Any]:
        """Return the label data of an answers entry, present for labels without frames."""
        return {**entry, **class_.base} if "featureHash" in entry else entry

    def object_actions(self) -> dict[str, Any]:
        found = {}
        for hash_, made in self._objects.items():
            actions = self._answered(made, self._said("object_actions", made.source), is_dynamic=True)
            if actions:
                entry = self._row["object_actions"].get(made.source, {})
                found[hash_] = {**entry, "actions": actions, "objectHash": hash_}
        return found

    def classification_answers(self) -> dict[str, Any]:
        found = {}
        for hash_, made in self._classifications.items():
            entry = self._row["classification_answers"].get(hash_, {})
            new = {**entry, "classifications": self._answered(made, self._said("classification_answers", hash_))}
            if "featureHash" in entry:
                new["featureHash"] = made.class_.base["featureHash"]
            found[hash_] = {**new, "classificationHash": hash_}
        return found

    def _answered(
        self, made: _Made, entries: list[dict[str, Any]], *, is_dynamic: bool = False
    ) -> list[dict[str, Any]]:
        new: list[dict[str, Any]] = []
        static: dict[str, dict[str, Any]] = {}
        for entry in entries:
            answer = made.class_.answers.get(entry["featureHash"])
            if answer is None:
                self._record(made, entry, _outcome_without(made, entry))
                continue
            answers = answer.translated(entry["answers"])
            if answers is None:
                self._record(made, entry, AnswerOutcome.DROPPED)
                continue
            one = {**entry, **answer.base, "answers": answers}
            if made.split is not None and "range" in entry:
                one["range"] = _within(entry["range"], made.frames)
                if not one["range"]:
                    self._record(made, entry, AnswerOutcome.DROPPED)
                    continue
            if "range" not in one:
                first = static.setdefault(one["featureHash"], one)
                if first is not one:  # two attributes were merged
                    self._record(made, entry, self._join(first, one, made.class_))
                    continue
            self._record(made, entry, AnswerOutcome.CHANGED if answer.changes(entry["answers"]) else AnswerOutcome.KEPT)
            new.append(one)
        for question in made.class_.questions:
            if question.is_dynamic is is_dynamic:
                new += _decided(question, made, entries)
        return new

    def _record(self, made: _Made, entry: dict[str, Any], outcome: AnswerOutcome) -> None:
        outcomes = self.outcomes.setdefault(made.source, {})
        before = outcomes.get(id(entry))
        if before is None or outcome < before[1]:
            outcomes[id(entry)] = entry, outcome

    def _join(self, first: dict[str, Any], other: dict[str, Any], class_: Class) -> AnswerOutcome:
        """Merge an answer with another of the same attribute; for single answers the first attribute wins.

        Answers come in reverse ontology order.
        """
        if first["featureHash"] in class_.checklists:
            options = {option["featureHash"]: option for option in [*first["answers"], *other["answers"]]}
            first["answers"] = list(options.values())
        elif first["answers"] != other["answers"]:
            self._translation.dropped[f"a second answer to {first['name']!r} of {class_.name!r}"] += 1
            first.update(other)
            return AnswerOutcome.SECOND
        return AnswerOutcome.CHANGED


def _number(frame: str) -> int:
    """Return a frame number; 0 for a named stream of a scene."""
    return int(frame) if frame.isdecimal() else 0


def _outcome_without(made: _Made, entry: dict[str, Any]) -> AnswerOutcome:
    """Return the outcome of an answer whose attribute is not in its new class."""
    if entry["featureHash"] == made.split:
        return AnswerOutcome.BECAME_CLASS
    is_asked = any(question.attribute == entry["featureHash"] for question in made.class_.questions)
    return AnswerOutcome.CHANGED if is_asked else AnswerOutcome.DROPPED


def _decided(question: YesNo, made: _Made, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the answers of a yes/no attribute: yes where the option was checked."""
    checked = [
        entry
        for entry in entries
        if entry["featureHash"] == question.attribute
        and any(option["featureHash"] == question.option for option in entry["answers"])
    ]
    answer = {**question.base, "manualAnnotation": checked[0].get("manualAnnotation", True) if checked else True}
    if not question.is_dynamic:
        return [{**answer, "answers": [question.yes if checked else question.no]}]
    on = {frame for entry in checked for start, end in entry["range"] for frame in range(start, end + 1)} & made.frames
    track = {"dynamic": True, "shouldPropagate": False, "trackHash": _HASHES.short(made.source, question.option)}
    return [
        {**answer, **track, "answers": [choice], "range": _runs(frames)}
        for choice, frames in ((question.yes, on), (question.no, made.frames - on))
        if frames
    ]


def _pointed(drawn: Any, hashes: Mapping[str, str]) -> Any:
    """Return the points of a skeleton with the project template's hashes."""

    def of(point: dict[str, Any]) -> dict[str, Any]:
        return {**point, "featureHash": hashes[point["name"]]} if point.get("name") in hashes else point

    return [of(point) for point in drawn] if isinstance(drawn, list) else {key: of(one) for key, one in drawn.items()}


def _within(ranges: Iterable[Iterable[int]], frames: set[int]) -> list[list[int]]:
    """Return the runs of frames inside any of the ranges."""
    return _runs(frames & {frame for start, end in ranges for frame in range(start, end + 1)})


def _runs(frames: Iterable[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for frame in sorted(frames):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return runs
