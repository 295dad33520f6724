"""Jobs over HTTP, and over `kill -9`."""

import json
import os
import random
import sqlite3
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.keys import KeyStore
from api.settings import Settings
from api.wiring import Engine
from documents.load import Raw
from index.errors import StorageError
from index.jobs import JobStore
from tests import LOCAL
from tests.api.sockets import fake_server, free_port
from tests.api.test_http import add, assert_problem
from tests.index.test_local import unprivileged

Client = httpx.Client | TestClient


def files(names: list[str]) -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("files", (name, f"The text of {name}.".encode(), "text/plain")) for name in names]


def finished(client: Client, job_id: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}", headers=headers).json()
        if job["finished_at"]:
            return job
        time.sleep(0.02)
    pytest.fail(f"the job is not finished: {job}")


def test_many_files_later(client: TestClient) -> None:
    sent = files([f"{n}.txt" for n in range(150)])
    assert client.post("/v1/documents", files=sent).status_code == 400  # too many at once
    sent.append(("files", ("x.pdf", b"%PDF-1.7", "application/pdf")))
    response = client.post("/v1/documents", params={"background": "true"}, files=sent)
    assert response.status_code == 202
    accepted = response.json()
    assert response.headers["location"] == f"/v1/jobs/{accepted['id']}"
    assert (accepted["collection"], accepted["files"]) == ("default", 151)
    job = finished(client, accepted["id"])
    assert (job["status"], job["finished"], job["failed"]) == ("done", 151, 1)
    assert [outcome["source"] for outcome in job["outcomes"]] == [name for _f, (name, *_r) in sent]
    assert {outcome["status"] for outcome in job["outcomes"][:-1]} == {"added"}
    assert job["outcomes"][-1]["status"] == "failed"
    assert len(client.get("/v1/documents", params={"limit": 1000}).json()["documents"]) == 150
    listed = client.get("/v1/jobs").json()
    assert [entry["id"] for entry in listed["jobs"]] == [accepted["id"]]
    assert listed["next"] is None


def test_a_text_later_as_the_header_asks(client: TestClient) -> None:
    body = {"source": "a.txt", "text": "The keeper lit the lamp.", "collection": "news"}
    headers = {"Prefer": "wait=5, respond-async"}
    response = client.post("/v1/documents", json=body, headers=headers)
    assert response.status_code == 202
    assert response.headers["preference-applied"] == "respond-async"
    job = finished(client, response.json()["id"])
    assert job["outcomes"][0]["status"] == "added"
    question = {"question": "who lit the lamp", "collection": "news"}
    assert client.post("/v1/answer", json=question).json()["answer"] == "The keeper lit the lamp."


def test_a_bad_request_makes_no_job(client: TestClient) -> None:
    background = {"background": "true"}
    for body in ({"source": "", "text": "x"}, {"text": "x"}, {"source": "a", "text": "\ud800"}):
        content = json.dumps(body)
        headers = {"content-type": "application/json"}
        response = client.post("/v1/documents", params=background, content=content, headers=headers)
        assert response.status_code == 422
    response = client.post("/v1/documents", params=background, files=[("other", b"x")])
    assert response.status_code == 422
    assert client.get("/v1/jobs").json()["jobs"] == []
    assert_problem(client.get("/v1/jobs/job_none"), 404, "unknown-job")
    assert_problem(client.delete("/v1/jobs/job_none"), 404, "unknown-job")


def test_a_full_queue_says_when_to_come_back(settings: Settings, engine: Engine) -> None:
    small = settings.model_copy(update={"waiting_files": 1})
    with TestClient(create_app(small, engine), LOCAL) as client:
        response = client.post(
            "/v1/documents", params={"background": "true"}, files=files(["a.txt", "b.txt"])
        )
        assert_problem(response, 503, "too-many-jobs")
        assert response.headers["retry-after"]


def test_cancelling(tmp_path: Path) -> None:
    with fake_server(tmp_path / "data", 0, 0.5) as (_process, client):
        big = [
            ("files", (f"{n}.txt", f"Text {n}. ".encode() * 4000, "text/plain")) for n in range(9)
        ]
        job = client.post("/v1/documents", params={"background": "true"}, files=big).json()
        while not client.get(f"/v1/jobs/{job['id']}").json()["finished"]:
            time.sleep(0.05)
        cancelled = client.delete(f"/v1/jobs/{job['id']}").json()
        assert cancelled["status"] == "cancelled"
        kinds = [outcome["status"] for outcome in cancelled["outcomes"]]
        assert kinds[0] == "added"
        assert kinds[-1] == "cancelled"
        time.sleep(1.2)
        stored = client.get("/v1/documents").json()["documents"]
        again = client.get(f"/v1/jobs/{job['id']}").json()["outcomes"]
        assert {d["source"] for d in stored} == {
            o["source"] for o in again if o["status"] == "added"
        }
        assert len(stored) < 9


def test_removing_a_collection_gives_up_its_jobs(tmp_path: Path) -> None:
    with fake_server(tmp_path / "data", 0, 0.5) as (_process, client):
        big = [
            ("files", (f"{n}.txt", f"Text {n}. ".encode() * 4000, "text/plain")) for n in range(9)
        ]
        ids = {}
        for name in ("news", "other"):
            form = {"collection": name}
            sent = client.post(
                "/v1/documents",
                params={"background": "true"},
                data=form,
                files=big if name == "news" else big[:1],
            )
            ids[name] = sent.json()["id"]
        assert_problem(client.delete("/v1/collections/later"), 404, "unknown-collection")
        while not client.get(f"/v1/jobs/{ids['news']}").json()["finished"]:
            time.sleep(0.05)
        assert client.delete("/v1/collections/news").status_code == 204
        job = client.get(f"/v1/jobs/{ids['news']}").json()
        assert job["status"] == "cancelled"
        assert job["outcomes"][-1]["status"] == "cancelled"
        assert finished(client, ids["other"])["status"] == "done"
        names = [entry["name"] for entry in client.get("/v1/collections").json()["collections"]]
        assert names == ["other"]


def test_a_key_cancels_no_jobs_of_other_collections(settings: Settings, engine: Engine) -> None:
    jobs = JobStore(settings.data_dir)
    jobs.add("hidden", [Raw(b"Later.", "a.txt", "a.txt")])
    engine.index.store.create_collection("hidden")
    keys = KeyStore(settings.data_dir)
    _key, text = keys.create("one", ["write"], ["open"])
    app = create_app(settings, engine)
    app.state.quoth._takes_jobs = False
    with TestClient(app, LOCAL, headers={"X-API-Key": text}) as client:
        assert_problem(client.delete("/v1/collections/hidden"), 404, "unknown-collection")
    assert jobs.pending()[0] == 1
    jobs.close()
    keys.close()


def test_files_of_a_newer_version_are_refused(
    settings: Settings, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    JobStore(settings.data_dir).add("news", [Raw(b"Later.", "a.txt", "a.txt")])
    with sqlite3.connect(settings.data_dir / "jobs.sqlite3") as connection:
        connection.execute("PRAGMA user_version = 2")
    with TestClient(create_app(settings, engine), LOCAL) as client:
        assert_problem(client.get("/v1/jobs"), 503, "storage-unavailable")
    assert "jobs.sqlite3 was made by a newer Quoth: upgrade Quoth." in caplog.text
    keys = KeyStore(settings.data_dir)
    _key, text = keys.create("one", ["read"])
    assert keys.verify(text) is not None
    keys.close()
    with sqlite3.connect(settings.data_dir / "keys.sqlite3") as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (1,)
        connection.execute("PRAGMA user_version = 2")
    for look in (keys.list, keys.any, lambda: keys.verify(text)):
        with pytest.raises(StorageError, match="newer Quoth: upgrade"):
            look()


def test_a_folder_that_cannot_be_written_has_no_jobs(settings: Settings, engine: Engine) -> None:
    engine.index.store.create_collection("news")
    for path in [*list(settings.data_dir.parents)[:3]]:
        os.chmod(path, 0o755)
    os.chmod(settings.data_dir, 0o555)
    app = create_app(settings, engine)
    app.state.quoth._takes_jobs = False
    try:
        with unprivileged(), TestClient(app, LOCAL) as client:
            assert client.get("/v1/jobs").json() == {"jobs": [], "next": None}
            assert_problem(client.get("/v1/jobs/job_none"), 404, "unknown-job")
            metrics = client.get("/metrics")
            assert metrics.status_code == 200
            assert "quoth_job_files_waiting 0.0" in metrics.text
    finally:
        os.chmod(settings.data_dir, 0o755)


def test_kill_in_the_middle_of_a_job(tmp_path: Path) -> None:
    """Six kills at random moments: the job goes on after each, nothing is lost or doubled."""
    folder, port = tmp_path / "data", free_port()
    moments = random.Random(6)
    accepted: dict[str, int] = {}
    for kill in range(6):
        with fake_server(folder, 0, 0.05, port=port) as (process, client):
            sent = files([f"{kill}-{n}.txt" for n in range(40)])
            response = client.post("/v1/documents", params={"background": "true"}, files=sent)
            assert response.status_code == 202
            accepted[response.json()["id"]] = kill
            add(client, f"now-{kill}.txt", f"Stored at once, {kill}.")  # type: ignore[arg-type]
            time.sleep(moments.uniform(0, 0.3))
            process.kill()
            process.wait()
    with fake_server(folder, 0, 0.01, port=port) as (_process, client):
        for job_id, kill in accepted.items():
            job = finished(client, job_id)
            assert job["status"] == "done"
            assert [o["source"] for o in job["outcomes"]] == [f"{kill}-{n}.txt" for n in range(40)]
            assert {o["status"] for o in job["outcomes"]} <= {"added", "unchanged"}
        documents = client.get("/v1/documents", params={"limit": 1000}).json()["documents"]
        expected = {f"{kill}-{n}.txt" for kill in range(6) for n in range(40)}
        assert sorted(d["source"] for d in documents) == sorted(
            expected | {f"now-{kill}.txt" for kill in range(6)}
        )
    with sqlite3.connect(folder / "jobs.sqlite3") as connection:
        assert connection.execute("SELECT count(data) FROM items").fetchone() == (0,)
