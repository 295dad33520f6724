"""The index as one key sees it: collections that it may not see are not there.

Every route gets its index through here, so what a route does with it cannot reach further than
the key. A method that is missing here cannot be used by a route at all: better an error in a test
than a way around. Unknown and forbidden raise the same, word for word.
"""

from collections.abc import Sequence
from typing import cast

from api.access import Access
from documents.load import Raw
from documents.types import Alignment, Chunk, Document
from index.errors import unknown_document
from index.jobs import Item, Job, JobStore, unknown_job
from index.local import LocalIndex
from index.store import Store
from index.types import (
    CollectionRecord,
    DocumentRecord,
    Embedder,
    Filters,
    Hit,
    PutOutcome,
    Vectors,
)


def scoped(index: LocalIndex, access: Access) -> LocalIndex:
    """The index for a request: itself where all may be seen, else a view of it."""
    if access.collections is None:
        return index
    # Not a subclass: what LocalIndex comes to offer must not be open by inheritance.
    return cast(LocalIndex, ScopedIndex(index, access))


class ScopedIndex:
    """What routes use of `LocalIndex`, for one key."""

    def __init__(self, index: LocalIndex, access: Access) -> None:
        self._index = index
        self._access = access
        self.store = ScopedStore(index.store, access)

    @property
    def embedder(self) -> Embedder:
        """The embedder, which knows no documents."""
        return self._index.embedder

    def put(
        self,
        collection: str,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Vectors,
        fingerprint: str,
    ) -> PutOutcome:
        """As `LocalIndex.put`."""
        self._access.require(collection)
        return self._index.put(collection, document, chunks, vectors, fingerprint)

    def remove(self, document_id: str) -> None:
        """As `LocalIndex.remove`."""
        self.store.document(document_id)
        self._index.remove(document_id)

    def search(
        self, query: str, collection: str, limit: int, filters: Filters | None = None
    ) -> list[Hit]:
        """As `LocalIndex.search`."""
        self._access.require(collection)
        return self._index.search(query, collection, limit, filters)

    def text_range(self, document_id: str, start: int, end: int) -> str:
        """As `LocalIndex.text_range`."""
        return self.store.text_range(document_id, start, end)

    def alignment(self, document_id: str) -> Alignment:
        """As `LocalIndex.alignment`."""
        self.store.document(document_id)
        return self._index.alignment(document_id)


class ScopedJobs:
    """What routes use of `JobStore`, for one key."""

    def __init__(self, jobs: JobStore, access: Access) -> None:
        self._jobs = jobs
        self._access = access

    def add(self, collection: str, raws: Sequence[Raw]) -> Job:
        """As `JobStore.add`."""
        self._access.require(collection)
        return self._jobs.add(collection, raws)

    def job(self, job_id: str) -> Job:
        """As `JobStore.job`."""
        job = self._jobs.job(job_id)
        if not self._access.sees(job.collection):
            raise unknown_job(job_id)
        return job

    def items(self, job_id: str) -> list[Item]:
        """As `JobStore.items`."""
        self.job(job_id)
        return self._jobs.items(job_id)

    def jobs(self, limit: int, before: str = "") -> list[Job]:
        """As `JobStore.jobs`, of the collections that may be seen."""
        seen = self._access.collections
        return self._jobs.jobs(limit, before, None if seen is None else sorted(seen))

    def cancel(self, job_id: str) -> Job:
        """As `JobStore.cancel`."""
        self.job(job_id)
        return self._jobs.cancel(job_id)


class ScopedStore:
    """What routes use of `Store`, for one key."""

    def __init__(self, store: Store, access: Access) -> None:
        self._store = store
        self._access = access

    def collections(self) -> list[CollectionRecord]:
        """As `Store.collections`, of those that may be seen."""
        return [record for record in self._store.collections() if self._access.sees(record.name)]

    def collection_id(self, name: str) -> int:
        """As `Store.collection_id`."""
        self._access.require(name)
        return self._store.collection_id(name)

    def create_collection(self, name: str) -> bool:
        """As `Store.create_collection`."""
        self._access.require(name)
        return self._store.create_collection(name)

    def delete_collection(self, name: str) -> None:
        """As `Store.delete_collection`."""
        self._access.require(name)
        self._store.delete_collection(name)

    def document(self, document_id: str) -> DocumentRecord:
        """As `Store.document`."""
        record = self._store.document(document_id)
        if not self._access.sees(record.collection):
            raise unknown_document(document_id)
        return record

    def documents(
        self, collection: str, limit: int, after: str = "", source: str = ""
    ) -> list[DocumentRecord]:
        """As `Store.documents`."""
        self._access.require(collection)
        return self._store.documents(collection, limit, after, source)

    def text_range(self, document_id: str, start: int, end: int) -> str:
        """As `Store.text_range`."""
        self.document(document_id)
        return self._store.text_range(document_id, start, end)

    def fingerprint(self, document_id: str) -> str | None:
        """As `Store.fingerprint`: None for a document that may not be seen."""
        made = self._store.fingerprint(document_id)
        if made is None or not self._access.sees(self._store.document(document_id).collection):
            return None
        return made
