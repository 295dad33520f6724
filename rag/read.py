"""The extractive reader that needs no model of its own: it scores sentences with the embedder."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from documents.types import Span
from index.types import Embedder, Hit, Vectors
from rag.types import Reading


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic regression from the reader's features to the probability that the quote answers.

    `weights` go with `Features` in their order. `threshold` is the confidence at which answering
    was worth it on the calibration data (`training/calibrate_reader.py` says how and on what).
    """

    weights: tuple[float, ...]
    bias: float
    threshold: float

    def probability(self, features: Sequence[float]) -> float:
        """Of a right quote, 0 to 1."""
        logit = self.bias + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))


@cache
def default_calibration() -> Calibration:
    """The one shipped with the default model."""
    values = json.loads((files("rag") / "calibration.json").read_text("utf-8"))
    return Calibration(tuple(values["weights"]), values["bias"], values["threshold"])


FEATURES = ("sentence_cosine", "passage_cosine", "lead_over_other_passages")


@dataclass(frozen=True, slots=True)
class Scored:
    """The best sentence of a passage. `score` ranks passages; `features` go with `FEATURES`."""

    hit: Hit
    sentence: Span
    score: float
    features: tuple[float, ...]


class SentenceReader:
    """Implements `Reader`: the sentence most like the question is the answer, and its quote."""

    def __init__(self, embedder: Embedder, calibration: Calibration | None = None) -> None:
        self._embedder = embedder
        self._calibration = calibration or default_calibration()
        self.name = "sentence-similarity"

    def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
        """The best sentence of each passage, best passage first. Passages that overlap give a
        sentence once.
        """
        return [
            Reading(
                hit=scored.hit,
                answer=scored.sentence,
                quote=scored.sentence,
                score=scored.score,
                confidence=self._calibration.probability(scored.features),
            )
            for scored in self.scored(question, hits)
        ]

    def scored(self, question: str, hits: Sequence[Hit]) -> list[Scored]:
        """The same before calibration. Sentence and passage count alike: the one says where, the
        other whether it is about the matter.
        """
        found = _distinct_sentences(hits)
        if not found:
            return []
        query = self._embedder.embed_queries([question])[0]
        vectors = self._embedder.embed_passages([_in_context(hit, span) for hit, span in found])
        best = _best_of_each(found, vectors @ query)
        scores = [(cosine + hit.score) / 2 for hit, _span, cosine in best]
        result = []
        for (hit, span, cosine), score in zip(best, scores, strict=True):
            others = (sum(scores) - score) / (len(scores) - 1) if len(scores) > 1 else score
            result.append(Scored(hit, span, score, (cosine, hit.score, score - others)))
        return sorted(result, key=lambda scored: (-scored.score, scored.hit.rank))


def _in_context(hit: Hit, span: Span) -> str:
    """A sentence as it is compared: with the titles above it, which often name its subject."""
    return "\n".join([*hit.headings, hit.sentence_text(span)])


def _distinct_sentences(hits: Sequence[Hit]) -> list[tuple[Hit, Span]]:
    seen: set[tuple[str, Span]] = set()
    found = []
    for hit in hits:
        for span in hit.sentences:
            if (hit.document_id, span) not in seen:
                seen.add((hit.document_id, span))
                found.append((hit, span))
    return found


def _best_of_each(
    found: Sequence[tuple[Hit, Span]], cosines: Vectors
) -> list[tuple[Hit, Span, float]]:
    best: dict[int, tuple[Hit, Span, float]] = {}
    for (hit, span), cosine in zip(found, cosines.tolist(), strict=True):
        if hit.chunk_id not in best or cosine > best[hit.chunk_id][2]:
            best[hit.chunk_id] = (hit, span, cosine)
    return list(best.values())
