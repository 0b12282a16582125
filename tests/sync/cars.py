"""Cars, with a question of every kind."""

from __future__ import annotations

from typing import Any

from encord_convert._samples import Sample, box
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import ChecklistAttribute, ObjectInstance, RadioAttribute, Shape, TextAttribute


def cars(data_type: DataType = DataType.IMAGE, frames: int = 1, *, dynamic: bool = False) -> tuple[Sample, Any]:
    """A sample with a class that has a radio attribute with a nested one, a checklist and a text."""
    sample = Sample(data_type, frames, "a.mp4" if frames > 1 else "a.png")
    car = sample.draft.add_object("car", Shape.BOUNDING_BOX)
    kind = car.add_attribute(RadioAttribute, "kind", dynamic=dynamic)
    van = kind.add_option("van")
    if not dynamic:
        van.add_nested_attribute(TextAttribute, "load")
    kind.add_option("bus")
    colours = car.add_attribute(ChecklistAttribute, "colours")
    colours.add_option("red")
    colours.add_option("pink")
    car.add_attribute(TextAttribute, "plate")
    return sample, car


def driven(car: Any, sample: Sample, kind: str | None, x: float, frames: Any = 0) -> ObjectInstance:
    instance = sample.place(car, box(x), frames)
    if kind:
        attribute = car.get_child_by_title("kind", RadioAttribute)
        instance.set_answer(attribute.get_child_by_title(kind), attribute)
    instance.set_answer("B-1", car.get_child_by_title("plate", TextAttribute))
    return instance
