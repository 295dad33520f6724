"""The truth: documents, chunks, vectors and terms in one SQLite file.

Each document is one transaction: a reader sees all of it or nothing. `changes` numbers every chunk
that came or went, so that whatever is derived from the store can catch up.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import numpy as np

from documents.types import Chunk, Document
from index import dates, interrupt, keywords
from index.catalogue import Catalogue
from index.errors import unknown_document
from index.filters import condition
from index.keywords import Matches
from index.rows import hit, pack_runs, pack_spans
from index.terms import passage_text
from index.types import Filters, Found, Hit, PutOutcome, Vectors

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


class Store(Catalogue):
    """The catalogue with its chunks, to be read and written."""

    def __init__(self, folder: Path, *, create: bool = True) -> None:
        """As `Database`."""
        super().__init__(folder, create=create)
        self._frequencies = keywords.Frequencies()

    # Collections

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
            keywords.drop(connection, number)

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
        """Store a document with its chunks and their terms in one transaction, in place of an older
        one.

        `vectors` has shape (len(chunks), dimension) and is kept in half precision. `fingerprint`
        says from what and how the document was made.

        Raises:
            EmbedderMismatch: the stored vectors are of another embedder.
            StorageError: it could not be stored; nothing of it was.
            Exception: what `index.interrupt.check` raises; nothing of it was stored.
        """
        now = datetime.now(UTC).isoformat(timespec="seconds")
        date_first, date_last = dates.of_document(document.metadata) or (None, None)
        # By ordinal, and before the lock: others may write while this is worked out.
        rows = keywords.analyzed(
            {
                chunk.ordinal: passage_text(chunk.span.of(document.text), chunk.headings)
                for chunk in chunks
            }
        )
        with self._writing() as connection:
            # Under the lock: the collection's removal is seen here, or removes this too.
            interrupt.check()
            connection.execute(
                "INSERT INTO meta VALUES ('embedder', ?) ON CONFLICT DO NOTHING", (embedder,)
            )
            self.check_embedder(embedder)
            _ensure_collection(connection, collection)
            old = connection.execute(
                "SELECT added_at FROM documents WHERE id = ?", (document.id,)
            ).fetchone()
            _delete_document(connection, document.id)
            connection.execute(
                "INSERT INTO documents SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
                " ?, ?, ? FROM collections WHERE name = ?",
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
                    date_first,
                    date_last,
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
            number, ids = _chunk_ids(connection, document.id)
            keywords.add(connection, number, [(ids[ordinal], terms) for ordinal, terms in rows])
        return "replaced" if old else "added"

    def remove(self, document_id: str) -> None:
        """Remove a document and all its chunks.

        Raises:
            UnknownDocument: there is none of that id.
        """
        with self._writing() as connection:
            if not _delete_document(connection, document_id):
                raise unknown_document(document_id)

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
        """Ids of the chunks that `filters` allow, ascending.

        Raises:
            InvalidRequest: a date in them is none.
        """
        allowed = condition(collection_id, filters)
        with self._reading() as connection:
            rows = connection.execute(
                f"{allowed.tables} SELECT k.id FROM documents d JOIN chunks k"
                f" ON k.document_id = d.id WHERE {allowed.where} ORDER BY k.id",
                allowed.parameters,
            ).fetchall()
        return [row["id"] for row in rows]

    def keyword_matches(
        self, collection_id: int, terms: Sequence[str], postings: int = keywords.MAX_POSTINGS
    ) -> Matches:
        """The chunks of a collection that hold any of the terms, with their BM25; where there are
        rarer terms, of `postings` chunks (`index.keywords.postings_for`).
        """
        change = self.last_change(collection_id)
        with self._reading() as connection:
            if not terms or not keywords.exists(connection, collection_id):
                return keywords.NO_MATCHES
            counts = self._frequencies.of(connection, collection_id, change, terms)
            return keywords.search(connection, collection_id, counts, postings)

    def languages(self, chunk_ids: Sequence[int]) -> dict[int, str]:
        """Of chunks by id; those that are gone are left out."""
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT id, language FROM chunks WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(chunk_ids)),),
            ).fetchall()
        return {row["id"]: row["language"] for row in rows}

    def hits(self, found: Sequence[Found]) -> list[Hit]:
        """Chunks with how they were found, in the order given, ranked from 1; those that are gone
        are left out.
        """
        with self._reading() as connection:
            rows = connection.execute(
                "SELECT k.*, d.title, d.source, d.content_hash, c.name AS collection"
                " FROM chunks k JOIN documents d ON d.id = k.document_id"
                " JOIN collections c ON c.id = d.collection_id"
                " WHERE k.id IN (SELECT value FROM json_each(?))",
                (json.dumps([entry.chunk_id for entry in found]),),
            ).fetchall()
        by_id = {row["id"]: row for row in rows}
        present = [entry for entry in found if entry.chunk_id in by_id]
        return [hit(by_id[entry.chunk_id], rank, entry) for rank, entry in enumerate(present, 1)]


def _ensure_collection(connection: sqlite3.Connection, name: str) -> bool:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    cursor = connection.execute(
        "INSERT INTO collections (name, created_at) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (name, now),
    )
    return cursor.rowcount > 0


def _chunk_ids(connection: sqlite3.Connection, document_id: str) -> tuple[int, dict[int, int]]:
    """The number of a document's collection, and the ids of its chunks by ordinal."""
    rows = connection.execute(
        "SELECT d.collection_id, k.id, k.ordinal FROM documents d"
        " JOIN chunks k ON k.document_id = d.id WHERE d.id = ?",
        (document_id,),
    ).fetchall()
    ids = {row["ordinal"]: row["id"] for row in rows}
    return (rows[0]["collection_id"] if rows else 0), ids


def _delete_document(connection: sqlite3.Connection, document_id: str) -> bool:
    """Delete a document with its chunks and their terms; False where there is none."""
    collection, ids = _chunk_ids(connection, document_id)
    keywords.remove(connection, collection, ids.values())
    # Chunks before their document: their trigger needs its row.
    connection.execute("DELETE FROM chunks WHERE document_id = ?", (document_id,))
    deleted = connection.execute("DELETE FROM documents WHERE id = ?", (document_id,))
    return deleted.rowcount > 0
