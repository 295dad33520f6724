"""What each part of the search earns: the embedder alone, with the neutral map, with keywords.

    python -m benchmarks.retrieval xquad/ --setting mono --setting scattered:0

The folder (or a file of questions) and the settings are those of `quoth evaluate`, and so are the
figures: the share of questions whose document is among the best k. Texts are embedded once for all
variants. The ratio is of the first share to that of the embedder alone; milliseconds are those of a
search without embedding the question.
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
from index.neutral import NeutralEmbedder, NeutralMap, with_map
from index.store import Store
from index.types import Embedder
from rag.evaluation.datasets import load_dataset, sample
from rag.evaluation.runner import quiet, take_in
from rag.evaluation.settings import load_parallel
from rag.evaluation.systems import RememberingEmbedder, best_hits
from rag.evaluation.types import Dataset

DEPTHS = (1, 5, 10)


def main() -> None:
    """Read the arguments, measure each setting with each variant."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--setting", action="append", default=None)
    parser.add_argument("--limit", type=int, help="questions of a setting, a sample")
    parser.add_argument("--map", type=Path, help="another map than the embedder's own")
    parser.add_argument("--by-language", action="store_true", help="also print each language")
    arguments = parser.parse_args()
    plain = RememberingEmbedder(load(load_settings().embedder_options()))
    given = arguments.map
    mapped = (
        NeutralEmbedder(plain, NeutralMap.load(given))
        if given
        else with_map(plain, load_settings().neutral_dir)
    )
    variants = [
        (f"{name}{', keywords' if keywords else ''}", embedder, SearchOptions(keywords=keywords))
        for name, embedder in (("plain", plain), ("map", mapped))
        for keywords in (False, True)
    ]
    print(
        "setting        variant          "
        + "".join(f"    R@{k:<3}" for k in DEPTHS)
        + "   ratio   ms"
    )
    for setting in arguments.setting or [arguments.folder.name.split(".")[0]]:
        dataset = sample(read(arguments.folder, setting), arguments.limit, 0)
        plain.prepare([question.text for question in dataset.questions], quiet)
        measured = [measure(dataset, embedder, options) for _, embedder, options in variants]
        for (name, _embedder, _options), (ranks, seconds) in zip(variants, measured, strict=True):
            each = seconds / len(ranks) * 1000
            ratio = recall(ranks, 1) / max(recall(measured[0][0], 1), 1e-9)
            shares = "".join(f"{recall(ranks, k):9.4f}" for k in DEPTHS)
            print(f"{setting:15}{name:17}{shares} {ratio:7.2f} {each:5.1f}", flush=True)
        if arguments.by_language:
            by_language(dataset, [ranks for ranks, _seconds in measured])


def read(path: Path, setting: str) -> Dataset:
    """A folder of parallel files in a setting, or a file of questions."""
    return load_dataset(path) if path.is_file() else load_parallel(path, setting)


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


def recall(ranks: Sequence[int | None], depth: int) -> float:
    """Share of the ranks, from 0, that are below a depth."""
    return fmean(rank is not None and rank < depth for rank in ranks)


def by_language(dataset: Dataset, measured: Sequence[Sequence[int | None]]) -> None:
    """Print recall at 1 by language of question and document, for each variant."""
    pairs = [(q.language, q.document_language or "") for q in dataset.questions]
    names = [f"{a}" if a == b else f"{a}>{b}" for a, b in pairs]
    for name in sorted(set(names)):
        rows = [[r for r, n in zip(ranks, names, strict=True) if n == name] for ranks in measured]
        print(f"  {name:8}" + "".join(f"{fmean(r == 0 for r in row):9.4f}" for row in rows))


if __name__ == "__main__":
    main()
