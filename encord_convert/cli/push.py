"""``encord-convert push``: labels and their data from files to a project, as planned."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from msgspec.structs import asdict

from encord_convert.cli._options import from_option, options_from, quiet_option, read_option
from encord_convert.cli._service import client_of, service_options, told, watching
from encord_convert.errors import OptionError, StalePlanError, WriteError

if TYPE_CHECKING:
    from encord_convert.sync.plan_file import Plan


@click.command(short_help="Send labels, and the data they are drawn on, to a project.")
@click.argument("src")
@click.option("--project", metavar="HASH|TITLE", help="The project to write to, by hash or title; or")
@click.option("--new-project", metavar="TITLE", help="a new one, called so.")
@click.option("--dataset", metavar="HASH|TITLE", help="Where new data goes; made if there is none of the title.")
@click.option("--ontology", metavar="HASH", help="The ontology of a new project; by default one is made.")
@click.option("--images", metavar="DIR|URI", help="Where the data lies; by default next to the labels.")
@click.option("--mapping", metavar="FILE", help="What becomes of classes; --plan writes one for editing.")
@click.option(
    "--on-conflict",
    type=click.Choice(["error", "skip", "merge", "replace"]),
    default="error",
    show_default=True,
    help="What becomes of labels that are there already.",
)
@click.option("--limits", type=click.Choice(["enterprise", "team", "free", "none"]), default="enterprise",
              show_default=True, help="What one project holds: recommendations of the hosted service.")  # fmt: skip
@click.option("--shard-rows", type=click.IntRange(1), metavar="N",
              help="Spread a new project over several of at most N rows.")  # fmt: skip
@click.option("--plan", "plan_file", metavar="FILE", help="Only write the plan, and a mapping file beside it.")
@click.option("--continue", "continue_", is_flag=True,
              help="Go on with a push that was interrupted, from what SRC holds now.")  # fmt: skip
@click.option("--abandon", is_flag=True, help="Push nothing; forget a push that was interrupted.")
@from_option("SRC")
@read_option
@click.option("--json", "as_json", is_flag=True, help="Print what happens as JSON, one event a line.")
@quiet_option
@service_options
def push(
    src: str,
    project: str | None,
    new_project: str | None,
    dataset: str | None,
    ontology: str | None,
    images: str | None,
    mapping: str | None,
    on_conflict: str,
    limits: str,
    shard_rows: int | None,
    plan_file: str | None,
    continue_: bool,
    abandon: bool,
    from_: str | None,
    read_options: tuple[str, ...],
    as_json: bool,
    quiet: bool,
    domain: str | None,
    key: str | None,
) -> int:
    """Send the labels in SRC, in any format, and the data they are drawn on, to a project.

    The plan is shown first, what reading could not take over included, and kept with its journal beside SRC, or in the
    current folder if nothing can be written there. Stopped anywhere, the same command goes on: nothing is sent twice.
    If SRC has changed meanwhile, --continue brings what was made so far to what it holds now; --abandon leaves it.
    The hash of the project is printed on stdout, of several one a line. Exits with 1 if rows failed or were left out,
    and with 9 if the plan has problems; nothing was sent then.
    """
    from encord_convert.formats._files import whole_file
    from encord_convert.hub.yaml_file import document_at
    from encord_convert.locks import locked
    from encord_convert.sync.applying import apply, continued
    from encord_convert.sync.files import SourceOf
    from encord_convert.sync.journal import AT_WORK, is_over
    from encord_convert.sync.mapping.file import mapping_text
    from encord_convert.sync.planning import plan as plan_
    from encord_convert.sync.projects import hashes_of

    if (project is None) == (new_project is None):
        raise OptionError("Say which project: one that is there with --project, or a new one with --new-project TITLE.")
    source = SourceOf.at(src, from_, images, dict(options_from(read_options, "-r")))
    document = None if mapping is None else document_at(mapping)
    file = plan_file or _plan_beside(source.path)
    _check_folder(file)
    source.opened().close()  # what is not there is told before a service is asked
    journal = f"{file}.journal"
    if abandon:
        with locked(journal, AT_WORK.format(journal)):
            return _abandoned(file, journal)
    with client_of(domain, key) as client, locked(journal, AT_WORK.format(journal)):
        if project is not None:
            hashes = hashes_of(client, project)
            if len(hashes) > 1:
                raise OptionError(f"--project {project}: a push writes to one project; {len(hashes)} were given.")
            project = hashes[0]
        asked: dict[str, Any] = {
            "project": project, "new_project": new_project, "dataset": dataset, "ontology": ontology,
            "on_conflict": on_conflict, "limits": limits, "shard_rows": shard_rows,
        }  # fmt: skip
        made = None if plan_file else _interrupted(file, journal)
        is_new = made is None
        request = source.to_dict(), asked, document
        if made is None:
            before = None if plan_file else _continued_before(file, journal, request, source.digest)
            found, written = (asked, set[str]()) if before is None else continued(before, journal, client)
            made = plan_(source, client, mapping=mapping, written=written, **found)
            made.asked = asked
        elif (made.source, made.asked, made.mapping) != request:
            raise StalePlanError(f"{file}: a push of {source.path} was interrupted that was asked for in other words. "
                                 "Say the same again to go on with it, or put it away with --abandon.")  # fmt: skip
        elif continue_:
            found, written = continued(made, journal, client)
            made = plan_(source, client, mapping=mapping, written=written, **found)
            made.asked, is_new = asked, True
        elif source.digest() != made.source_digest:
            raise StalePlanError(f"{source.path}: has changed since its push was interrupted. --continue brings what "
                                 "was made so far to what it holds now; --abandon leaves that as it is.")  # fmt: skip
        if not quiet or made.problems:
            click.echo(made.text(), err=True)
        if as_json:
            click.echo(json.dumps(_planned(made), ensure_ascii=False))
        if plan_file is None and made.problems:
            return 9
        if is_new:
            _put_aside(file, journal)
            made.write(file)
        if plan_file is not None:
            if mapping is None:
                with source.opened() as opened:
                    text = mapping_text(source.labels(opened).ontology.to_dict())
                with whole_file(f"{file}.mapping.yaml", "the mapping") as stream:
                    stream.write(text)
                click.echo(f"mapping   {file}.mapping.yaml: edit it, and pass it with --mapping", err=True)
            click.echo(f"plan      {file}: encord-convert apply {file}", err=True)
            return 9 if made.problems else 0
        with watching(as_json=as_json, quiet=quiet) as watch:
            outcome = apply(made, client, journal=journal, on_event=watch)
        assert is_over(journal) or outcome.failures
    return told(outcome, f"{file}.failed.jsonl", as_json=as_json, quiet=quiet) or int(bool(made.left))


def _plan_beside(source: str) -> str:
    """Return where the plan of a push lies: beside its source, or here if nothing can be written there."""
    path = Path(source)
    name, own = path.name, blake2b(os.fsencode(path), digest_size=4).hexdigest()
    if len(os.fsencode(name)) > LONGEST:
        name = f"{name[: LONGEST // 4]}.{own}"
    if os.access(path.parent, os.W_OK):
        return str(path.parent / f"{name}.push.json")
    return f"{name}.{own}.push.json"


LONGEST = 200
"""Bytes of the name of a source, after which that of its plan is cut: a system takes 255 with all its endings."""


def _check_folder(file: str) -> None:
    """Refuse now a file that could not be written in the end.

    Raises
    ------
    WriteError
        Its folder is not there, or nothing can be written in it.
    """
    folder = Path(file).absolute().parent
    if not folder.is_dir():
        raise WriteError(f"{file}: cannot be written: there is no folder {folder}. Make it, or name another --plan.")
    try:
        os.stat(f"{file}.journal-wal")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise WriteError(f"{file}: cannot be written ({error.strerror}). Name another --plan.") from error
    if not os.access(folder, os.W_OK):
        raise WriteError(f"{file}: cannot be written: {folder} is read-only. Run it in another folder.")


def _planned(made: Plan) -> dict[str, Any]:
    """Return the event that says what is planned."""
    told: dict[str, Any] = {"event": "planned", "rows": dict(made.actions())}
    for name in ("left", "lost"):
        told[name] = [asdict(one) for one in getattr(made, name)]
    return told | {"warnings": made.warnings, "problems": made.problems}


def _put_aside(file: str, journal: str) -> None:
    """Make room for a plan: one of which anything was done is kept under a number, so that it can be undone."""
    from encord_convert.sync.journal import is_begun, is_over

    if os.path.exists(journal) and os.path.exists(file) and (is_over(journal) or is_begun(journal)):
        number = next(each for each in count(1) if not os.path.exists(f"{file}.{each}.journal"))
        os.replace(journal, f"{file}.{number}.journal")
        os.replace(file, f"{file}.{number}")
    for leftover in (journal, f"{journal}-wal", f"{journal}-shm"):
        Path(leftover).unlink(missing_ok=True)


def _interrupted(file: str, journal: str) -> Plan | None:
    """Return the plan of an earlier push of this source that did something and did not come to its end."""
    from encord_convert.sync.journal import is_begun, is_over
    from encord_convert.sync.plan_file import read_plan

    if not os.path.exists(file) or not os.path.exists(journal) or is_over(journal) or not is_begun(journal):
        return None
    return read_plan(file)


def _continued_before(
    file: str, journal: str, request: tuple[dict[str, Any], dict[str, Any], object], digest: Callable[[], str]
) -> Plan | None:
    """Return the plan of a push of just the same that went on with the project of another, and came to its end."""
    from encord_convert.sync.journal import is_over
    from encord_convert.sync.plan_file import read_plan

    if not os.path.exists(file) or not os.path.exists(journal) or not is_over(journal):
        return None
    made = read_plan(file)
    went_on = made.asked["project"] is None and made.projects[0].hash is not None
    same = (made.source, made.asked, made.mapping) == request
    return made if went_on and same and digest() == made.source_digest else None


def _abandoned(file: str, journal: str) -> int:
    """Put the plan of an interrupted push away."""
    if _interrupted(file, journal) is None:
        raise OptionError(f"--abandon: no push of this source was interrupted; there is no {journal} of one.")
    _put_aside(file, journal)
    click.echo("abandoned; what it made and sent stays. encord-convert undo takes its labels back.", err=True)
    return 0
