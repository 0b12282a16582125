"""How numbers are spread: quantiles and a histogram, in memory that does not grow with how many there are."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

PER_OCTAVE = 32
"""Bins between a number and its double: quantiles of what is binned are off by 1.1 % at most."""
QUANTILES = {"p5": 0.05, "p25": 0.25, "median": 0.5, "p75": 0.75, "p95": 0.95}
_ZERO = -(1 << 12)
"""The bin of 0, and of what is almost 0."""

Bins = Counter[int]


def bins_of(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the bin of each number; numbers are finite and not negative.

    >>> bins_of(np.array([0, 1, 2, 2.01])).tolist()
    [-4096, 0, 32, 32]
    """
    with np.errstate(divide="ignore"):
        bins = np.floor(np.log2(values) * PER_OCTAVE)
    return np.asarray(np.clip(bins, _ZERO, -_ZERO), np.int64)


def of_bins(bins: Mapping[int, int]) -> dict[str, Any]:
    """Describe numbers that were counted by their bins; empty if there are none."""
    values = {one: 0.0 if one == _ZERO else 2 ** ((one + 0.5) / PER_OCTAVE) for one in bins}
    return _described(values, bins)


def of_whole(counts: Mapping[int, int]) -> dict[str, Any]:
    """Describe whole numbers that were counted one by one; empty if there are none.

    >>> of_whole({0: 2, 3: 1, 4: 1})["histogram"]
    [{'from': 0, 'to': 1, 'count': 2}, {'from': 1, 'to': 2, 'count': 0}, {'from': 2, 'to': 4, 'count': 1}, \
{'from': 4, 'to': 8, 'count': 1}]
    """
    return _described({one: one for one in counts}, counts)


def _described(values: Mapping[int, float], counts: Mapping[int, int]) -> dict[str, Any]:
    """Return mean, quantiles and a histogram: its bars begin at 0, 1 and the powers of 2, and end before the next."""
    total = sum(counts.values())
    if not total:
        return {}
    ordered = sorted(counts)
    form: dict[str, Any] = {"mean": _rounded(sum(values[one] * counts[one] for one in ordered) / total)}
    seen, wanted = 0, list(QUANTILES.items())
    bars: Bins = Counter()
    for one in ordered:
        seen += counts[one]
        while wanted and seen >= wanted[0][1] * total:
            form[wanted.pop(0)[0]] = _rounded(values[one])
        bars[max(math.frexp(values[one])[1], 0)] += counts[one]
    form["histogram"] = [
        {"from": 2 ** (bar - 1) if bar else 0, "to": 2**bar, "count": bars[bar]}
        for bar in range(min(bars), max(bars) + 1)
    ]
    return form


def _rounded(value: float) -> float:
    return value if isinstance(value, int) else float(f"{value:.4g}")
