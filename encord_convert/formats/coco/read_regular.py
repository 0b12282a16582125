"""Annotations of COCO files that are as most are: what many of them have in common is found once for all.

Such an annotation is a box, a polygon of one ring, run lengths or a point, and a set of attributes that others have
too; nothing about it is changed or lost.

The page of the format is :mod:`encord_convert.formats.coco.page`.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw

from encord_convert.formats.coco.index import OWN_KEYS, drawn_as
from encord_convert.formats.coco.index_entries import outlines, sides, value_of, without_hash
from encord_convert.formats.coco.ontology import Plan, Unknown, answer_of
from encord_convert.formats.coco.read_shapes import Reader
from encord_convert.hub.counts import Key
from encord_convert.hub.table import Variant
from encord_convert.sdk.objects import Shape

SHAPES = {
    "bbox": Shape.BOUNDING_BOX,
    "polygon": Shape.POLYGON,
    "rle": Shape.BITMASK,
    "keypoints": Shape.POINT,
}
"""What annotations that are drawn so become if they are as most are."""

_SIDES = ("keypoints", "score", "confidence", "segments_info", "segmentations", "bboxes", "track_id", "instance_id",
          "caption", "file_name")  # fmt: skip
"""Keys of which a plain annotation has none."""

_MOST_KNOWN = 10_000
_LONG = 256
"""Attributes of more bytes are hardly those of another annotation."""

_NONE = Raw(b"")


class Alike:
    """What annotations have in common.

    Parameters
    ----------
    kind : str
        What they are drawn as, one of :data:`SHAPES`.
    plan : Plan
    use : Use
    counts : tuple of (Key, int)
        The things each of them is in the account.
    """

    __slots__ = ("counts", "kind", "plan", "variant")

    def __init__(self, kind: str, plan: Plan, variant: Variant, counts: tuple[tuple[Key, int], ...]) -> None:
        self.kind = kind
        self.plan = plan
        self.variant = variant
        self.counts = counts


class Alikes:
    """Finds what the annotations a reader reads have in common with others."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._known: dict[Any, Alike | None] = {}
        self._learn()

    def _learn(self) -> None:
        """Take the keys into account that the reader has met by now."""
        self._count = len(self._reader.unknown_keys)
        self._sides_of, self._no_sides = sides(_SIDES, self._count)

    def of(self, entries: list[Any]) -> tuple[list[Alike | None], list[str | None]]:
        """Return for each annotation what it has in common with others, and its own hash, if it has one.

        None for one that is not as most are.
        """
        if self._count != len(self._reader.unknown_keys):
            self._learn()
        known, sides_of, no_sides = self._known, self._sides_of, self._no_sides
        if len(known) > _MOST_KNOWN:
            known.clear()
        found: list[Alike | None] = []
        hashes: list[str | None] = [None] * len(entries)
        for number, (entry, kind) in enumerate(zip(entries, outlines(entries), strict=True)):
            if entry is not None and sides_of(entry) not in no_sides:
                kind = self._kind_of_point(entry)
            if not kind or len(entry.attributes) > _LONG or entry.category_id.__class__ is not int:
                found.append(None)
                continue
            text, hash_ = without_hash(bytes(entry.attributes))
            if hash_:
                hashes[number] = hash_.decode()
            key = (entry.category_id, kind, text)
            if key not in known:
                known[key] = self._alike(*key)
            found.append(known[key])
        return found, hashes

    def _kind_of_point(self, entry: Any) -> str:
        """Return ``keypoints`` for an annotation of which nothing but that is not plain, else nothing."""
        crowd, _, *others = self._sides_of(entry)
        is_plain = (crowd, _NONE, *others) in self._no_sides
        return "keypoints" if is_plain and drawn_as(entry) == "keypoints" else ""

    def _alike(self, category_id: int, kind: str, text: bytes) -> Alike | None:
        """Return what annotations of a category, drawn so and with these attributes, have in common."""
        reader = self._reader
        category = reader.categories.get(category_id)
        is_own = text[-1:] in (b"{", b",")  # what is left before a hash
        attributes = value_of(Raw(text.rstrip(b",") + b"}" if is_own else text))
        if attributes is not None and not isinstance(attributes, dict):
            return None
        attributes = attributes or {}
        if category is None or category.is_declared or attributes.keys() & _TOLD_APART:
            return None
        plan = reader.plans.known(category, kind, attributes.get("encord_shape"))
        if plan is None or plan.shape is not SHAPES[kind]:
            return None
        answers = list(plan.constants)
        kept = 0
        for name, value in attributes.items():
            if name in OWN_KEYS or value is None:
                continue
            question = plan.questions.get(name)
            answer = Unknown if question is None else answer_of(question, value)
            if answer is Unknown or question.attribute.dynamic:  # type: ignore[union-attr]
                return None
            answers.append((question.attribute, answer))  # type: ignore[union-attr]
            kept += 1
        if any(attribute.dynamic for attribute, _ in plan.constants):
            return None
        carried = (("answer", kept),) if kept else ()
        info = reader.info_of(None, attributes.get("manual_annotation"), is_own)
        static = reader.shared(plan.object, tuple(answers)) if answers else None
        label = plan.label
        counts = (((kind, label), 1), *(((type_, label), count) for type_, count in carried))
        return Alike(kind, plan, Variant(plan.object, info, static, None, kind, label, carried), counts)


_TOLD_APART = frozenset({"encord_object_hash", "encord_track_uuid", "classifications", "track_id"})
"""Attributes by which an annotation is one of its own, or which hold further ones."""
