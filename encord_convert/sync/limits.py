"""Recommended limits of the hosted service, and how rows are sharded over projects to stay within them.

Source: https://docs.encord.com/platform-documentation/General/best-practices, sections "Import Into Encord" and
"Annotate Projects": figures of projects with a workflow. A plan reports what exceeds them and shards a new project over
several if needed; nothing is refused.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

MB, GB = 10**6, 10**9


@dataclass(frozen=True, slots=True)
class Limits:
    """Recommended maxima.

    Parameters
    ----------
    rows, instances, labels, bytes : float
        Per project: label rows, instances, instances counted per frame, and bytes of data.
    file_bytes, row_bytes : float
        Bytes per file, and of the labels of a row.
    frames : float
        Frames per video.
    width_px, height_px : float
        Size of an image or video, in either orientation.
    """

    rows: float = math.inf
    instances: float = math.inf
    labels: float = math.inf
    bytes: float = math.inf
    file_bytes: float = math.inf
    row_bytes: float = math.inf
    frames: float = math.inf
    width_px: float = math.inf
    height_px: float = math.inf


_COMMON = {"bytes": 100 * GB, "frames": 200_000, "width_px": 3840, "height_px": 2160}
LIMITS: Mapping[str, Limits] = {
    "enterprise": Limits(500_000, 500_000, 5_000_000, file_bytes=GB, row_bytes=50 * MB, **_COMMON),
    "team": Limits(500_000, 500_000, 1_000_000, file_bytes=GB, row_bytes=50 * MB, **_COMMON),
    "free": Limits(1000, 5000, 1_000_000, file_bytes=25 * MB, row_bytes=10 * MB, **_COMMON),
    "none": Limits(),
}
"""Limits by the account's plan."""


@dataclass(slots=True)
class Load:
    """Load of a row, or of all rows of a project; see :class:`Limits`."""

    rows: int = 0
    instances: int = 0
    labels: int = 0
    bytes: int = 0

    def plus(self, other: Load) -> Load:
        """Return the sum of two loads."""
        return Load(
            self.rows + other.rows,
            self.instances + other.instances,
            self.labels + other.labels,
            self.bytes + other.bytes,
        )

    def beyond(self, limits: Limits) -> list[str]:
        """Yield what exceeds the limits of a project."""
        return [
            f"the project has {number} {what}; at most {most:g} are recommended."
            for what, number, most in (
                ("label rows", self.rows, limits.rows),
                ("instances", self.instances, limits.instances),
                ("labels, counted per frame", self.labels, limits.labels),
                ("bytes of data", self.bytes, limits.bytes),
            )
            if number > most
        ]


def shards_of(loads: list[Load], limits: Limits, known: Sequence[int | None] = ()) -> list[int]:
    """Return the index of each row's project, from 0, in order.

    Rows of ``known`` projects stay there; others go to the last of those or to new ones.
    """
    shards: list[int] = []
    given = [*known, *[None] * (len(loads) - len(known))]
    shard = max((item for item in given if item is not None), default=0)
    total = reduce(Load.plus, (load for load, one in zip(loads, given, strict=True) if one == shard), Load())
    for load, one in zip(loads, given, strict=True):
        if one is not None:
            shards.append(one)
            continue
        total = total.plus(load)
        if total.rows > load.rows and total.beyond(limits):
            shard, total = shard + 1, load
        shards.append(shard)
    return shards


def beyond_of_a_row(
    limits: Limits, *, label_bytes: int, files: list[int], frames: int, width_px: int | None, height_px: int | None
) -> list[str]:
    """Yield what exceeds the limits in one row."""
    found = []
    if label_bytes > limits.row_bytes:
        found.append(f"its labels have {label_bytes} bytes; at most {limits.row_bytes:g} are recommended.")
    found += [
        f"a file has {size} bytes; at most {limits.file_bytes:g} are recommended."
        for size in files
        if size > limits.file_bytes
    ]
    if frames > limits.frames:
        found.append(f"it has {frames} frames; at most {limits.frames:g} are recommended.")
    sides = sorted((width_px or 0, height_px or 0))
    if sides[1] > limits.width_px or sides[0] > limits.height_px:
        most = f"{limits.width_px:g} × {limits.height_px:g}"
        found.append(f"it is {width_px} × {height_px} pixels; at most {most} are recommended.")
    return found
