"""Measure what memory each process of a batch takes, and whether it grows with the size of the sources.

    python tests/bench/batch_memory.py a.xml b.json --to coco
    python tests/bench/batch_memory.py --megabytes 100 1000

The second makes one CVAT file of each size, and one COCO file of that, and converts both. Printed is the largest
resident set of the command, of its workers, and of a worker alone the part that is its own (not shared, not a file), in
MB of 1,000,000 bytes.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from batch_kill import ROOT, children, environment
from generate_cvat import Plan, generate, parse_mix

POLL_S = 0.02
_BYTES_PER_IMAGE = 3224
"""Of ten boxes and polygons, as they are generated here."""


@dataclass
class Peaks:
    """Largest memory seen, in MB."""

    command: float = 0
    worker: float = 0
    worker_own: float = 0
    wall_s: float = 0
    code: int = 0


def memory(pid: int) -> tuple[float, float]:
    """Return the largest resident set of a process so far, and its own memory now."""
    text = Path(f"/proc/{pid}/status").read_text()
    found = {name: int(kb) * 1.024e-3 for name, kb in re.findall(r"(VmHWM|RssAnon):\s*(\d+) kB", text)}
    return found.get("VmHWM", 0.0), found.get("RssAnon", 0.0)


def measured(words: list[str]) -> Peaks:
    """Run a command, and look at it and all below it until it ends."""
    peaks, begin = Peaks(), time.perf_counter()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment())
    while process.poll() is None:
        for pid in children(process.pid):
            try:
                most, own = memory(pid)
            except (OSError, ValueError):  # it has ended
                continue
            peaks.worker, peaks.worker_own = max(peaks.worker, most), max(peaks.worker_own, own)
        peaks.command = max(peaks.command, memory(process.pid)[0])
        time.sleep(POLL_S)
    peaks.code, peaks.wall_s = process.returncode, time.perf_counter() - begin
    return peaks


def main() -> int:
    """Do what the arguments say; 0 if every batch was done."""
    parser = argparse.ArgumentParser(description="Measure the memory of the processes of a batch.")
    parser.add_argument("sources", type=Path, nargs="*")
    parser.add_argument("--megabytes", type=int, nargs="*", default=[])
    parser.add_argument("--to", default="coco")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--copies", type=int, default=1, help="of each source, so that each is a job of one worker")
    parser.add_argument("--scratch", type=Path, help="folder of what is made")
    given = parser.parse_args()
    bad = 0
    with tempfile.TemporaryDirectory(prefix="batch-memory-", dir=given.scratch) as scratch:
        for source in [*given.sources, *(made(Path(scratch), one, kind) for one in given.megabytes for kind in KINDS)]:
            room = Path(scratch, "in")
            room.mkdir()
            for number in range(given.copies):
                os.symlink(source.absolute(), room / f"{source.stem}_{number}{source.suffix}")
            out = Path(scratch, "out")
            words = [sys.executable, "-m", "encord_convert", "batch", f"{room}/*", "--to", given.to, "--out", str(out)]
            peaks = measured([*words, "--jobs", str(given.jobs)])
            size = source.stat().st_size / 1e6
            print(
                f"{source.name} {size:.0f} MB x {given.copies} to {given.to}: exit {peaks.code}, {peaks.wall_s:.1f} s; "
                f"command {peaks.command:.0f} MB, worker {peaks.worker:.0f} MB, of its own {peaks.worker_own:.0f} MB",
                flush=True,
            )
            bad += peaks.code
            subprocess.run(["rm", "-rf", str(room), str(out)], check=True)
    return 1 if bad else 0


KINDS = (".xml", ".json")


def made(folder: Path, megabytes: int, suffix: str) -> Path:
    """Make a file of about a size, in CVAT or, from that, in COCO."""
    file = folder / f"{megabytes}mb{suffix}"
    if suffix == ".xml":
        generate(Plan(megabytes * 1_000_000 // _BYTES_PER_IMAGE, 10, parse_mix("box=1,polygon=1"), 0.0, 1), file)
    else:
        words = [sys.executable, "-m", "encord_convert", "convert", str(file.with_suffix(".xml")), str(file)]
        subprocess.run([*words, "--to", "coco"], env=environment(), check=True, capture_output=True, cwd=ROOT)
    return file


if __name__ == "__main__":
    raise SystemExit(main())
