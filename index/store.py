"""The truth: documents, chunks and vectors in one SQLite file.

Write-ahead logging lets several processes read while one writes, and each document is one
transaction: a reader sees all of it or nothing. `changes` numbers every chunk that came or went, so
that whatever is derived from the store can catch up.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from documents.types import Alignment, Chunk, Document
from index import schema
from index.errors import EmbedderMismatch, StorageError, UnknownCollection, UnknownDocument
from index.filters import condition
from index.rows import hit, pack_runs, pack_spans, record, unpack_runs
from index.sqlite import Connections, translated
from index.types import (
    CollectionRecord,
    DocumentRecord,
    Filters,
    Hit,
    PutOutcome,
    Vectors,
)

FILE = "quoth.sqlite3"

_RECORD = """
SELECT d.id, c.name AS collection, d.source, d.title, d.language, d.language_confidence,
  d.content_hash, d.media_type, d.encoding, d.characters, d.chunks, d.added_at, d.updated_at,
  d.metadata
FROM documents d JOIN collections c ON c.id = d.collection_id
"""

_CHANGES_TOGETHER = 16_384
"""Changes that are read at once: with vectors of 384 numbers, some 40 MB."""


class Changes(NamedTuple):
    """What happened to a collection's chunks after some point, up to change `upto`: a chunk in
    `removed` is not in `added`.
    """

    upto: int
    added: list[int]
    vectors: Vectors
    removed: list[int]


class Store:
    """One data folder's documents. Safe to use from several threads and processes."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """Open the store in `folder`, creating both where `create` allows.

        Raises:
            StorageError: the folder cannot be used, or was made by a newer version.
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

    def close(self) -> None:
        """Close every connection."""
        self._connections.close()

    # Embedder

    def embedder(self) -> str | None:
        """Identity of the embedder whose vectors are stored; None before the first document."""
        with self._reading() as connection:
            row = connection.execute("SELECT value FROM meta WHERE key = 'embedder'").fetchone()
        return row["value"] if row else None

    def check_embedder(self, identity: str) -> None:
        """Refuse an embedder other than the one whose vectors are stored.

        Raises:
            EmbedderMismatch: they differ.
        """
        stored = self.embedder()
        if stored is not None and stored != identity:
            theirs, ours = stored.partition(" (")[0], identity.partition(" (")[0]
            names = (theirs, ours) if theirs != ours else (stored, identity)
            raise EmbedderMismatch(
                f"The data folder {self.folder} was indexed with the embedder {names[0]}, not "
                f"{names[1]}: set QUOTH_EMBEDDER back, or choose another --data-dir and ingest "
                "the documents again."
            )

    # Collections

    def collections(self) -> list[CollectionRecord]:
        """All collections by name."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT c.name, c.created_at, count(d.id) AS documents,"
                " coalesce(sum(d.chunks), 0) AS chunks"
                " FROM collections c LEFT JOIN documents d ON d.collection_id = c.id"
                " GROUP BY c.id ORDER BY c.name"
            ).fetchall()
        return [
            CollectionRecord(
                row["name"],
                row["documents"],
                row["chunks"],
                datetime.fromisoformat(row["created_at"]),
            )
            for row in rows
        ]

    def collection_id(self, name: str) -> int:
        """The number of a collection, never used again after it is deleted.

        Raises:
            UnknownCollection: there is none of that name.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT id FROM collections WHERE name = ?", (name,)
            ).fetchone()
        if row is None:
            raise UnknownCollection(
                f"There is no collection {name!r}: see `quoth collections list`, or ingest into it."
            )
        return int(row["id"])

    def collection_ids(self) -> set[int]:
        """The numbers of all collections."""
        with self._reading() as connection:
            return {row["id"] for row in connection.execute("SELECT id FROM collections")}

    def create_collection(self, name: str) -> bool:
        """Make an empty collection; False where it was there already."""
        with self._writing() as connection:
            return _ensure_collection(connection, name)

    def delete_collection(self, name: str) -> None:
        """Remove a collection with all its documents.

        Raises:
            UnknownCollection: there is none of that name.
        """
        number = self.collection_id(name)
        with self._writing() as connection:
            connection.execute("DELETE FROM changes WHERE collection_id = ?", (number,))
            connection.execute("DELETE FROM collections WHERE id = ?", (number,))

    # Documents

    def put(
        self,
        collection: str,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Vectors,
        embedder: str,
        fingerprint: str,
    ) -> PutOutcome:
        """Store a document with its chunks in one transaction, in place of an older one.

        `vectors` has shape (len(chunks), dimension) and is kept in half precision. `fingerprint`
        says from what and how the document was made.

        Raises:
            EmbedderMismatch: the stored vectors are of another embedder.
            StorageError: it could not be stored; nothing of it was.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        with self._writing() as connection:
            connection.execute(
                "INSERT INTO meta VALUES ('embedder', ?) ON CONFLICT DO NOTHING", (embedder,)
            )
            self.check_embedder(embedder)
            _ensure_collection(connection, collection)
            old = connection.execute(
                "SELECT added_at FROM documents WHERE id = ?", (document.id,)
            ).fetchone()
            # Chunks first: their trigger needs the document's row.
            connection.execute("DELETE FROM chunks WHERE document_id = ?", (document.id,))
            connection.execute("DELETE FROM documents WHERE id = ?", (document.id,))
            connection.execute(
                "INSERT INTO documents SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
                " FROM collections WHERE name = ?",
                (
                    document.id,
                    document.origin,
                    document.source,
                    document.title,
                    document.language,
                    document.language_confidence,
                    document.text,
                    pack_runs(document.alignment),
                    document.content_hash,
                    fingerprint,
                    document.media_type,
                    document.encoding,
                    json.dumps(dict(document.metadata), ensure_ascii=False),
                    len(document.text),
                    len(chunks),
                    old["added_at"] if old else now,
                    now,
                    collection,
                ),
            )
            halves = vectors.astype(np.float16)
            connection.executemany(
                "INSERT INTO chunks (document_id, ordinal, start, stop, sentences, headings,"
                " language, text, vector) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                [
                    (
                        document.id,
                        chunk.ordinal,
                        chunk.span.start,
                        chunk.span.end,
                        pack_spans(chunk.sentences),
                        json.dumps(chunk.headings, ensure_ascii=False),
                        chunk.language,
                        chunk.span.of(document.text),
                        vector.tobytes(),
                    )
                    for chunk, vector in zip(chunks, halves, strict=True)
                ],
            )
        return "replaced" if old else "added"

    def remove(self, document_id: str) -> None:
        """Remove a document and all its chunks.

        Raises:
            UnknownDocument: there is none of that id.
        """
        with self._writing() as connection:
            connection.execute("DELETE FROM chunks WHERE document_id = ?", (document_id,))
            found = connection.execute("DELETE FROM documents WHERE id = ?", (document_id,))
            if found.rowcount == 0:
                raise _unknown_document(document_id)

    def fingerprint(self, document_id: str) -> str | None:
        """From what and how the stored document was made; None where there is none."""
        with self._reading() as connection:
            row = connection.execute(
                "SELECT fingerprint FROM documents WHERE id = ?", (document_id,)
            ).fetchone()
        return row["fingerprint"] if row else None

    def document(self, document_id: str) -> DocumentRecord:
        """One document's record.

        Raises:
            UnknownDocument: there is none of that id.
        """
        with self._reading() as connection:
            row = connection.execute(f"{_RECORD} WHERE d.id = ?", (document_id,)).fetchone()
        if row is None:
            raise _unknown_document(document_id)
        return record(row)

    def documents(
        self, collection: str, limit: int, after: str = "", source: str = ""
    ) -> list[DocumentRecord]:
        """Up to `limit` records of a collection by id, beginning after the id `after`; only those
        of one `source` where it is given.

        Raises:
            UnknownCollection: there is none of that name.
        """
        number = self.collection_id(collection)
        with self._reading() as connection:
            rows = connection.execute(
                f"{_RECORD} WHERE d.collection_id = ? AND d.id > ? AND (? = '' OR d.source = ?)"
                " ORDER BY d.id LIMIT ?",
                (number, after, source, source, limit),
            ).fetchall()
        return [record(row) for row in rows]

    def text_range(self, document_id: str, start: int, end: int) -> str:
        """The characters `text[start:end]`.

        Raises:
            UnknownDocument: there is none of that id.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT substr(text, ?, ?) AS part FROM documents WHERE id = ?",
                (start + 1, max(0, end - start), document_id),
            ).fetchone()
        if row is None:
            raise _unknown_document(document_id)
        return str(row["part"])

    def alignment(self, document_id: str) -> Alignment:
        """How a document's text stands in its original.

        Raises:
            UnknownDocument: there is none of that id.
        """
        with self._reading() as connection:
            row = connection.execute(
                "SELECT alignment FROM documents WHERE id = ?", (document_id,)
            ).fetchone()
        if row is None:
            raise _unknown_document(document_id)
        return unpack_runs(row["alignment"])

    # Chunks

    def last_change(self, collection_id: int) -> int:
        """Number of the newest change of a collection; 0 where there was none."""
        with self._reading() as connection:
            (seq,) = connection.execute(
                "SELECT coalesce(max(seq), 0) FROM changes WHERE collection_id = ?",
                (collection_id,),
            ).fetchone()
        return int(seq)

    def changes(self, collection_id: int, since: int, dimension: int) -> Iterator[Changes]:
        """What happened after change `since`, in order, in blocks that fit in memory whatever came:
        chunks that came and are still there, and those that went. Each block is read for itself: a
        chunk that goes meanwhile is missing, or is in the `removed` of a later block or call.
        """
        while True:
            with self._reading() as connection:
                rows = connection.execute(
                    "SELECT c.seq, c.chunk_id, c.added, k.vector FROM changes c"
                    " LEFT JOIN chunks k ON k.id = c.chunk_id AND c.added"
                    " WHERE c.collection_id = ? AND c.seq > ? ORDER BY c.seq LIMIT ?",
                    (collection_id, since, _CHANGES_TOGETHER),
                ).fetchall()
            if not rows:
                return
            since = rows[-1]["seq"]
            added = [row for row in rows if row["vector"] is not None]
            data = b"".join(row["vector"] for row in added)
            vectors = np.frombuffer(data, np.float16).reshape(-1, dimension).astype(np.float32)
            removed = [row["chunk_id"] for row in rows if not row["added"]]
            yield Changes(since, [row["chunk_id"] for row in added], vectors, removed)
            if len(rows) < _CHANGES_TOGETHER:
                return

    def allowed_chunks(self, collection_id: int, filters: Filters) -> list[int]:
        """Ids of the chunks that `filters` allow, ascending."""
        where, parameters = condition(collection_id, filters)
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT k.id FROM chunks k JOIN documents d ON d.id = k.document_id"
                f" WHERE {where} ORDER BY k.id",
                parameters,
            ).fetchall()
        return [row["id"] for row in rows]

    def hits(self, found: Sequence[tuple[int, float]]) -> list[Hit]:
        """Chunks by id with their scores, in the order given, ranked from 1; those that are gone
        are left out.
        """
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT k.*, d.title, d.source, d.content_hash, c.name AS collection"
                " FROM chunks k JOIN documents d ON d.id = k.document_id"
                " JOIN collections c ON c.id = d.collection_id"
                " WHERE k.id IN (SELECT value FROM json_each(?))",
                (json.dumps([chunk_id for chunk_id, _score in found]),),
            ).fetchall()
        by_id = {row["id"]: row for row in rows}
        present = [(by_id[chunk_id], score) for chunk_id, score in found if chunk_id in by_id]
        return [hit(row, rank, score) for rank, (row, score) in enumerate(present, 1)]

    # Connections

    def _create_schema(self) -> None:
        with self._writing() as connection:
            if schema.version(connection) == 0:
                schema.create(connection)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        with translated(self.folder):
            yield self._connections.get()

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with translated(self.folder), self._write_lock:
            connection = self._connections.get()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")


def _ensure_collection(connection: sqlite3.Connection, name: str) -> bool:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    cursor = connection.execute(
        "INSERT INTO collections (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (name, now),
    )
    return cursor.rowcount > 0


def _unknown_document(document_id: str) -> UnknownDocument:
    return UnknownDocument(f"There is no document {document_id!r}: see `quoth documents list`.")
