"""Calibrate the reader: which passage to believe, and how much.

    python -m training.calibrate_reader --data PATH/data

On sets and documents that no shipped weight has seen (`UNTRAINED_SETS`, the held-out documents of
NTREX), in one collection of many languages with what else is held out. Questions are asked three
ways: of the whole collection, of the paragraphs of their article alone, and of the collection
without the paragraph that answers, when any answer is wrong. The clozes of NTREX are asked in one
language of documents in another. A reading is right when its quote holds the gold answer. Half of
the paragraphs fit, the other half gives the figures printed. XQuAD and the seed questions are not
used.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression
from transformers import AutoModel, AutoTokenizer

from api.settings import load_settings
from api.wiring import load_embedder
from documents.load import Raw
from index import bundled
from index.ingest import ingest
from index.local import LocalIndex
from index.store import Store
from index.types import Embedder, Filters
from rag import reader_model
from rag.evaluation.abstention import auroc, expected_calibration_error
from rag.evaluation.metrics import contains_answer
from rag.span_model import SpanModel
from rag.span_reader import FEATURES, Calibration, Candidate, SpanReader, sentences_around
from training.clozes import UNSPACED
from training.reader_examples import (
    LANGUAGES,
    SETS,
    clozes,
    held_out_documents,
    held_out_paragraphs,
    parallel_documents,
    read_lines,
)
from training.word_alignment import Aligner

FALSE_ANSWERS = 0.1
"""Share of the unanswerable questions, asked of the whole collection as users ask, that may get an
answer at the default threshold.
"""
UNTRAINED_SETS = (
    "qa-train/cmrc.trial", "qa-train/iapp.valid", "qa-eval/iapp.test", "qa-eval/jaquad.dev",
    "qa-eval/tquad.dev",
)  # fmt: skip
UNTRAINED_PARAGRAPHS = 150
"""Of a set, by whole articles, about."""
COLLECTION = "calibration"
LIMIT = 10


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, the source of the paragraph that answers, the sources of its article, and the
    gold answers (none where nothing answers).
    """

    question: str
    source: str
    article: tuple[str, ...]
    golds: tuple[str, ...]
    foreign: bool


@dataclass(frozen=True, slots=True)
class Row:
    """One asking: what was found in each passage and whether its quote holds the gold answer, shape
    (n,); whether anything answers; whether the whole collection was asked; and the half of the
    paragraphs.
    """

    candidates: list[Candidate]
    right: NDArray[np.bool_]
    answerable: bool
    whole: bool
    held: bool
    foreign: bool

    @property
    def features(self) -> NDArray[np.float64]:
        """Shape (n, 2): the model's score and the search's of each passage."""
        return np.array([(c.score, c.hit.score) for c in self.candidates])


def main() -> None:
    """Read the arguments, ask, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--clozes", type=int, default=150)
    parser.add_argument("--reader", default="default")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    settings = load_settings()
    cache = settings.embedder_options().cache
    texts, asked = drawn(arguments.data, rng, arguments.questions)
    more_texts, more = drawn_clozes(arguments.data, rng, arguments.clozes, cache)
    embedder = load_embedder(settings)
    model = reader_model.load(arguments.reader, cache)
    reader = uncalibrated(model, embedder, (1.0, 0.0))
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalIndex(Store(Path(folder)), embedder) as index,
    ):
        raws = (Raw(text.encode(), name, name) for name, text in {**texts, **more_texts}.items())
        for outcome in ingest(index, COLLECTION, raws):
            assert outcome.status == "added", outcome.reason
        print(f"{len(texts) + len(more_texts)} documents are in", flush=True)
        rows = list(answered([*asked, *more], index, reader))
    values = fitted(rows, lambda weights: uncalibrated(model, embedder, weights))
    values["models"] = f"{embedder.identity} + {reader.name}"
    values["seed"] = arguments.seed
    target = Path(__file__).parent.parent / "rag" / "reader-calibration.json"
    target.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    print(f"wrote {target}")


def drawn(folder: Path, rng: np.random.Generator, count: int) -> tuple[dict[str, str], list[Asked]]:
    """Paragraphs by source: those of `UNTRAINED_SETS` and beside them what is held out of qa-train;
    and questions about the former, alike many of each set and at most one a paragraph.
    """
    trained = {r["title"] for n in SETS for r in read_lines(folder / f"qa-train/{n}.jsonl.gz")}
    rows_of = {n: untrained(folder / f"{n}.jsonl.gz", trained, rng) for n in UNTRAINED_SETS}
    texts = {row["context"] for rows in rows_of.values() for row in rows}
    texts |= held_out_paragraphs(folder / "qa-train")
    sources = {text: f"paragraph-{n}.txt" for n, text in enumerate(sorted(texts))}
    asked: list[Asked] = []
    for rows in rows_of.values():
        articles: dict[str, set[str]] = {}
        for row in rows:
            articles.setdefault(row["title"], set()).add(sources[row["context"]])
        taken: set[str] = set()
        for row in (rows[i] for i in rng.permutation(len(rows))):
            if row["context"] not in taken and len(taken) < count // len(rows_of):
                taken.add(row["context"])
                golds = tuple(answer["text"] for answer in row["answers"])
                article = tuple(sorted(articles[row["title"]]))
                asked.append(Asked(row["question"], sources[row["context"]], article, golds, False))
    return {source: text for text, source in sources.items()}, asked


def untrained(path: Path, trained: set[str], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Questions of a set about whole articles of it, drawn at random from those not `trained`."""
    of_title: dict[str, list[dict[str, Any]]] = {}
    for row in read_lines(path):
        if row["title"] not in trained:
            of_title.setdefault(row["title"], []).append(row)
    drawn: list[dict[str, Any]] = []
    for title in rng.permutation(sorted(of_title)):
        drawn += of_title[str(title)]
        if len({row["context"] for row in drawn}) >= UNTRAINED_PARAGRAPHS:
            break
    return drawn


def drawn_clozes(
    folder: Path, rng: np.random.Generator, count: int, cache: Path
) -> tuple[dict[str, str], list[Asked]]:
    """The held-out documents of NTREX, each in a language drawn at random, and clozes about them in
    other languages.
    """
    path = folder / "ntrex.jsonl.gz"
    held = held_out_documents(path)
    others = {str(row["document"]) for row in read_lines(path)} - held
    base = bundled.prepare(cache)
    model = AutoModel.from_pretrained(base, dtype=torch.float32, add_pooling_layer=False)
    aligner = Aligner(model, AutoTokenizer.from_pretrained(base))
    texts: dict[str, str] = {}
    asked: list[Asked] = []
    for n, document in enumerate(parallel_documents(path, LANGUAGES, others, aligner)):
        told = str(rng.choice(LANGUAGES))
        glue = "" if told in UNSPACED - {"tha"} else " "
        texts[f"news-{n}.txt"] = glue.join(place[told].text for place in document)
        kept = [{language: place[language] for language in LANGUAGES} for place in document]
        for text, answers in clozes(kept, 20 * count // len(held), rng, told=told, same_language=0):
            if answers and sum(a.source == f"news-{n}.txt" for a in asked) < count // len(held):
                gold = text.passage[text.start : text.end]
                asked.append(
                    Asked(text.question, f"news-{n}.txt", (f"news-{n}.txt",), (gold,), True)
                )
    return texts, asked


def answered(asked: list[Asked], index: LocalIndex, reader: SpanReader) -> Iterator[Row]:
    """Ask each question in the three ways."""
    ids = {r.source: r.id for r in index.store.documents(COLLECTION, limit=2**31)}
    for number, one in enumerate(asked):
        held = int(one.source.split("-")[1].split(".")[0]) % 2 == 1
        hits = index.search(one.question, COLLECTION, LIMIT + 2)
        article = tuple(ids[source] for source in one.article)
        narrow = index.search(one.question, COLLECTION, LIMIT, Filters(document_ids=article))
        without = [hit for hit in hits if hit.document_id != ids[one.source]]
        near = [hit for hit in narrow if hit.document_id != ids[one.source]]
        readings = {c.hit.chunk_id: c for c in reader.candidates(one.question, [*hits, *narrow])}
        for kept, answerable, whole in (
            (hits[:LIMIT], bool(one.golds), True),
            (narrow, bool(one.golds), False),
            (without[:LIMIT], False, True),
            (near, False, False),
        ):
            # A passage's score is that of its own search.
            found = [
                replace(readings[hit.chunk_id], hit=hit) for hit in kept if hit.chunk_id in readings
            ]
            if found:
                yield _row(one, found, answerable=answerable, whole=whole, held=held)
        if number % 50 == 0:
            print(f"asked {number} of {len(asked)}", flush=True)


def _row(
    one: Asked, candidates: list[Candidate], *, answerable: bool, whole: bool, held: bool
) -> Row:
    quotes = [c.hit.sentence_text(sentences_around(c.hit, c.span)) for c in candidates]
    right = [answerable and bool(contains_answer(quote, one.golds)) for quote in quotes]
    return Row(candidates, np.array(right, bool), answerable, whole, held, one.foreign)


def uncalibrated(
    model: SpanModel, embedder: Embedder, rank_weights: tuple[float, float]
) -> SpanReader:
    """A reader that orders passages and says nothing about confidence."""
    calibration = Calibration(rank_weights, (0.0,) * len(FEATURES), 0.0, 0.0)
    return SpanReader(model, embedder, calibration)


def fitted(
    rows: list[Row], with_weights: Callable[[tuple[float, float]], SpanReader]
) -> dict[str, Any]:
    """Fit both regressions on one half, print what they do on the other."""
    rank_weights = ranking([row for row in rows if not row.held and row.whole])
    rows = [row for row in rows if row.candidates]
    features, right = _best(rows, with_weights(rank_weights))
    held = np.array([row.held for row in rows])
    answerable = np.array([row.answerable for row in rows])
    foreign = np.array([row.foreign for row in rows])
    model = LogisticRegression(C=100.0, max_iter=2000).fit(features[~held], right[~held])
    confidence = model.predict_proba(features)[:, 1]
    whole = np.array([row.whole for row in rows])
    silent = confidence[~held & ~answerable & whole]
    threshold = float(np.quantile(silent, 1 - FALSE_ANSWERS))
    for name, where in (
        ("all", held), ("foreign", held & foreign), ("own", held & ~foreign),
        ("whole collection", held & whole),
    ):  # fmt: skip
        _report(name, confidence[where], right[where], answerable[where], threshold)
    for name, weights in (("both", rank_weights), ("span", (1.0, 0.0)), ("search", (0.0, 1.0))):
        first = np.array([row.right[(row.features @ weights).argmax()] for row in rows])
        for kind, where in (("own", held & ~foreign), ("foreign", held & foreign)):
            print(f"right first by {name}, {kind}: {first[where & answerable].mean():.3f}")
    return {
        "features": list(FEATURES),
        "rank_weights": [round(w, 6) for w in rank_weights],
        "weights": [round(float(w), 6) for w in model.coef_[0]],
        "bias": round(float(model.intercept_[0]), 6),
        "threshold": round(threshold, 3),
    }


def ranking(rows: list[Row]) -> tuple[float, float]:
    """Weights of the two scores by which the right passages of a question come first (conditional
    logit, McFadden 1973: only passages of one question are compared).
    """
    compared = [(row.features, row.right) for row in rows if row.right.any()]

    def loss(weights: NDArray[np.float64]) -> float:
        total = 0.0
        for features, right in compared:
            scores = features @ weights
            total += float(logsumexp(scores) - logsumexp(scores[right]))
        return total

    weights = minimize(loss, np.array([0.2, 5.0]), method="Nelder-Mead").x
    return 1.0, float(weights[1] / weights[0])


def _best(rows: list[Row], reader: SpanReader) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Features of the best passage of each row, and whether it is right."""
    features, right = [], []
    for row in rows:
        best = reader.judged(row.candidates)[0]
        features.append(best.features)
        right.append(row.right[row.candidates.index(best.candidate)])
    return np.array(features), np.array(right, bool)


def _report(
    name: str,
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    answerable: NDArray[np.bool_],
    threshold: float,
) -> None:
    given = confidence >= threshold
    sure, known, found = confidence.tolist(), answerable.tolist(), right.tolist()
    print(
        f"{name}: {len(right)} askings, AUROC {auroc(sure, known):.3f}, "
        f"ECE {expected_calibration_error(sure, found):.3f}; at {threshold:.3f} answers "
        f"{given[answerable].mean():.2f} of the answerable, {given[~answerable].mean():.2f} of the "
        f"others; right of the answers given: {right[given & answerable].mean():.2f}"
    )


if __name__ == "__main__":
    main()
