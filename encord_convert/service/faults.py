"""Errors in wire form, the inverse of the client's parsing.

Source: wire protocol, sections 4.1 and 4.2.
"""

from __future__ import annotations

import errno
import logging
from typing import Any

import msgspec
from sqlalchemy.exc import DataError

from encord_convert.sdk import exceptions
from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.http._envelopes import CODES, MULTI_LABEL_LIMIT

_LOG = logging.getLogger("encord_convert.service")

_CODES = {class_: code for code, class_ in CODES.items()}
_STATUSES: dict[str, int] = {
    "AUTHENTICATION_ERROR": 401,
    "AUTHORISATION_ERROR": 403,
    "RESOURCE_NOT_FOUND_ERROR": 404,
    "METHOD_NOT_ALLOWED_ERROR": 405,
    "RESOURCE_EXISTS_ERROR": 409,
    "UNKNOWN_ERROR": 502,
}
"""Numbers for people: readers look at the code. Never one of 413, 429, 500 and 503, which ask to be asked again."""
_OTHER_STATUS = 400


FULL = "The disk of the service is full or failing: nothing was written."
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EIO}


class FullDiskError(EncordException):
    """There is no room left: nothing of what was asked was written."""


def code_of(error: BaseException) -> tuple[str, Any]:
    """Return the code and payload of an error; a bug is logged and reported without its text."""
    if isinstance(error, exceptions.MultiLabelLimitError):
        return MULTI_LABEL_LIMIT, {"maximum_labels_allowed": error.maximum_labels_allowed}
    if isinstance(error, EncordException):
        code = next((_CODES[class_] for class_ in type(error).__mro__ if class_ in _CODES), "UNKNOWN_ERROR")
        return code, error.message
    if isinstance(error, OSError) and error.errno in _FULL:
        return "UNKNOWN_ERROR", FULL
    if isinstance(error, DataError | OverflowError):
        return (
            "INVALID_ARGUMENTS_ERROR",
            "A value cannot be kept: a number is out of range, or a text has a zero byte.",
        )
    if isinstance(error, msgspec.DecodeError | RecursionError | UnicodeDecodeError):
        return "INVALID_ARGUMENTS_ERROR", f"The request cannot be read: {error}."
    _LOG.error("A request failed.", exc_info=error)
    return "UNKNOWN_ERROR", "The service failed; its log says where."


def envelope_of(error: BaseException) -> bytes:
    """Return the envelope body of an error, sent with HTTP 200."""
    code, payload = code_of(error)
    return msgspec.json.encode({"status": _STATUSES.get(code, _OTHER_STATUS), "response": [code], "payload": payload})


def status_of(error: BaseException) -> tuple[int, bytes]:
    """Return HTTP status and body of an error in REST v2."""
    code, payload = code_of(error)
    return _STATUSES.get(code, _OTHER_STATUS), msgspec.json.encode({"message": payload, "code": code})
