"""Does the system know when it does not know? Measures of its confidence.

Each function takes one entry a question: ``confidence`` in [0, 1], and with it ``answerable``
(does the corpus hold an answer) or ``correct`` (how right the answer is, in [0, 1]; the best
answer at hand, given or withheld, and 0 for a question without an answer). Entries may come in
any order: questions of equal confidence cannot be told apart by any threshold, so their order
is never given a meaning. Where a class is empty the measure is None.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class RiskPoint:
    """What answering from a threshold up gives.

    ``coverage`` is the share of all questions answered, in (0, 1]; ``risk`` is the mean error
    of those, in [0, 1].
    """

    threshold: float
    coverage: float
    risk: float


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """One bar of the reliability diagram: the questions with lower < confidence <= upper.

    The first bin also takes confidence 0. ``confidence`` and ``accuracy`` are the means of its
    ``count`` questions, None for an empty bin.
    """

    lower: float
    upper: float
    count: int
    confidence: float | None
    accuracy: float | None


def auroc(confidence: Sequence[float], answerable: Sequence[bool]) -> float | None:
    """Give the chance that an answerable question has more confidence than an unanswerable one.

    The area under the ROC curve as the Mann-Whitney statistic (Hanley & McNeil 1982): all pairs
    of an answerable and an unanswerable question, ties counted as one half.

    Args:
        confidence: in [0, 1].
        answerable: whether each question has an answer.

    Returns:
        In [0, 1]: 1 tells them apart, 0.5 is chance; None without both kinds.

    Raises:
        ValueError: lengths differ or a value is out of range.
    """
    given, positive = _checked(confidence, answerable, boolean=True)
    _, place = np.unique(given, return_inverse=True)
    positives = np.bincount(place, weights=positive)
    negatives = np.bincount(place, weights=1 - positive)
    pairs = positives.sum() * negatives.sum()
    if pairs == 0:
        return None
    below = np.cumsum(negatives) - negatives
    return float(positives @ (below + negatives / 2) / pairs)


def risk_coverage(confidence: Sequence[float], correct: Sequence[float]) -> tuple[RiskPoint, ...]:
    """Trace the risk-coverage curve (El-Yaniv & Wiener 2010): one point a distinct confidence.

    Args:
        confidence: in [0, 1].
        correct: how right each answer is, in [0, 1]; a bool will do.

    Returns:
        Points from the highest threshold to the lowest, so by rising coverage; none for no
        questions.

    Raises:
        ValueError: lengths differ or a value is out of range.
    """
    thresholds, counts, errors = _blocks(confidence, correct)
    answered = np.cumsum(counts)
    total = counts.sum()
    risks = np.cumsum(errors) / answered
    return tuple(
        RiskPoint(float(threshold), float(seen / total), float(risk))
        for threshold, seen, risk in zip(thresholds, answered, risks, strict=True)
    )


def aurc(confidence: Sequence[float], correct: Sequence[float]) -> float | None:
    """Give the area under the risk-coverage curve: the mean risk over coverages 1/n ... n/n.

    Geifman & El-Yaniv 2019. Inside a block of tied questions the risk is that expected of a
    random order: the block's errors are spread evenly over it. So the area is the mean over
    all orders of the ties, and without ties it is the published sum.

    Args:
        confidence: in [0, 1].
        correct: how right each answer is, in [0, 1]; a bool will do.

    Returns:
        In [0, 1], lower is better; None without questions. With every answer wrong it is 1,
        with every confidence equal the overall error rate.

    Raises:
        ValueError: lengths differ or a value is out of range.
    """
    _, counts, errors = _blocks(confidence, correct)
    if not counts.size:
        return None
    spread = np.repeat(errors / counts, counts)
    return float((np.cumsum(spread) / np.arange(1, spread.size + 1)).mean())


def reliability(
    confidence: Sequence[float], correct: Sequence[float], bins: int = 15
) -> tuple[ReliabilityBin, ...]:
    """Sort questions into bins of equal width and set confidence against accuracy in each.

    The reliability diagram of Guo et al. 2017, with its bins ((m - 1) / M, m / M].

    Args:
        confidence: in [0, 1].
        correct: how right each answer is, in [0, 1]; a bool will do.
        bins: how many, from 1.

    Returns:
        All bins, from the lowest up, empty ones included.

    Raises:
        ValueError: lengths differ, a value is out of range, or bins is below 1.
    """
    if bins < 1:
        raise ValueError(f"bins must be at least 1, not {bins}")
    given, right = _checked(confidence, correct)
    edges = np.arange(bins + 1) / bins
    place = np.searchsorted(edges[1:-1], given, side="left")
    counts = np.bincount(place, minlength=bins).tolist()
    confidences = np.bincount(place, weights=given, minlength=bins).tolist()
    accuracies = np.bincount(place, weights=right, minlength=bins).tolist()
    return tuple(
        ReliabilityBin(
            lower=float(edges[m]),
            upper=float(edges[m + 1]),
            count=count,
            confidence=confidences[m] / count if count else None,
            accuracy=accuracies[m] / count if count else None,
        )
        for m, count in enumerate(counts)
    )


def expected_calibration_error(
    confidence: Sequence[float], correct: Sequence[float], bins: int = 15
) -> float | None:
    """Give the ECE of Guo et al. 2017: |accuracy - confidence| by bin, weighted by its count.

    Args:
        confidence: in [0, 1].
        correct: how right each answer is, in [0, 1]; a bool will do.
        bins: how many of equal width, from 1.

    Returns:
        In [0, 1], lower is better; None without questions.

    Raises:
        ValueError: lengths differ, a value is out of range, or bins is below 1.
    """
    gaps = [
        bar.count * abs(bar.accuracy - bar.confidence)
        for bar in reliability(confidence, correct, bins)
        if bar.accuracy is not None and bar.confidence is not None
    ]
    return sum(gaps) / len(confidence) if gaps else None


def false_answer_rate(
    confidence: Sequence[float], answerable: Sequence[bool], threshold: float
) -> float | None:
    """Give the share of unanswerable questions answered all the same.

    Args:
        confidence: in [0, 1].
        answerable: whether each question has an answer.
        threshold: a question is answered when its confidence is at least this.

    Returns:
        In [0, 1], lower is better; None without unanswerable questions.

    Raises:
        ValueError: lengths differ or a value is out of range.
    """
    given, positive = _checked(confidence, answerable, boolean=True)
    return _share_answered(given[positive == 0], threshold)


def answered_rate(
    confidence: Sequence[float], answerable: Sequence[bool], threshold: float
) -> float | None:
    """Give the share of answerable questions that are answered, rightly or not.

    Args:
        confidence: in [0, 1].
        answerable: whether each question has an answer.
        threshold: a question is answered when its confidence is at least this.

    Returns:
        In [0, 1], higher is better; None without answerable questions.

    Raises:
        ValueError: lengths differ or a value is out of range.
    """
    given, positive = _checked(confidence, answerable, boolean=True)
    return _share_answered(given[positive == 1], threshold)


def _checked(
    confidence: Sequence[float], outcome: Sequence[float], *, boolean: bool = False
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Turn two columns into arrays in one order that depends on their values alone."""
    given = np.asarray(confidence, dtype=np.float64)
    shown = np.asarray(outcome, dtype=np.float64)
    if given.ndim != 1 or given.shape != shown.shape:
        raise ValueError(f"need two lists of one length, not {given.shape} and {shown.shape}")
    for values in (given, shown):
        if not ((values >= 0) & (values <= 1)).all():  # false for NaN too
            raise ValueError("confidence and outcomes must be from 0 to 1")
    if boolean and not np.isin(shown, (0, 1)).all():
        raise ValueError("answerable must be true or false")
    # Sums then round alike, whatever order the questions came in.
    order = np.lexsort((shown, given))
    return given[order], shown[order]


def _blocks(
    confidence: Sequence[float], correct: Sequence[float]
) -> tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]:
    """Group by equal confidence, highest first: the confidences, counts and summed errors."""
    given, right = _checked(confidence, correct)
    values, place, counts = np.unique(given, return_inverse=True, return_counts=True)
    errors = np.zeros(values.size)
    np.add.at(errors, place, 1 - right)
    return values[::-1], counts[::-1], errors[::-1]


def _share_answered(confidence: NDArray[np.float64], threshold: float) -> float | None:
    """Give the share of confidences at or above the threshold; None without any."""
    return float((confidence >= threshold).mean()) if confidence.size else None
