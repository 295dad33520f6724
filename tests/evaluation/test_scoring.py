import pytest

from rag.evaluation.scoring import METRICS, score
from rag.evaluation.types import Gold, Prediction, Question, Quote, Texts

TEXT = "Ο Γουίλιαμ Χάρισον υπέγραψε την ανακωχή το 1953."
TEXTS = Texts({"d/1": TEXT, "d/2": "Τίποτε άλλο."}, {}, {"d/1": "el", "d/2": "el"})
QUESTION = Question(
    id="q",
    language="en",
    text="Who signed?",
    corpus="d",
    answers=(Gold("Γουίλιαμ Χάρισον", "el"), Gold("the William Harrison", "en")),
    documents=("d/1",),
)
RIGHT = Quote("d/1", TEXT, 0, len(TEXT))
GOOD = Prediction(
    ranked=("d/2", "d/1"),
    answered=True,
    answer="Γουίλιαμ Χάρισον",
    answer_language="el",
    confidence=0.9,
    quotes=(RIGHT,),
)
UNANSWERABLE = Question("q~without", "en", "Who?", "d", answerable=False, without=("d/1",))


def test_a_right_answer() -> None:
    scored = score(QUESTION, GOOD, TEXTS)
    assert scored.correct == 1
    assert scored.document_language == "el", "as the corpus tells it"
    assert set(scored.scores) == set(METRICS)
    assert {name: value for name, value in scored.scores.items() if value is not None} == {
        "retrieval.recall@1": 0,  # ranked second
        "retrieval.recall@5": 1,
        "retrieval.recall@10": 1,
        "retrieval.mrr@10": 0.5,
        "retrieval.ndcg@10": pytest.approx(0.6309297535714575),  # 1 / log2(3)
        "answer.accuracy": 1,
        "answer.correct": 1,
        "answer.correct_at_hand": 1,
        "answer.exact_match": 1,
        "answer.f1": 1,
        "answer.ngram_recall": 1,
        "answer.quote_contains": 1,
        "answer.language": 1,
        "answer.question_language": 0,
        "citations.verified": 1,
        "citations.precision": 1,
        "citations.recall": 1,
        "abstention.answered_rate": 1,
    }


def test_each_gold_answer_is_compared_in_its_own_language() -> None:
    # "the" is an article in English only: an exact match of the English gold answer needs English.
    english = Prediction(answered=True, answer="William Harrison", quotes=(RIGHT,))
    assert score(QUESTION, english, TEXTS).scores["answer.exact_match"] == 1
    # Dotless ı is I's small form in Turkish alone.
    turkish = Question("q", "en", "?", "d", (Gold("IŞIK", "tr"), Gold("ISIK", "en")), ("d/1",))
    assert score(turkish, Prediction(answered=True, answer="ışık"), TEXTS).scores["answer.f1"] == 1


@pytest.mark.parametrize(
    ("quote", "correct", "contains"),
    [
        (Quote("d/1", TEXT[:20], 0, 20), 1, 1),
        (Quote("d/2", TEXT[:20], 0, 20), 0, 1),  # the right words, of the wrong document
        (Quote("d/1", "την ανακωχή", 28, 39), 0, 0),  # the right document, other words
    ],
)
def test_correct_needs_the_words_and_the_document(
    quote: Quote, correct: float, contains: float
) -> None:
    scored = score(QUESTION, Prediction(answered=True, answer="x", quotes=(quote,)), TEXTS)
    assert scored.correct == scored.scores["answer.correct"] == correct
    assert scored.scores["answer.quote_contains"] == contains


def test_one_right_quote_of_two_makes_an_answer_correct() -> None:
    other = Quote("d/2", "Τίποτε", 0, 6)
    scored = score(QUESTION, Prediction(answered=True, answer="x", quotes=(other, RIGHT)), TEXTS)
    assert scored.correct == 1
    assert scored.scores["citations.precision"] == 0.5  # one of two documents
    assert scored.scores["citations.recall"] == 1


def test_a_right_answer_withheld_counts_at_hand_alone() -> None:
    withheld = Prediction(
        answered=False, answer="Γουίλιαμ Χάρισον", confidence=0.3, quotes=(RIGHT,)
    )
    scored = score(QUESTION, withheld, TEXTS)
    assert scored.correct == 1
    found = {name: value for name, value in scored.scores.items() if value is not None}
    assert found == {
        "answer.accuracy": 0,
        "answer.correct": 0,
        "answer.correct_at_hand": 1,
        "answer.exact_match": 0,
        "answer.f1": 0,
        "answer.ngram_recall": 0,
        "answer.quote_contains": 0,
        # nothing was shown: no quote to verify, none to be precise; the document stays uncited
        "citations.recall": 0,
        "abstention.answered_rate": 0,
    }


@pytest.mark.parametrize(("answered", "accuracy"), [(True, 0), (False, 1)])
def test_an_unanswerable_question(answered: bool, accuracy: float) -> None:
    prediction = Prediction(ranked=("d/2",), answered=answered, answer="x", quotes=(RIGHT,))
    scored = score(UNANSWERABLE, prediction, TEXTS)
    found = {name: value for name, value in scored.scores.items() if value is not None}
    assert scored.correct == 0
    assert found == {
        "answer.accuracy": accuracy,
        "abstention.false_answer_rate": float(answered),
        **({"citations.verified": 1} if answered else {}),
    }, "no retrieval score, no answer score: nothing could be found"


def test_retrieval_alone_has_no_other_score() -> None:
    scored = score(QUESTION, Prediction(ranked=("d/1",)), TEXTS)
    found = {name for name, value in scored.scores.items() if value is not None}
    assert found == {name for name in METRICS if name.startswith("retrieval.")}
    assert scored.correct is None


def test_an_answer_without_a_ranking_has_no_retrieval_score() -> None:
    scored = score(QUESTION, Prediction(answered=True, answer="x"), TEXTS)
    assert scored.scores["retrieval.recall@10"] is None


@pytest.mark.parametrize(
    ("language", "possible", "of_question"),
    [("el", 1, 0), ("en-GB", 1, 1), ("fr", 0, 0)],
)
def test_the_language_of_an_answer(language: str, possible: float, of_question: float) -> None:
    prediction = Prediction(answered=True, answer="x", answer_language=language)
    scores = score(QUESTION, prediction, TEXTS).scores
    assert scores["answer.language"] == possible
    assert scores["answer.question_language"] == of_question


def test_an_undeclared_language_is_detected_or_left_out() -> None:
    german = "Die Mühle am Fluss brannte im Jahr 1820 ab und wurde später neu gebaut."
    scores = score(QUESTION, Prediction(answered=True, answer=german), TEXTS).scores
    assert scores["answer.language"] == 0
    scores = score(QUESTION, Prediction(answered=True, answer="1953"), TEXTS).scores
    assert scores["answer.language"] is None


def test_quotes_are_verified_in_either_text_at_their_offsets_alone() -> None:
    texts = Texts({"d": "b c b"}, {"d": "a  b c b"}, {})
    question = Question("q", "en", "?", "d", (Gold("b"),), ("d",))

    def verified(*quotes: Quote) -> float | None:
        prediction = Prediction(answered=True, answer="b", quotes=quotes)
        return score(question, prediction, texts).scores["citations.verified"]

    assert verified(Quote("d", "b", 4, 5)) == 1, "as Quoth reads it"
    assert verified(Quote("d", "b", 3, 4)) == 1, "in the original"
    assert verified(Quote("d", "b", 1, 2)) == 0
    assert verified(Quote("d", "b", -1, -1)) == 0
    assert verified(Quote("d", "b", 4, 5), Quote("other", "b", 4, 5)) == 0.5
    assert verified() is None


def test_alternatives_are_verified_too_but_not_counted_as_the_answer() -> None:
    false = Quote("d/2", "invented", 0, 8)
    prediction = Prediction(answered=True, answer="x", quotes=(RIGHT,), alternatives=(false,))
    scores = score(QUESTION, prediction, TEXTS).scores
    assert scores["citations.verified"] == 0.5
    assert scores["citations.precision"] == 1
