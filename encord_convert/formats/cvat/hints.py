"""What a CVAT file written by this package says of where it came from, and reading it back by that.

Beside the task, ``meta`` holds an element ``encord``: the ontology, and the row if the file is about one video, group
or series. Labels, attributes and shapes say the same in the words of CVAT; where they do not, since someone changed
them, the file is read as any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import msgspec

from encord_convert.formats._hub_schema import ontology_from
from encord_convert.formats.cvat.meta import UNDEFINED, Attribute, Meta
from encord_convert.formats.cvat.ontology import AnswerPlan, Plans, ShapePlan, TagPlan, Unknown, node_of, number_of
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.stats import LabelFacts
from encord_convert.formats.cvat.write_labels import Labels, ObjectUse, Question, Questions, TagUse
from encord_convert.hub.labelset import Draft
from encord_convert.sdk.objects import OntologyStructure, Shape

_HARMLESS = frozenset({"size", "clip", "keyframes_manual"})


def own_ontology(metas: Sequence[Meta], options: ReadOptions) -> OntologyStructure | None:
    """Return the ontology that all files were written from; None if there is none, or the options ask for another."""
    texts = {meta.ontology for meta in metas}
    usual = ReadOptions()
    asked = [one.name for one in fields(options) if getattr(options, one.name) != getattr(usual, one.name)]
    if len(texts) != 1 or "" in texts or not _HARMLESS.issuperset(asked):
        return None
    try:
        return OntologyStructure._from_dict(ontology_from(texts.pop()))
    except (msgspec.DecodeError, RecursionError, LookupError, TypeError, ValueError, AttributeError):
        return None


def own_plans(structure: OntologyStructure, facts: Mapping[str, LabelFacts], draft: Draft) -> Plans | None:
    """Return the plans of reading back into an ontology; None if the file holds what was not written from it."""
    labels = Labels(structure)
    plans = Plans()
    for use in labels.objects:
        plans.shapes[use.element, use.label.name] = _shape_plan(use, structure, facts, draft)
    for tags in labels.tags:
        _add_tags(plans, tags)
    for name, used in facts.items():
        if not all(_is_planned(plans, element, name, used) for element in used.elements):
            return None
    return plans


def _is_planned(plans: Plans, element: str, label: str, facts: LabelFacts) -> bool:
    plan: Any = plans.tags.get(label) if element == "tag" else plans.shapes.get((element, label))
    if plan is None:
        return False
    for name, texts in facts.answers.items():
        answer = plan.answers.get(name)
        if len(facts.elements) == 1 and (answer is None or any(answer.value(text) is Unknown for text in texts)):
            return False
    if element == "tag":
        return True
    is_turned = facts.is_rotated and element == "box" and plan.makes is Shape.BOUNDING_BOX
    return (
        not is_turned
        and not (facts.is_occluded and plan.occluded is None)
        and facts.points.keys() <= plan.places.keys()
    )


# --- answers --------------------------------------------------------------------------------------------------------


class OwnAnswer(AnswerPlan):
    """How the text of a CVAT attribute becomes an answer to the question it stands for."""

    __slots__ = ("_question",)

    def __init__(self, question: Question) -> None:
        super().__init__(question.attribute, Attribute(question.name), question.is_mutable)
        self._question = question
        self.is_part = question.option is not None

    def value(self, text: str) -> Any:
        """Return the answer a text means; see :meth:`AnswerPlan.value`."""
        question = self._question
        if text == UNDEFINED:
            return None
        if question.input_type == "select":
            return question.options.get(text, Unknown)
        if question.input_type == "checkbox":
            return {"true": (question.option,), "false": ()}.get(text, Unknown)
        return number_of(text) if question.input_type == "number" else text


def _answers(questions: Questions) -> dict[str, AnswerPlan]:
    return {question.name: OwnAnswer(question) for question in questions}


# --- plans ----------------------------------------------------------------------------------------------------------


def _shape_plan(
    use: ObjectUse, structure: OntologyStructure, facts: Mapping[str, LabelFacts], draft: Draft
) -> ShapePlan:
    name, item = use.label.name, use.item
    plan = ShapePlan(use.element, name, item, item.shape, answers=_answers(use.questions))
    if use.questions.occluded is not None:
        plan.occluded = OwnAnswer(use.questions.of(use.questions.occluded)[0])
    if use.element == "skeleton":
        template = next((one for one in structure.skeleton_templates if one.name == item.name), None)
        nodes = [node.name for node in use.label.nodes]
        if template is not None:
            plan.nodes = template.skeleton
        else:
            nodes = list(facts[name].points) if name in facts else []
            plan.nodes = [node_of(draft, item, point, place, len(nodes)) for place, point in enumerate(nodes)]
        plan.places = {node: place for place, node in enumerate(nodes)}
    return plan


def _add_tags(plans: Plans, use: TagUse) -> None:
    item, root = use.item, use.item.attributes[0]
    plans.tags[use.label.name] = TagPlan(use.label.name, item, None, None, False, answers=_answers(use.questions))
    for option, label in use.options.values():
        plans.tags[label.name] = TagPlan(label.name, item, root, option, True)
    if use.single is not None:
        option, label, below = use.single
        plans.tags[label.name] = TagPlan(label.name, item, root, option, False, answers=_answers(below))
