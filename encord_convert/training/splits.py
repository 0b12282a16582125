"""Which pictures a model is trained, validated and tested on.

The split of a picture follows from its group and the seed, and from nothing else: not from the order of the rows, nor
from how many there are. A data set that grows keeps every picture where it was, and pictures that belong together (the
frames of a video, the slices of a series, what has the same patient) stay together.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

NAMES = ("train", "val", "test")

_FRAME = re.compile(r"frame_\d+$")


class Splits:
    """Assigns groups to splits.

    Parameters
    ----------
    shares : sequence of (str, float)
        Names and shares above 0, which add up to 1.
    seed : int
        Another seed, another assignment.
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
        code = blake2b(f"{self._seed}\0{group}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
        place = int.from_bytes(code, "big") / 2**64
        return next((name for name, end in zip(self.names, self._ends, strict=True) if place < end), self.names[-1])

    @classmethod
    def parse(cls, text: str, seed: int = 0) -> Splits:
        """Return the splits a text like ``train=0.8,val=0.1,test=0.1`` names.

        Raises
        ------
        ValueError
            Another name, a name twice, a share that is no number above 0, or shares that do not add up to 1.
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
    """Return what a row belongs to; None if it lacks the key that says so.

    Parameters
    ----------
    row : LabelRowV2
    by : str
        ``row``: a video, an image group, a series and a picture by itself are one group each; pictures with the names
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
