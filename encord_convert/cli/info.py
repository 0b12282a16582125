"""``encord-convert info``: what a file holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import click

from encord_convert.cli._closing import splits_in_words
from encord_convert.cli._options import from_option, options_from, read_option
from encord_convert.cli._progress import Bars
from encord_convert.cli._tables import Section, show
from encord_convert.conversion import read
from encord_convert.formats._files import source_at
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Note
from encord_convert.losses import wording
from encord_convert.losses.report import Report


@click.command(short_help="Say what a file holds: how much of what, its ontology, its problems.")
@click.argument("path")
@from_option("PATH")
@read_option
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
    if as_json:
        click.echo(json.dumps(account, indent=1, ensure_ascii=False))
    else:
        _tell(report, labels)


def _tell(report: Report, labels: LabelSet) -> None:
    rows = f"{report.rows_read} label {'row' if report.rows_read == 1 else 'rows'}"
    splits = splits_in_words(report.source.splits)
    losses = [(line.code, f"{line.count} {line.things} {line.verb}: {line.detail}")
              for line in wording.lines(report.losses(), None)]  # fmt: skip
    if minor := wording.minor(report.losses()):
        losses.append(("minor", minor))
    show(
        f"{report.source.path}: {report.source.format}, {rows}{splits}",
        [
            Section("holds", (), [(name, row["in"]) for name, row in report.counts().items() if row["in"]]),
            Section("labels", (), [(name or "(no class)", row["in"]) for name, row in report.labels().items()]),
            Section("classes", (), _described(labels.ontology.objects)),
            Section("classifications", (), _described(labels.ontology.classifications)),
            Section("lost in reading", (), losses),
            Section("notes", (), _noted(report.notes())),
        ],
    )


def _described(items: Iterable[Any]) -> list[tuple[str, str]]:
    """Return each class by its name, with its shapes and the attributes of any of them."""
    named: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for item in items:
        shapes, attributes = named.setdefault(item.title, ({}, {}))
        shapes[item.shape.value.replace("_", " ") if hasattr(item, "shape") else "frame"] = None
        attributes.update(dict.fromkeys(attribute.title for attribute in item.attributes))
    return [
        (name, ", ".join(shapes) + (f" ({', '.join(attributes)})" if attributes else ""))
        for name, (shapes, attributes) in named.items()
    ]


def _noted(notes: Iterable[Note]) -> list[tuple[str, str]]:
    """Return the notes of each code in one line: how many, and the sentence of the first."""
    alike: dict[str, list[Note]] = {}
    for note in notes:
        alike.setdefault(note.code, []).append(note)
    return [
        (code, f"{sum(one.count for one in same)} × {same[0].detail}"
         + (f" And {len(same) - 1} more like it." if len(same) > 1 else ""))
        for code, same in alike.items()
    ]  # fmt: skip
