"""Algorithms, computed by the service. Through our own client."""

from __future__ import annotations

from typing import Any

import pytest
from harness import Running
from worlds import world

from encord_convert.sdk.exceptions import InvalidArgumentsError, OperationNotAllowed


def entry(hash_: str = "obj", **shape: Any) -> dict[str, Any]:
    return {"objectHash": hash_, "featureHash": "car00001"} | shape


def points(*pairs: tuple[float, float]) -> dict[str, dict[str, float]]:
    return {str(number): {"x": x, "y": y} for number, (x, y) in enumerate(pairs)}


def filled(server: Running, first: dict[str, Any], last: dict[str, Any], frames: int = 4) -> list[Any]:
    """What the object is on each frame from the first to the last."""
    shape = next(key for key in first if key not in ("objectHash", "featureHash", "name"))
    keys = {"0": {"objects": [first]}, str(frames): {"objects": [last]}}
    answer = world(server).project.object_interpolation(keys, ["obj"])
    assert list(answer) == [str(number) for number in range(frames + 1)]
    return [answer[str(number)]["objects"][0][shape] for number in range(frames + 1)]


@pytest.mark.proves("service: 12")
def test_a_box_moves_linearly(server: Running) -> None:
    a = {"x": 0.0, "y": 0.0, "w": 0.5, "h": 0.25}
    b = {"x": 0.5, "y": 0.25, "w": 0.5, "h": 0.75}
    assert filled(server, entry(boundingBox=a), entry(boundingBox=b)) == [
        a,
        {"x": 0.125, "y": 0.0625, "w": 0.5, "h": 0.375},
        {"x": 0.25, "y": 0.125, "w": 0.5, "h": 0.5},
        {"x": 0.375, "y": 0.1875, "w": 0.5, "h": 0.625},
        b,
    ]


@pytest.mark.proves("service: 12")
def test_a_rotated_box_turns_along_the_shorter_arc(server: Running) -> None:
    box = {"x": 0.0, "y": 0.0, "w": 0.5, "h": 0.25}
    found = filled(
        server, entry(rotatableBoundingBox=box | {"theta": 350.0}), entry(rotatableBoundingBox=box | {"theta": 10.0})
    )
    assert [one["theta"] for one in found] == [350.0, 355.0, 0.0, 5.0, 10.0]


@pytest.mark.proves("service: 12")
def test_a_polygon_moves_vertex_by_vertex(server: Running) -> None:
    a = points((0.0, 0.0), (0.5, 0.0), (0.5, 0.5))
    b = points((0.25, 0.0), (0.75, 0.0), (0.75, 0.5))
    assert filled(server, entry(polygon=a), entry(polygon=b), 2)[1] == points((0.125, 0.0), (0.625, 0.0), (0.625, 0.5))


@pytest.mark.proves("service: 12")
def test_a_key_point_moves_linearly(server: Running) -> None:
    found = filled(server, entry(point=points((0.0, 1.0))), entry(point=points((1.0, 0.0))))
    assert [one["0"]["x"] for one in found] == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_a_mask_holds_until_the_next_key_frame(server: Running) -> None:
    a, b = ({"top": 0, "left": 0, "height": 2, "width": 2, "rleString": text} for text in ("04", "4"))
    assert filled(server, entry(bitmask=a), entry(bitmask=b), 3) == [a, a, a, b]


def test_only_objects_that_are_named_are_filled_in_between_their_own_key_frames(server: Running) -> None:
    box = {"x": 0.0, "y": 0.0, "w": 0.5, "h": 0.25}
    keys = {
        "0": {"objects": [entry("a", boundingBox=box, name="kept"), entry("b", boundingBox=box)]},
        "2": {"objects": [entry("a", boundingBox=box)]},
        "4": {"objects": [entry("b", boundingBox=box)]},
    }
    answer = world(server).project.object_interpolation(keys, ["a"])
    assert {number: [one["objectHash"] for one in frame["objects"]] for number, frame in answer.items()} == {
        "0": ["a", "b"], "1": ["a"], "2": ["a"], "4": ["b"],
    }  # fmt: skip
    assert answer["1"]["objects"][0]["name"] == "kept"


def test_an_answer_has_its_limit(server: Running) -> None:
    box = {"x": 0.0, "y": 0.0, "w": 0.5, "h": 0.25}
    keys = {"0": {"objects": [entry(boundingBox=box)]}, "1000000000": {"objects": [entry(boundingBox=box)]}}
    with pytest.raises(OperationNotAllowed, match="The answer would hold over 100000 objects"):
        world(server).project.object_interpolation(keys, ["obj"])


@pytest.mark.proves("service: 12")
@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ({"polygon": points((0.1, 0.2), (0.5, 0.3), (0.3, 0.8))}, (0.1, 0.2, 0.4, 0.6)),
        ({"polyline": points((-0.5, 0.5), (0.5, 1.5))}, (0.0, 0.5, 0.5, 0.5)),
        ({"rotatableBoundingBox": {"x": 0.4, "y": 0.3, "w": 0.2, "h": 0.4, "theta": 90.0}}, (0.4, 0.3, 0.2, 0.4)),
        ({"boundingBox": {"x": 0.1, "y": 0.2, "w": 0.3, "h": 0.4}}, (0.1, 0.2, 0.3, 0.4)),
        (
            {"bitmask": {"top": 10, "left": 20, "height": 3, "width": 4, "rleString": "5132"}},
            (0.105, 0.11, 0.015, 0.02),
        ),
    ],
)
def test_a_fitted_box_encloses_what_is_drawn(server: Running, shape: dict[str, Any], expected: Any) -> None:
    frames = {"3": {"objects": [entry(**shape, name="Car")], "classifications": []}}
    answer = world(server).project.fitted_bounding_boxes(frames, {"width": 200, "height": 100})
    [fitted] = answer["3"]["objects"]
    assert fitted["name"] == "Car" and set(fitted) == {"objectHash", "featureHash", "name", "shape", "boundingBox"}
    box = fitted["boundingBox"]
    assert (box["x"], box["y"], box["w"], box["h"]) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"key_frames": {"0": {}}, "objects_to_interpolate": []}, "interpolation: 'objects' is missing"),
        ({"key_frames": {"x": {"objects": []}}, "objects_to_interpolate": []}, "invalid literal"),
        ({"objects_to_interpolate": []}, "interpolation: 'key_frames' is missing"),
    ],
)
def test_what_cannot_be_computed_is_refused(server: Running, parameters: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidArgumentsError, match=message):
        world(server).client._run("interpolation", parameters)


def test_an_algorithm_nobody_knows_is_refused(server: Running) -> None:
    with pytest.raises(InvalidArgumentsError, match="There is no algorithm 'magic'"):
        world(server).client._run("magic", {})
