"""The plan of a push: a readable, deterministic JSON file of everything that will be done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from encord_convert.errors import ReadError, WriteError
from encord_convert.hub.loss import NOWHERE, Feature, Kind, Loss
from encord_convert.losses.wording import lines as lines_of
from encord_convert.losses.wording import minor as minor_of
from encord_convert.sync.digests import digest_of

VERSION = 2
CREATE, WRITE, SAME, SKIP, MERGE, REPLACE = "create", "write", "same", "skip", "merge", "replace"
"""Action for a row: upload data and labels; write labels where there are none; already done; skip; merge; replace."""

WRITING = (CREATE, WRITE, MERGE, REPLACE)
"""Actions that change the labels of a row."""


class PlannedFile(msgspec.Struct, omit_defaults=True):
    """A file to send: its member in the image source, content digest, and matching rule."""

    name: str
    sha256: str
    rule: str


class PlannedRow(msgspec.Struct, omit_defaults=True):
    """A label row of the source, and its action.

    ``labels`` is the digest of what is written, ``there`` of what the project has now; ``edited`` is its last change.
    ``status`` is the source's label status; ``shard`` the index of its project in the plan.
    """

    title: str
    action: str
    data_type: str
    labels: str
    count: int
    key: str = ""
    files: list[PlannedFile] = []
    data_hash: str | None = None
    rule: str | None = None
    there: str | None = None
    edited: str | None = None
    metadata: dict[str, Any] | None = None
    status: str | None = None
    shard: int = 0


class Left(msgspec.Struct):
    """A row of the source that is not pushed, and why."""

    title: str
    reason: str


class Lost(msgspec.Struct):
    """A loss in reading the source: its kind, code, type and label."""

    kind: str
    code: str
    feature: str
    type: str
    label: str
    count: int
    detail: str

    def loss(self) -> Loss:
        """Return it as a loss of a report."""
        kind, feature = Kind(self.kind), Feature(self.feature)
        return Loss(kind, self.code, feature, self.type, self.label, self.count, NOWHERE, self.detail)


class Thing(msgspec.Struct, omit_defaults=True):
    """A resource of the service: existing if it has a hash, else to be created."""

    title: str
    hash: str | None = None


class Parts(NamedTuple):
    """Progress of a push over several projects: resources per shard, and shards of rows by title."""

    projects: list[Thing]
    datasets: list[Thing]
    of: dict[str, int]


class OntologyPlan(msgspec.Struct, omit_defaults=True):
    """The ontology: its digest before, the additions, and the result."""

    title: str
    hash: str | None
    before: str | None
    added: list[str]
    reused: list[str]
    structure: dict[str, Any]


class Plan(msgspec.Struct):
    """All that a push will do.

    ``asked`` holds the arguments other than source and mapping. ``counts`` holds labels, frames and answers per
    attribute by class and shape; ``unmatched`` titles of project rows and file names without a match. Large sets are
    sharded over several projects, with a dataset each; ``beyond`` lists what still exceeds the service's limits.
    ``lost`` and ``warnings`` are those of reading the source.
    """

    version: int
    asked: dict[str, Any]
    source: dict[str, Any]
    source_digest: str
    domain: str
    projects: list[Thing]
    datasets: list[Thing]
    ontology: OntologyPlan
    mapping: Mapping[str, Any] | None
    rows: list[PlannedRow]
    left: list[Left]
    problems: list[str]
    beyond: list[str]
    counts: list[dict[str, Any]]
    dropped: dict[str, int]
    unmatched: dict[str, Any]
    lost: list[Lost] = []
    warnings: list[str] = []

    def digest(self) -> str:
        """Return the digest of the plan."""
        return digest_of(msgspec.to_builtins(self))

    def write(self, path: str | Path) -> None:
        """Write it to a file atomically.

        Raises
        ------
        WriteError
            The file cannot be written.
        """
        file = Path(path)
        draft = file.with_name(file.name + ".part")
        try:
            draft.write_bytes(msgspec.json.format(msgspec.json.encode(self), indent=1) + b"\n")
            draft.replace(file)
        except OSError as error:
            draft.unlink(missing_ok=True)
            raise WriteError(f"{path}: the plan cannot be written ({error.strerror}).") from error

    def actions(self) -> Counter[str]:
        """Count the rows by action."""
        return Counter(row.action for row in self.rows)

    def text(self) -> str:
        """Return a summary of a few lines."""
        actions = self.actions()
        ontology = self.ontology
        lines = [
            f"source    {_from_here(self.source['path'])}",
            *_shown("project  ", self.projects),
            *(_shown("dataset  ", self.datasets) or ["dataset   none needed"]),
            f"ontology  {ontology.title!r} {ontology.hash or '(new)'}: {len(ontology.reused)} classes reused, "
            f"{len(ontology.added)} added",
        ]
        lines += [f"          + {what}" for what in ontology.added[:20]]
        lines += [f"          … and {len(ontology.added) - 20} more"] if len(ontology.added) > 20 else []
        lines.append(
            "rows      " + (", ".join(f"{count} {_WORDS[action]}" for action, count in actions.items()) or "none")
        )
        for each in self.counts:
            answers = ", ".join(f"{name} {count}" for name, count in each["answers"].items())
            answers_text = f"; answers: {answers}" if answers else ""
            frames = _counted(each["frames"], "frame")
            lines.append(f"          {each['class']} ({each['shape']}): {each['labels']} on {frames}{answers_text}")
        states = Counter(row.status for row in self.rows if row.status and row.action in WRITING)
        lines += [f"status    {status}: {_counted(count, 'row')}" for status, count in states.items()]
        rules = Counter(file.rule for row in self.rows for file in row.files)
        rules.update(row.rule for row in self.rows if row.rule)
        lines += [f"matched   by {rule}: {count}" for rule, count in rules.items()]
        lines += [f"dropped   {what}: {count}" for what, count in self.dropped.items()]
        losses = [item.loss() for item in self.lost]
        loss_lines = lines_of(losses, None)
        lines += [
            f"reading   {note.count} {note.things} {note.verb}: {note.detail}  {note.code}" for note in loss_lines[:20]
        ]
        lines += [f"          … and {len(loss_lines) - 20} more"] if len(loss_lines) > 20 else []
        lines += [f"minor     {minor}"] if (minor := minor_of(losses)) else []
        lines += [f"warning   {what}" for what in self.warnings[:20]]
        lines += [f"left out  {entry.title}: {entry.reason}" for entry in self.left[:20]]
        lines += [f"          … and {len(self.left) - 20} more"] if len(self.left) > 20 else []
        for what, found in self.unmatched.items():
            if found["count"]:
                first = ", ".join(found["first"][:3]) + (", …" if found["count"] > 3 else "")
                lines.append(f"unused    {found['count']} {what}: {first}")
        lines += [f"beyond    {what}" for what in self.beyond]
        lines += [f"PROBLEM   {problem}" for problem in self.problems]
        return "\n".join(lines)


_WORDS = {
    CREATE: "to upload with their labels", WRITE: "to write", SAME: "up to date", SKIP: "skipped, already labelled",
    MERGE: "to merge", REPLACE: "to replace", "error": "in conflict",
}  # fmt: skip


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _from_here(path: str) -> str:
    here = Path.cwd()
    return str(Path(path).relative_to(here)) if Path(path).is_relative_to(here) else path


def _shown(word: str, things: list[Thing]) -> list[str]:
    lines = [f"{word} {thing.title!r} {thing.hash or '(new)'}" for thing in things]
    return lines if len(lines) <= 4 else [*lines[:2], f"{word} … {len(lines) - 3} more …", lines[-1]]


def read_plan(path: str | Path) -> Plan:
    """Read a plan.

    Raises
    ------
    ReadError
        It cannot be read, or has another version.
    """
    try:
        plan = msgspec.json.decode(Path(path).read_bytes(), type=Plan)
    except OSError as error:
        raise ReadError(str(path), f"cannot be read ({error.strerror}).") from error
    except msgspec.DecodeError as error:
        raise ReadError(
            str(path), f"is not a plan of a push ({error}).", advice="`encord-convert push --plan` writes one."
        ) from error
    if plan.version != VERSION:
        fact = f"is a plan of version {plan.version}; this is version {VERSION}."
        raise ReadError(str(path), fact, advice="Make it again with `encord-convert push --plan`.")
    return plan
