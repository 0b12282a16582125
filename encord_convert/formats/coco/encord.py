"""COCO as Encord's own exporter writes it, field for field.

What it is
    The conventions of ``encord.utilities.coco.exporter``, for code that was written for its files. Training code is
    better served by ``coco``: here ids count from 0, and the official evaluation takes annotation 0 for "no match";
    masks are marked as crowds, which detectors leave out; points have a segmentation that it cannot read.

Files on disk
    One file, ``annotations.json``: ``info``, ``categories``, ``images``, ``annotations``. Images are not copied.

How each hub thing maps
    ===============  ==============================================================================================
    class            a category, all of the ontology, used or not; ids from 1; ``supercategory`` is the shape. The
                     exporter knows no class of several shapes; here it is one category, ``supercategory`` lists them
                     (``polygon, bitmask``), and ``attributes.encord_shape`` of an annotation is its own
    image          ``file_name`` ``images/<hash>.<suffix>`` with ``image_title``; ``coco_url`` is its link; ids from 0
    video            its labelled frames, ``videos/<hash>/<frame>.jpg`` with ``video_title``
    DICOM series     its slices, ``dicom/<hash>/<instance UID>[/<number in a multi-frame file>]``, or
                     ``dicom/<hash>/<frame>`` where the slice is not known
    other media      their labelled frames, ``<type>/<hash>/<frame>``
    bounding box     ``bbox``, ``area`` and the four corners
    rotatable box    the same of the box before it is turned; ``attributes.rotation``
    polygon          its ring; with holes or several parts run lengths and ``iscrowd`` 1
    polyline         the line there and back as a polygon of area 0
    point            a polygon of one point, and one keypoint
    skeleton         ``keypoints`` as they are stored; invisible points keep their place with v 0, hidden ones have 1
    bitmask          run lengths and ``iscrowd`` 1
    object           ``attributes.encord_track_uuid``, and ``track_id``, a number from 0 over the whole file
    answers          ``attributes.classifications``: text, the label of an option, true or false under the label of
                     each option of a checklist; ``null`` and ``false`` if not answered
    machine label    ``attributes.manual_annotation``
    ===============  ==============================================================================================

    Numbers are not rounded, and nothing is cut at the border. The hashes of all objects are kept in memory.

What is lost
    Answers, in that their values are there and their attributes are not (``ANSWERS_FLATTENED``): a label is a text, a
    checklist is its options, one that nobody answered is one that says no, and equal names take each other's place.
    Nested answers are not there at all. The names of skeleton points (``KEYPOINT_NAMES_DROPPED``). Holes and parts.
    Labels of frames, confidence, colours, what has no shape; that images are a group, how many frames a video or a
    series has beyond the last that is listed, the title of a series (``MEDIA_CHANGED``).

Dialects met in the wild
    The exporter looks answers that change over frames up in the first label row alone, and by the number of the image
    instead of the frame. Here they are those of the frame. It fills polygons with holes up to the outermost pixel they
    touch; here a pixel belongs to them if its centre does.

Sources
    The output of version 0.1.190 on label rows of six kinds of media: ``fixtures/coco-encord/exporter``. Unknown: what
    it writes for a still image without labels, and for a slice that its row does not mention. They are listed here;
    a pair of such a row and its file would tell.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import msgspec
import numpy as np
from msgspec import UNSET, UnsetType

from encord_convert.formats._api import Exporter, Format, Match, NoOptions
from encord_convert.formats._files import Source, Target
from encord_convert.formats.coco.json_lines import append_file, written_lines, written_value
from encord_convert.formats.coco.ontology import SHAPES_BETWEEN
from encord_convert.formats.coco.write_images import frames_of, split_suffix
from encord_convert.geometry import masks, rle
from encord_convert.geometry.rings import signed_area
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.visibility import frame_size, is_degenerate_ring, ring_px, unit_of
from encord_convert.losses.geometry import is_self_occluded
from encord_convert.losses.narrow import Left, Narrowed
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    LabelRowV2,
    ObjectInstance,
    OntologyStructure,
    RadioAttribute,
    Shape,
)
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinates,
    Visibility,
)

TOLERANCE_PX = 1e-6
"""Pixels: the hub's numbers times the size of the image."""

CARRIES = Carries(
    shapes=frozenset(Shape) - {Shape.SKELETON},
    data_types=frozenset({DataType.IMAGE}),
    features=frozenset(
        {
            Feature.ROTATION, Feature.VISIBILITY, Feature.HIDDEN_POSITION, Feature.TRACKS, Feature.MANUAL,
            Feature.OUT_OF_BOUNDS, Feature.UNKNOWN_POINTS,
        }
    ),
    tolerance_px=TOLERANCE_PX,
    codes={
        Shape.SKELETON: "KEYPOINT_NAMES_DROPPED",
        Feature.HOLES: "HOLES_AS_RLE",
        Feature.PARTS: "PARTS_AS_RLE",
        Feature.ANSWERS: "ANSWERS_FLATTENED",
        Feature.DYNAMIC_ANSWERS: "ANSWERS_FLATTENED",
        (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK",
        (Feature.DEGENERATE, Shape.POLYGON): "INVALID_POLYGON",
    },
    approximates=frozenset({Shape.SKELETON}),
    alters=frozenset({Feature.ANSWERS, Feature.DYNAMIC_ANSWERS}),
)  # fmt: skip

NAME = "annotations.json"


class _Image(msgspec.Struct):
    """An entry of ``images``; the members are written in this order."""

    coco_url: str
    id: int
    image_title: str | UnsetType = UNSET
    video_title: str | UnsetType = UNSET
    file_name: str = ""
    height: int = 0
    width: int = 0


def identify(source: Source) -> Match:
    """Say no: the format ``coco`` reads these files."""
    return Match.NO


def write(narrowed: Narrowed, target: Target, options: NoOptions) -> None:
    """Write one file, a row at a time."""
    paths = [target.scratch("scratch").with_name(f"scratch-{block}") for block in ("images", "annotations")]
    title = None
    with paths[0].open("wb") as images, paths[1].open("wb") as annotations:
        rows = _Rows(narrowed.labels.ontology)
        for left in narrowed:
            title = left.row.data_title if title is None else title
            _append(images, *rows.images_of(left.row))
            _append(annotations, *rows.annotations_of(left))
    info = dict.fromkeys(("contributor", "date_created", "url", "version", "year"))
    with target.open(NAME) as stream:
        stream.write(b'{"info":' + written_value({"description": title or "", **info}))
        stream.write(b',"categories":[\n' + written_lines(rows.categories) + b"\n]")
        for name, path in zip(("images", "annotations"), paths, strict=True):
            stream.write(b',"%s":[\n' % name.encode())
            append_file(stream, path)
            stream.write(b"\n]")
        stream.write(b"}\n")


def _append(stream: BinaryIO, entries: Sequence[Any], before: int) -> None:
    if entries:
        stream.write((b",\n" if before else b"") + written_lines(entries))


class _Rows:
    """Makes the entries of one row after the other, with the numbers that go on through the file."""

    def __init__(self, structure: OntologyStructure) -> None:
        drawn = [one for one in structure.objects if one.shape in CARRIES.shapes | CARRIES.approximates]
        labels: dict[str, dict[Shape, None]] = {}
        for one in drawn:
            labels.setdefault(one.name, {})[one.shape] = None
        self.categories = [_category(number, *label) for number, label in enumerate(labels.items(), 1)]
        self._numbers = {name: number for number, name in enumerate(labels, 1)}
        self._mixed = {name for name, shapes in labels.items() if len(shapes) > 1}
        self._tracks: dict[str, int] = {}
        self._images: dict[int, _Image] = {}
        self._listed = 0
        self._written = 0

    def images_of(self, row: LabelRowV2) -> tuple[list[_Image], int]:
        """Return the images of a row, and how many there were before."""
        before = self._listed
        self._images = {frame: _image(row, frame, number) for number, frame in enumerate(_frames(row), before)}
        self._listed += len(self._images)
        return list(self._images.values()), before

    def annotations_of(self, left: Left) -> tuple[list[dict[str, Any]], int]:
        """Return the annotations of a row whose images are known, and how many there were before."""
        before = self._written
        placed = sorted(left.on_frames().items())
        return [self._entry(instance, frame) for frame, instances in placed for instance in instances], before

    def _entry(self, instance: ObjectInstance, frame: int) -> dict[str, Any]:
        item, data, image = instance.ontology_item, instance._frames[frame], self._images[frame]
        coordinates = data.coordinates
        members = shape_members(coordinates, (image.width, image.height))
        hash_ = instance.object_hash
        attributes: dict[str, Any] = {
            "track_id": self._tracks.setdefault(hash_, len(self._tracks)),
            "encord_track_uuid": hash_,
        }
        if isinstance(coordinates, RotatableBoundingBoxCoordinates):
            attributes["rotation"] = coordinates.theta
        if item.name in self._mixed:
            attributes["encord_shape"] = item.shape.value
        attributes["classifications"] = _classifications(instance, frame)
        attributes["manual_annotation"] = data.object_frame_instance_info.manual_annotation
        entry = {
            "area": members["area"],
            "bbox": members["bbox"],
            "category_id": self._numbers[item.name],
            "image_id": image.id,
            **members,
            "id": self._written,
            "attributes": attributes,
        }
        self._written += 1
        return entry


def _category(number: int, name: str, shapes: Iterable[Shape]) -> dict[str, Any]:
    supercategory = SHAPES_BETWEEN.join(shape.value for shape in shapes)
    members: dict[str, Any] = {"supercategory": supercategory, "id": number, "name": name}
    if Shape.POINT in shapes:
        members.update(keypoints="keypoint", skeleton=[])
    return members


def _frames(row: LabelRowV2) -> list[int]:
    """Return the frames that are listed: all of images, groups and series, of other media those with labels."""
    labelled = {frame for one in (*row._objects.values(), *row._classifications.values()) for frame in one._frames}
    everything = row.data_type in (DataType.IMG_GROUP, DataType.DICOM)
    if not everything and row.data_type is not DataType.IMAGE:
        return sorted(labelled)
    return frames_of(row, labelled, everything=everything)


def _image(row: LabelRowV2, frame: int, number: int) -> _Image:
    unit = unit_of(row, frame)
    width, height = frame_size(row, frame)
    image = _Image(unit.data_link or "", number, height=height, width=width)
    if row.data_type in (DataType.IMAGE, DataType.IMG_GROUP):
        image.image_title = unit.data_title
        image.file_name = f"images/{unit.data_hash}{split_suffix(unit.data_title)[1]}"
    elif row.data_type is DataType.VIDEO:
        image.video_title = unit.data_title
        image.file_name = f"videos/{unit.data_hash}/{frame}.jpg"
    else:
        image.file_name = f"{row.data_type.value}/{unit.data_hash}/{frame}"
        slice_ = row._slice(frame)
        if slice_ is not None:
            inner = slice_.multiframe_frame_number
            uid = slice_.dicom_instance_uid
            image.file_name = f"dicom/{unit.data_hash}/{uid}" + ("" if inner is None else f"/{inner}")
            image.coco_url = slice_.file_uri or ""
            image.width, image.height = slice_.width or width, slice_.height or height
    return image


def _classifications(instance: ObjectInstance, frame: int) -> dict[str, Any]:
    """Return the answers to the attributes of the first level, and what stands for those that have none."""
    answers = {
        attribute.feature_node_hash: value
        for attribute, value in (*instance._static_answers(), *instance._dynamic_answers_at(frame))
    }
    members: dict[str, Any] = {}
    for attribute in instance.ontology_item.attributes:
        answer = answers.get(attribute.feature_node_hash)
        if isinstance(attribute, ChecklistAttribute):
            chosen = _hashes(answer or ())
            members.update({option.label: option.feature_node_hash in chosen for option in attribute.options})
        elif isinstance(attribute, RadioAttribute):
            members[attribute.name] = None if answer is None else answer.label
        else:
            members[attribute.name] = answer
    return members


def _hashes(options: Iterable[Any]) -> set[str]:
    return {option.feature_node_hash for option in options}


FORMAT = Format(
    name="coco-encord",
    title="COCO as Encord's own exporter writes it",
    spec="https://docs.encord.com/sdk-documentation/exporting-labels/sdk-export-coco",
    suffixes=(".json",),
    identify=identify,
    exporter=Exporter.of_narrowed(write, NoOptions, CARRIES),
    read_by="coco",
)


# -- shapes -----------------------------------------------------------------------------------------------------------

Size = tuple[int, int]
"""Width and height in pixels."""


def shape_members(coordinates: Any, size: Size) -> dict[str, Any]:
    """Return area, bbox, iscrowd, segmentation, keypoints and num_keypoints of coordinates that are not degenerate."""
    c = coordinates
    if isinstance(c, (BoundingBoxCoordinates, RotatableBoundingBoxCoordinates)):
        x, y, w, h = c.top_left_x * size[0], c.top_left_y * size[1], c.width * size[0], c.height * size[1]
        return _members(w * h, [x, y, w, h], [[x, y, x + w, y, x + w, y + h, x, y + h]])
    if isinstance(c, PolygonCoordinates):
        return _polygon(c, size)
    if isinstance(c, PolylineCoordinates):
        there = ring_px(c._flat, *size)
        back = [number for index in range(len(there) - 2, -1, -2) for number in there[index : index + 2]]
        return _members(0.0, _bounds(there), [there + back])
    if isinstance(c, PointCoordinate):
        x, y = c.x * size[0], c.y * size[1]
        return _members(0.0, [x, y, 0.0, 0.0], [[x, y]], [x, y, 2.0])
    if isinstance(c, SkeletonCoordinates):
        return _skeleton(c, size)
    return _bitmask(c, size)


def _members(
    area: float, bbox: list[float], segmentation: Any, keypoints: list[float] | None = None, is_crowd: bool = False
) -> dict[str, Any]:
    return {
        "area": area,
        "bbox": bbox,
        "iscrowd": int(is_crowd),
        "segmentation": segmentation,
        "keypoints": keypoints,
        "num_keypoints": None if keypoints is None else len(keypoints) // 3,
    }


def _polygon(polygon: PolygonCoordinates, size: Size) -> dict[str, Any]:
    parts = [[ring_px(ring, *size) for ring in rings] for rings in polygon.polygons if rings]
    if len(parts) > 1 or len(parts[0]) > 1:
        columns = _painted(parts, size)
        if columns is not None:
            return _mask(columns, size)
    outer = [rings[0] for rings in parts if not is_degenerate_ring(rings[0], TOLERANCE_PX)]
    area = sum(abs(signed_area(ring)) for ring in outer)
    return _members(area, _bounds([number for ring in outer for number in ring]), outer)


def _painted(parts: list[list[list[float]]], size: Size) -> rle.Runs | None:
    """Return column runs of parts with their holes cut out; None if there are too many pixels, or none is covered."""
    width, height = size
    drawn = [[ring for ring in rings if not is_degenerate_ring(ring, TOLERANCE_PX)] for rings in parts]
    try:
        runs = [masks.column_runs_from_rings(rings, height, width) for rings in drawn]
        columns = rle.union_of_runs(runs, width * height)
    except ValueError:
        return None
    return columns if len(columns) > 1 else None


def _skeleton(skeleton: SkeletonCoordinates, size: Size) -> dict[str, Any]:
    keypoints: list[float] = []
    for point in skeleton.values:
        x, y = point.x * size[0], point.y * size[1]
        if point.visibility is Visibility.INVISIBLE:
            flag = 0.0
        else:
            flag = 1.0 if point.visibility is Visibility.OCCLUDED or is_self_occluded(point) else 2.0
        keypoints += (x, y, flag) if math.isfinite(x + y) else (0.0, 0.0, flag)
    places = [number for index, number in enumerate(keypoints) if index % 3 < 2]
    return _members(0.0, _bounds(places), [], keypoints)


def _bitmask(bitmask: Any, size: Size) -> dict[str, Any]:
    """A mask that reaches beyond the right or lower border has a larger ``size``; above and left of 0 is no place."""
    runs, left, top, width, height = bitmask._box_runs()
    canvas = max(size[0], left + width), max(size[1], top + height)
    runs, left, top, width, height, _ = rle.clipped_box_runs(runs, left, top, width, height, *canvas)
    return _mask(rle.column_frame_runs_from_box_runs(runs, left, top, width, height, *canvas), canvas)


def _mask(columns: rle.Runs, size: Size) -> dict[str, Any]:
    width, height = size
    top, left, box_height, box_width = rle.box_from_runs(columns, width, height)
    counts = {"size": [height, width], "counts": rle.string_from_runs(columns)}
    bbox = [float(side) for side in (left, top, box_width, box_height)]
    return _members(float(rle.area_from_runs(columns)), bbox, counts, is_crowd=True)


def _bounds(flat: list[float]) -> list[float]:
    points = np.array(flat).reshape(-1, 2)
    low, high = points.min(axis=0), points.max(axis=0)
    bounds: list[float] = [*low.tolist(), *(high - low).tolist()]
    return bounds
