"""Read files as plain trees, by walkers that know containers (JSON, XML, YAML, CSV, DICOM, PNG) and nothing of labels.

A tree is a mapping, a list or a leaf. A list of numbers is one leaf (a tuple), whether it stands as JSON, or as text in
an XML attribute; run lengths are the numbers they say, so that two spellings of one value are equal.
"""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import json
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

Tree = Any

_NUMBERS = re.compile(r"\s*-?\d+(\.\d+)?([eE][-+]?\d+)?(\s*[,; ]\s*-?\d+(\.\d+)?([eE][-+]?\d+)?)+\s*")
"""Several numbers in one text: points, run lengths."""


def forest(root: Path) -> dict[str, Tree]:
    """Return every file below a folder (or the one file) that a walker knows, by its path below it."""
    files = [root] if root.is_file() else sorted(path for path in root.rglob("*") if path.is_file())
    trees = {}
    for path in files:
        walker = WALKERS.get(path.suffix.lower()) or (WALKERS[".dcm"] if _is_dicom(path) else None)
        if walker is not None:
            name = path.name if root.is_file() else path.relative_to(root).as_posix()
            trees[name] = _walked(walker, path.read_bytes())
    return trees


@lru_cache(1000)
def _walked(walker: Callable[[bytes], Tree], data: bytes) -> Tree:
    """Walk a file; one that stands in many copies of a source only once, so that no tree may be changed."""
    return walker(data)


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


# -- JSON -------------------------------------------------------------------------------------------------------------


def from_json(data: bytes) -> Tree:
    """Walk a JSON document; a key given twice is two members."""
    return _plain(json.loads(data.decode("utf-8-sig"), object_pairs_hook=_members))


def from_jsonl(data: bytes) -> Tree:
    """Walk one JSON document a line."""
    return [from_json(line) for line in data.splitlines() if line.strip()]


def _members(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    members: dict[str, Any] = {}
    for key, value in pairs:
        members[f"{key} (again)" if key in members else key] = value
    return members


def _plain(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        if tree.keys() >= {"size", "counts"} and isinstance(tree["counts"], str):
            tree = {**tree, "counts": runs_of(tree["counts"])}
        return {key: _plain(value) for key, value in tree.items()}
    if isinstance(tree, list):
        if tree and all(is_number(value) for value in tree):
            return tuple(tree)
        return [_plain(value) for value in tree]
    return tree


def is_number(value: object) -> bool:
    """Tell numbers from truths, which are numbers too."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def runs_of(text: str) -> list[int] | str:
    """Return the run lengths that a text of the COCO alphabet says; the text itself if it says none.

    Source
    ------
    cocoapi 2.0, common/maskApi.c: rleFrString.
    """
    runs: list[int] = []
    at = 0
    try:
        while at < len(text):
            value, shift, more = 0, 0, True
            while more:
                bits = ord(text[at]) - 48
                value |= (bits & 0x1F) << 5 * shift
                more = bool(bits & 0x20)
                at, shift = at + 1, shift + 1
                if not more and bits & 0x10:
                    value |= -1 << 5 * shift
            runs.append(value + runs[-2] if len(runs) > 2 else value)
    except IndexError:
        return text
    return runs


# -- XML --------------------------------------------------------------------------------------------------------------


def from_xml(data: bytes) -> Tree:
    """Walk an XML document: attributes have ``@`` before their name, elements are lists of those of one tag."""
    root = ElementTree.fromstring(data)
    return {root.tag: [_element(root)]}


def _element(element: ElementTree.Element) -> Tree:
    members: dict[str, Any] = {f"@{name}": _text(value) for name, value in element.attrib.items()}
    for child in element:
        members.setdefault(child.tag, []).append(_element(child))
    if element.text and element.text.strip():
        if not members:
            return _text(element.text)
        members["#text"] = _text(element.text)
    return members or ""


def _text(text: str) -> Tree:
    """Return several numbers as such; texts but for the space around them, without which nothing is said."""
    if _NUMBERS.fullmatch(text):
        return tuple(float(number) for number in re.split(r"\s*[,; ]\s*", text.strip()))
    return text.strip()


# -- tables, images ---------------------------------------------------------------------------------------------------


def from_csv(data: bytes) -> Tree:
    """Walk a table: a mapping a line."""
    reader = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), restkey="(beyond)")
    return [{key: _cell(value) if isinstance(value, str) else value for key, value in row.items()} for row in reader]


def _cell(text: str) -> Tree:
    """Return the JSON that a cell holds, if it does."""
    try:
        return from_json(text.encode()) if text.startswith("{") else _text(text)
    except ValueError:
        return text


def from_lines(data: bytes) -> Tree:
    """Walk a text: a leaf a line; a row of numbers is an item, and one of columns a mapping."""
    lines = [line.strip() for line in data.decode("utf-8-sig", "replace").splitlines() if line.strip()]
    return [_columns(line) or _row(line) for line in lines]


def _row(line: str) -> Tree:
    numbers = _text(line)
    return {"row": numbers} if isinstance(numbers, tuple) else numbers


def _columns(line: str) -> dict[str, str]:
    """Return the columns of a line with commas, or of words and numbers, in the numbers of KITTI and MOTS."""
    cells = [cell.strip() for cell in line.split(",")] if "," in line else line.split()
    is_row = len(cells) > 5 if "," in line else len(cells) in (6, 15, 16, 17, 18) and not _NUMBERS.fullmatch(line)
    return {} if line.startswith("#") or not is_row else {f"column {n}": cell for n, cell in enumerate(cells, 1)}


def from_yaml(data: bytes) -> Tree:
    """Walk a YAML document, whose keys are texts."""
    return _plain(_with_text_keys(yaml.safe_load(data)))


def _with_text_keys(tree: Tree) -> Tree:
    if isinstance(tree, dict):
        return {str(key): _with_text_keys(value) for key, value in tree.items()}
    return [_with_text_keys(value) for value in tree] if isinstance(tree, list) else tree


def from_ini(data: bytes) -> Tree:
    """Walk the keys and values of an INI file, whatever their section."""
    lines = [line.partition("=") for line in data.decode("utf-8", "replace").splitlines()]
    return {key.strip(): value.strip() for key, mark, value in lines if mark}


def from_png(data: bytes) -> Tree:
    """Walk an image: its size, and which of its pixels are of one value, whatever that is called."""
    import numpy as np
    from PIL import Image

    pixels = np.asarray(Image.open(io.BytesIO(data))).astype(np.int64)
    if pixels.ndim == 3:
        pixels = pixels[..., :3] @ (1, 256, 65536)
    _, first, numbers = np.unique(pixels, return_index=True, return_inverse=True)
    areas = np.argsort(np.argsort(first))[numbers].astype(np.int32)
    height, width = pixels.shape
    return {"width": width, "height": height, "areas": hashlib.sha256(areas.tobytes()).hexdigest()}


def from_dicom(data: bytes) -> Tree:
    """Walk a DICOM file: the elements of its meta group and its data set by tag, eight hexadecimal digits."""
    import pydicom

    with warnings.catch_warnings(action="ignore"):
        file = pydicom.dcmread(io.BytesIO(data), force=True)
        return {**_dataset(getattr(file, "file_meta", ())), **_dataset(file)}


def _dataset(dataset: Any) -> Tree:
    members: dict[str, Any] = {}
    for element in dataset:
        value = element.value
        if element.VR == "SQ":
            members[f"{element.tag:08X}"] = [_dataset(item) for item in value]
        elif isinstance(value, bytes):
            members[f"{element.tag:08X}"] = f"{len(value)} bytes"
        else:
            values = value if isinstance(value, list | pydicom_values()) else [value]
            members[f"{element.tag:08X}"] = "\\".join("" if one is None else str(one) for one in values)
    return members


def pydicom_values() -> type:
    """Return the class of several values of an element."""
    from pydicom.multival import MultiValue

    return MultiValue


def dicom_values(tree: Tree, tag: str = "") -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield what each element of a data set in the DICOM JSON model says: its tag, and its values as words.

    Source
    ------
    DICOM PS3.18, Annex F.
    """
    if isinstance(tree, dict) and "vr" in tree and tag:
        value = tree.get("Value", [])
        if tree["vr"] == "SQ":
            yield from dicom_values(value)
        else:
            yield tag, dicom_words(value)
    elif isinstance(tree, dict):
        for key, value in tree.items():
            yield from dicom_values(value, key)
    elif isinstance(tree, list):
        for value in tree:
            yield from dicom_values(value)


def dicom_words(values: Tree) -> tuple[str, ...]:
    """Return values, as a text or a list, as words that can be compared."""
    if isinstance(values, str):
        values = values.split("\\")
    words = []
    for value in values:
        text = str(value).strip().rstrip("\0")
        with contextlib.suppress(ValueError):
            text = f"{float(text):g}"
        words.append(text)
    return tuple(words)


WALKERS = {
    ".json": from_json,
    ".jsonl": from_jsonl,
    ".gz": lambda data: from_json(gzip.decompress(data)),
    ".xml": from_xml,
    ".csv": from_csv,
    ".ini": from_ini,
    ".txt": from_lines,
    ".yaml": from_yaml,
    ".yml": from_yaml,
    ".png": from_png,
    ".dcm": from_dicom,
}
