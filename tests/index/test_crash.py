"""`kill -9` at random moments: what was acknowledged is there, and nothing is there by halves."""

import random
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

from index.local import LocalIndex, open_index
from tests.fakes import HashingEmbedder
from tests.shared_data import ROOT

KILLS = 20


def embedder() -> HashingEmbedder:
    return HashingEmbedder(dimension=128, max_tokens=80)


def assert_whole(index: LocalIndex) -> set[str]:
    """Every visible document has all its chunks, of one version of its text; names of them all."""
    names = set()
    for record in index.store.documents("default", 100_000):
        text = index.store.text_range(record.id, 0, record.characters)
        rounds = set(re.findall(r"of round (\d+)", text))
        assert len(rounds) == 1
        assert text.count("sentence") == 60
        rows = (
            index.store._connections.get()
            .execute(
                "SELECT start, stop, text FROM chunks WHERE document_id = ? ORDER BY ordinal",
                (record.id,),
            )
            .fetchall()
        )
        assert len(rows) == record.chunks > 1
        assert all(text[row["start"] : row["stop"]] == row["text"] for row in rows)
        assert rows[0]["start"] == 0
        assert rows[-1]["stop"] == len(text)
        names.add(record.source)
    return names


def test_twenty_kills_lose_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    open_index(folder, embedder()).close()
    acknowledged: set[str] = set()
    moments = random.Random(20)
    for kill in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.index.crash_writer", str(folder), str(1000 * kill)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        lines: list[str] = []
        reader = threading.Thread(target=lambda out=process.stdout, to=lines: to.extend(out))
        reader.start()
        deadline = time.monotonic() + 60
        while not lines and time.monotonic() < deadline:
            time.sleep(0.005)
        time.sleep(moments.uniform(0, 0.4))
        process.kill()
        process.wait()
        reader.join()
        # A line that the kill cut in two was not said.
        acknowledged |= {line.strip() for line in lines if line.endswith("\n")}
        with open_index(folder, embedder()) as index:
            names = assert_whole(index)
            assert acknowledged <= names
            for name in random.Random(kill).sample(sorted(acknowledged), 3):
                number = name.removesuffix(".txt")
                hits = index.search(f"Paper{number}", "default", 3)
                assert hits[0].source == name
    assert len(acknowledged) >= KILLS


def test_a_reader_beside_a_writer_sees_whole_documents_only(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    open_index(folder, embedder()).close()
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.index.crash_writer", str(folder), "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert writer.stdout is not None
        writer.stdout.readline()
        drain = threading.Thread(target=writer.stdout.read)
        drain.start()
        looks = 0
        with open_index(folder, embedder()) as index:
            end = time.monotonic() + 3
            while time.monotonic() < end:
                connection = index.store._connections.get()
                connection.execute("BEGIN")
                assert_whole(index)
                connection.execute("COMMIT")
                for hit in index.search("of round", "default", 20):
                    assert "sentence" in hit.text
                looks += 1
        assert looks > 3
    finally:
        writer.kill()
        writer.wait()
        drain.join()
