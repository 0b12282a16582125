"""``encord-convert diff``: what differs between two label sets, in any formats."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import click

from encord_convert.cli._progress import watched
from encord_convert.comparison import diff as diff_
from encord_convert.conversion import read
from encord_convert.formats._files import source_at
from encord_convert.pairings import Difference
from encord_convert.report import Report

SHOWN = 100
"""Differences that are told; the rest are counted."""


@click.command(short_help="Name every difference between two label sets, in any formats.")
@click.argument("a")
@click.argument("b")
@click.option("--from-a", metavar="FORMAT", help="Format of A; recognised by default.")
@click.option("--from-b", metavar="FORMAT", help="Format of B; recognised by default.")
@click.option("--tolerance", metavar="PX", type=click.FloatRange(0), default=0.01, show_default=True,
              help="How far coordinates may be apart, in pixels, and angles in degrees.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print every difference as JSON, one a line.")
def diff(a: str, b: str, from_a: str | None, from_b: str | None, tolerance: float, as_json: bool) -> int:
    """Compare the labels of A and B by what they mean: classes, geometry, answers, tracks; never by hashes.

    Exits with 0 if there is no difference and with 1 if there is one. Rows are paired by title.
    """
    reports = Report(), Report()
    with source_at(a) as one, source_at(b) as other:
        sets = [
            read(watched(source), format_, report=report)
            for source, format_, report in zip((one, other), (from_a, from_b), reports, strict=True)
        ]
        differences = diff_(*sets, tolerance_px=tolerance)
        return told(differences, as_json=as_json)


def told(differences: Iterable[Difference], *, as_json: bool) -> int:
    """Print differences, and return the exit code."""
    count = 0
    for count, difference in enumerate(differences, 1):
        if as_json or count <= SHOWN:
            click.echo(_line(difference) if as_json else str(difference))
    if count > SHOWN and not as_json:
        click.echo(f"… and {count - SHOWN} more (--json for all)")
    click.echo(f"{count} differences" if count != 1 else "1 difference", err=True)
    return int(count > 0)


def _line(difference: Difference) -> str:
    members = asdict(difference) | {"where": difference.where.to_dict()}
    return json.dumps(members, ensure_ascii=False)
