"""What a running service holds: its settings, and the engine once it is loaded."""

import asyncio
import logging
import os
import tempfile
import threading
import time
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from api import tracing
from api.access import Access, is_loopback
from api.keys import KeyStore
from api.metrics import Metrics
from api.problems import NotReady
from api.scoped import ScopedJobs, scoped
from api.settings import Settings
from api.streaming import During
from api.wiring import Engine, build, ingest_options
from index.errors import StorageError
from index.jobs import JobLimits, JobStore
from index.worker import JobWorker
from rag.types import Answer

log = logging.getLogger(__name__)


class State:
    """Loads the engine in the background, so that the service answers `/healthz` at once."""

    def __init__(
        self, settings: Settings, engine: Engine | None = None, *, takes_jobs: bool = True
    ) -> None:
        """`takes_jobs`: work off what waits to be taken in, where no other process does."""
        self.settings = settings
        self._takes_jobs = takes_jobs
        self.metrics = Metrics()
        self.tracing = tracing.begin() if settings.tracing else None
        self.is_draining = False
        self.busy = 0
        self.jobs = JobStore(
            settings.data_dir, JobLimits(settings.waiting_files, settings.waiting_bytes)
        )
        self._worker: JobWorker | None = None
        self.keys = KeyStore(settings.data_dir)
        self._engine = engine
        self._failure: Exception | None = None
        self._stopped = False
        self._is_read_only = False

    def start(self) -> None:
        """Begin loading, unless an engine was given."""
        folder = self.settings.data_dir
        self._is_read_only = folder.is_dir() and not os.access(folder, os.W_OK)
        if self._engine is None:
            threading.Thread(target=self._load, name="quoth-load", daemon=True).start()
        else:
            self._begin_jobs(self._engine)

    def stop(self) -> None:
        """Close what is open."""
        self._stopped = True
        is_idle = self._worker is None or self._worker.stop(self.settings.shutdown_seconds)
        self.metrics.stop()
        if self.busy or not is_idle:
            # A thread still works: closing its connection would crash it. The process ends soon.
            log.warning("stopping while %d requests or a job are unfinished", self.busy)
        else:
            if self._engine is not None:
                self._engine.index.close()
            self.keys.close()
            self.jobs.close()
        if self.tracing is not None:
            self.tracing.stop()

    def check_writable(self) -> None:
        """Write a few bytes into the data folder, unless it was read-only from the start.

        Raises:
            StorageError: they could not be written.
        """
        folder = self.settings.data_dir
        if self._is_read_only:
            return
        try:
            with tempfile.TemporaryFile(dir=folder) as probe:
                probe.write(bytes(4096))
                probe.flush()
        except OSError as error:
            raise StorageError(
                f"The data folder {folder} cannot be written ({error.strerror}): make room, or "
                "allow it."
            ) from error

    async def finish(self) -> None:
        """Wait for work whose time was over, but no longer than a stop may take."""
        end = time.monotonic() + self.settings.shutdown_seconds
        while self.busy and time.monotonic() < end:
            await asyncio.sleep(0.02)

    def count_busy(self, change: int) -> None:
        """A request's work began (1) or ended (-1)."""
        self.busy += change

    @property
    def failure(self) -> Exception | None:
        """Why loading failed, if it did."""
        return self._failure

    def engine(self) -> Engine:
        """The engine.

        Raises:
            NotReady: it is still loading.
            Exception: what loading failed with.
        """
        if self._failure is not None:
            # Each raising adds to its traceback what it came through.
            raise self._failure.with_traceback(None)
        if self._engine is None:
            raise NotReady("The models are still loading: try again in a few seconds.")
        return self._engine

    def engine_for(self, access: Access) -> Engine:
        """The engine as a key sees it, and what it answers is counted.

        Raises:
            As `engine`.
        """
        engine = self.engine()
        index = scoped(engine.index, access)
        return replace(engine, index=index, observe=self._answered)

    def _answered(self, answer: Answer) -> None:
        self.metrics.answered(answer)
        if self.tracing is not None:
            self.tracing.answered(answer)

    def _load(self) -> None:
        try:
            engine = build(self.settings, create=True, batched=self.metrics.batch)
        except Exception as error:
            # Told to every request, and by /readyz, until the cause is mended and it is restarted.
            log.error("the service cannot start: %s", error)
            self._failure = error
            return
        self._engine = engine
        if self._stopped:
            engine.index.close()
        else:
            self._begin_jobs(engine)

    @property
    def is_exposed(self) -> bool:
        """Whether others than programs on this machine can reach the service."""
        return not is_loopback(self.settings.host)

    def needs_key(self) -> bool:
        """Whether requests need a key."""
        return self.is_exposed or self.keys.any()

    def wake_worker(self) -> None:
        """There is a new job. Where another process works, that one looks by itself."""
        if self._worker is not None:
            self._worker.wake()

    def _begin_jobs(self, engine: Engine) -> None:
        if self._is_read_only or not self._takes_jobs:
            return
        self._worker = JobWorker(engine.index, self.jobs, ingest_options(self.settings))
        self._worker.start()


def _state(request: Request) -> State:
    state: State = request.app.state.quoth
    return state


def _access(request: Request) -> Access:
    access: Access = request.state.access
    return access


def _engine(
    state: Annotated[State, Depends(_state)], access: Annotated[Access, Depends(_access)]
) -> Engine:
    """The engine as the request's key sees it."""
    return state.engine_for(access)


def _jobs(
    state: Annotated[State, Depends(_state)], access: Annotated[Access, Depends(_access)]
) -> ScopedJobs:
    """The jobs as the request's key sees them."""
    return ScopedJobs(state.jobs, access)


def _during(request: Request, state: Annotated[State, Depends(_state)]) -> During:
    """What a stream that answers the request is held to."""
    grace = max(0, state.settings.shutdown_seconds - 1)
    return During(request.state.deadline, state.count_busy, grace)


CurrentAccess = Annotated[Access, Depends(_access)]
CurrentJobs = Annotated[ScopedJobs, Depends(_jobs)]
CurrentDuring = Annotated[During, Depends(_during)]
CurrentState = Annotated[State, Depends(_state)]
CurrentEngine = Annotated[Engine, Depends(_engine)]
