"""Documents that are taken in later: jobs, in a small SQLite file of their own.

A job is acknowledged in one transaction that holds its files' bytes, so that after a crash it is
there whole or not at all. The bytes are erased when the file is stored or given up. What becomes of
a file is noted after the document is stored, so a crash in between takes the same file in again,
which changes nothing: ids are stable, and unchanged content is skipped.
"""

import json
import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from documents.load import Raw
from index.ingest import Outcome
from index.sqlite import Connections, check_version, transaction, translated

FILE = "jobs.sqlite3"
VERSION = 1
MAX_ATTEMPTS = 5
"""Times that work on a file may break off before the file is taken for the reason."""

KEPT_FINISHED = 1000
"""Finished jobs whose reports are kept."""

JobStatus = Literal["queued", "running", "done", "cancelled"]
ItemStatus = Literal["queued", "added", "replaced", "unchanged", "failed", "cancelled"]

_SCHEMA = (
    """
CREATE TABLE IF NOT EXISTS jobs (
  number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, collection TEXT NOT NULL,
  created_at TEXT NOT NULL, started_at TEXT, finished_at TEXT,
  is_cancelled INTEGER NOT NULL DEFAULT 0
) STRICT
""",
    """
CREATE TABLE IF NOT EXISTS items (
  job INTEGER NOT NULL REFERENCES jobs (number) ON DELETE CASCADE, position INTEGER NOT NULL,
  source TEXT NOT NULL, declared TEXT NOT NULL, bytes INTEGER NOT NULL, data BLOB,
  status TEXT NOT NULL DEFAULT 'queued', attempts INTEGER NOT NULL DEFAULT 0,
  document_id TEXT NOT NULL DEFAULT '', chunks INTEGER NOT NULL DEFAULT 0,
  reason TEXT NOT NULL DEFAULT '', note TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (job, position)
) STRICT
""",
    "CREATE INDEX IF NOT EXISTS items_queued ON items (job) WHERE status = 'queued'",
)
_JOB = """
SELECT j.*, count(i.job) AS files, coalesce(sum(i.status <> 'queued'), 0) AS finished,
  coalesce(sum(i.status = 'failed'), 0) AS failed
FROM jobs j LEFT JOIN items i ON i.job = j.number
"""


class UnknownJob(Exception):
    """No job of that id; the caller must name another."""


class TooManyJobs(Exception):
    """More waits than is taken; the caller must come back later."""


@dataclass(frozen=True, slots=True)
class JobLimits:
    """What may wait at once, over all jobs."""

    files: int = 10_000
    bytes: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Item:
    """What became of one file of a job."""

    source: str
    status: ItemStatus
    document_id: str
    chunks: int
    reason: str
    note: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job and how far it is: `finished` of its `files`, `failed` of them in vain."""

    id: str
    collection: str
    status: JobStatus
    files: int
    finished: int
    failed: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True)
class Work:
    """A file to take in now. `attempts` counts this one."""

    job: int
    position: int
    collection: str
    raw: Raw
    attempts: int


def unknown_job(job_id: str) -> UnknownJob:
    """What is said of a job that is not there, or that the caller may not see."""
    return UnknownJob(f"There is no job {job_id!r}: see GET /v1/jobs.")


class JobStore:
    """The jobs of one data folder. Safe for several threads and processes."""

    def __init__(self, folder: Path, limits: JobLimits | None = None) -> None:
        self.folder = folder
        self.path = folder / FILE
        self._limits = limits or JobLimits()
        self._connections: Connections | None = None
        self._has_tables = False
        self._is_made = False
        self._lock = threading.Lock()

    def add(self, collection: str, raws: Sequence[Raw]) -> Job:
        """Keep files for later; when this returns, they are.

        Raises:
            TooManyJobs: with these, more would wait than may.
            StorageError: they could not be kept.
        """
        identity = f"job_{uuid.uuid4().hex[:20]}"
        size = sum(len(raw.data) for raw in raws)
        with self._writing() as connection:
            files, waiting = connection.execute(
                "SELECT count(*), coalesce(sum(bytes), 0) FROM items WHERE status = 'queued'"
            ).fetchone()
            if files + len(raws) > self._limits.files or waiting + size > self._limits.bytes:
                raise TooManyJobs("Too many files wait already: send these again later.")
            number = connection.execute(
                "INSERT INTO jobs (id, collection, created_at) VALUES (?, ?, ?)",
                (identity, collection, _now()),
            ).lastrowid
            connection.executemany(
                "INSERT INTO items (job, position, source, declared, bytes, data)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (number, position, raw.source, _declared(raw), len(raw.data), raw.data)
                    for position, raw in enumerate(raws)
                ],
            )
        return self.job(identity)

    def job(self, job_id: str) -> Job:
        """A job.

        Raises:
            UnknownJob: there is none of that id.
        """
        rows = self._read(f"{_JOB} WHERE j.id = ? GROUP BY j.number", (job_id,))
        if not rows:
            raise unknown_job(job_id)
        return _job(rows[0])

    def items(self, job_id: str) -> list[Item]:
        """The files of a job, in the order they came."""
        rows = self._read(
            "SELECT source, status, document_id, chunks, reason, note FROM items"
            " WHERE job = (SELECT number FROM jobs WHERE id = ?) ORDER BY position",
            (job_id,),
        )
        return [Item(**dict(row)) for row in rows]

    def jobs(
        self, limit: int, before: str = "", collections: Sequence[str] | None = None
    ) -> list[Job]:
        """Up to `limit` jobs, newest first, those older than the job `before`; only those of
        `collections` where they are given.
        """
        names = None if collections is None else json.dumps(collections)
        rows = self._read(
            f"{_JOB} WHERE (? = '' OR j.number < (SELECT number FROM jobs WHERE id = ?))"
            " AND (? IS NULL OR j.collection IN (SELECT value FROM json_each(?)))"
            " GROUP BY j.number ORDER BY j.number DESC LIMIT ?",
            (before, before, names, names, limit),
        )
        return [_job(row) for row in rows]

    def cancel(self, job_id: str) -> Job:
        """Give up the files of a job that are not stored yet. What is stored stays, and a job that
        is over stays as it is.

        Raises:
            UnknownJob: there is none of that id.
        """
        self.job(job_id)
        with self._writing() as connection:
            _cancel(connection, "id", job_id)
        return self.job(job_id)

    def cancel_all(self, collection: str) -> None:
        """As `cancel`, of all jobs of a collection. To be called before the collection is removed:
        a document that is being stored is then removed with it, or not stored.
        """
        if self.path.exists():
            with self._writing() as connection:
                _cancel(connection, "collection", collection)

    def pending(self) -> tuple[int, int]:
        """Files that wait, and their bytes."""
        rows = self._read(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM items WHERE status = 'queued'"
        )
        files, size = rows[0] if rows else (0, 0)
        return int(files), int(size)

    # For whoever does the work

    def next(self, max_bytes: int) -> list[Work]:
        """The files to take in next, of one job, the oldest first: up to `max_bytes`, at least one.
        A file on which work broke off before comes alone, and is given up after `MAX_ATTEMPTS`.
        Each counts as attempted from now on.
        """
        with self._writing() as connection:
            _give_up_broken(connection)
            rows = connection.execute(
                "SELECT i.*, j.collection FROM items i JOIN jobs j ON j.number = i.job"
                " WHERE i.status = 'queued' AND i.job ="
                " (SELECT min(job) FROM items WHERE status = 'queued')"
                " ORDER BY i.position LIMIT 64"
            )
            chosen: list[sqlite3.Row] = []
            size = 0
            for row in rows:
                if chosen and (size + row["bytes"] > max_bytes or row["attempts"]):
                    break
                chosen.append(row)
                size += row["bytes"]
                if row["attempts"]:
                    break
            connection.executemany(
                "UPDATE items SET attempts = attempts + 1 WHERE job = ? AND position = ?",
                [(row["job"], row["position"]) for row in chosen],
            )
            connection.executemany(
                "UPDATE jobs SET started_at = coalesce(started_at, ?) WHERE number = ?",
                [(_now(), row["job"]) for row in chosen[:1]],
            )
        return [_work(row) for row in chosen]

    def note(self, work: Work, outcome: Outcome) -> None:
        """Note what became of a file, and erase its bytes."""
        with self._writing() as connection:
            connection.execute(
                "UPDATE items SET status = ?, document_id = ?, chunks = ?, reason = ?, note = ?,"
                " data = NULL WHERE job = ? AND position = ?",
                (
                    outcome.status,
                    outcome.document_id,
                    outcome.chunks,
                    outcome.reason,
                    outcome.note,
                    work.job,
                    work.position,
                ),
            )
            _finish_if_over(connection, work.job)

    def is_cancelled(self, work: Work) -> bool:
        """Whether the job of a file was cancelled meanwhile."""
        rows = self._read("SELECT 1 FROM jobs WHERE number = ? AND NOT is_cancelled", (work.job,))
        return not rows

    def put_back(self, works: Sequence[Work]) -> None:
        """Let files wait that were not attempted after all."""
        with self._writing() as connection:
            connection.executemany(
                "UPDATE items SET attempts = attempts - 1"
                " WHERE job = ? AND position = ? AND status = 'queued'",
                [(work.job, work.position) for work in works],
            )

    def tidy(self) -> None:
        """Forget the oldest finished jobs, and give the room of erased files back to the disk."""
        with self._writing() as connection:
            connection.execute(
                "DELETE FROM jobs WHERE number IN (SELECT number FROM jobs"
                " WHERE finished_at IS NOT NULL ORDER BY number DESC LIMIT -1 OFFSET ?)",
                (KEPT_FINISHED,),
            )
        with translated(self.folder):
            connection = self._opened().get()
            # As a script, since it frees a page a step, and `execute` takes one.
            connection.executescript("PRAGMA incremental_vacuum")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connections is not None:
                self._connections.close()
                self._connections = None
                self._has_tables = self._is_made = False

    def _opened(self) -> Connections:
        with self._lock:
            if self._connections is None:
                connections = Connections(self.path, create=True)
                try:
                    check_version(connections.get(), VERSION, self.path)
                except BaseException:
                    connections.close()
                    raise
                self._connections = connections
            return self._connections

    def _read(self, query: str, parameters: Sequence[object] = ()) -> list[sqlite3.Row]:
        """Rows; none where there is no file, which reading does not make, or nothing in it."""
        if self._connections is None and not self.path.exists():
            return []
        with translated(self.folder):
            connection = self._opened().get()
            if not self._has_tables and not _has_tables(connection):
                return []
            self._has_tables = True
            return connection.execute(query, parameters).fetchall()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with translated(self.folder):
            connection = self._opened().get()
            if not self._is_made:
                _make_tables(connection)
                self._is_made = True
            # What is erased is overwritten: nobody finds an upload in the file afterwards.
            connection.execute("PRAGMA secure_delete = ON").fetchall()
            with transaction(connection):
                yield connection


def _has_tables(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'items'").fetchone()
    return found is not None


def _make_tables(connection: sqlite3.Connection) -> None:
    """Those that are missing, and the version of them: at first there was none."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == VERSION:
        return
    if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        # Takes hold once the (empty) file is written anew.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("VACUUM")
    with transaction(connection):
        for statement in _SCHEMA:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")


def _cancel(connection: sqlite3.Connection, column: str, value: str) -> None:
    """Give up the files that wait, of the unfinished jobs that have `value` in `column`."""
    rows = connection.execute(
        f"SELECT number FROM jobs WHERE {column} = ? AND finished_at IS NULL", (value,)
    ).fetchall()
    for row in rows:
        connection.execute(
            "UPDATE items SET status = 'cancelled', data = NULL"
            " WHERE job = ? AND status = 'queued'",
            (row["number"],),
        )
        connection.execute("UPDATE jobs SET is_cancelled = 1 WHERE number = ?", (row["number"],))
        _finish_if_over(connection, row["number"])


def _give_up_broken(connection: sqlite3.Connection) -> None:
    """Give up the files on which work broke off too often."""
    rows = connection.execute(
        "SELECT job, position FROM items WHERE status = 'queued' AND attempts >= ?",
        (MAX_ATTEMPTS,),
    ).fetchall()
    for row in rows:
        connection.execute(
            "UPDATE items SET status = 'failed', reason = ?, data = NULL"
            " WHERE job = ? AND position = ?",
            (
                f"the service broke off {MAX_ATTEMPTS} times while it was being read",
                row["job"],
                row["position"],
            ),
        )
        _finish_if_over(connection, row["job"])


def _finish_if_over(connection: sqlite3.Connection, number: int) -> None:
    connection.execute(
        "UPDATE jobs SET finished_at = ? WHERE number = ? AND finished_at IS NULL"
        " AND NOT EXISTS (SELECT 1 FROM items WHERE job = number AND status = 'queued')",
        (_now(), number),
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _declared(raw: Raw) -> str:
    values = {name: getattr(raw, name) for name in _DECLARED}
    return json.dumps(values | {"metadata": dict(raw.metadata)}, ensure_ascii=False)


_DECLARED = ("origin", "media_type", "encoding", "title", "language")


def _work(row: sqlite3.Row) -> Work:
    raw = Raw(row["data"], row["source"], **json.loads(row["declared"]))
    return Work(row["job"], row["position"], row["collection"], raw, row["attempts"] + 1)


def _job(row: sqlite3.Row) -> Job:
    def moment(column: str) -> datetime | None:
        return datetime.fromisoformat(row[column]) if row[column] else None

    status: JobStatus = "running" if row["started_at"] else "queued"
    if row["finished_at"]:
        status = "cancelled" if row["is_cancelled"] else "done"
    return Job(
        id=row["id"],
        collection=row["collection"],
        status=status,
        files=row["files"],
        finished=row["finished"],
        failed=row["failed"],
        created_at=datetime.fromisoformat(row["created_at"]),
        started_at=moment("started_at"),
        finished_at=moment("finished_at"),
    )
