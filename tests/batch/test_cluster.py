"""Two hundred workers of which many die, a batch that is killed: what comes out is what one worker makes in peace."""

import contextlib
import itertools
import sqlite3
import threading
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import cluster
import pytest
from exports import digest

from encord_convert import batch
from encord_convert.batch.journal import Journal
from encord_convert.batch.plan import Job
from encord_convert.batch.tasks import Item, Outcome, Task, packed, perform

JOBS, WORKERS, MEDIAN_S = 150, 200, 0.02


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return cluster.make(tmp_path_factory.mktemp("cluster"), JOBS)


@pytest.fixture(scope="module")
def whole(manifest: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, str], dict[str, Any]]:
    """What one worker gives that nobody disturbs: the bytes, and what is told."""
    out = tmp_path_factory.mktemp("whole")
    with batch.run(batch.plan(manifest=manifest, out=out), engine="serial") as result:
        return digest(out), cluster.told(result)


def test_a_batch_that_is_killed_among_dying_workers_is_resumed_to_what_one_worker_makes(
    manifest: Path, whole: tuple[dict[str, str], dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for seed, kill_after in enumerate((1, 40, 25)):
        cluster.killed(manifest, out, WORKERS, median_s=MEDIAN_S, seed=seed, kill_after=kill_after)
    cluster.run(manifest, out, WORKERS, faults=cluster.FAULTS, median_s=MEDIAN_S, seed=9).close()
    with cluster.run(manifest, out, WORKERS, faults={}, median_s=0, seed=0) as result:
        told = cluster.told(result)
    assert digest(out) == whole[0]
    assert told == whole[1]
    assert set(cluster.images_in(out).values()) == {1}
    assert cluster.leftovers(out) == []
    rows = Counter(sqlite3.connect(out / ".encord-convert.sqlite3").execute("SELECT target, status FROM jobs"))
    assert sorted(Counter(target for target, _ in rows).values()) == [1] * JOBS


def test_two_workers_that_publish_one_job_at_the_same_moment_are_both_right(
    manifest: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A scheduler that takes a worker for dead gives its task to another, while the first goes on."""
    meet = threading.Barrier(2, timeout=30)
    chmod = Path.chmod

    def met(path: Path, mode: int) -> None:  # the last step before an output that is not there yet gets its name
        meet.wait()
        chmod(path, mode)

    monkeypatch.setattr(Path, "chmod", met)
    (tmp_path / "staging").mkdir()
    job = Job((str(manifest.parent / "in" / "task_00000.xml"),), str(tmp_path / "out"), "coco")
    task = Task([Item(0, job)], ".", str(tmp_path / "staging"))
    with ThreadPoolExecutor(2) as pool:
        outcomes = [one for some in pool.map(perform, [task, task]) for one in some]
    assert [(one.status, one.error) for one in outcomes] == [("done", "")] * 2
    assert list(digest(tmp_path / "out")) == ["annotations.json"]
    assert list((tmp_path / "staging").iterdir()) == []


def test_to_record_a_job_takes_as_long_however_many_are_recorded(tmp_path: Path) -> None:
    report = packed({})
    steps = []
    with contextlib.closing(Journal(str(tmp_path / "journal"))) as journal:
        for size in (20, 2000):
            many = [(_job(size + number), Outcome(number, sha256="0" * 64, report=report)) for number in range(size)]
            journal.record(many)
            count = itertools.count()
            journal._db.set_progress_handler(lambda count=count: next(count) < 0, 1)
            journal.record(many[:1])
            journal._db.set_progress_handler(None, 0)
            steps.append(next(count))
    assert steps[1] < 2 * steps[0]


def _job(number: int) -> Job:
    return Job((f"in/{number}.xml",), f"out/{number}", "coco")


def test_tasks_are_longer_where_many_workers_wait_for_them(tmp_path: Path) -> None:
    longest = []
    for workers in (2, 200):
        jobs = tuple(replace(_job(number), size_bytes=4_000_000) for number in range(20 * workers))
        engine = Instant()
        batch.run(batch.Plan(jobs, str(tmp_path)), executor=engine, jobs=workers, dry_run=True).close()
        longest.append(max(engine.sizes))
    assert longest == [1, 7]


class Instant:
    """An engine that does nothing, but says that each job took half a second."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def submit(self, function: Any, task: Task) -> Future[list[Outcome]]:
        self.sizes.append(len(task.items))
        future: Future[list[Outcome]] = Future()
        future.set_result([Outcome(item.number, seconds=0.5, size_bytes=item.job.size_bytes) for item in task.items])
        return future
