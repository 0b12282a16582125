"""The report of what Python code did to the rows of a label set: an edit, a filter, a function that maps rows.

What is taken away is *dropped*, what is altered is *changed*, and what is new is counted as having come in, so that the
sums of a report still add up to what was in the source and what the code added. All of it was asked for; see
:data:`encord_convert.hub.loss.ASKED`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from encord_convert.hub.contents import (
    SIDES,
    hub_answers,
    info_of,
    label_of,
    labels_off_frames,
    side_types,
    type_of,
    unplaced_answers,
)
from encord_convert.hub.counts import Carried, Counts, Key, Origin
from encord_convert.hub.loss import NOWHERE, Feature, Kind, Level, Where
from encord_convert.hub.native import OF_GEOMETRY

if TYPE_CHECKING:
    from encord_convert.hub.table import Table
    from encord_convert.sdk.objects import LabelRowV2

EDITED = "EDITED"
"""The caller's code changed a row, or a function given to ``map`` did."""
FILTERED = "FILTERED"
"""A filter left it out."""
FIXED = "FIXED"
"""A check mended it, as it was asked to."""

_DETAILS = {
    "ANNOTATION_TWICE": "The image has the same annotation already.",
    FILTERED: "Left out as asked.",
    "IMAGE_TWICE": "An image of the same name and size came before.",
    FIXED: "It covers nothing, lies outside its image, or is there twice.",
}
_REMOVED = "Python code removed it."
_CHANGED = {FIXED: "It is cut at the border, or stays where it is in an image of another size."}


class Changes:
    """Tells how rows differ from what was read, and lets what is new know where it came from.

    Parameters
    ----------
    counts : Counts
        Is told.
    code : str
        Of the losses.
    read : Counts, optional
        What was counted of the source: its images too, or its labels alone.
    """

    def __init__(self, counts: Counts, code: str, read: Counts | None = None) -> None:
        self._counts = counts
        self._code = code
        self._read = read

    def tell(self, was: LabelRowV2, now: LabelRowV2 | None) -> None:
        """Tell what became of the labels of a row; None: the whole row is left out."""
        before = [*was._objects.values(), *was._classifications.values()]
        after = {} if now is None else {**now._objects, **now._classifications}
        if now is None:
            self.drop_image(was)
            where = Where(file=was._origin, row=was.data_title)
            for key in labels_off_frames(was):
                detail = _DETAILS.get(self._code, _REMOVED)
                self._counts.drop(self._code, Feature.UNPLACED, key, where, detail)
        for old in before:
            new = after.pop(old._hash, None)
            origin = origin_of(old)
            if new is None:
                self._drop(was, old, origin)
            elif _same(old, new):
                new._origin = origin
            else:
                if now is not None and now._native is not None and _is_redrawn(old, new):
                    now._native = now._native.without((new._hash,), OF_GEOMETRY)
                gone = self._edit(was, old, new, origin)
                if origin.weights == {} and now is not None and now._native is not None:
                    # Another label stands for the element of the source, and keeps what is native of it.
                    gone |= now._native.keys_of(new._hash)
                if now is not None and now._native is not None and gone:
                    now._native = now._native.without((new._hash,), gone)
        for new in after.values():
            new._origin = None
            new._origin = origin_of(new)
            for key, count in _things(new._origin, new).items():
                self._counts.into[key] += count

    def tell_left(self, was: LabelRowV2, now: LabelRowV2, gone: Mapping[str, Sequence[int | None]]) -> None:
        """Tell that labels of a row are left out, on frames or altogether; those that stay are as they were.

        Parameters
        ----------
        was, now : LabelRowV2
        gone : mapping
            By the hash of a label, the frames on which it is left out.
        """
        for old in (*was._objects.values(), *was._classifications.values()):
            origin, hash_ = origin_of(old), old._hash
            new: Any = now._objects.get(hash_) or now._classifications.get(hash_)
            if new is None:
                self._drop(was, old, origin)
            elif hash_ in gone:
                self._drop_frames(was, old, new, origin)
            else:
                new._origin = origin

    def note(self, level: Level, code: str, detail: str) -> None:
        """Say something that lost nothing."""
        self._counts.note(level, code, detail)

    def wants_image(self) -> bool:
        """Tell whether there are too few examples of images that are left out."""
        return self._counts.wants_examples(Kind.DROPPED, self._code, Feature.MEDIA, self._image())

    def drop_image(self, row: LabelRowV2 | None) -> None:
        """Tell that a row is left out; None: one of which nothing more is told. Its labels are told by themselves."""
        key = self._image()
        where = NOWHERE if row is None else Where(file=row._origin, row=row.data_title)
        if self._read is not None and key in self._read.into:
            self._counts.dropped[key] += 1
        self._counts.lose(Kind.DROPPED, self._code, Feature.MEDIA, key, where, _DETAILS.get(self._code, _REMOVED))

    def edit_image(self, row: LabelRowV2, detail: str) -> None:
        """Tell that something of a row itself is changed."""
        where = Where(file=row._origin, row=row.data_title)
        self._counts.lose(Kind.EDITED, self._code, Feature.MEDIA, self._image(), where, detail)

    def _image(self) -> Key:
        """Return what rows are counted as: sources that count any count their images."""
        image = ("image", "")
        return image if self._read is not None and image in self._read.into else ("row", "")

    def drop(self, row: LabelRowV2, old: Any) -> None:
        """Tell that a label of a row is left out."""
        self._drop(row, old, origin_of(old))

    def drop_shapes(self, table: Table, indexes: Iterable[int]) -> None:
        """Tell that shapes of a table are left out: those of one variant together, where examples are enough."""
        alike: dict[int, list[int]] = {}
        for index in indexes:
            variant = table.variants[index]
            if variant is None or variant.weights is not None:
                self.drop(table.empty_row(table.image_of(index)), table.object(index))
            else:
                alike.setdefault(id(variant), []).append(index)
        for places in alike.values():
            variant = table.variants[places[0]]
            assert variant is not None
            key = variant.type, variant.label
            self._counts.dropped[key] += len(places)
            for type_, number in variant.carried:
                self._counts.dropped[type_, variant.label] += number * len(places)
            self._counts.changed[key] -= len(places) * variant.changed
            loss = Kind.DROPPED, self._code, Feature.SHAPE, key
            detail, told = _DETAILS.get(self._code, _REMOVED), 0
            while told < len(places) and self._counts.wants_examples(*loss):
                self._counts.lose(*loss, table.where(table.image_of(places[told]), places[told]), detail)
                told += 1
            if told < len(places):
                self._counts.lose(*loss, NOWHERE, detail, len(places) - told)

    def _drop_frames(self, row: LabelRowV2, old: Any, new: Any, origin: Origin) -> None:
        """Tell that a label is left out on some of its frames; on the others it is as it was."""
        new._origin = _edited(old, new, origin)
        if new._origin.weights is not None:
            new._origin = replace(new._origin, changed=origin.changed, others=origin.others)
        else:
            new._origin = replace(new._origin, changed=origin.changed)
        gone = _things(origin, old)
        gone.subtract(_things(new._origin, new))
        for key, count in gone.items():
            self._counts.dropped[key] += max(count, 0)
            self._counts.into[key] += max(-count, 0)
        for frame in old._frames.keys() - new._frames.keys():
            weight = 1 if origin.weights is None else origin.weights.get(frame, (0, ()))[0]
            type_, changed = origin.on(frame)
            if changed:
                self._counts.changed[type_, origin.label] -= weight
        count = _weight(origin, old) - _weight(new._origin, new)
        if count:
            where = _where(row, old, origin)
            self._counts.lose(
                Kind.DROPPED, self._code, _feature(old), _key(origin), where, _DETAILS.get(self._code, _REMOVED), count
            )

    def _drop(self, row: LabelRowV2, old: Any, origin: Origin) -> None:
        if origin.weights is None and not origin.also and len(old._frames) == 1:  # most are so, and need less
            key = _key(origin)
            self._counts.dropped[key] += 1
            self._counts.changed[key] -= origin.changed
            for type_, count in origin.carried:
                self._counts.dropped[type_, origin.label] += count
            if unplaced := len(unplaced_answers(old)):
                self._counts.dropped["unplaced", origin.label] += unplaced
            if not self._counts.lose_more(Kind.DROPPED, self._code, _feature(old), key):
                self._lose(Kind.DROPPED, row, old, origin, _DETAILS.get(self._code, _REMOVED))
            return
        self._count(old, origin, _things(origin, old), None, 0)
        self._lose(Kind.DROPPED, row, old, origin, _DETAILS.get(self._code, _REMOVED))

    def _edit(self, row: LabelRowV2, old: Any, new: Any, origin: Origin) -> set[str]:
        """Tell of a label that was edited; return the types of what it no longer has."""
        new._origin = _edited(old, new, origin)
        gone = _things(origin, old)
        gone.subtract(_things(new._origin, new))
        self._count(old, origin, gone, new._origin, _weight(new._origin, new))
        self._lose(Kind.EDITED, row, old, origin, _CHANGED.get(self._code, "Python code changed it."))
        return {type_ for (type_, _), count in gone.items() if count > 0}

    def _lose(self, kind: Kind, row: LabelRowV2, old: Any, origin: Origin, detail: str) -> None:
        key, count = (_key(origin), _weight(origin, old)) if old._frames else (("unplaced", origin.label), 1)
        if count:  # else it stands for nothing of the source by itself
            self._counts.lose(kind, self._code, _feature(old), key, _where(row, old, origin), detail, count)

    def _count(self, old: Any, origin: Origin, gone: Counter[Key], left: Origin | None, changed: int) -> None:
        """Count what is gone; less than nothing came in. What is left of the label itself is changed."""
        for key, count in gone.items():
            self._counts.dropped[key] += max(count, 0)
            self._counts.into[key] += max(-count, 0)
        self._counts.changed[_key(origin)] += changed - (_weight(origin, old) if origin.changed else 0)
        for other in origin.also if left is None or not left.also else ():
            self._counts.changed[other.type, other.label] -= other.changed


def origin_of(instance: Any, frames: set[int] | None = None) -> Origin:
    """Return where a label came from; of a label that no importer counted, as one would state it.

    Parameters
    ----------
    frames : set of int, optional
        Those to state, by default all.
    """
    if instance._origin is not None:
        origin: Origin = instance._origin
        return origin
    type_, label = type_of(instance), label_of(instance)
    weights: dict[int, tuple[int, Carried]] = {}
    answers = hub_answers(instance)
    for frame in sorted(instance._frames if frames is None else frames):
        carried: Carried = tuple((side, 1) for side in side_types(info_of(instance, frame)))
        if answers:  # they live as long as the label, and so with one of its frames
            carried = (("answer", answers), *carried)
            answers = 0
        weights[frame] = 1, carried
    if len(instance._frames) == 1:
        return Origin(type_, label, carried=next(iter(weights.values()))[1])
    return Origin(type_, label, weights=weights, is_track=hasattr(instance, "object_hash"))


def _things(origin: Origin, instance: Any) -> Counter[Key]:
    """Return what a label is counted as having come in."""
    counts: Counter[Key] = Counter()
    label = origin.label
    for frame in instance._frames:
        weight, carried = (1, origin.carried) if origin.weights is None else origin.weights.get(frame, (0, ()))
        counts[origin.on(frame)[0], label] += weight
        for type_, count in carried:
            counts[type_, label] += count
    for other in origin.also if instance._frames else ():
        counts[other.type, other.label] += 1
        for type_, count in other.carried:
            counts[type_, other.label] += count
    if origin.weights and origin.is_track:
        counts["track", label] += 1
    counts["unplaced", label] += (not instance._frames) + len(unplaced_answers(instance))
    return +counts


def _weight(origin: Origin, instance: Any) -> int:
    """Return how many things of its own type and label an instance stands for."""
    if origin.weights is None:
        return len(instance._frames)
    return sum(origin.weights.get(frame, (0, ()))[0] for frame in instance._frames)


def _edited(old: Any, new: Any, origin: Origin) -> Origin:
    """Return the origin of a label that was edited: what the source said of it, with what the edit added."""
    known = dict.fromkeys(old._frames, (1, origin.carried)) if origin.weights is None else origin.weights
    answers = None if _answers(old) == _answers(new) else hub_answers(new)
    weights: dict[int, tuple[int, Carried]] = {}
    for frame in sorted(new._frames):
        weight, carried = known.get(frame, (0 if frame in old._frames else 1, ()))
        counts = dict(carried)
        before = side_types(info_of(old, frame)) if frame in old._frames else ()
        after = side_types(info_of(new, frame))
        for side in SIDES:
            if (side in before) is not (side in after):
                counts[side] = int(side in after)
        if answers is not None:
            counts["answer"] = answers
            answers = 0
        weights[frame] = weight, tuple((type_, count) for type_, count in counts.items() if count)
    if origin.weights is None and len(weights) == 1:
        [(_, carried)] = weights.values()
        return replace(origin, carried=carried, changed=True)
    return replace(origin, carried=(), weights=weights, also=(), changed=True)


def _is_redrawn(old: Any, new: Any) -> bool:
    """Tell whether the geometry of an object is another on some frame."""
    return any(
        getattr(data, "coordinates", None) != getattr(new._frames.get(frame), "coordinates", None)
        for frame, data in old._frames.items()
    )


def _same(old: Any, new: Any) -> bool:
    """Tell whether two labels say the same."""
    return bool(old._frames == new._frames and _answers(old) == _answers(new))


def _answers(instance: Any) -> Any:
    runs = getattr(instance, "_dynamic_runs", None)
    static = {attribute.feature_node_hash: value for attribute, value in instance._static_answers()}
    dynamic = (
        [] if runs is None else [(attribute.feature_node_hash, value, ranges) for attribute, value, ranges in runs()]
    )
    return static, dynamic


def _key(origin: Origin) -> Key:
    return origin.type, origin.label


def _feature(instance: Any) -> Feature:
    return Feature.SHAPE if hasattr(instance, "object_hash") else Feature.CLASSIFICATIONS


def _where(row: LabelRowV2, instance: Any, origin: Origin) -> Where:
    return Where(
        file=row._origin,
        line=origin.line,
        row=row.data_title,
        frame=min(instance._frames, default=None),
        object_hash=instance._hash,
    )
