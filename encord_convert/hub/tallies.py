"""What :mod:`encord_convert.hub.stats` counts, many annotations at a time."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.hub.spread import bins_of, of_bins, of_whole

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SIZES = {"small": 0, "medium": 32**2, "large": 96**2}
"""Names of sizes, and the area in square pixels that each begins with.

Source: cocoapi 2.0, PythonAPI/pycocotools/cocoeval.py, ``Params.setDetParams`` (areaRng)."""
MOST_CLASSES = 100
"""Classes on one image whose pairs are counted; an image with more is told apart."""
MOST_PAIRS = 200_000
MOST_ANSWERS = 1_000
"""Different answers to one attribute that are told apart; what comes later is counted together."""
MOST_IMAGE_SIZES = 10_000
PAIRS_TOLD = 1_000
HELD = 1 << 16
"""How many annotations, or images, are held before they are counted."""

Group = tuple[str, str]
"""Class and shape."""


class Tallies:
    """Counts of annotations and images; annotations are held in columns, and counted many at a time."""

    def __init__(self) -> None:
        self.splits: dict[str, int] = {}
        self.image_splits = array("q")
        """The split of each image held."""
        self._groups: dict[Group, int] = {}
        self._names: dict[str, int] = {}
        self._name_of: list[int] = []
        self._begin()
        self._annotations: Counter[tuple[int, int]] = Counter()
        self._tracks: Counter[int] = Counter()
        self._sizes: Counter[tuple[int, int]] = Counter()
        self._sides: dict[int, Counter[int]] = {}
        self._relative: Counter[int] = Counter()
        self._images: Counter[int] = Counter()
        self._unlabelled: Counter[int] = Counter()
        self._widths: Counter[int] = Counter()
        self._heights: Counter[int] = Counter()
        self._image_sizes: Counter[tuple[int, int]] = Counter()
        self._per_image: Counter[int] = Counter()
        self._pairs: Counter[tuple[int, int]] = Counter()
        self._crowded = self._pairs_left = 0
        self._answers: dict[tuple[str, str], Counter[str]] = {}
        self._further: Counter[tuple[str, str]] = Counter()

    def _begin(self) -> None:
        self.image_splits = array("q")
        self._columns: list[array[Any]] = [array(kind) for kind in "qqqdd"]

    # --- what is told -----------------------------------------------------------------------------------------------

    def group(self, label: str, shape: str) -> int:
        """Return the number of a class in a shape."""
        group = self._groups.get((label, shape))
        if group is None:
            group = self._groups[label, shape] = len(self._groups)
            self._name_of.append(self._names.setdefault(label, len(self._names)))
        return group

    def split(self, name: str) -> int:
        """Return the number of a split."""
        return self.splits.setdefault(name, len(self.splits))

    def hold(self, *columns: ArrayLike) -> None:
        """Take annotations on images.

        Parameters
        ----------
        columns : five of (n,)
            Group; the number of the image among those held; elements of the source it stands for; area of the shape
            and of the image, in square pixels.
        """
        for own, column in zip(self._columns, columns, strict=True):
            own.frombytes(np.ascontiguousarray(column, own.typecode).tobytes())

    def add(self, group: int, split: int, count: int) -> None:
        """Count elements of the source."""
        self._annotations[group, split] += count

    def of_labels(self) -> Counter[str]:
        """Return how many elements of the source each class has so far."""
        sums: Counter[str] = Counter()
        for (label, _), group in self._groups.items():
            sums[label] += sum(self._annotations[group, split] for split in self.splits.values())
        return sums

    def settle(self, label: str, count: int) -> None:
        """Count elements that were read as part of an annotation of a class: in the shape and split it has most of."""
        name = self._names.get(label)
        found = {one: number for one, number in self._annotations.items() if self._name_of[one[0]] == name}
        if found:
            self._annotations[max(found, key=found.__getitem__)] += count

    def track(self, group: int) -> None:
        """Count an object that is on several frames."""
        self._tracks[group] += 1

    def image(self, width: int, height: int, split: int, count: int = 1) -> None:
        """Count images of a size; one of 0 is not known."""
        self._images[split] += count
        if not (width and height):
            return
        self._widths[width] += count
        self._heights[height] += count
        if (width, height) in self._image_sizes or len(self._image_sizes) < MOST_IMAGE_SIZES:
            self._image_sizes[width, height] += count

    def blank(self, split: int, count: int) -> None:
        """Count images without labels."""
        if count:
            self._unlabelled[split] += count
            self._per_image[0] += count

    def answer(self, label: str, answers: Iterable[tuple[Any, Any]], count: int = 1) -> None:
        """Count attributes and answers of so many objects; of a checklist, each option that is checked."""
        for attribute, value in answers:
            key = label, attribute.title
            known = self._answers.setdefault(key, Counter())
            for one in value if isinstance(value, tuple) else (value,):
                text = str(getattr(one, "label", one))
                if text in known or len(known) < MOST_ANSWERS:
                    known[text] += count
                else:
                    self._further[key] += count

    # --- counting ---------------------------------------------------------------------------------------------------

    def count(self, least: int = 1) -> None:
        """Count what is held, if that is something."""
        if max(len(self._columns[0]), len(self.image_splits)) < least:
            return
        groups, images, weights, areas, pixels = (np.array(column) for column in self._columns)
        splits = np.array(self.image_splits)
        self._begin()
        for (group, split), weight in _sums(weights, groups, splits[images]):
            self.add(group, split, weight)
        own = np.bincount(images, minlength=len(splits))
        self._per_image.update(dict(_tally(own[own > 0])))
        for split, count in _tally(splits[own == 0]):
            self.blank(split, count)
        has_area = np.isfinite(areas) & (pixels > 0)
        sizes = np.where(has_area, np.searchsorted([*SIZES.values()], areas, "right"), 0)
        self._sizes.update(dict(_sums(1, groups, sizes)))
        sides = np.sqrt(np.maximum(areas[has_area], 0))
        for (group, bin_), count in _sums(1, groups[has_area], bins_of(sides)):
            self._sides.setdefault(group, Counter())[bin_] += count
        self._relative.update(dict(_tally(bins_of(100 * sides / np.sqrt(pixels[has_area])))))
        self._pair(images, np.array(self._name_of, np.int64)[groups])

    def _pair(self, images: NDArray[np.int64], names: NDArray[np.int64]) -> None:
        """Count which classes stand on one image."""
        images, names = np.divmod(np.unique(images * len(self._names) + names), max(len(self._names), 1))
        found, numbers = np.unique(images, return_counts=True)
        crowded = found[numbers > MOST_CLASSES]
        self._crowded += len(crowded)
        kept = ~np.isin(images, crowded)
        images, names = images[kept], names[kept]
        for apart in range(1, min(MOST_CLASSES, len(images))):
            together = images[apart:] == images[:-apart]
            if not together.any():
                break
            for pair, count in _sums(1, names[:-apart][together], names[apart:][together]):
                if pair in self._pairs or len(self._pairs) < MOST_PAIRS:
                    self._pairs[pair] += count
                else:
                    self._pairs_left += count

    # --- what was counted -------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers, as JSON has them."""
        sides: Counter[int] = sum(self._sides.values(), Counter())
        return {
            "images": self._images.total(),
            "images_without_labels": self._unlabelled.total(),
            "splits": {name: self._of_split(split) for name, split in sorted(self.splits.items())},
            "classes": [self._of_group(*one, group) for one, group in sorted(self._groups.items())],
            "annotation_side_px": of_bins(sides),
            "annotation_side_percent": of_bins(self._relative),
            "annotations_per_image": of_whole(self._per_image),
            "image_width_px": of_whole(self._widths),
            "image_height_px": of_whole(self._heights),
            "image_sizes": [
                {"width": width, "height": height, "images": count}
                for (width, height), count in self._image_sizes.most_common()
            ],
            "pairs": self._told_pairs(),
            "images_left_out_of_pairs": self._crowded,
            "pairs_left_out": self._pairs_left,
            "answers": [
                {"class": label, "attribute": attribute, "answers": dict(found.most_common()),
                 "further": self._further[label, attribute]}
                for (label, attribute), found in sorted(self._answers.items())
            ],
        }  # fmt: skip

    def _of_split(self, split: int) -> dict[str, int]:
        annotations = sum(count for (_, own), count in self._annotations.items() if own == split)
        return {"images": self._images[split], "images_without_labels": self._unlabelled[split],
                "annotations": annotations}  # fmt: skip

    def _of_group(self, label: str, shape: str, group: int) -> dict[str, Any]:
        splits = {
            name: count for name, split in sorted(self.splits.items()) if (count := self._annotations[group, split])
        }
        side = of_bins(self._sides.get(group, {}))
        side.pop("histogram", None)
        return {
            "class": label, "shape": shape, "annotations": sum(splits.values()), "splits": splits,
            "on_images": sum(self._sizes[group, size] for size in range(len(SIZES) + 1)),
            "tracks": self._tracks[group],
            **{name: self._sizes[group, number] for number, name in enumerate(SIZES, 1)}, "side_px": side,
        }  # fmt: skip

    def _told_pairs(self) -> list[dict[str, Any]]:
        names = [*self._names]
        found = sorted((-count, sorted((names[one], names[other]))) for (one, other), count in self._pairs.items())
        return [{"classes": pair, "images": -count} for count, pair in found[:PAIRS_TOLD]]


def _tally(numbers: NDArray[np.int64]) -> Iterable[tuple[int, int]]:
    """Return each number, and how often it is there."""
    found, counts = np.unique(numbers, return_counts=True)
    return zip(found.tolist(), counts.tolist(), strict=True)


def _sums(weights: NDArray[np.int64] | int, first: NDArray[np.int64], second: NDArray[np.int64]) -> Any:
    """Return each pair of numbers, and the sum of its weights."""
    low = int(second.min(initial=0))
    span = int(second.max(initial=0)) - low + 1
    keys, places = np.unique(first * span + (second - low), return_inverse=True)
    sums = np.bincount(places, np.broadcast_to(weights, len(first)), len(keys)).astype(np.int64)
    ones, others = np.divmod(keys, span)
    return zip(zip(ones.tolist(), (others + low).tolist(), strict=True), sums.tolist(), strict=True)
