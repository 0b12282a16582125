"""The images of label rows: found by name in a folder or an archive, and asked for nothing but their header.

:class:`Media` matches names, in this order and never by guess:

1. the path below the folder;
2. a path suffix: what is asked for ends in the whole path of the file, or the other way round; the longest counts;
3. the same two without the ending of the name, where it is missing or another (``frame_000003``; ``a.jpg`` for
   ``a.png``);
4. the digest of the content, where the source knows one.

If more than one file is left in a step, that is an :class:`~encord_convert.errors.AmbiguousFileError` which lists them,
and so is a file that fits two names: ``a.png`` is not both ``cam1/a.png`` and ``cam2/a.png``.
Names are compared in Unicode normal form C, upper and lower case as they are. Only files the source lists are ever
returned, so that no name leads out of its folder.
"""

from __future__ import annotations

import re
import struct
import unicodedata
import warnings
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Protocol
from urllib.parse import unquote

import msgspec

from encord_convert.errors import AmbiguousFileError, ReadError

SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""Endings of names of images, lower case: only these files are found under a name with another ending."""

IMAGES = "images/"
"""Where exports keep their images: a name is a path below this folder before it is the end of another path."""

FORMATS = {"JPEG": ".jpg", "PNG": ".png", "BMP": ".bmp", "GIF": ".gif", "TIFF": ".tif", "WEBP": ".webp"}
"""What Pillow calls them, and how their names end."""
BROKEN = (
    ArithmeticError, AttributeError, EOFError, LookupError, OSError, RecursionError, SyntaxError, TypeError, ValueError,
    struct.error,
)  # fmt: skip
"""What Pillow raises on bytes it does not expect."""
_WIDTH, _HEIGHT, _ORIENTATION = 0x0100, 0x0101, 0x0112
_URL = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*://[^/]*")
_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,4}$")


class LabelFile(msgspec.Struct, frozen=True):
    """The file a row was read from, and what it calls the images of the row.

    Importers hang it on their rows, as ``_file``; it is of this machine, and is neither written nor sent.

    Parameters
    ----------
    member : str
        The file, as a member of the source.
    name : str
        Of a still: its image; of a video: the video. Without what the title of the row may have in front.
    frames : dict of int to str
        Of frames that are files of their own: their names.
    folders : tuple of str
        Of a video: what the folder of its frames may be called, instead of ``name``.
    first : int
        Of a video: the number its first frame has in the name of a file.
    path : str
        Of a still whose label file says where its image is: the image, as a member of the source.
    masks : tuple of str
        Of a still whose labels are drawn in images: these, as members of the source. None of them is its image.
    ids : tuple
        Of a still: what the file calls its objects, in the order of the row; empty if it calls them nothing.
    """

    member: str
    name: str = ""
    frames: dict[int, str] = {}
    folders: tuple[str, ...] = ()
    first: int = 0
    path: str = ""
    masks: tuple[str, ...] = ()
    ids: tuple[Any, ...] = ()

    @property
    def folder(self) -> str:
        """The folder it lies in: empty, or with ``/`` at its end."""
        return self.member[: self.member.rfind("/") + 1]


def apart(members: Sequence[str]) -> list[str]:
    """Return the folders that tell label files from those in other folders: empty, or with ``/`` at the end.

    >>> apart(["export/cam1/a.xml", "export/cam2/a.xml"]), apart(["x/a.json", "x/b.json"])
    (['cam1/', 'cam2/'], ['', ''])
    """
    folders = [one.split("/")[:-1] for one in members]
    shared = 0
    while folders and all(len(one) > shared and one[shared] == folders[0][shared] for one in folders):
        shared += 1
    return ["".join(f"{part}/" for part in one[shared:]) for one in folders]


class Members(Protocol):
    """Files with names: a :class:`~encord_convert.formats._files.Source`."""

    name: str

    def names(self) -> list[str]:
        """Return the names, ``/`` between folders."""

    def open(self, name: str) -> BinaryIO:
        """Open one for reading, from its start."""

    def place(self, name: str) -> str:
        """Return what to call one in a message."""


@dataclass(frozen=True, slots=True)
class Header:
    """What the header of an image says.

    Parameters
    ----------
    width, height : int
        Pixels as they are stored.
    orientation : int
        EXIF orientation, 1 to 8; 1 where there is none: the image is stored as it is shown.
    suffix : str
        How names of images of its kind end: ``.png``; not compared.
    """

    width: int
    height: int
    orientation: int = 1
    suffix: str = field(default="", compare=False)

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as the image is shown: from orientation 5 on it lies on its side."""
        return (self.height, self.width) if self.orientation >= 5 else (self.width, self.height)


class Media:
    """Finds images by what label rows call them.

    Parameters
    ----------
    source : Members
        Folder or archive.
    folder : str
        Only what lies below this folder of it is looked at.
    """

    def __init__(self, source: Members, folder: str = "") -> None:
        self.source = source
        self._prefix = f"{folder}/" if folder else ""
        self._paths: _Index | None = None
        self._stems: _Index = {}
        self._tails: tuple[_Index, _Index] | None = None
        self._digests: dict[str, dict[str, str]] = {}
        self._given: dict[str, str] = {}

    def find(self, name: str, *, digest: str | None = None, but: Collection[str] = ()) -> str | None:
        """Return the file a name means, None if there is none.

        Parameters
        ----------
        name : str
            Path or URL; ``\\`` counts as ``/``, and what stands before ``..`` does not count.
        digest : str, optional
            ``md5:`` or ``sha256:`` and hexadecimal digits: tried when no name fits.
        but : collection of str
            Files that it does not mean.

        Raises
        ------
        AmbiguousFileError
            More than one file fits equally well, or the file was found under another name before.
        """
        for spelling in dict.fromkeys((name, unquote(name))):
            path = "/".join(parts_of(spelling))
            if path:
                ways = (
                    (self._at, path), (self._at, IMAGES + path), (self._ending_in, path),
                    (self._stem_at, path), (self._stem_at, IMAGES + path), (self._stem_ending_in, path),
                )  # fmt: skip
                for way, sought in ways:
                    found = [one for one in way(sought) if self._prefix + one not in but] if but else way(sought)
                    if found:
                        break
                if found:
                    return self._alone(path, self._only(name, found))
        return self._of_digest(digest) if digest else None

    def find_in(self, folders: Iterable[str], name: str) -> str | None:
        """Return the file of a name in the first of ``folders`` that has it, each ``""`` or with ``/`` at its end.

        Raises
        ------
        AmbiguousFileError
            The folder has the name with two endings.
        """
        path = "/".join(parts_of(name))
        for folder in folders:
            found = self._at(folder + path) or self._stem_at(folder + path)
            if found:
                return self._only(name, found)
        return None

    def header(self, member: str) -> Header | None:
        """Return what the header of a file says; None if it is not an image.

        Raises
        ------
        ReadError
            The image says it has more pixels than any should have, or the file cannot be read.
        """
        with self.source.open(member) as stream:
            return read_header(stream, self.source.place(member))

    # -- steps ------------------------------------------------------------------------------------------------

    def _at(self, path: str) -> list[str]:
        return self._index().get(path, [])

    def _stem_at(self, path: str) -> list[str]:
        self._index()
        return next((found for stem in stems_of(path) if (found := self._stems.get(stem))), [])

    def _ending_in(self, path: str) -> list[str]:
        return _longest(path, self._tail_indexes()[0])

    def _stem_ending_in(self, path: str) -> list[str]:
        stems = self._tail_indexes()[1]
        return next((found for stem in stems_of(path) if (found := _longest(stem, stems))), [])

    def _only(self, name: str, found: list[str]) -> str:
        if len(found) > 1:
            raise AmbiguousFileError(self.source.name, f"the image {name!r} could be any of {len(found)} files", found)
        return self._prefix + found[0]

    def _alone(self, path: str, member: str) -> str:
        known = self._given.setdefault(member, path)
        if known != path:
            raise AmbiguousFileError(self.source.name, f"the file {member!r} fits two images", [known, path])
        return member

    def _of_digest(self, digest: str) -> str | None:
        kind, _, digits = digest.partition(":")
        if kind not in ("md5", "sha256"):
            return None
        if kind not in self._digests:
            # Files of one content are the same image: whichever comes first.
            members = sorted(self._members(), reverse=True)
            self._digests[kind] = {self._digest(kind, member): member for member in members}
        return self._digests[kind].get(digits.lower())

    def _digest(self, kind: str, member: str) -> str:
        import hashlib

        digest = hashlib.new(kind, usedforsecurity=False)
        with self.source.open(member) as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
        return digest.hexdigest()

    # -- indexes ----------------------------------------------------------------------------------------------

    def _members(self) -> Iterator[str]:
        return (name for name in self.source.names() if name.startswith(self._prefix))

    def _index(self) -> _Index:
        if self._paths is None:
            self._paths = {}
            for member in self._members():
                inner = member[len(self._prefix) :]
                path = normalized(inner)
                self._paths.setdefault(path, []).append(inner)
                stem, suffix = _split(path)
                if suffix.lower() in SUFFIXES:
                    self._stems.setdefault(stem, []).append(inner)
        return self._paths

    def _tail_indexes(self) -> tuple[_Index, _Index]:
        """Full paths, and those without ending, by their last part."""
        if self._tails is None:
            self._tails = ({}, {})
            for tails, paths in zip(self._tails, (self._index(), self._stems), strict=True):
                for path, members in paths.items():
                    tails.setdefault(path.rpartition("/")[2], []).extend([path, member] for member in members)
        return self._tails


_Index = dict[str, list[Any]]


def normalized(name: str) -> str:
    """Return a name as names are compared: in Unicode normal form C."""
    return unicodedata.normalize("NFC", name)


def parts_of(name: str) -> list[str]:
    """Return folders and file of a path or URL; what cannot be below a folder is left out."""
    plain = normalized(name)
    if _URL.match(plain):
        plain = _URL.sub("", plain).partition("?")[0].partition("#")[0]
    parts: list[str] = []
    for part in plain.replace("\\", "/").split("/"):
        if part == "..":
            parts.clear()
        elif part not in ("", "."):
            parts.append(part)
    return parts


def _split(path: str) -> tuple[str, str]:
    folder, slash, last = path.rpartition("/")
    stem, dot, suffix = last.rpartition(".")
    return (folder + slash + stem, dot + suffix) if stem else (path, "")


def stems_of(path: str) -> Iterator[str]:
    """The path itself, if its ending is missing, and without its ending, if that is another."""
    yield path
    if _ENDING.search(path):
        yield _split(path)[0]


def _longest(path: str, tails: _Index) -> list[str]:
    """Return the files whose path ends in ``path``, or in whose path ``path`` ends: those of the longest common end."""
    wanted = "/" + path
    best = 0
    found: list[str] = []
    for known, member in tails.get(path.rpartition("/")[2], ()):
        length = min(len(known), len(path))
        if length >= best and (("/" + known).endswith(wanted) or wanted.endswith("/" + known)):
            found = [*found, member] if length == best else [member]
            best = length
    return found


def read_header(stream: BinaryIO, place: str) -> Header | None:
    """Read size and orientation of an image, and decode nothing.

    Parameters
    ----------
    stream : binary file
    place : str
        What to call it in a message.

    Returns
    -------
    Header or None
        None if it is none of BMP, GIF, JPEG, PNG, TIFF and WebP, or damaged.

    Raises
    ------
    ReadError
        It says it has more pixels than Pillow takes for honest (``Image.MAX_IMAGE_PIXELS``).
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(stream, formats=list(FORMATS)) as image:
                return _header(image)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ReadError(place, f"declares more pixels than an image should have ({error}).") from error
    except (UnidentifiedImageError, *BROKEN):
        return None


def _header(image: Any) -> Header:
    """Return what opening has read already: asking Pillow for EXIF decodes some PNG files."""
    from PIL import Image

    width, height = image.size
    tags = getattr(image, "tag_v2", None)
    value = 1
    if tags is None:
        tags = Image.Exif()
        with suppress(*BROKEN):  # an image whose EXIF is broken is still an image
            tags.load(image.info.get("exif") or b"")
            value = tags.get(_ORIENTATION, 1)
    else:  # of a TIFF file Pillow gives the size as it is shown
        width, height = tags.get(_WIDTH, width), tags.get(_HEIGHT, height)
        value = tags.get(_ORIENTATION, 1)
    orientation = value if isinstance(value, int) and 1 <= value <= 8 else 1
    suffix = FORMATS.get(image.format, ".jpg")  # a JPEG file of several images says MPO
    return Header(width, height, orientation, suffix)
