"""What is lost when things go wrong: kills, a full disk, damaged files, clocks, two writers.

    python -m benchmarks.faults [--kills 20] [NAME…]

Real servers over real sockets, with the hashing embedder of the tests in place of the model. Each
fault prints its figures; the exit code is 1 where anything acknowledged was lost or doubled.
"""

import argparse
import hashlib
import logging
import random
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import httpx

from documents.load import Raw
from index import database, jobs, store
from index.ingest import IngestOptions, ingest
from index.jobs import JobStore
from index.local import open_index
from index.worker import JobWorker
from tests.api.sockets import fake_server, free_port
from tests.fakes import HashingEmbedder
from tests.shared_data import ROOT

Verdict = bool


def main() -> int:
    """Run the faults that are named, or all."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(FAULTS))
    parser.add_argument("--kills", type=int, default=20)
    arguments = parser.parse_args()
    held = []
    logging.disable(logging.WARNING)  # what is mended is counted
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    for name in arguments.names or FAULTS:
        with tempfile.TemporaryDirectory() as folder:
            held.append(FAULTS[name](Path(folder), arguments.kills))
    return 0 if all(held) else 1


def kills_under_load(folder: Path, kills: int) -> Verdict:
    """`kill -9` while clients store, replace, remove, ask, and hand in jobs."""
    moments = random.Random(1)
    acknowledged: dict[str, str] = {}
    accepted: list[str] = []
    requests = writes = quotes = wrong = 0
    port = free_port()
    for kill in range(kills):
        with fake_server(folder / "data", 0, 0.002, port=port) as (process, _client):
            stop, first = threading.Event(), threading.Event()

            def write(
                part: int,
                stop: threading.Event = stop,
                first: threading.Event = first,
                kill: int = kill,
            ) -> None:
                nonlocal writes
                number = 0
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                    while not stop.is_set():
                        name, text = f"{part}-{number % 7}.txt", f"Part {part}, {kill}.{number}. "
                        number += 1
                        try:
                            body = {"source": name, "text": text * 20}
                            response = client.post("/v1/documents", json=body)
                            if response.status_code in (200, 201):
                                acknowledged[name] = text * 20
                                writes += 1
                                first.set()
                            if number % 5 == 0:
                                later = {**body, "source": f"job-{kill}-{part}-{number}.txt"}
                                response = client.post(
                                    "/v1/documents", params={"background": "true"}, json=later
                                )
                                if response.status_code == 202:
                                    accepted.append(later["source"])
                        except httpx.TransportError:
                            return

            def ask(stop: threading.Event = stop) -> None:
                nonlocal requests, quotes, wrong
                with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
                    while not stop.is_set():
                        try:
                            body = client.post("/v1/answer", json={"question": "Part 1"}).json()
                        except httpx.TransportError:
                            return
                        requests += 1
                        for citation in body.get("citations", []):
                            quotes += 1
                            wrong += not _was_sent(citation["quote"], citation["source"])

            threads = [threading.Thread(target=write, args=(part,)) for part in range(3)]
            threads.append(threading.Thread(target=ask))
            for thread in threads:
                thread.start()
            first.wait(60)
            time.sleep(moments.uniform(0.0, 0.6))
            process.kill()
            process.wait()
            stop.set()
            for thread in threads:
                thread.join()
    with fake_server(folder / "data", port=port) as (_process, client):
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            if not [j for j in client.get("/v1/jobs").json()["jobs"] if not j["finished_at"]]:
                break
            time.sleep(0.2)
        listed = client.get("/v1/documents", params={"limit": 1000}).json()["documents"]
        texts = {d["source"]: client.get(f"/v1/documents/{d['id']}").json()["text"] for d in listed}
    lost = [name for name in acknowledged if name not in texts]
    # A later version may have been stored and its answer cut off; an earlier one may not be there.
    older = [
        name
        for name, text in acknowledged.items()
        if name in texts and _version(texts[name]) < _version(text)
    ]
    lost_jobs = [name for name in accepted if name not in texts]
    doubled = len(listed) - len(texts)
    print(
        f"kills under load: {kills} kills, {writes} writes of {len(acknowledged)} documents and "
        f"{len(accepted)} jobs acknowledged, {requests} answers, {quotes} quotes; "
        f"lost {len(lost)}, older {len(older)}, jobs lost {len(lost_jobs)}, doubled {doubled}, "
        f"wrong quotes {wrong}"
    )
    return quotes > 0 and not (lost or older or lost_jobs or doubled or wrong)


def _was_sent(quote: str, source: str) -> bool:
    """Whether a quote stands in one version of a document of that name."""
    found = re.search(r"Part (\d+), \d+\.\d+\. ", f"{quote} ")
    if found is None:
        return False
    part = source.split("-")[-2]
    return part == found[1] and quote in found[0] * 20


def _version(text: str) -> tuple[int, int]:
    kill, number = text.split(",")[1].split(".")[:2]
    return int(kill), int(number)


def full_disk(folder: Path, _kills: int) -> Verdict:
    """A disk of 6 MB fills up, and is made room on."""
    disk = folder / "disk"
    disk.mkdir()
    size = ["-t", "tmpfs", "-o", "size=6m", "tmpfs", str(disk)]
    if subprocess.run(["mount", *size], capture_output=True).returncode:
        print("full disk: NOT RUN, no small file system can be mounted here")
        return False
    ballast = disk / "ballast"
    try:
        ballast.write_bytes(bytes(3_000_000))
        stored, refusals = [], []
        with fake_server(disk / "data") as (_process, client):
            for number in range(300):
                body = {"source": f"{number}.txt", "text": f"Text {number} of many. " * 400}
                response = client.post("/v1/documents", json=body)
                if response.status_code == 201:
                    stored.append(f"{number}.txt")
                else:
                    refusals.append(response.status_code)
                    if len(refusals) == 3:
                        break
            ready = client.get("/readyz").status_code
            question = {"question": "Text 1 of many"}
            answered = client.post("/v1/answer", json=question).status_code
            ballast.unlink()
            again = client.post("/v1/documents", json=body).status_code
            ready_again = client.get("/readyz").status_code
            listed = client.get("/v1/documents", params={"limit": 1000}).json()["documents"]
        lost = set(stored) - {document["source"] for document in listed}
    finally:
        subprocess.run(["umount", str(disk)], check=False)
    print(
        f"full disk: {len(stored)} documents stored, then {refusals}, /readyz {ready}, answer "
        f"{answered}; after room was made: store {again}, /readyz {ready_again}; lost {len(lost)}"
    )
    refused = bool(refusals) and set(refusals) <= {507, 503}
    return not lost and refused and (again, answered, ready_again) == (201, 200, 200)


def corrupt_snapshot(folder: Path, _kills: int) -> Verdict:
    """The vector snapshot is damaged at 50 places, one at a time."""
    moments = random.Random(2)
    with open_index(folder / "data", HashingEmbedder()) as index:
        raws = [Raw(f"Paper{n} is here.".encode(), f"{n}.txt", f"{n}.txt") for n in range(60)]
        for _outcome in ingest(index, "default", raws):
            pass
        index.snapshot("default")
    (snapshot,) = (folder / "data" / "vectors").iterdir()
    whole = snapshot.read_bytes()
    right = 0
    for _ in range(50):
        place = moments.randrange(len(whole))
        damaged = whole[:place] + bytes([whole[place] ^ (1 << moments.randrange(8))])
        snapshot.write_bytes(damaged + whole[place + 1 :] * moments.randrange(2))
        with open_index(folder / "data", HashingEmbedder()) as index:
            number = moments.randrange(60)
            right += index.search(f"Paper{number}", "default", 1)[0].source == f"{number}.txt"
    print(f"corrupt snapshot: 50 damages, {right} right answers")
    return right == 50


def corrupt_log_tail(folder: Path, _kills: int) -> Verdict:
    """Rubbish after the last commit of the write-ahead log, as of a write that was cut off."""
    moments = random.Random(3)
    stored: list[str] = []
    lost = 0
    for round_ in range(10):
        code = (
            "import sys; from tests.fakes import HashingEmbedder as E;"
            "from index.local import open_index; from index.ingest import ingest;"
            "from documents.load import Raw; from pathlib import Path; import os;"
            "i = open_index(Path(sys.argv[1]), E());"
            "[print(o.source, flush=True) for o in ingest(i, 'default', [Raw(b'Text '"
            " + str(n).encode(), f'{n}.txt', f'{n}.txt')"
            " for n in range(*map(int, sys.argv[2:]))])];"
            "os.kill(os.getpid(), 9)"
        )
        arguments = [str(folder / "data"), str(round_ * 5), str(round_ * 5 + 5)]
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], cwd=ROOT, capture_output=True, text=True
        )
        stored += done.stdout.split()
        log = folder / "data" / f"{database.FILE}-wal"
        with log.open("ab") as stream:
            stream.write(moments.randbytes(moments.randrange(1, 9000)))
        with open_index(folder / "data", HashingEmbedder()) as index:
            names = {record.source for record in index.store.documents("default", 1000)}
        lost += len(set(stored) - names)
    print(f"corrupt log tail: 10 rounds, {len(stored)} documents acknowledged; lost {lost}")
    return lost == 0 and len(stored) == 50


class _JumpingClock(datetime):
    """Tells another day each time, before or after the last."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> "datetime":  # type: ignore[override]
        return datetime.now(tz) + timedelta(days=random.Random().randrange(-4000, 4000))


def jumping_clock(folder: Path, _kills: int) -> Verdict:
    """The clock jumps by years, both ways, between any two looks at it."""
    vars(store)["datetime"] = vars(jobs)["datetime"] = _JumpingClock
    try:
        with open_index(folder / "data", HashingEmbedder()) as index:
            for version in range(3):
                raws = [
                    Raw(f"Text {n}, {version}.".encode(), f"{n}.txt", f"{n}.txt") for n in range(30)
                ]
                for _outcome in ingest(index, "default", raws):
                    pass
            queue = JobStore(folder / "data")
            job = queue.add("default", [Raw(b"Later.", "later.txt", "later.txt")])
            worker = JobWorker(index, queue, IngestOptions())
            worker.start()
            deadline = time.monotonic() + 30
            while queue.pending()[0] and time.monotonic() < deadline:
                time.sleep(0.05)
            worker.stop(30)
            done = queue.job(job.id).status
            records = index.store.documents("default", 100)
            newest = sum(index.text_range(record.id, 0, 100).endswith(", 2.") for record in records)
            found = index.search("Text 7", "default", 1)[0].source
    finally:
        vars(store)["datetime"] = vars(jobs)["datetime"] = datetime
    print(
        f"jumping clock: {len(records)} documents, {newest} of 30 in their newest version, "
        f"job {done}, found {found}; now {datetime.now(UTC):%Y}"
    )
    return len(records) == 31 and newest == 30 and done == "done" and found == "7.txt"


def two_writers(folder: Path, _kills: int) -> Verdict:
    """Two servers and their clients write to one data folder at once."""
    acknowledged: set[str] = set()
    refused = 0
    with (
        fake_server(folder / "data") as (_one, first),
        fake_server(folder / "data") as (_two, second),
    ):

        def write(client: httpx.Client, part: int) -> None:
            nonlocal refused
            for number in range(40):
                # Half of the names are written by both.
                name = f"{number}.txt" if number % 2 else f"{part}-{number}.txt"
                body = {"source": name, "text": f"Text {number} by {part}."}
                status = client.post("/v1/documents", json=body).status_code
                if status in (200, 201):
                    acknowledged.add(name)
                else:
                    refused += 1

        threads = [
            threading.Thread(target=write, args=(client, part))
            for part, client in enumerate((first, second, first, second))
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        seen = [
            {d["source"] for d in client.get("/v1/documents?limit=1000").json()["documents"]}
            for client in (first, second)
        ]
        total = len(first.get("/v1/documents?limit=1000").json()["documents"])
    lost = len(acknowledged - seen[0]) + len(acknowledged - seen[1])
    doubled = total - len(seen[0])
    print(
        f"two writers: {len(acknowledged)} documents acknowledged, {refused} refused; lost {lost}, "
        f"doubled {doubled}"
    )
    return not (lost or doubled or refused)


def replaced_while_read(folder: Path, _kills: int) -> Verdict:
    """One process replaces a document of many passages, another answers from it."""
    lines = [f"lights lamp {n} at dusk." for n in range(40)]
    texts = ["\n\n".join(f"{name} {line}" for line in lines) for name in ("Alpha", "Beta")]
    versions = {hashlib.sha256(text.encode()).hexdigest(): text for text in texts}
    answers = given = blended = wrong = refused = 0
    with (
        fake_server(folder / "data", min_confidence=0, log_level="error") as (_process, client),
        open_index(folder / "data", HashingEmbedder()) as index,
    ):
        done = threading.Event()

        def replace() -> None:
            try:
                for number in range(200):
                    time.sleep(0.2)
                    text = texts[(number + 1) % 2]
                    list(ingest(index, "default", [Raw(text.encode(), "lamps.txt", "lamps.txt")]))
            finally:
                done.set()

        list(ingest(index, "default", [Raw(texts[0].encode(), "lamps.txt", "lamps.txt")]))
        writer = threading.Thread(target=replace)
        writer.start()
        while not done.is_set():
            asked = f"lamp {answers % 40} at dusk"
            question = {"question": asked, "limit": 40, "include_passages": True}
            response = client.post("/v1/answer", json=question)
            if response.status_code != 200:
                refused += 1
                continue
            body = response.json()
            answers += 1
            given += body["status"] == "answered"
            blended += len({p["text"].split()[0] for p in body["passages"]}) > 1
            for citation in body["citations"]:
                text = versions[citation["content_hash"].removeprefix("sha256:")]
                wrong += text[citation["start"] : citation["end"]] != citation["quote"]
        writer.join()
    print(
        f"replaced while read: 200 replacements, {answers} questions, {given} answered, "
        f"{refused} refused; from both versions {blended}, wrong quotes {wrong}"
    )
    return given == answers > 0 and not (blended or wrong or refused)


FAULTS: dict[str, Callable[[Path, int], Verdict]] = {
    "kills": kills_under_load,
    "disk": full_disk,
    "snapshot": corrupt_snapshot,
    "log": corrupt_log_tail,
    "clock": jumping_clock,
    "writers": two_writers,
    "replaced": replaced_while_read,
}

if __name__ == "__main__":
    sys.exit(main())
