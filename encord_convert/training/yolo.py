"""Ultralytics YOLO: images, a text file of labels for each, and ``data.yaml``.

Numbers are shares of the image, none outside 0 to 1: one beyond would make the trainer leave out the whole image.
Equal lines of a file are told apart in the sixth decimal, since the trainer keeps one of them. An image without labels
has an empty file. All lines of a data set are of one kind: a box among outlines would make the trainer leave out
the whole image, so that for outlines boxes are written with their four corners.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Target
from encord_convert.formats.coco.categories import categories_of
from encord_convert.formats.coco.native import FAMILY
from encord_convert.formats.coco.write_images import split_suffix
from encord_convert.geometry.boxes import cxcywh_from_xyxy
from encord_convert.hub.loss import Carries, Feature, Level, Limits
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects import Shape
from encord_convert.training import shapes as drawings
from encord_convert.training.base import Shot, TrainingOptions, base_carries, shots
from encord_convert.training.keypoints import Poses, flips_of

_UNIT = 1_000_000
_LIMITS = Limits(drops_crowds=True, is_bounded=True, least_picture_px=10)

Size = tuple[int, int]
Draw = Callable[[Any, Size, Any], tuple[list[float], list[float]]]
"""From coordinates, size and keypoints to numbers in pixels, x and y in turn, and visibilities."""


def _box(coordinates: Any, size: Size, keypoints: Any) -> tuple[list[float], list[float]]:
    return list(cxcywh_from_xyxy(drawings.box_of(coordinates, size))), []


def _ring(coordinates: Any, size: Size, keypoints: Any) -> tuple[list[float], list[float]]:
    return drawings.one_ring_of(coordinates, size), []


def _corners(coordinates: Any, size: Size, keypoints: Any) -> tuple[list[float], list[float]]:
    return drawings.turned_box_of(coordinates, size), []


def _pose(coordinates: Any, size: Size, keypoints: Any) -> tuple[list[float], list[float]]:
    numbers = drawings.keypoints_of(coordinates, keypoints, size, is_bounded=True)
    box, _ = _box(coordinates, size, keypoints)
    return [*box, *(number for index, number in enumerate(numbers) if index % 3 != 2)], numbers[2::3]


@dataclass(frozen=True, slots=True)
class Task:
    """What is learnt, and how it is written."""

    draw: Draw
    shapes: frozenset[Shape]
    approximates: dict[Shape, str]
    features: frozenset[Feature] = frozenset()
    has_box: bool = False


_BOX, _TURNED, _POLYGON = Shape.BOUNDING_BOX, Shape.ROTATABLE_BOUNDING_BOX, Shape.POLYGON
_MASK, _SKELETON = Shape.BITMASK, Shape.SKELETON

TASKS: dict[str, Task] = {
    "detect": Task(
        _box,
        frozenset({_BOX}),
        {_TURNED: "ROTATION_AS_BOX", _POLYGON: "POLYGON_AS_BOX", _MASK: "MASK_AS_BOX", _SKELETON: "SKELETON_AS_BOX"},
        has_box=True,
    ),
    "segment": Task(
        _ring,
        frozenset({_POLYGON}),
        {_BOX: "BOX_AS_POLYGON", _TURNED: "ROTATION_AS_POLYGON", _MASK: "MASK_AS_POLYGON"},
    ),
    "obb": Task(
        _corners, frozenset({_BOX, _TURNED}), {_POLYGON: "POLYGON_AS_BOX", _MASK: "MASK_AS_BOX"},
        frozenset({Feature.ROTATION}),
    ),
    "pose": Task(_pose, frozenset({_SKELETON}), {}, frozenset({Feature.VISIBILITY}), has_box=True),
}  # fmt: skip
"""Lines: ``c x y w h`` (centre), one ring, four corners, or a box and its keypoints."""


def carries_of(task: str, negatives: str) -> Carries:
    """Return what a task is given of each label."""
    how = TASKS[task]
    codes = {Feature.PARTS: "PARTS_JOINED"}
    native = frozenset({f"{FAMILY}:annotation.bbox"} if how.has_box else ())
    more = {"limits": _LIMITS, "codes": codes, "native": native}
    return base_carries(set(how.shapes), how.approximates, set(how.features), negatives, **more)


def format_of(task: str = "detect", negatives: str = "keep") -> Format:
    """Return the target as a format that can be written."""
    carries = carries_of(task, negatives)
    return Format(
        name="ultralytics",
        title=f"Ultralytics YOLO, {task}",
        spec=f"https://docs.ultralytics.com/datasets/{task}/",
        suffixes=(),
        identify=lambda source: Match.NO,
        exporter=Exporter.of_narrowed(
            partial(_write, TASKS[task]), TrainingOptions, carries, walk=partial(_walk, TASKS[task])
        ),
    )


class _Plan:
    """What is known before the images: classes, keypoints, and the folders of the splits."""

    def __init__(self, task: Task, narrowed: Narrowed, options: TrainingOptions) -> None:
        labels, carries = narrowed.labels, narrowed.carries
        self.categories = categories_of(labels.ontology, carries.shapes | carries.approximates)
        self.poses = Poses(narrowed.labels) if Shape.SKELETON in task.shapes else None
        self.assignment = options.assignment(labels, carries)
        self.folders = {split: f"images/{split}" for split in self.assignment.names}


def _walk(
    task: Task, narrowed: Narrowed, target: Target, options: TrainingOptions, plan: _Plan | None = None
) -> Iterator[tuple[Shot, list[str]]]:
    """Yield the images with the lines of their files."""
    plan = plan or _Plan(task, narrowed, options)
    poses = plan.poses
    numbers = {(one.name, one.shape): n for n, category in enumerate(plan.categories) for one in category.classes}
    keypoint_count = 0 if poses is None else poses.most
    for shot in shots(narrowed, target, options, plan.folders, plan.assignment, by_stem=True):
        lines: list[str] = []
        seen: set[tuple[int, ...]] = set()
        for instance, coordinates in shot.placed:
            item = instance.ontology_item
            number = numbers[item.name, item.shape]
            points = poses.of(instance) if poses is not None else None
            values, flags = task.draw(coordinates, shot.size, points)
            box = shot.own_box(instance) if task.has_box else None
            if box is not None:
                values[:4] = cxcywh_from_xyxy(box)
            units = _told_apart(_units(values, shot.size), number, seen)
            lines.append(_line(number, units, flags, keypoint_count))
        yield shot, lines
    if poses is not None and _flips(poses) is None:
        detail = "The names of the keypoints do not tell left from right: there is no flip_idx, and no mirroring."
        narrowed.note(Level.INFO, "FLIP_UNKNOWN", detail)


def _write(task: Task, narrowed: Narrowed, target: Target, options: TrainingOptions) -> None:
    plan = _Plan(task, narrowed, options)
    for shot, lines in _walk(task, narrowed, target, options, plan):
        if shot.put is not None:
            shot.put(target)
        path = target.adopt(f"labels/{shot.split}/{split_suffix(shot.name)[0]}.txt")
        path.write_text("".join(lines), encoding="ascii")
    with target.open("data.yaml") as stream:
        # Not the path: a relative one is looked for in the trainer's own folder, and without any, here.
        entries = _yaml(plan.folders, narrowed.splits, [one.name for one in plan.categories], plan.poses)
        stream.write("".join(f"{key}: {value}\n" for key, value in entries).encode(errors="replace"))


def _units(values: list[float], size: Size) -> list[int]:
    """Return shares of the image in millionths, between 0 and 1."""
    return [min(max(round(value / size[index % 2] * _UNIT), 0), _UNIT) for index, value in enumerate(values)]


def _told_apart(units: list[int], number: int, seen: set[tuple[int, ...]]) -> list[int]:
    """Change the third number of a line by a millionth until no line of the file is the same."""
    step = -1 if units[2] > _UNIT // 2 else 1
    while (number, *units) in seen:
        units = [*units[:2], units[2] + step, *units[3:]]
    seen.add((number, *units))
    return units


def _line(number: int, units: list[int], flags: list[float], count: int) -> str:
    """Return the line of an object; of ``count`` keypoints, those it has not are 0 0 0."""
    shares = [f"{unit / _UNIT:.6f}" for unit in units]
    if count:
        box, points = shares[:4], shares[4:]
        triples = [word for i, flag in enumerate(flags) for word in (*points[2 * i : 2 * i + 2], str(int(flag)))]
        shares = [*box, *triples, *("0", "0", "0") * (count - len(flags))]
    return f"{number} {' '.join(shares)}\n"


def _yaml(
    folders: dict[str, str], filled: Container[str], names: list[str], poses: Poses | None
) -> list[tuple[str, str]]:
    """Return the entries of data.yaml; a text of JSON is one of YAML, so that any name can be written."""
    entries = list(folders.items())
    some = next((folder for split, folder in folders.items() if split in filled), folders[next(iter(folders))])
    if "val" not in folders or ("val" not in filled and some != folders["val"]):  # it has to be there
        found = folders["test"] if "test" in folders and "test" in filled else some
        entries = [*((split, folder) for split, folder in entries if split != "val"), ("val", found)]
    if "train" not in folders:
        entries.append(("train", some))
    entries.append(("nc", str(len(names))))
    entries.append(
        ("names", "".join(f"\n  {n}: {json.dumps(name, ensure_ascii=False)}" for n, name in enumerate(names)))
    )
    if poses is not None:
        flips = _flips(poses)
        entries.append(("kpt_shape", f"[{poses.most}, 3]"))
        if flips is not None:
            entries.append(("flip_idx", str(flips)))
        entries.append(
            ("kpt_names", "".join(f"\n  {n}: {_keypoint_names(poses, name)}" for n, name in enumerate(names)))
        )
    return entries


def _keypoint_names(poses: Poses, name: str) -> str:
    """Return the names of the keypoints of a class, as many as the model has."""
    known = poses.named(name)
    names = [] if known is None else list(known.names)
    names += [f"point_{index}" for index in range(len(names), poses.most)]
    return json.dumps(names, ensure_ascii=False)


def _flips(poses: Poses) -> list[int] | None:
    """Return the mirror images that hold for the keypoints of every class, None if they are not known or differ."""
    known = [flips_of(one.names) for one in poses.all]
    filled = [None if one is None else [*one, *range(len(one), poses.most)] for one in known]
    return filled[0] if filled and all(one == filled[0] for one in filled) else None
