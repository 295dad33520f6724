"""What a data folder holds: its embedder, collections and documents, to be read."""

from datetime import datetime

from documents.types import Alignment
from index.database import Database
from index.errors import EmbedderMismatch, unknown_collection, unknown_document
from index.rows import record, unpack_runs
from index.types import CollectionRecord, DocumentRecord

_RECORD = """
SELECT d.id, c.name AS collection, d.source, d.title, d.language, d.language_confidence,
  d.content_hash, d.media_type, d.encoding, d.characters, d.chunks, d.added_at, d.updated_at,
  d.metadata
FROM documents d JOIN collections c ON c.id = d.collection_id
"""


_OTHER_MAP = (
    "The data folder {folder} was indexed with another language-neutral map of the same embedder: "
    "set QUOTH_NEUTRAL as it was, put the map that `quoth models fit-neutral` made back into "
    "QUOTH_CACHE_DIR, or choose another --data-dir and ingest the documents again."
)


class Catalogue(Database):
    """The documents of one data folder, without their chunks."""

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
            if stored.partition(" neutral-")[0] == identity.partition(" neutral-")[0]:
                raise EmbedderMismatch(_OTHER_MAP.format(folder=self.folder))
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

    def collection_ids(self) -> set[int]:
        """The numbers of all collections."""
        with self._reading() as connection:
            return {row["id"] for row in connection.execute("SELECT id FROM collections")}

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
            raise unknown_collection(name)
        return int(row["id"])

    # Documents

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
            raise unknown_document(document_id)
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
            raise unknown_document(document_id)
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
            raise unknown_document(document_id)
        return unpack_runs(row["alignment"])
