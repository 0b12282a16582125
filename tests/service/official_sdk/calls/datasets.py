"""Signing in; datasets, their data, their keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime

import encord
import requests
from encord import EncordUserClient
from encord.constants.enums import DataType
from encord.exceptions import (
    AuthenticationError,
    AuthorisationError,
    EncordException,
    FileTypeNotSupportedError,
    InvalidArgumentsError,
    ResourceNotFoundError,
)
from encord.orm.dataset import (
    DatasetAccessSettings,
    DatasetScope,
    DatasetUserRole,
    ImagesDataFetchOptions,
    LongPollingStatus,
    StorageLocation,
)
from world import DAY, DOMAIN, FOLDER, check, image, refused, signed_in, w


@check
def user_signs_in_and_has_no_datasets() -> None:
    w.ann, w.bob, w.eve = signed_in("ann"), signed_in("bob"), signed_in("eve")
    assert w.ann.get_datasets() == []


@check
def key_text_signs_in_too() -> None:
    text = (FOLDER / "ann.key").read_text()
    assert EncordUserClient.create_with_ssh_private_key(text, domain=DOMAIN).get_projects() == []


@check
def unknown_key_is_an_authentication_error() -> None:
    refused(AuthenticationError, w.eve.get_datasets)


@check
def unknown_key_creates_nothing() -> None:
    refused(AuthenticationError, lambda: w.eve.create_dataset("x", StorageLocation.CORD_STORAGE))


@check
def create_dataset() -> None:
    made = w.ann.create_dataset("Crossings", StorageLocation.CORD_STORAGE, "cameras 1 to 4")
    assert (made.title, made.backing_folder_uuid is not None) == ("Crossings", True)
    w.dataset_hash = made.dataset_hash
    w.dataset = w.ann.get_dataset(made.dataset_hash)


@check
def create_dataset_without_folder() -> None:
    made = w.ann.create_dataset("Plain", StorageLocation.CORD_STORAGE, create_backing_folder=False)
    assert made.backing_folder_uuid is None
    w.plain = w.ann.get_dataset(made.dataset_hash)


@check
def create_private_dataset() -> None:
    made = w.ann.create_private_dataset("Private 100%", StorageLocation.AWS, "in a bucket")
    w.private = w.ann.get_dataset(made.dataset_hash)
    assert w.private.storage_location == StorageLocation.AWS


@check
def open_dataset() -> None:
    assert (w.dataset.title, w.dataset.description) == ("Crossings", "cameras 1 to 4")
    assert w.dataset.storage_location == StorageLocation.CORD_STORAGE
    assert w.dataset.data_rows == []


def listed(**filters: object) -> list[str]:
    return [one["dataset"].title for one in w.ann.get_datasets(**filters)]


@check
def list_datasets() -> None:
    assert listed() == ["Crossings", "Plain", "Private 100%"]


@check
def list_datasets_by_title() -> None:
    assert listed(title_eq="Plain") == ["Plain"]


@check
def list_datasets_by_pattern() -> None:
    assert listed(title_like="%ing%") == ["Crossings"]


@check
def list_datasets_by_escaped_pattern() -> None:
    assert listed(title_like="%\\%") == ["Private 100%"]


@check
def list_datasets_by_description() -> None:
    assert listed(desc_eq="in a bucket") == ["Private 100%"]
    assert listed(desc_like="cam%") == ["Crossings"]


@check
def list_datasets_by_time() -> None:
    now = datetime.now(UTC)
    assert len(listed(created_after=now - DAY, created_before=now + DAY)) == 3
    assert listed(edited_after=now + DAY) == []
    assert listed(edited_before=str(now - DAY)) == []


@check
def unknown_dataset_is_not_found() -> None:
    refused(ResourceNotFoundError, lambda: w.ann.get_dataset("00000000-0000-4000-8000-000000000000"))


@check
def dataset_of_another_is_not_found() -> None:
    refused(ResourceNotFoundError, lambda: w.bob.get_dataset(w.dataset_hash))


@check
def share_dataset() -> None:
    [user] = w.dataset.add_users(["bob@example.com"], DatasetUserRole.USER)
    assert (user.user_email, user.user_role) == ("bob@example.com", DatasetUserRole.USER)
    assert w.bob.get_dataset(w.dataset_hash).title == "Crossings"


@check
def user_role_may_not_upload() -> None:
    refused(AuthorisationError, lambda: w.bob.get_dataset(w.dataset_hash).upload_image(image("a.png")))


def rows() -> dict[str, object]:
    return {row.title: row for row in w.dataset.list_data_rows()}


@check
def upload_image() -> None:
    done = w.dataset.upload_image(image("a.png"))
    assert done.title == "a.png"
    row = rows()["a.png"]
    assert (row.data_type, row.width, row.height, row.file_type) == (DataType.IMAGE, 64, 48, "image/png")


@check
def upload_image_with_title() -> None:
    w.dataset.upload_image(image("b.jpg"), title="Zebra crossing")
    assert rows()["Zebra crossing"].data_type == DataType.IMAGE


@check
def upload_image_that_is_none() -> None:
    refused(FileTypeNotSupportedError, lambda: w.dataset.upload_image(image("text.png")))


@check
def create_image_group() -> None:
    [made] = w.dataset.create_image_group([image("a.png"), image("b.jpg"), image("c.png")], title="walk")
    row = rows()["walk"]
    assert (row.uid, row.data_type) == (made["data_hash"], DataType.IMG_GROUP)


@check
def create_image_group_without_title() -> None:
    [made] = w.dataset.create_image_group([image("a.png"), image("c.png")], create_video=False)
    w.nameless = made["data_hash"]
    assert rows()[made["title"]].uid == w.nameless


@check
def images_of_a_group() -> None:
    row = rows()["walk"]
    row.refetch_data(images_data_fetch_options=ImagesDataFetchOptions(fetch_signed_urls=True))
    assert [one.title for one in row.images_data] == ["a.png", "b.jpg", "c.png"]

    assert requests.get(row.images_data[0].signed_url).content == (FOLDER / "pictures/a.png").read_bytes()


@check
def create_dicom_series() -> None:
    files = sorted(str(path) for path in (FOLDER / "ct").glob("*.dcm"))
    made = w.dataset.create_dicom_series(files, title="thorax")
    row = rows()["thorax"]
    assert (row.uid, row.data_type) == (made["data_hash"], DataType.DICOM)


@check
def upload_video() -> None:
    w.dataset.upload_video(str(FOLDER / "video.mp4"), title="ride")
    row = rows()["ride"]
    assert (row.data_type, row.width, row.frames_per_second) == (DataType.VIDEO, 64, 10)


@check
def re_encode_video() -> None:
    import time

    job = w.dataset.re_encode_data([rows()["ride"].uid])
    for _ in range(100):
        done = w.dataset.re_encode_data_status(job)
        if done.status != "PENDING":
            break
        time.sleep(0.2)
    assert done.status == "DONE" and done.result[0].data_hash == rows()["ride"].uid


@check
def list_data_rows_with_filters() -> None:
    found = w.dataset.list_data_rows
    assert [row.title for row in found(title_eq="walk")] == ["walk"]
    assert [row.title for row in found(title_like="%.png")] == ["a.png"]
    assert {row.title for row in found(data_types=[DataType.IMAGE])} == {"a.png", "Zebra crossing"}
    assert [row.title for row in found(data_hashes=[rows()["thorax"].uid])] == ["thorax"]
    assert found(created_before=datetime.now() - DAY) == []


@check
def rename_data_row() -> None:
    row = rows()["a.png"]
    row.title = "b.png"
    row.save()
    assert "b.png" in rows()


@check
def client_metadata_of_data_row() -> None:
    row = rows()["b.png"]
    row.client_metadata = {"camera": 4, "place": "Malmö"}
    row.save()
    w.dataset.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))
    assert rows()["b.png"].client_metadata == {"camera": 4, "place": "Malmö"}


@check
def save_data_row_without_change() -> None:
    rows()["b.png"].save()


@check
def update_data_item() -> None:
    assert w.dataset.update_data_item(rows()["b.png"].uid, "a.png") is True
    assert "a.png" in rows()


@check
def signed_url_of_data_row() -> None:

    row = rows()["a.png"]
    row.refetch_data(signed_url=True)
    assert requests.get(row.signed_url).content == (FOLDER / "pictures/a.png").read_bytes()


@check
def link_items() -> None:
    row = rows()["a.png"]
    w.plain.link_items([row.backing_item_uuid])
    assert [one.title for one in w.plain.list_data_rows()] == ["a.png"]


@check
def delete_data() -> None:
    w.plain.delete_data([row.uid for row in w.plain.list_data_rows()])
    assert w.plain.list_data_rows() == []


@check
def delete_image_group() -> None:
    w.dataset.delete_image_group(w.nameless)
    assert w.nameless not in {row.uid for row in rows().values()}


@check
def run_ocr_is_refused_in_words() -> None:
    error = refused_any(lambda: w.dataset.run_ocr(rows()["walk"].uid))
    assert isinstance(error, EncordException)


def refused_any(call: Callable[[], object]) -> Exception | None:
    try:
        call()
    except EncordException as error:
        return error
    raise AssertionError("nothing was raised")


@check
def cloud_integrations() -> None:
    [integration] = w.ann.get_cloud_integrations()
    [again] = w.dataset.get_cloud_integrations()
    assert (integration.id, integration.title) == (again.id, again.title)
    w.integration = integration.id


def cloud(name: str) -> str:
    return (FOLDER / "cloud" / name).as_uri()


@check
def private_data_in_one_call() -> None:
    document = {
        "images": [{"objectUrl": cloud("a.png"), "title": "far away"}],
        "image_groups": [{"objectUrl_0": cloud("a.png"), "objectUrl_1": cloud("c.png"), "title": "far group"}],
        "skip_duplicate_urls": True,
    }
    done = w.private.add_private_data_to_dataset(w.integration, document)
    assert [one.title for one in done.dataset_data_list] == ["far away", "far group"]


@check
def private_data_from_a_file() -> None:
    path = FOLDER / "document.json"
    path.write_text(json.dumps({"images": [{"objectUrl": cloud("a.png")}], "skip_duplicate_urls": True}))
    assert w.private.add_private_data_to_dataset(w.integration, path).dataset_data_list == []


@check
def private_data_by_job() -> None:
    job = w.private.add_private_data_to_dataset_start(w.integration, {"images": [{"objectUrl": cloud("c.png")}]})
    done = w.private.add_private_data_to_dataset_get_result(job, timeout_seconds=20)
    assert (done.status, done.units_done_count, done.errors) == (LongPollingStatus.DONE, 1, [])


@check
def private_data_with_errors() -> None:
    document = {"images": [{"objectUrl": cloud("gone.png")}]}
    error = refused(EncordException, lambda: w.private.add_private_data_to_dataset(w.integration, document))
    assert "gone.png" in str(error)


@check
def private_data_with_misspelt_key() -> None:
    error = refused(InvalidArgumentsError, lambda: w.private.add_private_data_to_dataset(w.integration, {"imagse": []}))
    assert "imagse" in str(error)


@check
def private_data_elsewhere_is_refused() -> None:
    document = {"images": [{"objectUrl": "http://169.254.169.254/latest"}]}
    refused(EncordException, lambda: w.private.add_private_data_to_dataset(w.integration, document))


@check
def dataset_api_keys() -> None:
    made = w.ann.create_dataset_api_key(w.dataset_hash, "reader", [DatasetScope.READ])
    assert (made.title, made.scopes) == ("reader", [DatasetScope.READ])
    assert [key.title for key in w.ann.get_dataset_api_keys(w.dataset_hash)] == ["reader"]
    w.dataset_key = made.api_key


@check
def dataset_api_key_reads() -> None:
    client = encord.client.EncordClientDataset.initialise(w.dataset_hash, w.dataset_key, domain=DOMAIN)
    assert {row.title for row in client.list_data_rows()} == set(rows())


@check
def dataset_api_key_of_a_reader_does_not_write() -> None:
    client = encord.client.EncordClientDataset.initialise(w.dataset_hash, w.dataset_key, domain=DOMAIN)
    refused(AuthorisationError, lambda: client.delete_data([rows()["a.png"].uid]))
    assert "a.png" in rows()


@check
def get_or_create_dataset_api_key() -> None:
    first = w.ann.get_or_create_dataset_api_key(w.plain.dataset_hash)
    assert first.dataset_hash == w.plain.dataset_hash
    client = encord.client.EncordClientDataset.initialise(w.plain.dataset_hash, first.api_key, domain=DOMAIN)
    assert client.get_dataset().title == "Plain"


@check
def wrong_api_key_is_an_authentication_error() -> None:
    refused(
        AuthenticationError,
        lambda: encord.client.EncordClientDataset.initialise(w.dataset_hash, "x" * 43, domain=DOMAIN),
    )


@check
def list_data_rows_by_each_bound_of_time() -> None:
    now = datetime.now()
    assert len(w.dataset.list_data_rows(created_after=now - DAY)) == len(rows())
    assert w.dataset.list_data_rows(created_after=now + DAY) == []
    assert len(w.dataset.list_data_rows(created_before=now + DAY)) == len(rows())


@check
def list_data_rows_of_each_type() -> None:
    found = {kind: len(w.dataset.list_data_rows(data_types=[kind])) for kind in (DataType.VIDEO, DataType.DICOM)}
    assert found == {DataType.VIDEO: 1, DataType.DICOM: 1}


@check
def a_series_of_two_series_is_refused() -> None:
    files = [str(next((FOLDER / "ct").glob("*.dcm"))), str(FOLDER / "cloud/scan.dcm")]
    error = refused(InvalidArgumentsError, lambda: w.plain.create_dicom_series(files))
    assert "2.25.2" in str(error)


@check
def upload_video_that_is_none() -> None:
    refused(FileTypeNotSupportedError, lambda: w.dataset.upload_video(image("text.png")))


@check
def upload_of_a_missing_file_sends_nothing() -> None:
    refused(EncordException, lambda: w.dataset.create_image_group([image("a.png"), image("gone.png")]))


@check
def private_data_of_every_kind() -> None:
    far = w.ann.get_dataset(w.ann.create_private_dataset("Far", StorageLocation.AWS).dataset_hash)
    document = {
        "videos": [{"objectUrl": cloud("video.mp4"), "title": "far ride", "clientMetadata": {"camera": 4}}],
        "dicom_series": [{"objectUrl_0": cloud("scan.dcm"), "title": "far scan"}],
        "images": [{"objectUrl": cloud("a.png")}],
    }
    done = far.add_private_data_to_dataset(w.integration, document)
    assert [one.title for one in done.dataset_data_list] == ["far ride", "a.png", "far scan"]
    far.set_access_settings(DatasetAccessSettings(fetch_client_metadata=True))
    found = {row.title: row for row in far.list_data_rows()}
    ride = found["far ride"]
    assert (ride.width, ride.height, ride.frames_per_second, ride.client_metadata) == (64, 48, 10, {"camera": 4})
    assert found["far scan"].data_type == DataType.DICOM
    assert found["a.png"].file_link == cloud("a.png")


@check
def private_data_whose_errors_are_ignored() -> None:
    document = {"images": [{"objectUrl": cloud("gone.png")}, {"objectUrl": cloud("a.png"), "title": "there"}]}
    done = w.private.add_private_data_to_dataset(w.integration, document, ignore_errors=True)
    assert [one.title for one in done.dataset_data_list] == ["there"]


@check
def a_row_of_the_dataset_of_another_is_not_found() -> None:
    refused(ResourceNotFoundError, lambda: w.bob.get_dataset(w.private.dataset_hash))
