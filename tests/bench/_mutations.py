"""Mutations that know the structure of a file: JSON, XML, CSV, PNG, DICOM, ZIP; all drawn from one random stream."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Callable
from copy import deepcopy
from random import Random
from typing import Any
from xml.etree import ElementTree

Files = dict[str, bytes]
"""A source: contents by name."""


class Members(list[Any]):
    """The members of a JSON object, in order; a name may come twice."""


class Raw(str):
    """JSON that is written as it stands."""


HUGE = "9" * 400
SCALARS: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, -7, 0.5, -0.25, 2**31, 2**53 + 1, -(2**63), 2**64, 1e300, Raw(HUGE), Raw("-" + HUGE),
    Raw("1e400"), Raw("1e-400"), Raw("NaN"), Raw("-Infinity"), Raw("0." + HUGE), "", "0", "-1", "1e9", "nan", "true",
    "None", 'a"b', "a'b", "../../x", "/etc/passwd", "CON", "a\\b", "a\nb", "é", "車", "x" * 5000, Raw('"\\ud800"'),
    Raw('"\\u0000"'), "1 2 3", "1,2;3,4", "2020-13-45", [], [None], [[]], [1], [[1, 2]], [-1, -1, -1, -1], [Raw(HUGE)],
    ["a"], [0, 0, 1e18, 1e18], Members(), Members([("a", 1)]), Members([("counts", "x"), ("size", [1, 1])]),
    Members([("counts", [5, 2**40]), ("size", [10**6, 10**6])]), Members([("size", [3, 3]), ("counts", 7)]),
    Members([("", None)]),
)  # fmt: skip
"""What takes the place of a value."""

TEXTS = (
    "", " ", "0", "-1", "1.5", "nan", "inf", "-inf", "1e400", HUGE, "-" + HUGE, "0x10", "yes", "True", "1;2", "1,2",
    "1,2;3", "1,2;3,4;5,6", ",;,", "a", 'a"b', "é", "車", "x" * 5000, "../x", "CON", "2**31", "4294967296",
    "1 2 3", "٣",    "1_000", "+1", "#zzz", "2020-13-45",
)  # fmt: skip
"""What takes the place of a text: of an attribute, a cell, an element."""


# --- JSON -------------------------------------------------------------------------------------------------------------


def render(value: Any) -> str:
    """Return JSON of a tree that may hold :class:`Members` and :class:`Raw`."""
    if isinstance(value, Raw):
        return value
    if isinstance(value, Members):
        return "{" + ",".join(f"{json.dumps(key)}:{render(one)}" for key, one in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(render, value)) + "]"
    return json.dumps(value)


def _places(value: Any) -> list[tuple[Any, int]]:
    """Return every container and index in a tree."""
    found, waiting = [], [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            found += [(one, index) for index in range(len(one))]
            waiting += [each[1] for each in one] if isinstance(one, Members) else one
    return found


def _get(place: tuple[Any, int]) -> Any:
    found = place[0][place[1]]
    return found[1] if isinstance(place[0], Members) else found


def _set(place: tuple[Any, int], value: Any) -> None:
    container, index = place
    container[index] = (container[index][0], value) if isinstance(container, Members) else value


def _mutated_tree(tree: Any, chance: Random) -> Any:
    places = _places(tree)
    if not places:
        return _scalar(chance)
    place = chance.choice(places)
    container, index = place
    value = _get(place)
    kind = chance.randrange(10)
    if kind <= 2:
        _set(place, _scalar(chance))
    elif kind == 3:
        del container[index]
    elif kind == 4:
        container.insert(index, container[index])
    elif kind == 5:
        _set(place, deepcopy(_get(chance.choice(places))))  # it may be what holds the place
    elif kind == 6:
        _set(place, chance.choice([[value], Members([("a", value)]), [value] * 3, str(value)[:200]]))
    elif kind == 7 and isinstance(container, Members):
        name = chance.choice([*TEXTS[:12], 'a"b', _other_name(places, chance), container[index][0].upper()])
        container[index] = (name, value)
    elif kind == 8 and isinstance(container, Members):
        container.append((container[index][0], chance.choice([value, _scalar(chance)])))
    elif isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        _set(
            place, chance.choice([-value, value * 10**6, value + 0.5, value // 2 if value == value else 0, str(value)])
        )
    else:
        _set(place, _scalar(chance))
    return tree


def _scalar(chance: Random) -> Any:
    """Return what takes the place of a value; no two trees hold one list, which a later change would be in both."""
    return deepcopy(chance.choice(SCALARS))


def _other_name(places: list[tuple[Any, int]], chance: Random) -> str:
    names = [container[index][0] for container, index in places if isinstance(container, Members)]
    return chance.choice(names)


def mutated_json(data: bytes, chance: Random) -> bytes:
    """Return JSON with some values, names or the order changed; sometimes damaged as bytes too."""
    tree = json.loads(data, object_pairs_hook=Members)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        tree = _mutated_tree(tree, chance)
    text = render(tree).encode("utf-8", "surrogatepass")
    return mutated_bytes(text, chance) if chance.random() < 0.1 else text


def mutated_lines(data: bytes, chance: Random) -> bytes:
    """Return JSON Lines of which some are changed, gone, there twice or in another order."""
    lines = data.splitlines(keepends=True)
    for _ in range(chance.choice((1, 1, 2))):
        index = chance.randrange(len(lines))
        kind = chance.randrange(8)
        if kind == 0:
            lines.insert(index, lines[index])
        elif kind == 1 and len(lines) > 1:
            del lines[index]
        elif kind == 2:
            chance.shuffle(lines)
        else:
            with _unparsed():
                lines[index] = mutated_json(lines[index], chance).rstrip(b"\n") + b"\n"
    return b"".join(lines)


class _unparsed:
    """Leave what an earlier mutation made unreadable as it is."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, ValueError | RecursionError)


# --- XML --------------------------------------------------------------------------------------------------------------


def mutated_xml(data: bytes, chance: Random) -> bytes:
    """Return XML with attributes, texts and elements changed; sometimes damaged as bytes too."""
    root = ElementTree.fromstring(data)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 5))):
        _mutate_element(root, chance)
    text = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return mutated_bytes(text, chance) if chance.random() < 0.1 else text


def _mutate_element(root: ElementTree.Element, chance: Random) -> None:
    elements = list(root.iter())
    one, other = chance.choice(elements), chance.choice(elements)
    kind = chance.randrange(9)
    if kind <= 3 and one.attrib:
        name = chance.choice(sorted(one.attrib))
        if kind == 0:
            del one.attrib[name]
        elif kind == 1 and other.attrib:
            one.attrib[name] = chance.choice(sorted(other.attrib.values()))
        else:
            one.attrib[name] = chance.choice(TEXTS)
    elif kind == 4:
        one.text = chance.choice([*TEXTS, other.text])
    elif kind == 5 and len(one):
        one.remove(chance.choice(list(one)))
    elif kind == 6 and len(one):
        copied = ElementTree.fromstring(ElementTree.tostring(chance.choice(list(one))))
        one.insert(chance.randrange(len(one) + 1), copied)
    elif kind == 7 and sum(1 for _ in other.iter()) < 100:
        one.append(ElementTree.fromstring(ElementTree.tostring(other)))
    elif kind == 8:
        one.tag = other.tag if chance.random() < 0.7 else "odd"
    else:
        one.attrib[chance.choice(["id", "name", "label", "frame", "points", "width", "odd"])] = chance.choice(TEXTS)


# --- other text -------------------------------------------------------------------------------------------------------


def mutated_table(data: bytes, chance: Random) -> bytes:
    """Return a table or list of words with cells changed, columns renamed, lines gone or there twice."""
    lines = data.decode("utf-8", "replace").split("\n")
    for _ in range(chance.choice((1, 1, 2, 3))):
        index = chance.randrange(len(lines))
        cells = lines[index].split(",")
        kind = chance.randrange(6)
        if kind == 0:
            lines.insert(index, lines[index])
        elif kind == 1 and len(lines) > 1:
            del lines[index]
        elif kind == 2:
            cells.insert(chance.randrange(len(cells) + 1), chance.choice(TEXTS))
            lines[index] = ",".join(cells)
        else:
            cells[chance.randrange(len(cells))] = chance.choice([*TEXTS, "1 5", "5 -1", "0 0", "99999999999 5", '"1 2'])
            lines[index] = ",".join(cells)
    text = "\n".join(lines).encode()
    return mutated_bytes(text, chance) if chance.random() < 0.15 else text


def mutated_bytes(data: bytes, chance: Random) -> bytes:
    """Return bytes that are cut, overwritten, repeated, or followed by others."""
    place = chance.randrange(len(data) + 1)
    kind = chance.randrange(8)
    if kind == 0:
        return data[:place]
    if kind == 1:
        return (
            data[:place] + chance.choice([b"\xff", b"\xc3", b"\xed\xa0\x80", b"\0", b"\xf4\x90\x80\x80"]) + data[place:]
        )
    if kind == 2:
        return data + chance.choice([b"{}", b"x", b"\0", data, b"<a/>", b" \n", b"]"])
    if kind == 3:
        return chance.choice([b"\xef\xbb\xbf", b"\xff\xfe", b" ", b"x"]) + data
    if kind == 4:
        end = min(len(data), place + chance.choice((1, 4, 40)))
        return data[:place] + data[end:]
    if kind == 5:
        end = min(len(data), place + chance.choice((1, 8, 80)))
        return data[:end] + data[place:]
    return _overwritten(data, chance)


def _overwritten(data: bytes, chance: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 8))):
        if changed:
            changed[chance.randrange(len(changed))] = chance.choice((0, 255, 127, chance.randrange(256)))
    return bytes(changed)


# --- images -----------------------------------------------------------------------------------------------------------


def mutated_png(data: bytes, chance: Random) -> bytes:
    """Return a PNG whose chunks are changed and have right checksums; sometimes damaged as bytes."""
    chunks = _chunks(data)
    if not chunks or chance.random() < 0.2:
        return mutated_bytes(data, chance)
    for _ in range(chance.choice((1, 1, 2))):
        index = 0 if chance.random() < 0.4 else chance.randrange(len(chunks))
        name, body = chunks[index]
        kind = chance.randrange(6)
        if name == b"IHDR" and kind < 4 and len(body) == 13:
            fields = list(struct.unpack(">IIBBBBB", body))
            at = chance.randrange(7)
            fields[at] = (
                chance.choice((0, 1, 7, 70_000, 2**31 - 1)) if at < 2 else chance.choice((0, 1, 2, 3, 4, 6, 8, 16))
            )
            chunks[index] = name, struct.pack(">IIBBBBB", *fields)
        elif name == b"IDAT" and kind < 4:
            with _undecoded():
                raw = zlib.decompress(body)
                change = mutated_bytes if chance.random() < 0.5 else _overwritten
                chunks[index] = name, zlib.compress(change(raw, chance))
        elif kind == 4:
            chunks.insert(index, chunks[index])
        elif kind == 5:
            del chunks[index]
            if not chunks:
                break
        else:
            chunks[index] = name, mutated_bytes(body, chance)
    return data[:8] + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


class _undecoded:
    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, zlib.error)


def _chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    chunks, place = [], 8
    while place + 8 <= len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        chunks.append((data[place + 4 : place + 8], data[place + 8 : place + 8 + size]))
        place += 12 + size
    return chunks


def mutated_dicom(data: bytes, chance: Random) -> bytes:
    """Return a DICOM file with values, lengths or kinds of elements of its header changed."""
    changed = bytearray(data)
    header = min(len(changed), 4096)
    for _ in range(chance.choice((1, 1, 2, 4))):
        if header < 160:
            break
        place = chance.randrange(128, header - 8)
        kind = chance.randrange(6)
        if kind == 0:
            changed[place : place + 2] = chance.choice((b"\xff\xff", b"\0\0", b"\xff\x7f", b"\x01\0"))
        elif kind == 1:
            changed[place : place + 4] = chance.choice((b"\xff" * 4, b"\0" * 4, b"\xff\xff\xff\x7f", b"\xfe\xff\0\xe0"))
        elif kind == 2:
            changed[place : place + 2] = chance.choice((b"SQ", b"OB", b"DS", b"IS", b"UN", b"US", b"PN", b"XX", b"TM"))
        elif kind == 3:
            text = chance.choice(TEXTS)[:64].encode()
            changed[place : place + len(text)] = text
        else:
            changed = bytearray(mutated_bytes(bytes(changed), chance))
            header = min(len(changed), 4096)
    return bytes(changed)


# --- files ------------------------------------------------------------------------------------------------------------

_BY_SUFFIX: dict[str, Callable[[bytes, Random], bytes]] = {
    ".json": mutated_json, ".jsonl": mutated_lines, ".xml": mutated_xml, ".csv": mutated_table, ".txt": mutated_table,
    ".png": mutated_png, ".dcm": mutated_dicom,
}  # fmt: skip


def mutated(files: Files, chance: Random) -> Files:
    """Return a source with one or two of its files changed; seldom one renamed, gone, or in the place of another."""
    files = dict(files)
    for _ in range(chance.choice((1, 1, 1, 2))):
        name = chance.choice(sorted(files))
        if chance.random() < 0.06 and len(files) > 1:
            other = chance.choice(sorted(files))
            kind = chance.randrange(4)
            if kind == 0:
                del files[name]
            elif kind == 1:
                files[name] = files[other]
            elif kind == 2:
                files[name] = b""
            else:
                files[f"odd {name.rpartition('/')[2]}"] = files.pop(name)
            continue
        change = _BY_SUFFIX.get(name[name.rfind(".") :].lower(), mutated_bytes)
        try:
            files[name] = change(files[name], chance)
        except (ValueError, ElementTree.ParseError, RecursionError, IndexError):  # an earlier change broke it
            files[name] = mutated_bytes(files[name], chance)
    return files


def zipped(files: Files, chance: Random) -> bytes:
    """Return a source as a ZIP archive, with what archives can be wrong in."""
    stream = io.BytesIO()
    kind = chance.randrange(8)
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
        name, data = chance.choice(sorted(files.items()))
        if kind == 0:
            archive.filelist.append(archive.filelist[0])  # one member, named twice
        elif kind == 1:
            archive.writestr(chance.choice(["con.png", "a/nul.json", "lpt1/x.xml", "aux"]), data)
        elif kind == 2:
            archive.writestr(f"copy/{name}", data)
    packed = stream.getvalue()
    if kind == 3:
        place = packed.find(b"PK\1\2")
        packed = packed[: place + 8] + bytes([packed[place + 8] | 1]) + packed[place + 9 :]  # says it is encrypted
    elif kind in (4, 5):
        packed = mutated_bytes(packed, chance)
    return packed
