import json
from dataclasses import replace
from pathlib import Path

import pytest

from rag.evaluation.predictions import export, load_predictions
from rag.evaluation.runner import Recorded, ask, missing, read_texts
from rag.evaluation.summary import flat, group
from rag.evaluation.types import Dataset, InvalidQuestions
from tests.evaluation.conftest import FACTS, paragraph


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return path


def figures(path: Path, dataset: Dataset) -> dict[str, float | None]:
    predictions, nothing = load_predictions(path, dataset)
    return flat(group(ask(dataset, Recorded(predictions, nothing), read_texts(dataset)), 0))


def test_another_system_is_scored(tmp_path: Path, facts: Dataset) -> None:
    text = paragraph(*FACTS[0])
    path = write(
        tmp_path / "theirs.jsonl",
        {
            "id": "q0",
            "ranked": ["facts/3", "facts/0"],
            "answer": "Ada",
            "confidence": 0.9,
            "citations": [{"document": "facts/0", "quote": text[:12], "start": 0, "end": 12}],
        },
        {"id": "q0~without", "ranked": ["facts/3"], "answer": "Boris", "confidence": 0.4},
        {"id": "q1", "answer": "Ada", "status": "no_answer", "confidence": 0.2},
    )
    found = figures(path, facts)
    # Six questions can be answered; only the first got anything.
    assert found["retrieval.mrr@10"] == pytest.approx(0.5 / 6)
    assert found["answer.exact_match"] == found["answer.correct"] == pytest.approx(1 / 6)
    assert found["citations.verified"] == found["citations.precision"] == 1
    assert found["citations.recall"] == found["abstention.answered_rate"] == pytest.approx(1 / 6)
    # Seven have no answer: one was answered, so 6 + 1 of 13 are right.
    assert found["abstention.false_answer_rate"] == pytest.approx(1 / 7)
    assert found["answer.accuracy"] == pytest.approx(7 / 13)
    # Confidence is known of three: .9 answerable, .4 not, .2 answerable; one pair of two is right.
    assert found["abstention.auroc"] == 0.5


def test_what_a_file_never_gives_is_not_scored(tmp_path: Path, facts: Dataset) -> None:
    ranking = figures(write(tmp_path / "r.jsonl", {"id": "q0", "ranked": ["facts/0"]}), facts)
    assert ranking["retrieval.recall@1"] == pytest.approx(1 / 6)
    assert ranking["answer.f1"] is None
    assert ranking["abstention.answered_rate"] is None
    answering = figures(write(tmp_path / "a.jsonl", {"id": "q0", "answer": "Ada"}), facts)
    assert answering["retrieval.recall@1"] is None
    assert answering["answer.f1"] == pytest.approx(1 / 6)
    assert answering["abstention.auroc"] is None


def test_questions_without_a_prediction_are_counted(tmp_path: Path, facts: Dataset) -> None:
    predictions, _ = load_predictions(
        write(tmp_path / "p.jsonl", {"id": "q0", "answer": "x"}), facts
    )
    assert missing(facts.questions, predictions) == 12


def test_citations_may_point_into_the_file_as_it_was_given(tmp_path: Path, facts: Dataset) -> None:
    corpus = facts.corpora[0]
    first = replace(corpus.documents[0], data=b"\n\n  Ada   finished it. \n")
    dataset = replace(facts, corpora=(replace(corpus, documents=(first, *corpus.documents[1:])),))
    texts = read_texts(dataset).texts["facts"]
    assert texts.canonical["facts/0"] != texts.original["facts/0"] == "\n\n  Ada   finished it. \n"
    citation = {"document": "facts/0", "quote": "Ada   finished", "start": 4, "end": 18}
    path = write(tmp_path / "p.jsonl", {"id": "q0", "answer": "Ada", "citations": [citation]})
    assert figures(path, dataset)["citations.verified"] == 1
    citation["start"] = 0
    path = write(tmp_path / "p.jsonl", {"id": "q0", "answer": "Ada", "citations": [citation]})
    assert figures(path, dataset)["citations.verified"] == 0


def test_a_citation_without_offsets_is_not_verified(tmp_path: Path, facts: Dataset) -> None:
    citation = {"document": "facts/0", "quote": "Ada finished"}
    path = write(tmp_path / "p.jsonl", {"id": "q0", "answer": "Ada", "citations": [citation]})
    found = figures(path, facts)
    assert found["citations.verified"] == 0
    assert found["citations.precision"] == 1


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": "q9"}, "no question has the id 'q9'"),
        ({"answer": "x"}, "no question has the id ''"),
        ({"id": "q0", "confidence": 1.5}, "not from 0 to 1"),
        ({"id": "q0", "confidence": "high"}, "line 2 lacks or breaks"),
        ({"id": "q0", "answer": "x", "status": "maybe"}, "status 'maybe'"),
        ({"id": "q0", "citations": [{"quote": "x"}]}, "lacks or breaks 'document'"),
        ({"id": "q0", "citations": ["x"]}, "lacks or breaks"),
        ({"id": "q1"}, "comes twice"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, facts: Dataset, row: object, said: str) -> None:
    with pytest.raises(InvalidQuestions, match=said):
        load_predictions(write(tmp_path / "p.jsonl", {"id": "q1"}, row), facts)


def test_the_task_can_be_exported_without_its_answers(tmp_path: Path, facts: Dataset) -> None:
    export(facts, tmp_path / "task")
    questions = [json.loads(x) for x in (tmp_path / "task/questions.jsonl").open(encoding="utf-8")]
    assert questions[0] == {
        "id": "q0",
        "language": "en",
        "question": "Who finished the lighthouse?",
        "corpus": "facts",
        "without": [],
    }
    assert questions[7]["without"] == ["facts/0"]
    assert len(questions) == 13
    documents = [json.loads(x) for x in (tmp_path / "task/corpus.jsonl").open(encoding="utf-8")]
    assert documents[0] == {
        "corpus": "facts",
        "source": "facts/0",
        "title": "A title",
        "text": paragraph(*FACTS[0]),
    }
