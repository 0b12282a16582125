"""Converts pages of rows to hub tables: geometry stays in columns from reader to writer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from encord_convert.formats.coco.native import FAMILY as COCO
from encord_convert.formats.yolo.pages import Images
from encord_convert.formats.yolo.read_shapes import (
    Classified,
    boxes,
    rings,
    rotated,
    runs_back,
    split_bridges,
    tail_values,
)
from encord_convert.formats.yolo.skeletons import own_box, skeleton
from encord_convert.formats.yolo.tasks import BOX, POLYGON, ROTATED, SKELETON, TYPES, Plan
from encord_convert.geometry.rings import nest
from encord_convert.hub.draft import Draft, frame_info, series_members
from encord_convert.hub.media import LabelFile
from encord_convert.hub.native import NativeColumns
from encord_convert.hub.splits import metadata_of
from encord_convert.hub.table import HASH, Column, Table, Variant
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2, Object, ObjectInstance, Shape
from encord_convert.sdk.objects.coordinates import PolygonCoordinates

_SHAPES = {BOX: Shape.BOUNDING_BOX, POLYGON: Shape.POLYGON, ROTATED: Shape.ROTATABLE_BOUNDING_BOX}
_MOST_VARIANTS = 50_000
"""Limit on cached variants: predictions have one per confidence."""


class Tables:
    """Makes a table from each page.

    Parameters
    ----------
    draft : Draft
    images : Images
    plan : Plan
    objects : mapping
        Classes by number and kind.
    are_flags : bool
        Whether every third number of a keypoint is a visibility.
    bridges : str
        As the reading option.
    """

    def __init__(
        self, draft: Draft, images: Images, plan: Plan, objects: Mapping[tuple[int, int], Object], are_flags: bool,
        bridges: str,
    ) -> None:  # fmt: skip
        self._draft = draft
        self._images = images
        self._plan = plan
        self._objects = objects
        self._are_flags = are_flags
        self._bridges = bridges
        self._variants: dict[tuple[int, int, float | None], Variant] = {}
        self._nodes = {template.name: template.skeleton for template in draft.ontology.skeleton_templates}

    def table(self, images: range, found: Classified) -> Table:
        """Return the table of a page."""
        page, hashes = found.page, self._draft.hashes
        titles = self._images.titles[images.start : images.stop]
        sizes = self._images.sizes[images.start : images.stop]
        splits = self._images.splits[images.start : images.stop]
        keys = [self._images.key(image) for image in images]
        metadata = {number: own for number, split in enumerate(splits) if (own := metadata_of(split))}
        confidences, tracks = tail_values(page, self._plan)
        variants: list[Variant | None] = self._used(found, confidences)
        indexes = np.arange(len(page)) - np.repeat(np.cumsum(page.counts) - page.counts, page.counts)
        seeds = np.array(hashes.seeds("image", keys), np.uint64)
        codes = series_members(seeds[page.owners], indexes.astype(np.uint64)) if variants else b""
        native: dict[int, dict[str, Any]] = {}
        made = self._made(found, sizes, variants, codes, native)
        limits = np.array(sizes, np.float64).reshape(-1, 2)
        columns = {}
        for kind, shape in _SHAPES.items():
            at = np.flatnonzero(found.kinds == kind)
            if kind == POLYGON and made:
                at = at[[variants[row] is not None for row in at.tolist()]]
            if len(at):
                columns[shape] = self._column(kind, at, found, limits)
        for row in np.flatnonzero(tracks >= 0).tolist():
            native.setdefault(row, {})["track_id"] = int(tracks[row])

        def empty_row(number: int) -> LabelRowV2:
            image = images[number]
            row = self._draft.row(
                DataType.IMAGE, titles[number], [self._draft.unit(titles[number], *sizes[number], keys[number])],
                frames=1, key=keys[number], client_metadata=metadata.get(number),
            )  # fmt: skip
            row._origin = self._images.place(image)
            row._file = LabelFile(self._images.member(image), self._images.name(image))
            return row

        family = "yolo" if self._plan.tracks else COCO
        return Table(
            titles, hashes.uuids("unit", keys), sizes, page.counts.tolist(), variants, codes, columns, made, {},
            lambda row: int(page.lines[row]), empty_row, metadata, {},
            NativeColumns(family, labels=native) if native else None,
        )  # fmt: skip

    def _used(self, found: Classified, confidences: Any) -> list[Variant | None]:
        if len(self._variants) > _MOST_VARIANTS:
            self._variants.clear()
        if not self._plan.confidences:
            codes = found.page.classes * len(TYPES) + found.kinds
            known, places = np.unique(codes, return_inverse=True)
            made = [self._variant(code // len(TYPES), code % len(TYPES), None) for code in known.tolist()]
            return np.array([*made, None], object)[places].tolist()  # type: ignore[no-any-return]
        numbers, kinds = found.page.classes.tolist(), found.kinds.tolist()
        scores = [None if score != score else score for score in confidences.tolist()]
        return [self._variant(*item) for item in zip(numbers, kinds, scores, strict=True)]

    def _variant(self, number: int, kind: int, confidence: float | None) -> Variant:
        key = number, kind, confidence
        variant = self._variants.get(key)
        if variant is None:
            item = self._objects[number, kind]
            info, carried = self._draft.info, ()
            if confidence is not None:
                score = min(max(confidence, 0.0), 1.0)
                info = frame_info(manual=False, confidence=score)
                carried = (("confidence", 1),)  # type: ignore[assignment]
            variant = self._variants[key] = Variant(item, info, None, None, TYPES[kind], item.title, carried)
        return variant

    def _column(self, kind: int, at: Any, found: Classified, limits: Any) -> Column:
        if kind == BOX:
            return Column(at.tolist(), boxes(found.page, at))
        if kind == ROTATED:
            return Column(at.tolist(), *rotated(found.page, at, limits))
        return Column(at.tolist(), *rings(found.page, at, self._plan))

    def _made(
        self, found: Classified, sizes: list[tuple[int, int]], variants: list[Variant | None], codes: bytes,
        native: dict[int, dict[str, Any]],
    ) -> dict[int, ObjectInstance]:  # fmt: skip
        """Make the objects that do not fit columns: skeletons, and polygons of several parts."""
        page, made = found.page, {}
        each = (self._plan.keypoints or (0, 3))[1]
        coordinates: dict[int, Any] = {}
        for row in np.flatnonzero(found.kinds == SKELETON).tolist():
            variant = variants[row]
            assert variant is not None
            numbers = page.row(row)
            coordinates[row] = skeleton(numbers, each, self._nodes[variant.item.title], are_flags=self._are_flags)
            box = own_box(numbers, coordinates[row], sizes[int(page.owners[row])])
            if box is not None:
                native[row] = {"bbox": box}
        if self._bridges == "split":
            for row in runs_back(page, np.flatnonzero(found.kinds == POLYGON)):
                tail = self._plan.tail(int(page.widths[row]))
                numbers = page.row(row)
                coordinates[row] = PolygonCoordinates._from_rings(nest(split_bridges(numbers[: len(numbers) - tail])))
        for row, where in coordinates.items():
            variant = variants[row]
            assert variant is not None
            made[row] = variant.instance(codes[HASH * row : HASH * (row + 1)].decode(), where, int(page.lines[row]))
            variants[row] = None
        return made
