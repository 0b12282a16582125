"""CVAT for images: every shape, attribute, layout and quirk comes out as the format's page says, and is counted."""

import gc
import io
import json
import pickle
import tracemalloc
import weakref
import xml.etree.ElementTree as ET
import zipfile
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

import numpy as np
import pytest
from PIL import Image

from encord_convert import OptionError, ReadError, Report, read, write
from encord_convert.cli import run
from encord_convert.formats import Match
from encord_convert.formats._files import MemorySource, MemoryTarget, Source, source_at, spooled
from encord_convert.formats._registry import format_named
from encord_convert.formats.cvat import counts, fast_xml, scan
from encord_convert.formats.cvat.page import FORMAT
from encord_convert.formats.cvat.read import open_shard
from encord_convert.formats.cvat.stats import Wanted
from encord_convert.geometry import rle
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature
from encord_convert.sdk.objects import LabelRowV2, ObjectInstance, Shape
from encord_convert.sdk.objects.coordinates import EllipseCoordinates, Visibility
from encord_convert.testing import hub_of

ENCORD = format_named("encord")
CORNERS = ("tl", "bl", "tr", "br")
FIXTURES = Path(__file__).parents[2] / "fixtures" / "cvat"
CASES = sorted(case.name for case in FIXTURES.iterdir() if case.is_dir())
SHAPES = {"box", "polygon", "polyline", "points", "ellipse", "cuboid", "mask", "skeleton", "tag"}


# -- documents ----------------------------------------------------------------------------------------------------


def attribute(name: str, kind: str, values: str = "", *, mutable: bool = False, default: str = "") -> str:
    return (
        f"<attribute><name>{escape(name)}</name><mutable>{mutable}</mutable><input_type>{kind}</input_type>"
        f"<default_value>{escape(default)}</default_value><values>{escape(values)}</values></attribute>"
    )


def label(name: str, type_: str = "any", *attributes: str, more: str = "") -> str:
    return (
        f"<label><name>{escape(name)}</name><color>#102030</color><type>{type_}</type>"
        f"<attributes>{''.join(attributes)}</attributes>{more}</label>"
    )


def skeleton_labels(name: str, points: dict[str, tuple[float, float]], edges: tuple[tuple[int, int], ...] = ()) -> str:
    circles = "".join(
        f'<circle cx="{x}" cy="{y}" data-node-id="{number}" data-label-name="{point}"></circle>'
        for number, (point, (x, y)) in enumerate(points.items(), 1)
    )
    lines = "".join(f'<line data-node-from="{a}" data-node-to="{b}"></line>' for a, b in edges)
    svg = f"<svg>{escape(lines + circles)}</svg>"
    below = "".join(label(point, "points", more=f"<parent>{name}</parent>") for point in points)
    return label(name, "skeleton", more=svg) + below


def shape(tag: str, label_: str = "a", answers: dict[str, str] | None = None, inner: str = "", **values: object) -> str:
    given = "".join(f" {name}={quoteattr(str(value))}" for name, value in values.items())
    texts = "".join(
        f"<attribute name={quoteattr(name)}>{escape(text)}</attribute>" for name, text in (answers or {}).items()
    )
    return f"<{tag} label={quoteattr(label_)}{given}>{inner}{texts}</{tag}>"


def box(x0: object = 10, y0: object = 20, x1: object = 60, y1: object = 40, label_: str = "a", **more: Any) -> str:
    return shape("box", label_, xtl=x0, ytl=y0, xbr=x1, ybr=y1, **more)


def image(*shapes: str, name: str = "a.jpg", size: tuple[int, int] | None = (200, 100), **more: object) -> str:
    given = {"id": 0, "name": name, **({"width": size[0], "height": size[1]} if size else {}), **more}
    return (
        f"<image{''.join(f' {key}={quoteattr(str(value))}' for key, value in given.items())}>{''.join(shapes)}</image>"
    )


def document(
    *body: str, labels: str = label("a"), task: str = "", meta: str | None = None, version: str = "1.1"
) -> bytes:
    described = (
        meta
        or f"<task><id>1</id><name>t</name><size>1</size><mode>annotation</mode>{task}<labels>{labels}</labels></task>"
    )
    text = f"<annotations><version>{version}</version><meta>{described}</meta>{''.join(body)}</annotations>"
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


class Loaded:
    """A document, read whole and checked to add up."""

    def __init__(self, source: bytes | Source, **options: Any) -> None:
        self.report = Report()
        given = MemorySource({"annotations.xml": source}) if isinstance(source, bytes) else source
        self.labels = read(given, "cvat", report=self.report, **options)
        self.rows = list(self.report.rows(self.labels, ENCORD.exporter.carries))
        self.instances = [instance for row in self.rows for instance in row.get_object_instances()]
        self.codes = {loss.code for loss in self.report.losses()} | {note.code for note in self.report.notes()}
        counts = self.report.reading
        for key in {*counts.into, *counts.changed, *counts.dropped}:
            parts = (
                counts.changed[key],
                counts.dropped[key],
                counts.into[key] - counts.changed[key] - counts.dropped[key],
            )
            assert min(parts) >= 0, (key, parts)
        if isinstance(source, bytes):
            assert {key: count for key, count in counts.into.items() if count} == counted(source)

    def loss(self, code: str) -> Any:
        [loss] = [loss for loss in self.report.losses() if loss.code == code]
        return loss

    @property
    def only(self) -> ObjectInstance:
        [instance] = self.instances
        return instance

    def named(self, name: str) -> list[ObjectInstance]:
        return [instance for instance in self.instances if instance.object_name == name]


def counted(text: bytes) -> Counter[tuple[str, str]]:
    """Count a document by its elements alone."""
    counts: Counter[tuple[str, str]] = Counter()
    for parent in ET.fromstring(text):
        if parent.tag == "image":
            counts["image", ""] += 1
        elif parent.tag == "track":
            counts["track", parent.get("label", "")] += 1
            if parent.get("group_id", "0") != "0":
                counts["group_id", parent.get("label", "")] += 1
        if parent.tag not in ("image", "track"):
            continue
        for one in parent.findall("*"):
            name = one.get("label", "") if parent.tag == "image" else parent.get("label", "")
            if one.tag == "track":
                continue
            counts[one.tag, name] += 1
            if one.tag in SHAPES:
                counts["answer", name] += len(list(one.iter("attribute")))
                counts["occluded", name] += one.get("occluded") == "1" and one.tag != "tag"
                counts["z_order", name] += one.get("z_order", "0") != "0"
                counts["group_id", name] += one.get("group_id", "0") != "0"
                counts["source", name] += (one.get("source") or parent.get("source") or "manual") != "manual"
    return Counter({key: count for key, count in counts.items() if count})


def coordinates(instance: ObjectInstance, frame: int = 0) -> Any:
    return instance.get_annotation(frame).coordinates


def xywh(instance: ObjectInstance) -> tuple[float, ...]:
    c = coordinates(instance)
    return c.top_left_x, c.top_left_y, c.width, c.height


def pixels(instance: ObjectInstance, size: tuple[int, int] = (200, 100), frame: int = 0) -> list[tuple[float, float]]:
    return [(point.x * size[0], point.y * size[1]) for point in coordinates(instance, frame).values]


def answers(instance: Any) -> dict[str, Any]:
    """Return all answers of an instance on one frame, by attribute: text, option labels, or a list of them."""
    found = {}
    static = instance._static_answers()
    for attribute_, value in [
        *static,
        *(instance._dynamic_answers_at(0) if isinstance(instance, ObjectInstance) else ()),
    ]:
        if isinstance(value, str):
            found[attribute_.name] = value
        else:
            found[attribute_.name] = [o.label for o in value] if isinstance(value, tuple) else value.label
    return found


# -- boxes --------------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 1", "cvat containers: width and height", "cvat annotations: box")
def test_a_box_is_its_pixels_divided_by_the_size() -> None:
    loaded = Loaded(document(image(box())))
    assert loaded.only.ontology_item.shape is Shape.BOUNDING_BOX
    assert xywh(loaded.only) == (0.05, 0.2, 0.25, 0.2)
    assert loaded.report.is_lossless


@pytest.mark.proves("labels: 2", "cvat annotations: rotated box")
def test_a_rotated_box_keeps_its_four_numbers_and_its_angle() -> None:
    loaded = Loaded(document(image(box(rotation="350.00"))))
    assert xywh(loaded.only) == (0.05, 0.2, 0.25, 0.2)
    assert coordinates(loaded.only).theta == 350
    assert loaded.report.is_lossless


@pytest.mark.proves("cvat annotations: rotated box")
def test_an_angle_is_brought_into_one_turn() -> None:
    assert coordinates(Loaded(document(image(box(rotation="390")))).only).theta == 30


@pytest.mark.proves("labels: 3", "cvat ontology: box")
def test_unturned_boxes_are_never_rotatable_unless_forced() -> None:
    text = document(image(box(rotation="0.00"), box(rotation="360")))
    assert {i.ontology_item.shape for i in Loaded(text).instances} == {Shape.BOUNDING_BOX}
    forced = Loaded(text, boxes="rotatable")
    assert {i.ontology_item.shape for i in forced.instances} == {Shape.ROTATABLE_BOUNDING_BOX}


@pytest.mark.proves("cvat ontology: box")
def test_one_rotated_box_makes_all_of_its_label_rotatable_and_no_other() -> None:
    body = image(box(), box(rotation="45"), box(label_="b"))
    loaded = Loaded(document(body, labels=label("a") + label("b")))
    assert [(i.object_name, i.ontology_item.shape.value) for i in loaded.instances] == [
        ("a", "rotatable_bounding_box"), ("a", "rotatable_bounding_box"), ("b", "bounding_box"),
    ]  # fmt: skip


@pytest.mark.proves("labels: 4", "cvat ontology: box as polygon")
def test_boxes_become_polygons_of_rotated_corners_in_pixels() -> None:
    loaded = Loaded(document(image(box(80, 30, 120, 50, rotation="90"))), transform_bounding_boxes_to_polygons=True)
    assert np.allclose(pixels(loaded.only), [(110, 20), (110, 60), (90, 60), (90, 20)])
    assert loaded.loss("BOX_AS_POLYGON").count == 1


@pytest.mark.proves("labels: 29")
def test_swapped_corners_are_put_in_order_and_told() -> None:
    loaded = Loaded(document(image(box(60, 40, 10, 20))))
    assert xywh(loaded.only) == (0.05, 0.2, 0.25, 0.2)
    assert loaded.loss("INVALID_GEOMETRY").kind == "approximated"


@pytest.mark.proves("labels: 29", "cvat codes: INVALID_GEOMETRY")
@pytest.mark.parametrize(
    "bad",
    [
        box(10, 20, 10, 40), box("nan", 1, 2, 3), box("inf", 1, 2, 3), box("", 1, 2, 3), box("x", 1, 2, 3),
        shape("box", xtl=1, ytl=2, xbr=3), shape("polygon", points="1,1;2,2"), shape("polygon", points="1,1;x,2;3,3"),
        shape("polygon", points="1,1;nan,2;3,3"), shape("polygon", points="1,1;2;3,3"), shape("polygon"),
        shape("polyline", points="1,1"), shape("points", points=""), shape("ellipse", cx=1, cy=1, rx=0, ry=2),
        shape("mask", rle="x", left=0, top=0, width=2, height=2),
        shape("mask", rle="1", left=0, top=0, width=0, height=2),
        shape("mask", rle="-1, 5", left=0, top=0, width=2, height=2), shape("cuboid", xtl1=3),
        shape("cuboid", **{f"{axis}{corner}{face}": 1 for axis in "xy" for corner in CORNERS for face in "12"}),
    ],
)  # fmt: skip
def test_a_shape_that_is_none_is_dropped_with_all_it_carries_and_the_rest_is_read(bad: str) -> None:
    bad = bad.replace(' label="a"', ' label="a" occluded="1" z_order="3" source="auto"')
    bad = bad.replace("></", '><attribute name="n">1</attribute></')
    loaded = Loaded(document(image(bad, box()), labels=label("a", "any", attribute("n", "number"))))
    assert len(loaded.instances) == 1
    [loss] = [loss for loss in loaded.report.losses() if loss.code in ("INVALID_GEOMETRY", "INVALID_RLE")]
    assert (loss.kind, loss.count) == ("dropped", 1)
    for type_ in (loss.type, "answer", "occluded", "z_order", "source"):
        assert loaded.report.reading.dropped[type_, "a"] == 1


# -- other shapes -------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 5", "cvat annotations: polygon, polyline")
@pytest.mark.parametrize("tag", ["polygon", "polyline"])
def test_vertices_keep_order_and_number(tag: str) -> None:
    loaded = Loaded(document(image(shape(tag, points="1,2;30,4;5,60;7,8"))))
    assert loaded.only.ontology_item.shape.value == tag
    assert np.allclose(pixels(loaded.only), [(1, 2), (30, 4), (5, 60), (7, 8)], atol=1e-12)
    assert loaded.report.is_lossless


def test_points_with_blanks_exponents_and_a_trailing_semicolon_are_read() -> None:
    loaded = Loaded(
        document(image(shape("polygon", points=" 1,2; 3e1,4 ;5,60;"), shape("polygon", points="0,0;1,0;1,1")))
    )
    assert [len(pixels(instance)) for instance in loaded.instances] == [3, 3]
    assert np.allclose(pixels(loaded.instances[0]), [(1, 2), (30, 4), (5, 60)])


@pytest.mark.proves(
    "labels: 6", "cvat annotations: points, one pair", "cvat annotations: points, several", "cvat codes: POINTS_SPLIT"
)
def test_one_point_is_a_point_and_several_are_split() -> None:
    loaded = Loaded(document(image(shape("points", points="20,10"), shape("points", points="2,1;4,2;6,3"))))
    assert [(coordinates(i).x, coordinates(i).y) for i in loaded.instances] == [
        (0.1, 0.1),
        (0.01, 0.01),
        (0.02, 0.02),
        (0.03, 0.03),
    ]
    assert len({instance.object_hash for instance in loaded.instances}) == 4
    loss = loaded.loss("POINTS_SPLIT")
    assert (loss.kind, loss.count, loss.type) == ("split", 1, "points")


@pytest.mark.proves("labels: 6", "cvat annotations: points, several")
def test_points_of_a_constant_number_are_a_skeleton_if_asked_for() -> None:
    text = document(image(shape("points", points="2,1;4,2"), shape("points", points="20,10;4,2")))
    loaded = Loaded(text, points_as_skeleton=True)
    assert [i.ontology_item.shape for i in loaded.instances] == [Shape.SKELETON] * 2
    assert [(p.name, p.x, p.y) for p in coordinates(loaded.instances[1]).values] == [("1", 0.1, 0.1), ("2", 0.02, 0.02)]
    assert loaded.labels.ontology.skeleton_templates[0].name == "a"
    assert loaded.report.is_lossless
    mixed = document(image(shape("points", points="2,1;4,2"), shape("points", points="20,10")))
    assert {i.ontology_item.shape for i in Loaded(mixed, points_as_skeleton=True).instances} == {Shape.POINT}


@pytest.mark.proves("labels: 7", "cvat annotations: mask")
def test_a_mask_sets_the_pixels_its_runs_say() -> None:
    text = document(image(shape("mask", rle="1, 2, 2, 1, 6", left=10, top=5, width=4, height=3)))
    mask = coordinates(Loaded(text).only).to_numpy_array()
    assert mask.shape == (100, 200)
    assert np.argwhere(mask).tolist() == [[5, 11], [5, 12], [6, 11]]


@pytest.mark.proves("cvat annotations: mask")
def test_a_mask_has_the_string_of_rows_of_the_whole_image() -> None:
    text = document(image(shape("mask", rle="1, 2, 2, 1, 6", left=1, top=1, width=4, height=3), size=(7, 5)))
    mask = coordinates(Loaded(text).only)
    rows = [9, 2, 5, 1, 18]  # row by row over 7 x 5 pixels, background first
    drawn = {"top": 0, "left": 0, "height": 5, "width": 7, "rleString": rle.string_from_runs(rows)}
    assert mask.to_dict() == drawn
    assert np.argwhere(mask.to_numpy_array()).tolist() == [[1, 2], [1, 3], [2, 2]]


@pytest.mark.proves("labels: 8")
def test_a_mask_may_begin_in_the_foreground() -> None:
    text = document(image(shape("mask", rle="0,3,1", left=0, top=0, width=2, height=2)))
    loaded = Loaded(text)
    assert np.argwhere(coordinates(loaded.only).to_numpy_array()).tolist() == [[0, 0], [0, 1], [1, 0]]
    assert loaded.report.is_lossless


@pytest.mark.proves("labels: 8", "cvat codes: INVALID_RLE")
@pytest.mark.parametrize(
    ("runs", "expected", "level"),
    [("1, 2", 2, "error"), ("1, 2, 2, 1, 3", 3, "warning"), ("1, 2, 2, 1, 8", 3, "warning"), ("1, 99", 11, "error")],
)
def test_runs_that_miss_the_box_are_mended_and_told(runs: str, expected: int, level: str) -> None:
    loaded = Loaded(document(image(shape("mask", rle=runs, left=10, top=5, width=4, height=3))))
    assert coordinates(loaded.only).to_numpy_array().sum() == expected
    assert loaded.loss("INVALID_RLE").kind == "approximated"
    assert [str(note.level) for note in loaded.report.notes() if note.code == "INVALID_RLE"] == [level]


def test_a_mask_that_leaves_the_image_is_cut_and_told() -> None:
    loaded = Loaded(document(image(shape("mask", rle="0, 16", left=198, top=98, width=4, height=4))))
    assert np.argwhere(coordinates(loaded.only).to_numpy_array()).tolist() == [
        [98, 198],
        [98, 199],
        [99, 198],
        [99, 199],
    ]
    assert "12 pixels" in loaded.loss("OUT_OF_BOUNDS").detail


@pytest.mark.proves("labels: 9", "cvat annotations: ellipse")
def test_an_ellipse_is_an_ellipse() -> None:
    text = document(image(shape("ellipse", cx=100, cy=50, rx=40, ry=16, rotation=90)))
    loaded = Loaded(text)
    assert coordinates(loaded.only) == EllipseCoordinates(0.5, 0.5, 0.2, 0.16, 90.0)
    assert loaded.report.counts()["ellipse"] == {"in": 1, "kept": 1, "changed": 0, "dropped": 0}


@pytest.mark.proves("labels: 9", "cvat annotations: ellipse", "cvat codes: ELLIPSE_APPROXIMATED")
def test_an_ellipse_is_another_shape_if_asked_for() -> None:
    text = document(image(shape("ellipse", cx=100, cy=50, rx=40, ry=16, rotation=90)))
    loaded = Loaded(text, ellipse="polygon")
    points = np.array(pixels(loaded.only))
    assert len(points) == 72
    assert np.allclose([*points.min(0), *points.max(0)], [84, 10, 116, 90])
    assert loaded.loss("ELLIPSE_APPROXIMATED").count == 1
    assert len(pixels(Loaded(text, ellipse="polygon", ellipse_vertices=12).only)) == 12
    rotatable = Loaded(text, ellipse="rotatable").only
    assert np.allclose(xywh(rotatable), (0.3, 0.34, 0.4, 0.32)) and coordinates(rotatable).theta == 90
    upright = Loaded(text, ellipse="box")
    assert np.allclose(xywh(upright.only), (0.42, 0.1, 0.16, 0.8))
    assert upright.loss("ELLIPSE_APPROXIMATED").count == 1
    mask = coordinates(Loaded(text, ellipse="bitmask").only).to_numpy_array()
    assert abs(mask.sum() - np.pi * 40 * 16) < 20


@pytest.mark.proves("labels: 10", "cvat annotations: cuboid", "cvat codes: CUBOID_APPROXIMATED")
def test_a_cuboid_is_the_outline_of_its_eight_points_if_asked_for() -> None:
    loaded = Loaded(document(image(cuboid(FACE, [(x + 10, y - 5) for x, y in FACE]))), cuboid="polygon")
    assert len(pixels(loaded.only)) == 6
    assert loaded.loss("CUBOID_APPROXIMATED").kind == "approximated"


def cuboid(front: list[tuple[float, float]], back: list[tuple[float, float]], **more: Any) -> str:
    values = {
        f"{axis}{corner}{face}": point_[axis == "y"]
        for face, points in (("1", front), ("2", back))
        for corner, point_ in zip(CORNERS, points, strict=True)
        for axis in "xy"
    }
    return shape("cuboid", **values, **more)


FACE = [(20, 50), (20, 90), (60, 50), (60, 90)]


@pytest.mark.proves("labels: 10", "cvat annotations: cuboid")
def test_a_cuboid_is_a_cuboid_and_one_that_is_no_prism_keeps_its_corners() -> None:
    moved = [(x + 10, y - 5.5) for x, y in FACE]
    shrunk = [(100 + 0.75 * (x - 100), 40 + 0.75 * (y - 40)) for x, y in FACE]
    neither = [(30, 45), (35, 85), (70, 40), (90, 70)]
    labels = label("a", "any", attribute("n", "text"))
    shapes = [cuboid(FACE, back, answers={"n": "1"}) for back in (moved, shrunk, neither)]
    text = document(image(*shapes), labels=labels)
    loaded = Loaded(text)
    assert [(o.name, o.shape.value) for o in loaded.labels.ontology.objects] == [("a", "cuboid_2d")]
    first, second, third = loaded.instances
    front = [0.1, 0.5, 0.3, 0.5, 0.3, 0.9, 0.1, 0.9]  # clockwise from the top-left
    assert coordinates(first).to_dict() == {
        "front": front, "offset": {"x": pytest.approx(0.05), "y": pytest.approx(-0.055)},
    }  # fmt: skip
    assert coordinates(second).to_dict() == {
        "front": front, "vanishingPoint": {"x": pytest.approx(0.5), "y": pytest.approx(0.4)},
        "scaleRatio": pytest.approx(0.75),
    }  # fmt: skip
    own = coordinates(third)._json()
    assert own["front"] == front and own["back"] == [0.15, 0.45, 0.35, 0.4, 0.45, 0.7, 0.175, 0.85]
    assert own.keys() == {"front", "vanishingPoint", "scaleRatio", "back"}  # the nearest prism, for all others
    assert [answers(instance) for instance in loaded.instances] == [{"n": "1"}] * 3
    assert loaded.report.counts()["cuboid"] == {"in": 3, "kept": 3, "changed": 0, "dropped": 0}
    target = MemoryTarget()
    write(loaded.labels, target, "encord", report=(saved := Report()))
    assert saved.writing.losses() == []
    assert hub_of(read(MemorySource(target.files), "encord")) == hub_of(loaded.labels)
    report = Report()
    write(loaded.labels, MemoryTarget(), "coco", report=report)
    assert [(str(loss.kind), loss.code, loss.type, loss.count) for loss in report.losses()] == [
        ("approximated", "CUBOID_APPROXIMATED", "cuboid", 3)
    ]


# -- skeletons ----------------------------------------------------------------------------------------------------

FISH = skeleton_labels("fish", {"head": (50, 5), "left": (10, 60), "right": (90, 60)}, ((1, 2), (1, 3)))


def point(name: str, x: float, y: float, **more: object) -> str:
    return shape("points", name, points=f"{x},{y}", **more)


@pytest.mark.proves("labels: 11", "cvat ontology: skeleton", "cvat annotations: skeleton")
def test_a_skeleton_has_its_points_in_the_order_of_the_template() -> None:
    inner = point("right", 1, 2, outside=1) + point("head", 20, 10, occluded=1) + point("left", 40, 20, outside=0)
    loaded = Loaded(document(image(shape("skeleton", "fish", inner=inner)), labels=FISH))
    assert [(p.name, p.x, p.y, p.visibility) for p in coordinates(loaded.only).values] == [
        ("head", 0.1, 0.1, Visibility.OCCLUDED),
        ("left", 0.2, 0.2, Visibility.VISIBLE),
        ("right", 0.0, 0.0, Visibility.INVISIBLE),
    ]
    [template] = loaded.labels.ontology.skeleton_templates
    assert template.name == "fish"
    assert [(node.name, node.x, node.y) for node in template.skeleton] == [
        ("head", 0.5, 0.05),
        ("left", 0.1, 0.6),
        ("right", 0.9, 0.6),
    ]
    assert [(a, b) for a, b, _ in template.edges] == [(0, 1), (0, 2)]
    assert [(loss.code, loss.label) for loss in loaded.report.losses()] == [("NATIVE_DROPPED", "annotation.points")]


@pytest.mark.proves("cvat ontology: skeleton")
def test_points_of_a_template_stand_in_the_order_of_their_numbers() -> None:
    circles = "".join(
        f'<circle cx="{10 * number}" cy="50" data-node-id="{number}" data-label-name="{name}"></circle>'
        for name, number in (("c", 3), ("a", 1), ("b", 2))
    )
    line = '<line data-node-from="3" data-node-to="1"></line>'
    svg = f"<svg>{escape(circles + line)}</svg>"
    below = "".join(label(name, "points", more="<parent>s</parent>") for name in "bca")
    inner = point("b", 2, 1) + point("c", 4, 2) + point("a", 6, 3)
    loaded = Loaded(
        document(image(shape("skeleton", "s", inner=inner)), labels=label("s", "skeleton", more=svg) + below)
    )
    [template] = loaded.labels.ontology.skeleton_templates
    assert [(node.name, node.x, node.y) for node in template.skeleton] == [
        ("a", 0.1, 0.5),
        ("b", 0.2, 0.5),
        ("c", 0.3, 0.5),
    ]
    assert [edge[:2] for edge in template.edges] == [(2, 0)]
    assert [(p.name, p.x) for p in coordinates(loaded.only).values] == [("a", 0.03), ("b", 0.01), ("c", 0.02)]


@pytest.mark.proves("cvat annotations: skeleton")
def test_a_missing_point_is_invisible_and_told() -> None:
    loaded = Loaded(document(image(shape("skeleton", "fish", inner=point("head", 20, 10))), labels=FISH))
    assert [p.visibility for p in coordinates(loaded.only).values] == [
        Visibility.VISIBLE,
        Visibility.INVISIBLE,
        Visibility.INVISIBLE,
    ]
    assert "INVALID_GEOMETRY" in {note.code for note in loaded.report.notes()}


@pytest.mark.proves("labels: 12")
def test_two_skeletons_with_points_of_one_name_do_not_mix() -> None:
    labels = skeleton_labels("x", {"1": (10, 10), "2": (20, 20)}) + skeleton_labels("y", {"2": (30, 30), "1": (40, 40)})
    inner = point("1", 2, 1) + point("2", 4, 2)
    loaded = Loaded(
        document(image(shape("skeleton", "x", inner=inner), shape("skeleton", "y", inner=inner)), labels=labels)
    )
    assert [[p.name for p in coordinates(i).values] for i in loaded.instances] == [["1", "2"], ["2", "1"]]
    assert [[round(n.x * 100) for n in t.skeleton] for t in loaded.labels.ontology.skeleton_templates] == [
        [10, 20],
        [30, 40],
    ]


def test_a_skeleton_without_a_drawing_takes_the_order_of_first_appearance() -> None:
    inner = point("b", 2, 1) + point("a", 4, 2)
    loaded = Loaded(document(image(shape("skeleton", "s", inner=inner)), labels=""))
    assert [p.name for p in coordinates(loaded.only).values] == ["b", "a"]
    assert "UNDECLARED_LABEL" in loaded.codes


@pytest.mark.proves("cvat ontology: attributes of sub-labels", "cvat codes: POINT_ATTRIBUTE_LIFTED")
def test_attributes_of_points_are_lifted_to_the_skeleton() -> None:
    attributes = f"<attributes>{attribute('sure', 'checkbox', 'false', mutable=True)}</attributes>"
    labels = FISH.replace("<attributes></attributes><parent>", f"{attributes}<parent>")
    inner = "".join(
        point(name, 2, 2, answers={"sure": value})
        for name, value in (("head", "true"), ("left", "false"), ("right", "true"))
    )
    loaded = Loaded(document(image(shape("skeleton", "fish", inner=inner)), labels=labels))
    assert answers(loaded.only) == {"head.sure": ["head.sure"], "left.sure": [], "right.sure": ["right.sure"]}
    loss = loaded.loss("POINT_ATTRIBUTE_LIFTED")
    assert (loss.kind, loss.type, loss.count) == ("renamed", "answer", 3)


# -- labels -------------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 17", "cvat ontology: any with several shapes")
def test_a_label_of_several_shapes_is_one_name_in_a_fixed_order() -> None:
    body = image(
        shape("ellipse", cx=5, cy=5, rx=2, ry=2),
        shape("polygon", points="1,1;2,1;2,2"),
        box(),
        shape("polygon", points="1,1;2,1;2,2"),
    )
    loaded = Loaded(document(body))
    assert [(o.name, o.shape.value, o.color) for o in loaded.labels.ontology.objects] == [
        ("a", "bounding_box", "#102030"), ("a", "polygon", "#102030"), ("a", "ellipse", "#102030"),
    ]  # fmt: skip
    assert loaded.codes == set()


def test_the_old_option_of_one_name_is_accepted() -> None:
    labels = read(MemorySource({"a.xml": document(image(box()))}), "cvat", same_names="yes")
    assert [one.name for one in labels.ontology.objects] == ["a"]


@pytest.mark.proves("cvat ontology: any never used", "cvat codes: LABEL_UNUSED")
def test_a_label_never_used_has_the_default_shape() -> None:
    loaded = Loaded(document(image(), labels=label("a") + label("b", "polygon") + label("c", "bbox")))
    assert [(o.name, o.shape.value) for o in loaded.labels.ontology.objects] == [
        ("a", "bounding_box"),
        ("b", "polygon"),
        ("c", "bounding_box"),
    ]
    assert "LABEL_UNUSED" in loaded.codes
    other = Loaded(document(image()), unused_shape="polygon")
    assert other.labels.ontology.objects[0].shape is Shape.POLYGON


@pytest.mark.proves("cvat ontology: label of one shape")
def test_a_label_of_one_shape_is_one_class_of_its_name_and_colour() -> None:
    labels = label("said", "polygon") + label("seen") + label("b b", "bbox")
    loaded = Loaded(document(image(shape("polyline", "seen", points="1,2;3,4")), labels=labels))
    assert [(o.name, o.shape.value, o.color) for o in loaded.labels.ontology.objects] == [
        ("said", "polygon", "#102030"), ("seen", "polyline", "#102030"), ("b b", "bounding_box", "#102030"),
    ]  # fmt: skip


@pytest.mark.proves("cvat ontology: any with several shapes")
def test_classes_of_one_label_stand_in_the_order_of_shapes() -> None:
    eight = {
        f"{axis}{corner}{face}": at for face in "12" for axis in "xy" for at, corner in enumerate(CORNERS, int(face))
    }
    shapes = [
        shape("cuboid", **{**eight, "xtl1": 9}), shape("ellipse", cx=5, cy=5, rx=2, ry=2),
        shape("skeleton", inner=point("p", 1, 2)), shape("mask", rle="0, 1", left=0, top=0, width=1, height=1),
        shape("points", points="1,2"), shape("polyline", points="1,2;3,4"), shape("polygon", points="1,1;2,1;2,2"),
        box(),
    ]  # fmt: skip
    drawn = [(o.name, o.shape.value) for o in Loaded(document(image(*shapes))).labels.ontology.objects]
    names = ("bounding_box", "polygon", "polyline", "point", "bitmask", "skeleton", "ellipse", "cuboid_2d")
    assert drawn == [("a", name) for name in names]


@pytest.mark.proves("labels: 29", "cvat codes: UNDECLARED_LABEL", "cvat codes: UNDECLARED_ATTRIBUTE")
def test_labels_and_attributes_nobody_declared_are_read_and_told() -> None:
    loaded = Loaded(document(image(box(label_="new", answers={"q": "x"}), box(label_="")), labels=label("a")))
    assert [o.name for o in loaded.labels.ontology.objects] == ["a", "new", "unlabeled"]
    assert answers(loaded.named("new")[0]) == {"q": "x"}
    assert {"UNDECLARED_LABEL", "UNDECLARED_ATTRIBUTE"} <= loaded.codes
    loss = loaded.loss("UNDECLARED_LABEL")
    assert (loss.kind, loss.label, loss.count) == ("renamed", "", 1)


def test_a_document_without_meta_is_read() -> None:
    loaded = Loaded(b"<annotations>" + image(box()).encode() + b"</annotations>")
    assert loaded.only.object_name == "a"


# -- attributes ---------------------------------------------------------------------------------------------------

KINDS = (
    attribute("flag", "select", "none\nNorth Sea\n__undefined__"),
    attribute("way", "radio", "up\ndown", default="up"),
    attribute("lit", "checkbox", "true", mutable=True),
    attribute("len", "number", "1\n400\n1"),
    attribute("note", "text"),
)


@pytest.mark.proves(
    "labels: 13",
    "cvat ontology: select, radio",
    "cvat ontology: checkbox",
    "cvat ontology: number",
    "cvat ontology: default_value",
    "cvat codes: DEFAULT_DROPPED",
    "cvat codes: NUMBER_RANGE_DROPPED",
)
def test_each_kind_of_attribute_has_its_kind_of_answer() -> None:
    given = {"flag": "North Sea", "way": "down", "lit": "true", "len": "35", "note": "n/a"}
    loaded = Loaded(document(image(box(answers=given)), labels=label("a", "any", *KINDS)))
    assert answers(loaded.only) == {"flag": "North Sea", "way": "down", "lit": ["lit"], "len": "35", "note": "n/a"}
    kinds = {
        a.name: (a.get_property_type().value, a.dynamic, [o.label for o in a.options])
        for a in loaded.only.ontology_item.attributes
    }
    assert kinds == {
        "flag": ("radio", False, ["none", "North Sea"]),
        "way": ("radio", False, ["up", "down"]),
        "lit": ("checklist", True, ["lit"]),
        "len": ("text", False, []),
        "note": ("text", False, []),
    }
    assert loaded.report.is_lossless
    assert {"NUMBER_RANGE_DROPPED", "DEFAULT_DROPPED"} <= loaded.codes


@pytest.mark.proves("labels: 13", "cvat ontology: number")
def test_numbers_are_numbers_if_asked_for() -> None:
    labels = label("a", "any", *KINDS) + label("scene", "tag", attribute("wind", "number", "0\n12\n1"))
    texts = ["35", "2.50", "-1e3", "", "__undefined__"]
    tag = shape("tag", "scene", {"wind": "7"})
    loaded = Loaded(
        document(image(*(box(answers={"len": one}) for one in texts), tag), labels=labels), numbers="numeric"
    )
    assert loaded.labels.ontology.to_dict()["objects"][0]["attributes"][3]["type"] == "numeric"
    assert [[value for _, value in i._static_answers()] for i in loaded.instances] == [[35], [2.5], [-1000.0], [], []]
    [wind] = tags_of(loaded.rows[0])
    assert [value for attribute_, value in wind._static_answers() if attribute_.name == "wind"] == [7]
    assert loaded.report.is_lossless
    assert "NUMBER_RANGE_DROPPED" in loaded.codes
    back = MemoryTarget()
    write(loaded.labels, back, "cvat", strict=True)
    assert b"<input_type>number</input_type>" in back.files["annotations.xml"]
    assert hub_of(read(MemorySource(back.files))) == hub_of(loaded.labels)


@pytest.mark.proves("labels: 13", "cvat ontology: number")
@pytest.mark.parametrize("text", ["many", "nan", "1_000", "9" * 400, "1e400"])
def test_a_number_that_is_none_is_dropped_and_counted(text: str) -> None:
    labels = label("a", "any", *KINDS)
    loaded = Loaded(document(image(box(answers={"len": text})), labels=labels), numbers="numeric")
    assert answers(loaded.only) == {}
    loss = loaded.loss("UNKNOWN_OPTION")
    assert (loss.type, str(loss.kind), loss.count) == ("answer", "dropped", 1)
    assert answers(Loaded(document(image(box(answers={"len": text})), labels=labels)).only) == {"len": text}


@pytest.mark.proves("cvat ontology: select, radio")
def test_options_stand_in_the_order_of_the_file() -> None:
    labels = label("a", "any", attribute("way", "select", "up\n__undefined__\nNorth, Sea\ndown"))
    loaded = Loaded(document(image(box(answers={"way": "down"})), labels=labels))
    [way] = loaded.only.ontology_item.attributes
    assert [option.label for option in way.options] == ["up", "North, Sea", "down"]


@pytest.mark.proves("labels: 13", "cvat ontology: select, radio")
def test_undefined_is_no_answer_and_is_kept() -> None:
    loaded = Loaded(document(image(box(answers={"flag": "__undefined__"})), labels=label("a", "any", *KINDS)))
    assert answers(loaded.only) == {}
    assert loaded.report.counts()["answer"] == {"in": 1, "kept": 1, "changed": 0, "dropped": 0}


@pytest.mark.proves("cvat ontology: checkbox")
@pytest.mark.parametrize(
    ("text", "checked"), [("true", True), ("True", True), ("1", True), ("false", False), ("", False), ("0", False)]
)
def test_checkbox_texts_of_all_times(text: str, checked: bool) -> None:
    loaded = Loaded(document(image(box(answers={"lit": text})), labels=label("a", "any", *KINDS)))
    assert answers(loaded.only) == {"lit": ["lit"] if checked else []}


@pytest.mark.proves("cvat ontology: mutable")
def test_mutable_attributes_of_images_are_dynamic_unless_told_otherwise() -> None:
    text = document(image(box(answers={"lit": "true"})), labels=label("a", "any", *KINDS))
    static = Loaded(text, mutable_in_images="static")
    assert answers(static.only) == {"lit": ["lit"]}
    assert not any(a.dynamic for a in static.only.ontology_item.attributes)


@pytest.mark.proves("cvat codes: UNKNOWN_OPTION")
def test_an_option_nobody_declared_is_added_and_told() -> None:
    loaded = Loaded(document(image(box(answers={"way": "left"})), labels=label("a", "any", *KINDS)))
    assert answers(loaded.only) == {"way": "left"}
    assert "UNKNOWN_OPTION" in loaded.codes


def test_a_checkbox_that_is_neither_true_nor_false_is_dropped_and_counted() -> None:
    loaded = Loaded(document(image(box(answers={"lit": "perhaps"})), labels=label("a", "any", *KINDS)))
    assert answers(loaded.only) == {}
    assert loaded.loss("UNKNOWN_OPTION").type == "answer"


@pytest.mark.proves("labels: 15", "cvat ontology: text")
def test_texts_of_several_lines_quotes_and_any_script_are_unchanged() -> None:
    text = "line 1\nline \"2\" <&> 'ü'\t漢字 \U0001f6a2 "
    source = document(image(box(answers={"note": text}, label_='Ä & "b"')), labels=label('Ä & "b"', "any", *KINDS))
    loaded = Loaded(source)
    assert answers(loaded.only) == {"note": text}
    assert loaded.only.object_name == 'Ä & "b"'


def test_blanks_separate_options_only_where_the_values_used_say_so() -> None:
    split = label("a", "any", attribute("v", "radio", "v1 v2 v3", default="v1"))
    loaded = Loaded(document(image(box(answers={"v": "v2"})), labels=split))
    assert [o.label for o in loaded.only.ontology_item.attributes[0].options] == ["v1", "v2", "v3"]
    whole = label("a", "any", attribute("v", "radio", "North Sea"))
    loaded = Loaded(document(image(box(answers={"v": "North Sea"})), labels=whole))
    assert [o.label for o in loaded.only.ontology_item.attributes[0].options] == ["North Sea"]


def test_attributes_of_one_name_belong_to_their_labels() -> None:
    labels = label("a", "any", attribute("x", "checkbox", "false")) + label("b", "any", attribute("x", "text"))
    loaded = Loaded(document(image(box(answers={"x": "true"}), box(label_="b", answers={"x": "true"})), labels=labels))
    assert [answers(instance) for instance in loaded.instances] == [{"x": ["x"]}, {"x": "true"}]


@pytest.mark.proves("cvat ontology: default_value")
def test_defaults_are_answered_only_if_asked_for() -> None:
    text = document(image(box(), box(answers={"way": "down"})), labels=label("a", "any", *KINDS))
    assert [answers(i) for i in Loaded(text).instances] == [{}, {"way": "down"}]
    assert [answers(i) for i in Loaded(text, apply_defaults=True).instances] == [{"way": "up"}, {"way": "down"}]


# -- what a shape says beside ------------------------------------------------------------------------------------


@pytest.mark.proves("cvat annotations: occluded")
def test_occlusion_is_an_answer_of_labels_that_have_any() -> None:
    text = document(
        image(box(occluded=1), box(occluded=0), box(label_="b", occluded=0)), labels=label("a") + label("b")
    )
    loaded = Loaded(text)
    assert [answers(instance) for instance in loaded.instances] == [{"occluded": ["occluded"]}, {}, {}]
    assert [[a.name for a in o.attributes] for o in loaded.labels.ontology.objects] == [["occluded"], []]
    assert loaded.report.is_lossless
    never = Loaded(text, occluded="never")
    assert never.loss("OCCLUDED_DROPPED").count == 1


def test_an_attribute_called_occluded_stays_apart_from_occlusion() -> None:
    labels = label("a", "any", attribute("occluded", "text"))
    loaded = Loaded(document(image(box(occluded=1, answers={"occluded": "by fog"})), labels=labels))
    assert answers(loaded.only) == {"occluded": "by fog", "occluded (shape)": ["occluded (shape)"]}


@pytest.mark.proves("labels: 30", "cvat annotations: z_order", "cvat codes: Z_ORDER_DROPPED")
def test_labels_stand_in_the_order_of_z_order() -> None:
    loaded = Loaded(document(image(box(1, z_order=2), box(2, z_order=-1), box(3), box(4, z_order=2))))
    assert [round(coordinates(instance).top_left_x * 200) for instance in loaded.instances] == [2, 3, 1, 4]
    assert loaded.loss("Z_ORDER_DROPPED").count == 3


@pytest.mark.proves("labels: 30", "cvat annotations: group_id", "cvat codes: GROUP_DROPPED")
def test_groups_are_dropped_and_told_or_kept_as_text() -> None:
    text = document(image(box(group_id=7), box(group_id=7), box()))
    assert Loaded(text).loss("GROUP_DROPPED").count == 2
    kept = Loaded(text, group_id=True)
    assert [answers(instance) for instance in kept.instances] == [{"group_id": "7"}, {"group_id": "7"}, {}]
    assert kept.report.is_lossless


@pytest.mark.proves("labels: 30", "cvat annotations: source")
def test_the_source_says_whether_a_person_made_it() -> None:
    loaded = Loaded(document(image(box(source="manual"), box(source="auto"), box(source="semi-auto"), box())))
    assert [i.get_annotation(0).manual_annotation for i in loaded.instances] == [True, False, False, True]
    assert loaded.report.counts()["source"] == {"in": 2, "kept": 1, "changed": 1, "dropped": 0}


def test_a_track_id_in_images_is_kept_as_text() -> None:
    loaded = Loaded(document(image(box(track_id=5), box(answers={"track_id": "6"}))))
    assert [answers(instance) for instance in loaded.instances] == [{"track_id (shape)": "5"}, {"track_id": "6"}]


def test_xml_attributes_nobody_knows_are_told() -> None:
    loaded = Loaded(document(image(box(colour="red"), shape("tag", mood="good"), path="/x")))
    told = [loss.detail for loss in loaded.report.losses() if loss.code == "NATIVE_DROPPED"]
    assert [detail.split("'")[1] for detail in told] == ["image.path", "annotation.colour", "annotation.mood"]


# -- tags ---------------------------------------------------------------------------------------------------------


def tags_of(row: LabelRowV2) -> list[Any]:
    return row.get_classification_instances()


@pytest.mark.proves("labels: 16", "cvat ontology: tag without attributes", "cvat annotations: tag")
def test_tags_without_attributes_are_one_checklist() -> None:
    labels = "".join(label(name, "tag") for name in ("day", "night", "rain"))
    loaded = Loaded(
        document(
            image(shape("tag", "rain"), shape("tag", "day")), image(shape("tag", "night"), name="b.jpg"), labels=labels
        )
    )
    assert [c.title for c in loaded.labels.ontology.classifications] == ["Tags"]
    assert [answers(tags_of(row)[0]) for row in loaded.rows] == [{"Tags": ["day", "rain"]}, {"Tags": ["night"]}]
    assert [(loss.code, loss.label) for loss in loaded.report.losses()] == [("NATIVE_DROPPED", "image.id")]


@pytest.mark.proves("labels: 16", "cvat ontology: tag with attributes")
def test_a_tag_with_attributes_is_a_classification_of_its_own() -> None:
    labels = label("scene", "tag", attribute("light", "radio", "day\nnight"))
    loaded = Loaded(document(image(shape("tag", "scene", {"light": "night"})), labels=labels))
    [tag] = tags_of(loaded.rows[0])
    assert tag.classification_name == "scene"
    assert answers(tag) == {"scene": "scene", "light": "night"}
    assert loaded.report.is_lossless


@pytest.mark.proves("labels: 16", "cvat annotations: tag", "cvat codes: TAG_COLLAPSED")
def test_equal_tags_collapse_and_are_counted() -> None:
    labels = label("day", "tag") + label("scene", "tag", attribute("light", "text"))
    tags = [
        shape("tag", "day"),
        shape("tag", "day"),
        shape("tag", "scene", {"light": "1"}),
        shape("tag", "scene", {"light": "1"}),
    ]
    loaded = Loaded(document(image(*tags), labels=labels))
    assert len(tags_of(loaded.rows[0])) == 2
    collapsed = [loss for loss in loaded.report.losses() if loss.code == "TAG_COLLAPSED"]
    assert [(str(loss.kind), loss.label, loss.count) for loss in collapsed] == [
        ("merged", "day", 1),
        ("merged", "scene", 1),
    ]
    assert loaded.report.counts()["tag"] == {"in": 4, "kept": 2, "changed": 0, "dropped": 2}
    assert loaded.report.counts()["answer"]["dropped"] == 1


@pytest.mark.proves("cvat ontology: tag and shape")
def test_a_label_may_be_both_tag_and_shape() -> None:
    loaded = Loaded(document(image(shape("tag"), box())))
    assert [o.name for o in loaded.labels.ontology.objects] == ["a"]
    assert answers(tags_of(loaded.rows[0])[0]) == {"Tags": ["a"]}


def test_every_tag_of_a_common_classification_is_dropped_with_it() -> None:
    loaded = Loaded(
        document(
            image(shape("tag", "x"), shape("tag", "y", source="auto")), labels=label("x", "tag") + label("y", "tag")
        )
    )
    report = Report()
    for row in report.rows(loaded.labels):
        for tag in tags_of(row):
            report.drop(tag, 0, "CLASSIFICATION_DROPPED", Feature.CLASSIFICATIONS, "")
    assert report.counts()["tag"] == {"in": 2, "kept": 0, "changed": 0, "dropped": 2}
    assert report.labels()["y"]["dropped"] == 1
    assert report.counts()["source"]["dropped"] == 1


# -- images -----------------------------------------------------------------------------------------------------


def project(*tasks: str, labels: str = label("a"), subsets: str = "") -> str:
    listed = f"<tasks>{''.join(tasks)}</tasks><subsets>{subsets}</subsets>"
    return f"<project><id>1</id><name>p</name>{listed}<labels>{labels}</labels></project>"


@pytest.mark.proves("cvat containers: image of a task")
def test_a_image_is_a_row_of_its_own() -> None:
    loaded = Loaded(document(image(box()), image(box(1), box(2), name="b.jpg")))
    assert [(row.data_type.value, row.number_of_frames, len(row._objects)) for row in loaded.rows] == [
        ("image", 1, 1), ("image", 1, 2),
    ]  # fmt: skip


def test_empty_images_are_rows() -> None:
    loaded = Loaded(document(image(), image(name="b.jpg"), '<image id="2" name="c.jpg" width="3" height="4"/>'))
    assert [(row.data_title, row.width, row.height) for row in loaded.rows] == [
        ("a.jpg", 200, 100),
        ("b.jpg", 200, 100),
        ("c.jpg", 3, 4),
    ]


@pytest.mark.proves("labels: 26")
def test_gaps_and_disorder_of_ids_change_nothing() -> None:
    loaded = Loaded(document(image(box(), id=25), image(box(), name="b.jpg", id=5), image(box(), name="c.jpg", id=5)))
    assert [row.data_title for row in loaded.rows] == ["a.jpg", "b.jpg", "c.jpg"]
    assert len({row.data_hash for row in loaded.rows}) == 3


@pytest.mark.proves("labels: 25", "cvat containers: project", "cvat codes: SUBSET_AS_METADATA")
def test_subsets_name_the_rows_and_are_kept_as_metadata() -> None:
    body = [image(box(), subset=subset, task_id=1) for subset in ("Train", "Val")]
    loaded = Loaded(document(*body, meta=project(subsets="Val\nTrain")))
    assert [row.data_title for row in loaded.rows] == ["Train/a.jpg", "Val/a.jpg"]
    assert [row.client_metadata for row in loaded.rows] == [{"split": "Train"}, {"split": "Val"}]
    assert {note.code: str(note.level) for note in loaded.report.notes()}["SUBSET_AS_METADATA"] == "info"
    one = Loaded(document(image(box(), subset="default", task_id=1), meta=project()))
    assert one.rows[0].data_title == "a.jpg"


@pytest.mark.proves("cvat containers: project")
def test_each_subset_is_a_dataset_if_asked_for() -> None:
    body = [image(box(), subset=subset, task_id=1) for subset in ("Train", "Val")]
    text = document(*body, meta=project(subsets="Train\nVal"))
    assert [row.dataset_title for row in Loaded(text).rows] == ["p", "p"]
    rows = Loaded(text, subsets="datasets").rows
    assert [row.dataset_title for row in rows] == ["p/Train", "p/Val"]
    assert rows[0].dataset_hash != rows[1].dataset_hash
    assert [row.client_metadata for row in rows] == [{"split": "Train"}, {"split": "Val"}]


def frames_as_images(*numbers: int) -> bytes:
    described = (
        "<id>1</id><name>bay</name><size>4</size><mode>interpolation</mode><start_frame>10</start_frame>"
        "<stop_frame>25</stop_frame><frame_filter>step=5</frame_filter>"
        "<original_size><width>200</width><height>100</height></original_size><source>v.mp4</source>"
    )
    labels = f"<labels>{label('a')}</labels>"
    body = [image(box(number), shape("tag"), name=f"frame_{number:06d}", id=number) for number in numbers]
    return document(*body, meta=f"<task>{described}{labels}</task>")


@pytest.mark.proves("cvat containers: video task as images", "cvat codes: TRACK_ID_LOST")
def test_frames_exported_as_images_are_images_or_a_group_and_their_tracks_are_said_to_be_lost() -> None:
    text = frames_as_images(20, 10)
    loaded = Loaded(text)
    assert [(row.data_title, row.data_type.value) for row in loaded.rows] == [
        ("frame_000020", "image"), ("frame_000010", "image"),
    ]  # fmt: skip
    assert {str(note.level) for note in loaded.report.notes() if note.code == "TRACK_ID_LOST"} == {"info"}
    [group] = Loaded(text, group_images=True).rows
    assert (group.data_title, group.data_type.value, group.number_of_frames) == ("bay", "img_group", 2)
    assert [unit.data_title for unit in group._units] == ["frame_000010", "frame_000020"]


@pytest.mark.proves("labels: 26", "cvat containers: video task as images")
def test_frames_exported_as_images_are_the_video_if_asked_for() -> None:
    text = frames_as_images(20, 10)
    loaded = Loaded(text, frames_as_video=True)
    [row] = loaded.rows
    assert (row.data_title, row.data_type.value, row.number_of_frames) == ("v.mp4", "video", 26)
    assert (row.width, row.height) == (200, 100)
    assert [(sorted(i._frames), xywh_at(i, 10 * n)) for n, i in enumerate(loaded.instances, 1)] == [
        ([10], 0.05), ([20], 0.1),
    ]  # fmt: skip
    assert [sorted(one._frames) for one in tags_of(row)] == [[10], [20]]
    relative = Loaded(text, frames_as_video=True, frame_mapping="relative")
    assert [sorted(i._frames) for i in relative.instances] == [[0], [2]]
    assert relative.rows[0].number_of_frames == 4
    twice = Loaded(text.replace(b'id="20" name="frame_000020"', b'id="10" name="other"'), frames_as_video=True)
    assert [sorted(i._frames) for i in twice.instances] == [[10], [10]]
    plain = Loaded(text.replace(b"interpolation", b"annotation"), frames_as_video=True)
    assert [row.data_type.value for row in plain.rows] == ["image", "image"]


def xywh_at(instance: ObjectInstance, frame: int) -> float:
    return float(coordinates(instance, frame).top_left_x)


@pytest.mark.proves("labels: 25", "cvat codes: DUPLICATE_IMAGE")
def test_a_image_listed_twice_is_read_once_and_the_other_is_told_with_all_its_shapes() -> None:
    body = [
        image(box(answers={"n": "1"}), subset="s", task_id=1),
        image(box(1, z_order=4), shape("tag"), subset="s", task_id=1),
        image(box(), subset="s", task_id=2), image(box(), subset="t", task_id=1),
    ]  # fmt: skip
    loaded = Loaded(document(*body, meta=project()))
    assert len(loaded.rows) == 3
    assert len(loaded.instances) == 3
    counts = loaded.report.counts()
    assert [counts[name]["dropped"] for name in ("image", "box", "tag", "z_order")] == [1, 1, 1, 1]
    assert {str(note.level) for note in loaded.report.notes() if note.code == "DUPLICATE_IMAGE"} == {"error"}


def test_windows_separators_keep_the_title_and_count_as_the_same_path() -> None:
    loaded = Loaded(document(image(box(), name="cam\\a.jpg"), image(box(), name="cam/a.jpg")))
    assert [row.data_title for row in loaded.rows] == ["cam\\a.jpg"]
    assert "DUPLICATE_IMAGE" in loaded.codes


@pytest.mark.proves("cvat containers: image of a task")
def test_images_of_a_task_are_one_group_if_asked_for() -> None:
    body = [image(box(x), name=f"{x}.jpg", id=x, task_id=1) for x in (3, 1, 2)]
    loaded = Loaded(
        document(*body, image(box(), task_id=2), meta=project("<task><id>1</id><name>one</name></task>")),
        group_images=True,
    )
    first, second = loaded.rows
    assert (first.data_type.value, first.number_of_frames, second.number_of_frames) == ("img_group", 3, 1)
    assert first.data_title == "one"
    placed = {
        frame: round(coordinates(i, frame).top_left_x * 200)
        for i in first.get_object_instances()
        for frame in i._frames
    }
    assert placed == {0: 1, 1: 2, 2: 3}


@pytest.mark.proves("cvat codes: OUT_OF_BOUNDS")
def test_geometry_outside_is_kept_and_told_once_a_image() -> None:
    body = [
        image(box(-5, 1, 10, 9), shape("polygon", points="1,1;300,1;1,90"), shape("points", points="-1,2"), name=name)
        for name in "xy"
    ]
    loaded = Loaded(document(*body))
    assert {note.code: note.count for note in loaded.report.notes()}["OUT_OF_BOUNDS"] == 2
    assert len(loaded.instances) == 6
    assert loaded.named("a")[0].get_annotation(0).coordinates.top_left_x == -0.025


def test_clip_cuts_at_the_border() -> None:
    body = image(
        box(-5, 1, 10, 9), shape("polygon", points="190,1;210,1;210,90;190,90"), shape("polyline", points="1,1;300,1"),
        box(500, 1, 510, 9), shape("points", points="500,1"),
    )  # fmt: skip
    loaded = Loaded(document(body), clip=True)
    assert xywh(loaded.instances[0]) == (0, 0.01, 0.05, 0.08)
    assert np.array(pixels(loaded.instances[1])).max(0).tolist() == [200, 90]
    assert pixels(loaded.instances[2]) == [(1, 1), (200, 1)]
    kinds = Counter((str(loss.kind), loss.type) for loss in loaded.report.losses() if loss.code == "OUT_OF_BOUNDS")
    assert kinds == {
        ("approximated", "box"): 1,
        ("approximated", "polygon"): 1,
        ("approximated", "polyline"): 1,
        ("dropped", "box"): 1,
        ("dropped", "points"): 1,
    }


@pytest.mark.proves("cvat codes: UNSUPPORTED_SHAPE")
def test_elements_that_are_no_shapes_are_told() -> None:
    loaded = Loaded(document(image(box(), shape("hypercube"))))
    loss = loaded.loss("UNSUPPORTED_SHAPE")
    assert (loss.type, loss.feature, loss.count) == ("hypercube", "shape", 1)
    assert {str(note.level) for note in loaded.report.notes() if note.code == "UNSUPPORTED_SHAPE"} == {"error"}


@pytest.mark.parametrize("comment", ["", "<!-- a word -->"])
def test_shapes_outside_of_images_are_told(comment: str) -> None:
    body = [image(box()), box(), image(name="b.jpg"), box(), comment]
    loaded = Loaded(MemorySource({"a.xml": document(*body)}))
    assert len(loaded.instances) == 1
    assert loaded.loss("UNSUPPORTED_SHAPE").count == 2


# -- layouts ------------------------------------------------------------------------------------------------------


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return path


def put(folder: Path, members: dict[str, bytes]) -> Path:
    for name, data in members.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder


def image_bytes(width: int, height: int) -> bytes:
    stream = io.BytesIO()
    Image.new("1", (width, height)).save(stream, "PNG")
    return stream.getvalue()


@pytest.mark.proves("labels: 28")
@pytest.mark.parametrize("case", CASES)
def test_folder_archive_file_memory_and_pipe_give_one_hub(case: str, tmp_path: Path) -> None:
    folder = FIXTURES / case
    [xml] = folder.glob("*.xml")
    members = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    sources: list[Source] = [source_at(folder), source_at(zipped(tmp_path / "a.zip", members)), source_at(xml)]
    sources += [MemorySource({"x.xml": xml.read_bytes()}), spooled(io.BytesIO(xml.read_bytes()))]
    options = json.loads((folder / "options.json").read_text()) if (folder / "options.json").exists() else {}
    hubs = []
    for source in sources:
        with source:
            assert FORMAT.identify(source) is Match.YES
            hubs.append(hub_of(read(source, **options)))
    assert all(hub == hubs[0] for hub in hubs)


@pytest.mark.parametrize("case", CASES)
def test_every_element_of_every_fixture_is_counted(case: str) -> None:
    [xml] = (FIXTURES / case).glob("*.xml")
    options = {"size": "10x10"} if case == "authored-images-v1.0" else {}
    loaded = Loaded(xml.read_bytes(), **options)
    again = list(loaded.labels)
    assert len(again) == len(loaded.rows)
    for mine, other in zip(loaded.rows, again, strict=True):
        assert mine.to_encord_dict() == other.to_encord_dict()
        for instance in (*mine.get_object_instances(), *mine.get_classification_instances()):
            instance.is_valid()
    image_elements = [row for row in loaded.rows if row.data_type.value == "image"]
    assert loaded.report.reading.into["image", ""] == len(image_elements)


@pytest.mark.proves("labels: 28")
def test_several_files_are_kept_apart_and_share_their_labels(tmp_path: Path) -> None:
    one = document(image(box(answers={"x": "1"})), labels=label("a", "any", attribute("x", "number")))
    other = document(
        image(box(answers={"x": "true"})), labels=label("a", "any", attribute("x", "checkbox")) + label("b", "polygon")
    )
    folder = put(tmp_path, {"one.xml": one, "two/annotations.xml": other})
    loaded = Loaded(source_at(folder))
    assert [row.data_title for row in loaded.rows] == ["a.jpg", "two/a.jpg"]
    assert len({row.data_hash for row in loaded.rows}) == len({row.label_hash for row in loaded.rows}) == 2
    assert [o.name for o in loaded.labels.ontology.objects] == ["a", "b"]
    assert [answers(instance) for instance in loaded.instances] == [{"x": "1"}, {"x": "true"}]


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"hello",
        b"<svg><annotations/></svg>",
        b"<annotation><folder/></annotation>",
        b"<annotations/>",
        b'{"annotations": []}',
    ],
)
def test_other_files_are_not_claimed(text: bytes) -> None:
    assert FORMAT.identify(MemorySource({"a.xml": text})) is Match.NO


@pytest.mark.parametrize(
    "text",
    [
        document(image()), document(image()).decode().encode("utf-16"), b"\xef\xbb\xbf" + document(image()),
        document(image()).replace(b"?>", b"?><!-- x --><?y z?>\n", 1),
        document(image()).replace(b"?>", b'?><!DOCTYPE a [<!ENTITY x "]">]>', 1),
    ],
)  # fmt: skip
def test_files_are_claimed_whatever_comes_before_the_root(text: bytes) -> None:
    assert FORMAT.identify(MemorySource({"a.xml": text})) is Match.YES


def test_claiming_is_quick_on_a_hostile_head() -> None:
    assert FORMAT.identify(MemorySource({"a.xml": b"<!--a-->" * 8000 + b"<!--"})) is Match.NO


@pytest.mark.proves("labels: 25", "labels: 27")
def test_sizes_the_file_does_not_say_are_those_of_the_images(tmp_path: Path) -> None:
    body = [
        image(box(), name="a.png", size=None, subset="Train", task_id=1),
        image(box(), name="a.png", size=None, subset="Val", task_id=1),
        image(box(), name="frame_000003", size=None, subset="Val", task_id=1),
        image(box(), name="cam\\b.png", size=None),
    ]  # fmt: skip
    members = {
        "annotations.xml": document(*body, meta=project()),
        "images/Train/a.png": image_bytes(100, 50), "images/Val/a.png": image_bytes(200, 80),
        "images/Val/frame_000003.PNG": image_bytes(70, 60), "images/cam/b.png": image_bytes(64, 48),
    }  # fmt: skip
    loaded = Loaded(source_at(put(tmp_path, members)))
    assert [(row.width, row.height) for row in loaded.rows] == [(100, 50), (200, 80), (70, 60), (64, 48)]


def test_a_image_that_exif_turns_has_the_size_as_it_is_shown_and_says_so(tmp_path: Path) -> None:
    exif, jpeg = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    Image.new("RGB", (70, 50)).save(jpeg, "JPEG", exif=exif)
    text = document(image(box(), name="a.jpg", size=None))
    loaded = Loaded(source_at(put(tmp_path, {"annotations.xml": text, "images/a.jpg": jpeg.getvalue()})))
    assert (loaded.rows[0].width, loaded.rows[0].height) == (50, 70)
    assert [str(note.level) for note in loaded.report.notes() if note.code == "EXIF_ORIENTATION"] == ["warning"]


@pytest.mark.proves("labels: 24", "cvat codes: MISSING_SIZE")
def test_a_image_of_unknown_size_is_refused_with_advice() -> None:
    text = document(image(box(), size=None), version="1.0")
    with pytest.raises(
        ReadError, match=r"annotations\.xml:2: the size of the image 'a\.jpg' is not known.*-r size=WIDTHxHEIGHT"
    ):
        list(read(MemorySource({"annotations.xml": text}), "cvat"))
    assert xywh(Loaded(text, size="400x400").only) == (0.025, 0.05, 0.125, 0.05)


@pytest.mark.proves("labels: 24")
def test_the_attribute_language_of_version_1_0_is_read() -> None:
    attributes = "".join(
        f"<attribute>{text}</attribute>"
        for text in ('~radio=state:sail,"full sail"', "@checkbox=new:true", "@number=n:1,9,1")
    )
    labels = f"<label><name>a</name><attributes>{attributes}</attributes></label>"
    given = {"state": "full sail", "new": "True", "n": "4"}
    loaded = Loaded(document(image(box(answers=given)), labels=labels, version="1.0"))
    assert answers(loaded.only) == {"state": "full sail", "new": ["new"], "n": "4"}
    assert [a.dynamic for a in loaded.only.ontology_item.attributes] == [True, False, False]


def test_names_of_people_are_not_read() -> None:
    people = "<owner><username>someone</username><email>someone@example.org</email></owner>"
    loaded = Loaded(document(image(box()), task=people))
    assert "someone" not in json.dumps(hub_of(loaded.labels)) + json.dumps(loaded.report.to_dict())


# -- broken files -------------------------------------------------------------------------------------------------


@pytest.mark.proves("labels: 28")
@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (document(image(box()))[:-60], r"annotations\.xml:\d+: is not well-formed XML.*Was the file cut short\?"),
        (document(image(box())).split(b"<image")[0], r"annotations\.xml:\d+: .*Was the file cut short\?"),
        (document(image(box())).replace(b"<meta>", b"<!DOCTYPE x><meta>"), "is not well-formed XML"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]>' + document(image())[39:], "has a DOCTYPE"),
        (("<!DOCTYPE annotations>" + document(image()).decode()[39:]).encode("utf-16"), "has a DOCTYPE"),
        (document(image(box())).replace(b"a.jpg", b"&x;.jpg"), "is not well-formed XML"),
        (document(image(box())).replace(b"a.jpg", b"\xe4.jpg"), r"annotations\.xml:2: is not well-formed XML"),
        (document("<a>" * 100_000), r"annotations\.xml:2: is not well-formed XML"),
        (b"<svg/>", "the root element is <svg>"),
        (b"hello", "is not XML"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(text: bytes, sentence: str) -> None:
    with pytest.raises(ReadError, match=sentence):
        list(read(MemorySource({"annotations.xml": text}), "cvat"))


def test_a_file_that_changes_between_the_passes_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(document(image(box())))
    labels = read(path)
    path.write_bytes(document(image(box(), box())))
    with pytest.raises(ReadError, match="changed while it was read"):
        list(labels)


def test_options_are_checked() -> None:
    for name, value in (("size", "big"), ("size", "0x4"), ("ellipse_vertices", "2"), ("boxes", "x"), ("nothing", "1")):
        with pytest.raises(OptionError):
            read(MemorySource({"a.xml": document()}), "cvat", **{name: value})


# -- lanes --------------------------------------------------------------------------------------------------------

BARE = '<box label="a" xtl="1" ytl="2" xbr="3" ybr="4"'
DIALECTS = {
    "comment": document(image(box(), "<!-- x -->")),
    "single quotes": document(image(box())).replace(b'"60"', b"'60'"),
    "break in a tag": document(image(box())).replace(b' ytl=', b'\n   ytl='),
    "blank before =": document(image(box())).replace(b' ytl=', b' ytl ='),
    "carriage returns": document(image(box(), "\r\n")),
    "latin-1": document(image(box(label_="\u00e9"))).decode().replace("utf-8", "iso-8859-1").encode("latin-1"),
    "utf-16": document(image(box())).decode().replace("utf-8", "utf-16").encode("utf-16"),
    "CDATA": document(image(box(answers={"n": "@"}))).replace(b"@", b"<![CDATA[x & y]]>"),
    "nested": document("<other>", image(box()), "</other>"),
    "label last": document(image('<box xtl="1" ytl="2" xbr="3" ybr="4" label="a"/>')),
    "greater than in a value": document(image(box(label_="a>b"), name="a>b.jpg")),
    "entities": document(image(box(label_="&<>\"'\u6f22", answers={"n": "&#x41; &#66;"}, occluded=1), name="&.jpg")),
    "break in a label": document(image(box())).replace(b'label="a"', b'label="a\nb"'),
    "empty elements": document(image('<tag label="a"/>', '<tag label="b" />', f"{BARE} />")),
    "empty attribute element": document(image(f'{BARE}><attribute name="n"/></box>')),
    "text between": document(image("text", box(), "text")),
    "points of skeletons": document(
        image(shape("skeleton", "fish", {"y": "2"}, point("head", 1, 2, occluded=1, answers={"x": "1"})))
    ),
    "groups": document(image(box(group_id=4), shape("points", points="1,2;3,4;"), shape("points", points="1,2"))),
    "turned": document(image(box(rotation="0.0"), box(label_="b", rotation="12"), box(label_="c", rotation="nan"))),
}  # fmt: skip


def exact(source: Source, member: str, wanted: Wanted) -> Any:
    found = scan._exact(source, member, wanted)
    found.stamp = scan.stamp_of(source, member)
    return found


@pytest.mark.parametrize("name", [*DIALECTS, *CASES])
def test_both_lanes_find_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = DIALECTS.get(name) or next((FIXTURES / name).glob("*.xml")).read_bytes()
    source, wanted = MemorySource({"a.xml": text}), Wanted(groups=True, pairs=True)
    quick, slow = scan.scan(source, "a.xml", wanted), exact(source, "a.xml", wanted)
    assert quick.stats == slow.stats
    assert quick.meta == slow.meta
    options = {"size": "10x10", "group_id": True}
    hub = hub_of(read(source, "cvat", report=(report := Report()), **options))
    monkeypatch.setattr(import_module("encord_convert.formats.cvat.read"), "scan", exact)
    other = hub_of(read(source, "cvat", report=(report_of_other := Report()), **options))
    assert hub == other
    assert report.to_dict() == report_of_other.to_dict()


def test_what_cvat_writes_takes_the_quick_lane() -> None:
    plain = {
        "label last", "greater than in a value", "entities", "empty elements", "empty attribute element",
        "points of skeletons", "groups", "turned",
    }  # fmt: skip
    for name, text in DIALECTS.items():
        found = scan.scan(MemorySource({"a.xml": text}), "a.xml", Wanted())
        assert found.is_canonical == (name in plain), name
    slow = {"project-skeleton-mixed", "video-boxes-minimal"}  # these hold comments
    for case in CASES:
        [xml] = (FIXTURES / case).glob("*.xml")
        assert scan.scan(source_at(xml), xml.name, Wanted()).is_canonical == (case not in slow)


@pytest.mark.proves("labels: 49")
@pytest.mark.parametrize("size", [64, 500, 3000])
def test_the_size_of_chunks_changes_nothing(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    text = many(12)
    hub = hub_of(read(MemorySource({"a.xml": text})))
    monkeypatch.setattr(fast_xml, "CHUNK_BYTES", size)
    assert hub_of(read(MemorySource({"a.xml": text}))) == hub


# -- many images ------------------------------------------------------------------------------------------------


def many(count: int) -> bytes:
    """Return a document of images of all sorts, laid out on lines, some of them listed twice."""
    image_elements = []
    for number in range(count):
        shapes = [
            box(number % 50, z_order=number % 3, occluded=number % 2, answers={"lit": "true", "note": f"n{number}"}),
            shape("polygon", points=f"1,1;{number % 190},2;3,90.5"), shape("polyline", points="1,1;2,2.25"),
            shape("points", points="1,1;2,2"), shape("tag"),
            box(-3 if number % 7 == 0 else 1, rotation=number % 5 * 10),
        ]  # fmt: skip
        name = f"{number - number % 9 // 8}.jpg"  # each ninth has the name of the one before
        image_elements.append("\n  " + image(*("\n    " + one for one in shapes), "\n  ", name=name, id=number) + "\n")
    return document(*image_elements, labels=label("a", "any", *KINDS))


def hub_and_account(labels: list[LabelSet]) -> tuple[list[Any], Any]:
    rows, counts = [], None
    for part in labels:
        rows += [row.to_encord_dict() for row in part]
        assert part.counts is not None
        if counts is None:
            counts = part.counts
        else:
            counts.merge(part.counts)
    assert counts is not None
    found = {name: dict(getattr(counts, name)) for name in ("into", "changed", "dropped")}
    losses = {
        (loss.kind, loss.code, loss.type, loss.label): (loss.count, loss.where, loss.detail) for loss in counts.losses()
    }
    return rows, (
        {name: {key: n for key, n in values.items() if n} for name, values in found.items()},
        losses,
        counts.notes(),
    )


@pytest.mark.parametrize("count", [2, 3, 7, 100])
def test_the_parts_together_are_the_whole(count: int, tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(many(40))
    whole = read(path)
    rows, account = hub_and_account([whole])
    parts = whole.shards(count)
    assert 1 < len(parts) <= count
    sent = [open_shard(pickle.loads(pickle.dumps(part.spec))[1]) for part in parts]
    assert {str(part.ontology.to_dict()) for part in sent} == {str(whole.ontology.to_dict())}
    assert hub_and_account(sent) == (rows, account)


def test_what_cannot_be_cut_is_one_part(tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(many(5))
    grouped = read(tmp_path / "a.xml", group_images=True)
    assert grouped.shards(4) == [grouped]
    zipped(tmp_path / "a.zip", {"a.xml": many(5)})
    archived = read(tmp_path / "a.zip")
    assert archived.shards(4) == [archived]


def test_two_walks_give_the_same_rows_and_the_same_account() -> None:
    labels = read(MemorySource({"a.xml": many(30)}))
    assert hub_and_account([labels]) == hub_and_account([labels])


def test_rows_are_forgotten_as_they_pass() -> None:
    gc.disable()
    try:
        alive: list[weakref.ref[Any]] = []
        for row in read(MemorySource({"a.xml": many(200)})):
            alive.append(weakref.ref(row))
            assert sum(one() is not None for one in alive) <= 2
    finally:
        gc.enable()


@pytest.mark.proves("labels: 49")
def test_memory_does_not_grow_with_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counts, "_MAX_READY", 64)
    monkeypatch.setattr(fast_xml, "CHUNK_BYTES", 1 << 15)
    peaks = []
    for count in (300, 1200):
        (tmp_path / "a.xml").write_bytes(many(count))
        labels = read(tmp_path / "a.xml")
        tracemalloc.start()
        for _ in labels:
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.5 * peaks[0]


MEETING = ("label 76025", "label 154594")
"""Labels whose classes would have one hash: it has 32 bits, and among a hundred thousand labels two meet so."""


def test_labels_whose_hashes_meet_are_two_classes(tmp_path: Path) -> None:
    labels = "".join(f"<label><name>{one}</name><type>rectangle</type><attributes/></label>" for one in MEETING)
    boxes = "".join(
        f'<box label="{one}" occluded="0" xtl="4" ytl="3" xbr="20" ybr="15" z_order="0"></box>' for one in MEETING
    )
    (tmp_path / "annotations.xml").write_text(
        "<annotations><version>1.1</version><meta><task><id>1</id><name>t</name><size>1</size><mode>annotation</mode>"
        f'<labels>{labels}</labels></task></meta><image id="0" name="a.png" width="40" height="30">{boxes}</image>'
        "</annotations>"
    )
    assert run(["convert", str(tmp_path / "annotations.xml"), str(tmp_path / "out.json"), "--to", "coco"]) == 0
    made = json.loads((tmp_path / "out.json").read_text())
    names = {one["id"]: one["name"] for one in made["categories"]}
    assert [names[one["category_id"]] for one in made["annotations"]] == list(MEETING)
