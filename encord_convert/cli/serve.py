"""``encord-convert serve``: the local service."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Any

import click


@click.command(short_help="Run the local service: the same API, without an account.")
@click.option("--data", required=True, metavar="DIR", help="Folder of the service; made if it is not there.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option("--port", default=0, show_default=True, type=click.IntRange(0, 65535), help="0: any that is free.")
@click.option("--print-url", is_flag=True, help="Print the address, and nothing else, on stdout.")
@click.option("--database", metavar="URL", help="postgresql+psycopg://…; by default a file in DIR.")
@click.option(
    "--private-data",
    multiple=True,
    metavar="DIR",
    help="Folder, or s3://BUCKET, whose files users may name; repeatable.",
)
@click.option("--public-url", metavar="URL", help="What the service is called from outside, behind a proxy.")
@click.option("--trust-first-key", is_flag=True, help="As long as there is no user: the first key to sign in is one.")
@click.option("--strict-saves", is_flag=True, help="Refuse to save over a newer revision of somebody else.")
@click.option(
    "--protocol",
    type=click.Choice(["every", "newest"]),
    default="every",
    show_default=True,
    help="newest: only what the newest clients ask, to try a client on.",
)
def serve(
    data: str,
    host: str,
    port: int,
    print_url: bool,
    database: str | None,
    public_url: str | None,
    private_data: tuple[str, ...],
    trust_first_key: bool,
    strict_saves: bool,
    protocol: str,
) -> None:
    """Run the local service until Ctrl-C. Everything it keeps is in DIR."""
    from encord_convert.service.app import open_service
    from encord_convert.service.server import Server
    from encord_convert.service.store.users import is_empty

    service = open_service(
        Path(data),
        database,
        trust_first_key=trust_first_key,
        strict_saves=strict_saves,
        is_newest=protocol == "newest",
        public_url=public_url,
        private_data=private_data,
    )
    try:
        server = Server(service, host, port)
        if print_url:
            click.echo(server.url)
            sys.stdout.flush()
        click.echo(_how(server.url, data, service.database.read(is_empty), trust_first_key), err=True)
        # Asked to end, it ends as after Ctrl-C: what was begun is finished, and the database closed.
        signal.signal(signal.SIGTERM, _end)
        server.run()
    finally:
        service.close()


def _end(*_: Any) -> None:
    sys.exit(0)


def _how(url: str, data: str, is_new: bool, trusts: bool) -> str:
    lines = [f"Serving {data} at {url}; Ctrl-C ends it. A client is pointed at it by", ""]
    lines += [f"    export ENCORD_CONVERT_DOMAIN={url}", "    export ENCORD_SSH_KEY_FILE=~/.ssh/id_ed25519", ""]
    if is_new and trusts:
        lines.append("There is no user yet: the first key that signs in will be one.")
    elif is_new:
        lines.append(f"There is no user yet: encord-convert users add EMAIL --key KEY.pub --data {data}")
    return "\n".join(lines).rstrip()
