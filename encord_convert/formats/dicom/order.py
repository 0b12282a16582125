"""The order of the slices of a series: by position, by number, or as stored.

The result does not depend on file order: ties are broken by instance UID and frame number.

Source: PS3.3, C.7.6.2 (image plane); ``fixtures/dicom/ct_series``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Any, Literal

import numpy as np

from encord_convert.formats.dicom.headers import DIMENSIONS, Slice, normal_of

Order = Literal["position", "instance", "given"]
Note = tuple[str, str]
"""A code and a sentence."""

SAME_DIRECTION = 1e-3
"""Tolerance of cosines within one stack; stored values are rounded."""
SAME_PLACE = 1e-3
"""Fraction of the spacing below which slices share a position."""
MAX_DIRECTIONS = 32
"""With more directions than this, slices are ordered by number."""
MAX_GAPS = 20
"""Gaps of one stack that are reported individually."""
IRREGULAR, IRREGULAR_MM = 0.01, 0.01
"""Tolerance of a gap around the spacing, relative and in mm; the larger applies."""


def ordered(slices: Sequence[Slice], by: Order) -> tuple[list[Slice], list[Note]]:
    """Return the slices of one series in order, with notes.

    Parameters
    ----------
    by : str
        ``position``: along the normal of the stack, ascending; ``instance``: by InstanceNumber; ``given``: by file
        name. Frames of a file without geometry stay as stored.
    """
    stable = sorted(slices, key=_stored)
    if by == "given":
        return stable, []
    if by == "instance":
        return _by_number(stable)
    placed = [item for item in stable if normal(item) is not None]
    if not placed:
        return _by_number(stable)
    return _by_position(placed, [entry for entry in stable if normal(entry) is None])


def _stored(one: Slice) -> Any:
    return natural(one.file), one.uid, one.number or 0


def natural(name: str) -> tuple[tuple[int, int | str], ...]:
    """Return a key that sorts ``IM2`` before ``IM10``.

    >>> sorted(["IM10", "IM2"], key=natural)
    ['IM2', 'IM10']
    """
    parts = re.split(r"(\d{1,18})", name)
    return tuple((1, int(part)) if part.isdecimal() else (0, part) for part in parts if part)


def normal(one: Slice) -> tuple[float, float, float] | None:
    """Return the unit normal of a slice; None without usable geometry."""
    return None if one.position is None else normal_of(one.orientation)


def _by_position(placed: list[Slice], unplaced: list[Slice]) -> tuple[list[Slice], list[Note]]:
    directions = _directions(placed)
    if directions is None or not _is_stack(directions, placed):
        several = f"more than {MAX_DIRECTIONS}" if directions is None else str(len(directions))
        fact = f"Slices of {several} directions are not one stack; their positions do not order them."
        result, notes = _by_number(sorted(placed + unplaced, key=_stored))
        return result, [("NO_STACK", fact), *notes]
    result, notes = [], []
    stacks: dict[str, list[Slice]] = {}
    for member in directions[0]:
        stacks.setdefault(member.stack, []).append(member)
    for name in sorted(stacks, key=natural):
        stack, said = _stack(stacks[name])
        result += stack
        notes += said
    outside = [member for members in directions[1:] for member in members]
    if outside or unplaced:
        count = len(outside) + len(unplaced)
        fact = f"{count} slices of another direction, or of none, follow the {len(result)} of the stack."
        notes.append(("OUTSIDE_STACK", fact))
    if outside:
        rest, said = _by_position(outside, [])
        result += rest
        notes += [note for note in said if note[0] not in ("OUTSIDE_STACK", "NO_STACK")]
    if unplaced:
        result += _by_number(unplaced)[0]
    return result, notes


def _directions(placed: list[Slice]) -> list[list[Slice]] | None:
    """Return slices by direction, the most frequent first; None if there are too many for stacks."""
    directions: list[tuple[tuple[float, ...], list[Slice]]] = []
    for one in sorted(placed, key=lambda one: (one.orientation or (), one.uid, one.number or 0)):
        own = one.orientation or ()
        for direction, members in directions:
            if all(abs(a - b) <= SAME_DIRECTION for a, b in zip(own, direction, strict=True)):
                members.append(one)
                break
        else:
            directions.append((own, [one]))
            if len(directions) > MAX_DIRECTIONS:
                return None
    directions.sort(key=lambda group: (-len(group[1]), group[0]))
    return [members for _, members in directions]


def _is_stack(directions: list[list[Slice]], placed: list[Slice]) -> bool:
    """Return whether positions order the slices: most share one direction, or nothing else orders them.

    Rotational views and localizers in three planes have many directions or few slices of each, and keep their
    acquisition order.
    """
    most = len(directions[0])
    if len(directions) == 1 or 2 * most > len(placed):
        return True
    instances = {item.uid: item.instance for item in placed}
    has_numbers = None not in instances.values() and len(set(instances.values())) == len(instances) > 1
    return most > 1 and not has_numbers


def _stack(members: list[Slice]) -> tuple[list[Slice], list[Note]]:
    """Order slices of one direction; those at one position are separated by a dimension into consecutive stacks."""
    direction = normal(members[0])
    assert direction is not None
    along = [
        (sum(a * b for a, b in zip(s.position or (), direction, strict=True)), s.uid, s.number or 0, s) for s in members
    ]
    along.sort(key=lambda entry: entry[:3])
    steps = [b[0] - a[0] for a, b in pairwise(along)]
    spacing = float(np.median([step for step in steps if step > 1e-3] or [0.0]))
    places: list[list[Slice]] = []
    positions: list[float] = []
    for place, _, _, one in along:
        if positions and place - positions[-1] <= max(spacing * SAME_PLACE, 1e-4):
            places[-1].append(one)
        else:
            places.append([one])
            positions.append(place)
    notes = _gaps(positions, spacing)
    depth = len(places[0])
    if all(len(place) == 1 for place in places):
        return [place[0] for place in places], notes
    for name, value in _tellers():
        if all(len(place) == depth for place in places):
            columns = [sorted(place, key=lambda one: value(one) or 0.0) for place in places]
            told = [[value(item) for item in column] for column in columns]
            if all(None not in row and len(set(row)) == depth for row in told) and (
                name == "InstanceNumber" or all(row == told[0] for row in told)
            ):
                fact = f"{depth} slices are at each of {len(places)} positions, ordered stack by stack, by {name}."
                return [column[time] for time in range(depth) for column in columns], [*notes, ("ORDERED_BY", fact)]
    fact = f"{len(members)} slices are at {len(places)} positions, and nothing separates those at one position."
    tied = [sorted(place, key=lambda one: (one.instance or 0, one.uid, one.number or 0)) for place in places]
    return [each for place in tied for each in place], [*notes, ("AMBIGUOUS_ORDER", fact)]


def _tellers() -> Iterable[tuple[str, Callable[[Slice], float | None]]]:
    for index, name in enumerate(DIMENSIONS):
        yield name, lambda one, index=index: one.dimensions[index]  # type: ignore[misc]
    yield "InstanceNumber", lambda one: one.instance


def _gaps(positions: list[float], spacing: float) -> list[Note]:
    notes = []
    allowed = max(IRREGULAR * spacing, IRREGULAR_MM)
    for before, after in pairwise(positions):
        step = after - before
        if abs(step - spacing) <= allowed:
            continue
        span = f"between {before:g} and {after:g} mm; slices are {spacing:g} mm apart"
        missing = round(step / spacing) - 1
        if missing > 0 and abs(step - (missing + 1) * spacing) <= allowed * (missing + 1):
            notes.append(
                ("MISSING_SLICES", f"{missing} {'slice is' if missing == 1 else 'slices are'} missing {span}.")
            )
        else:
            notes.append(("IRREGULAR_SPACING", f"The gap is {step:g} mm {span}."))
    if len(notes) > MAX_GAPS:
        notes[MAX_GAPS:] = [("IRREGULAR_SPACING", f"{len(notes) - MAX_GAPS} more gaps are not {spacing:g} mm.")]
    return notes


def _by_number(stable: list[Slice]) -> tuple[list[Slice], list[Note]]:
    """Order by InstanceNumber, else by the time of acquisition, else as the files are named."""
    files = Counter(entry.uid for entry in stable)
    if len(files) == 1:
        return stable, []
    instances = {each.uid: each.instance for each in stable}
    if None not in instances.values() and len(set(instances.values())) == len(files):
        return sorted(stable, key=lambda one: (one.instance or 0, one.number or 0)), []
    times = {item.uid: item.time for item in stable}
    if "" not in times.values() and len(set(times.values())) == len(files):
        fact = "Slices are ordered by acquisition time: they have no usable position or InstanceNumber."
        return sorted(stable, key=lambda one: (one.time, one.number or 0)), [("ORDERED_BY_TIME", fact)]
    fact = "Slices are ordered by file name: they have no usable position, InstanceNumber or time."
    return stable, [("ORDERED_BY_NAME", fact)]
