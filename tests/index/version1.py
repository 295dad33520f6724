"""A data folder as the first version of its schema made it, for the tests of its upgrade."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from documents.types import Alignment, Run, Span
from index.database import FILE
from index.rows import pack_runs, pack_spans
from index.types import Embedder

SCHEMA = """
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


def make(
    folder: Path,
    embedder: Embedder,
    documents: Sequence[tuple[str, str, Sequence[str]]],
    metadata: Mapping[str, Mapping[str, str]] | None = None,
) -> None:
    """Documents are (collection, source, paragraphs); each paragraph is a chunk. Their metadata are
    by source. Document ids are `doc_` and the source.
    """
    folder.mkdir(parents=True)
    connection = sqlite3.connect(folder / FILE)
    connection.executescript(f"PRAGMA journal_mode = WAL; {SCHEMA} PRAGMA user_version = 1;")
    connection.execute("INSERT INTO meta VALUES ('embedder', ?)", (embedder.identity,))
    for collection, source, paragraphs in documents:
        connection.execute(
            "INSERT INTO collections (name, created_at) VALUES (?, '2024-01-01T00:00:00+00:00')"
            " ON CONFLICT DO NOTHING",
            (collection,),
        )
        _add(connection, embedder, collection, source, paragraphs, (metadata or {}).get(source, {}))
    connection.commit()
    connection.close()


def _add(
    connection: sqlite3.Connection,
    embedder: Embedder,
    collection: str,
    source: str,
    paragraphs: Sequence[str],
    metadata: Mapping[str, str],
) -> None:
    text = "\n".join(paragraphs)
    now = "2024-01-01T00:00:00+00:00"
    connection.execute(
        "INSERT INTO documents SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
        " FROM collections WHERE name = ?",
        (
            *(f"doc_{source}", source, source, "Title", "en", 0.9, text, pack_runs(whole(text))),
            *("sha256:0", "made", "text/plain", "utf-8", json.dumps(metadata), len(text)),
            *(len(paragraphs), now, now, collection),
        ),
    )
    start = 0
    for ordinal, (paragraph, vector) in enumerate(
        zip(paragraphs, embedder.embed_passages(paragraphs), strict=True)
    ):
        span = Span(start, start + len(paragraph))
        start = span.end + 1
        connection.execute(
            "INSERT INTO chunks (document_id, ordinal, start, stop, sentences, headings, language,"
            " text, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *(f"doc_{source}", ordinal, span.start, span.end, pack_spans([span])),
                *(json.dumps(["Heading"]), "en", paragraph, vector.astype(np.float16).tobytes()),
            ),
        )


def whole(text: str) -> Alignment:
    """Of a text that is its own original."""
    return Alignment((Run(0, 0, len(text)),))
