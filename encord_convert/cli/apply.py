"""``encord-convert apply``: what a plan says."""

from __future__ import annotations

import click

from encord_convert.cli._service import client_of, service_options, told, watching


@click.command(short_help="Do what a plan of a push says, or go on with it.")
@click.argument("plan")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON, one event a line.")
@service_options
def apply(plan: str, as_json: bool, domain: str | None, key: str | None) -> int:
    """Do what PLAN says, which `encord-convert push --plan` wrote.

    Refused with 9 if the source or the project has changed since. Stopped anywhere, the same command goes on. Rows that
    fail are told in PLAN.failed.jsonl, and the exit code is 1; so it is if the plan leaves rows out.
    """
    from encord_convert.sync.applying import apply as apply_
    from encord_convert.sync.plan_file import read_plan

    made = read_plan(plan)
    with client_of(domain or made.domain, key) as client, watching(as_json=as_json) as watch:
        outcome = apply_(plan, client, on_event=watch)
    return told(outcome, f"{plan}.failed.jsonl", as_json=as_json) or int(bool(made.left))
