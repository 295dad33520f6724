"""Abstention measures against arithmetic done by hand."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evaluation.abstention import (
    ReliabilityBin,
    RiskPoint,
    answered_rate,
    aurc,
    auroc,
    expected_calibration_error,
    false_answer_rate,
    reliability,
    risk_coverage,
)

# Multiples of 1/8 are exact in binary and tie often.
EIGHTHS = st.integers(0, 8).map(lambda number: number / 8)
QUESTIONS = st.lists(st.tuples(EIGHTHS, st.booleans()), min_size=1, max_size=20)


class TestAuroc:
    def test_by_pairs(self) -> None:
        # Answerable .9 .5, unanswerable .6 .5. Pairs: .9>.6, .9>.5 win; .5<.6 loses; .5=.5 is a
        # half. (1 + 1 + 0 + 1/2) / 4 = 0.625.
        assert auroc([0.9, 0.6, 0.5, 0.5], [True, False, True, False]) == 0.625

    def test_perfect_reversed_and_blind(self) -> None:
        answerable = [True, True, False, False]
        assert auroc([0.9, 0.8, 0.2, 0.1], answerable) == 1.0
        assert auroc([0.1, 0.2, 0.8, 0.9], answerable) == 0.0
        assert auroc([0.7, 0.7, 0.7, 0.7], answerable) == 0.5

    def test_needs_both_kinds(self) -> None:
        assert auroc([0.9, 0.8], [True, True]) is None
        assert auroc([0.9, 0.8], [False, False]) is None
        assert auroc([], []) is None

    @given(QUESTIONS)
    def test_is_unmoved_by_a_monotone_transform(self, questions: list[tuple[float, bool]]) -> None:
        confidence, answerable = zip(*questions, strict=True)
        squeezed = [math.sqrt(value) / 2 + 0.25 for value in confidence]
        assert auroc(squeezed, answerable) == auroc(confidence, answerable)

    @given(QUESTIONS)
    def test_the_two_kinds_mirror_each_other(self, questions: list[tuple[float, bool]]) -> None:
        confidence, answerable = zip(*questions, strict=True)
        area = auroc(confidence, answerable)
        mirrored = auroc(confidence, [not value for value in answerable])
        if area is not None and mirrored is not None:
            assert area + mirrored == pytest.approx(1)


class TestRiskCoverage:
    def test_points(self) -> None:
        # .9 right; .5 one right, one wrong; .1 wrong. Coverage 1/4, 3/4, 4/4; errors 0, 1, 2.
        points = risk_coverage([0.5, 0.9, 0.1, 0.5], [True, True, False, False])
        assert points == (
            RiskPoint(0.9, 0.25, 0.0),
            RiskPoint(0.5, 0.75, 1 / 3),
            RiskPoint(0.1, 1.0, 0.5),
        )

    def test_no_questions_no_points(self) -> None:
        assert risk_coverage([], []) == ()
        assert aurc([], []) is None

    def test_aurc_without_ties(self) -> None:
        # Right, wrong, right, wrong by falling confidence: risks 0/1, 1/2, 1/3, 2/4.
        # (0 + 1/2 + 1/3 + 1/2) / 4 = 1/3.
        area = aurc([0.9, 0.8, 0.7, 0.6], [True, False, True, False])
        assert area == pytest.approx(1 / 3)

    def test_aurc_is_the_mean_over_the_orders_of_ties(self) -> None:
        # Right at .9, then one right and one wrong at .5. Wrong second: 0, 1/2, 1/3; wrong
        # third: 0, 0, 1/3. Areas 5/18 and 2/18, mean 7/36.
        assert aurc([0.9, 0.5, 0.5], [1, 1, 0]) == pytest.approx(7 / 36)

    def test_aurc_of_partly_right_answers(self) -> None:
        # Errors 1/4 and 3/4: risks 1/4 and 1/2, mean 3/8.
        assert aurc([0.9, 0.5], [0.75, 0.25]) == pytest.approx(3 / 8)

    def test_extremes(self) -> None:
        assert aurc([0.9, 0.5, 0.1], [1, 1, 1]) == 0.0
        assert aurc([0.9, 0.5, 0.1], [0, 0, 0]) == 1.0
        # A confidence that says nothing gives the error rate, 2 of 5.
        assert aurc([0.7] * 5, [1, 0, 1, 0, 1]) == pytest.approx(0.4)

    def test_confidence_upside_down_is_worse_than_none(self) -> None:
        correct = [1, 1, 0, 0]
        # Right side up: risks 0, 0, 1/3, 1/2: 5/24. Upside down: 1, 1, 2/3, 1/2: 19/24.
        assert aurc([0.9, 0.8, 0.2, 0.1], correct) == pytest.approx(5 / 24)
        assert aurc([0.1, 0.2, 0.8, 0.9], correct) == pytest.approx(19 / 24)

    @given(
        st.lists(st.tuples(EIGHTHS, st.floats(0, 1)), min_size=1, max_size=20).flatmap(
            lambda questions: st.tuples(st.just(questions), st.permutations(questions))
        )
    )
    def test_aurc_does_not_depend_on_order(
        self, both: tuple[list[tuple[float, float]], list[tuple[float, float]]]
    ) -> None:
        (c, r), (shuffled_c, shuffled_r) = (zip(*rows, strict=True) for rows in both)
        assert aurc(c, r) == aurc(shuffled_c, shuffled_r)
        assert risk_coverage(c, r) == risk_coverage(shuffled_c, shuffled_r)

    @given(QUESTIONS)
    def test_the_last_point_is_the_error_rate(self, questions: list[tuple[float, bool]]) -> None:
        confidence, correct = zip(*questions, strict=True)
        last = risk_coverage(confidence, correct)[-1]
        assert last.coverage == 1.0
        assert last.risk == pytest.approx(correct.count(False) / len(correct))


class TestCalibration:
    def test_bins(self) -> None:
        # Four bins. 0 and 1/8 and the edge 1/4 fall in (0, 1/4]; 5/8 in (1/2, 3/4]; 1 in the last.
        # First bin: confidence (0 + 1/8 + 1/4) / 3 = 1/8, accuracy 1/3.
        bars = reliability([0, 0.125, 0.25, 0.625, 1], [0, 0, 1, 1, 1], bins=4)
        assert bars == (
            ReliabilityBin(0.0, 0.25, 3, 0.125, 1 / 3),
            ReliabilityBin(0.25, 0.5, 0, None, None),
            ReliabilityBin(0.5, 0.75, 1, 0.625, 1.0),
            ReliabilityBin(0.75, 1.0, 1, 1.0, 1.0),
        )

    def test_ece(self) -> None:
        # The same: (3 * |1/3 - 1/8| + 1 * |1 - 5/8| + 1 * 0) / 5 = (5/8 + 3/8) / 5 = 1/5.
        score = expected_calibration_error([0, 0.125, 0.25, 0.625, 1], [0, 0, 1, 1, 1], bins=4)
        assert score == pytest.approx(0.2)

    def test_gaps_of_opposite_sign_in_one_bin_cancel_and_in_two_do_not(self) -> None:
        # One bin: accuracy 1/2, confidence 1/2. Two bins: |1 - 1/4| and |0 - 3/4|, mean 3/4.
        assert expected_calibration_error([0.25, 0.75], [1, 0], bins=1) == 0.0
        assert expected_calibration_error([0.25, 0.75], [1, 0], bins=2) == 0.75

    def test_fifteen_bins_by_default(self) -> None:
        bars = reliability([0.5], [1])
        assert len(bars) == 15
        # 1/2 lies in (7/15, 8/15], the eighth bin.
        assert [bar.count for bar in bars] == [0] * 7 + [1] + [0] * 7
        assert (bars[7].lower, bars[7].upper) == (7 / 15, 8 / 15)

    def test_an_edge_belongs_to_the_bin_below(self) -> None:
        for number in range(1, 16):
            assert reliability([number / 15], [1])[number - 1].count == 1

    def test_sure_and_always_wrong_is_the_worst(self) -> None:
        assert expected_calibration_error([1.0] * 4, [0] * 4) == 1.0
        assert expected_calibration_error([1.0] * 4, [1] * 4) == 0.0

    def test_no_questions(self) -> None:
        assert expected_calibration_error([], []) is None
        assert [bar.count for bar in reliability([], [], bins=2)] == [0, 0]

    def test_bins_from_one(self) -> None:
        with pytest.raises(ValueError, match="bins must be"):
            reliability([0.5], [1], bins=0)


class TestThreshold:
    CONFIDENCE = (0.9, 0.5, 0.4, 0.8, 0.5, 0.1, 0.2)
    ANSWERABLE = (True, True, True, False, False, False, False)

    def test_rates(self) -> None:
        # At least .5: .9 and .5 of three answerable ones, .8 and .5 of four unanswerable ones.
        assert answered_rate(self.CONFIDENCE, self.ANSWERABLE, 0.5) == pytest.approx(2 / 3)
        assert false_answer_rate(self.CONFIDENCE, self.ANSWERABLE, 0.5) == 0.5

    def test_always_answers(self) -> None:
        assert answered_rate([1.0] * 7, self.ANSWERABLE, 0.5) == 1.0
        assert false_answer_rate([1.0] * 7, self.ANSWERABLE, 0.5) == 1.0
        assert auroc([1.0] * 7, self.ANSWERABLE) == 0.5

    def test_never_answers(self) -> None:
        assert answered_rate([0.0] * 7, self.ANSWERABLE, 0.5) == 0.0
        assert false_answer_rate([0.0] * 7, self.ANSWERABLE, 0.5) == 0.0
        assert auroc([0.0] * 7, self.ANSWERABLE) == 0.5

    def test_an_empty_class_has_no_rate(self) -> None:
        assert answered_rate([0.9], [False], 0.5) is None
        assert false_answer_rate([0.9], [True], 0.5) is None


@pytest.mark.parametrize(
    ("confidence", "outcome"),
    [
        ([0.5], [1, 0]),
        ([1.5], [1]),
        ([-0.1], [1]),
        ([math.nan], [1]),
        ([0.5], [2]),
        ([[0.5]], [[1]]),
    ],
)
@pytest.mark.parametrize("measure", [auroc, aurc, risk_coverage, expected_calibration_error])
def test_columns_that_make_no_sense_are_refused(measure, confidence, outcome) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"one length|from 0 to 1"):
        measure(confidence, outcome)


def test_answerable_is_a_yes_or_no() -> None:
    with pytest.raises(ValueError, match="true or false"):
        auroc([0.5, 0.6], [0.5, 1])  # type: ignore[list-item]
