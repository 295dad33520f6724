"""`stream: true` over a real socket: the order of events, errors, and clients that leave."""

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, ClassVar

import httpx
import pytest
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

import api.streaming
from api.app import create_app
from api.settings import Settings
from api.wiring import Engine
from documents.load import Raw
from index import interrupt
from index.ingest import ingest
from index.types import Hit
from rag.read import SentenceReader
from rag.types import Reading
from tests.api.conftest import CALIBRATION
from tests.api.live import events, live, wait_until

LIGHT = "# The light\n\nThe keeper lit the [lamp](http://a.example/x) in 1871. He kept 3 cats.\n"
QUESTION = {"question": "who lit the lamp in 1871"}


class GatedReader:
    """Reads once it is let; counts how often it was asked to."""

    name = "gated"

    def __init__(self, inner: SentenceReader) -> None:
        self.inner = inner
        self.gate = threading.Event()
        self.gate.set()
        self.reads = 0
        self.failure: Exception | None = None

    def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
        self.reads += 1
        self.gate.wait(120)
        if self.failure:
            raise self.failure
        return self.inner.read(question, hits)


@pytest.fixture
def reader(engine: Engine) -> GatedReader:
    return GatedReader(SentenceReader(engine.index.embedder, calibration=CALIBRATION))


@pytest.fixture
def http(settings: Settings, engine: Engine, reader: GatedReader) -> Iterator[httpx.Client]:
    app = create_app(settings, Engine(settings, engine.index, reader))
    with live(app) as address, httpx.Client(base_url=address, timeout=120) as client:
        text = {"source": "light.md", "text": LIGHT, "media_type": "text/markdown"}
        assert client.post("/v1/documents", json=text).status_code == 201
        yield client


def ask(client: httpx.Client, **request: Any) -> list[tuple[str, Any]]:
    with client.stream("POST", "/v1/answer", json={"stream": True, **request}) as response:
        assert response.status_code == 200, response.read()
        assert response.headers["content-type"].startswith("text/event-stream")
        assert "no-transform" in response.headers["cache-control"]
        assert response.headers["x-accel-buffering"] == "no"
        return list(events(response.iter_lines()))


def without_what_differs(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key not in ("id", "timings_ms")}


@pytest.mark.parametrize("request_", [QUESTION, {**QUESTION, "include_passages": True}])
def test_the_events_of_an_answer_are_its_parts(
    http: httpx.Client, request_: dict[str, Any]
) -> None:
    plain = http.post("/v1/answer", json=request_).json()
    streamed = ask(http, **request_)
    assert [name for name, _ in streamed] == ["passages", "answer", "citation", "done"]
    passages, answer, citation, done = (data for _, data in streamed)
    assert without_what_differs(done) == without_what_differs(plain)
    assert done["status"] == "answered"
    assert answer == {key: done[key] for key in answer}
    assert answer["answer"] == "The keeper lit the lamp in 1871."
    assert [citation] == done["citations"]
    (document,) = http.get("/v1/documents").json()["documents"]
    text = http.get(f"/v1/documents/{document['id']}/text").json()["text"]
    assert text[citation["start"] : citation["end"]] == citation["quote"] != ""
    for passage in passages["passages"]:
        assert text[passage["start"] : passage["end"]] == passage["text"]


def test_declining_has_no_citation_event(http: httpx.Client) -> None:
    streamed = ask(http, question="population of Lisbon")
    assert [name for name, _ in streamed] == ["passages", "answer", "done"]
    assert streamed[1][1]["status"] == "no_answer"
    assert streamed[2][1]["citations"] == []


def test_passages_arrive_before_they_are_read(http: httpx.Client, reader: GatedReader) -> None:
    reader.gate.clear()
    with http.stream("POST", "/v1/answer", json={**QUESTION, "stream": True}) as response:
        stream = events(response.iter_lines())
        assert next(stream)[0] == "passages"
        reader.gate.set()
        assert [name for name, _ in stream] == ["answer", "citation", "done"]


def test_silence_is_filled_with_comments(
    http: httpx.Client, reader: GatedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.streaming, "KEEP_ALIVE_SECONDS", 0.05)
    reader.gate.clear()
    with http.stream("POST", "/v1/answer", json={**QUESTION, "stream": True}) as response:
        stream = events(response.iter_lines())
        seen = [next(stream)[0] for _ in range(4)]
        assert seen.count("comment") >= 3
        reader.gate.set()
        assert list(stream)[-1][0] == "done"


@pytest.mark.parametrize(
    ("text", "names", "status"),
    [
        ("New words. " + LIGHT, ["answer", "citation", "done"], "answered"),
        ("It rains on Sundays.", ["answer", "done"], "no_answer"),
    ],
)
def test_a_document_that_changes_meanwhile_is_read_again(
    http: httpx.Client, reader: GatedReader, text: str, names: list[str], status: str
) -> None:
    reader.gate.clear()
    with http.stream("POST", "/v1/answer", json={**QUESTION, "stream": True}) as response:
        stream = events(response.iter_lines())
        assert next(stream)[0] == "passages"
        changed = {"source": "light.md", "text": text, "media_type": "text/markdown"}
        (outcome,) = http.post("/v1/documents", json=changed).json()["outcomes"]
        reader.gate.set()
        rest = list(stream)
    assert [name for name, _ in rest] == names
    whole = rest[-1][1]
    assert whole["status"] == status
    assert reader.reads == 2
    now = http.get(f"/v1/documents/{outcome['document_id']}").json()["text"]
    assert [now[c["start"] : c["end"]] for c in whole["citations"]] == [
        c["quote"] for c in whole["citations"]
    ]


@pytest.mark.parametrize(
    ("request_", "status", "kind"),
    [
        ({"question": ""}, 422, "invalid-question"),
        ({"question": "why", "limit": 0}, 422, "invalid-request"),
        ({"question": "why", "stream": "perhaps"}, 422, "invalid-request"),
        ({"question": "why", "collection": "missing"}, 404, "unknown-collection"),
    ],
)
def test_errors_before_the_stream_have_their_status(
    http: httpx.Client, request_: dict[str, Any], status: int, kind: str
) -> None:
    response = http.post("/v1/answer", json={"stream": True, **request_})
    assert response.status_code == status
    assert response.json()["type"] == f"urn:quoth:problem:{kind}"


def test_errors_in_the_stream_are_problem_documents(
    http: httpx.Client, reader: GatedReader
) -> None:
    http.post("/v1/collections", json={"name": "empty"})
    ((name, problem),) = ask(http, question="why", collection="empty")
    assert (name, problem["type"]) == ("error", "urn:quoth:problem:empty-collection")
    assert problem["status"] == 409
    assert "quoth ingest" in problem["detail"]
    reader.failure = RuntimeError("secret path /x/y")
    (found, (name, problem)) = ask(http, **QUESTION)
    assert found[0] == "passages"
    assert (name, problem["type"]) == ("error", "urn:quoth:problem:internal-error")
    assert "secret" not in str(problem)


class Noted(api.streaming.Listening):
    """Tells the test that the server has seen a client leave."""

    all: ClassVar[list["Noted"]] = []

    def __init__(self) -> None:
        super().__init__()
        Noted.all.append(self)


def test_a_client_that_leaves_stops_the_work(
    http: httpx.Client, engine: Engine, reader: GatedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    Noted.all.clear()
    monkeypatch.setattr(api.streaming, "Listening", Noted)
    searching, go_on = threading.Event(), threading.Event()
    search = engine.index.search

    def slow_search(*arguments: Any) -> list[Hit]:
        searching.set()
        assert go_on.wait(120)
        return search(*arguments)

    monkeypatch.setattr(engine.index, "search", slow_search)
    with http.stream("POST", "/v1/answer", json={**QUESTION, "stream": True}) as response:
        assert response.status_code == 200
        assert searching.wait(120)
    # The socket is closed: the server notices, and what was found is not read any more.
    wait_until(lambda: [noted for noted in Noted.all if noted.left])
    go_on.set()
    monkeypatch.setattr(engine.index, "search", search)
    assert ask(http, **QUESTION)[-1][0] == "done"
    assert reader.reads == 1


def test_a_client_that_leaves_stops_reading_between_batches(
    http: httpx.Client, reader: GatedReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    Noted.all.clear()
    monkeypatch.setattr(api.streaming, "Listening", Noted)
    batches = 0
    read = reader.read

    def long_read(question: str, hits: Sequence[Hit]) -> list[Reading]:
        nonlocal batches
        for _ in range(1000):
            interrupt.check()
            batches += 1
            assert reader.gate.wait(120)
        return read(question, hits)

    monkeypatch.setattr(reader, "read", long_read)
    reader.gate.clear()
    with http.stream("POST", "/v1/answer", json={**QUESTION, "stream": True}) as response:
        # Kept: a generator that is let go closes the stream.
        told = events(response.iter_lines())
        assert next(told)[0] == "passages"
        wait_until(lambda: batches == 1)
    wait_until(lambda: [noted for noted in Noted.all if noted.left])
    monkeypatch.setattr(reader, "read", read)
    reader.gate.set()
    assert ask(http, **QUESTION)[-1][0] == "done"
    assert (batches, reader.reads) == (1, 1)


PLAIN = {
    "/v1/answer": QUESTION,
    "/v1/chat/completions": {
        "model": "quoth",
        "messages": [{"role": "user", "content": QUESTION["question"]}],
    },
}


@pytest.mark.parametrize("route", PLAIN)
def test_a_client_that_does_not_wait_for_a_whole_answer_stops_the_work(
    http: httpx.Client, reader: GatedReader, monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    Noted.all.clear()
    monkeypatch.setattr(api.streaming, "Listening", Noted)
    reading = threading.Event()
    read = reader.read
    batches = 0

    def long_read(question: str, hits: Sequence[Hit]) -> list[Reading]:
        nonlocal batches
        for _ in range(1000):
            interrupt.check()
            batches += 1
            reading.set()
            assert reader.gate.wait(120)
        return read(question, hits)

    monkeypatch.setattr(reader, "read", long_read)
    reader.gate.clear()
    with socket.create_connection((http.base_url.host, http.base_url.port or 80)) as client:
        body = json.dumps(PLAIN[route]).encode()
        client.sendall(
            f"POST {route} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        assert reading.wait(120)
    wait_until(lambda: [noted for noted in Noted.all if noted.left])
    reader.gate.set()
    wait_until(lambda: http.get("/healthz").status_code == 200)
    monkeypatch.setattr(reader, "read", read)
    assert ask(http, **QUESTION)[-1][0] == "done"
    assert (batches, reader.reads) == (1, 1)


def test_a_plain_answer_counts_until_its_thread_ends() -> None:
    """Also where its request is cancelled: whoever closes the index waits for the count."""
    begun, go_on = threading.Event(), threading.Event()
    counts: list[int] = []

    def work() -> None:
        begun.set()
        assert go_on.wait(60)

    async def cancelled() -> None:
        request = Request({"type": "http"}, receive=asyncio.Event().wait)  # type: ignore[arg-type]
        during = api.streaming.During(count=counts.append)
        task = asyncio.create_task(api.streaming.result(work, request, during))
        await asyncio.to_thread(begun.wait, 60)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert counts == [1]
        go_on.set()
        while len(counts) < 2:
            await asyncio.sleep(0.01)

    asyncio.run(asyncio.wait_for(cancelled(), 60))
    assert counts == [1, -1]


def test_a_stream_over_its_time_ends_with_an_event(
    settings: Settings, engine: Engine, reader: GatedReader
) -> None:
    list(ingest(engine.index, "default", [Raw(LIGHT.encode(), "light.md", "light.md")]))
    app = create_app(
        settings.model_copy(update={"request_seconds": 2}),
        Engine(settings, engine.index, reader),
    )
    with live(app) as address, httpx.Client(base_url=address, timeout=120) as client:
        reader.gate.clear()
        name, data = ask(client, **QUESTION)[-1]
        assert (name, data["status"], data["type"]) == ("error", 504, "urn:quoth:problem:timeout")
        # The request ends a moment after its last event. Its thread still reads: it alone counts,
        # and the index is not closed under it.
        wait_until(lambda: app.state.quoth.busy == 1)
        reader.gate.set()
        wait_until(lambda: app.state.quoth.busy == 0)


def test_many_streams_at_once_do_not_mix(http: httpx.Client) -> None:
    results: dict[int, Any] = {}

    def one(number: int) -> None:
        question = f"who lit the lamp in 1871 {'really ' * (number % 2)}"
        results[number] = question.strip(), ask(http, question=question)[-1]

    threads = [threading.Thread(target=one, args=(number,)) for number in range(60)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(results) == 60
    for question, (name, done) in results.values():
        assert (name, done["standalone_question"]) == ("done", question)


def test_a_client_that_reads_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api.streaming, "UNREAD_SECONDS", 0.3)
    ended = threading.Event()
    sent = 0

    async def endless() -> AsyncIterator[ServerSentEvent]:
        nonlocal sent
        try:
            while True:
                sent += 1
                yield ServerSentEvent("x" * 100_000)
        finally:
            ended.set()

    async def stream(_request: Request) -> EventSourceResponse:
        return api.streaming.event_stream(endless(), api.streaming.During())

    app = Starlette(routes=[Route("/", stream)])
    with live(app) as address, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = httpx.URL(address)
        client.connect((url.host, url.port))
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        wait_until(lambda: sent > 0)
        assert ended.wait(30)
