"""CVAT files as CVAT itself writes them: the byte lane.

Most CVAT files use little of XML: UTF-8, double quotes, one blank between attributes, no comments. Such a file can be
read with one regular expression, several times faster than with a parser. The scan proves of the *whole* file that
nothing in it is beyond this lane (it accounts for every ``<`` and every ``&``); a file of which it cannot goes to
 the exact lane, from its start. So the two lanes differ in speed and in nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import BinaryIO

import numpy as np

from encord_convert.formats.cvat.exact_xml import (
    CANONICAL,
    NO_ANSWERS,
    Answers,
    Image,
    Record,
    Shape,
    Sides,
    Stray,
    Track,
    sides_of,
)

CHUNK_BYTES = 1 << 18
"""How much is read at a time; an image or track that is larger is read whole."""

END = b"</annotations>"
MARKERS = (b"<image ", b"<track ")

_MAX_PROLOGUE_BYTES = 16 << 20

_CLOSED = r"[^<]*+(?:<attribute [^<]*+(?:</attribute>[^<]*+)?+)*+"
"""Attribute elements, and what is around them."""

TOKEN = re.compile(
    rb'<(/?[a-z]++(?: label="[^"]*+"(?: source="[^"]*+")?+(?: occluded="[^"]*+")?+(?: source="[^"]*+")?+)?+)'
    rb'((?: points="[^"]*+"| xtl="[^"]*+" ytl="[^"]*+" xbr="[^"]*+" ybr="[^"]*+"|)'
    rb'(?: [a-fh-rt-y][a-z_\d]*+="[^"]*+")*+)'
    rb'((?: z_order="[^"]*+")?+(?: [a-z_\d]++="[^"]*+")*+'
    rb"(?:>(?:" + _CLOSED.encode() + rb"</(?!(?:image|track|skeleton)>)[a-z]++>)?+| ?/>))"
    rb"(?=\s*+(?:<|\Z))"
)
"""A tag without text behind it, in three parts. The *head*: name (``/name`` if it closes), label, and who made it. The
*body*: XML attributes that differ from shape to shape. The *tail*: the others, which begin with those CVAT writes last,
and its attribute elements with an end tag if nothing else is in it. Few heads and tails come in a file, as often as it
has shapes."""

_ELEMENT = re.compile(
    r'<(/?[a-z]++)(?: label="([^"]*+)")?+((?: [a-z_\d]++="[^"]*+")*+ ?/?)>(' + _CLOSED + r"</\1>)?+", re.ASCII
)
"""A tag: name, label, the other XML attributes, which end in ``/`` if it is empty; and its attribute elements with its
own end tag, if nothing else is in it."""

_ANSWER = re.compile(r'[^<]*+<attribute name="([^"]*+)"(?: ?/>|>([^<]*+)</attribute>)')
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([\da-fA-F]{1,6}));")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_NESTING = re.compile("(?: (?:image|track)(?: skeleton /skeleton)*+ /(?:image|track))*+")
_DECLARED = re.compile(rb'\A<\?xml version="1\.[01]"(?: encoding="([\w-]+)")?(?: standalone="(?:yes|no)")? ?\?>')


class NotCanonical(Exception):
    """The file is not of the kind this lane reads."""


def prologue(stream: BinaryIO) -> tuple[bytes, bytes]:
    """Return what comes before the first image or track, and what was read beyond it.

    Raises
    ------
    NotCanonical
        It is not UTF-8, or there is a comment, a processing instruction or a DTD, or nothing is found in 16 MB.
    """
    data = stream.read(CHUNK_BYTES)
    while True:
        cut = min((place for place in map(data.find, (*MARKERS, END)) if place >= 0), default=-1)
        if cut >= 0:
            break
        more = stream.read(CHUNK_BYTES)
        if not more or len(data) > _MAX_PROLOGUE_BYTES:
            raise NotCanonical
        data += more
    head = data[:cut]
    declaration = _DECLARED.match(head)
    if declaration and (declaration[1] or b"utf-8").lower() not in (b"utf-8", b"us-ascii", b"ascii"):
        raise NotCanonical
    body = head[declaration.end() :] if declaration else head
    if b"<!" in body or b"<?" in body or not body.lstrip().startswith(b"<annotations>"):
        raise NotCanonical
    return head, data[cut:]


def chunks(stream: BinaryIO, data: bytes, left: int | None = None) -> Iterator[bytes]:
    """Cut what follows the prologue into pieces of whole images or tracks.

    Parameters
    ----------
    stream : binary stream
    data : bytes
        What was read beyond the prologue.
    left : int, optional
        How many bytes of the stream belong to this walk; by default all.
    """
    marker = next((marker for marker in MARKERS if data.startswith(marker)), None)
    while marker is not None:
        size = max(CHUNK_BYTES, len(data))
        more = stream.read(size if left is None else min(size, left))
        if left is not None:
            left -= len(more)
        if not more:
            break
        data += more
        cut = data.rfind(marker)
        if cut > 0:
            yield data[:cut]
            data = data[cut:]
    yield data


def chunks_between(stream: BinaryIO, start: int, end: int) -> Iterator[bytes]:
    """Cut a part of a file that begins with an image into pieces of whole images; see :func:`chunks`."""
    stream.seek(start)
    first = stream.read(min(end - start, CHUNK_BYTES))
    return chunks(stream, first, end - start - len(first))


def image_from(stream: BinaryIO, place: int) -> int | None:
    """Return where the first image at or behind a place of a file begins, None if there is none."""
    stream.seek(place)
    begin, data = MARKERS[0], b""
    while more := stream.read(CHUNK_BYTES):
        data = data[1 - len(begin) :] + more
        cut = data.find(begin)
        if cut >= 0:
            return stream.tell() - len(data) + cut
    return None


def without_end(chunk: bytes) -> bytes:
    """Return the last chunk without the end of the document.

    Raises
    ------
    NotCanonical
        The document does not end where the chunk does.
    """
    body = chunk.rstrip()
    if not body.endswith(END):
        raise NotCanonical
    return body[: -len(END)]


def count_in(chunk: bytes, character: bytes) -> int:
    """Return how often an ASCII character is in a chunk; for those that are frequent ``bytes.count`` is slow."""
    return int(np.count_nonzero(np.frombuffer(chunk, np.uint8) == ord(character)))


def check_characters(chunk: bytes) -> None:
    """Raise if a chunk is not UTF-8, or has characters that XML or this lane does not allow.

    Raises
    ------
    NotCanonical
    """
    values = np.frombuffer(chunk, np.uint8)
    # Below the blank only the line break, 10, is welcome; one subtraction moves 11 to 31 to the bottom.
    if len(values) and (values.min() < 10 or (values - np.uint8(11)).min() < 21):
        raise NotCanonical
    if not chunk.isascii():
        try:
            text = chunk.decode()
        except UnicodeDecodeError as error:
            raise NotCanonical from error
        if "\ufffe" in text or "\uffff" in text:
            raise NotCanonical
    if b"]" in chunk and b"]]>" in chunk:  # a single byte is found ten times faster
        raise NotCanonical
    if b"&" in chunk and chunk.count(b"&") != sum(map(_is_plain, _ENTITY.finditer(chunk.decode()))):
        raise NotCanonical


def check_nesting(names: Iterable[str]) -> None:
    """Raise unless tags are nested as images or tracks, shapes and answers are.

    Parameters
    ----------
    names : iterable of str
        Of tags that are not closed at once, and of those that close; these begin with ``/``.

    Raises
    ------
    NotCanonical
    """
    if not _NESTING.fullmatch("".join([" " + name for name in names])):
        raise NotCanonical


def _is_plain(entity: re.Match[str]) -> bool:
    """Tell whether the entity stands for a character that XML allows."""
    if entity[1]:
        return True
    code = int(entity[2]) if entity[2] else int(entity[3], 16)
    return code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code < 0x110000


def attributes_of(text: str) -> dict[str, str]:
    """Return the XML attributes written as `` name="value" name="value"``.

    >>> attributes_of(' id="3" name="a &amp; b.jpg"')
    {'id': '3', 'name': 'a & b.jpg'}
    """
    parts = text.split('"')
    names = tuple(parts[::2])
    plain = _plain_names.get(names)
    if plain is None:
        plain = _remember(names)
    if "&" in text:
        return dict(zip(plain, map(unescaped, parts[1::2]), strict=False))
    return dict(zip(plain, parts[1::2], strict=False))


_plain_names: dict[tuple[str, ...], tuple[str, ...]] = {}


def _remember(names: tuple[str, ...]) -> tuple[str, ...]:
    plain = tuple(name.strip(" =") for name in names[:-1])
    if len(set(plain)) != len(plain):
        raise NotCanonical
    if len(_plain_names) > 1024:
        _plain_names.clear()
    _plain_names[names] = plain
    return plain


def answers_of(answers: Answers) -> tuple[tuple[str, str], ...]:
    """Return names and texts of attribute elements, in whichever form a lane holds them.

    Raises
    ------
    NotCanonical
        They are written in another way than this lane reads.

    >>> answers_of('<attribute name="a">x &lt; y</attribute> <attribute name="b"/></box>')
    (('a', 'x < y'), ('b', ''))
    """
    if not isinstance(answers, str):
        return answers
    return _answers_seen(answers) if len(answers) <= _LONGEST_SEEN else _answers_in(answers)


def _answers_in(answers: str) -> tuple[tuple[str, str], ...]:
    found = []
    place = 0
    while match := _ANSWER.match(answers, place):
        found.append((unescaped(match[1]), unescaped(match[2] or "")))
        place = match.end()
    if answers.count("<", place) > 1 or answers.find("<attribute", place) >= 0:
        raise NotCanonical
    return tuple(found)


_LONGEST_SEEN = 512
_answers_seen = lru_cache(maxsize=4096)(_answers_in)
"""The shapes of a track say the same again and again."""


def sides_in(sides: Sides | str) -> Sides:
    """Return sides, in whichever form a lane holds them."""
    return sides_of(attributes_of(sides)) if isinstance(sides, str) else sides


def unescaped(text: str) -> str:
    """Replace the plain entities by what they stand for."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    if entity[1]:
        return _ENTITIES[entity[1]]
    return chr(int(entity[2]) if entity[2] else int(entity[3], 16))


def records(text: str, line: int) -> Iterator[Record]:
    """Yield the images, tracks and strays of a chunk.

    Parameters
    ----------
    text : str
        A chunk that the scan accepted.
    line : int
        One-based line of its first character.

    Raises
    ------
    NotCanonical
        It is not such a chunk after all.
    """
    owner: tuple[str, dict[str, str], int] | None = None
    shapes: list[Shape] = []
    skeleton: tuple[str, dict[str, str], list[tuple[str, str]], list[Shape], int] | None = None
    has_entities = "&" in text
    counted = 0
    place = text.find("<")
    while place >= 0:
        line += text.count("\n", counted, place)
        counted = place
        read = _canonical.get(text[place + 1 : place + 6])
        found = read[1].match(text, place) if read is not None and skeleton is None and owner is not None else None
        if read is not None and found is not None:
            values = found.groups()
            if not has_entities or "&" not in found[0]:
                sides = values[1] + values[-2]
                shapes.append((read[0], values[0], sides, values[2:-2], values[-1] or "", None, line))
                place = text.find("<", found.end())
                continue
        match = _ELEMENT.match(text, place)
        if match is None:
            raise NotCanonical
        tag, label, rest, closed = match.groups()
        place = text.find("<", match.end())
        if tag[0] == "/":
            if tag == "/skeleton":
                if skeleton is None:
                    raise NotCanonical
                name, attributes, answers, children, start = skeleton
                own = sides_of(attributes)
                shapes.append(("skeleton", name, own, attributes, tuple(answers), children or None, start))
                skeleton = None
            else:
                if owner is None:
                    raise NotCanonical
                yield _record(owner, shapes)
                owner = None
            continue
        attributes = attributes_of(rest) if rest else {}
        if label is not None:
            attributes["label"] = unescaped(label)
        if tag == "image" or tag == "track":
            if owner is not None:
                raise NotCanonical
            owner, shapes = (tag, attributes, line), []
            if closed or rest[-1:] == "/":
                yield _record(owner, shapes)
                owner = None
        elif tag == "attribute" and skeleton is not None:
            skeleton[2].append((attributes.get("name", ""), unescaped((closed or "").partition("<")[0])))
        elif tag == "skeleton" and not closed and rest[-1:] != "/":
            skeleton = (attributes.get("label", ""), attributes, [], [], line)
        else:
            name = attributes.get("label", "")
            shape = (tag, name, sides_of(attributes), attributes, closed or NO_ANSWERS, None, line)
            if skeleton is not None:
                skeleton[3].append(shape)
            elif owner is not None:
                shapes.append(shape)
            else:
                yield Stray(shape)


_VALUE = '"([^"]*+)"'
_OPTIONAL = '(?: {}="[^"]*+")?+'


def _canonical_reader(element: str, names: tuple[str, ...]) -> re.Pattern[str]:
    """Return what matches a whole shape, written as CVAT writes it: label, sides, geometry, sides, answers."""
    geometry = "".join(f"(?: {name}={_VALUE})?+" if name == "rotation" else f" {name}={_VALUE}" for name in names)
    head = f"({_OPTIONAL.format('source')}{_OPTIONAL.format('occluded')})"
    tail = f"({_OPTIONAL.format('z_order')}{_OPTIONAL.format('group_id')})"
    answers = rf"([^<]*+(?:<attribute [^<]*+(?:</attribute>[^<]*+)?+)*+</{element}>)"
    return re.compile(f"<{element} label={_VALUE}{head}{geometry}{tail}(?: ?/>|>{answers})")


_canonical = {
    f"{element} label"[:5]: (element, _canonical_reader(element, names)) for element, names in CANONICAL.items()
}
"""By the first five characters after ``<``: the element, and what reads it."""


def _record(owner: tuple[str, dict[str, str], int], shapes: list[Shape]) -> Record:
    tag, attributes, line = owner
    return Image(attributes, shapes, line) if tag == "image" else Track(attributes, shapes, [], line)
