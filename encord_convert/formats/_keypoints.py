"""Keypoints of skeleton classes: their order and which ones mirror each other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from encord_convert.formats.coco.categories import Keypoints, keypoints_of
from encord_convert.hub.conversions import TOLERANCE_PX
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.skeletons import first_skeletons
from encord_convert.sdk.objects import Shape

_SIDE = re.compile(r"left|right|(?<![a-z])[lr](?![a-z])", re.IGNORECASE)
_OTHER = {"left": "right", "right": "left", "l": "r", "r": "l"}


class Poses:
    """The keypoints of every skeleton class of a label set.

    A class without a template takes them from its first skeleton, which costs an extra walk over the rows.

    Parameters
    ----------
    """

    def __init__(self, labels: LabelSet) -> None:
        names = dict.fromkeys(object_.name for object_ in labels.ontology.objects if object_.shape is Shape.SKELETON)
        self._by_name = {name: keypoints_of(labels.ontology, name) for name in names}
        if None in self._by_name.values():
            self._look(labels)

    def _look(self, labels: LabelSet) -> None:
        for row in labels._unguarded():
            wanted = {name for name, known in self._by_name.items() if known is None}
            for name, skeleton in first_skeletons(row, wanted, TOLERANCE_PX):
                self._by_name[name] = Keypoints([point.name for point in skeleton.values])
            if None not in self._by_name.values():
                return

    @property
    def all(self) -> list[Keypoints]:
        """The keypoints of each class that has any."""
        return [known for known in self._by_name.values() if known is not None]

    @property
    def most(self) -> int:
        """Number of keypoints of a model for all classes: the maximum over classes."""
        return max((len(item.names) for item in self.all), default=0)

    def named(self, name: str) -> Keypoints | None:
        """Return the keypoints of a class, None if it has none."""
        return self._by_name.get(name)

    def of(self, instance: Any) -> Keypoints:
        """Return the keypoints of the class of a skeleton that is written."""
        known = self._by_name[instance.object_name]
        assert known is not None
        return known


def flips_of(names: Sequence[str]) -> list[int] | None:
    """Return the index of each keypoint's mirror image; None if the names do not tell left from right.

    >>> flips_of(["nose", "left eye", "right eye"]), flips_of(["l_hip", "r_hip"]), flips_of(["left eye", "nose"])
    ([0, 2, 1], [1, 0], None)
    >>> flips_of(["nose", "tail"]) is None
    True
    """
    places = {name.lower(): index for index, name in enumerate(names)}
    mirrored = [_SIDE.sub(lambda found: _OTHER[found.group().lower()], name.lower()) for name in names]
    if mirrored == [name.lower() for name in names] or not all(name in places for name in mirrored):
        return None
    return [places[name] for name in mirrored]
