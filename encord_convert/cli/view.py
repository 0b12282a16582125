"""``encord-convert view``: labels on their images."""

from __future__ import annotations

import contextlib

import click

from encord_convert.batch.locations import is_remote, local
from encord_convert.cli._completion import readable
from encord_convert.cli._invocation import command_line, facts
from encord_convert.cli._options import from_option, options_from, overwrite_option, quiet_option, read_option
from encord_convert.cli._outputs import guarded
from encord_convert.cli._progress import Bars
from encord_convert.cli._reports import check_report
from encord_convert.cli.diff import format_of, shared_options
from encord_convert.conversion import read
from encord_convert.errors import OptionError
from encord_convert.formats._files import Source, source_at
from encord_convert.hub.loss import Kind
from encord_convert.losses import wording
from encord_convert.losses.report import Report
from encord_convert.view.report_files import report_marks
from encord_convert.view.sample import LIMIT
from encord_convert.view.show import NO_IMAGES, Shown, show


@click.command(short_help="Show labels on their images, as a page or a contact sheet; and what was lost.")
@click.argument("src")
@click.argument("other", required=False)
@click.option("-o", "--out", metavar="FILE", help="Write the page: one HTML file that needs no server.")
@click.option("--png", metavar="FILE", help="Write a contact sheet.")
@click.option("--images", metavar="DIR|ZIP|URI", help="Where the images are; by default by the labels.")
@click.option("--limit", type=click.IntRange(1), default=LIMIT, show_default=True, metavar="N",
              help="Images to show; of more, as many are chosen evenly.")  # fmt: skip
@from_option("SRC")
@click.option("--from-other", metavar="FORMAT", shell_complete=readable,
              help="Format of OTHER; recognised by default.")  # fmt: skip
@read_option
@overwrite_option
@quiet_option
def view(
    src: str,
    other: str | None,
    out: str | None,
    png: str | None,
    images: str | None,
    limit: int,
    from_: str | None,
    from_other: str | None,
    read_options: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
) -> None:
    """Show the labels in SRC on their images: a file, a folder, a ZIP archive or a URI (s3://, gs://, az://).

    With OTHER, a second label set in any format, what is missing there or differs is dashed red, the worst first; with
    the JSON report of a conversion of SRC, what that lost. Without images, labels are shown on grey.
    """
    if out is None and png is None:
        raise OptionError("Say where to write: -o page.html for a page, --png sheet.png for a contact sheet.")
    if src == other == "-":
        raise OptionError("SRC and OTHER cannot both be standard input.")
    with contextlib.ExitStack() as stack:
        for file, what in ((out, "page"), (png, "contact sheet")):
            if file is not None:
                check_report(file, what)
                stack.enter_context(guarded(file, None if is_remote(src) else src, overwrite=overwrite))
        bars = stack.enter_context(Bars(quiet=quiet))
        source = stack.enter_context(_source(src))
        marks, target = (None if other is None else report_marks(other)) or (None, "")
        second = None if other is None or marks is not None else stack.enter_context(_source(other))
        formats = [format_of(source, from_), *([] if second is None else [format_of(second, from_other)])]
        options = shared_options(options_from(read_options, "-r"), formats)
        reports = [Report() for _ in formats]
        labels = read(bars.of(source), formats[0].name, report=reports[0], **options[0])
        compared = None if second is None else read(bars.of(second), formats[1].name, report=reports[1], **options[1])
        shown = show(
            labels,
            out,
            sheet_file=png,
            title=f"{src} and {other}" if second is not None else src,
            facts=[
                ("format", " and ".join(dict.fromkeys(format_.name for format_ in formats))),
                *([("converted to", target)] if target else []),
                *facts(),
            ],
            command=command_line(),
            images=None if images is None else stack.enter_context(_source(images)),
            other=compared,
            losses=marks,
            reading=() if marks is not None else reports,
            limit=limit,
        )
    if not quiet:
        click.echo(_told(shown, [file for file in (out, png) if file], reports, is_diff=second is not None), err=True)


def _source(place: str) -> Source:
    if is_remote(place):
        from encord_convert.view.stores import store_source

        return store_source(place)
    return source_at(local(place))


def _told(shown: Shown, files: list[str], reports: list[Report], *, is_diff: bool) -> str:
    """Return the closing lines: what was written, how much of it, what was not read, and what is worth knowing."""
    some = "" if shown.images == shown.of else f" of {shown.of:,}, evenly spaced (--limit shows more)"
    lines = [f"wrote  {', '.join(files)}  {shown.images:,} {'image' if shown.images == 1 else 'images'}{some}"]
    if is_diff or shown.losses:
        what = ("difference" if is_diff else "loss") if shown.losses == 1 else "differences" if is_diff else "losses"
        lines.append(f"marked {shown.losses:,} {what}" + ", the worst first" * (shown.losses > 1))
    for report in reports:
        losses = report.losses()
        unread = [one for one in losses if one.kind is Kind.DROPPED]
        for word, part in (("unread", unread), ("read  ", [one for one in losses if one not in unread])):
            if part:
                lines.append(f"{word} {report.source.path}: {wording.summary(part)}")
        lines += [f"{one.level:<7}  {one.count}  {one.sentence}  {one.code}" for one in wording.remarks(report.notes())]
    if shown.wrong_sizes:
        what = "image has" if len(shown.wrong_sizes) == 1 else "images have"
        lines.append(
            f"warning  {len(shown.wrong_sizes)} {what} another size than the labels say. {shown.wrong_sizes[0]}"
        )
    if not shown.has_images:
        lines.append(f"warning  {NO_IMAGES}")
    return "\n".join(lines)
