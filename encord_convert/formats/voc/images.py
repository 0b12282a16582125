"""Images of a VOC source: names, sizes and splits."""

from __future__ import annotations

from collections.abc import Iterable

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats.voc.masks import Masks
from encord_convert.formats.voc.scan import Scanned
from encord_convert.formats.voc.sets import Sets
from encord_convert.hub.counts import Counts
from encord_convert.hub.loss import Feature, Level, Where
from encord_convert.hub.media import SUFFIXES, apart, read_header
from encord_convert.hub.splits import named_in

_ANNOTATIONS = "Annotations/"


def stem_of(member: str) -> str:
    """Return the name image sets use for a file: its path below ``Annotations`` without suffix.

    >>> stem_of("VOC2007/Annotations/cam 1/a.b.xml"), stem_of("train/c.xml")
    ('cam 1/a.b', 'c')
    """
    _, found, below = f"/{member}".rpartition(f"/{_ANNOTATIONS}")
    name = below if found else member.rpartition("/")[2]
    return name.rpartition(".")[0] or name


class Images:
    """The images of all annotations, and those that only image sets name.

    Attributes
    ----------
    titles, names, splits : list of str
        By image: title of its row; name of its file; split, or empty.
    kept : list of int
        Indexes of images of known size.
    renamed : set of int
        Images whose XML has another file name.
    """

    def __init__(
        self, source: Source, names: Iterable[str], found: Scanned, sets: Sets, masks: Masks, counts: Counts
    ) -> None:
        self._source = source
        self._found = found
        self._masks = masks
        self._counts = counts
        self._files: dict[str, list[str]] = {}
        for name in names:
            stem, dot, suffix = name.rpartition("/")[2].rpartition(".")
            if dot and f".{suffix.lower()}" in SUFFIXES and not name.rpartition("/")[0].endswith(_MASKS):
                self._files.setdefault(stem, []).append(name)
        self.titles: list[str] = []
        self.names: list[str] = []
        self.splits: list[str] = []
        self.renamed: set[int] = set()
        folders = sorted({member.rpartition("/")[0] for member in found.members})
        made_unique = dict(zip(folders, apart([f"{folder}/x" if folder else "x" for folder in folders]), strict=True))
        prefixes = {folder: _without_annotations(prefix, folder) for folder, prefix in made_unique.items()}
        words = {folder: named_in(f"{folder}/x") if len(folders) > 1 else "" for folder in folders}
        for number, member in enumerate(found.members):
            folder = member.rpartition("/")[0]
            name, title = self._named(number, member, prefixes[folder])
            self.names.append(name)
            self.titles.append(title)
            self.splits.append((sets.splits and sets.splits.get(stem_of(member))) or words[folder])
        self._add_listed(sets)
        self.kept = [number for number in range(len(found.members)) if self._size(number)]

    def _named(self, number: int, member: str, prefix: str) -> tuple[str, str]:
        given = self._found.filenames[number]
        if number in self._found.conventions:  # written by this package
            title = self._found.titles.get(number, given)
            if title != given:
                self.renamed.add(number)
            return given or title, title
        if (
            not self._files
            and given
            and "/" not in given
            and "\\" not in given
            and f"/{member}".endswith(f"/{given.rpartition('.')[0] or given}.xml")
        ):  # as most are
            if prefix:
                self.renamed.add(number)
            return given, prefix + given
        stem = member.rpartition("/")[2].rpartition(".")[0]
        base = given.replace("\\", "/").rpartition("/")[2] if "/" in given or "\\" in given else given
        own, dot, suffix = base.rpartition(".")
        if not dot:
            own, suffix = base, ""
        name = base or stem
        if self._files and not self._is_file(base):
            there = self._files.get(base) or self._files.get(stem)
            name = there[0].rpartition("/")[2] if there and len(set(there)) == 1 else name
        if name == base and base not in ("", stem) and own != stem and not self._is_file(base):
            name = f"{stem}.{suffix}" if suffix else stem
            detail = (
                "The file name in the XML differs from the XML's own, and no such image exists; the XML's name is used."
            )
            where = Where(file=self._source.place(member), element=given)
            self._counts.note(Level.WARNING, "FILENAME_DIFFERS", detail, where)
        if given and prefix + name != given:
            self.renamed.add(number)
        return name, prefix + name

    def _is_file(self, base: str) -> bool:
        files = self._files.get(base.rpartition(".")[0], ())
        return any(file.rpartition("/")[2] == base for file in files)

    def _add_listed(self, sets: Sets) -> None:
        """Add the images that image sets name but no annotation."""
        if not sets.lines:
            return
        known, missing = set(map(stem_of, self._found.members)), 0
        for stem in sets.images:
            if stem in known:
                continue
            there = self._files.get(stem.rpartition("/")[2], [])
            if len(there) != 1 and stem not in self._masks:
                missing += 1
                continue
            found, name = self._found, there[0].rpartition("/")[2] if there else f"{stem}.jpg"
            found.members.append(there[0] if there else f"{stem}.xml")
            found.filenames.append(name)
            found.sizes.append((0, 0))
            found.heads.append(-1)
            found.paths.append(None)
            found.counts.append(0)
            self.names.append(name)
            self.titles.append(name)
            self.splits.append(sets.splits.get(stem, ""))
        if missing:
            detail = "Image sets name images with neither an annotation nor a file."
            self._counts.note(Level.WARNING, "SET_WITHOUT_IMAGE", detail, count=missing)

    def _size(self, number: int) -> bool:
        """Return whether the size of an image is known: from the XML, else from its file or its masks."""
        if all(self._found.sizes[number]):
            return True
        stem, name = stem_of(self._found.members[number]), self.names[number]
        place = self._source.place(self._found.members[number])
        there = [file for file in self._files.get(name.rpartition(".")[0], ()) if file.endswith(name)]
        try:
            if stem in self._masks:
                self._found.sizes[number] = self._masks.size(stem)
                return True
            for file in there[:1]:
                with self._source.open(file) as stream:
                    header = read_header(stream, self._source.place(file))
                if header is not None:
                    self._found.sizes[number] = header.width, header.height
                    return True
        except (ReadError, ValueError):
            pass
        detail = f"{self._found.members[number]} has no width and height, and its image is missing: it is left out."
        self._counts.drop("SIZE_UNKNOWN", Feature.MEDIA, ("file", ""), Where(file=place), detail)
        self._counts.into["file", ""] += 1
        self._counts.note(Level.ERROR, "SIZE_UNKNOWN", detail, Where(file=place))
        return False


_MASKS = ("SegmentationObject", "SegmentationClass")


def _without_annotations(prefix: str, folder: str) -> str:
    """Return the folder of an annotation without VOC's annotation folder."""
    parts = [part for part in prefix.split("/") if part]
    if "Annotations" in folder.split("/"):
        parts = [part for part in parts if part != "Annotations"]
    return "".join(f"{part}/" for part in parts)
