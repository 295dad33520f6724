"""Indexing against the bare model: what share of its throughput is left for the user.

    python benchmarks/embedding.py [FOLDER_OR_SQUAD_FILE] [--documents N] [--rounds N]

"Bare" is sentence-transformers' own `encode` on the very texts that are embedded for the chunks
(length-sorted batches of 16, the same precision), nothing else. "Indexing" is everything from the
bytes of the documents to the committed transactions: decoding, language, sentences, chunks,
embedding, SQLite. Both are run in turn in one process; the ratio of each round is printed with the
median.
"""

import argparse
import gzip
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from api.settings import load_settings
from documents.load import LoadOptions, Raw
from index import embedder as embedders
from index.ingest import ingest, read_paths
from index.local import LocalIndex
from index.store import Store
from index.terms import passage_text
from index.types import Filters, Found

DEFAULT = Path(__file__).parent.parent / "examples" / "corpus"


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path", type=Path, nargs="?", default=DEFAULT)
    parser.add_argument("--documents", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()

    raws = list(inputs(arguments.path))[: arguments.documents]
    embedder = embedders.load(load_settings().embedder_options())
    texts, tokens = chunk_texts(raws, embedder)
    print(f"{len(raws)} documents, {len(texts)} chunks, {tokens:,} tokens")
    bare(embedder, texts)  # both paths once before counting
    index_all(raws, embedder)
    ratios = []
    print("round  bare tokens/s  indexing tokens/s  ratio")
    for number in range(1, arguments.rounds + 1):
        plain = bare(embedder, texts)
        whole, _texts = index_all(raws, embedder)
        ratios.append(plain / whole)
        print(f"{number:5}  {tokens / plain:13,.0f}  {tokens / whole:17,.0f}  {ratios[-1]:.2f}")
    print(f"median ratio indexing / bare: {statistics.median(ratios):.2f}")


def inputs(path: Path) -> Iterator[Raw]:
    """Documents of a folder, or the paragraphs of a SQuAD file."""
    if path.is_dir():
        for item in read_paths([path], LoadOptions()):
            if isinstance(item, Raw):
                yield item
        return
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    number = 0
    for article in json.loads(data)["data"]:
        for paragraph in article["paragraphs"]:
            yield Raw(paragraph["context"].encode(), f"{number}.txt", f"{number}.txt")
            number += 1


def chunk_texts(
    raws: list[Raw], embedder: embedders.SentenceTransformerEmbedder
) -> tuple[list[str], int]:
    """What is embedded for the documents, and its tokens without prefixes."""
    _seconds, texts = index_all(raws, embedder)
    return texts, sum(embedder.count_tokens(texts))


def index_all(
    raws: list[Raw], embedder: embedders.SentenceTransformerEmbedder
) -> tuple[float, list[str]]:
    """Seconds to index the documents into a new folder, and the texts of the chunks."""
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalIndex(Store(Path(folder)), embedder) as index,
    ):
        start = time.perf_counter()
        for outcome in ingest(index, "benchmark", raws):
            if outcome.error:
                raise outcome.error
        seconds = time.perf_counter() - start
        chunks = index.store.allowed_chunks(index.store.collection_id("benchmark"), Filters())
        hits = index.store.hits([Found(chunk, 0.0, 0.0, None) for chunk in chunks])
        return seconds, [passage_text(hit.text, hit.headings) for hit in hits]


def bare(embedder: embedders.SentenceTransformerEmbedder, texts: list[str]) -> float:
    """Seconds that sentence-transformers takes for the texts by itself."""
    start = time.perf_counter()
    embedder.model.encode(texts, prompt="passage: ", batch_size=16, convert_to_tensor=True)
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
