"""What a target does not carry of rows and of tables, told by its declaration alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING, Any

from encord_convert.hub.contents import SIDES, loses_sides, lost_texts, placed_answers, unplaced_answers
from encord_convert.hub.extents import Extents
from encord_convert.hub.loss import Carries, Feature, Kind, Limits, Where
from encord_convert.hub.outlines import is_four_cornered
from encord_convert.hub.rasterize import LEAST_TOLERANCE_PX, Layer, hidden_in, layers_of
from encord_convert.hub.skeletons import KnownPoints
from encord_convert.hub.table import Table, Variant
from encord_convert.hub.visibility import bounded_fate, drawn_box, extent_of, fate, is_crowd, unbounded_fate
from encord_convert.losses.geometry import (
    Reason,
    changed,
    changes,
    dropped,
    is_plain,
    is_upright,
    loses_a_part,
    other_corners,
)
from encord_convert.losses.report import Report
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.common import NewerShape

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.sdk.objects import LabelRowV2


class RowLosses:
    """Says what a target does not carry of one row after the other.

    Parameters
    ----------
    report : Report
    carries : Carries
    labels : LabelSet
        Theirs.

    Attributes
    ----------
    takes_tables : bool
        Whether tables may be looked at as such: what is lost of a shape depends on no other.
    """

    def __init__(self, report: Report, carries: Carries, labels: LabelSet) -> None:
        self._report = report
        self._carries = carries
        self._shapes = carries.shapes | carries.approximates
        self._tolerance_px = max(carries.tolerance_px, LEAST_TOLERANCE_PX)
        self._known_points = KnownPoints(labels.ontology, self._tolerance_px)
        cut = bounded_fate if carries.limits.is_bounded else fate
        is_free = {shape: carries.has(Feature.OUT_OF_BOUNDS, shape) for shape in self._shapes}
        self._fates = {shape: unbounded_fate if free else cut for shape, free in is_free.items()}
        self._keeps_sides = carries.features >= set(SIDES.values())
        self._keeps_tracks = Feature.TRACKS in carries.features
        self._keeps_answers = carries.features >= _ANSWERS and carries.unwritable is None
        self._known: set[Variant | None] = {None}
        self._lossy: set[Variant | None] = set()
        self._info: tuple[Any, bool] = (None, False)
        self._row: Any = None
        self._extent: tuple[int, int] | None = None
        self._hidden: dict[tuple[str, int], tuple[int, int]] = {}
        self._unmasked: Set[int] = frozenset()
        self._is_limited = replace(carries.limits, is_bounded=False, four_corners=False) != Limits()
        self._is_plain = carries.one_layer is None and not self._is_limited
        keeps_points = Feature.UNKNOWN_POINTS in carries.features or Shape.SKELETON not in self._shapes
        self.takes_tables = self._is_plain and (keeps_points or not self._known_points.lacks(labels.ontology))

    @property
    def untemplated(self) -> list[str]:
        """Classes of skeletons without a template of which one was seen."""
        return self._known_points.untemplated

    def of_row(self, row: LabelRowV2) -> tuple[dict[str, list[int]], dict[int, Layer]]:
        """Say what is not carried of a row; return by hash the frames on which objects are written, and its layers."""
        carries, layers = self._carries, layers_of(row, self._carries)
        self._known_points.see(row)
        self._row, self._hidden, self._extent = row, hidden_in(layers), None
        self._unmasked = self._frames_without_masks() if carries.limits.masks_of_all else frozenset()
        frames = {}
        whole = self._whole_of(row)
        for hash_, instance in row._objects.items():
            written = sorted(instance._frames) if hash_ in whole else self._object(instance)
            if written or not instance._frames:
                frames[hash_] = written
        for classification in row._classifications.values():
            lose_classification(self._report, classification, carries)
        return frames, layers

    def leave_out(self, row: LabelRowV2, reason: Reason) -> None:
        """Say that a row is not written for a reason."""
        report = self._report
        if (key := ("image", "")) in report.reading.into:  # the source counts its images
            where = Where(file=row._origin, row=row.data_title)
            report.writing.drop(reason.code, reason.feature, key, where, reason.detail, count=reason.images)
        instances: list[Any] = [*row._objects.values(), *row._classifications.values()]
        for instance in instances:
            for frame in sorted(instance._frames):
                report.drop(instance, frame, reason.code, reason.feature, reason.detail)

    def _whole_of(self, row: LabelRowV2) -> Set[str]:
        """Return the hashes of objects of which surely nothing is lost, where it is worth looking at all together."""
        is_alike = row.data_type in _ONE_EXTENT
        if not (self._is_plain and is_alike and sum(len(one._frames) for one in row._objects.values()) >= _MANY):
            return frozenset()
        size = self._size(0)
        return self._surely_whole((hash_, one, size) for hash_, one in row._objects.items())

    def of_table(self, table: Table) -> tuple[set[Variant | None], set[int]]:
        """Say what :meth:`of_row` does of all images of a table; return its variants, and what is not written of it.

        Only shapes of which something may be lost are made.
        """
        report, dropped, variants = self._report, set[int](), set(table.variants)
        images = {
            number: labels for number, labels in table.classifications.items() if any(map(self._loses_of_image, labels))
        }
        asked: dict[int, list[int]] = {number: [] for number in images}
        for place in sorted(self._unsure(table, variants)):
            asked.setdefault(table.image_of(place), []).append(place)
        codes: dict[Variant | None, str] = {
            one: self._carries.code(one.item.shape)
            for one in variants
            if one is not None and one.item.shape not in self._shapes
        }
        for number, places in sorted(asked.items()):
            self._row = None
            for place in places:
                variant = table.variants[place]
                code = codes.get(variant)
                if variant is not None and code is not None and report.drop_alike(variant, code, Feature.SHAPE):
                    dropped.add(place)
                    continue
                self._turn_to(table, number)
                if not self._object(table.object(place)):
                    dropped.add(place)
            for classification in images.get(number, ()):
                self._turn_to(table, number)
                lose_classification(report, classification, self._carries)
        return variants, dropped

    def _turn_to(self, table: Table, number: int) -> None:
        if self._row is None:
            self._row, self._extent = table.empty_row(number), table.sizes[number]
            self._report.turn_to(self._row)

    def _unsure(self, table: Table, variants: set[Variant | None]) -> set[int]:
        """Return the places of shapes of which something may be lost."""
        if len(self._known) > _MOST_VARIANTS:
            self._known, self._lossy = {None}, set()
        new = variants.difference(self._known)
        self._known |= new
        self._lossy |= {one for one in new if one is not None and self._loses_of(one)}
        lossy = variants & self._lossy
        unsure = {at for at, one in enumerate(table.variants) if one in lossy} if lossy else set()
        sizes, made = table.sizes, table.made.items()
        unsure |= table.made.keys() - self._surely_whole((at, one, sizes[table.image_of(at)]) for at, one in made)
        for shape, column in table.columns.items():
            if shape in self._shapes and column.places:
                unsure |= self._unsure_of(table.extents(shape), column.places)
        return unsure

    def _unsure_of(self, extents: Extents, keys: Sequence[Any]) -> set[Any]:
        """Return the keys of shapes that may leave their images or enclose nothing."""
        sure = extents.surely_inside(self._tolerance_px, is_bounded=self._carries.limits.is_bounded)
        return set() if sure.all() else set(compress(keys, ~sure))

    def _surely_whole(self, objects: Iterable[tuple[Any, Any, tuple[int, int]]]) -> Set[Any]:
        """Return the keys of those objects, given with the size of their images, of which surely nothing is lost."""
        whole: set[Any] = set()
        shapes = self._carries.shapes
        gathered: dict[int, tuple[Shape, list[Any], list[tuple[int, int]], list[Any]]] = {}
        for key, instance, size in objects:
            item = instance._item
            own = gathered.get(id(item)) or gathered.setdefault(id(item), (item.shape, [], [], []))
            if own[0] in shapes and self._keeps_beside(instance):
                whole.add(key)
                for data in instance._frames.values():
                    own[1].append(data.coordinates)
                    own[2].append(size)
                    own[3].append(key)
        for shape, coordinates, sizes, keys in gathered.values():
            if not Extents.can_be_of(shape, coordinates):
                whole.difference_update(keys)
            elif coordinates:
                whole -= self._unsure_of(Extents.of(shape, coordinates, sizes), keys)
        return whole

    def _keeps_beside(self, instance: Any) -> bool:
        """Tell whether nothing is lost of what an object says beside where it is."""
        placed, origin, answers = instance._frames, instance._origin, instance._answers_in_common()
        if not placed or (answers is None and unplaced_answers(instance)):
            return False
        if not self._keeps_answers and (answers != (None, None) or (origin and (origin.carried or origin.also))):
            return False
        if not (self._keeps_tracks or (len(placed) == 1 and (origin is None or not origin.weights))):
            return False
        for data in placed.values():
            info = data.object_frame_instance_info
            if info is not self._info[0]:
                self._info = info, loses_sides(info, self._carries)
            if self._info[1]:
                return False
        return True

    def _loses_of(self, variant: Variant) -> bool:
        """Tell whether something is lost of shapes of a variant wherever they are."""
        return (
            variant.item.shape not in self._carries.shapes
            or (not self._keeps_sides and loses_sides(variant.info, self._carries))
            or (not self._keeps_tracks and bool(variant.weights))
            or (not self._keeps_answers and self._loses_answers(variant))
        )

    def _loses_answers(self, variant: Variant) -> bool:
        carries = self._carries
        if variant.carried and Feature.ANSWERS not in carries.features:
            return True
        if (variant.static or variant.dynamic) is None:
            return False
        instance = variant.instance("", None, None)
        keeps_all = carries.features >= _ANSWERS or all(carries.answers(*one) for one in placed_answers(instance))
        return not keeps_all or bool(lost_texts(instance, carries))

    def _loses_of_image(self, classification: Any) -> bool:
        """Tell whether something is lost of a classification of a still image."""
        carries = self._carries
        if not carries.features >= {Feature.CLASSIFICATIONS, Feature.NESTED_ANSWERS}:
            return True
        return loses_sides(classification._frames[0], carries) or bool(lost_texts(classification, carries))

    def _object(self, instance: Any) -> list[int]:
        """Say what is not carried of an object; return the frames on which it is written."""
        report, carries, placed = self._report, self._carries, instance._frames
        if not placed or instance._answers_in_common() is None:  # what many share was made for the frame of each
            report.drop_unplaced(instance, carries)
        written = [frame for frame in sorted(placed) if self._frame(instance, frame, placed[frame].coordinates)]
        if written:
            if not self._keeps_tracks:
                report.drop_track(instance, carries)
            if not self._keeps_answers:
                report.drop_answers(instance, carries)
                report.change_texts(instance, carries)
        return written

    def _frame(self, instance: Any, frame: int, coordinates: Any) -> bool:
        """Say what is not carried of an object on a frame; tell whether it is written there."""
        carries, shape = self._carries, instance.ontology_item.shape
        size = self._size(frame)
        lost, area = self._hidden.get((instance.object_hash, frame), (0, 1)) if self._hidden else (0, 1)
        state, reason = self._reason_to_drop(instance, frame, coordinates, size)
        if reason is None and lost == area:
            reason = dropped(carries, Feature.OVERLAPS, area=area)
        if reason is not None:
            self._report.drop(instance, frame, reason.code, reason.feature, reason.detail)
            return False
        is_other = bool(carries.approximates) and shape in carries.approximates
        if lost or is_other or state != "inside" or not is_plain(coordinates):
            self._change(instance, frame, coordinates, state, size, lost, area)
        if frame in self._unmasked and shape not in _WITHOUT_OUTLINE:
            detail = carries.limits.masks_of_all
            self._report.change(instance, frame, Kind.APPROXIMATED, "MASK_NOT_LOADED", Feature.SHAPE, detail)
        if not self._keeps_sides:
            self._report.drop_side(instance, frame, carries)
        return True

    def _change(
        self, instance: Any, frame: int, coordinates: Any, state: str, size: tuple[int, int], lost: int, area: int
    ) -> None:
        """Say what changes about geometry that is written; ``lost`` pixels of its ``area`` are hidden."""
        carries, shape = self._carries, instance.ontology_item.shape
        strangers = self._known_points.strangers(instance.object_name, coordinates)
        told = [one for one in changes(coordinates, state, strangers) if not carries.has(one[1], shape)]
        if loses_a_part(coordinates, size, self._tolerance_px, carries):
            told.append((Kind.APPROXIMATED, Feature.DEGENERATE))
        if shape in carries.approximates and not (carries.keeps_upright and is_upright(coordinates)):
            told.append((Kind.APPROXIMATED, Feature.SHAPE))
        if lost:
            told.append((Kind.APPROXIMATED, Feature.OVERLAPS))
        for kind, feature in told:
            values = {"points": ", ".join(map(repr, strangers)), "hidden": lost, "area": area}
            code, detail = changed(carries, kind, feature, shape, size, **values)
            self._report.change(instance, frame, kind, code, feature, detail)

    def _reason_to_drop(
        self, instance: Any, frame: int, coordinates: Any, size: tuple[int, int]
    ) -> tuple[str, Reason | None]:
        """Return where one frame's geometry lies, and why nothing of it is written if that is so."""
        carries, shape = self._carries, instance.ontology_item.shape
        fate_of = self._fates.get(shape)
        if fate_of is None:
            return "", dropped(carries, Feature.SHAPE, shape)
        state = fate_of(coordinates, *size, self._tolerance_px)
        if state == "degenerate" and Feature.DEGENERATE not in carries.features:
            return state, dropped(carries, Feature.DEGENERATE, shape)
        if state == "outside":
            return state, dropped(carries, Feature.OUT_OF_BOUNDS, width=size[0], height=size[1])
        is_limited = self._is_limited or shape is NewerShape.CUBOID_2D
        return state, self._beyond(instance, frame, coordinates, size) if is_limited else None

    def _beyond(self, instance: Any, frame: int, coordinates: Any, size: tuple[int, int]) -> Reason | None:
        """Return why an object is beyond the limits of the target, None if it is not."""
        limits = self._carries.limits
        if min(size) < limits.least_image_px:
            values = {"width": size[0], "height": size[1], "least": limits.least_image_px}
            return Reason.of("PICTURE_TOO_SMALL", Feature.MEDIA, **values)
        if limits.four_corners and not is_four_cornered(coordinates):
            return other_corners(self._carries, instance.ontology_item.shape)
        if limits.drops_crowds and is_crowd(instance, frame):
            return Reason.of("CROWD_DROPPED", Feature.GROUPS)
        if limits.least_side_px:
            x0, y0, x1, y1 = drawn_box(coordinates, *size, self._tolerance_px)
            if min(x1 - x0, y1 - y0) < limits.least_side_px:
                sides = {"width": x1 - x0, "height": y1 - y0, "least": limits.least_side_px}
                return Reason.of("TOO_SMALL", Feature.DEGENERATE, **sides)
        return None

    def _frames_without_masks(self) -> Set[int]:
        """Return the frames on which an object is written that has no outline."""
        return {
            frame
            for instance in self._row._objects.values()
            if instance.ontology_item.shape in _WITHOUT_OUTLINE
            for frame, data in instance._frames.items()
            if not self._reason_to_drop(instance, frame, data.coordinates, self._size(frame))[1]
        }

    def _size(self, frame: int) -> tuple[int, int]:
        size = self._extent
        if size is None:
            size = extent_of(self._row, frame, self._carries)
            if self._row.data_type in _ONE_EXTENT:
                self._extent = size
        return size


_MANY = 32
"""Shapes of a row that are worth looking at together."""

_ONE_EXTENT = frozenset({DataType.IMAGE, DataType.VIDEO})
"""Types of rows whose frames are all of one size."""

_MOST_VARIANTS = 10_000
"""Of how many it is remembered whether something of them is lost."""

_ANSWERS = {Feature.ANSWERS, Feature.DYNAMIC_ANSWERS, Feature.NESTED_ANSWERS}
_WITHOUT_OUTLINE = frozenset({Shape.BOUNDING_BOX, Shape.SKELETON})


def _lose_answer(report: Report, instance: Any, frame: int, attribute: Any, feature: Feature, carries: Carries) -> None:
    detail = f"The answer to {attribute.title!r} cannot be stored in the target."
    report.drop_part(instance, frame, "answer", carries.code(feature), feature, detail)


def lose_classification(report: Report, classification: Any, carries: Carries) -> None:
    """Say what of a classification is not written, by the declaration."""
    report.drop_unplaced(classification, carries)
    for frame in sorted(classification._frames):
        if Feature.CLASSIFICATIONS not in carries.features:
            reason = dropped(carries, Feature.CLASSIFICATIONS)
            report.drop(classification, frame, reason.code, reason.feature, reason.detail)
        else:
            report.drop_side(classification, frame, carries)
    if classification._frames and Feature.CLASSIFICATIONS in carries.features:
        report.change_texts(classification, carries)
        for attribute, _ in classification._static_answers():
            if len(attribute.uid) > 2 and Feature.NESTED_ANSWERS not in carries.features:
                _lose_answer(
                    report, classification, min(classification._frames), attribute, Feature.NESTED_ANSWERS, carries
                )
