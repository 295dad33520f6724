"""The language-neutral map: takes what says "which language" out of an embedder's vectors.

Multilingual embedders place the sentences of one language near each other, so that in a mixed
corpus a wrong passage in the question's language beats the right one in another. The offsets of the
languages from their common mean span a small subspace. The map centres vectors (queries and
passages apart), projects that subspace out, and brings them back to length 1: the removal of
language means of Yang et al. 2021, "A Simple and Effective Method to Eliminate the Self Language
Bias in Multilingual Representations", fitted on parallel text by `training/fit_neutral.py`.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from index.types import Embedder, Vectors

SHIPPED = {"multilingual-e5-small": "neutral-multilingual-e5-small.safetensors"}
"""Embedders that a fitted map is shipped for, by the last part of their name."""


@dataclass(frozen=True)
class NeutralMap:
    """`passage_mean` and `query_mean` have shape (dimension,); `directions` has shape
    (count, dimension), its rows orthonormal.
    """

    passage_mean: Vectors
    query_mean: Vectors
    directions: Vectors

    def passages(self, vectors: Vectors) -> Vectors:
        """Unit vectors of passages, shape (n, dimension), made neutral."""
        return self._apply(vectors, self.passage_mean)

    def queries(self, vectors: Vectors) -> Vectors:
        """Unit vectors of queries, shape (n, dimension), made neutral."""
        return self._apply(vectors, self.query_mean)

    @cached_property
    def fingerprint(self) -> str:
        """Differs between maps that differ."""
        parts = (self.passage_mean, self.query_mean, self.directions)
        data = b"".join(np.ascontiguousarray(part, np.float32).tobytes() for part in parts)
        return hashlib.sha256(data).hexdigest()[:12]

    def save(self, path: Path, about: dict[str, str]) -> None:
        """Write the map with strings that say how it was made."""
        tensors = {
            "passage_mean": self.passage_mean,
            "query_mean": self.query_mean,
            "directions": self.directions,
        }
        save_file({name: np.ascontiguousarray(t) for name, t in tensors.items()}, path, about)

    @classmethod
    def load(cls, path: Path) -> "NeutralMap":
        """Read a map that `save` wrote."""
        with safe_open(path, "numpy") as tensors:
            names = ("passage_mean", "query_mean", "directions")
            return cls(*(tensors.get_tensor(name).astype(np.float32) for name in names))

    def _apply(self, vectors: Vectors, mean: Vectors) -> Vectors:
        centred = vectors - mean
        neutral = centred - (centred @ self.directions.T) @ self.directions
        unit: Vectors = neutral / np.maximum(np.linalg.norm(neutral, axis=1, keepdims=True), 1e-12)
        return unit


def fit(passages: Vectors, queries: Vectors, count: int) -> NeutralMap:
    """Fit a map on parallel text.

    Args:
        passages: the same sentences in each language, embedded as passages, shape
            (languages, sentences, dimension).
        queries: the same, embedded as queries.
        count: directions to project out, at most 2 * languages - 2: the leading ones of the
            languages' means, both kinds together.
    """
    passage_mean = passages.mean(axis=(0, 1))
    query_mean = queries.mean(axis=(0, 1))
    offsets = [passages.mean(axis=1) - passage_mean, queries.mean(axis=1) - query_mean]
    _left, _values, right = np.linalg.svd(np.concatenate(offsets), full_matrices=False)
    return NeutralMap(passage_mean, query_mean, right[:count])


class NeutralEmbedder:
    """An embedder with the map applied to all it gives."""

    def __init__(self, inner: Embedder, neutral: NeutralMap) -> None:
        self._inner = inner
        self._map = neutral
        self.dimension = inner.dimension
        self.max_tokens = inner.max_tokens
        self.name = inner.name
        self.identity = f"{inner.identity} neutral-{neutral.fingerprint}"

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special tokens."""
        return self._inner.count_tokens(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Neutral vectors of texts that may be found."""
        return self._map.passages(self._inner.embed_passages(texts))

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Neutral vectors of texts that look for others."""
        return self._map.queries(self._inner.embed_queries(texts))


def shipped_path(embedder: Embedder) -> Path | None:
    """Where the map that is shipped for an embedder is; None where there is none."""
    name = SHIPPED.get(embedder.name.split("/")[-1])
    return Path(str(files("index") / name)) if name else None


def fitted_path(folder: Path, embedder: Embedder) -> Path:
    """Where a map that was fitted for an embedder on this machine is, or would be."""
    digest = hashlib.sha256(embedder.identity.encode("utf-8")).hexdigest()[:16]
    return folder / f"{digest}.safetensors"


def with_map(embedder: Embedder, folder: Path) -> Embedder:
    """The embedder with the map that is shipped for it or was fitted into `folder`; itself where
    there is neither.
    """
    path = shipped_path(embedder) or fitted_path(folder, embedder)
    return NeutralEmbedder(embedder, NeutralMap.load(path)) if path.is_file() else embedder
