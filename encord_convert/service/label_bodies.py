"""The JSON of label rows: saved labels merged with the service's data.

A save is kept unchanged. What no client sends (links, the DICOM metadata of series and slices, slices without
labels), and what is the service's to say (titles, times, statuses), is put in when a row is fetched; so no save can
wipe it out.

Source: wire protocol, section 11.6; label-row JSON, sections 3 and 3.12.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from encord_convert.service.times import iso

MIME = {"VIDEO": "video/mp4", "IMAGE": "image/png", "IMG_GROUP": "image/png", "DICOM": "application/dicom"}
"""Of files that do not say."""

Facts = Any
"""A row of the database, by column name."""
Link = Callable[[Facts], str | None]

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def value_of(member: Any) -> Any:
    """Return a member of a label row as a JSON value, decoding raw text."""
    return msgspec.json.decode(member) if isinstance(member, msgspec.Raw) else member


def row_of(facts: Facts, files: Iterable[Facts], body: bytes | None, link: Link) -> dict[str, Any]:
    """Return a label row as it is sent; members other than the units may be JSON as it was saved, see :func:`value_of`.

    Parameters
    ----------
    facts : mapping
        A row of :func:`.store.label_rows.whole`.
    files : iterable of mapping
        The images of a group, the files of a series.
    body : bytes or None
        What was saved last; None if nothing was.
    link : callable
        Gives the link of a file or of a piece of data.
    """
    saved: dict[str, Any] = _members.decode(body) if body is not None else {}
    units_there = value_of(saved.get("data_units", {}))
    saved_units = {unit.get("data_hash", key): unit for key, unit in units_there.items()}
    units = _units(facts, list(files), link)
    for hash_, unit in saved_units.items():
        known = units.get(hash_, {})
        known_labels = known.get("labels")
        units[hash_] = unit | {key: value for key, value in known.items() if value is not None}
        units[hash_].setdefault("data_link", None)
        units[hash_]["labels"] = _laid_over(known_labels, unit.get("labels", {}), facts["email"])
    row = {
        "label_hash": facts["label_hash"],
        "created_at": iso(facts["created_at"]),
        "last_edited_at": iso(facts["last_edited_at"]),
        "dataset_hash": facts["dataset_hash"],
        "dataset_title": facts["dataset_title"],
        "data_title": facts["data_title"],
        "data_hash": facts["data_hash"],
        "data_type": facts["data_type"].lower(),
        "data_units": units,
        "object_answers": saved.get("object_answers", {}),
        "classification_answers": saved.get("classification_answers", {}),
        "object_actions": saved.get("object_actions", {}),
        "label_status": facts["label_status"],
        "annotation_task_status": facts["annotation_task_status"],
        "branch_name": facts.get("branch_name", "main"),
        "spaces": saved.get("spaces") or {},
    }
    return saved | row


def _units(facts: Facts, files: list[Facts], link: Link) -> dict[str, dict[str, Any]]:
    if facts["data_type"] == "IMG_GROUP":
        return {
            file["image_hash"]: {
                "data_hash": file["image_hash"],
                "data_title": file["title"],
                "data_link": link(file),
                "data_type": file["file_type"] or MIME["IMG_GROUP"],
                "data_sequence": str(file["position"]),
                "width": file["width"],
                "height": file["height"],
                "labels": {"objects": [], "classifications": []},
            }
            for file in files
        }
    type_ = facts["data_type"]
    unit: dict[str, Any] = {
        "data_hash": facts["data_hash"],
        "data_title": facts["data_title"],
        "data_link": link(facts),
        "data_type": MIME[type_] if type_ == "DICOM" else facts["file_type"] or MIME.get(type_, type_.lower()),
        "data_sequence": 0,
        "width": facts["width"],
        "height": facts["height"],
        "labels": {"objects": [], "classifications": []} if type_ == "IMAGE" else {},
    }
    if facts["duration"] is not None:
        unit["data_duration"] = facts["duration"]
    if facts["frames_per_second"] is not None:
        unit["data_fps"] = facts["frames_per_second"]
    if type_ == "DICOM":
        series = msgspec.json.decode(facts["dicom"]) if facts["dicom"] else {}
        unit["data_links"] = [link(file) for file in files]
        unit["labels"] = {
            str(number): {"objects": [], "classifications": [], "metadata": block}
            for number, block in enumerate(series.get("frames", ()))
        }
        if series.get("metadata"):
            unit["metadata"] = series["metadata"]
    return {facts["data_hash"]: unit}


def _laid_over(known: dict[str, Any] | None, saved: dict[str, Any], author: str | None) -> dict[str, Any]:
    """Merge saved labels into the frames of a row; entries without an author get the save's."""
    labels = (known or {}) | saved
    if not isinstance(saved.get("objects", saved.get("classifications")), list):
        for frame, entry in saved.items():
            labels[frame] = (known or {}).get(frame, {}) | entry if isinstance(entry, dict) else entry
    for entry in entries_of(labels):
        if entry.get("createdBy", "") is None:
            entry["createdBy"] = author
    return labels


def frames_of(labels: dict[str, Any]) -> Iterable[tuple[int, dict[str, Any]]]:
    """Return the frames of a unit; an image is frame 0."""
    if isinstance(labels.get("objects", labels.get("classifications")), list):
        return [(0, labels)]
    frames = ((counted(frame), entry) for frame, entry in labels.items())
    return [(frame, entry) for frame, entry in frames if frame is not None and isinstance(entry, dict)]


def counted(value: object) -> int | None:
    """Return the number a frame or an image of a group has, as a number or its digits; None if it is neither."""
    text = str(value)
    return int(text) if text.isdecimal() and len(text) < 16 else None


def entries_of(labels: dict[str, Any]) -> Iterable[dict[str, Any]]:
    """Return every object and every classification on every frame of a unit."""
    for _, frame in frames_of(labels):
        yield from frame.get("objects", ())
        yield from frame.get("classifications", ())


def narrow(row: dict[str, Any], objects: Any, classifications: Any, *, with_reviews: bool) -> None:
    """Remove from a row what was not requested.

    Parameters
    ----------
    row : dict
    objects, classifications : list of str or None
        Feature hashes; None: all.
    with_reviews : bool
    """
    for unit in row["data_units"].values():
        if not with_reviews:
            for entry in entries_of(unit["labels"]):
                entry.pop("reviews", None)
        for _, frame in frames_of(unit["labels"]):
            _keep(frame, "objects", objects)
            _keep(frame, "classifications", classifications)
    everything = [entry for unit in row["data_units"].values() for entry in entries_of(unit["labels"])]
    if objects is not None:
        left = {entry.get("objectHash") for entry in everything}
        for name in ("object_answers", "object_actions"):
            row[name] = {hash_: answer for hash_, answer in value_of(row[name]).items() if hash_ in left}
    if classifications is not None:
        left = {entry.get("classificationHash") for entry in everything}
        answers = value_of(row["classification_answers"])
        row["classification_answers"] = {hash_: answer for hash_, answer in answers.items() if hash_ in left}


def _keep(frame: dict[str, Any], kind: str, hashes: Any) -> None:
    if hashes is not None and kind in frame:
        frame[kind] = [entry for entry in frame[kind] if entry.get("featureHash") in hashes]
