"""Files of a bucket are registered and de-identified where they lie; a server of moto stands in for S3."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from harness import running
from media import image

from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.orm.dataset import StorageLocation

sys.path.insert(0, str(Path(__file__).parents[1] / "formats"))
from dicom_files import image as scan

fsspec = pytest.importorskip("fsspec")
pytest.importorskip("s3fs", reason="s3fs is not installed")
moto = pytest.importorskip("moto.server", reason="moto is not installed")

pytestmark = pytest.mark.filterwarnings("ignore")  # of the two packages


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    server = moto.ThreadedMotoServer("127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=30)
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    files = fsspec.filesystem("s3")
    files.mkdir("bucket")
    yield files
    fsspec.get_filesystem_class("s3").clear_instance_cache()
    server.stop()


@pytest.mark.proves("service: 14")
def test_files_of_a_bucket_stay_where_they_are(tmp_path: Path, bucket: Any) -> None:
    bucket.put_file(str(image(tmp_path / "a.png", 40, 30)), "bucket/data/a b.png")
    bucket.pipe_file("bucket/elsewhere.png", b"x")
    with running(tmp_path / "service", private_data=["s3://bucket/data"]) as server:
        ann = server.user("ann")
        [integration] = ann.get_cloud_integrations()
        dataset = ann.get_dataset(ann.create_dataset("Far", StorageLocation.AWS).dataset_hash)
        dataset.add_private_data_to_dataset(integration.id, {"images": [{"objectUrl": "s3://bucket/data/a b.png"}]})
        [row] = dataset.list_data_rows()
        assert (row.title, row.width, row.file_link) == ("a b.png", 40, "s3://bucket/data/a b.png")
        for address in ("s3://bucket/elsewhere.png", "s3://bucket/data/../elsewhere.png", "s3://bucket/database"):
            with pytest.raises(EncordException, match="is not below the folder or bucket"):
                dataset.add_private_data_to_dataset(integration.id, {"images": [{"objectUrl": address}]})
        with pytest.raises(EncordException, match=r"gone\.png: there is no such file"):
            dataset.add_private_data_to_dataset(
                integration.id, {"images": [{"objectUrl": "s3://bucket/data/gone.png"}]}
            )


@pytest.mark.proves("service: 14")
def test_files_of_a_bucket_are_de_identified_into_it(tmp_path: Path, bucket: Any) -> None:
    bucket.pipe_file("bucket/scan.dcm", scan(1, InstitutionName="SECRET"))
    with running(tmp_path / "service", private_data=["s3://bucket"], clock=lambda: 1_700_000_000.0) as server:
        ann = server.user("ann")
        [integration] = ann.get_cloud_integrations()
        done = [
            *ann.deidentify_dicom_files(["s3://bucket/scan.dcm"], integration.id),
            *ann.deidentify_dicom_files(["s3://bucket/scan.dcm"], integration.id, upload_dir="out"),
            *ann.deidentify_dicom_files(["s3://bucket/scan.dcm"], integration.id),
        ]
        assert done == [
            "s3://bucket/deid_170000000000000000_scan.dcm",
            "s3://bucket/out/deid_170000000000000000_scan.dcm",
            "s3://bucket/deid_170000000000000001_scan.dcm",
        ]
        assert not any(b"SECRET" in bucket.cat_file(one) for one in done)
