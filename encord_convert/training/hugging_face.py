"""Hugging Face ``imagefolder``: images, ``metadata.jsonl`` beside them, and ``id2label.json``.

A line of ``metadata.jsonl`` is an image: ``file_name``, ``image_id``, ``width``, ``height``, and ``objects`` with the
lists ``id``, ``area``, ``bbox`` (left, top, width, height in pixels) and ``category`` (from 0, the keys of
``id2label.json``), as the processors of the DETR family take them.

``load_dataset`` takes the types of a file from its values, and refuses splits whose types differ: areas and sides are
always floats, and a split without images has no file. A split whose images all show nothing has no types at all:
it is written and told (``UNTYPED_SPLIT``), for it can only be loaded by itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial
from itertools import count
from typing import Any, BinaryIO

import msgspec

from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Target
from encord_convert.formats.coco.categories import categories_of
from encord_convert.formats.coco.json_lines import in_ascii
from encord_convert.hub import outlines as drawings
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Carries, Level, Limits
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import Shape
from encord_convert.training.base import OWN_EXTENTS, Shot, TrainingOptions, base_carries, shots

DECIMALS = 3

_SPLITS = {"val": "validation"}
_CHANGED = {
    Shape.ROTATABLE_BOUNDING_BOX: "ROTATION_AS_BOX",
    Shape.POLYGON: "POLYGON_AS_BOX",
    Shape.BITMASK: "MASK_AS_BOX",
    Shape.SKELETON: "SKELETON_AS_BOX",
}


def format_of(negatives: str = "keep") -> Format:
    """Return the target as a format that can be written."""
    more = {"limits": Limits(drops_crowds=True), "native": OWN_EXTENTS}
    carries = base_carries({Shape.BOUNDING_BOX}, _CHANGED, set(), negatives, **more)
    return Format(
        name="hf",
        title="Hugging Face imagefolder for object detection",
        spec="https://huggingface.co/docs/datasets/image_dataset",
        suffixes=(),
        identify=lambda source: Match.NO,
        exporter=Exporter(partial(_write, carries), TrainingOptions, carries),
    )


def _write(carries: Carries, labels: LabelSet, target: Target, options: TrainingOptions, report: Report) -> None:
    categories = categories_of(labels.ontology, carries.shapes | carries.approximates)
    numbers = {(one.name, one.shape): n for n, category in enumerate(categories) for one in category.classes}
    assignment = options.assignment(labels, carries)
    folders = {split: _SPLITS.get(split, split) for split in assignment.names}
    encoder, images, objects = msgspec.json.Encoder(), count(1), count(1)
    streams: dict[str, BinaryIO] = {}
    typed: set[str] = set()
    with ExitStack() as stack:
        for shot in shots(labels, target, options, report, carries, folders, assignment):
            stream = streams.get(shot.split)
            if stream is None:
                name = f"{folders[shot.split]}/metadata.jsonl"
                stream = streams[shot.split] = stack.enter_context(target.open(name))
            stream.write(in_ascii(encoder.encode(_entry(shot, numbers, next(images), objects))) + b"\n")
            if shot.placed:
                typed.add(shot.split)
    for split in streams if typed else ():
        if split not in typed:
            detail = (
                f"No image of the split {split!r} shows an object: load_dataset refuses it beside the others, whose "
                "types it lacks. Give it a larger share, or leave such images out with --negatives drop."
            )
            report.note(Level.WARNING, "UNTYPED_SPLIT", detail)
    with target.open("id2label.json") as stream:
        stream.write(in_ascii(encoder.encode({str(n): one.name for n, one in enumerate(categories)})) + b"\n")


def _entry(shot: Shot, numbers: Mapping[Any, int], image_id: int, ids: count[int]) -> dict[str, Any]:
    boxes = [_bbox(shot.own_box(one) or drawings.box_of(coordinates, shot.size)) for one, coordinates in shot.placed]
    own = [shot.own(instance).get("area") for instance, _ in shot.placed]
    items = [instance.ontology_item for instance, _ in shot.placed]
    return {
        "file_name": shot.name,
        "image_id": image_id,
        "width": shot.size[0],
        "height": shot.size[1],
        "objects": {
            "id": [next(ids) for _ in boxes],
            "area": [
                float(round(box[2] * box[3] if area is None else area, DECIMALS))
                for box, area in zip(boxes, own, strict=True)
            ],
            "bbox": boxes,
            "category": [numbers[item.name, item.shape] for item in items],
        },
    }


def _bbox(box: drawings.Box) -> list[float]:
    left, top, right, bottom = (float(round(number, DECIMALS)) for number in box)
    return [left, top, round(right - left, DECIMALS), round(bottom - top, DECIMALS)]
