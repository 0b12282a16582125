"""CPU time of reading and writing label rows and bitmasks, ours and the official package's, in one run.

    python tests/bench/hub_speed.py --official PYTHON [--repeat 5] [--only NAME ...]

PYTHON is an interpreter that has the official package. The two take turns, each time in a process of its own; medians
are shown. Growth is how much longer one object takes at the larger of two sizes than at the smaller.

Goals: parse and encode ten times faster in every case, growth at most 1.2, and for a mask of 1920 x 1080 pixels
0.6 ms to encode and 0.2 ms to decode. The exit code is 1 if one is missed.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).parent.parent.parent
FASTER, GROWTH, ENCODE_MS, DECODE_MS, ORDER_MS = 10.0, 1.2, 0.6, 0.2, 3.0
DATE = "Mon, 01 Jan 2024 00:00:00 GMT"


def entry(hash_: str, shape: str, place: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": "Thing",
        "color": "#D33115",
        "shape": shape,
        "value": "thing",
        "createdAt": DATE,
        "createdBy": "bench@example.org",
        "confidence": 1,
        "objectHash": hash_,
        "featureHash": "bench001",
        "manualAnnotation": True,
        "lastEditedAt": DATE,
        "lastEditedBy": "bench@example.org",
        **place,
    }


def unit(name: str, sequence: Any, labels: dict[str, Any]) -> dict[str, Any]:
    return {
        "data_hash": name,
        "data_title": name,
        "data_type": "image/png",
        "data_sequence": sequence,
        "data_link": "link",
        "width": 1920,
        "height": 1080,
        "labels": labels,
    }


def row(data_type: str, units: dict[str, Any], hashes: list[str]) -> dict[str, Any]:
    return {
        "label_hash": "row",
        "created_at": "2024-01-01 00:00:00",
        "last_edited_at": "2024-01-01 00:00:00",
        "data_hash": "data",
        "dataset_hash": "set",
        "dataset_title": "bench",
        "data_title": "bench",
        "data_type": data_type,
        "label_status": "LABELLED",
        "annotation_task_status": "QUEUED",
        "is_shadow_data": False,
        "object_answers": {one: {"objectHash": one, "classifications": []} for one in dict.fromkeys(hashes)},
        "classification_answers": {},
        "object_actions": {},
        "data_units": units,
    }


def video(frames: int, is_tracked: bool) -> dict[str, Any]:
    """Ten boxes on each frame: the same ten objects throughout, or others on every frame."""
    labels, hashes = {}, []
    for frame in range(frames):
        objects = []
        for n in range(10):
            hash_ = f"O{n if is_tracked else frame * 10 + n:07d}"
            box = {"h": 0.1, "w": 0.1, "x": (n * 0.05 + frame * 1e-4) % 0.9, "y": 0.2}
            objects.append(entry(hash_, "bounding_box", {"boundingBox": box}))
            hashes.append(hash_)
        labels[str(frame)] = {"objects": objects, "classifications": []}
    return row("video", {"v": unit("v", 0, labels)}, hashes)


def images(count: int) -> dict[str, Any]:
    """Twenty polygons of thirty points on each image of a group."""
    units, hashes = {}, []
    for image in range(count):
        objects = []
        for n in range(20):
            hash_ = f"P{image * 20 + n:07d}"
            ring = {str(i): {"x": (i * 0.031 + n * 0.01) % 1, "y": (i * 0.017 + image * 1e-4) % 1} for i in range(30)}
            objects.append(entry(hash_, "polygon", {"polygon": ring}))
            hashes.append(hash_)
        units[f"i{image}"] = unit(f"i{image}", str(image), {"objects": objects, "classifications": []})
    return row("img_group", units, hashes)


CASES: dict[str, tuple[Callable[[], list[dict[str, Any]]], int, str, str]] = {
    "video, 10 tracks": (lambda: [video(2000, True)], 2000, "BOUNDING_BOX", "video"),
    "video, 20,000 objects": (lambda: [video(2000, False)], 2000, "BOUNDING_BOX", "video"),
    "2,000 rows of one image": (lambda: [images(1) for _ in range(2000)], 1, "POLYGON", "img_group"),
    "one group of 2,000 images": (lambda: [images(2000)], 2000, "POLYGON", "img_group"),
}
SMALL_CASES = {
    "video, 200 frames": (lambda: [video(200, False)], 200, "BOUNDING_BOX", "video"),
    "video, 1,600 frames": (lambda: [video(1600, False)], 1600, "BOUNDING_BOX", "video"),
    "group, 200 images": (lambda: [images(200)], 200, "POLYGON", "img_group"),
    "group, 1,600 images": (lambda: [images(1600)], 1600, "POLYGON", "img_group"),
}
MASKS = ("blob", "noise", "empty")


def measure_rows(package: str, name: str) -> dict[str, float]:
    make, frames, shape, data_type = {**CASES, **SMALL_CASES}[name]
    objects = importlib.import_module(f"{package}.objects")
    metadata_class = importlib.import_module(f"{package}.orm.label_row").LabelRowMetadata
    structure = objects.OntologyStructure()
    structure.add_object("Thing", getattr(objects.Shape, shape), feature_node_hash="bench001")
    metadata = metadata_class.from_dict(
        {
            "label_hash": "row",
            "data_hash": "data",
            "dataset_hash": "set",
            "dataset_title": "bench",
            "data_title": "bench",
            "data_type": data_type.upper(),
            "data_link": None,
            "label_status": "LABELLED",
            "annotation_task_status": "QUEUED",
            "number_of_frames": frames,
        }
    )
    given = make()
    rows = [objects.LabelRowV2(metadata, SimpleNamespace(), SimpleNamespace(structure=structure)) for _ in given]
    gc.collect()
    spent = {"parse": 0.0, "encode": 0.0}
    while rows:
        one, d = rows.pop(), given.pop()
        start = time.process_time()
        one.from_labels_dict(d)
        middle = time.process_time()
        written = one.to_encord_dict()
        spent["encode"] += time.process_time() - middle
        spent["parse"] += middle - start
        assert len(written["data_units"]) == len(d["data_units"])
        del written, one, d  # what it takes to forget them is not measured
    return spent


def measure_mask(package: str, name: str) -> dict[str, float]:
    import numpy as np

    coordinates = importlib.import_module(f"{package}.objects.bitmask").BitmaskCoordinates
    y, x = np.mgrid[0:1080, 0:1920]
    mask = {
        "blob": ((x - 900) / 600.0) ** 2 + ((y - 500) / 350.0) ** 2 < 1,
        "noise": np.random.default_rng(3).random((1080, 1920)) < 0.5,
        "empty": np.zeros((1080, 1920), bool),
    }[name]
    spent: dict[str, list[float]] = {"encode": [], "decode": []}
    for _ in range(5):
        start = time.process_time()
        item = coordinates(mask)
        middle = time.process_time()
        back = item.to_numpy_array()
        spent["encode"].append(middle - start)
        spent["decode"].append(time.process_time() - middle)
        assert np.array_equal(back, mask)
    return {key: min(times) for key, times in spent.items()}


def measure_order() -> dict[str, float]:
    """Turn the runs of an image of 1280 x 720 pixels from row order to column order."""
    import numpy as np

    from encord_convert.geometry.rle import column_runs_from_row_runs, runs_from_mask

    y, x = np.mgrid[0:720, 0:1280]
    mask = ((x - 600) / 400.0) ** 2 + ((y - 330) / 230.0) ** 2 < 1
    runs = runs_from_mask(mask)
    times = []
    for _ in range(9):
        start = time.process_time()
        column_runs_from_row_runs(runs, 720, 1280)
        times.append(time.process_time() - start)
    return {"order": min(times)}


def child(package: str, name: str) -> dict[str, float]:
    if name == "order":
        return measure_order()
    return measure_mask(package, name) if name in MASKS else measure_rows(package, name)


def run(python: str, package: str, name: str) -> dict[str, float]:
    command = [python, "-W", "ignore", __file__, "--child", package, name]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT), "PATH": ""}
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def medians(runs: list[dict[str, float]]) -> dict[str, float]:
    return {key: median(one[key] for one in runs) for key in runs[0]}


def compared(official: str, name: str, repeat: int) -> Iterator[tuple[str, float, float]]:
    """Yield each step with our seconds and the official ones, medians of runs that took turns."""
    ours, theirs = [], []
    for _ in range(repeat):
        ours.append(run(sys.executable, "encord_convert.sdk", name))
        theirs.append(run(official, "encord", name))
    for step, seconds in medians(ours).items():
        yield step, seconds, medians(theirs)[step]


def shown(ok: bool) -> str:
    return "" if ok else "   MISSED"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--official", help="interpreter that has the official package")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--only", nargs="*", choices=[*CASES, "growth", "masks"])
    parser.add_argument("--child", nargs=2)
    given = parser.parse_args()
    if given.child:
        print(json.dumps(child(*given.child)))
        return 0
    wanted = given.only or [*CASES, "growth", "masks"]
    missed = 0
    for name in [name for name in CASES if name in wanted]:
        if given.official is None:
            parts = medians([run(sys.executable, "encord_convert.sdk", name) for _ in range(given.repeat)])
            print(name, parts)
            continue
        for step, ours, theirs in compared(given.official, name, given.repeat):
            ok = theirs >= FASTER * ours
            missed += not ok
            print(f"{name:28}{step:8}{ours:9.3f} s   official {theirs:9.3f} s   {theirs / ours:7.1f}x{shown(ok)}")
    if "growth" in wanted:
        for small, large in (
            ("video, 200 frames", "video, 1,600 frames"),
            ("group, 200 images", "group, 1,600 images"),
        ):
            runs = [
                [run(sys.executable, "encord_convert.sdk", name) for name in (small, large)]
                for _ in range(given.repeat)
            ]
            for step in ("parse", "encode"):
                grown = median(two[1][step] / two[0][step] / 8 for two in runs)
                missed += grown > GROWTH
                print(f"{large:28}{step:8}{grown:9.2f} x per object at an eighth{shown(grown <= GROWTH)}")
    if "masks" in wanted:
        for name in MASKS:
            parts = medians([run(sys.executable, "encord_convert.sdk", name) for _ in range(given.repeat)])
            # Half a million runs are no label; noise is shown for comparison.
            ok = name == "noise" or (parts["encode"] * 1e3 <= ENCODE_MS and parts["decode"] * 1e3 <= DECODE_MS)
            missed += not ok
            encode_ms, decode_ms = parts["encode"] * 1e3, parts["decode"] * 1e3
            print(f"{'mask, ' + name:28}encode{encode_ms:9.3f} ms   decode{decode_ms:9.3f} ms{shown(ok)}")
        order = run(sys.executable, "encord_convert.sdk", "order")["order"] * 1e3
        missed += order > ORDER_MS
        print(f"{'row to column order':28}      {order:9.3f} ms{shown(order <= ORDER_MS)}")
    return min(missed, 1)


if __name__ == "__main__":
    sys.exit(main())
