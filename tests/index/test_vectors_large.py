"""Collections that have outgrown exact search, against brute force; sizes are small so that tests
are quick.
"""

import hashlib
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from index.snapshots import write_snapshot
from index.types import Vectors
from index.vector_options import VectorOptions
from index.vectors import DamagedSnapshot, VectorIndex
from tests.index.vector_oracle import (
    DIMENSION,
    as_kept,
    clustered,
    nearest,
    recall,
    unit_vectors,
)

SMALL = VectorOptions(exact_up_to=200, compared=0.05, compared_at_least=1)
EVERYTHING = replace(SMALL, compared=1.0)
"""Looks into every list, so that what is found must be what brute force finds."""


def made(vectors: Vectors, options: VectorOptions, ids: list[int] | None = None) -> VectorIndex:
    """In the lists that fit."""
    index = VectorIndex(vectors.shape[1], options)
    index.add(range(len(vectors)) if ids is None else ids, vectors)
    if not index.due:
        return index
    result = index.reorganised()
    assert result is not None
    return result


def by_id(vectors: Vectors) -> dict[int, Vectors]:
    return dict(enumerate(vectors))


@settings(max_examples=40, deadline=None)
@given(
    count=st.integers(201, 600),
    seed=st.integers(0, 10_000),
    limit=st.integers(1, 700),
    gone=st.sets(st.integers(0, 599), max_size=300),
    modulus=st.none() | st.integers(1, 40),
    first=st.sampled_from([0, 1, 2**33, 2**62]),
)
def test_all_lists_together_equal_brute_force(
    count: int, seed: int, limit: int, gone: set[int], modulus: int | None, first: int
) -> None:
    vectors = unit_vectors(count, seed)
    ids = [first + 3 * n for n in range(count)]
    index = made(vectors, EVERYTHING, ids)
    assert not index.exact
    removed = {first + 3 * n for n in gone}
    index.remove(sorted(removed))
    kept = {n: v for n, v in zip(ids, vectors, strict=True) if n not in removed}
    # Allowed ones that went are among them, as when one goes between two looks into the store.
    may = None if modulus is None else {n for n in ids if n % modulus == first % modulus}
    query = unit_vectors(1, seed + 1)[0]

    found = index.search(query, limit, None if may is None else sorted(may))

    expected = nearest(kept, query, limit, may)
    assert [number for number, _ in found] == [number for number, _ in expected]
    assert [s for _, s in found] == pytest.approx([s for _, s in expected], abs=1e-7)


@pytest.fixture(scope="module")
def crowd() -> Vectors:
    return clustered(6000, 1)


@pytest.fixture(scope="module")
def large(crowd: Vectors) -> VectorIndex:
    return made(crowd, SMALL)


def mean_recall(index: VectorIndex, crowd: Vectors, allowed: list[int] | None = None) -> float:
    may = None if allowed is None else set(allowed)
    vectors = by_id(crowd) if may is None else {n: crowd[n] for n in may}
    shares = []
    for query in clustered(20, 2):
        right = nearest(vectors, query, 10)
        shares.append(recall(index.search(query, 10, allowed), right))
    return float(np.mean(shares))


def test_a_share_of_the_vectors_finds_nearly_all_neighbours(
    large: VectorIndex, crowd: Vectors
) -> None:
    assert large._inverted.lists == 310  # 4 · √6000
    assert large._probes(10, 6000) == 16  # .05 · 310, rounded up
    assert large._probes(10, 1200) == 78  # a fifth is allowed: five times as many lists
    assert large._probes(10, 100) == 310
    assert np.linalg.norm(large._inverted.centroids, axis=1) == pytest.approx(
        np.ones(310), abs=1e-5
    )
    assert mean_recall(large, crowd) >= 0.95


def test_recall_tells_good_lists_from_bad_ones(crowd: Vectors) -> None:
    """Three lists of 310 must find less, and vectors in lists that are not theirs hardly any."""
    narrow = made(crowd, replace(SMALL, compared=1 / 310))
    assert mean_recall(narrow, crowd) < 0.9
    index = made(crowd, SMALL)
    quantizer = index._inverted._index.quantizer
    centroids = index._inverted.centroids[::-1].copy()
    quantizer.reset()
    quantizer.add(centroids)
    assert mean_recall(index, crowd) < 0.3


@pytest.mark.parametrize("every", [2, 5, 50])
def test_filters_cost_no_recall(large: VectorIndex, crowd: Vectors, every: int) -> None:
    assert mean_recall(large, crowd, list(range(0, 6000, every))) >= 0.95


def test_as_many_come_back_as_are_allowed(large: VectorIndex, crowd: Vectors) -> None:
    """Allowed ones that all lie far from the query, in lists that are looked into last."""
    query = crowd[0]
    far = np.argsort(crowd @ query)[:1500].tolist()
    for limit in (1, 10, 1500, 2000):
        found = large.search(query, limit, sorted(far))
        assert len(found) == min(limit, 1500)
        assert {number for number, _ in found} <= set(far)
    assert len(large.search(query, 6000)) == 6000
    assert len(large.search(query, 7000)) == 6000


def test_few_allowed_are_searched_exactly(large: VectorIndex, crowd: Vectors) -> None:
    allowed = list(range(3, 6000, 61))
    for query in unit_vectors(10, 7):
        found = large.search(query, 10, allowed)
        assert found == nearest(by_id(crowd), query, 10, set(allowed))
        assert large.search(query, 10, allowed + allowed) == found


def test_scores_are_those_of_a_search_at_every_size(large: VectorIndex, crowd: Vectors) -> None:
    exact = VectorIndex(DIMENSION)
    exact.add(range(6000), crowd)
    query = unit_vectors(1, 3)[0]
    found = large.search(query, 50)
    ids = [number for number, _ in found]
    assert large.scores(query, ids) == dict(found)
    assert exact.scores(query, ids) == dict(found)
    assert dict(found) == pytest.approx(
        {n: float(crowd[n].astype(float) @ query.astype(float)) for n in ids}, abs=1e-7
    )
    assert large.scores(query, [5, 6000, -1, 2**60]) == {5: large.scores(query, [5])[5]}
    assert large.scores(query, []) == {}


@pytest.mark.parametrize("options", [VectorOptions(), SMALL])
def test_equal_scores_stand_in_the_order_of_ids(options: VectorOptions) -> None:
    twin = unit_vectors(1, 0)
    vectors = np.concatenate([unit_vectors(500, 1), np.repeat(twin, 300, axis=0)])
    ids = np.random.default_rng(2).permutation(800)
    index = VectorIndex(DIMENSION, options)
    index.add(ids, vectors)
    index = index.reorganised() or index
    twins = sorted(ids[500:].tolist())
    assert [number for number, _ in index.search(twin[0], 5)] == twins[:5]
    assert [number for number, _ in index.search(twin[0], 100)] == twins[:100]
    every = sorted(twins[::2])
    assert [n for n, _ in index.search(twin[0], 7, every)] == every[:7]


def test_a_vector_put_in_place_of_another_is_the_only_one() -> None:
    vectors = unit_vectors(500, 1)
    index = made(vectors, SMALL)
    index.add([7, 8], unit_vectors(2, 50))
    index.add([7], vectors[9:10])
    assert len(index) == 500
    assert index.scores(vectors[9], [7, 9]) == dict.fromkeys(
        [7, 9], index.scores(vectors[9], [9])[9]
    )
    index.remove([7])
    assert len(index) == 499
    assert index.scores(vectors[9], [7]) == {}


class GrowingAndShrinking(RuleBasedStateMachine):
    """Anything in any order, and everything stays findable with the right score."""

    def __init__(self) -> None:
        super().__init__()
        options = replace(EVERYTHING, exact_up_to=40, growth=2.0)
        self.index = VectorIndex(DIMENSION, options)
        self.kept: dict[int, Vectors] = {}
        self.seed = 0

    @rule(count=st.integers(1, 60), first=st.integers(0, 150))
    def add(self, count: int, first: int) -> None:
        self.seed += 1
        vectors = unit_vectors(count, self.seed)
        self.index.add(range(first, first + count), vectors)
        self.kept |= dict(zip(range(first, first + count), vectors, strict=True))

    @rule(first=st.integers(0, 200), count=st.integers(1, 150))
    def remove(self, first: int, count: int) -> None:
        self.index.remove(range(first, first + count))
        self.kept = {n: v for n, v in self.kept.items() if not first <= n < first + count}

    @rule()
    def reorganise(self) -> None:
        if self.index.due:
            new = self.index.reorganised()
            assert new is not None
            self.index = new
            assert not new.due
            assert new.exact == (len(self.kept) <= 40)

    @rule()
    def copy(self) -> None:
        self.index = self.index.copy()

    @invariant()
    def same_as_brute_force(self) -> None:
        query = unit_vectors(1, 10_000 + self.seed)[0]
        assert len(self.index) == len(self.kept)
        assert self.index.search(query, 8) == nearest(self.kept, query, 8)


GrowingAndShrinking.TestCase.settings = settings(
    max_examples=25, stateful_step_count=15, deadline=None
)
TestGrowingAndShrinking = GrowingAndShrinking.TestCase


@pytest.mark.parametrize(
    ("vectors", "made_for", "outgrown"),
    [
        (200, 0, False),
        (201, 0, True),
        (800, 201, False),
        (805, 201, True),  # more than four times
        (100, 201, False),
        (99, 201, True),  # less than half of what is searched exactly
        (900, 4000, True),  # less than a quarter
        (1000, 4000, False),
    ],
)
def test_when_lists_are_outgrown(vectors: int, made_for: int, outgrown: bool) -> None:
    assert SMALL.outgrown(vectors, made_for) is outgrown


@pytest.mark.parametrize(
    "wrong",
    [{"exact_up_to": 15}, {"compared": 0}, {"compared": 1.1}, {"growth": 1}, {"sample": 0}],
)
def test_options_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        VectorOptions(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [17, 18, 25])
def test_the_smallest_collections_that_have_lists(count: int) -> None:
    vectors = unit_vectors(count, 1)
    index = made(vectors, replace(EVERYTHING, exact_up_to=16))
    assert not index.exact
    assert not index.due
    query = unit_vectors(1, 2)[0]
    assert index.search(query, 30) == nearest(by_id(vectors), query, 30)


class Noticing:
    """A lock that lets something happen each time it is given back."""

    def __init__(self, steps: Iterator[None]) -> None:
        self.steps = steps

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        next(self.steps, None)


def test_changes_while_lists_are_made_are_replayed() -> None:
    vectors = unit_vectors(500, 1)
    old = VectorIndex(DIMENSION, EVERYTHING)
    old.add(range(500), vectors)
    old.covers = 5
    later = unit_vectors(20, 2)

    def meanwhile() -> Iterator[None]:
        yield  # the ids are known
        old.remove(range(100))
        old.add(range(500, 520), later)
        old.covers = 6
        yield

    new = old.reorganised(Noticing(meanwhile()))  # type: ignore[arg-type]
    assert new is not None
    assert new.covers == 5
    new.remove(range(100))  # what the store tells of change 6
    new.add(range(500, 520), later)
    kept = {n: vectors[n] for n in range(100, 500)} | dict(zip(range(500, 520), later, strict=True))
    for query in unit_vectors(5, 3):
        assert new.search(query, 30) == nearest(kept, query, 30)


def test_making_lists_stops_when_told() -> None:
    index = VectorIndex(DIMENSION, SMALL)
    index.add(range(500), unit_vectors(500, 1))
    asked = iter([False, False, True])
    assert index.reorganised(stopped=lambda: next(asked)) is None
    assert index.exact


def test_the_same_vectors_twice_make_lists_that_work() -> None:
    index = made(np.repeat(unit_vectors(1, 0), 300, axis=0), SMALL)
    assert [n for n, _ in index.search(unit_vectors(1, 0)[0], 4)] == [0, 1, 2, 3]


@pytest.mark.parametrize("count", [0, 50, 500])
def test_snapshots_of_both_kinds_give_the_same(tmp_path: Path, count: int) -> None:
    index = made(unit_vectors(count, 1), SMALL)
    index.covers = 17
    index.save(tmp_path / "a.snapshot", "model")
    loaded = VectorIndex.load(tmp_path / "a.snapshot", "model", DIMENSION, SMALL)
    assert (loaded.covers, loaded.exact, loaded.due) == (17, count <= 200, False)
    # ... and can be changed like the one that was saved.
    for each in (index, loaded):
        each.remove(range(10))
        each.add([3, 900], unit_vectors(2, 4))
    query = unit_vectors(1, 2)[0]
    assert loaded.search(query, 20) == index.search(query, 20)
    assert loaded.search(query, 20, range(0, 901, 3)) == index.search(query, 20, range(0, 901, 3))
    assert [path.name for path in tmp_path.iterdir()] == ["a.snapshot"]


def test_a_snapshot_of_the_first_format_is_read(tmp_path: Path) -> None:
    vectors = unit_vectors(300, 1)
    flat = faiss.IndexIDMap2(faiss.IndexFlatIP(DIMENSION))
    ids = np.arange(300) * 5 + 2**40
    flat.add_with_ids(vectors, ids)
    payload = faiss.serialize_index(flat).tobytes()
    header = {
        "covers": 9,
        "embedder": "model",
        "dimension": DIMENSION,
        "sha256": hashlib.sha256(payload).hexdigest(),
    }
    path = tmp_path / "old.snapshot"
    path.write_bytes(json.dumps(header).encode() + b"\n" + payload)
    loaded = VectorIndex.load(path, "model", DIMENSION, SMALL)
    assert (loaded.covers, len(loaded), loaded.exact, loaded.due) == (9, 300, True, True)
    kept = dict(zip(ids.tolist(), vectors, strict=True))
    query = unit_vectors(1, 2)[0]
    assert loaded.search(query, 20) == nearest(kept, query, 20)
    path.write_bytes(json.dumps({**header, "format": 3}).encode() + b"\n" + payload)
    with pytest.raises(DamagedSnapshot, match="newer version"):
        VectorIndex.load(path, "model", DIMENSION, SMALL)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"\x00",
        lambda data: data[: len(data) // 2],
        lambda data: data[:5000] + bytes([data[5000] ^ 1]) + data[5001:],
        lambda data: data.replace(b'"vectors": 500', b'"vectors": 501', 1),
        lambda data: data.replace(b'"made_for": 500', b'"made_for": 0', 1),
        lambda data: data.split(b"\n", 1)[0],
    ],
)
def test_a_damaged_snapshot_of_lists_is_refused(tmp_path: Path, damage) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "a.snapshot"
    made(unit_vectors(500, 0), SMALL).save(path, "model")
    data = path.read_bytes()
    assert damage(data) != data
    path.write_bytes(damage(data))
    with pytest.raises(DamagedSnapshot):
        VectorIndex.load(path, "model", DIMENSION, SMALL)


def test_another_structure_of_faiss_is_refused(tmp_path: Path) -> None:
    graph = faiss.IndexHNSWFlat(DIMENSION, 8)
    graph.add(unit_vectors(20, 0))
    header = {"covers": 1, "embedder": "model", "dimension": DIMENSION}
    write_snapshot(tmp_path / "a.snapshot", header, graph)
    with pytest.raises(DamagedSnapshot, match="not a structure of ours"):
        VectorIndex.load(tmp_path / "a.snapshot", "model", DIMENSION)


def test_a_failed_write_leaves_the_older_snapshot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.snapshot"
    index = made(unit_vectors(500, 0), SMALL)
    index.save(path, "model")
    before = path.read_bytes()

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    index.remove([1])
    with pytest.raises(OSError, match="No space"):
        index.save(path, "model")
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.snapshot"]


def test_a_search_leaves_the_number_of_threads_alone(large: VectorIndex) -> None:
    seen = []

    def work() -> None:
        faiss.omp_set_num_threads(3)
        large.search(unit_vectors(1, 0)[0], 5)
        seen.append(faiss.omp_get_max_threads())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [3]


def test_vectors_are_kept_in_half_precision() -> None:
    rough = np.random.default_rng(0).standard_normal((1, DIMENSION)).astype(np.float32)
    index = VectorIndex(DIMENSION)
    index.add([1], rough)
    _ids, rows = index._inverted.read(np.array([1]))
    assert rows.tolist() == rough.astype(np.float16).astype(np.float32).tolist()
    assert as_kept(rough).tolist() != rough.tolist()
