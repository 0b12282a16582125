"""What a worker does: a few jobs, one after the other, from their URIs and options alone.

A task may be done twice, by two workers, and the result is the same. It never fails: what a job failed of is part of
its outcome. So an exception that does come back is about the worker and not about a job.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import time
import traceback
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from encord_convert.batch import locations as places
from encord_convert.batch.plan import Job
from encord_convert.batch.targets import SentTarget, StagedTarget, Stamp, force_folders, is_intact
from encord_convert.conversion import foretold, read, refuse, write
from encord_convert.errors import (
    ConvertError,
    NotRepresentableError,
    OptionError,
    ReadError,
    UndetectedFormatError,
    UnknownFormatError,
    WriteError,
)
from encord_convert.formats._files import Source
from encord_convert.formats._registry import format_named
from encord_convert.hub.counts import Counts
from encord_convert.hub.loss import Feature, Kind, Level
from encord_convert.losses.report import Report, sum_counts
from encord_convert.workers import pool

_FINAL = (NotRepresentableError, OptionError, ReadError, UndetectedFormatError, UnknownFormatError)
"""Failures that the same input and options will have again."""

Status = Literal["done", "unchanged", "failed"]


@dataclass(frozen=True, slots=True)
class Known:
    """What the journal knows of a job: the content it had, what became of it, and the files that were written."""

    sha256: str
    is_done: bool
    stamps: list[Stamp]


@dataclass(frozen=True, slots=True)
class Item:
    """A job, its number in the plan, what is known of it, and the format of its source if that was asked already."""

    number: int
    job: Job
    known: Known | None = None
    from_: str | None = None


@dataclass(frozen=True, slots=True)
class Task:
    """Jobs to do together.

    Parameters
    ----------
    items : list of Item
    folder : str
        Where relative paths start.
    staging : str or None
        Folder on the file system of the targets for what is being written; None: a temporary one.
    is_dry : bool
        Predict, and write nothing.
    keep_going : bool
        Do the others when a job fails.
    processes : int
        Processes for each job.
    """

    items: list[Item]
    folder: str
    staging: str | None
    is_dry: bool = False
    keep_going: bool = True
    processes: int = 1


@dataclass(slots=True)
class Outcome:
    """What became of a job.

    ``report`` is the account as compressed JSON; ``is_final`` says of a failure that the same input and options will
    fail again.
    """

    number: int
    status: Status = "done"
    sha256: str = ""
    error: str = ""
    is_final: bool = False
    seconds: float = 0.0
    size_bytes: int = 0
    annotations: int = 0
    stamps: list[Stamp] = field(default_factory=list)
    report: bytes = b""


def packed(report: dict[str, Any]) -> bytes:
    """Return the form in which accounts travel and are kept."""
    return zlib.compress(msgspec.json.encode(report), 1)


class ReportError(ValueError):
    """A report that was kept is damaged."""


def unpacked(report: bytes) -> dict[str, Any]:
    """Return a report from :func:`packed`; an empty one where there is none.

    Raises
    ------
    ReportError
        It is damaged, or another thing.
    """
    if not report:
        return {}
    try:
        unpacker = zlib.decompressobj()
        text = unpacker.decompress(report, _LONGEST_REPORT)
        if not unpacker.eof:
            raise ReportError("a report is cut short, or too long")
        _REPORT.decode(text)
        members: dict[str, Any] = msgspec.json.decode(text)
    except (zlib.error, msgspec.DecodeError, RecursionError) as error:
        raise ReportError(f"a report cannot be read: {error}") from error
    return members


_LONGEST_REPORT = 256 << 20
_Rows = dict[str, dict[str, int]]


class _KeptLoss(msgspec.Struct):
    kind: Kind
    code: str
    feature: Feature
    type: str
    label: str
    count: int
    detail: str


class _KeptNote(msgspec.Struct):
    level: Level
    code: str
    detail: str
    count: int


class _KeptReport(msgspec.Struct):
    """What is read of a report that was kept."""

    source: dict[str, Any] = {}
    target: dict[str, Any] = {}
    counts: _Rows = {}
    labels: _Rows = {}
    losses: list[_KeptLoss] = []
    notes: list[_KeptNote] = []


_REPORT = msgspec.json.Decoder(_KeptReport)


def perform(task: Task) -> list[Outcome]:
    """Do the jobs of a task, force what they wrote to disk together, give it its name, and return the outcomes."""
    with contextlib.ExitStack() as stack:
        staging = task.staging or stack.enter_context(tempfile.TemporaryDirectory(prefix="encord-convert-"))
        done: list[tuple[Outcome, StagedTarget | None]] = []
        for item in task.items:
            done.append(_performed(item, task, staging))
            if done[-1][0].status == "failed" and not task.keep_going:
                break
        written = [(outcome, target) for outcome, target in done if target is not None]
        for outcome, target in written:
            _attempt(outcome, target.force)
        folders: set[Path] = set()
        for outcome, target in written:
            if outcome.status == "done":
                _attempt(outcome, target.publish)
            if outcome.status == "done":
                outcome.stamps = target.stamps()
                folders |= target.folders()
            target.discard()
        force_folders(folders)
    return [outcome for outcome, _ in done]


def _attempt(outcome: Outcome, step: Callable[[], None]) -> None:
    try:
        step()
    except WriteError as error:
        outcome.status, outcome.error = "failed", error.sentence


def _performed(item: Item, task: Task, staging: str) -> tuple[Outcome, StagedTarget | None]:
    begin = time.perf_counter()
    outcome, target, report = Outcome(item.number), None, Report()
    try:
        with contextlib.ExitStack() as stack:
            paths = [stack.enter_context(places.fetched(one, task.folder)) for one in item.job.sources]
            outcome.sha256 = _content_hash(item.job, paths)
            if _is_settled(item, outcome, task.folder):
                return outcome, None
            opened = map(places.opened, paths, item.job.sources)
            sources = [stack.enter_context(source) for source in opened]
            with pool(task.processes):
                target = _convert(item, sources, report, task, staging)
            outcome.annotations = sum_counts(report.labels().values())["in"]
    except ConvertError as error:
        outcome.status, outcome.error, outcome.is_final = "failed", error.sentence, isinstance(error, _FINAL)
        report = error.report if isinstance(error, NotRepresentableError) else report
    except MemoryError:
        outcome.status = "failed"
        outcome.error = f"{item.job.name}: needs more memory than a worker may have. See --memory-limit."
    except Exception as error:
        # One job may not cost the others: a fault of ours is told as one, with its place.
        where = traceback.extract_tb(error.__traceback__)[-1]
        outcome.status = "failed"
        outcome.error = (
            f"{item.job.name}: {type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno}). "
            "This is a fault of encord-convert."
        )
    if outcome.status == "failed" and target is not None:
        target.discard()
        target = None
    report.source.path = item.job.name
    outcome.report = packed(report.to_dict())
    outcome.size_bytes = item.job.size_bytes
    outcome.seconds = time.perf_counter() - begin
    return outcome, target


def _content_hash(job: Job, paths: Sequence[str]) -> str:
    hashes = list(map(places.content_hash, paths, job.sources))
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def _is_settled(item: Item, outcome: Outcome, folder: str) -> bool:
    """Tell whether there is nothing to do: same content, same options, and what was written is still there."""
    known = item.known
    if known is None or known.sha256 != outcome.sha256:
        return False
    if known.is_done and not is_intact(item.job.target, folder, known.stamps):
        return False
    outcome.status = "unchanged"
    return True


def _convert(item: Item, sources: list[Source], report: Report, task: Task, staging: str) -> StagedTarget | None:
    job = item.job
    format_ = format_named(job.to)
    beside = Counts()
    mapping: tuple[Any, str] | None = None
    if job.mapping is not None:
        from encord_convert.hub.yaml_file import parse_document

        mapping = parse_document(job.mapping.text, job.mapping.place), job.mapping.place
    if job.is_merged:
        from encord_convert.batch.merges import merged

        labels, beside = merged(sources, job.from_, job.read_options, report, mapping)
    else:
        labels = read(sources[0], item.from_ or job.from_, report=report, **job.read_options)
    if mapping is not None and not job.is_merged:
        from encord_convert.sync import mapped

        labels = mapped(labels, mapping[0], place=mapping[1])
    if job.strict:
        disagreed = Report()
        disagreed.writing = beside
        refuse(disagreed, job.target, job.allow)
    if task.is_dry:
        foretold(labels, job.target, format_, job.strict, report, job.write_options, job.allow)
        report.writing.merge(beside)
        return None
    target: StagedTarget
    if places.is_remote(job.target):
        target = SentTarget(job.target, format_.suffixes, staging=staging)
    else:
        place = places.local(job.target)
        target = StagedTarget(place, format_.suffixes, folder=task.folder, staging=staging)
    write(
        labels,
        target,
        format_,
        strict=job.strict,
        allow=job.allow,
        report=report,
        jobs=task.processes,
        **job.write_options,
    )
    report.writing.merge(beside)
    return target
