"""``encord-convert check``: what is wrong with labels and images, before a trainer drops it."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

import click

from encord_convert.checks.findings import Finding, Result, meaning, not_read
from encord_convert.checks.run import COCO
from encord_convert.checks.run import check as check_
from encord_convert.cli._options import from_option, options_from, overwrite_option, read_option
from encord_convert.cli._outputs import guarded
from encord_convert.cli._progress import Bars
from encord_convert.cli._training import TARGETS
from encord_convert.formats._files import source_at
from encord_convert.losses import wording

EXAMPLES = 3
"""How many places of each kind are shown."""


@click.command(short_help="Find what a trainer would drop, and other faults; mend what can be.")
@click.argument("src")
@from_option("SRC")
@read_option
@click.option(
    "--target", type=click.Choice([COCO, *TARGETS]), help="Whose rules: a trainer's, or those of any reader of COCO."
)
@click.option("--task", type=click.Choice(["detect", "segment", "obb", "pose"]),
              help="What ultralytics learns.  [what the shapes are for]")  # fmt: skip
@click.option("--images", metavar="DIR", help="Folder or ZIP with the images.  [next to the labels]")
@click.option("--leaks", is_flag=True, help="Compare the splits: what they share is known from training.")
@click.option("--fix", metavar="DST", help="Write the labels again at DST, with what has one right answer mended.")
@overwrite_option
@click.option("--json", "as_json", is_flag=True, help="Print every finding as JSON, in one object.")
def check(
    src: str,
    from_: str | None,
    read_options: tuple[str, ...],
    target: str | None,
    task: str | None,
    images: str | None,
    leaks: bool,
    fix: str | None,
    overwrite: bool,
    as_json: bool,
) -> int:
    """Say what is wrong with the labels in SRC and with their images, each with its place.

    Exits with 0 if nothing is, and with 1 if something is, mended or not. Nothing is written but with --fix, and not
    then if something could not be read and would be missing there.
    """
    outputs: contextlib.AbstractContextManager[bool] = contextlib.nullcontext(False)
    if fix is not None:
        outputs = guarded(fix, [src], overwrite=overwrite)
    with outputs as is_earlier_result, source_at(src) as source, Bars() as bars:
        result = check_(
            bars.of(source), from_, target=target, task=task, leaks=leaks, images=images, fix=fix,
            clear=is_earlier_result, **options_from(read_options, "-r"),
        )  # fmt: skip
    click.echo(
        json.dumps(result.to_dict(), indent=1, ensure_ascii=False) if as_json else "\n".join(_lines(result, fix))
    )
    return int(not result.is_clean)


def _lines(result: Result, fix: str | None) -> Iterator[str]:
    report = result.report
    annotations = sum(row["in"] for row in report.labels().values())
    sizes = [(report.rows_read, "row"), (annotations, "annotation")]
    rules = f", for {result.target}{f' ({result.task})' if result.task else ''}" if result.target else ""
    held = ", ".join(f"{count} {wording.plural(noun, count)}" for count, noun in sizes)
    yield f"{report.source.path}: {report.source.format}, {held}{rules}"
    if result.counts:
        yield ""
    width = len(str(max(result.counts.values(), default=0)))
    for code, count in result.counts.items():
        found = [one for one in result.findings if one.code == code]
        verb = "error" if any(one.is_error for one in found) else "warning"
        fixes = dict.fromkeys(one.fix for one in found if one.fix)
        mended = f"  (fix: {', '.join(fixes)})" if fixes else ""
        yield f"{verb:<7}  {count:>{width}}  {code}: {meaning(code, result.target)}{mended}"
        indent = " " * (11 + width)
        for one in found[:EXAMPLES]:
            place = _place(one, report.source.path or "")
            sentence = " ".join(one.sentence.split())
            yield f"{indent}{place}  {sentence}" if place else f"{indent}{sentence}"
        if len(found) > EXAMPLES:
            yield f"{indent}… --json for all"
    yield from _further(result, fix)


def _place(finding: Finding, source: str) -> str:
    """Return where it is, in the source."""
    where = finding.where
    file = (where.file or "").removeprefix(f"{source}/")
    file = f"{file}:{where.line}" if where.line else file
    frame = None if where.frame is None else f"frame {where.frame}"
    element = None if where.line else where.element
    return " ".join(part for part in (file, where.row, frame, element) if part)


def _further(result: Result, fix: str | None) -> Iterator[str]:
    """Yield what is said below the findings."""
    if result.leaks is not None:
        yield ""
        numbers = [f"{split} {shared} of {count}" for split, (shared, count) in result.leaks.items()]
        yield f"leaks    {'   '.join(numbers)} share images"
    looked, there = result.images.get("looked", 0), result.images.get("found", 0)
    if looked and not there:
        yield ""
        yield "images   none is next to the labels, and none was looked at; --images DIR says where they are"
    if result.redrawn:
        yield ""
        shapes = ", ".join(wording.plural(shape, 2) for shape in result.redrawn)
        yield f"besides  {result.target} takes in another form: {shapes}"
    yield ""
    total = sum(result.counts.values())
    if result.fixed is not None:
        yield f"{total} found; what has one right answer is mended in {fix}"
        if lost := wording.summary(loss for loss in result.fixed.writing.losses() if not loss.is_asked):
            yield f"lost in writing it again: {lost}"
        return
    said = f"{total} found" if total else "nothing found"
    if fix is not None:
        yield (
            f"{said}; nothing has one right answer, and {fix} is not written"
            if total
            else (f"{said}; there is nothing to mend, and {fix} is not written")
        )
    elif not result.is_mendable:
        yield said
    elif not_read(result.report):
        yield f"{said}; --fix DST mends what has one right answer, once all can be read"
    else:
        yield f"{said}; --fix DST mends what has one right answer"
