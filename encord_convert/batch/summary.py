"""The account of a batch: what all jobs lost together, and each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from encord_convert.batch.plan import Job
from encord_convert.batch.run import Result
from encord_convert.batch.tasks import Outcome, unpacked
from encord_convert.formats._files import whole_file
from encord_convert.losses.report import sum_counts

_LOSS = ("kind", "code", "feature", "type", "label")
_NOTE = ("level", "code", "detail")


def account(result: Result) -> dict[str, Any]:
    """Return what all jobs that were done gave together.

    ``jobs`` counts them by what became of them. ``counts``, ``labels``, ``losses`` and ``notes`` are as in the account
    of one conversion, summed; a loss says in how many ``jobs`` it is, and what it was in the first.
    """
    sums: dict[str, dict[str, dict[str, int]]] = {"counts": {}, "labels": {}}
    tallies: dict[str, dict[tuple[str, ...], dict[str, Any]]] = {"losses": {}, "notes": {}}
    for _, outcome in result.outcomes():
        report = unpacked(outcome.report) if outcome.status == "done" else {}
        for heading, rows in sums.items():
            for name, row in report.get(heading, {}).items():
                rows[name] = sum_counts([rows[name], row]) if name in rows else row
        for heading, keys in (("losses", _LOSS), ("notes", _NOTE)):
            for one in report.get(heading, ()):
                tally = tallies[heading].setdefault(
                    tuple(one[key] for key in keys),
                    {key: one[key] for key in dict.fromkeys((*keys, "detail"))} | {"count": 0, "jobs": 0},
                )
                tally["count"] += one["count"]
                tally["jobs"] += 1
    return {
        "jobs": {
            "done": len(result.finished) - len(result.failed), "failed": len(result.failed), "left_out": result.left_out
        },
        **{heading: dict(sorted(rows.items())) for heading, rows in sums.items()},
        **{heading: list(rows.values()) for heading, rows in tallies.items()},
    }  # fmt: skip


def job_account(job: Job, outcome: Outcome) -> dict[str, Any]:
    """Return the account of one job: of its conversion, and what became of it."""
    report = unpacked(outcome.report)
    own = {"sources": list(job.sources), "status": outcome.status, "sha256": outcome.sha256}
    return own | ({"error": outcome.error} if outcome.error else {}) | report


def write_report(result: Result, path: str, *, command: str = "", facts: Iterable[tuple[str, object]] = ()) -> None:
    """Write the report of all jobs and of each: a page if the path ends in ``.html``, else JSON.

    Parameters
    ----------
    result : Result
    path : str
    command, facts : optional
        What stands above on a page: the command, and such as how long it took.

    Raises
    ------
    WriteError
        The file cannot be written.
    """
    is_page = path.lower().endswith((".html", ".htm"))
    parts = _page(result, path, command, tuple(facts)) if is_page else json_parts(result)
    with whole_file(path, "the report") as stream:
        _write(stream, parts)


def _page(result: Result, path: str, command: str, facts: tuple[tuple[str, object], ...]) -> Iterator[str]:
    from encord_convert.view import reports  # workers load this module, and need no templates

    def jobs() -> Iterator[reports.Job]:
        for job, one in result.outcomes():
            yield reports.Job(list(job.sources), job.target, one.status, one.seconds, one.error, unpacked(one.report))

    return reports.batch_page(account(result), jobs, reports.Head(path, command, facts))


def json_parts(result: Result) -> Iterator[str]:
    """Yield the account as JSON, a job a line."""
    yield json.dumps({"total": account(result)}, indent=1, ensure_ascii=False)[:-2] + ',\n "jobs": ['
    separator = "\n"
    for job, outcome in result.outcomes():
        yield separator + json.dumps(job_account(job, outcome), ensure_ascii=False)
        separator = ",\n"
    yield "\n]}\n"


def _write(stream: TextIO, parts: Iterator[str]) -> None:
    for part in parts:
        stream.write(part)
