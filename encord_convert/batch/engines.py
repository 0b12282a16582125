"""Where tasks run: here, in workers of this machine, or on a dask cluster.

An engine is anything with ``submit(function, *arguments) -> Future``, as every :class:`concurrent.futures.Executor`
is. Ours for this machine is pebble's pool of processes: a worker that dies or takes too long fails its own task alone.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any, Protocol

from encord_convert.errors import MissingDependencyError, OptionError, nearest
from encord_convert.workers import end_with_parent, uninterrupted

ENGINES = ("local", "serial", "dask")
MEMORY_LIMIT_MB = 4096
TIME_LIMIT_S = 3600.0
CONNECT_S = 10.0


class Engine(Protocol):
    """Runs functions somewhere."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Start ``function`` and return what it will give."""
        ...


class Serial:
    """Runs everything here and at once; a hostile source takes this process with it."""

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Run ``function``."""
        future: Future[Any] = Future()
        try:
            future.set_result(function(*arguments))
        except Exception as error:
            future.set_exception(error)
        return future


class Workers:
    """Processes of this machine.

    Parameters
    ----------
    count : int
    memory_limit_mb : int
        Largest memory of a worker's own, in MB of 2**20 bytes. Beyond it an allocation fails, and with it the job.
    time_limit_s : float
        Longest time a task may take; its worker is killed then.
    """

    def __init__(self, count: int, memory_limit_mb: int, time_limit_s: float) -> None:
        from pebble import ProcessPool

        self._pool = ProcessPool(
            max_workers=count,
            initializer=_prepare,
            initargs=(memory_limit_mb, dict(os.environ)),
            context=worker_context(),
        )
        self._memory_limit_mb = memory_limit_mb
        self._time_limit_s = time_limit_s

    def submit(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Start ``function`` in a worker."""
        with uninterrupted():
            future: Future[Any] = self._pool.schedule(function, args=arguments, timeout=self._time_limit_s)
        return future

    def alone(self, function: Callable[..., Any], /, *arguments: Any) -> Future[Any]:
        """Start ``function`` in a process that may have processes of its own, which those of the pool may not."""
        from pebble.concurrent import process

        start = process(daemon=False, timeout=self._time_limit_s, context=worker_context())(_alone)
        with uninterrupted():
            future: Future[Any] = start(self._memory_limit_mb, dict(os.environ), function, arguments)
        return future

    def close(self, *, wait: bool) -> None:
        """End the workers: when they are done, or now."""
        if wait:
            self._pool.close()
        else:
            self._pool.stop()
        self._pool.join()


def worker_context() -> Any:
    """Return how processes start: from a small server that has the package loaded, where the system allows."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["encord_convert.batch.tasks"])
    return context


def _prepare(memory_limit_mb: int, environment: dict[str, str]) -> None:
    """Make a process ready: limit its memory, and give it the environment of now, not of when the server started."""
    end_with_parent()
    os.environ.update(environment)
    _limited(memory_limit_mb)


def _limited(memory_limit_mb: int) -> None:
    """Limit the memory of this process: of its own data, where the system counts it, else of all addresses.

    The first leaves out files that are mapped, which cost nothing that cannot be given back.
    """
    if sys.platform == "win32":
        return
    import resource

    kind = resource.RLIMIT_DATA if sys.platform == "linux" else resource.RLIMIT_AS
    _, most = resource.getrlimit(kind)
    limit = memory_limit_mb << 20
    if most != resource.RLIM_INFINITY:
        limit = min(limit, most)
    resource.setrlimit(kind, (limit, most))


def _alone(
    memory_limit_mb: int, environment: dict[str, str], function: Callable[..., Any], arguments: tuple[Any, ...]
) -> Any:
    _prepare(memory_limit_mb, environment)
    return function(*arguments)


def check_engine(name: str) -> None:
    """Refuse the name of an engine that there is not.

    Raises
    ------
    OptionError
    """
    if name not in ENGINES and "://" not in name:
        hint = nearest(name, ENGINES)
        raise OptionError(
            f"--engine {name}: there is no such engine; known: {', '.join(ENGINES)}, tcp://HOST:PORT.{hint}"
        )


@contextlib.contextmanager
def engine_named(
    name: str, count: int, *, memory_limit_mb: int = MEMORY_LIMIT_MB, time_limit_s: float = TIME_LIMIT_S
) -> Iterator[tuple[Engine, int]]:
    """Give the engine of a name and how many workers it has; end it after.

    Parameters
    ----------
    name : str
        ``serial``; ``local``; ``dask``, a cluster on this machine; or the address of a dask scheduler,
        ``tcp://host:8786``. Of the workers of a cluster, limits of memory and time are a matter of the cluster.
    count : int
        Workers on this machine.

    Raises
    ------
    OptionError
        There is no such engine, or nothing answers at the address.
    MissingDependencyError
        The package distributed is not installed.
    """
    if name == "serial":
        yield Serial(), 1
    elif name == "local":
        workers = Workers(count, memory_limit_mb, time_limit_s)
        is_whole = False
        try:
            yield workers, count
            is_whole = True
        finally:
            workers.close(wait=is_whole)
    elif name == "dask" or "://" in name:
        with _dask(name, count) as engine:
            yield engine
    else:
        check_engine(name)


@contextlib.contextmanager
def _dask(name: str, count: int) -> Iterator[tuple[Engine, int]]:
    try:
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise MissingDependencyError(
            "The engine dask needs distributed, which is not installed. "
            "Run: python -m pip install 'encord-convert[dask]'"
        ) from error
    with contextlib.ExitStack() as stack:
        if name == "dask":
            cluster = LocalCluster(n_workers=count, threads_per_worker=1, dashboard_address=None)
            address: Any = stack.enter_context(cluster)
        else:
            address = name
        try:
            client = stack.enter_context(Client(address, timeout=CONNECT_S))
        except OSError as error:
            raise OptionError(f"--engine {name}: no dask scheduler answers there ({error}).") from error
        engine: Engine = client.get_executor(retries=2, pure=False)
        yield engine, max(1, sum(client.ncores().values()))


def own_processors() -> int:
    """Return how many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
