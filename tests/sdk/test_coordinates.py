"""Coordinates are frozen dataclasses to whoever looks, and JSON both ways."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from typing import Any

import numpy as np
import pytest
from hub_samples import both_forms, listing, object_entry, ontology, row_json, unit

from encord_convert.sdk.objects import LabelRowV2, Shape
from encord_convert.sdk.objects.coordinates import (
    ACCEPTABLE_COORDINATES_FOR_ONTOLOGY_ITEMS,
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
    SkeletonCoordinate,
    SkeletonCoordinates,
    Visibility,
)

SAMPLES: list[Any] = [
    BoundingBoxCoordinates(0.1, 0.2, 0.3, 0.4),
    RotatableBoundingBoxCoordinates(0.1, 0.2, 0.3, 0.4, -400),
    PointCoordinate(0.1, 2),
    PolygonCoordinates([PointCoordinate(0.1, 0.2), PointCoordinate(0.3, 0.4)]),
    PolylineCoordinates([PointCoordinate(0.1, 0.2)]),
    SkeletonCoordinate(0.1, 0.2, "wrist", "#000000", visibility=Visibility.OCCLUDED),
    SkeletonCoordinates([SkeletonCoordinate(0.1, 0.2, "wrist", "#000000")]),
]


@pytest.mark.parametrize("one", SAMPLES, ids=lambda one: type(one).__name__)
def test_coordinates_are_frozen_dataclasses(one: Any) -> None:
    assert dataclasses.is_dataclass(one)
    names = [field.name for field in dataclasses.fields(one)]
    assert names == list(inspect.signature(type(one)).parameters)
    values = [getattr(one, name) for name in names]
    assert type(one)(*values) == one == type(one)(**dict(zip(names, values, strict=True)))
    assert repr(one) == f"{type(one).__name__}({', '.join(f'{n}={v!r}' for n, v in zip(names, values, strict=True))})"
    assert pickle.loads(pickle.dumps(one)) == copy.deepcopy(one) == copy.copy(one) == one
    assert type(one).__module__ == "encord_convert.sdk.objects.coordinates"
    for name in names:
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(one, name, None)
    with pytest.raises((AttributeError, TypeError)):
        one.surprise = 1


def test_coordinates_are_hashed_by_value_unless_they_hold_a_list() -> None:
    box = BoundingBoxCoordinates(0.1, 0.2, 0.3, 0.4)
    assert {box: 1}[BoundingBoxCoordinates(0.1, 0.2, 0.3, 0.4)] == 1
    assert box != RotatableBoundingBoxCoordinates(0.1, 0.2, 0.3, 0.4, 0)
    assert dataclasses.replace(box, width=9).width == 9
    for one in SAMPLES[3:5]:
        with pytest.raises(TypeError, match="unhashable"):
            hash(one)


@pytest.mark.parametrize("one", SAMPLES[:5], ids=lambda one: type(one).__name__)
def test_coordinates_are_read_as_they_are_written(one: Any) -> None:
    again = type(one).from_dict({one._key: one.to_dict()})
    assert again == one
    assert again.to_dict() == one.to_dict()


def test_vertices_are_read_in_the_order_of_their_numbers() -> None:
    points = {"10": {"x": 0.9, "y": 0.9}, "2": {"x": 0.2, "y": 0.2, "z": 1}, "0": {"x": 0, "y": 0}}
    polygon = PolygonCoordinates.from_dict({"polygon": points})
    assert polygon._flat == [0, 0, 0.2, 0.2, 0.9, 0.9]
    assert list(polygon.to_dict()) == ["0", "1", "2"]
    assert PolygonCoordinates.from_dict({"polygon": list(points.values())})._flat == [0.9, 0.9, 0.2, 0.2, 0, 0]
    assert PolygonCoordinates.from_dict({"polygon": {}}).to_dict() == {}
    with pytest.raises(TypeError):
        PolygonCoordinates.from_dict({"polygon": {"1": {"x": 0, "y": 0}, "01": {"x": 0, "y": 0}}})
    with pytest.raises(KeyError):
        PolylineCoordinates.from_dict({"polyline": {"0": {"x": 0}}})
    with pytest.raises(ValueError):
        PolygonCoordinates.from_dict({"polygon": {"first": {"x": 0, "y": 0}}})


@pytest.mark.parametrize("count", [0, 1, 3, 255, 256, 257, 1000])
def test_any_number_of_vertices_is_written_and_read(count: int) -> None:
    flat = [n / 7 for n in range(2 * count)]
    polygon = PolygonCoordinates._from_flat(flat)
    assert polygon._flat is flat
    assert [(one.x, one.y) for one in polygon.values] == list(zip(flat[::2], flat[1::2], strict=True))
    assert PolygonCoordinates.from_dict({"polygon": polygon.to_dict()}) == polygon


def test_vertices_may_stay_in_an_array() -> None:
    flat = np.array([0.25, 0.5, 0.75, 1.0])
    polyline = PolylineCoordinates._from_flat(flat)
    assert polyline._flat is flat
    written = polyline.to_dict()
    assert written == {"0": {"x": 0.25, "y": 0.5}, "1": {"x": 0.75, "y": 1.0}}
    assert type(written["0"]["x"]) is float
    assert polyline == PolylineCoordinates([PointCoordinate(0.25, 0.5), PointCoordinate(0.75, 1.0)])


def test_points_once_given_out_are_the_truth() -> None:
    polygon = PolygonCoordinates._from_flat([0.0, 0.0, 1.0, 1.0])
    polygon.values.append(PointCoordinate(0.5, 0.5))
    assert polygon._flat == [0.0, 0.0, 1.0, 1.0, 0.5, 0.5]
    assert len(polygon.to_dict()) == 3


def test_a_polygon_of_several_rings_keeps_them() -> None:
    outer, hole, other = [0.0, 0.0, 1.0, 0.0, 1.0, 1.0], [0.1, 0.1, 0.2, 0.1, 0.2, 0.2], [0.7, 0.7, 0.9, 0.7, 0.9, 0.9]
    polygon = PolygonCoordinates._from_rings([[outer, hole], [other]])
    assert polygon._flat == outer
    assert polygon.polygons == [[outer, hole], [other]]
    assert polygon != PolygonCoordinates._from_flat(outer)
    assert pickle.loads(pickle.dumps(polygon)) == polygon
    assert PolygonCoordinates._from_flat(outer).polygons == [[outer]]
    assert PolygonCoordinates._from_rings([[outer]]) == PolygonCoordinates._from_flat(outer)
    read = PolygonCoordinates.from_dict({"polygon": {}, "polygons": [[outer, hole], [other]]})
    assert read == polygon


def test_the_rings_of_a_polygon_are_written_beside_its_first() -> None:
    structure = ontology("ontologies/all-shapes.json")
    rings = [[[0.0, 0.0, 1.0, 0.0, 1.0, 1.0], [0.1, 0.1, 0.2, 0.1, 0.2, 0.2]]]
    entry = object_entry("P1", "aa000002", name="Leaf", value="leaf", shape="polygon", color="#E27300")
    del entry["boundingBox"]
    first = PolygonCoordinates._from_flat(rings[0][0]).to_dict()
    labels = {"objects": [entry | {"polygon": first, "polygons": rings}], "classifications": []}
    d = row_json("image", [unit("img", 0, labels, "image/png")])
    d["object_answers"] = {"P1": {"classifications": [], "objectHash": "P1"}}
    assert LabelRowV2._from_dict(d, structure).to_encord_dict() == both_forms(d)


@pytest.mark.parametrize("key", ["point", "polyline"])
def test_depths_of_points_are_carried(key: str) -> None:
    value = {"0": {"x": 0.1, "y": 0.2, "z": 0.3}}
    kind = {"point": PointCoordinate, "polyline": PolylineCoordinates}[key]
    one = kind.from_dict({key: value})
    assert one._json() == value
    assert isinstance(one, kind)
    assert pickle.loads(pickle.dumps(one)) == one


def test_each_shape_has_its_coordinates() -> None:
    assert set(ACCEPTABLE_COORDINATES_FOR_ONTOLOGY_ITEMS) == set(Shape)


# --- skeletons ------------------------------------------------------------------------------------------------------

POINTS = {
    "0": {"x": 0.1, "y": 0.2, "name": "wrist", "color": "#112233", "featureHash": "skpt0001", "value": "wrist"},
    "1": {"x": 0.3, "y": 0.4, "name": "tip", "color": "#445566", "value": "tip", "visibility": "occluded"},
    "2": {"x": 0.3, "y": 0.4, "name": "nail", "visibility": "selfOccluded"},
    "3": {"x": 0.5, "y": 0.4, "name": "ring", "invisible": True, "score": 0.5},
}


def test_a_skeleton_is_read_and_written_as_it_came() -> None:
    structure = ontology("ontologies/newer-all.json")
    entry = object_entry("S1", "na000004", name="Hand", value="hand", shape="skeleton", color="#FE9200")
    del entry["boundingBox"]
    labels = {"0": {"objects": [entry | {"skeleton": POINTS}], "classifications": []}}
    d = row_json(units=[unit("vid", labels=labels)])
    d["object_answers"] = {"S1": {"classifications": [], "objectHash": "S1"}}
    row = LabelRowV2(listing(), None, structure)
    row.from_labels_dict(d)
    assert row.to_encord_dict() == both_forms(d)
    (skeleton,) = (one.get_annotation().coordinates for one in row.get_object_instances())
    assert [one.visibility for one in skeleton.values] == [
        None,
        Visibility.OCCLUDED,
        Visibility.OCCLUDED,
        Visibility.INVISIBLE,
    ]
    assert [one._self_occluded for one in skeleton.values] == [False, False, True, False]


def test_a_skeleton_made_in_memory_is_written() -> None:
    hidden = SkeletonCoordinate._hidden_by_itself(0.1, 0.2, "nail", "#000000")
    seen = SkeletonCoordinate(0.1, 0.2, "tip", "", "h", "v", Visibility.VISIBLE)
    assert SkeletonCoordinates([hidden, seen])._json() == {
        "0": {"x": 0.1, "y": 0.2, "name": "nail", "color": "#000000", "visibility": "selfOccluded"},
        "1": {"x": 0.1, "y": 0.2, "name": "tip", "featureHash": "h", "value": "v", "visibility": "visible"},
    }
