"""Calibrate the reader: which passage to believe, and how much.

    python -m training.calibrate_reader --data PATH/data

On questions and documents that no shipped weight has seen (`calibration_questions`), in one
collection of many languages with what else is held out. Questions are asked three ways: of the
whole collection, of the paragraphs of their article alone, and of the collection without what
answers, when any answer is wrong. News is asked about in other languages than it is in, and again
with the news in others. A reading is right when its quote holds the gold answer. Where what was
left out is said by another document too, an asking is no test of silence and does not count. Each
half of the articles and stories is measured by what was fitted on the other. XQuAD and the seed
questions are not used.
"""

import json
import pickle
import tempfile
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from api.settings import load_settings
from api.wiring import load_embedder
from documents.language import detect
from documents.load import Raw
from index.ingest import ingest
from index.local import LocalIndex
from index.store import Store
from index.types import Embedder, Filters
from rag import reader_model
from rag.evaluation.abstention import auroc, expected_calibration_error
from rag.evaluation.metrics import contains_answer, f1
from rag.span_model import SpanModel
from rag.span_reader import FEATURES, Calibration, Candidate, SpanReader, sentences_around
from training.calibration_questions import Asked, news, news_clozes, news_questions, questions
from training.thresholds import Outcomes, thresholds

SAME_ANSWER = 0.5
"""F1 of an answer with a gold one from which on they are taken for the same."""
COLLECTION = "calibration"
LIMIT = 10


@dataclass(frozen=True, slots=True)
class Row:
    """One asking: what was found in each passage and whether its quote holds the gold answer, shape
    (n,); whether anything answers; whether the whole collection was asked; the half of the
    paragraphs; whether in another language than the documents; whether written for this; the
    question's language, as it is told when it is asked; and whether no document answers, though one
    that was asked comes near.
    """

    candidates: list[Candidate]
    right: NDArray[np.bool_]
    answerable: bool
    whole: bool
    held: bool
    foreign: bool
    written: bool
    language: str
    silent: bool

    @property
    def features(self) -> NDArray[np.float64]:
        """Shape (n, 2): the model's score and the search's of each passage."""
        return np.array([(c.score, c.hit.score) for c in self.candidates])


def main() -> None:
    """Read the arguments, ask, fit, measure, write."""
    parser = ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=int, default=500)
    parser.add_argument("--clozes", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=2, help="languages each piece of news is in")
    parser.add_argument("--reader", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--askings", type=Path, help="keep what was asked here; fit what is there, if it exists"
    )
    arguments = parser.parse_args()
    settings = load_settings()
    embedder = load_embedder(settings)
    cache = settings.embedder_options().cache
    model = reader_model.load(arguments.reader, cache)
    reader = uncalibrated(model, embedder, (1.0, 0.0))
    # The shipped reader's folder tells its weights from those before.
    name = reader_model.folder(cache).name if arguments.reader == "default" else arguments.reader
    asked_with = f"{embedder.identity} + {name}"
    if arguments.askings and arguments.askings.exists():
        kept, rows = pickle.loads(arguments.askings.read_bytes())
        if kept != asked_with:
            parser.error(
                f"{arguments.askings} was asked with {kept}, not {asked_with}: name another file"
            )
    else:
        rows = asked_of(arguments, cache, reader, embedder)
        if arguments.askings:
            arguments.askings.write_bytes(pickle.dumps((asked_with, rows)))
    values = fitted(rows, lambda weights: uncalibrated(model, embedder, weights))
    values["models"] = f"{embedder.identity} + {reader.name}"
    values["seed"] = arguments.seed
    target = Path(__file__).parent.parent / "rag" / "reader-calibration.json"
    target.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    print(f"wrote {target}")


def asked_of(
    arguments: Namespace, cache: Path, reader: SpanReader, embedder: Embedder
) -> list[Row]:
    """Ask everything, of the news in so many rounds of languages."""
    rng = np.random.default_rng(arguments.seed)
    texts, asked = questions(arguments.data, rng, arguments.questions)
    told = news(arguments.data, cache, rng)
    asked += news_clozes(told, rng, arguments.clozes)
    rows: list[Row] = []
    for number in range(arguments.rounds):
        with (
            tempfile.TemporaryDirectory() as folder,
            LocalIndex(Store(Path(folder)), embedder) as index,
        ):
            documents = {**texts, **told.texts()}
            raws = (Raw(text.encode(), name, name) for name, text in documents.items())
            for outcome in ingest(index, COLLECTION, raws):
                assert outcome.status == "added", outcome.reason
            print(f"round {number}: {len(documents)} documents are in", flush=True)
            rows += answered([*asked, *news_questions(told)], index, reader)
        told, asked = told.drawn(rng), []
    return rows


def answered(asked: list[Asked], index: LocalIndex, reader: SpanReader) -> Iterator[Row]:
    """Ask each question in the three ways."""
    ids = {r.source: r.id for r in index.store.documents(COLLECTION, limit=2**31)}
    for number, one in enumerate(asked):
        left_out = tuple(ids[source] for source in one.without)
        hits = index.search(one.question, COLLECTION, LIMIT)
        without = index.search(
            one.question, COLLECTION, LIMIT, Filters(exclude_document_ids=left_out)
        )
        article = tuple(ids[source] for source in one.article)
        narrow = index.search(one.question, COLLECTION, LIMIT, Filters(document_ids=article))
        near = [hit for hit in narrow if hit.document_id not in left_out]
        every = {hit.chunk_id: hit for hit in (*hits, *without, *narrow)}
        found_in = reader.candidates(one.question, list(every.values()))
        readings = {candidate.hit.chunk_id: candidate for candidate in found_in}
        answering = {ids[source] for source in one.answering}
        for kept, answerable, whole in (
            (hits, bool(one.golds), True),
            (narrow, bool(one.golds), False),
            (without, False, True),
            (near, False, False),
        ):
            # A passage's score is that of its own search.
            found = [
                replace(readings[hit.chunk_id], hit=hit) for hit in kept if hit.chunk_id in readings
            ]
            if found and (answerable or not any(says_it(c, one) for c in found)):
                yield _row(
                    one,
                    found,
                    answering if answerable else set(),
                    whole=whole,
                    silent=kept is hits and not one.golds,
                )
        if number % 50 == 0:
            print(f"asked {number} of {len(asked)}", flush=True)


def _row(
    one: Asked, candidates: list[Candidate], answering: set[str], *, whole: bool, silent: bool
) -> Row:
    right = [
        says_it(candidate, one)
        or (candidate.hit.document_id in answering and is_right(_quote(candidate), one))
        for candidate in candidates
    ]
    found = np.array(right, bool)
    language = detect(one.question).tag
    return Row(
        candidates, found, bool(answering), whole, one.held, one.foreign, one.sentences, language,
        silent,
    )  # fmt: skip


def says_it(candidate: Candidate, one: Asked) -> bool:
    """Whether a document, of whatever article, says what a question about paragraphs in its own
    language asks for: the answer is a gold one, more or less, and the quote holds that. (Articles
    say many things twice. A cloze's number or name may stand in another document by chance.)
    """
    if one.foreign or one.sentences or not contains_answer(_quote(candidate), one.golds):
        return False
    return (f1(candidate.wording.text, one.golds) or 0.0) >= SAME_ANSWER


def _quote(candidate: Candidate) -> str:
    return candidate.hit.sentence_text(sentences_around(candidate.hit, candidate.span))


def is_right(quote: str, one: Asked) -> bool:
    """Whether a quote holds a gold answer, or is of a sentence that does."""
    if contains_answer(quote, one.golds):
        return True
    return one.sentences and any(contains_answer(gold, [quote]) for gold in one.golds)


def uncalibrated(
    model: SpanModel, embedder: Embedder, rank_weights: tuple[float, float]
) -> SpanReader:
    """A reader that orders passages and says nothing about confidence."""
    calibration = Calibration(rank_weights, (0.0,) * len(FEATURES), 0.0, (0.0, 0.0))
    return SpanReader(model, embedder, calibration)


def fitted(
    rows: list[Row], with_weights: Callable[[tuple[float, float]], SpanReader]
) -> dict[str, Any]:
    """Fit both regressions; print what they do on the half that they were not fitted on. The
    thresholds are those of such confidences too; the confidence that is shipped is fitted on all.
    By what passages are ordered is one number, fitted on one half for both.
    """
    rank_weights = ranking([row for row in rows if not row.held and row.whole])
    features, right = _best(rows, with_weights(rank_weights))
    held, answerable, foreign, written, whole, silent = (
        np.array([getattr(row, name) for row in rows])
        for name in ("held", "answerable", "foreign", "written", "whole", "silent")
    )
    confidence = np.zeros(len(rows))
    for half in (held, ~held):
        model = LogisticRegression(C=100.0, max_iter=2000).fit(features[~half], right[~half])
        confidence[half] = model.predict_proba(features[half])[:, 1]
    abroad = features[:, FEATURES.index("foreign")] == 1.0
    outcomes = (confidence, abroad, foreign, answerable, right)
    own, other = thresholds(Outcomes(*(values[whole] for values in outcomes)))
    given = confidence >= np.where(abroad, other, own)
    print(f"thresholds: {own:.3f} in the question's language, {other:.3f} in another")
    for name, where in (
        ("all", answerable | True), ("foreign", foreign), ("own", ~foreign),
        ("foreign, as people ask", foreign & written), ("whole collection", whole),
        ("whole collection, own", whole & ~foreign), ("whole collection, foreign", whole & foreign),
        ("whole collection, beside near questions", whole & written & (answerable | silent)),
    ):  # fmt: skip
        _report(name, confidence[where], right[where], answerable[where], given[where])
    for name, weights in (("both", rank_weights), ("span", (1.0, 0.0)), ("search", (0.0, 1.0))):
        first = np.array([row.right[(row.features @ weights).argmax()] for row in rows])
        for kind, where in (("own", held & ~foreign), ("foreign", held & foreign)):
            print(f"right first by {name}, {kind}: {first[where & answerable].mean():.3f}")
    model = LogisticRegression(C=100.0, max_iter=2000).fit(features, right)
    return {
        "features": list(FEATURES),
        "rank_weights": [round(w, 6) for w in rank_weights],
        "weights": [round(float(w), 6) for w in model.coef_[0]],
        "bias": round(float(model.intercept_[0]), 6),
        "thresholds": [round(own, 3), round(other, 3)],
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
        best = reader.judged(row.candidates, row.language)[0]
        features.append(best.features)
        right.append(row.right[row.candidates.index(best.candidate)])
    return np.array(features), np.array(right, bool)


def _report(
    name: str,
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    answerable: NDArray[np.bool_],
    given: NDArray[np.bool_],
) -> None:
    sure, known, found = confidence.tolist(), answerable.tolist(), right.tolist()
    print(
        f"{name}: {len(right)} askings, AUROC {auroc(sure, known):.3f}, "
        f"ECE {expected_calibration_error(sure, found):.3f}; answers "
        f"{given[answerable].mean():.2f} of the answerable, {given[~answerable].mean():.2f} of the "
        f"others; right of the answers given: {right[given & answerable].mean():.2f}"
    )


if __name__ == "__main__":
    main()
