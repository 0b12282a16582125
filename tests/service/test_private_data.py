"""Files of a cloud are registered where they lie, and only those below a root the service was given."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from harness import WAYS, Running, running
from media import CT, image

from encord_convert.errors import ReadError
from encord_convert.sdk.dataset import Dataset
from encord_convert.sdk.exceptions import EncordException, InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.orm.dataset import LongPollingStatus, StorageLocation
from encord_convert.service.app import open_service
from encord_convert.service.store import jobs
from encord_convert.service.store.tables_jobs import DONE, READ, WAITING


@pytest.fixture
def cloud(tmp_path: Path) -> Path:
    folder = tmp_path / "cloud"
    for number in range(3):
        image(folder / f"cam 1/{number}.png", 40 + number, 30)
    shutil.copytree(CT, folder / "ct")
    (folder / "notes.txt").write_text("no image")
    image(tmp_path / "outside.png", 9, 9)
    (folder / "way_out.png").symlink_to(tmp_path / "outside.png")
    return folder


@pytest.fixture(params=WAYS)
def served(request: pytest.FixtureRequest, tmp_path: Path, cloud: Path) -> Iterator[Running]:
    with running(tmp_path / "service", request.param, private_data=[str(cloud)]) as it:
        yield it


def url(path: Path) -> str:
    return path.as_uri()


def dataset_of(server: Running, name: str = "ann") -> tuple[Dataset, str]:
    """A new dataset, and the hash of the one integration."""
    user = server.user(name)
    [integration] = user.get_cloud_integrations()
    made = user.create_dataset("Private", StorageLocation.AWS)
    return user.get_dataset(made.dataset_hash), integration.id


def titles(dataset: Dataset) -> list[str]:
    return [row.title for row in dataset.list_data_rows()]


@pytest.mark.proves("service: 14")
def test_each_kind_of_private_data_is_registered_where_it_lies(served: Running, cloud: Path) -> None:
    dataset, integration = dataset_of(served)
    series = sorted(path for path in (cloud / "ct").rglob("*.dcm"))
    done = dataset.add_private_data_to_dataset(
        integration,
        {
            "images": [
                {"objectUrl": url(cloud / "cam 1/0.png"), "title": "first", "clientMetadata": {"camera": 1}},
                {"objectUrl": url(cloud / "cam 1/1.png")},
            ],
            "image_groups": [{f"objectUrl_{n}": url(cloud / f"cam 1/{n}.png") for n in (0, 2)} | {"title": "group"}],
            "dicom_series": [{f"objectUrl_{n}": url(path) for n, path in enumerate(series)} | {"title": "ct"}],
        },
    )
    assert [one.title for one in done.dataset_data_list] == ["first", "1.png", "group", "ct"]
    rows = {row.title: row for row in dataset.list_data_rows()}
    assert {title: (row.data_type.value, row.width) for title, row in rows.items()} == {
        "first": ("image", 40), "1.png": ("image", 41), "group": ("img_group", 40), "ct": ("dicom", 128),
    }  # fmt: skip
    assert rows["first"].file_link == url(cloud / "cam 1/0.png")
    assert rows["first"].storage_location == StorageLocation.AWS
    rows["first"].refetch_data(client_metadata=True)
    assert rows["first"].client_metadata == {"camera": 1}


@pytest.mark.parametrize(
    ("document", "sentence"),
    [
        ({"image": []}, r"The document has no image; it has videos, images, image_groups, dicom_series\."),
        ({"images": [{"objectURL": "file:///a"}]}, r"images\[0\] has no objectURL; it has objectUrl, clientM"),
        ({"images": [{"title": "a"}]}, r"images\[0\] names no file: there is no objectUrl\."),
        ({"image_groups": [{"objectUrl": "file:///a"}]}, r"image_groups\[0\] has no objectUrl; it has objectUrl_0"),
        ({"images": [{"objectUrl": "x" * 20000}]}, r"images\[0\]: an address is a text of at most 16384 characters"),
        ({"images": {}, "videos": "all"}, "videos is a list"),
        ({"images": [], "skip_duplicate_urls": "no"}, "skip_duplicate_urls is true or false"),
    ],
)  # fmt: skip
def test_a_document_with_what_it_cannot_have_is_refused_by_name(
    served: Running, document: dict[str, Any], sentence: str
) -> None:
    dataset, integration = dataset_of(served)
    with pytest.raises(InvalidArgumentsError, match=sentence):
        dataset.add_private_data_to_dataset_start(integration, document)


@pytest.mark.proves("service: 23")
@pytest.mark.parametrize(
    "address",
    [
        "http://169.254.169.254/latest/meta-data", "https://example.com/a.png", "s3://other/a.png", "gs://b/a.png",
        "ftp://localhost/a", "file://example.com/etc/passwd", "file:///etc/passwd", "/etc/passwd", "gopher://x",
        "data:image/png;base64,", "{cloud}/../outside.png", "{cloud}/cam%201/..%2f..%2f..%2foutside.png",
        "{cloud}/way_out.png", "{cloud}/%00", "",
    ],
)  # fmt: skip
def test_an_address_outside_the_root_is_not_opened(served: Running, cloud: Path, address: str) -> None:
    dataset, integration = dataset_of(served)
    given = address.replace("{cloud}", url(cloud))
    with pytest.raises(EncordException, match=r"not below the folder or bucket|an address is a text|there is no such"):
        dataset.add_private_data_to_dataset(integration, {"images": [{"objectUrl": given}]})
    assert titles(dataset) == []


def test_a_root_that_is_no_folder_is_refused_at_the_start(tmp_path: Path) -> None:
    for spelled in (str(tmp_path / "gone"), "http://example.com/data"):
        with pytest.raises(ReadError, match=r"is not a folder|use a folder or s3://BUCKET"):
            open_service(tmp_path / "service", private_data=[spelled])


@pytest.mark.proves("service: 14")
def test_without_roots_there_is_no_integration(tmp_path: Path) -> None:
    with running(tmp_path / "service") as server:
        ann = server.user("ann")
        assert ann.get_cloud_integrations() == []
        dataset = ann.get_dataset(ann.create_dataset("D", StorageLocation.AWS).dataset_hash)
        with pytest.raises(ResourceNotFoundError, match="There is no cloud integration"):
            dataset.add_private_data_to_dataset_start("8d8b7c5e-0000-0000-0000-000000000000", {"images": []})


def broken(cloud: Path) -> dict[str, Any]:
    good = [{"objectUrl": url(cloud / f"cam 1/{number}.png")} for number in range(2)]
    bad = [{"objectUrl": url(cloud / name)} for name in ("gone.png", "notes.txt")]
    return {"images": [good[0], *bad, good[1]]}


@pytest.mark.proves("service: 14")
def test_one_error_registers_nothing_and_every_error_is_told(served: Running, cloud: Path) -> None:
    dataset, integration = dataset_of(served)
    job = dataset.add_private_data_to_dataset_start(integration, broken(cloud))
    result = dataset.add_private_data_to_dataset_get_result(job)
    assert result.status is LongPollingStatus.ERROR
    assert (result.units_done_count, result.units_error_count, result.units_pending_count) == (0, 2, 2)
    assert "gone.png: there is no such file" in result.errors[0]
    assert "notes.txt: is not a readable image" in result.errors[1]
    assert titles(dataset) == []


@pytest.mark.proves("service: 14")
def test_errors_that_are_ignored_are_told_and_the_rest_is_registered(served: Running, cloud: Path) -> None:
    dataset, integration = dataset_of(served)
    job = dataset.add_private_data_to_dataset_start(integration, broken(cloud), ignore_errors=True)
    result = dataset.add_private_data_to_dataset_get_result(job)
    assert result.status is LongPollingStatus.DONE
    assert (result.units_done_count, result.units_error_count, len(result.errors)) == (2, 2, 2)
    assert titles(dataset) == ["0.png", "1.png"]


def test_addresses_that_are_there_are_passed_over_if_asked(served: Running, cloud: Path) -> None:
    dataset, integration = dataset_of(served)
    image = {"objectUrl": url(cloud / "cam 1/0.png")}
    for skips, count in ((True, 1), (True, 1), (False, 3)):
        dataset.add_private_data_to_dataset(integration, {"images": [image, image], "skip_duplicate_urls": skips})
        assert titles(dataset) == ["0.png"] * count


@pytest.mark.proves("service: 14", "service: 19.10")
def test_who_asks_waits_until_the_job_ends_or_the_time_is_up(served: Running, cloud: Path) -> None:
    dataset, integration = dataset_of(served)
    served.service._jobs.close()
    job = dataset.add_private_data_to_dataset_start(
        integration, {"images": [{"objectUrl": url(cloud / "cam 1/0.png")}]}
    )
    began = monotonic()
    result = dataset.add_private_data_to_dataset_get_result(job, timeout_seconds=1)
    assert result.status is LongPollingStatus.PENDING and result.units_pending_count == 1
    assert 0.9 < monotonic() - began < 4
    assert dataset.add_private_data_to_dataset_get_result(job, timeout_seconds=0).status is LongPollingStatus.PENDING


@pytest.mark.proves("service: 14")
def test_a_job_goes_on_after_a_restart(tmp_path: Path, cloud: Path) -> None:
    with running(tmp_path / "service", private_data=[str(cloud)]) as server:
        server.service._jobs.close()
        dataset, integration = dataset_of(server)
        images = [{"objectUrl": url(cloud / f"cam 1/{number}.png")} for number in range(3)]
        job = dataset.add_private_data_to_dataset_start(integration, {"images": images})
        [row] = server.service.database.read(jobs.pending)
        server.service.database.write(
            lambda db: jobs.record(db, row.id, WAITING, [(1, 3, b'"looked at before"')])
        ).result()
    with running(tmp_path / "service", private_data=[str(cloud)]) as server:
        opened = server.user("ann").get_dataset(dataset.dataset_hash)
        result = opened.add_private_data_to_dataset_get_result(job)
        assert (result.status, result.errors) == (LongPollingStatus.ERROR, ["looked at before"])


@pytest.mark.parametrize("way", [way for way in WAYS if way != "socket"])
def test_a_job_that_two_services_see_is_done_once(tmp_path: Path, cloud: Path, way: str) -> None:
    place = tmp_path / "service"
    images = [{"objectUrl": url(cloud / f"cam 1/{number % 3}.png")} for number in range(300)]
    with running(place, way, private_data=[str(cloud)]) as one, running(place, way, private_data=[str(cloud)]):
        dataset, integration = dataset_of(one)
        done = dataset.add_private_data_to_dataset(integration, {"images": images})
        assert len(done.dataset_data_list) == len(dataset.list_data_rows()) == 300


def test_what_a_slower_service_finds_of_a_unit_is_not_noted(tmp_path: Path, cloud: Path) -> None:
    with running(tmp_path / "service", private_data=[str(cloud)]) as server:
        dataset, integration = dataset_of(server)
        dataset.add_private_data_to_dataset(integration, {"images": [{"objectUrl": url(cloud / "cam 1/0.png")}]})
        database = server.service.database
        database.write(lambda db: jobs.record(db, 1, WAITING, [(0, READ, b"{}")])).result()
        assert [one.state for one in database.read(lambda db: jobs.units(db, 1, range(4)))] == [DONE]


def test_a_job_is_of_its_dataset(served: Running, cloud: Path) -> None:
    dataset, integration = dataset_of(served)
    job = dataset.add_private_data_to_dataset_start(integration, {"images": []})
    other, _ = dataset_of(served, "bob")
    with pytest.raises(ResourceNotFoundError, match="The dataset has no such job"):
        other.add_private_data_to_dataset_get_result(job)


def test_a_file_that_may_not_be_read_is_an_error_of_the_job(served: Running, cloud: Path) -> None:
    (cloud / "closed.png").mkdir()
    dataset, integration = dataset_of(served)
    with pytest.raises(EncordException, match=r"closed\.png: there is no such file"):
        dataset.add_private_data_to_dataset(integration, {"images": [{"objectUrl": url(cloud / "closed.png")}]})
