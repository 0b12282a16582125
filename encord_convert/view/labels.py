"""The labels of one frame as page JSON: each shape with its paths, answers and source location.

Keys are short, since a page has thousands of shapes: ``c`` class number, ``a l p h`` paths
(:meth:`~encord_convert.view.drawing.Drawing.paths`), ``i`` hash of the instance, ``q`` attributes and answers, ``f`` a
confidence other than 1, ``y`` and ``e`` line and element in the source, ``m`` its marks.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

import msgspec

from encord_convert.hub.contents import info_of, where_of
from encord_convert.hub.visibility import frame_size, unit_size
from encord_convert.sdk.objects.bitmask import BitmaskCoordinates
from encord_convert.view.drawing import Drawing, drawing_of, edges_of

if TYPE_CHECKING:
    from encord_convert.sdk.objects import LabelRowV2, OntologyStructure
    from encord_convert.view.marks import MarkIndex

MOST_SHAPES = 2_000
"""Most shapes of an image; above that they are drawn as one PNG."""
FRAME = "frame"
"""Shape name of classifications, which apply to the whole frame."""
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_GREY = "#888888"
NO_SIZE = 1_000
"""Assumed side in pixels of images of unknown size."""

Label = tuple[dict[str, Any], Drawing]
"""A shape in page JSON, and its drawing."""


class Class(msgspec.Struct, rename={"name": "n", "shape": "s", "colour": "k"}):
    """A class of the page: its name, its shape in words, its colour as ``#rrggbb``."""

    name: str
    shape: str
    colour: str


class Classes:
    """Numbers the classes of a page in order of appearance."""

    def __init__(self) -> None:
        self.all: list[Class] = []
        self._numbers: dict[tuple[str, str], int] = {}

    def number(self, item: Any, name: str) -> int:
        """Return the class number of an object or classification; ``name`` is its name on the page."""
        shape = str(item.shape.value).replace("_", " ") if hasattr(item, "shape") else FRAME
        number = self._numbers.setdefault((name, shape), len(self.all))
        if number == len(self.all):
            colour = str(getattr(item, "color", ""))
            self.all.append(Class(name, shape, colour if _COLOUR.fullmatch(colour) else _GREY))
        return number


class Labels:
    """Yields the labels on frames of rows.

    Parameters
    ----------
    ontology : OntologyStructure
        Ontology of the rows, with skeleton templates.
    classes : Classes
    marks : Places
        Losses or differences by label.
    """

    def __init__(self, ontology: OntologyStructure, classes: Classes, marks: MarkIndex) -> None:
        self._edges = edges_of(ontology)
        self.classes = classes
        self._marks = marks
        self._row: LabelRowV2 | None = None
        self._on: dict[int, list[Any]] = {}

    def on(self, row: LabelRowV2, frame: int) -> Iterator[Label]:
        """Yield the labels on a frame: objects, then classifications."""
        if row is not self._row:
            self._row, self._on = row, {}
            for instance in chain(row._objects.values(), row._classifications.values()):
                for number in instance._frames:
                    self._on.setdefault(number, []).append(instance)
        for instance in self._on.get(frame, ()):
            yield self._label(row, frame, instance)

    @staticmethod
    def size(row: LabelRowV2, frame: int) -> tuple[int, int]:
        """Return width and height of a frame in pixels; 0: unknown."""
        return frame_size(row, frame)

    def _label(self, row: LabelRowV2, frame: int, instance: Any) -> Label:
        item, where = instance.ontology_item, where_of(row, instance, frame)
        is_object = hasattr(instance, "object_hash")
        name = instance.object_name if is_object else instance.classification_name
        said: dict[str, Any] = {"c": self.classes.number(item, name), "i": where.object_hash}
        drawing = self._drawing(row, frame, instance) if is_object else Drawing()
        said |= drawing.paths()
        if answers := answers_of(instance, frame):
            said["q"] = answers
        if (confidence := info_of(instance, frame).confidence) != 1:
            said["f"] = round(confidence, 4)
        if where.line is not None:
            said["y"] = where.line
        if where.element is not None:
            said["e"] = where.element
        if marks := self._marks.of(row.data_title, frame, where.object_hash or ""):
            said["m"] = marks
        return said, drawing

    def _drawing(self, row: LabelRowV2, frame: int, instance: Any) -> Drawing:
        coordinates = instance._frames[frame].coordinates
        width, height = (unit_size if isinstance(coordinates, BitmaskCoordinates) else frame_size)(row, frame)
        edges = self._edges.get(instance.object_name, ())
        return drawing_of(coordinates, width or NO_SIZE, height or NO_SIZE, edges)


def answers_of(instance: Any, frame: int) -> list[tuple[str, str]]:
    """Return attributes and answers of a label on a frame, nested ones with their path."""
    paths = instance.ontology_item._answer_index().paths
    answers = list(instance._static_answers())
    if hasattr(instance, "_dynamic_answers_at"):
        answers += instance._dynamic_answers_at(frame)
    said = []
    for attribute, value in answers:
        steps = chain.from_iterable((radio.title, option.label) for radio, option in paths[attribute.feature_node_hash])
        options = value if isinstance(value, tuple | list) else [value]
        words = ", ".join(str(getattr(option, "label", option)) for option in options)
        said.append((" / ".join((*steps, attribute.title)), words))
    return said
