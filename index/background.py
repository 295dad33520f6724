"""One thread for what may wait: started when there is something to do, gone when there is not."""

import atexit
import threading
from collections.abc import Callable


class Background:
    """Does `work(number)` for the numbers it is asked for, each once however often it was asked
    before work on it began, one after another.
    """

    def __init__(self, work: Callable[[int], None], delay: float) -> None:
        """`delay` is in seconds, before each piece of work."""
        self._work = work
        self._delay = delay
        self._pending: dict[int, None] = {}  # in the order asked
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._stop = threading.Event()
        atexit.register(self.stop)

    def ask(self, number: int) -> None:
        """Do it soon; nothing once stopped."""
        with self._lock:
            if self._stop.is_set():
                return
            self._pending[number] = None
            if self._thread is None:
                # A daemon, so that the wait does not keep a process from ending; the one that is
                # in the middle of work is told to stop and waited for.
                self._thread = threading.Thread(target=self._run, name="quoth-upkeep", daemon=True)
                self._thread.start()

    def stopped(self) -> bool:
        """Whether work should end where it stands."""
        return self._stop.is_set()

    def settle(self) -> None:
        """Wait until all that was asked for is done."""
        if (thread := self._thread) is not None:
            thread.join()

    def stop(self) -> None:
        """Do nothing more, and wait for what is in the middle of it to notice."""
        self._stop.set()
        self.settle()
        atexit.unregister(self.stop)

    def _run(self) -> None:
        try:
            while not self._stop.wait(self._delay):
                number = self._next()
                if number is None:
                    return
                self._work(number)
        except BaseException:
            with self._lock:
                self._thread = None
            raise

    def _next(self) -> int | None:
        with self._lock:
            if not self._pending:
                # Under the lock: whoever asks after this starts another thread.
                self._thread = None
                return None
            number = next(iter(self._pending))
            del self._pending[number]
            return number
