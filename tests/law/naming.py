"""Tell which entries of a report name a leaf that did not come back.

An entry (a loss or a note) *names* a leaf or branch that is gone or has another value if

* its detail quotes the key (as ``'license'``, ``"license"`` or ``<license>``), or its ``type``, ``feature`` or place
  says it, or its code begins with it (``SUPERCATEGORY_DROPPED``), or the rules list the code, or a word of the detail,
  under the leaf's path (``names``); of an entry that counts native keys (``image.license``), if it is of that scope; or
* it is a loss of things of a type that the rules list under the item around the leaf (``items``): a dropped thing
  covers the item that is gone, a changed one the leaves of its geometry (``geometry``); or
* it says that ids are others (``ID_RENUMBERED``, with the kind of the id as its label or in its words), and the leaf
  refers to such an id (``references``); or
* it is about the whole file.

An entry covers no more items than its count says. A leaf that no entry is about vanished without a word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from typing import Any

from following import Followed


@dataclass
class Entry:
    """A loss or a note, and what it has covered so far."""

    code: str
    detail: str
    count: int
    kind: str = ""
    type: str = ""
    feature: str = ""
    label: str = ""
    element: str = ""
    files: tuple[str, ...] = ()
    elements: tuple[str, ...] = ()
    covered: set[Any] = field(default_factory=set)

    def quotes(self, name: str) -> bool:
        """Tell whether the entry says a name as a name."""
        bare = name.lstrip("@#")
        if bare in (self.type, self.feature, self.element, self.element.strip("<>")):
            return True
        return _quotes(self.code, self.detail, bare)

    @cached_property
    def tags(self) -> frozenset[str]:
        """The elements of DICOM that the entry names, eight hexadecimal digits each."""
        return frozenset(map("".join, re.findall(r"\((\w{4}),(\w{4})\)", self.detail)))

    def takes(self, item: Any) -> bool:
        """Cover an item, if the count allows one more."""
        if item in self.covered:
            return True
        if len(self.covered) >= self.count:
            return False
        self.covered.add(item)
        return True


@lru_cache(100_000)
def _quotes(code: str, detail: str, name: str) -> bool:
    """Tell whether a code begins with a name, or a detail has it between marks."""
    first = re.sub(r"\W+", "_", name).upper()
    if code.startswith(first) and re.match(r"S?(_|$)", code[len(first) :]):
        return True
    if name not in detail:
        return False
    return re.search(rf"['\"`<‘“@./]{re.escape(name)}['\"`>’”,:\].]", detail) is not None


def entries_of(report: Mapping[str, Any]) -> list[Entry]:
    """Return what a report file holds."""
    entries = []
    for entry in (*report["losses"], *report["notes"]):
        places = [entry["where"], *(example["where"] for example in entry.get("examples", ()))]
        details = [entry["detail"], *(example["detail"] for example in entry.get("examples", ()))]
        entries.append(
            Entry(
                entry["code"],
                "\n".join(dict.fromkeys(details)),
                entry["count"],
                entry.get("kind", ""),
                entry.get("type", ""),
                entry.get("feature", ""),
                entry.get("label", ""),
                entry["where"].get("element", ""),
                tuple(place.get("file", "") for place in places),
                tuple(place.get("element", "") for place in places),
            )
        )
    return entries


@dataclass(frozen=True)
class Rules:
    """What the data says of a format; see ``rules.toml``."""

    names: dict[str, list[str]]
    items: dict[str, list[str]]
    geometry: list[str]
    derived: list[dict[str, str]]
    keyed: list[str]
    media: list[str]
    scopes: dict[str, list[str]]
    references: dict[str, list[str]]
    contained: dict[str, list[str]]

    @classmethod
    def of(cls, table: Mapping[str, Any]) -> Rules:
        """Read a format's part of the rules."""
        return cls(
            dict(table.get("names", {})),
            dict(table.get("items", {})),
            list(table.get("geometry", ())),
            list(table.get("derived", ())),
            list(table.get("keyed", ())),
            list(table.get("media", ())),
            dict(table.get("scopes", {})),
            dict(table.get("references", {})),
            dict(table.get("contained", {})),
        )

    def pattern(self, steps: Iterable[str]) -> str:
        """Return a path without positions and ids: ``annotations[].bbox``."""
        said: list[str] = []
        for step in steps:
            if said and step != "[]" and (said[-1] in self.keyed or step.isdigit()):
                step = "*"
            said.append(step)
        return ".".join(said).replace(".[]", "[]")


FILES = ("RESULTS_IGNORED", "DUPLICATE", "FILE_NOT_READ")
"""Codes of entries that are about all of a file, beside losses of files."""


def _thing(gone: Followed) -> Any:
    """Return what is counted once: a key of an item; what is gone and stands in several files is one thing."""
    return repr(gone.value) if _titles(gone.value) else (gone.item, gone.key)


def _names_on(gone: Followed) -> set[str]:
    """Return the keys on the way to what is gone, and the id it has."""
    names = {step.lstrip("@") for step in gone.steps}
    return names | {str(gone.value["(id)"])} if isinstance(gone.value, dict) and "(id)" in gone.value else names


def _titles(value: Any) -> set[str]:
    """Return what an item is called."""
    return (
        {str(value[key]) for key in ("name", "@name", "file_name") if key in value}
        if isinstance(value, dict)
        else set()
    )


def matches(pattern: str, path: str) -> bool:
    """Tell whether a path of the rules (``*`` is one step, ``**`` any) is a path."""
    return _expression(pattern).fullmatch(path) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    parts = [
        ".*" if part == "**" else r"[^.\[\]]+" if part == "*" else re.escape(part)
        for part in re.split(r"(\*\*|\*)", pattern)
    ]
    return re.compile("".join(parts))


def uncovered(gone: Iterable[Followed], entries: list[Entry], rules: Rules) -> list[Followed]:
    """Return what no entry names."""
    left: list[Followed] = []
    by_item = defaultdict(list)
    for one in gone:
        by_item[one.item].append(one)
    # What is dropped as a whole first, and the items of which most is gone.
    ordered = sorted(entries, key=lambda entry: entry.kind != "dropped" or entry.type == "key")
    has_keys = any(entry.type == "key" for entry in entries)
    for those in sorted(by_item.values(), key=len, reverse=True):
        for one in those:
            closest = ordered
            if has_keys:
                closest = sorted(ordered, key=lambda entry: entry.type == "key" and not entry.label.endswith(one.key))
            path = rules.pattern(one.steps)
            if not any(_covers(entry, one, path, rules) for entry in closest):
                left.append(one)
    return left


def _covers(entry: Entry, gone: Followed, path: str, rules: Rules) -> bool:
    if entry.code in FILES or entry.type == "file":
        file = str(gone.item[0])
        if any(name.endswith(file) for name in entry.files) or file in entry.detail:
            return True
    if entry.code == "ELEMENT_NOT_KEPT":  # by tag; how many files have it
        return not entry.tags.isdisjoint(gone.steps) or "more of them" in entry.detail
    if entry.code == "KEYS_NOT_READ" and not entry.kind:  # one note with the names of all
        said = {name.rpartition(".")[2] for name in re.findall(r"[^\s,:]+", entry.detail.rstrip("."))}
        if isinstance(gone.value, dict) and said & gone.value.keys():
            return True  # the item, since it has a key that is not read
        at = next((at for at, step in enumerate(gone.steps) if step in said), None)
        return at is not None and entry.takes((gone.steps[: at + 1], gone.item[: 1 + gone.steps[:at].count("[]")]))
    if entry.code == "ID_RENUMBERED":
        for kind, paths in rules.references.items():  # as many as there are of an id that is counted once
            if (entry.label == f"{kind}.id" or kind in entry.detail) and any(matches(one, path) for one in paths):
                return True
    if entry.code == "BLOCK_NOT_READ" and gone.steps and entry.quotes(gone.steps[0]):
        return True  # with all that is in it
    if entry.kind == "dropped" and any(
        f"annotation {item.get('id')}" in entry.elements or _titles(item) & set(entry.elements) for item in gone.around
    ):
        return True
    if entry.type == "key":  # said with where it stands: `image.license`
        scope, _, key = entry.label.partition(".")
        within = any(matches(pattern, path) for pattern in rules.scopes.get(scope, ["**"]))
        return within and key.split(".")[-1].lstrip("@") in _names_on(gone) and entry.takes(_thing(gone))
    start = max((at for at, step in enumerate(gone.steps) if step == "[]"), default=-1)
    named = (
        any(map(entry.quotes, gone.steps[start + 1 :]))
        or entry.quotes(gone.key)
        or (gone.state == "missing" and _titles(gone.value) & {entry.element})
    )
    for pattern, words in rules.names.items():
        if matches(pattern, path):
            named = named or any(word == entry.code or word in entry.detail.lower() for word in words)
    if named and entry.takes(_thing(gone)):
        return True
    if not entry.kind:
        return False
    for item in gone.around if entry.kind == "dropped" else ():  # of the type that the item says it is of
        if entry.type in [value for value in item.values() if isinstance(value, str)]:
            return entry.takes(id(item))
    for pattern, types in rules.items.items():
        inside = matches(pattern, path) or matches(pattern + ".**", path)
        if inside and (entry.type in types or "*" in types):
            # A thing that is dropped may have been taken for another that came back: each of its leaves is gone.
            is_whole = matches(pattern, path) and gone.state == "missing"
            whole = (is_whole or entry.type in types) and entry.kind == "dropped"
            geometry = not is_whole and gone.key in rules.geometry and entry.kind != "dropped"
            deep = len(gone.item) if "*" in pattern else 1 + 2 * pattern.count("[]")  # a box in an object is of it
            if (whole or geometry) and entry.takes(gone.item[:deep]):
                return True
    return False
