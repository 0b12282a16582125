"""Files sent by our own client, in process and over a socket: what becomes of them, and what they say of themselves."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
from harness import Running
from media import CT, film, picture

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.dataset import Dataset
from encord_convert.sdk.exceptions import FileTypeNotSupportedError, InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.http.transport import Request
from encord_convert.sdk.orm.dataset import ImagesDataFetchOptions, StorageLocation


def dataset_of(server: Running, name: str = "ann") -> Dataset:
    user = server.user(name)
    return user.get_dataset(user.create_dataset("Crossings", StorageLocation.CORD_STORAGE).dataset_hash)


def bytes_at(server: Running, url: str) -> bytes:
    reply = server.transport().send(Request("GET", url, {}))
    assert reply.status == 200
    return reply.body


def test_an_image_keeps_its_bytes_and_says_its_size(server: Running, tmp_path: Path) -> None:
    dataset, file = dataset_of(server), picture(tmp_path / "a.png", 31, 17)
    made = dataset.upload_image(file, title="north camera")
    [row] = dataset.list_data_rows()
    assert (row.uid, row.title, row.data_type) == (made["data_hash"], "north camera", DataType.IMAGE)
    assert (row.width, row.height, row.file_type, row.file_size) == (31, 17, "image/png", file.stat().st_size)
    row.refetch_data(signed_url=True)
    assert row.signed_url is not None and bytes_at(server, row.signed_url) == file.read_bytes()


def test_a_picture_on_its_side_has_the_size_it_is_shown_in(server: Running, tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    dataset = dataset_of(server)
    dataset.upload_image(picture(tmp_path / "phone.jpg", 40, 30, exif=exif))
    [row] = dataset.list_data_rows()
    assert (row.width, row.height) == (30, 40)


def test_a_group_has_its_images_in_the_order_given_each_with_its_own_size(server: Running, tmp_path: Path) -> None:
    dataset = dataset_of(server)
    sizes = {"b.png": (8, 4), "a.png": (6, 5), "c.jpg": (3, 9)}
    files = [picture(tmp_path / name, *size) for name, size in sizes.items()]
    [made] = dataset.create_image_group(files, title="walk", create_video=False)
    [row] = dataset.list_data_rows(data_types=[DataType.IMG_GROUP])
    assert (row.uid, row.title, row.is_optimised_image_group) == (made["data_hash"], "walk", False)
    row.refetch_data(images_data_fetch_options=ImagesDataFetchOptions(fetch_signed_urls=True))
    images = row.images_data
    assert images is not None
    assert {one.title: (one.width, one.height) for one in images} == sizes
    assert [one.title for one in images] == list(sizes)
    assert [bytes_at(server, one.signed_url) for one in images] == [file.read_bytes() for file in files]


def test_the_order_of_a_series_comes_from_the_files(server: Running) -> None:
    expected = json.loads((CT / "hub.json").read_text())
    [row] = expected["rows"]
    [unit] = row["data_units"].values()
    wanted = [unit["labels"][str(n)]["metadata"]["dicom_instance_uid"] for n in range(len(unit["labels"]))]
    files = sorted(path for path in CT.rglob("*") if path.is_file() and path.suffix not in (".json", ".md"))
    random.Random(4).shuffle(files)
    dataset = dataset_of(server)
    made = dataset.create_dicom_series(files, title="chest")
    [found] = dataset.list_data_rows()
    assert (found.uid, found.title, found.data_type) == (made["data_hash"], "chest", DataType.DICOM)
    from encord_convert.service.store.data_rows import series_of

    series = json.loads(server.service.database.read(lambda db: series_of(db, made["data_hash"])))
    assert [frame["dicom_instance_uid"] for frame in series["frames"]] == wanted
    assert series["metadata"]["series_uid"] == unit["metadata"]["series_uid"]


def test_what_is_no_picture_is_refused_by_name(server: Running, tmp_path: Path) -> None:
    file = tmp_path / "fake.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    dataset = dataset_of(server)
    with pytest.raises(FileTypeNotSupportedError, match=r"fake\.png: is no picture the service reads"):
        dataset.upload_image(file)
    assert dataset.list_data_rows() == []


def test_a_series_of_what_is_no_dicom_is_refused_by_name(server: Running, tmp_path: Path) -> None:
    file = tmp_path / "a.dcm"
    file.write_bytes(bytes(128) + b"DICM")
    with pytest.raises(FileTypeNotSupportedError, match=r"a\.dcm: It is"):
        dataset_of(server).create_dicom_series([file])


def test_nothing_is_registered_that_did_not_arrive(server: Running) -> None:
    dataset = dataset_of(server)
    querier = dataset._client._querier
    [place] = querier.get_list(Query.SIGNED_IMAGES_URL, ["a.png"])
    with pytest.raises(InvalidArgumentsError, match=r"a\.png: nothing arrived yet"):
        querier.post(Query.SINGLE_IMAGE, None, place)


def test_an_upload_of_another_dataset_is_not_there(server: Running, tmp_path: Path) -> None:
    ann, bob = dataset_of(server, "ann"), dataset_of(server, "bob")
    [place] = ann._client._querier.get_list(Query.SIGNED_IMAGES_URL, ["a.png"])
    body = picture(tmp_path / "a.png", 4, 4).read_bytes()
    assert server.transport().send(Request("PUT", place["signed_url"], {}, body)).status == 200
    with pytest.raises(ResourceNotFoundError, match=r"There is no upload .*, or this key may not see it"):
        bob._client._querier.post(Query.SINGLE_IMAGE, None, place)


def test_registering_an_image_twice_makes_one(server: Running, tmp_path: Path) -> None:
    dataset = dataset_of(server)
    querier = dataset._client._querier
    [place] = querier.get_list(Query.SIGNED_IMAGES_URL, ["a.png"])
    body = picture(tmp_path / "a.png", 4, 4).read_bytes()
    server.transport().send(Request("PUT", place["signed_url"], {}, body))
    for _ in range(2):
        assert querier.post(Query.SINGLE_IMAGE, None, place) == {"success": True}
    assert len(dataset.list_data_rows()) == 1


def test_a_video_says_its_size_rate_and_frames(server: Running, tmp_path: Path) -> None:
    file = film(tmp_path / "clip.mp4", 25)
    dataset = dataset_of(server)
    dataset.upload_video(file, title="east")
    [row] = dataset.list_data_rows()
    assert (row.title, row.data_type, row.width, row.height) == ("east", DataType.VIDEO, 64, 48)
    assert (row.frames_per_second, row.duration, row.file_type) == (10.0, 2.5, "video/mp4")


def test_a_video_without_pyav_is_refused_with_what_to_install(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("encord_convert.service.contents.find_spec", lambda name: None)
    file = tmp_path / "clip.mp4"
    file.write_bytes(bytes(4) + b"ftypisom")
    with pytest.raises(FileTypeNotSupportedError, match=r"pip install 'encord-convert\[video\]'"):
        dataset_of(server).upload_video(file)
