"""Two label sets compared by what they mean: classes, geometry in pixels, answers, tracks; never by hashes.

:func:`diff` names every difference. Given what a format declares, it first narrows the one set to what survives the
format, and so is the other half of the law: ``read(write(x))`` equals ``x`` narrowed to its
:class:`~encord_convert.hub.loss.Carries`, within its tolerance.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from encord_convert.hub.contents import is_unknown_time
from encord_convert.hub.loss import Carries, Feature, Where
from encord_convert.hub.matching import Difference, Placement, Thing, differences, geometry_px
from encord_convert.hub.outlines import is_four_cornered
from encord_convert.hub.rasterize import LEAST_TOLERANCE_PX, hidden_pixels
from encord_convert.hub.skeletons import KnownPoints
from encord_convert.hub.splits import UNNAMED, split_of, standard
from encord_convert.hub.texts import LONE
from encord_convert.hub.visibility import bounded_fate, extent_of, fate, frame_size, unit_size
from encord_convert.losses.geometry import changes, loses_a_part
from encord_convert.losses.redraw import redrawn
from encord_convert.sdk.objects import OntologyStructure, Shape

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.sdk.objects import LabelRowV2


def diff(
    expected: LabelSet,
    found: LabelSet,
    *,
    carries: Carries | None = None,
    tolerance_px: float | None = None,
    splits: bool = False,
) -> Iterator[Difference]:
    """Name every difference between two label sets.

    Rows are paired by title, equal titles in their order; within a row, objects by class, shape, frames and geometry.
    Rows that come in the same order are compared and forgotten; only those out of order wait in memory. What is on no
    frame is not looked at.

    Parameters
    ----------
    expected, found : LabelSet
        Both are walked once.
    carries : Carries, optional
        What survives of ``expected``. By default everything does.
    tolerance_px : float, optional
        How far, in pixels, a coordinate may be off, and an angle in degrees; by default the tolerance declared, or 0.
    splits : bool
        Whether the splits of rows are compared; ``valid`` is ``val``.
    """
    tolerance = (carries.tolerance_px if carries else 0.0) if tolerance_px is None else tolerance_px
    expected = expected if carries is None else redrawn(expected, carries)
    lens = _Lens(carries, expected.ontology)
    yield from _classes(expected.ontology, found.ontology, carries)
    for one, other in _paired(expected, found, lens):
        if one is None:
            if other is not None and (other.things or carries is None or Feature.EMPTY_ROWS in carries.features):
                yield Difference(Where(row=other.title), "a row", "none", f"{len(other.things)} labels")
        elif other is None:
            if one.things or carries is None or Feature.EMPTY_ROWS in carries.features:
                yield Difference(Where(row=one.title), "the row", f"{len(one.things)} labels", "none")
        else:
            yield from _stats(one, other, () if splits else ("split",))
            yield from differences(one.title, one.things, other.things, tolerance)


# --- rows ------------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Row:
    title: str
    stats: dict[str, Any]
    things: list[Thing]


_POOL = ""
"""Title of the row that stands for all those of a kind of medium that does not survive."""


class _Lens:
    """Looks at rows, and sees what a format carries of them."""

    def __init__(self, carries: Carries | None, structure: OntologyStructure) -> None:
        self._carries = carries
        self._known_points = KnownPoints(structure, max(carries.tolerance_px, LEAST_TOLERANCE_PX) if carries else 0.0)

    def has(self, feature: Feature) -> bool:
        return self._carries is None or feature in self._carries.features

    def see(self, row: LabelRowV2, *, narrow: bool) -> _Row:
        lens = self if narrow else _EVERYTHING
        if lens is self:
            self._known_points.see(row)
        hidden = hidden_pixels(row, lens._carries) if lens._carries is not None else {}
        things = chain(
            (lens._object(row, instance, hidden) for instance in row._objects.values()),
            (lens._classification(one) for one in row._classifications.values() if lens.has(Feature.CLASSIFICATIONS)),
        )
        kept = [thing for thing in things if thing.frames]
        if not self.has(Feature.TRACKS):
            kept = [
                Thing(thing.label, thing.shape, {frame: placement}, thing.hash)
                for thing in kept
                for frame, placement in thing.frames.items()
            ]
        if lens._carries is not None and lens._carries.one_layer == "classes":
            kept = list({(thing.label, *thing.frames): thing for thing in kept}.values())
        stats = _stats_of(row) | {"split": _split_of(row)}
        return self._spelled(_Row(row.data_title, stats, kept))

    def _spelled(self, row: _Row) -> _Row:
        """Return a row with its texts as a target has them that changes some characters, on both sides."""
        if self._carries is None or (self._carries.has_file_names and self._carries.unwritable is None):
            return row
        pattern = self._carries.unwritable or LONE

        def spelled(value: Any) -> Any:
            if isinstance(value, str):
                return pattern.sub("\ufffd", value)
            if isinstance(value, list | tuple):
                return type(value)(map(spelled, value))
            return {spelled(key): spelled(one) for key, one in value.items()} if isinstance(value, dict) else value

        things = [
            Thing(
                spelled(one.label),
                one.shape,
                {
                    frame: Placement(placed.geometry, spelled(placed.answers), placed.sides)
                    for frame, placed in one.frames.items()
                },
                one.hash,
            )
            for one in row.things
        ]
        return _Row(spelled(row.title), spelled(row.stats), things)

    def is_pooled(self, row: LabelRowV2) -> bool:
        return self._carries is not None and row.data_type not in self._carries.data_types

    def _resizes(self, row: LabelRowV2, shape: Any) -> bool:
        """Tell whether what is on a slice of a size of its own has that size in the target, or that of its series."""
        is_cut = self._carries is not None and self._carries.extent == "frame" and shape is Shape.BITMASK
        return is_cut or self.is_pooled(row)

    def _object(self, row: LabelRowV2, instance: Any, hidden: Mapping[tuple[str, int], tuple[int, int]]) -> Thing:
        frames = {}
        shape = instance.ontology_item.shape
        carries = self._carries
        if carries is None or shape in carries.shapes | carries.approximates:
            for frame, data in sorted(instance._frames.items()):
                size = frame_size(row, frame) if carries is None else extent_of(row, frame, carries)
                strangers = self._known_points.strangers(instance.object_name, data.coordinates)
                unit = unit_size(row, frame)
                geometry = self._geometry(shape, data.coordinates, size, unit, strangers)
                if geometry is not _GONE and size != unit and self._resizes(row, shape):
                    geometry = None  # as an image of its own it may have the size of the slice, or that of the medium
                lost, area = hidden.get((instance.object_hash, frame), (0, 1))
                if geometry is not _GONE and lost < area:
                    geometry = None if lost else geometry
                    answers = self._answers(instance, frame)
                    frames[frame] = Placement(geometry, answers, self._sides(data.object_frame_instance_info))
        return Thing(instance.object_name, shape.value, frames, instance.object_hash)

    def _geometry(
        self, shape: Any, coordinates: Any, size: tuple[int, int], unit: tuple[int, int], strangers: Sequence[str]
    ) -> Any:
        """Return what survives of coordinates, in pixels of the medium: a slice's own size does not always survive."""
        carries = self._carries
        if carries is not None:
            tolerance_px = max(carries.tolerance_px, LEAST_TOLERANCE_PX)
            state = (bounded_fate if carries.limits.is_bounded else fate)(coordinates, *size, tolerance_px)
            if state == "degenerate" and not self.has(Feature.DEGENERATE):
                return _GONE
            if state == "outside" and not carries.has(Feature.OUT_OF_BOUNDS, shape):
                return _GONE
            if carries.limits.four_corners and not is_four_cornered(coordinates):
                return _GONE
            lost = [feature for _, feature in changes(coordinates, state, strangers)]
            if shape in carries.approximates or not all(carries.has(feature, shape) for feature in lost):
                return None
            if loses_a_part(coordinates, size, tolerance_px, carries):
                return None
        return geometry_px(coordinates, *unit)

    def _classification(self, instance: Any) -> Thing:
        answers = self._answers(instance, None)
        frames = {
            frame: Placement(("frame", ()), answers, self._sides(info))
            for frame, info in sorted(instance._frames.items())
        }
        return Thing(instance.classification_name, "classification", frames, instance.classification_hash)

    def _answers(self, instance: Any, frame: int | None) -> dict[str, Any] | None:
        carries = self._carries
        if frame is not None and carries is not None and Feature.ANSWERS not in carries.features and (
            Feature.ANSWERS in carries.alters or Feature.GROUPS in carries.features  # some say that it is a crowd
        ):  # fmt: skip
            return None
        first = Feature.CLASSIFICATIONS if frame is None else Feature.ANSWERS
        answered = [
            (attribute, value)
            for attribute, value in instance._static_answers()
            if self._has_answer(attribute, value, Feature.NESTED_ANSWERS if len(attribute.uid) > 2 else first)
        ]
        if frame is not None:
            answered += [
                (attribute, value)
                for attribute, value in instance._dynamic_answers_at(frame)
                if self._has_answer(attribute, value, Feature.DYNAMIC_ANSWERS)
            ]
        paths = instance.ontology_item._answer_index().paths
        pattern = self._carries.unwritable if self._carries is not None else None
        found = {_question(attribute, paths): _value(value) for attribute, value in answered}
        return {
            question: _ANYTHING if pattern and isinstance(value, str) and pattern.search(value) else value
            for question, value in found.items()
        }

    def _has_answer(self, attribute: Any, value: Any, feature: Feature) -> bool:
        if feature is Feature.CLASSIFICATIONS:
            return self.has(feature)
        return self._carries is None or self._carries.answers(attribute, value, feature)

    def _sides(self, info: Any) -> dict[str, Any]:
        seen: dict[str, Any] = {}
        if self.has(Feature.CONFIDENCE):
            seen["confidence"] = info.confidence
        if self.has(Feature.MANUAL):
            seen["manual"] = info.manual_annotation
        if self.has(Feature.AUTHOR):
            seen["author"] = (info.created_by, info.last_edited_by)
        if self.has(Feature.TIMESTAMPS):
            seen["timestamp"] = tuple(
                None if is_unknown_time(time) else time for time in (info.created_at, info.last_edited_at)
            )
        if self.has(Feature.REVIEWS):
            seen["review"] = (info.reviews or None, bool(getattr(info, "is_deleted", None)))
        return seen


class _Anything:
    """Equals every value: what is replaced in part may come back as anything."""

    def __eq__(self, other: object) -> bool:
        return True

    def __hash__(self) -> int:
        return 0


_GONE = object()
_ANYTHING = _Anything()
_EVERYTHING = _Lens(None, OntologyStructure())


def _question(attribute: Any, paths: Any) -> str:
    steps = chain.from_iterable((radio.title, option.label) for radio, option in paths[attribute.feature_node_hash])
    return "/".join((*steps, attribute.title))


def _value(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return sorted(option.label for option in value)
    return getattr(value, "label", value)


def _split_of(row: LabelRowV2) -> str | None:
    """Return the split of a row as all formats call it; None if it is in none."""
    split = split_of(row.client_metadata)
    return (standard(split) or split) if split not in ("", UNNAMED) else None


def _stats_of(row: LabelRowV2) -> dict[str, Any]:
    return {
        "data type": row.data_type.value,
        "frames": row.number_of_frames,
        "pictures": [(unit.data_title, unit.width, unit.height) for unit in row._units],
    }


# --- pairing ---------------------------------------------------------------------------------------------------------


def _paired(expected: LabelSet, found: LabelSet, lens: _Lens) -> Iterator[tuple[_Row | None, _Row | None]]:
    """Yield the rows of both sets in pairs; a row that does not survive as such brings its labels to one pool."""
    waiting: tuple[dict[_Key, list[_Row]], dict[_Key, list[_Row]]] = (defaultdict(list), defaultdict(list))
    pool = _Row(_POOL, {}, [])
    is_pooling = False
    for one, other in zip_longest(expected._unguarded(), found._unguarded()):
        arrived: list[tuple[int, _Row]] = []
        if one is not None:
            row = lens.see(one, narrow=True)
            if lens.is_pooled(one):
                is_pooling = True
                pool.things += row.things
            else:
                arrived.append((0, row))
        if other is not None:
            arrived.append((1, lens.see(other, narrow=False)))
        for side, row in arrived:
            partners = waiting[1 - side][_key(row)]
            if partners:
                yield (row, partners.pop(0)) if side == 0 else (partners.pop(0), row)
            else:
                waiting[side][_key(row)].append(row)
    left: dict[str, list[_Row]] = defaultdict(list)
    for row in chain.from_iterable(waiting[1].values()):
        left[row.title].append(row)
    for row in chain.from_iterable(waiting[0].values()):
        same = left[row.title]  # of another medium
        yield row, same.pop(0) if same else None
    rest = list(chain.from_iterable(left.values()))
    if is_pooling:
        # Nothing says which image became which: only that every label is somewhere.
        things = [thing for row in rest for thing in row.things]
        yield _on_one_frame(pool), _on_one_frame(_Row(_POOL, {}, things))
    else:
        yield from ((None, row) for row in rest)


_Key = tuple[str, str]


def _key(row: _Row) -> _Key:
    """Return what pairs a row: several media may have one title."""
    return row.title, str(row.stats["data type"])


def _on_one_frame(row: _Row) -> _Row:
    things = [
        Thing(thing.label, thing.shape, {0: placement}, thing.hash)
        for thing in row.things
        for placement in thing.frames.values()
    ]
    return _Row(row.title, row.stats, things)


# --- what rows and classes say of themselves -------------------------------------------------------------------------


def _stats(one: _Row, other: _Row, without: Collection[str]) -> Iterator[Difference]:
    for name, value in one.stats.items():
        if name not in without and other.stats.get(name) != value:
            yield Difference(Where(row=one.title), f"the {name}", str(value), str(other.stats.get(name)))


def _classes(expected: OntologyStructure, found: OntologyStructure, carries: Carries | None) -> Iterator[Difference]:
    """Compare the classes: all of them, or the colours of those both have."""
    ours, theirs = _by_class(expected), _by_class(found)
    same = {(item.title, item.feature_node_hash): item for item in theirs.values()}
    colours = {id(item): item.color for item in expected.objects}
    if carries is not None:
        is_carried = Feature.COLOUR in carries.features
        colours = {id(item): colour for item, colour in carries.coloured(expected.objects) if is_carried}
    for key, item in ours.items():
        # A class that is drawn otherwise now is still the one of its hash, where the target keeps that.
        other = theirs.get(key) if carries is None else same.get((item.title, item.feature_node_hash), theirs.get(key))
        if other is None:
            if carries is None:
                yield Difference(Where(), f"the class {key[0]!r} ({key[1]})", "there", "none")
            continue
        colour = colours.get(id(item))
        if colour is not None and colour.lower() != other.color.lower():
            yield Difference(Where(), f"the colour of {key[0]!r}", colour, other.color)
        if carries is None and (mine := _questions(item)) != (its := _questions(other)):
            yield Difference(Where(), f"the questions of {key[0]!r}", str(mine), str(its))
    if carries is None:
        for key in theirs.keys() - ours.keys():
            yield Difference(Where(), f"the class {key[0]!r} ({key[1]})", "none", "there")


def _by_class(structure: OntologyStructure) -> dict[tuple[str, str, int], Any]:
    seen: Counter[tuple[str, str]] = Counter()
    classes: dict[tuple[str, str, int], Any] = {}
    for item in (*structure.objects, *structure.classifications):
        key = (item.title, item.shape.value) if hasattr(item, "shape") else (item.title, "classification")
        seen[key] += 1
        classes[(*key, seen[key])] = item
    return classes


def _questions(item: Any) -> list[Any]:
    return [
        (
            attribute.title,
            type(attribute).__name__,
            attribute.dynamic,
            attribute.required,
            [(option.label, _questions(option)) for option in getattr(attribute, "options", ())],
        )
        for attribute in getattr(item, "attributes", None) or getattr(item, "nested_options", None) or ()
    ]
