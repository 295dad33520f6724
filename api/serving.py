"""Runs the service: where it may listen, in how many processes, and how it stops."""

import os
import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from fastapi import FastAPI
from starlette.types import ASGIApp

from api import tracing
from api.access import is_loopback
from api.keys import KeyStore
from api.settings import PREFIX, InvalidSettings, Settings, load_settings
from api.state import State
from api.wiring import set_up_logging


def serve(settings: Settings, worker: str = "api.serving:worker") -> None:
    """Listen until a signal stops it. `worker` makes the application in one of several processes.

    Raises:
        InvalidSettings: others could reach it, and no key keeps them out.
        MissingExtra: traces are wanted, and what sends them is not installed.
    """
    import uvicorn

    require_key_where_exposed(settings)
    if settings.tracing:
        tracing.require()
    set_up_logging(settings)
    if settings.workers == 1:
        from api.app import create_app

        listen(create_app(settings), settings)
        return
    with tempfile.TemporaryDirectory(prefix="quoth-metrics-") as folder:
        # Children read their settings from the environment, as this process did.
        os.environ |= environment_of(settings) | {"PROMETHEUS_MULTIPROC_DIR": folder}
        uvicorn.run(
            worker,
            factory=True,
            workers=settings.workers,
            timeout_worker_healthcheck=60,
            **_options(settings),  # type: ignore[arg-type]
        )


def listen(app: ASGIApp, settings: Settings) -> None:
    """Serve an application from this process alone, until a signal stops it."""
    import uvicorn

    uvicorn.run(app, **_options(settings))  # type: ignore[arg-type]


def _options(settings: Settings) -> dict[str, object]:
    return {
        "host": settings.host,
        "port": settings.port,
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies or None,
        "timeout_graceful_shutdown": settings.shutdown_seconds,
    }


def worker() -> FastAPI:
    """The application in one of several processes."""
    from api.app import create_app

    settings = load_settings()
    set_up_logging(settings)
    return create_app(settings)


def environment_of(settings: Settings) -> dict[str, str]:
    """Variables that `load_settings` reads these settings from."""
    values = settings.model_dump(mode="json", exclude_none=True)
    return {f"{PREFIX}{name.upper()}": str(value) for name, value in values.items()}


def require_key_where_exposed(settings: Settings) -> None:
    """Refuse to listen where others reach it while no key keeps them out.

    Raises:
        InvalidSettings: naming what to do.
    """
    if is_loopback(settings.host):
        return
    keys = KeyStore(settings.data_dir)
    try:
        if not keys.any_active():
            raise InvalidSettings(
                f"Others can reach {settings.host}, and there is no key yet: make one with "
                "`quoth keys create NAME`, or listen on 127.0.0.1."
            )
    finally:
        keys.close()


@contextmanager
def draining(state: State) -> Iterator[None]:
    """While the application runs: a signal to stop first makes `/readyz` say so, and is passed on
    `drain_seconds` later, so that whoever spreads requests over several services goes elsewhere.
    """
    is_main = threading.current_thread() is threading.main_thread()
    previous = signal.getsignal(signal.SIGTERM)
    if not is_main or not callable(previous):  # nobody to pass it on to: a test, another server
        yield
        return
    stop_server = previous
    timers: list[threading.Timer] = []

    def stop(number: int, frame: FrameType | None) -> None:
        # A second signal does not wait.
        delay = 0.0 if state.is_draining else state.settings.drain_seconds
        state.is_draining = True
        if delay == 0:
            stop_server(number, frame)
            return
        timer = threading.Timer(delay, stop_server, (number, frame))
        timer.daemon = True
        timer.start()
        timers.append(timer)

    signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        for timer in timers:
            timer.cancel()
        signal.signal(signal.SIGTERM, previous)
