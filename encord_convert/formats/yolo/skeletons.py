"""Skeleton classes: keypoint names, and conversion of rows to skeletons."""

from __future__ import annotations

from collections.abc import Sequence

from encord_convert.formats.yolo.data_yaml import Description
from encord_convert.hub.draft import Draft
from encord_convert.sdk.objects import Object
from encord_convert.sdk.objects._skeleton_template import SkeletonNode, SkeletonTemplate
from encord_convert.sdk.objects.coordinates import SkeletonCoordinate, SkeletonCoordinates, Visibility

_VISIBILITIES = {0: Visibility.INVISIBLE, 1: Visibility.OCCLUDED, 2: Visibility.VISIBLE}
_BOX_WIDTH = 4


def template_of(draft: Draft, item: Object, number: int, count: int, description: Description) -> SkeletonTemplate:
    """Return the template of a class with ``count`` keypoints, named as in the description, else ``point_0``, …"""
    named = description.point_names.get(number) or description.point_names.get(-1) or []
    names = [*named[:count], *(f"point_{index}" for index in range(len(named), count))]
    short = draft.hashes.short
    nodes = [
        SkeletonNode(
            (index + 1) / (count + 1), 0.5, name, item.color, short("node", item.name, index),
            name.lower().replace(" ", "_"),
        )
        for index, name in enumerate(names)
    ]  # fmt: skip
    return SkeletonTemplate(
        name=item.name, width=1.0, height=1.0, skeleton=nodes, edges=[], feature_node_hash=item.feature_node_hash
    )


def skeleton(
    numbers: Sequence[float], each: int, nodes: Sequence[SkeletonNode], *, are_flags: bool
) -> SkeletonCoordinates:
    """Return the keypoints of a row.

    Parameters
    ----------
    numbers : sequence of float
        A box, then ``each`` numbers of every keypoint, relative.
    each : int
        2 or 3; the third is a visibility (0 not labelled, 1 hidden, 2 visible) or a confidence.
    nodes : sequence of SkeletonNode
    are_flags : bool
        Whether the third number is a visibility. If not, a point is visible unless at or before 0, 0.
    """
    points = []
    for index, node in enumerate(nodes):
        x, y, *rest = numbers[_BOX_WIDTH + each * index : _BOX_WIDTH + each * (index + 1)]
        if rest and are_flags:
            visibility = _VISIBILITIES.get(int(rest[0]), Visibility.VISIBLE if rest[0] > 0 else Visibility.INVISIBLE)
        else:
            visibility = Visibility.VISIBLE if x > 0 or y > 0 else Visibility.INVISIBLE
        points.append(SkeletonCoordinate(x, y, node.name, node.color or "", node.feature_hash, node.value, visibility))
    return SkeletonCoordinates(points)


def own_box(numbers: Sequence[float], skeleton: SkeletonCoordinates, size: tuple[int, int]) -> list[float] | None:
    """Return the box of a row (left, top, width, height in pixels) if it is not the one around its keypoints."""
    width, height = size
    x, y, w, h = numbers[0] * width, numbers[1] * height, numbers[2] * width, numbers[3] * height
    box = [x - w / 2, y - h / 2, w, h]
    shown = [point for point in skeleton.values if point.visibility is not Visibility.INVISIBLE]
    if shown:
        xs, ys = [point.x * width for point in shown], [point.y * height for point in shown]
        around = [min(xs), min(ys), max(xs) - min(xs), max(ys) - min(ys)]
        if all(abs(one - other) <= 0.01 for one, other in zip(box, around, strict=True)):
            return None
    return box
