"""Splits a data set comes in: where a row says its own, and which words mean train, validation and test.

The split of a row is ``client_metadata["split"]``, verbatim as the source has it: ``Train``, ``valid``, ``train2017``.
Whoever needs to know what that means asks :func:`standard`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from encord_convert.sdk.objects import LabelRowV2

KEY = "split"
NAMES = ("train", "val", "test")
UNNAMED = "default"
"""What CVAT and Datumaro call images that are in no split."""

_OLD_KEY = "cvat_subset"
_WORDS = {
    "train": re.compile(r"train(ing)?"),
    "val": re.compile(r"val(id(ation)?)?|dev"),
    "test": re.compile(r"test(ing)?([-_](dev|std|challenge))?"),
}
_YEAR = re.compile(r"[-_ ]?(19|20)?\d\d$")
_BETWEEN = re.compile(r"[_. ]+")
_ENDING = re.compile(r"\.(json|xml|zip)(\.gz)?$", re.IGNORECASE)


def split_of(metadata: Mapping[str, Any] | None) -> str:
    """Return the split that the client metadata of a row says, verbatim; empty if it says none."""
    if not metadata:
        return ""
    value = metadata.get(KEY) or metadata.get(_OLD_KEY)  # the old key: files of earlier versions
    return value if isinstance(value, str) else ""


def metadata_of(split: str) -> dict[str, Any] | None:
    """Return the client metadata of a row that has a split and nothing else; None without a split."""
    return {KEY: split} if split else None


def with_split(metadata: Mapping[str, Any] | None, split: str) -> dict[str, Any]:
    """Return client metadata of a row that says a split, instead of any other."""
    return {**{key: value for key, value in (metadata or {}).items() if key != _OLD_KEY}, KEY: split}


def standard(name: str) -> str | None:
    """Return the one of :data:`NAMES` that a word means, whatever its case, or with a year behind it.

    >>> [standard(name) for name in ("Train", "valid", "val2017", "test-dev2017", "Validation", "default", "")]
    ['train', 'val', 'val', 'test', 'val', None, None]
    """
    word = _YEAR.sub("", name.strip().lower())
    return next((known for known, pattern in _WORDS.items() if pattern.fullmatch(word)), None)


@lru_cache(maxsize=256)
def named_in(path: str) -> str:
    """Return the word of a label file's path that names a split: its folder, else a word of its name; empty if none.

    It counts where a source has several files. One alone is no split of anything, whatever it is called.

    >>> [named_in(path) for path in ("valid/_annotations.coco.json", "annotations/instances_train2017.json")]
    ['valid', 'train2017']
    >>> [named_in(path) for path in ("val/annotations.xml", "boxes.train.json", "info_test-dev2017.json", "a.xml")]
    ['val', 'train', 'test-dev2017', '']
    """
    *folders, file = path.split("/")
    for folder in reversed(folders):
        if standard(folder):
            return folder
    words = _BETWEEN.split(_ENDING.sub("", file))
    return next((word for word in (words[-1], words[0]) if standard(word)), "")


def images_of(row: LabelRowV2) -> int:
    """Return how many images a row counts as: its frames."""
    return max(row.number_of_frames, len(row._units))
