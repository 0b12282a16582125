"""Run a program and measure the whole of it: start, work, end, and its children."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import IO

POLL_S = 0.02
"""How often a watched program's children are looked at."""


@dataclass(frozen=True)
class Run:
    """One finished program.

    Parameters
    ----------
    cpu_s : float
        User and system seconds of the program and all children it waited for.
    wall_s : float
        Seconds from start to end.
    peak_mb : float
        Largest resident set, in MB of 1,000,000 bytes, that the program or one child of it reached.
    child_mb : float or None
        The same of the largest child alone; None if not watched, or there was none.
    code : int
        Exit code.
    """

    cpu_s: float
    wall_s: float
    peak_mb: float
    child_mb: float | None
    code: int


def run(
    command: Sequence[str | Path],
    *,
    stdout: Path,
    stderr: Path,
    stdin: IO[bytes] | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    watch_children: bool = False,
) -> Run:
    """Run a command to its end and return what it took.

    The kernel counts the memory of the process that starts a program as the program's own until the program has
    replaced it; the caller must stay smaller than what it measures.
    """
    child_kb = 0
    with stdout.open("wb") as out, stderr.open("wb") as err:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command], stdin=stdin, stdout=out, stderr=err, cwd=cwd, env=env
        )
        pid, status, usage = os.wait4(process.pid, os.WNOHANG if watch_children else 0)
        while pid == 0:
            child_kb = max([child_kb, *map(_peak_kb, _descendants(process.pid))])
            time.sleep(POLL_S)
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        wall_s = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    return Run(
        cpu_s=usage.ru_utime + usage.ru_stime,
        wall_s=wall_s,
        peak_mb=usage.ru_maxrss * 1024 / 1e6,
        child_mb=child_kb * 1024 / 1e6 if child_kb else None,
        code=process.returncode,
    )


def own_peak_mb() -> float:
    """Return the largest resident set of this process so far: no program can be measured as smaller."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _descendants(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in _read(path).split():
            found += [int(child), *_descendants(int(child))]
    return found


def _peak_kb(pid: int) -> int:
    for line in _read(Path(f"/proc/{pid}/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:  # ended meanwhile
        return ""


def median_of(runs: Sequence[Run]) -> Run:
    """Return the medians of several runs, each number on its own; the exit code is the first that is not zero."""
    children = [one.child_mb for one in runs if one.child_mb is not None]
    return Run(
        cpu_s=median(one.cpu_s for one in runs),
        wall_s=median(one.wall_s for one in runs),
        peak_mb=median(one.peak_mb for one in runs),
        child_mb=median(children) if children else None,
        code=next((one.code for one in runs if one.code), 0),
    )
