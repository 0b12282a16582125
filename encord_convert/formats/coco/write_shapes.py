"""Shapes of a COCO file: hub coordinates to ``bbox``, ``area``, ``segmentation`` and ``keypoints``.

Most shapes lie well inside their image. Their numbers are gathered from many images and computed together
(:mod:`encord_convert.formats.coco.write_numbers`); the few others are made one by one.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from encord_convert.formats.coco import write_numbers as numbers
from encord_convert.formats.coco.categories import Class, Classes, Keypoints
from encord_convert.formats.coco.native import Kept
from encord_convert.formats.coco.read_extent import box_around
from encord_convert.formats.coco.write_numbers import Style
from encord_convert.geometry import masks, rle
from encord_convert.hub.extents import Extents, limits_of
from encord_convert.hub.loss import Carries
from encord_convert.hub.native import Native
from encord_convert.hub.visibility import drawing, fate, frame_size, is_degenerate_ring, ring_px
from encord_convert.losses.geometry import is_self_occluded
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects import LabelRowV2, Object, ObjectInstance, Shape
from encord_convert.sdk.objects.coordinates import Visibility

Size = tuple[int, int]
"""Width and height in pixels."""


GATHERED = 512
"""Annotations that are computed together: enough to make the cost of a call small, few enough to stay in the cache."""


class Annotation(msgspec.Struct, gc=False):
    """One entry of ``annotations``; the members are written in this order."""

    id: int | UnsetType
    image_id: int | UnsetType
    category_id: int
    bbox: list[float] | msgspec.Raw
    area: float | msgspec.Raw
    iscrowd: int
    segmentation: Any
    keypoints: list[float] | msgspec.Raw | UnsetType = UNSET
    num_keypoints: int | UnsetType = UNSET
    score: float | UnsetType = UNSET
    attributes: Any = UNSET


class WrittenImage:
    """A listed frame, and what is placed on it.

    Parameters
    ----------
    frame : int
        From 0.
    image_id : int
    size : Size
    tracks : dict of str to int, optional
        Object hash to track number, where the row has frames to follow an object over.
    native : Native, optional
        What only COCO has words for of the row.
    """

    __slots__ = ("frame", "image_id", "native", "placed", "size", "tracks")

    def __init__(
        self,
        frame: int,
        image_id: int,
        size: Size,
        tracks: dict[str, int] | None = None,
        native: Native | None = None,
    ) -> None:
        self.frame = frame
        self.image_id = image_id
        self.size = size
        self.tracks = tracks
        self.native = native
        self.placed: list[tuple[Any, ...]] = []


Gather = Callable[[Any, Size], None]
"""Takes coordinates to be computed with others."""

Draw = Callable[[WrittenImage, Class, Any], Annotation]
"""Makes the annotation of an object of a class on an image from its coordinates."""


class Shapes:
    """Gathers coordinates, computes them together, and gives the annotation of each in the order of gathering.

    Parameters
    ----------
    style : Style
    carries : Carries
        What the format declares; polygons are written as masks if they are approximated.
    """

    def __init__(self, style: Style, carries: Carries) -> None:
        self._style = style
        self._tolerance_px = carries.tolerance_px
        self._as_masks = Shape.POLYGON in carries.approximates
        self._draw: dict[Shape, Draw] = {
            Shape.BOUNDING_BOX: self._box,
            Shape.ROTATABLE_BOUNDING_BOX: self._rotatable_box,
            Shape.POLYGON: self._polygon,
            Shape.POINT: self._point,
            Shape.SKELETON: self._skeleton,
            Shape.BITMASK: self._bitmask,
        }
        self._gathered: dict[Shape, tuple[list[Any], list[Size]]] = {shape: ([], []) for shape in self._draw}
        self._computed: dict[Shape, Iterator[Any]] = {}

    def of(self, shape: Shape) -> tuple[Gather, Draw]:
        """Return how coordinates of a shape are gathered, and what makes annotations of them once all are computed."""
        coordinates, sizes = self._gathered[shape]

        def gather(c: Any, size: Size) -> None:
            coordinates.append(c)
            sizes.append(size)

        return gather, self._draw[shape]

    def compute(self) -> None:
        """Compute what was gathered; the annotations can be asked for now, in the order of gathering."""
        for shape, (gathered, sizes) in self._gathered.items():
            if gathered and shape is not Shape.SKELETON:
                values, sure = numbers.texts_of(Extents.of(shape, gathered, sizes), self._style)
                self._computed[shape] = zip(*values, sure, strict=True)
            gathered.clear()
            sizes.clear()

    # -- shape by shape ---------------------------------------------------------------------------------------

    def _box(self, image: WrittenImage, class_: Class, c: Any) -> Annotation:
        bbox, area, is_sure = next(self._computed[Shape.BOUNDING_BOX])
        if not is_sure and fate(c, *image.size, self._tolerance_px) == "leaves":
            bbox, area = self._clipped_box(c, image.size)
        segmentation = [_corners_of(bbox, self._style.decimals)] if self._style.box_polygons else []
        return self._of(image, class_, bbox, area, segmentation)

    def _of(self, image: WrittenImage, class_: Class, bbox: bytes, area: bytes, segmentation: Any) -> Annotation:
        return Annotation(0, image.image_id, class_.category_id, _list(bbox), msgspec.Raw(area), 0, segmentation)

    def _clipped_box(self, c: Any, size: Size) -> tuple[bytes, bytes]:
        left, top = max(c.top_left_x, 0.0), max(c.top_left_y, 0.0)
        right, bottom = min(c.top_left_x + c.width, 1.0), min(c.top_left_y + c.height, 1.0)
        box = Extents(Shape.BOUNDING_BOX, (left, top, right - left, bottom - top), (), limits_of([size]))
        ([bbox], [area]), _ = numbers.texts_of(box, self._style)
        return bbox, area

    def _rotatable_box(self, image: WrittenImage, class_: Class, c: Any) -> Annotation:
        bbox, area, corners, angle, unrotated, is_sure = next(self._computed[Shape.ROTATABLE_BOUNDING_BOX])
        annotation = self._of(image, class_, bbox, area, _segmentation(corners))
        if not is_sure:
            _, rings = drawing(c, *image.size, self._tolerance_px)
            annotation.segmentation, annotation.bbox, _ = self._drawn(rings, image.size)
        annotation.attributes = {"rotation": msgspec.Raw(angle), "unrotated_bbox": _list(unrotated)}
        return annotation

    def _polygon(self, image: WrittenImage, class_: Class, c: Any) -> Annotation:
        bbox, area, ring, is_sure = next(self._computed[Shape.POLYGON])
        if not (is_sure and not self._as_masks):
            state, rings = ("inside", None) if is_sure else drawing(c, *image.size, self._tolerance_px)
            if self._as_masks or state == "leaves" or area == b"0.0" or c._is_nested:
                return self._rings_or_mask(image, class_, c, rings)
        return self._of(image, class_, bbox, area, _segmentation(ring))

    def _rings_or_mask(self, image: WrittenImage, class_: Class, c: Any, rings: list[list[float]] | None) -> Annotation:
        size = image.size
        if self._as_masks or any(len(part) > 1 for part in c.polygons):
            columns = _painted(c, size, self._tolerance_px)
            if columns is not None and len(columns) > 1:  # else it covers the centre of no pixel, and a ring says more
                annotation = self._mask_of(image, class_, columns, _bbox_of(columns, size), rle.area_from_runs(columns))
                annotation.attributes = {"encord_shape": Shape.POLYGON.value}
                return annotation
        segmentation, bbox, area = self._drawn(rings or drawing(c, *size, self._tolerance_px)[1], size)
        return Annotation(0, image.image_id, class_.category_id, bbox, area, 0, segmentation)

    def _drawn(self, rings: list[list[float]], size: Size) -> tuple[msgspec.Raw, list[float], float]:
        """Return ``segmentation``, ``bbox`` and area of rings: what a shape has inside the image."""
        extents = numbers.rings_px(rings, limits_of([size]))
        (bboxes, areas, texts), _ = numbers.texts_of(extents, self._style)
        boxes: list[list[float]] = [msgspec.json.decode(_list(bbox)) for bbox in bboxes]
        area = sum(map(float, areas))
        if not area or _meet(boxes):
            columns = _united([[ring] for ring in rings], size)
            area = (float(rle.area_from_runs(columns)) if columns is not None else 0.0) or area
        bbox = boxes[0] if len(boxes) == 1 else _enclosing(boxes, self._style.decimals)
        return _segmentation(*texts), bbox, area

    def _point(self, image: WrittenImage, class_: Class, c: Any) -> Annotation:
        bbox, area, place, _ = next(self._computed[Shape.POINT])
        annotation = self._of(image, class_, bbox, area, [])
        annotation.keypoints, annotation.num_keypoints = _list(place + b",2"), 1
        return annotation

    def _skeleton(self, image: WrittenImage, class_: Class, c: Any) -> Annotation:
        points = c.values
        keypoints = self._keypoints(_template(class_, points), points, image.size)
        bbox: list[float] = numbers.rounded(box_around(points, image.size), self._style.decimals)
        area = numbers.rounded(bbox[2] * bbox[3], self._style.decimals)
        shown = sum(1 for flag in keypoints[2::3] if flag)
        return Annotation(0, image.image_id, class_.category_id, bbox, area, 0, [], keypoints, shown)

    def _keypoints(self, template: Keypoints, points: Sequence[Any], size: Size) -> list[float]:
        """Return x, y and v of each point in template order."""
        width, height = size
        keypoints: list[float] = [0, 0, 0] * len(template.names)
        for point in points:
            index = template.index(point)
            if index is not None and point.visibility is not Visibility.INVISIBLE:
                x, y = numbers.rounded((point.x * width, point.y * height), self._style.decimals)
                is_hidden = point.visibility is Visibility.OCCLUDED or is_self_occluded(point)
                keypoints[3 * index : 3 * index + 3] = [x, y, 1 if is_hidden else 2]
        return keypoints

    def _bitmask(self, image: WrittenImage, class_: Class, c: Any) -> Annotation:
        bbox, area, height, width, counts, is_sure = next(self._computed[Shape.BITMASK])
        if not is_sure:
            return self._mask_of(image, class_, *_clipped_mask(c, image.size))
        return self._of(image, class_, bbox, area, {"size": [height, width], "counts": msgspec.Raw(counts)})

    def _mask_of(
        self, image: WrittenImage, class_: Class, columns: rle.Runs, bbox: list[float], area: int
    ) -> Annotation:
        width, height = image.size
        counts = {"size": [height, width], "counts": numbers.counts_of(columns, self._style)}
        return Annotation(0, image.image_id, class_.category_id, bbox, area, 0, counts)


def _template(class_: Class, points: Sequence[Any]) -> Keypoints:
    """Return the keypoints of a class, those of the first skeleton that is written if it has no template."""
    category = class_.category
    assert category is not None
    if category.keypoints is None:
        category.keypoints = Keypoints([point.name for point in points])
    return category.keypoints


def _list(text: bytes) -> msgspec.Raw:
    return msgspec.Raw(b"[%b]" % text)


def _segmentation(*rings: bytes) -> msgspec.Raw:
    """Return the ``segmentation`` of rings that are text."""
    return msgspec.Raw(b"[[" + b"],[".join(rings) + b"]]")


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


def _corners_of(bbox: bytes, decimals: int) -> list[float]:
    """Corners of a box x, y, w, h, clockwise from the top-left."""
    left, top, width, height = msgspec.json.decode(_list(bbox))
    right, bottom = numbers.rounded((left + width, top + height), decimals)
    return [left, top, right, top, right, bottom, left, bottom]


# -- objects alone ----------------------------------------------------------------------------------------------------

Emit = Callable[[WrittenImage, ObjectInstance, Annotation], None]
"""Takes an object as it is written of an image."""


class Drawings:
    """Takes objects on images, and gives each as COCO has it, in the order they came.

    Parameters
    ----------
    narrowed : Narrowed
    style : Style
    emit : Emit
        Told of what is written.
    kept : Kept
        What is known of the COCO files the labels were read from.
    """

    def __init__(self, narrowed: Narrowed, style: Style, emit: Emit, kept: Kept) -> None:
        carries = narrowed.carries
        shapes = carries.shapes | carries.approximates
        self.classes = Classes(narrowed.labels.ontology, shapes, kept.category_ids, names=kept.classes)
        self._emit = emit
        self._shapes = Shapes(style, carries)
        self._plans: dict[int, tuple[Class, Gather, Draw]] = {}
        self._waiting: list[tuple[WrittenImage, ObjectInstance]] = []

    def add(self, placed: Iterable[tuple[WrittenImage, ObjectInstance]]) -> None:
        """Take objects on their images."""
        for image, instance in placed:
            _, gather, _ = self._plan(instance.ontology_item)
            gather(instance._frames[image.frame].coordinates, image.size)
            self._waiting.append((image, instance))
            if len(self._waiting) >= 4 * GATHERED:
                self.flush()

    def flush(self) -> None:
        """Compute what was taken."""
        self._shapes.compute()
        for image, instance in self._waiting:
            class_, _, draw = self._plan(instance.ontology_item)
            self._emit(image, instance, draw(image, class_, instance._frames[image.frame].coordinates))
        self._waiting = []

    def _plan(self, item: Object) -> tuple[Class, Gather, Draw]:
        plan = self._plans.get(id(item))
        if plan is None:
            class_ = self.classes.of(item)
            plan = self._plans[id(item)] = (class_, *self._shapes.of(class_.shape))
        return plan


def images_of(row: LabelRowV2, frames: Iterable[int], kept: Kept) -> Mapping[int, WrittenImage]:
    """Return the images of frames, numbered on from ``first_id``."""
    return {
        frame: WrittenImage(frame, kept.number(kept.image(row, frame).get("id")), frame_size(row, frame))
        for frame in frames
    }
