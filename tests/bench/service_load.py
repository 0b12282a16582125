"""How many saves a second the service takes from 16 clients, in how much memory, and how long 100,000 rows are listed.

    python tests/bench/service_load.py [--seconds 20] [--rows 100000] [--lists 30]

The clients are processes of their own that keep their connections and sign every request. A save is one label row of 20
boxes, about 14 kB; it counts when it is acknowledged, that is, on the disk. Goals: 2,500 saves/s, below 256 MB.
"""

from __future__ import annotations

import argparse
import http.client
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/service")]

from harness import key_of, running  # noqa: E402
from worlds import BOX, world  # noqa: E402

from encord_convert.sdk.http._envelopes import request_bytes  # noqa: E402
from encord_convert.sdk.http._signatures import authorization  # noqa: E402
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb  # noqa: E402

CLIENTS, PROCESSES, OBJECTS = 16, 4, 20
PATTERNS = 8
"""Different bodies of each client, so that no save is like the one before it."""


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


def body_of(row: dict[str, Any], pattern: int) -> bytes:
    """Return a save of a row with boxes."""
    [unit] = row["data_units"].values()
    boxes = [
        {
            "objectHash": f"b{number:07}", "featureHash": "car00001", "shape": "bounding_box", "value": "car",
            "boundingBox": {**BOX, "x": (number * PATTERNS + pattern) / 1000}, "name": "Car", "color": "#D33115",
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
    saved = {**row, "data_units": {unit["data_hash"]: {**unit, "labels": labels}}, "object_answers": answers}
    return request_bytes(Query.LABEL_ROW, Verb.POST, row["label_hash"], saved)


def saving(url: str, project_hash: str, rows: list[dict[str, Any]], seconds: float, told: Any) -> None:
    """Save as fast as may be, a thread for each row; tell when each save was acknowledged, and how long it took."""
    key = key_of("ann")
    place = urlsplit(url)
    times: list[tuple[float, float]] = []

    def one(row: dict[str, Any]) -> None:
        bodies = [body_of(row, pattern) for pattern in range(PATTERNS)]
        signed = [
            (body, {"ResourceType": "project", "ResourceID": project_hash, "Authorization": authorization(key, body)})
            for body in bodies
        ]
        connection = http.client.HTTPConnection(place.hostname or "", place.port)
        ends = time.perf_counter() + seconds
        while (began := time.perf_counter()) < ends:
            body, headers = signed[len(times) % PATTERNS]
            connection.request("POST", RESOURCE, body, headers)
            reply = connection.getresponse().read()
            assert json.loads(reply) == {"status": 200, "response": True}, reply[:500]
            times.append((time.perf_counter(), time.perf_counter() - began))

    threads = [threading.Thread(target=one, args=(row,)) for row in rows]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told.put([took for _, took in times])


def memory_mb(process: int) -> float:
    """Return the largest resident set of a process so far, MB of 1,000,000 bytes."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


def percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def listing(url: str, project_hash: str, lists: int) -> tuple[list[float], int]:
    """List all label rows some times; return the seconds of each, and the bytes of an answer."""
    place = urlsplit(url)
    payload = dict.fromkeys(
        ("edited_before", "edited_after", "label_statuses", "shadow_data_state", "data_hashes", "label_hashes",
         "data_title_eq", "data_title_like", "workflow_graph_node_title_eq", "workflow_graph_node_title_like")
    )  # fmt: skip
    body = request_bytes(Query.LABEL_ROW_METADATA, Verb.GET, None, {**payload, "include_uninitialised_labels": True})
    signed = authorization(key_of("ann"), body)
    headers = {"ResourceType": "project", "ResourceID": project_hash, "Authorization": signed}
    connection = http.client.HTTPConnection(place.hostname or "", place.port)
    times, size = [], 0
    for _ in range(lists):
        began = time.perf_counter()
        connection.request("POST", RESOURCE, body, headers)
        size = len(connection.getresponse().read())
        times.append(time.perf_counter() - began)
    return times, size


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
            report(served.pid, lambda: saved(url, project_hash, rows, options.seconds))
            times, size = listing(url, project_hash, options.lists)
            print(
                f"listing {options.rows} rows, {size / 1e6:.1f} MB: median {median(times):.2f} s, "
                f"p99 {percentile(times, 0.99):.2f} s; memory of the server {memory_mb(served.pid):.0f} MB at most"
            )
        finally:
            served.terminate()
            served.wait()


def saved(url: str, project_hash: str, rows: list[dict[str, Any]], seconds: float) -> list[float]:
    """Let all clients save for a while; return how long each save took."""
    context = multiprocessing.get_context("spawn")
    told = context.Queue()
    parts = [rows[first::PROCESSES] for first in range(PROCESSES)]
    clients = [context.Process(target=saving, args=(url, project_hash, part, seconds, told)) for part in parts]
    for client in clients:
        client.start()
    times = [took for _ in clients for took in told.get()]
    for client in clients:
        client.join()
    return times


def report(server: int, measure: Callable[[], list[float]]) -> None:
    before = cpu_s(server)
    times = measure()
    own_us = (cpu_s(server) - before) / len(times) * 1e6
    # Each client saves one after the other, so their rates add up whenever each of them began.
    rate = CLIENTS * len(times) / sum(times)
    print(
        f"{len(times)} saves by {CLIENTS} clients: {rate:.0f}/s, median {median(times) * 1e3:.1f} ms, "
        f"p99 {percentile(times, 0.99) * 1e3:.1f} ms; the server took {own_us:.0f} µs of processor each and "
        f"{memory_mb(server):.0f} MB of memory at most"
    )


def cpu_s(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
