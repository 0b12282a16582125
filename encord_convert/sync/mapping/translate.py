"""Translates label rows from the ontology of a source to that of a project.

Classes match by name and shape, attributes and options by path of titles, after mapping; hashes become the project's.
All of this works on the JSON form of label rows, so that unknown keys are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from encord_convert.errors import TranslationError
from encord_convert.sdk.objects._answer_values import _written_value
from encord_convert.sync.mapping.attributes import NO, YES, asks_yes_or_no, is_yes
from encord_convert.sync.mapping.file import CLASSIFICATION, MappingRules, Rule, Structure, classes_of, templates_of
from encord_convert.sync.mapping.labels import Relabelled
from encord_convert.sync.mapping.ontology import below, outcomes

Row = dict[str, Any]


@dataclass(slots=True)
class Answer:
    """The project's counterpart of a source attribute.

    ``options`` maps hashes to the project's options; or ``texts`` maps them to text, or ``choices`` maps texts to
    options.
    """

    base: dict[str, Any]
    options: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    texts: dict[str, str] | None = None
    choices: dict[str, dict[str, Any]] | None = None
    is_asked_again: bool = False

    def changes(self, answers: Any) -> bool:
        """Return whether an answer changes in more than names."""
        if self.is_asked_again or not isinstance(answers, list):
            return self.is_asked_again
        return any(self.options.get(each["featureHash"]) is None for each in answers)

    def translated(self, answers: Any) -> Any:
        """Return an answer in the project's form, None if it has none."""
        if self.choices is not None:
            choice = self.choices.get(answers)
            if choice is None and answers:
                raise TranslationError(f"{self.base['name']!r} has no option {answers!r}.")
            return [choice] if choice else None
        if self.texts is not None:
            chosen = {each["featureHash"] for each in answers}
            return ", ".join(text for hash_, text in self.texts.items() if hash_ in chosen) or None
        if not isinstance(answers, list):
            return answers
        kept = [option for each in answers if (option := self.options.get(each["featureHash"])) is not None]
        if answers and not kept:
            return None
        return list({option["featureHash"]: option for option in kept}.values())


@dataclass(slots=True)
class YesNo:
    """A yes/no attribute for one option of a source checklist, answered on every label."""

    attribute: str
    option: str
    is_dynamic: bool
    base: dict[str, Any]
    yes: dict[str, Any]
    no: dict[str, Any]


@dataclass(slots=True)
class Class:
    """The project's counterpart of a source class."""

    name: str
    shape: str
    base: dict[str, Any]
    answers: dict[str, Answer]
    checklists: frozenset[str]
    """Hashes of checklist attributes of the project."""
    questions: list[YesNo] = field(default_factory=list)
    points: dict[str, str] = field(default_factory=dict)
    """Skeleton point names to hashes."""


@dataclass(slots=True)
class ClassRule:
    """The project class of a source label, by its answer if the class is split."""

    name: str
    shape: str
    plain: Class | None
    split: str | None = None
    by_option: dict[str, Class | None] = field(default_factory=dict)


class Translation:
    """Translates label rows of one source for one project.

    Parameters
    ----------
    source : dict
        Ontology of the source, in JSON form.
    project : dict
        Ontology of the project.
    rules : MappingRules
    leaves_undrawable : bool
        Drop labels that cannot take the requested shape; else raise.

    Attributes
    ----------
    missing : list of str
        What the labels may need and the project's ontology lacks.
    dropped : Counter
        Frames of dropped labels by reason, accumulated over rows.
    """

    def __init__(
        self,
        source: Structure,
        project: Structure,
        rules: MappingRules | None = None,
        *,
        leaves_undrawable: bool = False,
    ) -> None:
        self.leaves_undrawable = leaves_undrawable
        self.missing: list[str] = []
        self.dropped: Counter[str] = Counter()
        self._project: dict[tuple[str, str], dict[str, Any]] = {}
        for name, shape, one in classes_of(project):
            self._project.setdefault((name, shape), one)
        for object_ in project["objects"]:
            self._project.setdefault((object_["name"], object_["shape"]), object_)
        self._templates = dict(templates_of(project))
        self._class_rules: dict[str, ClassRule] = {}
        rules = rules or MappingRules()
        for name, shape, one in classes_of(source):
            if one["featureNodeHash"] not in self._class_rules:
                class_rule = self._class_rule(one, name, shape, rules.rule(name, shape))
                self._class_rules[one["featureNodeHash"]] = class_rule

    def _class_rule(self, one: dict[str, Any], name: str, shape: str, rule: Rule) -> ClassRule:
        class_rule = ClassRule(name, shape, None)
        attributes = one.get("attributes") or []
        split = next((each for each in attributes if each["name"] == rule.split), None)
        options: dict[str, str] = {}
        if split is not None:
            class_rule.split = split["featureNodeHash"]
            options = {option["label"]: option["featureNodeHash"] for option in split["options"]}
            class_rule.by_option = dict.fromkeys(options.values())
        kept = [each for each in attributes if each is not split]
        for label, title, _ in outcomes(one, rule):
            class_ = self._class(title, rule.shape, kept, rule)
            if class_ is not None and label is not None and split is not None:
                option = next(each for each in split["options"] if each["label"] == label)
                there = self._project[title, rule.shape].get("attributes") or []
                below = option.get("options") or []
                self._answers(class_.answers, below, there, rule, f"{rule.split}/{label}/", title)
                class_rule.by_option[options[label]] = class_
            elif label is None:
                class_rule.plain = class_
        return class_rule

    def _class(self, title: str, shape: str, attributes: list[dict[str, Any]], rule: Rule) -> Class | None:
        there = self._project.get((title, shape))
        if there is None:
            self.missing.append(f"the class {title!r} ({shape})")
            return None
        base = _base(there.get("name", title), there["featureNodeHash"])
        if shape != CLASSIFICATION:
            base = {"name": base["name"], "color": there["color"], "shape": shape, **base}
        checklists = {
            item["featureNodeHash"] for item in below(there.get("attributes")) if item.get("type") == "checklist"
        }
        class_ = Class(title, shape, base, {}, frozenset(checklists))
        if shape == "skeleton" and title in self._templates:
            nodes = self._templates[title].get("skeleton", {}).values()
            class_.points = {node["name"]: node["featureHash"] for node in nodes if "featureHash" in node}
        self._answers(class_.answers, attributes, there.get("attributes") or [], rule, "", title)
        class_.questions += self._questions(attributes, there.get("attributes") or [], rule, title)
        return class_

    def _answers(
        self,
        answers: dict[str, Answer],
        attributes: Iterable[dict[str, Any]],
        there: list[dict[str, Any]],
        rule: Rule,
        above: str,
        place: str,
    ) -> None:
        for number, attribute in enumerate(attributes):
            path = above + attribute["name"]
            title = rule.title(path, attribute["name"])
            if rule.shape == CLASSIFICATION and not above and number == 0:
                title = rule.to
            if title is None:
                continue
            self._answer(answers, attribute, there, rule, path, title, place)

    def _answer(
        self,
        answers: dict[str, Answer],
        attribute: dict[str, Any],
        there: list[dict[str, Any]],
        rule: Rule,
        path: str,
        title: str,
        place: str,
    ) -> None:
        kind = rule.kinds.get(path, attribute["type"])
        if kind == "yes_no":
            return  # see _questions
        same = self._attribute(there, title, kind, place)
        if same is None:
            return
        new = Answer(_base(title, same["featureNodeHash"]), is_asked_again=kind != attribute["type"])
        answer = answers.setdefault(attribute["featureNodeHash"], new)
        if attribute["type"] == "text":
            if kind == "radio":
                answer.choices = {option["label"]: _chosen(option) for option in same.get("options") or ()}
            return
        if kind == "text":
            answer.texts = {}
        is_affirmed = kind == "checklist" and attribute["type"] == "radio" and asks_yes_or_no(attribute)
        for option in attribute.get("options") or ():
            inner = f"{path}/{option['label']}"
            label = rule.title(inner, option["label"])
            answer.options[option["featureNodeHash"]] = None
            if label is None or (is_affirmed and not is_yes(option)):
                continue
            if answer.texts is not None:
                answer.texts[option["featureNodeHash"]] = label
                continue
            match = self._option(same, title if is_affirmed else label, place)
            if match is not None:
                answer.options[option["featureNodeHash"]] = _chosen(match)
                below = match.get("options") or []
                self._answers(answers, option.get("options") or (), below, rule, inner + "/", place)

    def _questions(
        self, attributes: Iterable[dict[str, Any]], there: list[dict[str, Any]], rule: Rule, place: str
    ) -> Iterator[YesNo]:
        """Yield the attribute for each option of a checklist that becomes yes/no."""
        for attribute in attributes:
            name = attribute["name"]
            title = rule.title(name, name)
            if title is None or rule.kinds.get(name) != "yes_no":
                continue
            labels = {
                option["featureNodeHash"]: rule.title(f"{name}/{option['label']}", option["label"])
                for option in attribute.get("options") or ()
            }
            kept = {hash_: label for hash_, label in labels.items() if label is not None}
            for hash_, label in kept.items():
                own = title if len(kept) == 1 else label
                same = self._attribute(there, own, "radio", place)
                yes, no = (same and self._option(same, each, place) for each in (YES, NO))
                if same and yes and no:
                    base = _base(own, same["featureNodeHash"])
                    is_dynamic = bool(attribute.get("dynamic"))
                    yield YesNo(attribute["featureNodeHash"], hash_, is_dynamic, base, _chosen(yes), _chosen(no))

    def _attribute(self, there: list[dict[str, Any]], title: str, kind: str, place: str) -> dict[str, Any] | None:
        same = next((each for each in there if each["name"] == title and each["type"] == kind), None)
        if same is None:
            self.missing.append(f"the attribute {title!r} of {place!r}")
        return same

    def _option(self, attribute: dict[str, Any], label: str, place: str) -> dict[str, Any] | None:
        match = next((each for each in attribute.get("options") or () if each["label"] == label), None)
        if match is None:
            self.missing.append(f"the option {label!r} of {attribute['name']!r} of {place!r}")
        return match

    def row(self, row: Row) -> Row:
        """Return a label row of the source as one of the project; its data units are still the source's.

        Raises
        ------
        TranslationError
            A label's class is not in the ontology of the source or of the project.
        """
        return self.traced(row)[0]

    def traced(self, row: Row) -> tuple[Row, Relabelled]:
        """Like :meth:`row`, with the outcome of each label and answer."""
        traced = Relabelled(self, row)
        units = {hash_: {**unit, "labels": traced.labels(unit)} for hash_, unit in row["data_units"].items()}
        spaces = traced.spaces()
        traced.take_off_frames()
        if unplaced := traced.unplaced():
            self.dropped["what is on no frame"] += unplaced
        new = {
            **row,
            "data_units": units,
            **({"spaces": spaces} if spaces else {}),
            "object_answers": traced.object_answers(),
            "classification_answers": traced.classification_answers(),
            "object_actions": traced.object_actions(),
        }
        return new, traced

    def class_rule_of(self, entry: Mapping[str, Any]) -> ClassRule:
        """Return the mapping of an entry's class."""
        class_rule = self._class_rules.get(entry["featureHash"])
        if class_rule is None:
            raise TranslationError(
                f"A label has the class {entry['featureHash']!r}, which the source does not declare."
            )
        return class_rule


def _base(title: str, hash_: str) -> dict[str, Any]:
    return {"name": title, "value": _written_value(title), "featureHash": hash_}


def _chosen(option: dict[str, Any]) -> dict[str, Any]:
    return {"name": option["label"], "value": option["value"], "featureHash": option["featureNodeHash"]}
