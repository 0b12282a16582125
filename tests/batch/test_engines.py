"""Other machines, other stores: dask clusters and S3, here on this machine's loopback."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from exports import digest, exports

from encord_convert import batch
from encord_convert.batch import engines, places
from encord_convert.cli import run as cli

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    exports(folder, 30, damaged=3)
    return folder


@pytest.fixture(scope="module")
def whole(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    out = tmp_path_factory.mktemp("whole")
    with batch.run(batch.plan([sources / "*"], to="coco", out=out), engine="serial"):
        return digest(out)


# -- dask -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[int]]]:
    """The address of a scheduler, and the processes of its two workers."""
    pytest.importorskip("distributed", reason="distributed is not installed")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    file = tmp_path / "scheduler.json"
    dask = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    words = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    with (tmp_path / "dask.log").open("wb") as log:
        scheduler = subprocess.Popen([*dask, *words], stdout=log, stderr=log, env=environment)
        while not file.exists():
            assert scheduler.poll() is None, (tmp_path / "dask.log").read_text()
            time.sleep(0.05)
        worker = [sys.executable, "-m", "distributed.cli.dask_worker", "--scheduler-file", str(file), "--no-dashboard"]
        worker += ["--nthreads", "1", "--no-nanny", "--host", "127.0.0.1", "--local-directory", str(tmp_path)]
        workers = [subprocess.Popen(worker, stdout=log, stderr=log, env=environment) for _ in range(2)]
        try:
            yield json.loads(file.read_text())["address"], [one.pid for one in workers]
        finally:
            for one in (*workers, scheduler):
                one.kill()
                one.wait()


def test_a_cluster_that_loses_a_worker_midway_completes_and_is_equal(
    cluster: tuple[str, list[int]], sources: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    address, workers = cluster
    finished = 0

    def watch(event: dict[str, Any]) -> None:
        nonlocal finished
        finished += event["event"] == "job"
        if finished == 8:
            os.kill(workers[0], signal.SIGKILL)

    plan = batch.plan([sources / "*"], to="coco", out=tmp_path / "out")
    with batch.run(plan, engine=address, watch=watch) as result:
        assert (result.done, len(result.failed)) == (27, 3)
    assert digest(tmp_path / "out") == whole


def test_an_address_where_nobody_answers_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="distributed is not installed")
    monkeypatch.setattr(engines, "CONNECT_S", 0.5)
    fixture = ROOT / "fixtures" / "cvat" / "job-points"
    words = ["batch", str(fixture), "--to", "coco", "--out", str(tmp_path / "out"), "--engine", "tcp://127.0.0.1:9"]
    assert cli(words) == 2
    assert "--engine tcp://127.0.0.1:9: no dask scheduler answers there" in capsys.readouterr().err


# -- object stores ----------------------------------------------------------------------------------------------------


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A file system on an S3 server of this machine, with a bucket ``labels``."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"), ("AWS_ACCESS_KEY_ID", "x"), ("AWS_SECRET_ACCESS_KEY", "x"),
        ("AWS_DEFAULT_REGION", "us-east-1"), ("NO_PROXY", "127.0.0.1"),
    ):  # fmt: skip
        monkeypatch.setenv(name, value)
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    system, _ = places.remote("s3://labels")
    system.mkdir("labels")
    yield system
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10)
    s3fs.S3FileSystem.clear_instance_cache()
    server.stop()


def fetched(system: Any, place: str, folder: Path) -> dict[str, str]:
    shutil.rmtree(folder, ignore_errors=True)
    system.invalidate_cache()
    system.get(place, str(folder), recursive=True)
    return digest(folder)


def test_s3_gives_and_takes_the_same_bytes(s3: Any, sources: Path, whole: dict[str, str], tmp_path: Path) -> None:
    s3.put(str(sources), "labels/in", recursive=True)
    plan = batch.plan(["s3://labels/in/*"], to="coco", out="s3://labels/out")
    assert (plan.jobs[0].name, plan.jobs[0].target) == ("s3://labels/in/task_0000.xml", "s3://labels/out/task_0000")
    journal = str(tmp_path / "journal")
    with batch.run(plan, engine="local", jobs=2, journal=journal) as result:
        assert (result.done, len(result.failed)) == (27, 3)
        assert all(name.startswith("s3://labels/in/") and name in str(error) for name, error in result.failures)
    assert fetched(s3, "labels/out", tmp_path / "got") == whole
    with batch.run(plan, engine="serial", journal=journal, resume=True) as result:
        assert (result.done, result.unchanged) == (0, 27)


def test_an_object_that_is_there_is_not_overwritten(s3: Any, sources: Path, tmp_path: Path) -> None:
    place = "labels/out/task_0000/annotations.json"
    s3.pipe_file(place, b"{}")
    plan = batch.plan([sources / "task_0000.xml"], to="coco", out="s3://labels/out")
    journal = str(tmp_path / "journal")
    with batch.run(plan, engine="serial", journal=journal) as result:
        ((_, error),) = result.failures
    assert str(error) == f"s3://{place}: something else is there already; it is not overwritten."
    s3.invalidate_cache()
    assert s3.cat_file(place) == b"{}"
    s3.rm(place)
    with batch.run(plan, engine="serial", journal=journal, resume=True) as result:
        assert result.done == 1
    os.unlink(journal)  # as if the batch had been killed after sending and before writing it down
    with batch.run(plan, engine="serial", journal=journal) as result:
        assert (result.done, result.failures) == (1, [])


def test_a_store_that_is_not_there_fails_its_jobs(s3: Any, sources: Path, tmp_path: Path) -> None:
    plan = batch.plan([sources / "task_0000.xml"], to="coco", out="s3://no-such-bucket/out")
    with batch.run(plan, engine="serial", journal=str(tmp_path / "journal")) as result:
        ((_, error),) = result.failures
    assert str(error).startswith("s3://no-such-bucket/out/task_0000/annotations.json: cannot be written (")


def test_a_scheme_without_its_package_says_what_to_install(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from fsspec.registry import known_implementations

    known_implementations["nowhere"] = {"class": "no_such_package.System", "err": "Install it"}
    try:
        assert cli(["batch", "nowhere://x/a.xml", "--to", "coco", "--out", str(tmp_path)]) == 6
    finally:
        del known_implementations["nowhere"]
    told = capsys.readouterr().err
    assert told.startswith("error: nowhere://x/a.xml: nowhere:// needs a package that is not installed. Run: ")
