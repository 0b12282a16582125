"""What a label row asks of whoever stores it.

The model saves through these protocols and knows no network; the client implements them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from encord_convert.sdk.objects.bundled_operations import (
    BundledCreateRowsPayload,
    BundledGetRowsPayload,
    BundledSaveRowsPayload,
    BundledSetPriorityPayload,
    BundledWorkflowCompletePayload,
    BundledWorkflowReopenPayload,
)

BATCH = 100
"""The most rows one call carries."""


class LabelRowStore(Protocol):
    """Where label rows live. Each call carries a payload, so that many rows can share it."""

    def _create_rows(self, payload: BundledCreateRowsPayload) -> list[dict[str, Any]]:
        """Begin labelling and return the new rows, in any order."""

    def _fetch_rows(self, payload: BundledGetRowsPayload) -> list[dict[str, Any]]:
        """Return rows, in any order."""

    def _save_rows(self, payload: BundledSaveRowsPayload) -> Any:
        """Store rows."""

    def _reopen_rows(self, payload: BundledWorkflowReopenPayload) -> Any:
        """Send rows back to the first stage of their workflow."""

    def _complete_rows(self, payload: BundledWorkflowCompletePayload) -> Any:
        """Send rows to the last stage of their workflow."""

    def _set_row_priorities(self, payload: BundledSetPriorityPayload) -> Any:
        """Set which rows come first."""


@dataclass(frozen=True, slots=True)
class ResultMapper:
    """Tells which of the rows that came back belongs to a call, and takes it.

    Parameters
    ----------
    uid : str
        The hash of the row that was asked for.
    uid_of : callable
        Takes a row that came back; returns its hash.
    take : callable
        Takes the row whose hash is ``uid``.
    """

    uid: str
    uid_of: Callable[[dict[str, Any]], str]
    take: Callable[[dict[str, Any]], None]


class Bundle(Protocol):
    """Collects calls and sends them together."""

    def add(
        self,
        operation: Callable[[Any], Any],
        request_reducer: Callable[[Any, Any], Any],
        result_mapper: ResultMapper | None,
        payload: Any,
        limit: int,
    ) -> None:
        """Queue a call.

        Parameters
        ----------
        operation : callable
            A method of :class:`LabelRowStore`.
        request_reducer : callable
            Makes one payload of two.
        result_mapper : ResultMapper or None
            None: nothing comes back.
        payload
            What the operation takes.
        limit : int
            The most rows one call carries.
        """
