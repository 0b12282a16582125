"""The batch itself: hands tasks to an engine, takes outcomes, writes the journal."""

from __future__ import annotations

import contextlib
import os
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor, Executor, Future
from dataclasses import replace
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import TYPE_CHECKING, Any

from encord_convert.batch.engines import (
    MEMORY_LIMIT_MB,
    TIME_LIMIT_S,
    Engine,
    Workers,
    check_engine,
    engine_named,
    own_processors,
)
from encord_convert.batch.events import Watch, told
from encord_convert.batch.locations import is_remote, local, opened
from encord_convert.batch.plan import Job, Plan
from encord_convert.batch.tasks import Item, Outcome, Task, perform
from encord_convert.conversion import exporter_of, importer_of
from encord_convert.errors import BatchError, ConvertError, WriteError
from encord_convert.formats._files import join_within
from encord_convert.formats._registry import detect, format_named
from encord_convert.locks import Room

if TYPE_CHECKING:
    from encord_convert.batch.journal import Journal

TASK_S = 0.5
"""How much work a task should at least be: a fsync takes 10 ms."""
_HANDED_OVER_S = 0.004
"""What dask takes of this process to hand a task over, its scheduler included."""
_BUSY = 0.25
"""How much of the time this process may be at that: with many workers, tasks are longer."""
_FIRST_BYTES_PER_S = 8e6
_JOB_S = 0.01
_UNKNOWN_BYTES = 4 << 20
_LEAST_SPLIT_BYTES = 32 << 20
"""Smallest source that is worth several processes."""
_TICK_S = 0.5


class Result:
    """What became of a batch. Close it, or use it as a context manager: it holds the journal open.

    Attributes
    ----------
    plan : Plan
    done, unchanged : int
        Jobs that were done, and those that an earlier run had done.
    finished, failed : set of int
        Numbers of jobs in the plan.
    """

    def __init__(self, plan: Plan, journal: Journal) -> None:
        self.plan = plan
        self.done = self.unchanged = 0
        self.failed: set[int] = set()
        self.finished: set[int] = set()
        self.journal = journal

    @property
    def left_out(self) -> int:
        """Return how many jobs were not started."""
        return len(self.plan.jobs) - len(self.finished)

    @property
    def failures(self) -> list[tuple[str, Exception]]:
        """Return the jobs that failed and why, in the order of the plan."""
        return [(job.name, ConvertError(one.error)) for job, one in self.outcomes() if one.status == "failed"]

    def outcomes(self) -> Iterator[tuple[Job, Outcome]]:
        """Yield every job that is finished, and what became of it, in the order of the plan."""
        for number in sorted(self.finished):
            outcome = self.journal.outcome(self.plan.jobs[number], number)
            if outcome is not None:
                yield self.plan.jobs[number], outcome

    def check(self) -> None:
        """Raise if jobs failed.

        Raises
        ------
        BatchError
            Names them all.
        """
        if not self.failed:
            return
        failures = self.failures
        lines = "".join(f"\n  {_named(name, str(error))}" for name, error in failures)
        rest = f", {self.left_out} not started" if self.left_out else ""
        raise BatchError(f"{len(failures)} of {len(self.plan.jobs)} jobs failed{rest}:{lines}", failures)

    def close(self) -> None:
        """Close the journal."""
        self.journal.close()

    def __enter__(self) -> Result:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def _named(name: str, sentence: str) -> str:
    return sentence if name in sentence else f"{name}: {sentence}"


def run(
    plan: Plan,
    *,
    engine: str = "local",
    executor: Executor | Engine | None = None,
    jobs: int | None = None,
    resume: bool = False,
    keep_going: bool = True,
    dry_run: bool = False,
    journal: str | None = None,
    memory_limit_mb: int = MEMORY_LIMIT_MB,
    time_limit_s: float = TIME_LIMIT_S,
    watch: Watch | None = None,
) -> Result:
    """Do the jobs of a plan.

    Parameters
    ----------
    plan : Plan
        From :func:`encord_convert.batch.plan`.
    engine : str
        ``local``, ``serial``, ``dask`` or the address of a dask scheduler.
    executor : concurrent.futures.Executor, optional
        In place of ``engine``. It has to see the same files, where paths are not URIs.
    jobs : int, optional
        Workers; by default one for each processor.
    resume : bool
        Leave out what the journal calls done, if source, options and what was written are as they were.
    keep_going : bool
        Do the others when a job fails; else start no more.
    dry_run : bool
        Write nothing; the accounts are what writing would give.
    journal : str, optional
        By default ``.encord-convert.sqlite3`` in the output or, if that is remote, in the user's state folder.
    memory_limit_mb : int
        Of each worker of ``local``, in MB of 2**20 bytes.
    time_limit_s : float
        For each job of ``local``.
    watch : callable, optional
        Called with each event, a dict; see :mod:`encord_convert.batch.events`.

    Raises
    ------
    ReadError, WriteError
        Of the journal or the output folder. What jobs fail of is in the result.
    """
    from encord_convert.batch.journal import Journal, journal_path  # workers load this module, and need no database

    if executor is None:
        check_engine(engine)
    if not is_remote(plan.out) and Path(local(plan.out)).is_file():
        raise WriteError(f"{plan.out}: is a file, and the output is a folder. Name another --out.")
    count = jobs or own_processors()
    kept = Journal(":memory:" if dry_run else journal or journal_path(plan.out), resume=resume and not dry_run)
    result = Result(plan, kept)
    try:
        with contextlib.ExitStack() as stack:
            staging = None if dry_run or is_remote(plan.out) else stack.enter_context(_staging(local(plan.out)))
            if executor is not None:
                chosen: tuple[Engine, int] = executor, count
            else:
                named = engine_named(engine, count, memory_limit_mb=memory_limit_mb, time_limit_s=time_limit_s)
                chosen = stack.enter_context(named)
            _Batch(result, *chosen, staging, dry_run, keep_going, watch or _unwatched).go()
    except BaseException:
        kept.close()
        raise
    return result


def _cut_format(job: Job) -> str | None:
    """Return the format of a source that several processes can convert together, None if they cannot.

    It is asked here, so that a worker, which is to stay small, need not load every format to ask.
    """
    is_whole = job.is_merged or job.mapping is not None  # neither set has shards
    if is_whole or is_remote(job.sources[0]) or exporter_of(format_named(job.to)).write_sharded is None:
        return None
    try:
        with opened(local(job.sources[0]), job.name) as source:
            format_ = detect(source) if job.from_ is None else format_named(job.from_)
    except ConvertError:  # for the worker to complain about
        return None
    return format_.name if importer_of(format_).cuts else None


def _unwatched(event: dict[str, Any]) -> None:
    pass


@contextlib.contextmanager
def _staging(out: str) -> Iterator[str]:
    """Give a folder for what is being written, on the file system of the output; what killed runs left goes."""
    folder = Path(out, ".encord-convert.partial").absolute()
    try:
        room = _room_in(folder)
    except OSError as error:
        raise WriteError(f"{out}: cannot be written ({error.strerror}).") from error
    try:
        yield str(room.path)
    finally:
        room.remove()
        with contextlib.suppress(OSError):  # another batch is at work in it
            folder.rmdir()


def _room_in(folder: Path) -> Room:
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            return Room(folder, "")
        except FileNotFoundError:  # a batch that ended removed the folder
            continue


def _size_below(folder: str) -> int:
    """Return the bytes of all files below a folder; files may go while it looks."""
    size = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                size += os.lstat(os.path.join(base, name)).st_size
    return size


class _Batch:
    """One run: what waits, what is under way, what came back."""

    def __init__(
        self,
        result: Result,
        engine: Engine,
        width: int,
        staging: str | None,
        is_dry: bool,
        keep_going: bool,
        watch: Watch,
    ) -> None:
        self._result = result
        self._journal = result.journal
        self._jobs = result.plan.jobs
        self._engine = engine
        self._width = width
        self._keep_going = keep_going
        self._watch = watch
        self._blank = Task([], os.getcwd(), staging, is_dry, keep_going)
        self._task_s = max(TASK_S, width * _HANDED_OVER_S / _BUSY)
        self._bytes_per_s = _FIRST_BYTES_PER_S
        self._waiting = deque(Item(number, job, self._journal.known(job)) for number, job in enumerate(self._jobs))
        self._again: deque[Task] = deque()
        self._tries: dict[int, int] = {}
        self._running: dict[Future[list[Outcome]], Task] = {}
        self._ended: SimpleQueue[Future[list[Outcome]]] = SimpleQueue()
        self._begin = time.perf_counter()

    def go(self) -> None:
        """Do everything."""
        self._watch({"event": "start", "jobs": len(self._jobs), "bytes": sum(job.size_bytes for job in self._jobs)})
        self._split_big()
        while self._running or self._has_more():
            while self._has_more() and len(self._running) < 2 * self._width:
                self._submit(self._again.popleft() if self._again else self._next())
            self._take_ended()
        result = self._result
        self._watch(
            {
                "event": "end", "done": result.done, "unchanged": result.unchanged, "failed": len(result.failed),
                "left_out": result.left_out, "seconds": round(time.perf_counter() - self._begin, 3),
            }
        )  # fmt: skip

    def _has_more(self) -> bool:
        is_stopped = self._result.failed and not self._keep_going
        return not is_stopped and bool(self._again or self._waiting)

    def _next(self) -> Task:
        """Return as many of the waiting jobs as make a task, and leave some for the other workers."""
        items: list[Item] = []
        seconds = 0.0
        most = 1 + len(self._waiting) // (2 * self._width)
        while self._waiting and len(items) < most and seconds < self._task_s:
            items.append(self._waiting.popleft())
            seconds += _JOB_S + (items[-1].job.size_bytes or _UNKNOWN_BYTES) / self._bytes_per_s
        return replace(self._blank, items=items)

    def _split_big(self) -> None:
        """Do first, and with all workers, a source so big that it would be done last by one alone."""
        if not isinstance(self._engine, Workers) or self._width < 2:
            return
        least = max(_LEAST_SPLIT_BYTES, sum(job.size_bytes for job in self._jobs) // self._width)
        for item in list(self._waiting):
            from_ = _cut_format(item.job) if item.job.size_bytes >= least else None
            if from_ is not None:
                self._waiting.remove(item)
                task = replace(self._blank, items=[replace(item, from_=from_)], processes=self._width)
                future = self._engine.alone(perform, task)
                try:
                    self._begin_waiting(future, task)
                    self._take_ended()
                finally:
                    future.cancel()

    def _submit(self, task: Task) -> None:
        try:
            self._begin_waiting(self._engine.submit(perform, task), task)
        except BrokenExecutor as error:
            self._lose(task, f"the executor is broken ({error})")

    def _begin_waiting(self, future: Future[list[Outcome]], task: Task) -> None:
        self._running[future] = task
        future.add_done_callback(self._ended.put)

    def _take_ended(self) -> None:
        """Wait for any task at work to end, say meanwhile how much was written, and take what has ended.

        They come through a queue: to ask hundreds of futures each time which of them is done takes a millisecond.
        """
        while True:
            try:
                ended = self._ended.get(timeout=_TICK_S)
                break
            except Empty:
                if self._blank.staging is not None:
                    self._watch({"event": "bytes", "written": _size_below(self._blank.staging)})
        self._take(self._running.pop(ended), ended)

    def _take(self, task: Task, future: Future[list[Outcome]]) -> None:
        try:
            outcomes = future.result()
        except TimeoutError:
            self._retry(task, "took longer than a job may; see --time-limit", tries=1)
        except ConvertError as error:
            self._keep([Outcome(i.number, "failed", error=error.sentence) for i in task.items])
        except Exception as error:
            # Tasks tell what jobs fail of; what is raised here is the engine's, each its own: a worker is gone.
            code = getattr(error, "exitcode", None)
            how = f"exit code {code}" if code else f"{type(error).__name__}: {error}"
            self._retry(task, f"killed the worker that was at it ({how}); memory may have run out", tries=2)
        else:
            self._keep(outcomes)

    def _retry(self, task: Task, fact: str, *, tries: int) -> None:
        """Do the jobs of a lost task again, each alone; a job that loses as many workers as ``tries`` has failed."""
        if len(task.items) > 1:
            self._again += [replace(task, items=[item]) for item in task.items]
            return
        number = task.items[0].number
        self._tries[number] = self._tries.get(number, 0) + 1
        if self._tries[number] >= tries:
            self._lose(task, fact)
        else:
            self._again.append(replace(task, processes=1))

    def _lose(self, task: Task, fact: str) -> None:
        self._keep([Outcome(i.number, "failed", error=f"{i.job.name}: {fact}.") for i in task.items])

    def _keep(self, outcomes: list[Outcome]) -> None:
        """Write outcomes to the journal, remove files an earlier way of converting had written, and tell."""
        result = self._result
        changed = [(self._jobs[one.number], one) for one in outcomes if one.status != "unchanged"]
        for job, name in self._journal.record(changed):
            if not is_remote(job.target) and not self._blank.is_dry:
                with contextlib.suppress(ValueError, OSError):  # it leads out through a link, or is gone
                    join_within(Path(local(job.target)), name).unlink()
        for one in outcomes:
            job = self._jobs[one.number]
            kept = self._journal.outcome(job, one.number) if one.status == "unchanged" else one
            assert kept is not None
            result.finished.add(one.number)
            if kept.status == "failed":
                result.failed.add(one.number)
            elif one.status == "unchanged":
                result.unchanged += 1
            else:
                result.done += 1
            self._watch(told(job, kept, is_unchanged=one.status == "unchanged"))
        busy = sum(one.seconds for _, one in changed)
        if busy > 0.1:
            self._bytes_per_s += 0.3 * (sum(one.size_bytes for _, one in changed) / busy - self._bytes_per_s)
            self._bytes_per_s = max(self._bytes_per_s, 1e4)
