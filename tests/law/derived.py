"""The leaves that need not come back, if what the rules say of them is so."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from following import Followed, leaves, same
from forest import is_number
from naming import Rules, matches


def is_derived(gone: Followed, done: Any, rules: Rules) -> bool:
    """Tell whether a rule lets a leaf go: its path fits, and what the rule's ``when`` claims is true of it."""
    path = rules.pattern(_usual(gone.steps, done.report))
    return any(matches(rule["path"], path) and CLAIMS[rule.get("when", "always")](gone, done) for rule in rules.derived)


def _usual(steps: tuple[str, ...], report: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys on the way to a leaf with the usual name of a block that the report says is called otherwise."""
    for note in report["notes"]:
        said = _BLOCK.search(note["detail"]) if note["code"] == "BLOCK_RENAMED" else None
        if said is not None and steps[:1] == (said[2],):
            return said[1], *steps[1:]
    return steps


_BLOCK = re.compile(r"The (\w+) stand in the block '([^']+)'")


def _empty(gone: Followed, done: Any) -> bool:
    return gone.value in ("", None, [], {}, ())


def _zero(gone: Followed, done: Any) -> bool:
    try:
        return gone.value in (False, "false", "", None) or float(gone.value) == 0
    except (TypeError, ValueError):
        return False


def _one(gone: Followed, done: Any) -> bool:
    return gone.value in (1, "1", True, "true")


def _box_area(gone: Followed, done: Any) -> bool:
    box = gone.holder.get("bbox") if isinstance(gone.holder, dict) else None
    if not isinstance(box, tuple) or len(box) != 4 or gone.holder.get("segmentation"):
        return False
    return is_number(gone.value) and abs(gone.value - box[2] * box[3]) <= 1e-2 + 1e-6 * abs(gone.value)


def _polygon_area(gone: Followed, done: Any) -> bool:
    rings = gone.holder.get("segmentation") if isinstance(gone.holder, dict) else None
    if not isinstance(rings, list) or not is_number(gone.value):
        return False
    return (
        abs(sum(_shoelace(ring) for ring in rings if isinstance(ring, tuple)) - gone.value) <= 0.5 + 1e-3 * gone.value
    )


def _shoelace(ring: tuple[float, ...]) -> float:
    xs, ys = ring[0::2], ring[1::2]
    return abs(sum(xs[at - 1] * y - x * ys[at - 1] for at, (x, y) in enumerate(zip(xs, ys, strict=False)))) / 2


def _mask_area(gone: Followed, done: Any) -> bool:
    mask = gone.holder.get("segmentation") if isinstance(gone.holder, dict) else None
    counts = mask.get("counts") if isinstance(mask, dict) else None
    if isinstance(counts, list | tuple) and is_number(gone.value):
        return sum(counts[1::2]) == gone.value
    return False


def _points_count(gone: Followed, done: Any) -> bool:
    points = gone.holder.get("keypoints") if isinstance(gone.holder, dict) else None
    return isinstance(points, tuple) and sum(1 for seen in points[2::3] if seen) == gone.value


def _closed_ring(gone: Followed, done: Any) -> bool:
    ring, other = gone.value, gone.other
    closed = isinstance(ring, tuple) and len(ring) > 4 and ring[:2] == ring[-2:]
    return closed and isinstance(other, tuple) and same(ring[:-2], other, 1e-2)


def _united(gone: Followed, done: Any) -> bool:
    """Tell whether all options of an answer that is gone are chosen in another answer."""
    chosen = {leaf for steps, leaf in leaves(gone.value) if steps[-1] == "featureHash"}
    there = {
        leaf for tree in done.target.values() for steps, leaf in leaves(tree) if steps and steps[-1] == "featureHash"
    }
    return bool(chosen) and chosen <= there


def _listed_class(gone: Followed, done: Any) -> bool:
    """Tell whether a line names a class, and a colour perhaps, that are both in the target."""
    said = {str(leaf).lower() for tree in done.target.values() for _, leaf in leaves(tree)}
    numbers = re.findall(r"\b\d{1,3}\b", str(gone.value))[:3]
    colour = "#{:02x}{:02x}{:02x}".format(*map(int, numbers)) if len(numbers) == 3 else None
    words = re.findall(r"[^\W\d][\w ]*", str(gone.value))
    return any(word.strip().lower() in said for word in words) and (colour is None or colour in said)


def _among_attributes(gone: Followed, done: Any) -> bool:
    attributes = gone.partner.get("attributes") if isinstance(gone.partner, dict) else None
    return isinstance(attributes, dict) and gone.key in attributes and same(gone.value, attributes[gone.key], 0)


def _hash_of_object(gone: Followed, done: Any) -> bool:
    attributes = gone.partner.get("attributes") if isinstance(gone.partner, dict) else None
    return isinstance(attributes, dict) and attributes.get("encord_object_hash") == gone.value


def _unrotated(gone: Followed, done: Any) -> bool:
    attributes = gone.partner.get("attributes") if isinstance(gone.partner, dict) else None
    return isinstance(attributes, dict) and same(gone.value, attributes.get("unrotated_bbox"), 1e-2)


def _is_side(value: Any) -> bool:
    return (is_number(value) and value > 0) or (isinstance(value, str) and value.isdecimal() and int(value) > 0)


def _corners(gone: Followed, done: Any) -> bool:
    box = gone.holder.get("bbox") if isinstance(gone.holder, dict) else None
    if not isinstance(box, tuple) or len(box) != 4:
        return False
    left, top, right, bottom = box[0], box[1], box[0] + box[2], box[1] + box[3]
    return same(gone.value, (left, top, right, top, right, bottom, left, bottom), 1e-2)


CLAIMS: dict[str, Callable[[Followed, Any], bool]] = {
    "always": lambda gone, done: True,
    "empty": _empty,
    "zero": _zero,
    "one": _one,
    "area of the geometry": lambda gone, done: any(
        claim(gone, done) for claim in (_box_area, _polygon_area, _mask_area)
    ),
    "closed ring": _closed_ring,
    "a key of a dialect": lambda gone, done: (
        gone.key in ("rle", "left", "top", "width", "height", "rleString", "size", "counts")
    ),
    "said in the target": lambda gone, done: (
        isinstance(gone.value, str | tuple)
        and gone.value not in ("", "-1")
        and any(leaf == gone.value for tree in done.target.values() for _, leaf in leaves(tree))
    ),
    "no mask": lambda gone, done: str(gone.value) in ("-1", "-1.0", "nan", ""),
    "a listed class": _listed_class,
    "a checklist": lambda gone, done: isinstance(gone.holder.get("answers"), list),
    "united": lambda gone, done: gone.value.get("answers") == [] or _united(gone, done),
    "number of visible keypoints": _points_count,
    "among the attributes": _among_attributes,
    "the hash of the object": _hash_of_object,
    "the box before it is turned": _unrotated,
    "corners of the box": _corners,
    "no size": lambda gone, done: (
        not gone.around or not all(_is_side(gone.around[-1].get(key)) for key in ("width", "height"))
    ),
    "of a cancelled annotation": lambda gone, done: any(
        isinstance(one, dict) and one.get("was_cancelled") for one in gone.around
    ),
    "an image of segments": lambda gone, done: "segments_info" in gone.holder,
    "edges from 0": lambda gone, done: (
        isinstance(gone.value, tuple) and tuple(end + 1 for end in gone.value) in gone.partner.get("skeleton", ())
    ),
    "one in a list": lambda gone, done: gone.other == [gone.value],
    "below a folder": lambda gone, done: isinstance(gone.other, str) and gone.other.endswith(f"/{gone.value}"),
}
"""What a rule can claim of a leaf."""
