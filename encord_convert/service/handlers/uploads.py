"""Uploads: a place is given, bytes arrive there (see :mod:`encord_convert.service.files`), what arrived is registered.

Registering a video or a single image twice is registering it once. Order and blocks of a DICOM series come from the
files, by the reader of the format ``dicom``.

Source: wire protocol, section 9.4.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import msgspec

from encord_convert.formats.dicom.headers import Header, Slice
from encord_convert.formats.dicom.order import ordered
from encord_convert.sdk.exceptions import FileTypeNotSupportedError, InvalidArgumentsError
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.service.auth import unseen
from encord_convert.service.calls import Call, handles
from encord_convert.service.contents import DICOM
from encord_convert.service.handlers.data_rows import IN_A_DATASET, WRITE
from encord_convert.service.handlers.datasets import ADMIN, titled
from encord_convert.service.store import data_rows, uploads
from encord_convert.service.store.data_rows import texts

MOST_FILES = 100_000
"""Of one image group or series."""
OWN = StorageLocation.CORD_STORAGE.value


class Facts(msgspec.Struct):
    """What an upload says of itself; see :func:`encord_convert.service.contents.facts_of`."""

    fault: str | None = None
    type: str | None = None
    width: int | None = None
    height: int | None = None
    frames: int = 1
    fps: float | None = None
    duration_s: float | None = None
    header: Header | None = None


_facts = msgspec.json.Decoder(Facts)


def _places(call: Call, kind: Query, titles: list[Any]) -> list[tuple[uploads.Upload, dict[str, str]]]:
    if len(titles) > MOST_FILES:
        raise InvalidArgumentsError(f"At most {MOST_FILES} places are given at once.")
    made = []
    for title in titles:
        place = uploads.new_upload(call.of.hash, kind.value, titled(title, "name"), call.now)
        url = call.storage.upload_url(call.base_url, place.data_hash, call.now)
        slot = {"signed_url": url, "data_hash": place.data_hash, "title": place.title, "file_link": place.file_link}
        made.append((place, slot))
    return made


@handles(
    Query.SIGNED_VIDEO_URL, Verb.GET, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET,
    prepare=lambda call: _places(call, Query.SIGNED_VIDEO_URL, [call.uid]),
)  # fmt: skip
def place_for_a_video(call: Call) -> dict[str, str]:
    """Give a place for one video."""
    given: list[dict[str, str]] = places(call)
    return given[0]


@handles(
    Query.SIGNED_IMAGES_URL, Verb.GET, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET,
    prepare=lambda call: _places(call, Query.SIGNED_IMAGES_URL, texts(call.uid)),
)  # fmt: skip
@handles(
    Query.SIGNED_DICOMS_URL, Verb.GET, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET,
    prepare=lambda call: _places(call, Query.SIGNED_DICOMS_URL, texts(call.uid)),
)  # fmt: skip
def places(call: Call) -> list[dict[str, str]]:
    """Give a place for each of several images or DICOM files."""
    uploads.add_uploads(call.db, [place for place, _ in call.prepared])
    return [slot for _, slot in call.prepared]


def arrived(
    call: Call, data_hashes: Sequence[str], kind: str, owners: Sequence[str] | None = None
) -> list[tuple[Any, Facts]]:
    """Return places of the dataset, or of other owners, where files of a kind arrived, in order, and what these say.

    Raises
    ------
    ResourceNotFoundError
        The dataset has no such place, or it was registered.
    InvalidArgumentsError
        Nothing arrived there.
    FileTypeNotSupportedError
        What arrived is not of the kind.
    """
    if not 0 < len(data_hashes) <= MOST_FILES or len(set(data_hashes)) < len(data_hashes):
        raise InvalidArgumentsError(f"Expected from 1 to {MOST_FILES} hashes of uploads, each once.")
    rows = uploads.uploads(call.db, owners or (call.of.hash,), data_hashes)
    found = []
    for data_hash in data_hashes:
        row = rows.get(data_hash)
        if row is None or row.kind != kind:
            raise unseen("upload", data_hash)
        if row.facts is None:
            raise InvalidArgumentsError(f"{row.title}: nothing arrived yet at the address it was given.")
        facts = _facts.decode(row.facts)
        if facts.fault is not None:
            raise FileTypeNotSupportedError(facts.fault)
        found.append((row, facts))
    return found


def new_row(call: Call, data_hash: str, title: str, data_type: str, **columns: Any) -> dict[str, Any]:
    """Return the columns of a data row of our own storage; what is not given is None, or one frame."""
    empty: dict[str, Any] = dict.fromkeys(
        (
            "width", "height", "frames_per_second", "duration", "file_link", "file_type", "file_size", "sha256",
            "client_metadata", "is_optimised_image_group", "dicom",
        )
    )  # fmt: skip
    return {
        **empty,
        "data_hash": data_hash,
        "dataset_hash": call.of.hash,
        "data_title": title,
        "data_type": data_type,
        "created_at": call.now,
        "last_edited_at": call.now,
        "number_of_frames": 1,
        "storage_location": OWN,
        "backing_item_uuid": str(uuid4()),
        **columns,
    }


def file_columns(row: Any, facts: Facts) -> dict[str, Any]:
    return {
        "width": facts.width,
        "height": facts.height,
        "file_link": row.file_link,
        "file_type": facts.type,
        "file_size": row.size,
        "sha256": row.sha256,
    }


@handles(Query.VIDEO, Verb.PUT, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
def video(call: Call) -> dict[str, Any]:
    """Register a video."""
    if not isinstance(call.uid, str):
        raise InvalidArgumentsError("Expected the hash of an upload.")
    there = data_rows.data_row(call.db, call.of.hash, call.uid)
    if there is None:
        [(upload, facts)] = arrived(call, [call.uid], Query.SIGNED_VIDEO_URL)
        title = titled(call.given("video_title", str, None) or upload.title)
        row = new_row(
            call, upload.data_hash, title, "VIDEO", **file_columns(upload, facts),
            number_of_frames=facts.frames, frames_per_second=facts.fps, duration=facts.duration_s,
        )  # fmt: skip
        data_rows.add_data_row(call.db, row)
        uploads.forget_uploads(call.db, [upload.data_hash])
        there = data_rows.data_row(call.db, call.of.hash, call.uid)
    return {"data_hash": there.data_hash, "title": there.data_title, "backing_item_uuid": there.backing_item_uuid}


@handles(Query.SINGLE_IMAGE, Verb.POST, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
def single_image(call: Call) -> dict[str, bool]:
    """Register an image as a thing of its own."""
    data_hash, title = call.given("data_hash", str), titled(call.given("title", str))
    if not data_rows.has_data_row(call.db, call.of.hash, data_hash):
        [(upload, facts)] = arrived(call, [data_hash], Query.SIGNED_IMAGES_URL)
        data_rows.add_data_row(call.db, new_row(call, data_hash, title, "IMAGE", **file_columns(upload, facts)))
        uploads.forget_uploads(call.db, [data_hash])
    return {"success": True}


@handles(Query.IMAGES, Verb.PUT, RESOURCE, writes=False, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
def images(call: Call) -> dict[str, bool]:
    """Say whether images arrived that are to be made a group of."""
    if not isinstance(call.payload, list) or not all(isinstance(item, dict) for item in call.payload):
        raise InvalidArgumentsError("Expected a list of uploads.")
    arrived(call, texts([entry.get("data_hash") for entry in call.payload]), Query.SIGNED_IMAGES_URL)
    return {"success": True}


@handles(Query.IMAGE_GROUP, Verb.POST, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
def image_group(call: Call) -> list[dict[str, Any]]:
    """Make a group of images, in the order given."""
    members = arrived(call, texts(call.uid), Query.SIGNED_IMAGES_URL)
    data_hash = str(uuid4())
    title = call.given("image_group_title", str, None) or f"image-group-{data_hash[:5]}"
    files = [_member(upload, facts) for upload, facts in members]
    row = new_row(
        call, data_hash, titled(title), "IMG_GROUP", width=files[0]["width"], height=files[0]["height"],
        number_of_frames=len(files), file_size=sum(file["file_size"] for file in files),
        is_optimised_image_group=call.given("create_video", bool, True),
    )  # fmt: skip
    data_rows.add_data_row(call.db, row, files)
    uploads.forget_uploads(call.db, texts(call.uid))
    return [{"data_hash": data_hash, "title": title, "backing_item_uuid": row["backing_item_uuid"]}]


def _member(upload: Any, facts: Facts) -> dict[str, Any]:
    return {
        "image_hash": upload.data_hash,
        "title": upload.title,
        "storage_location": OWN,
        **file_columns(upload, facts),
    }


@handles(Query.DICOM_SERIES, Verb.POST, RESOURCE, writes=True, scope=WRITE, roles=ADMIN, kinds=IN_A_DATASET)
def dicom_series(call: Call) -> dict[str, Any]:
    """Make a series of DICOM files; the order of its frames comes from the files.

    The answer has ``notes`` besides what the wire protocol demands: what of the series is odd, a sentence each.
    """
    if not isinstance(call.uid, list) or not all(isinstance(entry, dict) for entry in call.uid):
        raise InvalidArgumentsError("Expected a list of objects with id, uri and title.")
    hashes = texts([item.get("id") for item in call.uid])
    members = arrived(call, hashes, Query.SIGNED_DICOMS_URL)
    data_hash = str(uuid4())
    head, slices, kept, notes = gathered(members)
    links = {upload.data_hash: upload.file_link for upload, _ in kept}
    title = call.given("title", str, None) or head.series
    frames = [block(slice_, links) for slice_ in slices]
    series = {"patient_id": head.patient, "study_uid": head.study, "series_uid": head.series}
    row = new_row(
        call, data_hash, titled(title), "DICOM", width=slices[0].width, height=slices[0].height, file_type=DICOM,
        number_of_frames=len(slices), file_size=sum(upload.size for upload, _ in kept),
        dicom=msgspec.json.encode({"metadata": series, "frames": frames}),
    )  # fmt: skip
    files = [
        _member(upload, facts) | {"width": facts.header.slices[0].width, "height": facts.header.slices[0].height}  # type: ignore[union-attr]
        for upload, facts in kept
    ]
    data_rows.add_data_row(call.db, row, files)
    uploads.forget_uploads(call.db, hashes)
    return {"data_hash": data_hash, "title": title, "backing_item_uuid": row["backing_item_uuid"], "notes": notes}


def gathered(members: Sequence[tuple[Any, Facts]]) -> tuple[Header, list[Slice], list[tuple[Any, Facts]], list[str]]:
    """Return the first header, the slices of all in order, the files they are in, and what of the series is odd.

    The same file counts once.
    """
    head: Header | None = None
    slices: list[Slice] = []
    kept: dict[str, tuple[Any, Facts]] = {}
    for upload, facts in members:
        header = facts.header
        assert header is not None
        head = head or header
        if header.series != head.series:
            raise InvalidArgumentsError(
                f"{upload.title}: is of the series {header.series}, and {members[0][0].title} is of {head.series}. "
                "Make a series of each."
            )
        uid = header.slices[0].uid
        if uid in kept:
            if (kept[uid][0].sha256, kept[uid][0].size) != (upload.sha256, upload.size):
                raise InvalidArgumentsError(
                    f"{upload.title}: has the SOPInstanceUID of {kept[uid][0].title}, and is another file."
                )
            continue
        kept[uid] = (upload, facts)
        # The name decides where nothing else does; the hash says which file it is.
        slices += [slice_._replace(file=f"{upload.title}/{upload.data_hash}") for slice_ in header.slices]
    assert head is not None
    placed, said = ordered(slices, "position")
    notes = [sentence for _, sentence in said]
    width, height = placed[0].width, placed[0].height
    others = sum((item.width, item.height) != (width, height) for item in placed)
    if others:
        notes.append(
            f"{others} of {len(placed)} slices are not of {width} x {height} pixels as the first is; their coordinates "
            "are parts of their own size."
        )
    return head, placed, list(kept.values()), notes


def block(one: Slice, links: dict[str, str]) -> dict[str, Any]:
    return {
        "dicom_instance_uid": one.uid,
        "multiframe_frame_number": one.number,
        "file_uri": links[one.file.rpartition("/")[2]],
        "width": one.width,
        "height": one.height,
    }
