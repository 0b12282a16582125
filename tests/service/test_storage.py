"""Files: whole or not there, once for the same bytes, behind addresses that are good for a while."""

from __future__ import annotations

import http.client
import os
import stat
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness import Running, running
from media import image

from encord_convert.errors import ReadError
from encord_convert.sdk.http.routes import Query
from encord_convert.sdk.http.transport import Reply, Request
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.service import storage
from encord_convert.service.app import open_service
from encord_convert.service.storage import Storage


def files_of(server: Running) -> list[str]:
    root = server.service.storage._root
    return sorted(str(path.relative_to(root)) for path in Path(root).rglob("*") if path.is_file())


def place(server: Running, name: str = "a.png") -> dict[str, str]:
    ann = server.user("ann")
    made = ann.create_dataset("Crossings", StorageLocation.CORD_STORAGE)
    [found] = ann.get_dataset(made.dataset_hash)._client._querier.get_list(Query.SIGNED_IMAGES_URL, [name])
    return found


def send(server: Running, method: str, url: str, body: bytes = b"", **headers: str) -> Reply:
    return server.transport().send(Request(method, url, headers, body))


@pytest.mark.proves("service: 16")
def test_a_file_is_kept_under_the_digest_of_its_bytes_and_once(server: Running) -> None:
    for _ in range(2):
        assert send(server, "PUT", place(server)["signed_url"], b"bytes").status == 200
    digest = sha256(b"bytes").hexdigest()
    assert files_of(server) == [f"{digest[:2]}/{digest}"]


@pytest.mark.proves("service: 19.9")
def test_an_empty_file_and_one_sent_in_chunks_arrive(server: Running) -> None:
    assert send(server, "PUT", place(server)["signed_url"], b"").status == 200
    if server.way == "socket":
        url = urlsplit(place(server)["signed_url"])
        connection = http.client.HTTPConnection(url.netloc)
        connection.request("PUT", f"{url.path}?{url.query}", iter([b"by", b"tes"]), encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})  # fmt: skip
        assert connection.getresponse().status == 200
        connection.close()
        assert sha256(b"bytes").hexdigest() in files_of(server)[0] + files_of(server)[1]


@pytest.mark.proves("service: 16")
@pytest.mark.parametrize("change", ["signature", "expires", "hash", "method", "none"])
def test_an_address_that_was_changed_is_refused(server: Running, change: str) -> None:
    url = place(server)["signed_url"]
    changed = {
        "signature": url[:-3] + "AAA",
        "expires": url.replace("expires=", "expires=9"),
        "hash": url.replace("/uploads/", "/uploads/0"),
        "method": url,
        "none": url.partition("?")[0],
    }[change]
    reply = send(server, "GET" if change == "method" else "PUT", changed, b"bytes")
    assert reply.status == 403
    assert b"was not made by this service, or is for another method" in reply.body
    assert files_of(server) == []


@pytest.mark.proves("service: 16")
def test_an_address_ends(tmp_path: Path) -> None:
    now = [1_700_000_000.0]
    with running(tmp_path, clock=lambda: now[0]) as server:
        url = place(server)["signed_url"]
        now[0] += storage.UPLOAD_S + 1
        reply = send(server, "PUT", url, b"bytes")
    assert (reply.status, b"has expired" in reply.body) == (403, True)


def test_a_file_that_is_larger_than_allowed_leaves_nothing(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "MOST_BYTES", 1 << 20)
    url = place(server)["signed_url"]
    reply = send(server, "PUT", url, bytes((1 << 20) + 1))
    assert reply.status == 400
    assert b"A file may have" in reply.body
    assert files_of(server) == []


@pytest.mark.proves("service: 16")
def test_a_file_that_stops_half_way_leaves_nothing(tmp_path: Path) -> None:
    with running(tmp_path, "socket") as server:
        url = urlsplit(place(server)["signed_url"])
        connection = http.client.HTTPConnection(url.netloc)
        connection.putrequest("PUT", f"{url.path}?{url.query}")
        connection.putheader("Content-Length", "1000000")
        connection.endheaders(b"only the beginning")
        connection.close()
        # The next request is answered after the connection's end was seen.
        for _ in range(50):
            if not files_of(server):
                break
            import time

            time.sleep(0.05)
        assert files_of(server) == []


@pytest.mark.proves("service: 20")
def test_a_full_disk_is_told(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: object, part: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(storage.Incoming, "write", full)
    reply = send(server, "PUT", place(server)["signed_url"], b"bytes")
    assert reply.status == 502
    assert b"The disk of the service is full or failing" in reply.body
    assert files_of(server) == []


def fetched(server: Running, name: str, body: bytes, **headers: str) -> Reply:
    digest_url = place(server)["signed_url"]
    assert send(server, "PUT", digest_url, body).status == 200
    digest, now = sha256(body).hexdigest(), server.service.clock()
    type_ = {"svg": "image/svg+xml", "png": "image/png", "html": "text/html"}[name.rpartition(".")[2]]
    return send(server, "GET", server.service.storage.download_url(server.url, digest, name, type_, now), **headers)


def test_a_part_of_a_file_can_be_fetched(server: Running, tmp_path: Path) -> None:
    body = image(tmp_path / "a.png", 9, 9).read_bytes()
    for span, wanted in (("2-5", body[2:6]), ("4-", body[4:]), ("-3", body[-3:])):
        reply = fetched(server, "a.png", body, Range=f"bytes={span}")
        assert (reply.status, reply.body) == (206, wanted)
        assert reply.headers["content-range"].endswith(f"/{len(body)}")
    whole = fetched(server, "a.png", body)
    assert (whole.status, whole.body, whole.headers["content-type"]) == (200, body, "image/png")


@pytest.mark.parametrize(
    ("span", "status", "wanted"),
    [
        ("bytes=0-0", 206, b"0"), ("bytes=5-999", 206, b"56789"), ("BYTES=8-", 206, b"89"), ("bytes=-99", 206, None),
        ("bytes=10-", 416, b""), ("bytes=99-100", 416, b""), ("bytes=-0", 416, b""),
        ("bytes=5-2", 200, None), ("bytes=0-1,4-5", 200, None), ("lines=1-2", 200, None), ("bytes=a-b", 200, None),
        ("bytes=+1-2", 200, None), ("bytes=-", 200, None), ("bytes=1_0-", 200, None), ("bytes=²-", 200, None),
    ],
)  # fmt: skip
def test_a_range_is_read_as_the_standard_has_it(server: Running, span: str, status: int, wanted: bytes | None) -> None:
    reply = fetched(server, "a.png", b"0123456789", Range=span.encode().decode("latin-1"))
    assert reply.status == status
    if status == 416:
        assert reply.headers["content-range"] == "bytes */10"
    else:
        assert reply.body == (b"0123456789" if wanted is None else wanted)
        assert ("content-range" in reply.headers) is (status == 206)


def test_a_range_of_another_file_is_the_whole_one(server: Running) -> None:
    reply = fetched(server, "a.png", b"0123456789", **{"Range": "bytes=2-3", "If-Range": '"other"'})
    assert (reply.status, reply.body) == (200, b"0123456789")


@pytest.mark.proves("service: 23")
@pytest.mark.parametrize("name", ["a.svg", "a.html"])
def test_what_could_hold_a_script_is_not_shown(server: Running, name: str) -> None:
    reply = fetched(server, name, b"<svg onload='alert(1)'/>")
    assert reply.headers["content-type"] == "application/octet-stream"
    assert reply.headers["content-disposition"].startswith("attachment;")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.proves("service: 23")
def test_the_name_of_a_file_is_no_path(server: Running) -> None:
    url = server.service.storage.download_url(server.url, "0" * 64, '../../x"\r\ny.png', "image/png", 0.0)
    assert urlsplit(url).path == f"/storage/files/{'0' * 64}/x%22%0D%0Ay.png"


def test_the_secret_is_made_once_and_is_its_owners(tmp_path: Path) -> None:
    assert Storage(tmp_path).secret == Storage(tmp_path).secret
    file = tmp_path / "secret"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(file.read_bytes()) == 32
    assert Storage(tmp_path / "other").secret != file.read_bytes()


@pytest.mark.parametrize("secret", [b"", b"short", bytes(33)], ids=["empty", "short", "long"])
def test_a_secret_that_is_none_is_refused(tmp_path: Path, secret: bytes) -> None:
    (tmp_path / "secret").write_bytes(secret)
    with pytest.raises(ReadError, match=f"has {len(secret)} bytes; the secret of a service has 32"):
        open_service(tmp_path)
    assert (tmp_path / "secret").read_bytes() == secret


def test_nobody_else_may_look_at_the_data_whatever_was_there_before(tmp_path: Path) -> None:
    folder, before = tmp_path / "data", os.umask(0)
    try:
        (folder / "files").mkdir(mode=0o777, parents=True)
        (folder / "service.sqlite").touch(0o666)
        with running(folder) as server:
            assert send(server, "PUT", place(server)["signed_url"], b"bytes").status == 200
            kept = [path for path in (folder, *folder.iterdir()) if path.stat().st_mode & 0o077]
    finally:
        os.umask(before)
    assert [path.name for path in kept if path.name != "migration.lock"] == []


@pytest.mark.proves("service: 22")
def test_slow_uploads_keep_nobody_waiting(tmp_path: Path) -> None:
    with running(tmp_path, "socket") as server:
        slow = []
        for _ in range(12):
            url = urlsplit(place(server)["signed_url"])
            slow.append(http.client.HTTPConnection(url.netloc))
            slow[-1].putrequest("PUT", f"{url.path}?{url.query}")
            slow[-1].putheader("Content-Length", "10")
            slow[-1].endheaders(b"begun")
        assert len(server.user("ann").get_datasets()) == 12
        for one in slow:
            one.send(b"ended")
        assert [one.getresponse().status for one in slow] == [200] * 12
        for one in slow:
            one.close()
