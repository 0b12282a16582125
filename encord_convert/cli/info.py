"""``encord-convert info``: what a file holds."""

from __future__ import annotations

import json
from typing import Any

import click

from encord_convert.cli._options import options_from
from encord_convert.cli._progress import Bars
from encord_convert.conversion import read
from encord_convert.formats._files import source_at
from encord_convert.labelset import LabelSet
from encord_convert.report import Report


@click.command(short_help="Say what a file holds: how much of what, its ontology, its problems.")
@click.argument("path")
@click.option("--from", "from_", metavar="FORMAT", help="Format of PATH; recognised by default.")
@click.option("-r", "read_options", multiple=True, metavar="KEY=VALUE", help="An option of reading; repeatable.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def info(path: str, from_: str | None, read_options: tuple[str, ...], as_json: bool) -> None:
    """Say what PATH is, how much of what it holds, its classes, and its problems. Nothing is written."""
    report = Report()
    with source_at(path) as source, Bars() as bars:
        labels = read(bars.of(source), from_, report=report, **options_from(read_options, "-r"))
        for _ in report.rows(labels):
            pass
    account = report.to_dict()
    del account["target"]
    account["rows"] = report.rows_read
    account["ontology"] = labels.ontology.to_dict()
    click.echo(json.dumps(account, indent=1, ensure_ascii=False) if as_json else _told(report, labels))


def _told(report: Report, labels: LabelSet) -> str:
    lines = [f"{report.source.path}: {report.source.format}, {report.rows_read} label rows"]
    lines += _table("holds", [(name, row["in"]) for name, row in report.counts().items()])
    lines += _table("labels", [(name, row["in"]) for name, row in report.labels().items()])
    lines += _table("classes", [_described(item) for item in labels.ontology.objects])
    lines += _table("classifications", [_described(item) for item in labels.ontology.classifications])
    losses = [(loss.code, f"{loss.count} × {loss.type}: {loss.detail}") for loss in report.losses()]
    lines += _table("not taken over as it is", losses)
    lines += _table("notes", [(note.code, f"{note.count} × {note.detail}") for note in report.notes()])
    return "\n".join(lines)


def _described(item: Any) -> tuple[str, str]:
    names = ", ".join(attribute.title for attribute in item.attributes)
    shape = item.shape.value.replace("_", " ") if hasattr(item, "shape") else "frame"
    return item.title, f"{shape}{f' ({names})' if names else ''}"


def _table(title: str, rows: list[tuple[str, Any]]) -> list[str]:
    if not rows:
        return []
    width = max(len(str(name)) for name, _ in rows)
    return ["", title, *(f"  {name!s:<{width}}  {value}" for name, value in rows)]
