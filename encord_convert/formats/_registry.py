"""The registry of formats. Formats are imported on first use."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Set
from functools import cache
from importlib import import_module
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING

from encord_convert.errors import (
    BrokenFormatError,
    MissingDependencyError,
    ReadError,
    UndetectedFormatError,
    UnknownFormatError,
)
from encord_convert.formats._api import Format, Match
from encord_convert.hub.loss import Level

if TYPE_CHECKING:
    from encord_convert.formats._files import Source
    from encord_convert.hub.counts import Counts

KNOWN: dict[str, str] = {
    "coco": "encord_convert.formats.coco.page:FORMAT",
    "coco-encord": "encord_convert.formats.coco.encord:FORMAT",
    "coco-keypoints": "encord_convert.formats.coco.keypoints:FORMAT",
    "coco-panoptic": "encord_convert.formats.coco.panoptic:FORMAT",
    "coco-results": "encord_convert.formats.coco.results:FORMAT",
    "coco-rle": "encord_convert.formats.coco.page:FORMAT_RLE",
    "coco-ytvis": "encord_convert.formats.coco.ytvis:FORMAT",
    "createml": "encord_convert.formats.createml:FORMAT",
    "cvat": "encord_convert.formats.cvat.page:FORMAT",
    "dicom": "encord_convert.formats.dicom.page:FORMAT",
    "dicom-table": "encord_convert.formats.dicom.page:FORMAT_TABLE",
    "encord": "encord_convert.formats.encord:FORMAT",
    "kitti": "encord_convert.formats.kitti:FORMAT",
    "labelme": "encord_convert.formats.labelme.page:FORMAT",
    "masks": "encord_convert.formats.masks.page:FORMAT",
    "masks-index": "encord_convert.formats.masks.page:FORMAT_INDEX",
    "masks-instance": "encord_convert.formats.masks.page:FORMAT_INSTANCE",
    "mot": "encord_convert.formats.mot.page:FORMAT",
    "mots": "encord_convert.formats.mot.mots:FORMAT",
    "openimages": "encord_convert.formats.openimages:FORMAT",
    "rle": "encord_convert.formats.masks.rle:FORMAT",
    "via": "encord_convert.formats.via.page:FORMAT",
    "voc": "encord_convert.formats.voc.page:FORMAT",
    "yolo": "encord_convert.formats.yolo.page:FORMAT",
    "yolo-obb": "encord_convert.formats.yolo.page:FORMAT_OBB",
    "yolo-pose": "encord_convert.formats.yolo.page:FORMAT_POSE",
    "yolo-seg": "encord_convert.formats.yolo.page:FORMAT_SEG",
}
"""Built-in formats, alphabetically. Not entry points, so that a bare checkout works uninstalled."""

WRITTEN_ONLY = frozenset(
    {
        "coco-encord", "coco-keypoints", "coco-panoptic", "coco-results", "coco-rle", "coco-ytvis", "dicom-table",
        "yolo-obb", "yolo-pose", "yolo-seg",
    }
)  # fmt: skip
"""Built-in formats that cannot be read; detection need not import them."""

ENDINGS: dict[str, tuple[str, ...]] = {
    "coco": (".json", ".json.gz"),
    "createml": (".json",),
    "cvat": (".xml",),
    "encord": (".jsonl",),
    "kitti": (".txt",),
    "labelme": (".json",),
    "masks": (".jsonl", ".png"),
    "masks-index": (".jsonl", ".png"),
    "masks-instance": (".jsonl",),
    "mot": (".txt",),
    "mots": (".png", ".txt"),
    "openimages": (".csv",),
    "rle": (".csv", ".json", ".jsonl"),
    "via": (".csv", ".json"),
    "voc": (".xml",),
    "yolo": (
        ".avif", ".bmp", ".dng", ".heic", ".heif", ".jp2", ".jpeg", ".jpg", ".mpo", ".ndjson", ".png", ".tif", ".tiff",
        ".txt", ".webp", ".yaml", ".yml",
    ),
}  # fmt: skip
"""Suffixes by which built-in formats are detected: without such files a format need not be imported. Formats not
listed look at all files."""

ROOTS = {b"annotation": "voc", b"annotations": "cvat"}
"""Root elements of built-in XML formats."""

_ROOT = re.compile(rb"(?:<\?[^>]*\?>\s*)?<([\w.:-]+)[\s/>]")
_JSON = frozenset({".json", ".ndjson"})
_HEAD_BYTES = 256
_MAX_XML = 8
"""Number of files checked for being XML."""

GROUP = "encord_convert.formats"
"""The entry-point group for formats of other packages."""


@cache
def outside() -> dict[str, str]:
    """Return the entry points of third-party formats by name."""
    if not _may_have_plug_ins():
        return {}
    from importlib.metadata import entry_points

    return {point.name: point.value for point in entry_points(group=GROUP) if point.name not in KNOWN}


def _may_have_plug_ins() -> bool:
    """Return whether an installed package may use our entry-point group, without loading ``importlib.metadata``.

    Checks the same files in the folders of ``sys.path``; for anything else (archives, custom finders) the answer is
    yes.
    """
    if any(hasattr(finder, "find_distributions") for finder in sys.meta_path if finder is not PathFinder):
        return True
    return any(_may_name_us(folder or os.curdir) for folder in dict.fromkeys(sys.path))


def _may_name_us(folder: str) -> bool:
    try:
        names = os.listdir(folder)
    except OSError as error:
        return not isinstance(error, FileNotFoundError)
    for name in names:
        ending = os.path.splitext(name)[1].lower()
        if ending == ".egg":
            return True
        if ending in (".dist-info", ".egg-info"):
            try:
                with open(os.path.join(folder, name, "entry_points.txt"), "rb") as stream:
                    if GROUP.encode() in stream.read():
                        return True
            except OSError:  # no entry points
                continue
    return False


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
    BrokenFormatError
        The package that provides the format is broken.
    """
    address = _addresses().get(name)
    if address is None:
        raise UnknownFormatError(name, _addresses())
    module, _, attribute = address.partition(":")
    if name in outside():
        return _from_outside(name, module, attribute)
    format_ = getattr(import_module(module), attribute)
    assert isinstance(format_, Format)
    return format_


def _from_outside(name: str, module: str, attribute: str) -> Format:
    package = module.partition(".")[0]
    try:
        format_ = getattr(import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name and not error.name.startswith(("encord_convert", package)):
            raise MissingDependencyError(
                f"The format {name!r} of {package} needs {error.name}, which is not installed. "
                f"Run: python -m pip install {error.name.partition('.')[0]}"
            ) from error
        raise _broken(name, package, _named(error)) from error
    except Exception as error:  # a failing import disables only this format
        raise _broken(name, package, _named(error)) from error
    if not isinstance(format_, Format):
        raise _broken(name, package, f"{module}:{attribute} is a {type(format_).__name__} and not a Format")
    return format_


def _broken(name: str, package: str, reason: str) -> BrokenFormatError:
    return BrokenFormatError(
        f"The format {name!r} of {package} cannot be used: {reason}. Update or uninstall {package}."
    )


def _named(error: Exception) -> str:
    words = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {words}" if words else type(error).__name__


class _Formats(Mapping[str, Format]):
    """Read-only mapping of all formats, imported on lookup; broken ones are left out."""

    def __getitem__(self, name: str) -> Format:
        if name not in _addresses():
            raise KeyError(name)
        try:
            return format_named(name)
        except (BrokenFormatError, MissingDependencyError) as error:
            raise KeyError(name) from error

    def __iter__(self) -> Iterator[str]:
        return iter(name for name in _addresses() if name in KNOWN or name not in broken_formats())

    def __len__(self) -> int:
        return sum(1 for _ in self)


def formats() -> Mapping[str, Format]:
    """Return all formats by name, in alphabetical order."""
    return _Formats()


@cache
def broken_formats() -> dict[str, str]:
    """Return why each broken third-party format cannot be used, by name."""
    broken = {}
    for name in outside():
        try:
            format_named(name)
        except (BrokenFormatError, MissingDependencyError) as error:
            broken[name] = error.sentence
    return broken


def detect(source: Source, counts: Counts | None = None) -> Format:
    """Return the one format that can read ``source``; broken third-party formats are noted in the counts.

    Raises
    ------
    UndetectedFormatError
        No format claims it, or more than one does.
    """
    for sentence in broken_formats().values():
        _warn(counts, sentence)
    claimants = _claimants(source, counts)
    if len(claimants) == 1:
        return claimants[0]
    names = [format_.name for format_ in claimants]
    if names:
        raise UndetectedFormatError(source.name, names, ())
    from encord_convert.formats._sightings import sighting_of

    seen = sighting_of(source)
    raise UndetectedFormatError(source.name, (), _readable(), seen=seen.fact, advice=seen.advice)


def mistaken(source: Source, named: Format) -> UndetectedFormatError | None:
    """Return the error for a source that is in another format than stated; None if it is not."""
    if _match(named, source, None) is not Match.NO:
        return None
    claimants = [format_.name for format_ in _claimants(source, None)]
    return UndetectedFormatError(source.name, claimants, (), named=named.name) if claimants else None


def _claimants(source: Source, counts: Counts | None) -> list[Format]:
    answers: dict[Match, list[Format]] = {match: [] for match in Match}
    passed = _not_asked(source)
    for name in (name for name in formats() if name not in passed):
        format_ = format_named(name)
        if format_.importer is not None:
            answers[_match(format_, source, counts)].append(format_)
    return answers[Match.YES] or answers[Match.UNSURE]


def _not_asked(source: Source) -> Set[str]:
    """Return which of our formats need not be imported to tell what a source is."""
    names = source.names()
    asked = _asked_by_beginning(source, names)
    if not asked and len(names) > 1:
        there = {name[name.rfind(".") :].lower() for name in names}
        there |= {".json.gz"} if ".gz" in there else set()
        asked = {name for name in KNOWN if name not in ENDINGS or not there.isdisjoint(ENDINGS[name])}
    return WRITTEN_ONLY | (KNOWN.keys() - asked if asked else set())


def _asked_by_beginning(source: Source, names: list[str]) -> set[str]:
    """Return which formats a few files of XML, or one of JSON, can be of; none for all others."""
    is_xml = len(names) <= _MAX_XML and all(name.lower().endswith(".xml") for name in names)
    if not (names and (is_xml or len(names) == 1)):
        return set()
    try:
        heads = [source.head(name, _HEAD_BYTES).removeprefix(b"\xef\xbb\xbf").lstrip() for name in names]
    except ReadError:
        return set()
    marks = {head[:1] for head in heads}
    if is_xml and marks == {b"<"}:
        roots = {root[1] if (root := _ROOT.match(head)) else b"" for head in heads}
        return {ROOTS[root] for root in roots} if roots <= ROOTS.keys() else {*ROOTS.values()}
    # The header of a DICOM file may begin with anything, and has zeros behind it.
    if marks <= {b"{", b"["} and b"\0" not in heads[0]:
        return {name for name, endings in ENDINGS.items() if not _JSON.isdisjoint(endings)}
    return set()


def _match(format_: Format, source: Source, counts: Counts | None) -> Match:
    if format_.name not in outside():
        return format_.identify(source)
    package = outside()[format_.name].partition(":")[0].partition(".")[0]
    try:
        answer = format_.identify(source)
        if isinstance(answer, Match):
            return answer
        reason = f"its identify returned {answer!r} and not a Match"
    except Exception as error:  # a broken identify disables only its own format
        reason = f"its identify raised {_named(error)}"
    _warn(counts, f"The format {format_.name!r} of {package} was not asked: {reason}. Update or uninstall {package}.")
    return Match.NO


def _warn(counts: Counts | None, sentence: str) -> None:
    if counts is not None:
        counts.note(Level.WARNING, "BROKEN_FORMAT", sentence)


def _readable() -> list[str]:
    return [format_.name for format_ in formats().values() if format_.importer is not None]
