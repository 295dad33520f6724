import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from index.model_thread import ModelThread
from tests.shared_data import ROOT

ENDING = """
import threading, time
from index.model_thread import ModelThread

run, done = ModelThread("model"), []

def job():
    try:
        while True:
            run(lambda: time.sleep(0.02))
            done.append(1)
    except BaseException as error:
        print("the job saw", repr(error), flush=True)

threading.Thread(target=job, daemon=True).start()
while len(done) < 3:
    time.sleep(0.01)
"""


def test_all_calls_run_on_one_thread_and_everyone_gets_their_own_result() -> None:
    run = ModelThread("model")

    def square(number: int) -> tuple[int, int]:
        return run(lambda: (number * number, threading.get_ident()))

    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(square, range(200)))
    assert [value for value, _thread in results] == [n * n for n in range(200)]
    (thread,) = {thread for _value, thread in results}
    assert thread != threading.get_ident()


def test_what_is_raised_reaches_its_caller_alone() -> None:
    run = ModelThread("model")
    with pytest.raises(ZeroDivisionError):
        run(lambda: 1 // 0)
    assert run(lambda: 7) == 7


def test_the_thread_ends_with_its_owner() -> None:
    run = ModelThread("ends with its owner")
    run(lambda: None)
    del run
    assert "ends with its owner" not in {thread.name for thread in threading.enumerate()}


def test_at_the_end_of_the_process_a_job_in_the_background_sees_no_error() -> None:
    """It would count as a fault of the document that the job was taking in."""
    ended = subprocess.run(
        [sys.executable, "-c", ENDING], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
