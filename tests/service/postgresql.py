"""A PostgreSQL of this test process, made when it is first asked for and thrown away at its end.

It listens at a file of its folder and on no network, lets everybody in who reaches that, and flushes nothing.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from glob import glob
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.pool import NullPool

USERS = ("postgres", "nobody")
"""As whom the server runs where the tests are root's, whom it refuses."""


class Throwaway:
    """The server, once it is started."""

    def __init__(self) -> None:
        self._folder: Path | None = None
        self.url = ""

    def start(self) -> str:
        """Start the server unless it runs; return the address of its database. Without its programs, skip the test."""
        if self._folder is None:
            programs = _programs()
            if programs is None:
                pytest.skip("PostgreSQL is not installed here: no initdb is found")
            pytest.importorskip("psycopg")
            folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
            self._pg_ctl = programs / "pg_ctl"
            self._as_user = _other_user(folder)
            data, log = str(folder / "data"), str(folder / "log")
            self._run(programs / "initdb", "-A", "trust", "-U", "tester", "-E", "UTF8", "--no-sync", "-D", data)
            options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
            self._run(self._pg_ctl, "-D", data, "-o", options, "-l", log, "-w", "start")
            self._folder, self.url = folder, f"postgresql+psycopg://tester@/postgres?host={folder}"
        return self.url

    def stop(self) -> None:
        """Stop the server and remove all it wrote."""
        if self._folder is not None:
            with suppress(subprocess.CalledProcessError):
                self._run(self._pg_ctl, "-D", str(self._folder / "data"), "-m", "immediate", "stop")
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None

    def _run(self, *command: str | Path) -> None:
        environment = {"PATH": os.defpath, "LC_ALL": "C"}
        null = subprocess.DEVNULL  # a pipe would stay open in the server
        subprocess.run(command, check=True, env=environment, cwd="/", stdout=null, stderr=null, **self._as_user)


THROWAWAY = Throwaway()


def _programs() -> Path | None:
    """Return the folder of the server's programs; Debian keeps them off the path."""
    found = shutil.which("initdb") or next(iter(sorted(glob("/usr/lib/postgresql/*/bin/initdb"), reverse=True)), None)
    return Path(found).resolve().parent if found else None


def _other_user(folder: Path) -> dict[str, object]:
    """Return how a process is started as somebody else than root, whose the folder then is."""
    if os.geteuid() != 0:
        return {}
    import pwd

    for name in USERS:
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    pytest.skip(f"PostgreSQL does not run as root, and there is no {' or '.join(USERS)}")


def schema_of(url: str, folder: Path) -> str:
    """Return the address of a schema that is a folder's own."""
    schema = "t" + sha256(str(folder).encode()).hexdigest()[:16]
    with create_engine(url, poolclass=NullPool).begin() as db:
        db.execute(text(f"CREATE SCHEMA IF NOT EXISTS {schema}"))
    return make_url(url).update_query_dict({"options": f"-csearch_path={schema}"}).render_as_string(hide_password=False)
