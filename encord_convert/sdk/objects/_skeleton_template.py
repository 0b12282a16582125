"""Skeleton templates: the points of a skeleton object and the lines between them.

The template of a skeleton object is the one whose name is the object's.

Source: label-row JSON, "Newer server JSON", ontology.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from encord_convert.sdk.objects.ontology_element import _Keeping, _unknown_keys

_KNOWN = frozenset({"name", "width", "height", "skeleton", "skeletonEdges", "feature_node_hash", "shape"})
_KNOWN_OF_NODE = frozenset({"x", "y", "name", "color", "value", "featureHash"})

Edge = tuple[int, int, str | None]
"""From one point to another, by their places from 0, in a colour."""


@dataclass
class SkeletonNode(_Keeping):
    """One point of a template.

    Parameters
    ----------
    x, y : float
        Where it stands in the template's own box: 0..1 of its width and height, origin top-left.
    name : str
    color : str, optional
    feature_hash : str, optional
    value : str, optional
    """

    x: float
    y: float
    name: str
    color: str | None = None
    feature_hash: str | None = None
    value: str | None = None

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> SkeletonNode:
        """Return the point a JSON form describes."""
        node = cls(d["x"], d["y"], d["name"], d.get("color"), d.get("featureHash"), d.get("value"))
        node._extras = _unknown_keys(d, _KNOWN_OF_NODE)
        return node

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        d = {
            "x": self.x,
            "y": self.y,
            "name": self.name,
            "color": self.color,
            "value": self.value,
            "featureHash": self.feature_hash,
        }
        return {key: value for key, value in d.items() if value is not None} | (self._extras or {})


@dataclass
class SkeletonTemplate(_Keeping):
    """The points of a skeleton object and the lines between them.

    Parameters
    ----------
    name : str
        The name of the object drawn with it.
    width, height : float
        Size of a new skeleton, 0..1 of the frame.
    skeleton : list of SkeletonNode
        The points in order; labels follow it.
    edges : list of (int, int, str or None)
        The lines: from point, to point (places in ``skeleton``, from 0), colour.
    feature_node_hash : str, optional
    """

    name: str
    width: float
    height: float
    skeleton: list[SkeletonNode] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    feature_node_hash: str | None = None

    @classmethod
    def from_dict(cls, d: dict[str, Any]) -> SkeletonTemplate:
        """Return the template a JSON form describes."""
        nodes = d.get("skeleton") or {}
        keys = sorted(nodes, key=int)
        places = {key: place for place, key in enumerate(keys)}
        template = cls(
            name=d["name"],
            width=d["width"],
            height=d["height"],
            skeleton=[SkeletonNode.from_dict(nodes[key]) for key in keys],
            edges=[
                (places[start], places[end], line.get("color"))
                for start, lines in (d.get("skeletonEdges") or {}).items()
                for end, line in lines.items()
            ],
            feature_node_hash=d.get("feature_node_hash"),
        )
        template._extras = _unknown_keys(d, _KNOWN)
        return template

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        edges: dict[str, dict[str, dict[str, str]]] = {}
        for start, end, color in self.edges:
            edges.setdefault(str(start), {})[str(end)] = {} if color is None else {"color": color}
        d: dict[str, Any] = {
            "name": self.name,
            "width": self.width,
            "height": self.height,
            "skeleton": {str(place): node.to_dict() for place, node in enumerate(self.skeleton)},
            "skeletonEdges": edges,
        }
        if self.feature_node_hash is not None:
            d["feature_node_hash"] = self.feature_node_hash
        d["shape"] = "skeleton"
        return d | (self._extras or {})
