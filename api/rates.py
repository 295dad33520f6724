"""How often someone may: token buckets, in memory that is bounded."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable

MAX_BUCKETS = 10_000


class Rates:
    """A bucket of tokens for each name. A bucket holds `burst` tokens and wins back `per_minute` of
    them in a minute. Past `MAX_BUCKETS` names the one not seen for longest is forgotten.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, max_buckets: int = MAX_BUCKETS
    ) -> None:
        self._clock = clock
        self._max = max_buckets
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._buckets)

    def wait(self, name: str, per_minute: float, burst: float) -> float:
        """Seconds until there is a token, 0 where there is one now. Takes none."""
        with self._lock:
            tokens = self._tokens(name, per_minute, burst)
        return 0.0 if tokens >= 1 else (1 - tokens) * 60 / per_minute

    def take(self, name: str, per_minute: float, burst: float) -> float:
        """Take a token: 0. Where there is none, nothing is taken: seconds until there is one."""
        with self._lock:
            tokens = self._tokens(name, per_minute, burst)
            if tokens < 1:
                return (1 - tokens) * 60 / per_minute
            self._buckets[name] = (tokens - 1, self._clock())
            self._buckets.move_to_end(name)
            while len(self._buckets) > self._max:
                self._buckets.popitem(last=False)
        return 0.0

    def _tokens(self, name: str, per_minute: float, burst: float) -> float:
        if name not in self._buckets:
            return burst
        tokens, at = self._buckets[name]
        # A clock that goes back gives nothing and takes nothing.
        return min(burst, tokens + max(0.0, self._clock() - at) * per_minute / 60)
