"""How much of what label sets hold, and how large it is: the numbers of ``encord-convert stats``.

Annotations are counted as a report counts them, by the elements of the source: a track of ten keyframes is ten,
however many frames lie between. All else is counted on images, as one looks at them, frames of videos too: sizes,
how many stand on an image, which classes stand together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from encord_convert.hub.contents import also_of, label_of, labels_off_frames, placed_answers, type_of
from encord_convert.hub.counts import SECONDARY
from encord_convert.hub.measures import measure, measures_of
from encord_convert.hub.splits import UNNAMED, images_of, split_of
from encord_convert.hub.table import Table, Variant
from encord_convert.hub.tallies import HELD, Tallies
from encord_convert.hub.visibility import frame_size

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.sdk.objects import LabelRowV2


class Stats:
    """The numbers of one label set, or of several together.

    Attributes
    ----------
    rows : int
        Label rows.
    dropped : Counter of str
        By class: annotations of the sources that could not be read, and are in none of the other numbers.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.dropped: Counter[str] = Counter()
        self._tallies = Tallies()

    def add(self, labels: LabelSet) -> None:
        """Count a label set. Its rows are walked once."""
        before = self._tallies.of_labels()
        for one in labels.tables():
            if isinstance(one, Table):
                self._take_table(one)
            else:
                self._take_row(one)
            del one  # a table of some megabytes goes before the next is made
            self._tallies.count(HELD)
        self._tallies.count()
        told = [counts for counts in (labels.counts, labels.mapping) if counts is not None]
        self.dropped.update(sums := _by_label(counts.dropped for counts in told))
        if labels.counts is None:
            return
        changed = _by_label(counts.changed for counts in told)
        found = self._tallies.of_labels() - before
        for label, count in (_by_label(counts.into for counts in told) - sums - found).items():
            self._tallies.settle(label, min(count, changed[label]))

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers, as JSON has them; :doc:`the page <stats>` says what they mean."""
        form = self._tallies.to_dict()
        read, dropped = sum(one["annotations"] for one in form["classes"]), self.dropped.total()
        head = {"annotations": read + dropped, "dropped_in_reading": dropped, "rows": self.rows}
        return head | form

    def _take_table(self, table: Table) -> None:
        tallies, first = self._tallies, len(self._tallies.image_splits)
        self.rows += len(table)
        splits = [self._split(table.client_metadata.get(image)) for image in range(len(table))]
        tallies.image_splits.extend(splits)
        for (width, height), split in zip(table.sizes, splits, strict=True):
            tallies.image(width, height, split)
        known: dict[Variant | None, tuple[int, int]] = {}
        for variant, count in Counter(table.variants).items():
            if variant is None:
                known[variant] = -1, 0
                continue
            weight = 1 if variant.weights is None else variant.weights.get(0, (0, ()))[0]
            known[variant] = tallies.group(variant.label, variant.item.shape.value), weight
            if weight:
                changing = () if variant.dynamic is None else variant.dynamic.entries.values()
                tallies.answer(variant.label, () if variant.static is None else variant.static.ordered, count)
                tallies.answer(variant.label, [(entry.attribute, entry.value) for entry in changing], count)
        found = np.array([known[variant] for variant in table.variants], np.int64).reshape(-1, 2)
        owners = np.repeat(np.arange(len(table)), table.counts)
        pixels = np.array([width * height for width, height in table.sizes], np.float64)[owners]
        areas, has_variant = measures_of(table)[:, 4], found[:, 0] >= 0
        columns = found[:, 0], owners + first, found[:, 1], areas, pixels
        tallies.hold(*(column[has_variant] for column in columns))
        for place, instance in table.made.items():
            self._take_on(table, int(owners[place]), instance, first, splits)
        for image, classifications in table.classifications.items():
            for classification in classifications:
                self._take_on(table, image, classification, first, splits)

    def _split(self, metadata: Mapping[str, Any] | None) -> int:
        name = split_of(metadata)
        return self._tallies.split("" if name == UNNAMED else name)

    def _take_on(self, table: Table, image: int, instance: Any, first: int, splits: list[int]) -> None:
        self._take(instance, splits[image], {0: first + image}, lambda _: table.sizes[image])

    def _take_row(self, row: LabelRowV2) -> None:
        tallies, first = self._tallies, len(self._tallies.image_splits)
        self.rows += 1
        split, images = self._split(row.client_metadata), images_of(row)
        for unit in row._units:
            tallies.image(unit.width or 0, unit.height or 0, split, 1 if len(row._units) > 1 else images)
        instances = [*row._objects.values(), *row._classifications.values()]
        frames = {frame for instance in instances for frame in instance._frames}
        tallies.image_splits.extend([split] * len(frames))
        tallies.blank(split, max(images - len(frames), 0))
        sizes = {frame: frame_size(row, frame) for frame in frames}
        places = {frame: first + number for number, frame in enumerate(frames)}
        for instance in instances:
            self._take(instance, split, places, sizes.__getitem__)
        for shape, label in labels_off_frames(row) if row._contents.has_extras else ():
            tallies.add(tallies.group(label, shape), split, 1)

    def _take(
        self, instance: Any, split: int, places: Mapping[int, int], size_of: Callable[[int], tuple[int, int]]
    ) -> None:
        """Hold an object or classification on each of its frames, whose numbers among the images held are given."""
        tallies, origin, shape, label = self._tallies, instance._origin, type_of(instance), label_of(instance)
        group, weights = tallies.group(label, shape), None if origin is None else origin.weights
        columns: tuple[list[Any], ...] = [], [], [], [], []
        for frame, data in instance._frames.items():
            width, height = size_of(frame)
            coordinates = getattr(data, "coordinates", None)
            weight = 1 if weights is None else weights.get(frame, (0, ()))[0]
            area = measure(coordinates, width, height)[4] if coordinates is not None else np.nan
            for column, value in zip(columns, (group, places[frame], weight, area, width * height), strict=True):
                column.append(value)
        tallies.hold(*columns)
        for other in also_of(instance):
            tallies.add(tallies.group(other.label, shape), split, 1)
        if len(instance._frames) > 1:
            tallies.track(group)
        if any(columns[2]):
            tallies.answer(label, [answer[:2] for answer in placed_answers(instance)])


def _by_label(counts: Iterable[Mapping[tuple[str, str], int]]) -> Counter[str]:
    """Return how many annotations of each class there are in counts by type and class."""
    sums: Counter[str] = Counter()
    for one in counts:
        for (type_, label), count in one.items():
            sums[label] += count * (type_ not in SECONDARY)
    return +sums
