"""From what confidence on an answer is given, chosen on askings whose answers are known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FALSE_ANSWERS = 0.12
"""Share of the unanswerable questions, asked of the whole collection as users ask, that may get an
answer at the default thresholds: of those in the documents' language and of the others, each.
"""
STEPS = np.arange(1, 100) / 100
RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Outcomes:
    """Of one asking each, shape (n,): its best passage's confidence; whether that passage is in
    another language than the question; whether the question is `foreign` to the documents, can be
    answered, and is answered rightly by this passage.
    """

    confidence: NDArray[np.float64]
    abroad: NDArray[np.bool_]
    foreign: NDArray[np.bool_]
    answerable: NDArray[np.bool_]
    right: NDArray[np.bool_]


def thresholds(outcomes: Outcomes, seed: int = 0) -> tuple[float, float]:
    """What an answer must reach where the first passage is in the question's language, and where it
    is not: the mean of the `optimum` over resamples of the askings ("bagging", Breiman 1996). Near
    the best pair others are worth nearly as much, and which is best in one sample is chance. Each
    pair of the mean keeps to `FALSE_ANSWERS` on its resample; what the mean does is to be measured.
    """
    rng = np.random.default_rng(seed)
    kinds = _kinds(outcomes)
    found = []
    for _ in range(RESAMPLES):
        times = np.zeros(len(outcomes.right))
        for kind in kinds:
            times += np.bincount(rng.choice(kind, len(kind)), minlength=len(times))
        found.append(optimum(outcomes, times))
    own, other = np.mean(found, axis=0)
    return float(own), float(other)


def optimum(outcomes: Outcomes, times: NDArray[np.float64]) -> tuple[float, float]:
    """Of all pairs at which no more than `FALSE_ANSWERS` of the unanswerable questions of either
    kind get an answer (in the documents' language, and `foreign`), the one that is worth most to
    who asks what can be answered: right answers less wrong ones, the mean of both kinds. 1 and 1
    where no pair is allowed. Each asking counts so many `times`.
    """
    reached = outcomes.confidence[:, None] >= STEPS
    at_home, abroad = reached & ~outcomes.abroad[:, None], reached & outcomes.abroad[:, None]
    worth = np.where(outcomes.right, 1.0, -1.0)

    def share(values: NDArray[np.float64], counted: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Of what is counted, by first and second threshold: the mean value of what is given."""
        sums = values * times * counted
        total = max(float((times * counted).sum()), 1.0)
        return ((sums @ at_home)[:, None] + (sums @ abroad)[None, :]) / total

    ones = np.ones(len(worth))
    sides = (outcomes.foreign, ~outcomes.foreign)
    false = np.max([share(ones, ~outcomes.answerable & side) for side in sides], axis=0)
    gain = np.mean([share(worth, outcomes.answerable & side) for side in sides], axis=0)
    if not (false <= FALSE_ANSWERS).any():
        return 1.0, 1.0
    best = np.where(false <= FALSE_ANSWERS, gain, -np.inf).argmax()
    own, other = np.unravel_index(best, gain.shape)
    return float(STEPS[own]), float(STEPS[other])


def _kinds(outcomes: Outcomes) -> list[NDArray[np.int64]]:
    """The places of the askings of each kind that shares are taken of."""
    found = [
        np.flatnonzero((outcomes.foreign == foreign) & (outcomes.answerable == answerable))
        for foreign in (True, False)
        for answerable in (True, False)
    ]
    return [places for places in found if len(places)]
