"""The numbers in a short answer, as values: 33,000 and 33 000 and ٣٣٬٠٠٠ and 3.3万 are one."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

import regex

from index.numbers import mend, plain
from rag.dates import ascii_digits
from rag.measures import TOKEN, folded, scale_of, unit_at, without_eras_and_halves, words_of
from rag.number_words import small_number_in

_MARKS = str.maketrans({"٫": ".", "٬": ",", "’": "'", "−": "-", "–": "-", "‑": "-"})
_GROUPING_BLANK = re.compile(r"(?<![\d.,])(\d{1,3})((?: \d{3})+)(?!\d)")
_SHORT_RANGE = re.compile(r"(?<!\d)(\d\d)(\d\d)\s?-\s?(\d\d)(?![\d.,])")
_NUMBER = re.compile(r"(?:(?<![\w)])(?<!\d )-)?\d+(?:[.,']\d+)*")
_WORD = regex.compile(r"\s*([\p{L}\p{M}]+)\.?")
_CONNECTING = frozenset({"de", "of", "d", "di", "от"})
"""What may stand between a number and its unit: un millón de euros."""
_EAST_ASIAN = regex.compile(r"[\p{Han}\p{Hangul}]")
_AHEAD = 5
"""Tokens that a unit can be of, and one."""
_LONGEST = 18
"""Digits of a number, at most: with more, its value is no matter."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and what it counts, where that is a unit or a currency that is known (by the ids of
    `measures`; several where a word means several).
    """

    value: Decimal
    units: frozenset[str]


@dataclass(frozen=True, slots=True)
class Quantities:
    """The numbers of a text in order; "bc", "ad", "am" and "pm" where it says so; and what else it
    says, folded, as tokens.
    """

    numbers: tuple[Quantity, ...]
    qualifiers: frozenset[str]
    rest: tuple[str, ...]

    @property
    def values(self) -> tuple[Decimal, ...]:
        """Without their units."""
        return tuple(number.value for number in self.numbers)


def quantities_in(text: str, language: str) -> Quantities:
    """What numbers, written in digits of any script, a text holds. Words of scale after a number
    are multiplied in, as the text's language means them (5 million, 5万, 5 mil millones).
    """
    text = folded(mend(text).translate(_MARKS))
    text = "".join(c if c in "²³" else ascii_digits(c) for c in text).translate(_MARKS)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = _GROUPING_BLANK.sub(lambda m: m.group().replace(" ", ""), text)
    text = _SHORT_RANGE.sub(_whole_range, text)
    text, qualifiers = without_eras_and_halves(text, language)
    if not any(c.isdecimal() for c in text):
        return _in_words(words_of(text), qualifiers, language)
    found: list[Quantity] = []
    rest: list[str] = []
    place, wide = 0, 1
    for match in _NUMBER.finditer(text):
        if match.start() < place:
            continue
        before, ended = text[place : match.start()], text[max(0, place - 1) : place]
        scale, place = _scale(text, match.end(), language)
        values = [value * scale for value in _values(match.group())]
        if wide > scale and _goes_on(ended, before):
            found[-1] = Quantity(found[-1].value + values[0], found[-1].units)
        else:
            sign, words = _sign_before(before, language)
            rest += words
            found += [Quantity(value, sign) for value in values]
        wide = scale
        meant, place = _unit_after(text, place, language)
        if meant:
            found[-1] = Quantity(found[-1].value, meant)
    rest += words_of(text[place:])
    return Quantities(tuple(found), qualifiers, tuple(rest))


def _in_words(words: tuple[str, ...], qualifiers: frozenset[str], language: str) -> Quantities:
    """Of a text without digits: "three", "three kilometres"."""
    named = small_number_in(words, language)
    if named is None:
        return Quantities((), qualifiers, words)
    value, rest = named
    factor, _length = scale_of(rest[0], language) if rest else (1, 0)
    meant, used = unit_at(rest[factor > 1 :], language)
    number = Quantity(Decimal(value * factor), meant)
    return Quantities((number,), qualifiers, rest[(factor > 1) + used :])


def _goes_on(ended: str, between: str) -> bool:
    """Whether a number goes on after its scale: 3億5000万 is one, and so is 12만 5천."""
    blank = " " if regex.match(r"\p{Hangul}", ended) else ""
    return bool(_EAST_ASIAN.match(ended)) and between in ("", blank)


def _values(number: str) -> list[Decimal]:
    sign = -1 if number.startswith("-") else 1
    number = number.removeprefix("-")
    parts = [number] if number.isdecimal() else plain(number).split()
    return [sign * Decimal(part[:_LONGEST]) for part in parts]


def _scale(text: str, place: int, language: str) -> tuple[int, int]:
    """What the words of scale at a place multiply by, and where they end."""
    scale = 1
    while word := _WORD.match(text, place):
        factor, length = scale_of(unicodedata.normalize("NFC", word.group(1)), language)
        if factor == 1:
            break
        scale *= factor
        whole = length == len(word.group(1))
        place = word.end() if whole else word.start(1) + length
    return scale, place


def _unit_after(text: str, place: int, language: str) -> tuple[frozenset[str], int]:
    """The unit at a place, and where it ends."""
    ahead: list[tuple[str, int]] = []
    start = place
    for token in TOKEN.finditer(text, place):
        if any(c.isdecimal() for c in text[start : token.start()]) or len(ahead) == _AHEAD:
            break
        start = token.end()
        if ahead or token.group() not in _CONNECTING:
            ahead.append((words_of(token.group())[0], start))
    meant, length = unit_at(tuple(word for word, _end in ahead), language)
    return (meant, ahead[length - 1][1]) if meant else (frozenset(), place)


def _sign_before(text: str, language: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The currency that a text ends with, as in "US$", and its other words."""
    words = words_of(text)
    for length in (2, 1):
        meant, used = unit_at(words[-length:], language) if len(words) >= length else (None, 0)
        if meant and used == length and not any(name.count("-") for name in meant):
            return meant, words[:-length]
    return frozenset(), words


def _whole_range(match: re.Match[str]) -> str:
    """1914-18 is 1914-1918."""
    century, first, last = match.groups()
    if int(last) <= int(first):
        return match.group()
    return f"{century}{first}-{century}{last}"
