"""What happens in a batch, as it happens: dictionaries, one a line in the file that ``--events`` names.

=========  ============================================================================================================
event      members
=========  ============================================================================================================
``start``  ``jobs``, ``bytes`` of all sources as far as known
``job``    ``source``, ``target``, ``status`` (``done``, ``unchanged``, ``failed``), ``error``, ``seconds``, ``bytes``,
           ``annotations``
``bytes``  ``written`` so far of what is not finished, twice a second; shown, and not in the file of ``--events``
``end``    ``done``, ``unchanged``, ``failed``, ``left_out``, ``seconds``
=========  ============================================================================================================
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec

from encord_convert.errors import WriteError

if TYPE_CHECKING:
    from encord_convert.batch.plan import Job
    from encord_convert.batch.tasks import Outcome

Watch = Callable[[dict[str, Any]], None]
"""Is called with each event."""


def told(job: Job, outcome: Outcome, *, is_unchanged: bool = False) -> dict[str, Any]:
    """Return the event of a job that is finished; a failure that an earlier run had is a failure."""
    event: dict[str, Any] = {
        "event": "job",
        "source": job.name,
        "target": job.target,
        "status": "unchanged" if is_unchanged and outcome.status == "done" else outcome.status,
        "seconds": 0.0 if is_unchanged else round(outcome.seconds, 4),
        "bytes": job.size_bytes,
        "annotations": outcome.annotations,
    }
    return event | ({"error": outcome.error} if outcome.error else {})


def to_lines(stream: BinaryIO) -> Watch:
    """Return what writes each event as a line of JSON, at once."""

    def watch(event: dict[str, Any]) -> None:
        if event["event"] == "bytes":
            return
        try:
            stream.write(msgspec.json.encode(event) + b"\n")
            stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            name = "standard output" if stream is sys.stdout.buffer else getattr(stream, "name", "the file")
            raise WriteError(f"{name}: the events cannot be written ({error.strerror}).") from error

    return watch
