"""FAISS against a brute-force oracle, scores included."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.vectors import DamagedSnapshot, VectorIndex
from tests.index.vector_oracle import DIMENSION, nearest, unit_vectors


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(1, 60),
    seed=st.integers(0, 10_000),
    limit=st.integers(1, 70),
    removed=st.sets(st.integers(0, 59)),
    allowed=st.none() | st.sets(st.integers(0, 59)),
)
def test_equals_brute_force(
    count: int, seed: int, limit: int, removed: set[int], allowed: set[int] | None
) -> None:
    vectors = unit_vectors(count, seed)
    ids = [7 * n + 3 for n in range(count)]
    index = VectorIndex(DIMENSION)
    index.add(ids, vectors)
    gone = {7 * n + 3 for n in removed}
    index.remove(sorted(gone))
    kept = {n: v for n, v in zip(ids, vectors, strict=True) if n not in gone}
    may = None if allowed is None else {7 * n + 3 for n in allowed}
    query = unit_vectors(1, seed + 1)[0]

    found = index.search(query, limit, None if may is None else sorted(may))

    expected = nearest(kept, query, limit, may)
    assert [number for number, _ in found] == [number for number, _ in expected]
    assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-7)


def test_the_score_is_the_cosine_not_a_distance() -> None:
    index = VectorIndex(2)
    # Unit vectors at 0°, 60° and 180° from the query: cosines 1, 1/2, -1.
    rows = np.array([[1, 0], [0.5, 3**0.5 / 2], [-1, 0]], np.float32)
    index.add([1, 2, 3], rows)
    found = index.search(np.array([1, 0], np.float32), 3)
    assert [number for number, _ in found] == [1, 2, 3]
    assert [score for _, score in found] == pytest.approx([1.0, 0.5, -1.0])


def test_an_empty_index_finds_nothing() -> None:
    assert VectorIndex(DIMENSION).search(unit_vectors(1, 0)[0], 5) == []


def test_a_snapshot_gives_the_same_results(tmp_path: Path) -> None:
    vectors = unit_vectors(50, 1)
    index = VectorIndex(DIMENSION)
    index.add(range(50), vectors)
    index.covers = 17
    index.save(tmp_path / "a.snapshot", "model")
    loaded = VectorIndex.load(tmp_path / "a.snapshot", "model", DIMENSION)
    assert loaded.covers == 17
    query = unit_vectors(1, 2)[0]
    assert loaded.search(query, 10) == index.search(query, 10)
    assert [path.name for path in tmp_path.iterdir()] == ["a.snapshot"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: b"",
        lambda data: b"\x00" * len(data),
        lambda data: data[:300] + bytes([data[300] ^ 1]) + data[301:],
        lambda data: b'{"covers": 1}\n' + data,
        lambda data: b"[1, 2]\n" + data,
    ],
)
def test_a_damaged_snapshot_is_refused(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    index = VectorIndex(DIMENSION)
    index.add(range(10), unit_vectors(10, 0))
    path = tmp_path / "a.snapshot"
    index.save(path, "model")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedSnapshot):
        VectorIndex.load(path, "model", DIMENSION)


def test_a_snapshot_of_another_embedder_is_refused(tmp_path: Path) -> None:
    index = VectorIndex(DIMENSION)
    index.save(tmp_path / "a.snapshot", "model")
    with pytest.raises(DamagedSnapshot, match="another embedder"):
        VectorIndex.load(tmp_path / "a.snapshot", "other", DIMENSION)
