"""Processes that do parts of one conversion together: started once, for the reader as for the writer.

Whoever can divide its work asks for :func:`current_pool`; there is one as long as a conversion with several jobs runs.
"""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, ParamSpec, TypeVar

if TYPE_CHECKING:
    from concurrent.futures import Future, ProcessPoolExecutor

P = ParamSpec("P")
R = TypeVar("R")


class Pool:
    """Processes, this one included; the others start when they are first needed.

    Parameters
    ----------
    size : int
        How many. Of a single one nothing is started.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool: ProcessPoolExecutor | None = None

    def start(self, function: Callable[P, R], *arguments: P.args, **options: P.kwargs) -> Future[R]:
        """Let another process call a function of a module; all that goes there and comes back must be picklable."""
        if self._pool is None:
            import multiprocessing
            from concurrent.futures import ProcessPoolExecutor

            context = multiprocessing.get_context(_method())
            self._pool = ProcessPoolExecutor(self.size - 1, context, initializer=_begin)
        with uninterrupted():
            return self._pool.submit(function, *arguments, **options)

    @contextmanager
    def ended_on_failure(self) -> Iterator[None]:
        """End the other processes at once if the block fails: before what they write is removed."""
        try:
            yield
        except BaseException:
            if self._pool is not None:
                processes = list((self._pool._processes or {}).values())
                for process in processes:
                    process.terminate()
                for process in processes:
                    process.join()
            raise

    def close(self) -> None:
        """End the other processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)


def _begin() -> None:
    gc.disable()  # see `conversion`
    end_with_parent()


def end_with_parent() -> None:
    """End this process as soon as the one that started it is gone, also if that was killed."""
    import multiprocessing

    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Start processes and threads that no Ctrl-C reaches: this process is told of it, and ends them."""
    import signal

    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_current: ContextVar[Pool | None] = ContextVar("pool", default=None)


def current_pool() -> Pool | None:
    """Return the pool at work, None if this process works alone."""
    return _current.get()


@contextmanager
def pool(size: int) -> Iterator[Pool]:
    """Have a pool of so many processes, or the one that is there already."""
    known = current_pool()
    if known is not None:
        yield known
        return
    own = Pool(size)
    token = _current.set(own if size > 1 else None)
    try:
        with own.ended_on_failure():
            yield own
    finally:
        _current.reset(token)
        own.close()


def _method() -> str:
    """Return how to start processes: as copies of this one where that is safe, since they have all imported then.

    A copy has one thread, and what other threads of the original held stays locked in it for ever.
    """
    import multiprocessing

    methods = multiprocessing.get_all_start_methods()
    if "fork" in methods and threading.active_count() == 1 and _system_threads() == 1:
        return "fork"
    return "forkserver" if "forkserver" in methods else "spawn"


def _system_threads() -> int:
    """Return how many threads this process has, those that Python knows nothing of included; 0 if nobody can tell."""
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return 0
