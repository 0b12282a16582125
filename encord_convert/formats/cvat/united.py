"""What several images of one row have under one ``track_id``: one object, or one classification, on all its frames.

CVAT for images writes the number of a track on each of its boxes. They are joined where nothing is lost by it: on one
image a track is once, and what does not change over a track (its class, its static answers) is the same on all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from encord_convert.formats.cvat.exact_xml import Image
from encord_convert.hub.counts import Counts, Origin
from encord_convert.sdk.objects import ObjectInstance


class United:
    """Gathers the labels of images, one image after the other.

    Parameters
    ----------
    counts : Counts
        Where tracks are counted.

    Attributes
    ----------
    labels : list of ObjectInstance or ClassificationInstance
        In the order of their first frames.
    joined : dict of str to str
        Hashes of labels that are other frames of one: its hash.
    """

    def __init__(self, counts: Counts) -> None:
        self.labels: list[Any] = []
        self.joined: dict[str, str] = {}
        self._counts = counts
        self._tracks: dict[tuple[str, str], list[Any]] = {}

    def add(self, image: Image, labels: Iterable[Any], hash_of: Callable[[int], str]) -> None:
        """Take the labels of the next image, whose hashes were made with ``hash_of`` from their indices in it."""
        numbers = {hash_of(index): shape[2][4] for index, shape in enumerate(image.shapes)}
        for instance in labels:
            number = numbers.get(instance._hash)
            if not number or not self._join(number, instance):
                self.labels.append(instance)

    def _join(self, number: str, instance: Any) -> bool:
        """Add an instance to the one of which it is another frame; tell whether there is one."""
        tracks = self._tracks.setdefault((number, instance.ontology_item.feature_node_hash), [])
        first = next((one for one in tracks if _is_frame_of(instance, one)), None)
        if first is None:
            tracks.append(instance)
            return False
        origin = first._origin
        if origin.weights is None:
            if isinstance(first, ObjectInstance):
                self._counts.into["track", origin.label] += 1
            weights = dict.fromkeys(first._frames, (1, origin.carried))
            origin = Origin(origin.type, origin.label, origin.line, changed=origin.changed, weights=weights)
            first._origin = origin
        self.joined[instance._hash] = first._hash
        for frame, data in instance._frames.items():
            origin.weights[frame] = 1, instance._origin.carried
            if isinstance(instance, ObjectInstance):
                first._place(frame, data.coordinates, data.object_frame_instance_info)
                for attribute, value in instance._dynamic_answers_at(frame):
                    first._answer_frames(attribute, value, frame, frame)
            else:
                first._place(frame, data)
        return True


def _is_frame_of(instance: Any, track: Any) -> bool:
    is_free = instance._frames.keys().isdisjoint(track._frames)
    return is_free and list(instance._static_answers()) == list(track._static_answers())
