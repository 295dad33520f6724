"""Passages without the sentence that answers."""

from typing import Any

import numpy as np
import pytest

from training import articles, question_files
from training.reader_examples import Text
from training.silenced import silenced

FIRST = "Der Sambesi entspringt im Distrikt Ikelenge im Nordwesten Sambias."
SECOND = "Rund 57.000 Tonga verloren durch den Bau der Staumauer ihre Heimat."
THIRD = "Der Wildhüter Rupert Fothergill rettete mehr als 6000 Tiere vor dem Wasser."


def asked(passage: str, answer: str, question: str = "How many Tonga?") -> Text:
    start = passage.index(answer)
    return Text(question, passage, start, start + len(answer), "eng-US", "deu")


def test_the_sentence_that_answers_is_taken_out_and_the_rest_is_left() -> None:
    text = silenced(asked(f"{FIRST} {SECOND} {THIRD}", "57.000"))
    assert text == Text("How many Tonga?", f"{FIRST} {THIRD}", 0, 0, "eng-US", "deu")


def test_an_answer_over_two_sentences_takes_both_with_it() -> None:
    text = silenced(asked(f"{FIRST} {SECOND} {THIRD}", "ihre Heimat. Der Wildhüter"))
    assert text is not None
    assert text.passage == FIRST


def test_in_scripts_without_blanks() -> None:
    first, second = (
        "巴拿马运河于1914年8月15日通航，全长约八十公里。" * 3,
        "建造耗资三亿七千五百万美元。",
    )
    text = silenced(asked(f"{first}{second}", "三亿七千五百万美元", "花费多少？"))
    assert text is not None
    assert text.passage == first


@pytest.mark.parametrize(
    "text",
    [
        # The rest says it too.
        asked(f"{SECOND} {FIRST} Von den 57.000 Tonga kehrte keiner zurück.", "57.000"),
        # Nothing is left to be misled by.
        asked(f"{SECOND} Punkt.", "57.000"),
        asked(SECOND, "57.000"),
        # Nothing answers as it is.
        Text("Wie alt?", f"{FIRST} {THIRD}", 0, 0, "deu", "deu"),
    ],
)
def test_nothing_is_made_where_the_rest_would_answer_or_say_nothing(text: Text) -> None:
    assert silenced(text) is None


def test_articles_are_read_silenced_too(monkeypatch: pytest.MonkeyPatch) -> None:
    passage = f"{FIRST} {SECOND} {THIRD}"
    question = {"ask": {"de": "Wie viele?", "en": "How many?"}, "answer": {"de": "57.000"}}
    rows: list[dict[str, Any]] = [
        {"at": f"Sambesi {n}", "texts": {"de": passage}, "questions": [question]}
        for n in range(400)
    ]
    monkeypatch.setattr(question_files, "written", lambda _name: rows)
    monkeypatch.setattr(articles, "groups", lambda *_: iter(()))
    made = [text for (text,) in articles.build(None, np.random.default_rng(0))]  # type: ignore[arg-type]
    silent = [text for text in made if text.passage == f"{FIRST} {THIRD}"]
    assert {(text.asked, text.told, text.end) for text in silent} == {
        ("deu", "deu", 0), ("eng-US", "deu", 0)
    }  # fmt: skip
    share = len(silent) / (len(made) - len(silent))
    assert abs(share - articles.SILENCED) < 0.08
