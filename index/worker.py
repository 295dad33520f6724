"""Takes the files of jobs in, one worker for a data folder however many processes there are.

Which process works is decided by a lock on a file, that the system frees when its process dies.
"""

import fcntl
import logging
import os
import threading
from pathlib import Path

from documents.errors import DocumentError
from index.errors import StorageError
from index.ingest import IngestOptions, Outcome, ingest
from index.jobs import MAX_ATTEMPTS, JobStore, Work
from index.local import LocalIndex

log = logging.getLogger(__name__)

LOCK = "jobs.lock"
_TOGETHER_BYTES = 40_000
"""Small files are taken in together, so that the model's batches are full."""

_IDLE_SECONDS = 0.5
_LOCKED_SECONDS = 2.0
_TROUBLE_SECONDS = 5.0


class FolderLock:
    """A lock on a data folder that its process holds until it lets go or dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether this process holds it now.

        Raises:
            OSError: the file cannot be made.
        """
        if self._handle is None:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            self._handle = handle
        return True

    def release(self) -> None:
        """Let go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class JobWorker:
    """A thread that works while there is something to do. `options` are those of any ingestion."""

    def __init__(self, index: LocalIndex, jobs: JobStore, options: IngestOptions) -> None:
        self._index = index
        self._jobs = jobs
        self._options = options
        self._lock = FolderLock(jobs.folder / LOCK)
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="quoth-jobs", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    def stop(self, seconds: float) -> bool:
        """Stop after the files in hand; the others wait for the next start. False where that took
        more than `seconds`, and it still works.
        """
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                self._pause(self._step())
        finally:
            self._lock.release()

    def _step(self) -> float:
        """Do the next piece of work; seconds to rest after it."""
        try:
            if not self._lock.take():
                return _LOCKED_SECONDS
            if self._jobs.pending()[0] == 0:
                return _IDLE_SECONDS
            self._take_in(self._jobs.next(_TOGETHER_BYTES))
            if self._jobs.pending()[0] == 0:
                self._jobs.tidy()
        except StorageError as error:
            log.error("jobs wait until the data folder can be used: %s", error)
            return _TROUBLE_SECONDS
        except OSError as error:
            log.error("jobs wait: %s: %s", self._jobs.folder, error.strerror)
            return _TROUBLE_SECONDS
        return 0.0

    def _take_in(self, works: list[Work]) -> None:
        crashed = [work for work in works if work.attempts > MAX_ATTEMPTS]
        for work in crashed:
            self._jobs.give_up(
                work, f"the service stopped {MAX_ATTEMPTS} times while it was being read"
            )
        works = [work for work in works if work not in crashed]
        if not works:
            return
        # Outcomes of one source come in its order; those of different sources may not.
        waiting: dict[str, list[Work]] = {}
        for work in works:
            waiting.setdefault(work.raw.source, []).append(work)
        try:
            raws = [work.raw for work in works]
            for outcome in ingest(self._index, works[0].collection, raws, self._options):
                self._jobs.note(waiting[outcome.source].pop(0), outcome)
        except StorageError:
            self._put_back([work for rest in waiting.values() for work in rest])
            raise
        except Exception as error:
            left = [work for rest in waiting.values() for work in rest]
            log.error("a file of a job could not be taken in", exc_info=error)
            if len(left) > 1:  # one of them: each comes alone from now on
                return
            for work in left:
                self._jobs.note(
                    work, Outcome(work.raw.source, "failed", error=DocumentError(_UNEXPECTED))
                )

    def _put_back(self, works: list[Work]) -> None:
        try:
            self._jobs.put_back(works)
        except StorageError:
            log.warning("files of a job count as attempted, since the folder cannot be written")

    def _pause(self, seconds: float) -> None:
        if seconds:
            self._wake.wait(seconds)
            self._wake.clear()


_UNEXPECTED = "something went wrong in the service; its log says what"
