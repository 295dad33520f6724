"""Searching 10,000, 100,000 and 1,000,000 vectors: what is found, how fast, at what cost.

    python benchmarks/search.py --texts FILE_OR_FOLDER [--sizes N ...] [--queries N] [--threads N]

The vectors are embeddings of the texts by the default embedder, and noise where there are fewer
texts than vectors (`corpora.py` says how it is chosen); queries are embeddings of other texts.
Embeddings are kept in the temporary folder, so a second run begins at once. For each size a store
is filled, and two processes open it: one finds no snapshot and builds all, one finds it. True
neighbours come from numpy over all vectors; "exact" is the same index told never to leave exact
search, asked each query in turn with the other. A search runs on one thread, so its processor
time, of which the ratios are made, is what it takes on a machine that does nothing else. At a
million vectors this takes some 6 GB of disk and 4 GB of memory.
"""

import argparse
import os
import resource
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import faiss
import numpy as np
from corpora import Crowd, embedded

from documents.types import Alignment, Chunk, Document, Run, Span
from index.store import Store
from index.types import Vectors
from index.upkeep import KeptVectors
from index.vector_options import VectorOptions
from index.vectors import VectorIndex

SHARES = 0.01, 0.1, 0.5
CHUNKS = 30
TOGETHER = 3000
Row = dict[str, str]
T = TypeVar("T")


@dataclass
class Truth:
    """Ids of the nearest of each query, by share of ids allowed (1: all)."""

    nearest: dict[float, np.ndarray] = field(default_factory=dict)


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--texts", type=Path, required=True, help="jsonl(.gz), text, or a folder")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--real", type=int, default=20_000, help="texts that are embedded")
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--cache", type=Path, default=Path(tempfile.gettempdir()) / "quoth-benchmark"
    )
    arguments = parser.parse_args()

    real, queries = embedded(arguments.texts, arguments.real, arguments.queries, arguments.cache)
    columns = []
    for size in arguments.sizes:
        crowd = Crowd(real, size)
        say(f"{size:,} vectors around {len(real):,} real ones: {describe(crowd, queries)}")
        columns.append(measure(crowd, queries, arguments.threads))
        say("; ".join(f"{name}: {value}" for name, value in columns[-1].items()))
    table(arguments.sizes, columns)
    print(f"\nload of the machine at the end (1, 5, 15 minutes): {os.getloadavg()}")


def describe(crowd: Crowd, queries: Vectors) -> str:
    """The cosines that say whether neighbours mean something."""
    scores = np.sort(queries @ crowd.real.T, axis=1)
    noise = f"noise {crowd.noise:.2f}, a vector's nearest neighbour {crowd.target:.2f}"
    return f"{noise}, a query's nearest real vector {np.median(scores[:, -1]):.2f} (medians)"


def measure(crowd: Crowd, queries: Vectors, threads: int) -> Row:
    """One column of the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        truth = fill(folder, crowd, queries)
        row: Row = {}
        for step in (build, use):
            # A process each: memory is told of a process.
            with ProcessPoolExecutor(1, get_context("spawn")) as pool:
                row |= pool.submit(step, folder, queries, truth, threads).result()
            say(f"  {step.__name__}: done")
        return row


def fill(folder: Path, crowd: Crowd, queries: Vectors) -> Truth:
    """Store the vectors, and find the true neighbours of the queries on the way."""
    none = np.empty((len(queries), 0))
    best = {share: (none, none.astype(int)) for share in (1.0, *SHARES)}
    may = {share: np.isin(np.arange(crowd.size + 1), allowed(crowd.size, share)) for share in best}
    store = Store(folder)
    first = 1  # chunks are numbered from 1
    for block in crowd.blocks(TOGETHER):
        put(store, f"d{first}", block)
        scores = queries @ block.T
        numbers = np.arange(first, first + len(block))
        for share, (kept, ids) in best.items():
            these = may[share][numbers]
            kept = np.hstack([kept, scores[:, these]])
            ids = np.hstack([ids, np.tile(numbers[these], (len(queries), 1))])
            order = np.argpartition(-kept, min(100, kept.shape[1] - 1), axis=1)[:, :100]
            best[share] = np.take_along_axis(kept, order, 1), np.take_along_axis(ids, order, 1)
        first += len(block)
    store.close()
    nearest = {
        share: np.take_along_axis(ids, np.argsort(-kept, axis=1), 1)
        for share, (kept, ids) in best.items()
    }
    return Truth(nearest)


def allowed(size: int, share: float) -> np.ndarray:
    """Ids drawn at random, ascending."""
    if share == 1:
        return np.arange(1, size + 1)
    count = round(size * share)
    return np.sort(np.random.default_rng(7).choice(size, count, replace=False) + 1)


def put(store: Store, identity: str, vectors: Vectors) -> None:
    """Store a document of one chunk a vector."""
    text = "x" * len(vectors)
    document = Document(
        id=identity,
        origin=identity,
        source=identity,
        title=identity,
        text=text,
        alignment=Alignment((Run(0, 0, len(text)),)),
        blocks=(),
        language="en",
        language_confidence=1.0,
        content_hash="",
        media_type="text/plain",
        encoding="utf-8",
    )
    chunks = [Chunk(n, Span(n, n + 1), (), (), "en") for n in range(len(vectors))]
    store.put("benchmark", document, chunks, vectors, "benchmark", identity)


def build(folder: Path, queries: Vectors, _truth: Truth, threads: int) -> Row:
    """Without a snapshot: from the store to a structure that fits, and what searches see of it."""
    faiss.omp_set_num_threads(threads)
    store = Store(folder)
    before = resident()
    kept = KeptVectors(store, "benchmark", queries.shape[1], VectorOptions(delay=0))
    first, _ = timed(lambda: kept.search(1, queries[0], 10))
    started = time.perf_counter()
    done = threading.Event()

    def wait() -> None:
        kept.settle()
        done.set()

    threading.Thread(target=wait).start()
    meanwhile = []
    while not done.wait(0.05):
        query = queries[len(meanwhile) % len(queries)]
        meanwhile.append(timed(lambda q=query: kept.search(1, q, 10))[0])
    lists = time.perf_counter() - started
    kept.snapshot(1)
    kept.close()
    row = {
        "first search without a snapshot (s)": f"{first:.1f}",
        "new lists in the background (s)": f"{lists:.0f}" if len(meanwhile) > 2 else "–",
        "search meanwhile, p50 / largest (ms)": "–",
        "memory while building, peak (MB)": f"{(peak() - before) / 1e6:.0f}",
    }
    if len(meanwhile) > 2:
        row["search meanwhile, p50 / largest (ms)"] = (
            f"{1e3 * statistics.median(meanwhile):.0f} / {1e3 * max(meanwhile):.0f}"
        )
    return row


def use(folder: Path, queries: Vectors, truth: Truth, threads: int) -> Row:
    """With a snapshot: loading it, searching, changing."""
    faiss.omp_set_num_threads(threads)
    path = folder / "vectors" / "1.snapshot"
    store = Store(folder)
    before = resident()
    load, vectors = timed(
        lambda: VectorIndex.load(path, "benchmark", queries.shape[1], store=store.identity)
    )
    row = {
        "lists": f"{vectors._inverted.lists:,}",
        "snapshot (MB)": f"{path.stat().st_size / 1e6:.0f}",
        "snapshot loaded, checksum included (s)": f"{load:.2f}",
        "memory (MB)": f"{(resident() - before) / 1e6:.0f}",
    }
    save, _ = timed(lambda: vectors.save(folder / "again", "benchmark"))
    row["snapshot written (s)"] = f"{save:.2f}"
    exact = VectorIndex(vectors.dimension, VectorOptions(exact_up_to=1 << 60))
    for block in store.changes(1, 0, vectors.dimension):
        exact.add(block.added, block.vectors)
    row |= searches(vectors, exact, queries, truth)
    row |= changes(vectors, queries)
    return row


def searches(vectors: VectorIndex, exact: VectorIndex, queries: Vectors, truth: Truth) -> Row:
    """What is found of the true neighbours, and how fast, beside exact search."""
    row: Row = {}
    for share, nearest in truth.nearest.items():
        name = "" if share == 1 else f", {share:.0%} allowed"
        may = None if share == 1 else allowed(len(vectors), share)
        ours, theirs, busy, theirs_busy, found = [], [], [], [], []
        for query, right in zip(queries, nearest, strict=True):
            begun = time.thread_time()
            seconds, hits = timed(lambda q=query, m=may: vectors.search(q, 10, m))
            ours.append(seconds)
            busy.append(time.thread_time() - begun)
            begun = time.thread_time()
            theirs.append(timed(lambda q=query, m=may: exact.search(q, 10, m))[0])
            theirs_busy.append(time.thread_time() - begun)
            found.append(len({number for number, _ in hits} & set(right[:10].tolist())) / 10)
        row[f"recall@10{name}"] = f"{statistics.mean(found):.3f}"
        row[f"search p50 / p95 (ms){name}"] = f"{milliseconds(ours)} / {milliseconds(ours, 0.95)}"
        row[f"exact search p50 (ms){name}"] = milliseconds(theirs)
        row[f"processor time p50, exact search (ms){name}"] = (
            f"{milliseconds(busy)}, {milliseconds(theirs_busy)}"
        )
        ratio = statistics.median(a / b for a, b in zip(busy, theirs_busy, strict=True))
        row[f"ratio to exact search{name}"] = f"{ratio:.2f}"
    deep = [
        len({n for n, _ in vectors.search(q, 100)} & set(right.tolist())) / 100
        for q, right in zip(queries, truth.nearest[1.0], strict=True)
    ]
    row["recall@100"] = f"{statistics.mean(deep):.3f}"
    return row


def changes(vectors: VectorIndex, queries: Vectors) -> Row:
    """One document in and out, and the cosines of given passages."""
    generator = np.random.default_rng(3)
    added, removed, scored = [], [], []
    for number in range(30):
        ids = np.arange(CHUNKS) + 10_000_000 + CHUNKS * number
        rows = queries[generator.integers(0, len(queries), CHUNKS)]
        added.append(timed(lambda i=ids, r=rows: vectors.add(i, r))[0])
        some = generator.integers(1, len(vectors), 200)
        scored.append(timed(lambda q=queries[number], s=some: vectors.scores(q, s))[0])
        removed.append(timed(lambda i=ids: vectors.remove(i))[0])
    return {
        f"add a document of {CHUNKS} chunks (ms)": milliseconds(added),
        f"delete a document of {CHUNKS} chunks (ms)": milliseconds(removed),
        "cosines of 200 given chunks (ms)": milliseconds(scored),
    }


def table(sizes: Sequence[int], columns: Sequence[Row]) -> None:
    """As Markdown, with what ten times the vectors cost at the end."""
    print("\n| vectors |" + "".join(f" {size:,} |" for size in sizes))
    print("|---|" + "---|" * len(sizes))
    for name in columns[0]:
        print(f"| {name} |" + "".join(f" {column[name]} |" for column in columns))
    for name in ("search p50 / p95 (ms)", "exact search p50 (ms)", "memory (MB)"):
        values = [float(column[name].split(" / ")[0]) for column in columns]
        steps = [
            f"×{b / a:.1f} from {x:,} to {y:,}"
            for a, b, x, y in zip(values, values[1:], sizes, sizes[1:], strict=False)
        ]
        print(f"\n{name} grows {', '.join(steps) or 'from one size to another'}.")


def timed(work: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came of it."""
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


def milliseconds(seconds: Sequence[float], quantile: float = 0.5) -> str:
    """A quantile, by default the median."""
    return f"{1e3 * float(np.quantile(seconds, quantile)):.2f}"


def resident() -> int:
    """Bytes of memory that this process holds now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def peak() -> int:
    """Bytes that this process held at most; `getrusage` would count its parent's too."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def say(line: str) -> None:
    """Progress."""
    print(line, flush=True)


if __name__ == "__main__":
    main()
