"""How vectors are searched; apart, so that settings need not load FAISS."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VectorOptions:
    """How a collection is searched.

    Attributes:
        exact_up_to: vectors up to which all are compared; at least 16, or lists would outnumber
            vectors.
        compared: share of the vectors that is compared beyond, above 0, at most 1. More finds more
            of what an exact search finds, and takes longer in proportion.
        compared_at_least: vectors that are compared in any case.
        growth: by which factor a collection may grow or shrink before its lists are made anew.
        sample: vectors a list that its place is learned from.
        delay: seconds before work in the background begins, so that a burst of changes is over, and
            a command that asks one question and ends never begins it.
    """

    exact_up_to: int = 50_000
    compared: float = 0.02
    compared_at_least: int = 10_000
    growth: float = 4.0
    sample: int = 32
    delay: float = 5.0

    def __post_init__(self) -> None:
        """Raises ValueError for what cannot work."""
        if self.exact_up_to < 16:
            raise ValueError("exact_up_to must be at least 16")
        if not 0 < self.compared <= 1 or self.growth <= 1 or self.sample < 1:
            raise ValueError("compared must be above 0, at most 1; growth above 1; sample above 0")

    def lists(self, vectors: int) -> int:
        """How many lists so many vectors are kept in; 1 where all are compared."""
        return 1 if vectors <= self.exact_up_to else round(4 * math.sqrt(vectors))

    def outgrown(self, vectors: int, made_for: int) -> bool:
        """Whether lists that were made for so many vectors (0: for exact search) no longer fit."""
        if made_for == 0:
            return vectors > self.exact_up_to
        # Half, so that a collection about that size does not go to and fro.
        if vectors < self.exact_up_to / 2:
            return True
        return not made_for / self.growth <= vectors <= made_for * self.growth
