"""Layout of a data set: its images, their label files and splits."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from encord_convert.errors import ReadError
from encord_convert.formats._files import Source
from encord_convert.formats._lines import csv_reader
from encord_convert.formats._sizes import META, meta_sizes, side_of
from encord_convert.formats.yolo.data_yaml import RESERVED, Description
from encord_convert.hub.loss import Level
from encord_convert.hub.media import normalized
from encord_convert.hub.splits import UNNAMED, named_in

SIZES = "sizes.csv"
"""File of image sizes: path, width, height, and the title of the row if it is not the path."""
IMAGE_SUFFIXES = (
    ".avif", ".bmp", ".dng", ".heic", ".heif", ".jp2", ".jpeg", ".jpg", ".mpo", ".png", ".tif", ".tiff", ".webp"
)  # fmt: skip
NOT_LABELS = re.compile(r"(predefined_)?classes\.txt|readme.*|requirements\.txt|licen[cs]e\.txt", re.IGNORECASE)
"""Text files that are not label files."""
_MOST_LIST_BYTES = 1 << 28
_LABEL_FOLDERS = ("labels", "Labels", "LABELS", "labelTxt")


@dataclass(slots=True)
class Layout:
    """The images of a data set, each with its label file; either may be missing.

    Attributes
    ----------
    images, labels : list of str
        Members of the source; empty if missing.
    splits : list of str
        As named in the source; empty: none.
    titles : list of str
        Paths below the folder of the split.
    sizes : list of (int, int) or None
        From :data:`SIZES`; None: unknown.
    unread : list of str
        Text files that are not label files.
    notes : list of (Level, str, str, int)
        Level, code, sentence, count.
    """

    images: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    splits: list[str] = field(default_factory=list)
    titles: list[str] = field(default_factory=list)
    sizes: list[tuple[int, int] | None] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    notes: list[tuple[Level, str, str, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.images)


def laid_out(source: Source, description: Description) -> Layout:
    """Return the images and label files of a source, in the order of their names.

    Raises
    ------
    ReadError
        :data:`SIZES` is damaged.
    """
    found = Layout()
    stated = _stated_sizes(source, description)
    listed = _listed(source, description, found)
    by_suffix = [some for suffix in IMAGE_SUFFIXES if (some := source.names(suffix))]
    images = by_suffix[0] if len(by_suffix) == 1 else sorted(name for some in by_suffix for name in some)
    unpaired = _pair(images, set(source.names(".txt")) - description.files, found)
    if unpaired and images:
        detail = "Label files without an image are read, but trainers ignore them."
        found.notes.append((Level.WARNING, "MISSING_MEDIA", detail, len(unpaired)))
    elif unpaired:
        detail = "There are no images; their names come from lists, else from the label files with .jpg."
        found.notes.append((Level.INFO, "MISSING_MEDIA", detail, len(unpaired)))
    paths = images
    known = {_stem(_tail(path)): path for path in (*listed, *stated)}
    for label in unpaired:
        path = _image_path(label)
        paths.append(known.get(_stem(_tail(path)), path))
        found.images.append("")
        found.labels.append(label)
    if stated:
        _as_stated(stated, paths, found)
    there = {_stem(_tail(path)) for path in paths} if known else set()
    missing = sorted({path for stem, path in known.items() if stem not in there})
    for path in missing:  # neither image nor label file exists: an image without objects
        paths.append(path)
        found.images.append("")
        found.labels.append("")
    if lost := sum(path not in stated for path in missing):
        detail = "Listed images with neither a file nor labels are read as images without objects."
        found.notes.append((Level.WARNING, "MISSING_MEDIA", detail, lost))
    by_stem = {_stem(_tail(path)): key for path, key in listed.items()}
    of_folder = _folder_splits(description, paths, found)
    for path in paths:
        key = by_stem.get(_stem(_tail(path))) if by_stem else None
        found.splits.append(of_folder(path[: path.rfind("/") + 1], key))
    found.sizes = [stated[path][0] if path in stated else None for path in paths] if stated else [None] * len(paths)
    found.titles = _titles(paths, found.splits, stated)
    return found


def _as_stated(stated: Iterable[str], paths: list[str], found: Layout) -> None:
    """Put images in their listed order."""
    places = {path: place for place, path in enumerate(stated)}
    order = sorted(range(len(paths)), key=lambda number: places.get(paths[number], len(places)))
    for column in (paths, found.images, found.labels):
        column[:] = [column[number] for number in order]


def _pair(images: list[str], texts: set[str], found: Layout) -> list[str]:
    """Pair images with label files; return the label files without an image."""
    folders = _LabelFolders(texts)
    found.images = list(images)
    labels = found.labels
    last, own = None, [""]
    for image in images:
        slash, dot = image.rfind("/") + 1, image.rfind(".")
        if image[:slash] != last:
            last = image[:slash]
            own = folders.of(last)
        label = ""
        for folder in own:
            label = f"{folder}{image[slash:dot]}.txt"
            if label in texts:
                break
            label = ""
        labels.append(label)
    _pair_by_form(texts - set(labels), found)
    taken = set(labels)
    unpaired = sorted(name for name in texts - taken if not NOT_LABELS.fullmatch(name[name.rfind("/") + 1 :]))
    if twins := len(labels) - labels.count("") - len(taken - {""}):
        detail = "Two images whose names differ only in their suffix share one label file."
        found.notes.append((Level.WARNING, "NAME_CLASH", detail, twins))
    if images:
        found.unread = [
            entry for entry in unpaired
            if not (_is_in_label_folder(entry) or entry[: entry.rfind("/") + 1] in folders.used)
        ]  # fmt: skip
        unread = set(found.unread)
        unpaired = [item for item in unpaired if item not in unread]
    return unpaired


def _pair_by_form(texts: set[str], found: Layout) -> None:
    """Pair the remaining images and label files whose names differ only in Unicode normalization."""
    by_form = {normalized(name): name for name in texts if not name.isascii()}
    if not by_form:
        return
    folders, count = _LabelFolders(set(by_form)), 0
    for number, image in enumerate(found.images):
        if not found.labels[number] and not image.isascii():
            folder, _, stem = _stem(normalized(image)).rpartition("/")
            own = folders.of(f"{folder}/" if folder else "")
            found.labels[number] = next((by_form[one] for at in own if (one := f"{at}{stem}.txt") in by_form), "")
            count += bool(found.labels[number])
    if count:
        detail = (
            "The names of an image and its label file differ in Unicode normalization; Ultralytics does not pair them."
        )
        found.notes.append((Level.WARNING, "TRAINER_SKIPS", detail, count))


def label_path(image: str) -> str:
    """Return where Ultralytics looks for the labels of an image.

    >>> label_path("images/train/a.jpg"), label_path("images/images/a.b.png"), label_path("cam/a.jpg")
    ('labels/train/a.txt', 'images/labels/a.b.txt', 'cam/a.txt')
    """
    head, images, tail = f"/{image}".rpartition("/images/")
    return f"{_stem(f'{head}/labels/{tail}' if images else f'/{image}')}.txt"[1:]


def _image_path(label: str) -> str:
    """Return the path of the image of a label file, with the usual suffix."""
    for folder in _LABEL_FOLDERS:
        head, labels, tail = f"/{label}".rpartition(f"/{folder}/")
        if labels:
            return f"{head}/images/{_stem(tail)}.jpg"[1:]
    return f"{_stem(label)}.jpg"


def _stem(path: str) -> str:
    dot = path.rfind(".")
    return path[:dot] if dot > path.rfind("/") + 1 else path


def _is_in_label_folder(label: str) -> bool:
    return any(f"/{folder}/" in f"/{label}" for folder in _LABEL_FOLDERS)


class _LabelFolders:
    """Finds the label folder of an image folder among the candidates, the likeliest first."""

    def __init__(self, texts: set[str]) -> None:
        self._with_texts = {name[: name.rfind("/") + 1] for name in texts}
        self._known: dict[str, list[str]] = {}
        self.used: set[str] = set()

    def of(self, folder: str) -> list[str]:
        known = self._known.get(folder)
        if known is None:
            known = self._known[folder] = [path for path in self._candidates(folder) if path in self._with_texts]
            self.used.update(known)
        return known

    def _candidates(self, folder: str) -> Iterable[str]:
        head, images, tail = f"/{folder}".rpartition("/images/")
        if not images:
            head, images, tail = f"/{folder}".rpartition("/Images/")
        if images:
            yield from (f"{head}/{labels}/{tail}"[1:] for labels in _LABEL_FOLDERS)
        yield folder
        if not images:  # images directly in a split folder, labels in a folder next to or below them
            yield from (f"{folder}{labels}/" for labels in _LABEL_FOLDERS)
            above, _, last = folder.rstrip("/").rpartition("/")
            yield from (f"{above}/{labels}/{last}/".lstrip("/") for labels in _LABEL_FOLDERS)


def _candidates(description: Description, value: str) -> list[str]:
    """Return candidates for a path of ``data.yaml``: below its root, relative to it, or shorter and shorter tails."""
    parts = [part for part in value.split("/") if part not in ("", ".", "..")]
    root = [part for part in description.root.split("/") if part not in ("", ".", "..")]
    paths = ["/".join([*root, *parts])] if root and not description.root.startswith("/") else []
    paths += ["/".join(parts[at:]) for at in range(len(parts))]
    return list(dict.fromkeys([description.folder + path for path in paths] + paths))


def _listed(source: Source, description: Description, found: Layout) -> dict[str, str]:
    """Return the images in lists of the description, each with its split key."""
    listed: dict[str, str] = {}
    again: set[str] = set()
    known = (
        set(source.names(".txt")) if any(value.lower().endswith(".txt") for _, value in description.entries) else set()
    )
    for key, value in description.entries:
        member = next((candidate for candidate in _candidates(description, value) if candidate in known), None)
        if member is not None and value.lower().endswith(".txt"):
            text = _text(source, member, description, "replace")
            for line in text.replace("\\", "/").splitlines():
                path = "/".join(part for part in line.strip().split("/") if part not in ("", ".", ".."))
                if path and listed.setdefault(path, key) != key:
                    again.add(path)
    _tell_overlap(len(again), found)
    return listed


def _tell_overlap(count: int, found: Layout) -> None:
    if count:
        detail = "Images listed in several splits are assigned to one of them."
        found.notes.append((Level.WARNING, "SPLIT_OVERLAP", detail, count))


def _folder_splits(description: Description, paths: list[str], found: Layout) -> Callable[[str, str | None], str]:
    """Return a function from an image's folder and the key of its list to its split."""
    folders = Counter(path[: path.rfind("/") + 1] for path in paths)
    keys_of: dict[str, list[str]] = {}
    for key, value in description.entries:
        if value.lower().endswith(".txt"):
            continue
        candidates = _candidates(description, value) or [description.folder.rstrip("/")]  # `.` is the whole data set
        match = next((f"{path}/" for path in candidates if any(f.startswith(f"{path}/") for f in folders)), None)
        if match is None and value.strip("./") == "":
            match = description.folder
        if match is None:
            detail = f"{key!r} of the description is {value!r}, which does not exist."
            found.notes.append((Level.INFO, "SPLIT_MISSING", detail, 1))
        else:
            keys_of.setdefault(match, []).append(key)
    ordered = sorted(keys_of, key=len, reverse=True)
    values_of: dict[str, set[str]] = {}
    for key, value in description.entries:
        values_of.setdefault(key, set()).add(value)
    is_divided = len(values_of) > 1  # a single split divides nothing, whatever its name
    known: dict[tuple[str, str | None], str] = {}

    def of(folder: str, key: str | None) -> str:
        split = known.get((folder, key))
        if split is None and _tail(folder).startswith(f"{UNNAMED}/"):
            split = known[folder, key] = ""
        if split is None:
            keys = [key] if key is not None else next((keys_of[f] for f in ordered if folder.startswith(f)), [])
            overlaps = any(values_of[k] != values_of[keys[0]] for k in keys)  # else two keys name one split
            if overlaps:
                _tell_overlap(folders[folder], found)
            split = named_in(f"{folder}x") or _below_images(folder, keys)
            split = known[folder, key] = split or (keys[0] if is_divided and (len(keys) == 1 or overlaps) else "")
        return split

    return of


def _below_images(folder: str, keys: list[str]) -> str:
    """Return the folder below ``images/`` if it is named like a key of the description."""
    first = _tail(f"{folder}x").partition("/")[0]
    return first if first in keys or (keys and keys[0] == split_key(first)) else ""


def split_key(word: str) -> str:
    """Return the ``data.yaml`` key for a split that trainers do not know."""
    if re.fullmatch(r"[A-Za-z]\w*", word) and word not in RESERVED:
        return word
    return "split_" + re.sub(r"\W", "_", word)


_DARKNET = re.compile(r"(?:data/)?obj_\w*data/", re.IGNORECASE)


def _tail(path: str) -> str:
    """Return the part of a path below the root folder of images.

    >>> _tail("valid/images/a.jpg"), _tail("data/obj_train_data/cam/a.jpg"), _tail("train/a.jpg")
    ('a.jpg', 'cam/a.jpg', 'train/a.jpg')
    """
    _, images, tail = f"/{path}".rpartition("/images/")
    if images:
        return tail
    _, images, tail = f"/{path}".rpartition("/Images/")
    return tail if images else _DARKNET.sub("", path, count=1)


def _titles(paths: list[str], splits: list[str], stated: dict[str, tuple[tuple[int, int], str]]) -> list[str]:
    """Return row titles: image paths without the folders of layout and split."""
    titles = []
    prefixes: dict[tuple[str, str], int] = {}
    for path, split in zip(paths, splits, strict=True):
        if path in stated and stated[path][1]:
            titles.append(stated[path][1])
            continue
        folder = path[: path.rfind("/") + 1]
        cut = prefixes.get((folder, split))
        if cut is None:
            rest = _tail(f"{folder}x")[:-1]
            if rest.startswith(f"{split or UNNAMED}/"):
                rest = rest[len(split or UNNAMED) + 1 :]
            cut = prefixes[folder, split] = len(folder) - len(rest)
        titles.append(path[cut:])
    return titles


def _stated_sizes(source: Source, description: Description) -> dict[str, tuple[tuple[int, int], str]]:
    """Return size and title by image path, from :data:`SIZES` or CVAT's ``images.meta``."""
    for member in (f"{description.folder}{SIZES}", SIZES):
        if member in source.names(SIZES):
            text = _text(source, member, description, "surrogatepass")
            return dict(_rows_of(text, member[: -len(SIZES)], source.place(member)))
    for member in source.names(META):
        if member.rpartition("/")[2] == META:
            text = _text(source, member, description, "replace")
            return {name: (size, "") for name, size in meta_sizes(text).items()}
    return {}


def _text(source: Source, member: str, description: Description, errors: str) -> str:
    description.files.add(member)
    data = source.head(member, _MOST_LIST_BYTES + 1)
    if len(data) > _MOST_LIST_BYTES:
        raise ReadError(
            source.place(member), f"has more than {_MOST_LIST_BYTES >> 20} MB, too much for a list of images."
        )
    try:
        return data.decode("utf-8-sig", errors)
    except UnicodeDecodeError:
        return data.decode("utf-8-sig", "replace")


def _cells(text: str, place: str) -> Iterator[list[str]]:
    reader = csv_reader(io.StringIO(text, newline=""))
    try:
        yield from reader
    except csv.Error as error:
        raise ReadError(f"{place}:{reader.line_num}", f"is not a line of a table ({error}).") from error


def _rows_of(text: str, base: str, place: str) -> Iterator[tuple[str, tuple[tuple[int, int], str]]]:
    for number, row in enumerate(_cells(text, place), 1):
        sides = [cell.strip() for cell in row[1:3]]
        if len(sides) > 1 and all(side == "0" or side_of(side) for side in sides):
            yield base + row[0], ((side_of(sides[0]), side_of(sides[1])), row[3] if len(row) > 3 else "")
        elif row and number > 1:
            raise ReadError(
                f"{place}:{number}", f"is {','.join(row)[:60]!r}; a line is an image, its width and height."
            )
