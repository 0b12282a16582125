"""Names to formats. Nothing is imported until a format is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from encord_convert.errors import MissingDependencyError, UndetectedFormatError, UnknownFormatError
from encord_convert.formats._api import Format, Match

if TYPE_CHECKING:
    from encord_convert.formats._files import Source

KNOWN: dict[str, str] = {
    "coco": "encord_convert.formats.coco:FORMAT",
    "coco-encord": "encord_convert.formats.coco_encord:FORMAT",
    "coco-keypoints": "encord_convert.formats.coco_keypoints:FORMAT",
    "coco-panoptic": "encord_convert.formats.coco_panoptic:FORMAT",
    "coco-results": "encord_convert.formats.coco_results:FORMAT",
    "coco-rle": "encord_convert.formats.coco:FORMAT_RLE",
    "coco-ytvis": "encord_convert.formats.coco_ytvis:FORMAT",
    "cvat": "encord_convert.formats.cvat:FORMAT",
    "dicom": "encord_convert.formats.dicom:FORMAT",
    "dicom-table": "encord_convert.formats.dicom:FORMAT_TABLE",
    "encord": "encord_convert.formats.encord:FORMAT",
    "masks": "encord_convert.formats.masks:FORMAT",
    "masks-index": "encord_convert.formats.masks:FORMAT_INDEX",
    "masks-instance": "encord_convert.formats.masks:FORMAT_INSTANCE",
    "rle": "encord_convert.formats.rle:FORMAT",
}
"""Our formats, in alphabetical order. A table and not entry points, so that a bare checkout works uninstalled."""

WRITTEN_ONLY = frozenset(
    {"coco-encord", "coco-keypoints", "coco-panoptic", "coco-results", "coco-rle", "coco-ytvis", "dicom-table"}
)  # fmt: skip
"""Those of our formats that cannot be read: they need not be imported to tell what a source is."""

GROUP = "encord_convert.formats"
"""The entry-point group in which other packages name theirs."""


@cache
def outside() -> dict[str, str]:
    """Return the addresses of the formats that other packages bring, by name."""
    return {point.name: point.value for point in entry_points(group=GROUP) if point.name not in KNOWN}


@cache
def _addresses() -> dict[str, str]:
    return dict(sorted({**outside(), **KNOWN}.items()))


def format_named(name: str) -> Format:
    """Return the format of this name.

    Raises
    ------
    UnknownFormatError
        No such name.
    MissingDependencyError
        The format needs a package that is not installed.
    """
    address = _addresses().get(name)
    if address is None:
        raise UnknownFormatError(name, _addresses())
    module, _, attribute = address.partition(":")
    try:
        format_ = getattr(import_module(module), attribute)
    except ImportError as error:
        if (error.name or "").startswith("encord_convert"):
            raise  # a fault of ours, not a package that is missing
        raise MissingDependencyError(
            f"The format {name!r} needs {error.name or 'a package'}, which is not installed. "
            f"Run: python -m pip install 'encord-convert[{name}]'"
        ) from error
    assert isinstance(format_, Format)
    return format_


class _Formats(Mapping[str, Format]):
    """A read-only view of all formats; each is imported when looked up."""

    def __getitem__(self, name: str) -> Format:
        if name not in _addresses():
            raise KeyError(name)
        return format_named(name)

    def __iter__(self) -> Iterator[str]:
        return iter(_addresses())

    def __len__(self) -> int:
        return len(_addresses())


def formats() -> Mapping[str, Format]:
    """Return all formats by name, in alphabetical order."""
    return _Formats()


def detect(source: Source) -> Format:
    """Return the one format that can read ``source``.

    Raises
    ------
    UndetectedFormatError
        None claims it, or more than one does.
    """
    answers: dict[Match, list[Format]] = {match: [] for match in Match}
    for name in (name for name in _addresses() if name not in WRITTEN_ONLY):
        format_ = format_named(name)
        if format_.importer is not None:
            answers[format_.identify(source)].append(format_)
    claimants = answers[Match.YES] or answers[Match.UNSURE]
    if len(claimants) == 1:
        return claimants[0]
    raise UndetectedFormatError(source.name, [f.name for f in claimants], _readable())


def _readable() -> list[str]:
    return [format_.name for format_ in formats().values() if format_.importer is not None]
