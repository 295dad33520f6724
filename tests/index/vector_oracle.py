"""Vectors made by chance, and brute force over them: what every search is compared with."""

from collections.abc import Collection, Mapping

import numpy as np

from index.types import Vectors

DIMENSION = 24


def as_kept(vectors: Vectors) -> Vectors:
    """Of unit length, in the half precision of the store, so that what is compared is what was
    put in.
    """
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    kept: Vectors = unit.astype(np.float16).astype(np.float32)
    return kept


def unit_vectors(count: int, seed: int, dimension: int = DIMENSION) -> Vectors:
    """In all directions alike: the hardest case for lists of neighbours."""
    return as_kept(
        np.random.default_rng(seed).standard_normal((count, dimension)).astype(np.float32)
    )


def clustered(count: int, seed: int, groups: int = 40, spread: float = 0.15) -> Vectors:
    """Around a few directions, as passages about a few subjects."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((groups, DIMENSION))
    noise = spread * generator.standard_normal((count, DIMENSION))
    return as_kept((centres[generator.integers(0, groups, count)] + noise).astype(np.float32))


def nearest(
    vectors: Mapping[int, Vectors],
    query: Vectors,
    limit: int,
    allowed: Collection[int] | None = None,
) -> list[tuple[int, float]]:
    """By plain sums, nearest first, equal ones by id."""
    scores = {
        number: float(
            np.float32(sum(float(a) * float(b) for a, b in zip(vector, query, strict=True)))
        )
        for number, vector in vectors.items()
        if allowed is None or number in allowed
    }
    return sorted(scores.items(), key=lambda entry: (-entry[1], entry[0]))[:limit]


def recall(found: list[tuple[int, float]], right: list[tuple[int, float]]) -> float:
    """Share of the right ids that were found."""
    return len({n for n, _ in found} & {n for n, _ in right}) / len(right)
