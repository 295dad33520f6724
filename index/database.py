"""One data folder's SQLite file: its connections, its transactions, and its version.

Write-ahead logging lets several processes read while one writes.
"""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index import schema, upgrade
from index.errors import StorageError, StorageReadOnly
from index.sqlite import Connections, transaction, translated

FILE = "quoth.sqlite3"


class Database:
    """Safe to use from several threads and processes."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """Open the database in `folder`, creating both where `create` allows, and bring it up to
        date where an older version made it.

        Raises:
            StorageError: the folder cannot be used, or was made by a newer version.
            StorageReadOnly: it must be brought up to date and cannot be written.
        """
        self.folder = folder
        self._connections = Connections(folder / FILE, create=create)
        self._write_lock = threading.Lock()
        with self._reading() as connection:
            version = schema.version(connection)
        if version > schema.VERSION:
            raise StorageError(
                f"The data folder {folder} was made by a newer Quoth: upgrade Quoth."
            )
        if version == 0:
            self._create_schema()
        else:
            self._bring_up_to_date()
        self.identity = self._identify()

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    def _create_schema(self) -> None:
        with self._writing() as connection:
            if schema.version(connection) == 0:
                schema.create(connection)

    def _bring_up_to_date(self) -> None:
        with self._reading() as connection:
            if not upgrade.needed(connection):
                return
        try:
            upgrade.run(self._writing, str(self.folder))
        except StorageReadOnly as error:
            raise StorageReadOnly(
                f"The data folder {self.folder} was made by an older Quoth and has to be brought "
                "up to date once, but cannot be written: allow it, or open a copy that can be."
            ) from error

    def _identify(self) -> str:
        """The store's id, by which what was derived from another one is told; empty in a folder
        from before there were any, as long as it cannot be written.
        """
        select = "SELECT value FROM meta WHERE key = 'store'"
        with self._reading() as connection:
            row = connection.execute(select).fetchone()
        if row is None:
            try:
                with self._writing() as connection:
                    schema.stamp(connection)
                    row = connection.execute(select).fetchone()
            except StorageReadOnly:
                return ""
        return str(row["value"])

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self.folder):
            yield self._connections.get()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with translated(self.folder), self._write_lock:
            connection = self._connections.get()
            with transaction(connection):
                yield connection
