"""Follow every leaf of one tree into another: which are there, which are there otherwise, which are gone.

Nothing here knows a format. Order is free between the items of a list of mappings: an item is matched to the one that
shares most of its leaves, those most that few others have.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from forest import Tree, is_number


@dataclass(frozen=True, slots=True)
class Followed:
    """A leaf, or a whole branch of the source that has no counterpart.

    ``steps`` are the keys from the root, ``[]`` for the items of a list; ``item`` is the nearest item of a list around
    it, by position. ``holder`` is the mapping it stands in, ``around`` the mappings around it that are items.
    """

    steps: tuple[str, ...]
    item: tuple[str | int, ...]
    value: Tree
    other: Tree
    state: str
    """``back``, ``changed`` or ``missing``."""
    leaves: int
    holder: Tree
    around: tuple[Tree, ...] = ()
    partner: Tree = None
    """The counterpart of the nearest item around it."""

    @property
    def pattern(self) -> str:
        """The path without positions: ``annotations[].bbox``."""
        return ".".join(self.steps).replace(".[]", "[]")

    @property
    def key(self) -> str:
        """The last name on the path."""
        return next((step for step in reversed(self.steps) if step != "[]"), "")


GONE = object()


def follow(
    source: Tree,
    target: Tree,
    tolerance: float = 0.0,
    steps: tuple[str, ...] = (),
    item: tuple[str | int, ...] = (),
    holder: Tree = None,
    around: tuple[Tree, ...] = (),
    keyed: Collection[str] = (),
    partner: Tree = None,
) -> Iterator[Followed]:
    """Yield what became of each leaf of ``source`` in ``target``."""
    if target is GONE or (isinstance(source, dict | list) and source and target in ([], {}, "")):
        yield Followed(steps, item, source, None, "missing", count_leaves(source), holder, around, partner)
    elif isinstance(source, dict) and source:
        if isinstance(target, list):
            yield from follow(list(source.values()), target, tolerance, steps, item, holder, around, keyed, partner)
            return
        if steps and steps[-1] in keyed and isinstance(target, dict) and not source.keys() <= target.keys():
            others = _as_items(target)
            yield from follow(_as_items(source), others, tolerance, steps, item, holder, around, keyed, partner)
            return
        others = target if isinstance(target, dict) else {}
        for key, value in source.items():
            other = others.get(key, GONE)
            yield from follow(value, other, tolerance, (*steps, key), item, source, around, keyed, partner)
    elif isinstance(source, list) and source:
        others = target if isinstance(target, list) else list(target.values()) if isinstance(target, dict) else []
        for at, value, other in matched(source, others):
            if isinstance(value, dict):
                within, inside, own = (*item, steps[-1] if steps else "", at), (*around, value), other
            else:
                within, inside, own = item, around, partner
            yield from follow(value, other, tolerance, (*steps, "[]"), within, holder, inside, keyed, own)
    else:
        said_nothing = source in ([], {}) and isinstance(target, dict | list)
        state = "back" if said_nothing or same(source, target, tolerance) else "changed"
        yield Followed(steps, item, source, target, state, 1, holder, around, partner)


def _as_items(members: dict[str, Tree]) -> list[Tree]:
    """Return the members of a mapping that are named by ids as items, which have them among their leaves."""
    return [
        {"(id)": key, **value} if isinstance(value, dict) else {"(id)": key, "": value}
        for key, value in members.items()
    ]


def count_leaves(tree: Tree) -> int:
    """Return how many leaves a branch has, one at least."""
    if isinstance(tree, dict | list) and tree:
        return sum(count_leaves(value) for value in (tree.values() if isinstance(tree, dict) else tree))
    return 1


def leaves(tree: Tree, steps: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Tree]]:
    """Yield the leaves below a branch with the keys on the way to them."""
    if isinstance(tree, dict) and tree:
        for key, value in tree.items():
            yield from leaves(value, (*steps, key))
    elif isinstance(tree, list) and tree:
        for value in tree:
            yield from leaves(value, (*steps, "[]"))
    else:
        yield steps, tree


def same(one: Tree, other: Tree, tolerance: float) -> bool:
    """Tell whether two leaves say the same; a number in quotes is a number, and a truth is one or none."""
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(same(a, b, tolerance) for a, b in zip(one, other, strict=True))
    if one == other:
        return True
    first, second = _number(one), _number(other)
    if isinstance(one, str) and isinstance(other, str) and first is None:
        return (time := _time(one)) is not None and time == _time(other)
    if first is None or second is None:
        return False
    return abs(first - second) <= tolerance + 1e-9 * max(abs(first), abs(second))


def _number(value: Tree) -> float | None:
    if is_number(value):
        return float(value)
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return {"true": 1.0, "false": 0.0}.get(value.lower())
    return None


def _time(text: str) -> datetime | None:
    """Return the time that a text says, in either of the two forms that label rows use."""
    if not _TIME.search(text):
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            time = parse(text.replace("UTC", "GMT") if parse is parsedate_to_datetime else text)
        except ValueError:
            continue
        return time if time.tzinfo else time.replace(tzinfo=UTC)
    return None


_TIME = re.compile(r"\d\d:\d\d")


def matched(source: list[Tree], target: list[Tree]) -> Iterator[tuple[int, Tree, Tree]]:
    """Yield the items of a list with their position and their counterpart, ``GONE`` where there is none."""
    if len(source) == len(target) == 1 and not isinstance(source[0], str):
        yield 0, source[0], target[0]
        return
    if not any(isinstance(value, dict | list) for value in source):
        left = Counter(map(repr, map(_rounded, target)))
        for at, value in enumerate(source):
            name = repr(_rounded(value))
            yield at, value, value if left[name] > 0 else GONE
            left[name] -= 1
        return
    partners = _partners(source, target)
    for at, value in enumerate(source):
        yield at, value, target[partners[at]] if at in partners else GONE


WEIGHTS = dict.fromkeys(("@frame", "file_name", "objectHash", "data_hash", "image_id"), 4.0) | {"(end)": 2.0, "id": 0.2}
"""Of keys that tell items apart better than their other leaves, or worse, since they may count."""


def _partners(source: list[Tree], target: list[Tree]) -> dict[int, int]:
    """Pair the items that share most, the surest pairs first."""
    holders: dict[Any, list[int]] = defaultdict(list)
    for at, value in enumerate(target):
        for mark in _marks(value):
            holders[mark].append(at)
    scores = []
    for at, value in enumerate(source):
        shared: dict[int, float] = defaultdict(float)
        for mark in _marks(value):
            those = holders.get(mark, ())
            if len(those) <= 200 or len(those) == len(target) < 500:
                weight = 0.2 if mark[0] == "of" else WEIGHTS.get(mark[0][-1] if mark[0] else "", 1.0)
                for other in those:
                    shared[other] += weight / len(those)
        scores += [(-score, abs(at - other), at, other) for other, score in shared.items()]
    partners: dict[int, int] = {}
    taken: set[int] = set()
    for _, _, at, other in sorted(scores):
        if at not in partners and other not in taken:
            partners[at] = other
            taken.add(other)
    # Items of which nothing came back as it was are those left that have the same keys, in their order.
    free = [other for other in range(len(target)) if other not in taken]
    for at, value in enumerate(source):
        if at not in partners and isinstance(value, dict):
            found = next((other for other in free if _has_keys_of(target[other], value)), None)
            if found is not None:
                partners[at] = found
                free.remove(found)
    return partners


def _has_keys_of(target: Tree, source: dict[str, Tree]) -> bool:
    return isinstance(target, dict) and target.keys() == source.keys()


def _marks(value: Tree) -> set[Any]:
    marks: set[Any] = set()
    for steps, leaf in leaves(value):
        if leaf not in ("", None, [], {}):
            marks.add((steps, repr(_rounded(leaf))))
            if isinstance(leaf, tuple):  # a number of many may have changed
                marks.update(("of", steps, _rounded(number)) for number in leaf)
            if isinstance(leaf, str) and "." in leaf:  # a file may be in a folder
                marks.add((("", "(end)"), leaf.rpartition("/")[2]))
    return marks


def _rounded(leaf: Tree) -> Tree:
    if isinstance(leaf, tuple):
        return tuple(_rounded(value) for value in leaf)
    number = _number(leaf)
    return leaf if number is None or number != number or abs(number) > 1e15 else round(number, 1) + 0.0
