"""``encord-convert formats``: the matrix, or one format's page."""

from __future__ import annotations

import inspect
import json
import re
import textwrap
from importlib import import_module
from importlib.resources import files
from pathlib import Path

import click

from encord_convert.cli._completion import known
from encord_convert.cli._training import TARGETS
from encord_convert.errors import OptionError, WriteError
from encord_convert.formats._api import Format, option_rows
from encord_convert.formats._matrix import columns, matrix, overview
from encord_convert.formats._registry import broken_formats, format_named
from encord_convert.formats._registry import formats as all_formats

WIDTH = 100
"""Columns of what is printed, as far as it is ours."""


@click.command(short_help="Show what each format carries, or one format's page.")
@click.argument("name", required=False, shell_complete=known)
@click.option("--new", metavar="NAME", help="Write a plug-in to start from, into the folder NAME-labels.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def formats(name: str | None, new: str | None, as_json: bool) -> None:
    """Show which shapes each format carries; with NAME, that format's page: mapping, losses, options.

    With --json, all that each declares to carry.
    """
    if new is not None:
        _skeleton(new)
        return
    if name is None:
        every = list(all_formats().values())
        as_text = f"{columns(overview(every))}\n\n{_KEY}"
        click.echo(json.dumps(_columns(matrix(every)), indent=1) if as_json else as_text)
        for sentence in broken_formats().values():
            click.echo(f"warning: {sentence}", err=True)
        return
    format_ = format_named(name)
    click.echo(json.dumps(_declared(format_), indent=1) if as_json else page(format_))


_KEY = f"""\
r is read, w is written; below a shape or feature stands in which direction it survives. What does
not survive is counted. `encord-convert formats NAME` is a format's page: mapping, losses, options.
Trainers, for --target: {", ".join(TARGETS)}."""


def _skeleton(name: str) -> None:
    """Write a plug-in to start from into a folder of its name: the one of the page, which works, renamed."""
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise OptionError(f"--new {name}: a format's name has lower-case letters, digits and hyphens.")
    if name in all_formats():
        raise OptionError(f"--new {name}: there is a format of this name already.")
    folder, module = Path(f"{name}-labels"), f"{name.replace('-', '_')}_labels"
    page = files("encord_convert").joinpath("docs", "plugins.md").read_text(encoding="utf-8")
    title = "".join(map(str.capitalize, name.split("-")))
    renamed = {
        "bdd_labels": module, "bdd-labels": folder.name, "TestBdd": f"Test{title}",
        "BDD_{": f"{name.upper().replace('-', '_')}_{{", "BDD100K labels": f"{name} labels", "bdd": name,
    }  # fmt: skip
    try:
        folder.mkdir()
        for text in re.findall(r"^```(?:toml|py)\n(.*?)^```", page, re.DOTALL | re.MULTILINE):
            first, _, text = text.partition("\n")
            file = first.removeprefix("# ").replace("bdd", module.removesuffix("_labels"))
            for old, new in renamed.items():
                text = text.replace(old, new)
            (folder / file).write_text(text, encoding="utf-8")
    except OSError as error:
        raise WriteError(f"{folder}: cannot be written ({error.strerror}).") from error
    click.echo(f"{folder}: a format that works (it reads and writes BDD100K) and its test. Change them, then", err=True)
    click.echo(f"    pip install -e {folder} && pytest {folder}", err=True)
    click.echo("`encord-convert help plugins` explains each part.", err=True)


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
                words = textwrap.wrap(f"{takes}. {help_}", WIDTH - 8, break_long_words=False, break_on_hyphens=False)
                lines += [f"    {flag} {name}={default}", *(f"        {line}" for line in words)]
            parts.append("\n".join(lines))
    parts.append(
        "\n".join(["What it carries", *(f"    {line}" for line in columns(matrix([format_])[1:]).split("\n"))])
    )
    return "\n\n".join(parts)
