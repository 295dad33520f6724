"""The thresholds that calibration ships."""

import numpy as np

from training.calibrate_reader import FALSE_ANSWERS, thresholds


def test_thresholds_keep_false_answers_few_in_either_kind_and_answer_the_most() -> None:
    rng = np.random.default_rng(0)
    count = 4000
    foreign, answerable = rng.random(count) < 0.5, rng.random(count) < 0.5
    # The first passage of most questions is in the language their documents are in.
    abroad = np.where(rng.random(count) < 0.9, foreign, ~foreign)
    confidence = np.clip(rng.normal(0.2 + 0.4 * answerable - 0.1 * abroad, 0.15), 0, 1)
    own, other = thresholds(confidence, abroad, foreign, answerable)
    assert other < own

    def shares(own: float, other: float) -> tuple[float, float]:
        given = confidence >= np.where(abroad, other, own)
        wrong = [given[~answerable & kind].mean() for kind in (foreign, ~foreign)]
        right = [given[answerable & kind].mean() for kind in (foreign, ~foreign)]
        return float(max(wrong)), float(np.mean(right))

    wrong, right = shares(own, other)
    assert wrong <= FALSE_ANSWERS
    # Nothing lower is allowed, and no other pair that is answers more.
    assert shares(own - 0.02, other - 0.02)[0] > FALSE_ANSWERS
    for step in (-0.1, -0.05, 0.05, 0.1):
        for pair in ((own + step, other), (own, other + step), (own + step, other - step)):
            false, answered = shares(*pair)
            assert false > FALSE_ANSWERS or answered <= right


def test_where_nothing_keeps_false_answers_few_nothing_is_answered() -> None:
    sure = np.ones(8)
    kinds = np.array([True, False] * 4)
    answerable = np.array([True, True, False, False] * 2)
    assert thresholds(sure, kinds, kinds, answerable) == (1.0, 1.0)
