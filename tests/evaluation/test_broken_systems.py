"""A system broken on purpose scores badly on the metric that is there for it."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from rag.evaluation.runner import Library, ask
from rag.evaluation.summary import flat, group
from rag.evaluation.systems import Quoth
from rag.evaluation.types import Dataset, Prediction, Question, System

Change = Callable[[Prediction], Prediction]


class Altered:
    """A system whose predictions are changed on the way out."""

    def __init__(self, inner: System, change: Change) -> None:
        self._inner = inner
        self._change = change

    def respond(self, question: Question) -> Prediction:
        return self._change(self._inner.respond(question))


class ShuffledCitations:
    """Each answer gets the citations of the question before it."""

    def __init__(self, inner: System) -> None:
        self._inner = inner
        self._last: Prediction | None = None

    def respond(self, question: Question) -> Prediction:
        prediction = self._inner.respond(question)
        before, self._last = self._last or prediction, prediction
        return replace(prediction, quotes=before.quotes)


Measure = Callable[[System], dict[str, float | None]]


@pytest.fixture
def measure(facts: Dataset, library: Library) -> Measure:
    def figures(system: System) -> dict[str, float | None]:
        return flat(group(ask(facts, system, library), seed=0))

    return figures


@pytest.fixture
def whole(measure: Measure, quoth: Quoth) -> dict[str, float | None]:
    """The system as it is: right about everything."""
    return measure(quoth)


def test_unbroken_it_scores_well(whole: dict[str, float | None]) -> None:
    perfect = {
        "retrieval.recall@1", "answer.accuracy", "answer.correct", "answer.quote_contains",
        "answer.language", "citations.verified", "citations.precision", "citations.recall",
        "abstention.answered_rate", "abstention.auroc",
    }  # fmt: skip
    assert {name: whole[name] for name in perfect} == dict.fromkeys(perfect, 1.0)
    assert whole["abstention.false_answer_rate"] == 0


def test_shuffled_citations(measure: Measure, quoth: Quoth, whole: dict[str, float | None]) -> None:
    found = measure(ShuffledCitations(quoth))
    # The first question keeps its own citations; the other five cite the document before theirs.
    assert found["citations.precision"] == pytest.approx(1 / 6)
    assert found["citations.recall"] == pytest.approx(1 / 6)
    assert found["answer.correct"] == pytest.approx(1 / 6)
    assert found["answer.f1"] == whole["answer.f1"], "the words of the answer did not change"


def test_quotes_one_character_off(measure: Measure, quoth: Quoth) -> None:
    def moved(prediction: Prediction) -> Prediction:
        quotes = [replace(q, start=q.start + 1, end=q.end + 1) for q in prediction.quotes]
        return replace(prediction, quotes=tuple(quotes), alternatives=())

    assert measure(Altered(quoth, moved))["citations.verified"] == 0


def test_a_digit_changed_in_the_quote(measure: Measure, quoth: Quoth) -> None:
    def forged(prediction: Prediction) -> Prediction:
        quotes = [replace(q, quote=q.quote.replace("1", "7")) for q in prediction.quotes]
        return replace(prediction, quotes=tuple(quotes), alternatives=())

    assert measure(Altered(quoth, forged))["citations.verified"] == 0


def test_always_answers(measure: Measure, quoth: Quoth) -> None:
    found = measure(Altered(quoth, lambda p: replace(p, answered=True, confidence=1.0)))
    assert found["abstention.false_answer_rate"] == 1
    assert found["abstention.answered_rate"] == 1
    assert found["abstention.auroc"] == 0.5, "it cannot tell"
    assert found["answer.accuracy"] == pytest.approx(6 / 13)  # 7 of 13 have no answer
    assert found["abstention.ece"] == pytest.approx(7 / 13)


def test_never_answers(measure: Measure, quoth: Quoth) -> None:
    found = measure(Altered(quoth, lambda p: replace(p, answered=False)))
    assert found["abstention.answered_rate"] == 0
    assert found["abstention.false_answer_rate"] == 0
    assert found["answer.accuracy"] == pytest.approx(7 / 13)
    assert found["answer.f1"] == found["answer.correct"] == found["citations.recall"] == 0
    assert found["citations.precision"] is None, "it cites nothing"
    assert found["answer.correct_at_hand"] == 1, "the answers were there"


def test_upside_down_confidence(
    measure: Measure, quoth: Quoth, whole: dict[str, float | None]
) -> None:
    found = measure(Altered(quoth, lambda p: replace(p, confidence=1 - (p.confidence or 0))))
    assert found["abstention.auroc"] == 0
    assert (found["abstention.aurc"] or 0) > (whole["abstention.aurc"] or 0)


def test_answers_in_a_language_nobody_asked_for(measure: Measure, quoth: Quoth) -> None:
    found = measure(Altered(quoth, lambda p: replace(p, answer_language="fr")))
    assert found["answer.language"] == found["answer.question_language"] == 0


def test_a_ranking_upside_down(measure: Measure, quoth: Quoth) -> None:
    found = measure(Altered(quoth, lambda p: replace(p, ranked=(p.ranked or ())[::-1])))
    assert found["retrieval.recall@1"] == 0
    assert found["retrieval.mrr@10"] == pytest.approx(1 / 6)  # last of six
