"""What each part of the search earns: the embedder alone, with the neutral map, with keywords.

    python -m benchmarks.retrieval xquad/ --setting mono --setting scattered:0

The folder and the settings are those of `quoth evaluate`, and so are the figures: the share of
questions whose document is among the best k. Texts are embedded once for all variants. Whatever is
measured is printed at once, the last row as a difference to the first.
"""

import argparse
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from api.settings import load_settings
from index.embedder import load
from index.hybrid import SearchOptions
from index.local import LocalIndex
from index.neutral import with_shipped_map
from index.store import Store
from index.types import Embedder
from rag.evaluation.datasets import sample
from rag.evaluation.runner import quiet, take_in
from rag.evaluation.settings import load_parallel
from rag.evaluation.systems import RememberingEmbedder, best_hits
from rag.evaluation.types import Dataset

DEPTHS = (1, 5, 10)


def main() -> None:
    """Read the arguments, measure each setting with each variant."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--setting", action="append", required=True)
    parser.add_argument("--limit", type=int, help="questions of a setting, a sample")
    parser.add_argument("--by-language", action="store_true", help="also print each language")
    arguments = parser.parse_args()
    plain = RememberingEmbedder(load(load_settings().embedder_options()))
    variants = [
        (f"{name}{', keywords' if keywords else ''}", embedder, SearchOptions(keywords=keywords))
        for name, embedder in (("plain", plain), ("map", with_shipped_map(plain)))
        for keywords in (False, True)
    ]
    print("setting        variant          " + "".join(f"    R@{k:<3}" for k in DEPTHS) + " ms")
    for setting in arguments.setting:
        dataset = sample(load_parallel(arguments.folder, setting), arguments.limit, 0)
        plain.prepare([question.text for question in dataset.questions], quiet)
        measured = [measure(dataset, embedder, options) for _, embedder, options in variants]
        for (name, _embedder, _options), (ranks, seconds) in zip(variants, measured, strict=True):
            each = seconds / len(ranks) * 1000
            print(f"{setting:15}{name:17}{shares(ranks)} {each:5.1f}", flush=True)
        if arguments.by_language:
            by_language(dataset, [ranks for ranks, _seconds in measured])


def measure(
    dataset: Dataset, embedder: Embedder, options: SearchOptions
) -> tuple[list[int | None], float]:
    """The place of the right document for each question, from 0, None where it is not among the
    best; and the seconds that all searches took without embedding the questions.
    """
    with tempfile.TemporaryDirectory() as folder:
        index = LocalIndex(Store(Path(folder)), embedder, options)
        with index:
            take_in(index, dataset)
            ranks: list[int | None] = []
            start = time.perf_counter()
            for question in dataset.questions:
                found = [hit.source for hit in best_hits(index, question)]
                right = [
                    place for place, source in enumerate(found) if source in question.documents
                ]
                ranks.append(right[0] if right else None)
            return ranks, time.perf_counter() - start


def shares(ranks: Sequence[int | None]) -> str:
    """Of ranks below each depth."""
    return "".join(f"{fmean(r is not None and r < k for r in ranks):9.4f}" for k in DEPTHS)


def by_language(dataset: Dataset, measured: Sequence[Sequence[int | None]]) -> None:
    """Print recall at 1 by language of question and document, for each variant."""
    pairs = [(q.language, q.document_language or "") for q in dataset.questions]
    names = [f"{a}" if a == b else f"{a}>{b}" for a, b in pairs]
    for name in sorted(set(names)):
        rows = [[r for r, n in zip(ranks, names, strict=True) if n == name] for ranks in measured]
        print(f"  {name:8}" + "".join(f"{fmean(r == 0 for r in row):9.4f}" for row in rows))


if __name__ == "__main__":
    main()
