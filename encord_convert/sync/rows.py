"""Label rows of a service: fetched in batches, and filled with labels of a source."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from encord_convert.errors import RowMismatchError
from encord_convert.hub.draft import Hashes, media_type
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.http.bundle import Bundle
from encord_convert.sdk.objects import LabelRowV2
from encord_convert.sdk.objects._label_row_data import DataUnit
from encord_convert.sdk.objects._label_row_writer import MAIN_BRANCH
from encord_convert.sdk.objects.frames import _runs_of
from encord_convert.sdk.project import Project
from encord_convert.sync.digests import digest_of, things_of

T = TypeVar("T")
BATCH = 100
"""Label rows of one request."""
_HASHES = Hashes("sync")


def batches(things: Iterable[T], size: int = BATCH) -> Iterator[list[T]]:
    """Yield lists of up to ``size`` items."""
    rest = iter(things)
    while batch := list(islice(rest, size)):
        yield batch


def fetched(project: Project, rows: Iterable[LabelRowV2]) -> Iterator[LabelRowV2]:
    """Yield rows of a project with their labels, fetched in batches; unbegun rows stay so, and are empty."""
    for batch in batches(rows):
        with Bundle() as bundle:
            for row in batch:
                if row.label_hash is not None:
                    row.initialise_labels(include_reviews=True, overwrite=True, bundle=bundle)
        for row in batch:
            yield row if row.label_hash is not None else _blank(project, row)


def _blank(project: Project, row: LabelRowV2) -> LabelRowV2:
    """Return an empty row for unbegun data; fetching it from the service would begin it."""
    stats = row._contents.stats
    units = []
    if row.data_type in (DataType.IMAGE, DataType.VIDEO):
        units = [DataUnit(row.data_hash, row.data_title, media_type(row.data_title), 0, row.width, row.height)]
    return LabelRowV2._of_stats(stats, project.ontology_structure, units)


def placed(labels: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the project with its labels replaced by another row's.

    Parameters
    ----------
    labels : dict
        JSON of a translated row of a source.
    row : dict
        JSON of the row of the project.

    Raises
    ------
    RowMismatchError
        Their numbers of images or sizes differ.
    """
    ours, theirs = _units(labels), _units(row)
    if len(ours) != len(theirs):
        raise RowMismatchError(f"has {len(theirs)} images in the project and {len(ours)} in the source.")
    units = {}
    for one, other in zip(ours, theirs, strict=True):
        sizes = [(unit.get("width"), unit.get("height")) for unit in (one, other)]
        if sizes[0] not in (sizes[1], (0, 0)) and None not in sizes[0] + sizes[1]:
            found, wanted = ("{} × {}".format(*size) for size in (sizes[1], sizes[0]))
            raise RowMismatchError(f"is {found} pixels in the project and {wanted} in the source.")
        units[other["data_hash"]] = {**other, "labels": _laid(one["labels"], other["labels"])}
    answers = {name: labels[name] for name, _, _ in _ANSWERS}
    numbers = {int(one["data_sequence"]): int(other["data_sequence"]) for one, other in zip(ours, theirs, strict=True)}
    if ours and "objects" in ours[0]["labels"] and any(old != new for old, new in numbers.items()):
        entries = answers["classification_answers"]
        answers["classification_answers"] = {hash_: _renumbered(entry, numbers) for hash_, entry in entries.items()}
    spaces = _spaces(labels.get("spaces") or {}, row.get("spaces") or {})
    return {**row, **answers, "data_units": units, **({"spaces": spaces} if spaces else {})}


def _spaces(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Return the spaces (several media in one row, on newer servers) of the project with our labels."""
    if lacking := [id_ for id_ in ours if id_ not in theirs]:
        raise RowMismatchError(f"has no space {lacking[0]!r} in the project.")
    return {id_: {**space, "labels": ours[id_]["labels"]} if id_ in ours else space for id_, space in theirs.items()}


def _renumbered(entry: dict[str, Any], numbers: dict[int, int]) -> dict[str, Any]:
    """Return the answers of a classification with its ``range`` in the project's image numbers."""
    if not entry.get("range"):
        return entry
    frames = (frame for start, end in entry["range"] for frame in range(start, end + 1))
    return {**entry, "range": [[start, end] for start, end in _runs_of(sorted({numbers[item] for item in frames}))]}


def sequence_of(row: dict[str, Any]) -> list[str]:
    """Return the numbers of the units of a row, in order."""
    return [str(unit["data_sequence"]) for unit in _units(row)]


def body_of(row: dict[str, Any], listed: LabelRowV2) -> dict[str, Any]:
    """Return the body to save a filled JSON row: the same as :meth:`LabelRowV2.save` sends.

    Parameters
    ----------
    row : dict
        The service's row, with the new labels.
    listed : LabelRowV2
        The row as listed, which has some fields of the body.
    """
    stats = listed._contents.stats
    of_units: dict[str, Any] = {}
    if stats.duration is not None:
        of_units["data_duration"] = stats.duration
    if stats.fps is not None:
        of_units["data_fps"] = stats.fps
    body = {"branch_name": MAIN_BRANCH, "spaces": {}, **row, "is_shadow_data": stats.is_shadow_data}
    body["data_units"] = {hash_: {**unit, **of_units} for hash_, unit in row["data_units"].items()}
    for unit in body["data_units"].values():
        if stats.data_type is DataType.DICOM and unit.get("data_link", "") is None:
            del unit["data_link"]
    return body


def entries_of(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the label entries of a row in JSON form, frame by frame."""
    for unit in row["data_units"].values():
        labels = unit["labels"]
        for frame in [labels] if "objects" in labels else labels.values():
            yield from frame["objects"]
            yield from frame["classifications"]


DONE = ("LABELLED", "REVIEW_IN_PROGRESS", "REVIEWED", "REVIEWED_TWICE")
"""Label statuses beyond labelling having begun."""


def status_of(row: LabelRowV2) -> str | None:
    """Return the label status of a row, if the source says it was labelled at least once."""
    text = row._contents.texts.get("label_status")
    return text if text in DONE else None


def labels_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return only the labels of a row."""
    units = {hash_: unit["labels"] for hash_, unit in row["data_units"].items()}
    return {"units": units, **{name: row[name] for name, _, _ in _ANSWERS}}


def relabelled(row: dict[str, Any], labels: dict[str, Any] | None) -> dict[str, Any]:
    """Return a row with labels from :func:`labels_of`, none for None, otherwise unchanged."""
    units = {}
    for hash_, unit in row["data_units"].items():
        nothing: dict[str, Any] = {"objects": [], "classifications": []} if "objects" in unit["labels"] else {}
        new = nothing if labels is None else labels["units"].get(hash_, nothing)
        units[hash_] = {**unit, "labels": _laid(new, unit["labels"])}
    answers = {name: {} if labels is None else labels[name] for name, _, _ in _ANSWERS}
    return {**row, "data_units": units, **answers}


def _units(row: dict[str, Any]) -> list[dict[str, Any]]:
    return sorted(row["data_units"].values(), key=lambda unit: int(unit["data_sequence"]))


def _laid(ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """Return our labels; other frame data of the project is kept."""
    if "objects" in ours:
        return {**_bare(theirs), **ours} if "objects" in theirs else ours
    frames = {
        frame: {**_bare(one), "objects": [], "classifications": []} for frame, one in theirs.items() if _bare(one)
    }
    for frame, one in ours.items():
        frames[frame] = {**one, **frames.get(frame, {}), "objects": one["objects"],
                         "classifications": one["classifications"]}  # fmt: skip
    return frames


def _bare(frame: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in frame.items() if key not in ("objects", "classifications")}


def merged(labels: dict[str, Any], row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with its own labels and the new ones of another row; equal labels are not repeated.

    Both have the same data units; see :func:`placed`.
    """
    there = things_of(row)
    known = {digest_of(thing) for thing in there.values()}
    hashes = {hash_ for _, hash_ in there}
    new_hashes: dict[tuple[str, str], str] = {}
    for (kind, hash_), thing in things_of(labels).items():
        content = digest_of(thing)
        if content not in known:
            free = hash_ if hash_ not in hashes else _HASHES.short(kind, hash_, content)
            new_hashes[kind, hash_] = free
    units = {}
    for hash_, unit in row["data_units"].items():
        units[hash_] = {**unit, "labels": _both(unit["labels"], labels["data_units"][hash_]["labels"], new_hashes)}
    result = {**row, "data_units": units}
    for name, kind, key in _ANSWERS:
        more = {
            new_hashes[kind, hash_]: {**entry, key: new_hashes[kind, hash_]}
            for hash_, entry in labels[name].items()
            if (kind, hash_) in new_hashes
        }
        result[name] = row[name] | more
    return result


_ANSWERS = (
    ("object_answers", "object", "objectHash"),
    ("object_actions", "object", "objectHash"),
    ("classification_answers", "classification", "classificationHash"),
)


def _both(own: dict[str, Any], more: dict[str, Any], hashes: dict[tuple[str, str], str]) -> dict[str, Any]:
    if "objects" in more or "objects" in own:
        return _both_frames(own, more, hashes)
    frames = [*own, *(frame for frame in more if frame not in own)]
    return {frame: _both_frames(own.get(frame, {}), more.get(frame, {}), hashes) for frame in frames}


def _both_frames(own: dict[str, Any], more: dict[str, Any], hashes: dict[tuple[str, str], str]) -> dict[str, Any]:
    both = {**more, **own}
    for name, kind, key in (
        ("objects", "object", "objectHash"), ("classifications", "classification", "classificationHash"),
    ):  # fmt: skip
        added = [
            {**entry, key: hashes[kind, entry[key]]} for entry in more.get(name, ()) if (kind, entry[key]) in hashes
        ]
        both[name] = [*own.get(name, ()), *added]
    return both
