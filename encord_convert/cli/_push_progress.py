"""Progress of a push on a terminal: what is done, rate, failures, time left. In a pipe there is silence."""

from __future__ import annotations

import sys
import time
from typing import Any

import click

from encord_convert.cli._progress import is_terminal

SHOWN_S = 0.1
"""Seconds between two states that are shown."""


class PushProgress:
    """Shows events of a push on one line of stderr, if it is a terminal; leaving it ends the line."""

    def __init__(self, *, quiet: bool = False) -> None:
        self._is_shown = is_terminal(sys.stderr) and not quiet
        self._is_open = False
        self._what = ""
        self._began = self._shown = 0.0
        self._first = 1
        self._failed = 0

    def __enter__(self) -> PushProgress:
        return self

    def __exit__(self, *_: object) -> None:
        if self._is_open:
            self._is_open = False
            click.echo(err=True)

    def tell(self, event: dict[str, Any]) -> None:
        """Take an event."""
        self._failed += event["event"] == "failed"
        if not self._is_shown or "done" not in event:
            return
        now = time.monotonic()
        if event["event"] != self._what:
            self._what, self._began, self._first, self._shown = event["event"], now, event["done"], 0.0
        is_last = event["done"] == event["of"]
        if is_last or now - self._shown >= SHOWN_S:
            self._shown = now
            self._is_open = not is_last
            click.echo(f"\r{self._line(event, now)}", nl=is_last, err=True)

    def _line(self, event: dict[str, Any], now: float) -> str:
        # The first came when the clock was started: the rate is that of those after it.
        rate = (event["done"] - self._first) / (now - self._began) if now > self._began else 0.0
        words = [f"{event['event']:<8} {event['done']} of {event['of']}"]
        if rate:
            left_s = round((event["of"] - event["done"]) / rate)
            words.append(f"{rate:.0f}/s" if rate >= 1 else f"{rate:.1f}/s")
            words.append(f"{left_s // 3600}:{left_s // 60 % 60:02}:{left_s % 60:02} left")
        if self._failed:
            words.append(f"{self._failed} failed")
        return f"{'   '.join(words):<60}"
