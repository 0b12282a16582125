"""``encord-convert select``: a conversion to the format of the source, of some annotations and images."""

from __future__ import annotations

import click

from encord_convert.cli._options import (
    from_option,
    overwrite_option,
    quiet_option,
    read_option,
    strict_options,
    write_option,
)
from encord_convert.cli._reports import report_options
from encord_convert.cli._selecting import selecting_options, selection
from encord_convert.cli.convert import converted
from encord_convert.errors import OptionError
from encord_convert.formats._files import source_at
from encord_convert.formats._registry import detect


@click.command(short_help="Take some of the annotations and images of a set, in the same format.")
@click.argument("src")
@click.argument("dst")
@selecting_options
@click.option("--seed", type=int, help="Another seed, another sample.  [0]")
@from_option("SRC")
@click.option("--to", metavar="FORMAT", help="Format to write.  [that of SRC]")
@read_option
@write_option
@strict_options("Write nothing, and exit with 3, if anything else would be lost.")
@click.option("--dry-run", is_flag=True, help="Write nothing; say what would be left out.")
@overwrite_option
@report_options
@quiet_option
def select(
    src: str,
    dst: str,
    where: str | None,
    sample: int | None,
    per_class: int | None,
    drop_empty: bool,
    seed: int | None,
    from_: str | None,
    to: str | None,
    read_options: tuple[str, ...],
    write_options: tuple[str, ...],
    strict: bool,
    allow: tuple[str, ...],
    dry_run: bool,
    overwrite: bool,
    report_file: str | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Write the annotations of SRC for which a condition holds, and a sample of its images, to DST.

    A condition has the names class, shape, area, width, height, confidence, frame, track, split, title, file,
    image_width, image_height and attribute["name"], and Python's comparisons, and, or, not and in:

        --where 'class in ("car", "bus") and area > 400 and split == "train"'

    Images stay without their annotations, as negatives, unless the condition excludes the image itself, by its split
    or title, or --drop-empty is given. What is left out is counted in the report as asked for: no loss for --strict.

    It is `convert` to the format of SRC; `convert` takes the same options. `encord-convert help select` says more.
    """
    chosen = selection(where, sample, per_class, seed, drop_empty=drop_empty)
    if chosen is None:
        raise OptionError("Say what to take: --where, --sample, --per-class or --drop-empty.")
    with source_at(src) as source:
        from_ = detect(source).name if from_ is None else from_
        converted(
            src,
            dst,
            source=source,
            from_=from_,
            to=to or from_,
            read_options=read_options,
            write_options=write_options,
            strict=strict,
            allow=allow,
            dry_run=dry_run,
            report_file=report_file,
            as_json=as_json,
            overwrite=overwrite,
            quiet=quiet,
            through=chosen,
        )
