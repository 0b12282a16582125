"""Times as label rows write them.

Written form: ``%a, %d %b %Y %H:%M:%S %Z`` with English names whatever the locale, for example
``Sat, 01 Jun 2024 09:00:00 UTC``. A time without zone is written with nothing after the blank and read back as a
time without zone; a time with a zone is written in UTC, which every reader understands.

Text that says ``UTC`` or ``GMT`` becomes a time in UTC that still compares with, and subtracts from, a time without
zone by its wall clock: scripts written against a reader that forgot the zone go on working.

Source: label-row JSON, "Dates".
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any, Self

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_LONG = re.compile(
    r"\s*(?:[A-Za-z]{3,9}),?\s+(\d{1,2})[ -]([A-Za-z]{3})[a-z]*\.?[ -](\d{4})\s+(\d{1,2}):(\d\d):(\d\d)\s*(\S*)\s*"
)
_OFFSET = re.compile(r"(?:UTC|GMT)?([+-])(\d\d):?(\d\d)")
_MONTH_NUMBERS = {name.lower(): number for number, name in enumerate(MONTHS, 1)}
_HOURS_FROM_UTC: dict[str, float] = {
    "NST": -3.5,
    "NDT": -2.5,
    "AST": -4,
    "ADT": -3,
    "EST": -5,
    "EDT": -4,
    "CST": -6,
    "CDT": -5,
    "MST": -7,
    "MDT": -6,
    "PST": -8,
    "PDT": -7,
    "AKST": -9,
    "AKDT": -8,
    "HST": -10,
    "WET": 0,
    "WEST": 1,
    "BST": 1,
    "CET": 1,
    "MET": 1,
    "CEST": 2,
    "MEST": 2,
    "EET": 2,
    "EEST": 3,
    "MSK": 3,
    "WAT": 1,
    "CAT": 2,
    "SAST": 2,
    "EAT": 3,
    "PKT": 5,
    "IST": 5.5,
    "WIB": 7,
    "HKT": 8,
    "JST": 9,
    "KST": 9,
    "AWST": 8,
    "ACST": 9.5,
    "ACDT": 10.5,
    "AEST": 10,
    "AEDT": 11,
    "NZST": 12,
    "NZDT": 13,
}
"""Names of zones. Of names used twice: American CST and AST, British BST, Indian IST."""
_OTHER_FORMS = (
    "%m/%d/%Y",
    "%m/%d/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M:%S",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y-%m-%d %H:%M:%S %Z",
    "%d %b %Y",
    "%d %b %Y %H:%M:%S",
    "%b %d %Y",
    "%b %d, %Y",
    "%a %b %d %H:%M:%S %Y",
)


class _MarkedUtc(datetime):
    """A time whose text said UTC or GMT; among times without zone it counts by its wall clock."""

    __slots__ = ()

    def _as_seen_by(self, other: object) -> datetime:
        if isinstance(other, datetime) and other.tzinfo is None:
            return self.replace(tzinfo=None)
        return self._plain()

    def _plain(self) -> datetime:
        return datetime(
            self.year, self.month, self.day, self.hour, self.minute, self.second, self.microsecond, tzinfo=self.tzinfo
        )

    def replace(self, *args: Any, **changes: Any) -> Self:
        """Return a plain time with the given parts changed."""
        return self._plain().replace(*args, **changes)  # type: ignore[return-value]

    def __repr__(self) -> str:
        return repr(self._plain())

    def __eq__(self, other: object) -> bool:
        return self._as_seen_by(other) == other

    __hash__ = datetime.__hash__

    def __lt__(self, other: datetime) -> bool:  # type: ignore[override]
        return self._as_seen_by(other) < other

    def __le__(self, other: datetime) -> bool:  # type: ignore[override]
        return self._as_seen_by(other) <= other

    def __gt__(self, other: datetime) -> bool:  # type: ignore[override]
        return self._as_seen_by(other) > other

    def __ge__(self, other: datetime) -> bool:  # type: ignore[override]
        return self._as_seen_by(other) >= other

    def __sub__(self, other: Any) -> Any:
        return self._as_seen_by(other) - other

    def __rsub__(self, other: Any) -> Any:
        return other - self._as_seen_by(other)

    def __add__(self, other: Any) -> Any:
        return self._plain() + other

    __radd__ = __add__

    def __reduce_ex__(self, protocol: Any) -> Any:
        return self._plain().__reduce_ex__(protocol)


@lru_cache(maxsize=1 << 16)
def parse_datetime(time_string: str) -> datetime:
    """Read a time.

    The long form first, then ISO 8601, then a few forms met in the wild (``01/02/2024`` is 2 January). The result
    has a zone exactly if the text has one.

    Raises
    ------
    ValueError
        No form fits.
    TypeError
        It is not text.
    """
    if not isinstance(time_string, str):
        raise TypeError(f"A time is text, not {type(time_string).__name__}.")
    long = _LONG.fullmatch(time_string)
    if long is not None:
        found = _from_long(long)
        if found is not None:
            return found
    try:
        return datetime.fromisoformat(time_string.strip())
    except ValueError:
        return _from_other(time_string.strip())


def _from_long(parts: re.Match[str]) -> datetime | None:
    day, month_name, year, hour, minute, second, zone_name = parts.groups()
    month = _MONTH_NUMBERS.get(month_name.lower())
    if month is None:
        return None
    kind: type[datetime] = datetime
    zone: tzinfo | None = None
    if zone_name:
        zone = _zone_from_name(zone_name.upper())
        if zone is None:
            return None
        if zone is UTC:
            kind = _MarkedUtc
    return kind(int(year), month, int(day), int(hour), int(minute), int(second), tzinfo=zone)


def _zone_from_name(name: str) -> tzinfo | None:
    if name in ("UTC", "GMT", "Z", "UT"):
        return UTC
    if name in _HOURS_FROM_UTC:
        return timezone(timedelta(hours=_HOURS_FROM_UTC[name]))
    offset = _OFFSET.fullmatch(name)
    if offset is None:
        return None
    sign, hours, minutes = offset.groups()
    distance = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-distance if sign == "-" else distance)


def _from_other(text: str) -> datetime:
    for form in _OTHER_FORMS:
        try:
            return datetime.strptime(text, form)
        except ValueError:
            continue
    raise ValueError(f"{text!r} is not a known time format. Write it as 2024-06-01T09:00:00+00:00.")


@lru_cache(maxsize=1 << 16, typed=True)
def format_datetime(moment: datetime) -> str:
    """Write a time in the long form, in UTC if it has a zone.

    >>> format_datetime(datetime(2024, 6, 1, 9))
    'Sat, 01 Jun 2024 09:00:00 '
    >>> format_datetime(datetime(2024, 6, 1, 9, tzinfo=UTC))
    'Sat, 01 Jun 2024 09:00:00 UTC'
    """
    zone = ""
    if moment.tzinfo is not None:
        moment = moment.astimezone(UTC)
        zone = "UTC"
    return (
        f"{DAYS[moment.weekday()]}, {moment.day:02} {MONTHS[moment.month - 1]} {moment.year:04} "
        f"{moment.hour:02}:{moment.minute:02}:{moment.second:02} {zone}"
    )
