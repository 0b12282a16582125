"""``encord-convert projects``: what there is to pull."""

from __future__ import annotations

import json

import click
from msgspec.structs import asdict

from encord_convert.cli._service import client_of, service_options


@click.command(short_help="List the projects of a service.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@service_options
def projects(as_json: bool, domain: str | None, key: str | None) -> None:
    """List the projects that the key has a role in: hash, role, label rows, title."""
    from encord_convert.sync.projects import listed

    with client_of(domain, key) as client:
        found = listed(client)
    if as_json:
        click.echo(json.dumps([asdict(one) for one in found], indent=1, ensure_ascii=False))
        return
    width = max((len(one.role) for one in found), default=0)
    for one in found:
        rows = "? rows" if one.rows is None else "1 row" if one.rows == 1 else f"{one.rows} rows"
        click.echo(f"{one.hash}  {one.role:<{width}}  {rows:>9}  {one.title}")
    if not found:
        click.echo("There are no projects. `encord-convert push SRC --new-project TITLE` makes one.", err=True)
