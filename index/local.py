"""The embedded index: the SQLite store with its keywords, and FAISS derived from it."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType

from documents.types import Alignment, Chunk, Document
from index.errors import StorageError
from index.hybrid import SearchOptions, allowed_only, rank, strongest
from index.keywords import MAX_POSTINGS, Matches, postings_for
from index.spread import spread
from index.store import Store
from index.terms import query_terms
from index.types import Embedder, Filters, Found, Hit, PutOutcome, Vectors
from index.upkeep import KeptVectors
from index.vector_options import VectorOptions

_ATTEMPTS = 5
"""At a search that documents are replaced under."""


class LocalIndex:
    """Implements `Index` in one data folder, for several threads and processes.

    Every search first asks the store whether anything changed, here or in another process, and
    catches up: that costs one indexed look-up when nothing did.
    """

    def __init__(
        self,
        store: Store,
        embedder: Embedder,
        options: SearchOptions | None = None,
        vectors: VectorOptions | None = None,
    ) -> None:
        """Raises EmbedderMismatch where the folder's vectors are another embedder's."""
        store.check_embedder(embedder.identity)
        self.store = store
        self.embedder = embedder
        self.options = options or SearchOptions()
        self._vectors = KeptVectors(store, embedder.identity, embedder.dimension, vectors)

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
        depth = max(limit, self.options.depth)
        wanted = query_terms(query)

        def once() -> tuple[list[Hit], bool]:
            change = self.store.last_change(number)
            allowed = self.store.allowed_chunks(number, filters) if filters else None
            near = self._vectors.search(number, vector, depth, allowed)
            # What filters leave is a part of what is looked at: more is.
            postings = MAX_POSTINGS if filters else postings_for(self._vectors.count(number))
            matches = self.store.keyword_matches(number, wanted, postings)
            matches = allowed_only(matches, allowed)
            found, is_whole = self._ranked(vector, number, near, matches, limit)
            hits = self.store.hits(found)
            is_whole = is_whole and len(hits) == len(found)
            return hits, is_whole and self._still_allowed(number, change, filters, allowed)

        return _undisturbed(once)

    def search_vector(
        self, vector: Vectors, collection_id: int, limit: int, filters: Filters | None = None
    ) -> list[Hit]:
        """The best chunks by cosine alone, for a query vector of shape (dimension,)."""

        def once() -> tuple[list[Hit], bool]:
            change = self.store.last_change(collection_id)
            allowed = self.store.allowed_chunks(collection_id, filters) if filters else None
            near = self._vectors.search(collection_id, vector, limit, allowed)
            found = [Found(chunk, cosine, cosine, n) for n, (chunk, cosine) in enumerate(near, 1)]
            hits = self.store.hits(found)
            is_whole = len(hits) == len(found)
            return hits, is_whole and self._still_allowed(collection_id, change, filters, allowed)

        return _undisturbed(once)

    def scores(
        self, vector: Vectors, collection_id: int, chunk_ids: Sequence[int]
    ) -> dict[int, float]:
        """The cosines of a query, shape (dimension,), with these chunks; those that are gone are
        left out. The same numbers as a search gives.
        """
        return self._vectors.scores(collection_id, vector, chunk_ids)

    def text_range(self, document_id: str, start: int, end: int) -> str:
        """The characters `text[start:end]` of a stored document."""
        return self.store.text_range(document_id, start, end)

    def alignment(self, document_id: str) -> Alignment:
        """How a document's text stands in its original."""
        return self.store.alignment(document_id)

    def snapshot(self, collection: str) -> None:
        """Catch up, bring the vectors into the lists that fit their number, and write the snapshot,
        so that the next start is quick; nothing where little changed since the last.
        """
        self._vectors.snapshot(self.store.collection_id(collection))

    def close(self) -> None:
        """End what runs in the background, and close the store."""
        self._vectors.close()
        self.store.close()

    def _still_allowed(
        self, collection_id: int, change: int, filters: Filters | None, allowed: list[int] | None
    ) -> bool:
        """Whether no document that the filters allow came or went since a change. They may be very
        many, and are listed again only where anything changed at all.
        """
        if filters is None or allowed is None or self.store.last_change(collection_id) == change:
            return True
        return self.store.allowed_chunks(collection_id, filters) == allowed

    @cached_property
    def _weight(self) -> float:
        """Of one unit of BM25, in units of cosine."""
        return self.options.weight * spread(self.embedder)

    def _ranked(
        self,
        vector: Vectors,
        collection_id: int,
        near: Sequence[tuple[int, float]],
        matches: Matches,
        limit: int,
    ) -> tuple[list[Found], bool]:
        """Both results as one, and whether all of it is still there. What only keywords found gets
        its cosine from its vector.
        """
        depth = max(limit, self.options.depth)
        dense = dict(near)
        lexical = [chunk for chunk in strongest(matches, depth) if chunk not in dense]
        cosines = self._vectors.scores(collection_id, vector, lexical)
        languages = self.store.languages([*dense, *cosines])
        is_whole = len(cosines) == len(lexical) and len(languages) == len(dense) + len(cosines)
        best = rank(near, matches, depth, languages, cosines, self._weight, limit)
        return best, is_whole


def _undisturbed(search: Callable[[], tuple[list[Hit], bool]]) -> list[Hit]:
    """The hits of a search in which nothing was replaced or removed meanwhile: a document that was
    would be missing in both its versions. After a few disturbed ones, those of the last.
    """
    for _ in range(_ATTEMPTS):
        hits, is_whole = search()
        if is_whole:
            break
    return hits


def open_index(
    folder: Path,
    embedder: Embedder,
    *,
    create: bool = True,
    options: SearchOptions | None = None,
    vectors: VectorOptions | None = None,
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
    return LocalIndex(Store(folder, create=create), embedder, options, vectors)
