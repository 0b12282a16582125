"""Training code that reads COCO files: one writer, and a table of reader differences.

All get consecutive ids from 1, ``bbox``, ``area``, ``iscrowd`` and ``segmentation`` in every annotation, no nulls, and
boxes of positive size inside their image. Attributes, tracks and other data unused in training are written only by
``--to coco``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Target
from encord_convert.formats._keypoints import Poses
from encord_convert.formats.coco.categories import Category, Keypoints, categories_of
from encord_convert.formats.coco.json_lines import Lines, append_file, written_lines, written_value
from encord_convert.geometry import rle
from encord_convert.hub import conversions
from encord_convert.hub.loss import Carries, Feature, Level, Limits
from encord_convert.hub.visibility import is_crowd
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects import Shape
from encord_convert.training.base import OWN_EXTENTS, Shot, TrainingOptions, base_carries, shots

DECIMALS = 3
NO_CROWDS = Limits(drops_crowds=True)


@dataclass(frozen=True, slots=True)
class Layout:
    """Requirements of one reader of COCO files.

    Parameters
    ----------
    title, spec : str
    images, annotations : str
        Folder and file of a split, ``{}`` being the split.
    splits : dict of str to str
        Other names of splits.
    reads_masks : bool
        Whether RLE is supported; else masks become outlines, and holes are filled.
    reads_keypoints : bool
    boxes_as_rings : bool
        Whether each annotation needs an outline; boxes and skeletons get their box's corners.
    has_supercategory : bool
        Whether all categories share one that is not a category name; else each has its own name.
    keypoint_shift_px : float
        Offset the reader adds to keypoints, subtracted here.
    keypoints_of_all : bool
        Whether all annotations need equally many keypoints if any has them.
    limits : Limits
    advice : str
        Note to add when masks are written.
    """

    title: str
    spec: str
    images: str = "{}2017"
    annotations: str = "annotations/instances_{}2017.json"
    splits: Mapping[str, str] = field(default_factory=dict)
    reads_masks: bool = False
    reads_keypoints: bool = False
    boxes_as_rings: bool = False
    has_supercategory: bool = False
    keypoint_shift_px: float = 0.0
    keypoints_of_all: bool = False
    limits: Limits = NO_CROWDS
    advice: str = ""


LAYOUTS: dict[str, Layout] = {
    "detectron2": Layout(
        title="Detectron2",
        spec="https://detectron2.readthedocs.io/en/latest/tutorials/datasets.html",
        reads_masks=True,
        reads_keypoints=True,
        keypoint_shift_px=0.5,
        keypoints_of_all=True,
        limits=Limits(
            drops_crowds=True,
            masks_of_all="Detectron2 loads no masks of an image with a box or skeleton without an outline; "
            "-w box_polygons=yes gives those the corners of their box.",
        ),
        advice="Some objects are masks: set INPUT.MASK_FORMAT to 'bitmask'.",
    ),
    "mmdet": Layout(
        title="MMDetection",
        spec="https://mmdetection.readthedocs.io/en/latest/user_guides/train.html",
        reads_masks=True,
        limits=Limits(
            least_side_px=1.0,
            least_image_px=32,
            masks_of_all="MMDetection fails (with_mask=True) on an image with a box or skeleton without an outline; "
            "-w box_polygons=yes gives those the corners of their box.",
        ),
    ),
    "rfdetr": Layout(
        title="RF-DETR",
        spec="https://rfdetr.roboflow.com/latest/learn/train/dataset-formats/",
        images="{}",
        annotations="{}/_annotations.coco.json",
        splits={"val": "valid"},
        reads_masks=True,
        reads_keypoints=True,
        boxes_as_rings=True,
        has_supercategory=True,
    ),
    "torchvision": Layout(
        title="torchvision detection references",
        spec="https://docs.pytorch.org/vision/stable/generated/torchvision.transforms.v2.SanitizeBoundingBoxes.html",
        boxes_as_rings=True,
        # An image whose boxes all have a side of 1 px or less counts as one without labels.
        limits=Limits(drops_crowds=True, least_side_px=1.001),
    ),
}
"""Every reader by its name.

Source: the pages named in ``spec``. Boxes below 1 px: MMDetection's and torchvision's documentation of what they filter
(``SanitizeBoundingBoxes(min_size=1)``, ``filter_cfg=dict(filter_empty_gt=True, min_size=32)``). Masks and keypoints of
all or none: Detectron2 0.6 ``annotations_to_instances`` looks at the first annotation of an image; MMDetection 3.3.0
``LoadAnnotations(with_mask=True)`` at each. Supercategories: RF-DETR 1.11.2 ``filter_parent_categories`` leaves out a
category that another names there and that no annotation of train has; earlier ones each that has ``none`` there.
"""


@dataclass(frozen=True, slots=True)
class MaskOptions(TrainingOptions):
    """Options of a target whose reader needs masks of all objects of an image, or of none."""

    box_polygons: bool = field(
        default=False, metadata={"help": "Give boxes and skeletons their box's corners as outline."}
    )


class Annotation(msgspec.Struct, gc=False):
    """One entry of ``annotations``."""

    id: int | UnsetType
    image_id: int
    category_id: int
    bbox: list[float]
    area: float
    iscrowd: int
    segmentation: Any
    keypoints: list[float] | UnsetType = UNSET
    num_keypoints: int | UnsetType = UNSET


class Image(msgspec.Struct, gc=False):
    """One entry of ``images``."""

    id: int | UnsetType
    width: int
    height: int
    file_name: str


def carries_of(layout: Layout, negatives: str) -> Carries:
    """Return what a reader's files carry."""
    exact = {Shape.BOUNDING_BOX, Shape.POLYGON}
    changed = {Shape.ROTATABLE_BOUNDING_BOX: "ROTATION_AS_POLYGON"}
    features = {Feature.PARTS}
    if layout.reads_masks:
        exact.add(Shape.BITMASK)
    else:
        changed[Shape.BITMASK] = "MASK_AS_POLYGON"
    if layout.reads_keypoints:
        exact.add(Shape.SKELETON)
        features.add(Feature.VISIBILITY)
    else:
        changed[Shape.SKELETON] = "SKELETON_AS_BOX"
    if not layout.limits.drops_crowds:
        features.add(Feature.GROUPS)
    codes = {Feature.HOLES: "HOLES_AS_RLE"} if layout.reads_masks else {}
    return base_carries(exact, changed, features, negatives, limits=layout.limits, codes=codes, native=OWN_EXTENTS)


def format_of(name: str, negatives: str = "keep") -> Format:
    """Return a reader's target as a format that can be written."""
    layout = LAYOUTS[name]

    def carries_by(options: TrainingOptions) -> Carries:
        return carries_of(_given(layout, options), negatives)

    options = MaskOptions if layout.limits.masks_of_all else TrainingOptions
    return Format(
        name=name,
        title=layout.title,
        spec=layout.spec,
        suffixes=(),
        identify=lambda source: Match.NO,
        exporter=Exporter.of_narrowed(
            partial(_write, layout),
            options,
            carries_of(layout, negatives),
            carries_by=carries_by,
            walk=partial(_walk, layout),
        ),
    )


def _given(layout: Layout, options: TrainingOptions) -> Layout:
    """Return the layout adapted to the options."""
    if not (isinstance(options, MaskOptions) and options.box_polygons):
        return layout
    return replace(layout, boxes_as_rings=True, limits=replace(layout.limits, masks_of_all=""))


class _Plan:
    """Set-up before the images: classes, keypoints, and split names."""

    def __init__(self, layout: Layout, narrowed: Narrowed, options: TrainingOptions) -> None:
        labels, carries = narrowed.labels, narrowed.carries
        self.layout = _given(layout, options)
        self.assignment = options.assignment(labels, carries)
        self.names = {split: layout.splits.get(split, split) for split in self.assignment.names}
        self.categories = categories_of(labels.ontology, carries.shapes | carries.approximates)
        self.poses = Poses(narrowed.labels) if layout.reads_keypoints else None

    def entries(self) -> list[dict[str, Any]]:
        """Return the categories of a file, after the walk, since skeletons name points."""
        shared = _other_than({category.name for category in self.categories}) if self.layout.has_supercategory else None
        return [_category(item, shared or item.name, self.poses) for item in self.categories]


def _walk(
    layout: Layout, narrowed: Narrowed, target: Target, options: TrainingOptions, plan: _Plan | None = None
) -> Iterator[tuple[Shot, list[Annotation]]]:
    """Yield the images with their annotations, without image ids yet."""
    plan = plan or _Plan(layout, narrowed, options)
    layout, folders = plan.layout, {split: plan.layout.images.format(name) for split, name in plan.names.items()}
    annotations = _Annotations(plan)
    for shot in shots(narrowed, target, options, folders, plan.assignment):
        yield shot, annotations.of(shot)
    if layout.advice and annotations.has_masks:
        narrowed.note(Level.INFO, "MASK_FORMAT", layout.advice)
    if layout.limits.masks_of_all and annotations.unmasked and annotations.has_outlines:
        detail = (
            f"{annotations.unmasked} images have only boxes or skeletons, without outlines: training on masks "
            "fails there, training on boxes does not. -w box_polygons=yes gives those their box's corners."
        )
        narrowed.note(Level.WARNING, "IMAGES_WITHOUT_MASKS", detail)


def _write(layout: Layout, narrowed: Narrowed, target: Target, options: TrainingOptions) -> None:
    plan = _Plan(layout, narrowed, options)
    with ExitStack() as stack:
        parts = {split: stack.enter_context(_Part(target, split)) for split in plan.names}
        for shot, annotations in _walk(layout, narrowed, target, options, plan):
            if shot.put is not None:
                shot.put(target)
            parts[shot.split].add(shot, annotations)
    entries = plan.entries()
    for split, name in plan.names.items():
        parts[split].assemble(layout.annotations.format(name), narrowed.labels.title, entries)


def _other_than(names: Set[str]) -> str:
    """Return a word that is not among the names.

    >>> _other_than({"car"}), _other_than({"car", "object"})
    ('object', 'objects')
    """
    word = "object"
    while word in names:
        word += "s"
    return word


def _category(category: Category, supercategory: str, poses: Poses | None) -> dict[str, Any]:
    members: dict[str, Any] = {"id": category.id, "name": category.name, "supercategory": supercategory}
    members["color"] = category.classes[0].color
    keypoints = poses.named(category.name) if poses is not None else None
    if keypoints is not None:
        members["keypoints"], members["skeleton"] = keypoints.names, keypoints.edges
    return members


class _Annotations:
    """Makes the annotations of images.

    Attributes
    ----------
    has_masks, has_outlines : bool
        Whether any annotation is RLE, or has an outline at all.
    unmasked : int
        Images whose annotations all lack an outline.
    """

    def __init__(self, plan: _Plan) -> None:
        layout = self._layout = plan.layout
        self._categories = {(c.name, c.shape): entry.id for entry in plan.categories for c in entry.classes}
        self._poses = plan.poses
        self._keypoint_count = plan.poses.most if plan.poses is not None and layout.keypoints_of_all else 0
        self.has_masks = False
        self.has_outlines = False
        self.unmasked = 0

    def of(self, shot: Shot) -> list[Annotation]:
        """Return the annotations of an image, those with an outline last."""
        annotations = [self._annotation(one, where, shot) for one, where in shot.placed]
        # Some readers check only the first for an outline, and then fail on a later one without.
        annotations.sort(key=lambda one: bool(one.segmentation))
        has_outlines = bool(annotations and annotations[-1].segmentation)
        self.has_outlines |= has_outlines
        self.unmasked += bool(annotations) and not has_outlines
        return annotations

    def _annotation(self, instance: Any, coordinates: Any, shot: Shot) -> Annotation:
        item, size = instance.ontology_item, shot.size
        shape = item.shape
        area, segmentation = self._segmented(shape, coordinates, size)
        box = shot.own_box(instance) or conversions.box_of(coordinates, size)
        left, top, right, bottom = (round(number, DECIMALS) for number in box)
        bbox = [left, top, round(right - left, DECIMALS), round(bottom - top, DECIMALS)]
        area = shot.own(instance).get("area", bbox[2] * bbox[3] if area is None else area)
        area = round(area, DECIMALS) or 10.0**-DECIMALS
        # Only readers that keep crowds get here.
        crowd = not self._layout.limits.drops_crowds and is_crowd(instance, shot.frame)
        annotation = Annotation(UNSET, 0, self._categories[item.name, shape], bbox, area, int(crowd), segmentation)
        if shape is Shape.SKELETON and self._poses is not None:
            keypoints = self._poses.of(instance)
            self._add_keypoints(annotation, keypoints, coordinates, size)
        elif self._keypoint_count:
            annotation.keypoints, annotation.num_keypoints = [0, 0, 0] * self._keypoint_count, 0
        return annotation

    def _segmented(self, shape: Shape, coordinates: Any, size: tuple[int, int]) -> tuple[float | None, Any]:
        """Return area and ``segmentation``; area None: the box's."""
        if self._layout.reads_masks and (shape is Shape.BITMASK or conversions.has_holes(coordinates)):
            runs = _columns(shape, coordinates, size)
            if len(runs) > 1:  # else it covers no pixel centre, and its outline is more precise
                self.has_masks = True
                counts = {"size": [size[1], size[0]], "counts": rle.string_from_runs(runs)}
                return float(rle.area_from_runs(runs)), counts
        if shape in (Shape.BOUNDING_BOX, Shape.SKELETON) and not self._layout.boxes_as_rings:
            return None, []
        rings = conversions.rings_of(coordinates, size)
        area = None if shape in (Shape.BOUNDING_BOX, Shape.SKELETON) else conversions.area_of(rings, size)
        return area, [[round(number, DECIMALS) for number in ring] for ring in rings]

    def _add_keypoints(
        self, annotation: Annotation, keypoints: Keypoints, coordinates: Any, size: tuple[int, int]
    ) -> None:
        numbers = conversions.keypoints_of(coordinates, keypoints, size, is_bounded=False)
        shift = self._layout.keypoint_shift_px
        annotation.keypoints = [
            number if index % 3 == 2 or not numbers[index - index % 3 + 2] else round(number - shift, DECIMALS)
            for index, number in enumerate(numbers)
        ]
        annotation.keypoints += [0, 0, 0] * (self._keypoint_count - len(keypoints.names))
        annotation.num_keypoints = sum(1 for flag in numbers[2::3] if flag)


class _Part:
    """The file of one split: parts are written next to it and assembled at the end."""

    def __init__(self, target: Target, split: str) -> None:
        self._target = target
        scratch = target.scratch("scratch")
        self._paths = [scratch.with_name(f"scratch-{split}-{block}") for block in ("images", "annotations")]

    def __enter__(self) -> _Part:
        self._streams = [path.open("wb", 1 << 20) for path in self._paths]
        self._images, self._annotations = (Lines(stream) for stream in self._streams)
        return self

    def __exit__(self, *_: object) -> None:
        for stream in self._streams:
            stream.close()

    def add(self, shot: Shot, annotations: list[Annotation]) -> None:
        """Write an image with its annotations."""
        self._images.add([Image(UNSET, *shot.size, shot.name)])
        for annotation in annotations:
            annotation.image_id = self._images.count
        self._annotations.add(annotations)

    def assemble(self, name: str, title: str, categories: list[dict[str, Any]]) -> None:
        """Write the file."""
        with self._target.open(name) as stream:
            stream.write(b'{"info":' + written_value({"description": title}) + b',"licenses":[],"images":[\n')
            append_file(stream, self._paths[0])
            stream.write(b'\n],"annotations":[\n')
            append_file(stream, self._paths[1])
            stream.write(b'\n],"categories":[\n' + written_lines(categories) + b"\n]}\n")


def _columns(shape: Shape, coordinates: Any, size: tuple[int, int]) -> rle.Runs:
    if shape is Shape.BITMASK:
        return rle.column_runs_from_row_runs(conversions.mask_runs(coordinates, size), size[1], size[0])
    return conversions.polygon_runs(coordinates, size)
