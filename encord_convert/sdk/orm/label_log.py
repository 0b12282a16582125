"""The log of what annotators did."""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Any

from encord_convert.sdk.orm.base_dto import BaseDTO


class Action(IntEnum):
    """What was done. 18 is not assigned."""

    ADD = 0
    EDIT = 1
    DELETE = 2
    START = 3
    END = 4
    MARK_AS_NOT_LABELLED = 5
    MARK_AS_IN_PROGRESS = 6
    MARK_AS_LABELLED = 7
    MARK_AS_REVIEW_REQUIRED = 8
    MARK_AS_REVIEWED = 9
    MARK_AS_REVIEWED_TWICE = 10
    SUBMIT_TASK = 11
    APPROVE_LABEL = 12
    REJECT_LABEL = 13
    CLICK_SAVE = 14
    CLICK_UNDO = 15
    CLICK_REDO = 16
    CLICK_BULK = 17
    CLICK_ZOOM = 19
    CLICK_BRIGHTNESS = 20
    CLICK_HOTKEYS = 21
    CLICK_SETTINGS = 22
    ADD_ATTRIBUTE = 23
    EDIT_ATTRIBUTE = 24
    DELETE_ATTRIBUTE = 25
    APPROVE_NESTED_ATTRIBUTE = 26
    REJECT_NESTED_ATTRIBUTE = 27
    SUBMIT_LABEL = 28
    SUBMIT_NESTED_ATTRIBUTE = 29
    BUFFERING_OVERLAY_SHOWN = 30
    BITRATE_WARNING_SHOWN = 31
    SEEKING_OVERLAY_SHOWN = 32


class LabelLog(BaseDTO):
    """One action of one user.

    Parameters
    ----------
    log_hash, user_hash, user_email : str
    annotation_hash : str or None
        The same as ``identifier``, by its older name.
    identifier : str or None
        Hash of the object or classification acted on.
    data_hash : str
    feature_hash : str or None
    action : Action
    label_name : str or None
    time_taken : int or None
        Milliseconds.
    created_at : datetime
    frame : int or None
        From 0.

    Source
    ------
    Wire protocol, "Label logs". Unknown: the unit of ``time_taken``; a recorded log of known length would settle it.
    """

    log_hash: str
    user_hash: str
    user_email: str
    annotation_hash: str | None
    identifier: str | None
    data_hash: str
    feature_hash: str | None
    action: Action
    label_name: str | None
    time_taken: int | None
    created_at: datetime
    frame: int | None

    def __init__(self, *given: Any, **values: Any) -> None:
        if not given and "identifier" in values:
            values.setdefault("annotation_hash", values["identifier"])
        super().__init__(*given, **values)


class LabelLogParams(BaseDTO):
    """Which logs are asked for.

    Parameters
    ----------
    user_hash, data_hash : str or None
    start_timestamp, end_timestamp : int or None
        Seconds since 1970.
    user_email : str or None
    include_user_email_and_interface_key : bool
    """

    user_hash: str | None
    data_hash: str | None
    start_timestamp: int | None
    end_timestamp: int | None
    user_email: str | None
    include_user_email_and_interface_key: bool

    def __init__(self, **data: Any) -> None:
        super().__init__(**data)
