"""``encord-convert convert``: one call of :func:`encord_convert.convert`."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import click

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
from encord_convert.cli._outputs import guarded
from encord_convert.cli._progress import Bars
from encord_convert.cli._reports import report_kept, report_options
from encord_convert.cli._selecting import selecting_options, selection
from encord_convert.cli._training import training_options, training_target
from encord_convert.conversion import convert as convert_
from encord_convert.conversion import read
from encord_convert.formats._api import Format
from encord_convert.formats._files import Source, source_at
from encord_convert.geometry.rle import MAX_PIXELS, pixel_limit
from encord_convert.hub.labelset import LabelSet
from encord_convert.losses.report import Report


@click.command(short_help="Convert annotations from one format to another.")
@click.argument("src")
@click.argument("dst")
@from_option("SRC")
@to_option
@training_options
@read_option
@write_option
@selecting_options
@mapping_option
@strict_options("Write nothing, and exit with 3, if anything would be lost.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be lost.")
@overwrite_option
@report_options
@click.option("--view", metavar="FILE", help="Write a page of SRC with what is lost on its images.")
@quiet_option
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes to use.")
@click.option(
    "--limit-pixels",
    type=click.IntRange(1),
    default=MAX_PIXELS,
    show_default=True,
    help="Largest mask to decode, in pixels: a small file can ask for a huge one.",
)
def convert(
    src: str,
    dst: str,
    from_: str | None,
    to: str | None,
    read_options: tuple[str, ...],
    write_options: tuple[str, ...],
    where: str | None,
    sample: int | None,
    per_class: int | None,
    drop_empty: bool,
    mapping: str | None,
    strict: bool,
    allow: tuple[str, ...],
    dry_run: bool,
    report_file: str | None,
    as_json: bool,
    view: str | None,
    overwrite: bool,
    quiet: bool,
    jobs: int,
    limit_pixels: int,
    **training: Any,
) -> None:
    """Convert the annotations in SRC to another format, at DST.

    SRC is a file, a folder, a ZIP archive, or - for standard input; images need not be there. DST is a file if it
    has a suffix of the format, else a folder; it appears whole or not at all. The last lines on stderr say what was
    lost; the same numbers add up in the report: in = kept + changed + dropped.

    With --target it is written for a trainer instead: a folder with images and labels, in its layout.

    With --where, --sample or --per-class it is of some annotations and images; `encord-convert help select` says how.

    What these leave out, and what a --mapping drops or redraws, is counted too, but is no loss for --strict: it was
    asked for.
    """
    taken = selection(where, sample, per_class, _seed(training, sample or per_class), drop_empty=drop_empty)
    steps = [taken, None if mapping is None else functools.partial(_mapped, mapping)]
    trained = training_target(to, training)
    with source_at(src) as source:
        converted(
            src,
            dst,
            source=source,
            from_=from_,
            to=to if trained is None else trained[0],
            read_options=read_options,
            write_options=write_options,
            strict=strict,
            allow=allow,
            dry_run=dry_run,
            report_file=report_file,
            as_json=as_json,
            overwrite=overwrite,
            quiet=quiet,
            jobs=jobs,
            limit_pixels=limit_pixels,
            view=view,
            through=functools.partial(_through, [step for step in steps if step is not None]),
            trainer_options=trained[1] if trained else {},
        )


def converted(
    src: str,
    dst: str,
    *,
    source: Source,
    from_: str | None,
    to: str | Format | None,
    read_options: tuple[str, ...],
    write_options: tuple[str, ...],
    strict: bool,
    allow: tuple[str, ...],
    dry_run: bool,
    report_file: str | None,
    as_json: bool,
    overwrite: bool,
    quiet: bool,
    through: Callable[[LabelSet], LabelSet],
    jobs: int = 1,
    limit_pixels: int = MAX_PIXELS,
    view: str | None = None,
    trainer_options: Mapping[str, Any] = MappingProxyType({}),
) -> None:
    """Convert, with all that a command says and refuses on the way."""
    report = Report()
    permitted = allowed(allow, strict=strict)
    if dry_run:
        outputs: contextlib.AbstractContextManager[bool] = contextlib.nullcontext(False)
    else:
        outputs = guarded(dst, [src], overwrite=overwrite)
    options = options_from(read_options, "-r")
    with (
        pixel_limit(limit_pixels),
        outputs as is_earlier_result,
        report_kept(
            report,
            report_file,
            as_json,
            [src],
            overwrite=overwrite,
            view=view,
            show=lambda told: _show(source, told, view, options),
        ),
        Bars(quiet=quiet) as bars,
    ):
        convert_(
            bars.of(source),
            dst,
            from_=from_,
            to=to,
            strict=strict,
            allow=permitted,
            report=report,
            jobs=jobs,
            dry_run=dry_run,
            clear=is_earlier_result,
            read_options=options,
            write_options={**trainer_options, **options_from(write_options, "-w")},
            through=through,
        )
    if not quiet:
        click.echo(told(report, "dry run" if dry_run else "wrote"), err=True)


def _seed(training: dict[str, Any], sampled: int | None) -> int | None:
    """Return the seed, which is one of a target's options too; without a target it is of the sample alone."""
    seed: int | None = training["seed"]
    if sampled and training["target"] is None:
        training["seed"] = None
    return seed


def _through(steps: Sequence[Callable[[LabelSet], LabelSet]], labels: LabelSet) -> LabelSet:
    for step in steps:
        labels = step(labels)
    return labels


def _show(source: Source, report: Report, page: str | None, options: dict[str, str]) -> None:
    from encord_convert.cli._invocation import command_line, facts
    from encord_convert.view.show import show

    labels = read(source, report.source.format, report=Report(), **options)
    target = report.target
    show(
        labels,
        page,
        title=source.name,
        facts=[("format", report.source.format), ("converted to", f"{target.path} ({target.format})"), *facts()],
        command=command_line(),
        losses=report,
    )


def _mapped(mapping: str, labels: LabelSet) -> LabelSet:
    from encord_convert.sync import mapped

    return mapped(labels, mapping)
