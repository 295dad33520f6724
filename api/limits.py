"""Refuses bodies that are too large or too slow while they arrive, before they fill the memory."""

import asyncio
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem

SMALL_BYTES = 1_000_000
"""Of a body where no documents are sent."""

LARGE_PATHS = frozenset({"/v1/documents"})
IDLE_SECONDS = 20.0


class BodyLimit:
    """ASGI middleware: 413 for a request body of more than `limit` bytes (`SMALL_BYTES` where no
    documents are sent), 408 where nothing of it comes for `idle_s` seconds.
    """

    def __init__(self, app: ASGIApp, limit: int, idle_s: float = IDLE_SECONDS) -> None:
        self.app = app
        self.limit = limit
        self.idle_s = idle_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, counting the bytes of its body."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        limit = self.limit if scope["path"] in LARGE_PATHS else min(SMALL_BYTES, self.limit)
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await _too_large(limit)(scope, receive, send)
            return
        received = 0
        is_whole = started = False
        refusal: Response | None = None

        async def counted() -> Message:
            nonlocal received, is_whole, refusal
            if is_whole:  # what comes now is the client going away, whenever that is
                return await receive()
            try:
                message = await asyncio.wait_for(receive(), self.idle_s)
            except TimeoutError as error:
                refusal = _too_slow(self.idle_s)
                raise ClientDisconnect from error
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > limit:
                refusal = _too_large(limit)
                raise ClientDisconnect
            return message

        async def noted(message: Message) -> None:
            nonlocal started
            # What the application says to a body that ended too early is not said.
            if refusal is None or started:
                started = True
                await send(message)

        try:
            await self.app(scope, counted, noted)
        except ClientDisconnect:
            if refusal is None or started:
                raise
        if refusal is not None and not started:
            await refusal(scope, receive, send)


def _too_large(limit: int) -> Response:
    return problem(
        "too-large",
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        "The input is too large",
        f"The request has more than {limit:,} bytes: send less at once.",
    )


def _too_slow(idle_s: float) -> Response:
    return problem(
        "request-timeout",
        HTTPStatus.REQUEST_TIMEOUT,
        "The body did not come",
        f"Nothing of the request's body came for {idle_s:g} s: send it again.",
        {"Connection": "close"},
    )
