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

from encord_convert.formats.cvat.meta import UNDEFINED, Attribute, Meta
from encord_convert.formats.cvat.ontology import AnswerPlan, Plans, ShapePlan, TagPlan, Unknown, node_of, number_of
from encord_convert.formats.cvat.options import ReadOptions
from encord_convert.formats.cvat.stats import LabelStats
from encord_convert.formats.cvat.write_labels import Labels, ObjectVariant, Question, Questions, TagVariant
from encord_convert.hub.draft import Draft
from encord_convert.sdk.objects import OntologyStructure, Shape

_HARMLESS = frozenset({"size", "clip", "keyframes_manual"})


def own_ontology(metas: Sequence[Meta], options: ReadOptions) -> OntologyStructure | None:
    """Return the ontology that all files were written from; None if there is none, or the options ask for another."""
    texts = {meta.ontology for meta in metas}
    usual = ReadOptions()
    asked = [one.name for one in fields(options) if getattr(options, one.name) != getattr(usual, one.name)]
    if len(texts) != 1 or "" in texts or not _HARMLESS.issuperset(asked):
        return None
    from encord_convert.formats._hub_schema import ontology_from

    try:
        return OntologyStructure._from_dict(ontology_from(texts.pop()))
    except (msgspec.DecodeError, RecursionError, LookupError, TypeError, ValueError, AttributeError):
        return None


def own_plans(structure: OntologyStructure, stats: Mapping[str, LabelStats], draft: Draft) -> Plans | None:
    """Return the plans of reading back into an ontology; None if the file holds what was not written from it."""
    labels = Labels(structure)
    plans = Plans()
    for variant in labels.objects:
        plans.shapes[variant.element, variant.label.name] = _shape_plan(variant, structure, stats, draft)
    for tags in labels.tags:
        _add_tags(plans, tags)
    for name, used in stats.items():
        if not all(_is_planned(plans, element, name, used) for element in used.elements):
            return None
    return plans


def _is_planned(plans: Plans, element: str, label: str, stats: LabelStats) -> bool:
    plan: Any = plans.tags.get(label) if element == "tag" else plans.shapes.get((element, label))
    if plan is None:
        return False
    for name, texts in stats.answers.items():
        answer = plan.answers.get(name)
        if len(stats.elements) == 1 and (answer is None or any(answer.value(text) is Unknown for text in texts)):
            return False
    if element == "tag":
        return True
    is_rotated = stats.is_rotated and element == "box" and plan.makes is Shape.BOUNDING_BOX
    return (
        not is_rotated
        and not (stats.is_occluded and plan.occluded is None)
        and stats.points.keys() <= plan.places.keys()
    )


# --- answers --------------------------------------------------------------------------------------------------------


class OwnAnswer(AnswerPlan):
    """How the text of a CVAT attribute becomes an answer to the attribute of the ontology it stands for."""

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
    variant: ObjectVariant, structure: OntologyStructure, stats: Mapping[str, LabelStats], draft: Draft
) -> ShapePlan:
    name, item = variant.label.name, variant.item
    plan = ShapePlan(variant.element, name, item, item.shape, answers=_answers(variant.questions))
    if variant.questions.occluded is not None:
        plan.occluded = OwnAnswer(variant.questions.of(variant.questions.occluded)[0])
    if variant.element == "skeleton":
        template = next((one for one in structure.skeleton_templates if one.name == item.name), None)
        nodes = [node.name for node in variant.label.nodes]
        if template is not None:
            plan.nodes = template.skeleton
        else:
            nodes = list(stats[name].points) if name in stats else []
            plan.nodes = [node_of(draft, item, point, place, len(nodes)) for place, point in enumerate(nodes)]
        plan.places = {node: place for place, node in enumerate(nodes)}
    return plan


def _add_tags(plans: Plans, variant: TagVariant) -> None:
    item, root = variant.item, variant.item.attributes[0]
    plans.tags[variant.label.name] = TagPlan(
        variant.label.name, item, None, None, False, answers=_answers(variant.questions)
    )
    for option, label in variant.options.values():
        plans.tags[label.name] = TagPlan(label.name, item, root, option, True)
    if variant.single is not None:
        option, label, below = variant.single
        plans.tags[label.name] = TagPlan(label.name, item, root, option, False, answers=_answers(below))
