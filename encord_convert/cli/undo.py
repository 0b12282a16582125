"""``encord-convert undo``: the labels a push replaced."""

from __future__ import annotations

import json

import click

from encord_convert.cli._service import client_of, service_options, watching


@click.command(short_help="Give label rows the labels they had before a push.")
@click.argument("run")
@click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON, one event a line.")
@service_options
def undo(run: str, as_json: bool, domain: str | None, key: str | None) -> int:
    """Give the label rows that a push wrote the labels they had before; RUN is its plan, or the journal beside it.

    Rows it labelled first are emptied. A row that was edited since is left and named, and the exit code is 9. What
    stays, since nothing takes it back, is said: data, classes, the project. Stopped anywhere, the same command goes on.
    """
    from encord_convert.sync.undoing import journal_of
    from encord_convert.sync.undoing import undo as undo_

    journal_of(run)
    with client_of(domain, key) as client, watching(as_json=as_json) as watch:
        done = undo_(run, client, on_event=watch)
    if as_json:
        members = {"event": "finished", "restored": done.restored, "emptied": done.emptied, "edited": done.edited,
                   "failed": len(done.failures), "stays": done.stays}  # fmt: skip
        click.echo(json.dumps(members, ensure_ascii=False))
    click.echo(f"restored {done.restored} label rows, emptied {done.emptied}", err=True)
    for title in done.edited:
        click.echo(f"left     {title}: was edited since, or is no longer there", err=True)
    for title, reason in done.failures:
        click.echo(f"failed   {title}: {reason}", err=True)
    for what in done.stays:
        click.echo(f"stays    {what}", err=True)
    return 9 if done.edited else int(bool(done.failures))
