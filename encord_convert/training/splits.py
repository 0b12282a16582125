"""Assignment of images to training, validation and test splits.

The split of an image depends only on its group and the seed, not on the order or number of rows. A growing data set
keeps every image in its split, and groups (frames of a video, slices of a series, images of a patient) stay together.
One exception: if no group would be trained on, the nearest one is.

A source with splits keeps them unless shares are given. Its rows without a known split are trained on, so that
validation and test sets stay unchanged.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import accumulate
from typing import Any

from encord_convert.errors import OptionError
from encord_convert.hub.changes import EDITED, Changes
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Level
from encord_convert.hub.selection import derived
from encord_convert.hub.splits import NAMES, UNNAMED, split_of, standard, with_split
from encord_convert.hub.table import Table
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

DEFAULT = "train=0.8,val=0.1,test=0.1"
KEEP = "keep"

_FRAME = re.compile(r"frame_\d+$")


class Splits:
    """Assigns groups to splits.

    Parameters
    ----------
    shares : sequence of (str, float)
        Names and shares above 0 that add up to 1.
    seed : int
        Seed of the assignment.
    """

    def __init__(self, shares: Sequence[tuple[str, float]], seed: int = 0) -> None:
        self.names = [name for name, _ in shares]
        self._ends = list(accumulate(share for _, share in shares))
        self._seed = seed

    def of(self, group: str) -> str:
        """Return the split of a group.

        >>> splits = Splits.parse("train=0.5,val=0.5")
        >>> [splits.of(name) for name in ("a.mp4", "b.mp4", "c.mp4", "d.mp4")]
        ['train', 'val', 'val', 'val']
        """
        place = self.place(group)
        return next((name for name, end in zip(self.names, self._ends, strict=True) if place < end), self.names[-1])

    def place(self, group: str) -> float:
        """Return the hash position of a group in [0, 1), which the shares divide."""
        code = blake2b(f"{self._seed}\0{group}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(code, "big") / 2**64

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> Splits:
        """Parse splits from a text like ``train=0.8,val=0.1,test=0.1``.

        Raises
        ------
        ValueError
            Unknown or repeated name, a share that is not above 0, or shares that do not add up to 1.
        """
        shares: list[tuple[str, float]] = []
        for part in text.split(","):
            name, _, number = (word.strip() for word in part.partition("="))
            try:
                share = float(number)
            except ValueError:
                share = 0.0
            if name not in NAMES or name in (known for known, _ in shares) or not 0 < share <= 1:
                raise ValueError(f"split={text} is not allowed; it takes shares like train=0.8,val=0.1,test=0.1.")
            shares.append((name, share))
        if abs(sum(share for _, share in shares) - 1) > 1e-6:
            raise ValueError(f"split={text} is not allowed; the shares add up to {sum(s for _, s in shares):g}, not 1.")
        return cls(shares, seed)


def group_of(row: LabelRowV2, by: str) -> str | None:
    """Return the group of a row; None if it lacks the key.

    Parameters
    ----------
    row : LabelRowV2
    by : str
        ``row``: a video, an image group, a series and an image by itself are one group each; images with the names
        CVAT gives to frames, ``frame_000001``, belong to their folder. ``folder``: all of one folder do. Else a key of
        the row's client metadata, as ``patient_id``.
    """
    title = row.data_title.replace("\\", "/")
    folder, _, name = title.rpartition("/")
    if by == "folder":
        return folder
    if by != "row":
        value = (row.client_metadata or {}).get(by)
        return None if value is None else f"{by}={value}"
    is_frame = row.data_type is DataType.IMAGE and _FRAME.match(name.partition(".")[0])
    return folder if is_frame else title


class Assignment:
    """Decides the split of each row of a label set.

    Parameters
    ----------
    labels : LabelSet
        Its rows are walked if it does not list its splits, and until one to train on is found.
    split : str or None
        Shares, :data:`KEEP`, or None: those of the source if it has any, else :data:`DEFAULT`.
    seed : int
    group : str
        As of :func:`group_of`.
    is_written : callable
        Whether a row gives an image, as far as known beforehand.

    Attributes
    ----------
    names : list of str
        Existing splits, of :data:`~encord_convert.hub.splits.NAMES`.

    Raises
    ------
    OptionError
        ``keep`` for a source without splits.
    """

    def __init__(
        self, labels: LabelSet, split: str | None, seed: int, group: str, is_written: Callable[[LabelRowV2], bool]
    ) -> None:
        self._group = group
        self._unknown: Counter[str] = Counter()
        self._moved = 0
        found = _splits_in(labels)
        known = {standard(match) for match in found} - {None}
        others = sorted(found - {UNNAMED})
        self.has_own = bool(known)
        if split == KEEP and not known:
            fact = f"those of the source, {', '.join(map(repr, others))}, are" if others else "the source has"
            none = "not called train, val or test" if others else "none"
            raise OptionError(f"split=keep is not possible: {fact} {none}. Give shares like {DEFAULT}.")
        self.keeps = bool(known) and split in (None, KEEP)
        self._shares = Splits.parse(DEFAULT if split in (None, KEEP) else split, seed)
        self.names = [name for name in NAMES if name in {"train", *known}] if self.keeps else self._shares.names
        self._first = None if self.keeps or "train" not in self.names else self._trained(filter(is_written, labels))

    def of(self, row: LabelRowV2, say: Callable[..., None]) -> str:
        """Return the split of a row, with notes."""
        group = group_of(row, self._group)
        if group is None and not self.keeps:
            detail = f"Rows have no {self._group!r} in their client metadata; each is a group of its own."
            say(Level.WARNING, "GROUP_UNKNOWN", detail)
        if not self.keeps:
            group = self._named(row)
            return "train" if group == self._first else self._shares.of(group)
        return standard(split_of(row.client_metadata)) or "train"

    def count(self, row: LabelRowV2, split: str, images: int) -> None:
        """Count images that went to a split."""
        own = split_of(row.client_metadata)
        if not images or standard(own) == split or not self.has_own:
            return
        if self.keeps:
            self._unknown[own if own != UNNAMED else ""] += images
        elif standard(own):
            self._moved += images

    def say(self, say: Callable[..., None]) -> None:
        """Note how many counted images are not in their source split."""
        if count := sum(self._unknown.values()):
            named = ", ".join(f"{repr(one) if one else 'none'} ({number})" for one, number in self._unknown.items())
            detail = f"Images of other splits went to train; their splits are: {named}."
            say(Level.WARNING, "SPLIT_UNKNOWN", detail, count=count)
        if self._moved:
            detail = "Images changed splits, since --split gives shares; --split keep keeps the splits of the source."
            say(Level.WARNING, "SPLIT_CHANGED", detail, count=self._moved)

    def _named(self, row: LabelRowV2) -> str:
        group = group_of(row, self._group)
        return (group_of(row, "row") or "") if group is None else group

    def _trained(self, rows: Iterable[LabelRowV2]) -> str | None:
        """Return the group moved to training because no other is there; None if not needed."""
        nearest: tuple[float, str] | None = None
        for row in rows:
            group = self._named(row)
            if self._shares.of(group) == "train":
                return None
            place = self._shares.place(group), group
            nearest = place if nearest is None else min(nearest, place)
        return None if nearest is None else nearest[1]


def _splits_in(labels: LabelSet) -> set[str]:
    """Return the splits that rows name."""
    found = set(labels.splits or ())
    for t in labels.tables() if labels.splits is None else ():
        found.update(map(split_of, t.client_metadata.values() if isinstance(t, Table) else [t.client_metadata]))
    return {split for split in found if split}


def assigned(labels: LabelSet, shares: Mapping[str, float], *, seed: int, group: str) -> LabelSet:
    """Return a label set with rows assigned to splits by shares; see :meth:`LabelSet.split`."""
    text = ",".join(f"{name}={share}" for name, share in shares.items() if share)
    try:
        Splits.parse(text)
    except ValueError as error:
        raise OptionError(str(error)) from error
    return derived(labels, lambda: _Assign(Assignment(labels, text, seed, group, lambda row: True)), EDITED)


class _Assign:
    """Assigns rows to splits, as a step of a derived set."""

    def __init__(self, assignment: Assignment) -> None:
        self._assignment = assignment

    def table(self, table: Table, changes: Changes) -> Table:
        """Return the table with splits assigned."""
        metadata = {number: self._metadata(table.empty_row(number), changes) for number in range(len(table))}
        return table.with_metadata(metadata)

    def row(self, row: LabelRowV2, changes: Changes) -> LabelRowV2:
        """Return the row with its split assigned."""
        new = row._twin()
        new.client_metadata = self._metadata(row, changes)
        changes.tell(row, new)
        return new

    def _metadata(self, row: LabelRowV2, changes: Changes) -> dict[str, Any]:
        split, own = self._assignment.of(row, changes.note), split_of(row.client_metadata)
        if own and standard(own) != split:
            changes.edit_image(row, f"It was in the split {own!r}.")
        return with_split(row.client_metadata, split)
