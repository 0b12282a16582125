"""Finds the images of label rows: next to the labels as formats lay them out, or below a given folder.

In the folder of the label file, in the one above it, and in the one above ``labels/``, an image is looked for in

1. ``images/<split>/``: projects of CVAT, Ultralytics;
2. ``<split>/``: ``train2017/`` next to ``annotations/``;
3. ``images/``: tasks of CVAT;
4. the folder itself: Roboflow;
5. ``<name of the label file>/`` and ``images/default/``.

The path stated by the label file comes first, if it is in the source (``../imgs/a.jpg`` of LabelMe). So a row gets the
image next to its own label file, even if another export has one of the same name. Split names match loosely: ``train``
is found in ``Train`` and ``train2017``. If the parent of the split's folder has a different image of the name, neither
is chosen: labels on the wrong image are worse than none. A name with folders is resolved the same way: ``camB/f0.jpg``
is found in ``camB/images/f0.jpg``, and only there if it exists, even if a sibling or child folder was given. Anything
else is looked up below the folder of the label file as :mod:`encord_convert.hub.media` does, except for a single
converted file, whose folder may hold anything.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any

from encord_convert.errors import AmbiguousFileError, ConvertError
from encord_convert.formats._files import (
    FileSource,
    FolderSource,
    MemorySource,
    Source,
    ZipSource,
    join_within,
    source_at,
)
from encord_convert.formats.coco.write_images import file_name, split_suffix
from encord_convert.hub.media import IMAGES, SUFFIXES, LabelFile, Media, normalized, parts_of, stems_of
from encord_convert.hub.splits import UNNAMED, named_in, split_of, standard
from encord_convert.hub.visibility import unit_of
from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.objects import LabelRowV2

_NO_FILE = LabelFile("")
_BLOCK = 1 << 20
_MOST_ABOVE = 2
"""Parent folders of the source in which a name may start: for ``camB/images`` the one holding ``camB``."""
_OF_LABELS = frozenset({"annotation", "annotations", "label", "labels"})
"""Names of label folders: their images are next to the folder."""


class Finder:
    """Finds the images of rows in a source.

    Parameters
    ----------
    source : Source
        Folder or archive.
    above : str
        Folder, ending in ``/``, of the label source's members within this source.
    is_whole : bool
        Whether an image may be anywhere in the source.
    """

    def __init__(self, source: Source, above: str = "", *, is_whole: bool = True) -> None:
        self.source = source
        self._above = above
        self._is_whole = is_whole
        self._folders = _Folders(source)
        self._media: dict[str, Media] = {}
        self._places: dict[tuple[str, str], list[str]] = {}
        self._alike: dict[tuple[str, str], bool] = {}
        self._names: frozenset[str] | None = None
        self._around: list[tuple[str, Finder]] | None = None

    def find(self, row: LabelRowV2, frame: int) -> str | None:
        """Return the file of a frame, as a member of the source; None if there is none.

        Raises
        ------
        AmbiguousFileError
            Several files could be it.
        """
        file: LabelFile = row._file or _NO_FILE
        names = _names(row, frame, file)
        places = self._places_of(self._above + file.member, split_of(row.client_metadata) or named_in(file.member))
        masks = [self._above + mask for mask in file.masks]
        found = self._said(file) or self._laid_out(row, frame, file, names, places, masks)
        if found is not None:
            return found
        found = self._named_outside(row, names, masks)
        if found is not None:
            return found or None
        if not self._is_whole:
            tails = ["/".join(parts[start:]) for parts in map(parts_of, names) for start in range(1, len(parts))]
            return next((found for tail in tails if (found := self._at(places, tail, masks)) is not None), None)
        return self._anywhere(row, frame, file, names, masks)

    def suffix(self, row: LabelRowV2, frame: int) -> str:
        """Return the suffix of a frame's file; empty if it is not in one of the usual folders."""
        file: LabelFile = row._file or _NO_FILE
        places = self._places_of(self._above + file.member, split_of(row.client_metadata) or named_in(file.member))
        try:
            found = self._said(file) or self._laid_out(row, frame, file, _names(row, frame, file), places, [])
        except AmbiguousFileError:
            return ""
        suffix = split_suffix(found or "")[1]
        return suffix if suffix.lower() in SUFFIXES else ""

    def _said(self, file: LabelFile) -> str | None:
        return self._folders.find(self._above + file.path) if file.path else None

    def _laid_out(
        self, row: LabelRowV2, frame: int, file: LabelFile, names: list[str], places: list[str], masks: list[str]
    ) -> str | None:
        numbered = [f"frame_{frame:06d}"] if row.data_type is DataType.VIDEO and file.member else []  # CVAT's
        for name in names + numbered:
            found = self._at(places, "/".join(parts_of(name)), masks)
            if found is not None:
                return found
        return self._in_folders(names, split_of(row.client_metadata) or named_in(file.member), masks)

    def _in_folders(self, names: list[str], split: str, masks: list[str]) -> str | None:
        """Return the file for a name with folders, below one of these in a usual layout."""
        for name in names:
            parts = parts_of(name)
            if len(parts) < 2 or parts[0] not in self._tops():
                continue
            for depth in range(len(parts) - 1, 0, -1):
                base = "/".join(parts[:depth]) + "/"
                found = self._at(list(self._below(base, split, "")), "/".join(parts[depth:]), masks)
                if found is not None:
                    return found
        return None

    def _tops(self) -> frozenset[str]:
        if self._names is None:
            self._names = frozenset(self._folders.below(""))
        return self._names

    def _named_outside(self, row: LabelRowV2, names: list[str], masks: list[str]) -> str | None:
        """Return the file for a name whose folders start above the source; empty if it is not in the source."""
        root = self._folders.root
        if root is None or not any("/" in name for name in names):
            return None
        if self._around is None:
            tops = list(root.absolute().parents)[:_MOST_ABOVE]
            self._around = [
                (root.absolute().relative_to(top).as_posix() + "/", Finder(FolderSource(top))) for top in tops
            ]
        for inside, finder in self._around:
            found = finder._in_folders(names, split_of(row.client_metadata), [inside + mask for mask in masks])
            if found is not None:
                return found[len(inside) :] if found.startswith(inside) else ""
        return None

    def _at(self, places: list[str], path: str, masks: list[str]) -> str | None:
        for number, place in enumerate(places):
            found = self._folders.find(place + path, masks)
            if found is not None:
                self._check_alone(found, (p + path for p in places[number + 1 :] if _is_beside(place, p)), masks)
                return found
        return None

    def _check_alone(self, found: str, others: Iterable[str], masks: list[str]) -> None:
        """Raise if two different images match, one in the folder of the split and one outside."""
        for other in others:
            if self._folders.has(other) and other not in masks and not self._are_alike(found, other):
                what = f"the image {other!r} could be either of 2 files that differ"
                raise AmbiguousFileError(self.source.name, what, [other, found])

    def _are_alike(self, one: str, other: str) -> bool:
        key = one, other
        if key not in self._alike:
            with self.source.open(one) as left, self.source.open(other) as right:
                same = True
                while same and (block := left.read(_BLOCK)):
                    same = right.read(_BLOCK) == block
                self._alike[key] = same and not right.read(1)
        return self._alike[key]

    def _anywhere(self, row: LabelRowV2, frame: int, file: LabelFile, names: list[str], masks: list[str]) -> str | None:
        scope = _bases(self._above + file.folder)[-1].rstrip("/") if file.folder else ""
        media = self._media.get(scope)
        if media is None:
            media = self._media[scope] = Media(self.source, scope)
        metadata = row.client_metadata or {}
        digest = next((f"{kind}:{metadata[kind]}" for kind in ("sha256", "md5") if kind in metadata), None)
        for name in names:
            found = media.find(name, digest=digest if row.data_type is DataType.IMAGE else None, but=masks)
            if found is not None:
                return found
        return None

    def _places_of(self, member: str, split: str) -> list[str]:
        key = member, split
        if key not in self._places:
            folder, _, file = member.rpartition("/")
            stem = file.partition(".")[0]
            bases = _bases(f"{folder}/") if folder else [""]
            if folder:
                bases.insert(1, folder[: folder.rfind("/") + 1])
            self._places[key] = list(dict.fromkeys(place for base in bases for place in self._below(base, split, stem)))
        return self._places[key]

    def _below(self, base: str, split: str, stem: str) -> Iterator[str]:
        images = base + IMAGES
        if split:
            yield from self._of_split(images, split)
            yield from self._of_split(base, split)
        yield images
        yield base
        if stem:
            yield f"{base}{stem}/"
        yield f"{images}{UNNAMED}/"

    def _of_split(self, base: str, split: str) -> Iterator[str]:
        known = standard(split)
        folders = self._folders.below(base)
        yield from (f"{base}{folder}/" for folder in folders if folder == split)
        yield from (f"{base}{item}/" for item in folders if known and item != split and standard(item) == known)


class _Folders:
    """The files of a source by folder; on disk, folders are listed on demand."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.root = Path(source.name) if isinstance(source, FolderSource) else None
        self._listed: dict[str, tuple[dict[str, list[str]], dict[str, list[str]], list[str]]] = {}
        if self.root is None:
            self._list_all()

    def find(self, path: str, but: Collection[str] = ()) -> str | None:
        """Return the file at a path, else with another suffix; files in ``but`` do not count."""
        folder = path[: path.rfind("/") + 1]
        files, stems, _ = self._of(folder)
        if not files:
            return None
        name = normalized(path[len(folder) :])
        found = _without(files.get(name, []), folder, but)
        if stems and not found:
            found = next((some for stem in stems_of(name) if (some := _without(stems.get(stem, []), folder, but))), [])
        if len(found) > 1:
            what = f"the image {path!r} could be any of {len(found)} files"
            raise AmbiguousFileError(self._source.name, what, [folder + match for match in found])
        return folder + found[0] if found else None

    def has(self, path: str) -> bool:
        """Return whether there is a file at a path."""
        folder = path[: path.rfind("/") + 1]
        return normalized(path[len(folder) :]) in self._of(folder)[0]

    def below(self, folder: str) -> list[str]:
        """Return the names of the folders in a folder."""
        return self._of(folder)[2]

    def _of(self, folder: str) -> tuple[dict[str, list[str]], dict[str, list[str]], list[str]]:
        if folder not in self._listed:
            self._listed[folder] = {}, {}, []
            for name, is_folder in self._on_disk(folder):
                self._add(folder, name, is_folder)
        return self._listed[folder]

    def _add(self, folder: str, name: str, is_folder: bool) -> None:
        files, stems, folders = self._listed.setdefault(folder, ({}, {}, []))
        if is_folder:
            folders.append(name)
            return
        key = normalized(name)
        files.setdefault(key, []).append(name)
        stem, suffix = split_suffix(key)
        if suffix.lower() in SUFFIXES:
            stems.setdefault(stem, []).append(name)

    def _on_disk(self, folder: str) -> list[tuple[str, bool]]:
        if self.root is None:
            return []
        try:
            path = join_within(self.root, folder) if folder else self.root
            with os.scandir(path) as entries:
                return sorted((entry.name, entry.is_dir()) for entry in entries if not entry.name.startswith("."))
        except (OSError, ValueError):  # missing, or behind a link that leads out of the source
            return []

    def _list_all(self) -> None:
        known: set[str] = set()
        for member in self._source.names():
            folder = member[: member.rfind("/") + 1]
            self._add(folder, member[len(folder) :], is_folder=False)
            while folder and folder not in known:
                known.add(folder)
                above, _, name = folder[:-1].rpartition("/")
                folder = above + "/" if above else ""
                self._add(folder, name, is_folder=True)


def _is_beside(place: str, other: str) -> bool:
    """Return whether a folder is the parent of a split's folder: ``images/`` of ``images/train/``."""
    return place != other and place.startswith(other) and place.count("/") == other.count("/") + 1


def _without(names: list[str], folder: str, but: Collection[str]) -> list[str]:
    return [name for name in names if folder + name not in but] if but else names


def _bases(folder: str) -> list[str]:
    """Return the folder of a label file and, if it is or is inside a label folder, the folder that belongs to.

    >>> _bases("set/labels/train/cam/")
    ['set/labels/train/cam/', 'set/']
    """
    parts = folder.rstrip("/").split("/")
    depth = next((depth for depth in range(1, len(parts) + 1) if parts[-depth].lower() in _OF_LABELS), 0)
    return [folder, "".join(f"{part}/" for part in parts[:-depth])] if depth else [folder]


def base_of(folder: str) -> str:
    """Return the dataset folder of a folder of labels, both ending in ``/``.

    >>> base_of("set/annotations/"), base_of("set/")
    ('set/', 'set/')
    """
    return _bases(folder)[-1]


def beside(source: Any) -> Finder | None:
    """Return a finder for the images next to the labels of a source; None for a pipe."""
    if isinstance(source, (FolderSource, MemorySource, ZipSource)):
        return Finder(source)
    path = Path(source.name)
    try:
        if not path.exists():
            return None if isinstance(source, FileSource) else Finder(source)
        opened = source_at(path)
    except (ConvertError, OSError, ValueError):
        return None
    if not isinstance(opened, FileSource):
        return Finder(opened)
    folder, above = path.absolute().parent, ""
    if folder.name.lower() in _OF_LABELS and folder.parent != folder:
        folder, above = folder.parent, f"{folder.name}/"
    return Finder(FolderSource(folder), above, is_whole=False)


def _names(row: LabelRowV2, frame: int, file: LabelFile) -> list[str]:
    """Return candidate names for the image of a frame, the likeliest first."""
    names = [file.frames[frame]] if frame in file.frames else []
    title = row.data_title.replace("\\", "/")
    if row.data_type is DataType.VIDEO:
        stems = file.folders or [split_suffix(item)[0] for item in (file.name.replace("\\", "/"), title)]
        number = frame + file.first
        for stem in filter(None, stems):
            names += [f"{stem}/{number:06d}.jpg", f"{stem}/frame_{number:06d}"]
        names.append(f"videos/{row.data_hash}/{frame}")
    else:
        names.append(file_name(row, frame))
        if row.data_type is DataType.IMAGE:
            names.append(file.name)
        elif row.data_type is DataType.IMG_GROUP:
            names.append(unit_of(row, frame).data_title)
    return [name for name in dict.fromkeys(names) if name]
