"""CPU seconds and memory of `stats`, next to those of `info`, on one large CVAT file.

    python tests/bench/stats_speed.py [--images 100000] [--rounds 1]

Goals: at most twice the time of `info`, and 150 MB however large the file is.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from _measure import Run, median_of, run
from generate_cvat import DEFAULT_MIX, Plan, generate, parse_mix

ROOT = Path(__file__).parents[2]


def measured(command: str, file: Path, folder: Path) -> Run:
    words = [sys.executable, "-m", "encord_convert", command, file]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = run(words, stdout=folder / "out", stderr=folder / "err", env=env)
    assert done.code == 0, (folder / "err").read_text()
    return done


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        file = folder / "annotations.xml"
        generate(Plan(options.images, 10, parse_mix(DEFAULT_MIX), 0.1, 1), file)
        found = {
            command: median_of([measured(command, file, folder) for _ in range(options.rounds)])
            for command in ("info", "stats")
        }
    for command, one in found.items():
        print(f"{command:<6} {one.cpu_s:6.1f} s  {one.peak_mb:5.0f} MB")
    ratio = found["stats"].cpu_s / found["info"].cpu_s
    print(f"stats takes {ratio:.2f} of the time of info")
    return int(ratio > 2 or found["stats"].peak_mb > 150)


if __name__ == "__main__":
    sys.exit(main())
