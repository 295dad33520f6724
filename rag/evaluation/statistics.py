"""What a list of measurements says, and how far chance alone could have moved it.

Resampling is over questions (Efron 1979; percentile intervals). Everything here depends on its
arguments alone: the seed is one of them, and the order of the questions makes no difference.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 10_000
STATISTIC_RESAMPLES = 1_000
"""For figures that are no mean of scores, each resample of which costs a whole computation."""

LEVEL = 0.95

_CELLS = 1 << 21  # numbers drawn at a time, so that memory stays flat for any test set


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over ``count`` questions with its percentile bootstrap interval."""

    mean: float
    low: float
    high: float
    count: int


@dataclass(frozen=True, slots=True)
class Difference:
    """How much one system scores above another on the same ``count`` questions.

    ``mean`` is of the paired differences, ``low`` and ``high`` are its interval, ``p_value`` is
    two-sided. ``sign`` is 1 or -1 where the difference is more than noise, and 0 where it is
    not.
    """

    mean: float
    low: float
    high: float
    p_value: float
    sign: int
    count: int


@dataclass(frozen=True, slots=True)
class Latency:
    """How long requests took, in the unit of the measurements, by nearest rank."""

    count: int
    p50: float
    p95: float


def bootstrap_mean(scores: Iterable[float | None], seed: int) -> Interval | None:
    """Give the mean of the scores with its 95 % bootstrap interval.

    The bounds are the 2.5 % and 97.5 % quantiles (linear between order statistics) of the means
    of 10,000 resamples with replacement. One score, or several equal ones, give an interval
    without width: resampling cannot show a spread that the sample does not have.

    Args:
        scores: one score a question, in any finite unit; None where it was not eligible, which
            is left out.
        seed: of the random numbers, from 0.

    Returns:
        The interval, or None without scores.

    Raises:
        ValueError: a score is not finite, or the seed is negative.
    """
    sample = _sorted_sample(score for score in scores if score is not None)
    if not sample.size:
        return None
    low, high = _interval(sample, np.random.default_rng(seed))
    return Interval(_mean(sample), low, high, sample.size)


def paired_difference(
    a: Sequence[float | None], b: Sequence[float | None], seed: int
) -> Difference | None:
    """Compare two systems on the same questions: is ``a`` better than ``b`` beyond chance?

    The interval is the bootstrap's over the differences a - b. The p-value is that of the paired
    randomisation test (Fisher 1935; for retrieval Smucker et al. 2007): the share of 10,000
    random swaps of the two systems, question by question, that leave a mean difference at least
    as far from 0, the observed one counted among them. ``sign`` is not 0 only when the interval
    excludes 0 and the p-value is at most 0.05, so a handful of questions, whose bootstrap
    interval is too narrow, decides nothing.

    Args:
        a: the first system's scores, question by question; None where not eligible.
        b: the second system's scores on the same questions, in the same order.
        seed: of the random numbers, from 0.

    Returns:
        The difference over the questions that both have a score for, or None without any.

    Raises:
        ValueError: the lengths differ, a score is not finite, or the seed is negative.
    """
    pairs = zip(a, b, strict=True)
    sample = _sorted_sample(x - y for x, y in pairs if x is not None and y is not None)
    if not sample.size:
        return None
    rng = np.random.default_rng(seed)
    low, high = _interval(sample, rng)
    mean = _mean(sample)
    p_value = _randomisation_p(sample, rng)
    sign = (low > 0) - (high < 0) if p_value <= 1 - LEVEL else 0
    return Difference(mean, low, high, p_value, sign, sample.size)


Statistic = Callable[[NDArray[np.intp]], float | None]
"""A figure of the questions at the positions given, which may come more than once."""


def bootstrap_statistic(statistic: Statistic, count: int, seed: int) -> Interval | None:
    """Give any figure of ``count`` questions with its 95 % percentile bootstrap interval.

    The bounds are quantiles over 1,000 resamples of the questions; one that the figure cannot be
    computed of (a class is missing) is left out. Unlike with means, the order of the questions
    decides which of them a resample draws.

    Args:
        statistic: the figure, from positions in 0 ... count - 1.
        count: how many questions there are.
        seed: of the random numbers, from 0.

    Returns:
        The figure of all questions, each once, as the mean of the interval; None where it cannot
        be computed.
    """
    whole = statistic(np.arange(count)) if count else None
    if whole is None:
        return None
    rng = np.random.default_rng(seed)
    drawn = (statistic(rng.integers(0, count, count)) for _ in range(STATISTIC_RESAMPLES))
    values = [value for value in drawn if value is not None]
    low, high = np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]).tolist()
    return Interval(whole, min(low, whole), max(high, whole), count)


def percentile(values: Iterable[float], percent: int) -> float | None:
    """Give the nearest-rank percentile: the least value with ``percent`` % at or below it.

    Nearest rank gives a time that was really measured, and errs to the slow side on few of
    them, where interpolation would give a p95 that no request took.

    Args:
        values: measurements, in any order and unit.
        percent: a whole number from 1 to 100.

    Returns:
        One of the values, or None without any.

    Raises:
        ValueError: percent is out of range, or a value is negative or not finite.
    """
    ordered = sorted(values)
    if not 1 <= percent <= 100:
        raise ValueError(f"percent must be from 1 to 100, not {percent}")
    if not all(math.isfinite(value) and value >= 0 for value in ordered):
        raise ValueError("measurements must be finite and not negative")
    return ordered[-(-percent * len(ordered) // 100) - 1] if ordered else None


def latency(durations: Sequence[float]) -> Latency | None:
    """Summarise how long requests took.

    Args:
        durations: one duration a request, in any one unit.

    Returns:
        Their p50 and p95 in the same unit, or None without requests.

    Raises:
        ValueError: a duration is negative or not finite.
    """
    p50, p95 = percentile(durations, 50), percentile(durations, 95)
    return None if p50 is None or p95 is None else Latency(len(durations), p50, p95)


def throughput(count: int, seconds: float) -> float:
    """Give requests per second of wall-clock time.

    Args:
        count: requests served, from 0.
        seconds: wall-clock seconds from the first one's start to the last one's end, above 0.

    Returns:
        Requests per second.

    Raises:
        ValueError: count is negative, or seconds is not a finite number above 0.
    """
    if count < 0 or not (math.isfinite(seconds) and seconds > 0):
        raise ValueError(f"cannot rate {count} requests over {seconds} seconds")
    return count / seconds


def _sorted_sample(values: Iterable[float]) -> NDArray[np.float64]:
    """Put values in ascending order, so that the order of the questions cannot matter."""
    sample = np.sort(np.fromiter(values, dtype=np.float64))
    if not np.isfinite(sample).all():
        raise ValueError("scores must be finite")
    return sample


def _mean(sample: NDArray[np.float64]) -> float:
    """Give the correctly rounded mean."""
    return math.fsum(sample.tolist()) / sample.size


def _blocks(width: int) -> Iterator[int]:
    """Cut the resamples into blocks of rows whose cells fit the memory set aside."""
    rows = max(1, _CELLS // width)
    for done in range(0, RESAMPLES, rows):
        yield min(rows, RESAMPLES - done)


def _interval(sample: NDArray[np.float64], rng: np.random.Generator) -> tuple[float, float]:
    """Give the percentile bootstrap bounds of the sample's mean.

    How often each distinct value comes up in a resample is drawn at once (multinomial), which is
    the same as drawing questions one by one, and quick for scores of few values.
    """
    values, counts = np.unique(sample, return_counts=True)
    means = [
        rng.multinomial(sample.size, counts / sample.size, rows) @ values / sample.size
        for rows in _blocks(values.size)
    ]
    bounds = np.quantile(np.concatenate(means), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    # Adding equal numbers up may round past them; a mean never lies outside its sample.
    low, high = np.clip(bounds, sample[0], sample[-1]).tolist()
    return low, high


def _randomisation_p(sample: NDArray[np.float64], rng: np.random.Generator) -> float:
    """Give the two-sided p-value of the sample's mean under random signs.

    Of the differences of one size, a binomial number keeps its sign.
    """
    # Sums that differ by rounding alone are ties, and a tie is as extreme as what was observed.
    bound = abs(_mean(sample)) * sample.size - 1e-9 * np.abs(sample).sum()
    sizes, counts = np.unique(np.abs(sample), return_counts=True)
    extreme = 1
    for rows in _blocks(sizes.size):
        kept = rng.binomial(counts, 0.5, (rows, sizes.size))
        flipped = (2 * kept - counts) @ sizes
        extreme += int(np.count_nonzero(np.abs(flipped) >= bound))
    return extreme / (RESAMPLES + 1)
