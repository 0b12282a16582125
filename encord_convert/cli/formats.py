"""``encord-convert formats``: the matrix, or one format's page."""

from __future__ import annotations

import inspect
import json
import textwrap
from importlib import import_module

import click

from encord_convert.cli._completion import known
from encord_convert.formats._api import Format
from encord_convert.formats._matrix import columns, matrix, overview
from encord_convert.formats._options import option_rows
from encord_convert.formats._registry import broken_formats, format_named
from encord_convert.formats._registry import formats as all_formats

WIDTH = 100
"""Columns of what is printed, as far as it is ours."""


@click.command(short_help="Show what each format carries, or one format's page.")
@click.argument("name", required=False, shell_complete=known)
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def formats(name: str | None, as_json: bool) -> None:
    """Show which shapes each format carries; with NAME, that format's page: mapping, losses, options.

    With --json, all that each declares to carry.
    """
    if name is None:
        every = list(all_formats().values())
        as_text = f"{columns(overview(every))}\n\n{_KEY}"
        click.echo(json.dumps(_columns(matrix(every)), indent=1) if as_json else as_text)
        for sentence in broken_formats().values():
            click.echo(f"warning: {sentence}", err=True)
        return
    format_ = format_named(name)
    click.echo(json.dumps(_declared(format_), indent=1) if as_json else page(format_))


_KEY = """\
r: read, w: written; in a column, what survives that within the format's tolerance. What does not
is counted. `encord-convert formats NAME` is a format's page: how all maps, what is lost, options."""


def _columns(rows: list[list[str]]) -> dict[str, dict[str, str]]:
    return {name: {row[0]: row[index] for row in rows[1:]} for index, name in enumerate(rows[0]) if name}


def _declared(format_: Format) -> dict[str, object]:
    return {
        "name": format_.name,
        "title": format_.title,
        "spec": format_.spec,
        "suffixes": list(format_.suffixes),
        "read_options": _options(format_.importer),
        "write_options": _options(format_.exporter),
    }


def _options(end: object) -> list[dict[str, str]]:
    if end is None:
        return []
    keys = ("name", "takes", "default", "help")
    return [dict(zip(keys, row, strict=True)) for row in option_rows(end.options)]  # type: ignore[attr-defined]


def page(format_: Format) -> str:
    """Return a format's page: its module's docstring, options, and its row of the matrix."""
    module = import_module(format_.identify.__module__)
    parts = [f"{format_.name}: {format_.title}", f"Specified at {format_.spec}", inspect.getdoc(module) or ""]
    for heading, flag, end in (("Reading", "-r", format_.importer), ("Writing", "-w", format_.exporter)):
        if end is not None and option_rows(end.options):
            lines = [f"{heading} options"]
            for name, takes, default, help_ in option_rows(end.options):
                told = textwrap.wrap(f"{takes}. {help_}", WIDTH - 8, break_long_words=False, break_on_hyphens=False)
                lines += [f"    {flag} {name}={default}", *(f"        {line}" for line in told)]
            parts.append("\n".join(lines))
    parts.append(
        "\n".join(["What it carries", *(f"    {line}" for line in columns(matrix([format_])[1:]).split("\n"))])
    )
    return "\n\n".join(parts)
