"""The vectors of a real store, as it grows and shrinks, here and in other processes."""

import logging
import multiprocessing
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from documents.load import Raw
from index import upkeep
from index.ingest import document_id, ingest
from index.local import LocalIndex, open_index
from index.snapshots import read_header
from index.store import Store
from index.vector_options import VectorOptions
from index.vectors import VectorIndex
from tests.fakes import HashingEmbedder

ROOT = Path(__file__).parents[2]
SMALL = VectorOptions(exact_up_to=30, compared=1.0, delay=0)
PATIENT = replace(SMALL, delay=600)
"""Nothing is done in the background while the test lasts."""


@pytest.fixture
def index(tmp_path: Path, embedder: HashingEmbedder) -> Iterator[LocalIndex]:
    with open_index(tmp_path, embedder, vectors=SMALL) as opened:
        yield opened


def put(index: LocalIndex, *numbers: int, collection: str = "default") -> None:
    raws = [Raw(f"Paper{n} about lemons.".encode(), f"{n}.txt", f"{n}") for n in numbers]
    assert all(o.status != "failed" for o in ingest(index, collection, raws))


def remove(index: LocalIndex, *numbers: int) -> None:
    for number in numbers:
        index.remove(document_id("default", f"{number}"))


def found(index: LocalIndex, collection: str = "default") -> set[int]:
    """All that can be found, each asked for by its own word."""
    hits = index.search("lemons", collection, 1000)
    numbers = {int(hit.source.removesuffix(".txt")) for hit in hits}
    for number in sorted(numbers)[::7]:
        best = index.search(f"Paper{number}", collection, 1)[0]
        assert best.source == f"{number}.txt"
    return numbers


def held(index: LocalIndex, number: int = 1) -> VectorIndex:
    return index._vectors._held[number]


def settle(index: LocalIndex) -> None:
    index._vectors.settle()


def snapshot_of(folder: Path, number: int = 1) -> Path:
    return folder / "vectors" / f"{number}.snapshot"


def test_growing_and_shrinking_across_the_size(index: LocalIndex, tmp_path: Path) -> None:
    put(index, *range(30))
    assert found(index) == set(range(30))
    settle(index)
    assert held(index).exact
    put(index, *range(30, 100))
    assert found(index) == set(range(100))  # before the lists are made
    settle(index)
    assert not held(index).exact
    assert held(index)._inverted.lists == 40  # 4 · √100
    assert found(index) == set(range(100))
    assert read_header(snapshot_of(tmp_path)).made_for == 100
    put(index, *range(90, 120))  # some replaced by the same, some new
    remove(index, 5)
    assert found(index) == set(range(120)) - {5}
    remove(index, *range(10, 120))
    assert found(index) == set(range(10)) - {5}
    settle(index)
    assert held(index).exact
    assert found(index) == set(range(10)) - {5}


def test_lists_are_made_anew_when_they_are_outgrown(index: LocalIndex) -> None:
    put(index, *range(40))
    found(index)
    settle(index)
    assert held(index)._inverted.lists == 25  # 4 · √40
    put(index, *range(40, 160))
    found(index)
    settle(index)
    assert held(index)._inverted.lists == 25  # four times as many is not yet too many
    put(index, 160)
    assert found(index) == set(range(161))
    settle(index)
    assert held(index)._inverted.lists == 51  # 4 · √161
    assert found(index) == set(range(161))


def test_searches_see_every_change_while_lists_are_made(
    index: LocalIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    training, go_on = threading.Event(), threading.Event()
    train = upkeep.VectorIndex.reorganised

    def slow(self: VectorIndex, *arguments: object) -> VectorIndex | None:
        result = train(self, *arguments)  # type: ignore[arg-type]
        training.set()
        assert go_on.wait(30)
        return result

    monkeypatch.setattr(VectorIndex, "reorganised", slow)
    put(index, *range(50))
    found(index)
    assert training.wait(30)
    assert held(index).exact
    put(index, 50)
    remove(index, 7)
    assert found(index) == set(range(51)) - {7}
    go_on.set()
    settle(index)
    assert not held(index).exact
    assert found(index) == set(range(51)) - {7}


def test_scores_of_chunks(index: LocalIndex, embedder: HashingEmbedder) -> None:
    put(index, *range(60))
    hits = index.search("Paper3", "default", 60)
    settle(index)
    vector = embedder.embed_queries(["Paper3"])[0]
    ids = [hit.chunk_id for hit in hits]
    assert index.scores(vector, 1, ids) == {hit.chunk_id: hit.dense_score for hit in hits}
    remove(index, 3)
    assert index.scores(vector, 1, ids[:2]) == {ids[1]: hits[1].dense_score}


def test_a_snapshot_makes_the_lists_at_once(tmp_path: Path, embedder: HashingEmbedder) -> None:
    with open_index(tmp_path, embedder, vectors=PATIENT) as index:
        put(index, *range(100))
        index.snapshot("default")
        assert not held(index).exact
        assert found(index) == set(range(100))
    with open_index(tmp_path, embedder, vectors=PATIENT) as index:
        assert found(index) == set(range(100))
        assert not held(index).exact


def test_a_snapshot_that_lags_little_is_left(tmp_path: Path, embedder: HashingEmbedder) -> None:
    with open_index(tmp_path, embedder, vectors=PATIENT) as index:
        put(index, *range(100))
        index.snapshot("default")
        before = read_header(snapshot_of(tmp_path))
        put(index, 100, 101)  # a fiftieth
        index.snapshot("default")
        assert read_header(snapshot_of(tmp_path)) == before
        put(index, 102)
        index.snapshot("default")
        after = read_header(snapshot_of(tmp_path))
        assert (before.vectors, after.vectors) == (100, 103)
    with open_index(tmp_path, embedder, vectors=PATIENT) as index:
        put(index, 103)
        assert found(index) == set(range(104))


def test_what_another_process_made_is_taken(
    tmp_path: Path, embedder: HashingEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        open_index(tmp_path, embedder, vectors=PATIENT) as writer,
        open_index(tmp_path, embedder, vectors=SMALL) as reader,
    ):
        put(writer, *range(20))
        assert found(reader) == set(range(20))
        put(writer, *range(20, 100))
        writer.snapshot("default")
        put(writer, 100)

        def never(*_: object) -> None:
            raise AssertionError("made again")

        monkeypatch.setattr(VectorIndex, "reorganised", never)
        assert found(reader) == set(range(101))
        settle(reader)
        assert not held(reader).exact
        assert found(reader) == set(range(101))
        remove(writer, 50)
        assert found(reader) == set(range(101)) - {50}


def write_and_remove(folder: Path, first: int, last: int) -> None:
    with open_index(folder, HashingEmbedder(), vectors=SMALL) as index:
        for start in range(first, last, 10):
            put(index, *range(start, start + 10))
            remove(index, start + 5)
            # Its own only: the other process takes some of its own away between two looks.
            for number in range(start, start + 10):
                best = index.search(f"Paper{number}", "default", 1)[0].source
                assert (best == f"{number}.txt") == (number != start + 5)
        index.snapshot("default")


def test_two_processes_grow_one_collection(tmp_path: Path, embedder: HashingEmbedder) -> None:
    context = multiprocessing.get_context("spawn")
    with open_index(tmp_path, embedder, vectors=SMALL) as index:
        put(index, 1000)
        others = [
            context.Process(target=write_and_remove, args=(tmp_path, first, first + 100))
            for first in (0, 200)
        ]
        for other in others:
            other.start()
        while any(other.is_alive() for other in others):
            assert index.search("Paper1000", "default", 1)[0].source == "1000.txt"
            time.sleep(0.01)
        for other in others:
            other.join()
        assert [other.exitcode for other in others] == [0, 0]
        expected = {1000, *range(100), *range(200, 300)} - set(range(5, 300, 10))
        assert found(index) == expected
        settle(index)
        assert not held(index).exact
        assert found(index) == expected
    with open_index(tmp_path, embedder, vectors=SMALL) as index:
        assert found(index) == expected


KILLED = """
import sys, os, signal
from pathlib import Path
from index import inverted, snapshots
from tests.index.test_upkeep import SMALL, HashingEmbedder, open_index, put

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

where = sys.argv[2]
if where == "training":
    inverted.faiss.Clustering = die
elif where == "writing":
    snapshots.os.fsync = die
else:
    snapshots.os.replace = die
with open_index(Path(sys.argv[1]), HashingEmbedder(), vectors=SMALL) as index:
    put(index, *range(100))
    print("stored", flush=True)
    index.snapshot("default")
"""


@pytest.mark.parametrize("where", ["training", "writing", "renaming"])
def test_killed_in_the_middle_nothing_is_lost(
    tmp_path: Path, embedder: HashingEmbedder, where: str
) -> None:
    result = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), where],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.returncode, result.stdout) == (-9, "stored\n"), result.stderr
    assert not snapshot_of(tmp_path).exists()
    with open_index(tmp_path, embedder, vectors=SMALL) as index:
        assert found(index) == set(range(100))
        settle(index)
        assert not held(index).exact
        assert found(index) == set(range(100))
    assert snapshot_of(tmp_path).exists()


def test_a_process_that_ends_without_closing_ends(tmp_path: Path) -> None:
    """Also in the middle of training."""
    code = KILLED.split("def die")[0] + (
        "index = open_index(Path(sys.argv[1]), HashingEmbedder(), vectors=SMALL)\n"
        "put(index, *range(300))\nindex.search('lemons', 'default', 3)\nprint('asked')\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "asked\n", "")


def test_damaged_lists_are_rebuilt(
    tmp_path: Path, embedder: HashingEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    with open_index(tmp_path, embedder, vectors=PATIENT) as index:
        put(index, *range(100))
        index.snapshot("default")
    path = snapshot_of(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[:-100] + bytes(100))
    with (
        caplog.at_level(logging.WARNING),
        open_index(tmp_path, embedder, vectors=PATIENT) as index,
    ):
        assert found(index) == set(range(100))
        assert "its checksum does not match" in caplog.text
        index.snapshot("default")
        assert not held(index).exact
    caplog.clear()
    with open_index(tmp_path, embedder, vectors=PATIENT) as index:
        assert found(index) == set(range(100))
        assert not held(index).exact
    assert caplog.text == ""


def test_a_failure_leaves_the_old_lists_in_use(
    index: LocalIndex, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    tries = []

    def fails(*_: object) -> None:
        tries.append(1)
        raise RuntimeError("Error in faiss: out of something")

    monkeypatch.setattr(VectorIndex, "reorganised", fails)
    put(index, *range(100))
    with caplog.at_level(logging.WARNING):
        assert found(index) == set(range(100))
        settle(index)
    assert "out of something" in caplog.text
    assert found(index) == set(range(100))
    settle(index)
    assert len(tries) == 1


def test_large_snapshots_are_written_in_the_background(
    index: LocalIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upkeep, "_SNAPSHOT_CHANGES", 10)
    put(index, *range(100))
    found(index)
    settle(index)
    put(index, *range(100, 112))
    found(index)
    settle(index)
    assert read_header(snapshot_of(tmp_path)).vectors == 112


def test_what_is_left_of_deleted_collections_goes(
    tmp_path: Path, embedder: HashingEmbedder
) -> None:
    with open_index(tmp_path, embedder, vectors=PATIENT) as index:
        for name in ("one", "two", "three"):
            put(index, 1, 2, collection=name)
            if name != "three":
                index.snapshot(name)
        halves = [tmp_path / "vectors" / f".snapshot-{n}" for n in ("old", "new")]
        for half in halves:
            half.write_bytes(b"half")
        os.utime(halves[0], (time.time() - 7200,) * 2)
        index.store.delete_collection("one")
        found(index, "three")
        two, three = (index.store.collection_id(name) for name in ("two", "three"))
        assert set(index._vectors._held) == {two, three}
    left = {path.name for path in (tmp_path / "vectors").iterdir()}
    assert left == {f"{two}.snapshot", ".snapshot-new"}


def test_changes_come_in_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = HashingEmbedder()
    with open_index(tmp_path, embedder, vectors=PATIENT) as index:
        put(index, *range(25))
        remove(index, 3, 11)
        monkeypatch.setattr("index.store._CHANGES_TOGETHER", 9)
        store: Store = index.store
        blocks = list(store.changes(1, 0, embedder.dimension))
        assert [block.upto for block in blocks] == [9, 18, 27]
        assert [len(block.added) for block in blocks] == [8, 8, 7]
        assert [len(block.removed) for block in blocks] == [0, 0, 2]
        assert all(block.vectors.shape == (len(block.added), 256) for block in blocks)
        assert list(store.changes(1, 27, embedder.dimension)) == []
        (last,) = store.changes(1, 25, embedder.dimension)
        assert (last.upto, last.added, len(last.removed)) == (27, [], 2)
        assert found(index) == set(range(25)) - {3, 11}
