"""Which sequences a source has, what their seqinfo.ini says, and what their rows are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from encord_convert.errors import ReadError
from encord_convert.formats._boxes import box_from_px, is_number, whole
from encord_convert.formats._files import Source
from encord_convert.formats._lines import lines_of
from encord_convert.formats._marks import MOST_FRAMES, Mark
from encord_convert.formats._numbered import FrameFolders
from encord_convert.formats._sizes import MOST_PX
from encord_convert.hub.loss import Level

CLASSES = (
    "pedestrian", "person on vehicle", "car", "bicycle", "motorbike", "non motorized vehicle", "static person",
    "distractor", "occluder", "occluder on the ground", "occluder full", "reflection", "crowd",
)  # fmt: skip
"""Of MOT16 to MOT20, from 1."""
VISDRONE = (
    "ignored region", "pedestrian", "people", "bicycle", "car", "van", "truck", "tricycle", "awning-tricycle", "bus",
    "motor", "other",
)  # fmt: skip
"""Of VisDrone, from 0."""
OBJECT = "object"
"""The class of rows that name none."""
INI, LABELS = "seqinfo.ini", "labels.txt"
_DEPTH, _LOOKED_AT, _MOST_INI_BYTES = 5, 20, 1 << 16
_NAMED = ("gt.txt", "det.txt", LABELS)
_LEAST_PX = 2.0
"""A side or coordinate of a box in pixels is more than that; shares of an image are not."""
READ = {"name": "name", "seqlength": "seqLength", "imwidth": "imWidth", "imheight": "imHeight"}
"""Keys of seqinfo.ini that are read, in lower case and as most spell them."""


@dataclass(slots=True)
class Clip:
    """A sequence: the file of its rows, and what lies around it.

    Parameters
    ----------
    base : str
        Its folder: empty, or with ``/`` at its end.
    file : str
        Member with its rows.
    is_truth : bool
        Whether the seventh column says to consider or ignore a row, not how sure a model is.
    info : mapping
        Of its seqinfo.ini: by key in lower case, key and value as they stand there.
    labels : list of str, optional
        Names of its classes, from 1; empty where there is none.
    """

    base: str
    file: str
    is_truth: bool
    info: dict[str, tuple[str, str]] = field(default_factory=dict)
    labels: list[str] | None = None

    def said(self, key: str) -> str:
        """Return a value of seqinfo.ini, whatever the case of its key; empty if there is none."""
        return self.info.get(key, ("", ""))[1]

    def number(self, key: str, most: int = MOST_FRAMES) -> int:
        """Return a whole number of seqinfo.ini; 0 if there is none up to the most."""
        text = self.said(key)
        return whole(text) if is_number(text) and 0 < float(text) <= most else 0

    @property
    def size_px(self) -> tuple[int, int]:
        """Width and height of its images; 0 where seqinfo.ini does not say it."""
        return self.number("imwidth", MOST_PX), self.number("imheight", MOST_PX)

    def rest(self) -> list[tuple[str, str]]:
        """Return the keys and values of seqinfo.ini that are not read."""
        return [pair for name, pair in self.info.items() if name not in READ]

    def unread(self) -> list[tuple[str, str]]:
        """Return the keys and values of seqinfo.ini that should be numbers and are not."""
        numbers = [name for name in READ if name != "name" and name in self.info and not self.number(name)]
        return [self.info[name] for name in numbers if name == "seqlength" or self.said(name) != "0"]

    def spelled(self) -> dict[str, str]:
        """Return how it spells the keys that are read, where that is not as most do."""
        return {usual: self.info[name][0] for name, usual in READ.items() if self.info.get(name, (usual,))[0] != usual}

    @property
    def title(self) -> str:
        """What it is called: by its seqinfo.ini, its folder or its file."""
        named = self.base.rstrip("/").rpartition("/")[2]
        folder, _, last = self.file.rpartition("/")
        if last.endswith(".txt") and last not in ("gt.txt", "det.txt"):
            named = last.removesuffix(".txt")
        elif base_of(self.file) is None:  # masks as images
            named = folder.rpartition("/")[2]
        return self.said("name") or named or "sequence"

    def images_in(self, folders: FrameFolders) -> str:
        """Return the folder of the images of its frames, with ``/`` at its end; empty if there is none."""
        if base_of(self.file) is not None:
            own = [f"{self.base}{name}/" for name in dict.fromkeys((self.said("imdir") or "img1", "img1", "images"))]
            if found := folders.first_of(own):
                return found
        return folders.named(self.title)

    def folders(self, found: str) -> tuple[str, ...]:
        """Return what the folder of its frames may be called, where it was found or not."""
        usual = f"{self.base or f'{self.title}/'}{self.said('imdir') or 'img1'}"
        return tuple(dict.fromkeys((found.rstrip("/") or usual, usual, self.base.rstrip("/") or self.title)))


def clips(source: Source, note: Any = None) -> list[Clip]:
    """Return the sequences of a source; ``note`` is told of files that are not read next to them."""
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
                detail = f"{source.place(name)} is not read next to the ground truth."
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


def base_of(name: str) -> str | None:
    """Return the folder of the sequence of a file, empty or with ``/`` at its end; None if several may be in it.

    >>> base_of("a/gt/gt.txt"), base_of("det/det.txt"), base_of("tracker/a.txt")
    ('a/', '', None)
    """
    *above, folder, _ = ["", *name.split("/")] if "/" in name else ["", "", name]
    return "".join(f"{item}/" for item in above if item) if folder in ("gt", "det", "instances") else None


def rest_of(
    source: Source, names: Sequence[str], found: Sequence[str], note: Any, is_readable: Callable[[str], bool]
) -> list[str]:
    """Return which text files next to the results that were found are sequences too: without rows, or with damaged
    ones.

    ``note`` is told of those that are not.
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
            detail = f"{source.place(name)} has no rows that can be read, and is left out."
            note(Level.WARNING, "FILE_NOT_READ", detail)
    return rest


def is_empty(source: Source, name: str) -> bool:
    """Return whether a file has nothing but blanks."""
    return not source.head(name, LONGEST_ROW).strip()


def columns_of(source: Source, name: str, *, is_damaged: bool = False) -> int:
    """Return how many columns the rows have that a file begins with, 9 or 10; else 0.

    With ``is_damaged`` it is enough that one of them has so many.
    """
    lines = source.head(name, 8192).decode("utf-8", "replace").splitlines()[:_LOOKED_AT]
    rows = [_split(line) for line in lines if line.strip() and not line.startswith("#")]
    rows = rows[:-1] if len(rows) > 1 and not is_damaged else rows  # the last may be cut
    counts = {len(row) if all(map(is_number, row)) else 0 for row in rows}
    counts &= {9, 10} if is_damaged else counts
    return counts.pop() if len(counts) == 1 and counts <= {9, 10} else 0


def _split(line: str) -> list[str]:
    """Return the cells of a row; with blanks between, none if they could be those of other formats, as of YOLO."""
    if "," in line:
        return [cell.strip() for cell in line.split(",")]
    cells = line.split()
    is_mine = all(cell.lstrip("-").isdecimal() for cell in cells[:2]) and all(map(is_number, cells[2:6]))
    return cells if is_mine and any(float(cell) > _LEAST_PX for cell in cells[2:6]) else []


def info_of(source: Source, name: str) -> dict[str, tuple[str, str]]:
    """Return what a seqinfo.ini says: by key in lower case, key and value as they stand there."""
    pairs = [
        line.partition("=") for line in source.head(name, _MOST_INI_BYTES).decode("utf-8-sig", "replace").splitlines()
    ]
    return {
        key.strip().lower(): (key.strip(), value.strip()) for key, mark, value in pairs if mark and key[:1] not in ";#["
    }


# -- rows -------------------------------------------------------------------------------------------------------------

Dialect = Literal["auto", "mot", "visdrone"]


@dataclass(slots=True)
class Rows:
    """The rows of a sequence: what all of them together say, and each when it is asked for.

    Attributes
    ----------
    columns : int
        How many most rows have.
    first : int
        Number of the first frame.
    last : int
        Index of the last frame that can be one, from 0; -1 if there is none.
    comments : list of str
    unnamed : set of int
        Classes without a name, of the rows that were asked for.
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

    def marks(self, size: tuple[int, int]) -> Iterator[Mark]:
        """Yield the boxes, of frames of this size."""
        ids: dict[int | str, dict[str, Any]] = {}
        for line, cells in _cells(self.source, self.clip.file, []):
            yield _mark(line, cells, self, size, ids)


def rows_of(source: Source, clip: Clip, dialect: Dialect, shift: float, first: int | None) -> Rows:
    """Return the rows of a sequence; boxes are moved by ``shift`` pixels.

    Raises
    ------
    ReadError
        It is not text, has more rows than are read, or its ten columns could be those of another dialect.
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
    """Yield line and cells of each row; comments are put into a list, as far as they are few."""
    for line, text in lines_of(source, name, LONGEST_ROW):
        if text.lstrip().startswith("#"):
            if len(comments) < MOST_COMMENTS:
                comments.append(text.rstrip("\r\n"))
        elif text.strip():
            yield line, [cell.strip() for cell in (text.split(",") if "," in text else text.split())]


MOST_ROWS, MOST_COMMENTS, LONGEST_ROW = 2_000_000, 10_000, 1 << 16


def _could_be_visdrone(row: list[str]) -> bool:
    return len(row) == 10 and row[7].isdecimal() and int(row[7][:3]) < 12 and {*row[8:]} <= {"0", "1", "2"}


def _mark(line: int, cells: list[str], rows: Rows, size: tuple[int, int], ids: dict[int | str, dict[str, Any]]) -> Mark:
    mark, clip = Mark(OBJECT, line=line), rows.clip
    class_, is_visdrone = None, rows.dialect == "visdrone" and len(cells) == 10
    if is_visdrone or len(cells) in (8, 9):
        class_ = cells[7]
    if class_ is not None and is_number(class_):
        mark.label = _class_name(whole(class_), VISDRONE if is_visdrone else clip.labels, is_visdrone, rows)
    if not 6 <= len(cells) <= 10 or not all(map(is_number, (cells[0], *cells[2:], class_ or "1"))):
        mark.fault = "INVALID_ANNOTATION", f"The row is not 6 to 10 numbers: {','.join(cells):.90}"
        return mark
    mark.frame = whole(cells[0]) - rows.first
    mark.track = whole(cells[1]) if is_number(cells[1]) else cells[1]
    mark.native = ids.setdefault(mark.track, {"track_id": mark.track})  # shared: most rows say nothing else
    if isinstance(mark.track, int) and mark.track < 1:
        mark.track = None
    left, top, width, height = map(float, cells[2:6])
    mark.coordinates = box_from_px(left + rows.shift, top + rows.shift, width, height, size)
    if not 0 <= mark.frame < MOST_FRAMES:
        mark.fault, mark.frame = ("FRAME_BEYOND", f"There is no frame {cells[0]}."), 0
    elif mark.coordinates is None:
        mark.fault = "INVALID_BBOX", f"The box {' '.join(cells[2:6])} has no area."
    if len(cells) > 6:
        _consider(mark, cells[6], clip.is_truth or len(cells) == 9 or is_visdrone)
    if len(cells) == 9 and float(cells[8]) != 1:
        mark.answers["visibility"] = cells[8]
    if len(cells) == 10 and [*map(float, cells[7:])] != [-1, -1, -1]:
        names = ("truncation", "occlusion") if is_visdrone else ("x", "y", "z")
        mark.native = mark.native | dict(zip(names, cells[7 + is_visdrone :], strict=True))
    return mark


def _consider(mark: Mark, cell: str, is_truth: bool) -> None:
    """Take the seventh column: of the ground truth 1 or 0, to consider or ignore; else, or between, a score."""
    number = float(cell)
    if is_truth and number == 0:
        mark.answers["ignored"] = ("ignored",)
    elif not is_truth or number != 1:
        mark.native = dict(mark.native)
        mark.score(cell, "conf")


def _class_name(number: int, labels: Sequence[str] | None, is_visdrone: bool, rows: Rows) -> str:
    names = CLASSES if labels is None else labels
    at = number if is_visdrone else number - 1
    if 0 <= at < len(names) and names[at]:
        return names[at]
    rows.unnamed.add(number)
    return f"class {number}"


def own_of(rows: Rows) -> dict[str, Any]:
    """Return what only MOT has words for of a sequence."""
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
"""Names of what is written back, and says nothing that would be lost elsewhere."""
