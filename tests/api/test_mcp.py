"""The MCP tools with the SDK's own client: in the process, over HTTP, and over stdio."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.server import MCPServer

import api
from api.cli import run
from api.keys import KeyStore
from api.mcp import READ_CHARACTERS, build_app, build_server
from api.settings import Settings
from api.wiring import Engine
from documents.load import Raw
from index.ingest import ingest
from rag.phrases import DECLINES
from tests.api.live import live
from tests.shared_data import ROOT

LIGHT = "The keeper lit the lamp in 1871. He kept 3 cats."


@pytest.fixture
def server(settings: Settings, engine: Engine) -> MCPServer:
    put(engine, "light.txt", LIGHT)
    return build_server(settings, engine)


@pytest.fixture
def address(settings: Settings, engine: Engine) -> Iterator[str]:
    put(engine, "light.txt", LIGHT)
    with live(build_app(settings, engine)) as running:
        yield f"{running}/mcp"


def put(engine: Engine, source: str, text: str, collection: str = "default") -> None:
    (outcome,) = ingest(engine.index, collection, [Raw(text.encode(), source, source)])
    assert outcome.status == "added"


def call_with(key: str, address: str, tool: str, **arguments: Any) -> Any:
    async def once() -> Any:
        async with (
            httpx.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http,
            Client(streamable_http_client(address, http_client=http)) as client,
        ):
            return await client.call_tool(tool, arguments)

    return asyncio.run(once())


def call(server: Any, tool: str, **arguments: Any) -> Any:
    async def once() -> Any:
        async with Client(server) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(once())


def said(result: Any) -> str:
    (content,) = result.content
    text: str = content.text
    return text


def test_nobody_listens_for_what_is_never_sent(address: str) -> None:
    with httpx.stream("GET", address, headers={"Accept": "text/event-stream"}) as response:
        assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_the_tools_say_what_they_take_and_give(server: MCPServer) -> None:
    async def listed() -> Any:
        async with Client(server) as client:
            return (await client.list_tools()).tools

    tools = {tool.name: tool for tool in asyncio.run(listed())}
    assert set(tools) == {"ask", "search", "read_document"}
    for tool in tools.values():
        assert tool.description
        assert tool.annotations.read_only_hint
        assert tool.output_schema["type"] == "object"
    assert tools["ask"].input_schema["required"] == ["question"]
    assert "citations" in tools["ask"].output_schema["properties"]


def test_an_answer_over_http_has_verified_citations(address: str) -> None:
    result = call(address, "ask", question="who lit the lamp in 1871")
    assert not result.is_error
    assert said(result).startswith("The keeper lit the lamp in 1871. [1]\n\n[1] “")
    answer = result.structured_content
    (citation,) = answer["citations"]
    assert citation["quote"] == LIGHT[citation["start"] : citation["end"]] == LIGHT
    part = call(
        address,
        "read_document",
        document_id=citation["document_id"],
        start=citation["start"],
        end=citation["end"],
    )
    assert said(part) == part.structured_content["text"] == citation["quote"]
    assert part.structured_content["characters"] == len(LIGHT)


PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}


def test_over_http_it_closes_what_it_opened(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build_app(settings, engine)
    closed: list[bool] = []
    monkeypatch.setattr(engine.index, "close", lambda: closed.append(True))
    with live(app):
        assert not closed
    assert closed == [True]


def test_over_http_a_key_is_needed_once_there_is_one(address: str, settings: Settings) -> None:
    headers = {"Accept": "application/json, text/event-stream"}
    assert httpx.post(address, json=PING, headers=headers).status_code == 200
    keys = KeyStore(settings.data_dir)
    _key, writing = keys.create("w", ["write"])
    refused = httpx.post(address, json=PING, headers=headers)
    assert refused.status_code == 401
    assert refused.headers["www-authenticate"].startswith("Bearer")
    headers["Authorization"] = f"Bearer {writing}"
    assert httpx.post(address, json=PING, headers=headers).status_code == 403
    _key, reading = keys.create("r", ["read"])
    headers["Authorization"] = f"Bearer {reading}"
    answered = httpx.post(address, json=PING, headers={**headers, "X-Request-ID": "mine"})
    assert (answered.status_code, answered.headers["x-request-id"]) == (200, "mine")


def test_over_http_a_key_sees_its_own_collections(
    address: str, engine: Engine, settings: Settings
) -> None:
    put(engine, "theirs.txt", "The keeper sailed to Zanzibar.", "theirs")
    (record,) = engine.index.store.documents("theirs", 9)
    _key, text = KeyStore(settings.data_dir).create("a", ["read"], collections=["default"])
    assert not call_with(text, address, "ask", question="who lit the lamp in 1871").is_error
    for tool, arguments in {
        "ask": {"question": "Zanzibar", "collection": "theirs"},
        "search": {"query": "Zanzibar", "collection": "theirs"},
        "read_document": {"document_id": record.id},
    }.items():
        result = call_with(text, address, tool, **arguments)
        assert result.is_error
        assert "There is no" in said(result)
        assert "sailed" not in said(result)
    _key, whole = KeyStore(settings.data_dir).create("b", ["read"])
    read = call_with(whole, address, "read_document", document_id=record.id)
    assert said(read) == "The keeper sailed to Zanzibar."


def test_it_does_not_listen_to_others_without_a_key(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = str(tmp_path / "data")
    assert run(["mcp", "--http", "--host", "0.0.0.0", "--data-dir", data]) in (1, 2)
    assert "quoth keys create" in capsys.readouterr().err


def test_declining_shows_nothing_else(server: MCPServer) -> None:
    result = call(server, "ask", question="How many people live around Lisbon today?")
    assert said(result) == DECLINES["en"]
    assert result.structured_content["status"] == "no_answer"
    assert result.structured_content["passages"] == []


def test_a_follow_up_is_understood(server: MCPServer) -> None:
    history = [{"role": "user", "content": "when was the lamp at Ormiska lit"}]
    result = call(server, "ask", question="and by whom?", history=history)
    assert result.structured_content["standalone_question"] == "and by whom? (lamp Ormiska lit)"


def test_passages_are_found(server: MCPServer, engine: Engine) -> None:
    put(engine, "oven.txt", "The baker lit the oven.")
    result = call(server, "search", query="baker oven", limit=1)
    (passage,) = result.structured_content["passages"]
    assert (passage["source"], passage["text"]) == ("oven.txt", "The baker lit the oven.")
    assert "The baker lit the oven." in said(result)
    nothing = call(server, "search", query="baker", languages=["zh"])
    assert nothing.structured_content["passages"] == []


def test_long_documents_are_read_in_parts(server: MCPServer, engine: Engine) -> None:
    text = "".join(f"Line {number} of the book. " for number in range(3000)).strip()
    put(engine, "book.txt", text)
    found = call(server, "search", query="line 7 of the book", limit=1).structured_content
    document = found["passages"][0]["document_id"]
    parts, start = [], 0
    while start < len(text):
        part = call(server, "read_document", document_id=document, start=start).structured_content
        assert len(part["text"]) <= READ_CHARACTERS
        parts.append(part["text"])
        start = part["end"]
    assert "".join(parts) == text


@pytest.mark.parametrize(
    ("tool", "arguments", "message"),
    [
        ("ask", {"question": " "}, "ask something in words"),
        ("ask", {"question": "why", "collection": "missing"}, "missing"),
        ("ask", {"question": "why", "collection": "no such/name"}, "collection"),
        ("ask", {"question": "why", "history": [{"role": "pope", "content": "x"}]}, "role"),
        ("ask", {}, "question"),
        ("search", {"query": "…"}, "ask something in words"),
        ("search", {"query": "why", "limit": 0}, "limit"),
        ("read_document", {"document_id": "none"}, "none"),
        ("read_document", {"document_id": "none", "start": -1}, "start"),
    ],
)
def test_mistakes_are_told_to_the_assistant(
    server: MCPServer, tool: str, arguments: dict[str, Any], message: str
) -> None:
    result = call(server, tool, **arguments)
    assert result.is_error
    assert message in said(result)


def test_a_range_outside_of_the_document_is_told(server: MCPServer, engine: Engine) -> None:
    (record,) = engine.index.store.documents("default", 9)
    result = call(server, "read_document", document_id=record.id, start=1000)
    assert result.is_error
    assert f"0 to {len(LIGHT)}" in said(result)


def test_what_is_unexpected_does_not_leak(
    server: MCPServer, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("secret path /x/y")

    monkeypatch.setattr(engine.index, "search", broken)
    result = call(server, "ask", question="why")
    assert result.is_error
    assert "secret" not in said(result)


def test_without_the_sdk_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(sys.modules, "api.mcp", raising=False)
    monkeypatch.delattr(api, "mcp", raising=False)
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    assert run(["mcp"]) == 1
    assert "quoth[mcp]" in capsys.readouterr().err


def test_addresses_go_with_http(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["mcp", "--port", "1"]) == 2
    assert "--http" in capsys.readouterr().err


@asynccontextmanager
async def over_stdio(data: Path) -> AsyncIterator[Client]:
    command = StdioServerParameters(
        command=sys.executable,
        args=["-c", "from api.cli import main; main()", "mcp", "--data-dir", str(data)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=ROOT,
    )
    async with Client(command, read_timeout_seconds=600) as client:
        yield client


@pytest.mark.model
@pytest.mark.timeout(1200)
def test_the_command_over_stdio_with_the_real_model(tmp_path: Path) -> None:
    corpus = ROOT / "examples" / "corpus" / "ja-lens.md"
    assert run(["ingest", str(corpus), "--data-dir", str(tmp_path / "data")]) == 0

    async def session() -> None:
        async with over_stdio(tmp_path / "data") as client:
            assert client.server_info is not None
            assert client.server_info.name == "quoth"
            question = "Where was the lens hidden during the war?"
            result = await client.call_tool("ask", {"question": question})
            while result.is_error:
                assert "still loading" in said(result)
                result = await client.call_tool("ask", {"question": question})
            assert result.structured_content is not None
            (citation,) = result.structured_content["citations"]
            assert "聖ニコラオス修道院" in citation["quote"]
            where = {key: citation[key] for key in ("document_id", "start", "end")}
            part = await client.call_tool("read_document", where)
            assert said(part) == citation["quote"]

    asyncio.run(session())
