"""Converts slices to label rows and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from encord_convert.formats.dicom.headers import SLICE_TAGS, Slice
from encord_convert.hub.draft import Draft
from encord_convert.hub.native import Native
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2
from encord_convert.sdk.objects.metadata import DICOMSeriesMetadata, DICOMSliceMetadata
from encord_convert.sdk.objects.ontology_labels_impl import DataUnit

FAMILY = "dicom"
"""Format name of native data, see :mod:`encord_convert.hub.native`."""
MEDIA_TYPE = "application/dicom"
Attributes = dict[str, dict[str, Any]]
"""A data set in the DICOM JSON model: tag to value representation and values."""

BLOCK_KEYS = tuple(DICOMSliceMetadata._field_types())


class Row(NamedTuple):
    """The data of a label row of a series, all that the format carries."""

    title: str
    dataset: str
    width: int
    height: int
    frames: int
    series: dict[str, Any] | None
    slices: dict[int, dict[str, Any]]
    """Frame to its block and kept tags."""
    client: dict[str, Any] | None = None
    others: Mapping[str, dict[str, Any]] = MappingProxyType({})
    """Elements of the series that rows cannot hold."""


def slice_block(one: Slice) -> dict[str, Any]:
    """Return the block of a slice as in label rows, with explicit nulls."""
    return {
        "dicom_instance_uid": one.uid,
        "multiframe_frame_number": one.number,
        "file_uri": one.file,
        "width": one.width,
        "height": one.height,
        "tags": {f"{tag:08X}": {"vr": SLICE_TAGS[tag], "Value": list(values)} for tag, values in one.tags},
    }


def label_row(draft: Draft, row: Row, key: Sequence[object]) -> LabelRowV2:
    """Return a label row without labels, with a slice block on every frame."""
    unit = DataUnit(
        data_hash=draft.hashes.uuid("unit", *key),
        data_title=row.title,
        data_type=MEDIA_TYPE,
        data_sequence=0,
        width=row.width,
        height=row.height,
        extras={},
    )
    assert unit.extras is not None
    links = dict.fromkeys(block["file_uri"] for block in row.slices.values())
    if links:
        unit.extras["data_links"] = list(links)
    if row.series is not None:
        unit.extras["metadata"] = dict(row.series)
    made = draft.row(
        DataType.DICOM, row.title, [unit], frames=row.frames, key=key, dataset=row.dataset, client_metadata=row.client
    )
    contents = made._contents
    contents.series = None if row.series is None else DICOMSeriesMetadata.from_dict(row.series)
    made._native = Native(FAMILY, row.others) if row.others else None
    for frame, block in row.slices.items():
        contents.touched[frame] = None
        contents.frame_extras[frame] = {"metadata": block}
        contents.slices[frame] = DICOMSliceMetadata.from_dict(block)
    return made


def contents_of(row: LabelRowV2) -> Row:
    """Return the data that the format carries of a label row of a series."""
    contents = row._contents
    slices = {}
    for frame, block in sorted(contents.slices.items()):
        known = {name: getattr(block, name) for name in BLOCK_KEYS}
        extras = contents.frame_extras.get(frame, {}).get("metadata") or {}
        slices[frame] = {**known, "tags": extras.get("tags") or {}}
    series = contents.series
    unit = row._units[0]
    return Row(
        row.data_title, row.dataset_title, unit.width or 0, unit.height or 0, row.number_of_frames,
        None if series is None else series.to_dict(by_alias=False, exclude_none=False), slices, row.client_metadata,
        dict(row._native.row) if row._native is not None and row._native.family == FAMILY else {},
    )  # fmt: skip


def tag_values(block: dict[str, Any], tag: int) -> list[Any]:
    """Return the values of a tag kept with a slice block."""
    entry = (block.get("tags") or {}).get(f"{tag:08X}") or {}
    return list(entry.get("Value") or ())
