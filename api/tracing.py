"""Traces for OpenTelemetry: a span for each request, and within it one for each stage of an answer.

The SDK comes with the extra `otel`. Where spans go is told by its own variables
(`OTEL_EXPORTER_OTLP_ENDPOINT` and the others). Spans name routes by their templates and carry no
text, no path and no key. (The ready-made ASGI instrumentation names and records paths.)
"""

import os
import threading
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.admission import UNBOUNDED_PATHS
from api.errors import MissingExtra
from api.logs import request_id
from api.observe import route_of
from rag.types import Answer

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_LAST_SECONDS = 5.0
STAGES = ("retrieve", "read", "cite")


class Tracing:
    """Makes spans and sends them. Safe to use by several threads."""

    def __init__(self, provider: "TracerProvider") -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("quoth")

    def answered(self, answer: Answer) -> None:
        """Spans of the stages of an answer that has just been given, within the request's."""
        end = time.time_ns()
        start = end - _nanoseconds(answer.timings_ms["total"])
        for stage in STAGES:
            stop = min(end, start + _nanoseconds(answer.timings_ms.get(stage, 0.0)))
            self._tracer.start_span(f"quoth.{stage}", start_time=start).end(stop)
            start = stop

    def around(self, app: ASGIApp) -> ASGIApp:
        """An ASGI application with a span for each request."""
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind, Status, StatusCode

        async def traced(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or scope["path"] in UNBOUNDED_PATHS:
                await app(scope, receive, send)
                return
            caller = extract(dict(Headers(scope=scope)))
            method = scope["method"]
            with self._tracer.start_as_current_span(
                method,
                caller,
                SpanKind.SERVER,
                record_exception=False,
                set_status_on_exception=False,
            ) as span:
                span.set_attribute("http.request.method", method)
                span.set_attribute("quoth.request_id", request_id.get())

                async def noted(message: Message) -> None:
                    if message["type"] == "http.response.start":
                        status = message["status"]
                        span.set_attribute("http.response.status_code", status)
                        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                            span.set_status(Status(StatusCode.ERROR))
                    await send(message)

                try:
                    await app(scope, receive, noted)
                except BaseException:
                    # Without its message, which may quote a text.
                    span.set_status(Status(StatusCode.ERROR))
                    raise
                finally:
                    route = route_of(scope)
                    span.update_name(f"{method} {route}")
                    span.set_attribute("http.route", route)

        return traced

    def stop(self) -> None:
        """Send what is left, for a few seconds at most: a collector that is not there must not hold
        up the end.
        """
        last = threading.Thread(target=self._provider.shutdown, daemon=True)
        last.start()
        last.join(_LAST_SECONDS)


def begin() -> Tracing:
    """Send traces as the `OTEL_` variables say.

    Raises:
        MissingExtra: the SDK is not installed.
    """
    require()
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    is_named = "OTEL_SERVICE_NAME" in os.environ
    resource = Resource.create() if is_named else Resource.create({"service.name": "quoth"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Tracing(provider)


def require() -> None:
    """Find out whether the SDK is there.

    Raises:
        MissingExtra: it is not.
    """
    try:
        import opentelemetry.exporter.otlp.proto.http
        import opentelemetry.sdk.trace  # noqa: F401
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "opentelemetry":
            raise
        raise MissingExtra(
            "The OpenTelemetry SDK is not installed: install the extra with "
            "`pip install 'quoth[otel]'`, or unset QUOTH_TRACING."
        ) from error


def _nanoseconds(milliseconds: float) -> int:
    return round(milliseconds * 1e6)
