"""The installed command, as processes of their own: a real server over a socket, the real model."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.api.sockets import free_port, wait_until_ready
from tests.shared_data import ROOT

pytestmark = pytest.mark.model
QUOTH = str(Path(sys.executable).parent / "quoth")


def test_a_server_answers_while_another_process_ingests(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "QUOTH_DATA_DIR": str(tmp_path / "data")}
    server = subprocess.Popen([QUOTH, "serve", "--port", str(port)], env=environment)
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            wait_until_ready(client)
            done = subprocess.run(
                [QUOTH, "ingest", str(ROOT / "examples" / "corpus")],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            stored = [line.split()[2] for line in done.stdout.splitlines()]
            assert len(stored) == 9
            listed = client.get("/v1/documents").json()["documents"]
            assert sorted(document["source"] for document in listed) == sorted(stored)
            body = client.post(
                "/v1/answer", json={"question": "Where was the lens hidden during the war?"}
            ).json()
            (citation,) = body["citations"]
            text = client.get(
                f"/v1/documents/{citation['document_id']}/text",
                params={"start": citation["start"], "end": citation["end"]},
            ).json()["text"]
            assert text == citation["quote"]
            assert "聖ニコラオス修道院" in text
    finally:
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=30) in (0, -signal.SIGTERM)
