"""The date that a short answer is, in the words and digits of its language.

Only an answer that is a date and nothing else counts as one: "May 1968", and not "the May 1968
protests". A range is no date.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

import regex
from babel import Locale, UnknownLocaleError

Relation = Literal["same", "compatible", "different"]

_WORD = regex.compile(r"[\p{L}\p{M}]+")  # with vowel signs, which `re` takes for punctuation
_CLOCK = re.compile(r"\b\d{1,2}(?::\d\d){1,2}(?:\s*[ap]\.?\s?m\b\.?)?|\b\d{1,2}\s*[ap]\.?\s?m\b\.?")
_EAST_ASIAN = re.compile(
    r"(?:(\d{3,4})\s*[年년]\s*)?(?:(\d{1,2})\s*[月월]\s*)?(?:(\d{1,2})\s*[日号號일])?"
)
_NUMERIC = re.compile(
    r"(?<![\d.])(?:(\d{1,2})([./-])\s?(\d{1,2})\2\s?(\d{4}|\d\d)|(\d{4})([./-])\s?(\d{1,2})"
    r"(?:\6\s?(\d{1,2}))?)\.?(?!\d)"
)
_HAN_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0}
_HAN_NUMBER = re.compile(r"[〇零一二三四五六七八九十]+(?=\s*[年月日号號])")
_YEARS = range(1000, 2200)
_BUDDHIST_YEARS = range(2400, 2700)
_BUDDHIST_OFFSET = 543

_FILLERS = frozenset(
    "on the in of at year st nd rd th el en la le les il del della de den dem des der am im vom"
    " jahr jahre an année ano año anno do da dia día em no din anul în luna data på år vuonna roku"
    " rok roce dne dnia w v во в на год года году г гг р рік року році στις στην στο στον στη τον"
    " του την της το έτος έτους ngày tháng năm vào ปี พ ศ ค วันที่ เดือน ใน เมื่อ في عام سنة يوم من"
    " العام م सन ई को में वर्ष साल के की yılında yılı tarihinde senesi senesinde günü 년 월 일 에"
    " 年 月 日 号 號 在 于 於 の に 公元 西元".split()
)
"""Words that may stand in a date and add nothing to it."""


@dataclass(frozen=True, slots=True)
class Date:
    """What a text says of a date; what it does not say is 0. `sure` is False where day and month
    are given and cannot be told apart (3/4/1953): neither is said then.
    """

    year: int
    month: int
    day: int
    sure: bool = True

    def relation(self, other: "Date") -> Relation:
        """Different where a part that both name differs."""
        pairs = ((self.year, other.year), (self.month, other.month), (self.day, other.day))
        if any(a and b and a != b for a, b in pairs):
            return "different"
        equal = self.sure and other.sure and all(a == b for a, b in pairs)
        return "same" if equal else "compatible"


def date_in(text: str, language: str) -> Date | None:
    """The date that a short text is; None where it is none, or more than one. Years of the Buddhist
    era in Thai become those of the common one.
    """
    text = "".join(c for c in ascii_digits(text) if unicodedata.category(c) != "Cf").casefold()
    text = _CLOCK.sub(" ", _HAN_NUMBER.sub(_han_value, text))
    date = _numeric(text) or _east_asian(text) or _worded(text, language)
    if date is None or not language.startswith("th") or date.year not in _BUDDHIST_YEARS:
        return date
    if date.month or any(mark in text for mark in ("พ.ศ", "ปี")):
        return Date(date.year - _BUDDHIST_OFFSET, date.month, date.day, date.sure)
    return None


def ascii_digits(text: str) -> str:
    """NFKC with the decimal digits of any script as 0 to 9."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _numeric(text: str) -> Date | None:
    found = list(_NUMERIC.finditer(text))
    if len(found) != 1 or not _only_fillers(_NUMERIC.sub(" ", text)):
        return None
    a, _, b, c, *iso = found[0].groups()
    if iso[0]:
        year, month, day = int(iso[0]), int(iso[2]), int(iso[3] or 0)
        return Date(year, month, day) if 1 <= month <= 12 and day <= 31 else None
    first, second = int(a), int(b)
    year = int(c) if len(c) == 4 else 0
    if max(first, second) > 31 or min(first, second) > 12 or min(first, second) < 1:
        return None
    if first > 12 or second > 12 or first == second:
        return Date(year, min(first, second), max(first, second))
    return Date(year, 0, 0, sure=False)


def _east_asian(text: str) -> Date | None:
    found = [match for match in _EAST_ASIAN.finditer(text) if any(match.groups())]
    if len(found) != 1 or not (found[0].group(1) or found[0].group(2)):
        return None
    if not _only_fillers(_EAST_ASIAN.sub(" ", text)) or re.search(r"\d", _EAST_ASIAN.sub("", text)):
        return None
    year, month, day = (int(group or 0) for group in found[0].groups())
    return Date(year, month, day) if month <= 12 and day <= 31 else None


def _worded(text: str, language: str) -> Date | None:
    """A date whose month is a word, or a year alone."""
    named = _months(language)
    months: set[int] = set()
    for name, number in named.items():
        if not _WORD.fullmatch(name):  # "tháng 7", "ก.ค."
            without = re.sub(rf"(?<!\w){re.escape(name)}(?!\d)", " ", text)
            months |= {number} if without != text else set()
            text = without
    kept = []
    for word in _WORD.findall(text):
        month = named.get(word) or _inflected(word, named)
        if month and word not in _FILLERS:
            months.add(month)
        else:
            kept.append(word)
    numbers = [int(found) for found in re.findall(r"\d+", text)]
    if len(months) > 1 or not _only_fillers(" ".join(kept), language):
        return None
    years = [n for n in numbers if (n > 31 and months) or n in _YEARS or n in _BUDDHIST_YEARS]
    days = [n for n in numbers if 1 <= n <= 31 and months]
    if len(years) > 1 or len(days) > 1 or len(years) + len(days) != len(numbers) or not numbers:
        return None
    return Date(sum(years), sum(months), sum(days))


def _only_fillers(text: str, language: str = "") -> bool:
    return all(word in _FILLERS or word in _weekdays(language) for word in _WORD.findall(text))


def _inflected(word: str, named: dict[str, int]) -> int | None:
    """The month that a word is another case of (июле, Ιούλιο); None where there is not just one."""
    if len(word) < 4:
        return None
    bare = _unaccented(word)
    found = {number for name, number in named.items() if _is_form(bare, _unaccented(name))}
    return found.pop() if len(found) == 1 else None


def _is_form(word: str, name: str) -> bool:
    if abs(len(word) - len(name)) > 3 or (len(name) < 5 and len(name) != len(word)):
        return False
    shared = next(
        (n for n, (a, b) in enumerate(zip(word, name, strict=False)) if a != b),
        min(len(word), len(name)),
    )
    return shared >= max(3, min(len(word), len(name)) - 1)


def _unaccented(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(c for c in decomposed if unicodedata.category(c) != "Mn" or c > "\u036f")


def _han_value(match: re.Match[str]) -> str:
    """一九五三 is 1953, 二十七 is 27."""
    digits = match.group()
    if "十" not in digits:
        return "".join(str(_HAN_DIGITS[digit]) for digit in digits)
    tens, _, ones = digits.partition("十")
    return str(_HAN_DIGITS.get(tens, 1) * 10 + _HAN_DIGITS.get(ones, 0))


def _locales(language: str) -> list[Locale]:
    """English, the language, and for Arabic the Levant, which has other months."""
    primary = language.split("-")[0]
    found = []
    for tag in ("en", primary, *(["ar_LB"] if primary == "ar" else [])):
        try:
            found.append(Locale.parse(tag))
        except (UnknownLocaleError, ValueError):
            continue
    return found


@cache
def _months(language: str) -> dict[str, int]:
    """Names of months in a language, folded, with those of English beside them."""
    names: dict[str, int] = {}
    for locale in _locales(language):
        for context in ("format", "stand-alone"):
            for width in ("wide", "abbreviated"):
                for number, name in locale.months[context][width].items():
                    # "tháng 7" and "ก.ค." are found whole, of "de julio" the longest word.
                    words = _WORD.findall(name)
                    numbered = name[-1].isdigit() and len(name) > 2
                    dotted = len(words) > 1 and max(map(len, words)) == 1
                    word = name if numbered or dotted else max(words, key=len, default="")
                    if len(word) > 1:
                        names.setdefault(word.casefold(), number)
    return names


@cache
def _weekdays(language: str) -> frozenset[str]:
    return frozenset(
        word.casefold()
        for locale in _locales(language)
        for name in locale.days["format"]["wide"].values()
        for word in _WORD.findall(name)
    )
