"""The official package, unmodified, in an environment of its own, against a served service with only ``domain`` set."""

from __future__ import annotations

import json
import shutil
import subprocess
import venv
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from media import film
from PIL import Image

from encord_convert.service.app import open_service
from encord_convert.service.server import Server
from encord_convert.service.store.users import add_key

HERE = Path(__file__).parent
FIXTURES = HERE.parents[2] / "fixtures"
VERSION = "0.1.104"
AT_LEAST = 150

CVAT = """<annotations><version>1.1</version><meta>{meta}</meta>
<image id="0" name="a.png" {of} width="64" height="48">
  <box label="car" source="manual" occluded="0" xtl="4" ytl="3" xbr="20" ybr="15" z_order="1"></box>
  <polygon label="car" source="manual" occluded="0" points="1,1;9,1;9,9" z_order="0"></polygon>
</image></annotations>"""
LABELS = (
    "<labels><label><name>car</name><color>#ff0000</color><type>any</type><attributes></attributes></label></labels>"
)
TASK = f"<task><id>3</id><name>t</name><size>1</size><mode>annotation</mode>{LABELS}</task>"
PROJECT = (
    "<project><id>2</id><name>Cars</name><tasks><task><id>3</id><name>t</name><size>1</size><mode>annotation</mode>"
    f"<subset>default</subset></task></tasks>{LABELS}<subsets>default</subsets></project>"
)


@pytest.fixture(scope="session")
def official(request: pytest.FixtureRequest) -> Path:
    """The interpreter of an environment with the official package; made once and kept with pytest's cache."""
    assert request.config.cache is not None
    folder = request.config.cache.mkdir(f"encord-{VERSION}")
    python = folder / "bin/python"
    if not (folder / "whole").exists():
        shutil.rmtree(folder)
        venv.create(folder, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"encord=={VERSION}"],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            assert "connection" in done.stderr.lower() or "no matching distribution" in done.stderr.lower(), done.stderr
            pytest.skip(f"encord=={VERSION} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
        (folder / "whole").touch()
    return python


def key_file(folder: Path, name: str) -> str:
    """Write a new private key, and return the public one in hexadecimal digits."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (folder / f"{name}.key").write_bytes(text)
    return key.public_key().public_bytes_raw().hex()


def picture(path: Path, width: int, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (width, height, 7)).save(path)


def files(folder: Path) -> None:
    """Write everything the calls upload."""
    for place in ("pictures", "cloud", "cvat_project/images/default", "cvat_task/images", "cvat_broken/images"):
        picture(folder / place / "a.png", 64, 48)
        picture(folder / place / "c.png", 32, 24)
    picture(folder / "pictures/b.jpg", 80, 60)
    (folder / "pictures/text.png").write_text("no image")
    (folder / "cvat_project/annotations.xml").write_text(CVAT.format(meta=PROJECT, of='subset="default" task_id="3"'))
    (folder / "cvat_task/annotations.xml").write_text(CVAT.format(meta=TASK, of=""))
    (folder / "cvat_broken/annotations.xml").write_text("<annotations")
    shutil.copytree(FIXTURES / "dicom/ct_series", folder / "ct")
    for name, modality in (("scan", "CT"), ("other", "MR")):
        (folder / f"cloud/{name}.dcm").write_bytes(scan(modality))
    film(folder / "video.mp4")
    film(folder / "cloud/video.mp4")


def scan(modality: str) -> bytes:
    import io

    from pydicom.dataset import Dataset, FileMetaDataset
    from pydicom.uid import ExplicitVRLittleEndian

    made = Dataset()
    made.SOPClassUID, made.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.2", "2.25.7"
    made.StudyInstanceUID, made.SeriesInstanceUID, made.Modality = "2.25.1", "2.25.2", modality
    made.PatientID = made.InstitutionName = made.StudyDescription = "SECRET"
    made.Rows, made.Columns, made.SamplesPerPixel, made.BitsAllocated = 24, 32, 1, 8
    made.BitsStored, made.HighBit, made.PixelRepresentation = 8, 7, 0
    made.PhotometricInterpretation, made.PixelData = "MONOCHROME2", bytes(24 * 32)
    made["PixelData"].VR = "OB"
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = io.BytesIO()
    made.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


@pytest.fixture(scope="module")
def lines(official: Path, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """What every check said."""
    folder = tmp_path_factory.mktemp("official").resolve()
    files(folder)
    service = open_service(folder / "service", private_data=[str(folder / "cloud")])
    for name in ("ann", "bob"):
        public = key_file(folder, name)
        service.database.write(lambda db, n=name, p=public: add_key(db, f"{n}@example.com", p, 1.7e9)).result()
    key_file(folder, "eve")
    server = Server(service)
    stop = server.start()
    try:
        command = [official, "-W", "ignore", str(HERE / "calls/run.py"), server.url, str(folder)]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "LANG": "C.UTF-8"}
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, env=environment)
    finally:
        stop()
        service.close()
    told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    assert told, done.stderr
    return told


@pytest.mark.timeout(900)
def test_every_call_of_the_official_package_is_answered(lines: list[dict[str, Any]]) -> None:
    failed = [f"{line['name']}: {line['error']}\n{line['where']}" for line in lines if line["error"]]
    assert not failed, "\n".join(failed)


def test_there_are_enough_checks_and_they_ask_the_service(lines: list[dict[str, Any]]) -> None:
    asking = [line for line in lines if line["requests"]]
    assert len(asking) >= AT_LEAST
    assert len({line["name"] for line in lines}) == len(lines)
    sent = sum(line["requests"] for line in lines)
    print(f"{len(lines)} checks, {len(asking)} of them ask the service, {sent} requests")
