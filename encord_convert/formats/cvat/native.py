"""What a CVAT file says of images and shapes that only CVAT has words for.

What follows from what is written again is left out: the running number of an image, a ``z_order`` of 0, the source
``manual`` or ``auto``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from encord_convert.formats.cvat.exact_xml import UNREAD, Shape, unread
from encord_convert.formats.cvat.fast_xml import answers_of
from encord_convert.formats.cvat.grid import FAMILY
from encord_convert.formats.cvat.read_attributes import Ready
from encord_convert.hub.native import Keys
from encord_convert.sdk.objects import LabelRowV2

ABSENT = "outside"
"""Key of the first frame of a track: where and what it is said to be on frames it is not on, by frame."""

UNREAD_ABSENT = "track.outside."
"""What the keys there begin with that name an XML attribute nothing reads, of a shape on such frames: its values."""

POINTS = "points"
"""Key of a skeleton: what is native of its points, by their label."""


_PLAIN = frozenset({"id", "name", "width", "height"})
_NOTHING: dict[str, str] = {}


def native_in(row: LabelRowV2, hash_: str, frame: int) -> Keys:
    """Return what is native of an annotation on a frame."""
    native = row._native
    own: Keys = native.of(hash_, frame) if native is not None and native.family == FAMILY else {}
    return own


def of_image(attributes: dict[str, str], place: int) -> Keys:
    """Return what is native of an image, which is the ``place``-th of its file."""
    if attributes.keys() <= _PLAIN and attributes.get("id") == str(place):
        return _NOTHING
    own = unread("image", attributes)
    if own.get("id") == str(place):
        del own["id"]
    return own


def of_shape(ready: Ready, shape: Shape, *, is_tracked: bool = False) -> Keys | None:
    """Return what is native of a shape or tag, None if nothing is."""
    tag, _, _, values, _, children, _ = shape
    beside: dict[str, Any] = unread(tag, values, is_tracked=is_tracked)
    if children and tag == "skeleton":
        points = _of_points(shape[3], children, is_tracked=is_tracked)
        if points:
            beside[POINTS] = points
    if is_tracked and shape[3].get("keyframe") == "0":
        beside["keyframe"] = "0"
    if not beside:
        return ready.native
    return {**(ready.native or {}), **beside}


def of_track(attributes: dict[str, str], index: int) -> dict[str, Any]:
    """Return what is native of a track, which is the ``index``-th of its video."""
    own = unread("track", attributes)
    if own.get("id") == str(index):
        del own["id"]
    if own.get("group_id") == "0":
        del own["group_id"]
    return {f"track.{name}": value for name, value in own.items()}


def absent(frames: Mapping[str, Shape]) -> dict[str, Any]:
    """Return the native keys of the shapes of an object on frames it is not on, by frame; none if there are none."""
    keys: dict[str, Any] = {}
    for frame, shape in frames.items():
        said, more = _absent(shape), unread(shape[0], shape[3], is_tracked=True)
        said["values"] = {name: value for name, value in said["values"].items() if name not in more}
        keys.setdefault(ABSENT, {})[frame] = said
        for name, value in more.items():
            keys.setdefault(f"{UNREAD_ABSENT}{name}", {})[frame] = value
    return keys


def absent_in(keys: Keys) -> dict[int, Any]:
    """Return what :func:`absent` was given, of the native keys of an object: by frame."""
    found = {int(frame): said for frame, said in keys.get(ABSENT, {}).items()}
    for key, values in keys.items():
        if key.startswith(UNREAD_ABSENT):
            for frame, value in values.items():
                said = found[int(frame)]
                name = key.removeprefix(UNREAD_ABSENT)
                found[int(frame)] = {**said, "values": {**said["values"], name: value}}
    return found


def _absent(shape: Shape) -> dict[str, Any]:
    """Return a shape as it stands, but for its frame."""
    values = {
        name: value for name, value in shape[3].items() if name not in ("frame", "outside") and name[:1] != UNREAD
    }
    said: dict[str, Any] = {"values": values}
    if answers := answers_of(shape[4]):
        said["answers"] = [list(pair) for pair in answers]
    if shape[5]:
        said[POINTS] = [_absent(child) for child in shape[5]]
    return said


def _of_points(skeleton: dict[str, str], points: Iterable[Shape], *, is_tracked: bool) -> dict[str, Keys]:
    """Return what is native of the points of a skeleton: where those are that are not there, and what is not read."""
    found: dict[str, Keys] = {}
    for shape in points:
        tag, label, sides, _, _, _, _ = shape
        values = shape[3]
        own = unread(tag, values, is_tracked=True) if tag == "points" else {}
        if not is_tracked:
            own |= {name: values[name] for name in ("frame", "keyframe") if name in values}
        elif values.get("keyframe", "1") != skeleton.get("keyframe", "1"):
            own["keyframe"] = values.get("keyframe", "1")
        own_source, _, z_order, group_id, track_id = sides
        own |= {
            name: value
            for name, value in (("z_order", z_order), ("group_id", group_id), ("track_id", track_id))
            if value not in (None, "", "0")
        }
        if own_source not in (None, skeleton.get("source") or "manual"):
            own["source"] = own_source
        if values.get("outside") == "1" and values.get("points") not in (None, "", "0,0", "0.0,0.0", "0.00,0.00"):
            own["points"] = values["points"]
        if own:
            found[label] = own
    return found
