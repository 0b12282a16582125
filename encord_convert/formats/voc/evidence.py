"""Decides whether corners are one-based inclusive pixel indexes or continuous coordinates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Convention = Literal["voc", "continuous"]
OTHER: dict[str, Convention] = {"voc": "continuous", "continuous": "voc"}
MEANS = {
    "voc": "one-based pixel indexes, both included, so that the left edge is xmin - 1",
    "continuous": "continuous coordinates, with nothing to subtract",
}


@dataclass(slots=True)
class Evidence:
    """Evidence for either convention, counted over a source.

    Parameters
    ----------
    stated : Counter of str
        Files by the convention they state in ``<encord coordinates="…"/>``.
    databases : Counter of str
        Files by their ``source/database``, and ``source/annotation``.
    has_labelmap : bool
    boxes, fractions, zeros, borders, ones : int
        Number of boxes: all; with a fraction; with a minimum below 1; ending at the right or lower border of their
        image; with a minimum equal to its maximum.
    """

    stated: Counter[str] = field(default_factory=Counter)
    databases: Counter[str] = field(default_factory=Counter)
    has_labelmap: bool = False
    boxes: int = 0
    fractions: int = 0
    zeros: int = 0
    borders: int = 0
    ones: int = 0

    def add(self, corners: NDArray[np.float64], sizes: NDArray[np.int64]) -> None:
        """Count boxes: (n, 4) corners and (n, 2) sizes of their images."""
        if not len(corners):
            return
        self.boxes += len(corners)
        self.fractions += int((corners != np.floor(corners)).any(axis=1).sum())
        self.zeros += int((corners[:, :2] < 1).any(axis=1).sum())
        self.borders += int(((corners[:, 2:] == sizes) & (sizes > 0)).any(axis=1).sum())
        self.ones += int((corners[:, :2] == corners[:, 2:]).any(axis=1).sum())

    def decide(self) -> tuple[Convention, str, bool]:
        """Return the convention, the reason, and whether there is any evidence."""
        if self.stated:
            named, count = self.stated.most_common(1)[0]
            return ("voc" if named == "voc" else "continuous"), f"{count} files say so in <encord coordinates>", True
        official = {name: n for name, n in self.databases.items() if name.startswith(("The VOC", "PASCAL VOC"))}
        roboflow = {name: n for name, n in self.databases.items() if name.lower().startswith("roboflow")}
        if official and sum(official.values()) >= sum(roboflow.values()):
            name, count = max(official.items(), key=lambda pair: pair[1])
            return "voc", f"the source of {count} files is {name!r}", True
        if roboflow:
            name, count = max(roboflow.items(), key=lambda pair: pair[1])
            return "continuous", f"the database of {count} files is {name!r}, which does not count from 1", True
        if self.has_labelmap:
            return "continuous", "labelmap.txt is of CVAT or Datumaro, which do not count from 1", True
        if self.zeros:
            return "continuous", f"{self.zeros} of {self.boxes} boxes have a minimum below 1", True
        if self.fractions:
            return "continuous", f"{self.fractions} of {self.boxes} boxes have a fraction", True
        if self.borders:
            fact = f"no minimum of {self.boxes} boxes is 0, and {self.borders} end at the last pixel of their image"
            return "voc", fact, True
        if self.ones:
            fact = f"no minimum of {self.boxes} boxes is 0, and {self.ones} have a minimum equal to its maximum"
            return "voc", fact, True
        return "continuous", f"none of {self.boxes} boxes shows which", False
