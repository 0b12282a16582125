"""The shapes that a track lists. Points of skeletons have keyframes of their own, and are put together by frame."""

from __future__ import annotations

from encord_convert.formats.cvat.exact_xml import NO_ANSWERS, Shape, Track, sides_of
from encord_convert.formats.cvat.read_shapes import Invalid, flat_of
from encord_convert.formats.cvat.stats import frame_number
from encord_convert.geometry.interpolation import lerp


def shapes_of(track: Track) -> list[tuple[Shape, bool]]:
    """Return the shapes of a track, and whether each stands in the file as one.

    Each point of a skeleton has keyframes of its own: where a skeleton does not list one, that point is on its way from
    one of its keyframes to the next. Old skeletons have a track for each of their points nested in their own; these win
    over the points the skeleton itself lists. There each frame becomes a skeleton of what its points are on it.
    """
    own: dict[int, Shape] = {}
    listed: list[tuple[Shape, bool]] = []
    for shape in track.shapes:
        frame = frame_number(shape[3].get("frame")) if shape[0] == "skeleton" else None
        if frame is None:
            listed.append((shape, True))
            continue
        if frame in own:
            listed.append((own[frame], True))
        own[frame] = shape
    if not own and not track.tracks:
        return listed
    points = {nested.attributes.get("label", ""): _by_frame(nested) for nested in track.tracks} or _points_of(own)
    for frame in sorted({*own, *(frame for by_frame in points.values() for frame in by_frame)}):
        children = [child for label, by_frame in points.items() for child in _point_at(label, by_frame, frame)]
        skeleton = own.get(frame)
        if skeleton is None:
            attributes = {"frame": str(frame), "keyframe": "1"}
            sides = sides_of(attributes)
            listed.append((("skeleton", "", sides, attributes, NO_ANSWERS, children, track.line), False))
        elif track.tracks or len(children) > len(skeleton[5] or ()):
            attributes = {name: value for name, value in skeleton[3].items() if name != "points"}
            listed.append((("skeleton", "", skeleton[2], attributes, skeleton[4], children, skeleton[6]), True))
        else:
            listed.append((skeleton, True))
    return listed


def _points_of(skeletons: dict[int, Shape]) -> dict[str, dict[int, Shape]]:
    """Return the points that skeletons list, by label and frame."""
    found: dict[str, dict[int, Shape]] = {}
    for frame, skeleton in skeletons.items():
        for child in skeleton[5] or ():
            found.setdefault(child[1], {}).setdefault(frame, child)
    return found


def _by_frame(track: Track) -> dict[int, Shape]:
    found = {}
    for shape in track.shapes:
        frame = frame_number(shape[3].get("frame"))
        if frame is not None:
            found[frame] = shape
    return found


def _point_at(label: str, by_frame: dict[int, Shape], frame: int) -> list[Shape]:
    """Return a point of a skeleton on a frame: as listed, or on its way from one listed place to the next."""
    before = max((other for other in by_frame if other <= frame), default=None)
    if before is None:
        return []
    tag, _, sides, _, answers, children, line = by_frame[before]
    attributes = {**by_frame[before][3], "label": label}
    after = min((other for other in by_frame if other > frame), default=None)
    if before != frame:
        answers = NO_ANSWERS
        attributes["keyframe"] = "0"
        if after is not None:
            share = (frame - before) / (after - before)
            attributes["points"] = _between(attributes, by_frame[after][3], share)
    return [(tag, label, sides, attributes, answers, children, line)]


def _between(before: dict[str, str], after: dict[str, str], share: float) -> str:
    text = before.get("points", "")
    try:
        a, b = flat_of(text), flat_of(after.get("points"))
    except Invalid:
        return text
    return ",".join(map(repr, lerp(a, b, share))) if len(a) == len(b) == 2 else text
