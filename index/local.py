"""The embedded index: the SQLite store with its keywords, and FAISS derived from it."""

import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

from documents.types import Alignment, Chunk, Document
from index.errors import StorageError
from index.hybrid import SearchOptions, allowed_only, rank, strongest
from index.keywords import Matches
from index.store import Store
from index.terms import query_terms
from index.types import Embedder, Filters, Found, Hit, PutOutcome, Vectors
from index.vectors import DamagedSnapshot, VectorIndex

log = logging.getLogger(__name__)

_SNAPSHOT_CHANGES = 1000
"""Changes past a snapshot after which catching up writes a new one."""


class LocalIndex:
    """Implements `Index` in one data folder, for several threads and processes.

    Every search first asks the store whether anything changed, here or in another process, and
    catches up: that costs one indexed look-up when nothing did.
    """

    def __init__(
        self, store: Store, embedder: Embedder, options: SearchOptions | None = None
    ) -> None:
        """Raises EmbedderMismatch where the folder's vectors are another embedder's."""
        store.check_embedder(embedder.identity)
        self.store = store
        self.embedder = embedder
        self.options = options or SearchOptions()
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
        """The best chunks by vectors and keywords together, best first.

        Raises:
            UnknownCollection: there is none of that name.
            InvalidRequest: a date of the filters is none.
        """
        number = self.store.collection_id(collection)
        vector = self.embedder.embed_queries([query])[0]
        if not self.options.keywords:
            return self.search_vector(vector, number, limit, filters)
        allowed = self.store.allowed_chunks(number, filters) if filters else None
        depth = max(limit, self.options.depth)
        near = self._nearest(vector, number, depth, allowed)
        matches = self.store.keyword_matches(number, query_terms(query))
        return self.store.hits(self._ranked(vector, near, matches, depth, allowed)[:limit])

    def search_vector(
        self, vector: Vectors, collection_id: int, limit: int, filters: Filters | None = None
    ) -> list[Hit]:
        """The best chunks by cosine alone, for a query vector of shape (dimension,)."""
        allowed = self.store.allowed_chunks(collection_id, filters) if filters else None
        near = self._nearest(vector, collection_id, limit, allowed)
        return self.store.hits(
            [Found(chunk, cosine, cosine, place) for place, (chunk, cosine) in enumerate(near, 1)]
        )

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

    def _nearest(
        self, vector: Vectors, collection_id: int, limit: int, allowed: Sequence[int] | None
    ) -> list[tuple[int, float]]:
        with self._lock:
            return self._caught_up(collection_id).search(vector, limit, allowed)

    def _ranked(
        self,
        vector: Vectors,
        near: Sequence[tuple[int, float]],
        matches: Matches,
        depth: int,
        allowed: Sequence[int] | None,
    ) -> list[Found]:
        """Both results as one. What only keywords found gets its cosine from the stored vector."""
        matches = allowed_only(matches, allowed)
        candidates = [chunk for chunk, _cosine in near] + strongest(matches, depth)
        passages = self.store.passages(candidates, self.embedder.dimension)
        languages = dict(zip(passages.ids, passages.languages, strict=True))
        cosines = dict(zip(passages.ids, (passages.vectors @ vector).tolist(), strict=True))
        return rank(near, matches, depth, languages, cosines, self.options.weight)

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


def open_index(
    folder: Path,
    embedder: Embedder,
    *,
    create: bool = True,
    options: SearchOptions | None = None,
) -> LocalIndex:
    """Open the index in a data folder.

    Raises:
        StorageError: the folder cannot be used.
        EmbedderMismatch: it was made by another embedder.
    """
    if not create and not folder.exists():
        raise StorageError(
            f"There is no data folder {folder}: ingest documents with `quoth ingest`."
        )
    return LocalIndex(Store(folder, create=create), embedder, options)
