"""One question and what was said to it → its scores.

Whether an answer is *correct* follows the evidence: one of its quotes comes from a document that
holds the answer, and contains a gold answer (`metrics.contains_answer`). Gold answers may be in
several languages; each is compared in its own, and the best match counts.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from documents.language import detect
from rag.evaluation import metrics
from rag.evaluation.types import Gold, Prediction, Question, Quote, Scored, Texts

RETRIEVAL = (
    "retrieval.recall@1",
    "retrieval.recall@5",
    "retrieval.recall@10",
    "retrieval.mrr@10",
    "retrieval.ndcg@10",
)
ANSWER = (
    "answer.accuracy",
    "answer.correct",
    "answer.correct_at_hand",
    "answer.exact_match",
    "answer.f1",
    "answer.ngram_recall",
    "answer.quote_contains",
    "answer.language",
    "answer.question_language",
)
CITATIONS = ("citations.verified", "citations.precision", "citations.recall")
ABSTENTION = ("abstention.answered_rate", "abstention.false_answer_rate")
METRICS = (*RETRIEVAL, *ANSWER, *CITATIONS, *ABSTENTION)
"""The scores of one question; over many, their mean is the metric."""

_SURE = 0.95
"""Confidence from which a detected language of a short text is believed."""

Match = Callable[[str | None, Iterable[str], str | None], float | None]


def score(question: Question, prediction: Prediction, texts: Texts) -> Scored:
    """Score one prediction.

    Args:
        question: with its gold answers and documents.
        prediction: of any system.
        texts: the corpus it was asked of, which quotes are checked against.
    """
    language = question.document_language
    for source in question.documents[:1]:
        language = language or texts.languages.get(source)
    scores: dict[str, float | None] = dict.fromkeys(METRICS)
    correct = None
    if prediction.ranked is not None:
        scores |= _retrieval(prediction.ranked, question.documents)
    if prediction.answered is not None:
        correct = is_correct(question, prediction.quotes)
        scores |= _answer(question, prediction, correct, language)
        scores |= _citations(question, prediction, texts)
        rate = "answered_rate" if question.answerable else "false_answer_rate"
        scores[f"abstention.{rate}"] = float(prediction.answered)
    return Scored(question, prediction, language, scores, correct)


def is_correct(question: Question, quotes: Sequence[Quote]) -> float:
    """Give 1 when a quote from a gold document contains a gold answer, else 0."""
    return max(
        (
            _match(metrics.contains_answer, quote.quote, question.answers) or 0.0
            for quote in quotes
            if quote.document_id in question.documents
        ),
        default=0.0,
    )


def is_verified(quote: Quote, texts: Texts) -> bool:
    """Tell whether the words stand exactly where the quote says, in the text as Quoth reads it or
    in the original.
    """
    return bool(
        metrics.verified_rate([quote], texts.canonical)
        or metrics.verified_rate([quote], texts.original)
    )


def _retrieval(ranked: Sequence[str], relevant: Sequence[str]) -> dict[str, float | None]:
    values = (
        metrics.recall_at(ranked, relevant, 1),
        metrics.recall_at(ranked, relevant, 5),
        metrics.recall_at(ranked, relevant, 10),
        metrics.reciprocal_rank_at(ranked, relevant, 10),
        metrics.ndcg_at(ranked, relevant, 10),
    )
    return dict(zip(RETRIEVAL, values, strict=True))


def _answer(
    question: Question, prediction: Prediction, correct: float, language: str | None
) -> dict[str, float | None]:
    if not question.answerable:
        return {"answer.accuracy": 0.0 if prediction.answered else 1.0}
    given = prediction.answer if prediction.answered else None
    quotes = [quote.quote for quote in prediction.quotes] if prediction.answered else []
    contained = [_match(metrics.contains_answer, quote, question.answers) for quote in quotes]
    right = correct if prediction.answered else 0.0
    return {
        "answer.accuracy": right,
        "answer.correct": right,
        "answer.correct_at_hand": correct,
        "answer.exact_match": _match(metrics.exact_match, given, question.answers),
        "answer.f1": _match(metrics.f1, given, question.answers),
        "answer.ngram_recall": _match(metrics.ngram_recall, given, question.answers),
        "answer.quote_contains": max((value or 0.0 for value in contained), default=0.0),
        **_languages(question, prediction, language),
    }


def _languages(
    question: Question, prediction: Prediction, language: str | None
) -> dict[str, float | None]:
    """Whether an answer that was given is in the question's language, and whether in one that can
    be right: the question's or that of a document that holds the answer.
    """
    spoken = answer_language(prediction) if prediction.answered else None
    if spoken is None:
        return {}
    possible = {question.language, *(gold.language for gold in question.answers), language}
    primaries = {primary(tag) for tag in possible if tag}
    return {
        "answer.language": float(primary(spoken) in primaries),
        "answer.question_language": float(primary(spoken) == primary(question.language)),
    }


def answer_language(prediction: Prediction) -> str | None:
    """The tag the system gave, or else the detected one; None where that would be a guess."""
    if prediction.answer_language:
        return prediction.answer_language
    found = detect(prediction.answer)
    return found.tag if found.confidence >= _SURE else None


def primary(tag: str) -> str:
    """The language of a BCP 47 tag without script and region: "zh" of "zh-Hant"."""
    return tag.lower().replace("_", "-").partition("-")[0]


def _citations(question: Question, prediction: Prediction, texts: Texts) -> dict[str, float | None]:
    """Of what was shown: a declined question shows no citation, so it has none to verify."""
    shown = (*prediction.quotes, *prediction.alternatives) if prediction.answered else ()
    checks = [float(is_verified(quote, texts)) for quote in shown]
    cited = [quote.document_id for quote in prediction.quotes] if prediction.answered else []
    return {
        "citations.verified": metrics.mean_of(checks),
        "citations.precision": metrics.citation_precision(cited, question.documents),
        "citations.recall": metrics.citation_recall(cited, question.documents),
    }


def _match(metric: Match, text: str | None, golds: Sequence[Gold]) -> float | None:
    """The best match of a text with the gold answers, each compared in its own language."""
    by_language: Mapping[str | None, list[str]] = {
        language: [gold.text for gold in golds if gold.language == language]
        for language in dict.fromkeys(gold.language for gold in golds)
    }
    found = [metric(text, texts, language) for language, texts in by_language.items()]
    return max((value for value in found if value is not None), default=None)
