"""Ultralytics YOLO: images, a text file of labels for each, and ``data.yaml``.

Rows are those of the format ``yolo``, whose writer this shares (:mod:`encord_convert.formats.yolo.write_rows`). An
image without labels has an empty file.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Target
from encord_convert.formats._keypoints import Poses
from encord_convert.formats.coco.categories import categories_of
from encord_convert.formats.coco.native import FAMILY
from encord_convert.formats.coco.write_images import split_suffix
from encord_convert.formats.yolo.trainer import LEAST_SIDE_PX
from encord_convert.formats.yolo.write_rows import TASKS, RowWriter, Task, data_yaml, flips_of_all
from encord_convert.hub.loss import Carries, Feature, Level, Limits
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects import Shape
from encord_convert.training.base import Shot, TrainingOptions, base_carries, shots

_LIMITS = Limits(drops_crowds=True, is_bounded=True, least_image_px=LEAST_SIDE_PX)


def carries_of(task: str, negatives: str) -> Carries:
    """Return what a task carries."""
    how = TASKS[task]
    codes = {Feature.PARTS: "PARTS_JOINED"}
    native = frozenset({f"{FAMILY}:annotation.bbox"} if how.has_box else ())
    more = {"limits": _LIMITS, "codes": codes, "native": native}
    shapes, approximates = set(how.shapes), dict(how.approximates)
    if task == "obb":  # a trainer gets only the four corners of a box
        shapes.add(Shape.BOUNDING_BOX)
        del approximates[Shape.BOUNDING_BOX]
    return base_carries(shapes, approximates, set(how.features), negatives, **more)


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
    """Set-up before the images: classes, keypoints, and split folders."""

    def __init__(self, task: Task, narrowed: Narrowed, options: TrainingOptions) -> None:
        labels, carries = narrowed.labels, narrowed.carries
        self.categories = categories_of(labels.ontology, carries.shapes | carries.approximates)
        self.poses = Poses(labels) if Shape.SKELETON in task.shapes else None
        self.assignment = options.assignment(labels, carries)
        self.folders = {split: f"images/{split}" for split in self.assignment.names}


def _walk(
    task: Task, narrowed: Narrowed, target: Target, options: TrainingOptions, plan: _Plan | None = None
) -> Iterator[tuple[Shot, list[str]]]:
    """Yield the images with the rows of their files."""
    plan = plan or _Plan(task, narrowed, options)
    numbers = {(c.name, c.shape): n for n, category in enumerate(plan.categories) for c in category.classes}
    writer = RowWriter(task, numbers, plan.poses)
    for shot in shots(narrowed, target, options, plan.folders, plan.assignment, by_stem=True):
        yield shot, writer.rows(shot.placed, shot.size, shot.frame, shot.own_box)
    if plan.poses is not None and flips_of_all(plan.poses) is None:
        detail = "Keypoint names do not tell left from right: there is no flip_idx, and no mirroring."
        narrowed.note(Level.INFO, "FLIP_UNKNOWN", detail)


def _write(task: Task, narrowed: Narrowed, target: Target, options: TrainingOptions) -> None:
    plan = _Plan(task, narrowed, options)
    for shot, rows in _walk(task, narrowed, target, options, plan):
        if shot.put is not None:
            shot.put(target)
        path = target.adopt(f"labels/{shot.split}/{split_suffix(shot.name)[0]}.txt")
        path.write_text("".join(rows), encoding="ascii")
    with target.open("data.yaml") as stream:
        filled = {split: [folder] for split, folder in plan.folders.items() if split in narrowed.splits}
        others = {split: [at] for split, at in plan.folders.items() if not filled or split not in ("train", "val")}
        names = [category.name for category in plan.categories]
        stream.write(data_yaml({**others, **filled}, names, task.name, plan.poses, {}))
