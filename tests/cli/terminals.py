"""A terminal to run our command in."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
HIDE, SHOW = b"\x1b[?25l", b"\x1b[?25h"
"""What hides the cursor, and what brings it back (ECMA-48 private mode 25)."""


@dataclass(frozen=True)
class Session:
    """What a command left: its exit code, and all that the terminal was sent."""

    code: int
    shown: bytes

    def text(self) -> str:
        return self.shown.decode(errors="replace")

    def check_cursor(self) -> None:
        """Hold that a bar was shown, and that the cursor is there at the end."""
        assert HIDE in self.shown, "no bar was shown"
        assert self.shown.rfind(SHOW) > self.shown.rfind(HIDE), "the cursor stays hidden"


def heed_interrupts() -> None:
    """Let Ctrl-C reach a process: a shell that runs the tests in its background has told them not to."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def in_terminal(
    *words: object,
    cwd: Path,
    environment: Mapping[str, str] | None = None,
    interrupt_when: Callable[[bytes], bool] | None = None,
    stdout: int | None = None,
    module: str = "encord_convert",
) -> Session:
    """Run our command with a terminal as its three streams, or with another stdout.

    Parameters
    ----------
    interrupt_when : callable, optional
        Told all that was shown so far; once it says so, Ctrl-C is typed.
    """
    leader, follower = pty.openpty()
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", "COLUMNS": "100", **(environment or {})}
    process = subprocess.Popen(
        [sys.executable, *(["-m", module] if module else []), *map(str, words)],
        stdin=follower, stdout=follower if stdout is None else stdout, stderr=follower, cwd=cwd, env=environ,
        start_new_session=True,
        preexec_fn=heed_interrupts,
    )  # fmt: skip
    os.close(follower)
    shown, end, is_interrupted = b"", time.monotonic() + 60, False
    ready = select.poll()  # select() takes no descriptor above 1,023
    ready.register(leader, select.POLLIN)
    while time.monotonic() < end:
        if ready.poll(50):
            try:
                data = os.read(leader, 65536)
            except OSError:  # the other side was closed
                break
            if not data:
                break
            shown += data
        if interrupt_when is not None and not is_interrupted and interrupt_when(shown):
            is_interrupted = True
            os.killpg(process.pid, signal.SIGINT)  # as the terminal does, to all processes in the foreground
    os.close(leader)
    return Session(process.wait(30), shown)
