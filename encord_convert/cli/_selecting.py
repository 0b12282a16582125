"""``--where``, ``--sample``, ``--per-class`` and ``--drop-empty``: which annotations and images are taken."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import click

from encord_convert.errors import OptionError

if TYPE_CHECKING:
    from encord_convert.hub.labelset import LabelSet

F = TypeVar("F", bound=Callable[..., object])

_OPTIONS = [
    click.option(
        "--where", metavar="CONDITION", help='Annotations to take, as \'class in ("car", "bus") and area > 400\'.'
    ),
    click.option("--sample", type=click.IntRange(1), metavar="N", help="Take N of the images, by chance."),
    click.option(
        "--per-class", type=click.IntRange(1), metavar="N", help="Of each class, take N of the images it is on."
    ),
    click.option("--drop-empty", is_flag=True, help="Leave out images without annotations, too."),
]


def selecting_options(command: F) -> F:
    """Add the options to a command, all but ``--seed``."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def selection(
    where: str | None, sample: int | None, per_class: int | None, seed: int | None, *, drop_empty: bool
) -> Callable[[LabelSet], LabelSet] | None:
    """Return what makes of a label set the one that was asked for; None if all is.

    Raises
    ------
    OptionError
        ``--sample`` and ``--per-class`` together.
    """
    if sample is not None and per_class is not None:
        raise OptionError("--sample and --per-class exclude each other: each says how many images are taken.")
    if where is None and sample is None and per_class is None and not drop_empty:
        return None
    return partial(_selected, where, sample, per_class, seed or 0, drop_empty)


def _selected(
    where: str | None, sample: int | None, per_class: int | None, seed: int, drop_empty: bool, labels: LabelSet
) -> LabelSet:
    from encord_convert.hub.selection import where as fitting

    chosen = labels if where is None else fitting(labels, where, needed="--where")
    chosen = chosen.filter(drop_empty=drop_empty)
    count = sample or per_class
    return chosen if count is None else chosen.sample(count, seed=seed, per_class=per_class is not None)
