"""Change one thing in a copy of a source, by a seed: add, rename, retype, duplicate. What is added has a mark."""

from __future__ import annotations

import csv
import io
import json
import shutil
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import yaml
from sources import OUR_OWN, Source

MARK = "zq"
"""Stands in every key and text that a mutation adds, and nowhere else."""

FIRST = " (the first)"
"""Ends what was done where something was added to an empty mapping, which is counted as one value itself."""

MOST_BYTES = 60_000
"""Larger sources are not mutated: they say nothing new."""


def mutable(source: Source) -> list[Path]:
    """Return the files of a source that can be mutated."""
    files = [source.path] if source.path.is_file() else sorted(p for p in source.path.rglob("*") if p.is_file())
    most = MOST_BYTES if source.format != "dicom" else 10 * MOST_BYTES  # most of which are pixels
    if sum(file.stat().st_size for file in files) > most:
        return []
    return [file for file in files if file.suffix in MUTATORS and file.name not in OUR_OWN]


def mutated(source: Source, folder: Path, random: Random) -> tuple[Path, str]:
    """Copy a source with one thing changed; return where it is, and what was done."""
    shutil.rmtree(folder, ignore_errors=True)
    file = random.choice(mutable(source))
    if source.path.is_file():
        folder.mkdir(parents=True)
        copy = place = folder / file.name
    else:
        shutil.copytree(source.path, folder, ignore=shutil.ignore_patterns(*OUR_OWN))
        copy, place = folder / file.relative_to(source.path), folder
    data, what = MUTATORS[file.suffix](file.read_bytes(), random)
    copy.write_bytes(data)
    return place, f"{file.name}: {what}"


def _marked(random: Random) -> Any:
    text = f"{MARK}{random.randrange(10**6)}"
    number = 9_000_000 + random.randrange(10**6)
    return random.choice([text, text, number, number + 0.5, [text], {f"{MARK}_in": text}, [{f"{MARK}_in": number}]])


# -- JSON -------------------------------------------------------------------------------------------------------------


def _json(data: bytes, random: Random) -> tuple[bytes, str]:
    tree = json.loads(data)
    what = _mutate(tree, random)
    return json.dumps(tree, ensure_ascii=False).encode(), what


def _jsonl(data: bytes, random: Random) -> tuple[bytes, str]:
    lines = [json.loads(line) for line in data.splitlines() if line.strip()]
    at = random.randrange(len(lines))
    if random.random() < 0.05:
        lines.insert(at, lines[at])
        what = f"line {at + 1} twice"
    else:
        what = f"line {at + 1}, {_mutate(lines[at], random)}"
    return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines), what


def _nodes(tree: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    yield path, tree
    inner = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inner:
        yield from _nodes(value, f"{path}.{key}" if isinstance(key, str) else f"{path}[{key}]")


def _pick(random: Random, nodes: list[tuple[str, Any]]) -> tuple[str, Any]:
    """Choose a kind of place first, so that the many items of a list do not hide what is said once."""
    kinds: dict[str, list[tuple[str, Any]]] = {}
    for path, node in nodes:
        kinds.setdefault("".join("#" if c.isdigit() else c for c in path), []).append((path, node))
    return random.choice(kinds[random.choice(sorted(kinds))])


def _mutate(tree: Any, random: Random) -> str:
    nodes = list(_nodes(tree))
    mappings = [(path, node) for path, node in nodes if isinstance(node, dict)]
    filled = [(path, node) for path, node in mappings if node]
    lists = [
        (path, node) for path, node in nodes if isinstance(node, list) and len(node) > 1 and isinstance(node[0], dict)
    ]
    kind = random.choice(["add", "add", "add", "rename", "retype", "id", "block"])
    if kind == "id" and lists:
        path, items = _pick(random, lists)
        one, other = random.sample(range(len(items)), 2)
        keys = [key for key in items[one] if "id" in key.lower() or "hash" in key.lower() or key == "name"]
        if keys:
            key = random.choice(keys)
            items[other][key] = items[one][key]
            return f"id: {path}[{other}].{key} is that of [{one}]"
    if kind == "block" and isinstance(tree, dict):
        key = f"{MARK}_block"
        tree[key] = [{"id": 1, f"{MARK}_k": f"{MARK}v"}]
        return f"block: {key}"
    if kind == "rename" and filled:
        path, node = _pick(random, filled)
        key = random.choice(list(node))
        members = [(f"{key}_{MARK}" if name == key else name, value) for name, value in node.items()]
        node.clear()
        node.update(members)
        return f"rename: {path}.{key} to {key}_{MARK} = {node[f'{key}_{MARK}']!r:.40}"
    if kind == "retype" and filled:
        path, node = _pick(random, filled)
        key = random.choice(list(node))
        old = node[key]
        node[key] = random.choice([str(old), [old], {f"{MARK}_was": old}, None, True, 7, f"{MARK}text"])
        return f"retype: {path}.{key}: {str(old)[:40]!r} to {str(node[key])[:40]!r}"
    if not mappings:
        return "nothing"
    path, node = _pick(random, mappings)
    key = f"{MARK}_{random.randrange(1000)}"
    node[key] = _marked(random)
    return f"add: {path}.{key} = {node[key]!r}{FIRST * (len(node) == 1)}"


# -- XML, CSV, lines --------------------------------------------------------------------------------------------------


def _xml(data: bytes, random: Random) -> tuple[bytes, str]:
    root = ElementTree.fromstring(data)
    by_tag: dict[str, list[ElementTree.Element]] = {}
    parents = {child: parent for parent in root.iter() for child in parent}
    for element in root.iter():
        parent = parents.get(element)
        by_tag.setdefault(f"{'' if parent is None else parent.tag}/{element.tag}", []).append(element)
    tag = random.choice(sorted(by_tag))
    element = random.choice(by_tag[tag])
    kind = random.choice(["attribute", "attribute", "element", "element", "rename", "retype", "tag", "twice"])
    attributes = sorted(element.attrib)
    if kind == "element":
        child = ElementTree.SubElement(element, f"{MARK}el")
        child.text = f"{MARK}{random.randrange(10**6)}"
        what = f"element: {child.tag} in {tag} = {child.text}"
    elif kind == "rename" and attributes:
        name = random.choice(attributes)
        element.attrib = {f"{MARK}_{key}" if key == name else key: value for key, value in element.attrib.items()}
        what = f"rename: {tag}/@{name} to {MARK}_{name}"
    elif kind == "retype" and attributes:
        name = random.choice(attributes)
        element.set(name, random.choice([f"{MARK}text", "", "-1", "7.5"]))
        what = f"retype: {tag}/@{name} to {element.get(name)!r}"
    elif kind == "tag" and element is not root:
        element.tag = f"{MARK}_{element.tag}"
        said = "…" if len(element) else (element.text or "").strip()
        what = f"tag: {tag} to {element.tag} = {said!r}"
    elif kind == "twice" and element in parents:
        parents[element].append(element)
        what = f"twice: {tag}"
    else:
        name, text = f"{MARK}_{random.randrange(1000)}", f"{MARK}{random.randrange(10**6)}"
        element.set(name, text)
        what = f"attribute: {name} of {tag} = {text}"
    return ElementTree.tostring(root, encoding="utf-8", xml_declaration=True), what


def _csv(data: bytes, random: Random) -> tuple[bytes, str]:
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    kind = random.choice(["column", "column", "rename", "retype", "twice"])
    at, row = random.randrange(len(rows[0])), random.randrange(1, len(rows))
    if kind == "column":
        rows = [[*cells, f"{MARK}_c" if n == 0 else f"{MARK}{n}"] for n, cells in enumerate(rows)]
    elif kind == "rename":
        rows[0][at] += f"_{MARK}"
    elif kind == "retype":
        rows[row][at] = random.choice([f"{MARK}text", "", "-5", "1 x"])
    else:
        rows.insert(row, rows[row])
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode(), f"{kind}: row {row}, column {rows[0][-1 if kind == 'column' else at]}"


# -- YAML and rows ----------------------------------------------------------------------------------------------------


def _yaml(data: bytes, random: Random) -> tuple[bytes, str]:
    tree = yaml.safe_load(data)
    what = _mutate(tree, random)
    return yaml.safe_dump(tree, sort_keys=False).encode(), what


def _rows(data: bytes, random: Random) -> tuple[bytes, str]:
    lines = data.decode().splitlines()
    at = random.randrange(len(lines))
    words = lines[at].split()
    added = str(random.choice([9_000_000 + random.randrange(10**6), f"{MARK}{random.randrange(10**6)}"]))
    words.insert(random.randrange(len(words) + 1), added)
    lines[at] = " ".join(words)
    return "\n".join(lines).encode(), f"line {at + 1} = {added}"


def _lines(data: bytes, random: Random) -> tuple[bytes, str]:
    """Change a cell of a text whose lines have columns, add one, or add a line."""
    lines = data.decode().splitlines()
    kind = random.choice(["cell", "cell", "column", "comment", "twice"])
    at = random.randrange(len(lines)) if lines else 0
    mark = f"{MARK}{random.randrange(10**6)}"
    if kind == "comment" or not lines or lines[at].startswith("#"):
        lines.insert(at, f"# {mark}")
        kind = "comment"
    elif kind == "twice":
        lines.insert(at, lines[at])
    else:
        between = "," if "," in lines[at] else " "
        cells = lines[at].split(between)
        if kind == "column":
            cells.append(mark)
        else:
            mark = random.choice([mark, "-5", "7.5", "9000001"])
            cells[random.randrange(len(cells))] = mark
            kind = "retype"
        lines[at] = between.join(cells)
    return "".join(f"{line}\n" for line in lines).encode(), f"{kind}: line {at + 1}{f', {mark}' * (kind != 'twice')}"


def _ini(data: bytes, random: Random) -> tuple[bytes, str]:
    lines = data.decode().splitlines()
    at, mark = random.randrange(1, len(lines)), f"{MARK}{random.randrange(10**6)}"
    if random.random() < 0.5:
        lines.insert(at, f"{MARK}_key={mark}")
        return "\n".join([*lines, ""]).encode(), f"add: .{MARK}_key = {mark!r}"
    key = lines[at].partition("=")[0]
    lines[at] = f"{key}={mark}"
    return "\n".join([*lines, ""]).encode(), f"retype: .{key}: to {mark!r}"


def _text(data: bytes, random: Random) -> tuple[bytes, str]:
    has_columns = b"," in data or len(data.partition(b"\n")[0].split()) in _COLUMNS
    return (_lines if has_columns else _rows)(data, random)


_COLUMNS = (0, 6, 15, 16, 17, 18)
"""Of MOTS and KITTI, and none."""


# -- DICOM ------------------------------------------------------------------------------------------------------------

_TEXTS = (0x00080070, 0x00081030, 0x0008103E, 0x00181030, 0x00204000, 0x00321060, 0x00400254)
"""Elements that are a text."""


def _dicom(data: bytes, random: Random) -> tuple[bytes, str]:
    import pydicom
    from pydicom.dataelem import DataElement

    file = pydicom.dcmread(io.BytesIO(data), force=True)
    datasets = [file, *(item for element in file.iterall() if element.VR == "SQ" for item in element.value)]
    place, text = random.choice(datasets), f"{MARK}{random.randrange(10**6)}"
    texts = [element for element in place if element.VR in ("LO", "SH", "LT", "CS", "PN", "UI", "DS", "IS")]
    kind = random.choice(["add", "add", "private", "change", "twice"])
    if kind == "private":
        creator = 0x00110010 + random.randrange(8)
        tag = ((creator & 0xFF) << 8 | random.randrange(256)) | 0x00110000
        place[creator] = DataElement(creator, "LO", f"{MARK} creator")
        place[tag] = DataElement(tag, "LO", text)
    elif kind == "change" and texts:
        element = random.choice(texts)
        tag = int(element.tag)
        with warnings.catch_warnings(action="ignore"):
            place[tag] = DataElement(tag, element.VR, "7" if element.VR in ("DS", "IS", "UI") else text[:16])
    else:
        tag = random.choice(_TEXTS)
        place[tag] = DataElement(tag, "LO", [text, f"{text}b"] if kind == "twice" else text)
    out = io.BytesIO()
    with warnings.catch_warnings(action="ignore"):
        file.save_as(out, enforce_file_format=False)
    return out.getvalue(), f"{kind}: {tag:08X} = {text}"


MUTATORS: dict[str, Callable[[bytes, Random], tuple[bytes, str]]] = {
    ".json": _json,
    ".jsonl": _jsonl,
    ".xml": _xml,
    ".csv": _csv,
    ".yaml": _yaml,
    ".txt": _text,
    ".ini": _ini,
    ".dcm": _dicom,
}
"""What mutates a file, by the end of its name."""
