"""Which points the skeletons of a class have: what an exporter and the prediction of its losses must agree on."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Any

from encord_convert.hub.visibility import fate, frame_size
from encord_convert.sdk.objects import Shape
from encord_convert.sdk.objects.coordinates import SkeletonCoordinates

if TYPE_CHECKING:
    from encord_convert.sdk.objects import LabelRowV2, OntologyStructure


class KnownPoints:
    """The points of each skeleton class: those of its template, which has its name, else of the first one drawn.

    Parameters
    ----------
    structure : OntologyStructure
    tolerance_px : float
        As of :func:`~encord_convert.hub.visibility.fate`: what is degenerate is not drawn.

    Attributes
    ----------
    untemplated : list of str
        Classes without a template of which a skeleton was seen.
    """

    def __init__(self, structure: OntologyStructure, tolerance_px: float) -> None:
        self._tolerance_px = tolerance_px
        self._known: dict[str, set[str]] = {}
        self.untemplated: list[str] = []
        for template in reversed(structure.skeleton_templates):
            self._known[template.name] = _keys(template.skeleton, with_hashes=True)

    def lacks(self, structure: OntologyStructure) -> bool:
        """Tell whether a class of skeletons has no template."""
        return any(item.shape is Shape.SKELETON and item.name not in self._known for item in structure.objects)

    def see(self, row: LabelRowV2) -> None:
        """Look for the first skeleton of each class without a template; rows are shown in their order."""
        wanted = {
            instance.object_name
            for instance in row._objects.values()
            if instance.ontology_item.shape is Shape.SKELETON and instance.object_name not in self._known
        }
        for name, skeleton in first_skeletons(row, wanted, self._tolerance_px):
            self._known[name] = _keys(skeleton.values, with_hashes=False)
            self.untemplated.append(name)

    def strangers(self, name: str, skeleton: Any) -> list[str]:
        """Return the names of points that a skeleton of a class has and its class has not."""
        known = self._known.get(name)
        if known is None or not isinstance(skeleton, SkeletonCoordinates):
            return []
        return [
            point.name
            for point in skeleton.values
            if f"name {point.name}" not in known and f"hash {point.feature_hash}" not in known
        ]


def first_skeletons(
    row: LabelRowV2, wanted: Collection[str], tolerance_px: float
) -> Iterator[tuple[str, SkeletonCoordinates]]:
    """Yield the first skeleton that can be drawn of each wanted class, by frame and then in the order of the row."""
    found = [
        (frame, order, instance.object_name, data.coordinates)
        for order, instance in enumerate(row._objects.values() if wanted else ())
        if instance.ontology_item.shape is Shape.SKELETON and instance.object_name in wanted
        for frame, data in instance._frames.items()
        if isinstance(data.coordinates, SkeletonCoordinates)
    ]
    seen = set()
    for frame, _, name, skeleton in sorted(found, key=lambda one: one[:2]):
        if name not in seen and fate(skeleton, *frame_size(row, frame), tolerance_px) == "inside":
            seen.add(name)
            yield name, skeleton


def _keys(points: Any, *, with_hashes: bool) -> set[str]:
    names = {f"name {point.name}" for point in points}
    return names | {f"hash {point.feature_hash}" for point in points if point.feature_hash} if with_hashes else names
