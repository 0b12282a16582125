"""The database: opened, brought up to date under a lock with a copy taken before, read and written.

A folder holds ``service.sqlite`` (WAL, ``synchronous=FULL``: what was acknowledged survives ``kill -9`` and a power
cut), or an address names a PostgreSQL database.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, inspect, select, update
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import QueuePool

from encord_convert.errors import MissingDependencyError, ReadError, WriteError
from encord_convert.service.store.tables import METADATA, VERSION
from encord_convert.service.store.writes import ManyWriters, OneWriter, Soon, Writes

T = TypeVar("T")

FILE = "service.sqlite"
TABLE_MODULES: tuple[str, ...] = (
    "encord_convert.service.store.tables_projects",
    "encord_convert.service.store.tables_labels",
    "encord_convert.service.store.tables_jobs",
    "encord_convert.service.store.tables_storage",
    "encord_convert.service.store.tables_people",
)
"""Modules beside :mod:`.tables` that hang tables on the metadata."""

Migration = Callable[[Connection], None]


def _give_storage(connection: Connection) -> None:
    """Make what came with folders: those of datasets, the items of data rows, the stages of every project."""
    from encord_convert.service.store.upgrades import give_storage

    METADATA.create_all(connection)
    give_storage(connection)


MIGRATIONS: tuple[Migration, ...] = (METADATA.create_all, _give_storage)
"""What leads from one version to the next; the version of a database is how many of these it has seen."""

READERS = 8
"""Connections that read at once."""
LOCK = 0x656E636F7264
"""Number of the lock in PostgreSQL; any that others do not use."""
LOG_PAGES = 4000
"""How long the log of SQLite grows, 4 kB each, before it is worked into the file: pages that change with every write
are copied less often."""
BUSY_S = 30.0
"""How long one waits for another process that writes."""


class Database:
    """An open database.

    Parameters
    ----------
    engine : Engine
    name : str
        For messages; without a password.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self.engine = engine
        self.name = name
        self.writes: Writes = OneWriter(engine) if engine.dialect.name == "sqlite" else ManyWriters(engine)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run a function that reads, on this thread; it sees one state of the database throughout."""
        with self.engine.connect() as connection, connection.begin():
            return work(connection)

    def write(self, work: Callable[[Connection], T], soon: Soon | None = None) -> Future[T]:
        """Hand in a function that writes; its result is there once it is committed. See :class:`.Writes`."""
        return self.writes.submit(work, soon)

    def close(self) -> None:
        """Finish all writes and close."""
        self.writes.close()
        self.engine.dispose()


def make_folder(folder: Path) -> None:
    """Make the folder of a service, and let nobody but its owner into it, nor at its files, whoever could before.

    Raises
    ------
    WriteError
        It cannot be made, or nothing can be written in it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        fact = "is a file" if folder.is_file() else f"cannot be made ({error.strerror})"
        raise WriteError(f"{folder}: {fact}, and a service needs a folder. Name another with --data.") from error
    if not os.access(folder, os.W_OK):
        raise WriteError(f"{folder}: is read-only, and a service writes there. Name another folder with --data.")
    for path in (folder, *folder.iterdir()):
        if not path.is_symlink() and path.stat().st_mode & 0o077:
            path.chmod(path.stat().st_mode & 0o700)


def open_database(folder: Path, url: str | None = None) -> Database:
    """Open a database, make it if it is new, and bring it up to date.

    Parameters
    ----------
    folder : Path
        Of the service; holds the SQLite file, and the copies of it that are taken before migrations.
    url : str, optional
        ``postgresql+psycopg://…``; by default the SQLite file.

    Raises
    ------
    ReadError
        The database is newer than this program, damaged, or none.
    WriteError
        The folder cannot be made.
    MissingDependencyError
        The address needs a package that is not installed.
    """
    for name in TABLE_MODULES:
        import_module(name)
    make_folder(folder)
    file = folder / FILE
    if url is None:
        file.touch(mode=0o600)  # its log gets the same rights
    engine = _sqlite(file) if url is None else _postgresql(url)
    name = str(file) if url is None else engine.url.render_as_string(hide_password=True)
    try:
        _check_encoding(engine, name)
        with _locked(folder), _locked_there(engine):
            _bring_up_to_date(engine, name, file if url is None else None)
    except (DatabaseError, sqlite3.DatabaseError) as error:
        engine.dispose()
        why = str(getattr(error, "orig", error))
        if any(word in why for word in ("full", "readonly", "I/O")):
            raise WriteError(f"{name}: cannot be written: {why}.") from None
        raise ReadError(name, f"is not a database that can be opened: {why}.") from None
    except BaseException:
        engine.dispose()
        raise
    return Database(engine, name)


def _bring_up_to_date(engine: Engine, name: str, file: Path | None) -> None:
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        version = _version(connection)
        newest = len(MIGRATIONS)
        if version > newest:
            raise ReadError(
                name,
                f"its tables are of version {version}; this program knows them up to version {newest}.",
                advice="Install a newer encord-convert; this one changes nothing.",
            )
        if version == newest:
            return
        if version and file is not None:
            _copy(file, file.with_name(f"{file.stem}-before-{newest}.sqlite"))
        elif version:
            _copy_there(connection, newest)
        for migration in MIGRATIONS[version:]:
            migration(connection)
        if version:
            connection.execute(update(VERSION).values(version=newest))
        else:
            connection.execute(insert(VERSION).values(version=newest))


def _check_encoding(engine: Engine, name: str) -> None:
    """Refuse a PostgreSQL database that cannot hold every text, or counts bytes as characters."""
    if engine.dialect.name == "sqlite":
        return
    with engine.connect() as connection:
        encoding = connection.exec_driver_sql("SHOW server_encoding").scalar_one()
    if encoding != "UTF8":
        raise ReadError(
            name,
            f"its texts are encoded as {encoding}; expected UTF8.",
            advice="Make another: createdb --encoding UTF8 --template template0 NAME.",
        )


def _version(connection: Connection) -> int:
    if not inspect(connection).has_table(VERSION.name):
        return 0
    version: int = connection.execute(select(VERSION.c.version)).scalar_one()
    return version


def _copy(file: Path, to: Path) -> None:
    """Copy an SQLite database whole, what is in its log included, after a check that it is whole."""
    with sqlite3.connect(file) as source, sqlite3.connect(to) as target:
        found = source.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise ReadError(str(file), f"is damaged: {found}.", advice="Bring back a copy before it is migrated.")
        source.backup(target)
    source.close()
    target.close()


def _copy_there(connection: Connection, newest: int) -> None:
    """Copy the tables of a PostgreSQL schema into one next to it, ``SCHEMA_before_VERSION``."""
    quoted = connection.dialect.identifier_preparer.quote
    own = connection.execute(select(func.current_schema())).scalar_one()
    copy = quoted(f"{own}_before_{newest}")
    connection.exec_driver_sql(f"CREATE SCHEMA {copy}")
    for table in map(quoted, inspect(connection).get_table_names()):
        connection.exec_driver_sql(f"CREATE TABLE {copy}.{table} AS TABLE {table}")


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep other processes from migrating at the same time."""
    with (folder / "migration.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def _locked_there(engine: Engine) -> Iterator[None]:
    """Keep services with other folders from migrating the same PostgreSQL database at the same time."""
    if engine.dialect.name == "sqlite":
        yield
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(select(func.pg_advisory_lock(LOCK)))
        yield
        connection.execute(select(func.pg_advisory_unlock(LOCK)))


def _sqlite(file: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{file}",
        poolclass=QueuePool,
        pool_size=READERS,
        max_overflow=READERS,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": BUSY_S},
    )

    @event.listens_for(engine, "connect")
    def connected(connection: sqlite3.Connection, _: Any) -> None:
        connection.isolation_level = None  # transactions begin where `begun` says
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "cache_size=-8000"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")
        connection.execute("PRAGMA case_sensitive_like=ON")

    @event.listens_for(engine, "begin")
    def begun(connection: Connection) -> None:
        # A writer takes its place at the beginning: a transaction that reads first could not be promoted later.
        connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("writes") else "BEGIN")

    return engine


def _postgresql(url: str) -> Engine:
    if not url.startswith("postgresql"):
        raise ReadError(url.partition(":")[0], "is not the address of a database; expected postgresql+psycopg://….")
    try:
        return create_engine(
            url,
            isolation_level="REPEATABLE READ",
            pool_size=READERS,
            max_overflow=READERS,
            hide_parameters=True,
            connect_args={"client_encoding": "utf8"},
        )
    except ModuleNotFoundError as error:
        raise MissingDependencyError("PostgreSQL needs psycopg: pip install 'encord-convert[postgres]'.") from error
