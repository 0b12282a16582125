"""Descriptions of sources that no format recognises: a fact with its location, and advice.

Only for error messages: it looks at the first bytes of a few files and at JSON keys, to say what was found and what to
give instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from encord_convert.errors import ReadError
from encord_convert.formats._files import FileSource, FolderSource, Source, ZipSource
from encord_convert.formats._json_heads import UNKNOWN, head_of, is_object_list, sketch
from encord_convert.formats.masks.label_studio import tasks_of
from encord_convert.formats.masks.supervisely import is_annotation as is_supervisely

_DEPTH = 4
_MOST_LOOKED_AT = 48
_MOST_KEYS = 6
_SHARE = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
_ROOT = re.compile(r"<(?![?!])([^\s/>]+)")
_IMAGES = (".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".gif", ".heic", ".avif")
_VIDEOS = (".mp4", ".mov", ".avi", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg")
_VOLUMES = (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd")
_ARCHIVES = (".tar", ".tgz", ".tar.gz", ".7z", ".rar", ".tar.bz2", ".tar.xz")
_MAGIC = {
    b"PK\3\4": "a ZIP archive", b"\x1f\x8b": "a gzip file", b"7z\xbc\xaf": "a 7z archive", b"Rar!": "a RAR archive",
    b"%PDF": "a PDF file", b"PAR1": "a Parquet file", b"SQLite": "an SQLite database", b"\x89HDF": "an HDF5 file",
    b"\x93NUMPY": "a NumPy array", b"\xff\xd8\xff": "an image", b"\x89PNG": "an image", b"GIF8": "an image",
}  # fmt: skip


class Sighting(NamedTuple):
    """A fact, phrased to follow "it", and advice."""

    fact: str
    advice: str = ""


def sighting_of(source: Source) -> Sighting:
    """Describe a source that no format recognises."""
    try:
        names = [name for name in source.names(depth=_DEPTH) if not name.startswith("__MACOSX/")]
    except (ReadError, OSError) as error:
        return Sighting(f"cannot be listed ({error})")
    if not names:
        kind = "archive" if isinstance(source, ZipSource) else "folder"
        deeper = " below four folders" if isinstance(source, FolderSource) and source.names() else ""
        return Sighting(
            f"is an empty {kind}" if not deeper else f"has files only{deeper}", "Name the folder of the labels."
        )
    return _set_of(names, isinstance(source, FileSource)) or _among(source, names)


def file_sighting(source: Source, name: str) -> str:
    """Describe one file, phrased to follow its name."""
    found, _ = _file(source, name, [name, ""])
    return found.fact.replace(f" ({name})", "").removesuffix(", which is not read yet")


def _set_of(names: list[str], is_file: bool) -> Sighting | None:
    """Describe a set of files by their names."""
    last = {name.rpartition("/")[2].lower(): name for name in reversed(names)}
    if "task.json" in last and ("annotations.json" in last or "manifest.jsonl" in last or "project.json" in last):
        what = "project" if "project.json" in last else "task"
        advice = "Export the annotations instead, as CVAT for images 1.1 or CVAT for video 1.1."
        return Sighting(f"is a backup of a CVAT {what} ({last['task.json']}), which is not read", advice)
    if len(names) > 1 and all(name.lower().endswith(".zip") for name in names):
        advice = "Name one of them, or convert all of them with `encord-convert batch`."
        return Sighting(f"is a folder of {len(names)} ZIP archives ({names[0]}, …)", advice)
    for endings, what in ((_IMAGES, "image"), (_VIDEOS, "video")):
        if all(name.lower().endswith(endings) for name in names):
            number = "an" if what == "image" else "a"
            fact = f"is {number} {what}" if is_file else f"holds {len(names)} {what}s and no labels"
            if len(names) == 1 and not is_file:
                fact = f"holds {number} {what} ({names[0]}) and no labels"
            return Sighting(fact, "Name the file or folder of the labels.")
    return None


def _not_read(what: str, name: str, advice: str = "") -> Sighting:
    advice = advice or "Export it as COCO or CVAT XML from the tool that wrote it."
    return Sighting(f"looks like {what} ({name}), which is not read yet", advice)


def _volume(name: str) -> Sighting:
    return _not_read("a volume of voxels or masks", name, "Convert it to DICOM, or its masks to PNG, one a slice.")


def _among(source: Source, names: list[str]) -> Sighting:
    """Describe a few files by their first bytes, the most informative first."""
    rest = [name for name in names if not name.lower().endswith((*_IMAGES, *_VIDEOS))]
    looked_at = sorted(rest, key=lambda name: (name.lower().endswith(_TEXTS), name.count("/"), name))[:_MOST_LOOKED_AT]
    vague: list[Sighting] = []
    for name in looked_at:
        found, is_sure = _file(source, name, names)
        if is_sure:
            return found
        vague.append(found)
    volumes = [name for name in rest if name.lower().endswith(_VOLUMES)]
    if volumes:
        return _volume(volumes[0])
    archives = [name for name in rest if name.lower().endswith((*_ARCHIVES, ".zip"))]
    if archives and not isinstance(source, FileSource):
        return Sighting(f"holds an archive ({archives[0]}) but no labels", "Unpack it, and name its contents.")
    if len(names) == 1 and vague:
        return vague[0]
    notable = next((item for item in vague if item.advice), None)
    if notable is not None:
        return Sighting(f"holds {len(names)} files, of which one {notable.fact}", notable.advice)
    kinds = sorted({_suffix(name) for name in names})
    shown = ", ".join(kinds[:_MOST_KEYS]) + (", …" if len(kinds) > _MOST_KEYS else "")
    return Sighting(
        f"holds {len(names)} files ({shown}) and no labels in a known format", "Name the file of the labels."
    )


_TEXTS = (".txt", ".md", ".yaml", ".yml")


def _suffix(name: str) -> str:
    last = name.rpartition("/")[2]
    return "." + last.rpartition(".")[2].lower() if "." in last else "no suffix"


def _file(source: Source, name: str, names: list[str]) -> tuple[Sighting, bool]:
    """Describe a file; also return whether that describes the whole source."""
    shown = source.name.rpartition("/")[2] if isinstance(source, FileSource) else name
    lower = name.lower()
    if lower.endswith(_VOLUMES):
        return _volume(shown), len(names) == 1
    head = head_of(source, name)
    if lower.endswith(_ARCHIVES):
        return Sighting(f"is an archive that is not read ({shown})", "Unpack it, or pack it as ZIP."), False
    if not head:
        try:
            is_empty = not source.head(name, 1)
        except (ReadError, OSError) as error:
            return Sighting(f"has a file that cannot be read ({error})"), False
        return Sighting(
            f"is {'empty' if is_empty else 'blank'} ({shown})", "Was the export or download complete?"
        ), False
    if re.match(rb"[\[{\s]+'", head):
        return Sighting(f"is Python and not JSON ({shown})", "Save it with json.dump."), True
    if head.startswith((b"{", b"[")):
        return _json(head, shown, lower)
    if head.startswith(b"version https://git-lfs"):
        return Sighting(f"is a pointer of Git LFS and not the file itself ({shown})", "Run: git lfs pull"), True
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8", "replace").lstrip(
        "\ufeff \r\n\t"
    )
    if text.startswith("<"):
        return _xml(text, shown)
    if text.startswith(("{", "[")):
        return Sighting(f"is JSON in UTF-16 ({shown})", "Save it in UTF-8."), True
    for magic, what in _MAGIC.items():
        if head.startswith(magic):
            return Sighting(f"is {what} ({shown})" if len(names) > 1 else f"is {what}"), False
    if lower.endswith(".zip"):
        advice = "Was the download complete?"
        return Sighting(f"is not a ZIP archive despite its name: {shown} begins with {text[:20]!r}", advice), False
    if lower.endswith((".yaml", ".yml")) and re.search(r"^(?:names|nc|train|kpt_shape):", text, re.MULTILINE):
        advice = "Name the folder that holds it, the images and their label files."
        return Sighting(f"is a YOLO configuration without images and labels ({shown})", advice), False
    if lower.endswith(".json"):
        advice = "Was it cut short or saved as something else?"
        return Sighting(f"is not JSON despite its name: {shown} begins with {text[:20]!r}", advice), False
    if lower.endswith(".csv"):
        columns = text.partition("\n")[0].strip()[:120]
        advice = "If one of them holds run lengths, say --from rle -r dialect=kaggle."
        return Sighting(f"is a table with the columns {columns}", advice), False
    if lower.endswith(".txt") and head[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return Sighting(f"is text in UTF-16 ({shown})", "Save it in UTF-8."), True
    if lower.endswith(".txt"):
        return _lines(text, shown, names)
    if "\0" in text[:1000]:
        return Sighting(f"is a binary file in no known format ({shown})"), False
    return Sighting(f"is text in no known format ({shown})"), False


def _xml(text: str, name: str) -> tuple[Sighting, bool]:
    root = _ROOT.search(text)
    tag = root[1] if root else "?"
    if tag == "annotation" and re.search(r"<(?:imagesize|nrows|pt|username)[\s/>]", text):
        return _not_read("LabelMe's older XML", name), True
    if tag.lower() in ("svg", "html"):
        advice = "Was a page downloaded instead of the file?" if tag.lower() == "html" else ""
        return Sighting(f"is {tag.upper()} ({name})", advice), False
    if tag == "annotations":
        fact = f"is XML with CVAT's root element but no <meta>, <image> or <track> near its start ({name})"
        return Sighting(fact, "If it is a CVAT export, say --from cvat."), False
    if tag == "View":
        return Sighting(f"is a labelling configuration of Label Studio ({name})", "Name the JSON export."), False
    return Sighting(f"is XML whose root is <{tag}> ({name})"), False


def _lines(text: str, name: str, names: list[str]) -> tuple[Sighting, bool]:
    """Describe lines of numbers: YOLO has a class and relative values, others have pixels."""
    rows = [line.split() for line in text.splitlines()[:20] if line.strip()]
    is_yolo = bool(rows) and all(
        len(row) > 4
        and row[0].isdecimal()
        and all(_SHARE.fullmatch(cell) and abs(float(cell)) <= 2 for cell in row[1:])
        for row in rows
    )
    if is_yolo and len([item for item in names if item]) > 1:
        fact = f"has YOLO rows ({name}) among other text files"
        return Sighting(fact, "Move other formats out of the folder, or choose one with --from."), True
    if is_yolo:
        return Sighting(f"looks like YOLO rows ({name})", "Name the folder of all label files and images."), True
    return Sighting(f"is text in no known format ({name})"), False


def _json(head: bytes, name: str, lower: str) -> tuple[Sighting, bool]:
    if lower.endswith((".jsonl", ".ndjson")):
        head = head.partition(b"\n")[0]
    top = sketch(head)
    for what, is_it in _KNOWN_JSON.items():
        if is_it(top):
            return _not_read(what, name), True
    special = _special(top, name)
    if special is not None:
        return special, True
    entry = next((item for item in top if isinstance(item, dict)), None) if isinstance(top, list) else top
    if top is UNKNOWN or not isinstance(entry, dict):
        return Sighting(f"is a JSON list without objects ({name})"), False
    keys = ", ".join(map(repr, list(entry)[:_MOST_KEYS])) + (", …" if len(entry) > _MOST_KEYS else "")
    what = "is a JSON list of objects" if isinstance(top, list) else "is a JSON object"
    if not entry:
        return Sighting(f"{what} without keys ({name})"), False
    advice = "COCO has the lists images, annotations and categories there."
    return Sighting(f"{what} with the keys {keys} ({name})", advice), False


def _special(top: Any, name: str) -> Sighting | None:
    """Describe JSON that is close to a supported format."""
    entry = top[0] if isinstance(top, list) and top else top
    if isinstance(entry, dict) and "data_units" in entry:
        advice = "Name a folder that has label_rows.jsonl, one row per line, and ontology.json."
        return Sighting(f"is an Encord label row without its ontology ({name})", advice)
    if isinstance(top, dict) and set(top) >= {"objects", "classifications"} and is_object_list(top["objects"]):
        advice = "Name a folder that has label_rows.jsonl next to it."
        return Sighting(f"is an Encord ontology without label rows ({name})", advice)
    if isinstance(entry, dict) and set(entry) >= {"shapes", "tracks", "tags"}:
        advice = "Export the annotations as CVAT for images 1.1 or CVAT for video 1.1, which is XML."
        return Sighting(f"holds annotations of a CVAT backup or server ({name}), which are not read", advice)
    if isinstance(top, dict) and set(top) >= {"source", "target", "counts", "losses"}:
        return Sighting(f"is a report of encord-convert ({name})", "Name what it is the report of.")
    if tasks_of(top):
        advice = "Export it from Label Studio as COCO."
        return Sighting(f"is a Label Studio export without brush masks, which are all that is read ({name})", advice)
    if is_supervisely(top):
        advice = "Export it from Supervisely as COCO."
        return Sighting(f"holds Supervisely annotations without bitmaps, which are all that is read ({name})", advice)
    return None


def _entries(top: Any) -> list[dict[str, Any]]:
    return [entry for entry in top if isinstance(entry, dict)] if isinstance(top, list) else []


_KNOWN_JSON: dict[str, Callable[[Any], bool]] = {
    "V7 Darwin": lambda top: isinstance(top, dict) and {"item", "annotations"} <= set(top),
    "Datumaro": lambda top: isinstance(top, dict) and {"categories", "items"} <= set(top),
    "Labelbox": lambda top: any(
        {"data_row", "dataRow", "Labeled Data"} & set(one)
        for one in (*_entries(top), top if isinstance(top, dict) else {})
    ),
    "BDD100K": lambda top: any(
        "name" in each and any("category" in box for box in _entries(each.get("labels"))) for each in _entries(top)
    ),
    "GeoJSON": lambda top: isinstance(top, dict) and top.get("type") in ("FeatureCollection", "Feature"),
    "image and text pairs of a vision-language model": lambda top: (
        isinstance(top, dict) and {"image", "prefix", "suffix"} <= set(top)
    ),
}
"""Tests for JSON of known tools that is not read, by name."""


__all__ = ["Sighting", "sighting_of"]
