"""The database: made once, migrated under a lock with a copy before, refused if newer, kept whole."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
import time
from pathlib import Path

import pytest
from harness import GIVEN_DATABASE, database_of, running
from media import image
from postgresql import THROWAWAY
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool
from worlds import world

from encord_convert.errors import MissingDependencyError, ReadError
from encord_convert.sdk._uploads import IMAGE
from encord_convert.sdk.exceptions import UnknownException
from encord_convert.sdk.http.routes import path_route
from encord_convert.sdk.orm.dataset import StorageLocation
from encord_convert.sdk.orm.label_row import LabelStatus
from encord_convert.service.faults import FullDiskError
from encord_convert.service.store import database, users
from encord_convert.service.store.database import FILE, open_database

NEWEST = len(database.MIGRATIONS)


def test_what_was_written_is_there_when_it_is_opened_again(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        made = server.user("ann").create_dataset("Crossings", StorageLocation.CORD_STORAGE)
    with running(tmp_path) as server:
        assert server.user("ann").get_dataset(made.dataset_hash).title == "Crossings"


def test_sqlite_writes_ahead_and_flushes_each_commit(tmp_path: Path) -> None:
    opened = open_database(tmp_path)
    pragmas = opened.read(
        lambda db: [db.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
    )
    opened.close()
    assert pragmas == ["wal", 2]


def _open(folder: str) -> None:
    open_database(Path(folder)).close()


@pytest.mark.proves("service: 3")
def test_processes_that_start_at_once_make_one_database(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_open, args=(str(tmp_path),)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    with sqlite3.connect(tmp_path / FILE) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(NEWEST,)]


@pytest.mark.skipif("SERVICE_DATABASE" in os.environ, reason="takes a file apart")
@pytest.mark.proves("service: 3")
def test_an_older_database_gets_folders_items_and_stages(tmp_path: Path) -> None:
    folder, image_path = tmp_path / "service", str(image(tmp_path / "a.png", 8, 6))
    with running(folder) as server:
        made = world(server)
        dataset = made.user.get_dataset(made.dataset_hash)
        dataset.upload_image(image_path)
        dataset.create_image_group([image_path, image_path], title="pair", create_video=False)
        dataset._client._uploads.places(IMAGE, ["later.png"])
        row = made.project._client.create_label_row(dataset.list_data_rows()[0].uid)
        made.project._client.set_label_status(row["label_hash"], LabelStatus.LABELLED)
    with sqlite3.connect(folder / FILE) as connection:  # as the first version left it
        for table in ("item_children", "items", "folders", "workflow_nodes"):
            connection.execute(f"DELETE FROM {table}")
        columns = "data_hash, owner AS dataset_hash, kind, title, file_link, sha256, size, facts, created_at"
        connection.execute(f"CREATE TABLE uploads AS SELECT {columns} FROM awaited")
        connection.execute("DROP TABLE awaited")
        connection.execute("UPDATE label_rows SET node = NULL")
        connection.execute("UPDATE schema_version SET version = 1")
    with running(folder) as server:
        ask = server.user("ann").querier.call
        [found] = ask(path_route("GET", "storage/folders"))["results"]
        assert found["syncedDatasetHash"] == made.dataset_hash
        items = ask(path_route("GET", "storage/folders/{folder}/items"), folder=found["uuid"])["results"]
        assert sorted(one["itemType"] for one in items) == ["image", "image", "image", "imageGroup"]
        [project] = ask(path_route("GET", "projects"))["results"]
        places = [one["uuid"] for one in project["workflow"]["stages"]]
        path = path_route("GET", "projects/{project}/workflow/stages/{stage}/tasks")
        tasks = [ask(path, project=project["projectHash"], stage=stage)["results"] for stage in places]
        assert [[one["dataTitle"] for one in some] for some in tasks] == [["pair"], ["a.png"], []]
        query = text("SELECT title, owner FROM awaited")
        assert server.service.database.read(lambda db: list(db.execute(query))) == [("later.png", made.dataset_hash)]


def test_a_migration_takes_a_copy_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_database(tmp_path)
    opened.write(lambda db: users.add_key(db, "ann@example.com", "0" * 64, 0.0)).result()
    opened.close()

    def lose_all(db: Connection) -> None:
        db.execute(text("DELETE FROM users"))

    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, lose_all))
    opened = open_database(tmp_path)
    assert opened.read(users.users) == []
    opened.close()
    with sqlite3.connect(tmp_path / f"service-before-{NEWEST + 1}.sqlite") as copy:
        assert copy.execute("SELECT email FROM users").fetchall() == [("ann@example.com",)]
        assert copy.execute("SELECT version FROM schema_version").fetchall() == [(NEWEST,)]


@pytest.mark.proves("service: 3")
def test_a_migration_of_postgresql_copies_its_tables_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = database_of(tmp_path, "PostgreSQL")
    opened = open_database(tmp_path, url)
    opened.write(lambda db: users.add_key(db, "ann@example.com", "0" * 64, 0.0)).result()
    opened.close()
    migrations = (*database.MIGRATIONS, lambda db: db.execute(text("DELETE FROM users")))
    monkeypatch.setattr(database, "MIGRATIONS", migrations)
    opened = open_database(tmp_path, url)
    assert opened.read(users.users) == []
    own = opened.read(lambda db: db.execute(text("SELECT current_schema()")).scalar_one())
    copied = opened.read(lambda db: db.execute(text(f"SELECT email FROM {own}_before_{len(migrations)}.users")).all())
    assert copied == [("ann@example.com",)]
    opened.close()


@pytest.mark.proves("service: 3")
def test_a_migration_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_database(tmp_path).close()

    def half(db: Connection) -> None:
        db.execute(text("CREATE TABLE more (a)"))
        raise RuntimeError("in the middle")

    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, half))
        with pytest.raises(RuntimeError, match="in the middle"):
            open_database(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(NEWEST,)]
        assert connection.execute("SELECT name FROM sqlite_master WHERE name = 'more'").fetchall() == []


@pytest.mark.proves("service: 3")
def test_a_newer_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    with sqlite3.connect(tmp_path / FILE) as connection:
        connection.execute("UPDATE schema_version SET version = 7")
    with pytest.raises(ReadError, match=r"are of version 7; this program knows them up to version 2\. Install a newer"):
        open_database(tmp_path)
    with sqlite3.connect(tmp_path / FILE) as connection:
        assert connection.execute("SELECT version FROM schema_version").fetchall() == [(7,)]


@pytest.mark.proves("service: 3")
def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all" * 100)
    with pytest.raises(ReadError, match=r"is not a database that can be opened: file is not a database"):
        open_database(tmp_path)


@pytest.mark.proves("service: 3")
def test_a_damaged_database_is_not_migrated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = open_database(tmp_path)
    for number in range(200):
        opened.write(lambda db, number=number: users.user_named(db, f"{number}@example.com", 0.0)).result()
    opened.close()
    file = tmp_path / FILE
    content = bytearray(file.read_bytes())
    with sqlite3.connect(file) as connection:
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'users'").fetchone()[0]
    content[4096 * (root - 1) : 4096 * root] = b"\xff" * 4096
    file.write_bytes(content)
    monkeypatch.setattr(database, "MIGRATIONS", (*database.MIGRATIONS, lambda db: None))
    with pytest.raises(ReadError, match=r"damaged|malformed"):
        open_database(tmp_path)


def test_an_address_of_an_unknown_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReadError, match=r"mysql: is not the address of a database; expected postgresql\+psycopg"):
        open_database(tmp_path, "mysql://user:secret@host/db")


def test_postgresql_without_psycopg_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("psycopg")

    monkeypatch.setattr(database, "create_engine", missing)
    with pytest.raises(MissingDependencyError, match=r"pip install 'encord-convert\[postgres\]'"):
        open_database(tmp_path, "postgresql+psycopg://h/db")


@pytest.mark.proves("service: 3")
def test_a_database_that_cannot_hold_every_text_is_refused(tmp_path: Path) -> None:
    address = make_url(GIVEN_DATABASE or THROWAWAY.start())
    with create_engine(address, isolation_level="AUTOCOMMIT", poolclass=NullPool).connect() as db:
        db.execute(text("DROP DATABASE IF EXISTS narrow"))
        db.execute(text("CREATE DATABASE narrow ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0"))
    narrow = address.set(database="narrow").render_as_string(hide_password=False)
    with pytest.raises(ReadError, match=r"narrow.*: its texts are encoded as SQL_ASCII; expected UTF8\. Make another"):
        open_database(tmp_path, narrow)


# --- writes ----------------------------------------------------------------------------------------------------------


def test_a_write_that_fails_undoes_itself_and_no_other_of_its_commit(tmp_path: Path) -> None:
    opened = open_database(tmp_path)
    gate = threading.Event()

    def add(db: Connection, email: str, fails: bool) -> str:
        gate.wait()
        users.user_named(db, email, 0.0)
        if fails:
            raise ValueError(email)
        return email

    futures = [opened.write(lambda db, n=n: add(db, f"{n}@example.com", n % 3 == 0)) for n in range(9)]
    gate.set()
    outcomes = [str(future.exception() or future.result()) for future in futures]
    assert outcomes == [f"{n}@example.com" for n in range(9)]
    assert [email for email, _ in opened.read(users.users)] == [f"{n}@example.com" for n in range(9) if n % 3]
    opened.close()


def test_a_database_that_gives_up_on_a_commit_fails_only_the_write_that_made_it(tmp_path: Path) -> None:
    opened = open_database(tmp_path)
    gate = threading.Event()

    def full(db: Connection) -> None:
        gate.wait()
        users.user_named(db, "lost@example.com", 0.0)
        raise OperationalError("INSERT", {}, sqlite3.OperationalError("database or disk is full"))

    bad = opened.write(full)
    good = [opened.write(lambda db, n=n: users.user_named(db, f"{n}@example.com", 0.0)) for n in range(3)]
    gate.set()
    with pytest.raises(FullDiskError, match="The disk of the service is full or failing: nothing was written"):
        bad.result()
    assert all(one.result() for one in good)
    assert [email for email, _ in opened.read(users.users)] == ["0@example.com", "1@example.com", "2@example.com"]
    opened.close()


@pytest.mark.proves("service: 20")
@pytest.mark.skipif("SERVICE_DATABASE" in os.environ, reason="fills a file")
def test_a_full_disk_is_told_and_is_over_when_there_is_room_again(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        ann = server.user("ann")
        pages = server.service.database.write(lambda db: db.execute(text("PRAGMA page_count")).scalar()).result()
        limit = "PRAGMA max_page_count = {}"
        server.service.database.write(lambda db: db.execute(text(limit.format(pages))).scalar()).result()
        with pytest.raises(UnknownException, match="The disk of the service is full or failing: nothing was written"):
            for number in range(2000):
                ann.create_dataset(f"{number}" * 200, StorageLocation.CORD_STORAGE)
        acknowledged = number
        assert len(ann.get_datasets()) == acknowledged
        server.service.database.write(lambda db: db.execute(text(limit.format(10**6))).scalar()).result()
        ann.create_dataset("after", StorageLocation.CORD_STORAGE)
        assert len(ann.get_datasets()) == acknowledged + 1


def test_many_writes_share_a_commit(tmp_path: Path) -> None:
    opened = open_database(tmp_path)
    gate, commits = threading.Event(), []
    opened.write(lambda db: gate.wait())
    futures = [opened.write(lambda db, n=n: users.user_named(db, f"{n}@example.com", 0.0)) for n in range(100)]
    from sqlalchemy import event

    event.listen(opened.engine, "commit", lambda connection: commits.append(time.time()))
    gate.set()
    for future in futures:
        future.result()
    opened.close()
    assert len(commits) <= 3


def test_nothing_is_written_after_the_end(tmp_path: Path) -> None:
    opened = open_database(tmp_path)
    opened.close()
    with pytest.raises(RuntimeError, match="The database is closed"):
        opened.write(lambda db: None)
