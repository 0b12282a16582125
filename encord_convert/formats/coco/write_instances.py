"""Objects drawn together, for the COCO files that hold shapes and little else.

The pages of the formats are :mod:`encord_convert.formats.coco.results` and :mod:`encord_convert.formats.coco.ytvis`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from encord_convert.formats.coco.categories import Class, Classes
from encord_convert.formats.coco.write_annotations import GATHERED
from encord_convert.formats.coco.write_native import Kept
from encord_convert.formats.coco.write_shapes import Annotation, Draw, Gather, Shapes, Style, WrittenImage
from encord_convert.hub.visibility import frame_size
from encord_convert.losses.narrow import Narrowed
from encord_convert.sdk.objects import LabelRowV2, Object, ObjectInstance

Emit = Callable[[WrittenImage, ObjectInstance, Annotation], None]
"""Takes an object as it is drawn on an image."""


class Drawings:
    """Takes objects on images, and gives each as COCO draws it, in the order they came.

    Parameters
    ----------
    narrowed : Narrowed
    style : Style
    emit : Emit
        Told of what is drawn.
    kept : Kept
        What is known of the COCO files the labels were read from.
    """

    def __init__(self, narrowed: Narrowed, style: Style, emit: Emit, kept: Kept) -> None:
        carries = narrowed.carries
        shapes = carries.shapes | carries.approximates
        self.classes = Classes(narrowed.labels.ontology, shapes, kept.category_ids, names=kept.classes)
        self._emit = emit
        self._shapes = Shapes(style, carries)
        self._plans: dict[int, tuple[Class, Gather, Draw]] = {}
        self._waiting: list[tuple[WrittenImage, ObjectInstance]] = []

    def add(self, placed: Iterable[tuple[WrittenImage, ObjectInstance]]) -> None:
        """Take objects on their images."""
        for image, instance in placed:
            _, gather, _ = self._plan(instance.ontology_item)
            gather(instance._frames[image.frame].coordinates, image.size)
            self._waiting.append((image, instance))
            if len(self._waiting) >= 4 * GATHERED:
                self.flush()

    def flush(self) -> None:
        """Draw what was taken."""
        self._shapes.compute()
        for image, instance in self._waiting:
            class_, _, draw = self._plan(instance.ontology_item)
            self._emit(image, instance, draw(image, class_, instance._frames[image.frame].coordinates))
        self._waiting = []

    def _plan(self, item: Object) -> tuple[Class, Gather, Draw]:
        plan = self._plans.get(id(item))
        if plan is None:
            class_ = self.classes.of(item)
            plan = self._plans[id(item)] = (class_, *self._shapes.of(class_.shape))
        return plan


def images_of(row: LabelRowV2, frames: Iterable[int], kept: Kept) -> Mapping[int, WrittenImage]:
    """Return the images of frames, numbered on from ``first_id``."""
    return {
        frame: WrittenImage(frame, kept.number(kept.image(row, frame).get("id")), frame_size(row, frame))
        for frame in frames
    }
