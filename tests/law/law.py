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
from typing import Any

from derived import is_derived
from following import GONE, Followed, count_leaves, follow, leaves
from forest import Tree, forest, is_number
from mutations import MARK
from naming import FILES, Rules, entries_of, uncovered
from sources import OUR_OWN, Source

from encord_convert import Report, convert
from encord_convert.formats import Format, formats
from encord_convert.hub.loss import Feature

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


def converted(source: Source, folder: Path, target: str | None = None) -> Converted:
    """Convert a source to its own format, and read both as raw trees."""
    shutil.rmtree(folder, ignore_errors=True)
    report = Report()
    convert(
        source.path, folder, from_=source.format, to=target or source.target, report=report,
        read_options=source.read_options, write_options=source.write_options if target is None else None,
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


def gone(done: Converted, source: Source, tally: Tally) -> list[Followed]:
    """Return what vanished without a word, and add all to a tally."""
    rules = RULES[source.format]
    exporter = formats()[source.target].exporter
    tolerance = exporter.carries.tolerance_px if exporter is not None else 0.0
    entries = entries_of(done.report)
    lost: list[Followed] = []
    for name, tree in done.source.items():
        for one in ways(name, tree, done, source, tolerance):
            tally.followed += one.leaves
            if one.state == "back":
                tally.back += 1
            elif is_derived(one, done, rules):
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


def added(silent: Iterable[Followed]) -> list[Followed]:
    """Return those of what vanished that a mutation had added."""
    return [one for one in silent if MARK in ".".join(one.steps) or MARK in repr(one.value)]


def unsaid(source: Source, target: str | Format, folder: Path, what: str) -> bool:
    """Tell whether what a mutation added is neither in a target of another kind nor named by its report."""
    shutil.rmtree(folder, ignore_errors=True)
    report = Report()
    options = {} if isinstance(target, str) else {"image_files": "leave"}
    convert(
        source.path, folder, from_=source.format, to=target, report=report,
        read_options=source.read_options, write_options=options,
    )  # fmt: skip
    if ".txt: line " in what:  # numbers of rows are geometry, which other formats have other numbers for
        return False
    if "retype: " in what or (source.contained and any((report.writing.dropped, report.reading.dropped))):
        # Nothing was added; or what it was added to may be what was dropped.
        return False
    marks = set(re.findall(rf"\w*{MARK}\w*|9\d{{6}}(?:\.5)?", what))
    path = re.findall(r"\w+", what.partition(" = ")[0])
    for loss in report.losses():  # what is counted, or dropped, with all that is in it
        if loss.type == "key" and loss.label.split(".")[-1] in path:
            return False
        if loss.feature is Feature.MEDIA and "metadata" in path:
            return False
    for note in report.notes():  # of the file itself
        if note.code in FILES and what.partition(":")[0] in note.detail:
            return False
        if note.code in ("NATIVE_DROPPED", "KEYS_NOT_READ") and set(re.findall(r"\w+", note.detail)) & set(path[1:]):
            return False
    said = "\n".join([json.dumps(report.to_dict(), ensure_ascii=False), *map(_text_of, folder.rglob("*"))])
    return bool(marks) and not any(mark in said for mark in marks)


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
    if not source.contained or name == "*.png":
        yield from follow(
            tree, counterpart(name, tree, done.target), tolerance, item=(name,), keyed=RULES[source.format].keyed
        )
        return
    said = words_of(leaf for other in done.target.values() for _, leaf in leaves(other))
    for one in follow(tree, GONE_TREE, tolerance, item=(name,)):
        yield from branches(one, said)


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
        yield replace(one, leaves=1, state="back" if words and words <= said else "missing")


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
