"""Checks image files: missing, broken, of another size, rotated by EXIF data, duplicated.

Headers are read, and for JPEG and PNG the end marker; only files without it are decoded. Files of equal size, first and
last bytes are compared whole.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection
from hashlib import blake2b
from typing import Any

import numpy as np

from encord_convert.checks.findings import FIXABLE
from encord_convert.checks.fixes import bounds_rel
from encord_convert.errors import AmbiguousFileError, ReadError
from encord_convert.formats._finding import Finder
from encord_convert.hub.counts import Counts
from encord_convert.hub.headers import END_MARKS, header_in, read_ends, read_headers
from encord_convert.hub.loss import Feature, Kind, Where
from encord_convert.hub.media import BROKEN, Header, read_header
from encord_convert.hub.visibility import frame_size
from encord_convert.sdk.constants.enums import DataType

_IMAGE = ("image", "")
_SIZE = (FIXABLE, "")


class Images:
    """Checks the image files of rows.

    Parameters
    ----------
    finder : Finder or None
        None: there is nowhere to look.
    counts : Counts
        Counts the findings.

    Attributes
    ----------
    looked, found : int
        Number of images looked for, and found.
    prints : array of int
        Fingerprint of the file of each image; 0 for none. See :meth:`settle`.
    names : list of str
        Titles of these images' rows.
    has_wrong_sizes : bool
        Whether labels have a size that is clearly wrong.
    """

    def __init__(self, finder: Finder | None, counts: Counts) -> None:
        self.finder = finder
        self.looked = self.found = 0
        self.has_wrong_sizes = False
        self.prints = array("Q")
        self.names: list[str] = []
        self._members: list[str] = []
        self._twins: list[tuple[int, int]] = []
        self._missing = Counts()
        self._counts = counts

    def see(self, row: Any, full: Callable[[], Any]) -> None:
        """Check the image files of a row; videos and series are skipped.

        ``full`` returns the same row with its annotations.
        """
        if row.data_type not in (DataType.IMAGE, DataType.IMG_GROUP):
            return
        for frame in range(len(row._units)):
            self.looked += 1
            member, code = self._member(row, frame), 0
            if member is not None:
                self.found += 1
                code = self._look(row, frame, member, full)
            self.prints.append(code)
            self.names.append(row.data_title)
            self._members.append(member or "")

    def _member(self, row: Any, frame: int) -> str | None:
        if self.finder is None:
            return None
        try:
            member = self.finder.find(row, frame)
        except AmbiguousFileError as error:
            self._count(Kind.DROPPED, "NAME_CLASH", row, frame, error.sentence)
            return None
        if member is None:
            where = _where(row, frame)
            self._missing.lose(Kind.DROPPED, "MISSING_MEDIA", Feature.MEDIA, _IMAGE, where, "The image is missing.")
        return member

    def _look(self, row: Any, frame: int, member: str, full: Callable[[], Any]) -> int:
        assert self.finder is not None
        source = self.finder.source
        try:
            with source.open(member) as stream:
                head, tail, size = read_ends(stream)
            header = header_in(head)
            if header is None:
                with source.open(member) as stream:
                    header = read_header(stream, source.place(member))
            if header is None:
                self._count(Kind.DROPPED, "UNREADABLE", row, frame, f"{member} is not an image that can be read.")
                return 0
            mark = END_MARKS.get(header.suffix)
            if mark is not None and not tail.endswith(mark):
                with source.open(member) as stream:
                    self._decode(row, frame, member, stream)
        except (OSError, ReadError) as error:
            sentence = error.sentence if isinstance(error, ReadError) else f"{member} cannot be read ({error})."
            self._count(Kind.DROPPED, "UNREADABLE", row, frame, sentence)
            return 0
        self._compare(row, frame, member, header, full)
        code = blake2b(head + tail + size.to_bytes(8, "big"), digest_size=8).digest()
        return int.from_bytes(code, "big") or 1

    def _decode(self, row: Any, frame: int, member: str, stream: Any) -> None:
        from PIL import Image

        try:
            with Image.open(stream) as image:
                image.draft(image.mode, (1, 1))  # of JPEG an eighth will do
                image.load()
        except (Image.DecompressionBombError, *BROKEN) as error:
            self._count(Kind.DROPPED, "TRUNCATED", row, frame, f"{member} is damaged ({error}).")

    def _compare(self, row: Any, frame: int, member: str, header: Header, full: Callable[[], Any]) -> None:
        said, stored, shown = frame_size(row, frame), (header.width, header.height), header.shown
        if header.orientation != 1:
            detail = f"EXIF data rotates {member} (orientation {header.orientation}); some trainers ignore that."
            self._count(Kind.APPROXIMATED, "EXIF_ORIENTATION", row, frame, detail)
        if any(said) and said not in (stored, shown):
            detail = "The labels say {} × {} pixels, the image has {} × {}.".format(*said, *shown)
            is_clear = _right_size(full(), header) is not None
            self.has_wrong_sizes |= is_clear
            key = _SIZE if is_clear else _IMAGE
            self._counts.lose(Kind.APPROXIMATED, "SIZE_MISMATCH", Feature.MEDIA, key, _where(row, frame), detail)

    def right_size(self, row: Any) -> tuple[int, int] | None:
        """Return the image size of a row, if the row's own is clearly wrong."""
        try:
            member = self.finder.find(row, 0) if self.finder is not None and row.data_type is DataType.IMAGE else None
            if member is None or self.finder is None:
                return None
            header = next(read_headers(self.finder.source, [member]))
        except (OSError, AmbiguousFileError, ReadError):
            return None
        return None if header is None else _right_size(row, header)

    def finish(self, known: Collection[int] = ()) -> None:
        """Count missing images, unless all are, and duplicates not yet counted."""
        if self.found:
            self._counts.merge(self._missing)
        for one, other in self._twins:
            if one not in known:
                detail = f"It is byte-identical to {self.names[other]}."
                where = Where(row=self.names[one])
                self._counts.lose(Kind.APPROXIMATED, "DUPLICATE_IMAGE", Feature.MEDIA, _IMAGE, where, detail)

    def settle(self) -> None:
        """Read files with equal fingerprints whole, so that only identical files share one."""
        if not self.prints:
            return
        prints = np.array(self.prints, np.uint64)
        order = np.argsort(prints, kind="stable")
        ranked = prints[order]
        starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]])).tolist()
        for start, end in zip(starts, [*starts[1:], len(ranked)], strict=True):
            if end - start > 1 and ranked[start]:
                first: dict[int, int] = {}
                for at in order[start:end].tolist():
                    full = self.prints[at] = self._digest(self._members[at])
                    if first.setdefault(full, at) != at:
                        self._twins.append((at, first[full]))

    def _digest(self, member: str) -> int:
        assert self.finder is not None
        digest = blake2b(digest_size=8)
        with self.finder.source.open(member) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return int.from_bytes(digest.digest(), "big") or 1

    def _count(self, kind: Kind, code: str, row: Any, frame: int, detail: str) -> None:
        self._counts.lose(kind, code, Feature.MEDIA, _IMAGE, _where(row, frame), detail)


def _right_size(row: Any, header: Header) -> tuple[int, int] | None:
    """Return the image size of a row if the row's own is clearly wrong; else None.

    The size is corrected, with pixels unchanged, if the aspect ratios differ (else the labels may be of a resized
    copy), no EXIF data rotates the image, and all shapes lie in it.
    """
    said, real = frame_size(row, 0), header.shown
    if header.orientation != 1 or row.data_type is not DataType.IMAGE or not all(said) or said == real:
        return None
    if abs(said[0] * real[1] - said[1] * real[0]) <= max(*said, *real):
        return None
    shapes = [data.coordinates for object_ in row._objects.values() for data in object_._frames.values()]
    return real if all(_fits(shape, said, real) for shape in shapes) else None


def _fits(coordinates: Any, said: tuple[int, int], real: tuple[int, int]) -> bool:
    """Return whether a resizable shape lies in an image of the real size."""
    bounds = bounds_rel(coordinates)
    if bounds is None:
        return False
    return bounds[0] >= 0 and bounds[1] >= 0 and bounds[2] * said[0] <= real[0] and bounds[3] * said[1] <= real[1]


def _where(row: Any, frame: int) -> Where:
    return Where(row._origin, row=row.data_title, frame=frame if len(row._units) > 1 else None)
