"""How long others wait, and how much memory the service takes, while one caller attacks it.

    python tests/bench/service_denial.py [--size 1] [--rows 20000] [ATTACK …]

Each attack has a service of its own. The one who waits asks for the list of her datasets, on a connection she keeps.
Goals: 99 of 100 answers within a second, memory of at most 400 MB.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests/service")]

from attacks import ATTACKS, p99, target, waits  # noqa: E402


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="ATTACK", help=", ".join(ATTACKS))
    parser.add_argument("--size", type=float, default=1)
    parser.add_argument("--rows", type=int, default=5000)
    options = parser.parse_args()
    for name in options.names or ATTACKS:
        with tempfile.TemporaryDirectory() as folder, target(Path(folder), options.rows) as it:
            before, began = it.memory_mb(), time.perf_counter()
            times = waits(it, lambda name=name, it=it: ATTACKS[name](it, options.size))  # type: ignore[misc]
            print(
                f"{name:17} {time.perf_counter() - began:6.1f} s   others: median {median(times) * 1e3:6.1f} ms, "
                f"p99 {p99(times) * 1e3:6.0f} ms, longest {max(times) * 1e3:6.0f} ms of {len(times)};   "
                f"memory {before:.0f} -> {it.memory_mb():.0f} MB",
                flush=True,
            )


if __name__ == "__main__":
    main()
