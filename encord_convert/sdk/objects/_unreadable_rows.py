"""What is wrong with a label row that cannot be read: the place, in words. Looked for only when reading has failed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from encord_convert.sdk.exceptions import CorruptedLabelError, RequestException


class UnreadableRowError(CorruptedLabelError, KeyError, NotImplementedError, TypeError, ValueError):
    """A label row of the service cannot be read. Also what the original raises over such a row."""


class OtherRowError(RequestException, AssertionError):
    """The service gave other rows than were asked for. Also an ``AssertionError``, which the original raises."""


def unreadable(row: dict[str, Any], error: Exception) -> UnreadableRowError:
    """Return the error that says why reading a row failed, and where if something is missing."""
    if not isinstance(error, KeyError):
        said = str(error) or type(error).__name__
    else:
        key = error.args[0]
        lacking = next((f"{place} has no {key!r}; it has {', '.join(part)}" for place, part in _parts(row, key)), None)
        said = lacking or f"{key!r} is missing"
    return UnreadableRowError(f"The label row {row.get('label_hash')} cannot be read: {said.rstrip('.')}.")


_ROW = {
    "label_hash", "created_at", "last_edited_at", "dataset_hash", "dataset_title", "data_title", "data_hash",
    "data_type", "data_units", "object_answers", "classification_answers", "object_actions", "label_status",
}  # fmt: skip
_UNIT = {"data_hash", "data_title", "data_type", "data_sequence", "width", "height", "labels", "data_link"}
_LABEL = {"createdAt", "createdBy", "confidence", "featureHash", "manualAnnotation"}


def _parts(row: dict[str, Any], key: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the parts of a row that should have a key and do not, with their places."""
    for place, part, keys in _with_keys(row):
        if key in keys and key not in part:
            yield place, part


def _with_keys(row: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any], set[str]]]:
    yield "it", row, _ROW
    for hash_, unit in _members(row.get("data_units")):
        yield f"data_units.{hash_}", unit, _UNIT
        labels = unit.get("labels")
        frames = [("", labels)] if isinstance(labels, dict) and "objects" in labels else _members(labels)
        for frame, content in frames:
            at = f"data_units.{hash_}.labels" + (f".{frame}" if frame else "")
            yield at, content, {"objects", "classifications"}
            for kind, own in (("objects", "objectHash"), ("classifications", "classificationHash")):
                for index, label in enumerate(content.get(kind) or ()):
                    yield f"{at}.{kind}[{index}]", label, {*_LABEL, own}


def _members(value: Any) -> list[tuple[str, dict[str, Any]]]:
    return [(key, one) for key, one in value.items() if isinstance(one, dict)] if isinstance(value, dict) else []
