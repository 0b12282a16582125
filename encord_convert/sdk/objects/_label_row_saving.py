"""Fetching and saving a label row, through whoever stores it."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects._label_row_facts import LabelRowStats
from encord_convert.sdk.objects._store import BATCH, Bundle, LabelRowStore, ResultMapper
from encord_convert.sdk.objects._unreadable_rows import OtherRowError, unreadable
from encord_convert.sdk.objects.bundled_operations import (
    BundledCreateRowsPayload,
    BundledGetRowsPayload,
    BundledSaveRowsPayload,
    BundledSetPriorityPayload,
    BundledWorkflowCompletePayload,
    BundledWorkflowReopenPayload,
)


class SavingLabelRow(LabelRowStats):
    """The calls of a label row that reach its store."""

    _store: LabelRowStore | None

    if TYPE_CHECKING:

        def _check_initialised(self) -> None: ...

        def from_labels_dict(self, label_row_dict: dict[str, Any]) -> None: ...

        def to_encord_dict(self) -> dict[str, Any]: ...

    def _stored(self) -> LabelRowStore:
        if self._store is None:
            raise LabelRowError(
                "This label row is offline: it has no client to fetch from or to save with. "
                "from_labels_dict and to_encord_dict work; list the rows of a project to have them stored."
            )
        return self._store

    def initialise_labels(
        self,
        include_object_feature_hashes: set[str] | None = None,
        include_classification_feature_hashes: set[str] | None = None,
        include_reviews: bool = False,
        overwrite: bool = False,
        bundle: Bundle | None = None,
        *,
        include_signed_url: bool = False,
    ) -> None:
        """Fetch the labels, or begin labelling if the row has none.

        Parameters
        ----------
        include_object_feature_hashes, include_classification_feature_hashes : set of str, optional
            Only labels of these classes; by default all.
        include_reviews : bool
        overwrite : bool
            Whether an initialised row is fetched again; its changes are lost.
        bundle : Bundle, optional
            Fetches together with other rows, when it is executed.
        include_signed_url : bool
            Whether the row comes with links that open without a key for a while.

        Raises
        ------
        LabelRowError
            The row is initialised already, or is offline.
        CorruptedLabelError
            What the service gave cannot be read; the row is as it was.
        """
        store = self._stored()
        if self._is_initialised and not overwrite:
            raise LabelRowError("The labels of this row are there. To fetch them again, say overwrite=True.")
        if self.label_hash is None:
            create = BundledCreateRowsPayload(uids=[self.data_hash])
            mapper = ResultMapper(self.data_hash, itemgetter("data_hash"), self._take)
            self._call(store._create_rows, BundledCreateRowsPayload.add, mapper, create, bundle)
            return
        fetch = BundledGetRowsPayload(
            uids=[self.label_hash],
            get_signed_url=include_signed_url,
            include_object_feature_hashes=include_object_feature_hashes,
            include_classification_feature_hashes=include_classification_feature_hashes,
            include_reviews=include_reviews,
        )
        mapper = ResultMapper(self.label_hash, itemgetter("label_hash"), self._take)
        self._call(store._fetch_rows, BundledGetRowsPayload.add, mapper, fetch, bundle)

    def save(self, bundle: Bundle | None = None) -> None:
        """Store the labels.

        Parameters
        ----------
        bundle : Bundle, optional
            Stores together with other rows, when it is executed; as they are now.

        Raises
        ------
        LabelRowError
            The row is not initialised, or is offline.
        """
        self._check_initialised()
        store = self._stored()
        payload = BundledSaveRowsPayload(uids=[self._existing_label_hash()], payload=[self.to_encord_dict()])
        self._call(store._save_rows, BundledSaveRowsPayload.add, None, payload, bundle)

    def workflow_reopen(self, bundle: Bundle | None = None) -> None:
        """Send the row back to the first stage of its workflow; nothing happens if labelling never started."""
        if self.label_hash is not None:
            payload = BundledWorkflowReopenPayload(label_hashes=[self.label_hash])
            self._call(self._stored()._reopen_rows, BundledWorkflowReopenPayload.add, None, payload, bundle)

    def workflow_complete(self, bundle: Bundle | None = None) -> None:
        """Send the row to the last stage of its workflow.

        Raises
        ------
        LabelRowError
            Labelling never started, or the row is offline.
        """
        payload = BundledWorkflowCompletePayload(label_hashes=[self._existing_label_hash()])
        self._call(self._stored()._complete_rows, BundledWorkflowCompletePayload.add, None, payload, bundle)

    def set_priority(self, priority: float, bundle: Bundle | None = None) -> None:
        """Set which rows come first.

        Parameters
        ----------
        priority : float
            0..1; higher comes first.

        Raises
        ------
        WrongProjectTypeError
            The project has no workflow.
        LabelRowError
            The row is offline.
        """
        self._check_workflow(True, "set_priority")
        payload = BundledSetPriorityPayload(priorities=[(self.data_hash, priority)])
        self._call(self._stored()._set_row_priorities, BundledSetPriorityPayload.add, None, payload, bundle)

    def _take(self, row: dict[str, Any]) -> None:
        """Read what the store gave."""
        try:
            self.from_labels_dict(row)
        except (KeyError, NotImplementedError, TypeError, ValueError, AttributeError) as error:
            raise unreadable(row, error) from error

    def _existing_label_hash(self) -> str:
        if self.label_hash is None:
            raise LabelRowError("Labelling of this row never started. Call initialise_labels first.")
        return self.label_hash

    @staticmethod
    def _call(operation: Any, reducer: Any, mapper: ResultMapper | None, payload: Any, bundle: Bundle | None) -> None:
        if bundle is not None:
            bundle.add(operation, reducer, mapper, payload, BATCH)
            return
        rows = operation(payload)
        if mapper is not None:
            if len(rows) != 1 or mapper.uid_of(rows[0]) != mapper.uid:
                given = ", ".join(map(mapper.uid_of, rows)) or "none"
                raise OtherRowError(f"The service was asked for the label row {mapper.uid} and gave {given}.")
            mapper.take(rows[0])
