"""``encord-convert verify``: a source against what a project has of it."""

from __future__ import annotations

import click

from encord_convert.cli._options import from_option, options_from, read_option
from encord_convert.cli._service import client_of, service_options
from encord_convert.cli.diff import told


@click.command(short_help="Name every difference between labels in files and in a project.")
@click.argument("src")
@click.argument("project")
@from_option("SRC")
@read_option
@click.option("--mapping", metavar="FILE", help="The mapping it was pushed by.")
@click.option("--tolerance", metavar="PX", type=click.FloatRange(0), default=1e-6, show_default=True,
              help="How far coordinates may be apart, in pixels, and angles in degrees.")  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="Print every difference as JSON, one a line.")
@service_options
def verify(
    src: str,
    project: str,
    from_: str | None,
    read_options: tuple[str, ...],
    mapping: str | None,
    tolerance: float,
    as_json: bool,
    domain: str | None,
    key: str | None,
) -> int:
    """Pull the label rows of SRC back from PROJECT, and compare them by what they mean.

    PROJECT is a hash or a title; of a push that was spread over several projects, all their hashes, with commas.

    Exits with 0 if there is no difference and with 1 if there is one.
    """
    from encord_convert.sync.projects import hashes_of
    from encord_convert.sync.verifying import verify as verify_

    with client_of(domain, key) as client:
        found = verify_(
            src, client, hashes_of(client, project), mapping=mapping, from_=from_,
            options=dict(options_from(read_options, "-r")), tolerance_px=tolerance,
        )  # fmt: skip
        return told(found, as_json=as_json)
