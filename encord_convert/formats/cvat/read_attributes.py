"""What shapes of one variant have in common: answers, what they say beside, and what is changed about all of them.

Most shapes of a file are alike in all but their geometry: one label, one set of answers, occluded or not. Such a
variant is worked out once (:class:`Ready`), from two parts that are remembered too: answers, and what is said beside.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from encord_convert.formats.cvat.exact_xml import Answers, Sides
from encord_convert.formats.cvat.fast_xml import answers_of
from encord_convert.formats.cvat.ontology import AnswerPlan, ShapePlan, TagPlan, Unknown
from encord_convert.hub.counts import Carried
from encord_convert.hub.draft import Draft
from encord_convert.hub.loss import Feature, Kind
from encord_convert.hub.native import KEPT
from encord_convert.hub.table import Variant
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects._dynamic_answers import DynamicAnswers
from encord_convert.sdk.objects._instance import SharedAnswers

Plan = ShapePlan | TagPlan
Answer = tuple[Any, Any]
"""Attribute and value."""


class Change(msgspec.Struct, frozen=True):
    """A thing that is taken over in another form, or not: the kind of loss, its code, what and how many.

    ``type`` is empty for the shape itself.
    """

    kind: Kind
    code: str
    feature: Feature
    detail: str
    type: str = ""
    count: int = 1
    is_drop: bool = False


def dropped(code: str, feature: Feature, type_: str, detail: str) -> Change:
    """Return the change that one thing a shape has beside its geometry is not taken over."""
    return Change(Kind.DROPPED, code, feature, detail, type_, is_drop=True)


class Shares:
    """The answers that all single-frame objects of some variants have, as one copy for each kind of answer.

    Parameters
    ----------
    plan : ShapePlan or TagPlan
    static, dynamic : tuple of Answer
    """

    __slots__ = ("_dynamic", "_plan", "_static", "dynamic", "frame", "static")

    def __init__(self, plan: Plan, static: tuple[Answer, ...], dynamic: tuple[Answer, ...]) -> None:
        self._plan: Any = plan
        self._static = static
        self._dynamic = dynamic
        self.frame = -1
        self.static: SharedAnswers | None = None
        self.dynamic: DynamicAnswers | None = None

    def turn_to(self, frame: int) -> None:
        """Make the answers those of one frame."""
        self.frame = frame
        self.static = SharedAnswers(self._plan.object, self._static) if self._static else None
        self.dynamic = None
        if self._dynamic:
            self.dynamic = DynamicAnswers()
            for attribute, value in self._dynamic:
                self.dynamic.append(attribute, value, frame, frame)
            self.dynamic.is_shared = True


class Ready:
    """All that shapes of one variant have in common.

    ``into`` is what the variant counts beside the shape itself, ``carried`` what of it survives the reading; ``static``
    and ``dynamic`` are the answers, ``cleared`` the attributes said to have none; ``changes`` happen to every shape.
    ``native`` is what only CVAT has words for.
    ``count`` shapes of it wait to be counted; ``is_open`` if some change of it wants more examples.
    ``variant`` is how a table has it, ``split`` how if several points of one shape are an object each.
    """

    __slots__ = (
        "carried", "changes", "cleared", "count", "dynamic", "info", "into", "is_changed", "is_open", "native", "plan",
        "shares", "split", "static", "variant", "z",
    )  # fmt: skip

    def __init__(self, plan: Plan, common: _Part, answered: _Part, beside: _Part, shares: Shares) -> None:
        self.plan = plan
        self.info: Any = beside.info
        self.z = beside.z
        self.native = beside.native
        self.static = answered.static + beside.static if beside.static else answered.static
        self.dynamic = answered.dynamic + beside.dynamic if beside.dynamic else answered.dynamic
        self.cleared = answered.cleared
        self.into = answered.into + beside.into
        self.carried = answered.carried + beside.carried
        self.changes = common.changes + answered.changes + beside.changes
        self.is_changed = bool(common.changes)
        self.is_open = bool(self.changes)
        self.count = 0
        self.shares = shares
        self.variant: Variant | None = None
        self.split: tuple[Variant, Variant] | None = None


class _Part(msgspec.Struct):
    """A part of what a variant is; the counts are in alphabetical order."""

    static: tuple[Answer, ...] = ()
    dynamic: tuple[Answer, ...] = ()
    cleared: tuple[Any, ...] = ()
    changes: tuple[Change, ...] = ()
    into: Carried = ()
    carried: Carried = ()
    info: Any = None
    z: int = 0
    native: dict[str, str] | None = None


class _Draft(msgspec.Struct):
    """A part while it is being worked out."""

    static: list[Answer] = []
    dynamic: list[Answer] = []
    cleared: list[Any] = []
    changes: list[Change] = []
    into: Counter[str] = msgspec.field(default_factory=Counter)
    native: dict[str, str] = {}

    def answer(self, given: Iterable[tuple[AnswerPlan, Any]]) -> None:
        """Take answers; None is none."""
        for plan, value in given:
            answers = self.dynamic if plan.is_dynamic else self.static
            if value is None:
                self.cleared.append(plan.attribute)
            elif plan.is_part and answers and answers[-1][0] is plan.attribute:
                answers[-1] = (plan.attribute, answers[-1][1] + value)
            else:
                answers.append((plan.attribute, value))

    def part(self, info: Any = None, z: int = 0) -> _Part:
        """Return what was worked out."""
        left = self.into.copy()
        for change in self.changes:
            left[change.type] -= change.count
        if "source" in self.native:
            left["source"] -= 1  # elsewhere it is read as another word, whatever becomes of the shape
        return _Part(
            tuple(self.static), tuple(self.dynamic), tuple(self.cleared), tuple(self.changes), counts_of(self.into),
            counts_of(left), info, z, self.native or None,
        )  # fmt: skip


def counts_of(counts: Mapping[str, int]) -> Carried:
    """Return counts above 0 as a tuple, in alphabetical order."""
    return tuple(sorted([(type_, count) for type_, count in counts.items() if count > 0]))


class Variants:
    """Works out variants, and remembers their parts.

    Parameters
    ----------
    draft : Draft
        For the frame informations that all labels share.
    """

    def __init__(self, draft: Draft) -> None:
        self._info = draft.info
        self._machine_info = draft.machine_info
        self._common: dict[int, _Part] = {}
        self._answered: dict[Any, _Part] = {}
        self._beside: dict[Any, _Part] = {}
        self._shares: dict[Any, Shares] = {}
        self._natives: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}

    def ready(self, plan: Plan, sides: Sides, answers: Answers, points: Sequence[tuple[str, Answers]] = ()) -> Ready:
        """Return a variant.

        Parameters
        ----------
        plan : ShapePlan or TagPlan
        sides : Sides
        answers : Answers
        points : sequence of (str, Answers)
            Sub-labels of a skeleton and what their own elements answer.
        """
        common = self._common.get(id(plan))
        if common is None:
            common = self._common[id(plan)] = _Part(changes=tuple(_common_changes(plan)))
        key: Any = (id(plan), answers, points)
        answered = self._answered.get(key)
        if answered is None:
            answered = self._answered[key] = _answered_part(plan, answers, points)
        key = (id(plan), sides)
        beside = self._beside.get(key)
        if beside is None:
            beside = self._beside[key] = self._beside_part(plan, sides)
        # Beside the answers there may be occlusion, always the same, and the number of a group or track.
        key = (id(answered), bool(beside.dynamic), id(beside) if beside.static else None)
        shares = self._shares.get(key)
        if shares is None:
            static, dynamic = answered.static + beside.static, answered.dynamic + beside.dynamic
            shares = self._shares[key] = Shares(plan, static, dynamic)
        return Ready(plan, common, answered, beside, shares)

    def forget(self) -> None:
        """Forget the parts, of which free texts and groups make many."""
        self._answered.clear()
        self._beside.clear()
        self._shares.clear()
        self._natives.clear()

    def _beside_part(self, plan: Plan, sides: Sides) -> _Part:
        source, occluded, z_order, group, track_id = sides
        draft = _Draft()
        source = source or "manual"
        if source != "manual":
            draft.into["source"] = 1
            if source != "auto":
                draft.native["source"] = source
        if occluded == "1" and isinstance(plan, ShapePlan):
            _occlude(draft, plan)
        elif occluded not in (None, "", "0", "1") and isinstance(plan, ShapePlan):
            draft.into["occluded"] = 1
            detail = f"occluded={occluded!r} is neither 0 nor 1."
            draft.changes.append(dropped("OCCLUDED_DROPPED", Feature.OCCLUSION, "occluded", detail))
        z = whole(z_order)
        if z_order is not None and (z or not is_zero(z_order)):
            draft.into["z_order"] = 1
            draft.native["z_order"] = z_order
        if group is not None and group != "0":
            _group(draft, plan, group)
        if isinstance(plan, ShapePlan) and plan.track_id is not None and track_id is not None:
            draft.static.append((plan.track_id.attribute, track_id))
            draft.native[KEPT] = track_id
        if isinstance(plan, TagPlan) and track_id is not None:
            draft.native["track_id"] = track_id
        if isinstance(plan, TagPlan) and occluded is not None and not is_zero(occluded):
            draft.native["occluded"] = occluded
        if draft.native:  # one for all that say the same, by which they are counted together
            draft.native = self._natives.setdefault(tuple(draft.native.items()), draft.native)
        return draft.part(self._info if source == "manual" else self._machine_info, z)


def _occlude(draft: _Draft, plan: ShapePlan) -> None:
    draft.into["occluded"] = 1
    if plan.occluded is None:
        draft.changes.append(dropped("OCCLUDED_DROPPED", Feature.OCCLUSION, "occluded", "It is occluded."))
    else:
        draft.dynamic.append((plan.occluded.attribute, plan.occluded.value("true")))


def _group(draft: _Draft, plan: Plan, group: str) -> None:
    draft.into["group_id"] = 1
    if isinstance(plan, ShapePlan) and plan.group_id is not None:
        draft.static.append((plan.group_id.attribute, group))
    else:
        draft.native["group_id"] = group


_APPROXIMATED = {
    "box": "BOX_AS_POLYGON", "ellipse": "ELLIPSE_APPROXIMATED", "cuboid": "CUBOID_APPROXIMATED",
}  # fmt: skip


_AROUND = {"ellipse": (Shape.BITMASK, Shape.ROTATABLE_BOUNDING_BOX, Shape.BOUNDING_BOX)}
"""By element, forms beside polygons in which it is no more what it was."""


def _common_changes(plan: Plan) -> Iterable[Change]:
    """Yield what is changed about every shape of a plan: its label's name, and a form the hub does not have."""
    if plan.renamed is not None:
        hub = plan.object.name if isinstance(plan, ShapePlan) else plan.option.label
        detail = f"The label {plan.label!r} is called {hub!r}."
        yield Change(Kind.RENAMED, plan.renamed, Feature.LABEL_NAME, detail)
    if isinstance(plan, ShapePlan) and plan.element in _APPROXIMATED:
        if plan.makes not in (Shape.POLYGON, *_AROUND.get(plan.element, ())):
            return
        outline = "its outline, a polygon" if plan.element == "cuboid" else f"a {plan.makes.value.replace('_', ' ')}"
        detail = f"The {plan.element} is read as {outline}."
        yield Change(Kind.APPROXIMATED, _APPROXIMATED[plan.element], Feature.SHAPE, detail)


def _answered_part(plan: Plan, answers: Answers, points: Sequence[tuple[str, Answers]]) -> _Part:
    draft = _Draft()
    if isinstance(plan, TagPlan) and plan.root is not None:
        draft.static.append((plan.root, (plan.option,) if plan.is_plain else plan.option))
    pairs = answers_of(answers)
    draft.answer(_settled(pairs, plan.answers, draft))
    given = {name for name, _ in pairs}
    for name, answer in plan.defaults.items():
        value = answer.value(answer.default)
        if name not in given and value is not Unknown and value is not None:
            draft.answer([(answer, value)])
    if isinstance(plan, ShapePlan):
        for point, own in points:
            draft.answer(_settled(answers_of(own), plan.points.get(point, {}), draft))
    return draft.part()


def _settled(
    pairs: Sequence[tuple[str, str]], plans: Mapping[str, AnswerPlan], draft: _Draft
) -> list[tuple[AnswerPlan, Any]]:
    """Return the answer to each attribute, None where it says "no value"; the draft learns which cannot be kept."""
    given: dict[str, tuple[AnswerPlan, Any]] = {}
    last = dict(pairs)
    for name, text in pairs:
        draft.into["answer"] += 1
        if last[name] != text or name in given:
            detail = f"{name!r} is answered more than once; one answer is kept."
            draft.changes.append(dropped("IMMUTABLE_CONFLICT", Feature.ANSWERS, "answer", detail))
            continue
        plan = plans.get(name)
        value = Unknown if plan is None else plan.value(text)
        if plan is None or value is Unknown:
            detail = f"{text!r} is no answer to {name!r}."
            draft.changes.append(dropped("UNKNOWN_OPTION", Feature.ANSWERS, "answer", detail))
            continue
        given[name] = (plan, value)
        if plan.is_lifted:
            detail = f"{name!r} of a skeleton's point is {plan.attribute.name!r} of the skeleton."
            change = Change(Kind.RENAMED, "POINT_ATTRIBUTE_LIFTED", Feature.ATTRIBUTES, detail, "answer")
            draft.changes.append(change)
    return list(given.values())


def is_zero(text: str) -> bool:
    """Tell whether a text is empty or a number that is 0.

    >>> is_zero("0.00"), is_zero(""), is_zero("near")
    (True, True, False)
    """
    try:
        return float(text or 0) == 0
    except ValueError:
        return False


def whole(text: str | None) -> int:
    """Return a whole number, 0 if the text is none.

    >>> whole("-3"), whole("2.0"), whole("near"), whole(None)
    (-3, 2, 0, 0)
    """
    try:
        return int(float(text or 0))
    except (ValueError, OverflowError):
        return 0
