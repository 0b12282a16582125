"""The report of a batch, or of one conversion, as one page.

It needs no server and loads nothing; tables sort when their heads are clicked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import Any

from encord_convert.batch.run import Result
from encord_convert.batch.summary import account
from encord_convert.batch.tasks import unpacked
from encord_convert.hub.counts import EXAMPLES
from encord_convert.hub.loss import Where
from encord_convert.losses.report import sum_counts

_STYLE = """
body { font: 15px/1.45 system-ui, sans-serif; margin: 2rem auto; max-width: 90rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin-bottom: 2rem }
th, td { border-bottom: 1px solid #8884; padding: .25rem .6rem; text-align: left; vertical-align: top }
th { cursor: pointer; position: sticky; top: 0; background: Canvas }
th.number, td.number { text-align: right }
td.number { font-variant-numeric: tabular-nums }
tr.failed td:nth-child(2) { color: #b00020; font-weight: 600 }
:root { color-scheme: light dark }
"""

_SCRIPT = """
document.querySelectorAll("th").forEach(head => head.addEventListener("click", () => {
  const body = head.closest("table").tBodies[0], column = head.cellIndex;
  const order = head.dataset.order = head.dataset.order === "1" ? "-1" : "1";
  const number = text => text !== "" && !isNaN(text) ? +text : text;
  const value = row => number(row.cells[column].textContent);
  const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
  body.append(...[...body.rows].sort((a, b) => order * compare(value(a), value(b))));
}));
"""


def page(result: Result) -> Iterator[str]:
    """Yield the page of a batch, piece by piece; whatever comes from sources is escaped."""
    total = account(result)
    jobs = total["jobs"]
    left = f", {jobs['left_out']} not started" if jobs["left_out"] else ""
    yield from _begin(f"Batch: {jobs['done']} done, {jobs['failed']} failed",
                      f"{jobs['done']} jobs done, {jobs['failed']} failed{left}")  # fmt: skip
    yield from _sums(total)
    yield from _lost(total, ("jobs",))
    yield from _table("Jobs", ("source", "status", *_NUMBERS, "target", "losses or error"), _jobs(result))
    yield _END


def report_page(form: dict[str, Any]) -> Iterator[str]:
    """Yield the page of one conversion, from the form of its report."""
    ends = [form[end] for end in ("source", "target")]
    title = " to ".join(f"{end['path']} ({end['format']})" for end in ends if end["path"])
    yield from _begin(title, title)
    yield from _sums(form)
    splits = ([end, name, count] for end in ("source", "target") for name, count in form[end].get("splits", {}).items())
    yield from _table("Splits", ("end", "split", "images"), splits)
    yield from _lost(form, ())
    places = (
        [loss["code"], loss["type"], loss["label"], str(Where(**one["where"])), one["detail"]]
        for loss in form["losses"]
        for one in loss["examples"]
    )
    yield from _table(
        f"Places, the first {EXAMPLES} of each loss", ("code", "type", "label", "where", "detail"), places
    )
    yield _END


_NUMBERS = ("in", "kept", "changed", "dropped")
_END = f"<script>{_SCRIPT}</script>\n</html>\n"


def _begin(title: str, heading: str) -> Iterator[str]:
    yield "<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>\n"
    yield f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n<h1>{escape(heading)}</h1>\n"


def _sums(form: dict[str, Any]) -> Iterator[str]:
    for title, name, key in (("What came in", "type", "counts"), ("Labels", "label", "labels")):
        rows = ([one, *(row[number] for number in _NUMBERS)] for one, row in form[key].items())
        yield from _table(title, (name, *_NUMBERS), rows)


def _lost(form: dict[str, Any], more: tuple[str, ...]) -> Iterator[str]:
    columns = ("kind", "code", "type", "label", "count", *more, "detail")
    yield from _table("Losses", columns, ([loss[one] for one in columns] for loss in form["losses"]))
    notes = ("level", "code", "count", *more, "detail")
    yield from _table("Notes", notes, ([note[one] for one in notes] for note in form["notes"]))


def _jobs(result: Result) -> Iterator[list[Any]]:
    for job, outcome in result.outcomes():
        report = unpacked(outcome.report)
        sums = sum_counts(report.get("labels", {}).values())
        codes = ", ".join(f"{loss['count']} {loss['code']}" for loss in report.get("losses", ()))
        yield [", ".join(job.sources), outcome.status, *sums.values(), job.target, outcome.error or codes]


def _table(title: str, heads: Iterable[str], rows: Iterable[list[Any]]) -> Iterator[str]:
    lines = iter(rows)
    first = next(lines, None)
    if first is None:
        return
    cells = (f"<th{_kind(value)}>{escape(head)}" for head, value in zip(heads, first, strict=True))
    yield f"<h2>{escape(title)}</h2>\n<table><thead><tr>{''.join(cells)}<tbody>\n"
    yield _row(first)
    for line in lines:
        yield _row(line)
    yield "</table>\n"


def _row(cells: list[Any]) -> str:
    kind = " class=failed" if "failed" in cells[1:2] else ""
    return f"<tr{kind}>{''.join(map(_cell, cells))}\n"


def _cell(value: Any) -> str:
    return f"<td{_kind(value)}>{escape(str(value))}"


def _kind(value: Any) -> str:
    return " class=number" if isinstance(value, int) else ""
