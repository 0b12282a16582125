"""Measure how fast the client fetches and saves label rows and uploads files, beside the original.

    python tests/bench/client_speed.py
    python tests/bench/client_speed.py --official ORIGINAL/bin/python

``ORIGINAL`` is an environment with encord 0.1.104. Both ask the same server, a process of its own that answers at once.
Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import socketserver
import subprocess
import sys
import tempfile
import time
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
GOALS = {"fetch": 800, "save": 1000}
OBJECTS = 20
DATE = "2024-01-02 03:04:05"
LONG_DATE = "Tue, 02 Jan 2024 03:04:05 UTC"


# --- the server -------------------------------------------------------------------------------------------------------


def ontology() -> dict[str, Any]:
    """Return an ontology of a box with a text and a polygon."""
    note = {"id": "1.1", "name": "Note", "type": "text", "featureNodeHash": "aaaa0011", "required": False}
    box = {"id": "1", "name": "Box", "color": "#D33115", "shape": "bounding_box", "featureNodeHash": "aaaa0001"}
    ring = {"id": "2", "name": "Ring", "color": "#E27300", "shape": "polygon", "featureNodeHash": "aaaa0002"}
    editor = {"objects": [{**box, "attributes": [{**note, "dynamic": False}]}, ring], "classifications": []}
    return {
        "ontology_hash": "o", "title": "o", "description": "", "created_at": DATE, "last_edited_at": DATE,
        "editor": editor,
    }  # fmt: skip


def label_row(number: int) -> dict[str, Any]:
    """Return a label row of one image with boxes and polygons of eight corners, in turn; half have answers."""
    objects, answers = [], {}
    for n in range(OBJECTS):
        x, hash_ = round(0.01 + n * 0.04, 4), f"obj{n:05}"
        if n % 2:
            corners = [
                (0.0, 0.0),
                (0.1, 0.0),
                (0.2, 0.05),
                (0.2, 0.1),
                (0.15, 0.2),
                (0.1, 0.2),
                (0.05, 0.15),
                (0.0, 0.1),
            ]
            ring = {str(i): {"x": round(x + dx / 5, 4), "y": 0.3 + dy} for i, (dx, dy) in enumerate(corners)}
            shape = {"name": "Ring", "color": "#E27300", "shape": "polygon", "featureHash": "aaaa0002", "polygon": ring}
        else:
            box = {"h": 0.1, "w": 0.2, "x": x, "y": 0.4}
            shape = {
                "name": "Box", "color": "#D33115", "shape": "bounding_box", "featureHash": "aaaa0001",
                "boundingBox": box,
            }  # fmt: skip
        given = {"name": "Note", "value": "note", "answers": f"note {n}", "featureHash": "aaaa0011"}
        answers[hash_] = {
            "objectHash": hash_,
            "classifications": [] if n % 2 else [{**given, "manualAnnotation": True}],
        }
        objects.append({
            **shape, "value": "v", "createdAt": LONG_DATE, "createdBy": "a@example.com", "lastEditedAt": LONG_DATE,
            "lastEditedBy": "a@example.com", "confidence": 1, "objectHash": hash_, "manualAnnotation": True,
        })  # fmt: skip
    unit = {
        "data_hash": f"d{number}", "data_title": f"{number}.png", "data_type": "image/png", "data_sequence": 0,
        "width": 640, "height": 480, "labels": {"objects": objects, "classifications": []}, "data_link": "l",
    }  # fmt: skip
    return {
        "label_hash": f"l{number}", "created_at": DATE, "last_edited_at": DATE, "dataset_hash": "ds",
        "dataset_title": "ds", "data_title": f"{number}.png", "data_hash": f"d{number}", "data_type": "image",
        "data_units": {f"d{number}": unit}, "object_answers": answers, "classification_answers": {},
        "object_actions": {}, "label_status": "LABEL_IN_PROGRESS", "annotation_task_status": "QUEUED",
    }  # fmt: skip


def listed(number: int) -> dict[str, Any]:
    """Return what the listing says of a label row."""
    return {
        "label_hash": f"l{number}", "created_at": DATE, "last_edited_at": DATE, "data_hash": f"d{number}",
        "dataset_hash": "ds", "dataset_title": "ds", "data_title": f"{number}.png", "data_type": "IMAGE",
        "data_link": None, "label_status": "LABEL_IN_PROGRESS", "annotation_task_status": "QUEUED",
        "workflow_graph_node": None, "is_shadow_data": False, "number_of_frames": 1, "duration": None,
        "frames_per_second": None, "height": 480, "width": 640, "priority": None,
    }  # fmt: skip


@cache
def row_json(uid: str) -> bytes:
    """Return a label row as JSON, by its label hash."""
    return json.dumps(label_row(int(uid[1:]))).encode()


class Service(socketserver.StreamRequestHandler):
    """Answers at once what the client asks."""

    rows = 0
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """Answer requests until the connection ends."""
        while (first := self.rfile.readline()).strip():
            length, host, chunked = 0, "", False
            while (line := self.rfile.readline()).strip():
                name, _, value = line.decode("latin-1").partition(":")
                length = int(value) if name.lower() == "content-length" else length
                host = value.strip() if name.lower() == "host" else host
                chunked = chunked or name.lower() == "transfer-encoding"
            body = self.rfile.read(length)
            answer = b"" if first.startswith(b"PUT") else self.answer(body, host)
            head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(answer)}\r\n\r\n"
            self.wfile.write(head.encode() + answer)
            assert not chunked

    def answer(self, body: bytes, host: str) -> bytes:
        """Return the reply to a request of the envelope API."""
        if b'"labelrow", "query_method": "POST"' in body[:80]:
            return b'{"status": 200, "response": true}'
        asked = json.loads(body)
        uid = asked["values"]["uid"]
        match asked["query_type"]:
            case "labelrow":
                return b'{"status": 200, "response": [' + b", ".join(map(row_json, uid)) + b"]}"
            case "signedimagesurl":
                place = {"signed_url": f"http://{host}/s?x=1", "data_hash": uid[0], "title": uid[0], "file_link": "l"}
                response: Any = [place]
            case "labelrowmetadata":
                response = [listed(n) for n in range(self.rows)]
            case "project":
                response = {
                    "project_hash": "p", "title": "p", "description": "", "created_at": DATE, "last_edited_at": DATE,
                    "ontology_hash": "o", "editor_ontology": {}, "datasets": [], "label_rows": None,
                }  # fmt: skip
            case "ontology":
                response = ontology()
            case "dataset":
                response = {
                    "dataset_hash": "ds", "title": "ds", "description": "", "dataset_type": "CORD_STORAGE",
                    "data_rows": [],
                }  # fmt: skip
            case "imagegroup":
                response = [{"data_hash": "g", "title": "g"}]
            case _:
                response = {"success": True}
        return json.dumps({"status": 200, "response": response}).encode()


def serve(rows: int) -> None:
    """Serve on a free port until killed; print the address."""
    Service.rows = rows
    for number in range(rows):
        row_json(f"l{number}")
    socketserver.ThreadingTCPServer.daemon_threads = True
    socketserver.ThreadingTCPServer.request_queue_size = 64
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Service) as server:
        print(f"http://127.0.0.1:{server.server_address[1]}", flush=True)
        server.serve_forever()


# --- the clients ------------------------------------------------------------------------------------------------------


def key_text() -> str:
    """Return a new private key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode()


def variant(prefix: str, url: str, files: Path) -> None:
    """Fetch all rows, save all rows, upload all files; print what each took as JSON."""
    import warnings

    warnings.simplefilter("ignore")
    client = import_module(f"{prefix}.user_client").EncordUserClient.create_with_ssh_private_key(key_text(), domain=url)
    project, dataset = client.get_project("p"), client.get_dataset("ds")
    rows = project.list_label_rows_v2()

    def fetch() -> int:
        with project.create_bundle() as bundle:
            for row in rows:
                row.initialise_labels(bundle=bundle)
        assert all(len(row.get_object_instances()) == OBJECTS for row in rows)
        return len(rows)

    def save() -> int:
        with project.create_bundle() as bundle:
            for row in rows:
                row.save(bundle=bundle)
        return len(rows)

    def upload() -> int:
        paths = sorted(files.iterdir())
        dataset.create_image_group(paths)
        return len(paths)

    for job in (fetch, save, upload):
        wall, cpu = time.perf_counter(), time.process_time()
        count = job()
        took = {"job": job.__name__, "count": count, "wall_s": time.perf_counter() - wall}
        peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
        print(json.dumps({**took, "cpu_s": time.process_time() - cpu, "peak_mb": peak_mb}), flush=True)


def measured(python: str, prefix: str, url: str, files: Path) -> dict[str, dict[str, float]]:
    """Return what each job took with one of the two."""
    command = [python, __file__, "--variant", prefix, "--url", url, "--files", str(files)]
    done = subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{prefix} failed: {done.stderr.strip().rpartition(chr(10))[2]}")
    return {one["job"]: one for one in map(json.loads, done.stdout.splitlines())}


def main() -> int:
    """Measure both, and return 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description="Measure how fast the client fetches, saves and uploads.")
    parser.add_argument("--rows", type=int, default=1000)
    parser.add_argument("--count", type=int, default=1000, help="of files")
    parser.add_argument("--official", help="interpreter of an environment with encord 0.1.104")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--variant", help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    parser.add_argument("--files", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.rows)
    if given.variant:
        variant(given.variant, given.url, given.files)
        return 0
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve", "--rows", str(given.rows)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with tempfile.TemporaryDirectory() as scratch:
            for number in range(given.count):
                Path(scratch, f"{number:05}.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
            ours = measured(sys.executable, "encord_convert.sdk", url, Path(scratch))
            theirs = measured(given.official, "encord", url, Path(scratch)) if given.official else {}
    finally:
        server.kill()
        server.wait()
    return told(ours, theirs)


def told(ours: dict[str, dict[str, float]], theirs: dict[str, dict[str, float]]) -> int:
    """Print what was measured; return 1 if a goal is missed."""
    is_missed = False
    for job, one in ours.items():
        rate = one["count"] / one["wall_s"]
        goal = GOALS.get(job)
        is_missed = is_missed or (goal is not None and rate < goal)
        shown = "" if goal is None else f"  goal {goal}: {'met' if rate >= goal else 'MISSED'}"
        print(f"{job:7} here      {rate:7.0f}/s  CPU {one['cpu_s']:6.2f} s  peak {one['peak_mb']:4.0f} MB{shown}")
        if job in theirs:
            other = theirs[job]
            was = other["count"] / other["wall_s"]
            ratio = f"{rate / was:.1f} times as fast, {other['cpu_s'] / one['cpu_s']:.1f} times less CPU"
            print(
                f"{job:7} original  {was:7.0f}/s  CPU {other['cpu_s']:6.2f} s  peak {other['peak_mb']:4.0f} MB  {ratio}"
            )
    return int(is_missed)


if __name__ == "__main__":
    sys.exit(main())
