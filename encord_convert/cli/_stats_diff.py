"""``encord-convert diff --stats``: the numbers of two label sets, side by side."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

import click

from encord_convert.cli._progress import is_terminal
from encord_convert.cli._tables import Section, show
from encord_convert.cli.stats import SPREADS
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.splits import standard
from encord_convert.hub.stats import Stats

_TOTALS = {
    "rows": "label rows", "images": "images", "images_without_labels": "images without labels",
    "annotations": "annotations", "dropped_in_reading": "annotations not read",
}  # fmt: skip
_OF_SPLIT = {"images": "images", "images_without_labels": "without labels", "annotations": "annotations"}
_OF_CLASS = ("annotations", "tracks", "small", "medium", "large")
_QUANTILES = ("p5", "median", "p95")

Numbers = dict[tuple[str, str, str], float]
"""Section, thing and what of it is counted, to the number."""


def told(sets: list[LabelSet], *, as_json: bool, before: Callable[[], None]) -> int:
    """Print the numbers of two sets, and return the exit code; ``before`` is called before text goes to a terminal."""
    a, b = (_numbers_of(labels) for labels in sets)
    rows = [(*key, a.get(key, 0), b.get(key, 0)) for key in dict.fromkeys((*a, *b))]
    differing = sum(one != other for *_, one, other in rows)
    if is_terminal(sys.stdout):
        before()
    if as_json:
        for section, of, number, one, other in rows:
            line = {
                "section": section,
                "of": of,
                "number": number,
                "a": one,
                "b": other,
                "difference": _less(one, other),
            }
            click.echo(json.dumps(line, ensure_ascii=False))
    else:
        sections = [
            Section(name, ("", "", "A", "B", "difference"),
                    [(*row[1:], _signed(_less(*row[3:]))) for row in rows if row[0] == name])
            for name in dict.fromkeys(row[0] for row in rows)
        ]  # fmt: skip
        show("A and B", sections)
    before()
    click.echo(f"{differing} of {len(rows)} numbers differ", err=True)
    return int(differing > 0)


def _numbers_of(labels: LabelSet) -> Numbers:
    stats, numbers = Stats(), Numbers()
    stats.add(labels)
    for key, number in _flat(stats.to_dict()):
        numbers[key] = numbers.get(key, 0) + number
    return numbers


def _flat(form: dict[str, Any]) -> Iterator[tuple[tuple[str, str, str], float]]:
    for key, words in _TOTALS.items():
        yield ("all", "", words), form[key]
    for name, numbers in form["splits"].items() if any(form["splits"]) else ():
        for key, words in _OF_SPLIT.items():
            yield ("splits", standard(name) or name or "(none)", words), numbers[key]
    for one in form["classes"]:
        of = f"{one['class'] or '(no class)'}, {one['shape'].replace('_', ' ')}"
        for key in _OF_CLASS:
            if one[key]:
                yield ("classes", of, key), one[key]
    for key, words in SPREADS.items():
        for quantile in _QUANTILES if form[key] else ():
            yield ("sizes", words, quantile), form[key][quantile]
    for one in form["answers"]:
        of = f"{one['class'] or '(no class)'}, {one['attribute']}"
        yield ("answers", of, "answers"), sum(one["answers"].values()) + one["further"]


def _less(one: float, other: float) -> float:
    return other - one if isinstance(one, int) and isinstance(other, int) else float(f"{other - one:.4g}")


def _signed(number: float) -> str:
    return f"{number:+.4g}" if isinstance(number, float) else f"{number:+d}" if number else ""
