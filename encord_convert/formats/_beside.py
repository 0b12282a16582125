"""Warnings about JSON files next to the labels that are not read: their names and what they look like."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats._json_heads import head_of, sketch
from encord_convert.formats._sightings import file_sighting
from encord_convert.hub.counts import Counts
from encord_convert.hub.loss import Level

_MOST_NAMED = 5
_MOST_BYTES = 1 << 25
"""Largest file that is parsed whole, in bytes."""
_OWN = ({"source", "counts", "losses", "notes"}, {"ontology", "rows"})
"""Top-level keys of files this package writes about labels: reports, and hub JSON for tests."""


def tell_json(source: Source, names: Sequence[str], counts: Counts) -> None:
    """Warn of JSON files that are not read, other than those this package wrote."""
    foreign = [name for name in names if not _is_own(source, name)]
    if foreign:
        told = [f"{name} {_fact(source, name)}" for name in foreign[:_MOST_NAMED]]
        more = [f"{len(foreign) - _MOST_NAMED} more"] if len(foreign) > _MOST_NAMED else []
        counts.note(
            Level.WARNING, "FILE_NOT_READ", f"JSON next to the labels is not read: {'; '.join(told + more)}.",
            count=len(foreign),
        )  # fmt: skip


def _is_own(source: Source, name: str) -> bool:
    top = sketch(head_of(source, name))
    return isinstance(top, dict) and any(keys <= top.keys() for keys in _OWN)


def _fact(source: Source, name: str) -> str:
    try:
        size = source.size(name)
        if not name.endswith(".gz") and size is not None and 0 < size <= _MOST_BYTES:
            with source.open(name) as stream:
                msgspec.json.decode(stream.read().removeprefix(b"\xef\xbb\xbf"), type=msgspec.Raw)
    except (ReadError, OSError) as error:
        return f"cannot be read ({error})"
    except (msgspec.DecodeError, RecursionError):
        return "is not complete JSON: was it cut short?"
    return file_sighting(source, name)
