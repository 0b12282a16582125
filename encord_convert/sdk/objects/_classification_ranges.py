"""Frames of classifications from the ``range`` of their answers.

Older rows place a classification by an entry on each frame, newer ones by ``range`` alone, and some say both. If they
differ, ``range`` tells the frames, and the entries tell who made it and when. What is not kept is told in words.

Source: label rows of the newest SDK, sections 3 and 4.1.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import TYPE_CHECKING, Any, NamedTuple

from encord_convert.sdk.common.time_parser import parse_datetime
from encord_convert.sdk.constants.enums import DataType, _NewerDataType
from encord_convert.sdk.exceptions import LabelRowError
from encord_convert.sdk.objects._frame_info import ClassificationFrameData
from encord_convert.sdk.objects.frames import _runs_of

if TYPE_CHECKING:
    from encord_convert.sdk.objects._label_row_reader import Contents
    from encord_convert.sdk.objects.classification_instance import ClassificationInstance

MOST_FRAMES = 1_000_000
"""Frames a ``range`` may reach to: a row of a few bytes can ask for any number."""

_REPEATED = {
    "createdAt": "created_at",
    "createdBy": "created_by",
    "lastEditedAt": "last_edited_at",
    "lastEditedBy": "last_edited_by",
    "confidence": "confidence",
    "manualAnnotation": "manual_annotation",
    "featureHash": "",
}
"""Keys of an answers entry that repeat what the entries on frames say, and what they are called there."""
_WITHOUT_FRAMES: tuple[Any, ...] = (_NewerDataType.AUDIO, _NewerDataType.PLAIN_TEXT, _NewerDataType.TIME_SERIES)
"""Kinds of data of which a ``range`` counts milliseconds, characters or the unit of the file."""

_OF_UNITS: tuple[Any, ...] = (DataType.IMAGE, DataType.IMG_GROUP)
"""Kinds of data of which a frame is an image that the row has."""


class Disagreement(NamedTuple):
    """What the two places said differently, and how many frames only one of them has; 0: it is about the author."""

    sentence: str
    frames: int = 0


class Ranges:
    """Places the classifications of one row.

    Parameters
    ----------
    contents : Contents
        Its classifications are on the frames that have entries of them.
    answers : dict
        The ``classification_answers`` of the row.
    limit : int
        How many frames a range may reach to.
    new : callable
        Makes a classification of its hash and that of its kind, with its answers.
    """

    def __init__(
        self, contents: Contents, answers: dict[str, Any], limit: int, new: Callable[[str, str], ClassificationInstance]
    ) -> None:
        self._contents = contents
        self._answers = answers
        self._limit = min(limit, MOST_FRAMES)
        self._new = new
        self._is_changed = False
        units = {unit.data_sequence for unit in contents.units}
        self._of_units = units if contents.stats.data_type in _OF_UNITS else None

    def take(self) -> None:
        """Place every classification by its range; a range outside this row is kept unchanged.

        Raises
        ------
        LabelRowError
            Two classifications of one kind are on one frame.
        """
        placed = self._contents.classifications
        for instance in placed.values():
            if instance._extras is not None:
                self._compare(instance, self._answers[instance._hash], instance._extras)
        for entry in self._answers.values():
            hash_ = entry.get("classificationHash")
            if "range" in entry and isinstance(hash_, str) and hash_ not in placed:
                self._place(hash_, entry)
        if self._is_changed:
            self._check_kinds()

    def _compare(self, instance: ClassificationInstance, entry: dict[str, Any], extras: dict[str, Any]) -> None:
        """Take the range of a classification that has entries on frames, and forget what is written from those."""
        ranges = extras.pop("range", None)
        if ranges and ranges != [[start, end] for start, end in _runs_of(instance._frames)]:
            if frames := self._frames_of(ranges):
                self._move(instance, frames, entry)
            else:
                self._say(instance, f"placed by its frames; its range {ranges!r} is not of this row.", 1)
        info = instance._frames[min(instance._frames)]
        for key in extras.keys() & _REPEATED.keys():
            said = extras.pop(key)
            own = instance.feature_hash if key == "featureHash" else getattr(info, _REPEATED[key])
            if said is not None and said != own and not (key.endswith("At") and _is_moment(said, own)):
                self._say(instance, f"{key!r} is {own} on its frames, and not kept where its answer says {said}.")
        if extras.get("spaces") == {}:
            del extras["spaces"]
        instance._extras = extras or None

    def _move(self, instance: ClassificationInstance, frames: list[int], entry: dict[str, Any]) -> None:
        before = instance._frames
        if before.keys() == set(frames):
            return
        info = self._info_of(entry)
        instance._frames = {frame: before.get(frame, info) for frame in frames}
        sentence = f"placed on frames {_text_of(frames)} by its range, not on {_text_of(before)}."
        self._say(instance, sentence, len(before.keys() ^ set(frames)))
        self._is_changed = True

    def _place(self, hash_: str, entry: dict[str, Any]) -> None:
        """Place a classification of which the answers alone say where it is."""
        frames = self._frames_of(entry["range"])
        if not frames or not isinstance(entry.get("featureHash"), str):
            return
        instance = self._new(hash_, entry["featureHash"])
        own = {key: value for key, value in (instance._extras or {}).items() if key not in _REPEATED and key != "range"}
        if own.get("spaces") == {}:
            del own["spaces"]
        instance._extras = own or None
        instance._frames = dict.fromkeys(frames, self._info_of(entry))
        self._is_changed = True

    def _check_kinds(self) -> None:
        taken = set()
        for instance in self._contents.classifications.values():
            for frame in instance._frames:
                if (frame, instance.feature_hash) in taken:
                    raise LabelRowError(f"Frame {frame} has two classifications of the kind {instance.feature_hash!r}.")
                taken.add((frame, instance.feature_hash))

    def _info_of(self, entry: dict[str, Any]) -> ClassificationFrameData:
        """Return author and times from an answers entry; missing times are the row's."""
        said = {key: value for key, value in entry.items() if value is not None}
        created = said.get("createdAt", self._contents.texts["created_at"])
        blanks = {"createdAt": created, "lastEditedAt": created, "createdBy": None}
        return ClassificationFrameData.from_dict({**blanks, "confidence": None, "manualAnnotation": None, **said})

    def _frames_of(self, ranges: Any) -> list[int]:
        """Return the frames of a range; empty if one cannot be in this row."""
        if self._contents.stats.data_type in _WITHOUT_FRAMES or not isinstance(ranges, list):
            return []
        frames: dict[int, None] = {}
        for pair in ranges:
            if not (isinstance(pair, list) and len(pair) == 2 and all(type(end) is int for end in pair)):
                return []
            start, end = pair
            if not 0 <= start <= end < self._limit:
                return []
            if self._of_units is not None and not self._of_units.issuperset(range(start, end + 1)):
                return []
            frames.update(dict.fromkeys(range(start, end + 1)))
        return sorted(frames)

    def _say(self, instance: ClassificationInstance, sentence: str, frames: int = 0) -> None:
        sentence = f"{instance.classification_name} ({instance._hash}): {sentence}"
        self._contents.disagreements.append(Disagreement(sentence, frames))


def _is_moment(text: Any, moment: Any) -> bool:
    try:
        return bool(parse_datetime(text) == moment)
    except (TypeError, ValueError):
        return False


def _text_of(frames: Collection[int]) -> str:
    """Return frames as runs, for people.

    >>> _text_of([0, 1, 2, 5])
    '0-2, 5'
    """
    return ", ".join(str(start) if start == end else f"{start}-{end}" for start, end in _runs_of(frames))


__all__ = ["MOST_FRAMES", "Disagreement", "Ranges"]
