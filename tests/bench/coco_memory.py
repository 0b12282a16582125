"""Measure the memory of reading COCO files of several sizes: it should not grow with them.

    python tests/bench/coco_memory.py [--sizes 100 300 1000] [FOLDER]

Files of polygons are made in FOLDER (by default a temporary one), with the annotations of an image together or all
shuffled; read are the file, its gzip, and standard input, each in a process of its own that walks all rows.
"""

from __future__ import annotations

import argparse
import gzip
import shutil
import sys
from pathlib import Path
from random import Random

from _measure import own_peak_mb, run
from coco_to_hub import MEGABYTE, PER_IMAGE, make
from cvat_to_coco import environment_of_checkout, work_folder

MINE = """
import sys
from encord_convert import Report, read
print(sum(len(row._objects) for row in read(sys.argv[1], "coco", report=Report())))
"""
GROWTH = 1.1
"""The largest file may take this many times the memory of the smallest."""


def measure(folder: Path, sizes: list[int]) -> bool:
    """Print the peak of each way of reading each file; tell whether it is flat."""
    peaks: dict[tuple[str, str], list[float]] = {}
    for order in ("together", "shuffled"):
        for size in sizes:
            path = folder / "bench.json"
            images = make(path, size * MEGABYTE, Random(2) if order == "shuffled" else None)
            for way in ("file", "gzip", "standard input"):
                peak = _peak(path, way, images * PER_IMAGE)
                peaks.setdefault((order, way), []).append(peak)
                print(f"{size:>6} MB, annotations {order}, {way:<16}{peak:>8.0f} MB", flush=True)
            path.unlink()
    print()
    for (order, way), some in peaks.items():
        growth = some[-1] / some[0]
        verdict = "flat" if growth <= GROWTH else "GROWS"
        all_ = "".join(f"{peak:>8.0f}" for peak in some)
        print(f"annotations {order}, {way:<16}{all_} MB  {growth:.2f}x {verdict}")
    print(f"memory below {own_peak_mb():.0f} MB cannot be told: it is that of the measuring process")
    return all(some[-1] / some[0] <= GROWTH for some in peaks.values())


def _peak(path: Path, way: str, count: int) -> float:
    """Return the peak in MB of reading a file in one way, and check that all objects are there."""
    folder = path.parent
    given, out, err = str(path), folder / "stdout", folder / "stderr"
    if way == "gzip":
        given += ".gz"
        with path.open("rb") as plain, gzip.open(given, "wb", compresslevel=1) as packed:
            shutil.copyfileobj(plain, packed)
    with path.open("rb") as stream:
        one = run(
            [sys.executable, "-c", MINE, "-" if way == "standard input" else given],
            stdout=out,
            stderr=err,
            stdin=stream,
            env=environment_of_checkout(folder),
        )
    if way == "gzip":
        Path(given).unlink()
    if one.code or int(out.read_text()) != count:
        raise SystemExit(f"{way}: exit code {one.code}, {out.read_text().strip()} objects: {err.read_text()[-300:]}")
    return one.peak_mb


def main() -> int:
    """Measure what the arguments say; return 1 if memory grows with the files."""
    parser = argparse.ArgumentParser(description="Measure the memory of reading COCO files.")
    parser.add_argument("folder", nargs="?", type=Path)
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 300, 1000], metavar="MB")
    given = parser.parse_args()
    with work_folder(given.folder) as folder:
        return 0 if measure(folder, given.sizes) else 1


if __name__ == "__main__":
    sys.exit(main())
