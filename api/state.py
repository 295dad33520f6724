"""What a running service holds: its settings, and the engine once it is loaded."""

import logging
import os
import tempfile
import threading
from dataclasses import replace
from typing import Annotated

from fastapi import Depends, Request

from api.access import Access
from api.keys import KeyStore
from api.metrics import Metrics
from api.problems import NotReady
from api.scoped import scoped
from api.settings import Settings
from api.wiring import Engine, build
from index.errors import StorageError

log = logging.getLogger(__name__)


class State:
    """Loads the engine in the background, so that the service answers `/healthz` at once."""

    def __init__(self, settings: Settings, engine: Engine | None = None) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self.is_draining = False
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

    def stop(self) -> None:
        """Close what is open."""
        self._stopped = True
        if self._engine is not None:
            self._engine.index.close()
        self.keys.close()
        self.metrics.stop()

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
            raise self._failure
        if self._engine is None:
            raise NotReady("The models are still loading: try again in a few seconds.")
        return self._engine

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
    engine = state.engine()
    index = scoped(engine.index, access)
    return replace(engine, index=index, observe=state.metrics.answered)


CurrentAccess = Annotated[Access, Depends(_access)]
CurrentState = Annotated[State, Depends(_state)]
CurrentEngine = Annotated[Engine, Depends(_engine)]
