import numpy as np

from tests.fakes import HashingEmbedder
from training.near_misses import NearMisses
from training.reader_examples import Paragraph, Text

GOLD = "The red mill burned down in 1887 by the river."
NEAR = [
    Paragraph("The red mill by the river was sold in 1901.", "Mills", "eng-US"),
    Paragraph("The old red mill burned once, by the river.", "", "eng-US"),
]
HOLDS_IT = Paragraph("A red mill by the river burned in 1887 too.", "", "eng-US")
OWN = Paragraph(GOLD, "Mills", "eng-US")
FAR = [Paragraph(f"Nothing of the kind {n} {n + 1}.", "", "deu") for n in range(30)]
QUESTION = "When did the red mill by the river burn down in"


def asked() -> Text:
    start = GOLD.index("1887")
    return Text(QUESTION, GOLD, start, start + 4, "eng-US", "eng-US")


def test_the_nearest_that_do_not_hold_the_answer_are_taken() -> None:
    near = NearMisses(HashingEmbedder(), [*FAR, OWN, HOLDS_IT, *NEAR])
    rng = np.random.default_rng(0)
    found = [text for _ in range(40) for text in near.of([asked()], rng)]
    passages = {text.passage for text in found}
    assert len(found) == 40
    assert {text.question for text in found} == {QUESTION}
    assert all((text.start, text.end) == (0, 0) for text in found)
    # Both, one of them with and without its title; never its own and never one with its answer.
    assert {NEAR[0].text, f"Mills\n{NEAR[0].text}", NEAR[1].text} <= passages
    assert not any("1887" in passage for passage in passages)
    # Four of the nearest twelve are drawn from, and only two are about the matter.
    assert len(passages) <= 5


def test_a_question_without_an_answer_or_a_near_miss_is_left_out() -> None:
    rng = np.random.default_rng(0)
    unanswered = Text(QUESTION, GOLD, 0, 0, "eng-US", "eng-US")
    assert NearMisses(HashingEmbedder(), [*NEAR]).of([unanswered], rng) == []
    assert NearMisses(HashingEmbedder(), [OWN, HOLDS_IT]).of([asked()], rng) == []


def test_a_near_miss_keeps_the_language_it_is_in() -> None:
    foreign = Paragraph("The red mill by the river in Leeds", "", "deu")
    (found,) = NearMisses(HashingEmbedder(), [foreign]).of([asked()], np.random.default_rng(0))
    assert (found.asked, found.told) == ("eng-US", "deu")
