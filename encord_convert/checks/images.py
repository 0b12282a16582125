"""The image files of a data set: missing, broken, of another size, rotated by EXIF data, there twice.

A header is read and, of JPEG and PNG, whether the last bytes are those of a whole file; only a file that ends otherwise
is decoded. Two files of one size with the same first and last bytes are compared whole.
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
    """Looks at the image files of rows.

    Parameters
    ----------
    finder : Finder or None
        None: there is no place to look.
    told : Counts
        Is told what is wrong.

    Attributes
    ----------
    looked, found : int
        Images that were looked for, and those that were there.
    prints : array of int
        By image that was seen, a fingerprint of its file; 0 where it has none. See :meth:`settle`.
    names : list of str
        Of the same images, the rows' titles.
    has_wrong_sizes : bool
        Whether labels say a size that is plainly wrong.
    """

    def __init__(self, finder: Finder | None, told: Counts) -> None:
        self.finder = finder
        self.looked = self.found = 0
        self.has_wrong_sizes = False
        self.prints = array("Q")
        self.names: list[str] = []
        self._members: list[str] = []
        self._twins: list[tuple[int, int]] = []
        self._missing = Counts()
        self._told = told

    def see(self, row: Any, whole: Callable[[], Any]) -> None:
        """Look at the files of a row of images; those of a video or a series are not looked at.

        ``whole`` gives the same row with its annotations.
        """
        if row.data_type not in (DataType.IMAGE, DataType.IMG_GROUP):
            return
        for frame in range(len(row._units)):
            self.looked += 1
            member, code = self._member(row, frame), 0
            if member is not None:
                self.found += 1
                code = self._look(row, frame, member, whole)
            self.prints.append(code)
            self.names.append(row.data_title)
            self._members.append(member or "")

    def _member(self, row: Any, frame: int) -> str | None:
        if self.finder is None:
            return None
        try:
            member = self.finder.find(row, frame)
        except AmbiguousFileError as error:
            self._tell(Kind.DROPPED, "NAME_CLASH", row, frame, error.sentence)
            return None
        if member is None:
            where = _where(row, frame)
            self._missing.lose(Kind.DROPPED, "MISSING_MEDIA", Feature.MEDIA, _IMAGE, where, "There is no such image.")
        return member

    def _look(self, row: Any, frame: int, member: str, whole: Callable[[], Any]) -> int:
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
                self._tell(Kind.DROPPED, "UNREADABLE", row, frame, f"{member} is not an image that can be read.")
                return 0
            mark = END_MARKS.get(header.suffix)
            if mark is not None and not tail.endswith(mark):
                with source.open(member) as stream:
                    self._decode(row, frame, member, stream)
        except (OSError, ReadError) as error:
            sentence = error.sentence if isinstance(error, ReadError) else f"{member} cannot be read ({error})."
            self._tell(Kind.DROPPED, "UNREADABLE", row, frame, sentence)
            return 0
        self._compare(row, frame, member, header, whole)
        code = blake2b(head + tail + size.to_bytes(8, "big"), digest_size=8).digest()
        return int.from_bytes(code, "big") or 1

    def _decode(self, row: Any, frame: int, member: str, stream: Any) -> None:
        from PIL import Image

        try:
            with Image.open(stream) as image:
                image.draft(image.mode, (1, 1))  # of JPEG an eighth will do
                image.load()
        except (Image.DecompressionBombError, *BROKEN) as error:
            self._tell(Kind.DROPPED, "TRUNCATED", row, frame, f"{member} is damaged ({error}).")

    def _compare(self, row: Any, frame: int, member: str, header: Header, whole: Callable[[], Any]) -> None:
        said, stored, shown = frame_size(row, frame), (header.width, header.height), header.shown
        if header.orientation != 1:
            detail = f"EXIF data rotates {member} (orientation {header.orientation}); some trainers ignore that."
            self._tell(Kind.APPROXIMATED, "EXIF_ORIENTATION", row, frame, detail)
        if any(said) and said not in (stored, shown):
            detail = "The labels say {} × {} pixels, the image has {} × {}.".format(*said, *shown)
            is_plain = _right_size(whole(), header) is not None
            self.has_wrong_sizes |= is_plain
            key = _SIZE if is_plain else _IMAGE
            self._told.lose(Kind.APPROXIMATED, "SIZE_MISMATCH", Feature.MEDIA, key, _where(row, frame), detail)

    def right_size(self, row: Any) -> tuple[int, int] | None:
        """Return the size of the image of a row, if the row says another that is plainly wrong."""
        try:
            member = self.finder.find(row, 0) if self.finder is not None and row.data_type is DataType.IMAGE else None
            if member is None or self.finder is None:
                return None
            header = next(read_headers(self.finder.source, [member]))
        except (OSError, AmbiguousFileError, ReadError):
            return None
        return None if header is None else _right_size(row, header)

    def finish(self, told: Collection[int] = ()) -> None:
        """Say which images are missing, unless all are, and which are there twice, but for those that were told."""
        if self.found:
            self._told.merge(self._missing)
        for one, other in self._twins:
            if one not in told:
                detail = f"It is the same file, byte for byte, as {self.names[other]}."
                where = Where(row=self.names[one])
                self._told.lose(Kind.APPROXIMATED, "DUPLICATE_IMAGE", Feature.MEDIA, _IMAGE, where, detail)

    def settle(self) -> None:
        """Read those files whole that look like others, so that only what is equal has one fingerprint."""
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
                    whole = self.prints[at] = self._digest(self._members[at])
                    if first.setdefault(whole, at) != at:
                        self._twins.append((at, first[whole]))

    def _digest(self, member: str) -> int:
        assert self.finder is not None
        digest = blake2b(digest_size=8)
        with self.finder.source.open(member) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return int.from_bytes(digest.digest(), "big") or 1

    def _tell(self, kind: Kind, code: str, row: Any, frame: int, detail: str) -> None:
        self._told.lose(kind, code, Feature.MEDIA, _IMAGE, _where(row, frame), detail)


def _right_size(row: Any, header: Header) -> tuple[int, int] | None:
    """Return the size of the image of a row if the row says another and that is plainly wrong; None if it is not plain.

    Pixels stay where they are, and the size is corrected, if the sides are not in proportion (else the labels may have
    been drawn on a copy of another size), no EXIF data rotates the image, and all shapes lie in it.
    """
    said, real = frame_size(row, 0), header.shown
    if header.orientation != 1 or row.data_type is not DataType.IMAGE or not all(said) or said == real:
        return None
    if abs(said[0] * real[1] - said[1] * real[0]) <= max(*said, *real):
        return None
    shapes = [data.coordinates for object_ in row._objects.values() for data in object_._frames.values()]
    return real if all(_fits(shape, said, real) for shape in shapes) else None


def _fits(coordinates: Any, said: tuple[int, int], real: tuple[int, int]) -> bool:
    """Return whether a shape that can be resized lies in an image of the real size."""
    bounds = bounds_rel(coordinates)
    if bounds is None:
        return False
    return bounds[0] >= 0 and bounds[1] >= 0 and bounds[2] * said[0] <= real[0] and bounds[3] * said[1] <= real[1]


def _where(row: Any, frame: int) -> Where:
    return Where(row._origin, row=row.data_title, frame=frame if len(row._units) > 1 else None)
