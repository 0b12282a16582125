"""Files sent by our own client, in process and over a socket: what becomes of them, and what they say of themselves."""

from __future__ import annotations

import json
import random
import socket
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from harness import Running, running
from media import CT, film, image

from encord_convert.sdk.constants.enums import DataType
from encord_convert.sdk.dataset import Dataset
from encord_convert.sdk.exceptions import FileTypeNotSupportedError, InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.http.transport import Request
from encord_convert.sdk.orm.dataset import ImagesDataFetchOptions, StorageLocation
from encord_convert.service import videos
from encord_convert.service.store.data_rows import series_of

sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))
import dicom_files


def dataset_of(server: Running, name: str = "ann") -> Dataset:
    user = server.user(name)
    return user.get_dataset(user.create_dataset("Crossings", StorageLocation.CORD_STORAGE).dataset_hash)


def bytes_at(server: Running, url: str) -> bytes:
    reply = server.transport().send(Request("GET", url, {}))
    assert reply.status == 200
    return reply.body


@pytest.mark.proves("service: 6")
def test_an_image_keeps_its_bytes_and_says_its_size(server: Running, tmp_path: Path) -> None:
    dataset, file = dataset_of(server), image(tmp_path / "a.png", 31, 17)
    made = dataset.upload_image(file, title="north camera")
    [row] = dataset.list_data_rows()
    assert (row.uid, row.title, row.data_type) == (made["data_hash"], "north camera", DataType.IMAGE)
    assert (row.width, row.height, row.file_type, row.file_size) == (31, 17, "image/png", file.stat().st_size)
    row.refetch_data(signed_url=True)
    assert row.signed_url is not None and bytes_at(server, row.signed_url) == file.read_bytes()


@pytest.mark.proves("service: 6")
def test_a_image_on_its_side_has_the_size_it_is_shown_in(server: Running, tmp_path: Path) -> None:
    from PIL import Image

    exif = Image.Exif()
    exif[0x0112] = 6
    dataset = dataset_of(server)
    dataset.upload_image(image(tmp_path / "phone.jpg", 40, 30, exif=exif))
    [row] = dataset.list_data_rows()
    assert (row.width, row.height) == (30, 40)


@pytest.mark.proves("service: 6")
def test_a_group_has_its_images_in_the_order_given_each_with_its_own_size(server: Running, tmp_path: Path) -> None:
    dataset = dataset_of(server)
    sizes = {"b.png": (8, 4), "a.png": (6, 5), "c.jpg": (3, 9)}
    files = [image(tmp_path / name, *size) for name, size in sizes.items()]
    [made] = dataset.create_image_group(files, title="walk", create_video=False)
    [row] = dataset.list_data_rows(data_types=[DataType.IMG_GROUP])
    assert (row.uid, row.title, row.is_optimised_image_group) == (made["data_hash"], "walk", False)
    row.refetch_data(images_data_fetch_options=ImagesDataFetchOptions(fetch_signed_urls=True))
    images = row.images_data
    assert images is not None
    assert {one.title: (one.width, one.height) for one in images} == sizes
    assert [one.title for one in images] == list(sizes)
    assert [bytes_at(server, one.signed_url) for one in images] == [file.read_bytes() for file in files]


@pytest.mark.proves("service: 6")
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
    series = json.loads(server.service.database.read(lambda db: series_of(db, made["data_hash"])) or b"")
    assert [frame["dicom_instance_uid"] for frame in series["frames"]] == wanted
    assert series["metadata"]["series_uid"] == unit["metadata"]["series_uid"]


def slices_at(folder: Path, heights: list[float], **elements: Any) -> list[Path]:
    """Write a slice for each height, named by its number."""
    files = [folder / f"{number}.dcm" for number in range(len(heights))]
    for number, (file, height) in enumerate(zip(files, heights, strict=True)):
        file.write_bytes(dicom_files.image(number + 1, (0, 0, height), **elements))
    return files


def blocks_of(server: Running, data_hash: str) -> list[dict[str, Any]]:
    found = server.service.database.read(lambda db: series_of(db, data_hash))
    assert found is not None
    return json.loads(found)["frames"]  # type: ignore[no-any-return]


@pytest.mark.proves("service: case 15")
def test_a_missing_slice_is_told_and_not_invented(server: Running, tmp_path: Path) -> None:
    made = dataset_of(server).create_dicom_series(slices_at(tmp_path, [0, 2, 4, 8, 10]))
    assert made["notes"] == ["1 slice is missing between 4 and 8 mm; slices are 2 mm apart."]
    assert len(blocks_of(server, made["data_hash"])) == 5


@pytest.mark.proves("service: case 15")
def test_a_slice_of_another_size_keeps_its_own_and_is_told(server: Running, tmp_path: Path) -> None:
    files = slices_at(tmp_path, [0, 2])
    (tmp_path / "big.dcm").write_bytes(dicom_files.image(9, (0, 0, 4), Rows=6, Columns=8))
    made = dataset_of(server).create_dicom_series([*files, tmp_path / "big.dcm"])
    assert [(one["width"], one["height"]) for one in blocks_of(server, made["data_hash"])] == [(4, 3), (4, 3), (8, 6)]
    assert made["notes"][0].startswith("1 of 3 slices are not of 4 x 3 pixels as the first is")


@pytest.mark.proves("service: case 8")
def test_two_series_in_one_upload_are_refused_with_both_uids(server: Running, tmp_path: Path) -> None:
    files = slices_at(tmp_path, [0, 2])
    (tmp_path / "x.dcm").write_bytes(dicom_files.image(9, (0, 0, 4), SeriesInstanceUID="2.25.33"))
    dataset = dataset_of(server)
    with pytest.raises(InvalidArgumentsError, match=r"x\.dcm: is of the series 2\.25\.33, and 0\.dcm is of 2\.25\.2\."):
        dataset.create_dicom_series([*files, tmp_path / "x.dcm"])
    assert dataset.list_data_rows() == []


@pytest.mark.proves("service: case 9")
def test_slices_of_one_name_in_two_folders_are_two_slices(server: Running, tmp_path: Path) -> None:
    [first] = slices_at(tmp_path, [0])
    (tmp_path / "other").mkdir()
    second = tmp_path / "other/0.dcm"
    second.write_bytes(dicom_files.image(2, (0, 0, 2)))
    made = dataset_of(server).create_dicom_series([second, first])
    assert [one["dicom_instance_uid"] for one in blocks_of(server, made["data_hash"])] == ["2.25.1", "2.25.2"]


def test_the_same_slice_twice_is_one_and_another_with_its_uid_is_refused(server: Running, tmp_path: Path) -> None:
    files = slices_at(tmp_path, [0, 2])
    (tmp_path / "again").mkdir()
    again = tmp_path / "again/0.dcm"
    again.write_bytes(files[0].read_bytes())
    dataset = dataset_of(server)
    assert len(blocks_of(server, dataset.create_dicom_series([*files, again])["data_hash"])) == 2
    again.write_bytes(dicom_files.image(1, (0, 0, 7)))
    with pytest.raises(InvalidArgumentsError, match=r"has the SOPInstanceUID of 0\.dcm, and is another file"):
        dataset.create_dicom_series([*files, again])


@pytest.mark.proves("service: case 12")
def test_blocks_of_a_series_have_every_key_with_null_where_nothing_is_known(server: Running, tmp_path: Path) -> None:
    files = slices_at(tmp_path, [0, 2], PatientID=None)
    dataset = dataset_of(server)
    made = dataset.create_dicom_series(files)
    ann = server.user("ann")
    project = ann.get_project(ann.create_project("Series", [dataset.dataset_hash]))
    [unit] = project._client.create_label_row(made["data_hash"])["data_units"].values()
    assert unit["metadata"] == {"patient_id": None, "study_uid": "2.25.1", "series_uid": "2.25.2"}
    links = unit["data_links"]
    assert [unit["labels"][frame]["metadata"] for frame in ("0", "1")] == [
        {
            "dicom_instance_uid": f"2.25.{number + 1}", "multiframe_frame_number": None, "file_uri": links[number],
            "width": 4, "height": 3,
        }
        for number in range(2)
    ]  # fmt: skip


def test_a_series_of_documents_is_refused(server: Running, tmp_path: Path) -> None:
    file = slices_at(tmp_path, [0], Rows=None, Columns=None)[0]
    with pytest.raises(FileTypeNotSupportedError, match=r"0\.dcm: "):
        dataset_of(server).create_dicom_series([file])


def test_what_is_no_image_is_refused_by_name(server: Running, tmp_path: Path) -> None:
    file = tmp_path / "fake.png"
    file.write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    dataset = dataset_of(server)
    with pytest.raises(FileTypeNotSupportedError, match=r"fake\.png: is not a readable image"):
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
    body = image(tmp_path / "a.png", 4, 4).read_bytes()
    assert server.transport().send(Request("PUT", place["signed_url"], {}, body)).status == 200
    with pytest.raises(ResourceNotFoundError, match=r"There is no upload .*, or this key may not see it"):
        bob._client._querier.post(Query.SINGLE_IMAGE, None, place)


@pytest.mark.proves("service: 19.11")
def test_registering_an_image_twice_makes_one(server: Running, tmp_path: Path) -> None:
    dataset = dataset_of(server)
    querier = dataset._client._querier
    [place] = querier.get_list(Query.SIGNED_IMAGES_URL, ["a.png"])
    body = image(tmp_path / "a.png", 4, 4).read_bytes()
    server.transport().send(Request("PUT", place["signed_url"], {}, body))
    for _ in range(2):
        assert querier.post(Query.SINGLE_IMAGE, None, place) == {"success": True}
    assert len(dataset.list_data_rows()) == 1


@pytest.mark.proves("service: 6")
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
    monkeypatch.setattr("encord_convert.service.videos.find_spec", lambda name: None)
    file = tmp_path / "clip.mp4"
    file.write_bytes(bytes(4) + b"ftypisom")
    with pytest.raises(FileTypeNotSupportedError, match=r"pip install 'encord-convert\[video\]'"):
        dataset_of(server).upload_video(file)


def lists(folder: Path, port: int) -> dict[str, str]:
    """Texts FFmpeg takes for videos that lie elsewhere."""
    other = film(folder / "other.avi")
    return {
        "of addresses": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://127.0.0.1:{port}/x.ts\n#EXT-X-ENDLIST\n",
        "of files": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile://{other}\n#EXT-X-ENDLIST\n",
        "of a session": (
            "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n"
            f"m=video {port} RTP/AVP 96\na=rtpmap:96 H264/90000\n"
        ),
        "to be joined": f"ffconcat version 1.0\nfile '{other}'\n",
    }


@pytest.mark.filterwarnings("ignore::encord_convert.sdk._uploads.UploadWarning")
@pytest.mark.parametrize("name", ["of addresses", "of files", "of a session", "to be joined"])
def test_a_text_named_as_a_video_opens_nothing(tmp_path: Path, name: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening, running(tmp_path / "service") as server:
        port = listening.getsockname()[1]
        file = tmp_path / "clip.mp4"
        file.write_text(lists(tmp_path, port)[name])
        began = time.monotonic()
        with pytest.raises(FileTypeNotSupportedError, match=r"clip\.mp4: is no video the service reads"):
            dataset_of(server).upload_video(file)
        assert time.monotonic() - began < 8  # FFmpeg waits for ten seconds for what a session names
        listening.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listening.accept()


def test_a_video_of_an_unknown_codec_is_refused_by_name(server: Running, tmp_path: Path) -> None:
    file = film(tmp_path / "clip.mkv")
    file.write_bytes(file.read_bytes().replace(b"V_MPEG4/ISO/ASP", b"V_NOSUCH/ISO/XX"))
    with pytest.raises(FileTypeNotSupportedError, match=r"clip\.mkv: is encoded in a way the service does not know"):
        dataset_of(server).upload_video(file)


def test_a_video_that_breaks_its_reader_breaks_nothing_else(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(videos, "LOOK_S", 0.01)
    with pytest.raises(FileTypeNotSupportedError, match=r"clip\.mp4: takes more than 0 s to read"):
        dataset_of(server).upload_video(film(tmp_path / "clip.mp4"))


@pytest.mark.parametrize(
    "exif", [b"Exif\0\0garbage", b"Exif\0\0MM\0*\0\0\0\x08\0\x05", b"Exif\0\0II*\0\xff\xff\xff\x7f"]
)
def test_an_image_whose_exif_is_broken_is_an_image(server: Running, tmp_path: Path, exif: bytes) -> None:
    dataset = dataset_of(server)
    dataset.upload_image(image(tmp_path / "phone.jpg", 40, 30, exif=b"Exif\0\0" + exif))
    [row] = dataset.list_data_rows()
    assert (row.width, row.height, row.file_type) == (40, 30, "image/jpeg")
