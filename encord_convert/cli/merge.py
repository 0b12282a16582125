"""``encord-convert merge``: several label sets, in any formats, as one."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Any, cast

import click

from encord_convert.batch.merges import united
from encord_convert.batch.naming import Rule
from encord_convert.batch.twins import without_twins
from encord_convert.cli._closing import told
from encord_convert.cli._options import (
    allowed,
    from_option,
    mapping_option,
    options_from,
    overwrite_option,
    quiet_option,
    read_option,
    strict_options,
    to_option,
    write_option,
)
from encord_convert.cli._outputs import guarded, refuse_source
from encord_convert.cli._progress import Bars
from encord_convert.cli._reports import report_kept, report_options
from encord_convert.cli.diff import format_of, shared_options
from encord_convert.conversion import foretold, read, write
from encord_convert.errors import OptionError
from encord_convert.formats._files import source_at, whole_file
from encord_convert.hub.yaml_file import document_at
from encord_convert.losses.report import Report
from encord_convert.losses.wording import plural
from encord_convert.sync.mapping.alike import Alike, alike, mapping_of, mapping_text
from encord_convert.sync.mapping.several import each_mapped

_TWICE = {"first": "left out", "unite": "united"}
SHOWN = 10
"""Groups of names that look alike that are told."""


@click.command(short_help="Make one label set of several, in any formats.")
@click.argument("sources", nargs=-1, required=True)
@click.argument("dst")
@from_option("the sources")
@to_option
@read_option
@write_option
@mapping_option
@click.option("--same", type=click.Choice(["yes", "no"]), help="Whether classes whose names look alike become one.")
@click.option("--suggest", metavar="FILE", help="Write only the mapping that makes them one, for --mapping.")
@click.option("--twice", type=click.Choice(["keep", "first", "unite"]), default="keep", show_default=True,
              help="What becomes of images of one name and size.")  # fmt: skip
@strict_options("Write nothing, and exit with 3, if anything would be lost.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be lost.")
@overwrite_option
@report_options
@quiet_option
def merge(
    sources: tuple[str, ...],
    dst: str,
    from_: str | None,
    to: str | None,
    read_options: tuple[str, ...],
    write_options: tuple[str, ...],
    mapping: str | None,
    same: str | None,
    suggest: str | None,
    twice: str,
    strict: bool,
    allow: tuple[str, ...],
    dry_run: bool,
    report_file: str | None,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
) -> None:
    """Write the labels of SOURCES, in one format or several, to DST with one ontology.

    Classes are the same if their names and shapes are. Names that are equal but for case, blanks, hyphens or plural
    are told, and made one with --same yes or with the mapping that --suggest writes. Images of one name in several
    sources are named by their folders: camA/f0.jpg. Of images of one name and size, --twice first keeps the first,
    unite puts the annotations of all on it; those whose files are found and differ stay apart.
    """
    if len(sources) < 2:
        raise OptionError(f"There is one source, {sources[0]}. Name two or more, and DST behind them.")
    if mapping is not None and same == "yes":
        raise OptionError("--same yes and --mapping both say what classes become. Use one of them.")
    report = Report()
    permitted = allowed(allow, strict=strict)
    is_writing = not (dry_run or suggest)
    with contextlib.ExitStack() as stack:
        is_earlier_result = False
        if is_writing:
            for source in sources:
                refuse_source(dst, source)
            is_earlier_result = stack.enter_context(guarded(dst, None, overwrite=overwrite))
        if not suggest:
            stack.enter_context(report_kept(report, report_file, as_json))
        opened = [stack.enter_context(source_at(source)) for source in sources]
        bars = stack.enter_context(Bars(quiet=quiet))
        reports = [Report() for _ in sources]
        formats = [format_of(one, from_) for one in opened]
        sets = [
            read(bars.of(source), format_.name, report=own, **options)
            for source, format_, own, options in zip(
                opened, formats, reports, shared_options(options_from(read_options, "-r"), formats), strict=True
            )
        ]
        found = alike((one.source.name, one.ontology.to_dict()) for one in sets)
        report.source.path = ", ".join(one.name for one in opened)
        report.source.format = ", ".join(dict.fromkeys(one.name for one in formats))
        if suggest:
            with whole_file(suggest, "the mapping") as stream:
                stream.write(mapping_text(found))
            bars.end()
            click.echo(_suggested(found, suggest), err=True)
            return
        if mapping is not None:
            sets = each_mapped(sets, document_at(mapping), mapping)
        elif same == "yes":
            sets = each_mapped(sets, mapping_of(found), "--same yes")
        labels = without_twins(united(sets, cast(Rule, twice)), cast(Rule, twice))
        written: dict[str, Any] = dict(options_from(write_options, "-w"))
        if dry_run:
            foretold(labels, dst, to, strict, report, written, permitted)
        else:
            write(labels, dst, to, strict=strict, allow=permitted, report=report, clear=is_earlier_result, **written)
    if not quiet:
        click.echo(told(report, "dry run" if dry_run else "wrote"), err=True)
        again = sum(note.count for note in report.notes() if note.code == "IMAGE_TWICE")
        if again and twice != "keep":
            click.echo(
                f"{_TWICE[twice]:<8} {again:>3}  {plural('image', again)} of a name and size that came before", err=True
            )
        if found and mapping is None and same is None:
            click.echo(_alike(found), err=True)


def _suggested(found: Sequence[Alike], file: str) -> str:
    if not found:
        return f"No names of classes look alike; {file} changes nothing."
    return f"{_listed(found)}\n{file} makes them one; edit it, then merge with --mapping {file}."


def _alike(found: Sequence[Alike]) -> str:
    advice = "They stay apart: --same yes makes them one, --suggest FILE writes that as a mapping to edit."
    return f"{_listed(found)}\n{advice}"


def _listed(found: Sequence[Alike]) -> str:
    lines = ["", *(f"alike    {', '.join(_name(one, name) for name in one.names)}" for one in found[:SHOWN])]
    return "\n".join([*lines, *[f"         and {len(found) - SHOWN} more"] * (len(found) > SHOWN)])


def _name(one: Alike, name: str) -> str:
    return f"{name!r} ({', '.join(one.names[name])})"
