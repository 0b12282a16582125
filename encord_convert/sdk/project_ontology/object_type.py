"""Shapes an object of the older ontology can have."""

from __future__ import annotations

from enum import Enum


class ObjectShape(Enum):
    """A shape; masks are not among them."""

    POLYGON = "polygon"
    POLYLINE = "polyline"
    BOUNDING_BOX = "bounding_box"
    KEY_POINT = "point"
    SKELETON = "skeleton"
    ROTATABLE_BOUNDING_BOX = "rotatable_bounding_box"
