"""Throughput and latency of a real `quoth serve` under 1, 4, 16 and 64 clients.

    python benchmarks/load.py [--clients 1,4,16,64] [--seconds 20] [--documents FOLDER]
                              [--minutes N] [--workers N] [--path answer|search]

Closed loop: each client sends its next question when the last was answered. The sample corpus and
its questions, or the documents of a folder (then the questions are their titles). Each number of
clients is measured with batching of questions and without, in turn, on two servers of the same run;
the ratio is what batching gains. The 95th percentile is also given as a ratio to that of the first
number of clients, scaled by how many more there are: 1 is fair sharing of one machine. `--minutes`
goes on with the largest number of clients and prints the server's memory over time.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

ROOT = Path(__file__).parent.parent
CORPUS = ROOT / "examples" / "corpus"
QUESTIONS = ROOT / "examples" / "questions.jsonl"


@dataclass
class Result:
    """What clients saw: seconds of each answer, and how many of each status."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[str] = field(default_factory=Counter)
    wall: float = 0.0

    @property
    def p95(self) -> float:
        """Seconds."""
        return statistics.quantiles(self.seconds, n=20)[18] if len(self.seconds) > 1 else 0.0

    @property
    def throughput(self) -> float:
        """Answers a second."""
        return self.statuses["200"] / self.wall if self.wall else 0.0

    def line(self) -> str:
        """For people."""
        errors = {status: n for status, n in self.statuses.items() if status != "200"}
        return (
            f"{self.throughput:8.1f}/s  p50 {statistics.median(self.seconds or [0]) * 1000:7.1f} ms"
            f"  p95 {self.p95 * 1000:7.1f} ms  errors {errors or 'none'}"
        )


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--clients", default="1,4,16,64")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--documents", type=Path, default=CORPUS)
    parser.add_argument("--minutes", type=float, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--path", choices=("answer", "search"), default="answer")
    arguments = parser.parse_args()
    counts = [int(part) for part in arguments.clients.split(",")]

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "data"
        ingest(folder, arguments.documents)
        with (
            server(folder, arguments.workers, batched=True) as on,
            server(folder, arguments.workers, batched=False) as off,
        ):
            questions = questions_for(on.url, arguments.documents)
            for one in (on, off):
                load(one.url, arguments.path, questions, 4, 3)
            print(f"{len(questions)} questions, POST /v1/{arguments.path}")
            print(f"ready after {on.seconds:.1f} s and {off.seconds:.1f} s")
            single = 0.0
            for clients in counts:
                batched = load(on.url, arguments.path, questions, clients, arguments.seconds)
                alone = load(off.url, arguments.path, questions, clients, arguments.seconds)
                print(f"{clients:3} clients, batching on   {batched.line()}")
                print(f"{clients:3} clients, batching off  {alone.line()}")
                ratio = batched.throughput / alone.throughput if alone.throughput else float("nan")
                single = single or batched.p95 / clients
                scaled = batched.p95 / (clients * single) if single else float("nan")
                print(
                    f"{clients:3} clients, ratio on/off  {ratio:.2f}; p95 to that of "
                    f"{counts[0]} scaled by the clients {scaled:.2f}",
                    flush=True,
                )
            if arguments.minutes:
                soak(on, arguments.path, questions, max(counts), arguments.minutes)


def ingest(folder: Path, documents: Path) -> None:
    """Store the documents."""
    quoth = [sys.executable, "-c", "from api.cli import main; main()"]
    environment = {**os.environ, "QUOTH_DATA_DIR": str(folder), "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*quoth, "ingest", str(documents)], env=environment, check=True, stdout=subprocess.DEVNULL
    )


@dataclass(frozen=True)
class Server:
    """A running server."""

    url: str
    process: subprocess.Popen[bytes]
    seconds: float
    """From its start until it was ready."""

    def megabytes(self) -> float:
        """Resident memory of the process and its workers."""
        total = 0
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                fields = (folder / "stat").read_text().rpartition(")")[2].split()
                if self.process.pid in (int(folder.name), int(fields[1])):
                    total += int((folder / "statm").read_text().split()[1])
            except OSError:  # it ended meanwhile
                continue
        return total * os.sysconf("SC_PAGE_SIZE") / 1e6


@contextmanager
def server(folder: Path, workers: int, *, batched: bool) -> Iterator[Server]:
    """A server on a free port, once it is ready."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    environment = {
        **os.environ,
        "QUOTH_DATA_DIR": str(folder),
        "QUOTH_BATCH_QUERIES": str(batched).lower(),
        "QUOTH_WAITING_REQUESTS": "1000",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-c", "from api.cli import main; main()", "serve"]
    process = subprocess.Popen(
        [*command, "--port", str(port), "--workers", str(workers)],
        env=environment,
        stderr=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    begun = time.monotonic()
    try:
        deadline = time.monotonic() + 300
        while time.monotonic() < deadline:
            with suppress(httpx.TransportError):
                if httpx.get(f"{url}/readyz", timeout=30).status_code == 200:
                    break
            time.sleep(0.1)
        yield Server(url, process, time.monotonic() - begun)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def questions_for(url: str, documents: Path) -> list[str]:
    """The sample questions, or the titles of other documents."""
    if documents == CORPUS:
        lines = QUESTIONS.read_text("utf-8").splitlines()
        return [json.loads(line)["question"] for line in lines if line.strip()]
    listed = httpx.get(f"{url}/v1/documents", params={"limit": 1000}, timeout=60).json()
    return [document["title"] for document in listed["documents"]]


def load(url: str, path: str, questions: list[str], clients: int, seconds: float) -> Result:
    """Ask for so long with so many clients."""
    result = Result()
    lock = threading.Lock()
    start = time.perf_counter()

    def client(number: int) -> None:
        asked = number
        with httpx.Client(base_url=url, timeout=300) as connection:
            while time.perf_counter() - start < seconds:
                field_ = "question" if path == "answer" else "query"
                body = {field_: questions[asked % len(questions)]}
                asked += clients
                began = time.perf_counter()
                try:
                    status = str(connection.post(f"/v1/{path}", json=body).status_code)
                except httpx.TransportError as error:
                    status = type(error).__name__
                with lock:
                    result.seconds.append(time.perf_counter() - began)
                    result.statuses[status] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    result.wall = time.perf_counter() - start
    return result


def soak(one: Server, path: str, questions: list[str], clients: int, minutes: float) -> None:
    """Go on, and say every half minute how much memory the server takes."""
    first = one.megabytes()
    end = time.monotonic() + minutes * 60
    while time.monotonic() < end:
        result = load(one.url, path, questions, clients, min(30, max(1, end - time.monotonic())))
        print(f"memory {one.megabytes():7.0f} MB  {result.line()}", flush=True)
    print(f"memory at the end / at the beginning: {one.megabytes() / first:.2f}")


if __name__ == "__main__":
    main()
