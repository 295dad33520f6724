"""Calibrate the sentence reader: from its scores to the probability that its quote answers.

    python -m training.calibrate_sentences --data PATH/qa-train

Each question is asked twice: with its paragraph in the corpus, and with it taken out, when any
answer is a wrong one. A reading is right when its quote holds the gold answer. The questions come
from extractive data sets in four languages and are about paragraphs that the answer map has not
seen, all in one corpus; a held-out half of them gives the figures that are printed. XQuAD and the
seed questions are not used.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from api.settings import load_settings
from api.wiring import load_embedder
from documents.load import Raw
from index.ingest import ingest
from index.local import LocalIndex
from index.store import Store
from index.types import Embedder, Filters, Vectors
from rag.answer_map import shipped_map
from rag.evaluation.abstention import auroc, expected_calibration_error
from rag.evaluation.metrics import contains_answer
from rag.read import FEATURES, SentenceReader
from training.data import draw
from training.train_answer_map import drawn

SETS = {"jaquad.train": 250, "cmrc.trial": 200, "iapp.valid": 200, "pquad.validation": 300}
MAP_SEED = 0
FALSE_ANSWERS = 0.12
"""Share of the unanswerable questions that may get an answer at the default threshold."""
COLLECTION = "calibration"
LIMIT = 10


class Remembering:
    """An embedder that embeds each passage once."""

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._known: dict[str, Vectors] = {}
        self.name = inner.name
        self.identity = inner.identity
        self.dimension = inner.dimension
        self.max_tokens = inner.max_tokens
        self.count_tokens = inner.count_tokens
        self.embed_queries = inner.embed_queries

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of the texts, new ones embedded together."""
        new = sorted({text for text in texts if text not in self._known})
        if new:
            self._known.update(zip(new, self._inner.embed_passages(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def main() -> None:
    """Read the arguments, ask, fit, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder qa-train")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = np.random.default_rng(arguments.seed)
    # The answer map must not have seen what its scores are calibrated on.
    seen = {row["context"] for row in drawn(arguments.data, np.random.default_rng(MAP_SEED))}
    questions = [
        row
        for name, count in SETS.items()
        for row in draw(
            arguments.data, name, count, rng, per_paragraph=1, impossible=True, without=seen
        )
    ]
    embedder = Remembering(load_embedder(load_settings()))
    with (
        tempfile.TemporaryDirectory() as folder,
        LocalIndex(Store(Path(folder)), embedder) as index,
    ):
        paragraphs = sorted({question["context"] for question in questions})
        raws = (Raw(text.encode(), f"{n}.txt", f"{n}.txt") for n, text in enumerate(paragraphs))
        for _outcome in ingest(index, COLLECTION, raws):
            pass
        rows = asked(
            questions, paragraphs, index, SentenceReader(embedder, shipped_map(embedder.identity))
        )
    features, right, answerable, half = (np.array(column) for column in zip(*rows, strict=True))
    fitted, held = half == 0, half == 1
    model = LogisticRegression(C=100.0).fit(features[fitted], right[fitted])
    confidence = model.predict_proba(features)[:, 1]
    threshold = threshold_for(confidence[fitted], answerable[fitted], FALSE_ANSWERS)
    report(confidence[held], right[held], answerable[held], threshold)
    values = {
        "features": list(FEATURES),
        "weights": [round(float(w), 6) for w in model.coef_[0]],
        "bias": round(float(model.intercept_[0]), 6),
        "threshold": round(threshold, 3),
        "embedder": embedder.identity,
        "data": "qa-train: " + ", ".join(SETS),
        "seed": arguments.seed,
    }
    target = Path(__file__).parent.parent / "rag" / "calibration.json"
    target.write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    print(f"wrote {target}: {values['weights']} {values['bias']} threshold {values['threshold']}")


def asked(
    questions: list[dict[str, Any]],
    paragraphs: list[str],
    index: LocalIndex,
    reader: SentenceReader,
) -> list[tuple[tuple[float, ...], bool, bool, int]]:
    """Features of the best reading, whether it is right, whether the question could be answered,
    and the half of the paragraphs it belongs to; with and without its paragraph.
    """
    ids = {r.source: r.id for r in index.store.documents(COLLECTION, limit=2**31)}
    positions = {text: number for number, text in enumerate(paragraphs)}
    rows = []
    for number, question in enumerate(questions):
        position = positions[question["context"]]
        golds = [answer["text"] for answer in question["answers"]]
        without = Filters(exclude_document_ids=(ids[f"{position}.txt"],))
        for filters, answerable in ((None, bool(golds)), (without, False)):
            hits = index.search(question["question"], COLLECTION, LIMIT, filters)
            best = reader.scored(question["question"], hits)[0]
            quote = best.hit.sentence_text(best.quote)
            right = answerable and bool(contains_answer(quote, golds))
            rows.append((best.features, right, answerable, position % 2))
        if number % 200 == 0:
            print(f"asked {number} of {len(questions)}", flush=True)
    return rows


def threshold_for(
    confidence: NDArray[np.float64], answerable: NDArray[np.bool_], share: float
) -> float:
    """The least confidence at which at most `share` of the unanswerable questions get one."""
    return float(np.quantile(confidence[~answerable], 1 - share))


def report(
    confidence: NDArray[np.float64],
    right: NDArray[np.bool_],
    answerable: NDArray[np.bool_],
    threshold: float,
) -> None:
    """Print what the calibration does on paragraphs it has not seen."""
    given = confidence >= threshold
    print(f"held out: {len(right)} questions, half of them without their paragraph")
    print(f"AUROC answerable against not: {auroc(confidence.tolist(), answerable.tolist()):.3f}")
    print(f"ECE: {expected_calibration_error(confidence.tolist(), right.tolist()):.3f}")
    print(f"at {threshold:.3f}: answers {given[answerable].mean():.2f} of the answerable")
    print(f"  and {given[~answerable].mean():.2f} of the others;")
    print(
        f"  of the answers to answerable questions {right[given & answerable].mean():.2f} are right"
    )


if __name__ == "__main__":
    main()
