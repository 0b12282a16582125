"""What the commands share that talk to a service: which one, with which key, and what its errors mean."""

from __future__ import annotations

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import click

from encord_convert.cli._push_progress import PushProgress
from encord_convert.errors import AccessError, ConvertError, NetworkError, OptionError

if TYPE_CHECKING:
    from encord_convert.sdk.user_client import EncordUserClient
    from encord_convert.sync.applying import Outcome

F = TypeVar("F", bound=Callable[..., Any])


def service_options(command: F) -> F:
    """Add --domain and --key to a command."""
    domain = click.option(
        "--domain", metavar="URL", help="Address of the service; by default ENCORD_CONVERT_DOMAIN, else the hosted one."
    )
    key = click.option("--key", metavar="FILE", help="File of the private key; by default ENCORD_SSH_KEY_FILE.")
    return domain(key(command))


@contextlib.contextmanager
def client_of(domain: str | None, key: str | None) -> Iterator[EncordUserClient]:
    """Open a client; what the service or the way to it refuses leaves as an error with an exit code."""
    from encord_convert.sdk import exceptions
    from encord_convert.sdk.configs import DOMAIN_VARIABLE, ENCORD_DOMAIN
    from encord_convert.sdk.user_client import EncordUserClient

    address = (domain or os.environ.get(DOMAIN_VARIABLE) or ENCORD_DOMAIN).rstrip("/")
    is_here = _is_loopback(address)
    file = _key_file(key)
    try:
        client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=file, domain=address)
    except (exceptions.ResourceNotFoundError, ValueError, OSError) as error:
        fact = f"{'' if file is None else f'{file}: '}{getattr(error, 'message', error)}"
        raise AccessError(f"{fact} --key names the file of a private key.") from error
    if is_here:
        _check_listener(address)
    try:
        yield client
    except ConvertError:
        raise
    except (
        exceptions.AuthenticationError,
        exceptions.AuthorisationError,
        exceptions.ResourceNotFoundError,
        exceptions.SshKeyNotFound,
    ) as error:
        raise AccessError(error.message) from error
    except exceptions.EncordException as error:
        hint = NOT_RUNNING if is_here and isinstance(error, exceptions.RequestException) else ""
        raise NetworkError(f"{error.message}{hint}") from error


NOT_RUNNING = " Is `encord-convert serve` running?"
CONNECT_S = 2.0
"""Longest time until a service of this machine answers a connection."""


def _is_loopback(address: str) -> bool:
    """Tell whether an address is one of this machine.

    Raises
    ------
    OptionError
        It is not an address at all.
    """
    try:
        parts = urlsplit(address)
        _ = parts.port
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError
    except ValueError:
        fact = f"{address}: is not the address of a service; expected one like http://127.0.0.1:8080."
        raise OptionError(f"{fact} --domain or ENCORD_CONVERT_DOMAIN names it.") from None
    if parts.hostname == "localhost":
        return True
    try:
        return ip_address(parts.hostname).is_loopback
    except ValueError:
        return False


def _check_listener(address: str) -> None:
    """Ask at once whether anybody listens: a service of this machine need not be asked again and again.

    Raises
    ------
    NetworkError
        Nobody does.
    """
    parts = urlsplit(address)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), CONNECT_S).close()
    except OSError as error:
        raise NetworkError(f"{address}: no service answers there ({error.strerror or error}).{NOT_RUNNING}") from error


def _key_file(key: str | None) -> Path | None:
    """Return the file of the private key, None if the environment holds its text.

    Raises
    ------
    AccessError
        Nobody says which, or it is not there.
    """
    name = key or os.environ.get("ENCORD_SSH_KEY_FILE")
    if name is None:
        if os.environ.get("ENCORD_SSH_KEY"):
            return None
        raise AccessError("No private key: name its file with --key or ENCORD_SSH_KEY_FILE.")
    path = Path(name).expanduser()
    if not path.is_file():
        named = "--key" if key else "ENCORD_SSH_KEY_FILE"
        raise AccessError(f"{name}: there is no such file. {named} names the file of a private key.")
    return path


@contextlib.contextmanager
def watching(*, as_json: bool, quiet: bool = False) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Give what tells of events: as JSON on stdout, or as a line on a terminal, which ends with the block."""
    if as_json:
        yield lambda event: click.echo(json.dumps(event, ensure_ascii=False))
        return
    with PushProgress(quiet=quiet) as progress:
        yield progress.tell


def told(outcome: Outcome, failures: str, *, as_json: bool, quiet: bool = False) -> int:
    """Say what a push did, and return the exit code; what failed is written to a file."""
    from encord_convert.sync.applying import write_failures

    write_failures(outcome, failures)
    members = {
        "event": "finished", "project": outcome.project_hash,
        "projects": outcome.project_hashes, "sent": outcome.sent, "written": outcome.written,
        "failed": len(outcome.failures),
    }  # fmt: skip
    if as_json:
        click.echo(json.dumps(members))
    else:
        click.echo("\n".join(outcome.project_hashes))
    rows = "1 label row" if outcome.written == 1 else f"{outcome.written} label rows"
    files = "1 piece of data" if outcome.sent == 1 else f"{outcome.sent} pieces of data"
    if not quiet:
        click.echo(f"pushed {files} and {rows} to {_projects(outcome.project_hashes)}", err=True)
    for title, reason in outcome.failures[:10]:
        click.echo(f"failed {title}: {reason}", err=True)
    if outcome.failures:
        click.echo(f"{len(outcome.failures)} rows failed: {failures} says why each.", err=True)
    return int(bool(outcome.failures))


def _projects(hashes: list[str]) -> str:
    return f"project {hashes[0]}" if len(hashes) == 1 else f"{len(hashes)} projects"
