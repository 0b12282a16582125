"""Types of hub JSON: ontologies and label rows are validated against them once, on reading.

The model's readers then rely on the types. They handle missing keys; unknown keys are carried unchecked.

Source: label-row JSON, "Ontology JSON" and "Label-row JSON".
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from encord_convert.hub.draft import UNKNOWN_TIME
from encord_convert.sdk.common.time_parser import format_datetime
from encord_convert.sdk.constants.enums import DataType, _NewerDataType

Number = Annotated[int, Meta(ge=-(2**53), le=2**53)] | Annotated[float, Meta(ge=-1e15, le=1e15)]
"""A number small enough that sums and products stay finite."""
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]
Side = Annotated[int, Meta(ge=0, le=2**31)]
"""Pixels."""
_Digits = Annotated[str, Meta(pattern="^[0-9]{1,9}$")]
_AnySide = Side | Annotated[float, Meta(ge=0, le=2**31)] | _Digits | None
Text = str | None


class _Checked(msgspec.Struct, rename="camel"):
    """Base of structs that are decoded only to check types."""


class _Option(_Checked):
    id: str = ""
    label: str = ""
    value: str = ""
    feature_node_hash: str = ""
    options: list[_Attribute] | None = None


class _Attribute(_Checked):
    id: str = ""
    name: str = ""
    type: str = ""
    feature_node_hash: str = ""
    required: bool | None = None
    dynamic: bool | None = None
    options: list[_Option] | None = None


class _Class(_Checked):
    id: str | int = ""
    name: str = ""
    color: str = ""
    shape: str = ""
    feature_node_hash: str = ""
    attributes: list[_Attribute] | None = None


class _Node(_Checked):
    x: Number = 0
    y: Number = 0
    name: str = ""
    color: Text = None
    value: Text = None
    feature_hash: Text = None


class _Template(msgspec.Struct):
    name: str = ""
    width: Number = 0
    height: Number = 0
    skeleton: dict[str, _Node] | None = None
    skeletonEdges: dict[str, dict[str, dict[str, Any]]] | None = None
    feature_node_hash: Text = None


class _Wrapped(msgspec.Struct):
    template: _Template | None = None


class _Classification(_Class, kw_only=True):
    attributes: Annotated[list[_Attribute], Meta(min_length=1)]  # the name is in the first


class _Ontology(msgspec.Struct):
    objects: list[_Class] = []
    classifications: list[_Classification] = []
    skeleton_templates: list[_Wrapped] | None = None


class _Box(_Checked):
    h: Number = 0
    w: Number = 0
    x: Number = 0
    y: Number = 0
    theta: Number = 0


class _Point(_Checked):
    x: Number = 0
    y: Number = 0
    z: Number | None = None


class _Ellipse(_Checked):
    x: Number = 0
    y: Number = 0
    rx: Number = 0
    ry: Number = 0
    theta: Number = 0


class _Circle(_Checked):
    x: Number = 0
    y: Number = 0
    r: Number = 0
    stretch: Number = 1
    theta: Number = 0


class _Cuboid2D(_Checked):
    front: list[Number] = []
    offset: _Point | UnsetType = UNSET
    vanishing_point: _Point | UnsetType = UNSET
    scale_ratio: Number | UnsetType = UNSET
    back: list[Number] | UnsetType = UNSET


class _Joint(_Checked):
    x: Number = 0
    y: Number = 0
    name: Text = None
    color: Text = None
    value: Text = None
    feature_hash: Text = None
    visibility: Text = None


_Points = dict[str, _Point] | list[_Point]


class _Entry(_Checked):
    """A label on a frame, of an object or a classification; ``bitmask`` has its own reader."""

    name: Text = None
    created_at: Text = None
    created_by: Text = None
    last_edited_at: Text = None
    last_edited_by: Text = None
    confidence: Number | None = None
    object_hash: str = ""
    classification_hash: str = ""
    feature_hash: str = ""
    manual_annotation: bool | None = None
    is_deleted: bool | None = None
    reviews: list[dict[str, Any]] | None = None
    bounding_box: _Box | UnsetType = UNSET
    rotatable_bounding_box: _Box | UnsetType = UNSET
    polygon: _Points | UnsetType = UNSET
    polygons: list[list[list[Number]]] | UnsetType = UNSET
    polyline: _Points | UnsetType = UNSET
    point: _Points | UnsetType = UNSET
    skeleton: dict[str, _Joint] | UnsetType = UNSET
    ellipse: _Ellipse | UnsetType = UNSET
    circle: _Circle | UnsetType = UNSET
    cuboid_2d: _Cuboid2D | UnsetType = msgspec.field(default=UNSET, name="cuboid_2d")


class _Slice(msgspec.Struct):
    """Of a slice of a series; records read whole numbers in any form."""

    width: _AnySide = None
    height: _AnySide = None


class _Frame(msgspec.Struct):
    objects: list[_Entry] = []
    classifications: list[_Entry] = []
    metadata: _Slice | None = None


class _Unit(msgspec.Struct):
    data_hash: str = ""
    data_title: str = ""
    data_type: str = ""
    data_link: Text = None
    data_sequence: Side | _Digits = 0
    width: Side | None = None
    height: Side | None = None
    data_fps: Number | None = None
    data_duration: Number | None = None
    labels: Raw = Raw(b"{}")
    metadata: dict[str, Any] | None = None


class _OptionRef(_Checked):
    feature_hash: str = ""


class _Answer(_Checked):
    feature_hash: str = ""
    answers: str | int | float | list[_OptionRef] | None = None
    range: list[tuple[Whole, Whole]] = []


class _Answers(_Checked):
    object_hash: str = ""
    classification_hash: str = ""
    feature_hash: Text = None
    classifications: list[_Answer] = []
    actions: list[_Answer] = []
    created_at: Text = None
    created_by: Text = None
    last_edited_at: Text = None
    last_edited_by: Text = None
    confidence: Number | None = None
    manual_annotation: bool | None = None
    reviews: list[dict[str, Any]] | None = None


class _Row(msgspec.Struct):
    label_hash: Text = None
    created_at: Text = None
    last_edited_at: Text = None
    data_hash: str = ""
    dataset_hash: Text = None
    dataset_title: str = ""
    data_title: str = ""
    data_type: str = ""
    data_link: Text = None
    annotation_task_status: Text = None
    label_status: Text = None
    number_of_frames: Annotated[int, Meta(ge=0, le=2**31)] = 0
    duration: Number | None = None
    frames_per_second: Number | None = None
    width: Side | None = None
    height: Side | None = None
    priority: Number | None = None
    client_metadata: dict[str, Any] | None = None
    object_answers: dict[str, _Answers] = {}
    classification_answers: dict[str, _Answers] = {}
    object_actions: dict[str, _Answers] = {}
    data_units: dict[str, _Unit] = {}


_plain = msgspec.json.Decoder()
_ontology = msgspec.json.Decoder(_Ontology)
_row = msgspec.json.Decoder(_Row)
_frame = msgspec.json.Decoder(_Frame)
_frames = msgspec.json.Decoder(dict[Annotated[str, Meta(pattern="^[^-]")], _Frame])
_STILL = (DataType.IMAGE.value, DataType.IMG_GROUP.value, _NewerDataType.GROUP.value)
"""Data types whose units hold labels directly, without a level of frames."""


def ontology_from(text: bytes | str) -> dict[str, Any]:
    """Decode the JSON of an ontology.

    Raises
    ------
    msgspec.ValidationError
        A value has the wrong type; the message has its path.
    msgspec.DecodeError
        It is not JSON.
    """
    _ontology.decode(text)
    members: dict[str, Any] = _plain.decode(text)
    return members


def row_from(text: bytes | str) -> dict[str, Any]:
    """Decode the JSON of a label row; a label that does not say when it was last edited was at no known time.

    The reader of the model would take the time of its clock.

    Raises
    ------
    msgspec.ValidationError
        A value has the wrong type; the message has its path.
    msgspec.DecodeError
        It is not JSON.
    """
    row = _row.decode(text)
    decoder = _frame if row.data_type in _STILL else _frames
    for unit in row.data_units.values():
        decoder.decode(unit.labels)
    members: dict[str, Any] = _plain.decode(text)
    is_still = decoder is _frame
    for unit in members.get("data_units", {}).values():
        labels = unit.get("labels", {})
        for on_frame in [labels] if is_still else labels.values():
            for entry in (*on_frame.get("objects", ()), *on_frame.get("classifications", ())):
                entry.setdefault("lastEditedAt", _UNKNOWN_TIME)
    return members


_UNKNOWN_TIME = format_datetime(UNKNOWN_TIME)


def words_of(error: msgspec.ValidationError) -> str:
    """Return a validation error as text, path first.

    >>> try: row_from('{"data_title": 1}')
    ... except msgspec.ValidationError as error: words_of(error)
    'data_title: expected str, got int'
    """
    fact, _, place = str(error).replace("`", "").partition(" - at ")
    path = place.replace("[...]", ".*").removeprefix("$").removeprefix(".")
    return f"{path}: {fact[:1].lower()}{fact[1:]}" if path else fact[:1].lower() + fact[1:]
