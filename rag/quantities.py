"""The numbers in a short answer, as values: 33,000 and 33 000 and ٣٣٬٠٠٠ and 3.3万 are one."""

import re
import unicodedata
from dataclasses import dataclass
from decimal import Decimal

import regex

from index.numbers import mend, plain
from rag.dates import ascii_digits

_MARKS = str.maketrans({"٫": ".", "٬": ",", "’": "'", "−": "-", "–": "-", "‑": "-"})
_GROUPING_BLANK = re.compile(r"(?<![\d.,])(\d{1,3})((?: \d{3})+)(?!\d)")
_NUMBER = re.compile(r"(?<!\w)-?\d+(?:[.,']\d+)*|\d+(?:[.,']\d+)*")
_SCALE = regex.compile(r"\s*([\p{L}\p{M}]+)")
_UNITS = ("千米", "千克", "千瓦", "千卡")
"""Kilometre, kilogram: no thousands."""
_CURRENCIES = frozenset("$€£¥₽₩₹₺฿₫元円")

_SCALES: tuple[tuple[int, tuple[str, ...]], ...] = (
    # The longer words first: พันล้าน before พัน, 百万 before 百.
    (10**9, ("milliard", "miliard", "milyar", "millardi", "миллиард", "млрд", "мільярд",
             "δισεκατ", "مليار", "میلیارد", "พันล้าน", "tỷ", "tỉ", "अरब", "bilhão", "bilhões",
             "bilion", "十亿", "十億", "십억")),
    (10**8, ("億", "亿", "억")),
    (10**6, ("million", "millón", "millon", "milione", "milioni", "milioane", "milhão", "milhões",
             "milion", "milyon", "миллион", "млн", "мільйон", "εκατομμύρι", "مليون",
             "ملايين", "میلیون", "ล้าน", "triệu", "मिलियन", "百万", "百萬", "백만")),
    (10**7, ("करोड़",)),
    (10**5, ("लाख", "แสน")),
    (10**4, ("万", "萬", "만", "หมื่น")),
    (10**3, ("thousand", "tausend", "тысяч", "тыс", "тисяч", "tysią", "tysię", "χιλιάδες",
             "χιλιάδων", "آلاف", "ألف", "هزار", "พัน", "nghìn", "ngàn", "हज़ार", "हजार", "千", "천")),
)  # fmt: skip
_WHOLE_SCALES = {"mil": 10**3, "mille": 10**3, "mii": 10**3, "bin": 10**3, "tys": 10**3,
                 "lakh": 10**5, "crore": 10**7, "mln": 10**6, "εκατ": 10**6, "mio": 10**6,
                 "mrd": 10**9, "mld": 10**9, "bn": 10**9}  # fmt: skip
"""Scales that are other words' beginnings: only as whole words."""


@dataclass(frozen=True, slots=True)
class Quantities:
    """The numbers of a text in order, and the signs of the currencies in it."""

    values: tuple[Decimal, ...]
    currencies: frozenset[str]


def quantities_in(text: str, language: str) -> Quantities:
    """What numbers, written in digits of any script, a text holds. A word of scale after a number
    is multiplied in (5 million, 5万); "billion" only in English, for languages disagree on it.
    """
    text = ascii_digits(mend(text).translate(_MARKS)).casefold().translate(_MARKS)
    text = "".join(c for c in text if unicodedata.category(c) != "Cf")
    text = _GROUPING_BLANK.sub(lambda m: m.group().replace(" ", ""), text)
    values: list[Decimal] = []
    for found in _NUMBER.finditer(text):
        scale = _scale_of(text[found.end() :], language)
        sign = -1 if found.group().startswith("-") else 1
        number = found.group().removeprefix("-")
        parts = [number] if number.isdecimal() else plain(number).split()
        values.extend(sign * Decimal(part) * scale for part in parts)
    return Quantities(tuple(values), frozenset(c for c in text if c in _CURRENCIES))


def _scale_of(rest: str, language: str) -> int:
    word = _SCALE.match(rest)
    if word is None:
        return 1
    name = unicodedata.normalize("NFC", word.group(1))
    if name in _WHOLE_SCALES:
        # "5 mil millones", "5 тыс. миллионов": both words count.
        return _WHOLE_SCALES[name] * _scale_of(rest[word.end() :], language)
    if name.startswith(_UNITS):
        return 1
    if language.startswith("en") and name.startswith("billion"):
        return 10**9
    return next((value for value, names in _SCALES if name.startswith(names)), 1)
