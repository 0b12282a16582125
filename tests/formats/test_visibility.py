"""What three points of a ring tell of it is what all of them would."""

import math
from random import Random

import pytest

from encord_convert.hub.visibility import fate, is_degenerate_ring, unbounded_fate
from encord_convert.sdk.objects.coordinates import PolygonCoordinates

WIDTH, HEIGHT = 1280, 720


def is_on_a_line(flat: list[float], tolerance_px: float) -> bool:
    """Tell whether all points lie as near to the line from the first to the farthest as the tolerance."""
    x0, y0 = flat[:2]
    offsets = [(x - x0, y - y0) for x, y in zip(flat[0::2], flat[1::2], strict=True)]
    far = max(offsets, key=lambda offset: abs(offset[0]) + abs(offset[1]))
    reach = tolerance_px * math.hypot(*far)
    return all(abs(x * far[1] - y * far[0]) <= reach for x, y in offsets)


@pytest.mark.parametrize("tolerance_px", [1e-5, 0.005, 1.0])
def test_a_ring_is_degenerate_wherever_it_lies_if_its_points_are_on_a_line(tolerance_px: float) -> None:
    chance, answers = Random(7), set()
    for _ in range(3_000):
        x, y, angle = chance.uniform(-500, 1500), chance.uniform(-500, 1500), chance.uniform(0.1, 1.4)
        wide, thin = 10 ** chance.uniform(0, 3), tolerance_px * 10 ** chance.uniform(-2, 2)
        flat: list[float] = []
        for _ in range(chance.randint(3, 9)):
            along, across = chance.uniform(-wide, wide), chance.uniform(-thin, thin)
            flat += [x + along * math.cos(angle) - across * math.sin(angle)]
            flat += [y + along * math.sin(angle) + across * math.cos(angle)]
        sides = max(flat[0::2]) - min(flat[0::2]), max(flat[1::2]) - min(flat[1::2])
        expected = min(sides) <= tolerance_px or is_on_a_line(flat, tolerance_px)
        assert is_degenerate_ring(flat, tolerance_px) is expected
        answers.add(expected)
        shares = [number / side for number, side in zip(flat, (WIDTH, HEIGHT) * 9, strict=False)]
        polygon = PolygonCoordinates._from_flat(shares)
        fates = [one(polygon, WIDTH, HEIGHT, tolerance_px) == "degenerate" for one in (fate, unbounded_fate)]
        assert fates[0] is fates[1]
    assert answers == {True, False}
