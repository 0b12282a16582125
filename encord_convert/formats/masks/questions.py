"""What files of other tools ask of masks and images, gathered before the first answer is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from encord_convert.formats.masks.records import Answer
from encord_convert.hub.draft import Draft
from encord_convert.sdk.objects import ChecklistAttribute, Classification, Object, RadioAttribute, TextAttribute


class _Question:
    """A question: a text, or a choice whose options are those that were chosen, of which several may be."""

    def __init__(self) -> None:
        self.is_text = False
        self.is_multiple = False
        self.options: dict[str, Any] = {}
        self.attribute: Any = None

    def learn(self, answer: Answer) -> None:
        self.is_text |= answer.kind == "text"
        self.is_multiple |= len(answer.values) > 1
        self.options.update(dict.fromkeys(answer.values))

    def settle(self, item: Any, name: str, words: tuple[str, ...], draft: Draft) -> None:
        short = draft.hashes.short
        if self.is_text:
            self.attribute = item.add_attribute(TextAttribute, name, feature_node_hash=short("question", *words, name))
            return
        kind = ChecklistAttribute if self.is_multiple else RadioAttribute
        self.attribute = item.add_attribute(kind, name, feature_node_hash=short("question", *words, name))
        for label in self.options:
            hash_ = short("option", *words, name, label)
            self.options[label] = self.attribute.add_option(label, feature_node_hash=hash_)

    def value(self, answer: Answer) -> Any:
        if self.is_text:
            return "\n".join(answer.values)
        options = tuple(self.options[label] for label in answer.values)
        return options if self.is_multiple else options[0]


class Questions:
    """The questions of classes, and those of images.

    Parameters
    ----------
    draft : Draft
        Whose ontology has them.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._of: dict[str | None, dict[str, _Question]] = {}
        self._classifications: dict[str, Classification] = {}

    def learn(self, label: str | None, answers: Mapping[str, Answer]) -> None:
        """Take the answers about a mask of a class, or about an image (None)."""
        for name, answer in answers.items():
            self._of.setdefault(label, {}).setdefault(name, _Question()).learn(answer)

    def settle(self, classes: Mapping[str, Object]) -> None:
        """Add all questions to the ontology."""
        for label, questions in self._of.items():
            for name, question in questions.items():
                if label is not None:
                    question.settle(classes[label], name, (label,), self._draft)
                else:
                    item = self._classifications[name] = self._draft.add_classification(name)
                    question.settle(item, name, ("image", name), self._draft)

    def of_class(self, label: str, name: str, answer: Answer) -> tuple[Any, Any]:
        """Return the attribute that an answer about a mask belongs to, and its value."""
        question = self._of[label][name]
        return question.attribute, question.value(answer)

    def of_image(self, name: str, answer: Answer) -> tuple[Classification, Any, Any]:
        """Return the classification that an answer about an image belongs to, its attribute, and its value."""
        question = self._of[None][name]
        return self._classifications[name], question.attribute, question.value(answer)
