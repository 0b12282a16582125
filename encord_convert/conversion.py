"""Read, write and convert: what the front door of the package and the command line both call."""

from __future__ import annotations

import contextlib
import gc
import os
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Any

from encord_convert.errors import (
    NotRepresentableError,
    OptionError,
    ReadError,
    UnknownFormatError,
    WriteError,
    near_to,
)
from encord_convert.formats._api import Exporter, Format, Importer, parse_options
from encord_convert.formats._files import Source, Target, source_at
from encord_convert.formats._registry import detect, format_named, formats, mistaken, outside
from encord_convert.hub.counts import SECONDARY
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Feature, Kind
from encord_convert.losses.codes import LOSSES
from encord_convert.losses.redraw import redrawn
from encord_convert.losses.report import Report, sum_counts
from encord_convert.losses.wording import lines, summary
from encord_convert.workers import pool

Path = str | os.PathLike[str]


class ConversionWarning(UserWarning):
    """Something was lost, and the caller passed no report to learn of it."""


def read(path: Path | Source, format: str | None = None, *, report: Report | None = None, **options: Any) -> LabelSet:
    """Read annotations into the hub.

    Parameters
    ----------
    path : path or Source
        File, folder or ZIP archive; ``-`` is standard input.
    format : str, optional
        By default the one format that recognises the path.
    report : Report, optional
        Receives the counts of reading. They are complete once the rows were walked.
    **options
        The format's reading options.

    Raises
    ------
    UndetectedFormatError, UnknownFormatError, OptionError, ReadError
    """
    source = path if isinstance(path, Source) else source_at(path)
    report = Report() if report is None else report
    with _collector_paused():
        chosen = detect(source, report.finding) if format is None else format_named(format)
        importer = importer_of(chosen)
        parsed = parse_options(importer.options, options, format_name=chosen.name)
        try:
            labels = importer.read(source, parsed, report)
        except ReadError as error:
            raise (format and mistaken(source, chosen)) or error from error.__cause__
    labels.source = source
    labels.origins = () if source.root is None else (os.path.realpath(source.root),)
    report.source.path, report.source.format = source.name, chosen.name
    if labels.counts is not None:
        report.reading = labels.counts
    return labels


def write(
    labels: LabelSet,
    path: Path | Target,
    format: str | Format | None = None,
    *,
    strict: bool = False,
    allow: Collection[str] = (),
    report: Report | None = None,
    jobs: int = 1,
    clear: bool = False,
    **options: Any,
) -> Report:
    """Write a label set in a format; the target appears whole or not at all.

    Parameters
    ----------
    labels : LabelSet
        Not changed.
    path : path or Target
        A file if it ends in one of the format's suffixes, else a folder.
    format : str or Format, optional
        By default the one format that writes the path's suffix.
    strict : bool
        Write nothing if anything would be lost.
    allow : collection of str
        Codes of losses that ``strict`` does not refuse.
    report : Report, optional
        Is filled. Without one, losses give a :class:`ConversionWarning`.
    jobs : int
        Processes to use, where source and format can be cut; the result is the same.
    clear : bool
        Remove whatever else is in the folder of ``path``, which is an earlier result.
    **options
        The format's writing options.

    Raises
    ------
    NotRepresentableError
        ``strict``, and something would be lost; carries the report.
    WriteError
        The target cannot be written, is or lies in what the labels were read from, or nothing of what came in would be
        in it.
    """
    chosen = _chosen(path, format)
    exporter = exporter_of(chosen)
    parsed = parse_options(exporter.options, options, format_name=chosen.name)
    is_silent = report is None
    report = Report() if report is None else report
    target = path if isinstance(path, Target) else Target(path, chosen.suffixes, clear=clear)
    report.target.path, report.target.format = target.name, chosen.name
    if type(target) is Target:  # others are in memory, or guarded by whoever made them
        refuse_source(target.path, labels.origins, is_earlier=target.clear)
    if strict:
        _refuse_loss(labels, exporter, target, parsed, report, allow)
    labels = redrawn(labels, exporter.carries_with(parsed))
    with _collector_paused(), pool(jobs) as workers, target, workers.ended_on_failure():
        shards = labels.shards(jobs) if exporter.write_sharded else ()
        for shard in shards:
            shard.source = labels.source
        if exporter.write_sharded and len(shards) > 1:
            exporter.write_sharded(shards, target, parsed, report)
        else:
            exporter.write(labels, target, parsed, report)
        if exporter.carries.labels:
            _refuse_emptiness(report, chosen)
    if is_silent and not report.is_lossless:
        warnings.warn(f"{chosen.name}: {report.summary()}.", ConversionWarning, stacklevel=2)
    return report


def convert(
    src: Path | Source,
    dst: Path | Target,
    *,
    from_: str | None = None,
    to: str | Format | None = None,
    strict: bool = False,
    allow: Collection[str] = (),
    report: Report | None = None,
    jobs: int = 1,
    dry_run: bool = False,
    clear: bool = False,
    read_options: Mapping[str, Any] | None = None,
    write_options: Mapping[str, Any] | None = None,
    through: Callable[[LabelSet], LabelSet] | None = None,
) -> Report:
    """Convert annotations from one format to another, and return the report of what was lost.

    Parameters
    ----------
    src, dst : path
        As in :func:`read` and :func:`write`.
    from_, to : str, optional
        Formats; by default recognised. What is written may be a :class:`Format` that has no name of its own.
    strict : bool
        Write nothing if anything would be lost.
    allow : collection of str
        Codes of losses that ``strict`` does not refuse.
    report : Report, optional
        Filled and returned; a new one by default.
    jobs : int
        Processes to use.
    dry_run : bool
        Write nothing; the report is the one writing would give.
    clear : bool
        As of :func:`write`.
    read_options, write_options : mapping, optional
        Options of the two formats.
    through : callable, optional
        Gives what is written for what was read; :func:`encord_convert.sync.mapped` is one that maps classes.
    """
    report = Report() if report is None else report
    with pool(jobs):
        labels = read(src, from_, report=report, **(read_options or {}))
        labels = labels if through is None else through(labels)
        if dry_run:
            return foretold(labels, dst, to, strict, report, write_options or {}, allow)
        return write(
            labels, dst, to, strict=strict, allow=allow, report=report, jobs=jobs, clear=clear, **(write_options or {})
        )


def foretold(
    labels: LabelSet,
    dst: Path | Target,
    to: str | Format | None,
    strict: bool,
    report: Report,
    options: Mapping[str, Any],
    allow: Collection[str] = (),
) -> Report:
    """Fill the report with what writing would say, and refuse what it would refuse."""
    chosen = _chosen(dst, to)
    exporter = exporter_of(chosen)
    parsed = parse_options(exporter.options, options, format_name=chosen.name)
    # What lies there now is not asked about: a run with --overwrite would take its place.
    target = dst if isinstance(dst, Target) else Target(dst, chosen.suffixes, clear=True)
    report.target.path = dst.name if isinstance(dst, Target) else os.fspath(dst)
    report.target.format = chosen.name
    if strict:
        _refuse_loss(labels, exporter, target, parsed, report, allow)
    with _collector_paused():
        exporter.foretell(labels, target, parsed, report)
    if exporter.carries.labels:
        _refuse_emptiness(report, chosen)
    return report


def _chosen(path: Path | Target, format: str | Format | None) -> Format:
    return format_named(format) if isinstance(format, str) else format or format_for(path)


def importer_of(format_: Format) -> Importer:
    """Return how a format is read.

    Raises
    ------
    OptionError
        It cannot be.
    """
    if format_.importer is None:
        readable = ", ".join(f.name for f in formats().values() if f.importer is not None)
        raise OptionError(f"{format_.name} can be written but not read. These can be read: {readable}.")
    return format_.importer


def exporter_of(format_: Format) -> Exporter:
    """Return how a format is written.

    Raises
    ------
    OptionError
        It cannot be.
    """
    if format_.exporter is None:
        writable = ", ".join(f.name for f in formats().values() if f.exporter is not None)
        raise OptionError(f"{format_.name} can be read but not written. These can be written: {writable}.")
    return format_.exporter


def format_for(path: Path | Target) -> Format:
    name = path.name if isinstance(path, Target) else os.fspath(path)
    suffix = os.path.splitext(name)[1].lower()
    # A table that nothing reads again, like `dicom-table`, is written only when it is named.
    both = (f for f in formats().values() if f.exporter is not None and f.importer is not None)
    writers = [f for f in both if suffix and suffix in f.suffixes]
    # Of `coco` and `coco-rle`, the plain name is meant.
    writers = [f for f in writers if not any(f.name.startswith(f"{other.name}-") for other in writers)]
    if len(writers) == 1:
        return writers[0]
    names = ", ".join(f.name for f in formats().values() if f.exporter is not None)
    raise OptionError(f"{name}: say which format to write with --to; known: {names}.")


@contextlib.contextmanager
def _collector_paused() -> Iterator[None]:
    """Let the cycle collector rest.

    Rows and what they hold make no cycles and are gone when the next one comes; looking for cycles among them costs a
    quarter of a conversion and finds none.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def refuse_source(dst: str | os.PathLike[str], sources: Iterable[str], *, is_earlier: bool = False) -> None:
    """Raise if an output is a source, contains one, or exists as part of one.

    ``is_earlier``: the existing output is an earlier result, and no part of a source around it.

    Raises
    ------
    WriteError
    """
    target = os.path.realpath(dst)
    for source in sources:
        real = os.path.realpath(source)
        if real == target:
            fault = "it is the source"
        elif _holds(target, real):
            fault = f"the source {source} lies in it"
        elif not is_earlier and _holds(real, target) and stands(target):
            fault = f"it is a part of the source {source}"
        else:
            continue
        raise WriteError(f"{os.fspath(dst)}: not written, since {fault}. Name another place.")


def _holds(folder: str, path: str) -> bool:
    return path.startswith(folder.rstrip(os.sep) + os.sep)


def stands(path: str) -> bool:
    """Tell whether there is anything to lose."""
    try:
        if os.path.isdir(path):
            with os.scandir(path) as entries:
                return next(entries, None) is not None
        return os.path.getsize(path) > 0
    except OSError:
        return os.path.lexists(path)


def _refuse_loss(
    labels: LabelSet, exporter: Exporter, target: Target, options: Any, report: Report, allow: Collection[str]
) -> None:
    if labels.mapping is None:
        check_codes(allow)
    predicted = Report()
    exporter.foretell(labels, target, options, predicted)
    check_codes(allow, {loss.code for loss in predicted.mapping.losses()})
    predicted.source, predicted.target, predicted.finding = report.source, report.target, report.finding
    refuse(predicted, report.target.path or "", allow)


def refuse(report: Report, place: str, allow: Collection[str]) -> None:
    """Refuse what ``strict`` does not let pass.

    Raises
    ------
    NotRepresentableError
    """
    lost = report.refused(allow)
    if lost:
        codes = ",".join(dict.fromkeys(loss.code for loss in lost))
        message = f"{place}: not written, since something would be lost: {summary(lost, codes=True)}."
        raise NotRepresentableError(f"{message} --allow {codes} permits it.", report)


def check_codes(allow: Collection[str], also: Collection[str] = ()) -> None:
    """Refuse codes that no loss has, as far as that can be known: a plug-in may have codes of its own.

    ``also`` are codes that Python code has of its own.

    Raises
    ------
    OptionError
    """
    known = {*LOSSES, *also, *(f"{feature.name}_DROPPED" for feature in Feature)}
    exporters = [one.exporter for one in formats().values() if one.exporter is not None]
    known.update(code for one in exporters for code in one.carries.codes.values())
    has_plug_ins = any(name in formats() for name in outside())
    for code in allow:
        near = near_to(code.upper(), sorted(known))
        if code not in known and (near or not has_plug_ins):
            hint = f"Did you mean {near[0]}?" if near else "`encord-convert help report` lists them."
            raise OptionError(f"allow={code}: no loss has this code. {hint}")


def _refuse_emptiness(report: Report, format_: Format) -> None:
    total = sum_counts(report.labels().values())
    if not total["in"] or total["kept"] + total["changed"]:
        return
    lost = [loss for loss in report.losses() if loss.kind is Kind.DROPPED and loss.type not in SECONDARY]
    asked = [loss for loss in lost if loss.is_asked]
    if all(loss.code == "FILTERED" for loss in lost):
        raise WriteError(f"{report.target.path}: not written, since none of its {total['in']} annotations is taken.")
    reasons = [summary(asked)] if asked else []
    reasons += [
        f"{line.count} {line.things} ({line.code}: {line.detail.rstrip('.')})"
        for line in lines([loss for loss in lost if not loss.is_asked], format_.name)
    ]
    none = "its only annotation cannot" if total["in"] == 1 else f"none of the {total['in']} annotations can"
    more = f" and {len(reasons) - _REASONS} more reasons" if len(reasons) > _REASONS else ""
    advice = " Another format may hold them; `encord-convert formats` shows which." if report.writing.dropped else ""
    raise WriteError(
        f"{report.target.path}: not written, since {none} be converted: {'; '.join(reasons[:_REASONS])}{more}.{advice}"
    )


_REASONS = 5
"""How many reasons a sentence tells."""


__all__ = ["ConversionWarning", "UnknownFormatError", "convert", "formats", "read", "write"]
