"""Reads report files, to show their losses on the images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec

from encord_convert.errors import ReadError
from encord_convert.hub.loss import Loss
from encord_convert.view.marks import Marks

_BEGIN = re.compile(rb'\s*\{\s*"source"\s*:\s*\{')
_HEAD, _MOST_BYTES = 4_096, 256 << 20


class _Form(msgspec.Struct):
    source: dict[str, Any]
    target: dict[str, Any]
    counts: dict[str, Any]
    losses: list[msgspec.Raw]


class _Where(msgspec.Struct):
    file: str | None = None
    line: int | None = None
    row: str | None = None
    frame: int | None = None
    element: str | None = None
    object_hash: str | None = None


class _Example(msgspec.Struct):
    where: _Where
    detail: str


class _Loss(msgspec.Struct):
    kind: str
    code: str
    feature: str
    type: str
    label: str
    count: int
    where: _Where
    detail: str
    examples: list[_Example] = []


def report_marks(path: str) -> tuple[Marks, str] | None:
    """Return the marks of a report file and the path of its output; None if it is not a report.

    Raises
    ------
    ReadError
        It is a damaged report.
    """
    place = Path(path)
    try:
        if not place.is_file():
            return None
        with place.open("rb") as stream:
            if not _BEGIN.match(stream.read(_HEAD)):
                return None
            stream.seek(0)
            form = msgspec.json.decode(stream.read(_MOST_BYTES), type=_Form)
    except (OSError, ValueError, RecursionError):  # not JSON: left to format detection
        return None
    try:
        losses = [Loss.from_dict(msgspec.to_builtins(msgspec.json.decode(loss, type=_Loss))) for loss in form.losses]
        return Marks.of_losses(losses, form.target.get("format")), str(form.target.get("path") or "")
    except ValueError as error:
        raise ReadError(path, f"is a report whose losses cannot be read ({error}).") from error
