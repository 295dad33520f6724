"""How long one answer takes over HTTP, stage by stage, with the trained reader and without.

    python -m benchmarks.answer xquad/ [--questions 100] [--documents 3000]

The documents of a folder of parallel files in all its languages go into one collection; a sample of
its questions is asked of two real servers on it, one question at a time and of each server in turn,
one after the other: `QUOTH_READER=default`, and `sentences`, the baseline of the ratios. Stages are
medians of the answers' own `timings_ms`; the total is the client's, connection included.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from benchmarks.load import Server, ingest, server
from rag.evaluation.settings import load_parallel

READERS = "sentences", "default"
FEWEST = 20
STAGES = "retrieve", "read", "cite"


def main() -> None:
    """Read the arguments, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--questions", type=int, default=100)
    parser.add_argument("--documents", type=int, default=3000)
    arguments = parser.parse_args()
    if arguments.questions < FEWEST:
        parser.error(f"--questions: medians need {FEWEST} at least")
    dataset = load_parallel(arguments.folder, "mono")
    documents = [document for corpus in dataset.corpora for document in corpus.documents]
    chosen = random.Random(0)
    with tempfile.TemporaryDirectory() as name:
        texts, data = Path(name) / "documents", Path(name) / "data"
        texts.mkdir()
        for number, document in enumerate(chosen.sample(documents, len(documents))):
            if number < arguments.documents:
                (texts / f"{number}.txt").write_bytes(document.data)
        ingest(data, texts)
        asked = [
            q.text
            for q in chosen.sample(
                list(dataset.questions), min(arguments.questions, len(dataset.questions))
            )
        ]
        with reading(data, READERS[0]) as baseline, reading(data, READERS[1]) as ours:
            servers = dict(zip(READERS, (baseline, ours), strict=True))
            passages = httpx.get(f"{ours.url}/v1/collections", timeout=60).json()
            print(f"{passages['collections'][0]['chunks']:,} passages, {len(asked)} questions")
            report(ask(servers, asked))


@contextmanager
def reading(data: Path, reader: str) -> Iterator[Server]:
    """A server whose answers are read by `reader`."""
    before = os.environ.get("QUOTH_READER")
    os.environ["QUOTH_READER"] = reader
    try:
        with server(data, 1, batched=True) as started:
            yield started
    finally:
        os.environ.pop("QUOTH_READER")
        if before is not None:
            os.environ["QUOTH_READER"] = before


def ask(servers: dict[str, Server], questions: list[str]) -> dict[str, list[dict[str, float]]]:
    """Milliseconds of each answer by stage, and of the whole as the client saw it."""
    taken: dict[str, list[dict[str, float]]] = {name: [] for name in servers}
    statuses: Counter[str] = Counter()
    for number, question in enumerate(questions):
        for name, one in servers.items():
            start = time.perf_counter()
            given = httpx.post(f"{one.url}/v1/answer", json={"question": question}, timeout=120)
            client = (time.perf_counter() - start) * 1000
            given.raise_for_status()
            statuses[f"{name}: {given.json()['status']}"] += 1
            if number >= 3:  # the first ones load what is loaded late
                taken[name].append({**given.json()["timings_ms"], "client": client})
    print(", ".join(f"{name} {count}" for name, count in sorted(statuses.items())))
    return taken


def report(taken: dict[str, list[dict[str, float]]]) -> None:
    """Medians by stage, p50 and p95 of the whole, and ratios to the baseline."""
    print("reader      " + "".join(f"{stage:>10}" for stage in STAGES) + "       p50       p95")
    rows = {}
    for name, answers in taken.items():
        stages = [statistics.median(one.get(stage, 0.0) for one in answers) for stage in STAGES]
        whole = [one["client"] for one in answers]
        rows[name] = [*stages, statistics.median(whole), statistics.quantiles(whole, n=20)[18]]
        print(f"{name:12}" + "".join(f"{value:7.0f} ms" for value in rows[name]))
    ratios = [b / a if a else float("nan") for a, b in zip(*rows.values(), strict=True)]
    print(f"{'ratio':12}" + "".join(f"{ratio:10.2f}" for ratio in ratios))


if __name__ == "__main__":
    main()
