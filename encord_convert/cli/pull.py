"""``encord-convert pull``: a project into files."""

from __future__ import annotations

import contextlib
from typing import Any

import click

from encord_convert.cli._closing import told
from encord_convert.cli._options import options_from
from encord_convert.cli._service import client_of, projects_of, service_options
from encord_convert.cli.convert import account_kept
from encord_convert.report import Report


@click.command(short_help="Write the labels of a project in any format.")
@click.argument("project")
@click.argument("dst")
@click.option("--to", metavar="FORMAT", help="Format to write; by default the one DST's suffix belongs to.")
@click.option("-w", "write_options", multiple=True, metavar="KEY=VALUE", help="An option of writing; repeatable.")
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
@click.option("--strict", is_flag=True, help="Write nothing, and exit with 3, if anything would be lost.")
@click.option("--report", "report_file", type=click.Path(dir_okay=False), help="Write the whole account as JSON.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole account as JSON on stdout.")
@service_options
def pull(
    project: str,
    dst: str,
    to: str | None,
    write_options: tuple[str, ...],
    strict: bool,
    report_file: str | None,
    as_json: bool,
    domain: str | None,
    key: str | None,
    **filters: Any,
) -> None:
    """Write the labels of PROJECT in a format, at DST; it appears whole or not at all.

    PROJECT is a hash, or several with commas: of projects with one ontology, as a push that was spread makes them.

    The last lines on stderr say what was lost.
    """
    from encord_convert.sdk.orm.label_row import AnnotationTaskStatus
    from encord_convert.sync.pulling import pull as pull_

    wanted = {name: list(value) if isinstance(value, tuple) else value for name, value in filters.items() if value}
    if "label_statuses" in wanted:
        wanted["label_statuses"] = [AnnotationTaskStatus(one) for one in wanted["label_statuses"]]
    report = Report()
    with contextlib.ExitStack() as stack:
        client = stack.enter_context(client_of(domain, key))
        stack.enter_context(account_kept(report, report_file, as_json))
        pull_(
            projects_of(project), client, dst, to, strict=strict, report=report,
            options=dict(options_from(write_options, "-w")),
            **wanted,
        )  # fmt: skip
    click.echo(told(report), err=True)
