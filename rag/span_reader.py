"""The reader: a trained question-answering model, and what its scores are worth."""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from statistics import fmean

from documents.language import UNDETERMINED, detect
from documents.types import Span
from index.terms import passage_text
from index.types import Embedder, Hit
from rag.dates import Relation
from rag.same import Wording, relations
from rag.span_model import Found, Passage, SpanModel
from rag.types import Reading

FEATURES = ("span_score", "cosine_lead", "lead", "foreign", "foreign_score", "foreign_cosine_lead")
"""What confidence is made of: the model's score of the span, clipped; by how much the cosine of
question and passage is above the mean of the passages read; by how much the score leads the best
rival, a passage that says something else and is another document's or stands before it (what its
own document says further down is no rival: with that, confidence is worth less); and, where the
passage is in another language than the question, 1 and the first two once more: a score is worth
something else there.
"""

_CLIP = 20.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """Fitted by `training/calibrate_reader.py` on data no weight was trained on. Passages are
    ordered by `rank_weights` times (span_score, the search's score). `weights` go with `FEATURES`,
    in a logistic regression to the probability that an answer is right. `thresholds` are the
    confidences that an answer must reach where the first passage is in the question's language, and
    where it is not: at them a stated share of the unanswerable questions of either kind still gets
    one. `models` names the models whose scores these are.
    """

    rank_weights: tuple[float, float]
    weights: tuple[float, ...]
    bias: float
    thresholds: tuple[float, float]
    models: str = ""

    def rank_score(self, span_score: float, search_score: float) -> float:
        """By which passages are ordered."""
        return self.rank_weights[0] * span_score + self.rank_weights[1] * search_score

    def probability(self, features: Sequence[float]) -> float:
        """That an answer is right, 0 to 1."""
        logit = self.bias + sum(w * x for w, x in zip(self.weights, features, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))

    def threshold(self, features: Sequence[float]) -> float:
        """What an answer must reach where the first passage has these."""
        return self.thresholds[int(features[FEATURES.index("foreign")])]


@cache
def default_calibration() -> Calibration:
    """The one shipped with the default models."""
    values = json.loads((files("rag") / "reader-calibration.json").read_text("utf-8"))
    first, second = values["rank_weights"]
    own, foreign = values["thresholds"]
    return Calibration(
        (first, second),
        tuple(values["weights"]),
        values["bias"],
        (own, foreign),
        values["models"],
    )


@dataclass(frozen=True, slots=True)
class Candidate:
    """A passage with the model's best span in it, a range of the document's text. `score` is the
    model's, clipped.
    """

    hit: Hit
    span: Span
    score: float

    @property
    def wording(self) -> Wording:
        """The answer in the words of the source."""
        return Wording(self.hit.sentence_text(self.span), self.hit.language)


@dataclass(frozen=True, slots=True)
class Judged:
    """A candidate, its `FEATURES`, the confidence they give, and the answer it belongs to (None
    where it says less or more than a surer one and not the same).
    """

    candidate: Candidate
    features: tuple[float, ...]
    confidence: float
    group: int | None


class SpanReader:
    """Implements `Reader` with a question-answering model: one pass gives the answer in each
    passage and says which passage answers.
    """

    def __init__(
        self,
        model: SpanModel,
        embedder: Embedder | None = None,
        calibration: Calibration | None = None,
    ) -> None:
        """`embedder` tells whether names in two languages are the same; without one, never."""
        self._model = model
        self._embedder = embedder
        self._calibration = calibration or default_calibration()
        self.name = model.name

    def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
        """The best span of each passage, best passage first."""
        return [
            Reading(
                hit=judged.candidate.hit,
                answer=judged.candidate.span,
                quote=sentences_around(judged.candidate.hit, judged.candidate.span),
                score=self._rank_score(judged.candidate),
                confidence=judged.confidence,
                threshold=self._calibration.threshold(judged.features),
                group=judged.group,
            )
            for judged in self.judged(self.candidates(question, hits), detect(question).tag)
        ]

    def candidates(self, question: str, hits: Sequence[Hit]) -> list[Candidate]:
        """What the model finds in each passage that has something to quote, in the order given."""
        found = self._model.find(question, [_passage(hit) for hit in hits])
        return [
            Candidate(hit, _in_document(hit, one), max(-_CLIP, min(_CLIP, one.score)))
            for hit, one in zip(hits, found, strict=True)
            if one is not None
        ]

    def judged(self, candidates: Sequence[Candidate], language: str) -> list[Judged]:
        """Candidates in order, best first, with what the others say about each; `language` is the
        question's.
        """
        ranked = sorted(candidates, key=lambda c: (-self._rank_score(c), c.hit.rank))
        table = relations([candidate.wording for candidate in ranked], self._embedder)
        features = [_features(n, ranked, table, language) for n in range(len(ranked))]
        confidences = [self._calibration.probability(values) for values in features]
        groups = _groups(table, confidences)
        return [
            Judged(*values) for values in zip(ranked, features, confidences, groups, strict=True)
        ]

    def _rank_score(self, candidate: Candidate) -> float:
        return self._calibration.rank_score(candidate.score, candidate.hit.score)


def _groups(table: Sequence[Sequence[Relation]], confidences: Sequence[float]) -> list[int | None]:
    """Each answer's group: that of the surest one that says the same. Whatever passes a threshold
    so has its group's first answer, or the one it says less or more than, above it too.
    """
    groups: list[int | None] = [None] * len(table)
    heads: list[int] = []
    for n in sorted(range(len(table)), key=lambda place: -confidences[place]):
        same = next((g for g, head in enumerate(heads) if table[n][head] == "same"), None)
        if same is None and all(table[n][head] == "different" for head in heads):
            same = len(heads)
            heads.append(n)
        groups[n] = same
    return groups


def _features(
    n: int, ranked: Sequence[Candidate], table: Sequence[Sequence[Relation]], language: str
) -> tuple[float, ...]:
    one = ranked[n]
    against = [
        c.score
        for place, (c, said) in enumerate(zip(ranked, table[n], strict=True))
        if said == "different" and (place < n or c.hit.document_id != one.hit.document_id)
    ]
    lead = max(-_CLIP, min(_CLIP, one.score - max(against))) if against else _CLIP
    cosine_lead = one.hit.dense_score - fmean(c.hit.dense_score for c in ranked)
    known = {language, one.hit.language} - {UNDETERMINED}
    foreign = float(len({tag.split("-")[0] for tag in known}) == 2)
    return one.score, cosine_lead, lead, foreign, foreign * one.score, foreign * cosine_lead


def _passage(hit: Hit) -> Passage:
    """The chunk as the model reads it, with the titles above it; these are nothing to quote."""
    text = passage_text(hit.text, hit.headings)
    shift = len(text) - len(hit.text) - hit.span.start
    return Passage(text, tuple(Span(s.start + shift, s.end + shift) for s in hit.sentences))


def _in_document(hit: Hit, found: Found) -> Span:
    shift = hit.span.start + len(hit.text) - len(passage_text(hit.text, hit.headings))
    return Span(found.span.start + shift, found.span.end + shift)


def sentences_around(hit: Hit, answer: Span) -> Span:
    """From the start of the answer's first sentence to the end of its last."""
    touched = [s for s in hit.sentences if s.start < answer.end and answer.start < s.end]
    return Span(touched[0].start, touched[-1].end)
