"""Jobs: kept whole, worked off by one worker, resumed, cancelled, erased."""

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import pytest

from documents.load import LoadOptions, Raw
from index import interrupt
from index.errors import StorageError, StorageFull, StorageReadOnly
from index.ingest import IngestOptions, Outcome
from index.jobs import FILE, MAX_ATTEMPTS, JobLimits, JobStore, TooManyJobs, UnknownJob
from index.local import LocalIndex, open_index
from index.locks import FolderLock
from index.types import Vectors
from index.worker import LOCK, JobWorker
from tests.fakes import HashingEmbedder
from tests.index.test_local import unprivileged


def raw(name: str, text: str = "", **declared: str) -> Raw:
    return Raw((text or f"The text of {name}.").encode(), name, f"api:{name}", **declared)


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[JobStore]:
    store = JobStore(tmp_path / "data", JobLimits(files=20, bytes=5_000_000))
    yield store
    store.close()


def run(index: LocalIndex, jobs: JobStore, until: int = 0) -> None:
    """Work until no more than `until` files wait."""
    worker = JobWorker(index, jobs, IngestOptions(LoadOptions(max_bytes=1_000_000)))
    worker.start()
    deadline = time.monotonic() + 60
    while jobs.pending()[0] > until:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    worker.stop(60)


def test_a_job_takes_its_files_in_and_reports_each(index: LocalIndex, jobs: JobStore) -> None:
    files = [raw(f"{n}.txt") for n in range(5)]
    files.insert(2, Raw(b"%PDF-1.7", "x.pdf", "api:x.pdf"))
    files.append(raw("0.txt", "Another text of the same name."))
    files.append(Raw("Ιστορία".encode("iso-8859-7"), "g.txt", "api:g.txt", encoding="iso-8859-7"))
    job = jobs.add("news", files)
    assert (job.status, job.files, job.finished) == ("queued", 8, 0)
    run(index, jobs)
    job = jobs.job(job.id)
    assert (job.status, job.finished, job.failed) == ("done", 8, 1)
    items = jobs.items(job.id)
    assert [item.source for item in items] == [file.source for file in files]
    assert [item.status for item in items] == [
        "added", "added", "failed", "added", "added", "added", "replaced", "added",
    ]  # fmt: skip
    assert "not read" in items[2].reason
    stored = {record.source: record for record in index.store.documents("news", 100)}
    assert len(stored) == 6
    assert items[0].document_id == items[6].document_id == stored["0.txt"].id
    first = stored["0.txt"]
    assert index.text_range(first.id, 0, first.characters) == "Another text of the same name."
    assert index.text_range(stored["g.txt"].id, 0, 7) == "Ιστορία"


def test_the_bytes_are_erased_and_the_room_given_back(index: LocalIndex, jobs: JobStore) -> None:
    secret = "pomegranate "
    jobs.add("news", [raw(f"{n}.txt", secret * 10_000) for n in range(5)])
    run(index, jobs)
    with sqlite3.connect(jobs.path) as connection:
        assert connection.execute("SELECT count(data) FROM items").fetchone() == (0,)
    for path in jobs.folder.glob(f"{FILE}*"):
        assert secret.encode() not in path.read_bytes()
        assert path.stat().st_size < 100_000


def test_what_waits_is_bounded(jobs: JobStore) -> None:
    jobs.add("a", [raw(f"{n}.txt") for n in range(19)])
    with pytest.raises(TooManyJobs):
        jobs.add("a", [raw("x.txt"), raw("y.txt")])
    with pytest.raises(TooManyJobs):
        jobs.add("a", [raw("x.txt", "x" * 5_000_000)])
    assert jobs.pending()[0] == 19
    assert jobs.add("a", [raw("x.txt")]).files == 1


def test_only_one_works_on_a_folder(index: LocalIndex, jobs: JobStore) -> None:
    lock = FolderLock(jobs.folder / LOCK)
    jobs.add("news", [raw("a.txt")])
    assert lock.take()
    assert not FolderLock(jobs.folder / LOCK).take()
    worker = JobWorker(index, jobs, IngestOptions())
    worker.start()
    time.sleep(0.2)
    worker.stop(10)
    assert jobs.pending()[0] == 1
    lock.release()
    run(index, jobs)
    assert jobs.pending()[0] == 0


def test_cancelling_keeps_what_is_stored(index: LocalIndex, jobs: JobStore) -> None:
    done = jobs.add("news", [raw("a.txt")])
    run(index, jobs)
    waiting = jobs.add("news", [raw("b.txt"), raw("c.txt")])
    cancelled = jobs.cancel(waiting.id)
    assert (cancelled.status, cancelled.finished, cancelled.failed) == ("cancelled", 2, 0)
    assert [item.status for item in jobs.items(waiting.id)] == ["cancelled"] * 2
    assert jobs.cancel(done.id).status == "done"
    assert jobs.pending() == (0, 0)
    run(index, jobs)
    assert [record.source for record in index.store.documents("news", 10)] == ["a.txt"]
    with pytest.raises(UnknownJob):
        jobs.cancel("job_none")


def test_newest_first_page_by_page(jobs: JobStore) -> None:
    ids = [jobs.add("ab"[n % 2], [raw(f"{n}.txt")]).id for n in range(5)]
    assert [job.id for job in jobs.jobs(10)] == ids[::-1]
    assert [job.id for job in jobs.jobs(2)] == [ids[4], ids[3]]
    assert [job.id for job in jobs.jobs(2, before=ids[3])] == [ids[2], ids[1]]
    assert [job.id for job in jobs.jobs(10, collections=["b"])] == [ids[3], ids[1]]
    assert jobs.jobs(10, collections=[]) == []
    assert jobs.jobs(10, before="job_none") == []


def test_after_a_crash_before_the_note_nothing_is_doubled(
    index: LocalIndex, jobs: JobStore
) -> None:
    """The document was stored, its outcome not noted: as after a kill in between."""
    job = jobs.add("news", [raw("a.txt"), raw("b.txt")])
    (first, second) = jobs.next(1_000_000)
    from index.ingest import ingest

    (outcome,) = ingest(index, "news", [first.raw])
    assert outcome.status == "added"
    other = JobStore(jobs.folder)
    run(index, other)
    assert [item.status for item in other.items(job.id)] == ["unchanged", "added"]
    assert len(index.store.documents("news", 10)) == 2
    assert second.attempts == 1
    other.close()


def test_a_file_that_crashes_the_service_is_given_up_in_the_end(
    index: LocalIndex, jobs: JobStore
) -> None:
    job = jobs.add("news", [raw("good.txt"), raw("poison.txt"), raw("fine.txt")])
    assert [work.raw.source for work in jobs.next(10_000)] == ["good.txt", "poison.txt", "fine.txt"]
    # What saw a crash comes alone, so that it does not take others with it.
    (work,) = jobs.next(10_000)
    assert (work.raw.source, work.attempts) == ("good.txt", 2)
    jobs.note(work, Outcome("good.txt", "added", "doc_x", 1))
    for attempt in range(2, MAX_ATTEMPTS + 1):
        (work,) = jobs.next(10_000)
        assert (work.raw.source, work.attempts) == ("poison.txt", attempt)
    run(index, jobs)
    items = jobs.items(job.id)
    assert [item.status for item in items] == ["added", "failed", "added"]
    assert f"{MAX_ATTEMPTS} times" in items[1].reason


class Broken(HashingEmbedder):
    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        if any("poison" in text for text in texts):
            raise RuntimeError("a bug")
        return super().embed_passages(texts)


def test_a_bug_fails_its_file_alone(tmp_path: Path, jobs: JobStore) -> None:
    with open_index(tmp_path / "data", Broken()) as index:
        job = jobs.add("news", [raw("a.txt"), raw("b.txt", "A poison."), raw("c.txt")])
        run(index, jobs)
        assert [item.status for item in jobs.items(job.id)] == ["added", "failed", "added"]
        assert "a bug" not in jobs.items(job.id)[1].reason


def test_a_file_that_cannot_be_looked_at_is_given_up(
    index: LocalIndex,
    jobs: JobStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Whatever it breaks: the thread lives on, and so do the other files."""
    monkeypatch.setattr("index.worker._TROUBLE_SECONDS", 0.01)
    job = jobs.add("news", [raw("a.txt"), raw("b.txt"), raw("c.txt")])
    with sqlite3.connect(jobs.path) as connection:
        connection.execute("UPDATE items SET declared = 'pomegranate' WHERE source = 'b.txt'")
    run(index, jobs)
    assert [item.status for item in jobs.items(job.id)] == ["added", "failed", "added"]
    assert f"{MAX_ATTEMPTS} times" in jobs.items(job.id)[1].reason
    assert "JSONDecodeError at " in caplog.text
    assert "Expecting value" not in caplog.text


def test_what_nobody_foresaw_does_not_end_the_work(
    index: LocalIndex,
    jobs: JobStore,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("index.worker._TROUBLE_SECONDS", 0.01)

    def tidy(_store: JobStore) -> None:
        raise ValueError("pomegranate")

    monkeypatch.setattr(JobStore, "tidy", tidy)
    worker = JobWorker(index, jobs, IngestOptions())
    worker.start()
    for name in ("a.txt", "b.txt"):
        job = jobs.add("news", [raw(name)])
        wait_for(partial(is_done, jobs, job.id))
    assert worker.stop(30)
    assert "ValueError at test_jobs.py" in caplog.text
    assert "pomegranate" not in caplog.text


def is_done(jobs: JobStore, job_id: str) -> bool:
    return jobs.job(job_id).status == "done"


class Slow(HashingEmbedder):
    """Embeds a passage in each batch, and waits in the first until it is let go on."""

    def __init__(self) -> None:
        super().__init__(max_tokens=40)
        self.begun = threading.Event()
        self.go_on = threading.Event()
        self.batches = 0

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        for _text in texts:
            interrupt.check()
            self.batches += 1
            self.begun.set()
            assert self.go_on.wait(60)
        return super().embed_passages(texts)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


LONG = " ".join(f"Sentence {n} is one of the many of this text." for n in range(400))


def test_a_stop_does_not_wait_for_the_file_nor_count_against_it(
    tmp_path: Path, jobs: JobStore
) -> None:
    embedder = Slow()
    with open_index(tmp_path / "data", embedder) as index:
        job = jobs.add("news", [raw("a.txt", LONG), raw("b.txt")])
        for _ in range(MAX_ATTEMPTS + 2):
            embedder.batches = 0
            embedder.begun.clear()
            embedder.go_on.clear()
            worker = JobWorker(index, jobs, IngestOptions())
            worker.start()
            assert embedder.begun.wait(60)
            threading.Timer(0.1, embedder.go_on.set).start()
            assert worker.stop(60)
            assert embedder.batches == 1
        with sqlite3.connect(jobs.path) as connection:
            rows = connection.execute("SELECT status, attempts FROM items").fetchall()
        assert rows == [("queued", 0)] * 2
        assert index.store.collections() == []
        run(index, jobs)
        assert [item.status for item in jobs.items(job.id)] == ["added", "added"]


@pytest.mark.parametrize("is_made_again", [False, True])
def test_a_collection_that_was_removed_does_not_come_back(
    tmp_path: Path, jobs: JobStore, is_made_again: bool
) -> None:
    """The worker is in the midst of a file, and others wait."""
    embedder = Slow()
    with open_index(tmp_path / "data", embedder) as index:
        index.store.create_collection("news")
        job = jobs.add("news", [raw("a.txt"), raw("b.txt", LONG)])
        later = jobs.add("news", [raw("c.txt")])
        other = jobs.add("other", [raw("d.txt")])
        worker = JobWorker(index, jobs, IngestOptions())
        worker.start()
        assert embedder.begun.wait(60)
        jobs.cancel_all("news")
        index.store.delete_collection("news")
        if is_made_again:
            index.store.create_collection("news")
        embedder.go_on.set()
        wait_for(lambda: jobs.job(other.id).status == "done")
        assert worker.stop(60)
        found = {record.name: record.documents for record in index.store.collections()}
        assert found == {"other": 1} | ({"news": 0} if is_made_again else {})
    for cancelled in (job, later):
        assert jobs.job(cancelled.id).status == "cancelled"
        assert {item.status for item in jobs.items(cancelled.id)} == {"cancelled"}


def test_what_is_stored_when_a_collection_is_removed_goes_with_it(
    index: LocalIndex, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The removal begins when the document was looked at for the last time."""
    removal = threading.Thread(target=lambda: remove_collection(index, jobs, "news"))
    check = interrupt.check

    def check_then_remove() -> None:
        check()
        if index.store._write_lock.locked() and not removal.ident:
            removal.start()
            time.sleep(0.3)  # it waits for the document to be stored

    monkeypatch.setattr("index.interrupt.check", check_then_remove)
    job = jobs.add("news", [raw("a.txt")])
    index.store.create_collection("news")
    run(index, jobs)
    wait_for(lambda: jobs.job(job.id).finished_at is not None)
    removal.join(60)
    assert index.store.collections() == []


def remove_collection(index: LocalIndex, jobs: JobStore, name: str) -> None:
    jobs.cancel_all(name)
    index.store.delete_collection(name)


def test_no_jobs_in_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for path in [*list(tmp_path.parents)[:3], tmp_path]:
        os.chmod(path, 0o755)
    os.chmod(folder, 0o555)
    jobs = JobStore(folder)
    with unprivileged():
        assert jobs.pending() == (0, 0)
        assert jobs.jobs(10) == []
        for look in (jobs.job, jobs.cancel):
            with pytest.raises(UnknownJob):
                look("job_none")
        with pytest.raises(StorageReadOnly):
            jobs.add("news", [raw("a.txt")])
    os.chmod(folder, 0o755)
    assert not jobs.path.exists()
    assert jobs.pending() == (0, 0)
    assert not jobs.path.exists()
    jobs.add("news", [raw("a.txt")])
    jobs.close()
    os.chmod(jobs.path, 0o444)
    os.chmod(folder, 0o555)
    with unprivileged():
        assert JobStore(folder).pending()[0] == 1
    os.chmod(folder, 0o755)


def test_jobs_of_a_newer_version_are_refused_and_older_ones_done(
    index: LocalIndex, jobs: JobStore
) -> None:
    jobs.add("news", [raw("a.txt")])
    jobs.close()
    with sqlite3.connect(jobs.path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        connection.execute("PRAGMA user_version = 2")
    for look in (jobs.pending, lambda: jobs.add("news", [raw("b.txt")])):
        with pytest.raises(StorageError, match=r"newer Quoth: upgrade"):
            look()
    with sqlite3.connect(jobs.path) as connection:
        connection.execute("PRAGMA user_version = 0")  # from before there was a version
    assert jobs.pending()[0] == 1
    run(index, jobs)
    assert jobs.pending()[0] == 0
    with sqlite3.connect(jobs.path) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)


def test_a_full_disk_makes_jobs_wait(
    index: LocalIndex, jobs: JobStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("index.worker._TROUBLE_SECONDS", 0.01)
    is_full = threading.Event()
    is_full.set()
    put = LocalIndex.put

    def put_where_there_is_room(*arguments: object, **options: object) -> object:
        if is_full.is_set():
            raise StorageFull("The disk is full.")
        return put(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(LocalIndex, "put", put_where_there_is_room)
    job = jobs.add("news", [raw("a.txt"), raw("b.txt")])
    worker = JobWorker(index, jobs, IngestOptions())
    worker.start()
    time.sleep(0.3)
    assert jobs.pending()[0] == 2
    is_full.clear()
    deadline = time.monotonic() + 30
    while jobs.pending()[0] and time.monotonic() < deadline:
        time.sleep(0.01)
    worker.stop(30)
    assert [item.status for item in jobs.items(job.id)] == ["added", "added"]
