"""``encord-convert users``: who may use a local service."""

from __future__ import annotations

import json
import time
from pathlib import Path

import click

from encord_convert.errors import ReadError


@click.group(short_help="Add or list the users of a local service.")
def users() -> None:
    """Add or list the users of a local service; it may be running."""


_DATA = click.option("--data", required=True, metavar="DIR", help="Folder of the service; made if it is not there.")
_DATABASE = click.option("--database", metavar="URL", help="As given to serve.")


@users.command(short_help="Register a public key.")
@click.argument("email")
@click.option("--key", required=True, metavar="FILE", help="Public Ed25519 key, as ssh-keygen writes it (.pub).")
@_DATA
@_DATABASE
def add(email: str, key: str, data: str, database: str | None) -> None:
    """Register the public key of FILE for the user EMAIL, who is made if new."""
    from encord_convert.sdk.exceptions import EncordException
    from encord_convert.service.public_keys import public_key_hex
    from encord_convert.service.store.database import open_database
    from encord_convert.service.store.users import add_key, address

    try:
        key_hex = public_key_hex(Path(key).read_text(encoding="utf-8", errors="replace"))
    except OSError as error:
        raise ReadError(key, f"cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ReadError(key, str(error)) from error
    try:
        name = address(email)
    except EncordException as error:
        raise click.UsageError(error.message) from error
    opened = open_database(Path(data), database)
    try:
        opened.write(lambda db: add_key(db, name, key_hex, time.time())).result()
    except EncordException as error:
        raise click.UsageError(error.message) from error
    finally:
        opened.close()
    click.echo(f"{name} may sign in with the key of {key}.", err=True)


@users.command("list", short_help="List the users.")
@_DATA
@_DATABASE
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_(data: str, database: str | None, as_json: bool) -> None:
    """List the users, and how many keys each has."""
    from encord_convert.service.store import users as statements
    from encord_convert.service.store.database import open_database

    if database is None and not Path(data).is_dir():
        raise ReadError(data, "there is no service here.", advice="`encord-convert users add` or `serve` makes one.")
    opened = open_database(Path(data), database)
    try:
        rows = opened.read(statements.users)
    finally:
        opened.close()
    if as_json:
        click.echo(json.dumps([{"email": email, "keys": keys} for email, keys in rows], indent=1))
    else:
        for email, keys in rows:
            click.echo(f"{email}  {keys} {'key' if keys == 1 else 'keys'}")
