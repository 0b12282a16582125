"""What a target does not carry of labels, taken away and told: the one place where a loss on the way out is said.

:class:`Narrowed` walks a label set in front of an exporter. It looks at the labels and at
:class:`~encord_convert.hub.loss.Carries`, knows no format, and gives the exporter what is left of each row: that is
written, and nothing is lost any more. A dry run is the same walk without the exporter.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import copy
from typing import TYPE_CHECKING, Any

from encord_convert.hub.loss import NOWHERE, Carries, Feature, Level, Where
from encord_convert.hub.rasterize import Layer, layer_on
from encord_convert.hub.table import Table, Variant
from encord_convert.losses.geometry import Reason
from encord_convert.losses.redraw import redrawn
from encord_convert.losses.report import Account, Report
from encord_convert.losses.rows import RowLosses
from encord_convert.sdk.objects import Shape

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet
    from encord_convert.sdk.objects import LabelRowV2, ObjectInstance


class Left:
    """A row, and what of its labels a target carries.

    Parameters
    ----------
    row : LabelRowV2
        As it came, which is not changed.
    frames : dict of str to list of int, optional
        By the hash of each object that is written, in the order of the row, the frames it is written on, ascending;
        none for one that is on no frame. By default all objects are, on all their frames.
    layers : dict of int to Layer
        Of a target of one value a pixel, by frame.
    """

    __slots__ = ("_carries", "_frames", "layers", "row")

    def __init__(
        self, row: LabelRowV2, frames: dict[str, list[int]] | None, layers: dict[int, Layer], carries: Carries
    ) -> None:
        self.row = row
        self._frames = frames
        self.layers = layers
        self._carries = carries

    @property
    def has_layers(self) -> bool:
        """Whether the target has one value a pixel."""
        return self._carries.one_layer is not None

    def objects(self) -> Iterator[tuple[ObjectInstance, list[int]]]:
        """Yield each object that is written, with its frames."""
        if self._frames is None:
            yield from ((instance, sorted(instance._frames)) for instance in self.row._objects.values())
            return
        for hash_, frames in self._frames.items():
            yield self.row._objects[hash_], frames

    def on_frames(self) -> dict[int, list[ObjectInstance]]:
        """Return the objects written on each frame, in the order of the row."""
        placed: dict[int, list[ObjectInstance]] = {}
        for instance, frames in self.objects():
            for frame in frames:
                placed.setdefault(frame, []).append(instance)
        return placed

    @staticmethod
    def with_coordinates(instance: ObjectInstance, coordinates: Mapping[int, Any]) -> ObjectInstance:
        """Return an object on the frames of these coordinates alone, and with them."""
        written = copy(instance)
        written._frames = {frame: copy(data) for frame, data in instance._frames.items() if frame in coordinates}
        for frame, data in written._frames.items():
            data.coordinates = coordinates[frame]
        return written

    def layer(self, frame: int) -> Layer:
        """Return what a target of one value a pixel shows on a frame, which may be nothing."""
        return self.layers.get(frame) or layer_on(self.row, frame, (), self._carries)


class LeftTable:
    """A table, and what of its labels a target carries.

    Parameters
    ----------
    table : Table
        As it came, which is not changed.
    variants : set of Variant or None
        Those its shapes have.
    dropped : set of int
        Places of shapes that are not written.
    """

    __slots__ = ("_carries", "dropped", "table", "variants")

    def __init__(self, table: Table, variants: set[Variant | None], dropped: set[int], carries: Carries) -> None:
        self.table = table
        self.variants = variants
        self.dropped = dropped
        self._carries = carries

    def image(self, number: int) -> Left:
        """Return what is carried of an image."""
        row, dropped = self.table.row(number), self.dropped
        placed = zip(self.table.span(number), row._objects, strict=True)
        return Left(row, {hash_: [0] for place, hash_ in placed if place not in dropped}, {}, self._carries)


class Narrowed:
    """The rows of a label set, each with what a target of a declaration carries of it; the rest is told and counted.

    Parameters
    ----------
    labels : LabelSet
    report : Report or None
        None: one of its own.
    carries : Carries

    Attributes
    ----------
    labels : LabelSet
        As it came, but for shapes that are redrawn: its ontology, its title, what only the source has words for.
    carries : Carries
    """

    def __init__(self, labels: LabelSet, report: Report | None, carries: Carries) -> None:
        self.labels = redrawn(labels, carries)
        self.carries = carries
        self._report = Report() if report is None else report

    def __iter__(self) -> Iterator[Left]:
        return self.rows()

    def rows(self, leaves_out: Callable[[LabelRowV2], Reason | None] | None = None) -> Iterator[Left]:
        """Walk the rows; those for which ``leaves_out`` has a reason are told and not yielded."""
        carries, report = self.carries, self._report
        objects = self.labels.ontology.objects
        if leaves_out is None and carries.is_whole and all(item.shape in carries.shapes for item in objects):
            yield from (Left(row, None, {}, carries) for row in report.rows(self.labels, carries))
            return
        rows = RowLosses(report, carries, self.labels)
        for row in report.rows(self.labels, carries):
            reason = None if leaves_out is None else leaves_out(row)
            if reason is None:
                yield Left(row, *rows.of_row(row), carries)
            else:
                rows.leave_out(row, reason)
        note_templates(self.note, carries, rows.untemplated)

    def tables(self) -> Iterator[LeftTable | Left]:
        """Walk what :meth:`rows` does, many images at a time where that makes no difference."""
        carries = self.carries
        rows = RowLosses(self._report, carries, self.labels)
        if not rows.takes_tables:
            yield from self.rows()
            return
        for one in self._report.tables(self.labels, carries):
            if isinstance(one, Table):
                yield LeftTable(one, *rows.of_table(one), carries)
            else:
                yield Left(one, *rows.of_row(one), carries)
            del one  # a table of some megabytes goes before the next is made
        note_templates(self.note, carries, rows.untemplated)

    @property
    def account(self) -> Account:
        """What was told of the rows walked, to be sent where another process walked them."""
        return self._report.account()

    @account.setter
    def account(self, account: Account) -> None:
        self._report.take([account])

    @property
    def splits(self) -> dict[str, int]:
        """How many images are written to each split of the target."""
        return self._report.target.splits

    @splits.setter
    def splits(self, counts: dict[str, int]) -> None:
        self._report.target.splits = counts

    def note(self, level: Level, code: str, detail: str, where: Where = NOWHERE, count: int = 1) -> None:
        """Say something that lost nothing."""
        self._report.note(level, code, detail, where, count)


def note_templates(note: Callable[[Level, str, str], None], carries: Carries, untemplated: Iterable[str]) -> None:
    """Say which skeletons have the points of the first that is written, if the target has a list of them."""
    if Shape.SKELETON in carries.shapes and Feature.UNKNOWN_POINTS not in carries.features:
        for name in untemplated:
            detail = f"The skeleton {name!r} has no template; its first instance orders the keypoints."
            note(Level.WARNING, "KEYPOINT_NAMES_MISSING", detail)


def predict(report: Report, labels: LabelSet, carries: Carries) -> None:
    """Fill ``report`` as writing to a target of this declaration will."""
    for _ in Narrowed(labels, report, carries):
        pass
