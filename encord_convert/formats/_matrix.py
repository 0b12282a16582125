"""The table of what each format carries, for the command line and the README."""

from __future__ import annotations

from typing import Any

from encord_convert.formats._api import Format
from encord_convert.hub.loss import OUTLINES, Carries, Feature
from encord_convert.sdk.objects import Shape

DECLARABLE = tuple(
    feature
    for feature in Feature
    if feature
    not in {
        Feature.SHAPE, Feature.LABEL_NAME, Feature.ATTRIBUTES, Feature.INTERPOLATION, Feature.GROUPS, Feature.Z_ORDER,
        Feature.OCCLUSION, Feature.PROVENANCE, Feature.MEDIA, Feature.NATIVE, Feature.OVERLAPS,
    }
)  # fmt: skip
"""Features of the hub. The others name what only sources have; no format declares them. Overlaps have a
row of their own: what one layer hides depends on which objects lie together."""


def matrix(all_formats: list[Format]) -> list[list[str]]:
    """Return the rows of the table: a head, directions, shapes, features.

    ``yes``: survives, within the format's tolerance. ``r`` and ``w``: only on reading or writing; ``as polygon``: the
    shape is written as another.
    """
    rows = [["", *(f.name for f in all_formats)]]
    rows.append(["reads", *("yes" if f.importer else "" for f in all_formats)])
    rows.append(["writes", *("yes" if f.exporter else "" for f in all_formats)])
    for shape in Shape:
        rows.append([shape.value, *(_cell(f, shape, "shapes") for f in all_formats)])
    for newer in OUTLINES:
        rows.append([newer.value, *(_drawn(f, newer) for f in all_formats)])
    for feature in DECLARABLE:
        rows.append([feature.value, *(_cell(f, feature, "features") for f in all_formats)])
    rows.append([Feature.OVERLAPS.value, *(_overlaps(f) for f in all_formats)])
    rows.append(["tolerance, px", *(_tolerance(f) for f in all_formats)])
    return [[cell.replace("_", " ") for cell in row[:1]] + row[1:] for row in rows]


def _directions(format_: Format) -> list[tuple[str, Carries]]:
    ends = (("r", format_.importer), ("w", format_.exporter))
    return [(letter, end.carries) for letter, end in ends if end is not None]


def _cell(format_: Format, what: Shape | Feature, member: str) -> str:
    directions = _directions(format_)
    letters = [letter for letter, carries in directions if what in getattr(carries, member)]
    return "yes" if len(letters) == len(directions) else "".join(letters)


def _drawn(format_: Format, shape: Any) -> str:
    form = None if format_.exporter is None else format_.exporter.carries.redrawn.get(shape)
    return _cell(format_, shape, "shapes") or (f"as {form.value}" if form is not None else "")


def _overlaps(format_: Format) -> str:
    return "yes" if all(carries.one_layer is None for _, carries in _directions(format_)) else ""


def _tolerance(format_: Format) -> str:
    return f"{max(carries.tolerance_px for _, carries in _directions(format_)):g}"


_COLUMNS: tuple[tuple[str, Shape | Feature, str], ...] = (
    ("box", Shape.BOUNDING_BOX, "shapes"),
    ("rotated", Shape.ROTATABLE_BOUNDING_BOX, "shapes"),
    ("polygon", Shape.POLYGON, "shapes"),
    ("mask", Shape.BITMASK, "shapes"),
    ("line", Shape.POLYLINE, "shapes"),
    ("point", Shape.POINT, "shapes"),
    ("skeleton", Shape.SKELETON, "shapes"),
    ("answers", Feature.ANSWERS, "features"),
    ("tags", Feature.CLASSIFICATIONS, "features"),
    ("tracks", Feature.TRACKS, "features"),
)
"""Columns of the overview: the heading, and what a declaration has to hold for it."""


def overview(all_formats: list[Format]) -> list[list[str]]:
    """Return a head and a row for each format: whether it is read and written, and which shapes and features survive.

    ``rw``: read and written; ``r``, ``w``: only one of them.
    """
    rows = [["format", "", *(head for head, _, _ in _COLUMNS)]]
    for format_ in all_formats:
        does = "".join(letter for letter, _ in _directions(format_))
        rows.append([format_.name, does, *(_letters(format_, what, member) for _, what, member in _COLUMNS)])
    return rows


def _letters(format_: Format, what: Shape | Feature, member: str) -> str:
    return "".join(letter for letter, carries in _directions(format_) if what in getattr(carries, member))


def columns(rows: list[list[str]]) -> str:
    """Render rows as aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def markdown(rows: list[list[str]]) -> str:
    """Render rows as a Markdown table with aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
