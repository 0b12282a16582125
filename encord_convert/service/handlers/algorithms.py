"""Algorithms: interpolation between key frames, and fitted bounding boxes.

Interpolation moves boxes and their rotation linearly, polygons and polylines by position along their outline, points
linearly; a mask, or a shape that changes its type, holds until the next key frame. Before the first and after the last
key frame of an object nothing is added. Fitting replaces the shape of every object by the upright box that encloses it,
cut at the image.

Both return all sent and filled frames; objects keep all other data.

Source: wire protocol, section 10.7; the motion is that of :mod:`encord_convert.geometry.interpolation`. Unknown:
whether the original repeats the key frames, and whether it fits boxes to the image as well; its answers would tell.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from encord_convert.geometry.boxes import clip_xyxy, corners_from_rotated, xywh_from_xyxy, xyxy_from_points
from encord_convert.geometry.interpolation import angle_lerp, lerp, points_between
from encord_convert.geometry.rle import box_from_runs, runs_from_string
from encord_convert.sdk.exceptions import InvalidArgumentsError, OperationNotAllowed
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.service.calls import Call, Kind, handles

MOST_FRAMES = 100_000
"""Most objects of an answer, counted per frame."""

BOXES = ("boundingBox", "rotatableBoundingBox")
LINES = ("polygon", "polyline")
SHAPES = (*BOXES, *LINES, "point", "skeleton", "bitmask")
_BOX = ("x", "y", "w", "h")

Entry = dict[str, Any]
Frames = dict[int, dict[str, Any]]


@handles(Query.LABELING_ALGORITHM, Verb.POST, RESOURCE, writes=False, scope="algo.library", kinds=(Kind.PROJECT,))
def run(call: Call) -> dict[str, Any]:
    """Run an algorithm on what is sent; nothing is stored."""
    name = call.given("algorithm_name", str)
    given = call.given("algorithm_parameters", dict)
    try:
        if name == "interpolation":
            wanted = given["objects_to_interpolate"]
            return _wire(interpolated(_frames(given["key_frames"]), wanted))
        if name == "fitted_bounding_box":
            size = given["video"]
            return _wire(fitted(_frames(given["labels"]), float(size["width"]), float(size["height"])))
    except KeyError as error:
        raise InvalidArgumentsError(f"{name}: {error} is missing.") from None
    except (TypeError, ValueError, AttributeError) as error:
        raise InvalidArgumentsError(f"{name}: {error}") from None
    raise InvalidArgumentsError(
        f"There is no algorithm {name[:64]!r}; there are interpolation and fitted_bounding_box."
    )


def interpolated(key_frames: Frames, object_hashes: Sequence[str]) -> Frames:
    """Return the key frames, and objects on the frames between them."""
    frames = {number: frame | {"objects": list(frame["objects"])} for number, frame in key_frames.items()}
    count = 0
    for hash_ in dict.fromkeys(object_hashes):
        keys = [
            (number, entry)
            for number, frame in sorted(key_frames.items())
            for entry in frame["objects"]
            if entry["objectHash"] == hash_
        ]
        for (start, before), (end, after) in pairwise(keys):
            count += end - start
            if count > MOST_FRAMES:
                raise OperationNotAllowed(f"The answer would hold over {MOST_FRAMES} objects; ask for fewer frames.")
            for number in range(start + 1, end):
                entry = between(before, after, (number - start) / (end - start))
                frames.setdefault(number, {"objects": []})["objects"].append(entry)
    return dict(sorted(frames.items()))


def between(before: Entry, after: Entry, t: float) -> Entry:
    """Return an object on its way from one key frame to the next; ``t`` is 0 at the one and 1 at the other."""
    shape = _shape_of(before)
    if shape not in after:
        return dict(before)
    a, b = before[shape], after[shape]
    if shape in BOXES:
        moved: Any = dict(zip(_BOX, lerp([a[k] for k in _BOX], [b[k] for k in _BOX], t), strict=True))
        if "theta" in a and "theta" in b:
            moved["theta"] = angle_lerp(a["theta"], b["theta"], t)
    elif shape in LINES:
        moved = _vertices(points_between(_flat(a), _flat(b), t, closed=shape == "polygon"))
    elif shape in ("point", "skeleton") and a.keys() == b.keys():
        moved = {
            key: point | dict(zip("xy", lerp(_flat({"0": point}), _flat({"0": b[key]}), t), strict=True))
            for key, point in a.items()
        }
    else:
        moved = a
    left_out = {"polygons"} if shape == "polygon" else set()
    return {key: value for key, value in before.items() if key not in left_out} | {shape: moved}


def fitted(frames: Frames, width: float, height: float) -> Frames:
    """Return the frames with the upright box around each object in place of its shape.

    Parameters
    ----------
    frames : dict
    width, height : float
        Size of the image in pixels, for corners of rotated boxes.
    """
    if not (width > 0 and height > 0):
        raise ValueError(f"the video is {width:g} x {height:g} pixels.")
    return {
        number: frame | {"objects": [_boxed(entry, width, height) for entry in frame["objects"]]}
        for number, frame in frames.items()
    }


def _boxed(entry: Entry, width: float, height: float) -> Entry:
    shape = _shape_of(entry)
    place = entry[shape]
    if shape == "bitmask":
        left, top, w_px, h_px = box_from_runs(runs_from_string(place["rleString"]), place["height"], place["width"])
        flat = _corners(place["left"] + left, place["top"] + top, w_px, h_px, 0.0, width, height)
    elif shape in BOXES:
        box = (place["x"] * width, place["y"] * height, place["w"] * width, place["h"] * height)
        flat = _corners(*box, place.get("theta", 0.0), width, height)
    else:
        flat = _flat(place)
    x, y, w, h = xywh_from_xyxy(clip_xyxy(xyxy_from_points(flat), 1.0, 1.0))
    rest = {key: value for key, value in entry.items() if key not in (*SHAPES, "polygons")}
    return rest | {"shape": "bounding_box", "boundingBox": {"h": h, "w": w, "x": x, "y": y}}


def _corners(x: float, y: float, w: float, h: float, theta: float, width: float, height: float) -> list[float]:
    """Return the corners of a rotated box in pixels, relative to the image."""
    corners = corners_from_rotated(x, y, w, h, theta)
    return [value / (height if index % 2 else width) for index, value in enumerate(corners)]


def _shape_of(entry: Entry) -> str:
    for shape in SHAPES:
        if shape in entry:
            return shape
    raise ValueError(f"object {entry.get('objectHash')!r} has no shape.")


def _flat(points: dict[str, dict[str, float]]) -> list[float]:
    ordered = [points[key] for key in sorted(points, key=int)]
    return [float(point[axis]) for point in ordered for axis in "xy"]


def _vertices(flat: Sequence[float]) -> dict[str, dict[str, float]]:
    return {str(index): {"x": flat[2 * index], "y": flat[2 * index + 1]} for index in range(len(flat) // 2)}


def _frames(value: dict[str, Any]) -> Frames:
    return {int(number): frame for number, frame in value.items()}


def _wire(frames: Frames) -> dict[str, Any]:
    return {str(number): frame for number, frame in frames.items()}
