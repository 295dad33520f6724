"""Questions of several threads are embedded together, and nobody gets another's vector."""

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from api.wiring import Engine
from index import interrupt
from index.batching import BatchingEmbedder
from index.types import Vectors
from tests.fakes import HashingEmbedder


class Held(HashingEmbedder):
    """Notes its batches, and holds the first until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []
        self.first_came = threading.Event()
        self.let_go = threading.Event()

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        self.first_came.set()
        assert self.let_go.wait(30)
        if "poison" in texts:
            raise ValueError("poison")
        return super().embed_queries(texts)


def arrived(embedder: BatchingEmbedder, count: int) -> None:
    while len(embedder._waiting) < count:
        threading.Event().wait(0.001)


def test_those_who_come_during_a_batch_share_the_next() -> None:
    model = Held()
    sizes: list[int] = []
    embedder = BatchingEmbedder(model, observe=sizes.append)
    questions = [f"question number {n}" for n in range(9)]
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(embedder.embed_queries, [questions[0]])
        assert model.first_came.wait(30)
        others = [pool.submit(embedder.embed_queries, [text]) for text in questions[1:]]
        arrived(embedder, 8)
        model.let_go.set()
        vectors = [future.result(30)[0] for future in (first, *others)]
    assert sizes == [1, 8]
    assert sorted(model.batches[1]) == sorted(questions[1:])
    alone = HashingEmbedder().embed_queries(questions)
    assert np.array_equal(np.array(vectors), alone)


def test_a_batch_is_bounded_and_the_rest_goes_next() -> None:
    model = Held()
    sizes: list[int] = []
    embedder = BatchingEmbedder(model, max_batch=4, observe=sizes.append)
    with ThreadPoolExecutor(12) as pool:
        first = pool.submit(embedder.embed_queries, ["x"])
        assert model.first_came.wait(30)
        others = [pool.submit(embedder.embed_queries, [str(n), f"{n} more"]) for n in range(5)]
        arrived(embedder, 5)
        model.let_go.set()
        shapes = [future.result(30).shape for future in (first, *others)]
    assert shapes == [(1, 256)] + [(2, 256)] * 5
    assert sizes == [1, 4, 4, 2]


def test_more_than_a_batch_from_one_caller_is_its_own_batch() -> None:
    model = HashingEmbedder()
    embedder = BatchingEmbedder(model, max_batch=2)
    texts = [str(n) for n in range(5)]
    assert np.array_equal(embedder.embed_queries(texts), model.embed_queries(texts))
    assert embedder.embed_queries([]).shape == (0, 256)


def test_one_bad_question_fails_alone() -> None:
    model = Held()
    embedder = BatchingEmbedder(model)
    with ThreadPoolExecutor(4) as pool:
        first = pool.submit(embedder.embed_queries, ["x"])
        assert model.first_came.wait(30)
        good = [pool.submit(embedder.embed_queries, [text]) for text in ("a", "b")]
        bad = pool.submit(embedder.embed_queries, ["poison"])
        arrived(embedder, 3)
        model.let_go.set()
        assert first.result(30).shape == (1, 256)
        for future, text in zip(good, ("a", "b"), strict=True):
            assert np.array_equal(future.result(30), HashingEmbedder().embed_queries([text]))
        with pytest.raises(ValueError, match="poison"):
            bad.result(30)
    # ... and does not spoil what comes after.
    assert embedder.embed_queries(["c"]).shape == (1, 256)


def test_a_leader_whose_client_has_left_fails_nobody() -> None:
    """The one who leads the batch is given up before the model's work, and those beside it get
    their vectors.
    """

    class Checking(Held):
        def embed_queries(self, texts: Sequence[str]) -> Vectors:
            interrupt.check()
            return super().embed_queries(texts)

    def left() -> None:
        raise RuntimeError("the client has left")

    def leave(text: str) -> Vectors:
        with interrupt.interrupted_by(left):
            return embedder.embed_queries([text])

    model = Checking()
    embedder = BatchingEmbedder(model)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(embedder.embed_queries, ["first"])
        assert model.first_came.wait(30)
        leader = pool.submit(leave, "left")
        arrived(embedder, 1)
        follower = pool.submit(embedder.embed_queries, ["follower"])
        arrived(embedder, 2)
        model.let_go.set()
        expected = HashingEmbedder().embed_queries(["follower"])
        assert np.array_equal(follower.result(30), expected)
        assert first.result(30).shape == leader.result(30).shape == expected.shape


def test_many_threads_for_a_while() -> None:
    """Everyone gets their own vector, and nobody waits for ever, whoever leads."""
    sizes: list[int] = []
    embedder = BatchingEmbedder(HashingEmbedder(64), window_s=0.0005, observe=sizes.append)
    alone = HashingEmbedder(64)

    def ask(thread: int) -> None:
        for round_ in range(40):
            text = f"thread {thread} asks {round_}"
            assert np.array_equal(embedder.embed_queries([text])[0], alone.embed_queries([text])[0])

    with ThreadPoolExecutor(16) as pool:
        for future in [pool.submit(ask, number) for number in range(16)]:
            future.result(60)
    assert sum(sizes) == 16 * 40
    assert len(sizes) < 16 * 40


@pytest.mark.model
def test_the_real_model_gives_the_same_vectors_together(real_engine: Engine) -> None:
    model = real_engine.index.embedder
    questions = ["Who lit the lamp?", "Πότε χτίστηκε ο φάρος;", "灯台はいつ?", "why " * 60]
    embedder = BatchingEmbedder(model)
    together = embedder.embed_queries(questions)
    alone = np.concatenate([embedder.embed_queries([text]) for text in questions])
    # Padding changes the order of sums, in half precision by a little.
    assert np.allclose(np.sum(together * alone, axis=1), 1, atol=2e-3)
    assert np.array_equal(np.argmax(together @ alone.T, axis=1), np.arange(4))
