"""CVAT files as CVAT itself writes them: the fast reader.

Most CVAT files use little of XML: UTF-8, double quotes, one blank between attributes, no comments. Such a file can be
read with one regular expression, several times faster than with a parser. The scan proves of the *whole* file that
nothing in it is beyond this reader (it counts every ``<`` and every ``&``); a file of which it cannot goes to the exact
reader, from its start. So the two differ in speed and in nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from io import BytesIO
from typing import BinaryIO

import numpy as np

from encord_convert.errors import ReadError
from encord_convert.formats.cvat.exact_xml import ROOT, Answers, Record, parsed_elements

CHUNK_BYTES = 1 << 18
"""How much is read at a time; an image or track that is larger is read whole."""

START, END = f"<{ROOT}>".encode(), f"</{ROOT}>".encode()
MARKERS = (b"<image ", b"<track ")

_MAX_PROLOGUE_BYTES = 16 << 20

_CLOSED = rb"[^<]*+(?:<attribute [^<]*+(?:</attribute>[^<]*+)?+)*+"
"""Attribute elements, and what is around them."""

TOKEN = re.compile(
    rb'<(/?[a-z]++(?: label="[^"]*+"(?: source="[^"]*+")?+(?: occluded="[^"]*+")?+(?: source="[^"]*+")?+)?+)'
    rb'((?: points="[^"]*+"| xtl="[^"]*+" ytl="[^"]*+" xbr="[^"]*+" ybr="[^"]*+"|)'
    rb'(?: [a-fh-rt-y][a-z_\d]*+="[^"]*+")*+)'
    rb'((?: z_order="[^"]*+")?+(?: [a-z_\d]++="[^"]*+")*+'
    rb"(?:>(?:" + _CLOSED + rb"</(?!(?:image|track|skeleton)>)[a-z]++>)?+| ?/>))"
    rb"(?=\s*+(?:<|\Z))"
)
"""A tag without text behind it, in three parts. The *head*: name (``/name`` if it closes), label, and who made it. The
*body*: XML attributes that differ from shape to shape. The *tail*: the others, which begin with those CVAT writes last,
and its attribute elements with an end tag if nothing else is in it. Few heads and tails come in a file, as often as it
has shapes."""

_ANSWER = re.compile(r'[^<]*+<attribute name="([^"]*+)"(?: ?/>|>([^<]*+)</attribute>)')
_ENTITY = re.compile(r"&(?:(lt|gt|amp|quot|apos)|#(\d{1,7})|#x([\da-fA-F]{1,6}));")
_ENTITIES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"', "apos": "'"}
_DECLARED = re.compile(rb'\A<\?xml version="1\.[01]"(?: encoding="([\w-]+)")?(?: standalone="(?:yes|no)")? ?\?>')


class NotCanonical(Exception):
    """The file is not of the kind this reader reads."""


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
    """Raise if a chunk is not UTF-8, or has characters that XML or this reader does not allow.

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
    """Return names and texts of attribute elements, in whichever form a reader holds them.

    Raises
    ------
    NotCanonical
        They are written in another way than this reader reads.

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


def unescaped(text: str) -> str:
    """Replace the plain entities by what they stand for."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(entity: re.Match[str]) -> str:
    if entity[1]:
        return _ENTITIES[entity[1]]
    return chr(int(entity[2]) if entity[2] else int(entity[3], 16))


def records(chunk: bytes, line: int) -> Iterator[Record]:
    """Yield the images, tracks and strays of a chunk, as the exact reader reads them.

    Parameters
    ----------
    chunk : bytes
    line : int
        One-based line of its first character.

    Raises
    ------
    NotCanonical
        There is something else in it.
    """
    try:
        for kind, item in parsed_elements(BytesIO(START + chunk + END), "", line - 1):
            if kind == "record":
                yield item
            elif item or kind != "around":
                raise NotCanonical
    except ReadError as error:
        raise NotCanonical from error
