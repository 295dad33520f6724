"""Many vectors that lie like real ones: embeddings of real texts, and noise.

Every vector is a real passage's embedding plus a share of the difference of two others, scaled
back to length 1: the noise points where real embeddings differ, not anywhere. The share is chosen
so that a vector and its nearest noisy sister have the median cosine that a real vector and its
nearest real neighbour have. So the crowd is no denser around a vector than reality, which would be
too easy, and queries, real embeddings that are not in it, find neighbours that mean something.
"""

import gzip
import hashlib
import json
import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from index.types import Vectors

_TOGETHER = 1000
_CHARACTERS = 20, 600
"""Lengths of texts that are taken."""


def texts(path: Path) -> list[str]:
    """The strings of JSON lines, or the lines of any other text; a folder's files together."""
    if path.is_dir():
        return [text for file in sorted(path.rglob("*")) if file.is_file() for text in texts(file)]
    data = path.read_bytes()
    lines = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8").splitlines()
    found = lines
    if ".jsonl" in path.name:
        found = [text for line in lines for text in _strings(json.loads(line))]
    return [text for text in found if _CHARACTERS[0] <= len(text) <= _CHARACTERS[1]]


def embedded(path: Path, count: int, queries: int, cache: Path) -> tuple[Vectors, Vectors]:
    """Up to `count` passages, and `queries` queries of other texts, drawn with a fixed seed and
    embedded by the default embedder; kept in `cache`.
    """
    chosen = sorted(set(texts(path)))
    random.Random(0).shuffle(chosen)
    if len(chosen) < 4 * queries:
        raise SystemExit(f"{path} holds {len(chosen)} texts: at least {4 * queries} are needed.")
    asked, told = chosen[:queries], chosen[queries : queries + count]
    # Here, so that processes which only search hold no model library.
    from api.settings import load_settings
    from api.wiring import load_embedder

    embedder = load_embedder(load_settings())
    key = hashlib.sha256("\0".join([embedder.identity, *asked, "", *told]).encode()).hexdigest()
    file = cache / f"embeddings-{key[:16]}.npz"
    if not file.exists():
        parts = []
        for start in range(0, len(told), _TOGETHER):
            parts.append(embedder.embed_passages(told[start : start + _TOGETHER]))
            print(f"embedded {start + len(parts[-1]):,} of {len(told):,}", flush=True)
        cache.mkdir(parents=True, exist_ok=True)
        np.savez(file, passages=np.concatenate(parts), queries=embedder.embed_queries(asked))
    with np.load(file) as arrays:
        return arrays["passages"], arrays["queries"]


class Crowd:
    """`size` vectors around real ones, the same in every run, made a block at a time."""

    def __init__(self, real: Vectors, size: int) -> None:
        self.real = real
        self.size = size
        self.target = float(np.median(_nearest_others(real[:: max(1, len(real) // 500)], real)))
        self.noise = 0.0 if size <= len(real) else self._noise()

    def blocks(self, rows: int = 16_384) -> Iterator[Vectors]:
        """Unit vectors, shape (up to `rows`, dimension), as half precision keeps them. The first
        are the real ones themselves where they are enough.
        """
        for start in range(0, self.size, rows):
            numbers = np.arange(start, min(start + rows, self.size)) % len(self.real)
            generator = np.random.default_rng(start)
            vectors = _noisy(self.real, numbers, self.noise, generator)
            yield vectors.astype(np.float16).astype(np.float32)

    def _noise(self) -> float:
        """By halving: more noise, less alike."""
        low, high = 0.0, 4.0
        for _ in range(16):
            middle = (low + high) / 2
            if self.sisters(middle) > self.target:
                low = middle
            else:
                high = middle
        return low

    def sisters(self, noise: float) -> float:
        """Median cosine of a noisy vector with the nearest of its sisters."""
        generator = np.random.default_rng(1)
        count = max(2, round(self.size / len(self.real)))
        best = []
        for number in generator.integers(0, len(self.real), 300):
            group = _noisy(self.real, np.full(count, number), noise, generator)
            best.append(float((group[1:] @ group[0]).max()))
        return float(np.median(best))


def _noisy(
    real: Vectors, numbers: np.ndarray, noise: float, generator: np.random.Generator
) -> Vectors:
    one, other = generator.integers(0, len(real), (2, len(numbers)))
    vectors = real[numbers] + np.float32(noise) * (real[one] - real[other])
    unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return unit


def _nearest_others(some: Vectors, real: Vectors) -> Vectors:
    """Cosine of each with the nearest that is not itself."""
    scores: Vectors = np.partition(some @ real.T, -2, axis=1)[:, -2]
    return scores


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)
