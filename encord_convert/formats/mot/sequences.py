"""Sequences of a source: their files, seqinfo.ini and rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from encord_convert.errors import ReadError
from encord_convert.formats._annotations import MOST_FRAMES, Annotation
from encord_convert.formats._boxes import box_from_px, is_number, whole
from encord_convert.formats._files import Source
from encord_convert.formats._lines import lines_of
from encord_convert.formats._numbered import FrameFolders
from encord_convert.formats._sizes import MOST_PX
from encord_convert.geometry import rle
from encord_convert.hub.loss import Level

CLASSES = (
    "pedestrian", "person on vehicle", "car", "bicycle", "motorbike", "non motorized vehicle", "static person",
    "distractor", "occluder", "occluder on the ground", "occluder full", "reflection", "crowd",
)  # fmt: skip
"""Classes of MOT16 to MOT20, from 1."""
VISDRONE = (
    "ignored region", "pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle", "bus",
    "motor", "other",
)  # fmt: skip
"""Classes of VisDrone, from 0."""
OBJECT = "object"
"""Class of rows without one."""
INI, LABELS = "seqinfo.ini", "labels.txt"
_DEPTH, _LOOKED_AT, _MOST_INI_BYTES = 5, 20, 1 << 24
_NAMED = ("gt.txt", "det.txt", LABELS)
_LEAST_PX = 2.0
"""Boxes in pixels exceed this; relative ones do not."""
READ = {"name": "name", "seqlength": "seqLength", "imwidth": "imWidth", "imheight": "imHeight"}
"""Keys of seqinfo.ini that are read, in lower case and in the usual spelling."""


@dataclass(slots=True)
class Clip:
    """A sequence: the file of its rows, and its other files.

    Parameters
    ----------
    base : str
        Its folder: empty, or with ``/`` at its end.
    file : str
        Member with its rows.
    is_truth : bool
        Whether the seventh column is a consider flag rather than a confidence.
    info : mapping
        Its seqinfo.ini: by lower-case key, key and value as written.
    labels : list of str, optional
        Class names, from 1; empty if missing.
    """

    base: str
    file: str
    is_truth: bool
    info: dict[str, tuple[str, str]] = field(default_factory=dict)
    labels: list[str] | None = None

    def value(self, key: str) -> str:
        """Return a value of seqinfo.ini, ignoring the case of keys; empty if missing."""
        return self.info.get(key, ("", ""))[1]

    def number(self, key: str, most: int = MOST_FRAMES) -> int:
        """Return an integer of seqinfo.ini; 0 if missing or too large."""
        text = self.value(key)
        return whole(text) if is_number(text) and 0 < float(text) <= most else 0

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of its images; 0 if not in seqinfo.ini."""
        return self.number("imwidth", MOST_PX), self.number("imheight", MOST_PX)

    def rest(self) -> list[tuple[str, str]]:
        """Return the keys and values of seqinfo.ini that are not read."""
        return [pair for name, pair in self.info.items() if name not in READ]

    def unread(self) -> list[tuple[str, str]]:
        """Return the keys and values of seqinfo.ini that should be numbers and are not."""
        numbers = [name for name in READ if name != "name" and name in self.info and not self.number(name)]
        return [self.info[name] for name in numbers if name == "seqlength" or self.value(name) != "0"]

    def spelled(self) -> dict[str, str]:
        """Return its unusual spellings of keys that are read."""
        return {usual: self.info[name][0] for name, usual in READ.items() if self.info.get(name, (usual,))[0] != usual}

    @property
    def title(self) -> str:
        """Name of the sequence: from seqinfo.ini, its folder or its file."""
        named = self.base.rstrip("/").rpartition("/")[2]
        folder, _, last = self.file.rpartition("/")
        if last.endswith(".txt") and last not in ("gt.txt", "det.txt"):
            named = last.removesuffix(".txt")
        elif base_of(self.file) is None:  # masks as images
            named = folder.rpartition("/")[2]
        return self.value("name") or named or "sequence"

    def images_in(self, folders: FrameFolders) -> str:
        """Return the folder of its frame images, ending in ``/``; empty if missing."""
        if base_of(self.file) is not None:
            own = [f"{self.base}{name}/" for name in dict.fromkeys((self.value("imdir") or "img1", "img1", "images"))]
            if found := folders.first_of(own):
                return found
        return folders.named(self.title)

    def folders(self, found: str) -> tuple[str, ...]:
        """Return candidate names for the folder of its frames."""
        usual = f"{self.base or f'{self.title}/'}{self.value('imdir') or 'img1'}"
        return tuple(dict.fromkeys((found.rstrip("/") or usual, usual, self.base.rstrip("/") or self.title)))


def clips(source: Source, note: Any = None) -> list[Clip]:
    """Return the sequences of a source; ``note`` gets files that are not read."""
    names = source.names(".txt", depth=_DEPTH)
    known = {*names, *source.names(".ini", depth=_DEPTH)}
    found = []
    results = [name for name in names if columns_of(source, name) and name.rpartition("/")[2] not in _NAMED]
    results += rest_of(source, names, results, note, lambda name: bool(columns_of(source, name, is_damaged=True)))
    for name in names:
        folder, _, last = name.rpartition("/")
        base = base_of(name)
        if last == "det.txt" and base is not None and f"{base}gt/gt.txt" in known:
            if note is not None:
                detail = f"{source.place(name)} is not read, since there is ground truth."
                note(Level.WARNING, "RESULTS_IGNORED", detail)
        elif last not in ("gt.txt", "det.txt") and name not in results:
            continue
        else:
            clip = Clip(base or "", name, is_truth=last == "gt.txt")
            clip.info = info_of(source, base + INI) if base is not None and base + INI in known else {}
            labels = f"{folder}/{LABELS}".lstrip("/")
            if labels in known:
                clip.labels = [text.strip() for _, text in lines_of(source, labels)]
            found.append(clip)
    return sorted(found, key=lambda clip: (clip.base.rstrip("/"), clip.file))


_MOST_DIGITS = 20
OF_CLASS = 1000
"""An id of MOTS is so many times its class, and a number."""


def is_row(words: list[str]) -> bool:
    """Tell a row that could be of MOTS: frame, id, class, height, width and run lengths."""
    is_whole = len(words) == 6 and all(word.isdecimal() and len(word) < 10 for word in words[:5])
    return is_whole and min(int(words[3]), int(words[4])) > 0


def is_mask(words: list[str]) -> bool:
    """Tell a row of MOTS from a box of MOT, six numbers: run lengths that are digits fill an image of its class."""
    if not is_row(words) or not words[5].isdecimal() or len(words[5]) > _MOST_DIGITS:
        return is_row(words)
    _, id_, class_, height, width = map(int, words[:5])
    try:
        rle.check_runs(rle.runs_from_string(words[5]), height, width)
    except ValueError:
        return False
    return class_ == id_ // OF_CLASS


def base_of(name: str) -> str | None:
    """Return the sequence folder of a file, empty or ending in ``/``; None if it may hold several.

    >>> base_of("a/gt/gt.txt"), base_of("det/det.txt"), base_of("tracker/a.txt")
    ('a/', '', None)
    """
    *above, folder, _ = ["", *name.split("/")] if "/" in name else ["", "", name]
    return "".join(f"{item}/" for item in above if item) if folder in ("gt", "det", "instances") else None


def rest_of(
    source: Source, names: Sequence[str], found: Sequence[str], note: Any, is_readable: Callable[[str], bool]
) -> list[str]:
    """Return text files next to the results that are sequences too: without rows, or with damaged ones.

    ``note`` gets the others.
    """
    folders = {name.rpartition("/")[0] for name in found}
    known, rest = {*found}, []
    for name in names:
        folder, _, last = name.rpartition("/")
        if folder not in folders or name in known or last in _NAMED:
            continue
        if is_readable(name) or is_empty(source, name):
            rest.append(name)
        elif note is not None:
            detail = f"{source.place(name)} has no readable rows and is left out."
            note(Level.WARNING, "FILE_NOT_READ", detail)
    return rest


def is_empty(source: Source, name: str) -> bool:
    """Return whether a file is blank."""
    return not source.head(name, LONGEST_ROW).strip()


def columns_of(source: Source, name: str, *, is_damaged: bool = False) -> int:
    """Return the number of columns of a file's first rows, 9 or 10; else 0.

    With ``is_damaged`` one such row suffices.
    """
    lines = source.head(name, 8192).decode("utf-8", "replace").splitlines()[:_LOOKED_AT]
    rows = [_split(line) for line in lines if line.strip() and not line.startswith("#")]
    rows = rows[:-1] if len(rows) > 1 and not is_damaged else rows  # the last may be cut
    counts = {len(row) if all(map(is_number, row)) else 0 for row in rows}
    counts &= {9, 10} if is_damaged else counts
    return counts.pop() if len(counts) == 1 and counts <= {9, 10} else 0


def _split(line: str) -> list[str]:
    """Return the cells of a row; none if separated by blanks and possibly another format's, such as YOLO's."""
    if "," in line:
        return [cell.strip() for cell in line.split(",")]
    cells = line.split()
    is_mine = all(cell.lstrip("-").isdecimal() for cell in cells[:2]) and all(map(is_number, cells[2:6]))
    return cells if is_mine and any(float(cell) > _LEAST_PX for cell in cells[2:6]) else []


def info_of(source: Source, name: str) -> dict[str, tuple[str, str]]:
    """Parse a seqinfo.ini: by lower-case key, key and value as written."""
    pairs = [
        line.partition("=") for line in source.head(name, _MOST_INI_BYTES).decode("utf-8-sig", "replace").splitlines()
    ]
    return {
        key.strip().lower(): (key.strip(), value.strip()) for key, sign, value in pairs if sign and key[:1] not in ";#["
    }


Dialect = Literal["auto", "mot", "visdrone"]


@dataclass(slots=True)
class Rows:
    """The rows of a sequence: statistics of all, and each on demand.

    Attributes
    ----------
    columns : int
        The most common count.
    first : int
        Number of the first frame.
    last : int
        Index of the last plausible frame, from 0; -1 if there is none.
    comments : list of str
    unnamed : set of int
        Unnamed classes of the rows yielded so far.
    """

    source: Source
    clip: Clip
    dialect: Dialect
    shift: float
    columns: int = 0
    first: int = 1
    last: int = -1
    comments: list[str] = field(default_factory=list)
    unnamed: set[int] = field(default_factory=set)

    def annotations(self, size: tuple[int, int]) -> Iterator[Annotation]:
        """Yield the boxes for frames of this size."""
        ids: dict[int | str, dict[str, Any]] = {}
        for line, cells in _cells(self.source, self.clip.file, []):
            yield _annotation(line, cells, self, size, ids)


def rows_of(source: Source, clip: Clip, dialect: Dialect, shift: float, first: int | None) -> Rows:
    """Return the rows of a sequence; boxes are shifted by ``shift`` pixels.

    Raises
    ------
    ReadError
        Not text, too many rows, or ten columns of ambiguous dialect.
    """
    rows, counts, place = Rows(source, clip, dialect, shift), [0] * 12, source.place(clip.file)
    could_be, has_zero, last = True, False, -1
    for number, (_, cells) in enumerate(_cells(source, clip.file, rows.comments)):
        counts[min(len(cells), 11)] += 1
        could_be = could_be and _could_be_visdrone(cells)
        frame = whole(cells[0]) if is_number(cells[0]) else -1
        has_zero |= frame == 0
        last = max(last, frame) if frame <= MOST_FRAMES else last
        if number >= MOST_ROWS:
            raise ReadError(place, f"has more than {MOST_ROWS} rows.", advice="Cut it into several sequences.")
    rows.columns = max(range(12), key=lambda count: counts[count]) if any(counts) else 9
    if rows.columns == 10 and dialect == "auto" and could_be:
        advice = "Say -r dialect=mot or -r dialect=visdrone."
        raise ReadError(place, "has ten columns that could be MOT's or VisDrone's.", advice=advice)
    rows.first = int(not has_zero) if first is None else first
    rows.last = min(last - rows.first, MOST_FRAMES - 1)
    return rows


def _cells(source: Source, name: str, comments: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and cells of each row; comments are collected up to a limit."""
    for line, text in lines_of(source, name, LONGEST_ROW):
        if text.lstrip().startswith("#"):
            if len(comments) < MOST_COMMENTS:
                comments.append(text.rstrip("\r\n"))
        elif text.strip():
            yield line, [cell.strip() for cell in (text.split(",") if "," in text else text.split())]


MOST_ROWS, MOST_COMMENTS, LONGEST_ROW = 2_000_000, 10_000, 1 << 16


def _could_be_visdrone(row: list[str]) -> bool:
    return len(row) == 10 and row[7].isdecimal() and int(row[7][:3]) < 12 and {*row[8:]} <= {"0", "1", "2"}


def _annotation(
    line: int, cells: list[str], rows: Rows, size: tuple[int, int], ids: dict[int | str, dict[str, Any]]
) -> Annotation:
    annotation, clip = Annotation(OBJECT, line=line), rows.clip
    class_, is_visdrone = None, rows.dialect == "visdrone" and len(cells) == 10
    if is_visdrone or len(cells) in (8, 9):
        class_ = cells[7]
    if class_ is not None and is_number(class_):
        annotation.label = _class_name(whole(class_), VISDRONE if is_visdrone else clip.labels, is_visdrone, rows)
    if not 6 <= len(cells) <= 10 or not all(map(is_number, (cells[0], *cells[2:], class_ or "1"))):
        annotation.fault = "INVALID_ANNOTATION", f"The row is not 6 to 10 numbers: {','.join(cells):.90}"
        return annotation
    annotation.frame = whole(cells[0]) - rows.first
    annotation.track = whole(cells[1]) if is_number(cells[1]) else cells[1]
    annotation.native = ids.setdefault(
        annotation.track, {"track_id": annotation.track}
    )  # shared: most rows have nothing else
    if isinstance(annotation.track, int) and annotation.track < 1:
        annotation.track = None
    left, top, width, height = map(float, cells[2:6])
    annotation.coordinates = box_from_px(left + rows.shift, top + rows.shift, width, height, size)
    if not 0 <= annotation.frame < MOST_FRAMES:
        annotation.fault, annotation.frame = ("FRAME_BEYOND", f"There is no frame {cells[0]}."), 0
    elif annotation.coordinates is None:
        annotation.fault = "INVALID_BBOX", f"The box {' '.join(cells[2:6])} has no area."
    if len(cells) > 6:
        _consider(annotation, cells[6], clip.is_truth or len(cells) == 9 or is_visdrone)
    if len(cells) == 9 and float(cells[8]) != 1:
        annotation.answers["visibility"] = cells[8]
    if len(cells) == 10 and [*map(float, cells[7:])] != [-1, -1, -1]:
        names = ("truncation", "occlusion") if is_visdrone else ("x", "y", "z")
        annotation.native = annotation.native | dict(zip(names, cells[7 + is_visdrone :], strict=True))
    return annotation


def _consider(annotation: Annotation, cell: str, is_truth: bool) -> None:
    """Read the seventh column: in ground truth 1 or 0, to consider or ignore; otherwise a score."""
    number = float(cell)
    if is_truth and number == 0:
        annotation.answers["ignored"] = ("ignored",)
    elif not is_truth or number != 1:
        annotation.native = dict(annotation.native)
        annotation.score(cell, "conf")


def _class_name(number: int, labels: Sequence[str] | None, is_visdrone: bool, rows: Rows) -> str:
    names = CLASSES if labels is None else labels
    at = number if is_visdrone else number - 1
    if 0 <= at < len(names) and names[at]:
        return names[at]
    rows.unnamed.add(number)
    return f"class {number}"


def own_of(rows: Rows) -> dict[str, Any]:
    """Return the native data of a sequence."""
    clip = rows.clip
    own: dict[str, Any] = {f"seqinfo.{key}": value for key, value in clip.rest()}
    own |= {"comment": rows.comments} if rows.comments else {}
    usual = {"columns": 9, "first": 1, "dialect": "mot", "shift": 0.0, "file": "", "spelled": {}}
    form: dict[str, Any] = {"columns": rows.columns, "first": rows.first, "shift": rows.shift, "file": clip.file}
    form |= {"spelled": clip.spelled(), "dialect": "visdrone" if rows.dialect == "visdrone" else "mot"}
    return own | {f"({key})": value for key, value in form.items() if value != usual[key]}


QUIET = frozenset({
    "annotation.track_id", "image.(columns)", "image.(first)", "image.(dialect)", "image.(shift)", "image.(file)",
    "image.(spelled)", "image.seqinfo.imDir", "image.seqinfo.imExt",
})  # fmt: skip
"""Native keys that are written back and are no loss elsewhere."""
