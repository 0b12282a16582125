"""What the commands share that talk to a service: which one, with which key, and what its errors mean."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from encord_convert.cli._push_progress import PushProgress
from encord_convert.errors import AccessError, ConvertError, NetworkError

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
    from encord_convert.sdk.user_client import EncordUserClient

    options: dict[str, Any] = {} if domain is None else {"domain": domain}
    try:
        client = EncordUserClient.create_with_ssh_private_key(ssh_private_key_path=key, **options)
    except (exceptions.ResourceNotFoundError, ValueError) as error:
        raise AccessError(f"{getattr(error, 'message', error)} --key names the file of a key.") from error
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
        raise NetworkError(error.message) from error


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


def projects_of(word: str) -> list[str]:
    """Return the hashes of projects that are given as one word, with commas."""
    return [one for one in word.split(",") if one]
