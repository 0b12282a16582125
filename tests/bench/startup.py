"""Measure how soon the command line answers, how much importing the model loads, and what ten images take.

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
    """A way to start: what to measure, and the same as a statement after which the loaded modules are listed.

    ``{}`` in an argument stands for a folder of this start and its repetition, ``goal_s`` is of wall clock time.
    """

    name: str
    arguments: tuple[str, ...]
    statement: str = ""
    goal_s: float | None = None


STARTS = (
    Start("python -c pass", ("-c", "pass"), "pass"),
    Start("import numpy", ("-c", "import numpy"), "import numpy"),
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
)


def conversions(folder: Path) -> list[Start]:
    """Return conversions of ten images: numbers without a goal, since most of it is numpy."""
    boxes = "".join(
        f'<box label="car" occluded="0" xtl="{n}" ytl="2" xbr="{n + 30}" ybr="40" z_order="0"></box>' for n in range(5)
    )
    images = "".join(f'<image id="{n}" name="{n}.jpg" width="100" height="80">{boxes}</image>' for n in range(10))
    labels = "<labels><label><name>car</name><attributes></attributes></label></labels>"
    meta = f"<meta><task><id>1</id><name>t</name><size>10</size><mode>annotation</mode>{labels}</task></meta>"
    cvat = folder / "small.xml"
    cvat.write_text(f"<annotations><version>1.1</version>{meta}{images}</annotations>")
    for name in ("coco", "voc"):
        made = ("-m", "encord_convert", "convert", str(cvat), str(folder / name), "--to", name, "--quiet")
        subprocess.run([sys.executable, *made], env=environment(folder), check=True)
    return [
        Start(
            f"10 images, {source.upper()} to {target.upper()}",
            ("-m", "encord_convert", "convert", str(path), "{}/out", "--to", target, "--quiet"),
        )
        for source, path, target in (
            ("cvat", cvat, "coco"), ("coco", folder / "coco", "yolo"), ("voc", folder / "voc", "coco"),
        )
    ]  # fmt: skip


def environment(state: Path | None = None) -> dict[str, str]:
    """Return an environment in which this checkout is the one that is imported."""
    own = {"PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **own, **({} if state is None else {"XDG_STATE_HOME": str(state)})}


def command_of(start: Start, scratch: Path, number: int) -> list[str]:
    """Return the command of a repetition."""
    return [argument.replace("{}", str(scratch / str(number))) for argument in start.arguments]


def measured(start: Start, repeats: int, scratch: Path) -> bool:
    """Print how long a start takes; tell whether it is within its goal."""
    err, env = scratch / "err", environment(scratch)
    commands = [[sys.executable, *command_of(start, scratch, number)] for number in range(repeats)]
    runs = [run(command, stdout=scratch / "out", stderr=err, env=env) for command in commands]
    took = median_of(runs)
    if took.code:
        print(f"{start.name:36} failed with {took.code}: {err.read_text().strip().rpartition(chr(10))[2]}")
        return False
    is_good = start.goal_s is None or took.wall_s <= start.goal_s
    goal = "" if start.goal_s is None else f"  goal {start.goal_s} s: {'met' if is_good else 'MISSED'}"
    print(f"{start.name:36} wall {took.wall_s:.3f} s  CPU {took.cpu_s:.3f} s{goal}")
    return is_good


def heavy_modules(start: Start) -> list[str]:
    """Return which heavy modules a start loads that should load none."""
    if not start.statement:
        return []
    code = f"import sys; {start.statement}; print(*sys.modules, file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stderr.split()}
    return [name for name in HEAVY if name in loaded]


def costs(start: Start, scratch: Path) -> list[tuple[int, str]]:
    """Return (own microseconds, module) of what a start imports, dearest first."""
    command = [sys.executable, "-X", "importtime", *command_of(start, scratch, -1)]
    done = subprocess.run(command, env=environment(scratch), capture_output=True, text=True, check=True)
    lines = [line.removeprefix("import time:").split("|") for line in done.stderr.splitlines() if "|" in line]
    return sorted(((int(own), name.strip()) for own, _, name in lines if own.strip().isdigit()), reverse=True)


def main() -> int:
    """Measure every start, and return 1 if one is not as good as it should be."""
    parser = argparse.ArgumentParser(description="Measure how soon the command line answers.")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--why", action="store_true", help="also show the modules that take the most time")
    given = parser.parse_args()
    is_good = True
    with tempfile.TemporaryDirectory() as folder:
        for number, start in enumerate([*STARTS, *conversions(Path(folder))]):
            scratch = Path(folder, f"start-{number}")
            scratch.mkdir()
            runs_well = measured(start, given.repeats, scratch)
            heavy = heavy_modules(start) if runs_well else []
            if heavy:
                print(f"{'':36} LOADED {', '.join(heavy)}")
            is_good = is_good and runs_well and not heavy
            for own, name in costs(start, scratch)[:SHOWN] if given.why and runs_well and number > 1 else ():
                print(f"{'':36} {own / 1000:7.1f} ms  {name}")
    if is_good:
        print(f"loaded by none: {', '.join(HEAVY)}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
