"""Writes objects as rows of a label file, for the ``yolo`` formats and the training target.

Numbers are relative and within 0 to 1: one outside makes Ultralytics skip the whole image. (Only corners of a rotated
box may be a hundredth of a pixel outside, which it allows, to keep the angle.) Equal rows of a file are made to differ
in the sixth decimal, since it drops duplicates. All rows of a data set are of one kind: a box among polygons makes it
skip the image, so boxes are then written as four corners.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from encord_convert.formats._keypoints import Poses, flips_of
from encord_convert.formats.coco.native import FAMILY as COCO
from encord_convert.formats.yolo.options import FAMILY, WriteOptions
from encord_convert.geometry.boxes import cxcywh_from_xyxy
from encord_convert.hub import conversions
from encord_convert.hub.loss import Carries, Feature, Limits
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import Shape

UNIT = 1_000_000
"""Units per side of the image."""

Size = tuple[int, int]
Draw = Callable[[Any, Size, Any], tuple[list[float], list[float]]]
"""From coordinates, size and keypoints to alternating x and y in pixels, and visibilities."""


def _box(coordinates: Any, size: Size, keypoints: Any) -> tuple[list[float], list[float]]:
    return list(cxcywh_from_xyxy(conversions.box_of(coordinates, size))), []


def _ring(coordinates: Any, size: Size, keypoints: Any) -> tuple[list[float], list[float]]:
    return conversions.one_ring_of(coordinates, size, with_holes=True), []


def _corners(coordinates: Any, size: Size, keypoints: Any) -> tuple[list[float], list[float]]:
    return conversions.rotated_box_of(coordinates, size), []


def _skeleton(coordinates: Any, size: Size, keypoints: Any) -> tuple[list[float], list[float]]:
    numbers = conversions.keypoints_of(coordinates, keypoints, size, is_bounded=True)
    box, _ = _box(coordinates, size, keypoints)
    return [*box, *(number for index, number in enumerate(numbers) if index % 3 != 2)], numbers[2::3]


@dataclass(frozen=True, slots=True)
class Task:
    """A training task and how it is written."""

    name: str
    draw: Draw
    shapes: frozenset[Shape]
    approximates: Mapping[Shape, str]
    features: frozenset[Feature] = frozenset()
    has_box: bool = False
    slack: int = 0
    """Units by which a number may exceed the image: Ultralytics allows 10,000."""


_BOX, _ROTATED, _POLYGON = Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX, Shape.POLYGON
_MASK, _SKELETON = Shape.BITMASK, Shape.SKELETON

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        Task(
            "detect",
            _box,
            frozenset({_BOX}),
            {
                _ROTATED: "ROTATION_AS_BOX",
                _POLYGON: "POLYGON_AS_BOX",
                _MASK: "MASK_AS_BOX",
                _SKELETON: "SKELETON_AS_BOX",
            },
            has_box=True,
        ),
        Task(
            "segment",
            _ring,
            frozenset({_POLYGON}),
            {_BOX: "BOX_AS_POLYGON", _ROTATED: "ROTATION_AS_POLYGON", _MASK: "MASK_AS_POLYGON"},
        ),
        Task(
            "obb",
            _corners,
            frozenset({_ROTATED}),
            {_BOX: "BOX_AS_ROTATED", _POLYGON: "POLYGON_AS_BOX", _MASK: "MASK_AS_BOX"},
            frozenset({Feature.ROTATION}),
            slack=5000,
        ),
        Task("pose", _skeleton, frozenset({_SKELETON}), {}, frozenset({Feature.VISIBILITY}), has_box=True),
    )
}
"""Rows: ``c x y w h`` (centre), one ring, four corners, or a box and its keypoints."""


def carries_of(task: Task) -> Carries:
    """Return what survives in rows of a task."""
    return Carries(
        shapes=task.shapes,
        data_types=frozenset({DataType.IMAGE}),
        features=task.features | {Feature.EMPTY_ROWS, Feature.OVERLAPS},
        tolerance_px=0.01,
        codes={
            **dict(task.approximates.items()),
            Feature.HOLES: "HOLES_JOINED",
            Feature.PARTS: "PARTS_JOINED",
            Feature.OUT_OF_BOUNDS: "CLIPPED",
            Feature.UNKNOWN_POINTS: "KEYPOINT_UNKNOWN",
            (Feature.DEGENERATE, Shape.BITMASK): "EMPTY_MASK",
            (Feature.DEGENERATE, Shape.POLYGON): "INVALID_POLYGON",
        },
        approximates=frozenset(task.approximates),
        limits=Limits(is_bounded=True),
        colours_by=None,
        has_file_names=True,
        native=frozenset({f"{FAMILY}:file", *([f"{COCO}:annotation.bbox"] if task.has_box else [])}),
    )


def carries_with(task: Task, options: WriteOptions) -> Carries:
    """Return what survives with options."""
    carries = carries_of(task)
    if options.confidence:
        carries = replace(carries, features=carries.features | {Feature.CONFIDENCE, Feature.MANUAL})
    if options.track_ids:
        carries = replace(carries, native=carries.native | {FAMILY})
    return carries


class RowWriter:
    """Writes the rows of images.

    Parameters
    ----------
    task : Task
    numbers : mapping
        Class number by name and shape.
    poses : Poses or None
        Keypoints, if skeletons are written.
    with_confidence : bool
        Whether to write confidences of machine-made objects.
    """

    def __init__(
        self,
        task: Task,
        numbers: Mapping[tuple[str, Shape], int],
        poses: Poses | None,
        *,
        with_confidence: bool = False,
    ) -> None:
        self._task = task
        self._numbers = numbers
        self._poses = poses
        self._count = 0 if poses is None else poses.most
        self._with_confidence = with_confidence

    def rows(
        self,
        placed: Sequence[tuple[Any, Any]],
        size: Size,
        frame: int,
        own_box: Callable[[Any], tuple[float, float, float, float] | None],
        track_of: Callable[[Any], int | None] = lambda instance: None,
    ) -> list[str]:
        """Return the row of each object, ending in a line break.

        Parameters
        ----------
        placed : sequence of (ObjectInstance, Coordinates)
        size : Size
        frame : int
        own_box : callable
            From an object to left, top, right and bottom as stated by the source, or None.
        track_of : callable
            From an object to the track id to write, or None.
        """
        found: list[str] = []
        seen: set[tuple[int, ...]] = set()
        for instance, coordinates in placed:
            item = instance.ontology_item
            number = self._numbers[item.name, item.shape]
            points = self._poses.of(instance) if self._poses is not None else None
            values, flags = self._task.draw(coordinates, size, points)
            box = own_box(instance) if self._task.has_box else None
            if box is not None:
                values[:4] = cxcywh_from_xyxy(box)
            units = made_distinct(_units(values, size, self._task.slack), number, seen)
            words = self._words(units, flags)
            if self._with_confidence:
                info = instance._frames[frame].object_frame_instance_info
                if not info.manual_annotation or info.confidence != 1:
                    words.append(f"{info.confidence:.6g}")
            track = track_of(instance)
            if track is not None:
                words.append(str(track))
            found.append(f"{number} {' '.join(words)}\n")
        return found

    def _words(self, units: Sequence[int], flags: Sequence[float]) -> list[str]:
        """Return the numbers of a row; missing keypoints are 0 0 0."""
        shares = [f"{unit / UNIT:.6f}" for unit in units]
        if self._count:
            points = shares[4:]
            shares = shares[:4]
            for index, flag in enumerate(flags):
                shares += [*points[2 * index : 2 * index + 2], str(int(flag))]
            shares += ["0", "0", "0"] * (self._count - len(flags))
        return shares


def _units(values: Sequence[float], size: Size, slack: int) -> list[int]:
    """Return relative values in millionths, within 0 to 1 plus the slack."""
    low, high = -slack, UNIT + slack
    return [min(max(round(value / size[index % 2] * UNIT), low), high) for index, value in enumerate(values)]


def made_distinct(units: list[int], number: int, seen: set[tuple[int, ...]]) -> list[int]:
    """Change the third number of a row by millionths until the row is unique in the file."""
    step = -1 if units[2] > UNIT // 2 else 1
    while (number, *units) in seen:
        units = [*units[:2], units[2] + step, *units[3:]]
    seen.add((number, *units))
    return units


def data_yaml(
    folders: Mapping[str, Sequence[str]],
    names: Sequence[str],
    task: str,
    poses: Poses | None,
    others: Mapping[str, Any],
) -> bytes:
    """Return the text of ``data.yaml``; strings are JSON, which is YAML, so that any name can be written.

    Parameters
    ----------
    folders : mapping
        Image folders by split; a missing ``train`` or ``val`` is replaced by another.
    names : sequence of str
    task : str
    poses : Poses or None
    others : mapping
        Unknown keys of the source.

    There is no ``path``: a relative one is resolved in the trainer's own folder, without one it is this folder.
    """
    known = {split: list(found) for split, found in folders.items() if found}
    some = next((known[split] for split in ("train", "val", "test") if split in known), next(iter(known.values()), []))
    train = known.get("train") or some or ["images"]
    known = {"train": train, "val": known.get("val") or known.get("test") or train, **known}
    entries = [(split, _place(found[0]) if len(found) == 1 else _json(found)) for split, found in known.items()]
    entries += [("task", task), ("nc", str(len(names)))]
    entries.append(("names", "".join(f"\n  {number}: {_json(name)}" for number, name in enumerate(names)) or "{}"))
    if poses is not None and poses.most:
        flips = flips_of_all(poses) or others.get("flip_idx")
        entries.append(("kpt_shape", f"[{poses.most}, 3]"))
        if flips is not None and len(flips) == poses.most:
            entries.append(("flip_idx", str(list(flips))))
        named = "".join(f"\n  {number}: {_json(point_names(poses, name))}" for number, name in enumerate(names))
        entries.append(("kpt_names", named or "{}"))
    taken = {key for key, _ in entries} | {"flip_idx", "path"}
    entries += [(_json(key), _json(value)) for key, value in others.items() if key not in taken]
    lines = [f"{key}:{value}\n" if value.startswith("\n") else f"{key}: {value}\n" for key, value in entries]
    return "".join(lines).encode(errors="replace")


def _json(value: Any) -> str:
    """Return a value as JSON that is also YAML, which escapes more characters."""
    text = json.dumps(value, ensure_ascii=False)
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _place(folder: str) -> str:
    return folder if _PLAIN.fullmatch(folder) else _json(folder)


_PLAIN = re.compile(r"[A-Za-z][\w./-]*")
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def point_names(poses: Poses, name: str) -> list[str]:
    """Return the keypoint names of a class, padded to the model's number."""
    known = poses.named(name)
    names = [] if known is None else list(known.names)
    return names + [f"point_{index}" for index in range(len(names), poses.most)]


def flips_of_all(poses: Poses) -> list[int] | None:
    """Return the mirror indexes common to all classes, None if they are unknown or differ."""
    known = [flips_of(entry.names) for entry in poses.all]
    filled = [None if each is None else [*each, *range(len(each), poses.most)] for each in known]
    return filled[0] if filled and all(item == filled[0] for item in filled) else None
