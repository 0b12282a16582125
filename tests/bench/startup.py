"""Measure how soon the command line answers and how much importing the model loads.

    python tests/bench/startup.py
    python tests/bench/startup.py --why

Exits with 1 if the help takes longer than the goal, or if something heavy is loaded.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from _measure import median_of, run

ROOT = Path(__file__).parents[2]
HEAVY = ("requests", "urllib3", "sqlite3", "sqlalchemy", "lxml")
"""HTTP, SQL and XML libraries: not to be loaded by the help or by the model."""
GOAL_S = 0.15
SHOWN = 15
"""Modules shown by ``--why``."""


@dataclass(frozen=True)
class Start:
    """A way to start: what to measure, and the same as a statement after which the loaded modules are listed."""

    name: str
    arguments: tuple[str, ...]
    statement: str
    goal_s: float | None = None


SMALL = ROOT / "fixtures/cvat/images-task-minimal/train.xml"

STARTS = (
    Start("python -c pass", ("-c", "pass"), "pass"),
    Start(
        "encord-convert --help",
        ("-m", "encord_convert", "--help"),
        "from encord_convert.cli import run; run(['--help'])",
        GOAL_S,
    ),
    Start(
        "import encord_convert.sdk.objects",
        ("-c", "import encord_convert.sdk.objects"),
        "import encord_convert.sdk.objects",
        GOAL_S,
    ),
    Start(
        "convert a small CVAT file to COCO",
        ("-m", "encord_convert", "convert", str(SMALL), os.devnull, "--to", "coco", "--quiet", "--dry-run"),
        "pass",
        GOAL_S,
    ),
)


def environment() -> dict[str, str]:
    """Return an environment in which this checkout is the one that is imported."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def measured(start: Start, repeats: int, scratch: Path) -> bool:
    """Print how long a start takes; tell whether it is within its goal."""
    command = (sys.executable, *start.arguments)
    err = scratch / "err"
    runs = [run(command, stdout=scratch / "out", stderr=err, env=environment()) for _ in range(repeats)]
    took = median_of(runs)
    if took.code:
        print(f"{start.name:36} failed with {took.code}: {err.read_text().strip().rpartition(chr(10))[2]}")
        return False
    is_good = start.goal_s is None or took.wall_s <= start.goal_s
    goal = "" if start.goal_s is None else f"  goal {start.goal_s} s: {'met' if is_good else 'MISSED'}"
    print(f"{start.name:36} wall {took.wall_s:.3f} s  CPU {took.cpu_s:.3f} s{goal}")
    return is_good


def heavy_modules(start: Start) -> list[str]:
    """Return which heavy modules a start loads."""
    code = f"import sys; {start.statement}; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    return [name for name in HEAVY if name in loaded]


def costs(start: Start) -> list[tuple[int, str]]:
    """Return (own microseconds, module) of what a start imports, dearest first."""
    command = [sys.executable, "-X", "importtime", *start.arguments]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True)
    lines = [line.removeprefix("import time:").split("|") for line in done.stderr.splitlines() if "|" in line]
    return sorted(((int(own), name.strip()) for own, _, name in lines if own.strip().isdigit()), reverse=True)


def main() -> int:
    """Measure every start, and return 1 if one is not as good as it should be."""
    parser = argparse.ArgumentParser(description="Measure how soon the command line answers.")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--why", action="store_true", help="also show the modules that take the most time")
    given = parser.parse_args()
    is_good = True
    for start in STARTS:
        with tempfile.TemporaryDirectory() as scratch:
            runs_well = measured(start, given.repeats, Path(scratch))
        heavy = heavy_modules(start) if runs_well else []
        if heavy:
            print(f"{'':36} LOADED {', '.join(heavy)}")
        is_good = is_good and runs_well and not heavy
        for own, name in costs(start)[:SHOWN] if given.why and runs_well and start.goal_s else ():
            print(f"{'':36} {own / 1000:7.1f} ms  {name}")
    if is_good:
        print(f"loaded by none: {', '.join(HEAVY)}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
