"""Detection of YOLO data sets: by their description, else by their label files."""

from __future__ import annotations

import re

import msgspec

from encord_convert.errors import ReadError
from encord_convert.formats._api import Match
from encord_convert.formats._files import FileSource, Source
from encord_convert.formats.yolo.data_yaml import says_classes, yaml_members
from encord_convert.formats.yolo.layout import IMAGE_SUFFIXES, NOT_LABELS
from encord_convert.hub.splits import standard

_LOOKED_AT = 40
_DEPTH = 2
_ROW = re.compile(rb"[ \t]*\d{1,7}(?:\.0+)?(?:[ \t]+[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?){4,}[ \t]*")
_IS_PATH = re.compile(rb"\.(?:jpe?g|png|bmp|tiff?|webp)\s*$", re.IGNORECASE)
_NUMBER = re.compile(rb"\s*[-+]?\d+(?:\.\d*)?(?:\s|$)")
_SHARE = 1.5
_MOST_DAMAGED = 8
"""Detection needs one valid row in this many that begin with a number."""


def identified(source: Source) -> Match:
    """Return whether a source is a YOLO data set."""
    try:
        return _match(source)
    except (ReadError, OSError):
        return Match.NO


def _match(source: Source) -> Match:
    if ndjson_member(source) is not None:
        return Match.YES
    if isinstance(source, FileSource):
        return Match.YES if any(_describes(source, name) for name in yaml_members(source)) else Match.NO
    texts = source.names(".txt")
    images = any(source.names(suffix) for suffix in IMAGE_SUFFIXES)
    if (images or texts) and any(_describes(source, name) for name in yaml_members(source)[:5]):
        return Match.YES
    if texts:  # labels of another format may claim the source too; the user decides
        return _by_rows(source, texts)
    return Match.YES if images and is_of_classes(source.names()) else Match.NO


def _describes(source: Source, name: str) -> bool:
    return says_classes(source.head(name).decode("utf-8", "replace"))


def _by_rows(source: Source, texts: list[str]) -> Match:
    """Match rows of a class and relative values; UNSURE if most are damaged."""
    in_folder = [name for name in texts if re.search(r"(^|/)(labels|labelTxt)/", name, re.IGNORECASE)]
    looked_at = [name for name in in_folder or texts if not NOT_LABELS.fullmatch(name.rpartition("/")[2])]
    step = max(len(looked_at) // _LOOKED_AT, 1)
    rows = right = foreign = 0
    for name in looked_at[::step][:_LOOKED_AT]:
        for line in source.head(name, 4096).removeprefix(b"\xef\xbb\xbf").splitlines()[:5]:
            if line.strip() and not _IS_PATH.search(line):  # lists of images lie next to label files
                rows += 1
                right += bool(_ROW.fullmatch(line)) and all(abs(float(word)) < _SHARE for word in line.split()[1:5])
                foreign += _NUMBER.match(line) is None
    if right * 2 > rows:
        return Match.YES
    return Match.UNSURE if right > foreign and right * _MOST_DAMAGED >= rows else Match.NO


def ndjson_member(source: Source) -> str | None:
    """Return the only file whose first line describes a data set, if there is exactly one."""
    found = source.names(".ndjson", _DEPTH)
    if len(found) != 1:
        return None
    line = source.head(found[0]).partition(b"\n")[0]
    try:
        head = msgspec.json.decode(line)
    except (msgspec.DecodeError, RecursionError):
        return None
    return found[0] if isinstance(head, dict) and head.get("type") == "dataset" and "task" in head else None


def is_of_classes(members: list[str]) -> bool:
    """Return whether images are in one folder per split and class."""
    images = [name for name in members if name.lower().endswith(IMAGE_SUFFIXES)]
    parts = [name.split("/") for name in images]
    return bool(images) and len(images) == len(members) and all(len(part) == 3 and standard(part[0]) for part in parts)
