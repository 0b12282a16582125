"""The laws every format keeps, ours and yours.

A test module of a format outside this package says::

    class TestKitti(FormatLaws):
        format = FORMAT
        samples = SAMPLES          # names to functions that make a LabelSet

and pytest finds the laws.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from encord_convert.comparison import diff
from encord_convert.conversion import write
from encord_convert.errors import NotRepresentableError
from encord_convert.formats._api import Format
from encord_convert.formats._files import MemorySource, MemoryTarget
from encord_convert.formats._registry import format_named
from encord_convert.formats.encord import row_dict
from encord_convert.labelset import LabelSet
from encord_convert.losses import Loss
from encord_convert.report import Report


def tally(losses: list[Loss]) -> Counter[tuple[str, ...]]:
    """Return the losses as counts by kind, code, feature, type and label: what two accounts must agree on."""
    counts: Counter[tuple[str, ...]] = Counter()
    for loss in losses:
        counts[str(loss.kind), loss.code, str(loss.feature), loss.type, loss.label] += loss.count
    return counts


def hub_of(labels: LabelSet) -> dict[str, Any]:
    """Return the whole of a label set as JSON values."""
    return {"ontology": labels.ontology.to_dict(), "rows": [row_dict(row) for row in labels]}


def written(format_: Format, labels: LabelSet) -> tuple[dict[str, bytes], Report]:
    """Write into memory; return the files and the account."""
    assert format_.exporter is not None
    report, target = Report(), MemoryTarget()
    with target:
        format_.exporter.write(labels, target, format_.exporter.options(), report)
    return target.files, report


class FormatLaws:
    """Inherit, name the format and the samples."""

    format: ClassVar[Format]
    samples: ClassVar[Mapping[str, Callable[[], LabelSet]]]

    def __init_subclass__(cls) -> None:
        """Run each law on each sample of the class."""
        cls.pytestmark = [pytest.mark.parametrize("sample", sorted(cls.samples))]  # type: ignore[attr-defined]

    @pytest.fixture
    def labels(self, sample: str) -> LabelSet:
        """Make the sample anew for each law."""
        return self.samples[sample]()

    def test_what_is_predicted_is_observed(self, labels: LabelSet) -> None:
        """Declared = predicted = observed."""
        assert self.format.exporter is not None
        predicted = Report.predict(labels, self.format.exporter.carries)
        _, observed = written(self.format, labels)
        assert tally(predicted.losses()) == tally(observed.losses())
        assert predicted.counts() == observed.counts()
        assert predicted.labels() == observed.labels()

    def test_what_came_in_adds_up(self, labels: LabelSet) -> None:
        """In = kept + changed + dropped, and none of them is negative."""
        _, report = written(self.format, labels)
        for row in (*report.counts().values(), *report.labels().values()):
            assert row["in"] == row["kept"] + row["changed"] + row["dropped"]
            assert min(row.values()) >= 0

    def test_the_input_is_left_as_it_was(self, labels: LabelSet) -> None:
        """An exporter changes nothing."""
        before = hub_of(labels)
        written(self.format, labels)
        assert hub_of(labels) == before

    def test_writing_twice_gives_the_same_bytes(self, labels: LabelSet) -> None:
        """No clock, no chance."""
        assert written(self.format, labels)[0] == written(self.format, labels)[0]

    def test_strict_refuses_exactly_what_is_lossy(self, labels: LabelSet) -> None:
        """Strict writes nothing if the account has a loss, and everything if it has none."""
        lossless = written(self.format, labels)[1].is_lossless
        target = MemoryTarget()
        try:
            write(labels, target, self.format, strict=True, report=Report())
        except NotRepresentableError as error:
            assert not lossless
            assert not error.report.is_lossless
            assert not target.files
        else:
            assert lossless

    def test_what_is_kept_comes_back(self, labels: LabelSet) -> None:
        """Reading what was written gives what went in, narrowed to what the format declares."""
        assert self.format.exporter is not None
        reader = format_named(self.format.read_by) if self.format.read_by else self.format
        if reader.importer is None:
            return
        files, _ = written(self.format, labels)
        back = reader.importer.read(MemorySource(files), reader.importer.options(), Report())
        differences = [str(one) for one in diff(labels, back, carries=self.format.exporter.carries)]
        assert not differences
