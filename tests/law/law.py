"""The law of the file: what a source says comes back, is derived, or is named by the report."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from derived import is_derived
from following import GONE, Followed, count_leaves, follow, leaves
from forest import Tree, dicom_values, dicom_words, forest, is_number
from mutations import FIRST, MARK
from naming import FILES, Rules, entries_of, uncovered
from sources import OUR_OWN, Source

from encord_convert import ConvertError, Report, convert, read
from encord_convert.formats import Format, formats
from encord_convert.hub.loss import Feature, Kind

HERE = Path(__file__).parent
_TABLES = tomllib.loads((HERE / "rules.toml").read_text("utf-8"))
RULES = {name: Rules.of(_TABLES["common"] | table) for name, table in _TABLES.items() if name != "common"}


@dataclass
class Tally:
    """What became of leaves: how many were followed, and how each ended."""

    followed: int = 0
    back: int = 0
    derived: int = 0
    counted: int = 0
    vanished: int = 0
    gaps: Counter[str] = field(default_factory=Counter)
    """What vanished, by the pattern of its path and how."""

    def add(self, other: Tally) -> None:
        """Add the leaves of another."""
        for name in ("followed", "back", "derived", "counted", "vanished"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.gaps.update(other.gaps)


@dataclass(frozen=True)
class Converted:
    """The raw trees of both ends of a conversion, and its report."""

    source: dict[str, Tree]
    target: dict[str, Tree]
    report: dict[str, Any]


def pattern_of(one: Followed, format_: str) -> str:
    """Return the kind of a leaf: its path without positions, ids and what a mutation called it."""
    path = RULES[format_].pattern(one.steps)
    path, mark, _ = re.sub(rf"\w*{MARK}\w*", "+", path).partition("+")  # what is below is not said again
    return f"{path}{mark} {one.state}"


def converted(source: Source, folder: Path, *, strict: bool = False) -> Converted:
    """Convert a source to its own format, and read both as raw trees."""
    shutil.rmtree(folder, ignore_errors=True)
    report = Report()
    convert(
        source.path, folder, from_=source.format, to=source.target, report=report, strict=strict,
        read_options=source.read_options, write_options=source.write_options,
    )  # fmt: skip
    media = RULES[source.format].media
    before = {
        name: tree
        for name, tree in forest(source.path).items()
        if name.split("/")[-1] not in OUR_OWN and not any(fnmatch(name, pattern) for pattern in media)
    }
    return Converted(
        _images_together(before), _images_together(forest(folder)), json.loads(json.dumps(report.to_dict()))
    )


def _images_together(trees: dict[str, Tree]) -> dict[str, Tree]:
    """Put the images of masks into one list, since a target may call them otherwise."""
    images = [tree for name, tree in trees.items() if name.endswith(".png")]
    return {name: tree for name, tree in trees.items() if not name.endswith(".png")} | (
        {"*.png": images} if images else {}
    )


def followed(done: Converted, source: Source, tally: Tally | None = None) -> Iterator[Followed]:
    """Yield what did not come back, and add all that was followed to a tally."""
    tally = Tally() if tally is None else tally
    exporter = formats()[source.target].exporter
    tolerance = exporter.carries.tolerance_px if exporter is not None else 0.0
    for name, tree in done.source.items():
        for one in ways(name, tree, done, source, tolerance):
            tally.followed += one.leaves
            if one.state == "back":
                tally.back += 1
            else:
                yield one


def gone(done: Converted, source: Source, tally: Tally) -> list[Followed]:
    """Return what vanished without a word, and add all to a tally."""
    rules = RULES[source.format]
    entries = entries_of(done.report)
    lost: list[Followed] = []
    for one in followed(done, source, tally):
        if is_derived(one, done, rules):
            tally.derived += one.leaves
        else:
            lost.append(one)
    silent = uncovered(lost, entries, rules)
    silent = [inner for one in silent for inner in members(one)]
    silent = uncovered([one for one in silent if not is_derived(one, done, rules)], entries, rules)
    quiet = sum(one.leaves for one in silent)
    tally.vanished += quiet
    tally.counted += sum(one.leaves for one in lost) - quiet
    for one in silent:
        tally.gaps[pattern_of(one, source.format)] += one.leaves
    return silent


def added(silent: Iterable[Followed], done: Converted) -> list[Followed]:
    """Return those of what vanished that a mutation had added: its mark is nowhere in the target."""
    said = repr(done.target)
    silent = [one for one in silent if one.value not in ("", None, [], {})]  # which says nothing
    marks = ((one, set(re.findall(rf"\w*{MARK}\w*", f"{one.steps} {one.value!r}"))) for one in silent)
    return [one for one, own in marks if own and not all(mark in said for mark in own)]


def unsaid(source: Source, before: Source, target: str | Format, folder: Path, what: str) -> bool:
    """Tell whether what a mutation added is neither in a target of another kind nor named by its report.

    ``folder`` holds the target of the source's own format: what is not there was counted when the source was read, if
    only with the item it is of. ``before`` is the source without the mutation: a key or an answer that is counted is
    counted beyond what is counted of that.
    """
    own = _texts_of(folder)
    marks = set(re.findall(rf"\w*{MARK}\w*|9\d{{6}}(?:\.5)?", what))
    if not any(mark in own for mark in marks):
        return False
    report = _converted_to(source, target, folder)
    if ".txt: line " in what:  # numbers of rows are geometry, which other formats have other numbers for
        return False
    if (
        "retype: " in what
        or "change: " in what
        or (source.contained and any((report.writing.dropped, report.reading.dropped)))
    ):
        # Nothing was added; or what it was added to may be what was dropped.
        return False
    if what.endswith(_NOTHING) or (what.endswith(" = False") and "flags" in what) or re.search("[:,] id: ", what):
        return False
    if _NO_CLASS.match(what):
        return False
    path = {word.replace(f"_{MARK}", "") for word in re.findall(r"\w+", what.partition(" = ")[0])}
    has_answers = any(word in ("flags", "actions") or word.endswith("attributes") for word in path)
    less = _counts_before(before, target)
    is_other = "rename: " in what or ": tag: " in what or what.endswith(FIRST)  # as much as before
    more = {entry for entry, count in _counts_of(report, source).items() if count > less.get(entry, 0)}
    has_more_answers = any(one[2:3] == ("answer",) for one in more)
    for loss in report.losses():  # what is counted, or dropped, with all that is in it
        entry = str(loss.kind), loss.code, loss.type, loss.label
        is_more = is_other or entry in more
        if loss.type == "key" and is_more and loss.label.endswith(_RENAMED) and _IS_RENAMED.search(what):
            return False
        if loss.type == "key" and is_more and not path.isdisjoint(loss.label.split(".")[-1].split()):  # "other flags"
            return False
        if ("answer", loss.label) in report.writing.dropped and has_answers and (is_other or has_more_answers):
            return False
        if loss.kind is Kind.DROPPED and (
            loss.type in path or (loss.feature is Feature.SHAPE and "annotations" in path)
        ):
            return False
        if loss.type == "review" and "reviews" in path:
            return False
        if loss.feature is Feature.MEDIA and "metadata" in path:
            return False
    for note in report.notes():  # of the file itself
        if note.code in (*FILES, "NATIVE_DROPPED") and what.partition(":")[0] in note.detail:
            return False
        is_more = is_other or (note.code, note.detail.replace(str(source.path), "")) in more
        if note.code in ("NATIVE_DROPPED", "KEYS_NOT_READ") and is_more and set(re.findall(r"\w+", note.detail)) & path:
            return False
    said = json.dumps(report.to_dict(), ensure_ascii=False) + _texts_of(folder)
    if any(mark in said for mark in marks):
        return False
    rows = read(source.path, source.format, report=Report(), **source.read_options)
    return not any(mark in row.data_title for row in rows for mark in marks)  # the name of an image is no label


def _converted_to(source: Source, target: str | Format, folder: Path) -> Report:
    shutil.rmtree(folder, ignore_errors=True)
    report = Report()
    options = {} if isinstance(target, str) else {"image_files": "leave"}
    convert(
        source.path, folder, from_=source.format, to=target, report=report,
        read_options=source.read_options, write_options=options,
    )  # fmt: skip
    return report


_before: dict[tuple[str, str], Counter[tuple[str, ...]]] = {}


def _counts_before(source: Source, target: str | Format) -> Counter[tuple[str, ...]]:
    """Return what a report of a source that was not mutated counts; nothing if it cannot be converted."""
    key = source.name, target if isinstance(target, str) else target.name
    if key not in _before:
        with TemporaryDirectory(prefix="law-") as folder:
            try:
                _before[key] = _counts_of(_converted_to(source, target, Path(folder) / "out"), source)
            except ConvertError:
                _before[key] = Counter()
    return _before[key]


def _counts_of(report: Report, source: Source) -> Counter[tuple[str, ...]]:
    """Return how often each loss, each thing that goes with one, and each note is counted."""
    counts: Counter[tuple[str, ...]] = Counter()
    for loss in report.losses():
        counts[str(loss.kind), loss.code, loss.type, loss.label] += loss.count
    for (type_, label), count in report.writing.dropped.items():
        counts["", "", type_, label] += count
    for note in report.notes():
        counts[note.code, note.detail.replace(str(source.path), "")] += note.count
    return counts


_RENAMED = (".(key)", ".region_id")
"""Keys that count images of VIA, and regions, that are called otherwise than they would be."""

_IS_RENAMED = re.compile(r"rename: .* = {'(?:file\w+|shape_attributes|region_attributes)'")

_NOTHING = (" = ''", " = None", " = []", " = {}")
"""How a mutation ends that renames what says nothing."""

_NO_CLASS = re.compile(r"class-descriptions\.csv: rename: .*, column DisplayName")
"""The first line of the file names its columns; it is no class, and has a place in this file alone."""


def _texts_of(folder: Path) -> str:
    return "\n".join(map(_text_of, folder.rglob("*")))


def _text_of(path: Path) -> str:
    text = path.read_text("utf-8", "replace") if path.is_file() and path.suffix not in (".png", ".jpg") else ""
    return f"{path} {text}"


def members(one: Followed) -> Iterator[Followed]:
    """Yield the members of a mapping that is gone: an entry may name each."""
    if one.state == "missing" and isinstance(one.value, dict) and one.value and one.steps[-1:] != ("[]",):
        for key, inner in one.value.items():
            yield from members(
                replace(one, steps=(*one.steps, key), value=inner, leaves=count_leaves(inner), holder=one.value)
            )
    elif (
        one.state == "missing"
        and isinstance(one.value, list)
        and len(one.value) == 1
        and isinstance(one.value[0], dict)
    ):
        yield from members(replace(one, value=one.value[0]))
    else:
        yield one


def ways(name: str, tree: Tree, done: Converted, source: Source, tolerance: float) -> Iterator[Followed]:
    """Follow the leaves of a document where it is to be found; anywhere, if the target has another structure."""
    patterns = RULES[source.format].contained.get(source.target, ())
    is_contained = source.contained or any(fnmatch(name, pattern) for pattern in patterns)
    if (not is_contained or name == "*.png") and source.format != "dicom":
        yield from follow(
            tree, counterpart(name, tree, done.target), tolerance, item=(name,), keyed=RULES[source.format].keyed
        )
        return
    if source.format == "dicom":
        elements = {said for other in done.target.values() for said in dicom_values(other)}
        yield from _elements(Followed((), (name,), tree, None, "", 1, None), elements)
        return
    said = words_of(leaf for other in done.target.values() for _, leaf in leaves(other))
    for one in follow(tree, GONE_TREE, tolerance, item=(name,)):
        yield from branches(one, said)


def _elements(one: Followed, said: set[Any]) -> Iterator[Followed]:
    """Yield the elements of a data set: back if an element of the target has their tag and values."""
    for tag, value in one.value.items():
        inner = replace(one, steps=(*one.steps, tag), value=value, holder=one.value)
        if isinstance(value, list):
            for at, item in enumerate(value):
                yield from _elements(
                    replace(inner, steps=(*inner.steps, "[]"), item=(*one.item, tag, at), value=item), said
                )
            if value:
                continue
        is_back = not value or (tag, dicom_words(value)) in said
        yield replace(inner, leaves=1, state="back" if is_back else "missing")


def branches(one: Followed, said: set[str]) -> Iterator[Followed]:
    """Yield the leaves of a branch: back if the words of their value are said anywhere."""
    value = one.value
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from branches(replace(one, steps=(*one.steps, key), value=inner, holder=value), said)
    elif isinstance(value, list) and value:
        for at, inner in enumerate(value):
            is_item = isinstance(inner, dict)
            item, around = ((*one.item, at), (*one.around, inner)) if is_item else (one.item, one.around)
            yield from branches(replace(one, steps=(*one.steps, "[]"), value=inner, item=item, around=around), said)
    else:
        words = words_of([value])
        is_back = value in ("", None, [], {}) or (words and words <= said)
        yield replace(one, leaves=1, state="back" if is_back else "missing")


def words_of(values: Iterable[Tree]) -> set[str]:
    """Return the words in leaves, with three numbers as the colour they may be."""
    words: set[str] = set()
    for value in values:
        numbers = value if isinstance(value, tuple) else (value,) if is_number(value) else ()
        words.update(f"{number:g}" for number in numbers)
        if isinstance(value, str):
            for word in re.split(r"[\s,:]+", value):
                number = re.fullmatch(r"-?\d+(\.\d+)?", word)
                words.update([f"{float(word):g}" if number else word.lower()] if word else [])
    return words


GONE_TREE: Any = GONE


def counterpart(name: str, tree: Tree, target: dict[str, Tree]) -> Tree:
    """Return what a document of the source is to be found in: that of its name, else all of its container together."""
    if name in target:
        return target[name]
    suffix = name.removesuffix(".gz").rsplit(".", 1)[-1]
    those = [other for path, other in target.items() if path.removesuffix(".gz").rsplit(".", 1)[-1] == suffix]
    if len(those) <= 1:
        return those[0] if those else {}
    whole: dict[str, Any] = {}
    if all(isinstance(other, list) for other in those):
        return [item for other in those for item in other]
    for other in those:
        for key, value in other.items() if isinstance(other, dict) else ():
            held = whole.get(key)
            whole[key] = held + value if isinstance(held, list) and isinstance(value, list) else value
    return whole
