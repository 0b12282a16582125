"""Boxes as xyxy, xywh and cxcywh, rotated boxes and their corners, in pixels or relative to the image.

A box is four numbers:

- ``xyxy``: left, top, right, bottom
- ``xywh``: left, top, width, height
- ``cxcywh``: centre x, centre y, width, height

The origin is the top-left corner of the image, y grows downwards, right and bottom are exclusive edges: the first pixel
is the box 0, 0, 1, 1. The unit is the caller's, pixels or parts of the image, save where rotation needs pixels. A
rotated box is the unrotated ``xywh``, and degrees clockwise on screen about its centre.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Box = tuple[float, float, float, float]
"""Four numbers; the name of the variable or function says which."""

_QUARTER_TURNS = {0.0: (1.0, 0.0), 90.0: (0.0, 1.0), 180.0: (-1.0, 0.0), 270.0: (0.0, -1.0)}


def xyxy_from_xywh(box: Sequence[float]) -> Box:
    """Convert left, top, width, height to left, top, right, bottom.

    >>> xyxy_from_xywh((10, 20, 30, 40))
    (10, 20, 40, 60)
    """
    x, y, width, height = box
    return x, y, x + width, y + height


def xywh_from_xyxy(box: Sequence[float]) -> Box:
    """Convert left, top, right, bottom to left, top, width, height.

    Corners in the wrong order give negative sizes: ``ordered_xyxy`` fixes them.

    >>> xywh_from_xyxy((10, 20, 40, 60))
    (10, 20, 30, 40)
    """
    x0, y0, x1, y1 = box
    return x0, y0, x1 - x0, y1 - y0


def cxcywh_from_xywh(box: Sequence[float]) -> Box:
    """Convert left, top, width, height to centre x, centre y, width, height.

    >>> cxcywh_from_xywh((10, 20, 30, 40))
    (25.0, 40.0, 30, 40)
    """
    x, y, width, height = box
    return x + width / 2, y + height / 2, width, height


def xywh_from_cxcywh(box: Sequence[float]) -> Box:
    """Convert centre x, centre y, width, height to left, top, width, height.

    >>> xywh_from_cxcywh((25, 40, 30, 40))
    (10.0, 20.0, 30, 40)
    """
    cx, cy, width, height = box
    return cx - width / 2, cy - height / 2, width, height


def cxcywh_from_xyxy(box: Sequence[float]) -> Box:
    """Convert left, top, right, bottom to centre x, centre y, width, height.

    >>> cxcywh_from_xyxy((10, 20, 40, 60))
    (25.0, 40.0, 30, 40)
    """
    x0, y0, x1, y1 = box
    return (x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0


def xyxy_from_cxcywh(box: Sequence[float]) -> Box:
    """Convert centre x, centre y, width, height to left, top, right, bottom.

    >>> xyxy_from_cxcywh((25, 40, 30, 40))
    (10.0, 20.0, 40.0, 60.0)
    """
    cx, cy, width, height = box
    return cx - width / 2, cy - height / 2, cx + width / 2, cy + height / 2


def ordered_xyxy(box: Sequence[float]) -> Box:
    """Order corners, so that left <= right and top <= bottom.

    >>> ordered_xyxy((40, 20, 10, 60))
    (10, 20, 40, 60)
    """
    x0, y0, x1, y1 = box
    return min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)


def relative_from_pixels(box: Sequence[float], width: float, height: float) -> Box:
    """Divide a box in pixels by the size of the image, one division per number.

    Parameters
    ----------
    box : 4 floats
        xyxy, xywh or cxcywh in pixels.
    width, height : float
        Size of the image in pixels, above 0.

    Raises
    ------
    ValueError
        The image has no size.

    >>> relative_from_pixels((10, 20, 40, 60), 100, 200)
    (0.1, 0.1, 0.4, 0.3)
    """
    if not (width > 0 and height > 0):
        raise ValueError(f"An image of {width} x {height} pixels (width x height) has no relative coordinates.")
    x, y, right_or_width, bottom_or_height = box
    return x / width, y / height, right_or_width / width, bottom_or_height / height


def pixels_from_relative(box: Sequence[float], width: float, height: float) -> Box:
    """Multiply a relative box (xyxy, xywh or cxcywh) by the size of the image in pixels.

    >>> pixels_from_relative((0.5, 0.25, 1, 1), 100, 200)
    (50.0, 50.0, 100, 200)
    """
    x, y, right_or_width, bottom_or_height = box
    return x * width, y * height, right_or_width * width, bottom_or_height * height


def normalised_angle(angle_deg: float) -> float:
    """Normalize an angle to [0, 360) degrees.

    Raises
    ------
    ValueError
        The angle is infinite or not a number.

    >>> normalised_angle(390.0), normalised_angle(-90.0), normalised_angle(-1e-20)
    (30.0, 270.0, 0.0)
    """
    if not math.isfinite(angle_deg):
        raise ValueError(f"An angle is a finite number of degrees, not {angle_deg}.")
    angle = angle_deg % 360.0
    # The remainder of a tiny negative angle rounds up to 360 itself.
    return 0.0 if angle == 360.0 else angle


def corners_from_rotated(x: float, y: float, w: float, h: float, angle_deg: float) -> list[float]:
    """Return the corners of a box rotated about its centre.

    Parameters
    ----------
    x, y, w, h : float
        The unrotated box, left, top, width, height, in pixels; relative numbers would be sheared.
    angle_deg : float
        Degrees, clockwise on screen. Multiples of 90 are exact.

    Returns
    -------
    list of 8 floats
        x0, y0, ... clockwise on screen, from the corner that was top-left before rotation. Source
    ------
    CVAT XML 1.1, ``rotation`` of ``<box>``.

    >>> corners_from_rotated(0, 0, 4, 2, 90)
    [3.0, -1.0, 3.0, 3.0, 1.0, 3.0, 1.0, -1.0]
    """
    cos, sin = cos_sin(angle_deg)
    cx, cy = x + w / 2, y + h / 2
    ux, uy = cos * w / 2, sin * w / 2  # half the width, along the rotated top edge
    vx, vy = -sin * h / 2, cos * h / 2  # half the height, along the rotated left edge
    return [
        cx - ux - vx,
        cy - uy - vy,
        cx + ux - vx,
        cy + uy - vy,
        cx + ux + vx,
        cy + uy + vy,
        cx - ux + vx,
        cy - uy + vy,
    ]


def rotated_from_corners(flat: Sequence[float], *, tolerance: float = 1e-6) -> tuple[float, float, float, float, float]:
    """Return the box and rotation that give these four corners.

    Parameters
    ----------
    flat : 8 floats
        x0, y0, ... in pixels, clockwise on screen, from the corner that was top-left before rotation.
    tolerance : float
        Largest distance of a corner from a true rectangle's, in pixels.

    Returns
    -------
    x, y, w, h, angle_deg : float
        The unrotated box, in pixels, and degrees clockwise on screen in [0, 360).

    Raises
    ------
    ValueError
        The points are not four finite corners of a rectangle, clockwise.

    >>> rotated_from_corners([3, -1, 3, 3, 1, 3, 1, -1])
    (0.0, 0.0, 4.0, 2.0, 90.0)
    """
    if len(flat) != 8:
        raise ValueError(f"A rotated box has four corners, 8 numbers; these are {len(flat)}.")
    if not all(map(math.isfinite, flat)):
        raise ValueError(f"The corners {list(flat)} are not all finite numbers.")
    x0, y0, x1, y1, x2, y2, x3, y3 = flat
    cx, cy = (x0 + x1 + x2 + x3) / 4, (y0 + y1 + y2 + y3) / 4
    w, h = math.hypot(x1 - x0, y1 - y0), math.hypot(x3 - x0, y3 - y0)
    # The longer edge knows its direction better.
    angle = math.atan2(y1 - y0, x1 - x0) if w >= h else math.atan2(x0 - x3, y3 - y0)
    box = (cx - w / 2, cy - h / 2, w, h, normalised_angle(math.degrees(angle)))
    if any(not abs(a - b) <= tolerance for a, b in zip(flat, corners_from_rotated(*box), strict=True)):
        raise ValueError(f"The points {list(flat)} are not the corners of a rectangle, clockwise on screen.")
    return box


def xyxy_from_rotated(x: float, y: float, w: float, h: float, angle_deg: float) -> Box:
    """Return the upright box, in pixels, that encloses a rotated one.

    >>> xyxy_from_rotated(0, 0, 4, 2, 90)
    (1.0, -1.0, 3.0, 3.0)
    """
    return xyxy_from_points(corners_from_rotated(x, y, w, h, angle_deg))


def xyxy_from_points(flat: Sequence[float]) -> Box:
    """Return the upright box that encloses points x0, y0, x1, y1, ...

    Raises
    ------
    ValueError
        There is no point, or a y is missing.

    >>> xyxy_from_points([3, 1, 0, 5, 2, 2])
    (0, 1, 3, 5)
    """
    if not len(flat) or len(flat) % 2:
        raise ValueError(f"Points are pairs of x and y, one pair at least; these are {len(flat)} numbers.")
    xs, ys = flat[0::2], flat[1::2]
    return min(xs), min(ys), max(xs), max(ys)


def clip_xyxy(xyxy: Sequence[float], width: float, height: float) -> Box:
    """Clip a box to the image.

    Parameters
    ----------
    xyxy : 4 floats
        Left, top, right, bottom in the unit of the size.
    width, height : float
        Size of the image: pixels, or 1 and 1 for relative coordinates.

    Returns
    -------
    left, top, right, bottom : float
        Inside the image. A box outside of it shrinks to its border, without width or height.

    >>> clip_xyxy((-5, 2, 30, 40), 20, 10)
    (0, 2, 20, 10)
    """
    x0, y0, x1, y1 = xyxy
    return (
        min(max(x0, 0), width),
        min(max(y0, 0), height),
        min(max(x1, 0), width),
        min(max(y1, 0), height),
    )


def cos_sin(angle_deg: float) -> tuple[float, float]:
    """Return cosine and sine of degrees, exact for multiples of 90.

    >>> cos_sin(450)
    (0.0, 1.0)
    """
    angle = normalised_angle(angle_deg)
    exact = _QUARTER_TURNS.get(angle)
    return exact if exact is not None else (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
