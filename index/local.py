"""The embedded index: the SQLite store, and FAISS derived from it."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from documents.types import Alignment, Chunk, Document
from index.errors import StorageError
from index.store import Store
from index.types import Embedder, Filters, Hit, PutOutcome, Vectors
from index.vectors import DamagedSnapshot, VectorIndex

log = logging.getLogger(__name__)

_SNAPSHOT_CHANGES = 1000
"""Changes past a snapshot after which catching up writes a new one."""


class LocalIndex:
    """Implements `Index` in one data folder, for several threads and processes.

    Every search first asks the store whether anything changed, here or in another process, and
    catches up: that costs one indexed look-up when nothing did.
    """

    def __init__(self, store: Store, embedder: Embedder) -> None:
        """Raises EmbedderMismatch where the folder's vectors are another embedder's."""
        store.check_embedder(embedder.identity)
        self.store = store
        self.embedder = embedder
        self._vectors: dict[int, VectorIndex] = {}
        self._saved: dict[int, int] = {}
        self._lock = threading.RLock()

    def __enter__(self) -> "LocalIndex":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def put(
        self,
        collection: str,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Vectors,
        fingerprint: str,
    ) -> PutOutcome:
        """Store a document whole; when this returns, it is kept."""
        embedder = self.embedder.identity
        return self.store.put(collection, document, chunks, vectors, embedder, fingerprint)

    def remove(self, document_id: str) -> None:
        """Remove a document and all its chunks."""
        self.store.remove(document_id)

    def search(
        self, query: str, collection: str, limit: int, filters: Filters | None = None
    ) -> list[Hit]:
        """The best chunks by cosine, best first.

        Raises:
            UnknownCollection: there is none of that name.
        """
        number = self.store.collection_id(collection)
        vector = self.embedder.embed_queries([query])[0]
        return self.search_vector(vector, number, limit, filters)

    def search_vector(
        self, vector: Vectors, collection_id: int, limit: int, filters: Filters | None = None
    ) -> list[Hit]:
        """The same for a query that is embedded already, shape (dimension,)."""
        allowed = self.store.allowed_chunks(collection_id, filters) if filters else None
        with self._lock:
            found = self._caught_up(collection_id).search(vector, limit, allowed)
        return self.store.hits(found)

    def text_range(self, document_id: str, start: int, end: int) -> str:
        """The characters `text[start:end]` of a stored document."""
        return self.store.text_range(document_id, start, end)

    def alignment(self, document_id: str) -> Alignment:
        """How a document's text stands in its original."""
        return self.store.alignment(document_id)

    def snapshot(self, collection: str) -> None:
        """Catch up and write the snapshot now, so that the next start is quick."""
        number = self.store.collection_id(collection)
        with self._lock:
            self._save(number, self._caught_up(number))

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _caught_up(self, collection_id: int) -> VectorIndex:
        if collection_id not in self._vectors:
            self._vectors[collection_id] = self._load(collection_id)
        vectors = self._vectors[collection_id]
        if self.store.last_change(collection_id) != vectors.covers:
            changes = self.store.changes(collection_id, vectors.covers, vectors.dimension)
            vectors.remove(changes.removed)
            vectors.add(changes.added, changes.vectors)
            vectors.covers = changes.upto
            if vectors.covers - self._saved.get(collection_id, 0) >= _SNAPSHOT_CHANGES:
                self._save(collection_id, vectors)
        return vectors

    def _load(self, collection_id: int) -> VectorIndex:
        path = self._path(collection_id)
        dimension = self.embedder.dimension
        try:
            vectors = VectorIndex.load(path, self.embedder.identity, dimension, self.store.identity)
        except FileNotFoundError:
            return VectorIndex(dimension)
        except (DamagedSnapshot, OSError) as error:
            log.warning("rebuilding the vector index from the store: %s: %s", path.name, error)
            return VectorIndex(dimension)
        if vectors.covers > self.store.last_change(collection_id):
            log.warning("rebuilding the vector index: %s is ahead of the store", path.name)
            return VectorIndex(dimension)
        self._saved[collection_id] = vectors.covers
        return vectors

    def _save(self, collection_id: int, vectors: VectorIndex) -> None:
        if self._saved.get(collection_id) == vectors.covers:
            return
        try:
            vectors.save(self._path(collection_id), self.embedder.identity, self.store.identity)
            self._saved[collection_id] = vectors.covers
        except OSError as error:
            # Derived data: the store has it all, and the next start only takes longer.
            log.warning("the vector snapshot could not be written: %s", error.strerror)

    def _path(self, collection_id: int) -> Path:
        return self.store.folder / "vectors" / f"{collection_id}.snapshot"


def open_index(folder: Path, embedder: Embedder, *, create: bool = True) -> LocalIndex:
    """Open the index in a data folder.

    Raises:
        StorageError: the folder cannot be used.
        EmbedderMismatch: it was made by another embedder.
    """
    if not create and not folder.exists():
        raise StorageError(
            f"There is no data folder {folder}: ingest documents with `quoth ingest`."
        )
    return LocalIndex(Store(folder, create=create), embedder)
