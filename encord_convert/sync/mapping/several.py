"""One mapping for several label sets, before they become one: each is mapped by what the mapping says of its classes.

Attributes that one class has in different kinds stay apart so, as in a set that is merged without a mapping.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from encord_convert.hub.labelset import LabelSet
from encord_convert.sync.mapping.file import Structure, classes_of, parse_mapping, parts_of
from encord_convert.sync.mapping.mapped import mapped


def each_mapped(sets: Sequence[LabelSet], document: Any, place: str) -> list[LabelSet]:
    """Return label sets with their classes as a mapping has them.

    Parameters
    ----------
    sets : sequence of LabelSet
        Not changed.
    document : dict
        See :mod:`encord_convert.sync.mapping.file`; it may name what only one of the sets has.
    place : str
        What messages call it.

    Raises
    ------
    MappingError
        It names what none of them has, or makes two kinds of one attribute of a set.
    """
    structures = [labels.ontology.to_dict() for labels in sets]
    parse_mapping(document, _together(structures), place)
    parts = (_part_of(document, structure) for structure in structures)
    return [
        mapped(labels, {"classes": tables}, place=place) if tables else labels
        for labels, tables in zip(sets, parts, strict=True)
    ]


def _together(structures: Iterable[Structure]) -> Structure:
    """Return what all ontologies have, one after the other, to hold a document against."""
    objects: dict[tuple[str, str], Any] = {}
    classifications: list[Any] = []
    for structure in structures:
        classifications += structure["classifications"]
        for name, shape, one in classes_of({**structure, "classifications": []}):
            known = objects.setdefault((name, shape), {**one, "attributes": []})
            known["attributes"] = [*known["attributes"], *(one.get("attributes") or ())]
    return {"objects": list(objects.values()), "classifications": classifications}


def _part_of(document: Mapping[str, Any], structure: Structure) -> list[dict[str, Any]]:
    """Return the tables of a document about classes that an ontology has, without what they have not."""
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
