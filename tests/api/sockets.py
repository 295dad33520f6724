"""Server processes for tests: started on a free port, stopped whatever happens."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.shared_data import ROOT


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@contextmanager
def fake_server(
    folder: Path, *delays: float, port: int | None = None, **settings: object
) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The process and a client of it, once it is ready. `delays`: seconds a question takes, and
    seconds a batch of passages takes.
    """
    port = port or free_port()
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("QUOTH")
    }
    environment |= {f"QUOTH_{name.upper()}": str(value) for name, value in settings.items()}
    environment["PYTHONPATH"] = str(ROOT)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.fake_server", str(folder), str(port), *map(str, delays)],
        cwd=folder.parent,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_until_ready(client)
            yield process, client
    finally:
        process.kill()
        process.communicate()


def wait_until_ready(client: httpx.Client) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if client.get("/readyz").status_code == 200:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.05)
    pytest.fail("the server did not become ready")
