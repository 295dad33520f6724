"""Work in a thread, its results over a socket as they come; a client that leaves stops it."""

import asyncio
import logging
import math
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.types import Receive, Scope, Send

from api.problems import TookTooLong
from index.interrupt import interrupted_by

log = logging.getLogger(__name__)

UNREAD_SECONDS = 20
"""After this long a client that reads nothing of a stream has left."""

KEEP_ALIVE_SECONDS = 10
"""A comment is sent after this long without an event, so that proxies do not hang up."""

EVENT: dict[str, object] = {
    "type": "object",
    "properties": {"event": {"type": "string"}, "data": {"type": "string"}},
    "required": ["data"],
    "description": "One event; `data` is JSON, but for the last of a chat: `[DONE]`.",
}
"""The OpenAPI schema of each event of a stream."""

_LINE_SEPARATORS = "\x85\u2028\u2029"
"""Lawful in JSON and in an event, but many clients' line readers break at them."""


@dataclass(frozen=True, slots=True)
class During:
    """How long a stream may last, and who is told of its work.

    `deadline`: on the clock of the event loop. `count`: told 1 when the work's thread is begun and
    -1 when it has ended, which may be after the stream did. `grace_s`: what a stream has to end by
    itself once the service is told to stop.
    """

    deadline: float = math.inf
    count: Callable[[int], None] = lambda _change: None
    grace_s: float = 0.0


T = TypeVar("T")
Emit = Callable[[T], None]
_END = object()
_TOO_LONG = "There was no answer in time: ask again, or ask for less."


class Stopped(Exception):
    """Nobody listens any more."""


class Listening:
    """Whether somebody still waits for the work; shared by the thread and the event loop."""

    def __init__(self) -> None:
        self._left = threading.Event()

    def leave(self) -> None:
        """Say that nobody does."""
        self._left.set()

    @property
    def left(self) -> bool:
        """Whether nobody does any more."""
        return self._left.is_set()

    def check(self) -> None:
        """Raises Stopped once nobody does."""
        if self.left:
            raise Stopped


async def result(work: Callable[[], T], request: Request, during: During) -> T:
    """What `work` returns; it runs in a thread. Once the client has left or the time is over, its
    next `index.interrupt.check` raises `Stopped`.

    Raises:
        ClientDisconnect: the client has left.
        TookTooLong: the time is over.
        Exception: what `work` raised.
    """
    listening = Listening()

    def run() -> T:
        listening.check()
        with interrupted_by(listening.check):
            return work()

    worker = asyncio.ensure_future(run_in_threadpool(run))
    during.count(1)

    def ended(done: "asyncio.Future[T]") -> None:
        during.count(-1)
        if not done.cancelled():
            done.exception()  # looked at, also where nobody waits any more

    worker.add_done_callback(ended)
    leaving = asyncio.ensure_future(_left(request))
    try:
        seconds = during.deadline - asyncio.get_running_loop().time()
        await asyncio.wait(
            {worker, leaving}, timeout=max(0.0, seconds), return_when=asyncio.FIRST_COMPLETED
        )
        if worker.done():
            return await worker
        listening.leave()
        try:
            return await asyncio.shield(worker)
        except Stopped:
            if leaving.done():
                log.info("the client has left: its work is stopped")
                raise ClientDisconnect from None
            raise TookTooLong(_TOO_LONG) from None
    finally:
        listening.leave()
        leaving.cancel()


async def _left(request: Request) -> None:
    """Return when the client leaves; its body has been read."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def streamed(work: Callable[[Emit[T]], None], during: During) -> AsyncGenerator[T]:
    """What `work` emits, as it does so. `work` runs in a thread.

    When the iteration ends early, or the time is over, the next `emit` or `index.interrupt.check`
    of `work` raises `Stopped`; work that waits for a free thread is not begun.

    Raises:
        TookTooLong: the time is over.
        Exception: what `work` raised.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[object] = asyncio.Queue()
    listening = Listening()

    def emit(item: T) -> None:
        listening.check()
        loop.call_soon_threadsafe(queue.put_nowait, item)

    def run() -> None:
        try:
            listening.check()
            with interrupted_by(listening.check):
                work(emit)
        except Stopped:
            log.info("the client has left: its work is stopped")

    worker = asyncio.ensure_future(run_in_threadpool(run))
    during.count(1)

    def ended(_worker: "asyncio.Future[None]") -> None:
        during.count(-1)
        queue.put_nowait(_END)

    worker.add_done_callback(ended)
    try:
        while (item := await _next(queue, during.deadline - loop.time())) is not _END:
            yield item  # type: ignore[misc]
        await worker
    finally:
        listening.leave()


async def _next(queue: "asyncio.Queue[object]", seconds: float) -> object:
    try:
        return await asyncio.wait_for(queue.get(), max(0.0, seconds))
    except TimeoutError as error:
        raise TookTooLong(_TOO_LONG) from error


def event(data: BaseModel, name: str | None = None) -> ServerSentEvent:
    """An event with JSON data on one line."""
    text = data.model_dump_json()
    for separator in _LINE_SEPARATORS:
        text = text.replace(separator, f"\\u{ord(separator):04x}")
    return ServerSentEvent(text, event=name, sep="\n")


class _Events(EventSourceResponse):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            log.info("the client does not read: its stream is ended")
            raise ClientDisconnect from None


def event_stream(events: AsyncIterator[ServerSentEvent], during: During) -> EventSourceResponse:
    """A response of server-sent events that nothing on its way holds back."""
    return _Events(
        events,
        headers={"Cache-Control": "no-cache, no-transform"},
        ping=KEEP_ALIVE_SECONDS,
        send_timeout=UNREAD_SECONDS,
        sep="\n",
        shutdown_grace_period=during.grace_s,
    )
