"""Classes of formats that only name them: inferred from the labels, or from an ontology file next to them.

A format whose files cannot hold attributes, options and colours writes the ontology to :data:`ONTOLOGY`, so that they
come back. Other tools ignore that file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source, Target
from encord_convert.formats.coco.categories import Questions
from encord_convert.formats.coco.ontology import Unknown, answer_of
from encord_convert.hub.class_names import joined, told_apart
from encord_convert.hub.counts import Counts
from encord_convert.hub.draft import Draft
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
"""Attribute name to answer: a bool, a text, a :class:`Choice`, a number or a list of texts."""


class Choice(str):
    """A text that is an option of a radio attribute."""

    __slots__ = ()


def write_ontology(target: Target, structure: OntologyStructure) -> None:
    """Write the ontology next to the labels."""
    with target.open(ONTOLOGY) as stream:
        stream.write(json.dumps(told_apart(structure.to_dict()), ensure_ascii=False, indent=1).encode() + b"\n")


@dataclass(slots=True)
class _Shown:
    """What the labels of a class show: by attribute the types of answers, and the options chosen."""

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
        from encord_convert.formats._hub_schema import ontology_from, words_of

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
        """Register a label; its class is added when :meth:`build` is called."""
        shown = self._shown.setdefault((name, shape), _Shown())
        for key, value in answers.items():
            shown.kinds.setdefault(key, set()).add(type(value))
            if isinstance(value, (list, Choice)):
                shown.options.setdefault(key, {}).update(dict.fromkeys(value if isinstance(value, list) else [value]))

    def build(self, order: Sequence[str], colors: Mapping[str, str | None] | None = None) -> None:
        """Add the registered classes that the ontology file lacks, those in ``order`` first."""
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
        """Return the classes of a name and shape: the registered one, or all of the ontology file."""
        return self._objects[name, shape]

    def given(self, name: str, shape: Shape) -> Object | None:
        """Return a class of the ontology that lies next to the labels."""
        return self._objects.get((name, shape), [None])[0] if self.is_given else None

    def question(self, item: Object, key: str) -> Any:
        """Return the attribute of this name; None if the class has none."""
        known = self._questions.get(id(item))
        if known is None:
            known = self._questions[id(item)] = Questions(item.attributes).by_key()
        return known.get(key)

    def answers(self, item: Object, members: Members) -> tuple[SharedAnswers | None, dict[str, Any]]:
        """Return answers as label members, and those that fit no attribute of the class."""
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
    """Answers of an ontology's classes as JSON values by key.

    Equal answers are converted once.
    """

    def __init__(self) -> None:
        self._questions: dict[int, tuple[Object, Questions]] = {}

    def members(self, instance: Any) -> dict[str, Any]:
        """Return the static answers of an object, without nested ones."""
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
        """Return the attribute under a key of an object that has members."""
        return self._questions[id(instance.ontology_item)][1].by_key()[key]
