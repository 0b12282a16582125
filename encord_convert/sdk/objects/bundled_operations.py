"""What calls on several label rows at once carry; adding two payloads makes one of both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass
class BundledCreateRowsPayload:
    """Rows to begin labelling on, by data hash."""

    uids: list[str]

    def add(self, other: BundledCreateRowsPayload) -> BundledCreateRowsPayload:
        """Return a payload of both."""
        return BundledCreateRowsPayload(self.uids + other.uids)


@dataclass
class BundledGetRowsPayload:
    """Rows to fetch, by label hash, and which labels of them."""

    uids: list[str]
    get_signed_url: bool
    include_object_feature_hashes: set[str] | None
    include_classification_feature_hashes: set[str] | None
    include_reviews: bool

    def add(self, other: BundledGetRowsPayload) -> BundledGetRowsPayload:
        """Return a payload of both; the choice of labels is this one's."""
        return BundledGetRowsPayload(
            self.uids + other.uids,
            self.get_signed_url,
            self.include_object_feature_hashes,
            self.include_classification_feature_hashes,
            self.include_reviews,
        )


@dataclass
class BundledSaveRowsPayload:
    """Rows to save, by label hash, and their JSON."""

    uids: list[str]
    payload: list[dict[str, Any]]

    def add(self, other: BundledSaveRowsPayload) -> BundledSaveRowsPayload:
        """Return a payload of both."""
        return BundledSaveRowsPayload(self.uids + other.uids, self.payload + other.payload)


@dataclass
class BundledSetPriorityPayload:
    """Priorities to set, by data hash."""

    priorities: list[tuple[str, float]]

    def add(self, other: BundledSetPriorityPayload) -> BundledSetPriorityPayload:
        """Return a payload of both."""
        return BundledSetPriorityPayload(self.priorities + other.priorities)


@dataclass
class BundledWorkflowCompletePayload:
    """Rows to complete, by label hash."""

    label_hashes: list[str]

    def add(self, other: BundledWorkflowCompletePayload) -> BundledWorkflowCompletePayload:
        """Return a payload of both."""
        return BundledWorkflowCompletePayload(self.label_hashes + other.label_hashes)


@dataclass
class BundledWorkflowReopenPayload:
    """Rows to reopen, by label hash."""

    label_hashes: list[str]

    def add(self, other: BundledWorkflowReopenPayload) -> BundledWorkflowReopenPayload:
        """Return a payload of both."""
        return BundledWorkflowReopenPayload(self.label_hashes + other.label_hashes)
