"""Entries of a COCO file as they are found: images, annotations, categories; ids of any kind as one number.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import cache, partial
from hashlib import blake2b
from operator import attrgetter
from typing import Any

import msgspec
from msgspec import Raw

from encord_convert.hub.visibility import is_far

NO_ID = -(1 << 63)
"""Stands for an id that is missing or is none."""

SIDE_KEYS = frozenset(
    {"occluded", "truncated", "ignore", "visibility", "isfake", "isreflected", "IsOccluded", "IsTruncated", "IsGroupOf",
     "IsDepiction", "IsInside"}
)  # fmt: skip
"""Keys beside the geometry that say something of the object: they are attributes."""

_NONE = Raw(b"")
_DECIMAL = re.compile(r"-?(?:0|[1-9]\d{0,17})")
_UNKNOWN = re.compile(r"unknown field `(.*?)`(?: - at `\$.*`)?\Z", re.DOTALL)
_ODD = re.compile(r'["\\\x00-\x1f]')
_MOST_UNKNOWN = 200

_ANY = ("id", "image_id", "category_id", "video_id", "track_id", "instance_id", "iscrowd", "caption", "score",
        "confidence", "rotation", "num_keypoints", "file_name")  # fmt: skip
_RAW = ("bbox", "segmentation", "keypoints", "attributes", "segments_info", "segmentations", "bboxes", "area",
        "areas")  # fmt: skip


@cache
def entry_type(unknown: tuple[str, ...] = (), *, is_strict: bool = True) -> Any:
    """Return the class of annotations that may have these keys beside the known ones; they stand in ``x0``, ``x1``, …

    What is heavy stays text until it is needed. An annotation with a key that is neither is refused, if strict.
    """
    fields: list[Any] = [(name, Any, None) for name in _ANY]
    fields += [(name, Raw, _NONE) for name in _RAW]
    fields += [(f"x{number}", Raw, _NONE) for number in range(len(unknown))]
    rename = {f"x{number}": name for number, name in enumerate(unknown)}
    return msgspec.defstruct("Entry", fields, rename=rename, forbid_unknown_fields=is_strict, gc=False)


class Entries:
    """Decodes annotations; the keys that are not known are learnt on the way.

    Attributes
    ----------
    unknown : list of str
        Keys met that are not known, in the order of meeting; at most 200.
    has_odd : bool
        Some keys have characters that no name of a field may have; they are replaced.
    """

    def __init__(self, unknown: Iterable[str] = (), *, has_odd: bool = False) -> None:
        self.unknown = list(unknown)
        self.has_odd = has_odd
        self._make()

    def __reduce__(self) -> tuple[Any, ...]:
        return partial(Entries, has_odd=self.has_odd), (self.unknown,)

    @property
    def is_full(self) -> bool:
        """Whether no further key is learnt."""
        return len(self.unknown) >= _MOST_UNKNOWN

    def _make(self) -> None:
        kind = entry_type(tuple(self.unknown), is_strict=not self.is_full)
        self._one = msgspec.json.Decoder(kind)
        self._many = msgspec.json.Decoder(list[kind])  # type: ignore[valid-type]
        self._raws = msgspec.json.Decoder(list[Raw])

    def decoded(self, text: bytes) -> list[Any]:
        """Return the annotations of a JSON list; None for an entry that is no object."""
        given = text
        while True:
            text = _with_plain_keys(given) if self.has_odd else given
            try:
                return self._many.decode(text)
            except msgspec.ValidationError as error:
                if not self._learn(error):
                    return self._each(self._raws.decode(text))

    def _each(self, raws: list[Raw]) -> list[Any]:
        """Return annotations decoded one by one, all by what was learnt from the last."""
        while True:
            before = len(self.unknown)
            found = [self._lone(raw) for raw in raws]
            if len(self.unknown) == before:
                return found

    def _lone(self, raw: Raw) -> Any:
        while True:
            try:
                return self._one.decode(_with_plain_keys(b"[%b]" % raw)[1:-1] if self.has_odd else raw)
            except msgspec.ValidationError as error:
                if not self._learn(error):
                    return None

    def _learn(self, error: msgspec.ValidationError) -> bool:
        found = _UNKNOWN.search(str(error))
        if found is None:
            return False
        if _ODD.search(found.group(1)):
            self.has_odd = True
            return True
        self.unknown.append(found.group(1))
        self._make()
        return True

    def strange(self, entry: Any) -> list[tuple[str, Raw]]:
        """Return the unknown keys of an annotation with their values."""
        found = []
        for number, name in enumerate(self.unknown):
            value = getattr(entry, f"x{number}", _NONE)
            if len(value):
                found.append((_real(name), value))
        return found


def _with_plain_keys(text: bytes) -> bytes:
    """Return annotations with their odd keys replaced: what stands under one is an unknown key like any other."""
    return msgspec.json.encode([_with_plain(entry) for entry in msgspec.json.decode(text)])


def _with_plain(entry: Any) -> Any:
    if not isinstance(entry, dict) or not any(map(_ODD.search, entry)):
        return entry
    return {_MARK + key.encode().hex() if _ODD.search(key) else key: value for key, value in entry.items()}


_MARK = "\ue000"
"""Opens the name that stands for an odd key, in a letter nobody may use (Unicode, private use)."""


def _real(name: str) -> str:
    """Return the key that a name stands for."""
    if not name.startswith(_MARK):
        return name
    try:
        return bytes.fromhex(name[1:]).decode()
    except ValueError:  # a key of the file that begins so
        return name


class Frame(msgspec.Struct, gc=False):
    """What of an image decides to which row it belongs."""

    id: Any = None
    video_id: Any = None
    frame_id: Any = None
    frame_index: Any = None
    file_name: Any = None
    video_title: Any = None
    split: Any = None
    encord: Raw = _NONE
    attributes: Raw = _NONE


def sides(names: Sequence[str], unknown: int) -> tuple[Callable[[Any], tuple[Any, ...]], tuple[Any, Any]]:
    """Return what tells annotations with a word more about them than others: most have none.

    Parameters
    ----------
    names : sequence of str
        Keys that are looked at beside ``iscrowd``, where 0 says as much as nothing.
    unknown : int
        How many keys are not known; all of them are looked at.

    Returns
    -------
    callable
        From an annotation to the values of its keys.
    tuple
        Those where there is nothing.
    """
    keys = (*names, *(f"x{number}" for number in range(unknown)))
    nothing = [None if key in _ANY else _NONE for key in keys]
    return attrgetter("iscrowd", *keys), ((0, *nothing), (None, *nothing))


_HASH = b'"encord_object_hash":"'
_HASH_SIZE = 8


def without_hash(attributes: bytes) -> tuple[bytes, bytes]:
    """Return attributes without the hash of the object, and that: this package writes it behind all else.

    The hash is empty if there is none there, and the attributes are what they were; else they lack their end.

    >>> without_hash(b'{"a":1,"encord_object_hash":"AAAABBBB"}')
    (b'{"a":1,', b'AAAABBBB')
    """
    if _HASH not in attributes:
        return attributes, b""
    end = len(attributes) - 2
    start = end - _HASH_SIZE
    hash_ = attributes[start:end]
    if attributes[start - len(_HASH) : start] == _HASH and hash_.translate(None, b"+/").isalnum():
        return attributes[: start - len(_HASH)], hash_
    return attributes, b""


def number_of(id_: Any) -> int:
    """Return a number that stands for an id: itself if it is one, also as text, else 62 bits of the text.

    >>> number_of("17"), number_of(17.0), number_of(None) == NO_ID
    (17, 17, True)
    """
    if id_.__class__ is int:
        return int(id_) if -(1 << 61) < id_ < 1 << 61 else _hashed(str(id_))
    if isinstance(id_, str) and id_:
        return int(id_) if _DECIMAL.fullmatch(id_) else _hashed(id_)
    if isinstance(id_, (float, bool)):
        return int(id_) if id_ == id_ // 1 and abs(id_) < 1 << 53 else NO_ID
    return NO_ID


def numbers_of_ids(ids: list[Any]) -> list[int]:
    """Return what :func:`number_of` does of each."""
    if set(map(type, ids)) == {int} and min(ids) > -(1 << 61) and max(ids) < 1 << 61:
        return ids
    return list(map(number_of, ids))


def _hashed(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 2 | 1 << 61


def is_given(raw: Raw) -> bool:
    """Tell whether a key stands there with a value that is neither null nor empty.

    >>> is_given(Raw(b"[1]")), is_given(Raw(b"[ ]")), is_given(Raw(b"null")), is_given(Raw(b""))
    (True, False, False, False)
    """
    count = len(raw)
    if count > 4:
        return count > 64 or bytes(raw).translate(None, b" \t\r\n") not in (b"[]", b"{}")
    return count > 0 and bytes(raw).translate(None, b" \t\r\n") not in (b"[]", b"{}", b"null", b'""')


def outlines(entries: Sequence[Any]) -> list[str]:
    """Return what the outline of each annotation is: ``polygon``, ``rle``, ``bbox``, or nothing."""
    found = []
    for entry in entries:
        if entry is None:
            found.append("")
            continue
        text = bytes(entry.segmentation)
        if len(text) > 64 or (text and text != b"[]" and is_given(entry.segmentation)):
            found.append("rle" if text[0] == 123 else "polygon")
        else:
            found.append("bbox" if b"," in bytes(entry.bbox) or is_given(entry.bbox) else "")
    return found


def first_byte(raw: Raw) -> int:
    """Return the first byte of a value; 0 if there is none."""
    return memoryview(raw)[0] if len(raw) else 0


def value_of(raw: Raw) -> Any:
    """Return a value whatever it is; None if there is none, or one no decoder takes."""
    try:
        return msgspec.json.decode(raw) if len(raw) else None
    except (msgspec.DecodeError, RecursionError):
        return None


def numbers_of(value: Any) -> list[float] | None:
    """Return a list of numbers as such, None if it is something else or one is beyond any image."""
    if not isinstance(value, list):
        return None
    if not all(number.__class__ is float or number.__class__ is int for number in value):
        return None
    return None if is_far(value) else value


def texts_of(value: Any) -> Sequence[str]:
    """Return a list of texts; a text alone as one, anything else as none."""
    if isinstance(value, str):
        return [value]
    return value if isinstance(value, list) and all(isinstance(one, str) for one in value) else []
