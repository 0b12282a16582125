"""Polygons, polylines and points of many images, read in one go: half of the numbers of most files stand there."""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from encord_convert.formats.cvat.exact_xml import Image
from encord_convert.formats.cvat.read_shapes import LEAST_POINTS
from encord_convert.sdk.objects.coordinates import PolygonCoordinates, PolylineCoordinates

LINES = {"polygon": PolygonCoordinates._from_flat, "polyline": PolylineCoordinates._from_flat}
"""What makes coordinates of an element's relative points."""

READ = frozenset({*LINES, "points"})
"""Elements whose points are read here."""

Extent = tuple[int, int]
"""Width and height of an image in pixels."""

_decode = msgspec.json.Decoder(list[float]).decode


class _Job:
    """The lines of one image: their texts, and how many numbers each holds."""

    __slots__ = ("extent", "place", "sizes", "texts")

    def __init__(self, place: int, extent: Extent) -> None:
        self.place = place
        self.extent = extent
        self.texts: list[str] = []
        self.sizes: list[int] = []


def relative_lines(images: Sequence[Image], extents: Sequence[Extent | None]) -> list[Iterator[Any] | None]:
    """Return, for each image, the relative points of its :data:`READ` elements in order.

    Parameters
    ----------
    images : sequence of Image
    extents : sequence of (int, int) or None
        None for an image that is not asked for.

    Returns
    -------
    list of iterator of (2 n,) float64, or None
        x0, y0, x1, …, 0..1 of the image. None where a line of the image is not as most are: plain numbers, points
        enough, within the image; its shapes are to be read one by one.
    """
    found: list[Iterator[Any] | None] = [None] * len(images)
    jobs = []
    for place, (image, extent) in enumerate(zip(images, extents, strict=True)):
        job = None if extent is None else _job(image, place, extent)
        if job is not None and job.texts:
            jobs.append(job)
    if jobs and not _read(jobs, found):
        for job in jobs:
            _read([job], found)
    return found


def _job(image: Image, place: int, extent: Extent) -> _Job | None:
    job = _Job(place, extent)
    for tag, _, _, values, _, _, _ in image.shapes:
        if tag in READ:
            text = values[0] if isinstance(values, tuple) else values.get("points")
            count = text.count(";") + 1 if text else 0
            if text is None or count < LEAST_POINTS[tag]:
                return None
            job.texts.append(text)
            job.sizes.append(2 * count)
    return job


def _read(jobs: list[_Job], found: list[Iterator[Any] | None]) -> bool:
    """Fill in what the jobs ask for; tell whether that could be done in one go."""
    joined = ",".join([text for job in jobs for text in job.texts])
    try:
        numbers = _decode("[" + joined.replace(";", ",") + "]")
    except msgspec.DecodeError:
        return False
    ends = list(accumulate([sum(job.sizes) for job in jobs]))
    if len(numbers) != ends[-1]:
        return False
    flat = (np.frombuffer(array("d", numbers)).reshape(-1, 2) / _scales(jobs)).reshape(-1)
    starts = [0, *ends[:-1]]
    least, most = np.minimum.reduceat(flat, starts).tolist(), np.maximum.reduceat(flat, starts).tolist()
    for job, start, low, high in zip(jobs, starts, least, most, strict=True):
        if low >= 0 and high <= 1:
            found[job.place] = iter(_cut(flat, start, job.sizes))
    return True


def _scales(jobs: list[_Job]) -> NDArray[np.float64]:
    """Return width and height for all points, or for each."""
    extents = {job.extent for job in jobs}
    if len(extents) == 1:
        return np.array(jobs[0].extent, np.float64)
    sizes = np.array([job.extent for job in jobs], np.float64)
    return np.repeat(sizes, [sum(job.sizes) // 2 for job in jobs], axis=0)


def _cut(flat: NDArray[np.float64], start: int, sizes: list[int]) -> list[NDArray[np.float64]]:
    pieces = []
    for size in sizes:
        pieces.append(flat[start : start + size])
        start += size
    return pieces
