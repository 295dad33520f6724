"""The language-neutral map, on vectors whose language offsets are known."""

from pathlib import Path

import numpy as np

from index.neutral import NeutralEmbedder, NeutralMap, fit, with_map
from index.types import Vectors
from tests.fakes import HashingEmbedder


def unit(vectors: Vectors) -> Vectors:
    result: Vectors = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return result


def parallel(languages: int, sentences: int, seed: int) -> Vectors:
    """Sentences that mean the same in each language, each language pushed its own way."""
    rng = np.random.default_rng(seed)
    meaning = rng.standard_normal((1, sentences, 64))
    offsets = 3 * np.random.default_rng(99).standard_normal((languages, 1, 64))
    return unit((meaning + offsets).astype(np.float32))


def share_found(vectors: Vectors) -> float:
    """Sentences asked in the first language, their translations in the second among distractors in
    the first: the share found first.
    """
    count = vectors.shape[1] // 2
    corpus = np.concatenate([vectors[1, :count], vectors[0, count:]])
    return float(((vectors[0, :count] @ corpus.T).argmax(axis=1) == np.arange(count)).mean())


def test_translations_are_found_once_languages_are_taken_out() -> None:
    seen, unseen = parallel(8, 200, 1), parallel(8, 200, 2)
    neutral = fit(seen, seen, 7)
    mapped = neutral.passages(unseen.reshape(-1, 64)).reshape(unseen.shape)
    assert share_found(unseen) < 0.2
    assert share_found(mapped) > 0.95


def test_the_map_gives_unit_vectors_without_the_directions() -> None:
    seen = parallel(6, 100, 1)
    neutral = fit(seen, seen, 5)
    mapped = neutral.queries(seen[2])
    assert np.allclose(np.linalg.norm(mapped, axis=1), 1, atol=1e-5)
    assert np.abs(mapped @ neutral.directions.T).max() < 1e-5
    assert np.allclose(neutral.directions @ neutral.directions.T, np.eye(5), atol=1e-5)


def test_queries_and_passages_are_centred_apart() -> None:
    passages = parallel(4, 50, 1)
    queries = unit(passages + 0.5)
    neutral = fit(passages, queries, 3)
    assert np.allclose(neutral.passage_mean, passages.mean(axis=(0, 1)), atol=1e-6)
    assert np.allclose(neutral.query_mean, queries.mean(axis=(0, 1)), atol=1e-6)


def test_a_map_is_read_as_it_was_written(tmp_path: Path) -> None:
    neutral = fit(parallel(4, 50, 1), parallel(4, 50, 2), 3)
    neutral.save(tmp_path / "map", {"data": "made up"})
    again = NeutralMap.load(tmp_path / "map")
    assert again.fingerprint == neutral.fingerprint
    assert np.array_equal(again.directions, neutral.directions)


def test_the_map_is_part_of_the_identity() -> None:
    inner = HashingEmbedder(dimension=64)
    one = NeutralEmbedder(inner, fit(parallel(4, 50, 1), parallel(4, 50, 1), 3))
    two = NeutralEmbedder(inner, fit(parallel(4, 50, 2), parallel(4, 50, 2), 3))
    assert len({inner.identity, one.identity, two.identity}) == 3
    assert with_map(inner, Path("nowhere")) is inner
