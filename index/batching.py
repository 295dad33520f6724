"""Questions of several callers, embedded together.

A model takes one batch of eight questions far quicker than eight batches of one. Callers that come
while a batch is being embedded wait for the next, which takes all of them; one that comes alone is
served at once.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from index.interrupt import interrupted_by
from index.types import Embedder, Vectors


@dataclass(slots=True)
class _Caller:
    texts: Sequence[str]
    done: threading.Event = field(default_factory=threading.Event)
    vectors: Vectors | None = None
    error: BaseException | None = None


class BatchingEmbedder:
    """An `Embedder` that joins the queries of threads that call it at the same time.

    `window_s`: where there was company last time, how long the first caller waits for others.
    `max_batch`: texts of a batch, unless one caller alone has more. `observe`: told each batch's
    size.
    """

    def __init__(
        self,
        embedder: Embedder,
        window_s: float = 0.003,
        max_batch: int = 64,
        observe: Callable[[int], None] = lambda _size: None,
    ) -> None:
        self._embedder = embedder
        self._window_s = window_s
        self._max_batch = max_batch
        self._observe = observe
        self._lock = threading.Lock()
        self._waiting: deque[_Caller] = deque()
        self._is_led = False
        self._had_company = False

    @property
    def name(self) -> str:
        """The embedder's."""
        return self._embedder.name

    @property
    def identity(self) -> str:
        """The embedder's: its vectors are the same."""
        return self._embedder.identity

    @property
    def dimension(self) -> int:
        """The embedder's."""
        return self._embedder.dimension

    @property
    def max_tokens(self) -> int:
        """The embedder's."""
        return self._embedder.max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """As the embedder does."""
        return self._embedder.count_tokens(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """As the embedder does: passages come many at a time by themselves."""
        return self._embedder.embed_passages(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors in the order given; raises what the embedder raised on the batch."""
        caller = _Caller(texts)
        with self._lock:
            self._waiting.append(caller)
            leads = not self._is_led
            self._is_led = True
        if leads:
            self._lead(caller)
        else:
            caller.done.wait()
            if not (caller.error or caller.vectors is not None):  # made leader by the last one
                self._lead(caller)
        if caller.error is not None:
            raise caller.error
        assert caller.vectors is not None
        return caller.vectors

    def _lead(self, leader: _Caller) -> None:
        """Embed the leader's batch, then hand the lead to whoever waits."""
        if self._had_company and self._window_s > 0:
            time.sleep(self._window_s)
        with self._lock:
            batch = self._next_batch()
        try:
            self._embed(batch)
        except BaseException as error:
            for caller in batch:
                caller.error = error
        finally:
            with self._lock:
                self._had_company = len(batch) > 1 or bool(self._waiting)
                heir = self._waiting[0] if self._waiting else None
                self._is_led = heir is not None
            for caller in batch:
                if caller is not leader:
                    caller.done.set()
            if heir is not None:
                heir.done.set()

    def _next_batch(self) -> list[_Caller]:
        # The leader is always at the head: it came first, or inherited as the first that waited.
        batch = [self._waiting.popleft()]
        size = len(batch[0].texts)
        while self._waiting and size + len(self._waiting[0].texts) <= self._max_batch:
            size += len(self._waiting[0].texts)
            batch.append(self._waiting.popleft())
        return batch

    def _embed(self, batch: list[_Caller]) -> None:
        try:
            self._embed_together(batch)
        except Exception as error:
            if len(batch) == 1:
                batch[0].error = error
                return
            # One caller's text must not fail the others.
            for caller in batch:
                self._embed([caller])

    def _embed_together(self, batch: list[_Caller]) -> None:
        texts = [text for caller in batch for text in caller.texts]
        # Whoever leads works for all: that its own client has left must not stop the others' work.
        with interrupted_by(lambda: None):
            vectors = self._embedder.embed_queries(texts)
        self._observe(len(texts))
        position = 0
        for caller in batch:
            part = vectors[position : position + len(caller.texts)]
            caller.vectors = np.array(part, np.float32)
            position += len(caller.texts)
