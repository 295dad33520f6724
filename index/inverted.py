"""FAISS inverted lists of half-precision vectors, and the training of their centroids.

One kind of structure serves every size. With one list a search compares every vector, so it is
exact; with many it compares those of the lists nearest to the query. Half precision is what the
store keeps, so nothing is rounded twice and the vectors can be read back as they were.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext

import faiss
import numpy as np
from numpy.typing import NDArray

from index.types import Vectors

Ids = NDArray[np.int64]

_BY_ID: int = faiss.DirectMap.Hashtable  # type: ignore[attr-defined]

_ROUNDS = 8
"""Of k-means: later ones move centroids, but no longer what is found."""

_FEW = 1000
"""Vectors up to which adding them is not worth several threads."""

_BITMAP_SHARE = 64
"""A bitmap of allowed ids is taken up to this many times as many bits as there are vectors."""


class Inverted:
    """Vectors by id in inverted lists, compared by inner product. Not safe for use by several
    threads at once.
    """

    def __init__(self, centroids: Vectors) -> None:
        """Empty lists, one a row of `centroids`, shape (lists, dimension)."""
        count, dimension = centroids.shape
        quantizer = faiss.IndexFlatIP(dimension)
        quantizer.add(np.ascontiguousarray(centroids, np.float32))
        self._index = faiss.IndexIVFScalarQuantizer(
            quantizer,
            dimension,
            count,
            faiss.ScalarQuantizer.QT_fp16,
            faiss.METRIC_INNER_PRODUCT,
            False,
        )
        # By id, so that removing and reading back cost the same at every size.
        self._index.set_direct_map_type(_BY_ID)
        # Half precision learns nothing, and the centroids are there.
        self._index.is_trained = True

    @classmethod
    def exact(cls, dimension: int) -> "Inverted":
        """Empty, of one list."""
        return cls(np.zeros((1, dimension), np.float32))

    @classmethod
    def of(cls, index: faiss.Index) -> "Inverted":
        """Around what was read from a snapshot: this structure, or the flat one of old snapshots.

        Raises:
            TypeError: it is neither.
        """
        if isinstance(index, faiss.IndexIDMap2):
            return cls._of_flat(index)
        if not isinstance(index, faiss.IndexIVFScalarQuantizer) or (
            index.metric_type != faiss.METRIC_INNER_PRODUCT
            or index.sq.qtype != faiss.ScalarQuantizer.QT_fp16
            or index.direct_map.type != _BY_ID
        ):
            raise TypeError(f"not a structure of ours: {type(index).__name__}")
        result = cls.__new__(cls)
        result._index = index
        return result

    @classmethod
    def _of_flat(cls, index: faiss.IndexIDMap2) -> "Inverted":
        flat = faiss.downcast_index(index.index)
        if not isinstance(flat, faiss.IndexFlat):
            raise TypeError(f"not a structure of ours: {type(flat).__name__}")
        ids = faiss.vector_to_array(index.id_map)
        result = cls.exact(index.d)
        for start in range(0, len(ids), 16_384):
            part = ids[start : start + 16_384]
            result.add(part, flat.reconstruct_n(start, len(part)))
        return result

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def faiss(self) -> faiss.Index:
        """What a snapshot is written from."""
        return self._index

    @property
    def dimension(self) -> int:
        """Length of a vector."""
        return int(self._index.d)

    @property
    def lists(self) -> int:
        """How many; 1 is exact."""
        return int(self._index.nlist)

    @property
    def centroids(self) -> Vectors:
        """Shape (lists, dimension)."""
        rows: Vectors = self._index.quantizer.reconstruct_n(0, self.lists)
        return rows

    def ids(self) -> Ids:
        """All ids, list by list."""
        lists = self._index.invlists
        assert lists is not None
        parts = [np.empty(0, np.int64)]
        for number in range(self.lists):
            size = lists.list_size(number)
            if size:
                held = lists.get_ids(number)
                parts.append(faiss.rev_swig_ptr(held, size).copy())
        return np.concatenate(parts)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Add vectors of shape (len(ids), dimension), in place of those that have these ids."""
        if len(ids):
            self.remove(ids)
            with _one_thread() if len(ids) <= _FEW else nullcontext():
                self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), ids)

    def remove(self, ids: Ids) -> None:
        """Remove ids; those that are not there are ignored."""
        if len(ids):
            with _one_thread():
                self._index.remove_ids(faiss.IDSelectorArray(ids))

    def read(self, ids: Ids) -> tuple[Ids, Vectors]:
        """Those of `ids` that are there, in the order given, and their vectors, shape (n,
        dimension).
        """
        found = list(self._read(ids))
        if len(found) == 1:
            return found[0]
        empty = np.empty((0, self.dimension), np.float32)
        return (
            np.concatenate([np.empty(0, np.int64), *(part for part, _ in found)]),
            np.concatenate([empty, *(rows for _, rows in found)]),
        )

    def _read(self, ids: Ids) -> Iterator[tuple[Ids, Vectors]]:
        if not len(ids):
            return
        try:
            rows = self._index.reconstruct_batch(ids)
        except RuntimeError:
            # FAISS has no look-up that says whether an id is there. Missing ones are few: they went
            # between the caller's look into the store and now. Halving finds them.
            if len(ids) > 1:
                middle = len(ids) // 2
                yield from self._read(ids[:middle])
                yield from self._read(ids[middle:])
            return
        yield ids, rows

    def nearest(
        self, query: Vectors, count: int, probes: int, allowed: "Allowed | None" = None
    ) -> Ids:
        """Ids of up to `count` nearest vectors to `query`, shape (dimension,), in the `probes`
        lists nearest to it, nearest first.
        """
        parameters = faiss.SearchParametersIVF(  # type: ignore[call-arg]
            nprobe=probes, sel=allowed.selector if allowed else None
        )
        row = np.ascontiguousarray(query[None, :], np.float32)
        with _one_thread():
            _scores, ids = self._index.search(row, count, params=parameters)
        found: Ids = ids[0][ids[0] >= 0]
        return found

    def copy(self) -> "Inverted":
        """One of its own with the same in it."""
        result = Inverted.__new__(Inverted)
        result._index = faiss.clone_index(self._index)  # type: ignore[assignment]
        return result


class Allowed:
    """A set of ids that FAISS can test while it scans. It keeps alive what FAISS reads."""

    def __init__(self, ids: Ids, population: int) -> None:
        """`population` is how many vectors there are: what a bitmap may cost in memory."""
        largest = int(ids.max(initial=0))
        if ids.min(initial=0) >= 0 and largest < _BITMAP_SHARE * max(population, 1024):
            flags = np.zeros(largest + 1, np.bool_)
            flags[ids] = True
            self._bits = np.packbits(flags, bitorder="little")
            self.selector: faiss.IDSelector = faiss.IDSelectorBitmap(self._bits)  # type: ignore[call-arg,arg-type]
        else:
            self.selector = faiss.IDSelectorBatch(ids)


def train(
    sample: Vectors, lists: int, stopped: Callable[[], bool] = lambda: False
) -> Vectors | None:
    """Centroids of unit length by k-means, shape (lists, dimension); None where `stopped` said so
    between two rounds. `sample` has at least `lists` rows. The same sample gives the same.
    """
    parameters = faiss.ClusteringParameters()
    parameters.niter = 1
    parameters.spherical = True
    parameters.min_points_per_centroid = 1
    parameters.max_points_per_centroid = len(sample)
    dimension = sample.shape[1]
    chosen = np.random.default_rng(0).choice(len(sample), lists, replace=False)
    centroids: Vectors = np.ascontiguousarray(sample[chosen])
    for _ in range(_ROUNDS):
        if stopped():
            return None
        # A round at a time: FAISS starts from the centroids that it finds.
        clustering = faiss.Clustering(dimension, lists, parameters)
        faiss.copy_array_to_vector(centroids.ravel(), clustering.centroids)
        clustering.train(sample, faiss.IndexFlatIP(dimension))
        centroids = faiss.vector_to_array(clustering.centroids).reshape(lists, dimension)
    return centroids


@contextmanager
def _one_thread() -> Iterator[None]:
    """What takes a millisecond loses more by waiting for a second thread, on a machine that also
    does something else, than it wins. The setting is the calling thread's own.
    """
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


def as_ids(ids: "Sequence[int] | Ids") -> Ids:
    """As FAISS takes them: 64 bits each, in one run."""
    return np.ascontiguousarray(ids, np.int64)
