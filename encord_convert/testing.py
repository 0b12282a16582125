"""The laws every format keeps, ours and yours.

A test module of a format outside this package says::

    from encord_convert.testing import FormatLaws

    class TestKitti(FormatLaws):
        format = FORMAT

and pytest holds the format to the laws on each of :data:`SAMPLES`: label sets that between them have every feature a
label can have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import pytest

from encord_convert._samples import SAMPLES
from encord_convert.conversion import write
from encord_convert.errors import NotRepresentableError
from encord_convert.formats._api import Format
from encord_convert.formats._files import MemorySource, MemoryTarget
from encord_convert.formats._registry import format_named
from encord_convert.formats.encord import row_dict
from encord_convert.hub.counts import EXAMPLES
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Loss, Note
from encord_convert.losses.compare import diff
from encord_convert.losses.redraw import redrawn
from encord_convert.losses.report import Report

__all__ = ["SAMPLES", "FormatLaws", "broken_laws"]


def tally(losses: list[Loss]) -> Counter[tuple[str, ...]]:
    """Return the losses as counts by kind, code, feature, type, label and sentences: what two accounts must agree on.

    The sentences of a loss of more things than there are examples depend on which came first: only one counts.
    """
    counts: Counter[tuple[str, ...]] = Counter()
    for loss in losses:
        said = sorted({detail for _, detail in loss.examples}) if len(loss.examples) < EXAMPLES else [""]
        counts[str(loss.kind), loss.code, str(loss.feature), loss.type, loss.label, " ".join(said)] += loss.count
    return counts


def noted(notes: list[Note]) -> Counter[tuple[str, ...]]:
    """Return the notes as counts by level, code and sentence."""
    counts: Counter[tuple[str, ...]] = Counter()
    for note in notes:
        counts[str(note.level), note.code, note.detail] += note.count
    return counts


def hub_of(labels: LabelSet) -> dict[str, Any]:
    """Return the whole of a label set as JSON values."""
    return {"ontology": labels.ontology.to_dict(), "rows": [row_dict(row) for row in labels]}


def written(format_: Format, labels: LabelSet) -> tuple[dict[str, bytes], Report]:
    """Write into memory; return the files and the account."""
    assert format_.exporter is not None
    report, target = Report(), MemoryTarget()
    with target:
        labels = redrawn(labels, format_.exporter.carries)
        format_.exporter.write(labels, target, format_.exporter.options(), report)
    return target.files, report


class FormatLaws:
    """Inherit, and name the format.

    Attributes
    ----------
    format : Format
    samples : mapping
        Names to functions that make a label set; by default :data:`SAMPLES`.
    """

    format: ClassVar[Format]
    samples: ClassVar[Mapping[str, Callable[[], LabelSet]]] = SAMPLES

    def __init_subclass__(cls) -> None:
        """Run the laws on each sample of the class."""
        cls.pytestmark = [pytest.mark.parametrize("sample", sorted(cls.samples))]  # type: ignore[attr-defined]

    def test_keeps_the_laws(self, sample: str) -> None:
        """All laws on one sample, which is made and written once; every law that is broken is named."""
        broken = broken_laws(self.format, self.samples[sample]())
        assert not broken, f"{self.format.name} breaks laws on the sample {sample!r}:\n- " + "\n- ".join(broken)


def broken_laws(format_: Format, labels: LabelSet) -> list[str]:
    """Return a sentence for each law that a format breaks on a label set; none if it keeps them all.

    The laws: what is predicted is what is observed; in = kept + changed + dropped, none of them negative; the input is
    left as it was; writing twice gives the same bytes; strict refuses exactly what is lossy; and what was written is
    read as what went in, narrowed to what the format declares.
    """
    assert format_.exporter is not None
    before = hub_of(labels)
    predicted = Report()
    format_.exporter.foretell(labels, MemoryTarget(), format_.exporter.options(), predicted)
    files, observed = written(format_, labels)
    broken = [*_differing(predicted, observed), *_not_adding_up(observed)]
    if written(format_, labels)[0] != files:
        broken.append("Writing twice gives different bytes. Is there a clock, chance or a set in it?")
    broken += _strictness(format_, labels, is_lossless=observed.is_lossless)
    if hub_of(labels) != before:
        broken.append("Writing changes the labels it is given.")
    return broken + _not_coming_back(format_, labels, files)


def _differing(predicted: Report, observed: Report) -> list[str]:
    thought, found = tally(predicted.losses()), tally(observed.losses())
    broken = [
        f"By its Carries the format loses this, and the exporter told the report of no such loss: {_loss(loss, count)}"
        for loss, count in (thought - found).items()
    ]
    broken += [
        f"The exporter told the report of this loss, and by its Carries the format loses nothing: {_loss(loss, count)}"
        for loss, count in (found - thought).items()
    ]
    said, told = noted(predicted.notes()), noted(observed.notes())
    broken += [f"A dry run does not say what writing notes: {' '.join(note)}" for note in (told - said)]
    broken += [f"A dry run notes what writing does not say: {' '.join(note)}" for note in (said - told)]
    for what, one, other in (
        ("counts by type", predicted.counts(), observed.counts()),
        ("counts by class", predicted.labels(), observed.labels()),
    ):
        if one != other:
            differing = sorted(key for key in {*one, *other} if one.get(key) != other.get(key))
            rows = [
                f"{key or 'row'}: {_sums(one.get(key))} by Carries, {_sums(other.get(key))} told" for key in differing
            ]
            broken.append(f"The {what} of the report are others than Carries says: {'; '.join(rows)}.")
    return broken


def _loss(loss: tuple[str, ...], count: int) -> str:
    kind, code, feature, type_, label, said = loss
    return f"{count} × {type_.replace('_', ' ')} of {label!r} {kind} ({code}, feature {feature}): {said}"


def _sums(row: Mapping[str, int] | None) -> str:
    return "none" if row is None else ", ".join(f"{name} {count}" for name, count in row.items())


def _not_adding_up(report: Report) -> list[str]:
    return [
        f"What came in of {name!r} is not what was kept, changed and dropped: {_sums(row)}."
        for name, row in (*report.counts().items(), *report.labels().items())
        if row["in"] != row["kept"] + row["changed"] + row["dropped"] or min(row.values()) < 0
    ]


def _strictness(format_: Format, labels: LabelSet, *, is_lossless: bool) -> list[str]:
    target = MemoryTarget()
    try:
        write(labels, target, format_, strict=True, report=Report())
    except NotRepresentableError as error:
        if is_lossless:
            return [f"strict=True refuses what loses nothing: {error}"]
        if error.report.is_lossless or target.files:
            return ["strict=True refuses without a loss in its report, or leaves files behind."]
        return []
    return [] if is_lossless else ["strict=True writes what is lossy."]


def _not_coming_back(format_: Format, labels: LabelSet, files: Mapping[str, bytes]) -> list[str]:
    assert format_.exporter is not None
    reader = format_named(format_.read_by) if format_.read_by else format_
    if reader.importer is None:
        return []
    back = reader.importer.read(MemorySource(files), reader.importer.options(), Report())
    return [
        f"What is read again differs from what was written: {one}"
        for one in diff(labels, back, carries=format_.exporter.carries)
    ]
