"""Objects drawn together, for the COCO files that hold shapes and little else; what such a file lacks is told here.

The pages of the formats are :mod:`encord_convert.formats.coco.results` and :mod:`encord_convert.formats.coco.ytvis`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from encord_convert.formats.coco.categories import Class, Classes
from encord_convert.formats.coco.write_annotations import GATHERED
from encord_convert.formats.coco.write_images import frames_of
from encord_convert.formats.coco.write_native import Kept
from encord_convert.formats.coco.write_shapes import Annotation, Draw, Picture, Shapes, Style
from encord_convert.hub.loss import Carries, Feature
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.report import Report
from encord_convert.sdk.objects import LabelRowV2, Object, ObjectInstance, OntologyStructure, Shape

Emit = Callable[[Picture, ObjectInstance, Annotation], None]
"""Takes an object as it is drawn on an image."""

_Placed = list[tuple[Picture, ObjectInstance]]


class Drawings:
    """Takes objects on images, row by row, and gives each as COCO draws it, in the order they came.

    Parameters
    ----------
    structure : OntologyStructure
    style : Style
    carries : Carries
        What the format declares.
    report : Report
        Told of everything that is not written, or not as it was.
    emit : Emit
        Told of what is drawn.
    kept : Kept
        What is known of the COCO files the labels were read from.
    """

    def __init__(
        self, structure: OntologyStructure, style: Style, carries: Carries, report: Report, emit: Emit, kept: Kept
    ) -> None:
        shapes = carries.shapes | carries.approximates
        self.classes = Classes(structure, shapes, kept.category_ids, names=kept.classes)
        self._carries = carries
        self._report = report
        self._emit = emit
        self._shapes = Shapes(style, carries, report, as_masks=Shape.POLYGON in carries.approximates)
        self._plans: dict[int, tuple[Class, Callable[[Any, tuple[int, int]], None], Draw]] = {}
        self._parts: list[tuple[LabelRowV2, _Placed, bool]] = []
        self._waiting = 0

    def add(self, row: LabelRowV2, placed: Iterable[tuple[Picture, ObjectInstance]]) -> None:
        """Take all objects of a row on their images."""
        part: _Placed = []
        is_split = False
        for picture, instance in placed:
            _, gather, _ = self._plan(instance.ontology_item)
            gather(instance._frames[picture.frame].coordinates, picture.size)
            part.append((picture, instance))
            self._waiting += 1
            if self._waiting >= 4 * GATHERED:
                self._parts.append((row, part, False))
                self.flush()
                part, is_split = [], True
        self._parts.append((row, part, True))
        if is_split or self._waiting >= GATHERED:  # a row ends the go it was begun in: its losses are counted together
            self.flush()

    def flush(self) -> None:
        """Draw what was taken."""
        self._shapes.compute()
        for row, placed, is_end in self._parts:
            self._report.turn_to(row)
            for picture, instance in placed:
                class_, _, draw = self._plan(instance.ontology_item)
                annotation = draw(picture, class_, instance, instance._frames[picture.frame].coordinates)
                if annotation is not None:
                    self._report.drop_side(instance, picture.frame, self._carries)
                    self._emit(picture, instance, annotation)
            if is_end:
                self._end(row)
        self._parts, self._waiting = [], 0

    def _plan(self, item: Object) -> tuple[Class, Callable[[Any, tuple[int, int]], None], Draw]:
        plan = self._plans.get(id(item))
        if plan is None:
            class_ = self.classes.of(item)
            plan = self._plans[id(item)] = (class_, *self._shapes.of(class_.shape))
        return plan

    def _end(self, row: LabelRowV2) -> None:
        """Tell what is lost of a row's objects beside their shapes, and of its other labels."""
        account_for_rest(row, self._carries, self._report)


def account_for_rest(row: LabelRowV2, carries: Carries, report: Report) -> None:
    """Tell what is lost of a row, whose objects are drawn, in a file that holds no labels of frames."""
    for instance in row._objects.values():
        report.drop_unplaced(instance, carries)
        if report.is_written(instance):
            report.drop_track(instance, carries)
            report.drop_answers(instance, carries)
    for classification in row._classifications.values():
        report.drop_unplaced(classification, carries)
        for frame in sorted(classification._frames):
            detail = f"The label {classification.classification_name!r} is of a whole frame; the file has objects."
            code = carries.code(Feature.CLASSIFICATIONS)
            report.drop(classification, frame, code, Feature.CLASSIFICATIONS, detail)


def listed_frames(row: LabelRowV2, options: Any, kept: Kept) -> list[int]:
    """Return the frames of a row that a COCO file of the same options lists."""
    labelled = {frame for one in (*row._objects.values(), *row._classifications.values()) for frame in one._frames}
    native = kept.of(row)
    labelled.update(native.frames if native is not None else ())
    return frames_of(row, labelled, everything=options.frames == "all")


def on_frames(row: LabelRowV2) -> dict[int, list[ObjectInstance]]:
    """Return the objects on each frame, in the order of the row."""
    placed: dict[int, list[ObjectInstance]] = {}
    for instance in row._objects.values():
        for frame in instance._frames:
            placed.setdefault(frame, []).append(instance)
    return placed


def pictures_of(row: LabelRowV2, frames: Iterable[int], kept: Kept) -> Mapping[int, Picture]:
    """Return the images of frames, numbered on from ``first_id``."""
    return {
        frame: Picture(row, frame, kept.number(kept.image(row, frame).get("id")), frame_size(row, frame))
        for frame in frames
    }
