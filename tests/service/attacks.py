"""What one caller can do to the others: attacks on a running service, and how long everybody else waits meanwhile.

Each attack takes a :class:`Target` and a size from 0 to 1, of which 1 is what ``tests/bench/service_denial.py`` sends.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from harness import database_of, key_of, running
from test_serve_cli import client, key_files, served
from worlds import world

from encord_convert.sdk.exceptions import EncordException
from encord_convert.sdk.http._envelopes import request_bytes
from encord_convert.sdk.http._signatures import authorization
from encord_convert.sdk.http.routes import RESOURCE, USER, Query, Verb

LIST = request_bytes(Query.DATASET_WITH_USER_ROLE, Verb.GET, None, {"filter": {}, "enable_storage_api": True})


@dataclass
class Target:
    """A service in a process of its own, with two users: bob waits, and ann, who has a dataset, attacks."""

    url: str
    pid: int
    ann: Any
    dataset: str
    rows: list[str]
    address: tuple[str, int] = field(init=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        self.address = parts.hostname or "", parts.port or 0

    def memory_mb(self) -> float:
        """The most it has had so far."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1000

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=60)

    def head(self, size: int, *lines: str, path: str = USER) -> bytes:
        return "\r\n".join((f"POST /{path} HTTP/1.1", "Host: x", *lines, f"Content-Length: {size}", "", "")).encode()


@contextmanager
def target(folder: Path, rows: int = 0) -> Iterator[Target]:
    """A service that runs until the end of the block."""
    private, _ = key_files(folder, "ann")
    with running(folder / "data") as server:
        server.user("bob")
        made = world(server)
        hashes = [made.add(title=f"{number}.png") for number in range(rows)]
        dataset = made.dataset_hash
    database = database_of(folder / "data")
    with served(folder / "data", *(() if database is None else ("--database", database))) as (process, url):
        yield Target(url, process.pid, client(url, private), dataset, hashes)


def waits(it: Target, attack: Callable[[], None]) -> list[float]:
    """Let bob ask for little, again and again, until an attack is over; return how long each answer took, seconds."""
    words = [it.url, "/" + USER, LIST.decode(), authorization(key_of("bob"), LIST)]
    command = [sys.executable, str(Path(__file__).with_name("asking.py")), *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as bob:
        assert bob.stdout is not None and bob.stdout.readline() == "asking\n"
        with suppress(OSError, requests.RequestException, EncordException):  # it was cut, or refused: all the better
            attack()
        said, _ = bob.communicate()
    assert bob.returncode == 0
    times: list[float] = json.loads(said)
    return times


def p99(times: list[float]) -> float:
    return sorted(times)[min(int(len(times) * 0.99), len(times) - 1)]


def _together(count: int, work: Callable[[], None]) -> None:
    def quietly() -> None:
        with suppress(OSError, requests.RequestException, EncordException):
            work()

    threads = [threading.Thread(target=quietly) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def keyless(it: Target, size: float) -> None:
    """Bodies of many values, without a key, and under one nobody has."""
    body = b'{"query_type": "dataset", "query_method": "POST", "values": {"uid": [%b0], "payload": null}}'
    body %= b"[]," * int(20e6 * size)
    for lines in ((), (f"Authorization: {authorization(key_of('nobody'), body)}",)):

        def send(lines: tuple[str, ...] = lines) -> None:
            with it.connect() as one:
                one.sendall(it.head(len(body), *lines) + body)
                one.recv(1000)

        _together(4, send)


def forged(it: Target, size: float) -> None:
    """Bodies under a key somebody has, with a signature that is not theirs."""
    body = b"[]," * int(20e6 * size)
    line = f"Authorization: {authorization(key_of('bob'), b'other')}"

    def send() -> None:
        with it.connect() as one:
            one.sendall(it.head(len(body), line) + body)
            one.recv(1000)

    _together(4, send)


def slow_senders(it: Target, size: float) -> None:
    """Long bodies that all but end."""
    lines = f"Authorization: {authorization(key_of('bob'), b'other')}"
    length = int(200e6 * size)
    with ExitStack() as opened:
        for _ in range(4):
            one = opened.enter_context(it.connect())
            with suppress(OSError):
                one.sendall(it.head(length, lines))
                one.sendall(bytes(length - 1))
        time.sleep(3)


def idle_connections(it: Target, size: float) -> None:
    """More connections than the service takes."""
    with ExitStack() as opened:
        for _ in range(int(3000 * size)):
            opened.enter_context(it.connect())
        time.sleep(3)


def slow_readers(it: Target, size: float) -> None:
    """Long answers that nobody takes."""
    body = request_bytes(Query.DATASET, Verb.GET, None, {})
    of = ("ResourceType: dataset", f"ResourceID: {it.dataset}")
    line = f"Authorization: {authorization(key_of('ann'), body)}"
    with ExitStack() as opened:
        for _ in range(max(int(100 * size), 4)):
            one = opened.enter_context(it.connect())
            one.sendall(it.head(len(body), line, *of, path=RESOURCE) + body)
        time.sleep(3)


def many_values(it: Target, size: float) -> None:
    """A payload of many small values, by somebody known."""
    count = int(20e6 * size)

    def send() -> None:
        body = b'{"query_type": "dataset", "query_method": "POST", "values": {"uid": null, "payload": [%b0]}}'
        body %= b"[]," * count
        headers = {"Authorization": authorization(key_of("ann"), body)}
        requests.post(f"{it.url}/{USER}", body, headers=headers, timeout=120)

    _together(2, send)


def imports(it: Target, size: float) -> None:
    """Annotations of many labels."""
    labels = "".join(
        f"<label><name>l{number}</name><attributes></attributes></label>" for number in range(int(100_000 * size))
    )
    text = (
        f"<annotations><version>1.1</version><meta><task><id>1</id><name>t</name><size>1</size><mode>annotation</mode>"
        f"<labels>{labels}</labels></task></meta></annotations>"
    )
    payload = {
        "cvat": {"annotations_base64": b64encode(text.encode()).decode()}, "dataset_hash": it.dataset,
        "image_title_to_image_hash_map": {}, "review_mode": "labelled",
        "transform_bounding_boxes_to_polygons": False,
    }  # fmt: skip
    _together(2, lambda: it.ann.querier.post(Query.PROJECT_IMPORTER, None, payload))


def addresses(it: Target, size: float) -> None:
    """Places for many images."""
    titles = [f"{number}.png" for number in range(int(100_000 * size))]
    querier = it.ann.get_dataset(it.dataset)._client._querier
    _together(2, lambda: querier.get(Query.SIGNED_IMAGES_URL, titles))


def renames(it: Target, size: float) -> None:
    """Many names at once."""
    items = [
        {"video_hash": it.rows[number % len(it.rows)], "title": f"{number}"} for number in range(int(50_000 * size))
    ]
    querier = it.ann.get_dataset(it.dataset)._client._querier
    _together(2, lambda: querier.post(Query.VIDEO, None, items))


def listings(it: Target, size: float) -> None:
    """Long listings, again and again."""
    dataset = it.ann.get_dataset(it.dataset)
    _together(16, lambda: [dataset.list_data_rows() for _ in range(max(int(10 * size), 1))])


ATTACKS: dict[str, Callable[[Target, float], None]] = {
    attack.__name__: attack
    for attack in (
        keyless, forged, slow_senders, idle_connections, slow_readers, many_values, imports, addresses, renames,
        listings,
    )
}  # fmt: skip
