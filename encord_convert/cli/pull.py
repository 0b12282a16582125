"""``encord-convert pull``: a project into files."""

from __future__ import annotations

import contextlib
from typing import Any

import click

from encord_convert.cli._closing import told
from encord_convert.cli._options import (
    allowed,
    mapping_option,
    options_from,
    overwrite_option,
    quiet_option,
    strict_options,
    to_option,
    write_option,
)
from encord_convert.cli._outputs import guarded
from encord_convert.cli._push_progress import PushProgress
from encord_convert.cli._reports import report_kept, report_options
from encord_convert.cli._service import client_of, service_options
from encord_convert.cli._training import training_names, training_options, training_target
from encord_convert.errors import OptionError
from encord_convert.losses.report import Report


@click.command(short_help="Write the labels of a project in any format.")
@click.argument("project")
@click.argument("dst")
@to_option
@training_options
@write_option
@mapping_option
@click.option("--data-hash", "data_hashes", multiple=True, metavar="HASH", help="Only this data; repeatable.")
@click.option("--label-hash", "label_hashes", multiple=True, metavar="HASH", help="Only this label row; repeatable.")
@click.option("--title", "data_title_eq", metavar="TEXT", help="Only data called so.")
@click.option("--title-like", "data_title_like", metavar="PATTERN", help="As --title; % is any text, _ any character.")
@click.option("--edited-after", metavar="TIME", help="Only rows edited after this.")
@click.option("--edited-before", metavar="TIME", help="Only rows edited before this.")
@click.option("--label-status", "label_statuses", multiple=True, metavar="STATUS",
              type=click.Choice(["QUEUED", "ASSIGNED", "IN_REVIEW", "RETURNED", "COMPLETED"]),
              help="Only rows whose task is that far; repeatable.")  # fmt: skip
@click.option("--stage", "workflow_graph_node_title_eq", metavar="TEXT", help="Only rows at this workflow stage.")
@click.option("--stage-like", "workflow_graph_node_title_like", metavar="PATTERN", help="As --stage.")
@strict_options("Write nothing, and exit with 3, if anything would be lost.")
@overwrite_option
@report_options
@quiet_option
@service_options
def pull(
    project: str,
    dst: str,
    to: str | None,
    write_options: tuple[str, ...],
    mapping: str | None,
    strict: bool,
    allow: tuple[str, ...],
    overwrite: bool,
    report_file: str | None,
    as_json: bool,
    quiet: bool,
    domain: str | None,
    key: str | None,
    **filters: Any,
) -> None:
    """Write the labels of PROJECT in a format, at DST; it appears whole or not at all.

    PROJECT is a hash or a title, or several hashes with commas: of projects with one ontology, as a push that was
    spread makes them. With --target a folder for a trainer is written, with the images of --images.

    The last lines on stderr say what was lost.
    """
    from encord_convert.sdk.orm.label_row import AnnotationTaskStatus
    from encord_convert.sync.projects import hashes_of
    from encord_convert.sync.pulling import pull as pull_

    trained = training_target(to, {name: filters.pop(name) for name in training_names()})
    if trained is not None and "images" not in trained[1] and trained[1].get("image_files") != "leave":
        raise OptionError(
            "--target needs the images, which pull does not fetch. Name their folder with --images DIR, or write only "
            "the labels with --image-files leave."
        )
    wanted = {name: list(value) if isinstance(value, tuple) else value for name, value in filters.items() if value}
    if "label_statuses" in wanted:
        wanted["label_statuses"] = [AnnotationTaskStatus(one) for one in wanted["label_statuses"]]
    report = Report()
    permitted = allowed(allow, strict=strict)
    with contextlib.ExitStack() as stack:
        is_earlier_result = stack.enter_context(guarded(dst, (), overwrite=overwrite))
        stack.enter_context(report_kept(report, report_file, as_json, (), overwrite=overwrite))
        client = stack.enter_context(client_of(domain, key))
        progress = stack.enter_context(PushProgress(quiet=quiet))
        pull_(
            hashes_of(client, project), client, dst, to if trained is None else trained[0], mapping=mapping,
            strict=strict, allow=permitted, report=report, clear=is_earlier_result, on_event=progress.tell,
            options={**(trained[1] if trained else {}), **options_from(write_options, "-w")},
            **wanted,
        )  # fmt: skip
    if not quiet:
        click.echo(told(report), err=True)
