"""Kill a batch at random points, resume it, and compare every byte with a batch that ran unbroken.

    python tests/bench/batch_kill.py --exports 1000 --damaged 20 --kills 20
    python tests/bench/batch_kill.py --store seaweedfs          # from and to a store: moto, seaweedfs, gcs, azure
    S3_ENDPOINT=http://127.0.0.1:9000 python tests/bench/batch_kill.py --store endpoint
    python tests/bench/batch_kill.py --dask                     # by address, two workers of which one is killed midway

With --both, as many rounds follow in which two batches of one output begin at almost the same time: one is refused.

Every other kill is of the command, the rest of one of its workers, after which the command goes on for a while. What is
compared with lies on this disk, written by local workers without a break.
"""

from __future__ import annotations

import argparse
import contextlib
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
sys.path.insert(0, str(ROOT))

from exports import digest, exports  # noqa: E402
from servers import STORES, dask_cluster, fetched, reached, store  # noqa: E402

from encord_convert.batch import locations as places  # noqa: E402


def command(folder: Path | str, out: Path | str, *words: str) -> list[str]:
    """Return the command line of the batch."""
    words = ("batch", f"{folder}/*", "--to", "coco", "--out", str(out), "--jobs", "2", *words)
    return [sys.executable, "-m", "encord_convert", *words]


def children(pid: int) -> list[int]:
    """Return the processes below one, by the kernel's account."""
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            text = path.read_text()
        except OSError:  # it ended meanwhile
            continue
        for child in text.split():
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


def run(words: list[str], victim: int | None = None, after: int = 0) -> tuple[int, dict[str, object], float]:
    """Run a batch to its end; return its exit code, its last event and the seconds it took.

    Once ``after`` jobs were finished, the process ``victim`` is killed.
    """
    begin = time.perf_counter()
    last, jobs = "", 0
    pipe = subprocess.PIPE
    with subprocess.Popen([*words, "--events", "-"], stdout=pipe, stderr=subprocess.DEVNULL, env=environment()) as done:
        assert done.stdout is not None
        for line in done.stdout:
            last = line.decode()
            jobs += '"job"' in last
            if victim is not None and jobs >= after:
                os.kill(victim, signal.SIGKILL)
                print(f"killed a worker of the cluster after {jobs} jobs", flush=True)
                victim = None
    return done.returncode, json.loads(last), time.perf_counter() - begin


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


def told(what: str, outcome: tuple[int, dict[str, object], float]) -> None:
    """Print how a batch ended."""
    code, end, seconds = outcome
    counts = ", ".join(f"{end[key]} {key}" for key in ("done", "unchanged", "failed"))
    print(f"{what}: {counts}; exit {code}, {seconds:.1f} s", flush=True)


class Trial:
    """A batch that is broken, and the one it is held against.

    Parameters
    ----------
    scratch : Path
    given
        The arguments of the command line.
    base : str, optional
        URI of a place in a store: sources and outputs lie there, and not on this disk.
    """

    def __init__(self, scratch: Path, given: argparse.Namespace, base: str | None) -> None:
        self.given, self.base, self.scratch = given, base, scratch
        self.here, self.whole = scratch / "in", scratch / "whole"
        self.broken: Path | str = f"{base}/out" if base else scratch / "broken"
        self.folder: Path | str = f"{base}/in" if base else self.here
        self.journal = scratch / "journal.sqlite3"
        self.is_good = True

    def words(self, *more: str) -> list[str]:
        """Return the command line of the batch that is broken."""
        return command(self.folder, self.broken, "--resume", "--journal", str(self.journal), *more)

    def claim(self, what: str, is_so: bool) -> None:
        """Print whether something is as it should be."""
        print(f"{'yes' if is_so else 'NO '}  {what}", flush=True)
        self.is_good &= is_so

    def unbroken(self) -> tuple[float, float]:
        """Make the exports, and convert them without a break.

        Returns
        -------
        float, float
            Seconds a batch takes that has nothing to do, and one that does everything.
        """
        count, damaged = self.given.exports, self.given.damaged
        broken = exports(self.here, count, damaged)
        outcome = run(command(self.here, self.whole))
        told("unbroken", outcome)
        code, end, seconds = outcome
        self.claim(f"{count - damaged} done, exit 1", (end["done"], code) == (count - damaged, 1 if damaged else 0))
        listed = subprocess.run(
            command(self.here, self.whole, "--resume"), capture_output=True, text=True, env=environment(), check=False
        )
        named = [path for path in broken if f"  {path}:" in listed.stderr]
        self.claim(f"{damaged} named at the end", len(named) == damaged == end["failed"])
        code, end, idle_s = outcome = run(command(self.here, self.whole, "--resume"))
        told("resumed", outcome)
        self.claim("nothing is done again", end["done"] == 0)
        if self.base:
            system, place = places.remote(f"{self.base}/in")
            system.put(str(self.here), place, recursive=True)
        return idle_s, seconds

    def kill(self, idle_s: float, unbroken_s: float) -> None:
        """Kill the batch as often as is asked for."""
        hits = missed = 0
        while hits < self.given.kills:
            after = 0.7 * idle_s + random.random() * unbroken_s / 8
            if kill_midway(self.words(), after, is_worker=hits % 2 == 1):
                hits += 1
            else:  # nobody was left to kill: all is done
                missed += 1
                self.clear()
        print(f"{hits} kills; {missed} batches ended before theirs and were begun again", flush=True)

    def meet(self, rounds: int, unbroken_s: float) -> None:
        """Begin two batches of one output at almost the same time, as often as is asked for."""
        passed = 0
        for _ in range(rounds):
            self.clear()
            both = []
            for _ in range(2):
                pipe = subprocess.PIPE
                both.append(subprocess.Popen(self.words(), stdout=pipe, stderr=pipe, text=True, env=environment()))
                time.sleep(random.random() * unbroken_s / 2)
            said = [one.communicate()[1] for one in both]
            codes = {one.returncode for one in both}
            is_refused = any("another batch is at work" in one for one in said)
            is_good = codes <= {0, 1, 5} and not any("Traceback" in one for one in said)
            same = digest(Path(self.broken)) == digest(self.whole)
            passed += is_good and same and (is_refused or 5 not in codes)
            if not (is_good and same):
                print(*said, codes, same, flush=True)
        self.claim(f"{passed} of {rounds} rounds of two at once passed", passed == rounds)

    def clear(self) -> None:
        """Remove what the batch has written."""
        self.journal.unlink(missing_ok=True)
        if self.base:
            system, place = places.remote(str(self.broken))
            if system.exists(place):
                system.rm(place, recursive=True)
        else:
            shutil.rmtree(self.broken, ignore_errors=True)

    def compare(self) -> None:
        """Hold the bytes of both batches against each other."""
        made = fetched(str(self.broken), self.scratch / "fetched") if self.base else digest(Path(self.broken))
        self.claim(f"{len(made)} files equal, byte for byte", made == digest(self.whole) and bool(made))
        if not self.base:
            rest = [path.name for path in Path(self.broken).iterdir() if path.name.startswith(".")]
            self.claim("nothing is left over", not rest)


def main() -> int:
    """Do what the arguments say; 0 if everything is equal."""
    parser = argparse.ArgumentParser(description="Kill a batch at random points and resume it.")
    parser.add_argument("--exports", type=int, default=1000)
    parser.add_argument("--damaged", type=int, default=20)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--both", type=int, default=0, help="rounds of two batches at once, on this disk")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", choices=STORES, help="from and to a place in such a store")
    parser.add_argument("--dask", action="store_true", help="with two dask workers, one of which is killed midway")
    given = parser.parse_args()
    random.seed(given.seed)
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="batch-kill-")))
        base = stack.enter_context(reached(stack.enter_context(store(given.store, scratch)))) if given.store else None
        trial = Trial(scratch, given, base)
        idle_s, unbroken_s = trial.unbroken()
        if given.dask:
            address, workers = stack.enter_context(dask_cluster(scratch))
            outcome = run(trial.words("--engine", address), workers[0], given.exports // 2)
        else:
            trial.kill(idle_s, unbroken_s)
            outcome = run(trial.words())
        told("resumed to the end", outcome)
        trial.claim(f"{given.damaged} failed, and no more", outcome[1]["failed"] == given.damaged)
        trial.compare()
        if given.both:
            trial.meet(given.both, unbroken_s)
    return 0 if trial.is_good else 1


if __name__ == "__main__":
    raise SystemExit(main())
