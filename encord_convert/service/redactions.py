"""De-identification in a separate process with limited memory and time.

The process reads one JSON job from stdin and writes a JSON outcome per file to stdout.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec

MOST_MEMORY = 6 << 30
"""Bytes of address space: two copies of the largest image, and the libraries."""
MOST_TIME_S = 170.0
"""For all files of a call; callers wait 180 s."""


class Job(msgspec.Struct):
    """What is to be done."""

    files: list[tuple[str, str]]
    """From where to where."""
    tags: bool
    mode: str
    conditions: list[tuple[int, list[str], bool]]
    names: list[str] = []
    """Names of the files, which have temporary paths."""


class Outcome(msgspec.Struct):
    """Outcome for a file: saved, skipped since a condition fails, or a fault in one sentence."""

    is_saved: bool = False
    fault: str | None = None
    boxes: int = 0
    share: float = 0.0
    is_name_identifying: bool = False


def redacted(job: Job) -> list[Outcome]:
    """Run a job; if the process breaks, all remaining files get the fault, since the culprit is unknown."""
    command = [sys.executable, "-m", "encord_convert.service.redactions"]
    try:
        done = subprocess.run(command, input=msgspec.json.encode(job), capture_output=True, timeout=MOST_TIME_S)
    except subprocess.TimeoutExpired as error:
        return _outcomes(job, error.stdout or b"", f"The files take more than {MOST_TIME_S:.0f} s; send fewer at once.")
    return _outcomes(job, done.stdout, "It takes more memory than a file may, or broke the reader.")


def _outcomes(job: Job, lines: bytes, otherwise: str) -> list[Outcome]:
    outcome = [
        msgspec.json.decode(line, type=Outcome) for line in lines.splitlines(keepends=True) if line.endswith(b"\n")
    ]
    return outcome + [Outcome(fault=otherwise)] * (len(job.files) - len(outcome))


def main() -> None:
    """Do the job of the input, file by file."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    for place, (source, target) in enumerate(job.files):
        name = job.names[place] if job.names else ""
        sys.stdout.buffer.write(msgspec.json.encode(_outcome(job, Path(source), Path(target), name)) + b"\n")
        sys.stdout.buffer.flush()


def _outcome(job: Job, source: Path, target: Path, name: str) -> Outcome:
    from pydicom.tag import Tag

    from encord_convert.service.deidentify import Condition, Mode, NotRedactable, redact

    conditions = [Condition(Tag(tag), tuple(values), is_member) for tag, values, is_member in job.conditions]
    options: dict[str, Any] = {"tags": job.tags, "mode": Mode(job.mode), "conditions": conditions, "name": name}
    try:
        with source.open("rb") as incoming, target.open("wb") as outgoing:
            done = redact(incoming, outgoing, **options)
    except NotRedactable as fault:
        return Outcome(fault=str(fault))
    except MemoryError:
        return Outcome(fault="It takes more memory than a file may.")
    return Outcome() if done is None else Outcome(True, None, done.boxes, done.share, done.is_name_identifying)


if __name__ == "__main__":
    main()
