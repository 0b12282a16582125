"""Files arrive in order, are named when they do not, are not sent twice, and are never held in memory."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from loopback import Answer, Received, success
from test_retries import Waiting
from wire_calls import World

from encord_convert.sdk._uploads import UploadWarning
from encord_convert.sdk.exceptions import CloudUploadError, EncordException
from encord_convert.sdk.http.utils import CloudUploadSettings

PNG = b"\x89PNG\r\n\x1a\n"
ALLOWING = CloudUploadSettings(allow_failures=True)


class Storage:
    """A service with storage: gives places, takes files, and refuses those whose bytes it is told."""

    def __init__(self) -> None:
        self.places = 0
        self.stored: dict[str, bytes] = {}
        self.types: dict[str, str | None] = {}
        self.registered: list[Any] = []
        self.refused: set[bytes] = set()
        self.lock = threading.Lock()

    def __call__(self, received: Received) -> Answer:
        with self.lock:
            if received.method == "PUT":
                if received.body in self.refused:
                    return Answer(403, b"denied")
                hash_ = received.path.rpartition("/")[2]
                self.stored[hash_] = received.body
                self.types[hash_] = received.headers.get("Content-Type")
                return Answer()
            asked = received.envelope
            if asked["query_type"].startswith("signed"):
                self.places += 1
                names = asked["values"]["uid"]
                name = names if isinstance(names, str) else names[0]
                place = {
                    "signed_url": f"http://{received.headers['Host']}/s/{self.places}?signature=x",
                    "data_hash": str(self.places), "title": name, "file_link": f"l{self.places}",
                }  # fmt: skip
                return success(place if isinstance(names, str) else [place])
            if asked["query_type"] == "imagegroup":
                self.registered.append(asked["values"]["uid"])
                return success([{"data_hash": "g", "title": "group"}])
            return success({"success": True, "data_hash": "v", "title": "t"})

    def of(self, hashes: list[str]) -> list[bytes]:
        return [self.stored[hash_] for hash_ in hashes]


@pytest.fixture
def storage() -> Storage:
    return Storage()


@pytest.fixture
def world(storage: Storage) -> Iterator[World]:
    made = World(storage, Waiting().clock())
    with made.server:
        yield made


def images(folder: Path, count: int) -> list[Path]:
    paths = [folder / f"{n:03}.png" for n in range(count)]
    for n, path in enumerate(paths):
        path.write_bytes(PNG + bytes([n]))
    return paths


def test_a_group_keeps_the_order_of_its_files(world: World, storage: Storage, tmp_path: Path) -> None:
    paths = images(tmp_path, 40)[::-1]
    made = world.dataset.create_image_group(paths)
    assert made == [{"data_hash": "g", "title": "group"}] and made.failures == ()
    (order,) = storage.registered
    assert storage.of(order) == [path.read_bytes() for path in paths]
    assert storage.types == dict.fromkeys(order, "image/png")


def test_paths_may_come_from_a_generator(world: World, storage: Storage, tmp_path: Path) -> None:
    world.dataset.create_image_group(str(path) for path in images(tmp_path, 3))
    assert [one[-1] for one in storage.of(storage.registered[0])] == [0, 1, 2]


@pytest.mark.proves("service: case 9")
def test_equal_names_and_the_same_file_twice_are_files_of_their_own(
    world: World, storage: Storage, tmp_path: Path
) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = tmp_path / "a" / "same.png", tmp_path / "b" / "same.png"
    first.write_bytes(PNG + b"1")
    second.write_bytes(PNG + b"2")
    world.dataset.create_image_group([first, second, first])
    (order,) = storage.registered
    assert len(set(order)) == 3 and [one[-1:] for one in storage.of(order)] == [b"1", b"2", b"1"]


def test_names_may_be_in_any_script(world: World, storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "снимок 写真 🐟 #1%.png"
    path.write_bytes(PNG)
    assert world.dataset.upload_image(path)["title"] == path.name
    assert storage.types == {"1": "image/png"}


@pytest.mark.proves("service: case 10 case 11")
def test_a_missing_file_is_named_before_anything_is_sent(world: World, tmp_path: Path) -> None:
    _ = world.dataset
    gone = tmp_path / "gone.png"
    with pytest.raises(EncordException, match=r"gone\.png: there is no such file\. Nothing was sent\."):
        world.dataset.create_image_group([*images(tmp_path, 2), gone])
    assert world.recorded == []


@pytest.mark.proves("service: case 10 case 11")
def test_failures_are_listed_where_they_are_allowed(world: World, storage: Storage, tmp_path: Path) -> None:
    paths = images(tmp_path, 5)
    storage.refused = {paths[1].read_bytes(), paths[4].read_bytes()}
    made = world.dataset.create_image_group(paths, cloud_upload_settings=ALLOWING)
    assert [one.path for one in made.failures] == [str(paths[1]), str(paths[4])]
    assert all("storage answered HTTP 403" in one.error.message for one in made.failures)
    assert [one[-1] for one in storage.of(storage.registered[0])] == [0, 2, 3]


@pytest.mark.proves("service: case 10 case 11")
def test_nothing_is_registered_where_nothing_arrived(world: World, storage: Storage, tmp_path: Path) -> None:
    paths = images(tmp_path, 2)
    storage.refused = {path.read_bytes() for path in paths}
    with pytest.raises(CloudUploadError, match="None of the 2 files arrived"):
        world.dataset.create_image_group(paths, cloud_upload_settings=ALLOWING)
    assert storage.registered == []


def test_a_call_made_again_sends_only_what_did_not_arrive(world: World, storage: Storage, tmp_path: Path) -> None:
    paths = images(tmp_path, 30)
    storage.refused = {paths[20].read_bytes()}
    with pytest.raises(CloudUploadError, match=r"020\.png: storage answered HTTP 403") as caught:
        world.dataset.create_image_group(paths)
    assert isinstance(caught.value, RuntimeError) and storage.registered == []
    arrived = len(storage.stored)
    assert arrived >= 20
    storage.refused.clear()
    before = storage.places
    world.dataset.create_image_group(paths)
    assert storage.places - before == 30 - arrived
    assert [one[-1] for one in storage.of(storage.registered[0])] == list(range(30))
    world.dataset.create_image_group(paths)
    assert storage.places - before == 60 - arrived  # what was registered is another upload


def test_a_file_that_changed_meanwhile_is_sent_again(world: World, storage: Storage, tmp_path: Path) -> None:
    good, bad = images(tmp_path, 2)
    storage.refused = {bad.read_bytes()}
    with pytest.raises(CloudUploadError):
        world.dataset.create_image_group([good, bad])
    storage.refused.clear()
    good.write_bytes(PNG + b"changed")
    world.dataset.create_image_group([good, bad])
    assert storage.of(storage.registered[0])[0] == PNG + b"changed"


def test_progress_is_told(world: World, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    world.dataset._client._uploads.progress = lambda done, of: told.append((done, of))
    world.dataset.create_image_group(images(tmp_path, 4))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


KINDS = {
    "clip.mp4": (b"\0\0\0\x18ftypisom", "application/octet-stream"),
    "scan.dcm": (bytes(128) + b"DICM", "application/dicom"),
    "photo.jpg": (b"\xff\xd8\xff\xe0", "image/jpeg"),
    "photo.tiff": (b"II*\0", "image/tiff"),
    "photo.webp": (b"RIFF\0\0\0\0WEBP", "image/webp"),
    "photo": (PNG, None),
}


def _send(world: World, path: Path) -> None:
    if path.suffix == ".mp4":
        world.dataset.upload_video(path)
    elif path.suffix == ".dcm":
        world.dataset.create_dicom_series([path])
    else:
        world.dataset.upload_image(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_goes_with_its_type_and_without_a_warning(
    name: str, world: World, storage: Storage, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(KINDS[name][0])
    _send(world, path)
    assert storage.types == {"1": KINDS[name][1]}


@pytest.mark.parametrize("name", ["clip.mp4", "scan.dcm", "photo.jpg"])
def test_a_file_that_begins_otherwise_is_warned_of_and_sent(
    name: str, world: World, storage: Storage, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(b"something else")
    with pytest.warns(UploadWarning, match="does not begin like a") as warned:
        _send(world, path)
    assert len(warned) == 1 and storage.stored == {"1": b"something else"}


def test_a_file_is_sent_again_from_its_beginning(world: World, storage: Storage, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(PNG + bytes(1 << 20))
    busy = iter([503, 500])

    def answer(received: Received) -> Answer:
        status = next(busy, None) if received.method == "PUT" else None
        return Answer(status) if status else storage(received)

    world.answer = answer
    world.dataset.upload_image(path)
    assert storage.stored == {"1": path.read_bytes()}
    assert [one.method for one in world.recorded] == ["POST", "PUT", "PUT", "PUT", "POST"]


BIG = 1 << 30

SEND_BIG = """
import resource, sys
from encord_convert.sdk.http.transport import Request, SocketTransport
from encord_convert.sdk._uploads import warn_of_another_kind, VIDEO
from pathlib import Path
path = Path(sys.argv[2])
warn_of_another_kind(VIDEO, path)
transport = SocketTransport()
transport.send(Request("PUT", sys.argv[1], {}, b"x", 9, 9))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with path.open("rb") as stream:
    assert transport.send(Request("PUT", sys.argv[1], {}, stream, 60, 60)).status == 200
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_a_large_file_is_never_in_memory(tmp_path: Path) -> None:
    from http.server import BaseHTTPRequestHandler, HTTPServer

    received = []

    class Sink(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_PUT(self) -> None:
            left = int(self.headers["Content-Length"])
            received.append(left)
            while left:
                left -= len(self.rfile.read(min(left, 1 << 22)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    path = tmp_path / "big.mp4"
    with path.open("wb") as stream:
        stream.write(b"\0\0\0\x18ftypisom")
        stream.truncate(BIG)  # sparse
    server = HTTPServer(("127.0.0.1", 0), Sink)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}/s"
    done = subprocess.run(
        [sys.executable, "-c", SEND_BIG, url, str(path)], capture_output=True, text=True, check=False, timeout=100
    )
    server.shutdown()
    server.server_close()
    assert done.returncode == 0, done.stderr
    assert received == [1, BIG]
    assert int(done.stdout) < 16_000  # kB
