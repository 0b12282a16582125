"""A small data set with everything training code meets, and its images."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from encord_convert._samples import box, ring
from encord_convert.hub.draft import Draft
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Object, ObjectInstance, Shape
from encord_convert.sdk.objects._skeleton_template import SkeletonNode, SkeletonTemplate
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.coordinates import (
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
    Visibility,
)

WIDTH, HEIGHT = 64, 48

DISC = np.hypot(*(np.indices((HEIGHT, WIDTH)) - np.array([20, 30])[:, None, None])) < 9.5
RING = DISC & ~(np.hypot(*(np.indices((HEIGHT, WIDTH)) - np.array([20, 30])[:, None, None])) < 4.5)

POINTS = ("nose", "left eye", "right eye")


class Road:
    """Five images, one of them without labels, and a video of three frames, two of them with labels."""

    def __init__(self) -> None:
        self.draft = Draft("road")
        self.rows: list[LabelRowV2] = []

    def row(self, title: str, data_type: DataType = DataType.IMAGE, frames: int = 1, **metadata: str) -> LabelRowV2:
        unit = self.draft.unit(title, WIDTH, HEIGHT, (title,))
        row = self.draft.row(data_type, title, [unit], frames=frames, key=(title,), client_metadata=metadata or None)
        self.rows.append(row)
        return row

    def place(self, class_: Object, coordinates: object, frames: object = 0) -> None:
        row = self.rows[-1]
        hash_ = self.draft.hashes.short(row.data_title, len(row.get_object_instances()))
        instance = ObjectInstance(class_, object_hash=hash_)
        instance.set_for_frames(coordinates, frames)  # type: ignore[arg-type]
        row.add_object_instance(instance)


def road() -> LabelSet:
    r = Road()
    car = r.draft.add_object("car", Shape.BOUNDING_BOX)
    ship = r.draft.add_object("ship", Shape.ROTATABLE_BOUNDING_BOX)
    leaf = r.draft.add_object("leaf", Shape.POLYGON)
    spill = r.draft.add_object("spill", Shape.BITMASK)
    face = r.draft.add_object("face", Shape.SKELETON)
    lane = r.draft.add_object("lane", Shape.POLYLINE)
    hashes = [r.draft.hashes.short("face", name) for name in POINTS]
    nodes = [SkeletonNode(0, 0, name, None, hash_) for name, hash_ in zip(POINTS, hashes, strict=True)]
    edges = [(0, 1, None), (0, 2, None)]
    r.draft.ontology.skeleton_templates.append(SkeletonTemplate("face", 1.0, 1.0, nodes, edges, "template"))  # type: ignore[arg-type]

    r.row("cam 1/a.png")
    r.place(car, box())
    r.place(car, box())  # the same again: two cars where one was seen twice
    r.place(car, box(0.9, 0.9, 0.3, 0.3))
    r.place(lane, PolylineCoordinates(ring((0.1, 0.1), (0.6, 0.15))))
    r.row("cam 1/b.png")
    r.place(leaf, PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.7))))
    parts = [[[0.125, 0.125, 0.375, 0.125, 0.375, 0.375, 0.125, 0.375]], [[0.625, 0.625, 0.875, 0.625, 0.875, 0.875]]]
    r.place(leaf, PolygonCoordinates._from_rings(parts))
    outer, hole = (
        [0.125, 0.125, 0.875, 0.125, 0.875, 0.875, 0.125, 0.875],
        [0.25, 0.25, 0.25, 0.75, 0.5, 0.75, 0.5, 0.25],
    )
    r.place(leaf, PolygonCoordinates._from_rings([[outer, hole]]))
    r.row("cam 2/a.png")
    r.place(spill, BitmaskCoordinates(DISC))
    r.place(spill, BitmaskCoordinates(RING))
    r.place(ship, RotatableBoundingBoxCoordinates(height=0.25, width=0.5, top_left_x=0.25, top_left_y=0.25, theta=30.0))
    r.row("cam 2/face.png")
    seen = (Visibility.VISIBLE, Visibility.OCCLUDED, Visibility.INVISIBLE)
    places = ((0.5, 0.5), (0.25, 0.25), (0.0, 0.0))
    values = [
        SkeletonCoordinate(x, y, name, "#00ff00", hash_, name, visibility)
        for (x, y), name, hash_, visibility in zip(places, POINTS, hashes, seen, strict=True)
    ]
    r.place(face, SkeletonCoordinates(values))
    r.row("cam 2/nothing.png")
    r.row("drive.mp4", DataType.VIDEO, frames=3)
    r.place(car, box(0.25, 0.25, 0.25, 0.25), [0, 2])
    return LabelSet(r.draft.ontology, r.rows, title="road")


NAMES = ("cam 1/a.png", "cam 1/b.png", "cam 2/a.png", "cam 2/face.png", "cam 2/nothing.png",
         "drive/000000.png", "drive/000002.png")  # fmt: skip


def png(number: int = 0, size: tuple[int, int] = (WIDTH, HEIGHT)) -> bytes:
    stream = io.BytesIO()
    Image.new("RGB", size, (number, 0, 0)).save(stream, "PNG")
    return stream.getvalue()


def images(folder: Path) -> Path:
    """Write the images of :func:`road` below a folder, each another."""
    for number, name in enumerate(NAMES):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(number))
    return folder
