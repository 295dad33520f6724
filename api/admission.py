"""How many requests are worked on at once, how many wait, and for how long."""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import OPEN_PATHS
from api.metrics import Metrics
from api.problems import problem

log = logging.getLogger(__name__)

_SENDING = "POST", "/v1/documents"

UNBOUNDED_PATHS = OPEN_PATHS | {"/metrics"}
"""What must be answered while everything else waits."""


SLOWEST = 50_000
"""Bytes of a body that must come in a second."""


class Places:
    """A number of places, and a queue of those who wait for one."""

    def __init__(self, running: int, waiting: int, metrics: Metrics) -> None:
        self._free = running
        self._max_waiting = waiting
        self._queue: deque[asyncio.Future[None]] = deque()
        self._metrics = metrics

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._queue)

    async def enter(self, seconds: float) -> bool:
        """Wait for a place; False where the queue is full or there was none in time."""
        if self._free > 0:
            self._free -= 1
            return True
        if len(self._queue) >= self._max_waiting:
            return False
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._metrics.waiting.inc()
        try:
            await asyncio.wait_for(turn, seconds)
        except TimeoutError:
            self._forget(turn)
            return False
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()  # the place came in the same moment
            else:
                self._forget(turn)
            raise
        finally:
            self._metrics.waiting.dec()
        return True

    def leave(self) -> None:
        """Give a place to whoever waits longest, or free it."""
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1

    def _forget(self, turn: "asyncio.Future[None]") -> None:
        # Whoever left meanwhile may have passed over it already.
        with suppress(ValueError):
            self._queue.remove(turn)


class Gate:
    """ASGI middleware: at most `running` requests at once, `waiting` more in a queue, and 503 with
    `Retry-After` for the rest. Documents that are sent have as many places of their own, since slow
    ones would else leave none for questions. A request without an answer `timeout_s` after its body
    came gets 504; it keeps its place until its work has ended, which is stopped between two
    batches of the model's.
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
        self._asking = Places(running, waiting, metrics)
        self._sending = Places(running, waiting, metrics)
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
        places = self._sending if (scope["method"], scope["path"]) == _SENDING else self._asking
        if not await places.enter(self._timeout_s):
            self._metrics.refused("overloaded")
            await self._overloaded(places)(scope, receive, send)
            return
        deadline = _Deadline(scope, self._timeout_s)
        answer = _Answer(send)
        task = asyncio.create_task(self._work(places, scope, deadline.receiving(receive), answer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            while not task.done() and deadline.left() > 0:
                await asyncio.wait({task}, timeout=deadline.left())
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

    async def _work(self, places: Places, scope: Scope, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        start = loop.time()
        self._metrics.running.inc()
        self._count(1)
        try:
            await self.app(scope, receive, send)
        finally:
            self._metrics.running.dec()
            self._count(-1)
            places.leave()
            self._usual_s += 0.1 * (loop.time() - start - self._usual_s)

    def _overloaded(self, places: Places) -> ASGIApp:
        seconds = math.ceil(self._usual_s * (places.waiting + self._running) / self._running)
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


class _Deadline:
    """Until when a request must be answered, on the clock of the event loop: some time after the
    last of its body, which must come at `SLOWEST` on average. Routes find it under `deadline` in
    the scope's state; an answer that has begun is not cut off at it, since streams end themselves,
    with an event.
    """

    def __init__(self, scope: Scope, seconds: float) -> None:
        self._state = scope.setdefault("state", {})
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._bytes = 0
        self._state["deadline"] = self._begun + seconds

    def left(self) -> float:
        """Seconds; none or fewer when the time is over."""
        return float(self._state["deadline"] - self._loop.time())

    def receiving(self, receive: Receive) -> Receive:
        """The same messages, each of which moves the deadline."""

        async def received() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                self._bytes += len(message.get("body", b""))
                whole = not message.get("more_body", False)
                begun = self._loop.time() if whole else self._begun + self._bytes / SLOWEST
                self._state["deadline"] = begun + self._seconds
            return message

        return received


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
