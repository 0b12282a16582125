"""Text that no file can hold is refused in a sentence by every format, before and as it is written."""

from collections.abc import Callable

import pytest

from encord_convert import LabelSet, Report, read, write
from encord_convert._samples import Sample, box, mask_of
from encord_convert.errors import WriteError
from encord_convert.formats import MemorySource, MemoryTarget, formats
from encord_convert.sdk.objects import RadioAttribute, Shape, TextAttribute

WRITTEN = [name for name, format_ in formats().items() if format_.exporter is not None]


def title() -> LabelSet:
    s = Sample(title="a\udcff.png")
    s.place(s.draft.add_object("car", Shape.BOUNDING_BOX), box())
    return s.done()


def name() -> LabelSet:
    s = Sample()
    s.place(s.draft.add_object("ca\ud800r", Shape.BITMASK), mask_of("11"))
    return s.done()


def option() -> LabelSet:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    make = car.add_attribute(RadioAttribute, "make", feature_node_hash="make0000")
    s.place(car, box()).set_answer(make.add_option("\ud800", feature_node_hash="other000"), make)
    return s.done()


def answer(text: str = "\udfff") -> LabelSet:
    s = Sample()
    car = s.draft.add_object("car", Shape.BOUNDING_BOX)
    plate = car.add_attribute(TextAttribute, "plate", feature_node_hash="plate000")
    s.place(car, box()).set_answer(text, plate)
    return s.done()


@pytest.mark.parametrize("to", WRITTEN)
@pytest.mark.parametrize(
    ("make", "what"),
    [
        (title, r"The title 'a\\udcff.png'"),
        (name, r"The name 'ca\\ud800r'"),
        (option, r"The name '\\ud800'"),
        (answer, r"cam/1.png: to 'plate', the answer '\\udfff'"),
    ],
    ids=lambda one: getattr(one, "__name__", ""),
)
def test_half_a_surrogate_pair_is_refused_in_a_sentence(make: Callable[[], LabelSet], what: str, to: str) -> None:
    target = MemoryTarget()
    with pytest.raises(WriteError, match=f"^{what} holds half of a surrogate pair, which no file can"):
        write(make(), target, to, report=Report())
    assert target.files == {}
    exporter = formats()[to].exporter
    assert exporter is not None
    with pytest.raises(WriteError, match=what):
        exporter.foretell(make(), target, exporter.options(), Report())


def test_an_answer_that_was_edited_after_it_was_read_is_looked_at_too() -> None:
    target = MemoryTarget()
    write(answer("B 1"), target, "coco", report=Report())
    labels = read(MemorySource(target.files), "coco", report=Report())
    for row in labels:
        for instance in row.get_object_instances():
            [plate] = instance.ontology_item.attributes
            instance.set_answer("\ud800", plate, overwrite=True)
    with pytest.raises(WriteError, match="half of a surrogate pair"):
        write(labels, MemoryTarget(), "coco", report=Report())
