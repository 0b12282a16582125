"""The three forms of VIA files (project, annotations, CSV), and the images of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._annotations import RowBuilder
from encord_convert.formats._files import Source
from encord_convert.formats._json_heads import head_of, is_object_table, sketch
from encord_convert.formats._lines import Table, json_of
from encord_convert.hub.loss import Feature, Level, Where

METADATA, ATTRIBUTES, REGION = "_via_img_metadata", "_via_attributes", ("shape_attributes", "region_attributes")
COLUMNS = [
    "filename", "file_size", "file_attributes", "region_count", "region_id", "region_shape_attributes",
    "region_attributes",
]  # fmt: skip


def files_of(source: Source) -> dict[str, str]:
    """Return the VIA files with their forms."""
    found = {}
    for name in (*source.names(".json", depth=3), *source.names(".csv", depth=3)):
        head = head_of(source, name)
        top = sketch(head)
        if isinstance(top, dict) and METADATA in top:
            found[name] = "project"
        elif is_object_table(top) and any({"filename", "regions"} <= set(entry) for entry in top.values()):
            found[name] = "json"
        elif _columns(head) == COLUMNS:
            found[name] = "csv"
    return found


def _columns(head: bytes) -> list[str]:
    first = head.partition(b"\n")[0].decode("utf-8", "replace").strip()
    return first.lstrip("#").split(",")[: len(COLUMNS)]


def count_unread(source: Source, name: str, form: str, builder: RowBuilder) -> None:
    """Note what is not read of a file."""
    if form == "csv":
        table = Table(source, name, "filename")
        for line, fact in table.damaged:
            builder.lose("region", f"The row {fact}", source.place(name), line)
        if unread := table.columns[len(COLUMNS) :]:
            detail = f"Columns of {source.place(name)} that are not read: {', '.join(unread)}."
            builder.counts.note(Level.WARNING, "KEYS_NOT_READ", detail)
        for _, found in table.grouped():
            for column in (item for item in COLUMNS[1:3] if len({row[item] for _, row in found}) > 1):
                detail = f"Rows of one image differ in {column!r}; the first is read."
                builder.counts.note(Level.WARNING, "ROWS_DIFFER", detail, Where(source.place(name)))
        return
    for key, one in _images(source, name, form):
        if not _is_entry(one):
            within = _regions_within(one)
            builder.counts.into["image", ""] += 1
            builder.counts.into["region", ""] += within
            detail = f"{key!r} is not an image with a name: {one!r:.60}"
            builder.counts.drop(
                "INVALID_ANNOTATION", Feature.MEDIA, ("image", ""), Where(source.place(name)), detail,
                carried=(("region", within),) if within else (),
            )  # fmt: skip
        elif not isinstance(given := one.get("regions", []), list | dict | None):
            builder.counts.into["region", ""] += 1
            detail = f"'regions' of {key!r} is not a list: {given!r:.60}"
            builder.counts.drop("INVALID_ANNOTATION", Feature.SHAPE, ("region", ""), Where(source.place(name)), detail)


def _images(source: Source, name: str, form: str) -> Iterator[tuple[str, Any]]:
    top = json_of(source, name, dict)
    if form == "project" and not isinstance(top.get(METADATA), dict):
        raise ReadError(source.place(name), f"has no object {METADATA!r} of images.")
    yield from (inner(top, METADATA) if form == "project" else top).items()


def _is_entry(one: Any) -> bool:
    return isinstance(one, dict) and isinstance(one.get("filename"), str)


def _regions_within(value: Any) -> int:
    """Return how many regions are in a value, at whatever depth."""
    count, waiting = 0, [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict) and REGION[0] in one:
            count += 1
        elif isinstance(one, dict | list):
            waiting += one.values() if isinstance(one, dict) else one
    return count


def inner(holder: Any, key: str) -> dict[str, Any]:
    found = holder.get(key) if isinstance(holder, dict) else None
    return found if isinstance(found, dict) else {}


def entries_of(source: Source, files: dict[str, str]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield file, key and entry of each image."""
    for name, form in files.items():
        if form == "csv":
            for image, found in Table(source, name, "filename").grouped():
                cells = [[_value(row[column]) for column in COLUMNS] for _, row in found]
                regions = [dict(zip(REGION, cell[5:], strict=True)) for cell in cells if cell[5:] != [{}, {}]]
                entry = {"filename": image, "size": cells[0][1], "file_attributes": cells[0][2], "regions": regions}
                yield name, f"{image}{entry['size']}", entry
        else:
            yield from ((name, key, one) for key, one in _images(source, name, form) if _is_entry(one))


def _value(cell: str) -> Any:
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, RecursionError):
        return cell


def regions_of(entry: dict[str, Any]) -> list[Any]:
    regions = entry.get("regions")
    if isinstance(regions, dict):  # VIA 1: keyed by number
        known = [isinstance(one, dict) and key != str(number) for number, (key, one) in enumerate(regions.items())]
        return [
            one | {"region_id": key} if is_named else one
            for is_named, (key, one) in zip(known, regions.items(), strict=True)
        ]
    return regions if isinstance(regions, list) else []
