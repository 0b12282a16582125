"""The official package, unmodified, in an environment of its own, against a served service with only ``domain`` set."""

from __future__ import annotations

import json
import shutil
import subprocess
import venv
from collections.abc import Iterator
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
ASKED = HERE / "asked.json"
"""What each version asks, as ``all_versions.py`` found it."""
FIXTURES = HERE.parents[2] / "fixtures"
VERSIONS = ("0.1.104", "0.1.211")
"""The documented one and the newest; ``all_versions.py`` runs more."""
AT_LEAST = 150
AT_LEAST_EACH = 60

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


def interpreter(folder: Path, version: str) -> Path:
    """Return the interpreter of an environment with a version of the official package, made in the folder if new.

    Raises
    ------
    ConnectionError
        The package cannot be had here.
    """
    python = folder / "bin/python"
    if not (folder / "whole").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        done = subprocess.run(
            [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"encord=={version}"],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            assert "connection" in done.stderr.lower() or "no matching distribution" in done.stderr.lower(), done.stderr
            raise ConnectionError(f"encord=={version} cannot be installed here: {done.stderr.strip().splitlines()[-1]}")
        (folder / "whole").touch()
    return python


@pytest.fixture(scope="session")
def pythons(request: pytest.FixtureRequest) -> dict[str, Path]:
    """The interpreters of the environments; made once and kept with pytest's cache."""
    assert request.config.cache is not None
    try:
        return {one: interpreter(request.config.cache.mkdir(f"encord-{one}"), one) for one in VERSIONS}
    except ConnectionError as error:
        pytest.skip(str(error))


def key_file(folder: Path, name: str) -> str:
    """Write a new private key, and return the public one in hexadecimal digits."""
    key = Ed25519PrivateKey.generate()
    text = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())
    (folder / f"{name}.key").write_bytes(text)
    return key.public_key().public_bytes_raw().hex()


def image(path: Path, width: int, height: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), (width, height, 7)).save(path)


def files(folder: Path) -> None:
    """Write everything the calls upload."""
    for place in ("pictures", "cloud", "cvat_project/images/default", "cvat_task/images", "cvat_broken/images"):
        image(folder / place / "a.png", 64, 48)
        image(folder / place / "c.png", 32, 24)
    image(folder / "pictures/b.jpg", 80, 60)
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


class Suite:
    """A served service with one database, and the calls of some versions against it.

    Parameters
    ----------
    folder : Path
        Of the service, the keys and the files.
    pythons : dict
        Version to interpreter.
    """

    def __init__(self, folder: Path, pythons: dict[str, Path]) -> None:
        self.folder, self._pythons = folder, pythons
        files(folder)
        numbers = [int(version.rpartition(".")[2]) for version in pythons]
        (folder / "versions.json").write_text(json.dumps(numbers))
        self._service = open_service(folder / "service", private_data=[str(folder / "cloud")])
        for name in ("ann", "bob", *(f"v{number}" for number in numbers)):
            public = key_file(folder, name)
            self._register(f"{name}@example.com", public)
        key_file(folder, "eve")
        self._server = Server(self._service)
        self._stop = self._server.start()

    def _register(self, email: str, public: str) -> None:
        self._service.database.write(lambda db: add_key(db, email, public, 1.7e9)).result()

    def run(self, version: str, *modules: str) -> list[dict[str, Any]]:
        """Run modules of calls, all of the documented version by default; return what every check said."""
        command = [self._pythons[version], "-W", "ignore", str(HERE / "calls/run.py"), self._server.url, self.folder]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LANG": "C.UTF-8"}
        done = subprocess.run([*command, *modules], capture_output=True, text=True, timeout=600, env=environment)
        told = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        assert told, done.stderr
        assert len({line["name"] for line in told}) == len(told)
        return told

    def close(self) -> None:
        self._stop()
        self._service.close()


def routes(lines: list[dict[str, Any]]) -> set[str]:
    """What the service was asked, files left out."""
    found = {route for line in lines for route in line["routes"]}
    return {route for route in found if " /storage/" not in route}


def failures(lines: list[dict[str, Any]]) -> str:
    return "\n".join(f"{line['name']}: {line['error']}\n{line['where']}" for line in lines if line["error"])


@pytest.fixture(scope="module")
def suite(pythons: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Suite]:
    made = Suite(tmp_path_factory.mktemp("official").resolve(), pythons)
    yield made
    made.close()


@pytest.mark.timeout(900)
def test_every_call_of_the_documented_version_is_answered(suite: Suite) -> None:
    lines = suite.run(VERSIONS[0])
    assert not failures(lines), failures(lines)
    asking = [line for line in lines if line["requests"]]
    assert len(asking) >= AT_LEAST
    assert routes(lines) <= set(json.loads(ASKED.read_text())[VERSIONS[0]])
    print(f"{len(lines)} checks, {len(asking)} of them ask the service")


@pytest.mark.timeout(900)
def test_versions_share_one_service_and_read_what_the_others_wrote(suite: Suite) -> None:
    for version in VERSIONS:
        lines = suite.run(version, "every_version")
        assert not failures(lines), failures(lines)
        assert sum(line["requests"] > 0 for line in lines) >= AT_LEAST_EACH
        ticked = set(json.loads(ASKED.read_text())[version])
        assert routes(lines) <= ticked
        assert version == VERSIONS[0] or routes(lines) == ticked
    for version in (*VERSIONS, *VERSIONS):  # what one saved the others read, and what these saved over it it reads
        lines = suite.run(version, "others")
        assert not failures(lines), failures(lines)
