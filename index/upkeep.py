"""The vectors of all collections, kept up with the store.

Every search first asks the store whether anything changed, here or in another process, and catches
up: that costs one indexed look-up when nothing did. What takes longer, new lists for a collection
that has outgrown its own and snapshots of large ones, is done in the background, while the old
lists go on being searched and changed.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import faiss

from index.background import Background
from index.errors import StorageError
from index.snapshots import DamagedSnapshot, read_header
from index.store import Store
from index.types import Vectors
from index.vector_options import VectorOptions
from index.vectors import VectorIndex

log = logging.getLogger(__name__)

_SNAPSHOT_CHANGES = 1000
"""Changes past a snapshot, at least, after which catching up asks for a new one."""

_SNAPSHOT_SHARE = 50
"""A snapshot lags behind by up to one such part of its vectors: to write a million vectors takes
longer than to take in a few thousand changes at the next start.
"""

_ABANDONED_SECONDS = 3600
"""Age at which a half-written snapshot belongs to a process that was killed."""


class KeptVectors:
    """For several threads of this process, beside other processes on the same store."""

    def __init__(
        self,
        store: Store,
        embedder: str,
        dimension: int,
        options: VectorOptions | None = None,
    ) -> None:
        """`embedder` is the identity of what made the vectors."""
        self._store = store
        self._embedder = embedder
        self._dimension = dimension
        self._options = options or VectorOptions()
        self._held: dict[int, VectorIndex] = {}
        self._saved: dict[int, int] = {}
        self._given_up: set[int] = set()
        self._lock = threading.RLock()
        """Guards all of the above and the structures in it."""
        self._working = threading.Lock()
        """One structure is made at a time."""
        self._background = Background(self._tend_in_background, self._options.delay)

    def search(
        self,
        collection_id: int,
        query: Vectors,
        limit: int,
        allowed: Sequence[int] | None = None,
    ) -> list[tuple[int, float]]:
        """As `VectorIndex.search`, on what the store holds now."""
        with self._lock:
            return self._caught_up(collection_id).search(query, limit, allowed)

    def count(self, collection_id: int) -> int:
        """How many vectors a collection has now."""
        with self._lock:
            return len(self._caught_up(collection_id))

    def scores(self, collection_id: int, query: Vectors, ids: Sequence[int]) -> dict[int, float]:
        """As `VectorIndex.scores`, on what the store holds now."""
        with self._lock:
            return self._caught_up(collection_id).scores(query, ids)

    def snapshot(self, collection_id: int) -> None:
        """Make the lists that fit and write a snapshot, here and now, unless one is there that lags
        little behind.
        """
        if self._is_recent(collection_id):
            return
        with self._working:
            with self._lock:
                vectors = self._caught_up(collection_id)
            if not self._reorganise(collection_id, lambda: False):
                with self._lock:
                    self._save(collection_id, vectors)

    def settle(self) -> None:
        """Wait until nothing is left to do in the background."""
        self._background.settle()

    def close(self) -> None:
        """End what runs in the background; nothing that it was for is lost."""
        self._background.stop()

    # Catching up

    def _caught_up(self, collection_id: int) -> VectorIndex:
        if collection_id not in self._held:
            self._clear_away()
            self._held[collection_id] = self._load(collection_id)
        vectors = self._held[collection_id]
        if self._store.last_change(collection_id) != vectors.covers:
            self._catch_up(collection_id, vectors)
            if self._changes_unsaved(collection_id, vectors) >= _SNAPSHOT_CHANGES:
                self._save_soon(collection_id, vectors)
        if vectors.due and collection_id not in self._given_up:
            self._background.ask(collection_id)
        return vectors

    def _catch_up(self, collection_id: int, vectors: VectorIndex) -> None:
        for block in self._store.changes(collection_id, vectors.covers, self._dimension):
            vectors.remove(block.removed)
            vectors.add(block.added, block.vectors)
            vectors.covers = block.upto

    def _changes_unsaved(self, collection_id: int, vectors: VectorIndex) -> int:
        """0 where they are few beside the size of a snapshot."""
        changes = vectors.covers - self._saved.get(collection_id, 0)
        return changes if changes >= len(vectors) // _SNAPSHOT_SHARE else 0

    # Snapshots

    def _path(self, collection_id: int) -> Path:
        return self._store.folder / "vectors" / f"{collection_id}.snapshot"

    def _is_recent(self, collection_id: int) -> bool:
        """Whether the snapshot on the disk is good enough for a quick start."""
        try:
            header = read_header(self._path(collection_id))
        except (OSError, DamagedSnapshot):
            return False
        behind = self._store.last_change(collection_id) - header.covers
        return (
            (header.embedder, header.dimension, header.store)
            == (self._embedder, self._dimension, self._store.identity)
            and 0 <= behind <= header.vectors // _SNAPSHOT_SHARE
            and not self._options.outgrown(header.vectors, header.made_for)
        )

    def _load(self, collection_id: int) -> VectorIndex:
        """From the snapshot; empty where there is none that can be used."""
        path = self._path(collection_id)
        try:
            vectors = VectorIndex.load(
                path, self._embedder, self._dimension, self._options, self._store.identity
            )
        except FileNotFoundError:
            return VectorIndex(self._dimension, self._options)
        except OSError as error:
            log.warning("rebuilding the vector index from the store: %s: %s", path.name, error)
            return VectorIndex(self._dimension, self._options)
        except DamagedSnapshot as error:
            log.warning("rebuilding the vector index from the store: %s: %s", path.name, error)
            return self._without_snapshot(path)
        if vectors.covers > self._store.last_change(collection_id):
            log.warning("rebuilding the vector index: %s is ahead of the store", path.name)
            return self._without_snapshot(path)
        self._saved[collection_id] = vectors.covers
        return vectors

    def _without_snapshot(self, path: Path) -> VectorIndex:
        """Empty; and the file is removed, lest its header be taken for that of a good one."""
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return VectorIndex(self._dimension, self._options)

    def _save_soon(self, collection_id: int, vectors: VectorIndex) -> None:
        """A small one is written at once: that takes some hundredths of a second."""
        if len(vectors) <= self._options.exact_up_to:
            self._save(collection_id, vectors)
        elif collection_id not in self._given_up:
            self._background.ask(collection_id)

    def _save(self, collection_id: int, vectors: VectorIndex) -> None:
        try:
            vectors.save(self._path(collection_id), self._embedder, self._store.identity)
        except OSError as error:
            # Derived data: the store has it all, and the next start only takes longer.
            log.warning("the vector snapshot could not be written: %s", error.strerror)
            return
        with self._lock:
            self._saved[collection_id] = vectors.covers

    def _clear_away(self) -> None:
        """What is left of collections that were deleted, and of writers that were killed."""
        # Files first: one of a collection that is made after this look is not in the list.
        files = list((self._store.folder / "vectors").glob("*.snapshot"))
        halves = list((self._store.folder / "vectors").glob(".snapshot-*"))
        there = self._store.collection_ids()
        for number in self._held.keys() - there:
            del self._held[number]
        # Where nothing may be removed, it stays: it is in nobody's way.
        with suppress(OSError):
            for path in files:
                if path.stem.isdecimal() and int(path.stem) not in there:
                    path.unlink(missing_ok=True)
            for path in halves:
                if path.stat().st_mtime < time.time() - _ABANDONED_SECONDS:
                    path.unlink(missing_ok=True)

    # New lists

    def _tend_in_background(self, collection_id: int) -> None:
        if collection_id in self._given_up:  # asked for again while it failed
            return
        # Searches have the other cores; the setting is this thread's own.
        faiss.omp_set_num_threads(1)
        try:
            with self._working:
                if not self._reorganise(collection_id, self._background.stopped):
                    self._save_copy(collection_id)
        except StorageError as error:
            log.warning("the vectors stay in their old lists for now: %s", error)
        except (MemoryError, RuntimeError) as error:
            # RuntimeError is what FAISS raises. The lists that are there go on being searched.
            log.warning("the vectors stay in their old lists until a restart: %s", error)
            self._given_up.add(collection_id)

    def _reorganise(self, collection_id: int, stopped: Callable[[], bool]) -> bool:
        """Put new lists in the place of outgrown ones; False where there was no need to."""
        with self._lock:
            old = self._held.get(collection_id)
            if old is None or not old.due:
                return False
        new = self._made_by_another(collection_id, len(old))
        if new is None:
            new = old.reorganised(self._lock, stopped)
            if new is None:
                return True
            self._save(collection_id, new)
        with self._lock:
            # Changes since come with the next search, as always.
            if self._held.get(collection_id) is old:
                self._held[collection_id] = new
        return True

    def _made_by_another(self, collection_id: int, size: int) -> VectorIndex | None:
        """The snapshot, where another process has made lists that fit so many vectors."""
        try:
            header = read_header(self._path(collection_id))
        except (OSError, DamagedSnapshot):
            return None
        if self._options.outgrown(size, header.made_for):
            return None
        vectors = self._load(collection_id)
        return None if vectors.due or not len(vectors) else vectors

    def _save_copy(self, collection_id: int) -> None:
        """Write a snapshot while searches go on."""
        with self._lock:
            held = self._held.get(collection_id)
            if held is None or not self._changes_unsaved(collection_id, held):
                return
            copy = held.copy()
        self._save(collection_id, copy)
