"""``encord-convert batch``: many conversions, resumable."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from concurrent.futures import InvalidStateError
from pathlib import Path
from typing import Any

import click

from encord_convert import batch as batches
from encord_convert.batch import locations as places
from encord_convert.batch.engines import MEMORY_LIMIT_MB, TIME_LIMIT_S
from encord_convert.batch.events import to_lines
from encord_convert.batch.journal import journal_path
from encord_convert.batch.summary import account, json_parts, write_report
from encord_convert.cli._batch_progress import shown
from encord_convert.cli._closing import kept, lost
from encord_convert.cli._completion import writable
from encord_convert.cli._invocation import command_line, facts
from encord_convert.cli._options import (
    allowed,
    from_option,
    mapping_option,
    options_from,
    overwrite_option,
    quiet_option,
    read_option,
    strict_options,
    write_option,
)
from encord_convert.cli._outputs import guarded, refuse_foreign
from encord_convert.cli._progress import is_terminal
from encord_convert.conversion import refuse_source
from encord_convert.errors import WriteError
from encord_convert.hub.loss import NOWHERE, Level, Loss, Note
from encord_convert.losses.report import sum_counts


@click.command(short_help="Convert many sources, with workers, and resume after any end.")
@click.argument("sources", nargs=-1)
@click.option("--to", metavar="FORMAT", shell_complete=writable, help="Format to write.")
@click.option("--out", required=True, metavar="DIR|URI", help="Folder or URI below which everything is written.")
@from_option("the sources")
@read_option
@write_option
@mapping_option
@strict_options("Fail the jobs that would lose anything.")
@click.option("--manifest", type=click.Path(dir_okay=False), help="YAML file of jobs with options of their own.")
@click.option("--merge", is_flag=True, help="Make one output of all sources, with one ontology.")
@click.option("--jobs", type=click.IntRange(1), help="Workers.  [default: one for each processor]")
@click.option(
    "--engine", default="local", show_default=True, metavar="local|serial|dask|ADDRESS", help="Where jobs are done."
)
@click.option("--resume", is_flag=True, help="Do only what is missing or has changed.")
@click.option("--journal", metavar="FILE", help="Journal of what is done; by default in the output.")
@overwrite_option
@quiet_option
@click.option("--dry-run", is_flag=True, help="Say what would be lost, and write nothing.")
@click.option(
    "--report", "report_files", multiple=True, metavar="FILE", help="Write the report: a page if .html, else JSON."
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON on stdout.")
@click.option("--events", metavar="FILE", help="Write each event as a line of JSON; - is stdout.")
@click.option("--fail-fast/--keep-going", help="Start no more jobs once one has failed.  [default: keep going]")
@click.option(
    "--memory-limit", type=click.IntRange(64), default=MEMORY_LIMIT_MB, show_default=True, metavar="MB",
    help="Memory of each local worker.",
)  # fmt: skip
@click.option(
    "--time-limit", type=click.FloatRange(0, min_open=True), default=TIME_LIMIT_S, show_default=True,
    metavar="SECONDS", help="Time of each job in a local worker.",
)  # fmt: skip
def batch(
    sources: tuple[str, ...],
    to: str | None,
    out: str,
    from_: str | None,
    read_options: tuple[str, ...],
    write_options: tuple[str, ...],
    mapping: str | None,
    strict: bool,
    allow: tuple[str, ...],
    manifest: str | None,
    merge: bool,
    jobs: int | None,
    engine: str,
    resume: bool,
    journal: str | None,
    overwrite: bool,
    quiet: bool,
    dry_run: bool,
    report_files: tuple[str, ...],
    as_json: bool,
    events: str | None,
    fail_fast: bool,
    memory_limit: int,
    time_limit: float,
) -> None:
    """Convert every one of SOURCES: files, folders, ZIP archives, globs, URIs (s3://, gs://, az://).

    Each gets a folder of its name below --out, or all go into one with --merge. A job that fails is named at the end,
    and the others are done. What was done stands in a journal: --resume does what is missing, after any kind of end.
    """
    plan = batches.plan(
        sources,
        out=out,
        to=to,
        from_=from_,
        manifest=manifest,
        merge=merge,
        read_options=options_from(read_options, "-r"),
        write_options=options_from(write_options, "-w"),
        mapping=mapping,
        strict=strict,
        allow=allowed(allow, strict=strict),
    )
    if not dry_run:
        _guard(plan, journal, overwrite=overwrite)
    threading.excepthook = _told_of_threads
    with contextlib.ExitStack() as stack, contextlib.ExitStack() as display:
        read_from = [places.local(one) for job in plan.jobs for one in job.sources if not places.is_remote(one)]
        for file in report_files:
            stack.enter_context(guarded(file, read_from, overwrite=overwrite, what="report"))
        if events and events != "-":  # a run that was killed could not say that they are its own
            stack.enter_context(guarded(events, read_from, overwrite=overwrite or resume, what="events"))
        watches = [display.enter_context(shown())] if is_terminal(sys.stderr) and not quiet else []
        if events:
            watches.append(to_lines(stack.enter_context(_opened(events))))

        def watch(event: dict[str, Any]) -> None:
            for one in watches:
                one(event)

        result = stack.enter_context(
            batches.run(
                plan,
                engine=engine,
                jobs=jobs,
                resume=resume,
                keep_going=not fail_fast,
                dry_run=dry_run,
                journal=journal,
                memory_limit_mb=memory_limit,
                time_limit_s=time_limit,
                watch=watch,
            )
        )
        display.close()
        for file in report_files:
            write_report(result, file, command=command_line(), facts=facts())
        if as_json:
            for part in json_parts(result):
                click.echo(part, nl=False)
        if not quiet:
            click.echo(_told(result, is_dry=dry_run), err=True)
        result.check()


def _guard(plan: batches.Plan, journal: str | None, *, overwrite: bool) -> None:
    """Refuse to write over sources, or into a folder that no batch was in before."""
    if places.is_remote(plan.out):
        return
    is_ours = os.path.exists(journal or journal_path(plan.out))
    refuse_foreign(places.local(plan.out), overwrite=overwrite or is_ours)
    for job in plan.jobs:
        read_from = [places.local(source) for source in job.sources if not places.is_remote(source)]
        refuse_source(places.local(job.target), read_from, is_earlier=True)


def _told_of_threads(ended: threading.ExceptHookArgs) -> None:
    """Say what ended a thread, but not that a job was called off while its worker ended: Ctrl-C does that."""
    if not issubclass(ended.exc_type, InvalidStateError):
        threading.__excepthook__(ended)


def _opened(file: str) -> Any:
    if file == "-":
        return contextlib.nullcontext(sys.stdout.buffer)
    try:
        return Path(file).open("wb")
    except OSError as error:
        raise WriteError(f"{file}: the events cannot be written ({error.strerror}).") from error


def _told(result: batches.Result, *, is_dry: bool) -> str:
    """Return the closing lines: how many were done, and what all lost together."""
    total = account(result)
    files = total["counts"].get("file")
    sums = sum_counts([*total["labels"].values(), *([files] if files else [])])
    formats = {job.to for job in result.plan.jobs}
    target = formats.pop() if len(formats) == 1 else None
    done = f"{'would be done' if is_dry else 'done'} {result.done}  unchanged {result.unchanged}"
    lines = [
        f"jobs    {done}  failed {len(result.failed)}" + (f"  left out {result.left_out}" * bool(result.left_out)),
        kept(sums),
        *lost([Loss.from_dict(one) for one in total["losses"]], [_note(one) for one in total["notes"]], target),
    ]
    return "\n".join(lines)


def _note(form: dict[str, Any]) -> Note:
    return Note(Level(form["level"]), form["code"], NOWHERE, form["detail"], form["count"])
