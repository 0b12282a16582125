"""Losses and notes in words for people: what happened to how many of what, and why, the gravest first."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import msgspec

from encord_convert.hub.counts import SECONDARY
from encord_convert.hub.loss import Feature, Kind, Level, Loss, Note
from encord_convert.losses.codes import LOSSES, SENTENCES

MINOR: dict[Feature, str] = {
    Feature.AUTHOR: "authors",
    Feature.COLOUR: "colours",
    Feature.MANUAL: "manual flags",
    Feature.MEDIA: "row types",
    Feature.NATIVE: "keys that only the source has",
    Feature.PROVENANCE: "annotation sources",
    Feature.REVIEWS: "reviews",
    Feature.TIMESTAMPS: "timestamps",
    Feature.Z_ORDER: "z order kept as annotation order",
}
"""What of a label is folded into one line: none of it decides where a shape is, or of which class."""

_THINGS = {
    "audio": "audio span",
    "bbox": "bounding box",
    "brushlabels": "brush mask",
    "ellipselabels": "ellipse",
    "keypointlabels": "keypoint",
    "polygonlabels": "polygon",
    "rectanglelabels": "rectangle",
    "crowd": "crowd flag",
    "cuboid_2d": "cuboid",
    "manual": "manual flag",
    "occluded": "occluded flag",
    "rle": "mask",
    "source": "source value",
    "unplaced": "label on no frame",
}
"""What people call the types that sources have other words for."""


class Line(msgspec.Struct, frozen=True):
    """Losses alike: of one kind, code and type, of any label.

    ``things`` says of which class they are; ``why`` is a clause without a full stop, ``detail`` what is said of the
    first.
    """

    verb: str
    count: int
    things: str
    why: str
    code: str
    detail: str


def is_minor(loss: Loss) -> bool:
    """Tell a loss that no line of its own is spent on; a file or image that is not read is never one."""
    return loss.feature in MINOR and not (loss.feature is Feature.MEDIA and loss.kind in (Kind.DROPPED, Kind.RENAMED))


def verb(loss: Loss) -> str:
    """Return what happened, in one word that is true of the thing: ``dropped``, ``split``, ``clipped`` …"""
    if loss.feature is Feature.COLOUR and loss.kind is Kind.DEFAULTED:
        return "dropped"  # another stands in its place, which nobody asked for
    if loss.feature is Feature.OUT_OF_BOUNDS and loss.kind is Kind.APPROXIMATED:
        return "clipped"
    if loss.kind is Kind.DEFAULTED or (loss.kind is Kind.APPROXIMATED and not loss.code.endswith("_APPROXIMATED")):
        return "changed"
    return str(loss.kind)


def things(loss: Loss, count: int) -> str:
    """Return what was lost, in the plural for other counts than one."""
    return plural("colour" if loss.feature is Feature.COLOUR else loss.type, count)


def plural(type_: str, count: int) -> str:
    """Return the word for things of a type of a source."""
    words = _THINGS.get(type_, type_.replace("_", " "))
    if count == 1:
        return words.removesuffix("s") if words == "points" else words
    head, of, rest = words.partition(" on ")
    if head.endswith(("keypoints", "points")):
        return words
    return head + ("es" if head.endswith(("s", "x")) else "s") + of + rest


def sentence(kind: Kind, code: str, feature: Feature, **values: Any) -> str:
    """Return what is said of one thing that is lost on the way to a target, with the values at hand.

    >>> sentence(Kind.DROPPED, "CLIPPED", Feature.OUT_OF_BOUNDS, width=4, height=3)
    'It lies outside the image of 4 × 3 pixels.'
    >>> sentence(Kind.APPROXIMATED, "HOLES_JOINED", Feature.HOLES)
    'No holes in the target: joined to the outline.'
    """
    text = _template(kind, code, feature)
    return text.format_map(values) if "{" in text else text


@cache
def _template(kind: Kind, code: str, feature: Feature) -> str:
    text = SENTENCES.get(code) or SENTENCES.get((kind, feature))
    if text is None:
        clause = LOSSES.get(code) or LOSSES.get(f"{feature.name}_DROPPED", "written in another form")
        text = f"{clause[:1].upper()}{clause[1:]}.".replace("{target}", "the target")
    return text


def why(loss: Loss, target: str | None) -> str:
    """Return the reason as a clause, with the name of the target format."""
    text = loss.detail.rstrip(".") if loss.code in _DETAILED else LOSSES.get(loss.code, loss.detail.rstrip("."))
    text = text[:1].lower() + text[1:] if text[1:2].islower() else text
    return text.replace("{target}", target or "the target").replace("the target", target or "the target")


_DETAILED = frozenset({"UNSUPPORTED_SHAPE"})
"""Codes of more than one reason: the detail of the first says it."""


def lines(losses: Iterable[Loss], target: str | None) -> list[Line]:
    """Return losses that are not minor, the gravest first: shapes that are gone, shapes that changed, then the rest."""
    alike: dict[tuple[int, str, str, str], list[Loss]] = {}
    for loss in losses:
        if not is_minor(loss):
            alike.setdefault((gravity(loss), verb(loss), plural(loss.type, 2), loss.code), []).append(loss)
    found = []
    for (weight, word, _, code), same in alike.items():
        count = sum(loss.count for loss in same)
        labels = list(dict.fromkeys(loss.label for loss in same if loss.label))
        line = Line(word, count, things(same[0], count) + _of(labels), why(same[0], target), code, same[0].detail)
        found.append((weight, -count, line))
    return [line for _, _, line in sorted(found, key=lambda one: one[:2])]


def gravest_first(losses: Iterable[Loss]) -> list[Loss]:
    """Return losses in the order of :func:`lines`, and behind them those that are minor and those asked for."""
    return sorted(losses, key=lambda loss: (loss.is_asked, is_minor(loss), gravity(loss), -loss.count))


def gravity(loss: Loss) -> int:
    """Return how grave a loss is: 0 a label is gone, 1 it changed; 2 and 3 a part of it; 4 its class has a new name."""
    if loss.feature is Feature.LABEL_NAME and loss.kind is Kind.RENAMED:
        return 4
    if loss.type not in SECONDARY or loss.type == "file":
        return 0 if loss.kind is Kind.DROPPED else 1
    return 2 if loss.kind is Kind.DROPPED else 3


def _of(labels: Sequence[str]) -> str:
    words = " and ".join(map(repr, labels))
    if len(labels) > 2 or (len(labels) == 2 and len(words) > _MOST_NAMED):
        return f" of {len(labels)} classes"
    return f" of {words if len(words) <= _MOST_NAMED else repr(labels[0][:_MOST_NAMED] + '…')}" if labels else ""


_MOST_NAMED = 24
"""How many characters of names of classes a line has room for."""


def minor(losses: Iterable[Loss]) -> str:
    """Return the minor losses in one line of words, each with its count."""
    sums: dict[str, int] = {}
    for loss in losses:
        if is_minor(loss):
            word = MINOR[loss.feature]
            sums[word] = sums.get(word, 0) + loss.count
    return ", ".join(f"{word} ({count})" for word, count in sorted(sums.items(), key=lambda one: -one[1]))


def summary(losses: Iterable[Loss], *, codes: bool = False) -> str:
    """Return losses in one line of words, the gravest first: ``38 polylines dropped, 4 masks approximated``.

    With ``codes`` each has its code behind it.
    """
    sums: dict[tuple[bool, int, str, str, str], tuple[Loss, int]] = {}
    for loss in losses:
        key = (is_minor(loss), gravity(loss), things(loss, 2), verb(loss), loss.code if codes else "")
        sums[key] = (loss, sums.get(key, (loss, 0))[1] + loss.count)
    return ", ".join(
        f"{count} {things(loss, count)} {key[3]}" + f" ({loss.code})" * codes
        for key, (loss, count) in sorted(sums.items(), key=lambda one: (*one[0][:2], -one[1][1]))
    )


def left_out(losses: Iterable[Loss]) -> str:
    """Return how much a filter left out: ``1,203 annotations, 7 images``; empty if nothing."""
    sums = {"image": 0, "annotation": 0}
    for loss in losses:
        if loss.code == "FILTERED":
            if loss.feature is Feature.MEDIA:
                sums["image"] += loss.count
            elif loss.type not in SECONDARY:
                sums["annotation"] += loss.count
    return ", ".join(f"{count:,} {plural(word, count)}" for word, count in reversed(sums.items()) if count)


class Remark(msgspec.Struct, frozen=True):
    """Notes of one level and code: how many, and the sentence of the first."""

    level: Level
    code: str
    count: int
    sentence: str


def remarks(notes: Iterable[Note]) -> list[Remark]:
    """Return what matters of notes, errors first: each code once, with how many."""
    alike: dict[tuple[Level, str], list[Note]] = {}
    for note in notes:
        if note.level is not Level.INFO:
            alike.setdefault((note.level, note.code), []).append(note)
    found = []
    for (level, code), same in alike.items():
        sentence = same[0].detail + (f" And {len(same) - 1} more like it." if len(same) > 1 else "")
        found.append(Remark(level, code, sum(note.count for note in same), sentence))
    return sorted(found, key=lambda one: one.level is not Level.ERROR)
