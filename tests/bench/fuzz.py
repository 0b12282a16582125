"""Mutate small sources of every format that is read, convert each to some targets, and tell what went wrong.

    python tests/bench/fuzz.py [--inputs 1000] [--formats coco,cvat] [--seed 1] [--jobs 2] [--keep FOLDER]
    python tests/bench/fuzz.py --formats coco --seed 1 --only 1234 --keep FOLDER   # one again

An input is known by format, seed and number, and is the same each time. What may not happen, and is told of:

=============  =======================================================================================================
``exception``  one that is not of the tree of :class:`encord_convert.errors.ConvertError`
``hang``       more than 5 s of processor time
``memory``     more than 300 MB beyond what the process had before
``sums``       a row of the report does not add up, or holds a negative number
``unread``     what was written cannot be read again
=============  =======================================================================================================

Each process takes inputs until one may not end, and is then replaced: its limits are the kernel's.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import multiprocessing
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from random import Random
from types import FrameType
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/bench")]

from _mutations import Files, mutated, zipped  # noqa: E402

from encord_convert._samples import SAMPLES  # noqa: E402
from encord_convert.conversion import convert, read  # noqa: E402
from encord_convert.formats._registry import format_named, formats  # noqa: E402
from encord_convert.losses.report import Report  # noqa: E402
from encord_convert.sdk.exceptions import EncordException  # noqa: E402
from encord_convert.testing import written  # noqa: E402

SECONDS = 5
MEGABYTES = 300
MOST_BYTES = 24_000
"""Largest source that is mutated: more of the same would only take longer."""
NOT_INPUT = ("hub.json", "losses.json", "ORIGIN.md", "README.md", "options.json")

READ = tuple(name for name, one in formats().items() if one.importer is not None)
"""The formats that are read."""


@dataclass(frozen=True)
class Finding:
    """Something that may not happen, and the input it happened with."""

    kind: str
    format: str
    number: int
    where: str
    text: str


@cache
def seeds(format_: str) -> list[tuple[Files, dict[str, Any]]]:
    """Return what is mutated: fixtures of a format, and samples written in it; with the options to read each."""
    found = []
    for folder in sorted([*_folders(ROOT / "fixtures" / format_), *_folders(ROOT / "fixtures/cases" / format_)]):
        options = json.loads(file.read_text()) if (file := folder / "options.json").exists() else {}
        files = {
            path.relative_to(folder).as_posix(): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name not in NOT_INPUT and not path.name.startswith("expected")
        }
        small = {name: data for name, data in files.items() if len(data) <= MOST_BYTES}
        if format_ == "dicom":
            found += [({name: data}, options) for name, data in small.items()]
        elif small and sum(map(len, small.values())) <= MOST_BYTES:
            found.append((small, options))
    chosen = format_named(format_)
    for make in SAMPLES.values() if chosen.exporter is not None else ():
        labels = make()
        files, _ = written(chosen, labels)
        if files and sum(map(len, files.values())) <= MOST_BYTES:
            found.append((files, {}))
    return found


def _folders(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


@cache
def targets() -> tuple[str, ...]:
    return tuple(name for name, one in formats().items() if one.exporter is not None and name != "dicom-table")


def drawn(format_: str, seed: int, number: int) -> tuple[Files | bytes, dict[str, Any], str | None, list[str]]:
    """Return an input: files or an archive, options, the format it is said to be of, and the targets."""
    chance = Random(f"{format_} {seed} {number}")
    files, options = chance.choice(seeds(format_))
    files = mutated(files, chance)
    named = format_ if chance.random() < 0.8 else None
    source: Files | bytes = zipped(files, chance) if chance.random() < 0.12 else files
    wanted = chance.sample(targets(), 1 if chance.random() < 0.7 else 2)
    return source, options, named, wanted


def laid(source: Files | bytes, folder: Path) -> Path:
    """Lay an input on the disk, and return what to read: a file if it is one."""
    if isinstance(source, bytes):
        (folder / "in.zip").write_bytes(source)
        return folder / "in.zip"
    root = folder / "in"
    for name, data in source.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    root.mkdir(exist_ok=True)
    return root


def tried(format_: str, seed: int, number: int, scratch: Path) -> list[Finding]:
    """Convert one input to its targets, and return what may not happen."""
    source, options, named, wanted = drawn(format_, seed, number)
    folder = Path(tempfile.mkdtemp(dir=scratch))
    findings: list[Finding] = []
    try:
        place = laid(source, folder)
        for target in wanted:
            findings += _converted(format_, number, place, named, target, options, folder / target)
            if findings:
                break
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return findings


def _converted(
    format_: str, number: int, place: Path, named: str | None, target: str, options: dict[str, Any], out: Path
) -> list[Finding]:
    findings: list[Finding] = []

    def found(kind: str, where: str, text: str) -> None:
        findings.append(Finding(kind, format_, number, where, text))

    report = Report()
    step = "convert"
    try:
        with limited():
            try:
                convert(place, out, from_=named, to=target, report=report, read_options=options if named else {})
            except EncordException:
                return []
        step = "sums"
        for name, row in (*report.counts().items(), *report.labels().items()):
            if row["in"] != row["kept"] + row["changed"] + row["dropped"] or min(row.values()) < 0:
                found("sums", f"to {target}", f"{name}: {row}")
        step = "read again"
        reader = format_named(target).read_by or target
        if format_named(reader).importer is not None and out.exists():
            with limited():
                try:
                    for _ in read(out, reader, report=Report()):
                        pass
                except EncordException as error:
                    found("unread", f"to {target}", str(error))
    except _Hang:
        found("hang", f"{step} to {target}", "".join(traceback.format_stack()[-3:]))
    except MemoryError as error:
        found("memory", f"{step} to {target}; {_place(error)}", traceback.format_exc())
    except Exception as error:
        found("exception", f"{step} to {target}; {_place(error)}", traceback.format_exc())
    return findings


def _place(error: BaseException) -> str:
    """Return what was raised, and by which line of the package."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if "/encord_convert/" in frame.filename] or list(frames)
    return f"{type(error).__name__} at {Path(ours[-1].filename).name}:{ours[-1].lineno}"


class _Hang(BaseException):
    """Too much processor time; no handler of an Exception may take it for another."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise _Hang


@contextlib.contextmanager
def limited() -> Iterator[None]:
    """Let the block take so much processor time and memory, and no more."""
    data = next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if "VmData" in line)
    before = resource.getrlimit(resource.RLIMIT_DATA)
    handler = signal.signal(signal.SIGPROF, _alarm)
    resource.setrlimit(resource.RLIMIT_DATA, ((data << 10) + (MEGABYTES << 20), before[1]))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        resource.setrlimit(resource.RLIMIT_DATA, before)
        signal.signal(signal.SIGPROF, handler)


def some(format_: str, seed: int, numbers: range) -> list[Finding]:
    """Try some inputs; in a process of their own."""
    warnings.simplefilter("ignore")
    findings: list[Finding] = []
    room = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(prefix="fuzz-", dir=room) as scratch, contextlib.redirect_stderr(io.StringIO()):
        for number in numbers:
            findings += tried(format_, seed, number, Path(scratch))
    return findings


def fuzzed(
    names: list[str], seed: int, numbers: range, jobs: int, chunk: int = 250
) -> Iterator[tuple[int, list[Finding]]]:
    """Yield how many inputs were tried, and what was found, a chunk at a time."""
    chunks = [
        (name, range(start, min(start + chunk, numbers.stop)))
        for start in range(numbers.start, numbers.stop, chunk)
        for name in names
    ]
    context = multiprocessing.get_context("fork")
    while chunks:
        with ProcessPoolExecutor(jobs, mp_context=context) as pool:
            waiting = {pool.submit(some, name, seed, part): (name, part) for name, part in chunks}
            chunks = []
            for future, (name, part) in waiting.items():
                try:
                    yield len(part), future.result()
                except BrokenProcessPool:  # a process died of an input: look for it, one at a time
                    if len(part) == 1:
                        yield 1, [Finding("exception", name, part.start, "the process died", "")]
                    else:
                        half = part.start + len(part) // 2
                        chunks += [(name, range(part.start, half)), (name, range(half, part.stop))]


def main() -> int:
    """Do what the arguments say; 0 if nothing was found."""
    parser = argparse.ArgumentParser(description="Mutate sources of every format, convert them, and tell what broke.")
    parser.add_argument("--inputs", type=int, default=1000, help="of each format")
    parser.add_argument("--formats", default=",".join(READ))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    parser.add_argument("--only", type=int, help="one input, with its traceback")
    parser.add_argument("--keep", type=Path, help="folder for the input of --only")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    names = given.formats.split(",")
    numbers = range(given.first, given.first + given.inputs)
    if given.only is not None:
        numbers = range(given.only, given.only + 1)
        if given.keep:
            source, options, named, wanted = drawn(names[0], given.seed, given.only)
            given.keep.mkdir(parents=True, exist_ok=True)
            print(laid(source, given.keep), options, named, wanted)
    for name in names:
        seeds(name)  # once, before processes are copied
    begin, count = time.perf_counter(), 0
    kinds: Counter[tuple[str, str, str]] = Counter()
    for tried_, findings in fuzzed(names, given.seed, numbers, 1 if given.only is not None else given.jobs):
        count += tried_
        for one in findings:
            key = (one.kind, one.format, one.where.partition("; ")[2] or one.where)
            kinds[key] += 1
            if kinds[key] == 1:
                print(
                    f"{one.kind}: {one.format} --only {one.number}: {one.where}\n{one.text[-900:].rstrip()}", flush=True
                )
    seconds = time.perf_counter() - begin
    print(f"{count} inputs in {seconds:.0f} s, {sum(kinds.values())} findings of {len(kinds)} kinds, seed {given.seed}")
    for (kind, format_, where), number in kinds.most_common():
        print(f"{number:6} {kind} {format_} {where}")
    return int(bool(kinds))


if __name__ == "__main__":
    sys.exit(main())
