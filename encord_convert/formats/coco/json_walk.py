"""JSON documents of any size: walked once from the top, and read again in places, in little memory.

A COCO file is one object with a few long lists, often on a single line of gigabytes. :class:`Document` cuts such lists
into chunks of whole entries. Where to cut is guessed (`}` , `{`) and proved by decoding: text that is a list once it
is closed ends at the end of an entry, wherever else such characters stand.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import gzip
import os
import re
import tempfile
import weakref
import zlib
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import IO, Any, BinaryIO

import msgspec
from msgspec import Raw

from encord_convert.errors import ReadError
from encord_convert.formats._files import MAX_MEMBER_BYTES, MAX_RATIO, RATIO_SLACK_BYTES, Source

CHUNK_BYTES = 1 << 20
MAX_ENTRY_BYTES = 16 << 20
"""One entry of a list, or one value beside the lists, is no longer than this."""

_TRIES = 48
_TAIL_BYTES = 1 << 16

_CUT = re.compile(rb"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")
_CUT_KEYED = re.compile(rb'\}[ \t\r\n]*,[ \t\r\n]*(?="(?:[^"\\]|\\.){0,64}"[ \t\r\n]*:[ \t\r\n]*\{)')
_TABLE = re.compile(rb'\{[ \t\r\n]*(?:\}|"(?:[^"\\]|\\.)*"[ \t\r\n]*:[ \t\r\n]*\{)')
_KEY = re.compile(rb'[ \t\r\n]*"((?:[^"\\]|\\.)*)"[ \t\r\n]*:[ \t\r\n]*')
_ENTRY_KEY = re.compile(rb'[ \t\r\n,]*"(?:[^"\\]|\\.)*"[ \t\r\n]*:[ \t\r\n]*')
_FIRST_KEY = re.compile(rb'\{[ \t\r\n]*"(?:[^"\\]|\\.)*"')
_BETWEEN = re.compile(rb"[ \t\r\n,]*")
_PLACE = re.compile(r" \(byte (\d+)\)")
_NO_NUMBER = re.compile(rb'"(?:[^"\\]|\\.)*"|-?Infinity|NaN')
_BOM = b"\xef\xbb\xbf"

_raws = msgspec.json.Decoder(list[Raw])
_tables = msgspec.json.Decoder(dict[str, Raw])
_raw = msgspec.json.Decoder(Raw)


def _has_other_numbers(text: bytes) -> bool:
    """Tell whether NaN or Infinity may stand for a value: behind what can be before one, not amid a mask's letters."""
    for word in (b"NaN", b"Infinity"):
        at = text.find(word)
        while at >= 0:
            if not at or text[at - 1] in b"[:,- \t\r\n":
                return True
            at = text.find(word, at + 1)
    return False


TABLES = frozenset({"images", "annotations", "categories", "videos"})
"""Lists that may stand as objects, each entry under a key of its own."""


@dataclass(slots=True)
class Chunk:
    """Some entries of a list that stand one after the other.

    Parameters
    ----------
    key : str
        The list, by its key; empty for a list that is the whole document.
    text : bytes
        The entries as a JSON list.
    entries : list of Raw
        Each entry.
    offset : int
        Of the first byte behind the bracket of ``text``, in the document.
    """

    key: str
    text: bytes
    entries: list[Raw]
    offset: int

    def places(self) -> tuple[int, list[int], list[int]]:
        """Return where ``text`` begins in the document, where each entry begins in it, and how many bytes it has."""
        lengths = list(map(len, self.entries))
        text, place, places = self.text, 1, []
        match = _BETWEEN.match
        for length in lengths:
            if text[place] in b" \t\r\n,":
                found = match(text, place)
                assert found is not None
                place = found.end()
            places.append(place)
            place += length
        return self.offset - 1, places, lengths


@dataclass(slots=True)
class KeyedChunk(Chunk):
    """Some entries of an object that is a list but for its keys: ``text`` is the list, ``starts`` where they stand."""

    starts: list[int]

    def places(self) -> tuple[int, list[int], list[int]]:
        """Return what a list would, of the values: each stands behind its key."""
        return self.offset - 1, self.starts, list(map(len, self.entries))


@dataclass(slots=True)
class Value:
    """A value at the top of a document that is no list of entries."""

    key: str
    text: Raw


class Document:
    """A JSON document that can be walked and read in places; sent to another process, it is opened there again.

    Parameters
    ----------
    source : Source
    member : str
        Of the source; inflated beside it if it is compressed.
    stamp : tuple, optional
        What tells the file from any other, if it was opened before.
    is_keyed : bool
        Some list stands as an object, so that there are keys between its entries.
    is_lenient : bool
        There may be NaN or Infinity, which JSON does not have; the walk finds out, since no decoder takes them.
    """

    def __init__(
        self, source: Source, member: str, stamp: tuple[int, ...] | None = None, is_keyed: bool = False,
        is_lenient: bool = False,
    ) -> None:  # fmt: skip
        self.member = member
        self.is_keyed = is_keyed
        self.is_lenient = is_lenient
        self.place = source.place(member)
        self._source = source
        self._stamp = stamp

    @cached_property
    def _stream(self) -> BinaryIO:
        stream = _opened(self._source, self.member, self.place)
        weakref.finalize(self, stream.close)
        if self._stamp is not None and _stamp_of(stream) != self._stamp:
            raise self.changed()
        return stream

    @property
    def is_file(self) -> bool:
        """Tell whether it is read where it lies, and not as a copy."""
        return not isinstance(self._stream, tempfile.SpooledTemporaryFile)

    def __reduce__(self) -> tuple[Any, ...]:
        return Document, (self._source, self.member, _stamp_of(self._stream), self.is_keyed, self.is_lenient)

    def read(self, offset: int, count: int) -> bytes:
        """Return bytes from an offset: fewer at the end. What JSON has no numbers for is an empty object there."""
        self._stream.seek(offset)
        text = self._stream.read(count)
        if self.is_lenient and _has_other_numbers(text):
            text = _NO_NUMBER.sub(_without_number, text)
        return text

    def is_list(self) -> bool:
        """Tell whether the document as a whole is a list."""
        return self._at(self._start()) == b"["

    def walk(self) -> Iterator[Chunk | Value]:
        """Yield what stands at the top, in its order; lists in chunks, an empty list as one without entries.

        Raises
        ------
        ReadError
            It is not JSON, is cut short, nests too deep, or an entry is too long.
        """
        place = self._start()
        opening = self._at(place)
        if opening == b"[":
            self._check_end((yield from self._list("", place + 1)))
            return
        if opening != b"{":
            raise self._fault("is neither a JSON object nor a list", place)
        place, separator = self._skip(place + 1), b""
        while (mark := self._at(place)) != b"}":
            if separator:
                if mark != b",":
                    raise self._fault("expected a comma", place)
                place = self._skip(place + 1)
            separator = b","
            head = self.read(place, 4096)
            key = _KEY.match(head)
            if key is None:
                raise self._fault("expected a key", place)
            self._check_text(key.group(), place)
            place += key.end()
            name = _text_of(key.group(1))
            if self._at(place) == b"[":
                place = yield from self._list(name, place + 1)
            elif name in TABLES and _TABLE.match(self.read(place, 4096)):
                place = yield from self._list(name, place + 1, is_keyed=True)
            else:
                value, place = self._value(place)
                yield Value(name, value)
            place = self._skip(place)
        self._check_end(place + 1)

    # -- pieces -----------------------------------------------------------------------------------------------

    def _start(self) -> int:
        return self._skip(len(_BOM) if self.read(0, 3) == _BOM else 0)

    def _at(self, place: int) -> bytes:
        byte = self.read(place, 1)
        if not byte:
            raise self._cut_short()
        return byte

    def _skip(self, place: int) -> int:
        """Return where the blanks end that begin at ``place``."""
        while True:
            text = self.read(place, 256)
            blanks = len(text) - len(text.lstrip(b" \t\r\n"))
            place += blanks
            if blanks < len(text) or not text:
                return place

    def _value(self, place: int) -> tuple[Raw, int]:
        """Return the value at a place, and where it ends."""
        size = 1 << 14
        while True:
            text = self.read(place, size)
            is_whole = len(text) < size
            if not self.is_lenient and _has_other_numbers(text):
                self.is_lenient = True
                continue
            try:
                value = _decoded(_raw, text)
                if is_whole:
                    self._check_text(text, place)
                    return value, place + len(text)
            except _Ends as end:
                self._check_text(text[: end.place], place)
                return _decoded(_raw, text[: end.place]), place + end.place
            except msgspec.DecodeError as error:
                if is_whole or not _may_be_cut(error, len(text)):
                    raise self._broken(error, place, len(text)) from error
            except RecursionError as error:
                raise self._too_deep(place) from error
            size = self._grown(size, place)

    def _check_text(self, text: bytes, place: int) -> None:
        """Check that bytes of the document are UTF-8: JSON is, and what is not would be lost somewhere."""
        if not text.isascii():
            try:
                text.decode("utf-8")
            except UnicodeDecodeError as error:
                raise self._fault(f"is not JSON: invalid UTF-8 ({error.reason})", place + error.start) from error

    def _check_end(self, place: int) -> None:
        """Check that nothing comes after the document, which would vanish."""
        place = self._skip(place)
        if self.read(place, 1):
            line = 1 + sum(
                self.read(at, min(CHUNK_BYTES, place - at)).count(b"\n") for at in range(0, place, CHUNK_BYTES)
            )
            advice = "Are these several documents in one file? Give each a file of its own."
            raise ReadError(self.place, "has more after the end of the JSON document.", line=line, advice=advice)

    def _list(self, key: str, place: int, *, is_keyed: bool = False) -> Generator[Chunk, None, int]:
        """Yield the chunks of the list whose first entry begins at ``place``; return where it ends."""
        size, prefix, is_first = CHUNK_BYTES, b"", True
        while True:
            text = self.read(place, size)
            if is_first:
                head = text.lstrip(b" \t\r\n")
                if head.startswith(b"}" if is_keyed else b"]"):
                    yield Chunk(key, b"[]", [], place)
                    return place + len(text) - len(head) + 1
                found = None if is_keyed else _FIRST_KEY.match(head)
                prefix = found.group() if found else b"" if is_keyed else b"{"
            chunk, fault = None, None
            try:
                chunk, used, ends = self._chunk(key, place, text, prefix, len(text) < size, is_keyed)
            except ReadError as error:
                fault = error
            if chunk is None:
                if not self.is_lenient and _has_other_numbers(text):
                    self.is_lenient = True
                elif fault is not None:
                    raise fault
                else:
                    size = self._grown(size, place)
                continue
            yield chunk
            size, is_first = CHUNK_BYTES, False
            place += used
            if ends:
                return place

    def _chunk(
        self, key: str, place: int, text: bytes, prefix: bytes, is_whole: bool, is_keyed: bool
    ) -> tuple[Chunk | None, int, bool]:
        """Return the longest chunk the text begins with, how many bytes it is, and whether it ends the list."""
        opening, closing, decoder = (b"{", b"}", _tables) if is_keyed else (b"[", b"]", _raws)
        for cut, following in _cuts(text, prefix, _CUT_KEYED if is_keyed else _CUT):
            body = opening + text[:cut] + closing
            try:
                return self._made(key, place, body, _decoded(decoder, body)), following, False
            except _Ends as end:
                return self._last(key, place, body, end.place, decoder)
            except msgspec.DecodeError as error:
                if not _may_be_cut(error, len(body)):
                    raise self._broken(error, place, len(body)) from error
            except RecursionError as error:
                raise self._too_deep(place) from error
        body = opening + text
        try:
            entries = _decoded(decoder, body)
        except _Ends as end:
            return self._last(key, place, body, end.place, decoder)
        except msgspec.DecodeError as error:
            if is_whole or not _may_be_cut(error, len(body)):
                raise self._broken(error, place, len(body)) from error
            return None, 0, False
        except RecursionError as error:
            raise self._too_deep(place) from error
        return self._made(key, place, body, entries), len(text), True

    def _last(self, key: str, place: int, body: bytes, end: int, decoder: Any) -> tuple[Chunk, int, bool]:
        text = body[:end].rstrip(b" \t\r\n")
        return self._made(key, place, text, _decoded(decoder, text)), len(text) - 1, True

    def _made(self, key: str, place: int, body: bytes, entries: Any) -> Chunk:
        self._check_text(body, place - 1)
        if isinstance(entries, list):
            return Chunk(key, body, entries, place)
        values, starts, at = list(entries.values()), [], 1
        for value in values:
            found = _ENTRY_KEY.match(body, at)
            at = found.end() if found is not None else len(body)
            starts.append(at)
            at += len(value)
        if body[at:].strip() != b"}":
            raise self._fault(f"a key of {key!r} stands twice", place)
        self.is_keyed = True
        return KeyedChunk(key, b"[" + b",".join(map(bytes, values)) + b"]", values, place, starts)

    def _grown(self, size: int, place: int) -> int:
        if size >= MAX_ENTRY_BYTES:
            raise self._fault(f"an entry is longer than {MAX_ENTRY_BYTES >> 20} MB", place)
        return 2 * size

    # -- faults -----------------------------------------------------------------------------------------------

    def changed(self) -> ReadError:
        """Return the error for a document that is not what it was on the first walk."""
        return ReadError(self.place, "changed while it was read.", advice="Read it again when it is done.")

    def _broken(self, error: msgspec.DecodeError, place: int, length: int) -> ReadError:
        found = _PLACE.search(str(error))
        if found is None or int(found.group(1)) >= length:
            return self._cut_short()
        fact = _PLACE.sub("", str(error)).removeprefix("JSON is malformed: ").rstrip(".")
        return self._fault(f"is not JSON: {fact}", place + int(found.group(1)))

    def _too_deep(self, place: int) -> ReadError:
        return self._fault("nests deeper than any COCO file", place)

    def _cut_short(self) -> ReadError:
        return ReadError(self.place, "ends in the middle.", advice="Was the file cut short?")

    def _fault(self, fact: str, place: int) -> ReadError:
        return ReadError(self.place, f"{fact}, at byte {place}.")


class _Ends(Exception):
    """The value ends before the text does."""

    def __init__(self, place: int) -> None:
        self.place = place


def _decoded(decoder: Any, text: bytes) -> Any:
    try:
        return decoder.decode(text)
    except msgspec.DecodeError as error:
        message = str(error)
        if "trailing characters" in message:
            found = _PLACE.search(message)
            assert found is not None
            raise _Ends(int(found.group(1)) - 1) from None
        raise


def _may_be_cut(error: msgspec.DecodeError, length: int) -> bool:
    """Tell whether the error is at the end of the text, where it may only be that there is more."""
    found = _PLACE.search(str(error))
    return found is None or int(found.group(1)) >= length - 12


def _cuts(text: bytes, prefix: bytes, pattern: re.Pattern[bytes]) -> Iterator[tuple[int, int]]:
    """Yield where entries may end and the next begin, from the last on: first those that begin like the first entry."""
    for start in {max(0, len(text) - _TAIL_BYTES): None, 0: None}:
        found = [(match.start() + 1, match.end()) for match in pattern.finditer(text, start)]
        if found:
            alike = [cut for cut in found if text.startswith(prefix, cut[1])]
            yield from (alike or found)[: -_TRIES - 1 : -1]
            if alike:
                yield from found[: -_TRIES - 1 : -1]
            return


def _without_number(found: re.Match[bytes]) -> bytes:
    text = found.group()
    return text if text.startswith(b'"') else b"{}".ljust(len(text))


def _text_of(escaped: bytes) -> str:
    try:
        return str(msgspec.json.decode(b'"' + escaped + b'"', type=str))
    except msgspec.DecodeError:
        return escaped.decode("utf-8", "replace")


# -- where the bytes are ------------------------------------------------------------------------------------------


def _stamp_of(stream: BinaryIO) -> tuple[int, ...]:
    status = os.fstat(stream.fileno())
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _opened(source: Source, member: str, place: str) -> BinaryIO:
    stream = source.open(member)
    if source.path(member) is None:  # a member of an archive, which can only be read from its start
        with stream as member_stream:
            stream = _spooled(iter(lambda: member_stream.read(CHUNK_BYTES), b""))
        stream.seek(0)
    magic = stream.read(2)
    stream.seek(0)
    if magic == b"\x1f\x8b":
        with stream:
            return _spooled(_inflated(stream, place))
    return stream


def _spooled(pieces: Iterator[bytes]) -> BinaryIO:
    file: IO[bytes] = tempfile.SpooledTemporaryFile(8 << 20)  # noqa: SIM115 -- closed with the document
    try:
        for piece in pieces:
            file.write(piece)
    except BaseException:
        file.close()
        raise
    return file  # type: ignore[return-value]


def _inflated(stream: BinaryIO, place: str) -> Iterator[bytes]:
    stored = stream.seek(0, 2)
    stream.seek(0)
    left = min(MAX_MEMBER_BYTES, stored * MAX_RATIO + RATIO_SLACK_BYTES)
    try:
        with gzip.GzipFile(fileobj=stream, mode="rb") as plain:
            while piece := plain.read(CHUNK_BYTES):
                left -= len(piece)
                if left < 0:
                    fact = f"inflates to more than {MAX_RATIO} times its stored size."
                    raise ReadError(place, fact, advice="The file is refused.")
                yield piece
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise ReadError(place, f"is damaged gzip ({error}).", advice="Was the file cut short?") from error
