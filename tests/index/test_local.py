import logging
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from documents.load import Raw
from index.database import FILE
from index.errors import (
    EmbedderMismatch,
    StorageError,
    StorageFull,
    StorageReadOnly,
    UnknownCollection,
    UnknownDocument,
)
from index.ingest import document_id, ingest
from index.local import LocalIndex, open_index
from index.types import Filters
from tests.fakes import HashingEmbedder
from tests.index.conftest import Put


def sources(index: LocalIndex, query: str, **options: object) -> list[str]:
    filters = options.pop("filters", None)
    hits = index.search(query, "default", 10, filters)  # type: ignore[arg-type]
    return list(dict.fromkeys(hit.source for hit in hits))


def test_the_chunk_that_shares_words_wins(index: LocalIndex, put: Put) -> None:
    put("a.txt", "The lamp was lit by the keeper every evening.")
    put("b.txt", "Ships carried lemons and oil to the harbour.")
    hits = index.search("who carried lemons", "default", 2)
    assert [hit.source for hit in hits] == ["b.txt", "a.txt"]
    assert hits[0].rank == 1
    assert hits[0].score > 0.3 > hits[1].score


def test_unchanged_is_left_alone_and_changed_is_replaced(index: LocalIndex, put: Put) -> None:
    first = put("a.txt", "Old words about lemons.")
    again = put("a.txt", "Old words about lemons.")
    changed = put("a.txt", "New words about oranges.")
    assert (first.status, again.status, changed.status) == ("added", "unchanged", "replaced")
    assert first.document_id == again.document_id == changed.document_id
    assert [hit.text for hit in index.search("lemons", "default", 10)] == [
        "New words about oranges."
    ]
    assert index.store.document(first.document_id).chunks == 1


def test_replacing_leaves_no_chunk_of_the_old_text(index: LocalIndex, put: Put) -> None:
    long = " ".join(f"Sentence number {n} tells of lemons." for n in range(400))
    put("a.txt", long)
    assert len(index.search("lemons", "default", 100)) > 5
    put("a.txt", "Short now.")
    assert [hit.text for hit in index.search("lemons", "default", 100)] == ["Short now."]


def test_removing_leaves_no_chunk(index: LocalIndex, put: Put) -> None:
    kept, gone = put("a.txt", "Lemons here."), put("b.txt", "Lemons there.")
    index.search("lemons", "default", 5)
    index.remove(gone.document_id)
    assert [hit.document_id for hit in index.search("lemons", "default", 5)] == [kept.document_id]
    with pytest.raises(UnknownDocument):
        index.remove(gone.document_id)
    with pytest.raises(UnknownDocument):
        index.store.document(gone.document_id)


def test_collections_are_apart(index: LocalIndex, put: Put) -> None:
    put("a.txt", "Lemons of the first.", collection="one")
    put("a.txt", "Lemons of the second.", collection="two")
    assert [hit.text for hit in index.search("lemons", "one", 5)] == ["Lemons of the first."]
    index.store.delete_collection("one")
    with pytest.raises(UnknownCollection):
        index.search("lemons", "one", 5)
    assert [hit.text for hit in index.search("lemons", "two", 5)] == ["Lemons of the second."]
    put("a.txt", "Lemons again.", collection="one")
    assert [hit.text for hit in index.search("lemons", "one", 5)] == ["Lemons again."]


def test_filters_hold_before_the_cut_off(index: LocalIndex, put: Put) -> None:
    for number in range(30):
        put(f"en/{number}.txt", f"Lemons lemons lemons number {number}.", language="en")
    put(
        "el/1.txt",
        "Word lemons among a good many other words of this text.",
        language="el",
        metadata={"desk": "news"},
    )
    put("zh/1.txt", "Nothing of the kind is here.", language="zh-Hant")
    assert sources(index, "lemons", filters=Filters(languages=("el",))) == ["el/1.txt"]
    assert sources(index, "lemons", filters=Filters(languages=("zh",))) == ["zh/1.txt"]
    assert sources(index, "lemons", filters=Filters(metadata={"desk": "news"})) == ["el/1.txt"]
    assert sources(index, "lemons", filters=Filters(sources=("7.txt",))) == ["en/7.txt"]
    assert sources(index, "lemons", filters=Filters(sources=("_.txt", "%"))) == []
    assert sources(index, "lemons", filters=Filters(languages=("e", "%"))) == []
    wanted = document_id("default", "en/9.txt")
    assert sources(index, "lemons", filters=Filters(document_ids=(wanted,))) == ["en/9.txt"]
    both = Filters(languages=("en",), metadata={"desk": "news"})
    assert sources(index, "lemons", filters=both) == []


def test_a_second_opening_finds_the_same(tmp_path: Path, embedder: HashingEmbedder) -> None:
    with open_index(tmp_path, embedder) as index:
        list(ingest(index, "default", [Raw(b"Lemons and oil.", "a.txt", "a")]))
        before = index.search("lemons", "default", 5)
        index.snapshot("default")
    with open_index(tmp_path, embedder) as index:
        assert index.search("lemons", "default", 5) == before


def test_it_catches_up_with_what_another_wrote(tmp_path: Path, embedder: HashingEmbedder) -> None:
    with open_index(tmp_path, embedder) as writer, open_index(tmp_path, embedder) as reader:
        list(ingest(writer, "default", [Raw(b"Lemons and oil.", "a.txt", "a")]))
        assert sources(reader, "lemons") == ["a.txt"]
        list(ingest(writer, "default", [Raw(b"Lemons and salt.", "b.txt", "b")]))
        assert set(sources(reader, "lemons")) == {"a.txt", "b.txt"}
        writer.remove(document_id("default", "a"))
        assert sources(reader, "lemons") == ["b.txt"]


def test_a_stale_snapshot_catches_up(tmp_path: Path, embedder: HashingEmbedder) -> None:
    with open_index(tmp_path, embedder) as index:
        list(ingest(index, "default", [Raw(b"Lemons and oil.", "a.txt", "a")]))
        index.snapshot("default")
        list(ingest(index, "default", [Raw(b"Lemons and salt.", "b.txt", "b")]))
        index.remove(document_id("default", "a"))
    with open_index(tmp_path, embedder) as index:
        assert sources(index, "lemons") == ["b.txt"]


def test_a_corrupt_snapshot_is_rebuilt_with_a_log_line(
    tmp_path: Path, embedder: HashingEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    with open_index(tmp_path, embedder) as index:
        list(ingest(index, "default", [Raw(b"Lemons and oil.", "a.txt", "a")]))
        index.snapshot("default")
    (snapshot,) = (tmp_path / "vectors").iterdir()
    snapshot.write_bytes(snapshot.read_bytes()[:-10])
    with caplog.at_level(logging.WARNING), open_index(tmp_path, embedder) as index:
        assert sources(index, "lemons") == ["a.txt"]
    assert "rebuilding the vector index from the store" in caplog.text


def test_a_snapshot_ahead_of_the_store_is_rebuilt(
    tmp_path: Path, embedder: HashingEmbedder, caplog: pytest.LogCaptureFixture
) -> None:
    with open_index(tmp_path, embedder) as index:
        list(ingest(index, "default", [Raw(b"Lemons and oil.", "a.txt", "a")]))
    older = (tmp_path / FILE).read_bytes()  # closed, so nothing waits in the log
    with open_index(tmp_path, embedder) as index:
        list(ingest(index, "default", [Raw(b"Lemons and salt.", "b.txt", "b")]))
        index.snapshot("default")
    assert not (tmp_path / f"{FILE}-wal").exists()
    (tmp_path / FILE).write_bytes(older)
    with caplog.at_level(logging.WARNING), open_index(tmp_path, embedder) as index:
        assert sources(index, "lemons") == ["a.txt"]
        assert index.search("salt", "default", 10)[0].source == "a.txt"
    assert "is ahead of the store" in caplog.text


def test_another_embedder_is_refused_and_the_remedy_named(
    tmp_path: Path, embedder: HashingEmbedder
) -> None:
    with open_index(tmp_path, embedder) as index:
        list(ingest(index, "default", [Raw(b"Lemons and oil.", "a.txt", "a")]))
    with pytest.raises(EmbedderMismatch, match=r"hashing, not other.*QUOTH_EMBEDDER.*--data-dir"):
        open_index(tmp_path, HashingEmbedder(name="other"))
    with open_index(tmp_path, embedder) as index:
        assert sources(index, "lemons") == ["a.txt"]


def test_a_folder_of_a_newer_version_is_refused(tmp_path: Path, embedder: HashingEmbedder) -> None:
    open_index(tmp_path, embedder).close()
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StorageError, match="newer Quoth"):
        open_index(tmp_path, embedder)


def test_a_database_that_is_none_is_refused(tmp_path: Path, embedder: HashingEmbedder) -> None:
    (tmp_path / FILE).write_bytes(b"this is not a database at all, not in the least" * 100)
    with pytest.raises(StorageError, match=r"damaged.*backup"):
        open_index(tmp_path, embedder)


@contextmanager
def unprivileged() -> Iterator[None]:
    """Root may write anywhere, so it steps down for the test."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_read_only_folder_can_be_asked_but_not_written(
    tmp_path: Path, embedder: HashingEmbedder
) -> None:
    data = tmp_path / "data"
    with open_index(data, embedder) as index:
        list(ingest(index, "default", [Raw(b"Lemons and oil.", "a.txt", "a")]))
    os.chmod(tmp_path, 0o755)
    for parent in list(tmp_path.parents)[:3]:
        os.chmod(parent, 0o755)
    for path in [*data.rglob("*"), data]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)
    try:
        with unprivileged(), open_index(data, embedder) as index:
            assert sources(index, "lemons") == ["a.txt"]
            with pytest.raises(StorageReadOnly, match="--data-dir"):
                list(ingest(index, "default", [Raw(b"Salt.", "b.txt", "b")]))
            assert sources(index, "lemons") == ["a.txt"]
    finally:
        for path in [data, *data.rglob("*")]:
            os.chmod(path, 0o755)
    with pytest.raises(StorageReadOnly, match="cannot be made"):
        open_index(Path("/proc/quoth-cannot-be-made"), embedder)


def test_a_read_only_folder_shows_what_waits_in_the_log(
    tmp_path: Path, embedder: HashingEmbedder
) -> None:
    """As a killed writer leaves it: commits that are only in the write-ahead log."""
    copy = tmp_path / "copy"
    with open_index(tmp_path / "data", embedder) as index:
        list(ingest(index, "default", [Raw(b"Lemons and oil.", "a.txt", "a")]))
        shutil.copytree(tmp_path / "data", copy)
    assert (copy / f"{FILE}-wal").stat().st_size > 0
    for parent in list(tmp_path.parents)[:3]:
        os.chmod(parent, 0o755)
    for path in [tmp_path, copy, *copy.rglob("*")]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)
    try:
        with unprivileged(), open_index(copy, embedder) as index:
            assert sources(index, "lemons") == ["a.txt"]
    finally:
        os.chmod(tmp_path, 0o755)
        os.chmod(copy, 0o755)


def test_a_full_disk_stores_nothing_by_halves(index: LocalIndex, put: Put) -> None:
    put("a.txt", "Lemons and oil.")
    connection = index.store._connections.get()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageFull, match="make room"):
        put("b.txt", " ".join(f"Salt and pepper number {n} in a long text." for n in range(2000)))
    assert [record.source for record in index.store.documents("default", 10)] == ["a.txt"]
    assert sources(index, "salt") == ["a.txt"]
    connection.execute("PRAGMA max_page_count = 1000000")
    assert put("b.txt", "Salt.").status == "added"
    assert sources(index, "salt")[0] == "b.txt"


def test_ids_are_stable_and_apart() -> None:
    assert document_id("default", "/x/a.txt") == document_id("default", "/x/a.txt")
    assert len({document_id(c, o) for c in ("one", "two") for o in ("/a", "/b")}) == 4


def test_the_same_input_twice_in_one_go(index: LocalIndex) -> None:
    raws = [
        Raw(b"Lemons.", "a.txt", "a"),
        Raw(b"Lemons.", "a.txt", "a"),
        Raw(b"Oil.", "a.txt", "a"),
    ]
    assert [o.status for o in ingest(index, "default", raws)] == ["added", "unchanged", "replaced"]
    assert [hit.text for hit in index.search("lemons", "default", 5)] == ["Oil."]


def test_documents_are_paged(index: LocalIndex, put: Put) -> None:
    ids = sorted(put(f"{n}.txt", f"Text number {n}.").document_id for n in range(7))
    first = index.store.documents("default", 3)
    second = index.store.documents("default", 3, after=first[-1].id)
    third = index.store.documents("default", 3, after=second[-1].id)
    assert [r.id for r in first + second + third] == ids
