"""How many saves a second the service takes from 16 clients, in how much memory, and how long 100,000 rows are listed,
alone and while the clients save.

    python tests/bench/service_load.py [--seconds 20] [--rows 100000] [--lists 30]

Each client has a connection of its own that it keeps, signs every request, and sends the next when the one before is
acknowledged; one process beside the server plays all of them, so that on a machine of two cores they do not take that
of the server. A save is one label row of 20 boxes, about 14 kB, of which no two are alike; it counts when it is
acknowledged, that is, on the disk. Goals: 2,500 saves/s, the rows listed in 2 s in 99 of 100 cases, the server below
256 MB throughout. A machine that does other things says little of the first two; what a save takes of the processors,
at the server and at the clients, says more.
"""

from __future__ import annotations

import argparse
import http.client
import multiprocessing
import os
import selectors
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/service")]

from harness import key_of, running  # noqa: E402
from worlds import BOX, world  # noqa: E402

from encord_convert.sdk.http._envelopes import request_bytes  # noqa: E402
from encord_convert.sdk.http._signatures import authorization  # noqa: E402
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb  # noqa: E402

CLIENTS, OBJECTS = 16, 20


def prepared(folder: Path, rows: int) -> tuple[str, list[dict[str, Any]]]:
    """Make a project of many pieces of data, a label row for each client; return its hash and the rows."""
    from sqlalchemy import insert

    from encord_convert.service.store.tables import DATA_ROWS

    with running(folder) as server:
        made = world(server)
        begun = [made.begun(title=f"mine {number}.png") for number in range(CLIENTS)]
        whole = {
            "dataset_hash": made.dataset_hash, "data_type": "IMAGE", "created_at": 1.7e9, "last_edited_at": 1.7e9,
            "width": 1920, "height": 1080, "number_of_frames": 1, "storage_location": 0, "file_type": "image/png",
        }  # fmt: skip
        more = [
            {**whole, "data_hash": f"{number:08x}-0000-4000-8000-000000000000", "number": 1000 + number,
             "data_title": f"camera 4/{number:06}.png", "file_link": f"bucket/{number:06}.png"}
            for number in range(rows - CLIENTS)
        ]  # fmt: skip
        server.service.database.write(lambda db: db.execute(insert(DATA_ROWS), more) if more else None).result()
        return made.project.project_hash, begun


class Client:
    """A caller with a connection of its own, who saves one label row again and again."""

    def __init__(self, place: tuple[str, int], project_hash: str, row: dict[str, Any], number: int) -> None:
        self.socket = socket.create_connection(place)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._key = key_of("ann")
        self._pieces = request_bytes(Query.LABEL_ROW, Verb.POST, row["label_hash"], drawn(row)).split(MARK)
        self._head = (
            f"POST /{RESOURCE} HTTP/1.1\r\nHost: {place[0]}:{place[1]}\r\nAccept: application/json\r\n"
            "Content-Type: application/json\r\nAccept-Encoding: gzip\r\nAuthorization: %s\r\n"
            f"ResourceType: project\r\nResourceID: {project_hash}\r\n"
            "User-Agent: encord-sdk-python/0.1.104 python/3.11.7\r\n"
            f"X-Cloud-Trace-Context: {project_hash[:8] * 4}/1374874855622314207;o=1\r\nContent-Length: %d\r\n\r\n"
        )
        self._count = number
        self._began = 0.0

    def send(self) -> None:
        """Save boxes that are nowhere they ever were, under a signature of their own."""
        self._count += CLIENTS
        body = (b"0.%09d" % self._count).join(self._pieces)
        head = self._head % (authorization(self._key, body), len(body))
        self._began = time.perf_counter()
        # As HTTP libraries do: the head, then the body.
        self.socket.sendall(head.encode())
        self.socket.sendall(body)

    def receive(self) -> float:
        """Take the answer; return how long it took."""
        reply = b""
        while not reply.partition(b"\r\n\r\n")[2]:  # the head may come first
            part = self.socket.recv(1 << 16)
            assert part, reply
            reply += part
        took = time.perf_counter() - self._began
        assert reply.startswith(b"HTTP/1.1 200 ") and reply.endswith(b'\r\n\r\n{"status":200,"response":true}'), reply
        return took


MARK = b"0.333333333"
"""Where a box lies in a body that is not filled in."""


def drawn(row: dict[str, Any]) -> dict[str, Any]:
    """Return a label row with boxes."""
    [unit] = row["data_units"].values()
    boxes = [
        {
            "objectHash": f"b{number:07}", "featureHash": "car00001", "shape": "bounding_box", "value": "car",
            "boundingBox": {**BOX, "x": float(MARK)}, "name": "Car", "color": "#D33115",
            "createdAt": "Wed, 25 Nov 2026 21:48:37 UTC", "createdBy": "ann@example.com", "confidence": 1.0,
            "lastEditedAt": "Wed, 25 Nov 2026 21:48:37 UTC", "lastEditedBy": "ann@example.com",
            "manualAnnotation": True,
        }
        for number in range(OBJECTS)
    ]  # fmt: skip
    note = {
        "name": "Note", "value": "note", "featureHash": "note0001", "manualAnnotation": True,
        "answers": "seen from the left, partly behind a tree; checked twice by two people",
    }  # fmt: skip
    answers = {box["objectHash"]: {"objectHash": box["objectHash"], "classifications": [note]} for box in boxes}
    labels = {"objects": boxes, "classifications": []}
    return {**row, "data_units": {unit["data_hash"]: {**unit, "labels": labels}}, "object_answers": answers}


def saving(url: str, project_hash: str, rows: list[dict[str, Any]], seconds: float, told: Any) -> None:
    """Save as fast as may be, a connection for each row; tell how long each save took, and how long all together."""
    place = urlsplit(url)
    times: list[float] = []
    ready = selectors.DefaultSelector()
    clients = [Client((place.hostname or "", place.port or 0), project_hash, row, at) for at, row in enumerate(rows)]
    for client in clients:
        ready.register(client.socket, selectors.EVENT_READ, client)
    began, used = time.perf_counter(), time.process_time()
    for client in clients:
        client.send()
    waiting = len(clients)
    while waiting:
        for event, _ in ready.select():
            times.append(event.data.receive())
            if time.perf_counter() - began < seconds:
                event.data.send()
            else:
                waiting -= 1
    told.put((times, time.perf_counter() - began, time.process_time() - used))


def memory_mb(process: int) -> float:
    """Return the largest resident set of a process so far, MB of 1,000,000 bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


class Listed(NamedTuple):
    """Seconds each listing took, bytes of an answer, processor seconds of the server for all."""

    times: list[float]
    size: int
    used: float

    @property
    def told(self) -> str:
        return (
            f"{self.size / 1e6:.1f} MB: median {median(self.times):.2f} s, p99 {percentile(self.times, 0.99):.2f} s "
            f"of {len(self.times)}; the server took {self.used / len(self.times):.2f} s of processor meanwhile"
        )


def listing(url: str, project_hash: str, lists: int, server: int, until: Callable[[], bool] = lambda: False) -> Listed:
    """List all label rows some times, or until something is over."""
    place = urlsplit(url)
    payload = dict.fromkeys(
        ("edited_before", "edited_after", "label_statuses", "shadow_data_state", "data_hashes", "label_hashes",
         "data_title_eq", "data_title_like", "workflow_graph_node_title_eq", "workflow_graph_node_title_like")
    )  # fmt: skip
    body = request_bytes(Query.LABEL_ROW_METADATA, Verb.GET, None, {**payload, "include_uninitialised_labels": True})
    signed = authorization(key_of("ann"), body)
    headers = {"ResourceType": "project", "ResourceID": project_hash, "Authorization": signed}
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    times, size, before = [], 0, cpu_s(server)
    while len(times) < lists and not (times and until()):
        began = time.perf_counter()
        connection.request("POST", RESOURCE, body, headers)
        size = len(connection.getresponse().read())
        times.append(time.perf_counter() - began)
    return Listed(times, size, cpu_s(server) - before)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--lists", type=int, default=30)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        project_hash, rows = prepared(Path(name) / "data", options.rows)
        served = subprocess.Popen(
            [sys.executable, "-m", "encord_convert", "serve", "--data", f"{name}/data", "--print-url"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        try:
            assert served.stdout is not None
            url = served.stdout.readline().strip()
            report(served.pid, *saved(url, project_hash, rows, options.seconds, served.pid))
            alone = listing(url, project_hash, options.lists, served.pid)
            print(f"listing {options.rows} rows, {alone.told}")
            clients = ThreadPoolExecutor(1).submit(saved, url, project_hash, rows, options.seconds, served.pid)
            beside = listing(url, project_hash, options.lists, served.pid, until=clients.done)
            times, seconds, *_ = clients.result()
            print(f"listing them while {len(times) / seconds:.0f} saves/s go on, {beside.told}")
            print(f"memory of the server {memory_mb(served.pid):.0f} MB at most")
        finally:
            served.terminate()
            served.wait()


def saved(
    url: str, project_hash: str, rows: list[dict[str, Any]], seconds: float, server: int
) -> tuple[list[float], float, float, float]:
    """Let all clients save for a while, in a process of their own.

    Returns
    -------
    times : list of float
        How long each save took.
    seconds : float
        All of them.
    used, own : float
        Processor seconds of the clients and of the server.
    """
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    before = cpu_s(server)
    clients = context.Process(target=saving, args=(url, project_hash, rows, seconds, told))
    clients.start()
    times, wall, used = told.get()
    own = cpu_s(server) - before
    clients.join()
    return times, wall, used, own


def report(server: int, times: list[float], seconds: float, used: float, own: float) -> None:
    print(
        f"{len(times)} saves by {CLIENTS} clients: {len(times) / seconds:.0f}/s, median {median(times) * 1e3:.1f} ms, "
        f"p99 {percentile(times, 0.99) * 1e3:.1f} ms; a save took {own / len(times) * 1e6:.0f} µs of processor at the "
        f"server and {used / len(times) * 1e6:.0f} µs at the clients; memory of the server {memory_mb(server):.0f} MB"
    )


def cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
