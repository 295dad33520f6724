"""API keys, in a small SQLite file of their own beside the documents.

A key is `quoth_<id>_<secret>`. The secret has 256 random bits, so a plain SHA-256 of it is as hard
to turn back as the secret is to guess: only the digest is kept, and a key is shown once.
"""

import hashlib
import hmac
import json
import os
import re
import secrets
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal, get_args

from index.backup import KEYS_FILE
from index.errors import InvalidRequest
from index.sqlite import Connections, check_version, transaction, translated

FILE = KEYS_FILE
VERSION = 1
Scope = Literal["read", "write", "metrics"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
MAX_NAME_CHARACTERS = 100

_SCHEMA = """
CREATE TABLE IF NOT EXISTS keys (
  id TEXT PRIMARY KEY, digest BLOB NOT NULL, name TEXT NOT NULL,
  scopes TEXT NOT NULL, collections TEXT, rate_per_minute INTEGER,
  created_at TEXT NOT NULL, expires_at TEXT, revoked_at TEXT, last_used_at TEXT
) STRICT
"""
_FORM = re.compile(r"quoth_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_TOUCH_EVERY = timedelta(minutes=1)


class UnknownKey(Exception):
    """No key of that id; the caller must name another."""


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key. `collections` None: all of them; `rate_per_minute` None: no limit."""

    id: str
    name: str
    scopes: frozenset[Scope]
    collections: frozenset[str] | None
    rate_per_minute: int | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None

    def state(self, now: datetime) -> Literal["active", "expired", "revoked"]:
        """Whether it opens anything at `now`."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and self.expires_at <= now:
            return "expired"
        return "active"


def utc_now() -> datetime:
    """The time, in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


class KeyStore:
    """The keys of one data folder. Safe for several threads and processes: a key that another
    process makes or revokes counts from the next request on.
    """

    def __init__(self, folder: Path, now: Callable[[], datetime] = utc_now) -> None:
        self.path = folder / FILE
        self._now = now
        self._connections: Connections | None = None
        self._lock = threading.Lock()

    def create(
        self,
        name: str,
        scopes: Collection[Scope],
        collections: Collection[str] | None = None,
        expires_at: datetime | None = None,
        rate_per_minute: int | None = None,
    ) -> tuple[Key, str]:
        """Make a key; the text is what its owner sends, and is kept nowhere.

        Raises:
            InvalidRequest: the name, scopes or expiry cannot be.
            StorageError: it could not be stored.
        """
        now = self._now()
        if not name.strip() or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
            raise InvalidRequest(
                f"A key needs a name of 1 to {MAX_NAME_CHARACTERS} printable characters."
            )
        if not scopes:
            raise InvalidRequest(f"A key needs at least one scope of {', '.join(SCOPES)}.")
        if expires_at is not None and expires_at <= now:
            raise InvalidRequest("The expiry is in the past: choose a later one.")
        identity, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        text = f"quoth_{identity}_{secret}"
        with self._writing() as connection:
            _make_table(connection)
            connection.execute(
                "INSERT INTO keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, NULL, NULL)",
                (
                    identity,
                    _digest(text),
                    name.strip(),
                    json.dumps(sorted(scopes)),
                    json.dumps(sorted(collections)) if collections else None,
                    rate_per_minute,
                    now.isoformat(),
                    expires_at.isoformat() if expires_at else None,
                ),
            )
            row = connection.execute("SELECT * FROM keys WHERE id = ?", (identity,)).fetchone()
        return _key(row), text

    def list(self) -> list[Key]:
        """All keys, oldest first, the revoked and expired ones too."""
        with self._reading() as connection:
            if connection is None:
                return []
            rows = connection.execute("SELECT * FROM keys ORDER BY created_at, id").fetchall()
        return [_key(row) for row in rows]

    def revoke(self, identity: str) -> Key:
        """Make a key worthless from the next request on; its row stays, for the record.

        Raises:
            UnknownKey: there is none of that id.
        """
        if not self.path.exists():
            raise _unknown(identity)
        with self._writing() as connection:
            _make_table(connection)
            connection.execute(
                "UPDATE keys SET revoked_at = coalesce(revoked_at, ?) WHERE id = ?",
                (self._now().isoformat(), identity),
            )
            row = connection.execute("SELECT * FROM keys WHERE id = ?", (identity,)).fetchone()
        if row is None:
            raise _unknown(identity)
        return _key(row)

    def any(self) -> bool:
        """Whether a key was ever made here: from then on requests need one."""
        with self._reading() as connection:
            if connection is None:
                return False
            return connection.execute("SELECT 1 FROM keys LIMIT 1").fetchone() is not None

    def any_active(self) -> bool:
        """Whether a key opens anything now."""
        now = self._now()
        return any(key.state(now) == "active" for key in self.list())

    def verify(self, text: str) -> Key | None:
        """The key whose text this is, if it is active; None tells nothing of why not."""
        form = _FORM.fullmatch(text)
        if form is None:
            return None
        with self._reading() as connection:
            row = (
                connection
                and connection.execute("SELECT * FROM keys WHERE id = ?", (form[1],)).fetchone()
            )
        # Compared in constant time, and against something where there is no such key.
        matches = hmac.compare_digest(_digest(text), row["digest"] if row else bytes(32))
        if not row or not matches:
            return None
        key = _key(row)
        return key if key.state(self._now()) == "active" else None

    def used(self, key: Key) -> None:
        """Note that a key was used, at most once a minute."""
        now = self._now()
        if key.last_used_at is not None and now - key.last_used_at < _TOUCH_EVERY:
            return
        with self._writing() as connection:
            connection.execute(
                "UPDATE keys SET last_used_at = ? WHERE id = ?", (now.isoformat(), key.id)
            )

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._connections is not None:
                self._connections.close()
                self._connections = None

    def _opened(self, *, create: bool) -> Connections | None:
        with self._lock:
            if self._connections is None and (create or self.path.exists()):
                connections = Connections(self.path, create=create)
                try:
                    if create and not self.path.exists():
                        os.close(os.open(self.path, os.O_CREAT | os.O_WRONLY, 0o600))
                    check_version(connections.get(), VERSION, self.path)
                except BaseException:
                    connections.close()
                    raise
                self._connections = connections
            return self._connections

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """None where there is no file yet, or nothing in it."""
        with translated(self.path.parent):
            connections = self._opened(create=False)
            connection = connections.get() if connections else None
            if connection is not None and not _has_table(connection):
                connection = None
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with translated(self.path.parent):
            connections = self._opened(create=True)
            assert connections is not None
            connection = connections.get()
            with transaction(connection):
                yield connection


def _make_table(connection: sqlite3.Connection) -> None:
    connection.execute(_SCHEMA)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def _has_table(connection: sqlite3.Connection) -> bool:
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'keys'").fetchone()
    return found is not None


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("ascii")).digest()


def _key(row: sqlite3.Row) -> Key:
    def moment(column: str) -> datetime | None:
        return datetime.fromisoformat(row[column]) if row[column] else None

    collections = row["collections"]
    return Key(
        id=row["id"],
        name=row["name"],
        scopes=frozenset(json.loads(row["scopes"])),
        collections=frozenset(json.loads(collections)) if collections is not None else None,
        rate_per_minute=row["rate_per_minute"],
        created_at=datetime.fromisoformat(row["created_at"]),
        expires_at=moment("expires_at"),
        revoked_at=moment("revoked_at"),
        last_used_at=moment("last_used_at"),
    )


def _unknown(identity: str) -> UnknownKey:
    return UnknownKey(f"There is no key {identity!r}: see `quoth keys list`.")
