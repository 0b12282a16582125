"""How long a migration of any size takes on any number of workers: computed from rates that are measured here.

    python tests/bench/scale.py                                    # the rates, and the table
    python tests/bench/scale.py --annotations 2e9 --workers 64 500 --latency-ms 60
    python tests/bench/scale.py --simulate --jobs 5000 --kills 6   # 200 workers of which many die

Measured are CPU seconds of a worker (CVAT to COCO, boxes and polygons with attributes), of the journal, of handing
tasks over with dask, and of merging; bytes; and requests to an S3 server. What the network does is not measured here:
``--latency-ms`` and ``--bandwidth`` say it.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import shutil
import sys
import tempfile
import time
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

BENCH = Path(__file__).parent
sys.path[:0] = [str(BENCH.parents[1]), str(BENCH.parent / "batch")]

import cluster  # noqa: E402
import fsspec  # noqa: E402
from _measure import Run, run  # noqa: E402
from cvat_to_coco import environment_of_checkout  # noqa: E402
from exports import digest  # noqa: E402
from generate_cvat import Plan, generate, manifest_path, parse_mix  # noqa: E402
from servers import NotHere, reached, store  # noqa: E402

from encord_convert import batch  # noqa: E402
from encord_convert.batch import locations as places  # noqa: E402
from encord_convert.batch.journal import Journal  # noqa: E402
from encord_convert.batch.plan import Job  # noqa: E402
from encord_convert.batch.run import _BUSY, _HANDED_OVER_S, TASK_S  # noqa: E402
from encord_convert.batch.tasks import Item, Known, Outcome, Task, perform  # noqa: E402

PER_IMAGE = 10
REPEATS = 5
JOURNAL_JOBS = 20_000
DASK_TASKS = 1_000
MERGED_IMAGES = 250


@dataclass
class Rates:
    """What was measured; seconds are CPU seconds."""

    job_s: float = 0.0
    annotation_s: float = 0.0
    read_bytes: float = 0.0
    written_bytes: float = 0.0
    again_s: float = 0.0
    """Of a job that is found done, for each annotation: its source is fetched and hashed."""
    requests: dict[str, int] = field(default_factory=dict)
    driver_s: float = 0.0
    """Of the parent, for each job: plan, journal, events."""
    commits: float = 0.0
    journal_bytes: float = 0.0
    """Of the file, for each job."""
    handed_over_s: float = 0.0
    merged_s: float = 0.0
    merge_bytes: float = 0.0
    """Memory of a merge, for each of its sources: what is known of their answers stays until the end."""
    outcome: Outcome = field(default_factory=lambda: Outcome(0))


# -- measuring --------------------------------------------------------------------------------------------------------


def source(path: Path, images: int, seed: int = 1) -> int:
    """Make an export of so many images with names of their own; return how many annotations it has."""
    generate(Plan(images, PER_IMAGE, parse_mix("box=1,polygon=1"), 0.0, seed), path)
    manifest_path(path).unlink()
    path.write_text(path.read_text().replace('name="frame_', f'name="{seed:05d}_'))
    return images * PER_IMAGE


def measure_worker(rates: Rates, folder: Path, images: int) -> None:
    """Measure jobs of two sizes that are fetched from a store in memory, and sent there."""
    system = fsspec.filesystem("memory")
    seconds, counts = [], []
    for size in (max(1, images // 20), images):
        xml = folder / f"{size}.xml"
        counts.append(source(xml, size))
        system.put_file(str(xml), f"/bench/{size}.xml")
        taken = []
        for number in range(REPEATS + 1):
            item = Item(0, Job((f"memory://bench/{size}.xml",), f"memory://bench/out{number}/{size}", "coco"))
            task, begin = Task([item], ".", None), time.process_time()
            (outcome,) = perform(task)
            taken.append(time.process_time() - begin)
            assert outcome.status == "done", outcome.error
            rates.outcome = outcome
        seconds.append(sorted(taken[1:])[REPEATS // 2])
    rates.annotation_s = (seconds[1] - seconds[0]) / (counts[1] - counts[0])
    rates.job_s = max(0.0, seconds[0] - counts[0] * rates.annotation_s)
    rates.read_bytes = xml.stat().st_size / counts[1]
    rates.written_bytes = sum(stamp[1] for stamp in outcome.stamps) / counts[1]
    known = Known(outcome.sha256, True, outcome.stamps)
    begin = time.process_time()
    (again_outcome,) = perform(replace(task, items=[replace(item, known=known)]))
    assert again_outcome.status == "unchanged"
    rates.again_s = (time.process_time() - begin) / counts[1]
    system.rm("/bench", recursive=True)


def measure_requests(rates: Rates, folder: Path) -> None:
    """Count what a job asks of an S3 server."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    source(folder / "one.xml", 1)
    seen: dict[str, int] = {}
    try:
        with contextlib.ExitStack() as stack:
            found = stack.enter_context(store("moto", folder))
            base = stack.enter_context(reached(found))
            system, place = places.remote(base)
            system.put_file(str(folder / "one.xml"), f"{place}/in/one.xml")
            from werkzeug.serving import WSGIRequestHandler

            log = WSGIRequestHandler.log_request

            def counted(handler: Any, *words: Any) -> None:
                name = "LIST" if "list-type" in handler.path else handler.command
                seen[name] = seen.get(name, 0) + 1

            WSGIRequestHandler.log_request = counted  # type: ignore[method-assign]
            try:
                job = Job((f"{base}/in/one.xml",), f"{base}/out/one", "coco")
                (outcome,) = perform(Task([Item(0, job)], ".", None))
            finally:
                WSGIRequestHandler.log_request = log  # type: ignore[method-assign]
            assert outcome.status == "done", outcome.error
            rates.requests = dict(sorted(seen.items()))
    except NotHere as error:
        print(f"requests are not counted: {error}")


class Instant:
    """An engine that has done everything when it is asked to."""

    def __init__(self, outcome: Outcome) -> None:
        self._outcome = outcome

    def submit(self, function: object, task: Task) -> Future[list[Outcome]]:
        """Return what is known already."""
        future: Future[list[Outcome]] = Future()
        future.set_result([replace(self._outcome, number=item.number) for item in task.items])
        return future


def measure_journal(rates: Rates, folder: Path) -> None:
    """Measure what the parent does for a job, and how often a second the journal can be written."""
    uri = "memory://bench"
    jobs = tuple(Job((f"{uri}/in/{number}.xml",), f"{uri}/out/{number}", "coco") for number in range(JOURNAL_JOBS))
    begin = time.process_time()
    batch.run(batch.Plan(jobs, uri), executor=Instant(rates.outcome), jobs=200, journal=str(folder / "journal")).close()
    rates.driver_s = (time.process_time() - begin) / JOURNAL_JOBS
    rates.journal_bytes = (folder / "journal").stat().st_size / JOURNAL_JOBS
    with contextlib.closing(Journal(str(folder / "journal"), resume=True)) as journal:
        begin = time.perf_counter()
        for job in jobs[:2000]:
            journal.record([(job, rates.outcome)])
        rates.commits = 2000 / (time.perf_counter() - begin)


def nothing(task: Task) -> list[Outcome]:
    """Do nothing."""
    return []


def measure_dask(rates: Rates) -> None:
    """Measure what handing over a task takes of the process that has the scheduler in it."""
    try:
        from distributed import Client, LocalCluster
    except ImportError:
        print("handing tasks over is not measured: distributed is not installed")
        return
    task = Task([Item(0, Job(("s3://bucket/in/task.xml",), "s3://bucket/out/task", "coco"))], ".", None)
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with (
        LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL) as local,
        Client(local) as client,
        client.get_executor(retries=2, pure=False) as executor,
    ):
        for count in (100, DASK_TASKS):  # the first are to get going
            begin = time.process_time()
            for future in [executor.submit(nothing, task) for _ in range(count)]:
                future.result()
            rates.handed_over_s = (time.process_time() - begin) / count


def measure_merge(rates: Rates, folder: Path, images: int) -> None:
    """Measure merges of few and of many sources, each in a process of its own."""
    runs: list[tuple[int, Run]] = []
    for count in (4, 24):
        room = folder / f"merge{count}"
        for number in range(count):
            source(room / f"camera{number:03d}" / "annotations.xml", images, number)
        target = ["--to", "coco", "--out", folder / f"out{count}"]
        words = [sys.executable, "-m", "encord_convert", "batch", f"{room}/*", *target, "--merge", "--engine", "serial"]
        done = run(
            [*words, "-q"], stdout=folder / "stdout", stderr=folder / "stderr", env=environment_of_checkout(folder)
        )
        assert done.code == 0, (folder / "stderr").read_text()
        runs.append((count, done))
        shutil.rmtree(room)
    (few, small), (many, large) = runs
    rates.merged_s = (large.cpu_s - small.cpu_s) / (many - few) / images / PER_IMAGE
    rates.merge_bytes = max(0.0, (large.peak_mb - small.peak_mb) * 1e6 / (many - few))


def measured(given: argparse.Namespace) -> Rates:
    """Measure everything."""
    rates = Rates()
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        measure_merge(rates, folder, MERGED_IMAGES)  # first: what is measured may not be smaller than this process
        measure_worker(rates, folder, given.per_job // PER_IMAGE)
        measure_requests(rates, folder)
        measure_journal(rates, folder)
        measure_dask(rates)
    return rates


# -- computing --------------------------------------------------------------------------------------------------------


def tell_rates(rates: Rates) -> None:
    """Print what was measured."""
    asked = ", ".join(f"{count} {name}" for name, count in rates.requests.items()) or "not counted"
    rows = {
        "a worker": f"{1 / rates.annotation_s:,.0f} annotations/CPU s, and {rates.job_s * 1e3:.0f} ms for each job",
        "bytes of an annotation": f"{rates.read_bytes:.0f} read, {rates.written_bytes:.0f} written",
        "requests of a job": asked,
        "the parent": f"{rates.driver_s * 1e3:.2f} ms for each job; {rates.commits:,.0f} journal commits/s",
        "dask": f"{rates.handed_over_s * 1e3:.1f} ms of the parent for each task, scheduler included",
        "a merge": f"{1 / rates.merged_s:,.0f} annotations/CPU s, {rates.merge_bytes / 1e6:.1f} MB for each source",
    }
    for name, row in rows.items():
        print(f"  {name:<24}{row}")


def tell(rates: Rates, given: argparse.Namespace) -> None:
    """Print what a migration takes."""
    total, per_job = given.annotations, given.per_job
    jobs = -(-total // per_job)
    asked_s = sum(rates.requests.values()) * given.latency_ms / 1e3
    cpu_s = rates.job_s + per_job * rates.annotation_s
    moved_s = per_job * (rates.read_bytes + rates.written_bytes) / (given.bandwidth * 1e6)
    wall_s = cpu_s + asked_s + moved_s
    again_s = asked_s + per_job * (rates.read_bytes / (given.bandwidth * 1e6) + rates.again_s)
    read, written = (total * one / 1e9 for one in (rates.read_bytes, rates.written_bytes))
    where = f"{given.latency_ms:g} ms for a request, {given.bandwidth:g} MB/s for a worker"
    print(f"\n{total:,.0f} annotations, {jobs:,.0f} jobs of {per_job:,}; {where}")
    requests = " + ".join(f"{count * jobs:,.0f} {name}" for name, count in rates.requests.items())
    print(f"  read {read:,.0f} GB, written {written:,.0f} GB, requests {requests or 'not counted'}")
    parts = {"CPU": cpu_s, "requests": asked_s, "bytes": moved_s}
    shares = ", ".join(f"{name} {part / wall_s:.0%}" for name, part in parts.items())
    print(f"  a job {wall_s:.2f} s of a worker ({shares}), all {wall_s * jobs / 3600:,.1f} worker hours")
    print(f"  {'workers':>8}{'minutes':>9}{'resumed, all done':>19}{'parent busy':>13}{'GB/s':>7}{'requests/s':>12}")
    for workers in given.workers:
        busy = parent_busy(rates, workers, wall_s)
        slower = max(1.0, busy)
        seconds = jobs * wall_s / workers * slower
        again = max(jobs * again_s / workers, jobs * rates.driver_s)
        rate = (read + written) / seconds
        asked = sum(rates.requests.values()) * jobs / seconds
        print(f"  {workers:>8}{seconds / 60:>9.1f}{again / 60:>19.1f}{busy:>13.0%}{rate:>8.2f}{asked:>11,.0f}")
    most = next((count for count in range(1, 100_000) if parent_busy(rates, count, wall_s) >= 1), None)
    print(f"  the parent is always busy at {most:,} workers" if most else "  the parent has time for 100,000 workers")
    print(f"  the journal holds {jobs * rates.journal_bytes / 1e6:,.0f} MB")
    hours, memory = total * rates.merged_s / 3600, jobs * rates.merge_bytes / 1e9
    print(f"  --merge: one worker, {hours:,.1f} CPU hours, {read:,.0f} GB of its disk, {memory:,.1f} GB of its memory")
    print(f"  a source of 1 GB is one job on dask: {1e9 / rates.read_bytes * rates.annotation_s:,.0f} CPU s")


def parent_busy(rates: Rates, workers: int, wall_s: float) -> float:
    """Return which part of the time the parent has something to do, if that many workers never wait."""
    task_s = max(TASK_S, workers * _HANDED_OVER_S / _BUSY)
    jobs = max(1.0, task_s / wall_s)
    return workers * (rates.driver_s / wall_s + rates.handed_over_s / (jobs * wall_s))


# -- simulating -------------------------------------------------------------------------------------------------------


def simulate(given: argparse.Namespace) -> bool:
    """Let a batch be killed among dying workers, resume it, and tell if it is what one worker makes."""
    workers = max(given.workers)
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        folder = Path(name)
        manifest, out = cluster.make(folder, given.jobs), folder / "out"
        with batch.run(batch.plan(manifest=manifest, out=folder / "whole"), engine="local") as result:
            whole = cluster.told(result)
        print(f"{given.jobs:,} jobs, {workers} workers of which many die, {given.kills} kills", flush=True)
        kill_after = given.jobs // (given.kills + 1)
        for seed in range(given.kills):
            cluster.killed(manifest, out, workers, median_s=given.median_s, seed=seed, kill_after=kill_after)
        begin, cpu = time.perf_counter(), time.process_time()
        cluster.run(manifest, out, workers, faults=cluster.FAULTS, median_s=given.median_s, seed=given.kills).close()
        with cluster.run(manifest, out, workers, faults={}, median_s=0, seed=0) as result:
            told = cluster.told(result)
        print(f"resumed to the end: {time.perf_counter() - begin:.1f} s, CPU {time.process_time() - cpu:.1f} s")
        claims = {
            "every byte is that of one worker": digest(out) == digest(folder / "whole"),
            "every job is told as by one worker": told == whole,
            "every image is there once": set(cluster.images_in(out).values()) == {1},
            "nothing is left over": not cluster.leftovers(out),
        }
    for claim, is_so in claims.items():
        print(f"{'yes' if is_so else 'NO '}  {claim}")
    return all(claims.values())


def main() -> int:
    """Do what the arguments say; 1 if a simulated batch is not whole."""
    parser = argparse.ArgumentParser(description="Compute how long a migration takes, from rates measured here.")
    parser.add_argument("--annotations", type=lambda text: int(float(text)), default=500_000_000)
    parser.add_argument("--per-job", type=int, default=20_000, help="annotations of a source (20000)")
    parser.add_argument("--workers", type=int, nargs="+", default=[16, 64, 200])
    parser.add_argument("--latency-ms", type=float, default=30.0, help="of a request to the store (30)")
    parser.add_argument("--bandwidth", type=float, default=50.0, help="of a worker to the store, MB/s (50)")
    parser.add_argument("--simulate", action="store_true", help="kill a batch among dying workers, and resume it")
    parser.add_argument("--jobs", type=int, default=2_000, help="of the simulated batch (2000)")
    parser.add_argument("--kills", type=int, default=5, help="of the simulated batch (5)")
    parser.add_argument("--median-s", type=float, default=0.2, help="seconds of a simulated job (0.2)")
    given = parser.parse_args()
    if given.simulate:
        return 0 if simulate(given) else 1
    rates = measured(given)
    tell_rates(rates)
    tell(rates, given)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
