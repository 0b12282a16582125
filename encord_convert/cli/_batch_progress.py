"""Progress of a batch on a terminal: jobs, annotations a second, bytes, failures, time left."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any

from encord_convert.batch.events import Watch
from encord_convert.cli._progress import display


@contextlib.contextmanager
def shown() -> Iterator[Watch]:
    """Give what shows events on stderr."""
    from rich.filesize import decimal
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("jobs"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[told]}"), TimeRemainingColumn(),
    )  # fmt: skip
    with display(*columns) as progress:
        bar = progress.add_task("jobs", told="", total=None)
        sums = {"annotations": 0, "bytes": 0, "failed": 0}
        state = {"told": "", "writing": ""}
        begin = time.perf_counter()

        def watch(event: dict[str, Any]) -> None:
            if event["event"] == "start":
                progress.update(bar, total=event["jobs"])
            elif event["event"] == "job":
                is_new = event["status"] == "done"
                sums["annotations"] += event["annotations"] * is_new
                sums["bytes"] += event["bytes"] * is_new
                sums["failed"] += event["status"] == "failed"
                rate = sums["annotations"] / max(time.perf_counter() - begin, 0.001)
                state["told"] = f"{rate:,.0f} shapes/s  {decimal(sums['bytes'])}  {sums['failed']} failed  "
                progress.update(bar, advance=1)
            if event["event"] == "bytes":
                state["writing"] = f"writing {decimal(event['written'])}"
            progress.update(bar, told=f"{state['told']}{state['writing']}")

        yield watch
