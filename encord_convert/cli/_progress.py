"""Progress on a terminal, or in a notebook: bytes read, rate, time left. In a pipe there is silence."""

from __future__ import annotations

import builtins
import io
import sys
from collections.abc import Iterable, Iterator
from copy import copy
from importlib.util import find_spec
from typing import Any, BinaryIO

from encord_convert.formats._files import HEAD_BYTES, Source


def is_terminal(stream: Any) -> bool:
    """Tell whether a standard stream is a terminal; a closed one is not."""
    return stream is not None and stream.isatty()


def is_notebook() -> bool:
    """Tell whether this process is the kernel of a notebook, in whose output rich draws."""
    shell = getattr(builtins, "get_ipython", None)
    return shell is not None and type(shell()).__name__ == "ZMQInteractiveShell"


def display(*columns: Any) -> Any:
    """Return a progress display on stderr, not yet started.

    It leaves sys.stdout and sys.stderr alone: what is data must not become text of the display.
    """
    from rich.console import Console
    from rich.progress import Progress

    return Progress(
        *columns, console=Console(stderr=True), transient=True, redirect_stdout=False, redirect_stderr=False
    )


class Bars:
    """The bars of all that is read, if stderr is a terminal, or a notebook that has widgets.

    Leaving it, however that happens, ends the display: text begins on a line of its own, and the cursor is back.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        has_widgets = is_notebook() and find_spec("ipywidgets") is not None
        self._is_shown = (is_terminal(sys.stderr) or has_widgets) and not quiet
        self._display: Any = None

    def __enter__(self) -> Bars:
        if self._is_shown:
            from rich.progress import BarColumn, DownloadColumn, TextColumn, TimeRemainingColumn, TransferSpeedColumn

            self._display = display(
                TextColumn("{task.description}", markup=False), BarColumn(), DownloadColumn(), TransferSpeedColumn(),
                TimeRemainingColumn(),
            )  # fmt: skip
            self._display.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def of(self, source: Source) -> Source:
        """Return the source, shown as it is read."""
        return source if self._display is None else _watched(source, self._display)

    def end(self) -> None:
        """End the display."""
        if self._display is not None:
            self._display.stop()


class _Watched(Source):
    """A source whose members tell a progress display how far they are read.

    It is mixed into the class of the source, which it stays: recognition asks whether it is a file or a folder. A
    format may read a member twice; each opening is a line of its own on the display.
    """

    _unwatched: Source
    _display: Any

    def open(self, name: str) -> BinaryIO:
        task = self._display.add_task(name, total=self._unwatched.size(name))
        return io.BufferedReader(_Counted(self._unwatched.open(name), self._display, task), 1 << 18)

    def head(self, name: str, size: int = HEAD_BYTES) -> bytes:
        return self._unwatched.head(name, size)

    def heads(self, names: Iterable[str], size: int) -> Iterator[bytes]:
        return self._unwatched.heads(names, size)


def _watched(source: Source, display: Any) -> Source:
    watched: Any = copy(source)
    watched.__class__ = type("_Watched", (_Watched, type(source)), {})
    watched._unwatched, watched._display = source, display
    return watched  # type: ignore[no-any-return]


class _Counted(io.RawIOBase):
    def __init__(self, stream: BinaryIO, progress: Any, task: Any) -> None:
        super().__init__()
        self._stream = stream
        self._progress = progress
        self._task = task

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return self._stream.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        place = self._stream.seek(offset, whence)
        self._progress.update(self._task, completed=place)
        return place

    def fileno(self) -> int:
        return self._stream.fileno()

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
