"""Problem documents in the OpenAI API's shape of errors, on the routes that speak it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, Field
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import RESPONSES as PROBLEMS

_PATHS = ("/v1/chat/", "/v1/models")
_PLACE = re.compile(r"body\.([\w.-]+): ")
_STATUS = {422: 400, 409: 400}
"""Clients of the API know a mistake of theirs as 400, and try again after 409."""
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}


class ErrorOut(BaseModel):
    """What went wrong, as the OpenAI API says it."""

    message: str
    type: str = Field(examples=["invalid_request_error"])
    param: str | None
    code: str = Field(examples=["model_not_found"])


class ErrorBody(BaseModel):
    """The body of an error."""

    error: ErrorOut


RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": ErrorBody, "description": told["description"]}
    for status, told in PROBLEMS.items()
    if status not in _STATUS
} | {400: {"model": ErrorBody, "description": "The request is at fault; `message` says where."}}


def speaks_openai(path: str) -> bool:
    """Whether a route's errors have this shape."""
    return path.startswith(_PATHS)


def error_of(problem: Mapping[str, Any]) -> dict[str, Any]:
    """The body of an error from a problem document."""
    status = int(problem["status"])
    kind = str(problem["type"]).rsplit(":", 1)[-1]
    place = _PLACE.match(problem["detail"])
    general = "server_error" if status >= 500 else "invalid_request_error"
    return {
        "error": {
            "message": problem["detail"],
            "type": _TYPES.get(status, general),
            "param": place[1] if place else None,
            "code": "model_not_found" if kind == "unknown-collection" else kind,
        }
    }


class OpenAIErrors:
    """ASGI middleware: problem documents leave the chat routes as OpenAI errors, wherever in the
    service they come from.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, rewriting a problem document in its response."""
        await self.app(scope, receive, in_shape(scope, send))


def in_shape(scope: Scope, send: Send) -> Send:
    """A `send` that says problem documents as the request's route does."""
    is_openai = scope["type"] == "http" and speaks_openai(scope["path"])
    return _Rewriting(send) if is_openai else send


class _Rewriting:
    """A `send` that holds a problem document back until it is whole."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._body = b""

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = dict(message["headers"]).get(b"content-type", b"")
            if kind.startswith(b"application/problem+json"):
                self._start = message
                return
        if self._start is None:
            await self._send(message)
            return
        self._body += message.get("body", b"")
        if not message.get("more_body"):
            await self._send_error(self._start)

    async def _send_error(self, start: Message) -> None:
        body = json.dumps(error_of(json.loads(self._body)), ensure_ascii=False).encode()
        kept = [
            (name, value)
            for name, value in start["headers"]
            if name not in (b"content-type", b"content-length")
        ]
        headers = [
            *kept,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
        ]
        status = _STATUS.get(start["status"], start["status"])
        await self._send({**start, "status": status, "headers": headers})
        await self._send({"type": "http.response.body", "body": body})
