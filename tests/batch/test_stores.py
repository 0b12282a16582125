"""Object stores give and take the same bytes as a disk, and what is there is not overwritten."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from servers import STORES, NotHere, Store, fetched, reached, store

from encord_convert import batch
from encord_convert.batch import locations as places
from encord_convert.cli import run as cli


@pytest.fixture(scope="module", params=list(STORES))
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Each kind of store that can be had here."""
    try:
        with store(request.param, tmp_path_factory.mktemp("store")) as found:
            yield found
    except NotHere as error:
        pytest.skip(str(error))


@pytest.fixture
def base(server: Store) -> Iterator[str]:
    """The URI of a place that is empty."""
    with reached(server) as uri:
        yield uri


def put(data: bytes, uri: str) -> tuple[Any, str]:
    """Put an object in place of whatever is there; return the file system and what it calls the place."""
    system, place = places.remote(uri)
    system.pipe_file(place, data)
    return system, place


def test_a_store_gives_and_takes_the_same_bytes(
    base: str, sources: Path, whole: dict[str, str], tmp_path: Path
) -> None:
    system, place = places.remote(f"{base}/in")
    system.put(str(sources), place, recursive=True)
    plan = batch.plan([f"{base}/in/*"], to="coco", out=f"{base}/out")
    assert (plan.jobs[0].name.partition("://")[2], plan.jobs[0].target) == (
        f"{place}/task_0000.xml",
        f"{base}/out/task_0000",
    )
    journal = str(tmp_path / "journal")
    with batch.run(plan, engine="local", jobs=2, journal=journal) as result:
        assert [str(error) for _, error in result.failures if "cut short" not in str(error)] == []
        assert (result.done, len(result.failed)) == (27, 3)
        assert all(name in str(error) for name, error in result.failures)
    assert fetched(f"{base}/out", tmp_path / "got") == whole
    with batch.run(plan, engine="serial", journal=journal, resume=True) as result:
        assert (result.done, result.unchanged) == (0, 27)


def test_an_object_that_is_there_is_not_overwritten(base: str, sources: Path, tmp_path: Path) -> None:
    uri = f"{base}/out/task_0000/annotations.json"
    system, place = put(b"{}", uri)
    plan = batch.plan([sources / "task_0000.xml"], to="coco", out=f"{base}/out")
    journal = str(tmp_path / "journal")
    with batch.run(plan, engine="serial", journal=journal) as result:
        ((_, error),) = result.failures
    assert str(error) == f"{uri}: something else is there already; it is not overwritten."
    system.invalidate_cache()
    assert system.cat_file(place) == b"{}"
    system.rm(place)
    with batch.run(plan, engine="serial", journal=journal, resume=True) as result:
        assert result.done == 1
    os.unlink(journal)  # as if the batch had been killed after sending and before writing it down
    with batch.run(plan, engine="serial", journal=journal) as result:
        assert (result.done, result.failures) == (1, [])


def test_who_is_faster_is_not_overwritten(
    base: str, sources: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = f"{base}/out/task_0000/annotations.json"
    create = places._create

    def slowly(system: Any, path: Path, name: str, place: str) -> None:
        put(b"{}", uri)  # somebody else, after it was looked whether something is there
        create(system, path, name, place)

    monkeypatch.setattr(places, "_create", slowly)
    plan = batch.plan([sources / "task_0000.xml"], to="coco", out=f"{base}/out")
    with batch.run(plan, engine="serial", journal=str(tmp_path / "journal")) as result:
        ((_, error),) = result.failures
    assert str(error) == f"{uri}: something else is there already; it is not overwritten."
    system, place = places.remote(uri)
    assert system.cat_file(place) == b"{}"


def test_a_bucket_that_is_not_there_fails_its_jobs(base: str, sources: Path, tmp_path: Path) -> None:
    scheme = base.partition("://")[0]
    plan = batch.plan([sources / "task_0000.xml"], to="coco", out=f"{scheme}://no-such-bucket/out")
    with batch.run(plan, engine="serial", journal=str(tmp_path / "journal")) as result:
        ((_, error),) = result.failures
    assert str(error).startswith(f"{scheme}://no-such-bucket/out/task_0000/annotations.json: cannot be written (")


def test_a_scheme_without_its_package_says_what_to_install(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    from fsspec.registry import known_implementations

    known_implementations["nowhere"] = {"class": "no_such_package.System", "err": "Install it"}
    try:
        assert cli(["batch", "nowhere://x/a.xml", "--to", "coco", "--out", str(tmp_path)]) == 6
    finally:
        del known_implementations["nowhere"]
    told = capsys.readouterr().err
    assert told.startswith("error: nowhere://x/a.xml: nowhere:// needs a package that is not installed. Run: ")
