"""How many requests are worked on at once, how many wait, and for how long."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import OPEN_PATHS
from api.metrics import Metrics
from api.problems import problem

log = logging.getLogger(__name__)

UNBOUNDED_PATHS = OPEN_PATHS | {"/metrics"}
"""What must be answered while everything else waits."""


class Gate:
    """ASGI middleware: at most `running` requests at once, `waiting` more in a queue, and 503 with
    `Retry-After` for the rest. A request without an answer after `timeout_s` gets 504; it keeps its
    place until its work has ended, which is stopped between two batches of the model's.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        running: int,
        waiting: int,
        timeout_s: float,
        metrics: Metrics,
        count: Callable[[int], None] = lambda _change: None,
    ) -> None:
        self.app = app
        self._running = running
        self._max_waiting = waiting
        self._taken = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._timeout_s = timeout_s
        self._metrics = metrics
        self._count = count
        self._usual_s = 0.1
        self._tasks: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on when there is a place for it."""
        if scope["type"] != "http" or scope["path"] in UNBOUNDED_PATHS:
            await self.app(scope, receive, send)
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._timeout_s
        # An answer that has begun is not cut off here: streams end themselves, with an event.
        scope.setdefault("state", {})["deadline"] = deadline
        if not await self._admitted(deadline - loop.time()):
            self._metrics.refused("overloaded")
            await self._overloaded()(scope, receive, send)
            return
        answer = _Answer(send)
        task = asyncio.create_task(self._work(scope, receive, answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            await asyncio.wait({task}, timeout=max(0.0, deadline - loop.time()))
            if not task.done() and not answer.started:
                answer.muted = True
                task.add_done_callback(_log_late_failure)
                self._metrics.refused("timeout")
                await self._timed_out()(scope, receive, send)
                return
            await task
        except asyncio.CancelledError:
            # The server stops and cannot wait any longer.
            task.cancel()
            if not answer.started:
                answer.muted = True
                await self._stopping()(scope, receive, send)
            raise

    async def _admitted(self, seconds: float) -> bool:
        """Wait for a place; False where the queue is full or there was none in time."""
        if self._taken < self._running:
            self._taken += 1
            return True
        if len(self._queue) >= self._max_waiting:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._metrics.waiting.inc()
        try:
            await asyncio.wait_for(turn, seconds)
        except TimeoutError:
            self._queue.remove(turn)
            return False
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._leave()  # the place came in the same moment
            else:
                self._queue.remove(turn)
            raise
        finally:
            self._metrics.waiting.dec()
        return True

    def _leave(self) -> None:
        """Give a place to whoever waits longest, or free it."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._taken -= 1

    async def _work(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        self._metrics.running.inc()
        self._count(1)
        try:
            await self.app(scope, receive, send)
        finally:
            self._metrics.running.dec()
            self._count(-1)
            self._leave()
            self._usual_s += 0.1 * (loop.time() - start - self._usual_s)

    def _overloaded(self) -> ASGIApp:
        seconds = math.ceil(self._usual_s * (len(self._queue) + self._running) / self._running)
        return problem(
            "overloaded",
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The service is busy",
            "More requests wait than the service takes: try again later.",
            {"Retry-After": str(min(60, max(1, seconds)))},
        )

    def _stopping(self) -> ASGIApp:
        return problem(
            "stopping",
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The service is stopping",
            "It stopped before there was an answer: ask again.",
        )

    def _timed_out(self) -> ASGIApp:
        return problem(
            "timeout",
            HTTPStatus.GATEWAY_TIMEOUT,
            "It took too long",
            f"There was no answer within {self._timeout_s:g} s: ask for less at once, and store "
            "many documents with ?background=true.",
        )


class _Answer:
    """Sends an answer's messages on, until it is muted because another was given."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = False
        self.muted = False

    async def __call__(self, message: Message) -> None:
        if not self.muted:
            self.started = True
            await self._send(message)


def _log_late_failure(task: asyncio.Task[None]) -> None:
    error = None if task.cancelled() else task.exception()
    if error is not None and not isinstance(error, ClientDisconnect):
        log.error("a request failed after its time was over", exc_info=error)
