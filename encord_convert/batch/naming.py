"""Which images of several sources are the same, and what the others are called: by their folder, ``camA/f0.jpg``.

An image whose name only one source has keeps it. Where several have it, each is named by the folder that tells its
source from the others, so that its file is found below the folder that they are in; sources in one folder have nothing
that tells them apart, and their names stay.

Images that are to become one (``--twice first`` and ``unite``) keep their name: those of one name and size, unless
both are found beside their labels and their bytes differ (``IMAGES_DIFFER``). Where one of them is not found, nobody
compared them, and that is told (``IMAGES_UNSEEN``).
"""

from __future__ import annotations

import gc
import os
from collections import Counter
from collections.abc import Sequence
from hashlib import blake2b
from typing import Literal

from encord_convert.errors import ConvertError
from encord_convert.formats._finding import Finder, base_of, beside
from encord_convert.hub.counts import Counts
from encord_convert.hub.labelset import LabelSet
from encord_convert.hub.loss import Level
from encord_convert.hub.media import apart, parts_of
from encord_convert.hub.table import Table
from encord_convert.sdk.objects import LabelRowV2

Rule = Literal["keep", "first", "unite"]

_NOTES = {
    "IMAGE_NAMED_APART": "Another source has an image of the same name; each is named by the folder of its source.",
    "IMAGES_DIFFER": "An image of the same name and size came before, and its bytes differ; both are kept.",
    "IMAGES_UNSEEN": "Images of one name and size were taken as one; they were not found, so nobody compared them.",
}


GARBAGE = 200_000
"""Containers made and not given back since there was last looked for cycles."""


def collect() -> None:
    """Give back what was made to read a source, which has cycles: in a conversion nobody else looks for them."""
    if gc.get_count()[0] > GARBAGE:
        gc.collect()


class Naming:
    """What the images of each source are called in the merged set.

    Parameters
    ----------
    sets : sequence of LabelSet
        Walked once more, before the first name is asked for, if their sources lie in several folders or images are to
        become one.
    sources : sequence of str
        What they are called: paths, URIs, or any words.
    rule : {"keep", "first", "unite"}
        What becomes of images that are there twice.
    """

    def __init__(self, sets: Sequence[LabelSet], sources: Sequence[str], rule: Rule) -> None:
        self._sets = sets
        self._rule = rule
        self._folders = folders_of(sources)
        self._own = [f"{one.replace(os.sep, '/').rstrip('/').rpartition('/')[2].partition('.')[0]}/" for one in sources]
        self._shared: set[bytes] | None = None
        self._same_as: dict[tuple[int, int], int] = {}
        self._differing: set[tuple[int, int]] = set()
        self.unseen = 0
        self.told: Counter[str] = Counter()

    def rewind(self) -> None:
        """Look at the images of all sources, the first time, and start to count what is told."""
        self.told.clear()
        if self._shared is not None:
            return
        self._shared = set()
        if self._rule == "keep" and not any(self._folders):
            return
        met: dict[bytes, str] = {}
        images = None if self._rule == "keep" else _Images(self._sets)
        for number, labels in enumerate(self._sets):
            index = 0
            for one in labels.tables():
                if images is None:
                    for title in one.titles if isinstance(one, Table) else (one.data_title,):
                        self._meet(met, title, number)
                    continue
                for row in one.rows() if isinstance(one, Table) else (one,):
                    first, differs = images.meet(number, row)
                    if first != number:
                        self._same_as[number, index] = first
                    if differs:
                        self._differing.add((number, index))
                    self._meet(met, row.data_title, first)
                    index += 1
            collect()
        self.unseen = 0 if images is None else images.unseen

    def _meet(self, met: dict[bytes, str], title: str, number: int) -> None:
        assert self._shared is not None
        code = _code(title)
        if met.setdefault(code, self._folders[number]) != self._folders[number]:
            self._shared.add(code)

    def folder(self, number: int, index: int, title: str) -> str:
        """Return what comes before the title of a row: empty, or with ``/`` at its end."""
        if (number, index) in self._differing:
            self.told["IMAGES_DIFFER"] += 1
        if self._shared and _code(title) in self._shared:
            folder = self._folders[self._same_as.get((number, index), number)]
        else:  # beside the other one, in a folder that is called as the labels are
            folder = self._own[number] if (number, index) in self._differing else ""
        self.told["IMAGE_NAMED_APART"] += bool(folder)
        return folder

    def tell(self, counts: Counts) -> None:
        """Say how many images were named so, and which were not compared."""
        for code, count in (*sorted(self.told.items()), ("IMAGES_UNSEEN", self.unseen)):
            if count:
                counts.note(Level.WARNING, code, _NOTES[code], count=count)


class _Images:
    """Images by name and size, each with those files that are not the same."""

    def __init__(self, sets: Sequence[LabelSet]) -> None:
        self._finders = [None if one.source is None else beside(one.source) for one in sets]
        self._known: dict[bytes, list[tuple[int, str]]] = {}
        self._digests: dict[tuple[int, str], bytes | None] = {}
        self.unseen = 0

    def meet(self, number: int, row: LabelRowV2) -> tuple[int, bool]:
        """Return which source had the image first, and whether another image of its name and size came before."""
        finder = self._finders[number]
        file = number, "" if finder is None else _found(finder, row)
        known = self._known.setdefault(key_of(row), [])
        if not known:
            known.append(file)
            return number, False
        own = self._digest(file)
        digests = [self._digest(one) for one in known]
        if own is not None and None not in digests and own not in digests:
            known.append(file)
            return number, True
        if own is not None and own in digests:
            return known[digests.index(own)][0], False
        self.unseen += 1
        return known[0 if own is None else digests.index(None)][0], False

    def _digest(self, file: tuple[int, str]) -> bytes | None:
        if file not in self._digests:
            self._digests[file] = self._read(*file)
        return self._digests[file]

    def _read(self, number: int, member: str) -> bytes | None:
        finder = self._finders[number]
        if finder is None or not member:
            return None
        digest = blake2b(digest_size=16)
        try:
            with finder.source.open(member) as stream:
                while block := stream.read(1 << 20):
                    digest.update(block)
        except (ConvertError, OSError, ValueError):
            return None
        return digest.digest()


def _found(finder: Finder, row: LabelRowV2) -> str:
    try:
        return finder.find(row, 0) or ""
    except (ConvertError, OSError, ValueError):
        return ""


def key_of(row: LabelRowV2) -> bytes:
    """Return what images have in common that may be one: name, kind, number of frames and sizes."""
    sizes = [(unit.width, unit.height) for unit in row._units]
    return _code(repr((row.data_title, row.data_type.value, row.number_of_frames, sizes)))


def _code(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def folders_of(sources: Sequence[str]) -> list[str]:
    """Return the folders that tell the images of sources apart: empty, or with ``/`` at the end.

    >>> folders_of(["s3://b/camA", "s3://b/camB/x.json"]), folders_of(["s3://b/x.json", "s3://b/y.json"])
    (['camA/', 'camB/'], ['', ''])
    """
    parts = ["/".join(parts_of(one)) for one in apart([f"{_folder(source)}/-" for source in sources])]
    return [f"{one}/" if one else "" for one in parts]


def _folder(source: str) -> str:
    """Return the folder that the images of a source are in; an archive is one."""
    path = source if "://" in source else os.path.abspath(source).replace("\\", "/")
    folder, _, last = path.rstrip("/").rpartition("/")
    stem, dot, ending = last.rpartition(".")
    if dot and ending.lower() == "zip":
        return f"{folder}/{stem}"
    is_folder = not dot if "://" in source else os.path.isdir(path)
    return f"{folder}/{last}" if is_folder else base_of(f"{folder}/").rstrip("/")
