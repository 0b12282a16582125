"""Moments: unix seconds in the database, texts on the wire.

Source: wire protocol, section 15.
"""

from __future__ import annotations

from datetime import UTC, datetime

from encord_convert.sdk.common.time_parser import parse_datetime
from encord_convert.sdk.exceptions import InvalidDateFormatError


def spaced(seconds: float) -> str:
    """Return a moment as records have it, in UTC; readers of projects take no other form.

    >>> spaced(1700000000.25)
    '2023-11-14 22:13:20'
    """
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")


def iso(seconds: float) -> str:
    """Return a moment as listings have it: to the microsecond, UTC, without saying so.

    >>> iso(1700000000.25)
    '2023-11-14T22:13:20.250000'
    """
    return datetime.fromtimestamp(seconds, UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def zulu(seconds: float) -> str:
    """Return a moment as REST v2 has it.

    >>> zulu(1700000000.25)
    '2023-11-14T22:13:20.250000Z'
    """
    return iso(seconds) + "Z"


def long(seconds: float) -> str:
    """Return a moment as ontologies have it.

    >>> long(1700000000.25)
    'Tue, 14 Nov 2023 22:13:20 GMT'
    """
    from email.utils import formatdate

    return formatdate(seconds, usegmt=True)


def seconds_of(text: object) -> float:
    """Return the unix seconds of a moment as filters have it; without a zone it is UTC.

    Raises
    ------
    InvalidDateFormatError
        The text is no moment.

    >>> seconds_of("2023-11-14T23:13:20+01:00")
    1700000000.0
    """
    try:
        moment = parse_datetime(str(text))
    except Exception as error:
        raise InvalidDateFormatError(f"{str(text)[:64]!r} is no date; expected ISO 8601.") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
