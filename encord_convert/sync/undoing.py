"""Undoes a push: restores the former labels of the rows it wrote.

No documented call returns older revisions, so replaced labels are kept in the journal. Rows edited since are left alone
and named, as is what no documented call can undo: data, classes, projects.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encord_convert.errors import JournalError
from encord_convert.locks import locked
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.project import Project
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.sync.digests import digest_of_labels
from encord_convert.sync.journal import AT_WORK, UNDONE, Journal, open_journal
from encord_convert.sync.rows import BATCH, fetched, relabelled
from encord_convert.sync.sending import persistently
from encord_convert.sync.writing import words_of

Events = Callable[[dict[str, Any]], None]


@dataclass
class Undone:
    """What undoing a push did.

    Attributes
    ----------
    restored, emptied : int
        Rows restored to their former labels, and rows emptied again, by this call.
    edited : list of str
        Titles of rows edited since the push, left unchanged.
    failures : list of (str, str)
        Titles of rows the service refused, with reasons.
    stays : list of str
        Descriptions of what the push made that remains.
    """

    restored: int = 0
    emptied: int = 0
    edited: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    stays: list[str] = field(default_factory=list)


def undo(run: str | os.PathLike[str], client: EncordUserClient, *, on_event: Events | None = None) -> Undone:
    """Restore the former labels of the rows a push wrote. Resumes after an interruption.

    Parameters
    ----------
    run : path
        The plan that was applied, or its journal.
    client : EncordUserClient
    on_event : callable, optional
        Called with progress.

    Raises
    ------
    JournalError
        There is no journal of that push, or it is not one.
    """
    journal = journal_of(run)
    with locked(journal, AT_WORK.format(journal)), open_journal(journal) as opened:
        return _Undoing(client, opened, on_event or (lambda event: None)).run()


def journal_of(run: str | os.PathLike[str]) -> Path:
    """Return the journal of a push, given its plan or the journal itself.

    Raises
    ------
    JournalError
        There is none.
    """
    path = Path(run)
    journal = path if path.name.endswith(".journal") else path.with_name(path.name + ".journal")
    if not journal.is_file():
        raise JournalError(f"{journal}: there is no such journal. A push keeps it next to its plan.")
    return journal


class _Undoing:
    def __init__(self, client: EncordUserClient, journal: Journal, on_event: Events) -> None:
        self.client = client
        self.journal = journal
        self.on_event = on_event
        self.sleep = client.querier.session.clock.sleep
        self.outcome = Undone()
        self.projects: dict[str, Project] = {}

    def run(self) -> Undone:
        if not self.journal.has(*UNDONE):
            self.journal.begin(*UNDONE)
        undone = self.journal.keys_done("undo")
        waiting: dict[str, dict[str, dict[str, Any]]] = {}
        count = self.journal.count("labels")
        states = 0
        for done, (title, step) in enumerate(self.journal.steps("labels"), 1):
            states += "status" in step
            if step["is_ours"] and title not in undone:
                steps = waiting.setdefault(step["project"], {})
                steps[title] = step
                if len(steps) == BATCH:
                    self._batch(step["project"], waiting.pop(step["project"]))
            if done % BATCH == 0 or done == count:
                self.on_event({"event": "undone", "done": done, "of": count})
        for project_hash, steps in waiting.items():
            self._batch(project_hash, steps)
        self._say_what_stays(states)
        if not self.outcome.edited and not self.outcome.failures:
            self.journal.finish(*UNDONE)
        return self.outcome

    def _batch(self, project_hash: str, steps: dict[str, dict[str, Any]]) -> None:
        project = self._opened(project_hash)
        try:
            persistently(lambda: self._restore(project, steps), self.sleep)
        except EncordException as error:
            if len(steps) == 1:
                self.outcome.failures += [(title, words_of(error)) for title in steps]
                return
            for title, step in steps.items():  # one refused row fails the whole request
                self._batch(project_hash, {title: step})

    def _opened(self, project_hash: str) -> Project:
        if project_hash not in self.projects:
            self.projects[project_hash] = self.client.get_project(project_hash)
        return self.projects[project_hash]

    def _restore(self, project: Project, steps: dict[str, dict[str, Any]]) -> None:
        listed = project.list_label_rows_v2(label_hashes=[step["label"] for step in steps.values()])
        rows = {row.label_hash: row for row in fetched(project, listed)}
        bodies: dict[str, dict[str, Any]] = {}
        done: dict[str, int] = {}
        edited = []
        for title, step in steps.items():
            row = rows.get(step["label"])
            if row is None:
                edited.append(title)
                continue
            there = row.to_encord_dict()
            before = self.journal.done("replaced", title)
            new = relabelled(there, before)
            now = digest_of_labels(there)
            if now == digest_of_labels(new):
                done[title] = 1
            elif now == step["after"]:
                row.from_labels_dict(new)
                bodies[title] = row.to_encord_dict()
            else:
                edited.append(title)
        if bodies:
            hashes = [body["label_hash"] for body in bodies.values()]
            project._client.save_label_rows(hashes, list(bodies.values()))
        self.journal.finish_all("undo", {**done, **dict.fromkeys(bodies, 1)})
        self.outcome.edited += edited
        for title in [*done, *bodies]:
            if self.journal.has("replaced", title):
                self.outcome.restored += 1
            else:
                self.outcome.emptied += 1

    def _say_what_stays(self, states: int) -> None:
        made = Counter(kind.partition(" ")[0] for kind in self.journal.all_done("made"))
        sent = self.journal.count("data")
        added = self.journal.done("made", "additions") or 0
        made.pop("additions", None)
        stays = self.outcome.stays
        stays += [f"{_count(states, 'label status', 'label statuses')} the push set"] if states else []
        stays += [f"{_count(sent, 'piece', 'pieces')} of data, which the push sent"] if sent else []
        stays += [f"{_count(added, 'addition', 'additions')} to the ontology"] if added else []
        stays += [f"{_count(number, kind, kind + 's')} the push made" for kind, number in made.items()]


def _count(number: int, one: str, several: str) -> str:
    return f"{number} {one if number == 1 else several}"
