"""The vectors of a collection in FAISS: derived from the store, rebuildable at any time.

Up to a size every vector is compared. A larger collection is kept in many inverted lists, and a
search compares the vectors of the nearest ones. In both the scores are the cosines themselves, to
the half precision of the store, so that a threshold means the same at every size; equal ones stand
in the order of their ids.
"""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import numpy as np

from index.inverted import Allowed, Ids, Inverted, as_ids, train
from index.snapshots import DamagedSnapshot, read_snapshot, write_snapshot
from index.types import Vectors
from index.vector_options import VectorOptions

__all__ = ["DamagedSnapshot", "VectorIndex"]

_BESIDES = 16
"""Candidates taken beside those asked for, so that equal scores at the end can be put in order."""

_DIRECT = 1000
"""Up to this many allowed vectors are read one by one instead of found by a scan."""

_BLOCK = 16_384
"""Vectors that are copied at once, while searches wait: some tens of milliseconds."""


class VectorIndex:
    """The nearest vectors by inner product, which for unit vectors is the cosine.

    `covers` is the last change of the store that is in it. Not safe for use by several threads at
    once: the owner locks.
    """

    def __init__(self, dimension: int, options: VectorOptions | None = None) -> None:
        self.dimension = dimension
        self.options = options or VectorOptions()
        self.covers = 0
        self._made_for = 0
        self._inverted = Inverted.exact(dimension)

    def __len__(self) -> int:
        return len(self._inverted)

    @property
    def exact(self) -> bool:
        """Whether every search compares every vector."""
        return self._inverted.lists == 1

    @property
    def due(self) -> bool:
        """Whether it has outgrown its lists, or shrunk far below them."""
        return self.options.outgrown(len(self), self._made_for)

    def add(self, ids: Sequence[int] | Ids, vectors: Vectors) -> None:
        """Add unit vectors of shape (len(ids), dimension), in place of those of the same ids. They
        are kept in half precision.
        """
        self._inverted.add(as_ids(ids), vectors)

    def remove(self, ids: Sequence[int] | Ids) -> None:
        """Remove ids; those that are not there are ignored."""
        self._inverted.remove(as_ids(ids))

    def search(
        self, query: Vectors, limit: int, allowed: Sequence[int] | Ids | None = None
    ) -> list[tuple[int, float]]:
        """The ids of the `limit` nearest vectors to one of shape (dimension,), nearest first, with
        their cosines; only among `allowed` where it is given. There are fewer only where fewer
        are there or allowed.
        """
        if allowed is None:
            population, choice = len(self), None
        else:
            ids = as_ids(allowed)
            if len(ids) <= _DIRECT:
                return self._ranked(query, np.unique(ids))[: max(limit, 0)]
            population, choice = min(len(ids), len(self)), Allowed(ids, len(self))
        limit = min(limit, population)
        if limit <= 0:
            return []
        probes = self._probes(limit, population)
        count = limit + _BESIDES
        while True:
            found = self._inverted.nearest(query, count, probes, choice)
            if len(found) < limit and probes < self._inverted.lists:
                probes = min(self._inverted.lists, 4 * probes)
                continue
            ranked = self._ranked(query, found)
            if len(found) == count < population and ranked[-1][1] == ranked[limit - 1][1]:
                count *= 2  # more may be as near, with smaller ids
                continue
            return ranked[:limit]

    def scores(self, query: Vectors, ids: Sequence[int] | Ids) -> dict[int, float]:
        """The cosines of a query of shape (dimension,) with these ids; those that are not there are
        left out. The same numbers as `search` gives.
        """
        return dict(self._ranked(query, as_ids(ids)))

    def _ranked(self, query: Vectors, ids: Ids) -> list[tuple[int, float]]:
        """Those that are there, nearest first, equal ones by id."""
        there, rows = self._inverted.read(ids)
        # Summed in double precision and rounded, a score does not depend on what stands beside it.
        # (And no BLAS: it would start threads for some thousand rows.)
        scores = np.einsum("nd,d->n", rows.astype(np.float64), query.astype(np.float64))
        scores = scores.astype(np.float32)
        order = np.lexsort((there, -scores))
        return list(zip(there[order].tolist(), scores[order].tolist(), strict=True))

    def _probes(self, limit: int, population: int) -> int:
        """Lists to look into: as many vectors are compared whether all or few are allowed, so that
        filters cost no recall; and enough for a large `limit`.
        """
        options, lists = self.options, self._inverted.lists
        wanted = max(options.compared * len(self), options.compared_at_least, 4 * limit)
        return min(lists, max(1, math.ceil(lists * wanted / population)))

    def reorganised(
        self,
        lock: AbstractContextManager[object] | None = None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> "VectorIndex | None":
        """A new one with the lists that fit its size; None where `stopped` said so.

        This one may be searched and changed meanwhile by whoever holds `lock`, which is taken for
        moments only. The result covers what this one covered at the start, and may hold later
        changes too: applying those again changes nothing.
        """
        lock = lock or nullcontext()
        with lock:
            result = VectorIndex(self.dimension, self.options)
            result.covers = self.covers
            ids = self._inverted.ids()
        lists = self.options.lists(len(ids))
        if lists > 1:
            result._made_for = len(ids)
            sample = self._sample(ids, lists, lock)
            if len(sample) < lists:
                return None  # nearly all of it went meanwhile: the next look decides anew
            centroids = train(sample, lists, stopped)
            if centroids is None:
                return None
            result._inverted = Inverted(centroids)
        for start in range(0, len(ids), _BLOCK):
            if stopped():
                return None
            with lock:
                there, rows = self._inverted.read(ids[start : start + _BLOCK])
            result._inverted.add(there, rows)
        return result

    def _sample(self, ids: Ids, lists: int, lock: AbstractContextManager[object]) -> Vectors:
        count = min(len(ids), self.options.sample * lists)
        chosen = np.sort(np.random.default_rng(0).choice(ids, count, replace=False))
        parts = []
        for start in range(0, count, _BLOCK):
            with lock:
                parts.append(self._inverted.read(chosen[start : start + _BLOCK])[1])
        return np.concatenate(parts)

    def copy(self) -> "VectorIndex":
        """One of its own with the same in it."""
        result = VectorIndex(self.dimension, self.options)
        result.covers, result._made_for = self.covers, self._made_for
        result._inverted = self._inverted.copy()
        return result

    def save(self, path: Path, embedder: str, store: str = "") -> None:
        """Write a snapshot of the store whose id is `store`.

        Raises:
            OSError: it could not be written; an older one is untouched.
        """
        header = {
            "covers": self.covers,
            "embedder": embedder,
            "store": store,
            "dimension": self.dimension,
            "vectors": len(self),
            "made_for": self._made_for,
        }
        write_snapshot(path, header, self._inverted.faiss)

    @classmethod
    def load(
        cls,
        path: Path,
        embedder: str,
        dimension: int,
        options: VectorOptions | None = None,
        store: str = "",
    ) -> "VectorIndex":
        """Read a snapshot.

        Raises:
            FileNotFoundError: there is none.
            DamagedSnapshot: it is not whole, or of another embedder or store.
        """
        header, index = read_snapshot(path, embedder, dimension, store)
        result = cls(dimension, options)
        try:
            result._inverted = Inverted.of(index)
        except TypeError as error:
            raise DamagedSnapshot(str(error)) from error
        if result.exact != (header.made_for == 0):
            raise DamagedSnapshot("its header tells of something else")
        result.covers, result._made_for = header.covers, header.made_for
        return result
