"""Leaks between splits: validation or test data that is known from training.

An image shares with one of another split, in order of severity,

1. its file, byte for byte (``LEAK_FILE``); 2. the image it is an augmented copy of: the name before ``.rf.``, as
Roboflow writes it (``LEAK_COPY``); 3. a moment of a video: a frame less than :data:`NEAR` numbers away
(``LEAK_FRAMES``); 4. a video (``LEAK_VIDEO``): identified by its title or, for frames, by the text before their number,
if it has ``frame`` or a video suffix; 5. a patient (``LEAK_PATIENT``): ``patient_id`` in the metadata of its row.
"""

from __future__ import annotations

import re
from array import array
from hashlib import blake2b
from typing import Any

import numpy as np

from encord_convert.checks.images import Images
from encord_convert.hub.counts import Counts
from encord_convert.hub.loss import Feature, Kind, Where
from encord_convert.hub.splits import NAMES, UNNAMED, split_of, standard
from encord_convert.sdk.constants.enums import DataType

NEAR = 30
"""Frames whose numbers are closer than this show the same moment."""

_COPY = re.compile(r"\.rf\.[0-9A-Za-z]+$")
_FRAME = re.compile(r"^(?P<video>.*?)[_.-]?(?P<number>\d+)$")
_OF_VIDEO = re.compile(r"frame|(?<![a-z])(?:mp4|avi|mov|mkv|webm|m4v|mpe?g)(?![a-z])", re.IGNORECASE)
_PATIENT = ("patient_id", "PatientID", "patient")

_SENTENCES = {
    "LEAK_FILE": "It is byte-identical to {} of {}.",
    "LEAK_COPY": "It is a copy of the same image as {} of {}.",
    "LEAK_FRAMES": "It is less than 30 frames away from {} of {}.",
    "LEAK_VIDEO": "It is from the same video as {} of {}.",
    "LEAK_PATIENT": "It is from the same patient as {} of {}.",
}


class Leaks:
    """Compares the splits of a data set, in 50 bytes per image.

    Parameters
    ----------
    counts : Counts
        Counts the findings.

    Attributes
    ----------
    same_files : set of int
        Indexes of images whose file is also in another split.
    """

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._splits: dict[str, int] = {}
        self._split_of = array("B")
        self._keys = {kind: array("Q") for kind in ("copy", "video", "patient")}
        self._numbers = array("q")
        self._titles: list[str] = []
        self._images = array("q")
        self.same_files: set[int] = set()

    def see(self, row: Any, images: Images) -> None:
        """Add a row; ``images`` has already seen it."""
        own = split_of(row.client_metadata)
        if not own or own == UNNAMED:
            return
        split = self._splits.setdefault(standard(own) or own, len(self._splits))
        if split > 255:
            return
        title = row.data_title
        count = len(row._units) if row.data_type in (DataType.IMAGE, DataType.IMG_GROUP) else 1
        has_files = row.data_type in (DataType.IMAGE, DataType.IMG_GROUP)
        folder, _, name = title.replace("\\", "/").rpartition("/")
        stem = name.rpartition(".")[0] or name
        source = _COPY.sub("", stem)
        video, number = (title, 0) if row.data_type is not DataType.IMAGE else _frame(_without(folder, own), source)
        metadata = row.client_metadata or {}
        patient = next((str(metadata[key]) for key in _PATIENT if metadata.get(key)), "")
        for at in range(count):
            self._split_of.append(split)
            self._titles.append(title)
            self._keys["copy"].append(_code(source) if source != stem else 0)
            self._keys["video"].append(_code(video))
            self._keys["patient"].append(_code(patient))
            self._numbers.append(number)
            self._images.append(len(images.prints) - count + at if has_files else -1)

    def finish(self, images: Images) -> dict[str, tuple[int, int]]:
        """Count the leaks; return, by split, the number of leaking images and of all images."""
        splits, numbers = np.array(self._split_of, np.uint8), np.array(self._numbers, np.int64)
        names = list(self._splits)
        shared = np.zeros(len(splits), bool)
        prints, at_images = np.array([*images.prints, 0], np.uint64), np.array(self._images, np.int64)
        keys = {"file": prints[at_images], **{kind: np.array(one, np.uint64) for kind, one in self._keys.items()}}
        for code, kind, reach in (
            ("LEAK_FILE", "file", None), ("LEAK_COPY", "copy", None), ("LEAK_FRAMES", "video", NEAR),
            ("LEAK_VIDEO", "video", None), ("LEAK_PATIENT", "patient", None),
        ):  # fmt: skip
            others = nearest_matches(keys[kind], splits, numbers if kind == "video" else None, reach)
            for at in np.flatnonzero((others >= 0) & ~shared).tolist():
                shared[at] = True
                if kind == "file":
                    self.same_files.add(self._images[at])
                other = int(others[at])
                if self._rank(names[splits[at]]) > self._rank(names[splits[other]]):
                    detail = _SENTENCES[code].format(self._titles[other], names[splits[other]])
                    where = Where(row=self._titles[at], element=names[splits[at]])
                    self._counts.lose(Kind.DROPPED, code, Feature.MEDIA, ("image", names[splits[at]]), where, detail)
        ordered = sorted(self._splits, key=self._rank)
        return {name: (int(shared[splits == self._splits[name]].sum()), int((splits == self._splits[name]).sum()))
                for name in ordered}  # fmt: skip

    @staticmethod
    def _rank(split: str) -> tuple[int, str]:
        """Return the rank of a split: training before validation and test."""
        return NAMES.index(split) if split in NAMES else len(NAMES), split


def _code(text: str) -> int:
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big") if text else 0


def _without(folder: str, split: str) -> str:
    """Return a folder without its split component."""
    return "/".join(part for part in folder.split("/") if part != split and not standard(part))


def _frame(folder: str, stem: str) -> tuple[str, int]:
    """Return the video and number of a frame; no video if the name does not indicate one.

    >>> _frame("cam1", "frame_000123"), _frame("", "sharks_mp4-18_jpg"), _frame("", "img_0042")
    (('cam1/frame', 123), ('/sharks_mp4', 18), ('', 0))
    """
    found = _FRAME.match(re.sub(r"_(jpe?g|png)$", "", stem, flags=re.IGNORECASE))
    if found is None or not _OF_VIDEO.search(found["video"]) or len(found["number"]) > 15:
        return "", 0
    return f"{folder}/{found['video']}", int(found["number"])


def nearest_matches(keys: Any, splits: Any, numbers: Any = None, reach: int | None = None) -> Any:
    """Return for each image the nearest one of another split with the same key; -1 if there is none.

    Parameters
    ----------
    keys : (n,) uint64
        0: none.
    splits : (n,) uint8
    numbers : (n,) int64, optional
        Frame numbers; within a key images are compared along them.
    reach : int, optional
        Greatest difference between two numbers.
    """
    count = len(keys)
    found = np.full(count, -1, np.int64)
    if not count or not keys.any():
        return found
    along = splits.astype(np.int64) if numbers is None else numbers
    order = np.lexsort((splits, along, keys))
    k, s, n = keys[order], splits[order], along[order]
    starts = np.flatnonzero(np.concatenate([[True], (k[1:] != k[:-1]) | (s[1:] != s[:-1])]))
    run = np.cumsum(np.concatenate([[0], ((k[1:] != k[:-1]) | (s[1:] != s[:-1])).astype(np.int64)]))
    before = starts[run] - 1
    after = np.concatenate([starts[1:], [count]])[run]
    far = np.iinfo(np.int64).max
    distance = np.full(count, far)
    best = np.full(count, -1, np.int64)
    for other in (before, after):
        is_there = (other >= 0) & (other < count)
        at = np.where(is_there, other, 0)
        is_there &= (k[at] == k) & (k != 0)
        apart = np.where(is_there, np.abs(n - n[at]), far)
        nearer = apart < distance
        if reach is not None:
            nearer &= apart < reach
        best[nearer], distance[nearer] = at[nearer], apart[nearer]
    found[order] = np.where(best >= 0, order[best], -1)
    return found
