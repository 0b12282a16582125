"""Applies a plan: creates, sends and writes everything exactly once, however often it is restarted."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encord_convert.errors import ConflictError, ConvertError, StalePlanError
from encord_convert.formats._files import Source, whole_file
from encord_convert.formats.encord import row_dict
from encord_convert.locks import locked
from encord_convert.sdk.objects import OntologyStructure
from encord_convert.sdk.orm.dataset import DatasetAccessSettings, StorageLocation
from encord_convert.sdk.project import Project
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.sync.digests import digest_of, digest_of_labels
from encord_convert.sync.files import SourceOf
from encord_convert.sync.journal import AT_WORK, FINISHED, UNDONE, Journal
from encord_convert.sync.mapping.file import rules_of
from encord_convert.sync.mapping.translate import Translation
from encord_convert.sync.plan_file import CREATE, WRITING, Parts, Plan, PlannedRow, Thing, read_plan
from encord_convert.sync.rows import BATCH, entries_of
from encord_convert.sync.sending import KEY, Sending, persistently
from encord_convert.sync.writing import Filled, Writing, words_of

BUNDLES = 4
"""Bundles of label rows in flight at once."""
ENTRIES = 4000
"""Labels of a request, counted per frame, after which no row is added to it."""

AGAIN = "Make the plan again, or update it with `encord-convert push --continue`."

Events = Callable[[dict[str, Any]], None]
"""Progress callback: ``event`` is the kind, ``done`` and ``of`` the progress."""


@dataclass
class Outcome:
    """What a push did.

    Attributes
    ----------
    project_hashes : list of str
        One, unless the plan has several projects.
    sent, written : int
        Data sent and label rows written by this run.
    failures : list of (str, str)
        Titles of failed rows, with reasons.
    """

    project_hashes: list[str] = field(default_factory=list)
    sent: int = 0
    written: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)

    @property
    def project_hash(self) -> str:
        """The hash of the project, the first if there are several."""
        return self.project_hashes[0]


def apply(
    plan: Plan | str | os.PathLike[str],
    client: EncordUserClient,
    *,
    journal: str | os.PathLike[str] | None = None,
    on_event: Events | None = None,
) -> Outcome:
    """Carry out a plan. After an interruption it resumes, with the same result.

    Parameters
    ----------
    plan : Plan or path
    client : EncordUserClient
    journal : path, optional
        Progress so far; default: next to the plan, with the suffix ``.journal``.
    on_event : callable, optional
        Called with progress, from one thread.

    Raises
    ------
    StalePlanError
        The source or the project has changed since; nothing was sent.
    ConflictError
        The plan has problems, which it lists.
    """
    if not isinstance(plan, Plan):
        journal = f"{os.fspath(plan)}.journal" if journal is None else journal
        plan = read_plan(os.fspath(plan))
    if journal is None:
        raise ConvertError("A plan that is not in a file needs the argument journal.")
    if plan.problems:
        raise ConflictError("The plan cannot be applied. " + " ".join(plan.problems))
    with locked(journal, AT_WORK.format(journal)), Journal(Path(journal), plan.digest()) as opened:
        return _Applying(plan, client, opened, on_event or (lambda event: None)).run()


class _Applying:
    def __init__(self, plan: Plan, client: EncordUserClient, journal: Journal, on_event: Events) -> None:
        self.plan = plan
        self.client = client
        self.journal = journal
        self.on_event = on_event
        self.source = SourceOf(**plan.source)
        self.sleep = client.querier.session.clock.sleep
        self.outcome = Outcome()
        self.data: dict[str, str] = {row.title: row.data_hash for row in plan.rows if row.data_hash}
        self.failed: set[str] = set()

    def run(self) -> Outcome:
        if self.journal.has(*UNDONE):
            raise StalePlanError(f"What this plan did was undone. {AGAIN}")
        if self.source.digest() != self.plan.source_digest:
            raise StalePlanError(f"{self.source.path}: has changed since the plan was made. {AGAIN}")
        self._check_service()
        ontology_hash = self._ontology()
        projects = []
        datasets: list[str | None] = []
        for shard in range(len(self.plan.projects)):
            datasets.append(self._dataset(shard))
            projects.append(self._project(shard, ontology_hash, datasets[-1]))
        self.outcome.project_hashes = [project.project_hash for project in projects]
        self._send(datasets)
        self._write(projects)
        if not self.outcome.failures:
            self.journal.finish(*FINISHED)
        return self.outcome

    def _fail(self, title: str, reason: str) -> None:
        self.failed.add(title)
        self.outcome.failures.append((title, reason))
        self.on_event({"event": "failed", "row": title, "reason": reason})

    # --- has anything changed? ----------------------------------------------------------------------------------------

    def _check_service(self) -> None:
        """Raise if the ontology or rows to write changed since the plan, other than by this push."""
        plan = self.plan
        if plan.ontology.hash is not None:
            now = digest_of(self.client.get_ontology(plan.ontology.hash).structure.to_dict())
            if now not in (plan.ontology.before, digest_of(self._structure().to_dict())):
                raise StalePlanError(f"The ontology {plan.ontology.hash} has changed since the plan was made. {AGAIN}")
        for shard, project in enumerate(plan.projects):
            if project.hash is not None:
                self._check_rows(shard, project.hash)

    def _check_rows(self, shard: int, project_hash: str) -> None:
        listed = {row.data_hash: row for row in self.client.get_project(project_hash).list_label_rows_v2()}
        elsewhere = bool(self.plan.datasets) and self.plan.datasets[shard].hash is not None
        for planned in self.plan.rows:
            if planned.data_hash is None or planned.shard != shard:
                continue
            row = listed.get(planned.data_hash)
            if row is None:
                if elsewhere:
                    continue
                raise StalePlanError(f"{planned.title}: is no longer in the project. {AGAIN}")
            edited = None if row.label_hash is None or row.last_edited_at is None else str(row.last_edited_at)
            ours = self.journal.has("labels", planned.title)
            if edited != planned.edited and not ours and planned.action in WRITING:
                raise StalePlanError(f"{planned.title}: was edited since the plan was made. {AGAIN}")

    # --- what is made once --------------------------------------------------------------------------------------------

    def _structure(self) -> OntologyStructure:
        return OntologyStructure._from_dict(self.plan.ontology.structure)

    def _once(self, kind: str, look: Callable[[], str | None], make: Callable[[], str]) -> str:
        """Return the hash of a resource, created if missing; looked up first, since a reply may have been lost."""
        done: str | None = self.journal.done("made", kind)
        if done is None:
            done = persistently(lambda: look() or make(), self.sleep)
            self.journal.finish("made", kind, done)
            self.on_event({"event": "made", "what": kind, "hash": done})
        return done

    def _description(self, shard: int = 0) -> str:
        return _description(self.plan, shard)

    def _ontology(self) -> str:
        planned = self.plan.ontology
        if planned.hash is not None:
            if planned.added:
                ontology = self.client.get_ontology(planned.hash)
                wanted = self._structure()
                if ontology.structure.to_dict() != wanted.to_dict():
                    ontology._instance.structure = wanted
                    self.journal.finish("made", "additions", len(planned.added))
                    persistently(ontology.save, self.sleep)
            return planned.hash

        return self._once(
            "ontology",
            lambda: _made_ontology(self.client, self._description()),
            lambda: self.client.create_ontology(planned.title, self._description(), self._structure()).ontology_hash,
        )

    def _dataset(self, shard: int) -> str | None:
        if not self.plan.datasets:
            return None
        planned, description = self.plan.datasets[shard], self._description(shard)
        if planned.hash is not None:
            return planned.hash

        def look() -> str | None:
            return _made_dataset(self.client, description)

        def make() -> str:
            return self.client.create_dataset(planned.title, StorageLocation.CORD_STORAGE, description).dataset_hash

        return self._once(_numbered("dataset", shard), look, make)

    def _project(self, shard: int, ontology_hash: str, dataset_hash: str | None) -> Project:
        planned, description = self.plan.projects[shard], self._description(shard)
        if planned.hash is None:

            def look() -> str | None:
                return _made_project(self.client, description)

            def make() -> str:
                datasets = [] if dataset_hash is None else [dataset_hash]
                return self.client.create_project(planned.title, datasets, description, ontology_hash)

            return self.client.get_project(self._once(_numbered("project", shard), look, make))
        project = self.client.get_project(planned.hash)

        def attach() -> None:
            if dataset_hash not in [dataset["dataset_hash"] for dataset in project.datasets]:
                project.add_datasets([dataset_hash])  # type: ignore[list-item]

        if dataset_hash is not None:
            persistently(attach, self.sleep)
        return project

    # --- data ---------------------------------------------------------------------------------------------------------

    def _send(self, datasets: list[str | None]) -> None:
        done = self.journal.all_done("data")
        todo: dict[int, list[PlannedRow]] = {}
        for row in self.plan.rows:
            if row.title in done:
                self.data[row.title] = done[row.title]
            elif row.action == CREATE:
                todo.setdefault(row.shard, []).append(row)
        count = sum(map(len, todo.values()))
        if not count:
            return
        with self.source.media() as media:
            for shard, rows in todo.items():
                for row, result in self._sending(datasets[shard], shard, media).send(rows):
                    if isinstance(result, str):
                        self.data[row.title] = result
                        self.outcome.sent += 1
                        self.on_event({"event": "sent", "row": row.title, "done": self.outcome.sent, "of": count})
                    else:
                        self._fail(row.title, words_of(result))

    def _sending(self, dataset_hash: str | None, shard: int, media: Source) -> Sending:
        assert dataset_hash is not None
        dataset = self.client.get_dataset(dataset_hash, DatasetAccessSettings(fetch_client_metadata=True))
        there = {row.title: (row.uid, (row.client_metadata or {}).get(KEY)) for row in dataset.data_rows}
        is_own = self.plan.datasets[shard].hash is None
        return Sending(dataset, media, self.journal, there, self.sleep, is_own=is_own)

    # --- labels -------------------------------------------------------------------------------------------------------

    def _write(self, projects: list[Project]) -> None:
        written = self.journal.keys_done("labels")
        wanted = {
            row.title: row
            for row in self.plan.rows
            if row.action in WRITING and row.title not in written and row.title not in self.failed
        }
        if not wanted:
            return
        writing = {}
        for shard in {row.shard for row in wanted.values()}:
            listed = {row.data_hash: row for row in projects[shard].list_label_rows_v2()}
            writing[shard] = Writing(projects[shard], listed, self.data, self.journal, self.sleep)
        count, done = len(wanted), 0
        for results in _in_parallel(
            lambda bundle: writing[bundle[0][0].shard].write(bundle), self._bundles(wanted, writing)
        ):
            for title, reason in results:
                done += 1
                if reason is None:
                    self.outcome.written += 1
                    self.on_event({"event": "written", "row": title, "done": done, "of": count})
                else:
                    self._fail(title, reason)

    def _bundles(self, wanted: dict[str, PlannedRow], writing: dict[int, Writing]) -> Iterator[list[Filled]]:
        """Yield rows to write, read from the source and translated as they are asked for."""
        with self.source.opened() as opened:
            labels = self.source.labels(opened)
            structure = labels.ontology.to_dict()
            rules = rules_of(self.plan.mapping, structure)
            translation = Translation(structure, self.plan.ontology.structure, rules)
            bundles: dict[int, list[Filled]] = {shard: [] for shard in writing}
            entries = dict.fromkeys(writing, 0)
            for label in labels:
                planned = wanted.pop(label.data_title, None)
                if planned is None:
                    continue
                shard = planned.shard
                if not writing[shard].has(self.data.get(planned.title)):
                    self._fail(planned.title, "its data is not in the project.")
                    continue
                translated = translation.row(row_dict(label))
                if digest_of_labels(translated) != planned.labels:
                    self._fail(planned.title, "its labels differ from those the plan was made for.")
                    continue
                bundles[shard].append((planned, translated))
                entries[shard] += sum(1 for _ in entries_of(translated))
                if len(bundles[shard]) == BATCH or entries[shard] > ENTRIES:
                    yield bundles[shard]
                    bundles[shard], entries[shard] = [], 0
            yield from filter(None, bundles.values())


def _description(plan: Plan, shard: int = 0) -> str:
    """Return the description of created resources, by which they are found again."""
    part = f", part {shard + 1} of {len(plan.projects)}" if len(plan.projects) > 1 else ""
    return f"Made by encord-convert push, key {plan.digest()[:16]}{part}."


def _made_ontology(client: EncordUserClient, description: str) -> str | None:
    found = client.get_ontologies(desc_eq=description)
    return found[0]["ontology"].ontology_hash if found else None


def _made_dataset(client: EncordUserClient, description: str) -> str | None:
    found = client.get_datasets(desc_eq=description)
    return found[0]["dataset"].dataset_hash if found else None


def _made_project(client: EncordUserClient, description: str) -> str | None:
    found = client.get_projects(desc_eq=description)
    return found[0]["project"].project_hash if found else None


def continued(plan: Plan, journal: str | os.PathLike[str], client: EncordUserClient) -> tuple[dict[str, Any], set[str]]:
    """Return arguments for a new plan that continues an interrupted push whose source changed.

    Returns
    -------
    asked : dict
        As ``plan.asked``, with the project, dataset and ontology that were made so far.
    written : set of str
        Titles of the rows that push wrote, whose labels may be replaced.
    """
    descriptions, asked = [_description(plan, shard) for shard in range(len(plan.projects))], dict(plan.asked)
    projects = [
        Thing(one.title, one.hash or _made_project(client, description))
        for one, description in zip(plan.projects, descriptions, strict=True)
    ]
    datasets = [
        Thing(one.title, one.hash or _made_dataset(client, description))
        for one, description in zip(plan.datasets, descriptions, strict=False)
    ]
    if len(projects) == 1 and projects[0].hash is not None:
        asked |= {"project": projects[0].hash, "new_project": None, "ontology": None}
    else:
        asked["ontology"] = plan.ontology.hash or _made_ontology(client, _description(plan))
    if len(projects) > 1:
        asked["parts"] = Parts(projects, datasets, {row.title: row.shard for row in plan.rows})
    elif datasets and datasets[0].hash is not None:
        asked["dataset"] = datasets[0].hash
    with locked(journal, AT_WORK.format(journal)), Journal(Path(journal), plan.digest()) as opened:
        return asked, {title for title, step in opened.steps("labels") if step["is_ours"]}


def _numbered(kind: str, shard: int) -> str:
    return f"{kind} {shard + 1}" if shard else kind


def _in_parallel(work: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[Any]:
    """Yield results as they complete, with bounded read-ahead."""
    with ThreadPoolExecutor(BUNDLES) as pool:
        waiting: set[Future[Any]] = set()
        try:
            for thing in things:
                waiting.add(pool.submit(work, thing))
                while len(waiting) > BUNDLES:
                    done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                    yield from (entry.result() for entry in done)
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                yield from (item.result() for item in done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def write_failures(outcome: Outcome, path: str | os.PathLike[str]) -> None:
    """Write failures to a file, one JSON object per line; remove the file if there are none."""
    file = Path(path)
    if not outcome.failures:
        file.unlink(missing_ok=True)
        return
    lines = [json.dumps({"row": title, "reason": reason}, ensure_ascii=False) for title, reason in outcome.failures]
    with whole_file(file, "the list of failures") as stream:
        stream.write("\n".join(lines) + "\n")
