"""Applies one mapping to several label sets before they are merged.

Attributes of one class with different types stay separate, as in a merge without a mapping.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from encord_convert.hub.labelset import LabelSet
from encord_convert.sync.mapping.file import Structure, classes_of, parse_mapping, parts_of
from encord_convert.sync.mapping.mapped import mapped


def each_mapped(sets: Sequence[LabelSet], document: Any, place: str) -> list[LabelSet]:
    """Return label sets with mapped classes.

    Parameters
    ----------
    sets : sequence of LabelSet
        Not changed.
    document : dict
        See :mod:`encord_convert.sync.mapping.file`; it may name classes of only one of the sets.
    place : str
        What messages call it.

    Raises
    ------
    MappingError
        It has names unknown to all, or conflicting types for an attribute.
    """
    structures = [labels.ontology.to_dict() for labels in sets]
    parse_mapping(document, _together(structures), place)
    parts = (_part_of(document, structure) for structure in structures)
    return [
        mapped(labels, {"classes": tables}, place=place) if tables else labels
        for labels, tables in zip(sets, parts, strict=True)
    ]


def _together(structures: Iterable[Structure]) -> Structure:
    """Return the concatenated ontologies, to validate a document."""
    objects: dict[tuple[str, str], Any] = {}
    classifications: list[Any] = []
    for structure in structures:
        classifications += structure["classifications"]
        for name, shape, one in classes_of({**structure, "classifications": []}):
            known = objects.setdefault((name, shape), {**one, "attributes": []})
            known["attributes"] = [*known["attributes"], *(one.get("attributes") or ())]
    return {"objects": list(objects.values()), "classifications": classifications}


def _part_of(document: Mapping[str, Any], structure: Structure) -> list[dict[str, Any]]:
    """Return the entries of a document that apply to an ontology, without unknown parts."""
    known: dict[str, dict[str, set[str]]] = {}
    for name, shape, one in classes_of(structure):
        known.setdefault(name, {})[shape] = {path for path, _ in parts_of(one.get("attributes") or ())}
    tables = []
    for table in document["classes"]:
        shapes = known.get(table["name"], {})
        own = [shapes[shape] for shape in shapes if table.get("shape", shape) == shape]
        if not own:
            continue
        part = dict(table)
        if "attributes" in part:
            paths = set().union(*own)
            part["attributes"] = {path: to for path, to in part["attributes"].items() if path in paths}
        if not any(part.get("split") in item for item in own):
            part.pop("split", None)
            part.pop("split_to", None)
        tables.append(part)
    return tables
