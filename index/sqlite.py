"""SQLite connections, one a thread, and its errors in words."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.errors import StorageError, StorageFull, StorageReadOnly
from index.locks import FolderUse

_BUSY_SECONDS = 30.0


class Connections:
    """Opens a connection the first time a thread asks, and closes all of them together. Until then
    nobody can replace the folder's files.
    """

    def __init__(self, path: Path, *, create: bool) -> None:
        """Raises StorageError where there is no file and `create` is not said, or the folder cannot
        be used.
        """
        self._path = path
        self._local = threading.local()
        self._all: list[sqlite3.Connection] = []
        self._lock = threading.Lock()
        self._use = FolderUse(path.parent)
        if create:
            self._make_folder()
        elif not path.exists():
            self._use.refuse_unfinished()
            raise StorageError(
                f"The data folder {path.parent} holds no documents yet: ingest some with "
                "`quoth ingest PATH`."
            )
        self._use.begin()

    def get(self) -> sqlite3.Connection:
        """The connection of the calling thread."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            with self._lock:
                self._use.begin()  # it may have been closed meanwhile
            connection = self._open()
            self._local.connection = connection
            with self._lock:
                self._all.append(connection)
        return connection

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._lock:
            for connection in self._all:
                connection.close()
            self._all.clear()
            self._use.end()
        self._local = threading.local()

    def _make_folder(self) -> None:
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageReadOnly(
                f"The data folder {self._path.parent} cannot be made ({error.strerror}): choose "
                "another with --data-dir or QUOTH_DATA_DIR."
            ) from error

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys = ON")
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # A commit is on the disk before it is acknowledged, power cuts included.
            connection.execute("PRAGMA synchronous = FULL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF not in (
                sqlite3.SQLITE_READONLY,
                sqlite3.SQLITE_CANTOPEN,
            ):
                raise
            return self._open_read_only(connection)
        return connection

    def _open_read_only(self, connection: sqlite3.Connection) -> sqlite3.Connection:
        """Nobody writes to a folder that cannot be written, so the file may be read as it stands;
        but not past commits that still wait in the write-ahead log.
        """
        connection.close()
        log = self._path.with_name(f"{self._path.name}-wal")
        mode = "mode=ro" if log.exists() and log.stat().st_size else "immutable=1"
        connection = sqlite3.connect(
            f"{self._path.resolve().as_uri()}?{mode}",
            uri=True,
            isolation_level=None,
            check_same_thread=False,
        )
        connection.row_factory = sqlite3.Row
        return connection


def check_version(connection: sqlite3.Connection, version: int, path: Path) -> None:
    """Raises StorageError where a newer Quoth than that of format `version` made the file."""
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found > version:
        raise StorageError(f"{path} was made by a newer Quoth: upgrade Quoth.")


@contextmanager
def translated(folder: Path) -> Iterator[None]:
    """Turn SQLite's errors into the caller's.

    Raises:
        StorageFull, StorageReadOnly, StorageError: with what to do about it.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", None) or 0
        match code & 0xFF:
            case sqlite3.SQLITE_FULL:
                raise StorageFull(
                    f"The disk of the data folder {folder} is full: make room and try again; "
                    "nothing that was stored is lost."
                ) from error
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM:
                raise StorageReadOnly(
                    f"The data folder {folder} cannot be written: allow it, or choose another with "
                    "--data-dir or QUOTH_DATA_DIR."
                ) from error
            case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
                raise StorageError(
                    f"The database in {folder} is damaged: restore the folder from a backup, or "
                    "choose another with --data-dir and ingest the documents again."
                ) from error
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
                raise StorageError(
                    f"The data folder {folder} is being written by another process: try again."
                ) from error
            case _:
                raise StorageError(
                    f"The data folder {folder} cannot be used ({error}): check its disk."
                ) from error


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """One write transaction: all of it is kept, or nothing where anything is raised."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
