"""Videos are encoded again by a job; where nothing encodes them, that is said."""

from __future__ import annotations

import time
from pathlib import Path

import av
import pytest
import requests
from harness import Running, running
from media import film

from encord_convert.sdk.dataset import Dataset
from encord_convert.sdk.exceptions import InvalidArgumentsError, ResourceNotFoundError
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.service import videos
from encord_convert.service.store import jobs
from encord_convert.service.store.tables_jobs import WAITING


def dataset_of(server: Running) -> Dataset:
    ann = server.user("ann")
    return ann.get_dataset(ann.create_dataset("Videos", StorageLocation.CORD_STORAGE).dataset_hash)


@pytest.mark.proves("service: 15")
def test_without_an_encoder_it_is_said_what_to_install(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("encord_convert.service.videos.find_spec", lambda name: None)
    with pytest.raises(InvalidArgumentsError, match=r"pip install 'encord-convert\[video\]'"):
        dataset_of(server).re_encode_data(["x"])


@pytest.mark.proves("service: 15")
def test_a_video_is_encoded_again_with_all_its_frames(tmp_path: Path) -> None:
    with running(tmp_path / "service", "socket") as server:
        dataset = dataset_of(server)
        dataset.upload_video(str(film(tmp_path / "ride.avi", 7)))
        [row] = dataset.list_data_rows()
        job = dataset.re_encode_data([row.uid])
        while (done := dataset.re_encode_data_status(job)).status == "PENDING":
            time.sleep(0.1)
        assert done.status == "DONE" and done.result is not None
        [made] = done.result
        assert made.data_hash == row.uid and made.signed_url is not None
        (tmp_path / "made.mp4").write_bytes(requests.get(made.signed_url, timeout=30).content)
        with av.open(str(tmp_path / "made.mp4")) as container:
            track = container.streams.video[0]
            assert (track.codec_context.name, track.width, track.average_rate) == ("h264", 64, 10)
            frames = [frame.to_ndarray(format="gray").mean() for frame in container.decode(track)]
        assert len(frames) == 7 and frames == sorted(frames)


def test_what_is_no_video_of_the_dataset_is_not_encoded(server: Running) -> None:
    with pytest.raises(ResourceNotFoundError, match="There is no video x"):
        dataset_of(server).re_encode_data(["x"])
    with pytest.raises(ResourceNotFoundError, match="The dataset has no such job"):
        dataset_of(server).re_encode_data_status(7)


def test_a_video_that_ends_the_service_each_time_is_given_up(tmp_path: Path) -> None:
    with running(tmp_path / "service") as server:
        dataset = dataset_of(server)
        dataset.upload_video(str(film(tmp_path / "ride.avi", 7)))
        [row] = dataset.list_data_rows()
        server.service._jobs.close()  # no thread does it here
        job = dataset.re_encode_data([row.uid])
        begun = [(0, WAITING, b"3")]  # as if the service had been killed three times over it
        server.service.database.write(lambda db: jobs.record(db, job, WAITING, begun)).result()
    with running(tmp_path / "service") as server:
        dataset = server.user("ann").get_dataset(dataset.dataset_hash)
        while (done := dataset.re_encode_data_status(job)).status == "PENDING":
            time.sleep(0.1)
        assert done.status == "ERROR"


def test_a_video_that_takes_too_long_to_encode_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(videos, "ENCODE_S", 0.01)
    with running(tmp_path / "service") as server:
        dataset = dataset_of(server)
        dataset.upload_video(str(film(tmp_path / "ride.avi", 7)))
        [row] = dataset.list_data_rows()
        job = dataset.re_encode_data([row.uid])
        while (done := dataset.re_encode_data_status(job)).status == "PENDING":
            time.sleep(0.1)
        assert done.status == "ERROR"
