"""Hugging Face ``imagefolder``: images, ``metadata.jsonl`` next to them, and ``id2label.json``.

A line of ``metadata.jsonl`` is an image: ``file_name``, ``image_id``, ``width``, ``height``, and ``objects`` with the
lists ``id``, ``area``, ``bbox`` (left, top, width, height in pixels) and ``category`` (from 0, the keys of
``id2label.json``), as the processors of the DETR family take them.

``load_dataset`` takes the types of a file from its values, and refuses splits whose types differ: areas and sides are
always floats, and a split without images has no file. A split without any objects has no types: it is written with a
warning (``UNTYPED_SPLIT``), since it can only be loaded alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import count
from typing import Any, BinaryIO

import msgspec

from encord_convert.formats._api import Exporter, Format, Match
from encord_convert.formats._files import Target
from encord_convert.formats.coco.categories import Category, categories_of
from encord_convert.formats.coco.json_lines import in_ascii
from encord_convert.hub import conversions
from encord_convert.hub.loss import Level, Limits
from encord_convert.losses.narrow import Narrowed
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
        exporter=Exporter.of_narrowed(_write, TrainingOptions, carries, walk=_walk),
    )


def _categories(narrowed: Narrowed) -> list[Category]:
    carries = narrowed.carries
    return categories_of(narrowed.labels.ontology, carries.shapes | carries.approximates)


def _folder(split: str) -> str:
    return _SPLITS.get(split, split)


def _walk(narrowed: Narrowed, target: Target, options: TrainingOptions) -> Iterator[tuple[Shot, dict[str, Any]]]:
    """Yield the images with their entries."""
    numbers = {(c.name, c.shape): n for n, category in enumerate(_categories(narrowed)) for c in category.classes}
    assignment = options.assignment(narrowed.labels, narrowed.carries)
    folders = {split: _folder(split) for split in assignment.names}
    images, objects = count(1), count(1)
    typed: dict[str, bool] = {}
    for shot in shots(narrowed, target, options, folders, assignment):
        yield shot, _entry(shot, numbers, next(images), objects)
        typed[shot.split] = typed.get(shot.split, False) or bool(shot.placed)
    for split, is_typed in typed.items() if any(typed.values()) else ():
        if not is_typed:
            detail = (
                f"No image of the split {split!r} has an object: load_dataset refuses it with the others, whose "
                "types it lacks. Give it a larger share, or leave such images out with --negatives drop."
            )
            narrowed.note(Level.WARNING, "UNTYPED_SPLIT", detail)


def _write(narrowed: Narrowed, target: Target, options: TrainingOptions) -> None:
    encoder = msgspec.json.Encoder()
    streams: dict[str, BinaryIO] = {}
    with ExitStack() as stack:
        for shot, entry in _walk(narrowed, target, options):
            if shot.put is not None:
                shot.put(target)
            stream = streams.get(shot.split)
            if stream is None:
                name = f"{_folder(shot.split)}/metadata.jsonl"
                stream = streams[shot.split] = stack.enter_context(target.open(name))
            stream.write(in_ascii(encoder.encode(entry)) + b"\n")
    with target.open("id2label.json") as stream:
        names = {str(number): one.name for number, one in enumerate(_categories(narrowed))}
        stream.write(in_ascii(encoder.encode(names)) + b"\n")


def _entry(shot: Shot, numbers: Mapping[Any, int], image_id: int, ids: count[int]) -> dict[str, Any]:
    boxes = [_bbox(shot.own_box(one) or conversions.box_of(coordinates, shot.size)) for one, coordinates in shot.placed]
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


def _bbox(box: conversions.Box) -> list[float]:
    left, top, right, bottom = (float(round(number, DECIMALS)) for number in box)
    return [left, top, round(right - left, DECIMALS), round(bottom - top, DECIMALS)]
