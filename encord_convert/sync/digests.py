"""Content digests of sources, ontologies and rows."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha256
from typing import Any

import msgspec

from encord_convert.formats._files import Source
from encord_convert.hub.media import SUFFIXES

_PASSING = frozenset({
    "createdAt", "createdBy", "lastEditedAt", "lastEditedBy", "color", "name", "value", "reviews", "trackHash",
})  # fmt: skip
"""Keys of labels that a service may set itself."""
VIDEOS = frozenset({".avi", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm"})
"""Suffixes of videos."""

_encoder = msgspec.json.Encoder(order="deterministic")


def digest_of(value: Any) -> str:
    """Return the SHA-256 of a JSON value, whatever the order of its keys."""
    return sha256(_encoder.encode(value)).hexdigest()


def digest_of_source(source: Source, options: dict[str, Any]) -> str:
    """Return the digest of a source: contents of its files, but only names and sizes of images and videos.

    Those are digested when sent.
    """
    total = sha256(_encoder.encode(options))
    for name in source.names():
        total.update(f"\0{name}\0".encode())
        if is_medium(name):
            total.update(str(source.size(name)).encode())
            continue
        total.update(digest_of_member(source, name).encode())
    return total.hexdigest()


def is_medium(name: str) -> bool:
    """Return whether a name is that of an image or a video."""
    suffix = "." + name.rpartition(".")[2].lower()
    return suffix in SUFFIXES or suffix in VIDEOS


def digest_of_member(source: Source, name: str) -> str:
    """Return the SHA-256 of a member of a source."""
    digest = sha256()
    with source.open(name) as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def key_of(title: str, contents: Iterable[str]) -> str:
    """Return the key of a data item, determined by its title and files."""
    return sha256("\0".join((title, *contents)).encode()).hexdigest()[:16]


def things_of(row: dict[str, Any]) -> dict[tuple[str, str], Any]:
    """Return the labels of a row in JSON form, by kind and hash, each with all its data."""
    things: dict[tuple[str, str], Any] = {}
    for unit in row["data_units"].values():
        labels = unit["labels"]
        frames = {str(unit["data_sequence"]): labels} if "objects" in labels else labels
        for frame, one in frames.items():
            for entry in one["objects"]:
                thing = things.setdefault(("object", entry["objectHash"]), {"frames": {}})
                thing["frames"][frame] = _lasting(entry)
            for entry in one["classifications"]:
                thing = things.setdefault(("classification", entry["classificationHash"]), {"frames": {}})
                thing["frames"][frame] = _lasting(entry)
    for (kind, hash_), thing in things.items():
        answers_entry = row["object_answers" if kind == "object" else "classification_answers"].get(hash_) or {}
        acted = row["object_actions"].get(hash_) or {} if kind == "object" else {}
        thing["answers"] = _sorted(answers_entry.get("classifications") or ())
        thing["actions"] = _sorted(acted.get("actions") or ())
    return things


def _lasting(entry: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in entry.items() if key not in _PASSING}
    kept.pop("objectHash", None)
    kept.pop("classificationHash", None)
    return kept


def _sorted(entries: Iterable[dict[str, Any]]) -> list[Any]:
    lasting = [{**_lasting(entry), "answers": _answers(entry["answers"])} for entry in entries]
    return sorted(lasting, key=_encoder.encode)


def _answers(answers: Any) -> Any:
    return sorted(answer["featureHash"] for answer in answers) if isinstance(answers, list) else answers


def digest_of_labels(row: dict[str, Any]) -> str:
    """Return the digest of all labels of a row in JSON form, ignoring hashes and times."""
    return digest_of(sorted(digest_of(thing) for thing in things_of(row).values()))


EMPTY = digest_of([])
"""Digest of a row without labels."""
