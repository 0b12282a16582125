"""Data rows, through our own client, in process and over a socket: found, changed, linked, deleted."""

from __future__ import annotations

import threading
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from harness import WAYS, Running, running
from media import image
from test_uploaded_files import bytes_at, dataset_of

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.dataset import Dataset
from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.orm.dataset import DatasetAccessSettings, DatasetUserRole, StorageLocation


@pytest.fixture
def dataset(server: Running, tmp_path: Path) -> Dataset:
    made = dataset_of(server)
    for name in ("a.png", "b_1.png", "bx1.png"):
        made.upload_image(image(tmp_path / name, 4, 4))
    made.create_image_group([image(tmp_path / "g.png", 5, 5)], title="walk")
    return made


def titles(dataset: Dataset, **conditions: object) -> list[str]:
    return [row.title for row in dataset.list_data_rows(**conditions)]  # type: ignore[arg-type]


@pytest.mark.proves("service: 5")
def test_rows_are_listed_in_the_order_they_came_and_by_every_condition(dataset: Dataset) -> None:
    assert titles(dataset) == ["a.png", "b_1.png", "bx1.png", "walk"]
    assert titles(dataset, title_eq="a.png") == ["a.png"]
    assert titles(dataset, title_like="b_1%") == ["b_1.png", "bx1.png"]
    assert titles(dataset, title_like=r"b\_1%") == ["b_1.png"]
    assert titles(dataset, data_types=[DataType.IMG_GROUP]) == ["walk"]
    assert titles(dataset, created_before="2020-01-01") == []
    assert titles(dataset, created_after="2020-01-01", title_like="w%") == ["walk"]
    hashes = [row.uid for row in dataset.list_data_rows()]
    assert titles(dataset, data_hashes=[hashes[2], hashes[0], hashes[0], "unknown"]) == ["a.png", "bx1.png"]
    assert titles(dataset, data_hashes=[]) == []


def test_a_thousand_hashes_are_looked_up(dataset: Dataset) -> None:
    hashes = [row.uid for row in dataset.list_data_rows()]
    assert len(titles(dataset, data_hashes=[str(uuid4()) for _ in range(1200)] + hashes)) == 4


@pytest.mark.proves("service: 5")
def test_a_row_is_renamed_and_given_metadata_in_one_go(dataset: Dataset) -> None:
    row = dataset.list_data_rows()[0]
    row.title, row.client_metadata = "north", {"site": {"row": [1, 2.5, None]}}
    row.save()
    assert titles(dataset) == ["north", "b_1.png", "bx1.png", "walk"]
    dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))
    assert dataset.list_data_rows()[0].client_metadata == {"site": {"row": [1, 2.5, None]}}
    assert dataset.data_rows[0].client_metadata == {"site": {"row": [1, 2.5, None]}}
    dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=False))
    assert dataset.list_data_rows()[0].client_metadata is None


def test_a_row_that_was_not_changed_is_saved_without_harm(dataset: Dataset) -> None:
    row = dataset.list_data_rows()[0]
    row.save()
    assert titles(dataset)[0] == "a.png"


def test_what_of_a_row_cannot_be_changed_is_refused(dataset: Dataset) -> None:
    row, querier = dataset.list_data_rows()[0], dataset._client._querier
    with pytest.raises(InvalidArgumentsError, match="'width' of a data row cannot be changed"):
        querier.post(Query.DATA_ROW, row.uid, {"width": 7})
    with pytest.raises(InvalidArgumentsError, match="Client metadata is an object"):
        querier.post(Query.DATA_ROW, row.uid, {"client_metadata": [1]})


def test_a_data_item_is_renamed_and_one_that_is_not_there_is_told(dataset: Dataset) -> None:
    row = dataset.list_data_rows()[0]
    assert dataset.update_data_item(row.uid, "south") is True
    assert dataset.update_data_item(str(uuid4()), "south") is False
    assert titles(dataset)[0] == "south"


@pytest.mark.proves("service: 5")
def test_rows_are_deleted_and_what_is_not_there_is_passed_over(dataset: Dataset) -> None:
    rows = dataset.list_data_rows()
    dataset.delete_data([rows[0].uid, "unknown", rows[0].uid])
    dataset.delete_image_group(rows[3].uid)
    assert titles(dataset) == ["b_1.png", "bx1.png"]
    with pytest.raises(ResourceNotFoundError, match=r"There is no data row"):
        rows[0].refetch_data()


def test_the_rows_of_another_dataset_are_out_of_reach(server: Running, dataset: Dataset) -> None:
    other = dataset_of(server, "bob")
    row = dataset.list_data_rows()[0]
    querier = other._client._querier
    with pytest.raises(ResourceNotFoundError):
        querier.get(Query.DATA_ROW, row.uid, {"additional_data": {}})
    with pytest.raises(ResourceNotFoundError):
        querier.post(Query.DATA_ROW, row.uid, {"data_title": "mine"})
    assert other.update_data_item(row.uid, "mine") is False
    other.delete_data([row.uid])
    assert titles(dataset)[0] == "a.png"


def test_items_are_linked_into_another_dataset_once_bytes_and_all(
    server: Running, dataset: Dataset, tmp_path: Path
) -> None:
    ann = server.user("ann")
    other = ann.get_dataset(ann.create_dataset("copies", StorageLocation.CORD_STORAGE).dataset_hash)
    items = [row.backing_item_uuid for row in dataset.list_data_rows()]
    assert all(isinstance(item, UUID) for item in items)
    for _ in range(2):
        other.link_items(items)
    assert titles(other) == titles(dataset)
    linked = other.list_data_rows()
    assert not {row.uid for row in linked} & {row.uid for row in dataset.list_data_rows()}
    dataset.delete_data([row.uid for row in dataset.list_data_rows()])
    linked[0].refetch_data(signed_url=True)
    assert bytes_at(server, linked[0].signed_url or "") == (tmp_path / "a.png").read_bytes()


def test_items_one_may_not_see_are_not_there(server: Running, dataset: Dataset) -> None:
    other = dataset_of(server, "bob")
    item = dataset.list_data_rows()[0].backing_item_uuid
    for one in (item, uuid4()):
        with pytest.raises(ResourceNotFoundError, match=rf"There is no item {one}, or this key may not see it"):
            other.link_items([one])
    dataset.add_users(["bob@example.com"], DatasetUserRole.USER)
    other.link_items([item])
    assert titles(other) == ["a.png"]


@pytest.mark.proves("service: 21")
@pytest.mark.parametrize("way", WAYS)
def test_uploads_of_many_threads_all_become_rows(tmp_path: Path, way: str) -> None:
    with running(tmp_path / "service", way) as server:
        dataset = dataset_of(server)
        files = [image(tmp_path / f"{number}.png", 3 + number, 3) for number in range(12)]
        threads = [threading.Thread(target=dataset.upload_image, args=(file,)) for file in files]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert sorted(row.width for row in dataset.list_data_rows()) == list(range(3, 15))
        assert len(set(titles(dataset))) == 12
