"""Names of files that go with images: one for each frame, safe on every system."""

from __future__ import annotations

import re

from encord_convert.formats._files import name_fault
from encord_convert.formats._paths import shortened
from encord_convert.hub.visibility import unit_of
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

_UNSAFE = re.compile(r'[\x00-\x1f<>:"|?*%\x7f\ud800-\udfff]|^\.|^ |[. ]$')
_DIGITS = 6


def safe_path(title: str) -> str:
    """Return a title as a path below a folder, ``/`` between folders; what no system takes is written as ``%XX``.

    >>> safe_path("cam:1/../a?.jpg"), safe_path(".hidden/con.png")
    ('cam%3A1/%2E%2E/a%3F.jpg', '%2Ehidden/%63on.png')
    """
    parts = [_safe_part(part) for part in title.replace("\\", "/").split("/") if part]
    return "/".join(parts) or "_"


def image_path(row: LabelRowV2, frame: int) -> str:
    """Return the path of a frame without a suffix.

    An image keeps its title; images of a group stand below the group's; frames of videos and DICOM series have six
    digits below the title.
    """
    title = safe_path(row.data_title)
    if row.data_type is DataType.IMAGE:
        return _stem(title)
    if row.data_type is DataType.IMG_GROUP:
        return _stem(f"{title}/{safe_path(unit_of(row, frame).data_title)}")
    return f"{_stem(title)}/{frame:0{_DIGITS}d}"


def _safe_part(part: str) -> str:
    if set(part) == {"."}:
        return "%2E" * len(part)
    safe = _UNSAFE.sub(lambda found: "".join(f"%{ord(one):02X}" for one in found.group()), part)
    if name_fault(safe):  # a name of Windows' own: its first letter is spelt out
        safe = f"%{ord(safe[0]):02X}{safe[1:]}"
    return shortened(safe)


def _stem(path: str) -> str:
    folder, slash, last = path.rpartition("/")
    stem, dot, _ = last.rpartition(".")
    return folder + slash + (stem if dot and stem else last)
