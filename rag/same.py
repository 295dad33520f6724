"""Whether two answers say the same: in other words, another script or another language.

Told apart are three cases. *Same*: equal once normalised, the same date, the same number, or names
that the embedder places together. *Compatible*: one says less than the other (a year and a day in
it, a name and its first part). *Different*: all else, and always where two dates or two numbers
differ, however alike the words are.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index.types import Embedder, Vectors
from rag.dates import Relation, date_in
from rag.evaluation.text import contains, is_unspaced, normalise, tokens
from rag.quantities import quantities_in

NAMES_ALIKE = 0.7
NAMES_NEAR = 0.5
"""Cosines of two short answers' vectors in two languages: from the first they name the same, from
the second they may. Names aligned in NTREX's held-out documents in ten languages reach .55 half of
the time, and two in a thousand pairs of others; but others that are alike get far ("North Korea"
and "Νότια Κορέα", which is South Korea: .66), and what is not the same must never be blended.
"""

_SHORT = 40
"""Characters up to which two answers with the same numbers are about the same."""


@dataclass(frozen=True, slots=True)
class Wording:
    """An answer as a source words it, and its language."""

    text: str
    language: str


def relation(one: Wording, other: Wording, cosine: float | None = None) -> Relation:
    """How two answers to one question stand to each other. `cosine` is that of their vectors, None
    where names of two languages shall not be compared.
    """
    dates = date_in(one.text, one.language), date_in(other.text, other.language)
    if dates[0] is not None and dates[1] is not None and one != other:
        return dates[0].relation(dates[1])
    left, right = (quantities_in(w.text, w.language) for w in (one, other))
    if left.currencies and right.currencies and left.currencies != right.currencies:
        return "different"
    if left.values != right.values:
        fewer = not Counter(left.values) - Counter(right.values)
        more = not Counter(right.values) - Counter(left.values)
        return "compatible" if fewer != more and _says_less(one, other) else "different"
    if normalise(one.text, one.language) == normalise(other.text, other.language):
        return "same"
    shorter = min(len(one.text), len(other.text))
    if left.values and one.language != other.language and shorter <= _SHORT:
        return "same"
    if cosine is not None and cosine >= NAMES_ALIKE:
        return "same"
    near = cosine is not None and cosine >= NAMES_NEAR
    return "compatible" if near or left.values or _says_less(one, other) else "different"


def relations(wordings: Sequence[Wording], embedder: Embedder | None) -> list[list[Relation]]:
    """How each answer stands to each, shape (n, n)."""
    count = len(wordings)
    cosines: Vectors | None = None
    if embedder is not None and len({w.language for w in wordings}) > 1:
        vectors = embedder.embed_queries([wording.text for wording in wordings])
        cosines = (vectors @ vectors.T).astype(np.float32)
    table: list[list[Relation]] = [["same"] * count for _ in range(count)]
    for i in range(count):
        for j in range(i):
            foreign = wordings[i].language != wordings[j].language
            cosine = float(cosines[i, j]) if cosines is not None and foreign else None
            table[i][j] = table[j][i] = relation(wordings[i], wordings[j], cosine)
    return table


def _says_less(one: Wording, other: Wording) -> bool:
    """Whether the words of one answer are among those of the other, in any order."""
    less, more = sorted((tokens(w.text, w.language) for w in (one, other)), key=len)
    if any(is_unspaced(token) for token in less):
        return contains("".join(more), "".join(less))
    return bool(less) and all(any(_is_form(word, form) for form in more) for word in less)


def _is_form(word: str, form: str) -> bool:
    """Whether a word is another, give or take an ending."""
    short, long = sorted((word, form), key=len)
    return word == form or (
        len(short) >= 6 and len(long) - len(short) <= 2 and long.startswith(short)
    )
