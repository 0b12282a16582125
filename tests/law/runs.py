"""Hold many sources to the law, and keep what came of it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

from law import Tally, added, converted, gone, pattern_of, unsaid
from mutations import mutable, mutated
from sources import Source

from encord_convert import ConvertError
from encord_convert.formats import Format, formats
from encord_convert.training import TARGETS, target_named

GAPS = Path(__file__).parent / "gaps.json"
"""What is known to vanish: in fixtures by how many leaves, of what was added by kind. It can only become less."""


@dataclass
class Run:
    """What came of some sources."""

    sources: int = 0
    tally: Tally = field(default_factory=Tally)
    gaps: Counter[str] = field(default_factory=Counter)
    """Of mutations: the kinds of added leaves that vanished."""
    examples: dict[str, str] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    crashed: list[str] = field(default_factory=list)
    slowest_s: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return what a program may want to know."""
        names = ("followed", "back", "derived", "counted", "vanished")
        return {
            "sources": self.sources,
            **{name: getattr(self.tally, name) for name in names},
            "gaps": dict(self.tally.gaps),
            "added and vanished": dict(self.gaps),
            "refused": len(self.refused),
            "crashed": self.crashed,
        }


def run_fixtures(sources: Iterable[Source], scratch: Path) -> Run:
    """Hold sources to the law as they are."""
    run = Run()
    for source in sources:
        run.sources += 1
        try:
            done = converted(source, scratch / "out")
        except ConvertError as error:
            run.refused.append(f"{source.name}: {error}")
            continue
        for one in gone(done, source, run.tally):
            said = f"{source.name}, {'.'.join(map(str, one.item[1:]))}, {one.value!r:.90} -> {one.other!r:.60}"
            run.examples.setdefault(pattern_of(one, source.format), said)
    return run


def run_mutations(sources: Iterable[Source], scratch: Path, count: int, seed: int = 0) -> Run:
    """Hold copies with one thing changed to the law: what was added must not vanish without a word."""
    run = Run()
    those = [source for source in sources if mutable(source)]
    for number in range(count if those else 0):
        random = Random(f"{those[0].format} {seed} {number}")
        source = random.choice(those)
        path, what = mutated(source, scratch / "in", random)
        run.sources += 1
        started = time.monotonic()
        said = f"{source.name}, {what}"
        try:
            changed = replace(source, path=path)
            done = converted(changed, scratch / "out")
            silent = added(gone(done, changed, run.tally), done)
            for one in silent:
                run.gaps[kind := pattern_of(one, source.format)] += 1
                run.examples.setdefault(kind, said)
            other = random.choice(ONLY_WRITTEN)
            if not silent and unsaid(changed, source, other, scratch / "out", what):
                run.gaps[kind := f"to {other if isinstance(other, str) else other.name}"] += 1
                run.examples.setdefault(kind, said)
        except ConvertError as error:
            run.refused.append(f"{said}: {error}")
        except Exception as error:  # whatever it is, it is found
            run.crashed.append(f"{said}: {type(error).__name__}: {error}")
        run.slowest_s = max(run.slowest_s, time.monotonic() - started)
    return run


@contextmanager
def scratch() -> Iterator[Path]:
    """Yield a folder in memory if there is such: what is written to it is read once, and need not outlive anything."""
    with TemporaryDirectory(prefix="law-", dir=MEMORY if Path(MEMORY).is_dir() else None) as folder:
        yield Path(folder)


MEMORY = "/dev/shm"


ONLY_WRITTEN: tuple[str | Format, ...] = (
    *(name for name, one in formats().items() if one.importer is None and name != "dicom-table"),
    *(target_named(name) for name in TARGETS),
)
"""Formats that are written and not read, and targets of training."""
