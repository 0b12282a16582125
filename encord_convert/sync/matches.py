"""Matching by name: label rows of a source, data of a project, files on disk."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import BinaryIO, Generic, TypeVar

from encord_convert.errors import AmbiguousFileError
from encord_convert.formats._files import Source
from encord_convert.hub.media import Media
from encord_convert.sync.digests import VIDEOS

T = TypeVar("T")


class Names:
    """A list of names for :class:`~encord_convert.hub.media.Media`, without content."""

    def __init__(self, name: str, names: Iterable[str]) -> None:
        self.name = name
        self._names = list(names)

    def names(self) -> list[str]:
        """Return the names."""
        return self._names

    def open(self, name: str) -> BinaryIO:
        """Raise: only names are known."""
        raise FileNotFoundError(name)

    def place(self, name: str) -> str:
        """Return what to call one."""
        return name


class Matcher(Generic[T]):
    """Matches items by title, by the rules of :class:`~encord_convert.hub.media.Media`.

    Parameters
    ----------
    name : str
        Name of the collection in messages.
    items : iterable of (str, T)
        Titles with their items.
    """

    def __init__(self, name: str, items: Iterable[tuple[str, T]]) -> None:
        self._name = name
        self._items: dict[str, list[T]] = defaultdict(list)
        for title, item in items:
            self._items[title].append(item)
        self._media: Media | None = None
        self.found: set[str] = set()

    def find(self, title: str) -> tuple[T, str] | None:
        """Return the item for a title, and the matching rule; None if there is none.

        Raises
        ------
        AmbiguousFileError
            More than one item matches.
        """
        name: str | None = title
        if title not in self._items:
            if self._media is None:
                self._media = Media(Names(self._name, self._items))
            name = self._media.find(title)
        if name is None:
            return None
        items = self._items[name]
        if len(items) > 1:
            raise AmbiguousFileError(self._name, f"{len(items)} rows have the title", [name])
        self.found.add(name)
        return items[0], rule_of(title, name)

    def others(self) -> list[str]:
        """Return the titles that were not matched."""
        return [title for title in self._items if title not in self.found]


def rule_of(asked: str, found: str) -> str:
    """Return the rule by which a name matched, in words."""
    if asked == found:
        return "same title"
    if f"/{found}".endswith(f"/{asked}") or f"/{asked}".endswith(f"/{found}"):
        return "end of the path"
    return "name without its ending"


class Files:
    """Matches data to files of a source."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._media = Media(source)
        self._videos: dict[str, list[str]] | None = None
        self.used: set[str] = set()

    def find(self, title: str) -> tuple[str, str] | None:
        """Return the member for a title, and the matching rule.

        Raises
        ------
        AmbiguousFileError
            More than one file matches.
        """
        member = self._media.find(title) or self._video(title)
        if member is None:
            return None
        self.used.add(member)
        return member, rule_of(title, member)

    def _video(self, title: str) -> str | None:
        """Return the video for a title without suffix."""
        if self._videos is None:
            self._videos = defaultdict(list)
            for member in self.source.names():
                stem, _, suffix = member.rpartition(".")
                if "." + suffix.lower() in VIDEOS:
                    self._videos[stem.rpartition("/")[2]].append(member)
        found = self._videos.get(title, [])
        if len(found) > 1:
            raise AmbiguousFileError(self.source.name, f"the video {title!r} could be any of {len(found)} files", found)
        return found[0] if found else None

    def size_px(self, member: str) -> tuple[int, int] | None:
        """Return the displayed width and height of an image; None if it is not one."""
        header = self._media.header(member)
        return None if header is None else header.shown
