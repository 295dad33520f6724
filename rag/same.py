"""Whether two answers say the same: in other words, another script or another language.

Told apart are three cases. *Same*: equal once normalised, the same date, the same number, or names
that the embedder places together. *Compatible*: one says less than the other (a year and a day in
it, a name and its first part). *Different*: all else, and always where two dates or two numbers
differ, however alike the words are.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import regex
from babel import Locale, UnknownLocaleError

from index.types import Embedder, Vectors
from rag.evaluation.text import contains, normalise

Relation = Literal["same", "compatible", "different"]

NAMES_ALIKE = 0.55
"""Cosine of two short answers' vectors from which they name the same thing in two languages. Of
names aligned in NTREX's held-out documents in ten languages, half reach it, and two in a thousand
pairs of other names.
"""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_WORD = regex.compile(r"[\p{L}\p{M}]+")  # with vowel signs, which `re` takes for punctuation
_EAST_ASIAN_DATE = re.compile(
    r"(?:(\d{4})\s*[年년])?\s*(?:(\d{1,2})\s*[月월])?\s*(?:(\d{1,2})\s*[日号號일])?"
)
_NUMERIC_DATE = re.compile(
    r"\b(\d{1,2})[./-](\d{1,2})[./-](\d{4})\b|\b(\d{4})-(\d{1,2})-(\d{1,2})\b"
)
_YEARS = range(1000, 2200)
_BUDDHIST_YEARS = range(2400, 2700)
_BUDDHIST_OFFSET = 543


@dataclass(frozen=True, slots=True)
class Date:
    """What a text says of a date; what it does not say is 0."""

    year: int
    month: int
    day: int

    def relation(self, other: "Date") -> Relation:
        """Different where a part that both name differs."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        if any(a and b and a != b for a, b in pairs):
            return "different"
        return "same" if all(a == b for a, b in pairs) else "compatible"


def date_in(text: str, language: str) -> Date | None:
    """The date that a short text is, in the words and digits of its language; None where it is
    none. Years of the Buddhist era in Thai become those of the common one.
    """
    text = _ascii_digits(text)
    year = month = day = 0
    numeric = _NUMERIC_DATE.search(text)
    if numeric:
        a, b, c, *iso = (int(group or 0) for group in numeric.groups())
        # Day and month cannot be told apart in 3/4/1953: only the year is sure then.
        ordered = (c, b, a) if a > 12 else (c, a, b) if b > 12 else (c, 0, 0)
        year, month, day = (iso[0], iso[1], iso[2]) if iso[0] else ordered
    else:
        for match in _EAST_ASIAN_DATE.finditer(text):
            if any(match.groups()):
                year, month, day = (int(group or 0) for group in match.groups())
                break
    named = _months(language)
    text = text.casefold()
    months = {named.get(word, 0) for word in _WORD.findall(text)} - {0}
    for name in (name for name in named if name[-1].isdigit()):
        without = re.sub(rf"\b{name}(?!\d)", " ", text)
        if without != text:
            text = without
            months.add(named[name])
    numbers = [int(found) for found in re.findall(r"\d+", text)]
    if not (year or month or day) and (months or _only_a_year(text, numbers)):
        month = min(months, default=0)
        year = next((n for n in numbers if n in _YEARS or n in _BUDDHIST_YEARS), 0)
        day = next((n for n in numbers if month and 1 <= n <= 31), 0)
    if language.startswith("th") and year in _BUDDHIST_YEARS:
        year -= _BUDDHIST_OFFSET
    return Date(year, month, day) if year or month else None


def numbers_in(text: str) -> frozenset[str]:
    """The numbers of a text in ASCII digits without grouping marks."""
    return frozenset(
        re.sub(r"[.,](?=\d{3}(?!\d))", "", found) for found in _NUMBER.findall(_ascii_digits(text))
    )


@dataclass(frozen=True, slots=True)
class Wording:
    """An answer as a source words it, and its language."""

    text: str
    language: str


def relation(one: Wording, other: Wording, cosine: float | None = None) -> Relation:
    """How two answers to one question stand to each other. `cosine` is that of their vectors, None
    where names of two languages shall not be compared.
    """
    a, b = normalise(one.text, one.language), normalise(other.text, other.language)
    if a == b:
        return "same"
    dates = date_in(one.text, one.language), date_in(other.text, other.language)
    if dates[0] is not None and dates[1] is not None:
        return dates[0].relation(dates[1])
    numbers = numbers_in(one.text), numbers_in(other.text)
    if numbers[0] != numbers[1]:
        return "compatible" if _holds(a, b) and (not numbers[0] or not numbers[1]) else "different"
    if numbers[0] and one.language != other.language and min(len(a), len(b)) <= 40:
        return "same"
    if cosine is not None and cosine >= NAMES_ALIKE:
        return "same"
    return "compatible" if _holds(a, b) else "different"


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


def _holds(a: str, b: str) -> bool:
    """Whether one normalised text stands in the other."""
    return bool(a) and bool(b) and (contains(a, b) or contains(b, a))


def _only_a_year(text: str, numbers: Sequence[int]) -> bool:
    """Whether a text is little more than a year ("in 1953", "το 1953")."""
    years = [n for n in numbers if n in _YEARS or n in _BUDDHIST_YEARS]
    return len(numbers) == 1 and len(years) == 1 and len(_WORD.findall(text)) <= 2


def _ascii_digits(text: str) -> str:
    text = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.digit(c)) if c.isdigit() else c for c in text)


@cache
def _months(language: str) -> dict[str, int]:
    """Names of months in a language, folded, with those of English beside them."""
    names: dict[str, int] = {}
    for tag in ("en", language.split("-")[0]):
        try:
            locale = Locale.parse(tag)
        except (UnknownLocaleError, ValueError):
            continue
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in locale.months[context][width].items():
                    # "tháng 7" is found whole, of "de julio" the longest word.
                    numbered = name[-1].isdigit() and len(name) > 2
                    word = name if numbered else max(_WORD.findall(name), key=len, default="")
                    if len(word) > 1:
                        names.setdefault(word.casefold(), number)
    return names
