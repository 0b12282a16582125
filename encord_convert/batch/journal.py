"""What is done: one SQLite file. It alone says what a resumed batch may leave out; no engine is asked.

A job is known by its sources, its target, the hash of its options and the hash of its sources' content. Outcomes are
written together for each task, after what they wrote was forced to disk: what stands here is there. An output that is
there and does not stand here is written again, with the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from encord_convert.batch.locations import is_remote, local
from encord_convert.batch.plan import Job
from encord_convert.batch.targets import Stamp
from encord_convert.batch.tasks import Known, Outcome, ReportError, Status, unpacked
from encord_convert.errors import ReadError, WriteError
from encord_convert.formats._files import name_fault

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (
    sources TEXT NOT NULL, target TEXT NOT NULL, options TEXT NOT NULL, sha256 TEXT NOT NULL,
    status TEXT NOT NULL, is_final INTEGER NOT NULL, error TEXT NOT NULL, seconds REAL NOT NULL,
    size_bytes INTEGER NOT NULL, annotations INTEGER NOT NULL, stamps TEXT NOT NULL, report BLOB NOT NULL,
    PRIMARY KEY (sources, target, options)
) WITHOUT ROWID"""
_INDEX = "CREATE INDEX IF NOT EXISTS jobs_by_target ON jobs (target)"
"""Each outcome asks for its target: else it would take longer the more jobs are done."""

_ADVICE = "Remove it to convert everything again."
_Kept = tuple[str, Status, bool, str, float, int, int, str, bytes]
"""What a row holds: a journal may be damaged, or of somebody else."""
_STAMPS = msgspec.json.Decoder(list[Stamp])


def _text(data: bytes) -> str:
    """Return text of the journal; what is damaged must not end in a traceback, and fits no job."""
    return data.decode("utf-8", "replace")


_COLUMNS = "sha256, status, is_final, error, seconds, size_bytes, annotations, stamps, report"


class Journal:
    """The outcomes of jobs, kept in a file that one batch at a time has open.

    Parameters
    ----------
    path : str
        The file; ``:memory:`` keeps nothing.
    resume : bool
        Keep what it holds; else it is emptied.

    Raises
    ------
    ReadError
        The file is not a journal.
    WriteError
        Another batch has it open, or it cannot be written.
    """

    def __init__(self, path: str, *, resume: bool = False) -> None:
        self.path = path
        try:
            if path != ":memory:":
                Path(path).parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=1)
            self._db.text_factory = _text
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.execute(_SCHEMA)
            self._db.execute(_INDEX)
            with self._db:
                self._db.execute("BEGIN IMMEDIATE")
                if not resume:  # what was written is still to be known, so that nothing of it stays behind
                    self._db.execute("UPDATE jobs SET status = 'stale', sha256 = '', report = x''")
        except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
            raise self._told(error) from error

    def _told(self, error: Exception) -> ReadError | WriteError:
        if "locked" in str(error):
            return WriteError(f"{self.path}: another batch is at work on this output.")
        is_damage = type(error) in (sqlite3.DatabaseError, UnicodeDecodeError)
        if is_damage or "no such" in str(error) or "has no column" in str(error):
            return ReadError(self.path, f"is not a journal of batches, or is damaged ({error}).", advice=_ADVICE)
        return WriteError(f"{self.path}: the journal cannot be written ({getattr(error, 'strerror', None) or error}).")

    def known(self, job: Job) -> Known | None:
        """Return what is to be known before a job is done again; None if it is to be done in any case."""
        outcome = self.outcome(job, 0)
        if outcome is None or (outcome.status == "failed" and not outcome.is_final):
            return None
        return Known(outcome.sha256, outcome.status == "done", outcome.stamps)

    def outcome(self, job: Job, number: int) -> Outcome | None:
        """Return what became of a job, None if nothing has yet; ``number`` is its place in the plan."""
        query = f"SELECT {_COLUMNS} FROM jobs WHERE sources = ? AND target = ? AND options = ?"
        rows = self._rows(query, _key(job))
        if not rows or rows[0][1] == "stale":
            return None
        try:
            kept = msgspec.convert(rows[0], _Kept, strict=False)
            unpacked(kept[8])
        except (msgspec.ValidationError, ReportError) as error:
            raise self._damaged(error) from error
        sha256, status, is_final, words, seconds, size_bytes, annotations, stamps, report = kept
        files = self._stamps(stamps, job.target)
        return Outcome(number, status, sha256, words, is_final, seconds, size_bytes, annotations, files, report)

    def _rows(self, query: str, values: tuple[str, ...]) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query, values).fetchall()
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._told(error) from error

    def _stamps(self, text: Any, target: str) -> list[Stamp]:
        """Return files of a target, as the journal names them: a name that leads out of it is damage."""
        try:
            stamps = _STAMPS.decode(text)
            fault = next((fault for one in stamps if (fault := name_fault(one[0]))), None)
            if fault is not None:
                raise ValueError(f"a file of {target} {fault}")
        except (ValueError, TypeError) as error:
            raise self._damaged(error) from error
        return stamps

    def _damaged(self, error: object) -> ReadError:
        return ReadError(self.path, f"the journal is damaged ({error}).", advice=_ADVICE)

    def record(self, outcomes: Iterable[tuple[Job, Outcome]]) -> list[tuple[Job, str]]:
        """Keep what became of some jobs, all of them or none; return files of their targets that are outdated."""
        outdated = []
        try:
            with self._db:
                self._db.execute("BEGIN")
                for job, outcome in outcomes:
                    before = self._written(job.target)
                    names = {one[0] for one in outcome.stamps}
                    if outcome.status == "done":
                        outdated += [(job, one[0]) for one in before if one[0] not in names]
                        self._db.execute("DELETE FROM jobs WHERE target = ?", (job.target,))
                    else:
                        outcome.stamps = before  # still there, and still to be known
                    self._db.execute(f"INSERT OR REPLACE INTO jobs VALUES ({', '.join('?' * 12)})", _row(job, outcome))
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._told(error) from error
        return outdated

    def _written(self, target: str) -> list[Stamp]:
        rows = self._rows("SELECT stamps FROM jobs WHERE target = ?", (target,))
        return [one for (stamps,) in rows for one in self._stamps(stamps, target)]

    def close(self) -> None:
        """Force everything to disk and close.

        Raises
        ------
        WriteError
        """
        try:
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except (sqlite3.Error, UnicodeDecodeError) as error:
            raise self._told(error) from error
        finally:
            self._db.close()


def _key(job: Job) -> tuple[str, str, str]:
    return "\n".join(job.sources), job.target, job.options_hash()


def _row(job: Job, outcome: Outcome) -> tuple[object, ...]:
    return (
        *_key(job), outcome.sha256, outcome.status, outcome.is_final, outcome.error, outcome.seconds,
        outcome.size_bytes, outcome.annotations, msgspec.json.encode(outcome.stamps).decode(), outcome.report,
    )  # fmt: skip


def journal_path(out: str) -> str:
    """Return where the journal of an output lies: in it, or among the user's state if that is remote."""
    if not is_remote(out):
        return os.path.join(local(out), ".encord-convert.sqlite3")
    state = os.environ.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(state, "encord-convert", hashlib.sha256(out.encode()).hexdigest()[:16] + ".sqlite3")
