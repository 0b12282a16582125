"""Measure how long reading the headers of a series takes, beside plain pydicom.

    python tests/bench/dicom_headers.py
    python tests/bench/dicom_headers.py --files 5000

Copies the series of ``fixtures/dicom/ct_series`` under new instance UIDs, and reads the copies with this package (to
the last label row) and with ``pydicom.dcmread(stop_before_pixels=True)``. Exits with 1 if a header takes longer than
the goal.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import tracemalloc
from pathlib import Path

ROOT = Path(__file__).parents[2]
SERIES = ROOT / "fixtures" / "dicom" / "ct_series"
GOAL_MS = 1.6
sys.path.insert(0, str(ROOT))


def copy_series(folder: Path, count: int) -> None:
    """Write ``count`` files, each with an instance UID of its own."""
    from pydicom import dcmread

    originals = [path.read_bytes() for path in sorted(SERIES.glob("*.dcm"))]
    uids = [str(dcmread(path, stop_before_pixels=True).SOPInstanceUID) for path in sorted(SERIES.glob("*.dcm"))]
    for index in range(count):
        data, uid = originals[index % len(originals)], uids[index % len(originals)]
        own = f"{uid[:-6]}{index:06d}"
        (folder / f"{index:06d}.dcm").write_bytes(data.replace(uid.encode(), own.encode()))


def ours(folder: Path) -> int:
    """Return the frames of all rows."""
    from encord_convert import Report, read

    return sum(row.number_of_frames for row in read(folder, "dicom", report=Report()))


def plain(folder: Path) -> int:
    """Return the files pydicom read, a few values of each taken."""
    from pydicom import dcmread

    files = sorted(folder.iterdir())
    for file in files:
        header = dcmread(file, stop_before_pixels=True)
        _ = (header.SOPInstanceUID, header.SeriesInstanceUID, header.ImagePositionPatient, header.Rows, header.Columns)
    return len(files)


def main() -> int:
    """Print the measures; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=1200, help="how many copies (default: 1200)")
    count = parser.parse_args().files
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        copy_series(folder, count)
        took: dict[str, float] = {}
        for label, way in (("encord_convert", ours), ("pydicom", plain)):
            way(folder)
            times = []
            for _ in range(3):
                start = time.perf_counter()
                assert way(folder) == count
                times.append((time.perf_counter() - start) * 1000 / count)
            took[label] = sorted(times)[1]
            print(f"{label:15} {took[label]:.3f} ms a file")
        tracemalloc.start()
        ours(folder)
        print(f"{'memory':15} {tracemalloc.get_traced_memory()[1] / count:.0f} bytes a file at the peak, of {count}")
        tracemalloc.stop()
    return int(took["encord_convert"] > GOAL_MS)


if __name__ == "__main__":
    sys.exit(main())
