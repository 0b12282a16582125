"""Writes labels into rows of a project, in batches, journalled before and after.

An unbegun row is begun, and the service's reply filled and saved. A row with labels is fetched first, and its labels
kept in the journal: see :mod:`encord_convert.sync.undoing`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from encord_convert.errors import ConvertError, StalePlanError
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.http.bundle import Bundle
from encord_convert.sdk.objects import LabelRowV2
from encord_convert.sdk.objects.bundled_operations import BundledCreateRowsPayload
from encord_convert.sdk.orm.label_row import LabelStatus
from encord_convert.sdk.project import Project
from encord_convert.sync.digests import EMPTY, digest_of_labels
from encord_convert.sync.journal import Journal
from encord_convert.sync.plan_file import MERGE, PlannedRow
from encord_convert.sync.rows import body_of, labels_of, merged, placed, sequence_of
from encord_convert.sync.sending import persistently

Filled = tuple[PlannedRow, dict[str, Any]]
"""A planned row, and its labels in the project's ontology."""


class Writing:
    """Writes label rows of one project; thread-safe.

    Parameters
    ----------
    project : Project
    listed : dict
        Its listed label rows, by data hash.
    data : mapping
        Titles of planned rows to their data hashes.
    journal : Journal
    sleep : callable
        Takes seconds.
    """

    def __init__(
        self,
        project: Project,
        listed: dict[str, LabelRowV2],
        data: dict[str, str],
        journal: Journal,
        sleep: Callable[[float], None],
    ) -> None:
        self._project = project
        self._listed = listed
        self._data = data
        self._journal = journal
        self._sleep = sleep

    def has(self, data_hash: str | None) -> bool:
        """Return whether the project has a data item."""
        return data_hash in self._listed

    def write(self, bundle: list[Filled]) -> list[tuple[str, str | None]]:
        """Write the labels of rows; return their titles, with reasons for failures."""
        try:
            return persistently(lambda: self._written(bundle), self._sleep)
        except EncordException as error:
            if len(bundle) == 1:
                return [(bundle[0][0].title, words_of(error))]
        # One refused row fails the whole request: send each alone.
        return [results for item in bundle for results in self.write([item])]

    def _written(self, bundle: list[Filled]) -> list[tuple[str, str | None]]:
        there = self._there([self._data[planned.title] for planned, _ in bundle])
        results: list[tuple[str, str | None]] = []
        steps: dict[str, Any] = {}
        replaced: dict[str, Any] = {}
        bodies: dict[str, dict[str, Any]] = {}
        for planned, labels in bundle:
            title = planned.title
            try:
                body, after, before = self._filled(planned, labels, there[self._data[title]])
            except (EncordException, KeyError, TypeError, ValueError) as error:
                results.append((title, words_of(error)))
                continue
            results.append((title, None))
            step: dict[str, Any] = {"project": self._project.project_hash, "label": body["label_hash"], "after": after}
            if planned.status is not None:
                step["status"] = planned.status
            if before != UNCHANGED:
                bodies[title] = body
                if before is not None and not self._journal.has("labels", title):
                    replaced[title] = before
                steps[title] = {**step, "is_ours": True}
            else:  # written by an earlier attempt that died before journalling; or already there
                steps[title] = self._journal.begun("labels", title) or {**step, "is_ours": False}
        self._journal.finish_all("replaced", replaced)
        self._journal.begin_all("labels", {title: steps[title] for title in bodies})
        if bodies:
            hashes = [body["label_hash"] for body in bodies.values()]
            self._project._client.save_label_rows(hashes, list(bodies.values()))
        self._set_states([(steps[planned.title]["label"], planned) for planned, _ in bundle if planned.title in steps])
        self._journal.finish_all("labels", steps)
        return results

    def _set_states(self, rows: list[tuple[str, PlannedRow]]) -> None:
        """Set label statuses from the source; a workflow has only its final stage."""
        ended = []
        for label_hash, planned in rows:
            if planned.status is None:
                continue
            stats = self._listed[self._data[planned.title]]._contents.stats
            if stats.workflow_graph_node is None:
                self._project._client.set_label_status(label_hash, LabelStatus(planned.status))
            elif planned.status in ("REVIEWED", "REVIEWED_TWICE"):
                ended.append(label_hash)
        if ended:
            self._project._client.workflow_complete(ended)

    def _there(self, data_hashes: list[str]) -> dict[str, dict[str, Any] | LabelRowV2]:
        """Return current rows: the reply of beginning for unbegun ones, else the fetched row."""
        fresh = [hash_ for hash_ in data_hashes if self._listed[hash_].label_hash is None]
        found: dict[str, dict[str, Any] | LabelRowV2] = {}
        if fresh:
            try:
                rows = self._project._client._create_rows(BundledCreateRowsPayload(fresh))
            except EncordException:
                # An earlier attempt may have begun some, which only the listing shows.
                for row in self._project.list_label_rows_v2(data_hashes=fresh):
                    self._listed[row.data_hash] = row
                raise
            found = {row["data_hash"]: row for row in rows}
        with Bundle() as fetches:
            for data_hash in data_hashes:
                if data_hash not in found:
                    row = found[data_hash] = self._listed[data_hash]
                    row.initialise_labels(include_reviews=True, overwrite=True, bundle=fetches)
        return found

    def _filled(
        self, planned: PlannedRow, labels: dict[str, Any], there: dict[str, Any] | LabelRowV2
    ) -> tuple[dict[str, Any], str, Any]:
        """Return what to save, the digest of its labels, and the labels it replaces, None if there are none."""
        if isinstance(there, dict):
            body = body_of(placed(labels, there), self._listed[there["data_hash"]])
            after = planned.labels if sequence_of(labels) == sequence_of(body) else digest_of_labels(body)
            return body, after, None
        row = there.to_encord_dict()
        new = placed(labels, row)
        if planned.action == MERGE:
            new = merged(new, row)
        now, after = digest_of_labels(row), digest_of_labels(new)
        if now == after:
            return row, after, UNCHANGED
        if now != (planned.there or EMPTY) and not self._is_ours(planned.title, now):
            raise StalePlanError("was edited since the plan was made.")
        there.from_labels_dict(new)
        return there.to_encord_dict(), after, None if now == EMPTY else labels_of(row)

    def _is_ours(self, title: str, digest: str) -> bool:
        begun = self._journal.begun("labels", title)
        return begun is not None and begun["after"] == digest


UNCHANGED = "unchanged"
"""Placeholder for replaced labels of a row that already had the new ones."""


def words_of(error: BaseException) -> str:
    """Return what went wrong with a row, in a sentence."""
    if isinstance(error, ConvertError):
        return error.sentence
    text = getattr(error, "message", None) or str(error)
    return text if isinstance(error, EncordException) else f"{type(error).__name__}: {text}"
