"""The labels that calibration goes by, and the thresholds that it ships."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from documents.load import Raw
from documents.types import Span
from index.ingest import ingest
from index.local import open_index
from rag.span_reader import Candidate
from tests.fakes import HashingEmbedder
from tests.rag.span_fakes import gold_model
from training.calibrate_reader import (
    COLLECTION,
    FALSE_ANSWERS,
    answered,
    says_it,
    thresholds,
    uncalibrated,
)
from training.calibration_questions import Asked


def test_thresholds_keep_false_answers_few_in_either_kind_and_are_worth_the_most() -> None:
    rng = np.random.default_rng(0)
    count = 4000
    foreign, answerable = rng.random(count) < 0.5, rng.random(count) < 0.5
    # The first passage of most questions is in the language their documents are in.
    abroad = np.where(rng.random(count) < 0.9, foreign, ~foreign)
    confidence = np.clip(rng.normal(0.2 + 0.4 * answerable - 0.1 * abroad, 0.15), 0, 1)
    right = answerable & (rng.random(count) < confidence + 0.3)
    own, other = thresholds(confidence, abroad, foreign, answerable, right)
    assert other < own

    def shares(own: float, other: float) -> tuple[float, float]:
        given = confidence >= np.where(abroad, other, own)
        wrong = [given[~answerable & kind].mean() for kind in (foreign, ~foreign)]
        gain = given * np.where(right, 1.0, -1.0)
        worth = [gain[answerable & kind].mean() for kind in (foreign, ~foreign)]
        return float(max(wrong)), float(np.mean(worth))

    wrong, worth = shares(own, other)
    assert wrong <= FALSE_ANSWERS
    # Nothing lower is allowed, and nothing allowed is worth more.
    assert shares(own - 0.02, other - 0.02)[0] > FALSE_ANSWERS
    for step in (-0.1, -0.05, 0.05, 0.1):
        for pair in ((own + step, other), (own, other + step), (own + step, other - step)):
            false, other_worth = shares(*pair)
            assert false > FALSE_ANSWERS or other_worth <= worth


def test_wrong_answers_count_against_a_threshold() -> None:
    # Every question can be answered; in the question's language what is surer than .5 is right.
    confidence = np.tile(np.linspace(0.05, 0.95, 19), 2)
    foreign = np.repeat([True, False], 19)
    abroad, right = foreign, confidence > 0.5
    answerable = np.ones(38, bool)
    silent = np.zeros(2)
    own, other = thresholds(
        np.append(confidence, silent), np.append(abroad, [True, False]),
        np.append(foreign, [True, False]), np.append(answerable, [False, False]),
        np.append(right, [False, False]),
    )  # fmt: skip
    assert 0.45 < own <= 0.55
    assert 0.45 < other <= 0.55


def test_where_nothing_keeps_false_answers_few_nothing_is_answered() -> None:
    sure = np.ones(8)
    kinds = np.array([True, False] * 4)
    answerable = np.array([True, True, False, False] * 2)
    assert thresholds(sure, kinds, kinds, answerable, answerable) == (1.0, 1.0)


@pytest.mark.parametrize(
    ("answer", "golds", "told"),
    [
        ("his uncle Kemal", ("uncle Kemal",), True),
        # Other words of a sentence that happens to hold the gold ones.
        ("a pirate", ("uncle Kemal",), False),
        ("his uncle Kemal", ("Murat",), False),
        ("his uncle Kemal", (), False),
    ],
)
def test_another_document_may_say_it_too(
    tmp_path: Path, answer: str, golds: tuple[str, ...], told: bool
) -> None:
    text = "Piri was brought up by his uncle Kemal, a pirate."
    with open_index(tmp_path, HashingEmbedder()) as index:
        list(ingest(index, "default", [Raw(text.encode(), "a.txt", "a.txt")]))
        (hit,) = index.search("x", "default", 10)
    start = text.index(answer)
    candidate = Candidate(hit, Span(start, start + len(answer)), 1.0)
    asked = Asked("Who brought up Piri?", (), (), (), golds, foreign=False, held=False)
    assert says_it(candidate, asked) is told
    # Of clozes and of news another document is no proof.
    assert not says_it(candidate, replace(asked, foreign=True))
    assert not says_it(candidate, replace(asked, sentences=True))


@pytest.mark.parametrize(
    ("second", "unanswerable", "right"),
    [
        # The other document answers as well: leaving the first out leaves no silence.
        ("The tower was built by gold5 too.", 0, 2),
        # Something else is a false answer: of the collection without the first, and of the article.
        ("The tower was painted by gold7.", 2, 1),
    ],
)
def test_what_another_document_says_too_is_no_silence(
    tmp_path: Path, second: str, unanswerable: int, right: int
) -> None:
    asked = Asked(
        "Who built the tower?", ("a.txt",), ("a.txt", "b.txt"), ("a.txt",), ("gold5",),
        foreign=False, held=False,
    )  # fmt: skip
    with open_index(tmp_path, HashingEmbedder()) as index:
        texts = {"a.txt": "The tower was built by gold5.", "b.txt": second}
        list(ingest(index, COLLECTION, [Raw(t.encode(), n, n) for n, t in texts.items()]))
        rows = list(answered([asked], index, uncalibrated(gold_model(), HashingEmbedder(), (1, 0))))
    assert [row.right.sum() for row in rows if row.answerable] == [right, right]
    silent = [row for row in rows if not row.answerable]
    assert len(silent) == unanswerable
    assert not any(row.right.any() for row in silent)
