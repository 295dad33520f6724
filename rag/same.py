"""Whether two answers say the same: in other words, another script or another language.

Told apart are three cases. *Same*: equal once normalised, the same date, the same number of the
same thing, or names that the embedder places together. *Compatible*: one says less than the other
(a year and a day in it, a name and its first part), or nothing tells. *Different*: all else, and
always where two dates, numbers, units, currencies or eras differ, however alike the words are.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import regex

from index import interrupt
from index.types import Embedder, Vectors
from rag.dates import Date, Relation, date_in, weekdays_in
from rag.evaluation.text import contains, is_unspaced, normalise, tokens
from rag.quantities import Quantities, quantities_in

NAMES_ALIKE = 0.7
NAMES_NEAR = 0.5
"""Cosines of two short answers' vectors in two languages: from the first they name the same, from
the second they may. Names aligned in NTREX's held-out documents in ten languages reach .55 half of
the time, and two in a thousand pairs of others; but others that are alike get far ("North Korea"
and "Νότια Κορέα", which is South Korea: .66), and what is not the same must never be blended.
"""

_FEW = 3
"""Words that may go with a number on one side alone: 37 is 37 people."""
_MARKS = regex.compile(r"[+−±#<>⁺⁻]")
"""What tells C++ from C#; signs of units and currencies are compared as what they mean."""
_ROMAN = regex.compile(r"(?<!\w)[IVXLC]+(?!\w)")
_NOT = frozenset(
    "not no never none without nicht kein keine ne pas jamais non nunca não nu niciodată не нет "
    " ні δεν όχι μη değil नहीं ไม่ không chưa 아니 لا لم لن ليس غير لیس نیست inte ikke niet geen ei"
    " nem nie לא".split()
)
_NOT_UNSPACED = frozenset("不未非没沒無无")


@dataclass(frozen=True)
class Wording:
    """An answer as a source words it, and its language."""

    text: str
    language: str

    @cached_property
    def date(self) -> Date | None:
        """The date that it is."""
        return date_in(self.text, self.language)

    @cached_property
    def quantities(self) -> Quantities:
        """The numbers in it."""
        return quantities_in(self.text, self.language)

    @cached_property
    def tokens(self) -> list[str]:
        """Its words, folded."""
        return tokens(self.text, self.language)

    @cached_property
    def normal(self) -> str:
        """As answers are compared."""
        return normalise(self.text, self.language)

    @cached_property
    def ordinals(self) -> tuple[frozenset[str], frozenset[int]]:
        """Roman numerals (of kings and wars) and days of the week in it."""
        return frozenset(_ROMAN.findall(self.text)), weekdays_in(self.text, self.language)


def relation(one: Wording, other: Wording, cosine: float | None = None) -> Relation:
    """How two answers to one question stand to each other. `cosine` is that of their vectors, None
    where names of two languages shall not be compared.
    """
    if one.text == other.text:
        return "same"
    if one.date is not None and other.date is not None:
        return one.date.relation(other.date)
    if _clash(one, other):
        return "different"
    left, right = one.quantities, other.quantities
    if left.values != right.values:
        fewer = not Counter(left.values) - Counter(right.values)
        more = not Counter(right.values) - Counter(left.values)
        return "compatible" if fewer != more and _says_less(one, other) else "different"
    if one.normal == other.normal:
        return "same" if _marks_alike(one, other) else "different"
    if left.values:
        return _of_equal_numbers(left, right, cosine)
    if cosine is not None and cosine >= NAMES_ALIKE:
        return "same"
    if _says_less(one, other):
        return "different" if _denies(one) != _denies(other) else "compatible"
    return "compatible" if cosine is not None and cosine >= NAMES_NEAR else "different"


def relations(wordings: Sequence[Wording], embedder: Embedder | None) -> list[list[Relation]]:
    """How each answer stands to each, shape (n, n)."""
    count = len(wordings)
    cosines: Vectors | None = None
    if embedder is not None and len({w.language for w in wordings}) > 1:
        vectors = embedder.embed_queries([wording.text for wording in wordings])
        cosines = (vectors @ vectors.T).astype(np.float32)
    table: list[list[Relation]] = [["same"] * count for _ in range(count)]
    for i in range(count):
        interrupt.check()
        for j in range(i):
            foreign = wordings[i].language != wordings[j].language
            cosine = float(cosines[i, j]) if cosines is not None and foreign else None
            table[i][j] = table[j][i] = relation(wordings[i], wordings[j], cosine)
    return table


def _clash(one: Wording, other: Wording) -> bool:
    """Whether units, currencies, eras, halves of the day, kings or weekdays are others."""
    left, right = one.quantities, other.quantities
    pairs = [(left.qualifiers, right.qualifiers), *zip(one.ordinals, other.ordinals, strict=True)]
    if len(left.numbers) == len(right.numbers):
        pairs += [(a.units, b.units) for a, b in zip(left.numbers, right.numbers, strict=True)]
    return any(a and b and not a & b for a, b in pairs)


def _of_equal_numbers(left: Quantities, right: Quantities, cosine: float | None) -> Relation:
    units = [(a.units, b.units) for a, b in zip(left.numbers, right.numbers, strict=True)]
    if any(bool(a) != bool(b) for a, b in units) or left.qualifiers != right.qualifiers:
        return "compatible"
    fewer, more = sorted((left.rest, right.rest), key=len)
    bare = not fewer and len(more) <= _FEW
    alike = bool(fewer) and cosine is not None and cosine >= NAMES_NEAR
    return "same" if bare or alike else "compatible"


def _marks_alike(one: Wording, other: Wording) -> bool:
    """Whether what normalising leaves out says the same: C# is not C++, a minus no plus."""
    left, right = (set(_MARKS.findall(w.text)) for w in (one, other))
    return left == right


def _denies(one: Wording) -> bool:
    return any(word in _NOT or word in _NOT_UNSPACED for word in one.tokens)


def _says_less(one: Wording, other: Wording) -> bool:
    """Whether the words of one answer are among those of the other, in any order."""
    less, more = sorted((one.tokens, other.tokens), key=len)
    if any(is_unspaced(token) for token in less):
        return contains("".join(more), "".join(less))
    return bool(less) and all(any(_is_form(word, form) for form in more) for word in less)


def _is_form(word: str, form: str) -> bool:
    """Whether a word is another, give or take an ending."""
    short, long = sorted((word, form), key=len)
    return word == form or (
        len(short) >= 6 and len(long) - len(short) <= 2 and long.startswith(short)
    )
