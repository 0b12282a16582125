"""CPU seconds of the service for saving and fetching label rows, said as the documented and as the newest clients do.

    python tests/bench/newest_speed.py [--rounds 40]

A row is a video of 300 frames with 20 boxes on 15 frames each, dynamic answers, and three classifications: on frames
as the documented clients save them, in answers as the newest do. The two take turns, so that what else the machine
does meets both. Goal: the newest within 10 % of the documented.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/service")]

from harness import Running, key_of, running  # noqa: E402
from worlds import box, weather, world  # noqa: E402

from encord_convert.sdk.http._envelopes import request_bytes  # noqa: E402
from encord_convert.sdk.http._signatures import authorization  # noqa: E402
from encord_convert.sdk.http.routes import RESOURCE, Query, Verb  # noqa: E402
from encord_convert.sdk.http.transport import Request  # noqa: E402

FRAMES, BOXES, LONG, CLASSIFICATIONS = 300, 20, 15, 3
FETCH = {
    "get_signed_url": False, "multi_request": True, "include_object_feature_hashes": None,
    "include_classification_feature_hashes": None, "include_reviews": False,
}  # fmt: skip


def labelled(row: dict[str, Any], *, newest: bool) -> dict[str, Any]:
    """A row with labels, in one of the two forms."""
    row = json.loads(json.dumps(row))
    [unit] = row["data_units"].values()
    frames: dict[str, Any] = {str(n): {"objects": [], "classifications": []} for n in range(FRAMES)}
    for number in range(BOXES):
        for frame in range(number, number + LONG):
            frames[str(frame)]["objects"].append(box(f"obj{number:05}"))
    answers = {}
    for number in range(CLASSIFICATIONS):
        entry = weather(f"cls{number:05}")
        said = {"name": "Weather", "value": "weather", "answers": f"{number}", "featureHash": "wtext001"}
        answer = {"classificationHash": entry["classificationHash"], "classifications": [said]}
        if newest:
            kept = ("createdAt", "createdBy", "confidence", "manualAnnotation", "featureHash")
            answer |= {name: entry[name] for name in kept} | {"spaces": {}, "range": [[0, FRAMES - 1]]}
        else:
            for frame in frames.values():
                frame["classifications"].append(entry)
        answers[entry["classificationHash"]] = answer
    if newest:
        frames = {number: frame for number, frame in frames.items() if frame["objects"]}
        row |= {"branch_name": "main", "spaces": {}}
    unit["labels"] = frames
    hashes = [f"obj{number:05}" for number in range(BOXES)]
    row["object_answers"] = {hash_: {"objectHash": hash_, "classifications": []} for hash_ in hashes}
    row["classification_answers"] = answers
    return row


class Measured:
    """One form of a row, saved and fetched."""

    def __init__(self, server: Running, project_hash: str, row: dict[str, Any], *, newest: bool) -> None:
        self._server, self._project, self._row, self._newest = server, project_hash, row, newest
        self.saves: list[float] = []
        self.fetches: list[float] = []
        self._count = 0

    def go(self) -> None:
        self._count += 1
        uids = [self._row["label_hash"]]
        row = self._row | {"data_title": f"{self._count}"}  # else it would be the save before
        extra = {"validate_before_saving": False} if self._newest else {}
        self.saves.append(self._asked(Verb.POST, uids, {"multi_request": True, "labels": [row], **extra}))
        extra = {"include_export_history": False, "include_archived": False} if self._newest else {}
        self.fetches.append(self._asked(Verb.GET, uids, {**FETCH, **extra}))

    def _asked(self, verb: Verb, uids: list[str], payload: Any) -> float:
        body = request_bytes(Query.LABEL_ROW, verb, uids, payload)
        headers = {"Authorization": authorization(key_of("ann"), body)}
        headers |= {"ResourceType": "project", "ResourceID": self._project}
        before = time.process_time()
        reply = self._server.service.answer(Request("POST", RESOURCE, headers, body))
        took = time.process_time() - before
        assert json.loads(reply.body)["status"] == 200
        return took


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as folder, running(Path(folder)) as server:
        made = world(server)
        two = []
        for newest in (False, True):
            begun = made.begun(
                "VIDEO", f"{newest}.mp4", frames=FRAMES, file_type="video/mp4", duration=10.0, frames_per_second=30.0
            )
            row = labelled(begun, newest=newest)
            two.append(Measured(server, made.project.project_hash, row, newest=newest))
        for _ in range(rounds):
            for one in two:
                one.go()
    older, newer = two
    for name, was, now in (("save", older.saves, newer.saves), ("fetch", older.fetches, newer.fetches)):
        a, b = median(was) * 1e3, median(now) * 1e3
        print(f"{name:6} documented {a:6.2f} ms  newest {b:6.2f} ms  {100 * (b / a - 1):+.0f} %")


if __name__ == "__main__":
    main()
