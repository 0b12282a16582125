"""Progress on a terminal: bytes read, rate, time left. In a pipe there is silence."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any, BinaryIO

from encord_convert.formats._files import Source


def watched(source: Source) -> Source:
    """Return the source, shown on stderr as it is read if stderr is a terminal."""
    return _Watched(source) if sys.stderr.isatty() else source


class _Watched(Source):
    """A source whose members tell a progress display how far they are read.

    A format may read a member twice; each opening is a line of its own on the display.
    """

    def __init__(self, source: Source) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self.name = source.name
        self._source = source
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._progress.start()

    def names(self, suffix: str = "", depth: int | None = None) -> list[str]:
        return self._source.names(suffix, depth)

    def open(self, name: str) -> BinaryIO:
        task = self._progress.add_task(name, total=self._source.size(name))
        return io.BufferedReader(_Counted(self._source.open(name), self._progress, task), 1 << 18)

    def head(self, name: str, size: int = 65_536) -> bytes:
        return self._source.head(name, size)

    def size(self, name: str) -> int | None:
        return self._source.size(name)

    def place(self, name: str) -> str:
        return self._source.place(name)

    def path(self, name: str) -> Path | None:
        return self._source.path(name)

    def close(self) -> None:
        self._progress.stop()
        self._source.close()


class _Counted(io.RawIOBase):
    def __init__(self, stream: BinaryIO, progress: Any, task: Any) -> None:
        super().__init__()
        self._stream = stream
        self._progress = progress
        self._task = task

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        self._progress.advance(self._task, len(data))
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._progress.remove_task(self._task)
            self._stream.close()
        super().close()
