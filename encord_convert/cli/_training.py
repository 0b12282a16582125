"""``--target`` and the options that go with it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from encord_convert.errors import OptionError

if TYPE_CHECKING:
    from encord_convert.formats._api import Format

TARGETS = ("detectron2", "hf", "mmdet", "rfdetr", "torchvision", "ultralytics")
"""As in :mod:`encord_convert.training`, which is imported only when there is something to write."""

_PLACING = click.Choice(["link", "copy", "leave"])

_OPTIONS = [
    click.option("--target", type=click.Choice(TARGETS), help="Write for a trainer, instead of --to."),
    click.option(
        "--task", type=click.Choice(["detect", "segment", "obb", "pose"]), help="What ultralytics learns.  [detect]"
    ),
    click.option("--images", metavar="DIR", help="Folder or ZIP with the images.  [next to the labels]"),
    click.option("--image-files", type=_PLACING, help="What to do with the images.  [link]"),
    click.option("--pictures", type=_PLACING, hidden=True, help="What --image-files was called."),
    click.option(
        "--split",
        metavar="SHARES",
        help="Shares of the splits, or keep.  [the source's, else train=0.8,val=0.1,test=0.1]",
    ),
    click.option("--seed", type=int, help="Another seed, other splits.  [0]"),
    click.option("--group", metavar="KEY", help="What stays in one split: row, folder or a metadata key.  [row]"),
    click.option("--negatives", type=click.Choice(["keep", "drop"]), help="Images without labels.  [keep]"),
]


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command; none of them has a default here, so that it shows which were given."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def training_names() -> list[str]:
    """Return the names of the parameters that the options give a command."""

    def bare() -> None: ...

    return [parameter.name for parameter in training_options(bare).__click_params__]  # type: ignore[attr-defined]


def training_target(to: str | None, given: Mapping[str, Any]) -> tuple[Format, dict[str, Any]] | None:
    """Return the target and its options; None if none was asked for.

    Parameters
    ----------
    to : str or None
        The format of ``--to``.
    given : mapping
        Values of the options by name; None where one was not given.

    Raises
    ------
    OptionError
        ``--to`` and ``--target`` together, or another of the options without ``--target``.
    """
    options = {name: value for name, value in given.items() if value is not None}
    if "pictures" in options:  # what it was called
        options.setdefault("image_files", options.pop("pictures"))
    target = options.pop("target", None)
    if target is None:
        if options:
            raise OptionError(f"--{next(iter(options)).replace('_', '-')} goes with --target, which was not given.")
        return None
    if to is not None:
        raise OptionError("--to and --target exclude each other: a target has a format of its own.")
    from encord_convert.training import target_named

    task, negatives = options.pop("task", None), options.pop("negatives", "keep")
    return target_named(target, task=task, negatives=negatives), options
