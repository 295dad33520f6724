"""Many clients at once: places, queues, time limits, stopping, what is said around an answer."""

import asyncio
import io
import json
import logging
import re
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from fastapi.testclient import TestClient
from openai._models import FinalRequestOptions
from starlette.types import Message, Receive, Scope, Send

from api import logs
from api.admission import SLOWEST, Gate, Places
from api.app import create_app
from api.limits import BodyLimit
from api.metrics import Metrics
from api.serving import environment_of, require_key_where_exposed
from api.settings import InvalidSettings, Settings, load_settings
from api.wiring import Engine
from documents.load import Raw
from index.ingest import ingest
from tests import LOCAL
from tests.api.sockets import fake_server, free_port
from tests.api.test_http import add, assert_problem


class Service:
    """An application at the end of the middlewares, that answers when it is told to."""

    def __init__(self) -> None:
        self.started = 0
        self.finished = 0
        self.let_go = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.started += 1
        await self.let_go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})
        self.finished += 1


class Reading:
    """An application that answers when it has its body."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})


async def ask(app: Any, path: str = "/v1/answer") -> tuple[int, dict[str, str]]:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "http", "path": path, "headers": [], "method": "POST"}, receive, send)
    headers = {key.decode(): value.decode() for key, value in sent[0]["headers"]}
    assert len([m for m in sent if m["type"] == "http.response.start"]) == 1
    return sent[0]["status"], headers


def test_the_queue_is_bounded() -> None:
    async def scenario() -> None:
        service = Service()
        metrics = Metrics()
        gate = Gate(service, running=2, waiting=3, timeout_s=60, metrics=metrics)
        tasks = [asyncio.create_task(ask(gate)) for _ in range(9)]
        await asyncio.sleep(0.05)
        assert service.started == 2
        refused = [task.result() for task in tasks if task.done()]
        assert [status for status, _headers in refused] == [503] * 4
        assert all(int(headers["retry-after"]) >= 1 for _status, headers in refused)
        # Health is told while all places are taken.
        health = asyncio.create_task(ask(gate, "/healthz"))
        await asyncio.sleep(0.05)
        assert service.started == 3
        service.let_go.set()
        assert [(await task)[0] for task in tasks].count(200) == 5
        assert (await health)[0] == 200
        text = metrics.exposition().decode()
        assert 'quoth_refused_total{reason="overloaded"} 4.0' in text
        assert "quoth_requests_running 0.0" in text
        assert "quoth_requests_waiting 0.0" in text

    asyncio.run(scenario())


def test_a_request_that_takes_too_long_keeps_its_place_until_it_is_done() -> None:
    async def scenario() -> None:
        service = Service()
        gate = Gate(service, running=1, waiting=5, timeout_s=0.1, metrics=Metrics())
        assert (await ask(gate))[0] == 504
        assert service.finished == 0
        status, headers = await ask(gate)  # the place is still taken: this one waited in vain
        assert status == 503
        assert headers["retry-after"]
        assert service.started == 1
        service.let_go.set()
        await asyncio.sleep(0.01)
        assert service.finished == 1
        assert (await ask(gate))[0] == 200

    asyncio.run(scenario())


def test_a_body_that_stops_coming_is_given_up() -> None:
    async def scenario() -> tuple[int, list[str]]:
        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            while (await receive()).get("more_body"):
                pass
            raise AssertionError("the body never ends")

        sent: list[Message] = []
        first = True

        async def receive() -> Message:
            nonlocal first
            if first:
                first = False
                return {"type": "http.request", "body": b"{", "more_body": True}
            await asyncio.sleep(60)
            raise AssertionError("not reached")

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "path": "/v1/answer", "headers": [], "method": "POST"}
        await BodyLimit(app, limit=1000, idle_s=0.05)(scope, receive, send)
        return sent[0]["status"], [json.loads(sent[1]["body"])["type"]]

    assert asyncio.run(scenario()) == (408, ["urn:quoth:problem:request-timeout"])


def test_a_place_that_comes_when_nobody_waits_any_more() -> None:
    """Whoever leaves passes over the one whose time is over, who is not in the queue then."""

    async def scenario() -> None:
        places = Places(1, 5, Metrics())
        assert await places.enter(1)
        waits = asyncio.create_task(places.enter(0.01))
        await asyncio.sleep(0)
        # Busy beyond its time, so that it is over in the very pass in which the place is left.
        time.sleep(0.05)
        asyncio.get_running_loop().call_later(0, places.leave)
        assert await waits in (True, False)
        # The place is free or taken by the one who waited, never lost.
        if not waits.result():
            assert await places.enter(0)
        assert not await places.enter(0.01)

    asyncio.run(scenario())


def test_a_body_has_its_own_time_and_its_own_places() -> None:
    """A long upload that goes on steadily is not cut off, and leaves the questions their places."""

    async def scenario() -> None:
        service = Reading()
        gate = Gate(service, running=1, waiting=0, timeout_s=0.5, metrics=Metrics())
        body: asyncio.Queue[Message] = asyncio.Queue()
        sent: list[Message] = []

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "path": "/v1/documents", "headers": [], "method": "POST"}
        upload = asyncio.create_task(gate(scope, body.get, send))
        for _ in range(10):
            part = b"x" * (SLOWEST // 5)
            await body.put({"type": "http.request", "body": part, "more_body": True})
            await asyncio.sleep(0.1)
            assert (await ask(gate))[0] == 200
        assert not sent
        await body.put({"type": "http.request", "body": b"", "more_body": False})
        await asyncio.wait_for(upload, 10)
        assert sent[0]["status"] == 200
        # One of which a byte comes now and then is over when its time is.
        sent.clear()
        slow = asyncio.create_task(gate(scope, body.get, send))
        for _ in range(8):
            await body.put({"type": "http.request", "body": b"x", "more_body": True})
            await asyncio.sleep(0.1)
        await asyncio.wait_for(slow, 10)
        assert sent[0]["status"] == 504

    asyncio.run(scenario())


def test_small_bodies_where_no_documents_are_sent(client: TestClient, settings: Settings) -> None:
    def endless() -> Any:
        for _ in range(2000):
            yield b" " * 10_000

    headers = {"content-type": "application/json"}
    for path in ("/v1/answer", "/v1/search", "/v1/collections"):
        response = client.post(path, content=endless(), headers=headers)
        assert_problem(response, 413, "too-large")


def test_an_answer_over_its_time_is_504(
    settings: Settings, engine: Engine, monkeypatch: Any
) -> None:
    let_go = threading.Event()
    short = settings.model_copy(update={"request_seconds": 1.0})
    (stored,) = ingest(engine.index, "default", [Raw(b"Lemons.", "a.txt", "a.txt")])
    assert stored.status == "added"
    with TestClient(create_app(short, engine), LOCAL) as client:
        search = type(engine.index).search

        def slow(*arguments: Any, **options: Any) -> Any:
            assert let_go.wait(30)
            return search(*arguments, **options)

        monkeypatch.setattr(type(engine.index), "search", slow)
        response = client.post("/v1/answer", json={"question": "lemons"})
        let_go.set()
        assert "background" in assert_problem(response, 504, "timeout")


def test_headers_that_keep_browsers_careful(client: TestClient) -> None:
    response = client.get("/v1/collections")
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-frame-options"] == "DENY"
    assert response.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in response.headers["content-security-policy"]
    assert "access-control-allow-origin" not in response.headers


def test_other_origins_are_let_in_by_name_only(settings: Settings, engine: Engine) -> None:
    site = "https://app.example"
    listed = settings.model_copy(update={"cors_origins": f"{site}/, https://other.example"})
    with TestClient(create_app(listed, engine), LOCAL) as client:
        preflight = {"Origin": site, "Access-Control-Request-Method": "POST"}
        response = client.options("/v1/answer", headers=preflight)
        assert response.status_code == 200
        assert response.headers["access-control-allow-origin"] == site
        response = client.get("/v1/collections", headers={"Origin": site})
        assert response.headers["access-control-allow-origin"] == site
        evil = {**preflight, "Origin": "https://evil.example"}
        response = client.options("/v1/answer", headers=evil)
        assert "access-control-allow-origin" not in response.headers


def test_a_browser_may_send_what_the_openai_client_sends(
    settings: Settings, engine: Engine
) -> None:
    """Every header of the official client's own requests passes the preflight."""
    client = openai.OpenAI(api_key="k", base_url="http://x/v1")
    request = client._build_request(FinalRequestOptions(method="post", url="/chat/completions"))
    listed = settings.model_copy(update={"cors_origins": "https://app.example"})
    sent = [name for name in request.headers if name.startswith(("x-stainless", "auth"))]
    assert len(sent) > 5
    with TestClient(create_app(listed, engine), LOCAL) as http:
        preflight = {
            "Origin": "https://app.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": ", ".join(sent),
        }
        assert http.options("/v1/chat/completions", headers=preflight).status_code == 200
        preflight["Access-Control-Request-Headers"] += ", x-other"
        assert http.options("/v1/chat/completions", headers=preflight).status_code == 400


def test_a_request_has_an_id(client: TestClient) -> None:
    given = client.get("/healthz", headers={"X-Request-ID": "abc-1.2_3"})
    assert given.headers["x-request-id"] == "abc-1.2_3"
    ids = set()
    for odd in ("", "x" * 65, "a b", 'a"b', "ä"):
        headers = {"X-Request-ID": odd.encode()}
        ids.add(client.get("/healthz", headers=headers).headers["x-request-id"])
    assert len(ids) == 5
    assert all(re.fullmatch("[0-9a-f]{32}", identity) for identity in ids)
    assert client.get("/v1/nothing").headers["x-request-id"]


@pytest.mark.parametrize("form", ["json", "text"])
def test_logs_say_what_happened_and_nothing_that_was_written(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.JsonFormatter() if form == "json" else logs.TextFormatter())
    root = logging.getLogger()
    root.addHandler(handler)
    level = root.level
    logs.set_up("debug", form)
    try:
        with TestClient(
            create_app(settings, engine), LOCAL, raise_server_exceptions=False
        ) as client:
            add(client, "quince.txt", "Quinces are yellow.")
            headers = {"X-Request-ID": "my-id", "Authorization": "Bearer quince-key"}
            client.post("/v1/answer", json={"question": "are quinces yellow"}, headers=headers)
            client.get("/v1/documents/doc_quince", headers=headers)
            streamed = {"question": "are quinces yellow", "stream": True, "min_confidence": 0}
            assert "Quinces" in client.post("/v1/answer", json=streamed, headers=headers).text
            messages = [{"role": "user", "content": "are quinces yellow"}]
            chat = {"model": "quoth", "messages": messages, "stream": True}
            client.post("/v1/chat/completions", json=chat, headers=headers)

            def broken(*_arguments: object, **_options: object) -> None:
                raise RuntimeError("quince jam")

            monkeypatch.setattr(type(engine.index), "search", broken)
            response = client.post("/v1/answer", json={"question": "quince?"}, headers=headers)
            assert response.status_code == 500
            assert response.headers["x-request-id"] == "my-id"
            assert "default-src" in response.headers["content-security-policy"]
    finally:
        root.removeHandler(handler)
        root.setLevel(level)
        for name in ("uvicorn", "documents", "index", "rag", "api", "quoth"):
            logging.getLogger(name).setLevel(logging.NOTSET)
    # Our own lines; the test client's own log names its addresses.
    lines = [line for line in stream.getvalue().splitlines() if "httpx" not in line]
    assert not [line for line in lines if "quince" in line.lower()]
    if form == "json":
        entries = [json.loads(line) for line in lines]
        requests = [
            e for e in entries if e["message"] == "request" and e.get("request_id") == "my-id"
        ]
        assert [(e["method"], e["route"], e["status"]) for e in requests] == [
            ("POST", "/v1/answer", 200),
            ("GET", "/v1/documents/{document_id}", 404),
            ("POST", "/v1/answer", 200),
            ("POST", "/v1/chat/completions", 200),
            ("POST", "/v1/answer", 500),
        ]
        assert all(e["duration_ms"] > 0 for e in requests)
        (failure,) = (e for e in entries if "exception" in e)
        assert failure["exception"][0] == "builtins.RuntimeError"
        assert failure["request_id"] == "my-id"
    else:
        assert any("builtins.RuntimeError" in line for line in lines)
        assert any("request_id=my-id" in line for line in lines)


def test_what_is_counted(client: TestClient) -> None:
    add(client, "a.txt", "The keeper lit the lamp in 1871.")
    client.post("/v1/answer", json={"question": "who lit the lamp in 1871"})
    client.post("/v1/answer", json={"question": "population of Lisbon"})
    streamed = {"question": "who lit the lamp in 1871", "stream": True}
    client.post("/v1/answer", json=streamed)
    client.get("/v1/models/quoth/secret-path/of/somebody")
    client.get("/v1/documents/doc_a")
    client.get("/v1/secret-path-of-somebody")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    counted = dict(
        line.rsplit(" ", 1) for line in response.text.splitlines() if not line.startswith("#")
    )
    requests = 'quoth_http_requests_total{method="%s",route="%s",status="%s"}'
    assert counted[requests % ("POST", "/v1/answer", "200")] == "3.0"
    assert counted[requests % ("GET", "/v1/models/{model:path}", "404")] == "1.0"
    assert counted[requests % ("GET", "/v1/documents/{document_id}", "404")] == "1.0"
    assert counted[requests % ("GET", "unmatched", "404")] == "1.0"
    assert counted['quoth_answers_total{status="answered"}'] == "2.0"
    assert counted['quoth_answers_total{status="no_answer"}'] == "1.0"
    assert counted["quoth_answer_confidence_count"] == "3.0"
    assert counted['quoth_stage_seconds_count{stage="retrieve"}'] == "3.0"
    assert (counted["quoth_documents"], counted["quoth_chunks"]) == ("1.0", "1.0")
    assert float(counted["quoth_store_bytes"]) > 0
    assert "secret-path" not in response.text
    assert "default" not in response.text


def test_readiness_tells_the_truth(
    settings: Settings, engine: Engine, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert client.get("/readyz").json() == {"status": "ok", "detail": ""}
    state = client.app.state.quoth  # type: ignore[attr-defined]
    moved = settings.data_dir.rename(settings.data_dir.parent / "moved")
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "failed")
    assert response.json()["detail"] == "storage-unavailable"
    moved.rename(settings.data_dir)
    assert client.get("/readyz").status_code == 200
    state.is_draining = True
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (503, "stopping")
    assert client.get("/healthz").status_code == 200


# Over a real socket


def test_a_stopped_service_finishes_what_it_began(tmp_path: Path) -> None:
    with fake_server(tmp_path / "data", 1.0, shutdown_seconds=20) as (process, client):
        add(client, "a.txt", "The keeper lit the lamp.")  # type: ignore[arg-type]
        with ThreadPoolExecutor(4) as pool:
            question = {"question": "who lit the lamp"}
            asked = [pool.submit(client.post, "/v1/answer", json=question) for _ in range(4)]
            time.sleep(0.4)
            process.send_signal(signal.SIGTERM)
            answers = [future.result(60) for future in asked]
        assert [answer.status_code for answer in answers] == [200] * 4
        assert {answer.json()["answer"] for answer in answers} == {"The keeper lit the lamp."}
        assert process.wait(30) in (0, -signal.SIGTERM)


def test_stopping_takes_no_longer_than_it_may(tmp_path: Path) -> None:
    with fake_server(tmp_path / "data", 60.0, shutdown_seconds=1) as (process, client):
        with ThreadPoolExecutor(1) as pool:
            add(client, "a.txt", "The keeper lit the lamp.")  # type: ignore[arg-type]
            asked = pool.submit(client.post, "/v1/answer", json={"question": "who lit the lamp"})
            time.sleep(0.4)
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) in (0, -signal.SIGTERM)
            # Whoever is cut off gets an error, never half an answer.
            assert_problem(asked.result(60), 503, "stopping")
        with fake_server(tmp_path / "data") as (_process, again):
            assert len(again.get("/v1/documents").json()["documents"]) == 1


def test_a_draining_service_says_so_and_still_answers(tmp_path: Path) -> None:
    with fake_server(tmp_path / "data", drain_seconds=2) as (process, client):
        add(client, "a.txt", "The keeper lit the lamp.")  # type: ignore[arg-type]
        process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        response = client.get("/readyz")
        assert (response.status_code, response.json()["status"]) == (503, "stopping")
        answer = client.post("/v1/answer", json={"question": "who lit the lamp"})
        assert answer.json()["answer"] == "The keeper lit the lamp."
        assert process.wait(30) in (0, -signal.SIGTERM)


def test_it_does_not_listen_to_others_without_a_key(settings: Settings) -> None:
    for host in ("0.0.0.0", "::", "quoth.example"):
        exposed = settings.model_copy(update={"host": host})
        with pytest.raises(InvalidSettings, match="quoth keys create"):
            require_key_where_exposed(exposed)
    require_key_where_exposed(settings)


def test_settings_go_through_the_environment(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment_of(settings).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


def test_no_request_opens_a_file(
    client: TestClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Paths wherever a text can go: none of them is looked at, let alone opened."""
    import sys

    opened: list[str] = []
    watching = False

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event in ("open", "os.listdir", "os.scandir", "os.rename", "os.remove"):
            opened.append(str(arguments[0]))

    sys.addaudithook(hook)
    secret = settings.data_dir.parent / "secret.txt"
    secret.write_text("The secret lamp.")
    add(client, "a.txt", "The keeper lit the lamp.")
    client.post("/v1/answer", json={"question": "lamp"})
    names = [
        str(secret),
        f"../{secret.name}",
        f"file://{secret}",
        f"{secret}\u0000.txt",
        "/etc/passwd",
    ]
    watching = True
    for name in names:
        client.post("/v1/answer", json={"question": name, "filters": {"sources": [name]}})
        client.post("/v1/search", json={"query": name, "collection": "default"})
        client.post("/v1/documents", json={"source": name, "text": "Harmless.", "title": name})
        client.post("/v1/documents", files=[("files", (name, b"Harmless.", "text/plain"))])
        client.get("/v1/documents", params={"collection": name, "after": name})
        client.get("/v1/documents/" + name.replace("/", "%2F").replace("\u0000", "%00"))
        client.post("/v1/collections", json={"name": name})
        client.get("/../../" + name.lstrip("/").replace("\u0000", "%00"))
    watching = False
    assert not [path for path in opened if "secret" in path or "passwd" in path]
    texts = [
        client.get(f"/v1/documents/{document['id']}").json()["text"]
        for document in client.get("/v1/documents").json()["documents"]
    ]
    assert "The secret lamp." not in texts


def test_a_slow_client_does_not_stop_the_others(tmp_path: Path) -> None:
    """One that sends a byte now and then, on a real socket, beside one that asks."""
    port = free_port()
    with (
        fake_server(tmp_path / "data", port=port, running_requests=2) as (_process, client),
        socket.create_connection(("127.0.0.1", port)) as slow,
    ):
        add(client, "a.txt", "The keeper lit the lamp.")  # type: ignore[arg-type]
        slow.sendall(b"POST /v1/answer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        for _ in range(5):
            answer = client.post("/v1/answer", json={"question": "who lit the lamp"})
            assert answer.status_code == 200
            slow.sendall(b" ")
