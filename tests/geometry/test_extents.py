"""What vectors call surely inside is inside for the function that looks at one shape, and most that is, is sure."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pytest

from encord_convert.hub.extents import Extents, limits_of
from encord_convert.hub.table import Column
from encord_convert.hub.visibility import bounded_fate, fate
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import (
    BitmaskCoordinates,
    BoundingBoxCoordinates,
    PointCoordinate,
    PolygonCoordinates,
    PolylineCoordinates,
    RotatableBoundingBoxCoordinates,
)

TOLERANCE_PX = 0.005
ODD = (0.0, 1.0, 1e-5, -1e-5, 1.0 + 1e-5, -0.2, 1.3, 5e-5, float("nan"), float("inf"), -1e300)


def number(chance: Random) -> float:
    """A share of the image: mostly inside, at times at its border, beyond it, or none."""
    return chance.choice(ODD) if chance.random() < 0.15 else chance.random()


def ring(chance: Random) -> list[float]:
    first = [number(chance), number(chance)]
    count = chance.randint(1, 9)
    if chance.random() < 0.2:  # all on a line
        return first + [one + step * 0.01 for step in range(1, count) for one in first]
    return first + [number(chance) for _ in range(2 * (count - 1))]


def mask(chance: Random) -> BitmaskCoordinates:
    pixels = np.random.default_rng(chance.randrange(1 << 30)).random((30, 40)) < chance.choice((0.0, 0.5))
    return BitmaskCoordinates(pixels)


MAKERS: dict[Shape, Callable[[Random], Any]] = {
    Shape.BOUNDING_BOX: lambda c: BoundingBoxCoordinates(*(number(c) / 2 for _ in range(4))),
    Shape.ROTATABLE_BOUNDING_BOX: lambda c: RotatableBoundingBoxCoordinates(
        *(number(c) / 2 for _ in range(4)), c.choice((0.0, 30.0, 90.0, c.uniform(-720, 720), float("nan")))
    ),
    Shape.POLYGON: lambda c: PolygonCoordinates._from_flat(ring(c)),
    Shape.POLYLINE: lambda c: PolylineCoordinates._from_flat(ring(c)),
    Shape.POINT: lambda c: PointCoordinate(number(c), number(c)),
    Shape.BITMASK: mask,
}


@pytest.mark.parametrize("is_bounded", [False, True])
@pytest.mark.parametrize("shape", MAKERS, ids=lambda shape: shape.value)
def test_what_is_sure_is_inside_and_most_that_is_inside_is_sure(shape: Shape, is_bounded: bool) -> None:
    chance, judge = Random(7), bounded_fate if is_bounded else fate
    made = [MAKERS[shape](chance) for _ in range(400)]
    sizes = [chance.choice(((40, 30), (400, 3), (20, 50))) for _ in made]
    assert Extents.can_be_of(shape, made)
    sure = Extents.of(shape, made, sizes).surely_inside(TOLERANCE_PX, is_bounded=is_bounded).tolist()
    fates = [judge(one, *size, TOLERANCE_PX) for one, size in zip(made, sizes, strict=True)]
    assert [place for place, is_sure in enumerate(sure) if is_sure and fates[place] != "inside"] == []
    assert sum(sure) > 0.6 * fates.count("inside") > 10


def test_a_polygon_of_more_than_one_ring_is_nowhere_sure() -> None:
    flat = [0.1, 0.1, 0.9, 0.1, 0.9, 0.9, 0.1, 0.9]
    plain = PolygonCoordinates._from_flat(flat)
    nested = PolygonCoordinates._from_rings([[flat, [one / 2 + 0.2 for one in flat]]])
    extents = Extents.of(Shape.POLYGON, [plain, nested], [(40, 30)] * 2)
    assert extents.surely_inside(TOLERANCE_PX).tolist() == [True, False]


def test_sizes_that_are_all_the_same_are_one_row() -> None:
    assert limits_of([(4, 3), (4, 3)]).tolist() == [[4, 3]]
    assert limits_of([(4, 3), (4, 5)]).tolist() == [[4, 3], [4, 5]]


def test_a_shape_of_a_column_is_found_whatever_the_order_of_places() -> None:
    column = Column([5, 0, 2], np.arange(16) / 100, [4, 6, 6])  # by depth, as CVAT files may have it
    assert [column.at(Shape.POLYLINE, place)._flat[0] for place in (0, 2, 5)] == [0.04, 0.1, 0.0]
