"""Applying a plan: what it says is made, sent and written, once, however often it is begun."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from encord_convert.errors import ConflictError, ConvertError, StalePlanError
from encord_convert.formats.encord import row_dict
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.http.bundle import Bundle
from encord_convert.sdk.objects import LabelRowV2, OntologyStructure
from encord_convert.sdk.orm.dataset import DatasetAccessSettings, StorageLocation
from encord_convert.sdk.project import Project
from encord_convert.sdk.user_client import EncordUserClient
from encord_convert.sync.digests import EMPTY, digest_of, digest_of_labels
from encord_convert.sync.journal import FINISHED, Journal
from encord_convert.sync.mappings import rules_of
from encord_convert.sync.plans import CREATE, MERGE, WRITING, Plan, PlannedRow, read_plan
from encord_convert.sync.rows import merged, placed
from encord_convert.sync.sending import KEY, Sending, persistently
from encord_convert.sync.sources import SourceOf
from encord_convert.sync.translations import Translation

CONNECTIONS = 8
"""How many files, or bundles of labels, are under way at once."""
BUNDLE = 50
"""Label rows of one request."""

Events = Callable[[dict[str, Any]], None]
"""Takes what happens: ``event`` says what, ``done`` and ``of`` how far it is."""


@dataclass
class Outcome:
    """What a push did.

    Attributes
    ----------
    project_hash : str
    sent, written : int
        Data that was sent, and label rows that were written, by this run.
    failures : list of (str, str)
        Titles of rows that failed, and why.
    """

    project_hash: str = ""
    sent: int = 0
    written: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


def apply(
    plan: Plan | str | os.PathLike[str],
    client: EncordUserClient,
    *,
    journal: str | os.PathLike[str] | None = None,
    on_event: Events | None = None,
) -> Outcome:
    """Do what a plan says. Begun again after it ended anywhere, it goes on, and the end is the same.

    Parameters
    ----------
    plan : Plan or path
    client : EncordUserClient
    journal : path, optional
        What was done so far; by default beside the plan, with ``.journal`` at the end.
    on_event : callable, optional
        Called as things happen, from one thread.

    Raises
    ------
    StalePlanError
        The source or the project has changed since; nothing was sent.
    ConflictError
        The plan has problems; they are in it.
    """
    if not isinstance(plan, Plan):
        journal = f"{os.fspath(plan)}.journal" if journal is None else journal
        plan = read_plan(os.fspath(plan))
    if journal is None:
        raise ConvertError("A plan that is not in a file needs to be told where its journal is.")
    if plan.problems:
        raise ConflictError("The plan cannot be applied. " + " ".join(plan.problems))
    with Journal(Path(journal), plan.digest()) as opened:
        return _Applying(plan, client, opened, on_event or (lambda event: None)).run()


class _Applying:
    def __init__(self, plan: Plan, client: EncordUserClient, journal: Journal, on_event: Events) -> None:
        self.plan = plan
        self.client = client
        self.journal = journal
        self.on_event = on_event
        self.source = SourceOf(**plan.source)
        self.key = plan.digest()[:16]
        self.sleep = client.querier.session.clock.sleep
        self.outcome = Outcome()
        self.data: dict[str, str] = {row.title: row.data_hash for row in plan.rows if row.data_hash}
        self.failed: set[str] = set()

    def run(self) -> Outcome:
        if self.source.digest() != self.plan.source_digest:
            raise StalePlanError(f"{self.source.path}: has changed since the plan was made. Make the plan anew.")
        self._check_service()
        ontology_hash = self._ontology()
        dataset_hash = self._dataset()
        project = self._project(ontology_hash, dataset_hash)
        self.outcome.project_hash = project.project_hash
        if dataset_hash is not None:
            self._send(dataset_hash)
        self._write(project)
        if not self.outcome.failures:
            self.journal.finish(*FINISHED)
        return self.outcome

    def _fail(self, title: str, reason: str) -> None:
        self.failed.add(title)
        self.outcome.failures.append((title, reason))
        self.on_event({"event": "failed", "row": title, "reason": reason})

    # --- has anything changed? ----------------------------------------------------------------------------------------

    def _check_service(self) -> None:
        """Refuse a plan made for another state of the ontology or of rows it writes; what we did ourselves may be."""
        plan = self.plan
        if plan.ontology.hash is not None:
            now = digest_of(self.client.get_ontology(plan.ontology.hash).structure.to_dict())
            if now not in (plan.ontology.before, digest_of(self._structure().to_dict())):
                raise StalePlanError(
                    f"The ontology {plan.ontology.hash} has changed since the plan was made. Make the plan anew."
                )
        if plan.project.hash is None:
            return
        listed = {row.data_hash: row for row in self.client.get_project(plan.project.hash).list_label_rows_v2()}
        dataset = self.plan.dataset
        elsewhere = dataset is not None and dataset.hash is not None
        for planned in plan.rows:
            if planned.data_hash is None:
                continue
            row = listed.get(planned.data_hash)
            if row is None:
                if elsewhere:
                    continue
                raise StalePlanError(f"{planned.title}: is no longer in the project. Make the plan anew.")
            edited = None if row.label_hash is None or row.last_edited_at is None else str(row.last_edited_at)
            ours = self.journal.done("labels", planned.title) or self.journal.begun("labels", planned.title)
            if edited != planned.edited and not ours and planned.action in WRITING:
                raise StalePlanError(f"{planned.title}: was edited since the plan was made. Make the plan anew.")

    # --- what is made once --------------------------------------------------------------------------------------------

    def _structure(self) -> OntologyStructure:
        return OntologyStructure.from_dict(self.plan.ontology.structure)

    def _once(self, kind: str, look: Callable[[], str | None], make: Callable[[], str]) -> str:
        """Return the hash of a thing, made if it is not there: looked for first, since a reply may have been lost."""
        done: str | None = self.journal.done("made", kind)
        if done is None:
            done = persistently(lambda: look() or make(), self.sleep)
            self.journal.finish("made", kind, done)
            self.on_event({"event": "made", "what": kind, "hash": done})
        return done

    def _description(self) -> str:
        return f"Made by encord-convert push, key {self.key}."

    def _ontology(self) -> str:
        planned = self.plan.ontology
        if planned.hash is not None:
            if planned.added:
                ontology = self.client.get_ontology(planned.hash)
                wanted = self._structure()
                if ontology.structure.to_dict() != wanted.to_dict():
                    ontology._instance.structure = wanted
                    persistently(ontology.save, self.sleep)
            return planned.hash

        def look() -> str | None:
            found = self.client.get_ontologies(desc_eq=self._description())
            return found[0]["ontology"].ontology_hash if found else None

        return self._once(
            "ontology",
            look,
            lambda: self.client.create_ontology(planned.title, self._description(), self._structure()).ontology_hash,
        )

    def _dataset(self) -> str | None:
        planned = self.plan.dataset
        if planned is None or planned.hash is not None:
            return None if planned is None else planned.hash

        def look() -> str | None:
            found = self.client.get_datasets(desc_eq=self._description())
            return found[0]["dataset"].dataset_hash if found else None

        def make() -> str:
            return self.client.create_dataset(
                planned.title, StorageLocation.CORD_STORAGE, self._description()
            ).dataset_hash

        return self._once("dataset", look, make)

    def _project(self, ontology_hash: str, dataset_hash: str | None) -> Project:
        planned = self.plan.project
        if planned.hash is None:

            def look() -> str | None:
                found = self.client.get_projects(desc_eq=self._description())
                return found[0]["project"].project_hash if found else None

            def make() -> str:
                datasets = [] if dataset_hash is None else [dataset_hash]
                return self.client.create_project(planned.title, datasets, self._description(), ontology_hash)

            return self.client.get_project(self._once("project", look, make))
        project = self.client.get_project(planned.hash)

        def attach() -> None:
            if dataset_hash not in [one["dataset_hash"] for one in project.datasets]:
                project.add_datasets([dataset_hash])  # type: ignore[list-item]

        if dataset_hash is not None:
            persistently(attach, self.sleep)
        return project

    # --- data ---------------------------------------------------------------------------------------------------------

    def _send(self, dataset_hash: str) -> None:
        rows = [row for row in self.plan.rows if row.action == CREATE]
        todo = []
        for row in rows:
            done = self.journal.done("data", row.title)
            if done is None:
                todo.append(row)
            else:
                self.data[row.title] = done
        if not todo:
            return
        dataset = self.client.get_dataset(dataset_hash, DatasetAccessSettings(fetch_client_metadata=True))
        there = {one.title: (one.uid, (one.client_metadata or {}).get(KEY)) for one in dataset.data_rows}
        with self.source.media() as media:
            sending = Sending(dataset, media, self.journal, there, self.sleep)
            for row, result in _in_parallel(sending.send, todo):
                try:
                    self.data[row.title] = result.result()
                    self.outcome.sent += 1
                    self.on_event({"event": "sent", "row": row.title, "done": self.outcome.sent, "of": len(todo)})
                except EncordException as error:
                    self._fail(row.title, _words(error))

    # --- labels -------------------------------------------------------------------------------------------------------

    def _write(self, project: Project) -> None:
        written = self.journal.all_done("labels")
        wanted = {
            row.title: row
            for row in self.plan.rows
            if row.action in WRITING and row.title not in written and row.title not in self.failed
        }
        if not wanted:
            return
        rows = {row.data_hash: row for row in project.list_label_rows_v2()}
        writing = _Writing(project, self.journal, self.sleep)
        done = 0
        for _, result in _in_parallel(writing.write, self._bundles(wanted, rows)):
            for title, reason in result.result():
                done += 1
                if reason is None:
                    self.outcome.written += 1
                    self.on_event({"event": "written", "row": title, "done": done, "of": len(wanted)})
                else:
                    self._fail(title, reason)

    def _bundles(
        self, wanted: dict[str, PlannedRow], rows: dict[str, LabelRowV2]
    ) -> Iterator[list[tuple[PlannedRow, LabelRowV2, dict[str, Any]]]]:
        """Yield rows to write, read from the source and translated as they are asked for."""
        with self.source.opened() as opened:
            labels = self.source.labels(opened)
            structure = labels.ontology.to_dict()
            rules = rules_of(self.plan.mapping, structure)
            translation = Translation(structure, self.plan.ontology.structure, rules)
            bundle: list[tuple[PlannedRow, LabelRowV2, dict[str, Any]]] = []
            for one in labels:
                planned = wanted.pop(one.data_title, None)
                if planned is None:
                    continue
                row = rows.pop(self.data.get(planned.title, ""), None)
                if row is None:
                    self._fail(planned.title, "its data is not in the project.")
                    continue
                translated = translation.row(row_dict(one))
                if digest_of_labels(translated) != planned.labels:
                    self._fail(planned.title, "its labels are not those the plan was made for.")
                    continue
                bundle.append((planned, row, translated))
                if len(bundle) == BUNDLE:
                    yield bundle
                    bundle = []
            if bundle:
                yield bundle


class _Writing:
    """Writes bundles of label rows; any thread may call."""

    def __init__(self, project: Project, journal: Journal, sleep: Callable[[float], None]) -> None:
        self._project = project
        self._journal = journal
        self._sleep = sleep

    def write(self, bundle: list[tuple[PlannedRow, LabelRowV2, dict[str, Any]]]) -> list[tuple[str, str | None]]:
        """Write the labels of rows; return their titles, and why those failed that did."""
        try:
            return persistently(lambda: self._written(bundle), self._sleep)
        except EncordException as error:
            if len(bundle) == 1:
                return [(bundle[0][0].title, _words(error))]
        return [told for one in bundle for told in self.write([one])]

    def _written(self, bundle: list[tuple[PlannedRow, LabelRowV2, dict[str, Any]]]) -> list[tuple[str, str | None]]:
        rows = self._fetched([row for _, row, _ in bundle])
        told: list[tuple[str, str | None]] = []
        ready: list[tuple[str, LabelRowV2, str]] = []
        for planned, row, translated in bundle:
            there = rows[row.data_hash]
            try:
                after = self._filled(planned, there, translated)
            except (EncordException, KeyError, TypeError, ValueError) as error:
                told.append((planned.title, _words(error)))
                continue
            if after is not None:
                ready.append((planned.title, there, after))
            told.append((planned.title, None))
        self._journal.begin_all("labels", {title: after for title, _, after in ready})
        with Bundle() as saves:
            for _, there, _ in ready:
                there.save(saves)
        self._journal.finish_all("labels", dict.fromkeys((title for title, reason in told if reason is None), 1))
        return told

    def _fetched(self, rows: list[LabelRowV2]) -> dict[str, LabelRowV2]:
        """Return rows with their labels as they are now, begun where they were not."""
        if any(row.label_hash is None for row in rows):
            # A begun row says so only in the listing: an earlier attempt may have begun it.
            rows = self._project.list_label_rows_v2(data_hashes=[row.data_hash for row in rows])
        with Bundle() as bundle:
            for row in rows:
                row.initialise_labels(include_reviews=True, overwrite=True, bundle=bundle)
        return {row.data_hash: row for row in rows}

    def _filled(self, planned: PlannedRow, row: LabelRowV2, translated: dict[str, Any]) -> str | None:
        """Put labels into a row; return the digest of all it has then, None if nothing is to be saved."""
        there = row.to_encord_dict()
        new = placed(translated, there)
        now = digest_of_labels(there)
        if planned.action == MERGE:
            new = merged(new, there)
        after = digest_of_labels(new)
        if now == after:
            return None
        expected = (planned.there or EMPTY, self._journal.begun("labels", planned.title))
        if now not in expected:
            raise StalePlanError("was edited since the plan was made.")
        row.from_labels_dict(new)
        return after


def _in_parallel(work: Callable[[Any], Any], things: Iterable[Any]) -> Iterator[tuple[Any, Future[Any]]]:
    """Yield things and what came of them, as it comes; few are made before they are needed."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        waiting: dict[Future[Any], Any] = {}
        try:
            for thing in things:
                waiting[pool.submit(work, thing)] = thing
                if len(waiting) >= CONNECTIONS + 2:
                    yield from _done(waiting)
            while waiting:
                yield from _done(waiting)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _done(waiting: dict[Future[Any], Any]) -> Iterator[tuple[Any, Future[Any]]]:
    for future in wait(waiting, return_when=FIRST_COMPLETED).done:
        yield waiting.pop(future), future


def _words(error: BaseException) -> str:
    if isinstance(error, ConvertError):
        return error.sentence
    text = getattr(error, "message", None) or str(error)
    return text if isinstance(error, EncordException) else f"{type(error).__name__}: {text}"


def write_failures(outcome: Outcome, path: str | os.PathLike[str]) -> None:
    """Write what failed to a file, a JSON object a line; remove the file if nothing did."""
    file = Path(path)
    if not outcome.failures:
        file.unlink(missing_ok=True)
        return
    lines = [json.dumps({"row": title, "reason": reason}, ensure_ascii=False) for title, reason in outcome.failures]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
