"""The questions written to train on: what they name is there, and what is made of them."""

from pathlib import Path

import numpy as np
import pytest
import regex

from tests.training.test_reader_groups import OTHER, STORY, document
from training import written_questions
from training.clozes import WORDS
from training.code_switching import Lexicon
from training.question_files import written
from training.reader_examples import (
    CODES,
    PIVOT,
    SETS,
    held_out_documents,
    held_out_paragraphs,
    read_lines,
    rows_of,
)
from training.reader_groups import SIZE
from training.reader_pool import Material

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data in {DATA}")
NAMES = ("news", "paragraphs")
SCRIPTS = {
    "ell": "Greek", "rus": "Cyrillic", "ukr": "Cyrillic", "arb": "Arabic", "heb": "Hebrew",
    "hin": "Devanagari", "ben": "Bengali", "tha": "Thai", "zho-CN": "Han", "kor": "Hangul",
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_question_is_asked_in_five_languages_in_their_own_scripts(name: str) -> None:
    rows = written(name)
    assert len(rows) > 500
    for row in rows:
        asked = dict(written_questions.wordings(row))
        assert len(asked) == 5, row
        assert len(set(asked.values())) == 5, row
        for language, wording in asked.items():
            letters = regex.findall(rf"\p{{{SCRIPTS.get(language, 'L')}}}", wording)
            # Names may stay as they are.
            assert len(letters) >= 2, (language, wording)
        assert not asked.get("ell", "").endswith("?"), row
    silent = sum(row["answer"] is None for row in rows)
    assert 0.05 < silent / len(rows) < 0.4


@needs_data
def test_answers_of_news_are_in_their_sentences_and_nothing_is_held_out() -> None:
    path = DATA / "ntrex.jsonl.gz"
    documents: dict[str, list[dict[str, str]]] = {}
    for row in read_lines(path):
        documents.setdefault(row["document"], []).append(row["texts"])
    held = held_out_documents(path)
    for row in written("news"):
        assert row["at"] not in held
        sentence = documents[row["at"]][row["sentence"]]["eng-US"]
        assert row["answer"] is None or row["answer"] in sentence, row


@needs_data
def test_answers_of_paragraphs_are_where_they_say_and_nothing_is_held_out() -> None:
    folder = DATA / "qa-train"
    held = held_out_paragraphs(folder)
    texts = {row["id"]: row["context"] for row in rows_of(folder, "qed.dev", held)}
    for row in written("paragraphs"):
        text = texts[row["at"]]
        if row["answer"] is not None:
            assert text[row["start"] :].startswith(row["answer"]), row


@needs_data
def test_questions_put_in_other_languages_are_there_and_not_held_out() -> None:
    folder = DATA / "qa-train"
    held = held_out_paragraphs(folder)
    known = {f"{name}/{row['id']}": row for name in SETS for row in rows_of(folder, name, held)}
    for row in written("translated"):
        assert known[row["at"]]["answers"], row
        own = CODES[known[row["at"]]["lang"]]
        assert own not in dict(written_questions.wordings(row)), row


def test_a_question_about_news_is_asked_of_it_in_its_language_and_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    row = {
        "at": "one",
        "sentence": 1,
        "answer": "Oslo",
        "eng": "Where was it?",
        "deu": "Wo war es?",
    }
    near = {"at": "one", "sentence": 1, "answer": None, "eng": "Who paid?"}
    monkeypatch.setattr(written_questions, "trained", lambda name: [row, near] * 60)
    monkeypatch.setattr(written_questions, "LANGUAGES", (PIVOT, "deu", "ell"))
    news = [document(STORY), document(OTHER), document(["A ship left Oslo."])]
    names = ["one", "two", "three"]
    material = Material(Path(), names, news, [], Lexicon({}, {}), None, None)  # type: ignore[arg-type]
    asked = list(written_questions.of_news(material, np.random.default_rng(0)))
    told = set()
    for first, *rest in asked:
        if first.question == "Who paid?":
            assert (first.start, first.end, rest) == (0, 0, [])
            continue
        assert first.passage[first.start : first.end].startswith("Oslo")
        told.add((first.asked, first.told))
        assert len(rest) in {0, SIZE - 1}
        for one in rest:
            assert (one.question, one.end) == (first.question, 0)
            assert "Oslo" not in one.passage
    assert told == {(a, b) for a in (PIVOT, "deu") for b in (PIVOT, "deu", "ell")}
    assert any(len(group) == SIZE for group in asked)
    assert any(group[0].question == "Who paid?" for group in asked)


def test_languages_are_those_of_parallel_text() -> None:
    known = {"ita", "nld", "ben", *WORDS}
    for name in NAMES:
        for row in written(name):
            assert {asked for asked, _ in written_questions.wordings(row)} <= known, row
