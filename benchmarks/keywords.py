"""What keywords cost: at ingestion beside the rest of storing, at a question beside the vectors.

    python -m benchmarks.keywords FILE --language zh --chunks 3000

FILE holds JSON lines with `context` and `question`, packed with gzip. Chunks are made of its
sentences in random order, so that any number of them can be had. Vectors are random: nothing is
found by them, but looking through them takes as long. Times are medians, with their ratio to a
baseline of the same run.
"""

import argparse
import gzip
import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np

from documents.segment import sentences
from documents.types import Alignment, Block, Chunk, Document, Run, Span
from index import keywords
from index.local import LocalIndex
from index.store import Store
from index.terms import query_terms, terms
from index.types import Filters, Vectors
from tests.fakes import HashingEmbedder

DIMENSION = 384
CHUNK_CHARACTERS = {"zh": 300, "ja": 350, "th": 700}
"""About 200 tokens; 900 in other languages."""
CHUNKS_OF_A_DOCUMENT = 20
QUESTIONS = 40


def main() -> None:
    """Read the arguments, fill a folder, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("--language", default="en")
    parser.add_argument("--chunks", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    draw = random.Random(arguments.seed)
    contexts, questions = read(arguments.file)
    length = CHUNK_CHARACTERS.get(arguments.language, 900)
    found = [
        span.of(text)
        for text in contexts
        for span, _block in sentences(text, [Block(Span(0, len(text)))], arguments.language)
    ]
    with tempfile.TemporaryDirectory() as folder, closing(Store(Path(folder))) as store:
        fill(store, found, length, arguments.chunks, arguments.language, draw)
        size = (Path(folder) / "quoth.sqlite3").stat().st_size
        print(f"{size / arguments.chunks:,.0f} bytes a chunk")
        index = LocalIndex(store, HashingEmbedder(DIMENSION))
        ask(index, draw.sample(questions, min(QUESTIONS, len(questions))))


def read(path: Path) -> tuple[list[str], list[str]]:
    """Distinct contexts, and the questions."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return sorted({row["context"] for row in rows}), [row["question"] for row in rows]


def fill(
    store: Store, sentences: list[str], length: int, count: int, language: str, draw: random.Random
) -> None:
    """Store `count` chunks of random sentences, and print what terms take of it."""
    analysis, whole = [], []
    random_vectors = np.random.default_rng(0)
    for number in range(count // CHUNKS_OF_A_DOCUMENT):
        texts = [passage(sentences, length, draw) for _ in range(CHUNKS_OF_A_DOCUMENT)]
        document, chunks = as_document(number, texts, language)
        vectors = unit(random_vectors.standard_normal((len(chunks), DIMENSION)))
        analysis.append(seconds(lambda texts=texts: [terms(text) for text in texts]))
        start = time.perf_counter()
        store.put("benchmark", document, chunks, vectors, f"hashing ({DIMENSION})", "")
        whole.append(time.perf_counter() - start)
    each = 1000 / CHUNKS_OF_A_DOCUMENT
    median = statistics.median(whole)
    print(f"storing a chunk: {median * each:.2f} ms")
    share = statistics.median(analysis)
    print(f"of it analysis: {share * each:.2f} ms, ratio {share / median:.2f}")


def ask(index: LocalIndex, questions: list[str]) -> None:
    """Print what a question takes by vectors, by keywords and by both."""
    number = index.store.collection_id("benchmark")
    index.search(questions[0], "benchmark", 10)
    ids = index.store.allowed_chunks(number, Filters())
    postings = keywords.postings_for(len(ids))
    dense, lexical, both, found = [], [], [], []
    for question in questions:
        (vector,) = index.embedder.embed_queries([question])
        wanted = query_terms(question)
        dense.append(seconds(lambda v=vector: index.search_vector(v, number, 10)))
        lexical.append(seconds(lambda w=wanted: index.store.keyword_matches(number, w, postings)))
        both.append(seconds(lambda q=question: index.search(q, "benchmark", 10)))
        found.append(len(index.store.keyword_matches(number, wanted, postings).ids))
    baseline = statistics.median(dense)
    for name, times in (("vectors", dense), ("keywords", lexical), ("both", both)):
        median = statistics.median(times)
        print(
            f"a question by {name}: median {median * 1000:.1f} ms, most {max(times) * 1000:.1f} ms,"
            f" ratio {median / baseline:.2f}"
        )
    print(f"passages that share a term: median {statistics.median(found):.0f}")
    print(f"postings looked at: {postings} at most")


def passage(sentences: list[str], length: int, draw: random.Random) -> str:
    """Random sentences of about a length."""
    text = ""
    while len(text) < length:
        text += draw.choice(sentences)[:length] + " "
    return text.strip()


def as_document(number: int, texts: list[str], language: str) -> tuple[Document, list[Chunk]]:
    """A document of the texts, each a chunk."""
    text = "\n".join(texts)
    chunks, start = [], 0
    for ordinal, part in enumerate(texts):
        span = Span(start, start + len(part))
        chunks.append(Chunk(ordinal, span, (span,), (), language))
        start = span.end + 1
    whole = Alignment((Run(0, 0, len(text)),))
    name = f"{number}.txt"
    document = Document(
        f"doc_{number}", name, name, name, text, whole, (), language, 1.0, "", "text/plain", "utf-8"
    )
    return document, chunks


def unit(vectors: np.ndarray) -> Vectors:
    """The same directions, of length 1."""
    scaled: Vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
