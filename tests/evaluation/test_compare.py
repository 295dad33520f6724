from dataclasses import replace
from typing import Any

import pytest

from rag.evaluation.compare import compare
from rag.evaluation.results import Run, to_json
from rag.evaluation.runner import read_texts
from rag.evaluation.scoring import score
from rag.evaluation.types import Corpus, Dataset, InvalidQuestions, Prediction, Question, Raw

COUNT = 40


def dataset(language: str = "en") -> Dataset:
    questions = tuple(
        Question(f"q{n}", language, "?", "c", (), (f"d{n}",), answerable=True) for n in range(COUNT)
    )
    raws = tuple(Raw(f"Some words {n}.".encode(), f"d{n}", f"d{n}") for n in range(COUNT))
    return Dataset("set", "", questions, (Corpus("c", raws),))


def result(found: int, data: Dataset | None = None, **settings: Any) -> dict[str, Any]:
    """A result in which the first `found` questions have their document ranked first."""
    data = data or dataset()
    library = read_texts(data)
    rows = []
    for number, question in enumerate(data.questions):
        ranked = question.documents if number < found else ("other",)
        rows.append(score(question, Prediction(ranked=ranked), library.texts["c"]))
    return to_json(Run(data, library, rows, settings, {"embedder": "e"}, 0, {}))


def test_a_result_and_itself_differ_in_nothing() -> None:
    comparison = compare(result(20), result(20))
    assert comparison["changed"] == {}
    assert comparison["notes"] == []
    assert comparison["questions"] == COUNT
    assert {row["verdict"] for row in comparison["metrics"].values()} == {"noise"}
    assert comparison["fingerprints"][0] == comparison["fingerprints"][1]


def test_one_question_more_is_noise_and_ten_are_not() -> None:
    one = compare(result(20), result(21))["metrics"]["retrieval.recall@1"]
    assert (one["a"], one["b"], one["verdict"]) == (0.5, 0.525, "noise")
    assert one["p_value"] == 1
    ten = compare(result(20), result(30))["metrics"]["retrieval.recall@1"]
    assert (ten["difference"], ten["verdict"]) == (0.25, "better")
    assert ten["low"] > 0
    # Ten changes, all one way: two of the 2^10 ways of swapping are as extreme.
    assert ten["p_value"] == pytest.approx(2 / 1024, abs=0.002)
    assert compare(result(30), result(20))["metrics"]["retrieval.recall@1"]["verdict"] == "worse"


def test_less_of_a_bad_thing_is_better() -> None:
    data = dataset()
    questions = tuple(replace(q, answerable=False, documents=()) for q in data.questions)
    data = replace(data, questions=questions)

    def answering(count: int) -> dict[str, Any]:
        library = read_texts(data)
        rows = [
            score(q, Prediction(answered=n < count, confidence=n / COUNT), library.texts["c"])
            for n, q in enumerate(data.questions)
        ]
        return to_json(Run(data, library, rows, {}, {}, 0, {}))

    metrics = compare(answering(30), answering(10))["metrics"]
    assert metrics["abstention.false_answer_rate"]["difference"] == -0.5
    assert metrics["abstention.false_answer_rate"]["verdict"] == "better"
    assert metrics["answer.accuracy"]["verdict"] == "better"


def test_auroc_is_judged_by_resampling_both_systems_together() -> None:
    data = dataset()
    altered = tuple(
        replace(q, answerable=n % 2 == 0, documents=q.documents if n % 2 == 0 else ())
        for n, q in enumerate(data.questions)
    )
    data = replace(data, questions=altered)
    library = read_texts(data)

    def confident(sure: float) -> dict[str, Any]:
        rows = [
            score(
                q,
                Prediction(answered=True, confidence=sure if q.answerable else 0.5),
                library.texts["c"],
            )
            for q in data.questions
        ]
        return to_json(Run(data, library, rows, {}, {}, 0, {}))

    better = compare(confident(0.5), confident(0.9))["metrics"]["abstention.auroc"]
    assert (better["a"], better["b"], better["difference"]) == (0.5, 1.0, 0.5)
    assert (better["verdict"], better["p_value"]) == ("better", None)
    same = compare(confident(0.8), confident(0.9))["metrics"]["abstention.auroc"]
    assert (same["difference"], same["verdict"]) == (0.0, "noise")


def test_what_changed_is_named() -> None:
    comparison = compare(
        result(20, neutral="off", chunks=256), result(20, neutral="auto", chunks=256)
    )
    assert comparison["changed"] == {"settings.neutral": ["off", "auto"]}


def test_only_common_questions_count_and_it_says_so() -> None:
    data = dataset()
    fewer = replace(data, questions=data.questions[:30])
    comparison = compare(result(20), result(20, fewer))
    assert comparison["questions"] == 30
    assert comparison["metrics"]["retrieval.recall@1"]["a"] == pytest.approx(20 / 30)
    assert comparison["notes"] == [
        "10 of the 40 questions of A are in it alone.",
        "The questions, gold answers or documents are not the same.",
    ]


def test_languages_are_compared_apart() -> None:
    comparison = compare(result(20, dataset("el")), result(30, dataset("el")))
    assert comparison["by_language"]["el"]["retrieval.recall@1"]["verdict"] == "better"
    # The documents' language is detected; whatever it is, all are in it.
    (by_document,) = comparison["by_document_language"].values()
    assert by_document["retrieval.recall@1"]["questions"] == COUNT


def test_nothing_in_common_is_refused() -> None:
    data = dataset()
    others = replace(data, questions=tuple(replace(q, id=f"x{q.id}") for q in data.questions))
    with pytest.raises(InvalidQuestions, match="no question in common"):
        compare(result(20), result(20, others))
