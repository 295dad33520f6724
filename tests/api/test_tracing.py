"""Traces: what a real collector receives over a socket."""

import builtins
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.errors import MissingExtra
from api.settings import Settings
from api.wiring import Engine
from tests.api.live import live

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector:
    """Takes what an exporter posts to `/v1/traces`."""

    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.services: set[str] = set()
        self.raw = b""
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    raise AssertionError("not asked for")
                collector.take(self.path, body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self, path: str, body: bytes) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
            ExportTraceServiceRequest,
        )

        assert path == "/v1/traces"
        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for attribute in resource.resource.attributes:
                if attribute.key == "service.name":
                    self.services.add(attribute.value.string_value)
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)

    def named(self, name: str) -> Any:
        (span,) = [span for span in self.spans if span.name == name]
        return span


def attributes(span: Any) -> dict[str, object]:
    return {a.key: a.value.string_value or a.value.int_value for a in span.attributes}


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    made = Collector()
    host, port = made.server.server_address[:2]
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", f"http://{host}:{port}")
    yield made
    made.server.shutdown()
    made.server.server_close()


def test_a_collector_receives_requests_with_their_stages(
    settings: Settings, engine: Engine, collector: Collector
) -> None:
    app = create_app(settings.model_copy(update={"tracing": True}), engine)
    with live(app) as address, httpx.Client(base_url=address, timeout=60) as http:
        text = {"source": "secret-name.txt", "text": "The keeper lit the lamp in 1871."}
        (stored,) = http.post("/v1/documents", json=text).json()["outcomes"]
        caller = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-ID": "id-7"}
        question = {"question": "who lit the lamp"}
        timings = http.post("/v1/answer", json=question, headers=caller).json()["timings_ms"]
        http.get(f"/v1/documents/{stored['document_id']}")
        http.get("/v1/documents/unknown-secret")
        http.get("/healthz")
    # Stopping the service sent what was left.
    assert collector.services == {"quoth"}
    answer = collector.named("POST /v1/answer")
    assert (answer.trace_id.hex(), answer.parent_span_id.hex()) == (TRACE, PARENT)
    assert attributes(answer) == {
        "http.request.method": "POST",
        "http.route": "/v1/answer",
        "http.response.status_code": 200,
        "quoth.request_id": "id-7",
    }
    before = answer.start_time_unix_nano
    for stage in ("retrieve", "read", "cite"):
        span = collector.named(f"quoth.{stage}")
        assert (span.trace_id.hex(), span.parent_span_id) == (TRACE, answer.span_id)
        assert before <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert span.end_time_unix_nano <= answer.end_time_unix_nano
        took = (span.end_time_unix_nano - span.start_time_unix_nano) / 1e6
        assert took <= timings[stage] + 1e-3
        before = span.end_time_unix_nano
    ids = [s for s in collector.spans if s.name == "GET /v1/documents/{document_id}"]
    assert [attributes(s)["http.response.status_code"] for s in ids] == [200, 404]
    assert not any("healthz" in span.name for span in collector.spans)
    for private in (b"secret", b"keeper", b"lamp", stored["document_id"].encode()):
        assert private not in collector.raw


def test_a_failure_is_marked_without_its_message(
    settings: Settings, engine: Engine, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: Any) -> None:
        raise RuntimeError("the secret text")

    app = create_app(settings.model_copy(update={"tracing": True}), engine)
    monkeypatch.setattr(engine.index, "search", fail)
    with live(app) as address, httpx.Client(base_url=address, timeout=60) as http:
        http.put("/v1/collections/default")
        assert http.post("/v1/search", json={"query": "lamp"}).status_code == 500
    assert collector.named("POST /v1/search").status.code == 2
    assert b"secret" not in collector.raw


def test_without_the_sdk_the_extra_is_named(
    settings: Settings, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = builtins.__import__

    def without(name: str, *arguments: Any, **named: Any) -> Any:
        if name.startswith("opentelemetry.sdk"):
            raise ModuleNotFoundError("No module", name="opentelemetry.sdk")
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(MissingExtra, match=r"quoth\[otel\]"):
        create_app(settings.model_copy(update={"tracing": True}), engine)
