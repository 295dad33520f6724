import threading
import time

import pytest

from index.background import Background


def test_each_is_done_once_in_the_order_asked() -> None:
    done: list[int] = []
    first = threading.Event()

    def work(number: int) -> None:
        first.wait(10)
        done.append(number)

    background = Background(work, delay=0)
    for number in (3, 1, 2, 1):
        background.ask(number)
    first.set()
    background.settle()
    assert sorted(done) == [1, 2, 3]
    assert done[0] == 3
    background.ask(1)
    background.settle()
    assert sorted(done) == [1, 1, 2, 3]


def test_nothing_asked_for_is_lost_between_two_threads() -> None:
    counts = [0, 0]

    def work(number: int) -> None:
        counts[number] += 1

    background = Background(work, delay=0)
    for _ in range(500):
        before = counts[0]
        background.ask(0)
        deadline = time.monotonic() + 10
        while counts[0] == before and time.monotonic() < deadline:
            time.sleep(0)
        assert counts[0] == before + 1


def test_stopping_does_not_wait_for_the_delay() -> None:
    done: list[int] = []
    background = Background(done.append, delay=600)
    background.ask(1)
    background.stop()
    background.ask(2)
    background.settle()
    assert done == []


def test_stopping_waits_for_work_that_looks() -> None:
    begun = threading.Event()
    ended: list[int] = []

    def work(number: int) -> None:
        begun.set()
        while not background.stopped():
            time.sleep(0.001)
        ended.append(number)

    background = Background(work, delay=0)
    background.ask(1)
    background.ask(2)
    assert begun.wait(10)
    background.stop()
    assert ended == [1]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_fails_does_not_end_all_work() -> None:
    done: list[int] = []

    def work(number: int) -> None:
        if number == 1:
            raise ValueError("no")
        done.append(number)

    background = Background(work, delay=0)
    background.ask(1)
    background.settle()
    background.ask(2)
    background.settle()
    assert done == [2]
