"""What was acknowledged outlives ``kill -9`` in the middle of concurrent saves: every revision is there, whole.

``ROUNDS=20 pytest tests/service/test_kill.py`` for more of the same.
"""

from __future__ import annotations

import json
import os
import random
import threading
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from harness import WAYS, database_of, running
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool
from test_serve_cli import client, key_files, served
from worlds import BOX, world

from encord_convert.sdk.exceptions import EncordException
from encord_convert.service.store.database import FILE

ROUNDS = int(os.environ.get("ROUNDS", "3"))
WRITERS, ROWS = 6, 4
LONGEST_S = 1.2


def body_of(row: dict, writer: int, count: int) -> dict:
    """The row with one object that says who saved it and which time."""
    made = json.loads(json.dumps(row))
    [unit] = made["data_units"].values()
    unit["labels"]["objects"] = [
        {
            "objectHash": "box00001", "featureHash": "car00001", "shape": "bounding_box", "boundingBox": BOX,
            "name": f"{writer} {count}", "color": "#000000", "value": "car", "createdAt": "", "createdBy": None,
            "confidence": 1.0, "manualAnnotation": True, "padding": "x" * random.Random(count).randrange(20_000),
        }
    ]  # fmt: skip
    return made


def kept_in(address: str) -> tuple[list[Any], dict[str, int]]:
    """Return every revision of a database that is whole, and the newest one of each row."""
    with create_engine(address, poolclass=NullPool).connect() as db:
        if address.startswith("sqlite"):
            assert db.scalars(text("PRAGMA integrity_check")).all() == ["ok"]
            assert db.execute(text("PRAGMA foreign_key_check")).all() == []
        kept = db.execute(text("SELECT label_hash, body, sha256, id FROM label_revisions ORDER BY id")).all()
        heads = db.execute(text("SELECT label_hash, head FROM label_rows")).all()
    return list(kept), dict(heads)


@pytest.mark.proves("service: 20")
@pytest.mark.parametrize("way", [way for way in WAYS if way != "socket"])
@pytest.mark.timeout(60 + 20 * ROUNDS)
def test_acknowledged_revisions_outlive_a_kill_whole(tmp_path: Path, way: str) -> None:
    private, _ = key_files(tmp_path)
    data = tmp_path / "data"
    url = database_of(data, way)
    with running(data, way) as server:
        made = world(server)
        rows = [made.begun(title=f"{number}.png") for number in range(ROWS)]
        project_hash = made.project.project_hash
    chance = random.Random(7)
    acknowledged: dict[str, list[str]] = {row["label_hash"]: [] for row in rows}
    for _ in range(ROUNDS):
        with served(data, *(["--database", url] if url else [])) as (process, address):

            def save(writer: int, address: str = address) -> None:
                try:
                    project = client(address, private).get_project(project_hash)
                    for count in range(100_000):
                        row = rows[(writer + count) % ROWS]
                        body = body_of(row, writer, time.monotonic_ns())
                        project._client.save_label_row(row["label_hash"], body)
                        [unit] = body["data_units"].values()
                        acknowledged[row["label_hash"]].append(unit["labels"]["objects"][0]["name"])
                except EncordException:
                    return

            threads = [threading.Thread(target=save, args=(writer,)) for writer in range(WRITERS)]
            for thread in threads:
                thread.start()
            time.sleep(0.5 + chance.random() * LONGEST_S)
            process.kill()
            for thread in threads:
                thread.join()
        kept, heads = kept_in(url or f"sqlite:///{data / FILE}")
        assert all(sha256(body).digest() == digest for _, body, digest, _ in kept)
        names: dict[str, set[str]] = {label_hash: set() for label_hash in acknowledged}
        newest: dict[str, int] = {}
        for label_hash, body, _, number in kept:
            [unit] = json.loads(body)["data_units"].values()
            names[label_hash].add(unit["labels"]["objects"][0]["name"])
            newest[label_hash] = number
        assert {label_hash: set(told) - names[label_hash] for label_hash, told in acknowledged.items()} == {
            label_hash: set() for label_hash in acknowledged
        }
        assert {label_hash: heads[label_hash] for label_hash in newest} == newest
    assert sum(map(len, acknowledged.values())) > 20 * ROUNDS
    print(f"{ROUNDS} kills, {sum(map(len, acknowledged.values()))} revisions acknowledged, none lost")
