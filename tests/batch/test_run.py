"""A batch ends the same whatever happens on the way."""

import contextlib
import json
import os
import pty
import random
import signal
import subprocess
import sys
import time
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from exports import digest, exports
from generate_cvat import DEFAULT_MIX, Plan, generate, manifest_path, parse_mix

from encord_convert import BatchError, Report, WriteError, batch, convert
from encord_convert.batch.engines import Workers, engine_named
from encord_convert.batch.tasks import Task, perform
from encord_convert.cli import run as cli

ROOT = Path(__file__).parents[2]
CVAT = ROOT / "fixtures" / "cvat"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("in")
    exports(folder, 24, damaged=3)
    return folder


@pytest.fixture(scope="module")
def whole(sources: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What converting each source on its own gives."""
    folder = tmp_path_factory.mktemp("whole")
    for path in sorted(sources.iterdir()):
        try:
            convert(path, folder / path.stem, to="coco")
        except Exception:
            continue
    return digest(folder)


def done(sources: Path | str, out: Path, **how: Any) -> tuple[int, int, int]:
    """Run a batch; return how many jobs were done, unchanged, failed."""
    plan = batch.plan([f"{sources}/*"] if isinstance(sources, Path) else [sources], to="coco", out=out)
    with batch.run(plan, **{"engine": "serial", **how}) as result:
        return result.done, result.unchanged, len(result.failed)


def call(*arguments: object) -> int:
    return cli([str(argument) for argument in arguments])


@pytest.mark.parametrize("engine", ["serial", "local"])
def test_a_batch_writes_what_single_conversions_do(
    engine: str, sources: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    assert len(whole) == 21
    assert done(sources, tmp_path, engine=engine, jobs=2) == (21, 0, 3)
    assert digest(tmp_path) == whole
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [".encord-convert.sqlite3"]


def test_any_executor_will_do(sources: Path, whole: dict[str, str], tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as executor:
        assert done(sources, tmp_path, executor=executor) == (21, 0, 3)
    assert digest(tmp_path) == whole


def test_the_failures_are_named_at_the_end(sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("batch", sources / "*", "--to", "coco", "--out", tmp_path / "out", "--jobs", 2) == 1
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "jobs    done 21  unchanged 0  failed 3"
    assert lines[-4] == "error: 3 of 24 jobs failed:"
    damaged = [sources / name for name in ("task_0004.zip", "task_0012.xml", "task_0020.xml")]
    for line, path in zip(lines[-3:], damaged, strict=True):
        assert line.startswith(f"  {path}:")
    assert lines[-3].endswith("not a readable ZIP archive (File is not a zip file). Was it cut short?")


def test_resume_does_nothing_again(sources: Path, tmp_path: Path) -> None:
    done(sources, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert done(sources, tmp_path, resume=True, engine="local", jobs=2) == (0, 21, 3)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")} == before


def test_resume_does_what_is_missing_or_changed(tmp_path: Path) -> None:
    exports(tmp_path / "in", 4)
    assert done(tmp_path / "in", tmp_path / "out") == (4, 0, 0)
    expected = digest(tmp_path / "out")
    (tmp_path / "out/task_0000/annotations.json").unlink()
    (tmp_path / "out/task_0001/annotations.json").write_text("{}")
    os.utime(tmp_path / "in/task_0002.xml")  # touched, and the same
    assert done(tmp_path / "in", tmp_path / "out", resume=True) == (2, 2, 0)
    assert digest(tmp_path / "out") == expected
    exports(tmp_path / "other", 1, images=5)
    os.replace(tmp_path / "other/task_0000.xml", tmp_path / "in/task_0000.xml")
    assert done(tmp_path / "in", tmp_path / "out", resume=True) == (1, 3, 0)
    assert digest(tmp_path / "out").items() - expected.items() == {
        ("task_0000/annotations.json", digest(tmp_path / "out")["task_0000/annotations.json"])
    }


def test_other_options_are_another_job_and_leave_no_file_of_the_first(tmp_path: Path) -> None:
    words = ("batch", CVAT / "images-task-minimal", "--out", tmp_path / "out", "--engine", "serial")
    assert call(*words, "--to", "masks") == 0
    assert len(digest(tmp_path / "out")) > 2
    assert call(*words, "--to", "coco", "--resume") == 0
    assert list(digest(tmp_path / "out")) == ["images-task-minimal/annotations.json"]
    assert call(*words, "--to", "masks") == 0
    assert call(*words, "--to", "coco") == 0
    assert list(digest(tmp_path / "out")) == ["images-task-minimal/annotations.json"]


def test_a_damaged_source_is_not_read_again_until_it_changes(tmp_path: Path) -> None:
    (broken,) = exports(tmp_path / "in", 2, damaged=1)
    assert done(tmp_path / "in", tmp_path / "out") == (1, 0, 1)
    events: list[dict[str, Any]] = []
    assert done(tmp_path / "in", tmp_path / "out", resume=True, watch=events.append) == (0, 1, 1)
    failed = next(event for event in events if event.get("status") == "failed")
    assert failed["source"] == str(broken)
    assert failed["seconds"] == 0
    exports(tmp_path / "in", 2)
    assert done(tmp_path / "in", tmp_path / "out", resume=True) == (1, 1, 0)


def test_fail_fast_starts_no_more_jobs(sources: Path, tmp_path: Path) -> None:
    plan = batch.plan([sources / "task_0012.xml", sources / "task_000*"], to="coco", out=tmp_path)
    with batch.run(plan, engine="serial", keep_going=False) as result:
        assert len(result.failed) == 1
        assert result.left_out == len(plan.jobs) - len(result.finished) > 0
        with pytest.raises(BatchError, match=rf"^1 of 11 jobs failed, {result.left_out} not started:"):
            result.check()


def test_a_dry_run_predicts_the_account_and_writes_nothing(
    sources: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("batch", sources / "*", "--to", "coco", "--out", tmp_path / "out", "--engine", "serial", "--json")
    assert call(*words, "--dry-run") == 1
    predicted = json.loads(capsys.readouterr().out)
    assert list(tmp_path.iterdir()) == []
    assert call(*words) == 1
    observed = json.loads(capsys.readouterr().out)
    assert predicted["total"]["counts"] == observed["total"]["counts"]
    assert predicted["total"]["labels"] == observed["total"]["labels"]
    keys = ("kind", "code", "feature", "type", "label", "count", "jobs")
    assert [[loss[key] for key in keys] for loss in predicted["total"]["losses"]] == [
        [loss[key] for key in keys] for loss in observed["total"]["losses"]
    ]


def test_the_account_is_the_sum_of_the_jobs_and_keeps_each(sources: Path, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    call("batch", sources / "*", "--to", "coco", "--out", tmp_path / "out", "--engine", "serial", "--report", file)
    told = json.loads(file.read_text())
    assert told["total"]["jobs"] == {"done": 21, "failed": 3, "left_out": 0}
    jobs = [job for job in told["jobs"] if job["status"] == "done"]
    assert len(told["jobs"]) == 24
    for name, row in told["total"]["counts"].items():
        for column, count in row.items():
            assert count == sum(job["counts"].get(name, {column: 0})[column] for job in jobs)
    assert sum(loss["count"] for loss in told["total"]["losses"]) == sum(
        loss["count"] for job in jobs for loss in job["losses"]
    )
    again = tmp_path / "again.json"
    call("batch", sources / "*", "--to", "coco", "--out", tmp_path / "out", "--resume", "--report", again)
    assert again.read_bytes() == file.read_bytes()


def test_the_page_escapes_what_sources_say(tmp_path: Path) -> None:
    text = (CVAT / "images-task-minimal" / "train.xml").read_text()
    (tmp_path / "<b>.xml").write_text(text.replace("label1", "&lt;script&gt;x"))
    page = tmp_path / "report.html"
    assert call("batch", tmp_path / "<b>.xml", "--to", "coco", "--out", tmp_path / "out", "--report", page) == 0
    html = page.read_text()
    assert "<h1>1 job done, 0 failed</h1>" in html
    assert "&lt;script&gt;x" in html
    assert "<script>x" not in html
    assert "<b>.xml" not in html


def test_events_tell_every_job_as_json_lines(sources: Path, tmp_path: Path) -> None:
    file = tmp_path / "events"
    words = ("batch", sources / "*", "--to", "coco", "--out", tmp_path / "out", "--engine", "serial", "--events", file)
    assert call(*words) == 1
    start, *jobs, end = [json.loads(line) for line in file.read_text().splitlines()]
    assert (start["event"], start["jobs"]) == ("start", 24)
    assert sorted(job["status"] for job in jobs) == ["done"] * 21 + ["failed"] * 3
    assert all(job["annotations"] > 0 for job in jobs if job["status"] == "done")
    assert (end["done"], end["failed"], end["left_out"]) == (21, 3, 0)


def test_a_source_that_takes_too_long_costs_its_own_job(tmp_path: Path) -> None:
    exports(tmp_path / "in", 3)
    plan = batch.plan([tmp_path / "in" / "*"], to="coco", out=tmp_path / "out")
    with engine_named("local", 1, time_limit_s=0.5) as (hasty, _), engine_named("local", 1) as (patient, _):

        class Stuck:
            def submit(self, function: Any, task: Any) -> Future[Any]:
                is_stuck = 1 in {item.number for item in task.items}
                return hasty.submit(time.sleep, 60) if is_stuck else patient.submit(function, task)

        with batch.run(plan, executor=Stuck(), jobs=1) as result:
            ((name, error),) = result.failures
    assert name == f"{tmp_path}/in/task_0001.xml"
    assert str(error) == f"{name}: took longer than a job may; see --time-limit."
    assert result.done == 2


def test_a_job_that_needs_too_much_memory_fails_alone(tmp_path: Path) -> None:
    exports(tmp_path / "in", 3)
    row = '<image id="0" name="a.png" width="9000" height="9000">' + "<tag/>" * 4_000_000
    (tmp_path / "in" / "task_0001.xml").write_text(f"<annotations><meta/>{row}</image></annotations>")
    plan = batch.plan([tmp_path / "in" / "*"], to="coco", out=tmp_path / "out")
    with batch.run(plan, engine="local", jobs=1, memory_limit_mb=200) as result:
        ((name, error),) = result.failures
    assert name == f"{tmp_path}/in/task_0001.xml"
    assert str(error) == f"{name}: needs more memory than a worker may have. See --memory-limit."
    assert result.done == 2


@pytest.mark.parametrize("format_", ["coco", "cvat", "encord"])
def test_a_big_source_is_cut_for_all_workers(format_: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    big, suffix = tmp_path / "in" / "task_0001", {"coco": ".json"}.get(format_, "")
    exports(tmp_path / "in", 3)
    generate(Plan(300, 10, parse_mix(DEFAULT_MIX), 0.1, 7), big.with_suffix(".xml"))
    manifest_path(big.with_suffix(".xml")).unlink()
    if format_ != "cvat":
        convert(big.with_suffix(".xml"), big.with_suffix(suffix), to=format_, report=Report())
        big.with_suffix(".xml").unlink()
    monkeypatch.setattr(sys.modules["encord_convert.batch.run"], "_LEAST_SPLIT_BYTES", 100_000)
    tasks: list[Task] = []
    alone = Workers.alone

    def watched(self: Workers, function: Any, task: Task) -> Any:
        tasks.append(task)
        return alone(self, function, task)

    monkeypatch.setattr(Workers, "alone", watched)
    sources = tmp_path / "in"
    events: list[dict[str, Any]] = []
    assert done(sources, tmp_path / "cut", engine="local", jobs=2, watch=events.append) == (3, 0, 0)
    (cut,) = tasks
    assert (Path(cut.items[0].job.name).stem, cut.items[0].from_, cut.processes) == ("task_0001", format_, 2)
    assert events[0]["bytes"] == sum(path.stat().st_size for path in sources.rglob("*.*") if path.is_file())
    whole: list[dict[str, Any]] = []
    assert done(sources, tmp_path / "whole", watch=whole.append) == (3, 0, 0)
    assert digest(tmp_path / "cut") == digest(tmp_path / "whole")
    counts = [[one["annotations"] for one in some if one["event"] == "job"] for some in (events, whole)]
    assert sorted(counts[0]) == sorted(counts[1])


def test_a_big_source_that_cannot_be_cut_is_one_of_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    masks = ROOT / "fixtures" / "rle" / "label-studio" / "project-1.json"
    monkeypatch.setattr(sys.modules["encord_convert.batch.run"], "_LEAST_SPLIT_BYTES", 0)
    monkeypatch.setattr(Workers, "alone", None)
    monkeypatch.setattr(sys.modules["encord_convert.batch.run"], "_cut_format", watched := Asked())
    assert done(str(masks), tmp_path / "out", engine="local", jobs=2) == (1, 0, 0)
    assert watched.answers == [None]


class Asked:
    """What tells the format of sources that can be cut, and remembers."""

    def __init__(self) -> None:
        self.answers: list[str | None] = []
        self._ask = sys.modules["encord_convert.batch.run"]._cut_format

    def __call__(self, job: Any) -> str | None:
        self.answers.append(self._ask(job))
        return self.answers[-1]


def test_a_worker_of_a_big_source_loads_neither_database_nor_other_formats(tmp_path: Path) -> None:
    code = f"""
import sys
from encord_convert.batch.plan import Job
from encord_convert.batch.tasks import Item, Task, perform
job = Job(({str(CVAT / "job-points" / "annotations.xml")!r},), {str(tmp_path / "out")!r}, "coco")
(outcome,) = perform(Task([Item(0, job, from_="cvat")], ".", {str(tmp_path)!r}))
assert outcome.status == "done", outcome.error
print(*sys.modules)
"""
    environment = {"PYTHONPATH": str(ROOT)}
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    names = set(loaded.stdout.split())
    assert not {"sqlite3", "PIL", "yaml", "fsspec", "rich", "click", "pydicom", "encord_convert.formats.yolo"} & names


class Dying:
    """An engine whose worker dies whenever one of some jobs is at hand, the first ``times`` times."""

    def __init__(self, numbers: set[int], times: int) -> None:
        self.numbers = numbers
        self.left = dict.fromkeys(numbers, times)

    def submit(self, function: Any, task: Any) -> Future[Any]:
        future: Future[Any] = Future()
        deadly = {item.number for item in task.items} & self.numbers
        deadly = {number for number in deadly if self.left[number]}
        for number in deadly:
            self.left[number] -= 1
        if deadly:
            future.set_exception(RuntimeError("Abnormal termination"))
        else:
            future.set_result(perform(task))
        return future


@pytest.mark.parametrize(("times", "expected"), [(1, (21, 0, 3)), (9, (20, 0, 4))])
def test_a_killed_worker_costs_one_retry_and_then_its_job_alone(
    times: int, expected: tuple[int, int, int], sources: Path, tmp_path: Path
) -> None:
    assert done(sources, tmp_path, executor=Dying({5}, times), jobs=1) == expected
    if times > 1:  # what is not the fault of the source is tried again
        assert done(sources, tmp_path, resume=True) == (1, 20, 3)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds workers in /proc")
@pytest.mark.parametrize("victim", ["command", "worker"])
def test_what_is_killed_and_resumed_is_equal_to_what_is_not(
    victim: str, sources: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    from batch_kill import command, kill_midway

    random.seed(victim)
    for seconds in (0.5, 0.8, 1.1):
        kill_midway(command(sources, tmp_path, "--resume"), seconds, is_worker=victim == "worker")
    ended = subprocess.run(
        command(sources, tmp_path, "--resume"),
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(ROOT)},
        check=False,
    )
    assert ended.returncode == 1
    assert "failed 3" in ended.stderr
    assert digest(tmp_path) == whole
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == [".encord-convert.sqlite3"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds workers in /proc")
def test_no_worker_outlives_a_killed_batch(tmp_path: Path) -> None:
    from batch_kill import command

    folder, mark = tmp_path / "in", f"mark-{uuid.uuid4()}"
    folder.mkdir()
    exports(folder, 400)
    words = [*command(folder, tmp_path / "out"), "--events", "-"]
    environment = {"PYTHONPATH": str(ROOT), "MARK": mark}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        assert process.stdout is not None
        while b'"job"' not in process.stdout.readline():
            pass
        assert len(_marked(mark)) > 2
        process.kill()
    for _ in range(300):
        if not _marked(mark):
            break
        time.sleep(0.1)
    assert not _marked(mark)


def _marked(mark: str) -> list[str]:
    """Return the processes that have a mark in their environment."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        with contextlib.suppress(OSError):
            if mark.encode() in path.read_bytes():
                found.append(path.parent.name)
    return found


def test_two_batches_do_not_write_one_output_at_a_time(tmp_path: Path) -> None:
    plan = batch.plan([CVAT / "job-points"], to="coco", out=tmp_path)
    with batch.run(plan, engine="serial"), pytest.raises(WriteError, match="another batch is at work on this output"):
        batch.run(plan, engine="serial")


def test_a_journal_that_is_none_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    journal = tmp_path / ".encord-convert.sqlite3"
    journal.write_text("x" * 4096)
    assert call("batch", CVAT / "job-points", "--to", "coco", "--out", tmp_path, "--resume") == 4
    assert "is not a journal of batches" in capsys.readouterr().err


def test_an_unknown_engine_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ("batch", CVAT / "job-points", "--to", "coco", "--out", tmp_path, "--engine", "ray")
    assert call(*words) == 2
    assert "there is no such engine; known: local, serial, dask, tcp://HOST:PORT." in capsys.readouterr().err


def test_an_interrupt_ends_the_workers_and_leaves_a_journal(tmp_path: Path) -> None:
    from batch_kill import command

    folder, out = tmp_path / "in", tmp_path / "out"
    folder.mkdir()
    exports(folder, 400)  # work for seconds, so that there is something to interrupt
    words = [*command(folder, out), "--events", "-"]
    pipe = subprocess.PIPE

    def heed_interrupts() -> None:  # a shell that runs the tests in its background has told them not to
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    how: dict[str, Any] = {"env": {"PYTHONPATH": str(ROOT)}, "preexec_fn": heed_interrupts}
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, **how) as process:
        assert process.stdout is not None
        while b'"job"' not in process.stdout.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert (process.returncode, told.strip()) == (130, b"Interrupted; nothing was left half-written.")
    assert not (out / ".encord-convert.partial").exists()
    made, unchanged, failed = done(folder, out, resume=True)
    assert made + unchanged == 400
    assert made > 0
    assert failed == 0


def test_progress_is_shown_on_a_terminal(sources: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    words = ["batch", str(sources / "*"), "--to", "coco", "--out", str(tmp_path), "--engine", "serial"]
    environment = {"PYTHONPATH": str(ROOT), "TERM": "xterm"}
    process = subprocess.Popen([sys.executable, "-m", "encord_convert", *words], stderr=theirs, env=environment)
    os.close(theirs)
    shown = b""
    with contextlib.suppress(OSError):  # how a terminal ends
        while data := os.read(ours, 65536):
            shown += data
    os.close(ours)
    assert process.wait() == 1
    assert b"24/24" in shown
    assert b"shapes/s" in shown
    assert b"kB" in shown
    assert b"0:00:0" in shown  # time left
    assert b"3 failed" in shown


def test_an_output_that_is_a_file_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").write_text("")
    assert call("batch", CVAT / "job-points", "--to", "coco", "--out", tmp_path / "out", "--engine", "serial") == 5
    assert f"{tmp_path}/out" in capsys.readouterr().err
    assert (tmp_path / "out").read_text() == ""
