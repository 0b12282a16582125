"""Documents that name files of a cloud, and the data rows these become; the files stay where they are.

Source: wire protocol, section 9.5.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from encord_convert.sdk.exceptions import EncordException, InvalidArgumentsError
from encord_convert.sdk.http.routes import Query
from encord_convert.service.clouds import LONGEST_URL, Clouds, name_of
from encord_convert.service.contents import DICOM, facts_of
from encord_convert.service.handlers.data_rows import metadata_text
from encord_convert.service.handlers.datasets import titled
from encord_convert.service.handlers.uploads import Facts, block, file_columns, gathered

_LOG = logging.getLogger("encord_convert.service")

MOST_UNITS = 100_000
MOST_URLS = 200_000
ARRAYS = {
    "videos": Query.SIGNED_VIDEO_URL,
    "images": Query.SIGNED_IMAGES_URL,
    "image_groups": Query.SIGNED_IMAGES_URL,
    "dicom_series": Query.SIGNED_DICOMS_URL,
}
"""Arrays of a document, and what their files are."""
_TYPES = {"videos": "VIDEO", "images": "IMAGE", "image_groups": "IMG_GROUP", "dicom_series": "DICOM"}
_SINGLE = ("videos", "images")
_NUMBERED = re.compile(r"objectUrl_(0|[1-9]\d{0,6})", re.ASCII)


class Unit(msgspec.Struct):
    """One thing to register: a video, an image, a group or a series."""

    array: str
    urls: list[str]
    title: str | None = None
    metadata: dict[str, Any] | None = None
    create_video: bool = False


def units_of(document: dict[str, Any]) -> tuple[list[Unit], bool]:
    """Return what a document names, in order, and whether what is there already is passed over.

    Raises
    ------
    InvalidArgumentsError
        The document has a key it cannot have, lacks one, or names more than may be named at once.
    """
    skips = document.get("skip_duplicate_urls", False)
    if not isinstance(skips, bool):
        raise InvalidArgumentsError("skip_duplicate_urls is true or false.")
    unknown = sorted(set(document) - {"skip_duplicate_urls", *ARRAYS})
    if unknown:
        raise InvalidArgumentsError(f"The document has no {', '.join(unknown)[:256]}; it has {', '.join(ARRAYS)}.")
    units = [unit for array in ARRAYS for unit in _units(array, document.get(array) or [])]
    urls = sum(len(unit.urls) for unit in units)
    if len(units) > MOST_UNITS or urls > MOST_URLS:
        raise InvalidArgumentsError(
            f"{len(units)} items with {urls} addresses; {MOST_UNITS} and {MOST_URLS} are the most of one document."
        )
    return units, skips


def _units(array: str, items: object) -> Iterator[Unit]:
    if not isinstance(items, list):
        raise InvalidArgumentsError(f"{array} is a list.")
    for index, item in enumerate(items):
        place = f"{array}[{index}]"
        if not isinstance(item, dict):
            raise InvalidArgumentsError(f"{place} is an object.")
        yield _unit(array, place, item)


def _unit(array: str, place: str, item: dict[str, Any]) -> Unit:
    known = {"title", "clientMetadata"} | ({"createVideo"} if array == "image_groups" else set())
    if array in _SINGLE:
        known |= {"objectUrl"}
        names = ["objectUrl"] if "objectUrl" in item else []
    else:
        names = sorted((name for name in item if _NUMBERED.fullmatch(name)), key=lambda name: int(name[10:]))
    unknown = sorted(set(item) - known - set(names))
    if unknown:
        expected = "objectUrl" if array in _SINGLE else "objectUrl_0, objectUrl_1, …"
        raise InvalidArgumentsError(
            f"{place} has no {', '.join(unknown)[:256]}; it has {expected}, {', '.join(sorted(known - {'objectUrl'}))}."
        )
    if not names:
        raise InvalidArgumentsError(f"{place} names no file: there is no objectUrl{'' if array in _SINGLE else '_0'}.")
    urls = [item[name] for name in names]
    if not all(isinstance(url, str) and 0 < len(url) <= LONGEST_URL for url in urls):
        raise InvalidArgumentsError(f"{place}: an address is a text of at most {LONGEST_URL} characters.")
    title, create_video = item.get("title"), item.get("createVideo", False)
    if not isinstance(create_video, bool):
        raise InvalidArgumentsError(f"{place}: createVideo is true or false.")
    metadata = item.get("clientMetadata")
    metadata_text(metadata)
    return Unit(array, urls, None if title is None else titled(title), metadata, create_video)


class File(NamedTuple):
    """A file of a cloud, with what registering an upload looks at."""

    data_hash: str
    title: str
    file_link: str
    size: int
    sha256: None = None


def columns_of(clouds: Clouds, integration: str, location: int, unit: Unit) -> dict[str, Any]:
    """Look at the files of a unit; return the columns of its data row, and ``files``.

    Raises
    ------
    EncordException
        A file is not there, not of its kind, or may not be read.
    """
    members = [_looked_at(clouds, integration, unit, number, url) for number, url in enumerate(unit.urls)]
    return columns_from(unit, members, location)


def columns_from(unit: Unit, members: Sequence[tuple[Any, Facts]], location: int) -> dict[str, Any]:
    """Return the columns of the data row of a unit, and ``files``, from the files that were looked at."""
    file, facts = members[0]
    row = {
        "data_type": _TYPES[unit.array],
        "data_title": unit.title or file.title,
        "storage_location": location,
        "client_metadata": metadata_text(unit.metadata),
    }
    if unit.array in _SINGLE:
        times = {"number_of_frames": facts.frames, "frames_per_second": facts.fps, "duration": facts.duration_s}
        return {**row, **file_columns(file, facts), **times, "files": []}
    if unit.array == "image_groups":
        files = [_member(file, facts, location) for file, facts in members]
        size = {name: files[0][name] for name in ("width", "height")}
        return {
            **row, **size, "data_title": unit.title or file.title, "number_of_frames": len(files),
            "file_size": sum(file["file_size"] for file in files), "is_optimised_image_group": unit.create_video,
            "files": files,
        }  # fmt: skip
    head, slices, kept, notes = gathered(members)
    for note in notes:
        _LOG.warning("A series of %d files: %s", len(kept), note)
    links = {file.data_hash: file.file_link for file, _ in kept}
    series = {"patient_id": head.patient, "study_uid": head.study, "series_uid": head.series}
    return {
        **row, "data_title": unit.title or head.series, "width": slices[0].width, "height": slices[0].height,
        "file_type": DICOM, "number_of_frames": len(slices), "file_size": sum(file.size for file, _ in kept), "dicom":
        msgspec.json.encode({"metadata": series, "frames": [block(slice_, links) for slice_ in slices]}).decode(),
        "files": [
            _member(file, facts, location)
            | {"width": facts.header.slices[0].width, "height": facts.header.slices[0].height}  # type: ignore[union-attr]
            for file, facts in kept
        ],
    }  # fmt: skip


def _looked_at(clouds: Clouds, integration: str, unit: Unit, number: int, url: str) -> tuple[File, Facts]:
    root = clouds.root(integration, url)
    size = root.size(url)
    name = name_of(url)
    with root.open(url) as stream:
        found = facts_of(ARRAYS[unit.array], name, stream, size)
    if found.get("fault"):
        raise EncordException(f"{url}: {found['fault']}")
    return File(str(number), titled(name), url, size), Facts(**found)


def _member(file: File, facts: Facts, location: int) -> dict[str, Any]:
    return {"title": file.title, "storage_location": location, **file_columns(file, facts)}
