"""Dataset descriptions: ``data.yaml``, ``obj.data``, ``classes.txt`` and other files that name the classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from encord_convert.errors import MappingError, ReadError
from encord_convert.formats._files import Source
from encord_convert.formats.yolo.options import Task
from encord_convert.hub.loss import Level
from encord_convert.hub.splits import named_in
from encord_convert.hub.yaml_file import parse_document, plain

LARGEST_BYTES = 4 << 20
"""Largest file that describes a data set."""
_MOST_CLASSES = 100_000
MOST_UNNAMED = 10_000
"""Largest number of unnamed classes that get generated names."""
_DEPTH = 3
_CLASS_FILES = ("classes.txt", "obj.names", "_darknet.labels", "labels.txt", "predefined_classes.txt", "class.names")
_SPLIT_KEYS = {
    "train": "train",
    "val": "val",
    "validation": "val",
    "valid": "val",
    "test": "test",
    "minival": "minival",
}
_OURS = frozenset({"path", "nc", "names", "task", "kpt_shape", "kpt_names", "flip_idx", *_SPLIT_KEYS})
"""Keys that are read; the others are kept as native data."""
RESERVED = frozenset({"download", "masks_dir", "channels", "license", "licence", "url", "version", "roboflow", *_OURS})


@dataclass(slots=True)
class Description:
    """Description of a data set.

    Attributes
    ----------
    place : str
        Describing file, for messages; empty: none.
    folder : str
        Folder of that file: empty, or ending in ``/``.
    names : dict of int to str
        Class names by number; empty if unknown.
    entries : list of (str, str)
        Key and value of each entry that says where images are: folders or lists.
    keypoints : (int, int) or None
        Keypoints per skeleton, and numbers per keypoint.
    point_names : dict of int to list of str
        Keypoint names by class number; -1: all classes.
    flips : list of int or None
    others : dict
        YOLO's own keys.
    notes : list of (Level, str, str)
        Level, code and sentence.
    files : set of str
        Members that were read, or lists that need not be.
    """

    place: str = ""
    folder: str = ""
    names: dict[int, str] = field(default_factory=dict)
    root: str = ""
    task: Task | None = None
    entries: list[tuple[str, str]] = field(default_factory=list)
    keypoints: tuple[int, int] | None = None
    point_names: dict[int, list[str]] = field(default_factory=dict)
    flips: list[int] | None = None
    others: dict[str, Any] = field(default_factory=dict)
    notes: list[tuple[Level, str, str]] = field(default_factory=list)
    files: set[str] = field(default_factory=set)

    def note(self, code: str, detail: str, level: Level = Level.WARNING) -> None:
        """Add a note to be reported when the labels are read."""
        self.notes.append((level, code, detail))


def yaml_members(source: Source) -> list[str]:
    """Return the YAML files at most two folders deep, the one with the usual name first."""
    found = [name for suffix in (".yaml", ".yml") for name in source.names(suffix, _DEPTH)]
    found = [name for name in found if name.lower().endswith((".yaml", ".yml"))]
    return sorted(found, key=lambda name: (name.count("/"), name.rpartition("/")[2].lower() != "data.yaml", name))


def says_classes(text: str) -> bool:
    """Return whether the text of a YAML file describes a data set."""
    found = set(re.findall(r"^(names|nc|train|val|validation|test|path|kpt_shape|task)\s*:", text, re.MULTILINE))
    return len(found) > 1 and not found.isdisjoint({"names", "nc", "train", "kpt_shape"})


def described(source: Source) -> Description:
    """Return the description of a data set.

    Raises
    ------
    ReadError
        A describing file is damaged.
    """
    for member in yaml_members(source):
        text = _text(source, member)
        if says_classes(text):
            return _of_yaml(source, member, _checked(source, member, text))
    for member in source.names(".data", _DEPTH):
        found = _of_obj_data(source, member)
        if found is not None:
            return found
    return _of_class_file(source) or Description()


def _text(source: Source, member: str) -> str:
    data = source.head(member, LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise ReadError(source.place(member), f"has more than {LARGEST_BYTES >> 20} MB; no description is that long.")
    return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape").replace("\r\n", "\n")


def _checked(source: Source, member: str, text: str) -> str:
    """Return the text of a describing file, which must be UTF-8."""
    if not text.isascii() and (wrong := re.search("[\udc80-\udcff]", text)):
        line = text.count("\n", 0, wrong.start()) + 1
        raise ReadError(source.place(member), "is not text in UTF-8.", line=line, advice="Save it in UTF-8.")
    return text


def _of_yaml(source: Source, member: str, text: str) -> Description:
    place = source.place(member)
    found = Description(place, member[: member.rfind("/") + 1])
    found.files.add(member)
    document = _document(text, place, found)
    if not isinstance(document, dict):
        raise ReadError(place, "is not a table of keys.")
    root = document.get("path")
    found.root = "" if root is None else _path(root)
    found.task = task_in(document.get("task"), found)
    found.names = names_in(document.get("names"), source, found)
    take_count(document.get("nc"), found)
    take_keypoints(document, found)
    for key, value in document.items():
        split = _SPLIT_KEYS.get(key)
        paths = value if isinstance(value, list) else [value]
        is_place = all(isinstance(path, str) for path in paths)
        if split is not None and is_place:
            found.entries += [(split, _path(entry)) for entry in paths if entry]
        elif split is not None and value is not None:
            found.note("INVALID_YAML", f"{key!r} of data.yaml is {value!r}, which is not a folder or a list of them.")
        elif key not in RESERVED and paths and is_place and all(map(_is_place, paths)):
            found.entries += [(key, _path(item)) for item in paths]
        elif key not in _OURS:
            found.others[key] = value
    keys = {key for key, _ in found.entries}
    if len(keys) == 1 and keys.isdisjoint(_SPLIT_KEYS.values()):
        found.others[found.entries[0][0]] = document[found.entries[0][0]]  # one split alone divides nothing
        found.entries.clear()
    if not any(key == "val" for key, _ in found.entries):
        found.note("TRAINER", "data.yaml has no 'val', without which Ultralytics does not train.", Level.INFO)
    return found


def _document(text: str, place: str, found: Description) -> Any:
    """Return the YAML document; tabs and Windows paths are repaired."""
    try:
        return plain(parse_document(text, place))
    except MappingError as error:
        repaired = re.sub(r'"[^"\n]*"', lambda one: one[0].replace("\\", "/"), text.replace("\t", "  "))
        if repaired == text:
            raise _fault(error, place) from error
    try:
        document = plain(parse_document(repaired, place))
    except MappingError as error:
        raise _fault(error, place) from error
    found.note("INVALID_YAML", "data.yaml has tabs, or backslashes in quotes; they are read as spaces and slashes.")
    return document


def _fault(error: MappingError, place: str) -> ReadError:
    sentence = str(error).removeprefix(place)
    line, _, fact = sentence.partition(": ")
    return ReadError(f"{place}{line}", fact)


def _path(value: Any) -> str:
    return str(value).replace("\\", "/").strip()


def _is_place(text: str) -> bool:
    """Return whether a text is a path of images under an unknown split key: a folder of images, or a list."""
    path = text.replace("\\", "/")
    if named_in(f"{path}/x"):
        return False
    return "\n" not in text and "://" not in path and bool(re.search(r"(^|/)images(/|$)|\.txt$", path))


def task_in(value: Any, found: Description) -> Task | None:
    """Return a task that is named, None if it is not known."""
    if value in get_args(Task):
        return value  # type: ignore[no-any-return]
    if value is not None:
        found.note(
            "UNKNOWN_KEY", f"data.yaml says the task {value!r}, which is not one of {', '.join(get_args(Task))}."
        )
    return None


def names_in(value: Any, source: Source, found: Description) -> dict[int, str]:
    """Return the classes named by a list, a mapping by number, or a text."""
    if isinstance(value, str):
        value = _of_text(value, source, found)
    if isinstance(value, list):
        value = dict(enumerate(value))
    if not isinstance(value, Mapping):
        return {}
    names: dict[int, str] = {}
    for key, name in value.items():
        try:
            number = int(key)
        except (TypeError, ValueError):
            raise ReadError(found.place, f"names a class by {key!r}; classes have numbers.") from None
        if not 0 <= number < _MOST_CLASSES or isinstance(name, (dict, list)):
            raise ReadError(found.place, f"has the class {number}: {name!r}; a class has a number from 0 and a name.")
        names[number] = _word(name, number)
    return dict(sorted(names.items()))


def _word(name: Any, number: int) -> str:
    text = {True: "true", False: "false"}.get(name, "") if isinstance(name, bool) else str(name or "")
    return text or f"class_{number}"


def _of_text(text: str, source: Source, found: Description) -> Any:
    """Return the classes named by one text: a file of names, a quoted list, or words."""
    member = found.folder + text
    if member in source.names():
        found.files.add(member)
        return _lines(_checked(source, member, _text(source, member)))
    found.note("INVALID_YAML", "The 'names' of data.yaml are one text and not a list; its words are read as classes.")
    if text.startswith(("[", "{")):
        return _document(text, found.place, found)
    return [word.strip() for word in re.split(r"[,\n]", text) if word.strip()]


def take_count(value: Any, found: Description) -> None:
    """Check ``nc``, the number of classes."""
    if value is None:
        return
    if not (isinstance(value, str) and value.isdecimal() and len(value) < 10):
        found.note("INVALID_YAML", f"The 'nc' of data.yaml is {value!r} and not a number of classes.")
    elif not found.names:
        found.names = {number: f"class_{number}" for number in range(min(int(value), MOST_UNNAMED))}
    elif int(value) != len(found.names):
        detail = f"data.yaml names {len(found.names)} classes, and its 'nc' says {value}: Ultralytics refuses it."
        found.note("CLASS_COUNT", detail)


def take_keypoints(document: Mapping[str, Any], found: Description) -> None:
    """Read the number and names of keypoints."""
    shape = document.get("kpt_shape")
    if shape is not None:
        numbers = [int(entry) for entry in shape if str(entry).isdecimal()] if isinstance(shape, list) else []
        if len(numbers) != 2 or numbers[1] not in (2, 3) or not 0 < numbers[0] < 10_000:
            raise ReadError(
                found.place, f"has 'kpt_shape' {shape!r}; it takes how many points, and 2 or 3 numbers each."
            )
        found.keypoints = numbers[0], numbers[1]
    named = document.get("kpt_names")
    if isinstance(named, list):
        named = {-1: named}
    if isinstance(named, Mapping):
        by_name = {name: number for number, name in found.names.items()}
        for key, points in named.items():
            number = by_name.get(key, int(key) if str(key).lstrip("-").isdecimal() else None)
            if number is not None and isinstance(points, list):
                found.point_names[number] = [str(point) for point in points]
            else:
                found.note("KEYPOINT_NAMES_MISSING", f"'kpt_names' of data.yaml has {key!r}, which is not a class.")
    flips = document.get("flip_idx")
    if flips is not None:
        count = found.keypoints[0] if found.keypoints else -1
        numbers = [int(flip) for flip in flips if str(flip).isdecimal()] if isinstance(flips, list) else []
        if sorted(numbers) == list(range(count)):
            found.flips = numbers
        else:
            detail = f"'flip_idx' of data.yaml is {flips!r}, which does not name each of the keypoints once."
            found.note("FLIP_UNKNOWN", detail)


def _lines(text: str) -> list[str]:
    lines = [line.strip() for line in text.split("\n")]
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _of_obj_data(source: Source, member: str) -> Description | None:
    """Read Darknet's ``obj.data``; None if the file is something else."""
    values = {}
    for line in _lines(_text(source, member)):
        key, equals, value = line.partition("=")
        if line and not equals:
            return None
        values[key.strip()] = value.strip()
    if "names" not in values:
        return None
    found = Description(source.place(member), member[: member.rfind("/") + 1])
    found.files.add(member)
    tails = _tails(values["names"])
    names = set(source.names(".names"))
    listed = next((found.folder + tail for tail in tails if found.folder + tail in names), None)
    if listed is None:
        raise ReadError(found.place, f"names the classes in {values['names']!r}, which is not there.")
    found.files.add(listed)
    found.names = {
        number: name or f"class_{number}"
        for number, name in enumerate(_lines(_checked(source, listed, _text(source, listed))))
    }
    for key, value in values.items():
        if key in _SPLIT_KEYS:
            found.entries.append((_SPLIT_KEYS[key], _path(value)))
        elif key not in ("classes", "names", "backup"):
            found.others[key] = value
    return found


def _of_class_file(source: Source) -> Description | None:
    """Return the classes listed by a file."""
    for known in _CLASS_FILES:
        for member in source.names(known, _DEPTH):
            if member.rpartition("/")[2].lower() == known:
                found = Description(source.place(member), member[: member.rfind("/") + 1])
                found.files.add(member)
                words = _lines(_checked(source, member, _text(source, member)))
                found.names = {number: name or f"class_{number}" for number, name in enumerate(words)}
                return found
    return None


def _tails(path: str) -> list[str]:
    """Return a path and its tails without leading folders, the longest first.

    >>> _tails("data/obj.names")
    ['data/obj.names', 'obj.names']
    """
    parts = [part for part in path.replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return ["/".join(parts[at:]) for at in range(len(parts))]
