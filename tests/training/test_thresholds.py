"""From what confidence on an answer is given."""

from dataclasses import astuple

import numpy as np
from numpy.typing import NDArray

from training.thresholds import FALSE_ANSWERS, Outcomes, optimum, thresholds


def drawn(count: int, seed: int) -> Outcomes:
    """Askings of both kinds, half of them answerable, those with a passage abroad less sure."""
    rng = np.random.default_rng(seed)
    foreign, answerable = rng.random(count) < 0.5, rng.random(count) < 0.5
    # The first passage of most questions is in the language their documents are in.
    abroad = np.where(rng.random(count) < 0.9, foreign, ~foreign)
    confidence = np.clip(rng.normal(0.2 + 0.4 * answerable - 0.1 * abroad, 0.15), 0, 1)
    right = answerable & (rng.random(count) < confidence + 0.3)
    return Outcomes(confidence, abroad, foreign, answerable, right)


def shares(of: Outcomes, own: float, other: float) -> tuple[float, float]:
    """The larger share of false answers of the two kinds, and right answers less wrong ones."""
    given = of.confidence >= np.where(of.abroad, other, own)
    gain = given * np.where(of.right, 1.0, -1.0)
    kinds = (of.foreign, ~of.foreign)
    wrong = [given[~of.answerable & kind].mean() for kind in kinds]
    return float(max(wrong)), float(np.mean([gain[of.answerable & kind].mean() for kind in kinds]))


def once(of: Outcomes) -> NDArray[np.float64]:
    return np.ones(len(of.right))


def test_the_optimum_keeps_false_answers_few_in_either_kind_and_is_worth_the_most() -> None:
    askings = drawn(4000, 0)
    own, other = optimum(askings, once(askings))
    assert other < own
    wrong, worth = shares(askings, own, other)
    assert wrong <= FALSE_ANSWERS
    # Nothing lower is allowed, and nothing allowed is worth more.
    assert shares(askings, own - 0.02, other - 0.02)[0] > FALSE_ANSWERS
    for step in (-0.1, -0.05, 0.05, 0.1):
        for pair in ((own + step, other), (own, other + step), (own + step, other - step)):
            false, other_worth = shares(askings, *pair)
            assert false > FALSE_ANSWERS or other_worth <= worth


def test_an_asking_counts_as_often_as_it_was_drawn() -> None:
    askings = drawn(400, 1)
    times = np.random.default_rng(2).integers(0, 4, 400)
    repeated = Outcomes(*(np.repeat(values, times) for values in astuple(askings)))
    assert optimum(askings, times.astype(float)) == optimum(repeated, once(repeated))


def test_thresholds_vary_less_with_the_askings_than_the_optimum_does() -> None:
    samples = [drawn(500, seed) for seed in range(12)]
    averaged = np.array([thresholds(sample) for sample in samples])
    single = np.array([optimum(sample, once(sample)) for sample in samples])
    assert (averaged.std(0) < 0.8 * single.std(0)).all()
    # They are where the optimum is, and on many other askings keep what is promised.
    unseen = drawn(20000, 99)
    wrong = [shares(unseen, own, other)[0] for own, other in averaged]
    assert np.mean(wrong) < FALSE_ANSWERS + 0.01
    assert np.abs(averaged.mean(0) - single.mean(0)).max() < 0.05


def test_wrong_answers_count_against_a_threshold() -> None:
    # Every question can be answered but two; what is surer than .5 is right.
    confidence = np.tile(np.linspace(0.005, 0.995, 199), 2)
    foreign = np.repeat([True, False], 199)
    askings = Outcomes(
        np.append(confidence, [0.0, 0.0]),
        np.append(foreign, [True, False]),
        np.append(foreign, [True, False]),
        np.append(np.ones(398, bool), [False, False]),
        np.append(confidence > 0.5, [False, False]),
    )
    for threshold in thresholds(askings):
        assert 0.45 < threshold <= 0.52


def test_where_nothing_keeps_false_answers_few_nothing_is_answered() -> None:
    kinds = np.array([True, False] * 4)
    answerable = np.array([True, True, False, False] * 2)
    assert thresholds(Outcomes(np.ones(8), kinds, kinds, answerable, answerable)) == (1.0, 1.0)
