"""FAISS over the store: derived from it, rebuildable at any time.

A snapshot is one file: a line of JSON (what it covers, the checksum of the rest), then FAISS's own
bytes. It is written beside and renamed into place, so a reader finds the old one or the new one.
"""

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import faiss
import numpy as np

from index.types import Vectors

log = logging.getLogger(__name__)


class DamagedSnapshot(Exception):
    """The file is not a whole snapshot of the kind expected."""


class VectorIndex:
    """Exact search by inner product, which for unit vectors is the cosine.

    `covers` is the last change of the store that is in it. Not safe for use by several threads at
    once: the owner locks.
    """

    def __init__(self, dimension: int) -> None:
        self.dimension = dimension
        self.covers = 0
        self._index: faiss.Index = faiss.IndexIDMap2(faiss.IndexFlatIP(dimension))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def add(self, ids: Sequence[int], vectors: Vectors) -> None:
        """Add unit vectors of shape (len(ids), dimension) under ids that are not yet there."""
        if len(ids):
            numbers = np.asarray(ids, np.int64)
            self._index.add_with_ids(np.ascontiguousarray(vectors, np.float32), numbers)

    def remove(self, ids: Sequence[int]) -> None:
        """Remove ids; those that are not there are ignored."""
        if len(ids):
            self._index.remove_ids(np.asarray(ids, np.int64))  # type: ignore[arg-type]

    def search(
        self, query: Vectors, limit: int, allowed: Sequence[int] | None = None
    ) -> list[tuple[int, float]]:
        """The ids of the `limit` nearest vectors to one of shape (dimension,), nearest first, with
        their cosines; only among `allowed` where it is given.
        """
        limit = min(limit, len(self) if allowed is None else len(allowed))
        if limit <= 0:
            return []
        parameters = None
        if allowed is not None:
            selector = faiss.IDSelectorBatch(np.asarray(allowed, np.int64))
            parameters = faiss.SearchParameters(sel=selector)  # type: ignore[call-arg]
        scores, ids = self._index.search(query[None, :], limit, params=parameters)
        return [
            (int(number), float(score))
            for number, score in zip(ids[0], scores[0], strict=True)
            if number >= 0
        ]

    def save(self, path: Path, embedder: str, store: str = "") -> None:
        """Write a snapshot of the store whose id is `store`.

        Raises:
            OSError: it could not be written; an older one is untouched.
        """
        payload = faiss.serialize_index(self._index).tobytes()
        header = {
            "covers": self.covers,
            "embedder": embedder,
            "store": store,
            "dimension": self.dimension,
            "sha256": hashlib.sha256(payload).hexdigest(),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".snapshot-", dir=path.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(json.dumps(header).encode("utf-8") + b"\n")
                stream.write(payload)
                stream.flush()
                os.fsync(stream.fileno())
            os.replace(name, path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: Path, embedder: str, dimension: int, store: str = "") -> "VectorIndex":
        """Read a snapshot.

        Raises:
            FileNotFoundError: there is none.
            DamagedSnapshot: it is not whole, or of another embedder or store.
        """
        with path.open("rb") as stream:
            line = stream.readline(10_000)
            payload = stream.read()
        try:
            header = json.loads(line)
            covers, digest = int(header["covers"]), str(header["sha256"])
        except (ValueError, KeyError, TypeError) as error:
            raise DamagedSnapshot("its header cannot be read") from error
        if header.get("embedder") != embedder or header.get("dimension") != dimension:
            raise DamagedSnapshot("it is of another embedder")
        if header.get("store") != store:
            # Its changes may have the same numbers, and be others.
            raise DamagedSnapshot("it is of another store")
        # FAISS trusts the bytes it is given, so they are checked before it sees them.
        if hashlib.sha256(payload).hexdigest() != digest:
            raise DamagedSnapshot("its checksum does not match")
        result = cls(dimension)
        result._index = faiss.deserialize_index(np.frombuffer(payload, np.uint8))
        result.covers = covers
        return result
