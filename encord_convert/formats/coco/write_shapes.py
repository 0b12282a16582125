"""Shapes of a COCO file: hub coordinates to ``bbox``, ``area``, ``segmentation`` and ``keypoints``.

Most shapes lie well inside their image. Their numbers are gathered from many images and computed together
(:mod:`encord_convert.formats.coco.write_numbers`); the few others are judged and drawn one by one.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol

import msgspec
from msgspec import UNSET, UnsetType

from encord_convert.formats.coco import write_numbers as numbers
from encord_convert.formats.coco.categories import Class, Keypoints
from encord_convert.formats.coco.read_extent import box_around
from encord_convert.formats.coco.write_masks import mask_numbers
from encord_convert.geometry import masks, rle
from encord_convert.hub.loss import Carries, Feature, Kind, Level
from encord_convert.hub.visibility import drawing, fate_and_drawing, is_degenerate_ring, ring_px
from encord_convert.losses.geometry import (
    Reason,
    changed,
    dropped,
    has_depth,
    is_self_occluded,
    is_unsaid,
    loses_a_part,
)
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance, Shape
from encord_convert.sdk.objects.coordinates import Visibility

Size = tuple[int, int]
"""Width and height in pixels."""

_NO_RING = (0.0, 0.0)
"""Stands among the gathered rings for a polygon of more rings than one, or of none: it is never sure."""


class Annotation(msgspec.Struct, gc=False):
    """One entry of ``annotations``; the members are written in this order."""

    id: int | UnsetType
    image_id: int | UnsetType
    category_id: int
    bbox: list[float]
    area: float
    iscrowd: int
    segmentation: Any
    keypoints: list[float] | UnsetType = UNSET
    num_keypoints: int | UnsetType = UNSET
    score: float | UnsetType = UNSET
    attributes: Any = UNSET


class Style(Protocol):
    """What of the writing options decides how an annotation looks."""

    @property
    def decimals(self) -> int:
        """Decimals of coordinates and areas."""

    @property
    def box_polygons(self) -> bool:
        """Whether boxes have a segmentation."""

    @property
    def point_size_px(self) -> float:
        """Width and height of the box around a point."""

    @property
    def counts(self) -> Literal["string", "list"]:
        """Whether run lengths are a string or a list."""


class WrittenImage:
    """A listed frame, and what is placed on it.

    Parameters
    ----------
    row : LabelRowV2
    frame : int
        From 0.
    image_id : int
    size : Size
    tracks : dict of str to int, optional
        Object hash to track number, where the row has frames to follow an object over.
    """

    __slots__ = ("frame", "image_id", "placed", "row", "size", "tracks")

    def __init__(
        self, row: LabelRowV2, frame: int, image_id: int, size: Size, tracks: dict[str, int] | None = None
    ) -> None:
        self.row = row
        self.frame = frame
        self.image_id = image_id
        self.size = size
        self.tracks = tracks
        self.placed: list[tuple[Any, ...]] = []


Draw = Callable[[WrittenImage, Class, ObjectInstance, Any], Annotation | None]
"""Makes the annotation of an object on an image from its coordinates; None if it cannot be written."""


class Shapes:
    """Gathers coordinates, computes them together, and gives the annotation of each in the order of gathering.

    Parameters
    ----------
    style : Style
    carries : Carries
        What the format declares; codes of losses are from there.
    report : Report or None
        Told of everything that is not written, or not as it was; None: it was told before, where labels were narrowed.
    as_masks : bool
        Whether polygons are written as masks.
    """

    def __init__(self, style: Style, carries: Carries, report: Report | None, *, as_masks: bool) -> None:
        self._style = style
        self._carries = carries
        self._report = report or Report()
        self._as_masks = as_masks
        self._judged: tuple[Any, list[list[float]] | None] = (None, None)
        self._forget()

    def _forget(self) -> None:
        self._boxes: list[float] = []
        self._box_sizes: list[Size] = []
        self._rotated: list[float] = []
        self._angles: list[float] = []
        self._rotated_sizes: list[Size] = []
        self._rings: list[Any] = []
        self._ring_sizes: list[Size] = []
        self._points: list[float] = []
        self._point_sizes: list[Size] = []
        self._masks: list[Any] = []
        self._mask_sizes: list[Size] = []

    def of(self, shape: Shape) -> tuple[Callable[[Any, Size], None], Draw]:
        """Return how coordinates of a shape are gathered, and how they are drawn once all are computed."""
        kinds: dict[Shape, tuple[Callable[[Any, Size], None], Draw]] = {
            Shape.BOUNDING_BOX: (self._gather_box, self._box),
            Shape.ROTATABLE_BOUNDING_BOX: (self._gather_rotatable_box, self._rotatable_box),
            Shape.POLYGON: (self._gather_polygon, self._polygon),
            Shape.POINT: (self._gather_point, self._point),
            Shape.SKELETON: (self._gather_nothing, self._skeleton),
            Shape.BITMASK: (self._gather_bitmask, self._bitmask),
        }
        is_carried = shape in self._carries.shapes | self._carries.approximates
        return kinds[shape] if is_carried else (self._gather_nothing, self._no_place)

    # -- gathering --------------------------------------------------------------------------------------------

    def _gather_box(self, c: Any, size: Size) -> None:
        self._boxes += (c.top_left_x, c.top_left_y, c.width, c.height)
        self._box_sizes.append(size)

    def _gather_rotatable_box(self, c: Any, size: Size) -> None:
        self._rotated += (c.top_left_x, c.top_left_y, c.width, c.height)
        self._angles.append(c.theta)
        self._rotated_sizes.append(size)

    def _gather_polygon(self, c: Any, size: Size) -> None:
        self._rings.append(simple_ring(c, _NO_RING))
        self._ring_sizes.append(size)

    def _gather_point(self, c: Any, size: Size) -> None:
        self._points += (c.x, c.y)
        self._point_sizes.append(size)

    def _gather_bitmask(self, c: Any, size: Size) -> None:
        self._masks.append(c)
        self._mask_sizes.append(size)

    def _gather_nothing(self, c: Any, size: Size) -> None:
        """Leave what is drawn one by one where it is."""

    def compute(self) -> None:
        """Compute what was gathered; the annotations can be asked for now, in the order of gathering."""
        decimals = self._style.decimals
        self._computed_boxes = numbers.box_numbers(self._boxes, self._box_sizes, decimals)
        self._computed_rotated = numbers.rotated_numbers(self._rotated, self._angles, self._rotated_sizes, decimals)
        self._computed_rings = numbers.ring_numbers(self._rings, self._ring_sizes, decimals)
        self._computed_points = numbers.point_numbers(
            self._points, self._point_sizes, decimals, self._style.point_size_px
        )
        self._computed_masks = mask_numbers(self._masks, self._mask_sizes)
        self._forget()

    # -- losses -----------------------------------------------------------------------------------------------

    def _remains(self, image: WrittenImage, class_: Class, instance: ObjectInstance, coordinates: Any) -> str | None:
        """Judge a shape that is not sure: None if nothing of it can be written, which is then accounted for."""
        width, height = image.size
        state, rings = fate_and_drawing(coordinates, width, height, self._carries.tolerance_px)
        self._judged = (coordinates, rings)  # it is drawn next, and cutting it at the border is what costs
        if state == "degenerate":
            self._drop(image, instance, dropped(self._carries, Feature.DEGENERATE, class_.shape))
            return None
        if state == "outside":
            reason = dropped(self._carries, Feature.OUT_OF_BOUNDS, width=width, height=height)
            self._drop(image, instance, reason)
            return None
        if state == "leaves":
            self._change(image, instance, Kind.APPROXIMATED, Feature.OUT_OF_BOUNDS)
        return state

    def _drop(self, image: WrittenImage, instance: ObjectInstance, reason: Reason) -> None:
        self._report.drop(instance, image.frame, reason.code, reason.feature, reason.detail)

    def _change(
        self, image: WrittenImage, instance: ObjectInstance, kind: Kind, feature: Feature, **values: Any
    ) -> None:
        shape = instance.ontology_item.shape
        code, detail = changed(self._carries, kind, feature, shape, image.size, **values)
        self._report.change(instance, image.frame, kind, code, feature, detail)

    # -- shape by shape ---------------------------------------------------------------------------------------

    def _no_place(self, image: WrittenImage, class_: Class, instance: ObjectInstance, coordinates: Any) -> None:
        self._drop(image, instance, dropped(self._carries, Feature.SHAPE, class_.shape))

    def _box(self, image: WrittenImage, class_: Class, instance: ObjectInstance, c: Any) -> Annotation | None:
        bbox, area, is_sure = next(self._computed_boxes)
        if not is_sure:
            state = self._remains(image, class_, instance, c)
            if state is None:
                return None
            if state == "leaves":
                bbox, area = self._clipped_box(c, image.size)
        segmentation = [_corners_of(bbox, self._style.decimals)] if self._style.box_polygons else []
        return Annotation(0, image.image_id, class_.category_id, bbox, area, 0, segmentation)

    def _clipped_box(self, c: Any, size: Size) -> tuple[list[float], float]:
        left, top = max(c.top_left_x, 0.0), max(c.top_left_y, 0.0)
        right, bottom = min(c.top_left_x + c.width, 1.0), min(c.top_left_y + c.height, 1.0)
        bbox, area, _ = next(numbers.box_numbers((left, top, right - left, bottom - top), [size], self._style.decimals))
        return bbox, area

    def _rotatable_box(self, image: WrittenImage, class_: Class, instance: ObjectInstance, c: Any) -> Annotation | None:
        bbox, corners, unrotated, angle, area, is_sure = next(self._computed_rotated)
        ring = _segmentation(corners)
        if not is_sure:
            if self._remains(image, class_, instance, c) is None:
                return None
            ring, bbox, _ = self._drawn(c, image.size)
        if Shape.ROTATABLE_BOUNDING_BOX in self._carries.approximates:
            self._change(image, instance, Kind.APPROXIMATED, Feature.SHAPE)
        annotation = Annotation(0, image.image_id, class_.category_id, bbox, area, 0, ring)
        annotation.attributes = {"rotation": angle, "unrotated_bbox": unrotated}
        return annotation

    def _polygon(self, image: WrittenImage, class_: Class, instance: ObjectInstance, c: Any) -> Annotation | None:
        ring, bbox, area, is_sure = next(self._computed_rings)
        if not (is_sure and not self._as_masks):
            state = "inside" if is_sure else self._remains(image, class_, instance, c)
            if state is None:
                return None
            if self._as_masks or state == "leaves" or not area or simple_ring(c, None) is None:
                return self._rings_or_mask(image, class_, instance, c)
        return Annotation(0, image.image_id, class_.category_id, bbox, area, 0, _segmentation(ring))

    def _rings_or_mask(self, image: WrittenImage, class_: Class, instance: ObjectInstance, c: Any) -> Annotation:
        size = image.size
        has_holes = any(len(rings) > 1 for rings in c.polygons)
        columns = _painted(c, size, self._carries.tolerance_px) if has_holes or self._as_masks else None
        if has_holes:
            self._change(image, instance, Kind.APPROXIMATED, Feature.HOLES)
        if loses_a_part(c, size, self._carries.tolerance_px, self._carries):
            self._change(image, instance, Kind.APPROXIMATED, Feature.DEGENERATE)
        if self._as_masks:
            self._change(image, instance, Kind.APPROXIMATED, Feature.SHAPE)
        if columns is not None and len(columns) > 1:  # else it covers the centre of no pixel, and a ring says more
            annotation = self._mask_of(image, class_, columns, _bbox_of(columns, size), rle.area_from_runs(columns))
            annotation.attributes = {"encord_shape": Shape.POLYGON.value}
            return annotation
        segmentation, bbox, area = self._drawn(c, size)
        return Annotation(0, image.image_id, class_.category_id, bbox, area, 0, segmentation)

    def _drawn(self, c: Any, size: Size) -> tuple[msgspec.Raw, list[float], float]:
        """Return ``segmentation``, ``bbox`` and area of what a polygon or a rotatable box has inside the image."""
        judged, rings = self._judged
        if judged is not c or rings is None:
            _, rings = drawing(c, *size, self._carries.tolerance_px)
        texts, boxes, areas, _ = zip(*numbers.ring_numbers_px(rings, size, self._style.decimals), strict=True)
        area = sum(areas)
        if not area or _meet(boxes):
            columns = _united([[ring] for ring in rings], size)
            area = (float(rle.area_from_runs(columns)) if columns is not None else 0.0) or area
        bbox = boxes[0] if len(boxes) == 1 else _enclosing(boxes, self._style.decimals)
        return _segmentation(*texts), bbox, area

    def _point(self, image: WrittenImage, class_: Class, instance: ObjectInstance, c: Any) -> Annotation | None:
        place, bbox, area, is_sure = next(self._computed_points)
        if not is_sure and self._remains(image, class_, instance, c) is None:
            return None
        if has_depth(c):
            self._change(image, instance, Kind.APPROXIMATED, Feature.DEPTH)
        return Annotation(0, image.image_id, class_.category_id, bbox, area, 0, [], [*place, 2], 1)

    def _skeleton(self, image: WrittenImage, class_: Class, instance: ObjectInstance, c: Any) -> Annotation | None:
        if self._remains(image, class_, instance, c) is None:
            return None
        points = c.values
        keypoints = self._keypoints(image, self._template(class_, points), instance, points)
        bbox: list[float] = numbers.rounded(box_around(points, image.size), self._style.decimals)
        area = numbers.rounded(bbox[2] * bbox[3], self._style.decimals)
        shown = sum(1 for flag in keypoints[2::3] if flag)
        return Annotation(0, image.image_id, class_.category_id, bbox, area, 0, [], keypoints, shown)

    def _template(self, class_: Class, points: Sequence[Any]) -> Keypoints:
        category = class_.category
        assert category is not None
        if category.keypoints is None:
            category.keypoints = Keypoints([point.name for point in points])
            detail = f"The skeleton {class_.item.name!r} has no template; its first instance orders the keypoints."
            self._report.note(Level.WARNING, "KEYPOINT_NAMES_MISSING", detail)
        return category.keypoints

    def _keypoints(
        self, image: WrittenImage, template: Keypoints, instance: ObjectInstance, points: Sequence[Any]
    ) -> list[float]:
        """Return x, y and v of each point in template order, and account for what three numbers cannot say."""
        width, height = image.size
        keypoints: list[float] = [0, 0, 0] * len(template.names)
        strange = []
        for point in points:
            index = template.index(point)
            if index is None:
                strange.append(point.name)
            elif point.visibility is not Visibility.INVISIBLE:
                x, y = numbers.rounded((point.x * width, point.y * height), self._style.decimals)
                is_hidden = point.visibility is Visibility.OCCLUDED or is_self_occluded(point)
                keypoints[3 * index : 3 * index + 3] = [x, y, 1 if is_hidden else 2]
        if any(is_self_occluded(point) for point in points):
            self._change(image, instance, Kind.MERGED, Feature.SELF_OCCLUSION)
        if any(point.visibility is Visibility.INVISIBLE and (point.x or point.y) for point in points):
            self._change(image, instance, Kind.DEFAULTED, Feature.HIDDEN_POSITION)
        if strange:
            names = ", ".join(map(repr, strange))
            self._change(image, instance, Kind.APPROXIMATED, Feature.UNKNOWN_POINTS, points=names)
        if any(is_unsaid(point) for point in points):
            self._change(image, instance, Kind.DEFAULTED, Feature.UNSAID_VISIBILITY)
        return keypoints

    def _bitmask(self, image: WrittenImage, class_: Class, instance: ObjectInstance, c: Any) -> Annotation | None:
        computed = next(self._computed_masks)
        if computed is None:
            if self._remains(image, class_, instance, c) is None:
                return None
            computed = _clipped_mask(c, image.size)
        return self._mask_of(image, class_, *computed)

    def _mask_of(
        self, image: WrittenImage, class_: Class, columns: rle.Runs, bbox: list[float], area: int
    ) -> Annotation:
        width, height = image.size
        counts = {"size": [height, width], "counts": counts_of(columns, self._style)}
        return Annotation(0, image.image_id, class_.category_id, bbox, area, 0, counts)


def _segmentation(*rings: bytes) -> msgspec.Raw:
    """Return the ``segmentation`` of rings that are text."""
    return msgspec.Raw(b"[[" + b"],[".join(rings) + b"]]")


def simple_ring(polygon: Any, default: Any) -> Any:
    """Return the flat ring of a polygon that is one ring, ``default`` for one that is more or less."""
    if polygon._is_nested:
        return default
    flat = polygon._flat
    return flat if len(flat) else default


def counts_of(columns: rle.Runs, style: Style) -> str | list[int]:
    """Return run lengths as COCO writes them."""
    return columns.tolist() if style.counts == "list" else rle.string_from_runs(columns)


def _clipped_mask(mask: Any, size: Size) -> tuple[rle.Runs, list[float], int]:
    """Return column runs, ``bbox`` and area of what a mask has inside the image, which is something."""
    runs, left, top, width, height = mask._box_runs()
    runs, left, top, width, height, _ = rle.clipped_box_runs(runs, left, top, width, height, *size)
    columns = rle.column_frame_runs_from_box_runs(runs, left, top, width, height, *size)
    return columns, _bbox_of(columns, size), rle.area_from_runs(runs)


def _bbox_of(columns: rle.Runs, size: Size) -> list[float]:
    top, left, height, width = rle.box_from_runs(columns, *size)
    return [left, top, width, height]


def _painted(polygon: Any, size: Size, tolerance_px: float) -> rle.Runs | None:
    """Column runs of a polygon: the holes of each part cut out, the parts united; None if it cannot be painted."""
    parts = []
    for rings in polygon.polygons:
        outer, *holes = [ring_px(ring, *size) for ring in rings] or [[]]
        if not is_degenerate_ring(outer, tolerance_px):
            parts.append([outer, *(hole for hole in holes if not is_degenerate_ring(hole, tolerance_px))])
    return _united(parts, size)


def _united(parts: Sequence[Sequence[Any]], size: Size) -> rle.Runs | None:
    """Column runs of parts, each the exclusive or of its rings; None if they are too much to be painted."""
    width, height = size
    try:
        runs = [masks.column_runs_from_rings(rings, height, width) for rings in parts]
        return rle.union_of_runs(runs, width * height)
    except ValueError:  # an image of too many pixels, or a ring too long
        return None


def _meet(boxes: Sequence[list[float]]) -> bool:
    """Whether any two of a few boxes x, y, w, h overlap."""
    return any(
        a[0] < b[0] + b[2] and b[0] < a[0] + a[2] and a[1] < b[1] + b[3] and b[1] < a[1] + a[3]
        for index, a in enumerate(boxes)
        for b in boxes[:index]
    )


def _enclosing(boxes: Sequence[list[float]], decimals: int) -> list[float]:
    """The box x, y, w, h around boxes."""
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[0] + box[2] for box in boxes), max(box[1] + box[3] for box in boxes)
    enclosing: list[float] = numbers.rounded((left, top, right - left, bottom - top), decimals)
    return enclosing


def _corners_of(bbox: list[float], decimals: int) -> list[float]:
    """Corners of a box x, y, w, h, clockwise from the top-left."""
    left, top, width, height = bbox
    right, bottom = numbers.rounded((left + width, top + height), decimals)
    return [left, top, right, top, right, bottom, left, bottom]
