"""Several processes on one data folder: nothing is lost between them, and one may die."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx

from tests.api.sockets import fake_server, free_port
from tests.api.test_jobs import files, finished
from tests.shared_data import ROOT


def children(pid: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid and b"spawn_main" in command:
            found.append(int(folder.name))
    return found


def test_two_workers_share_a_folder(tmp_path: Path) -> None:
    port = free_port()

    def ask(number: int) -> int:
        # A connection of its own each, so that both processes get some.
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            body = {"source": f"{number}.txt", "text": f"Keeper {number} lit the lamp."}
            assert client.post("/v1/documents", json=body).status_code == 201
            question = {"question": f"keeper {number} lit the lamp"}
            answer = client.post("/v1/answer", json=question).json()
            assert answer["answer"] == body["text"]
            return 1

    with fake_server(tmp_path / "data", port=port, workers=2) as (process, client):
        try:
            with ThreadPoolExecutor(8) as pool:
                assert sum(pool.map(ask, range(40))) == 40
            listed = client.get("/v1/documents", params={"limit": 1000}).json()["documents"]
            assert len(listed) == 40
            # Whichever process is asked, the numbers are those of both.
            for _ in range(4):
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as other:
                    text = other.get("/metrics").text
                assert 'quoth_answers_total{status="answered"} 40.0' in text
                assert "quoth_documents 40.0" in text
            # One dies while a job is being worked off: the other goes on with it.
            sent = files([f"later-{n}.txt" for n in range(100)])
            job = client.post("/v1/documents", params={"background": "true"}, files=sent).json()
            victims = children(process.pid)
            assert len(victims) == 2
            os.kill(victims[0], signal.SIGKILL)
            with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as other:
                for _ in range(50):
                    try:
                        done = finished(other, job["id"])
                        break
                    except httpx.TransportError:
                        time.sleep(0.2)
                assert (done["status"], done["failed"]) == ("done", 0)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def test_a_process_that_was_killed_works_on_nothing_any_more(tmp_path: Path) -> None:
    def python(code: str) -> str:
        environment = {**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
        code = f"import os; from api.metrics import Metrics; metrics = Metrics(); {code}"
        return subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, env=environment, stdout=-1, text=True
        ).stdout

    # It dies in the middle of three requests, without an end to anything.
    python("metrics.running.inc(3); os._exit(9)")
    told = python("metrics.running.inc(2); print(metrics.exposition().decode())")
    assert "quoth_requests_running 2.0" in told.splitlines()
