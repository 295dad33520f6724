"""The tables of the store, and which version of them a data folder has."""

import sqlite3
import uuid
from collections.abc import Iterator

VERSION = 3
"""2 added dates and terms; 3 changed what the terms of Arabic words are."""

_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE collections (
  id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL
) STRICT;
CREATE TABLE documents (
  id TEXT PRIMARY KEY,
  collection_id INTEGER NOT NULL REFERENCES collections (id) ON DELETE CASCADE,
  origin TEXT NOT NULL, source TEXT NOT NULL, title TEXT NOT NULL,
  language TEXT NOT NULL, language_confidence REAL NOT NULL,
  text TEXT NOT NULL, alignment BLOB NOT NULL,
  content_hash TEXT NOT NULL, fingerprint TEXT NOT NULL,
  media_type TEXT NOT NULL, encoding TEXT NOT NULL,
  metadata TEXT NOT NULL, characters INTEGER NOT NULL, chunks INTEGER NOT NULL,
  added_at TEXT NOT NULL, updated_at TEXT NOT NULL,
  date_first TEXT, date_last TEXT,
  UNIQUE (collection_id, origin)
) STRICT;
CREATE TABLE chunks (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  document_id TEXT NOT NULL REFERENCES documents (id) ON DELETE CASCADE,
  ordinal INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
  sentences BLOB NOT NULL, headings TEXT NOT NULL, language TEXT NOT NULL, text TEXT NOT NULL,
  vector BLOB NOT NULL,
  UNIQUE (document_id, ordinal)
) STRICT;
CREATE INDEX chunks_by_document ON chunks (document_id, language);
CREATE TABLE changes (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  collection_id INTEGER NOT NULL, chunk_id INTEGER NOT NULL, added INTEGER NOT NULL
) STRICT;
CREATE INDEX changes_by_collection ON changes (collection_id, seq);
CREATE TRIGGER chunk_added AFTER INSERT ON chunks BEGIN
  INSERT INTO changes (collection_id, chunk_id, added)
  SELECT collection_id, NEW.id, 1 FROM documents WHERE id = NEW.document_id;
END;
CREATE TRIGGER chunk_removed BEFORE DELETE ON chunks BEGIN
  INSERT INTO changes (collection_id, chunk_id, added)
  SELECT collection_id, OLD.id, 0 FROM documents WHERE id = OLD.document_id;
END;
"""

FROM_1_TO_2 = (
    "ALTER TABLE documents ADD COLUMN date_first TEXT",
    "ALTER TABLE documents ADD COLUMN date_last TEXT",
    "CREATE INDEX chunks_by_document ON chunks (document_id, language)",
)
"""What changed in the tables above; each collection's terms have tables beside them
(`index/keywords.py`).
"""


def create(connection: sqlite3.Connection) -> None:
    """Make the tables, inside the caller's transaction."""
    for statement in _statements(_SCHEMA):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {VERSION}")


def version(connection: sqlite3.Connection) -> int:
    """Of the tables that are there; 0 where there are none."""
    (number,) = connection.execute("PRAGMA user_version").fetchone()
    return int(number)


def stamp(connection: sqlite3.Connection, *, anew: bool = False) -> None:
    """Give the store an id of its own where it has none; `anew`: another than it has."""
    if anew:
        connection.execute("DELETE FROM meta WHERE key = 'store'")
    connection.execute(
        "INSERT INTO meta VALUES ('store', ?) ON CONFLICT DO NOTHING", (uuid.uuid4().hex,)
    )


def _statements(script: str) -> Iterator[str]:
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
