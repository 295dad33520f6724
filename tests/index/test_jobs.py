"""Jobs: kept whole, worked off by one worker, resumed, cancelled, erased."""

import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from documents.load import LoadOptions, Raw
from index.errors import StorageFull
from index.ingest import IngestOptions, Outcome
from index.jobs import FILE, MAX_ATTEMPTS, JobLimits, JobStore, TooManyJobs, UnknownJob
from index.local import LocalIndex, open_index
from index.types import Vectors
from index.worker import LOCK, FolderLock, JobWorker
from tests.fakes import HashingEmbedder


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
