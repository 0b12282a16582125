"""The masks of a VOC source: ``SegmentationObject`` has a number for each object, ``SegmentationClass`` its class."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats.voc.sets import OFFICIAL, Listed, is_background, palette
from encord_convert.geometry import png
from encord_convert.geometry.boxes import xyxy_from_xywh
from encord_convert.geometry.paintings import BoxRuns, values_in
from encord_convert.geometry.rle import mask_from_runs

OBJECTS, CLASSES = "SegmentationObject/", "SegmentationClass/"
VOID = 255
LEAST_OVERLAP = 0.5
"""Least IoU of boxes for matching a mask to an object."""


@dataclass(slots=True)
class Mask:
    """The mask of an object: its number from 1, its class, and row runs inside a box."""

    number: int
    label: str
    runs: BoxRuns

    @property
    def box(self) -> tuple[float, ...]:
        """Left, top, right, bottom in pixels."""
        return xyxy_from_xywh(self.runs[1:])


class Masks:
    """The masks of a source.

    Parameters
    ----------
    source : Source
    names : iterable of str
        All its members.
    listed : mapping
        The classes of ``labelmap.txt``.
    """

    def __init__(self, source: Source, names: Iterable[str], listed: Mapping[str, Listed]) -> None:
        self._source = source
        self._files: dict[str, dict[str, str]] = {OBJECTS: {}, CLASSES: {}}
        for name in names:
            for kind, files in self._files.items():
                _, found, below = name.rpartition(kind)
                if found and below.lower().endswith(".png"):
                    files.setdefault(below[:-4], name)
        self._labels = list(listed) or ["background", *OFFICIAL]
        self._of_colour = {colour: number for number, colour in reversed(list(enumerate(palette())))}
        self._of_label_colour = {
            tuple(bytes.fromhex(one.color[1:])): name for name, one in listed.items() if one.color is not None
        }

    def __bool__(self) -> bool:
        return any(self._files.values())

    def __contains__(self, stem: str) -> bool:
        return any(stem in files for files in self._files.values())

    def size(self, stem: str) -> tuple[int, int]:
        """Return width and height of the masks of an image.

        Raises
        ------
        ReadError
            They are not PNG.
        """
        name = self._files[OBJECTS].get(stem) or self._files[CLASSES][stem]
        try:
            head = png.header(self._source.head(name, png.HEADER_BYTES))
        except ValueError as error:
            raise ReadError(self._source.place(name), str(error)) from error
        return head.width, head.height

    def forget(self, stem: str) -> None:
        """Treat an image as having no masks, since they are damaged."""
        for files in self._files.values():
            files.pop(stem, None)

    def of(self, stem: str, size: tuple[int, int]) -> tuple[list[Mask], int]:
        """Return the masks of an image, and its number of void pixels.

        Without an instance image each class is one object.

        Raises
        ------
        ReadError
            An image is damaged, or not of the size of the other.
        """
        images = {}
        for kind, files in self._files.items():
            if stem in files:
                images[kind] = self._numbers(files[stem], size)
        classes = images.get(CLASSES)
        objects = images.get(OBJECTS)
        if objects is None:
            objects = classes
        assert objects is not None
        masks = []
        void = int((objects == VOID).sum())
        for value, runs in values_in([objects]):
            if value != VOID:
                masks.append(Mask(value - (VOID < value < _COLOURED), self._label(value, runs, classes), runs))
        return masks, void

    def _label(self, value: int, box_runs: BoxRuns, classes: NDArray[Any] | None) -> str:
        """Return the majority class of a mask's pixels."""
        if classes is None:
            return f"object {value}"
        runs, left, top, width, height = box_runs
        below = classes[top : top + height, left : left + width][mask_from_runs(runs, height, width)]
        below = below[(below != 0) & (below != VOID)]
        if not len(below):
            return f"object {value}"
        values, counts = np.unique(below, return_counts=True)
        return self._named(int(values[counts.argmax()]))

    def _named(self, number: int) -> str:
        if number >= _COLOURED:
            colour = tuple((number - _COLOURED).to_bytes(3, "big"))
            return self._of_label_colour.get(colour, "#{:02x}{:02x}{:02x}".format(*colour))
        number -= number > VOID
        return self._labels[number] if number < len(self._labels) else f"class {number}"

    def _numbers(self, name: str, size: tuple[int, int]) -> NDArray[Any]:
        """Return the index of each pixel; for RGB images the index in VOC's palette, or the colour itself."""
        place = self._source.place(name)
        try:
            with self._source.open(name) as stream:
                pixels = png.decoded(stream.read()).pixels
        except ValueError as error:
            raise ReadError(place, str(error)) from error
        if pixels.shape[1::-1] != size:
            fact = f"has {pixels.shape[1]} × {pixels.shape[0]} pixels, and its image {size[0]} × {size[1]}."
            raise ReadError(place, fact)
        if pixels.ndim == 2:
            numbers = pixels.astype(np.uint32)
            if pixels.dtype == np.uint16:  # with more than 254 objects 255 is one of them
                numbers[numbers >= VOID] += 1
            return np.asarray(numbers)
        whole = pixels[:, :, :3].astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        values, index = np.unique(whole, return_inverse=True)
        known = [self._number_of(tuple(int(value).to_bytes(3, "big")), name) for value in values]
        return np.array(known, np.uint32)[index.reshape(whole.shape)]

    def _number_of(self, colour: tuple[int, ...], name: str) -> int:
        coloured = _COLOURED + int.from_bytes(bytes(colour), "big")
        if CLASSES in name and colour in self._of_label_colour:
            return 0 if is_background(self._of_label_colour[colour]) else coloured
        return self._of_colour.get((colour[0], colour[1], colour[2]), coloured)


_COLOURED = 1 << 24
"""Larger numbers are RGB colours that are not in VOC's palette, or that ``labelmap.txt`` names."""


def matched(masks: Sequence[Mask], boxes: Sequence[tuple[float, ...] | None]) -> list[int | None]:
    """Return the index of each mask's box: the one it overlaps most, if the IoU is at least a half.

    Parameters
    ----------
    boxes : sequence of (xmin, ymin, xmax, ymax), or None where there is none to match
        Read by whichever convention fits better.
    """
    pairs = []
    for number, mask in enumerate(masks):
        for at, box in enumerate(boxes):
            if box is not None:
                pixels = (box[0] - 1, box[1] - 1, *box[2:])
                pairs.append((-max(_overlap(mask.box, box), _overlap(mask.box, pixels)), number, at))
    found: list[int | None] = [None] * len(masks)
    taken: set[int] = set()
    for overlap, number, at in sorted(pairs):
        if -overlap >= LEAST_OVERLAP and found[number] is None and at not in taken:
            found[number] = at
            taken.add(at)
    return found


def _overlap(one: Sequence[float], other: Sequence[float]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return width * height / (sum(areas) - width * height)
