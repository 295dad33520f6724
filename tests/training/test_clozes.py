"""Questions made from parallel sentences ask for words that the passage has."""

import re
import unicodedata

import numpy as np
import pytest

from training.clozes import Translated, stretches, windows
from training.reader_examples import PIVOT, clozes
from training.word_alignment import project

ENGLISH = [
    "The committee met in Geneva on 12 May.",
    "Maria Lopez of Spain spoke for 40 minutes about the harbour.",
    "Nobody answered the two letters from Oslo.",
]
GERMAN = [
    "Der Ausschuss tagte am 12 Mai in Genf.",
    "Maria Lopez aus Spanien sprach 40 Minuten lang über den Hafen.",
    "Niemand beantwortete die beiden Briefe aus Oslo.",
]
LINKS = [
    {0: 0, 1: 1, 2: 2, 3: 6, 4: 7, 5: 3, 6: 4, 7: 5},
    {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 6: 5, 7: 6, 8: 8, 9: 9, 10: 10},
    {0: 0, 1: 1, 2: 2, 3: 3, 4: 4, 5: 5, 6: 6},
]


def translated(text: str, links: dict[int, int] | None = None) -> Translated:
    """A sentence whose pieces are its words."""
    offsets = tuple(m.span() for m in re.finditer(r"\w+", text))
    return Translated(text, offsets, links or {n: n for n in range(len(offsets))})


@pytest.fixture
def document() -> list[dict[str, Translated]]:
    """Three sentences in two languages."""
    return [
        {PIVOT: translated(one), "deu": translated(other, links)}
        for one, other, links in zip(ENGLISH, GERMAN, LINKS, strict=True)
    ]


def test_a_range_is_found_where_its_words_are_together() -> None:
    assert project({0: 3, 1: 4, 2: 0}, 0, 1) == (3, 4)


def test_a_range_is_not_found_with_a_stranger_inside() -> None:
    assert project({0: 3, 1: 5, 2: 4}, 0, 1) is None


def test_a_range_is_not_found_where_most_words_have_no_partner() -> None:
    assert project({0: 3}, 0, 2) is None


def test_answers_are_in_the_passage_and_not_in_the_question(
    document: list[dict[str, Translated]],
) -> None:
    made = list(clozes(document, 400, np.random.default_rng(0)))
    answered = [text for text, answers in made if answers]
    assert {(t.asked, t.told) for t in answered} >= {("deu", PIVOT), (PIVOT, "deu")}
    for text in answered:
        answer = text.passage[text.start : text.end]
        assert answer.strip() == answer != ""
        if text.asked == text.told:
            assert answer not in text.question
    pairs = {(t.asked, t.passage[t.start : t.end]) for t in answered if t.told == PIVOT}
    assert ("deu", "Geneva") in pairs


def test_a_passage_that_does_not_answer_leaves_the_sentence_out(
    document: list[dict[str, Translated]],
) -> None:
    made = clozes(document, 400, np.random.default_rng(1))
    silent = [text for text, answers in made if not answers]
    assert silent
    for text in silent:
        assert (text.start, text.end) == (0, 0)
        sentences = ENGLISH if text.told == PIVOT else GERMAN
        left_out = [s for s in sentences if s not in text.passage]
        words = {w.lower() for w in re.findall(r"\w{4,}", text.question)}
        own = ENGLISH if text.asked == PIVOT else GERMAN
        asked_of = max(own, key=lambda s: len(words & {w.lower() for w in re.findall(r"\w+", s)}))
        assert sentences[own.index(asked_of)] in left_out


@pytest.mark.parametrize("seed", range(20))
def test_windows_hold_their_sentence_and_stretches_avoid_it(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lengths = rng.integers(20, 200, 12).tolist()
    target = int(rng.integers(12))
    first, last = windows(lengths, target, 600, rng)
    assert first <= target < last
    assert sum(lengths[first:last]) <= max(600, lengths[target])
    for start, end in stretches(lengths, target, 600, rng):
        assert not start <= target < end


def test_marks_of_the_letters_before_them_are_kept() -> None:
    hindi = Translated("उन्हें दिल्ली में", ((0, 6), (7, 13), (14, 17)), {0: 1})
    found = hindi.span(0, 0)
    assert found is not None
    assert hindi.text[slice(*found)] == "दिल्ली"
    assert unicodedata.category(hindi.text[found[1] - 1]) == "Mc"
