"""Other machines: dask clusters, here on this machine's loopback."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from exports import digest
from servers import dask_cluster

from encord_convert import batch
from encord_convert.batch import engines
from encord_convert.cli import run as cli

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[int]]]:
    """The address of a scheduler, and the processes of its two workers."""
    pytest.importorskip("distributed", reason="distributed is not installed")
    with dask_cluster(tmp_path) as found:
        yield found


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
