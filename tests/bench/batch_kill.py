"""Kill a batch at random points, resume it, and compare every byte with a batch that ran unbroken.

    python tests/bench/batch_kill.py --exports 1000 --damaged 20 --kills 20

Every other kill is of the command, the rest of one of its workers, after which the command goes on for a while.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "batch"))

from exports import digest, exports  # noqa: E402


def command(folder: Path, out: Path, *words: str) -> list[str]:
    """Return the command line of the batch."""
    words = ("batch", str(folder / "*"), "--to", "coco", "--out", str(out), "--jobs", "2", *words)
    return [sys.executable, "-m", "encord_convert", *words]


def children(pid: int) -> list[int]:
    """Return the processes below one, by the kernel's account."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text().split():
            found += [int(child), *children(int(child))]
    return found


def workers(pid: int) -> list[int]:
    """Return those processes below one that have none below them and are no trackers of the standard library."""
    below = children(pid)
    return [
        one
        for one in below
        if not children(one) and b"resource_tracker" not in Path(f"/proc/{one}/cmdline").read_bytes()
    ]


def run(words: list[str]) -> tuple[int, dict[str, object], float]:
    """Run a batch to its end; return its exit code, its last event and the seconds it took."""
    begin = time.perf_counter()
    done = subprocess.run([*words, "--events", "-"], capture_output=True, text=True, env=environment(), check=False)
    return done.returncode, json.loads(done.stdout.splitlines()[-1]), time.perf_counter() - begin


def environment() -> dict[str, str]:
    """Return the environment of the command."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def kill_midway(words: list[str], seconds: float, *, is_worker: bool) -> bool:
    """Start a batch, kill it after some seconds, or first a worker of it; tell if there was one to kill."""
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment())
    time.sleep(seconds)
    try:
        victims = workers(process.pid) if is_worker else [process.pid]
        victim = random.choice(victims)
        was_there = process.poll() is None
        os.kill(victim, signal.SIGKILL)
        if is_worker:
            time.sleep(seconds / 4)  # the command goes on without it
            process.kill()
    except (OSError, IndexError):
        was_there = False
    process.wait()
    return was_there


def main() -> int:
    """Do what the arguments say; 0 if everything is equal."""
    parser = argparse.ArgumentParser(description="Kill a batch at random points and resume it.")
    parser.add_argument("--exports", type=int, default=1000)
    parser.add_argument("--damaged", type=int, default=20)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    random.seed(given.seed)
    with tempfile.TemporaryDirectory(prefix="batch-kill-") as scratch:
        sources, whole, broken = Path(scratch, "in"), Path(scratch, "whole"), Path(scratch, "broken")
        exports(sources, given.exports, given.damaged)
        code, end, unbroken_s = run(command(sources, whole))
        print(f"unbroken: exit {code}, {end}, {unbroken_s:.1f} s", flush=True)
        good = code == (1 if given.damaged else 0) and end["failed"] == given.damaged
        code, end, seconds = run(command(sources, whole, "--resume"))
        print(f"resumed: exit {code}, {end}, {seconds:.1f} s", flush=True)
        good &= end["done"] == 0
        hits = missed = 0
        while hits < given.kills:
            after = 0.5 + random.random() * unbroken_s / 8
            if kill_midway(command(sources, broken, "--resume"), after, is_worker=hits % 2 == 1):
                hits += 1
            else:  # nobody was left to kill: all is done
                missed += 1
                shutil.rmtree(broken, ignore_errors=True)
        code, end, seconds = run(command(sources, broken, "--resume"))
        print(
            f"after {hits} kills, {missed} batches that ended before theirs: exit {code}, {end}, {seconds:.1f} s",
            flush=True,
        )
        is_equal = digest(whole) == digest(broken)
        print("equal, byte for byte" if is_equal else "NOT equal")
        rest = [path.name for path in broken.iterdir() if path.name.startswith(".") and path.suffix != ".sqlite3"]
        print(f"left over: {rest or 'nothing'}")
        return 0 if good and is_equal and not rest else 1


if __name__ == "__main__":
    raise SystemExit(main())
