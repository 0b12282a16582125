"""A cluster of many workers that are threads: they take as long as jobs do, die, hang, and come back as two.

Real are the plan, the driver, the journal, and the tasks: sources are read, converted or merged, and published. Made up
are the time a job takes, drawn by its number, and what goes wrong, drawn by its number and how often it was tried.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from random import Random
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests" / "bench"))

from generate_cvat import Plan, generate, manifest_path, parse_mix  # noqa: E402

from encord_convert import batch  # noqa: E402
from encord_convert.batch import targets  # noqa: E402
from encord_convert.batch.tasks import Outcome, Task, unpacked  # noqa: E402

Function = Callable[[Task], list[Outcome]]

FAULTS = {"dies": 0.06, "raises": 0.03, "hangs": 0.03, "slow": 0.03, "lost": 0.06}
"""Shares of tasks: the worker dies, at any step of the work; the engine fails; the task is ended for taking too long;
it takes fifty times as long; the scheduler takes the worker for dead and gives its task to another, and both do it.
"""
SLOW = 50


class Died(BaseException):
    """A worker is gone: nothing of ours catches this, as nothing catches SIGKILL."""


class KilledWorker(Exception):
    """What the scheduler says of a task that cost a worker."""


_life = threading.local()
"""Of this thread: at how many more steps of publishing the worker is alive."""


@contextmanager
def mortal_workers() -> Iterator[None]:
    """Let workers die between two targets of a task: files of some have their names then, those of others have not."""
    kinds = (targets.StagedTarget, targets.SentTarget)
    before = [kind.publish for kind in kinds]
    for kind, publish in zip(kinds, before, strict=True):
        kind.publish = _until_death(publish)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for kind, publish in zip(kinds, before, strict=True):
            kind.publish = publish  # type: ignore[method-assign]


def _until_death(publish: Callable[[Any], None]) -> Callable[[Any], None]:
    def published(target: Any) -> None:
        left = getattr(_life, "left", None)
        if left is not None:
            if left == 0:
                raise Died
            _life.left = left - 1
        publish(target)

    return published


def seconds_of(number: int, median_s: float) -> float:
    """Return how long a job takes: as real ones, most take about the median, and one of a hundred ten times as long."""
    return median_s * Random(f"time {number}").lognormvariate(0, 1)


@dataclass
class _Call:
    function: Function
    task: Task
    future: Future[list[Outcome]]
    fate: str
    random: Random


class Cluster:
    """An engine of so many threads; use it within :func:`mortal_workers`.

    Parameters
    ----------
    workers : int
    faults : dict of str to float
        How likely each of :data:`FAULTS` is for a task.
    median_s : float
        How long a job takes.
    seed : int
    """

    def __init__(self, workers: int, faults: dict[str, float], *, median_s: float, seed: int) -> None:
        self.met: Counter[str] = Counter()
        self._faults = faults
        self._median_s = median_s
        self._seed = seed
        self._tries: Counter[int] = Counter()
        self._calls: SimpleQueue[_Call | None] = SimpleQueue()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(workers)]
        for thread in self._threads:
            thread.start()

    def submit(self, function: Function, /, task: Task) -> Future[list[Outcome]]:
        """Give a task to whichever worker is free."""
        first = task.items[0].number
        self._tries[first] += 1
        random = Random(f"{self._seed} {first} {self._tries[first]}")
        fate = random.choices([*self._faults, ""], [*self._faults.values(), 1 - sum(self._faults.values())])[0]
        self.met[fate] += 1
        call = _Call(function, task, Future(), fate, random)
        self._calls.put(call)
        return call.future

    def close(self) -> None:
        """End the workers, those too that do what nobody waits for any more."""
        for _ in self._threads:
            self._calls.put(None)
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        while (call := self._calls.get()) is not None:
            try:
                outcomes = self._done(call)
            except (Died, Exception) as error:
                self._answer(call.future, KilledWorker("gone") if isinstance(error, Died) else error)
            else:
                self._answer(call.future, outcomes)

    def _done(self, call: _Call) -> list[Outcome]:
        fate, call.fate = call.fate, ""
        seconds = sum(seconds_of(item.number, self._median_s) for item in call.task.items)
        if fate == "raises":
            raise OSError("the connection was closed")
        if fate == "hangs":
            raise TimeoutError
        if fate == "lost":
            self._calls.put(call)
        time.sleep(seconds * (SLOW if fate == "slow" else 1))
        if fate != "dies":
            return call.function(call.task)
        _life.left = call.random.randrange(len(call.task.items) + 1)
        try:
            call.function(call.task)
        finally:
            del _life.left
        raise Died  # all is published, and nobody was told

    def _answer(self, future: Future[list[Outcome]], answer: list[Outcome] | BaseException) -> None:
        with self._lock:
            if future.done():
                self.met["told twice"] += 1
                return
        try:
            if isinstance(answer, BaseException):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        except InvalidStateError:
            self.met["told twice"] += 1


def leftovers(out: Path) -> list[str]:
    """Return what a batch keeps beside its outputs, but for the journal."""
    return [path.name for path in out.iterdir() if path.name.startswith(".") and "sqlite3" not in path.name]


# -- a batch on it ----------------------------------------------------------------------------------------------------


def make(folder: Path, jobs: int) -> Path:
    """Make the sources of so many jobs, and return their manifest: every tenth job merges three, and some are damaged.

    Each image has a name of its own, by which it is found again.
    """
    entries: list[dict[str, Any]] = []
    count = 0
    for number in range(jobs):
        names = []
        for _ in range(3 if number % 10 == 9 else 1):
            names.append(f"in/task_{count:05d}.xml")
            path = folder / names[-1]
            generate(Plan(1 + number % 2, 3, parse_mix("box=1,polygon=1"), 0.1, count), path)
            manifest_path(path).unlink()
            text = path.read_text().replace('name="frame_', f'name="{count:05d}_')
            path.write_text(text[: len(text) * 2 // 3] if number % 50 == 5 else text)
            count += 1
        entries.append({"source": names, "merge": len(names) > 1, "target": f"job_{number:05d}"})
    manifest = folder / "manifest.json"
    manifest.write_text(json.dumps({"to": "coco", "jobs": entries}))
    return manifest


def run(
    manifest: Path,
    out: Path,
    workers: int,
    *,
    faults: dict[str, float],
    median_s: float,
    seed: int,
    kill_after: int = 0,
) -> batch.Result:
    """Do what is left of a batch; after ``kill_after`` jobs, if any, this process is killed."""
    ended = 0

    def watch(event: dict[str, Any]) -> None:
        nonlocal ended
        ended += event["event"] == "job" and event["status"] == "done"
        if kill_after and ended >= kill_after:
            os.kill(os.getpid(), signal.SIGKILL)

    cluster = Cluster(workers, faults, median_s=median_s, seed=seed)
    with mortal_workers():
        try:
            plan = batch.plan(manifest=manifest, out=out)
            return batch.run(plan, executor=cluster, jobs=workers, resume=True, watch=watch)
        finally:
            cluster.close()
            print(dict(cluster.met), file=sys.stderr)


def killed(manifest: Path, out: Path, workers: int, *, median_s: float, seed: int, kill_after: int) -> None:
    """Do the same in a process that is killed, as often as the batch was, by its own hand."""
    words = [sys.executable, __file__, manifest, out, workers, median_s, seed, kill_after]
    done = subprocess.run(list(map(str, words)), env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False)
    assert done.returncode == -signal.SIGKILL, "it was to be killed before its end"


def told(result: batch.Result) -> dict[str, Any]:
    """Return what a batch says of each job, and of all, but for where it was written, and when."""
    jobs = {}
    for job, outcome in result.outcomes():
        report = {key: value for key, value in unpacked(outcome.report).items() if key != "target"}
        sizes = [stamp[:2] for stamp in outcome.stamps]
        jobs[job.sources] = (outcome.status, outcome.sha256, outcome.annotations, sizes, outcome.error, report)
    return {"jobs": jobs, "total": batch.account(result)}


def images_in(out: Path) -> Counter[str]:
    """Return how often each image is in what was written."""
    files = (json.loads(path.read_bytes()) for path in out.rglob("*.json"))
    return Counter(image["file_name"] for file in files for image in file["images"])


if __name__ == "__main__":
    _, where, target, many, median, chance, last = sys.argv
    run(
        Path(where), Path(target), int(many), faults=FAULTS, median_s=float(median), seed=int(chance),
        kill_after=int(last),
    )  # fmt: skip
