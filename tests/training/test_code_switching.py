"""Words of another language are put into a text without losing the answer's place."""

import re

import numpy as np
import pytest

from training.clozes import Translated
from training.code_switching import Counts, Lexicon
from training.reader_examples import PIVOT, Text

FILLER = {f"word{n}": (f"wort{n}",) for n in range(400)}
GERMAN = {"when": ("wann",), "was": ("wurde",), "the": ("der",), "lighthouse": ("Leuchtturm",)}


@pytest.fixture
def lexicon() -> Lexicon:
    """English to German, and two Japanese words by way of English."""
    return Lexicon(
        {"jpn": {"灯台": "lighthouse", "いつ": "when"}}, {"deu": {**FILLER, **GERMAN}, "rus": {}}
    )


def test_known_words_are_said_in_the_other_language(lexicon: Lexicon) -> None:
    switched, _ = lexicon.switched(
        "When was the lighthouse built?", PIVOT, "deu", 1, np.random.default_rng(0)
    )
    assert switched == "wann wurde der Leuchtturm built?"


def test_a_script_without_blanks_is_cut_at_the_longest_known_words(lexicon: Lexicon) -> None:
    switched, _ = lexicon.switched("灯台はいつか", "jpn", "deu", 1, np.random.default_rng(0))
    assert switched.split() == ["Leuchtturm", "は", "wann", "か"]


def test_no_share_leaves_the_text_alone(lexicon: Lexicon) -> None:
    text = "When was the lighthouse built?"
    switched, places = lexicon.switched(text, PIVOT, "deu", 0, np.random.default_rng(0))
    assert switched == text
    assert places == list(range(len(text) + 1))


@pytest.mark.parametrize("seed", range(40))
def test_the_answer_stays_where_it_was(lexicon: Lexicon, seed: int) -> None:
    passage = "In 1901 the lighthouse was moved, when the harbour of Kos was dredged."
    start = passage.index("the harbour of Kos")
    text = Text("When was the lighthouse moved?", passage, start, start + 18, PIVOT, PIVOT)
    made = lexicon.example(text, np.random.default_rng(seed))
    assert re.fullmatch("(the|der) harbour of Kos", made.passage[made.start : made.end])


def test_a_language_with_few_words_is_left_out(lexicon: Lexicon) -> None:
    assert lexicon.languages() == ["deu"]


def test_a_passage_without_an_answer_still_has_none(lexicon: Lexicon) -> None:
    text = Text("When was the lighthouse moved?", "The harbour was dredged.", 0, 0, PIVOT, PIVOT)
    for seed in range(20):
        made = lexicon.example(text, np.random.default_rng(seed))
        assert (made.start, made.end) == (0, 0)


def test_aligned_words_are_learnt() -> None:
    def sentence(text: str, links: dict[int, int]) -> Translated:
        return Translated(text, tuple(m.span() for m in re.finditer(r"\w+", text)), links)

    counts = Counts()
    english = sentence("The lighthouse shone", {0: 0, 1: 1, 2: 2})
    for _ in range(3):
        counts.add(
            {PIVOT: english, "deu": sentence("Der Leuchtturm leuchtete", {0: 0, 1: 1, 2: 2})},
            ["deu"],
        )
    counts.add({PIVOT: english, "deu": sentence("Der Turm leuchtete", {0: 0, 1: 1})}, ["deu"])
    made = counts.lexicon()
    assert made.from_english["deu"]["lighthouse"] == ("Leuchtturm",)
    assert made.into_english["deu"]["leuchtturm"] == "lighthouse"
    assert made.into_english["deu"]["leuchtete"] == "shone"
