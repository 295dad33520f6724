"""Takes the files of jobs in, one worker for a data folder however many processes there are.

Which process works is decided by a lock on a file, that the system frees when its process dies.
"""

import logging
import threading
import traceback
from functools import partial
from pathlib import Path

from documents.errors import DocumentError
from index import interrupt
from index.errors import StorageError
from index.ingest import IngestOptions, Outcome, ingest
from index.jobs import JobStore, Work
from index.local import LocalIndex
from index.locks import FolderLock

log = logging.getLogger(__name__)

LOCK = "jobs.lock"
_TOGETHER_BYTES = 40_000
"""Small files are taken in together, so that the model's batches are full."""

_IDLE_SECONDS = 0.5
_LOCKED_SECONDS = 2.0
_TROUBLE_SECONDS = 5.0


class _Stopping(Exception):
    """The worker is told to stop."""


class _Cancelled(Exception):
    """The job that is worked on was cancelled."""


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
        """Stop before the model's next batch; what is not stored then waits for the next start, and
        does not count as attempted. False where that took more than `seconds`, and it still works.
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
        except Exception as error:
            # Nobody else would begin the thread again. What it broke at counts as attempted.
            log.error("jobs wait after something unexpected: %s", _place(error))
            return _TROUBLE_SECONDS
        return 0.0

    def _take_in(self, works: list[Work]) -> None:
        if not works:
            return
        # Outcomes of one source come in its order; those of different sources may not.
        waiting: dict[str, list[Work]] = {}
        for work in works:
            waiting.setdefault(work.raw.source, []).append(work)
        try:
            with interrupt.interrupted_by(partial(self._look, works[0])):
                self._ingest(works, waiting)
        except _Stopping:
            self._put_back([work for rest in waiting.values() for work in rest])
        except _Cancelled:
            log.info("a job was cancelled while its files were taken in")
        except StorageError:
            self._put_back([work for rest in waiting.values() for work in rest])
            raise
        except Exception as error:
            left = [work for rest in waiting.values() for work in rest]
            log.error("a file of a job could not be taken in: %s", _place(error))
            if len(left) > 1:  # one of them: each comes alone from now on
                return
            for work in left:
                self._jobs.note(
                    work, Outcome(work.raw.source, "failed", error=DocumentError(_UNEXPECTED))
                )

    def _ingest(self, works: list[Work], waiting: dict[str, list[Work]]) -> None:
        raws = [work.raw for work in works]
        outcomes = ingest(
            self._index,
            works[0].collection,
            raws,
            self._options,
            started=lambda _source: interrupt.check(),
        )
        for outcome in outcomes:
            self._jobs.note(waiting[outcome.source].pop(0), outcome)

    def _look(self, work: Work) -> None:
        """Raises where work on a file, or on others of its job, should go no further."""
        if self._stopping.is_set():
            raise _Stopping
        if self._jobs.is_cancelled(work):
            raise _Cancelled

    def _put_back(self, works: list[Work]) -> None:
        try:
            self._jobs.put_back(works)
        except StorageError:
            log.warning("files of a job count as attempted, since the folder cannot be written")

    def _pause(self, seconds: float) -> None:
        if seconds:
            self._wake.wait(seconds)
            self._wake.clear()


def _place(error: Exception) -> str:
    """Of what class an exception is and where it was raised. Its message could quote a document."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


_UNEXPECTED = "something went wrong in the service; its log says what"
