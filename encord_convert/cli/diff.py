"""``encord-convert diff``: what differs between two label sets, in any formats."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from dataclasses import asdict, fields

import click

from encord_convert.cli._completion import readable, reading
from encord_convert.cli._options import options_from
from encord_convert.cli._progress import Bars, is_terminal
from encord_convert.conversion import importer_of, read
from encord_convert.errors import OptionError
from encord_convert.formats._api import Format
from encord_convert.formats._files import Source, source_at
from encord_convert.formats._registry import detect, format_named
from encord_convert.hub.matching import Difference
from encord_convert.losses.compare import diff as diff_
from encord_convert.losses.report import Report

SHOWN = 100
"""Differences that are told; the rest are counted."""


@click.command(short_help="Name every difference between two label sets, in any formats.")
@click.argument("a")
@click.argument("b")
@click.option("--from-a", metavar="FORMAT", shell_complete=readable, help="Format of A; recognised by default.")
@click.option("--from-b", metavar="FORMAT", shell_complete=readable, help="Format of B; recognised by default.")
@click.option("-r", "read_options", multiple=True, metavar="KEY=VALUE", shell_complete=reading,
              help="An option of reading, of each side whose format has it; repeatable.")  # fmt: skip
@click.option("--option-a", "options_a", multiple=True, metavar="KEY=VALUE", help="As -r, of A alone; repeatable.")
@click.option("--option-b", "options_b", multiple=True, metavar="KEY=VALUE", help="As -r, of B alone; repeatable.")
@click.option("--tolerance", metavar="PX", type=click.FloatRange(0), default=0.01, show_default=True,
              help="How far coordinates may be apart, in pixels, and angles in degrees.")  # fmt: skip
@click.option("--stats", "as_stats", is_flag=True, help="Compare what `stats` counts, instead of every label.")
@click.option("--json", "as_json", is_flag=True, help="Print every difference as JSON, one a line.")
def diff(
    a: str,
    b: str,
    from_a: str | None,
    from_b: str | None,
    read_options: tuple[str, ...],
    options_a: tuple[str, ...],
    options_b: tuple[str, ...],
    tolerance: float,
    as_stats: bool,
    as_json: bool,
) -> int:
    """Compare the labels of A and B by what they mean: classes, geometry, answers, tracks, splits; never by hashes.

    Exits with 0 if there is no difference and with 1 if there is one. Rows are paired by title. One side may be - for
    standard input.

    With --stats, the numbers of both stand side by side: images, annotations of each class, sizes; rows are not paired.
    """
    if a == b == "-":
        raise OptionError("A and B cannot both be standard input.")
    own = options_from(options_a, "--option-a"), options_from(options_b, "--option-b")
    with source_at(a) as one, source_at(b) as other, Bars() as bars:
        sides = one, other
        formats = [format_of(*side) for side in zip(sides, (from_a, from_b), strict=True)]
        common = shared_options(options_from(read_options, "-r"), formats)
        sets = [
            read(bars.of(source), format_.name, report=Report(), **(both | given))
            for source, format_, both, given in zip(sides, formats, common, own, strict=True)
        ]
        if as_stats:
            from encord_convert.cli import _stats_diff

            return _stats_diff.told(sets, as_json=as_json, before=bars.end)
        return told(diff_(*sets, tolerance_px=tolerance, splits=True), as_json=as_json, before=bars.end)


def format_of(source: Source, name: str | None) -> Format:
    """Return the format of that name, or the one that recognises the source."""
    return detect(source) if name is None else format_named(name)


def shared_options(options: dict[str, str], formats: list[Format]) -> list[dict[str, str]]:
    """Return which options of ``-r`` each source takes: those its format has, and of what none has, all."""
    names = [{field.name for field in fields(importer_of(format_).options)} for format_ in formats]
    known = set.union(*names)
    return [
        {key: value for key, value in options.items() if (name := key.replace("-", "_")) in own or name not in known}
        for own in names
    ]


def told(differences: Iterable[Difference], *, as_json: bool, before: Callable[[], None] = lambda: None) -> int:
    """Print differences, and return the exit code; ``before`` is called before text goes to a terminal."""
    count = 0
    for count, difference in enumerate(differences, 1):
        if count == 1 and is_terminal(sys.stdout):
            before()
        if as_json or count <= SHOWN:
            click.echo(_line(difference) if as_json else str(difference))
    before()
    if count > SHOWN and not as_json:
        click.echo(f"… and {count - SHOWN} more (--json for all)")
    click.echo(f"{count} differences" if count != 1 else "1 difference", err=True)
    return int(count > 0)


def _line(difference: Difference) -> str:
    members = asdict(difference) | {"where": difference.where.to_dict()}
    return json.dumps(members, ensure_ascii=False)
