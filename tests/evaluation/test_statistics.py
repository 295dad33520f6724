"""Intervals, comparisons and timings against arithmetic done by hand."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rag.evaluation.statistics import (
    Interval,
    Latency,
    bootstrap_mean,
    latency,
    paired_difference,
    percentile,
    throughput,
)


class TestBootstrap:
    def test_equal_scores_have_no_spread(self) -> None:
        assert bootstrap_mean([0.1] * 7, seed=1) == Interval(0.1, 0.1, 0.1, 7)

    def test_two_scores(self) -> None:
        # Resamples of {0, 1} have mean 0, 1/2, 1 with chances 1/4, 1/2, 1/4; the outer 2.5 %
        # on each side lie well inside the first and the last quarter.
        assert bootstrap_mean([0.0, 1.0], seed=3) == Interval(0.5, 0.0, 1.0, 2)

    def test_fifty_of_a_hundred(self) -> None:
        # The count of ones in a resample is binomial(100, 1/2): P(<= 39) = .0176 and
        # P(<= 40) = .0284, so the 2.5 % point is 40, and by symmetry the 97.5 % point is 60.
        interval = bootstrap_mean([1.0] * 50 + [0.0] * 50, seed=0)
        assert interval is not None
        assert interval.mean == 0.5
        assert interval.low == pytest.approx(0.40)
        assert interval.high == pytest.approx(0.60)

    def test_nothing_moves_but_the_seed(self) -> None:
        rng = random.Random(5)
        scores = [rng.random() for _ in range(40)]
        assert bootstrap_mean(scores, seed=9) == bootstrap_mean(scores, seed=9)
        assert bootstrap_mean(scores[::-1], seed=9) == bootstrap_mean(scores, seed=9)
        assert bootstrap_mean(scores, seed=10) != bootstrap_mean(scores, seed=9)

    def test_a_test_set_larger_than_one_block_of_draws(self) -> None:
        # 8 000 scores, 3/4 of them 1: standard error sqrt(.75 * .25 / 8 000) = .00484; 1.96 of
        # them are .0095. Blocks of 2**21 cells hold 262 rows, so 10 000 rows take 39.
        interval = bootstrap_mean([1.0, 1.0, 1.0, 0.0] * 2000, seed=0)
        assert interval is not None
        assert interval.low == pytest.approx(0.75 - 0.0095, abs=0.0005)
        assert interval.high == pytest.approx(0.75 + 0.0095, abs=0.0005)

    def test_ineligible_questions_do_not_count(self) -> None:
        assert bootstrap_mean([None, 1.0, None], seed=0) == Interval(1.0, 1.0, 1.0, 1)
        assert bootstrap_mean([None], seed=0) is None
        assert bootstrap_mean([], seed=0) is None

    def test_scores_are_finite(self) -> None:
        with pytest.raises(ValueError, match="finite"):
            bootstrap_mean([1.0, math.nan], seed=0)

    @settings(max_examples=20, deadline=None)
    @given(st.lists(st.floats(-1, 1), min_size=1, max_size=8), st.integers(0, 99))
    def test_the_interval_lies_within_the_scores(self, scores: list[float], seed: int) -> None:
        interval = bootstrap_mean(scores, seed)
        assert interval is not None
        assert min(scores) <= interval.low <= interval.high <= max(scores)


class TestPairedDifference:
    def test_a_steady_gain_is_found(self) -> None:
        # Forty questions of very different difficulty, each .125 better: exactly .125, and a
        # random swap of signs makes as much of it only once in 2**39.
        b = [number / 64 for number in range(40)]
        a = [score + 0.125 for score in b]
        difference = paired_difference(a, b, seed=0)
        assert difference is not None
        assert (difference.mean, difference.low, difference.high) == (0.125, 0.125, 0.125)
        assert difference.sign == 1
        # None of the 10 000 swaps, only the observed one: 1 / 10 001.
        assert difference.p_value == pytest.approx(1 / 10_001)

    def test_the_other_way_round_is_the_opposite(self) -> None:
        b = [number / 64 for number in range(40)]
        a = [score + 0.125 for score in b]
        difference = paired_difference(b, a, seed=0)
        assert difference is not None
        assert (difference.mean, difference.sign) == (-0.125, -1)

    def test_as_many_wins_as_losses_is_noise(self) -> None:
        difference = paired_difference([1.0, 0.0] * 20, [0.0, 1.0] * 20, seed=0)
        assert difference is not None
        assert (difference.mean, difference.sign) == (0.0, 0)
        # Every swap is at least as far from 0 as 0 is.
        assert difference.p_value == 1.0
        assert difference.low < 0 < difference.high

    def test_nine_wins_to_one_loss(self) -> None:
        # Ten differences of 1: |sum| >= 8 needs at most one of ten signs against the rest:
        # 2 * (1 + 10) / 1024 = .0215.
        difference = paired_difference([1.0] * 9 + [0.0], [0.0] * 9 + [1.0], seed=0)
        assert difference is not None
        assert difference.p_value == pytest.approx(22 / 1024, abs=0.005)
        assert difference.mean == pytest.approx(0.8)
        assert difference.sign == 1

    def test_three_wins_of_three_prove_nothing(self) -> None:
        # The bootstrap sees no spread at all; but 2 of 8 sign patterns are as extreme: p = 1/4.
        difference = paired_difference([1.0] * 3, [0.0] * 3, seed=0)
        assert difference is not None
        assert (difference.low, difference.high) == (1.0, 1.0)
        assert difference.p_value == pytest.approx(0.25, abs=0.02)
        assert difference.sign == 0

    def test_only_questions_that_both_have_count(self) -> None:
        # Differences of the first and last only: 1/2 and 0, mean 1/4.
        difference = paired_difference([1.0, None, 1.0, 0.5], [0.5, 0.0, None, 0.5], seed=0)
        assert difference is not None
        assert (difference.count, difference.mean) == (2, 0.25)
        assert paired_difference([None], [1.0], seed=0) is None

    def test_the_seed_decides_and_order_does_not(self) -> None:
        rng = random.Random(1)
        a = [rng.random() for _ in range(30)]
        b = [rng.random() for _ in range(30)]
        first = paired_difference(a, b, seed=4)
        assert first == paired_difference(a, b, seed=4)
        assert first == paired_difference(a[::-1], b[::-1], seed=4)
        assert first != paired_difference(a, b, seed=5)

    def test_lists_of_two_lengths_are_not_paired(self) -> None:
        with pytest.raises(ValueError, match="zip"):
            paired_difference([1.0], [1.0, 0.0], seed=0)


class TestTimings:
    def test_nearest_rank(self) -> None:
        # Twenty values 1 ... 20: p50 is rank ceil(10) = 10, p95 is rank ceil(19) = 19.
        values = list(range(20, 0, -1))
        assert percentile(values, 50) == 10
        assert percentile(values, 95) == 19
        assert percentile(values, 96) == 20
        assert percentile(values, 100) == 20
        assert percentile(values, 1) == 1

    def test_few_values_err_to_the_slow_side(self) -> None:
        # Three values: p95 is rank ceil(2.85) = 3, p50 is rank ceil(1.5) = 2.
        assert latency([30.0, 10.0, 20.0]) == Latency(count=3, p50=20.0, p95=30.0)

    def test_none_measured(self) -> None:
        assert percentile([], 50) is None
        assert latency([]) is None

    def test_throughput(self) -> None:
        # 30 requests in 12 seconds.
        assert throughput(30, 12.0) == 2.5
        assert throughput(0, 12.0) == 0.0

    @pytest.mark.parametrize("percent", [0, 101])
    def test_a_percentile_is_from_1_to_100(self, percent: int) -> None:
        with pytest.raises(ValueError, match="percent must be"):
            percentile([1.0], percent)

    @pytest.mark.parametrize("duration", [-1.0, math.nan, math.inf])
    def test_durations_are_finite_and_not_negative(self, duration: float) -> None:
        with pytest.raises(ValueError, match="finite"):
            latency([1.0, duration])

    @pytest.mark.parametrize(("count", "seconds"), [(-1, 1.0), (1, 0.0), (1, math.nan)])
    def test_throughput_needs_time_to_have_passed(self, count: int, seconds: float) -> None:
        with pytest.raises(ValueError, match="cannot rate"):
            throughput(count, seconds)
