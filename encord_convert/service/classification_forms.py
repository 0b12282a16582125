"""Classifications in both forms: entries on frames for older clients, and ranges in answers for newer ones.

A save has either or both; sent rows have both, consistently. Where they differ, the ranges count.

Source: labels of the newest package, sections 3 and 4.
"""

from __future__ import annotations

import logging
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from encord_convert.service.label_bodies import frames_of, value_of

_LOG = logging.getLogger("encord_convert.service")

PLACED = frozenset({"image", "img_group", "video", "dicom", "nifti", "pdf"})
"""Data types whose classifications have entries on frames."""
MOST_ENTRIES = 1_000_000
"""Most frame entries generated from ranges per row."""
_SHARED = ("createdBy", "createdAt", "lastEditedBy", "lastEditedAt", "confidence", "manualAnnotation")
"""What entries on frames and answers both say."""

Ranges = list[list[int]]


def give_both(row: dict[str, Any], last_frame: int, author: str | None) -> None:
    """Give a row both forms of its classifications, and dynamic answers their ``trackHash``.

    Parameters
    ----------
    row : dict
        As it is sent, see :func:`.label_bodies.row_of`.
    last_frame : int
        Beyond it nothing is written on frames.
    author : str or None
        Author of answers without one.
    """
    _track(row)
    if row["data_type"] not in PLACED:
        return
    frames = {number: labels for number, labels in _numbered(row)}  # noqa: C416
    entries = _entries(frames)
    if not entries and row["classification_answers"] in ({}, msgspec.Raw(b"{}")):
        return
    answers = value_of(row["classification_answers"])
    row["classification_answers"] = answers
    room = MOST_ENTRIES
    for hash_, answer in answers.items():
        there = entries.get(hash_, {})
        if answer.get("createdBy", "") is None:
            answer["createdBy"] = author
        if answer.get("spaces") or not (there or answer.get("featureHash")):
            continue
        placed = ranges_of(answer, there)
        _fill(answer, next(iter(there.values()), None), placed)
        wanted = {frame for first, last in placed for frame in range(max(first, 0), min(last, last_frame) + 1)}
        for frame in there.keys() - wanted:
            own = frames[frame]["classifications"]
            own[:] = [item for item in own if item.get("classificationHash") != hash_]
        missing = sorted(wanted - there.keys())
        room -= len(missing)
        if room < 0:
            _LOG.warning("Label row %s: its classifications stand on more frames than are told.", row["label_hash"])
            break
        for frame in missing:
            labels = _frame(row, frames, frame)
            if labels is not None:
                labels.setdefault("classifications", []).append(_entry(hash_, answer))


def _numbered(row: dict[str, Any]) -> Iterable[tuple[int, dict[str, Any]]]:
    """Return the frames of a row: those of its unit, or the images of a group by their place."""
    for unit in row["data_units"].values():
        if row["data_type"] == "img_group":
            yield int(unit.get("data_sequence") or 0), unit["labels"]
        else:
            yield from frames_of(unit["labels"])


def _frame(row: dict[str, Any], frames: dict[int, dict[str, Any]], number: int) -> dict[str, Any] | None:
    """Return the labels of a frame, made if there are none; None if there is no such frame."""
    if number in frames:
        return frames[number]
    if row["data_type"] in ("image", "img_group"):
        return None
    unit = next(iter(row["data_units"].values()))
    frames[number] = unit["labels"][str(number)] = {"objects": [], "classifications": []}
    return frames[number]


def _entries(frames: dict[int, dict[str, Any]]) -> dict[str, dict[int, dict[str, Any]]]:
    """Return the entries of each classification by frame, in order."""
    found: dict[str, dict[int, dict[str, Any]]] = {}
    for number in sorted(frames):
        for entry in frames[number].get("classifications") or ():
            found.setdefault(entry.get("classificationHash"), {})[number] = entry
    return found


def ranges_of(answer: dict[str, Any], frames: Iterable[int]) -> Ranges:
    """Return where a classification stands: its ranges, or if it has none, the frames with an entry of it."""
    stated = answer.get("range")
    pairs = [note for note in stated if _is_pair(note)] if isinstance(stated, list) else []
    return [list(pair) for pair in pairs] or runs(frames)


def _is_pair(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(item) is int for item in value)


def runs(frames: Iterable[int]) -> Ranges:
    """Return frames as ranges, both ends included.

    >>> runs([3, 1, 2, 7])
    [[1, 3], [7, 7]]
    """
    found: Ranges = []
    for frame in sorted(set(frames)):
        if found and frame == found[-1][1] + 1:
            found[-1][1] = frame
        else:
            found.append([frame, frame])
    return found


def _fill(answer: dict[str, Any], entry: dict[str, Any] | None, placed: Ranges) -> None:
    if entry is not None:
        if answer.get("featureHash") is None:
            answer["featureHash"] = entry.get("featureHash")
        answer |= {name: entry[name] for name in _SHARED if entry.get(name) is not None}
    if answer.get("createdAt") is None:  # an author without a moment cannot be read
        answer.pop("createdBy", None)
    answer["spaces"] = answer.get("spaces") or {}
    answer["range"] = placed


def _entry(hash_: str, answer: dict[str, Any]) -> dict[str, Any]:
    first: dict[str, Any] = next(iter(answer.get("classifications") or ()), {})
    entry = {
        "name": first.get("name", ""),
        "value": first.get("value", ""),
        "createdAt": answer.get("createdAt"),
        "createdBy": answer.get("createdBy"),
        "confidence": 1.0 if answer.get("confidence") is None else answer["confidence"],
        "featureHash": answer.get("featureHash"),
        "classificationHash": hash_,
        "manualAnnotation": answer.get("manualAnnotation") is not False,
        "lastEditedAt": answer.get("lastEditedAt"),
        "lastEditedBy": answer.get("lastEditedBy"),
    }
    return {name: value for name, value in entry.items() if value is not None or name == "createdBy"}


def _track(row: dict[str, Any]) -> None:
    """Give each dynamic answer a ``trackHash``, the same however often it is asked for."""
    given = row["object_actions"]
    if isinstance(given, msgspec.Raw):
        text = bytes(given)
        if text.count(b'"range"') <= text.count(b'"trackHash"'):
            return
    actions = row["object_actions"] = value_of(given)
    for hash_, one in actions.items():
        for action in one.get("actions", ()) if isinstance(one, dict) else ():
            if action.get("trackHash") is None:
                seed = f"{hash_} {action.get('featureHash')} {action.get('range')} {action.get('answers')}"
                action["trackHash"] = b64encode(sha256(seed.encode()).digest()[:6]).decode()
