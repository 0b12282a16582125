"""Small label sets, at least one for each feature a label can have. Every format is held to the laws on each."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np

from encord_convert.hub.draft import Draft, frame_info
from encord_convert.hub.labelset import LabelSet
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import (
    ChecklistAttribute,
    ClassificationInstance,
    LabelRowV2,
    Object,
    ObjectInstance,
    RadioAttribute,
    Shape,
    TextAttribute,
)
from encord_convert.sdk.objects._newer_coordinates import _cuboid_of_faces
from encord_convert.sdk.objects._skeleton_template import SkeletonNode, SkeletonTemplate
from encord_convert.sdk.objects.attributes import NumericAttribute
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.sdk.objects.common import NewerShape
from encord_convert.sdk.objects.coordinates import (
    BoundingBoxCoordinates,
    CircleCoordinates,
    Cuboid2DIsometricCoordinates,
    Cuboid2DPerspectiveCoordinates,
    EllipseCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
    Visibility,
    _RawCoordinates,
)
from encord_convert.sdk.objects.frames import Range

WIDTH, HEIGHT = 40, 30


class Sample:
    """A draft with one image or video at hand."""

    def __init__(self, data_type: DataType = DataType.IMAGE, frames: int = 1, title: str = "cam/1.png") -> None:
        self.draft = Draft("sample")
        self.rows: list[LabelRowV2] = []
        self.add_row(data_type, frames, title)

    def add_row(self, data_type: DataType, frames: int, title: str) -> None:
        count = frames if data_type is DataType.IMG_GROUP else 1
        names = [f"{title}/{index}.png" for index in range(count)] if count > 1 else [title]
        units = [
            self.draft.unit(name, WIDTH, HEIGHT, (title, index), sequence=index) for index, name in enumerate(names)
        ]
        row = self.draft.row(data_type, title, units, frames=frames, key=(title,), dataset="samples")
        self.rows.append(row)

    def place(self, class_: Object, coordinates: object, frames: object = 0, **info: object) -> ObjectInstance:
        row = self.rows[-1]
        index = len(row.get_object_instances())
        instance = ObjectInstance(class_, object_hash=self.draft.hashes.short(row.data_title, index))
        instance.set_for_frames(coordinates, frames, created_at=datetime(1970, 1, 1, tzinfo=UTC),  # type: ignore[arg-type]
                                last_edited_at=datetime(1970, 1, 1, tzinfo=UTC), **info)  # type: ignore[arg-type]  # fmt: skip
        row.add_object_instance(instance)
        return instance

    def done(self) -> LabelSet:
        return LabelSet(self.draft.ontology, self.rows, title="samples")


def box(x: float = 0.1, y: float = 0.2, w: float = 0.25, h: float = 0.5) -> BoundingBoxCoordinates:
    return BoundingBoxCoordinates(height=h, width=w, top_left_x=x, top_left_y=y)


def ring(*points: tuple[float, float]) -> list[PointCoordinate]:
    return [PointCoordinate(x, y) for x, y in points]


def mask_of(*rows: str) -> BitmaskCoordinates:
    pixels = np.zeros((HEIGHT, WIDTH), bool)
    for y, row in enumerate(rows):
        pixels[y + 3, 5 : 5 + len(row)] = [c == "1" for c in row]
    return BitmaskCoordinates(pixels)


def boxes() -> LabelSet:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX, color="#102030")
    s.place(car, box())
    s.place(car, box(0.5, 0.5, 0.5, 0.5))
    return s.done()


def rotated_boxes() -> LabelSet:
    s = Sample()
    ship = s.draft.add_object("ship", Shape.ROTATABLE_BOUNDING_BOX)
    s.place(ship, RotatableBoundingBoxCoordinates(height=0.2, width=0.4, top_left_x=0.3, top_left_y=0.4, theta=30.0))
    s.place(ship, RotatableBoundingBoxCoordinates(height=0.2, width=0.4, top_left_x=0.3, top_left_y=0.4, theta=0.0))
    return s.done()


def polygons() -> LabelSet:
    s = Sample()
    leaf = s.draft.add_object("leaf", Shape.POLYGON)
    s.place(leaf, PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.7))))
    return s.done()


def polygon_parts() -> LabelSet:
    s = Sample()
    leaf = s.draft.add_object("leaf", Shape.POLYGON)
    s.place(leaf, PolygonCoordinates._from_rings([[[0.1, 0.1, 0.3, 0.1, 0.3, 0.3]], [[0.6, 0.6, 0.9, 0.6, 0.9, 0.9]]]))
    return s.done()


def polygon_with_hole() -> LabelSet:
    s = Sample()
    leaf = s.draft.add_object("leaf", Shape.POLYGON)
    outer, hole = [0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9], [0.4, 0.4, 0.4, 0.6, 0.6, 0.6, 0.6, 0.4]
    s.place(leaf, PolygonCoordinates._from_rings([[outer, hole]]))
    return s.done()


def polylines_beside_boxes() -> LabelSet:
    s = Sample()
    lane = s.draft.add_object("lane", Shape.POLYLINE)
    s.place(lane, PolylineCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.7))))
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    return s.done()


def points() -> LabelSet:
    s = Sample()
    s.place(s.draft.add_object("rivet", Shape.POINT), PointCoordinate(0.25, 0.5))
    return s.done()


def skeletons(third: Visibility = Visibility.INVISIBLE, position: tuple[float, float] = (0.0, 0.0)) -> LabelSet:
    s = Sample()
    hand = s.draft.add_object("hand", Shape.SKELETON)
    names = ("wrist", "thumb", "tip")
    hashes = [s.draft.hashes.short("hand", name) for name in names]
    s.draft.ontology.skeleton_templates.append(
        SkeletonTemplate(
            name="hand",
            width=1.0,
            height=1.0,
            skeleton=[
                SkeletonNode(x, y, name, "#00ff00", hash_, name)
                for (x, y), name, hash_ in zip(((0, 0), (0.5, 0.5), (1, 1)), names, hashes, strict=True)
            ],
            edges=[(0, 1, "#00ff00"), (1, 2, "#00ff00")],
            feature_node_hash=s.draft.hashes.short("template", "hand"),
        )
    )
    values = [
        SkeletonCoordinate(0.2, 0.3, "wrist", "#00ff00", hashes[0], "wrist", Visibility.VISIBLE),
        SkeletonCoordinate(0.4, 0.3, "thumb", "#00ff00", hashes[1], "thumb", Visibility.OCCLUDED),
        SkeletonCoordinate(*position, "tip", "#00ff00", hashes[2], "tip", third),
    ]
    s.place(hand, SkeletonCoordinates(values))
    return s.done()


def skeleton_with_hidden_position() -> LabelSet:
    return skeletons(position=(0.6, 0.6))


def bitmasks() -> LabelSet:
    s = Sample()
    spill = s.draft.add_object("spill", Shape.BITMASK)
    s.place(spill, mask_of("0110", "0101", "0111"))
    return s.done()


def answers() -> LabelSet:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    colour = car.add_attribute(RadioAttribute, "colour", feature_node_hash="colour00")
    red = colour.add_option("red", feature_node_hash="red00000")
    shade = red.add_nested_attribute(TextAttribute, "shade", feature_node_hash="shade000")
    damage = car.add_attribute(ChecklistAttribute, "damage", feature_node_hash="damage00")
    dent = damage.add_option("dent", feature_node_hash="dent0000")
    damage.add_option("scratch", feature_node_hash="scratch0")
    lit = car.add_attribute(ChecklistAttribute, "lit", feature_node_hash="lit00000")
    on = lit.add_option("lit", feature_node_hash="lit10000")
    instance = s.place(car, box())
    instance.set_answer(red, colour)
    instance.set_answer("dark “red”\nline 2", shade)
    instance.set_answer([dent], damage)
    instance.set_answer([on], lit)
    other = s.place(car, box(0.4))
    other.set_answer([], lit)
    return s.done()


def tracks() -> LabelSet:
    s = Sample(DataType.VIDEO, frames=6, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    speed = car.add_attribute(TextAttribute, "speed", feature_node_hash="speed000", dynamic=True)
    instance = s.place(car, box(), [Range(0, 1), Range(3, 4)])
    instance.set_answer("slow", speed, Range(0, 1))
    instance.set_answer("fast", speed, Range(3, 4))
    s.place(car, box(0.5), 3)
    return s.done()


def image_group() -> LabelSet:
    s = Sample(DataType.IMG_GROUP, frames=3, title="group")
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box(), [0, 2])
    return s.done()


def dicom_series() -> LabelSet:
    s = Sample(DataType.DICOM, frames=3, title="series")
    lesion = s.draft.add_object("lesion", Shape.POLYGON)
    s.place(lesion, PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.7))), [0, 1])
    return s.done()


def dicom_metadata() -> LabelSet:
    """A series whose frames are known, two of them from one file, and one beyond the number of frames."""
    labels = dicom_series()
    members = next(iter(labels)).to_encord_dict()
    (unit,) = members["data_units"].values()
    unit["metadata"] = {"patient_id": None, "study_uid": "2.25.7", "series_uid": "2.25.8"}
    for frame, number in enumerate((None, 1, 2, None)):
        unit["labels"].setdefault(str(frame), {"objects": [], "classifications": []})["metadata"] = {
            "dicom_instance_uid": f"2.25.{10 + frame - (number == 2)}",
            "multiframe_frame_number": number,
            "file_uri": f"bucket/{frame}.dcm",
            "width": WIDTH,
            "height": HEIGHT + frame,
        }
    del unit["labels"]["1"]["objects"][:]
    members["number_of_frames"] = 3
    return LabelSet(labels.ontology, [LabelRowV2._from_dict(members, labels.ontology)], title="samples")


def slices_of_two_sizes() -> LabelSet:
    """A series of which one slice is larger than the others; labels on both kinds, some at its far edge."""
    s = Sample(DataType.DICOM, frames=3, title="series")
    lesion, spot = s.draft.add_object("lesion", Shape.POLYGON), s.draft.add_object("spot", Shape.BOUNDING_BOX)
    tip = s.draft.add_object("tip", Shape.POINT)
    s.place(lesion, PolygonCoordinates(ring((0.1, 0.1), (0.6, 0.15), (0.4, 0.7))), [0, 1])
    s.place(spot, box(0.75, 0.75, 0.25, 0.25), [0, 1])
    s.place(tip, PointCoordinate(0.5, 0.5), 1)
    members = s.rows[0].to_encord_dict()
    (unit,) = members["data_units"].values()
    unit["metadata"] = {"patient_id": None, "study_uid": "2.25.7", "series_uid": "2.25.8"}
    for frame in range(3):
        factor = 2 if frame == 1 else 1
        unit["labels"].setdefault(str(frame), {"objects": [], "classifications": []})["metadata"] = {
            "dicom_instance_uid": f"2.25.{10 + frame}",
            "multiframe_frame_number": None,
            "file_uri": f"bucket/{frame}.dcm",
            "width": factor * WIDTH,
            "height": factor * HEIGHT,
        }
    structure = s.draft.ontology
    return LabelSet(structure, [LabelRowV2._from_dict(members, structure)], title="samples")


def newer_shapes() -> LabelSet:
    """What only newer servers draw: ellipses, circles, cuboids of each kind; and a number for an answer."""
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    doors = car.add_attribute(NumericAttribute, "doors", feature_node_hash="doors000")
    s.place(car, box())._answer(doors, 4.5)
    pond, coin, prism = (
        s.draft.add_object(name, shape)  # type: ignore[arg-type]
        for name, shape in (
            ("pond", NewerShape.ELLIPSE), ("coin", NewerShape.CIRCLE), ("prism", NewerShape.CUBOID_2D),
        )
    )  # fmt: skip
    frozen = pond.add_attribute(RadioAttribute, "frozen", feature_node_hash="frozen00")
    yes = frozen.add_option("yes", feature_node_hash="frozen01")
    s.place(pond, EllipseCoordinates(0.5, 0.4, 0.2, 0.3, 30.0)).set_answer(yes, frozen)
    s.place(pond, EllipseCoordinates(0.9, 0.4, 0.3, 0.1))
    s.place(coin, CircleCoordinates(0.5, 0.4, 0.1))
    s.place(coin, CircleCoordinates(0.4, 0.4, 0.1, 1.5, 300.0))
    front, offset = ring((0.1, 0.1), (0.4, 0.1), (0.4, 0.5), (0.1, 0.5)), PointCoordinate(0.1, -0.05)
    s.place(prism, Cuboid2DIsometricCoordinates(front, offset))
    s.place(prism, Cuboid2DPerspectiveCoordinates(front, PointCoordinate(0.9, 0.2), 0.75))
    s.place(prism, _cuboid_of_faces([0.1, 0.1, 0.4, 0.1, 0.4, 0.5, 0.1, 0.5], [0.2, 0.2, 0.5, 0.2, 0.5, 0.5, 0.2, 0.6]))
    s.place(prism, Cuboid2DIsometricCoordinates(front[:3], offset))
    return s.done()


def newer_tracks() -> LabelSet:
    """The same over the frames of a video, with numbers that change."""
    s = Sample(DataType.VIDEO, frames=6, title="road.mp4")
    pond = s.draft.add_object("pond", NewerShape.ELLIPSE)  # type: ignore[arg-type]
    prism = s.draft.add_object("pond", NewerShape.CUBOID_2D)  # type: ignore[arg-type]
    depth = pond.add_attribute(NumericAttribute, "depth", feature_node_hash="depth000", dynamic=True)
    instance = s.place(pond, EllipseCoordinates(0.5, 0.4, 0.2, 0.3, 30.0), [Range(0, 1), Range(3, 4)])
    instance.set_for_frames(EllipseCoordinates(0.4, 0.4, 0.2, 0.3, 40.0), 4, overwrite=True,  # type: ignore[arg-type]
                            created_at=datetime(1970, 1, 1, tzinfo=UTC),
                            last_edited_at=datetime(1970, 1, 1, tzinfo=UTC))  # fmt: skip
    instance.set_answer(2, depth, Range(0, 1))  # type: ignore[arg-type]
    instance.set_answer(2.5, depth, Range(3, 4))  # type: ignore[arg-type]
    front = ring((0.1, 0.1), (0.4, 0.1), (0.4, 0.5), (0.1, 0.5))
    s.place(prism, Cuboid2DIsometricCoordinates(front, PointCoordinate(0.1, -0.05)), Range(2, 5))
    return s.done()


def solids() -> LabelSet:
    """A box in space, and an ellipse that lacks a number: both are carried as they came."""
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    crate = s.draft.add_object("crate", NewerShape.CUBOID)  # type: ignore[arg-type]
    s.place(crate, _RawCoordinates("cuboid", {"position": [1, 2, 3], "orientation": [0, 0, 0.5], "size": [4, 5, 6]}))
    pond = s.draft.add_object("pond", NewerShape.ELLIPSE)  # type: ignore[arg-type]
    s.place(pond, _RawCoordinates("ellipse", {"x": 0.5, "rx": 0.1}))
    s.place(pond, EllipseCoordinates(0.5, 0.5, 0.1, 0.1))
    return s.done()


def classifications() -> LabelSet:
    s = Sample()
    classification = s.draft.add_classification("weather")
    weather = classification.add_attribute(RadioAttribute, "weather", feature_node_hash="weather0")
    rain = weather.add_option("rain", feature_node_hash="rain0000")
    rain.add_nested_attribute(TextAttribute, "how much", feature_node_hash="howmuch0")
    instance = ClassificationInstance(classification, classification_hash="class000")
    instance._place(0, s.draft.info)  # type: ignore[arg-type]
    instance.set_answer(rain, weather)
    s.rows[-1].add_classification_instance(instance)
    return s.done()


def provenance() -> LabelSet:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    s.place(car, box(), created_by="ann@example.org")
    s.place(car, box(0.2), confidence=0.5, manual_annotation=False)
    dated = s.place(car, box(0.3))
    dated.get_annotation(0).created_at = datetime(2024, 5, 6, 7, 8, 9, tzinfo=UTC)
    s.place(car, box(0.4), reviews=[{"approved": True}])
    return s.done()


def out_of_bounds() -> LabelSet:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    leaf = s.draft.add_object("leaf", Shape.POLYGON)
    s.place(car, box(-0.1, 0.2, 0.5, 0.5))
    s.place(car, box(1.5, 0.2, 0.2, 0.5))
    s.place(leaf, PolygonCoordinates(ring((0.5, 0.1), (1.2, 0.2), (0.7, 0.6))))
    s.place(leaf, PolygonCoordinates(ring((-0.5, 0.1), (-0.2, 0.2), (-0.3, 0.6))))
    s.place(car, box())
    return s.done()


def degenerate() -> LabelSet:
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box(0.1, 0.1, 0.0, 0.5))
    s.place(s.draft.add_object("leaf", Shape.POLYGON), PolygonCoordinates(ring((0.1, 0.1), (0.2, 0.2))))
    s.place(s.draft.add_object("spill", Shape.BITMASK), BitmaskCoordinates(np.zeros((HEIGHT, WIDTH), bool)))
    s.place(s.draft.ontology.objects[0], box())
    return s.done()


def empty_rows() -> LabelSet:
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    s.add_row(DataType.IMAGE, 1, "cam/2.png")
    return s.done()


def unplaced() -> LabelSet:
    s = Sample(DataType.VIDEO, frames=3, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    s.place(car, box())
    s.place(car, box(), 1).remove_from_frames(1)
    return s.done()


def answers_off_frames() -> LabelSet:
    s = Sample(DataType.VIDEO, frames=9, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    lane = s.draft.add_object("lane", Shape.POLYLINE)
    for class_, coordinates in ((car, box()), (lane, PolylineCoordinates(ring((0.1, 0.1), (0.6, 0.7))))):
        speed = class_.add_attribute(TextAttribute, "speed", feature_node_hash=f"speed{class_.name}", dynamic=True)
        instance = s.place(class_, coordinates, Range(0, 2))
        instance.set_answer("slow", speed, Range(1, 4))
        instance.set_answer("fast", speed, Range(6, 7))
    return s.done()


def equal_titles() -> LabelSet:
    s = Sample()
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    s.rows.append(
        s.draft.row(DataType.IMAGE, "cam/1.png", [s.draft.unit("cam/1.png", 20, 20, ("b",))], frames=1, key=("b",))
    )
    return s.done()


def nothing() -> LabelSet:
    return LabelSet(Draft("sample").ontology)


def self_occluded_skeleton() -> LabelSet:
    labels = skeletons(third=Visibility.VISIBLE, position=(0.5, 0.5))
    members = labels.held()._rows[0].to_encord_dict()  # type: ignore[index]
    unit = next(iter(members["data_units"].values()))
    unit["labels"]["objects"][0]["skeleton"]["2"]["visibility"] = "selfOccluded"
    return LabelSet(labels.ontology, [LabelRowV2._from_dict(members, labels.ontology)], title="samples")


def unsaid_visibility() -> LabelSet:
    labels = skeletons()
    instance = next(iter(labels)).get_object_instances()[0]
    wrist, *others = instance.get_annotation(0).coordinates.values  # type: ignore[union-attr]
    unsaid = SkeletonCoordinate(0.2, 0.3, "wrist", "#00ff00", wrist.feature_hash, "wrist")  # type: ignore[union-attr]
    instance.set_for_frames(SkeletonCoordinates([unsaid, *others]), 0, overwrite=True)
    return labels


def unknown_points(with_template: bool = True) -> LabelSet:
    """A skeleton with a point more than its template, or than the first one drawn."""
    labels = skeletons()
    if not with_template:
        labels.ontology.skeleton_templates.clear()
    row = next(iter(labels))
    [first] = row.get_object_instances()
    extra = SkeletonCoordinate(0.5, 0.5, "ring", "#00ff00", "ring0000", "ring", Visibility.VISIBLE)
    second = ObjectInstance(first.ontology_item, object_hash="second00")
    points = first.get_annotation(0).coordinates.values  # type: ignore[union-attr]
    second.set_for_frames(SkeletonCoordinates([*points, extra]), 0, created_at=datetime(1970, 1, 1, tzinfo=UTC),
                          last_edited_at=datetime(1970, 1, 1, tzinfo=UTC))  # fmt: skip
    row.add_object_instance(second)
    return labels


def unknown_points_without_template() -> LabelSet:
    return unknown_points(with_template=False)


def points_in_space() -> LabelSet:
    labels = points()
    members = labels.held()._rows[0].to_encord_dict()  # type: ignore[index]
    next(iter(members["data_units"].values()))["labels"]["objects"][0]["point"]["0"]["z"] = 0.75
    return LabelSet(labels.ontology, [LabelRowV2._from_dict(members, labels.ontology)], title="samples")


def control_characters() -> LabelSet:
    s = Sample(DataType.VIDEO, frames=4, title="road.mp4")
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    plate = car.add_attribute(TextAttribute, "plate", feature_node_hash="plate000")
    mood = car.add_attribute(TextAttribute, "mood", feature_node_hash="mood0000", dynamic=True)
    instance = s.place(car, box(), Range(0, 3))
    instance.set_answer("a\x0bb", plate)
    instance.set_answer("\x01", mood, Range(0, 1))
    instance.set_answer("good", mood, Range(2, 3))
    for _ in range(2):
        s.place(car, box(0.3), 1).set_answer("\x02", plate)
    weather = s.draft.add_classification("weather")
    weather.add_attribute(TextAttribute, "weather", feature_node_hash="weather0")
    classification = ClassificationInstance(weather, classification_hash="class000")
    classification._place(0, s.draft.info)  # type: ignore[arg-type]
    classification.set_answer("rain\x0c")
    s.rows[-1].add_classification_instance(classification)
    return s.done()


def control_characters_in_names() -> LabelSet:
    s = Sample(title="cam/1\x0b.png")
    car = s.draft.add_object("car\x02", Shape.BOUNDING_BOX)
    plate = car.add_attribute(TextAttribute, "plate\x03", feature_node_hash="plate000")
    make = car.add_attribute(RadioAttribute, "make", feature_node_hash="make0000")
    option = make.add_option("ot\x04her", feature_node_hash="other000")
    instance = s.place(car, box())
    instance.set_answer("a", plate)
    instance.set_answer(option, make)
    s.add_row(DataType.VIDEO, 2, "road\x05.mp4")
    s.place(car, box())
    return s.done()


SAMPLES: dict[str, Callable[[], LabelSet]] = {
    function.__name__: function
    for function in (
        answers, answers_off_frames, bitmasks, boxes, classifications, control_characters, control_characters_in_names,
        degenerate, dicom_metadata, dicom_series, empty_rows, equal_titles, image_group, newer_shapes, newer_tracks,
        nothing, out_of_bounds, points, points_in_space, polygon_parts, polygon_with_hole, polygons,
        polylines_beside_boxes, provenance, rotated_boxes, self_occluded_skeleton, skeleton_with_hidden_position,
        skeletons, slices_of_two_sizes, solids, tracks, unknown_points, unknown_points_without_template, unplaced,
        unsaid_visibility,
    )
}  # fmt: skip
"""Every sample by its name. To add one, add it here: the laws find it."""

__all__ = ["SAMPLES", "frame_info"]
