"""One thread for all calls of a model: torch keeps buffers and helper threads for each that calls.

Not an executor of `concurrent.futures`: those refuse work once the interpreter ends, and a job in
the background that is still embedding then would take the refusal for a fault of its document.
"""

import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")
_Calls = SimpleQueue[tuple["Future[Any]", Callable[[], Any]] | None]


class ModelThread:
    """Calls it with what any thread asks for, one at a time, first come first served."""

    def __init__(self, name: str) -> None:
        self._calls: _Calls = SimpleQueue()
        closing = threading.Event()
        thread = threading.Thread(target=_run, args=(self._calls, closing), name=name, daemon=True)
        thread.start()
        weakref.finalize(self, _close, self._calls, closing, thread)

    def __call__(self, work: Callable[[], T]) -> T:
        """The result of `work`, or what it raised. At the interpreter's end it never returns."""
        future: Future[T] = Future()
        self._calls.put((future, work))
        return future.result()


def _run(calls: _Calls, closing: threading.Event) -> None:
    while (call := calls.get()) is not None and not closing.is_set():
        future, work = call
        try:
            future.set_result(work())
        except BaseException as error:
            future.set_exception(error)
        del call, future, work  # nothing is kept while it waits


def _close(calls: _Calls, closing: threading.Event, thread: threading.Thread) -> None:
    """Also at the interpreter's end, which must not come while the model computes."""
    closing.set()
    calls.put(None)
    if thread is not threading.current_thread():
        thread.join()
