"""Which files of a source are COCO, by how they begin: all that recognising takes, so that it costs little.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from typing import Any

from encord_convert.errors import ReadError
from encord_convert.formats._files import HEAD_BYTES, MemorySource, Source
from encord_convert.formats._json_heads import head_of, is_object_list, is_object_table, sketch

DEPTH = 3
_MOST_LOOKED_AT = 64
_LOOKS_BYTES = (1 << 13, HEAD_BYTES)
_BLOCKS = ("images", "annotations", "categories")
_OWN_KEYS = {*_BLOCKS, "info", "licenses", "videos"}
_PARENTS = frozenset({"image_id", "video_id"})


def kind_of_file(source: Source, name: str) -> str:
    """Return ``object`` for a file that begins like COCO, ``list`` for one that begins like results, else nothing."""
    text = head_of(source, name)
    for size in _LOOKS_BYTES:
        kind = _kind_of(sketch(text[:size]))
        if kind or size >= len(text):
            break
    if kind is None and len(text) == _LOOKS_BYTES[-1] and text.startswith(b"{"):
        return "object" if _has_blocks_later(source, name) else ""
    return kind or ""


def _kind_of(top: Any) -> str | None:
    """Tell what the beginning of a file is; None if more of it could tell."""
    if isinstance(top, list):
        first = top[0] if top else None
        return "list" if isinstance(first, dict) and first.keys() & _PARENTS else None
    if not isinstance(top, dict):
        return ""
    blocks = {key: top[key] for key in _BLOCKS if key in top}
    if any(is_object_list(blocks.get(key)) for key in ("images", "categories")):
        return "object"
    if len(blocks) > 1 and all(is_object_list(block) or is_object_table(block) for block in blocks.values()):
        return "object"
    annotations: Any = blocks.get("annotations")
    if is_object_list(annotations) and (any(one.keys() & _PARENTS for one in annotations) or set(top) <= _OWN_KEYS):
        return "object"
    if is_object_table(annotations) and any(one.keys() & _PARENTS for one in annotations.values()):
        return "object"
    return None


def _has_blocks_later(source: Source, name: str) -> bool:
    """Tell whether one of the lists comes after what is longer than the beginning, as an ontology of 700 classes is."""
    from encord_convert.formats.coco.json_walk import MAX_ENTRY_BYTES, Document

    document = Document(MemorySource({name: head_of(source, name, MAX_ENTRY_BYTES)}, source.name), name)
    top: dict[str, Any] = {}
    try:
        for part in document.walk():
            top.setdefault(part.key, sketch(bytes(part.text)[: _LOOKS_BYTES[0]]))
            if _kind_of(top):
                return True
    except ReadError:
        pass
    return False


def files_of(source: Source) -> dict[str, str]:
    """Return the files of a source that are COCO, each with its kind; JSON files, plain or as gzip."""
    names = source.names(".json", depth=DEPTH)
    names += [name for name in source.names(".json.gz", depth=DEPTH) if name not in names]
    kinds = {name: kind_of_file(source, name) for name in names[:_MOST_LOOKED_AT]}
    return {name: kind for name, kind in kinds.items() if kind and not _is_notes(source, name)}


def _is_notes(source: Source, name: str) -> bool:
    """Tell the ``notes.json`` of Label Studio, which has the classes of label files of YOLO, and nothing else."""
    if name.rpartition("/")[2] != "notes.json" or not source.names(".txt"):
        return False
    top = sketch(head_of(source, name))
    is_whole = (source.size(name) or 0) <= HEAD_BYTES
    return is_whole and isinstance(top, dict) and top.keys() <= {"categories", "info"}
