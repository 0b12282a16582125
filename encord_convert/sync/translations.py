"""Label rows translated from the ontology of a source to that of a project.

Classes go by name and shape, attributes and options by their path of titles, each as the mapping has it; hashes are
the project's. All of this works on the JSON form of label rows, so that what this version does not know is carried.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from encord_convert.errors import TranslationError
from encord_convert.labelset import Hashes
from encord_convert.sdk.objects._answer_values import _written_value
from encord_convert.sync.mappings import CLASSIFICATION, MappingRules, Rule, Structure, classes_of
from encord_convert.sync.ontologies import outcomes
from encord_convert.sync.retyping import retyped

_HASHES = Hashes("sync")
Row = dict[str, Any]


@dataclass(slots=True)
class _Answer:
    """What an attribute of the source is in the project."""

    base: dict[str, Any]
    options: dict[str, dict[str, Any] | None]


@dataclass(slots=True)
class _Class:
    """What a class of the source is in the project."""

    name: str
    shape: str
    base: dict[str, Any]
    answers: dict[str, _Answer]
    points: dict[str, str] = field(default_factory=dict)
    """Names of a skeleton's points to their hashes."""


@dataclass(slots=True)
class _Fate:
    """Which class of the project a label of the source becomes, by its answer where the class is split."""

    name: str
    shape: str
    plain: _Class | None
    split: str | None = None
    by_option: dict[str, _Class | None] = field(default_factory=dict)


@dataclass(slots=True)
class _Made:
    """A label of the project."""

    source: str
    class_: _Class
    frames: set[int]
    is_part: bool
    """Whether other frames of the label became another."""


class Translation:
    """Translates label rows of one source for one project.

    Parameters
    ----------
    source : dict
        Ontology of the source, in JSON form.
    project : dict
        Ontology of the project.
    rules : MappingRules

    Attributes
    ----------
    missing : list of str
        What the labels may need and the project's ontology does not have.
    dropped : Counter
        Why labels were not translated, and how many frames of them; grows with each row.
    """

    def __init__(self, source: Structure, project: Structure, rules: MappingRules | None = None) -> None:
        self.missing: list[str] = []
        self.dropped: Counter[str] = Counter()
        self._project: dict[tuple[str, str], dict[str, Any]] = {}
        for name, shape, one in classes_of(project):
            self._project.setdefault((name, shape), one)
        self._templates = {one["template"]["name"]: one["template"] for one in project.get("skeleton_templates") or ()}
        self._fates: dict[str, _Fate] = {}
        rules = rules or MappingRules()
        for name, shape, one in classes_of(source):
            if one["featureNodeHash"] not in self._fates:
                fate = self._fate(one, name, shape, rules.rule(name, shape))
                self._fates[one["featureNodeHash"]] = fate

    # --- classes ------------------------------------------------------------------------------------------------------

    def _fate(self, one: dict[str, Any], name: str, shape: str, rule: Rule) -> _Fate:
        fate = _Fate(name, shape, None)
        attributes = one.get("attributes") or []
        split = next((each for each in attributes if each["name"] == rule.split), None)
        options: dict[str, str] = {}
        if split is not None:
            fate.split = split["featureNodeHash"]
            options = {option["label"]: option["featureNodeHash"] for option in split["options"]}
            fate.by_option = dict.fromkeys(options.values())
        kept = [each for each in attributes if each is not split]
        for label, title, _ in outcomes(one, name, rule):
            class_ = self._class(title, rule.shape, kept, rule)
            if class_ is not None and label is not None and split is not None:
                option = next(each for each in split["options"] if each["label"] == label)
                there = self._project[title, rule.shape].get("attributes") or []
                below = option.get("options") or []
                self._answers(class_.answers, below, there, rule, f"{rule.split}/{label}/", title)
                fate.by_option[options[label]] = class_
            elif label is None:
                fate.plain = class_
        return fate

    def _class(self, title: str, shape: str, attributes: list[dict[str, Any]], rule: Rule) -> _Class | None:
        there = self._project.get((title, shape))
        if there is None:
            self.missing.append(f"the class {title!r} ({shape})")
            return None
        base = {"name": title, "value": _written_value(title), "featureHash": there["featureNodeHash"]}
        if shape != CLASSIFICATION:
            base = {"name": title, "color": there["color"], "shape": shape, **base}
        class_ = _Class(title, shape, base, {})
        if shape == "skeleton" and title in self._templates:
            nodes = self._templates[title].get("skeleton", {}).values()
            class_.points = {node["name"]: node["featureHash"] for node in nodes if "featureHash" in node}
        self._answers(class_.answers, attributes, there.get("attributes") or [], rule, "", title)
        return class_

    def _answers(
        self,
        answers: dict[str, _Answer],
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
            same = next((each for each in there if each["name"] == title and each["type"] == attribute["type"]), None)
            if same is None:
                self.missing.append(f"the attribute {title!r} of {place!r}")
                continue
            base = {"name": title, "value": _written_value(title), "featureHash": same["featureNodeHash"]}
            answer = answers.setdefault(attribute["featureNodeHash"], _Answer(base, {}))
            for option in attribute.get("options") or ():
                inner = f"{path}/{option['label']}"
                label = rule.title(inner, option["label"])
                answer.options[option["featureNodeHash"]] = None
                if label is None:
                    continue
                partner = next((each for each in same["options"] if each["label"] == label), None)
                if partner is None:
                    self.missing.append(f"the option {label!r} of {title!r} of {place!r}")
                    continue
                answer.options[option["featureNodeHash"]] = {
                    "name": partner["label"], "value": partner["value"], "featureHash": partner["featureNodeHash"],
                }  # fmt: skip
                below = partner.get("options") or []
                self._answers(answers, option.get("options") or (), below, rule, inner + "/", place)

    # --- rows ---------------------------------------------------------------------------------------------------------

    def row(self, row: Row) -> Row:
        """Return a label row of the source as one of the project; its data units are still the source's.

        Raises
        ------
        TranslationError
            It has a label whose class the ontology of the source, or that of the project, does not have.
        """
        worked = _Row(self, row)
        units = {hash_: {**unit, "labels": worked.labels(unit)} for hash_, unit in row["data_units"].items()}
        if unplaced := worked.unplaced():
            self.dropped["what is on no frame"] += unplaced
        return {
            **row,
            "data_units": units,
            "object_answers": worked.object_answers(),
            "classification_answers": worked.classification_answers(),
            "object_actions": worked.object_actions(),
        }

    def fate_of(self, entry: Mapping[str, Any]) -> _Fate:
        """Return what becomes of the class of an entry."""
        fate = self._fates.get(entry["featureHash"])
        if fate is None:
            raise TranslationError(
                f"A label has the class {entry['featureHash']!r}, which the source does not declare."
            )
        return fate


class _Row:
    """The translation of one row: which labels it makes, and what is answered for them."""

    def __init__(self, translation: Translation, row: Row) -> None:
        self._translation = translation
        self._row = row
        self._objects: dict[str, _Made] = {}
        self._classifications: dict[str, _Made] = {}
        self._options: dict[str, list[tuple[str, list[list[int]] | None]]] = {}
        self._first: dict[str, str] = {}
        self._met: set[str] = set()

    def labels(self, unit: dict[str, Any]) -> dict[str, Any]:
        labels = unit["labels"]
        if "objects" in labels:
            return self._frame(labels, int(unit["data_sequence"]), unit)
        return {frame: self._frame(one, int(frame), unit) for frame, one in labels.items()}

    def _frame(self, labels: dict[str, Any], frame: int, unit: dict[str, Any]) -> dict[str, Any]:
        objects = [new for entry in labels["objects"] if (new := self._object(entry, frame, unit)) is not None]
        classifications = [
            new for entry in labels["classifications"] if (new := self._classification(entry, frame)) is not None
        ]
        return {**labels, "objects": objects, "classifications": classifications}

    def _object(self, entry: dict[str, Any], frame: int, unit: dict[str, Any]) -> dict[str, Any] | None:
        fate = self._translation.fate_of(entry)
        hash_ = entry["objectHash"]
        self._met.add(hash_)
        class_ = fate.plain
        if fate.split is not None:
            option = self._option(hash_, fate.split, frame)
            class_ = fate.plain if option is None else fate.by_option.get(option)
        if class_ is None:
            self._translation.dropped[f"{fate.name!r} ({fate.shape})"] += 1
            return None
        first = self._first.setdefault(hash_, class_.name)
        new_hash = hash_ if first == class_.name else _HASHES.short(hash_, class_.name)
        made = self._objects.get(new_hash)
        if made is None:
            made = self._objects[new_hash] = _Made(hash_, class_, set(), fate.split is not None)
        made.frames.add(frame)
        new = {**entry, **class_.base, "objectHash": new_hash}
        if class_.points and fate.shape == "skeleton":
            new["skeleton"] = _pointed(entry["skeleton"], class_.points)
        if class_.shape != fate.shape:
            try:
                new = retyped(new, fate.shape, class_.shape, unit["width"], unit["height"])
            except ValueError as error:
                raise TranslationError(f"{fate.name!r} on frame {frame}: {error}.") from error
        return new

    def _option(self, hash_: str, split: str, frame: int) -> str | None:
        """Return the hash of the option a label is answered with on a frame."""
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
        said: list[dict[str, Any]] = entry.get("actions" if where == "object_actions" else "classifications", [])
        return said

    def _classification(self, entry: dict[str, Any], frame: int) -> dict[str, Any] | None:
        fate = self._translation.fate_of(entry)
        hash_ = entry["classificationHash"]
        self._met.add(hash_)
        if fate.plain is None:
            self._translation.dropped[f"{fate.name!r} ({fate.shape})"] += 1
            return None
        made = self._classifications.setdefault(hash_, _Made(hash_, fate.plain, set(), is_part=False))
        made.frames.add(frame)
        return {**entry, **fate.plain.base}

    def unplaced(self) -> int:
        """Count what is answered for but was met on no frame."""
        answered = [*self._row["object_answers"], *self._row["classification_answers"]]
        return sum(hash_ not in self._met for hash_ in answered)

    # --- answers ------------------------------------------------------------------------------------------------------

    def object_answers(self) -> dict[str, Any]:
        return {
            hash_: {
                **self._row["object_answers"].get(made.source, {}),
                "classifications": self._answered(made, self._said("object_answers", made.source)),
                "objectHash": hash_,
            }
            for hash_, made in self._objects.items()
        }

    def object_actions(self) -> dict[str, Any]:
        found = {}
        for hash_, made in self._objects.items():
            actions = self._answered(made, self._said("object_actions", made.source))
            if actions:
                entry = self._row["object_actions"][made.source]
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

    def _answered(self, made: _Made, entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
        new = []
        for entry in entries:
            answer = made.class_.answers.get(entry["featureHash"])
            if answer is None:
                continue
            answers = entry["answers"]
            if isinstance(answers, list):
                kept = [option for each in answers if (option := answer.options.get(each["featureHash"])) is not None]
                if answers and not kept:
                    continue
                answers = list({option["featureHash"]: option for option in kept}.values())
            one = {**entry, **answer.base, "answers": answers}
            if made.is_part and "range" in entry:
                one["range"] = _within(entry["range"], made.frames)
                if not one["range"]:
                    continue
            new.append(one)
        return new


def _pointed(drawn: Any, hashes: Mapping[str, str]) -> Any:
    """Return the points of a skeleton with the hashes its template has in the project."""

    def of(point: dict[str, Any]) -> dict[str, Any]:
        return {**point, "featureHash": hashes[point["name"]]} if point.get("name") in hashes else point

    return [of(point) for point in drawn] if isinstance(drawn, list) else {key: of(one) for key, one in drawn.items()}


def _within(ranges: Iterable[Iterable[int]], frames: set[int]) -> list[list[int]]:
    """Return the runs of the frames that lie in one of the ranges."""
    runs: list[list[int]] = []
    for frame in sorted(frames & {frame for start, end in ranges for frame in range(start, end + 1)}):
        if runs and frame == runs[-1][1] + 1:
            runs[-1][1] = frame
        else:
            runs.append([frame, frame])
    return runs
