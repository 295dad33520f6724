"""The extractive reader that needs no model of its own: it scores sentences with the embedder."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from documents.types import Span
from index.types import Embedder, Hit
from rag.answer_map import AnswerMap
from rag.types import Reading


@dataclass(frozen=True, slots=True)
class Calibration:
    """Logistic regression from the reader's features to the probability that the quote answers.

    `weights` go with `FEATURES`. `threshold` is the confidence at which 12% of the questions
    without an answer still got one on the data that `training/calibrate_sentences.py`
    names, and `embedder` the identity of the embedder whose scores these are.
    """

    weights: tuple[float, ...]
    bias: float
    threshold: float
    embedder: str = ""

    def probability(self, features: Sequence[float]) -> float:
        """Of a right quote, 0 to 1."""
        logit = self.bias + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))


@cache
def default_calibration() -> Calibration:
    """The one shipped with the default model."""
    values = json.loads((files("rag") / "calibration.json").read_text("utf-8"))
    return Calibration(
        tuple(values["weights"]), values["bias"], values["threshold"], values["embedder"]
    )


FEATURES = ("sentence_score", "passage_cosine", "lead_over_other_passages", "numbers_in_quote")

_NUMBER = re.compile(r"\d+")
_NUMBER_BONUS = 0.1
"""What a sentence gains that holds every number of the question: about one standard deviation of
the scores of a passage's sentences. Vectors hardly tell one year from another.
"""


_WITH_NEIGHBOUR_CHARACTERS = 700
"""A quote is not widened beyond this."""


@dataclass(frozen=True, slots=True)
class Scored:
    """The best sentence of a passage, and the quote around it. `score` ranks passages; `features`
    go with `FEATURES`.
    """

    hit: Hit
    sentence: Span
    quote: Span
    score: float
    features: tuple[float, ...]


class SentenceReader:
    """Implements `Reader`: the sentence that looks most like an answer is the answer. Its quote is
    widened by the neighbour that fits the question better, because sentences lean on each other
    ("he refused it").
    """

    def __init__(
        self,
        embedder: Embedder,
        answer_map: AnswerMap | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        self._embedder = embedder
        self._answer_map = answer_map
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
                quote=scored.quote,
                score=scored.score,
                confidence=self._calibration.probability(scored.features),
                threshold=self._calibration.threshold,
                group=number,
            )
            for number, scored in enumerate(self.scored(question, hits))
        ]

    def scored(self, question: str, hits: Sequence[Hit]) -> list[Scored]:
        """The same before calibration. Sentence and passage count alike: the one says where, the
        other whether it is about the matter.
        """
        found = _distinct_sentences(hits)
        if not found:
            return []
        query = self._embedder.embed_queries([question])[0]
        wanted = self._answer_map(query) if self._answer_map else query
        vectors = self._embedder.embed_passages([_in_context(hit, span) for hit, span in found])
        by_passage: dict[int, list[tuple[float, Span]]] = {}
        asked = _numbers(question)
        for (hit, span), score in zip(found, (vectors @ wanted).tolist(), strict=True):
            bonus = _NUMBER_BONUS * _share_in(hit.sentence_text(span), asked)
            by_passage.setdefault(hit.chunk_id, []).append((score + bonus, span))
        result = []
        passages = [hit for hit in hits if hit.chunk_id in by_passage]
        best = [max(by_passage[hit.chunk_id], key=lambda entry: entry[0]) for hit in passages]
        scores = [
            (score + hit.dense_score) / 2
            for hit, (score, _span) in zip(passages, best, strict=True)
        ]
        for hit, (sentence_score, span), score in zip(passages, best, scores, strict=True):
            others = (sum(scores) - score) / (len(scores) - 1) if len(scores) > 1 else score
            quote = _widened(hit, span, by_passage[hit.chunk_id])
            in_quote = _share_in(hit.sentence_text(quote), asked)
            features = (sentence_score, hit.dense_score, score - others, in_quote)
            result.append(Scored(hit, span, quote, score, features))
        return sorted(result, key=lambda scored: (-scored.score, scored.hit.rank))


def _widened(hit: Hit, sentence: Span, scored: Sequence[tuple[float, Span]]) -> Span:
    """The sentence with the better of its neighbours in its paragraph, where both stay short."""
    position = next(n for n, (_score, span) in enumerate(scored) if span == sentence)
    wider = []
    for score, other in (scored[n] for n in (position - 1, position + 1) if 0 <= n < len(scored)):
        wide = Span(min(sentence.start, other.start), max(sentence.end, other.end))
        in_paragraph = "\n" not in hit.sentence_text(wide)
        if in_paragraph and wide.end - wide.start <= _WITH_NEIGHBOUR_CHARACTERS:
            wider.append((score, wide))
    return max(wider, key=lambda entry: entry[0])[1] if wider else sentence


def _numbers(text: str) -> frozenset[int]:
    """The whole numbers in a text, in the digits of any script."""
    return frozenset(int(digits[:18]) for digits in _NUMBER.findall(text))


def _share_in(text: str, asked: frozenset[int]) -> float:
    """The share of the asked numbers that a text holds; 0 where none is asked."""
    return len(asked & _numbers(text)) / len(asked) if asked else 0.0


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
