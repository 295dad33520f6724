"""The sample corpus with the real models: what the demo shows is so."""

import pytest

from api.wiring import Engine

pytestmark = pytest.mark.model


@pytest.mark.parametrize(
    ("question", "source", "words"),
    [
        ("Where was the lens hidden during the war?", "ja-lens.md", "聖ニコラオス修道院"),
        ("Πώς έλεγαν τη γάτα του τελευταίου φαροφύλακα;", "es-last-keeper.md", "Brújula"),
        ("修复灯塔花了多少钱？", "de-restoration.md", "1,48 Millionen Euro"),
    ],
)
def test_a_question_finds_its_answer_in_another_language(
    real_engine: Engine, question: str, source: str, words: str
) -> None:
    answer = real_engine.answer(question, collection="examples")
    assert answer.status == "answered"
    assert answer.citations[0].source == f"corpus/{source}"
    assert words in answer.citations[0].quote
    assert answer.question_language != answer.answer_language
