"""The date that a short answer is, in the words and digits of its language.

Only an answer that is a date and nothing else counts as one: "May 1968", and not "the May 1968
protests". A range is no date.
"""

import re
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

import regex
from babel import Locale

from rag.measures import locales

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
_JAPANESE_ERAS = {"明治": 1867, "大正": 1911, "昭和": 1925, "平成": 1988, "令和": 2018}
_JAPANESE_YEAR = re.compile(rf"({'|'.join(_JAPANESE_ERAS)})\s*(\d{{1,2}}|元)\s*年")
_TURKISH_CASE = re.compile(r"(?<=\d)['’]\w{1,4}\b")
_HAN_DIGITS = {digit: value for value, digit in enumerate("〇一二三四五六七八九")} | {"零": 0}
_HAN_NUMBER = re.compile(r"[〇零一二三四五六七八九十]+(?=\s*[年月日号號])")
_NOT_IN_DATES = regex.compile(r"[^\w\p{M}\s.,/()'’:;-]|(?<!\w)-\s?\d")
"""Signs that make something else of a year: %, °, <, currencies, a minus."""
_BEFORE_ONLY = re.compile(
    r"\d\s*(?:jahre?|an|año|ano|anos|días?|dias?|den|dag|ngày|tháng|năm|ปี|เดือน|วันที่|يوم|سنة|عام|日|days?)"
    r"(?!\w)"
)
"""Words that say what a number is when they are before it, and how long something took after it."""
_VIETNAMESE_MONTHS = {"giêng": 1, "một": 1, "hai": 2, "ba": 3, "tư": 4, "năm": 5, "sáu": 6,
                      "bảy": 7, "tám": 8, "chín": 9, "mười một": 11, "mười hai": 12, "chạp": 12,
                      "mười": 10}  # fmt: skip
_VIETNAMESE_MONTH = re.compile(
    rf"\btháng ({'|'.join(sorted(_VIETNAMESE_MONTHS, key=len, reverse=True))})\b"
)
_DIGITS = 18
"""Of a number; more are no day and no year."""
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
    """What a text says of a date; what it does not say is 0. `either` holds day and month, smaller
    first, where they cannot be told apart (3/4/1953). A `year` below 100 is one of any century.
    `clock` is the time of day, as it is written.
    """

    year: int
    month: int
    day: int
    either: tuple[int, int] = (0, 0)
    clock: str = ""

    def relation(self, other: "Date") -> Relation:
        """Different where a part that both name differs."""
        years = self.year, other.year
        if min(years) < 100 and all(years):
            years = self.year % 100, other.year % 100
        pairs = (years, (self.month, other.month), (self.day, other.day), (self.clock, other.clock))
        if any(a and b and a != b for a, b in pairs) or not self._may_be(other):
            return "different"
        return (
            "same"
            if all(a == b for a, b in pairs) and self.either == other.either
            else "compatible"
        )

    def _may_be(self, other: "Date") -> bool:
        """Whether day and month agree in one order or the other."""
        one, two = sorted((self, other), key=lambda date: date.either, reverse=True)
        if not any(one.either):
            return True
        if any(two.either):
            return one.either == two.either
        return {two.month, two.day} - {0} <= set(one.either) and (
            two.month != two.day or one.either[0] == one.either[1] or not two.day
        )


def date_in(text: str, language: str) -> Date | None:
    """The date that a short text is; None where it is none, or more than one. Years of the Buddhist
    era in Thai become those of the common one.
    """
    text = "".join(c for c in ascii_digits(text) if unicodedata.category(c) != "Cf").casefold()
    text = re.sub("[–—‒‑]", "-", text).strip(" .,;")
    text = _JAPANESE_YEAR.sub(_common_year, text)
    if language.startswith("tr"):
        text = _TURKISH_CASE.sub("", text)
    found = _CLOCK.findall(text)
    text = _CLOCK.sub(" ", _HAN_NUMBER.sub(_han_value, text))
    if _NOT_IN_DATES.search(text):
        return None
    date = _numeric(text, language) or _east_asian(text) or _worded(text, language)
    if date is None:
        return None
    if language.startswith("th") and date.year in _BUDDHIST_YEARS:
        if not date.month and "พ.ศ" not in text and "ปี" not in text:
            return None
        date = replace(date, year=date.year - _BUDDHIST_OFFSET)
    return replace(date, clock=re.sub(r"[\s.]", "", found[0])) if found else date


def ascii_digits(text: str) -> str:
    """NFKC with the decimal digits of any script as 0 to 9."""
    text = unicodedata.normalize("NFKC", text)
    return "".join(str(unicodedata.decimal(c)) if c.isdecimal() else c for c in text)


def _numeric(text: str, language: str) -> Date | None:
    found = list(_NUMERIC.finditer(text))
    if len(found) != 1 or not _only_fillers(_NUMERIC.sub(" ", text)):
        return None
    a, _, b, c, *iso = found[0].groups()
    if iso[0]:
        year, month, day = int(iso[0]), int(iso[2]), int(iso[3] or 0)
        # 1910-12 may be two years: it is a month only where it cannot be.
        if not iso[3] and (len(iso[2]) < 2 or month > year % 100):
            return None
        return Date(year, month, day) if 1 <= month <= 12 and day <= 31 else None
    first, second, year = int(a), int(b), int(c)
    if max(first, second) > 31 or min(first, second) > 12 or min(first, second) < 1:
        return None
    if first > 12 or second > 12 or first == second:
        return Date(year, min(first, second), max(first, second))
    if _day_is_first(language):
        return Date(year, second, first)
    return Date(year, 0, 0, either=(min(first, second), max(first, second)))


@cache
def _day_is_first(language: str) -> bool:
    """Whether a language writes the day first wherever it is written: English does not."""
    own = [locale for locale in _locales(language) if locale.language != "en"]
    return bool(own) and str(own[0].date_formats["short"].pattern).lstrip("\u200f").startswith("d")


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
    if language.startswith("vi") and (worded := _VIETNAMESE_MONTH.search(text)):
        months.add(_VIETNAMESE_MONTHS[worded[1]])
        text = text.replace(worded[0], " ")
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
    numbers = [int(found[:_DIGITS]) for found in re.findall(r"\d+", text)]
    if len(months) > 1 or not _only_fillers(" ".join(kept), language):
        return None
    if not months and _BEFORE_ONLY.search(text):
        return None
    years = [n for n in numbers if (n > 31 and months) or n in _YEARS or n in _BUDDHIST_YEARS]
    days = [n for n in numbers if 1 <= n <= 31 and months]
    if len(years) > 1 or len(days) > 1 or len(years) + len(days) != len(numbers):
        return None
    return Date(sum(years), sum(months), sum(days)) if numbers or months else None


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


def _common_year(match: re.Match[str]) -> str:
    era, year = match.groups()
    return f"{_JAPANESE_ERAS[era] + int(year.replace('元', '1'))}年"


def _locales(language: str) -> tuple[Locale, ...]:
    """For Arabic the Levant's too, which has other months."""
    levant = (Locale("ar", "LB"),) if language.split("-")[0] == "ar" else ()
    return (*locales(language), *levant)


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


def weekdays_in(text: str, language: str) -> frozenset[int]:
    """The days of the week that a text names, Monday is 0."""
    named = _weekdays(language)
    return frozenset(named.get(word, -1) for word in _WORD.findall(text.casefold())) - {-1}


@cache
def _weekdays(language: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for locale in _locales(language):
        for number, name in locale.days["format"]["wide"].items():
            words = _WORD.findall(name.casefold())
            # "thứ hai": neither of the words is a day by itself.
            found |= {word: number if len(words) == 1 else -1 for word in words}
    return found
