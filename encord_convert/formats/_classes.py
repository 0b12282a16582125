"""The classes of formats that only name them: as the labels show them, or as the ontology that lies next to them says.

A format whose files have no place for what its classes ask (which answers there are, which colours) puts the ontology
of what it writes into :data:`ONTOLOGY`, so that all of it comes back. Other tools pass that file over.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source, Target
from encord_convert.formats._hub_schema import ontology_from, words_of
from encord_convert.formats.coco.categories import Questions
from encord_convert.formats.coco.ontology import Unknown, answer_of
from encord_convert.hub.class_names import joined, told_apart
from encord_convert.hub.counts import Counts
from encord_convert.hub.labelset import Draft
from encord_convert.hub.loss import Level, Where
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    Object,
    OntologyStructure,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord_convert.sdk.objects._instance import SharedAnswers

ONTOLOGY = "encord/ontology.json"
_MOST_BYTES = 1 << 26

Members = Mapping[str, Any]
"""Answers by what is asked: a truth, a text, a :class:`Choice`, a number or a list of texts."""


class Choice(str):
    """A text that is one of a few."""

    __slots__ = ()


def write_ontology(target: Target, structure: OntologyStructure) -> None:
    """Write the ontology next to the labels."""
    with target.open(ONTOLOGY) as stream:
        stream.write(json.dumps(told_apart(structure.to_dict()), ensure_ascii=False, indent=1).encode() + b"\n")


@dataclass(slots=True)
class _Shown:
    """What the labels of a class show: by what is asked the kinds of answers, and the texts that are chosen."""

    kinds: dict[str, set[type]] = field(default_factory=dict)
    options: dict[str, dict[str, None]] = field(default_factory=dict)


class Classes:
    """The classes of a source.

    Parameters
    ----------
    draft : Draft
        Takes the classes.
    source : Source
        Where the ontology lies, if there is one.
    counts : Counts
    """

    def __init__(self, draft: Draft, source: Source, names: Iterable[str], counts: Counts) -> None:
        self._draft = draft
        self._counts = counts
        self._shown: dict[tuple[str, Shape], _Shown] = {}
        self._objects: dict[tuple[str, Shape], list[Object]] = {}
        self._questions: dict[int, dict[str, Any]] = {}
        self._shared: dict[Any, SharedAnswers | None] = {}
        self.is_given = ONTOLOGY in names
        """Whether an ontology lies next to the labels."""
        if self.is_given:
            self._take(source)

    def _take(self, source: Source) -> None:
        place = source.place(ONTOLOGY)
        try:
            members = ontology_from(source.head(ONTOLOGY, _MOST_BYTES))
            structure = OntologyStructure._from_dict(joined(members))
        except msgspec.ValidationError as error:
            raise ReadError(place, f"is not an ontology ({words_of(error)}).") from error
        except (msgspec.DecodeError, EncordException, KeyError, TypeError, ValueError, RecursionError) as error:
            raise ReadError(place, f"is not an ontology ({error}).") from error
        self._draft.ontology = structure
        for item in structure.objects:
            self._objects.setdefault((item.name, item.shape), []).append(item)

    def show(self, name: str, shape: Shape, answers: Members) -> None:
        """Show a label: its class is added when :meth:`build` is called."""
        shown = self._shown.setdefault((name, shape), _Shown())
        for key, value in answers.items():
            shown.kinds.setdefault(key, set()).add(type(value))
            if isinstance(value, (list, Choice)):
                shown.options.setdefault(key, {}).update(dict.fromkeys(value if isinstance(value, list) else [value]))

    def build(self, order: Sequence[str], colors: Mapping[str, str | None] | None = None) -> None:
        """Add the classes that were shown and that the ontology next to them has not: those of ``order`` first."""
        rank = {name: number for number, name in enumerate(order)}
        for name, shape in sorted(self._shown, key=lambda key: (rank.get(key[0], len(rank)), key[0], key[1].value)):
            if (name, shape) not in self._objects:
                self._add(name, shape, (colors or {}).get(name))

    def _add(self, name: str, shape: Shape, color: str | None) -> None:
        if self.is_given:
            detail = f"{ONTOLOGY} has no {shape.value.replace('_', ' ')} {name!r}; it is added."
            self._counts.note(Level.WARNING, "UNDECLARED_LABEL", detail, Where(element=name))
        item = self._draft.add_object(name, shape, color=color)
        self._objects[name, shape] = [item]
        shown, short = self._shown[name, shape], self._draft.hashes.short
        for key, kinds in shown.kinds.items():
            options = [key] if kinds == {bool} else [str(entry) for entry in shown.options.get(key, ())]
            kind: Any = _KINDS.get(next(iter(kinds)), TextAttribute) if len(kinds) == 1 else TextAttribute
            words = (name, shape.value, key)
            attribute = item.add_attribute(kind, key, feature_node_hash=short("attribute", *words))
            for option in options if kind is not TextAttribute else ():
                attribute.add_option(option, feature_node_hash=short("option", *words, option))

    def of(self, name: str, shape: Shape) -> list[Object]:
        """Return the class that was shown; of the ontology next to the labels all of the name and shape."""
        return self._objects[name, shape]

    def given(self, name: str, shape: Shape) -> Object | None:
        """Return a class of the ontology that lies next to the labels."""
        return self._objects.get((name, shape), [None])[0] if self.is_given else None

    def question(self, item: Object, key: str) -> Any:
        """Return how the answers under a key are written; None if the class asks nothing of that name."""
        known = self._questions.get(id(item))
        if known is None:
            known = self._questions[id(item)] = Questions(item.attributes).by_key()
        return known.get(key)

    def answers(self, item: Object, members: Members) -> tuple[SharedAnswers | None, dict[str, Any]]:
        """Return answers as labels of one class share them, and those that the class has no place for."""
        found, left = [], {}
        for key, value in members.items():
            question = self.question(item, key)
            answer = Unknown if question is None else answer_of(question, value)
            if answer is Unknown or answer is None:
                left[key] = value
            else:
                found.append((question.attribute, answer))
        if not found:
            return None, left
        known = id(item), tuple((attribute.feature_node_hash, _key(value)) for attribute, value in found)
        if known not in self._shared:
            self._shared[known] = SharedAnswers(item, found)
        return self._shared[known], left


def _key(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(option.feature_node_hash for option in value)
    return getattr(value, "feature_node_hash", (type(value), value))


_KINDS: dict[type, Any] = {bool: ChecklistAttribute, list: ChecklistAttribute, Choice: RadioAttribute}


class Asked:
    """How the classes of an ontology write their answers: by key, as JSON values.

    Answers that objects share are turned into members once.
    """

    def __init__(self) -> None:
        self._questions: dict[int, tuple[Object, Questions]] = {}

    def members(self, instance: Any) -> dict[str, Any]:
        """Return the answers of an object that hold for all its frames, without those below an option."""
        answers = [(attribute, value) for attribute, value in instance._static_answers() if len(attribute.uid) < 3]
        if not answers:
            return {}
        members: dict[str, Any] = {}
        item = instance.ontology_item
        known = self._questions.get(id(item))
        if known is None:
            known = self._questions[id(item)] = item, Questions(item.attributes)
        known[1].fill(members, answers)
        return members

    def question(self, instance: Any, key: str) -> Any:
        """Return how the answers under a key of an object that has members are written."""
        return self._questions[id(instance.ontology_item)][1].by_key()[key]
