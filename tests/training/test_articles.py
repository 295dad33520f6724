"""The passages written to train on: what they hold, and what is made of them."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import regex

from tests.fakes import HashingEmbedder
from training import articles, question_files
from training.code_switching import Lexicon
from training.question_files import is_held_out, written
from training.reader_groups import SIZE
from training.reader_pool import Material

SCRIPTS = {
    "el": "Greek", "ru": "Cyrillic", "uk": "Cyrillic", "bg": "Cyrillic", "ar": "Arabic",
    "fa": "Arabic", "ur": "Arabic", "he": "Hebrew", "hi": "Devanagari", "bn": "Bengali",
    "ta": "Tamil", "th": "Thai", "zh": "Han", "ko": "Hangul",
}  # fmt: skip


def test_every_passage_is_in_three_languages_or_asked_in_two_and_holds_each_answer_once() -> None:
    rows = written("articles")
    assert len({row["at"] for row in rows}) == len(rows) > 200
    for row in rows:
        languages = set(row["texts"])
        asked = set(row["questions"][0]["ask"])
        assert (len(languages), len(asked)) in {(3, 3), (1, 2)}
        assert languages <= asked <= set(articles.CODES), row["at"]
        for language, text in row["texts"].items():
            letters = regex.findall(rf"\p{{{SCRIPTS.get(language, 'Latin')}}}", text)
            assert language in {"ja", "sr"} or len(letters) > 0.4 * len(text), (row["at"], language)
        for question in row["questions"]:
            assert set(question["ask"]) == asked
            assert question["answer"] is None or set(question["answer"]) == languages
            for language, answer in (question["answer"] or {}).items():
                assert row["texts"][language].count(answer) == 1, (row["at"], answer)


def test_some_questions_have_no_answer() -> None:
    answers = [q["answer"] for row in written("articles") for q in row["questions"]]
    assert 0.05 < sum(answer is None for answer in answers) / len(answers) < 0.3


def article(name: str, year: str) -> dict[str, Any]:
    return {
        "at": name,
        "texts": {
            "en": f"The mill of {name} was built in {year}.",
            "de": f"Die Mühle von {name} ist von {year}.",
        },
        "questions": [
            {
                "ask": {"en": f"When was {name} built?", "de": f"Wann entstand {name}?"},
                "answer": {"en": year, "de": year},
            },
            {"ask": {"en": f"Who built {name}?", "de": f"Wer baute {name}?"}, "answer": None},
        ],
    }


def test_questions_are_read_in_each_language_and_beside_other_passages(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = [article(f"Tor{n}", str(1800 + n)) for n in range(12)]
    monkeypatch.setattr(question_files, "written", lambda _name: rows)
    near: Any = SimpleNamespace(embedder=HashingEmbedder())
    material = Material(Path(), [], [], [], Lexicon({}, {}), near, None)
    made = list(articles.build(material, np.random.default_rng(0)))
    seen = set()
    for first, *others in made:
        seen.add((first.asked, first.told, bool(first.end), len(others)))
        if first.end:
            assert first.passage[first.start : first.end].startswith("18")
        for one in others:
            assert (one.question, one.asked, one.end) == (first.question, first.asked, 0)
            assert first.passage[first.start : first.end] not in one.passage
        assert not others or first.asked in {one.told for one in others}
    languages = ("eng-US", "deu")
    assert seen == {
        (asked, told, answered, beside)
        for asked in languages
        for told in languages
        for answered, beside in ((True, 0), (True, SIZE - 1), (False, 0))
    }


def test_a_passage_in_one_language_is_asked_about_in_both(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [article(f"Tor{n}", str(1800 + n)) for n in range(12)]
    for row in rows:
        del row["texts"]["de"]
        row["questions"][0]["answer"].pop("de")
    monkeypatch.setattr(question_files, "written", lambda _name: rows)
    near: Any = SimpleNamespace(embedder=HashingEmbedder())
    material = Material(Path(), [], [], [], Lexicon({}, {}), near, None)
    made = list(articles.build(material, np.random.default_rng(0)))
    assert {(group[0].asked, group[0].told, len(group)) for group in made} == {
        (asked, "eng-US", size) for asked in ("eng-US", "deu") for size in (1, SIZE)
    }


def test_what_is_held_out_is_not_trained_on(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [article(f"Tor{n}", str(1800 + n)) for n in range(64)]
    out = {row["at"] for row in rows if is_held_out(row)}
    assert 0 < len(out) < 16
    monkeypatch.setattr(question_files, "written", lambda _name: rows)
    near: Any = SimpleNamespace(embedder=HashingEmbedder())
    material = Material(Path(), [], [], [], Lexicon({}, {}), near, None)
    for group in articles.build(material, np.random.default_rng(0)):
        for text in group:
            assert not any(f"{name} " in f"{text.passage} " for name in out)
