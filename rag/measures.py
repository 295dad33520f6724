"""Words of measure in any language, from Unicode's locale data (CLDR, by way of Babel): units,
currencies, scales (million, 万), eras and halves of a day. English is known in every language.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache

import regex
from babel import Locale, UnknownLocaleError
from babel.numbers import get_currency_name
from babel.units import format_unit

_UNITS = tuple(
    f"{kind}-{unit}"
    for kind, units in {
        "length": "millimeter centimeter meter kilometer inch foot yard mile nautical-mile",
        "mass": "milligram gram kilogram ton tonne ounce pound",
        "duration": "second minute hour day week month year decade century",
        "temperature": "celsius fahrenheit kelvin",
        "area": "square-meter square-kilometer square-foot square-mile hectare acre",
        "volume": "milliliter liter cubic-meter cubic-kilometer gallon pint",
        "speed": "meter-per-second kilometer-per-hour mile-per-hour knot",
        "power": "watt kilowatt megawatt gigawatt horsepower",
        "energy": "joule kilojoule calorie kilocalorie kilowatt-hour",
        "pressure": "pascal hectopascal kilopascal bar atmosphere",
        "frequency": "hertz kilohertz megahertz gigahertz",
        "electric": "volt ampere ohm",
        "digital": "bit byte kilobyte megabyte gigabyte terabyte",
        "concentr": "percent permille",
    }.items()
    for unit in units.split()
)  # fmt: skip
_CURRENCIES = {"$": ("USD", "AUD"), "£": ("GBP", "EGP"), "₽": ("RUB", "BYN"), "₹": ("INR", "PKR"),
               "₩": ("KRW", "KPW"), "€": ("EUR",), "¥": ("JPY",), "元": ("CNY",), "₺": ("TRY",),
               "₴": ("UAH",), "₪": ("ILS",), "฿": ("THB",), "₫": ("VND",)}  # fmt: skip
"""Signs and who pays in them: what the names of two countries' money share is its own name."""
_SIGNS: Mapping[str, frozenset[str]] = {
    sign: frozenset({sign}) for sign in "$€£₽₩₹₺₴₪฿₫"
} | {
    "¥": frozenset("¥元"), "円": frozenset("¥"), "元": frozenset("元"), "圓": frozenset("¥元"),
    "%": frozenset({"concentr-percent"}), "‰": frozenset({"concentr-permille"}),
    "°": frozenset({"degree"}),
}  # fmt: skip
_MORE_UNITS = {
    "千米": "length-kilometer",
    "千克": "mass-kilogram",
    "平方千米": "area-square-kilometer",
}
_SAMPLES = (1, 2, 3, 5, 11, 20, 21, 100, 1.5)
"""Numbers that bring out a language's plurals."""
_MORE_SCALES = {
    "hundred": 10**2, "hundert": 10**2, "mil": 10**3, "mille": 10**3, "mila": 10**3,
    "mii": 10**3, "bin": 10**3, "tys": 10**3, "тыс": 10**3, "ngàn": 10**3, "हज़ार": 10**3,
    "千": 10**3, "천": 10**3, "lakh": 10**5, "crore": 10**7, "mln": 10**6, "млн": 10**6,
    "εκατ": 10**6, "mio": 10**6, "萬": 10**4, "万": 10**4, "만": 10**4, "億": 10**8, "亿": 10**8,
    "억": 10**8, "兆": 10**12, "조": 10**12, "百万": 10**6, "百萬": 10**6, "백만": 10**6,
    "ล้าน": 10**6, "mrd": 10**9, "mld": 10**9, "млрд": 10**9, "bn": 10**9,
}  # fmt: skip
"""Short and older forms, and those that CLDR has only as parts of others."""
_STEMS: tuple[tuple[str, int], ...] = (
    ("milliard", 10**9), ("miliard", 10**9), ("миллиард", 10**9), ("мільярд", 10**9),
    ("милиард", 10**9), ("δισεκατομμ", 10**9), ("million", 10**6), ("miljo", 10**6),
    ("millió", 10**6), ("milion", 10**6), ("milyon", 10**6), ("миллион", 10**6),
    ("мільйон", 10**6), ("милион", 10**6), ("εκατομμύρι", 10**6), ("εκατομμυρί", 10**6),
    ("tausend", 10**3), ("thousand", 10**3), ("тысяч", 10**3), ("тисяч", 10**3),
    ("tysią", 10**3), ("tysię", 10**3), ("χιλιάδ", 10**3),
)  # fmt: skip
"""What is left of scales in every case of languages that inflect."""
_ENDINGS = 3
_OTHER_WORDS = ("är", "air", "st", "th", "ник", "щик")
"""Endings that make another word of a scale: millionaire, thousandth."""
_SHORT = frozenset({"am", "pm", "bc", "ad", "ce"})
_UNSPACED = regex.compile(r"[\p{Han}\p{Thai}\p{Lao}\p{Khmer}\p{Hangul}\p{Hiragana}\p{Katakana}]")
_NOT_SCALES = ("พันธ", "พันเอก", "พันตรี", "พันโท", "千米", "千克", "千瓦", "千卡", "千帕")
"""Words that begin like a scale and are none: species, ranks, kilometres."""

TOKEN = regex.compile(r"°\s?[cfмс]?\b|[\p{L}\p{M}]+[²³]?(?:/[\p{L}\p{M}]+[²³]?)?|\p{Sc}|[%‰°٪]")
"""Words and signs beside a number."""


def folded(text: str) -> str:
    """Case and compatible forms folded, but for raised digits: km² is not km2."""
    parts = regex.split(r"([²³])", text)
    return "".join(p if p in "²³" else unicodedata.normalize("NFKC", p) for p in parts).casefold()


def words_of(text: str) -> tuple[str, ...]:
    """The tokens of a folded text."""
    return tuple(re.sub(r"\s", "", word) for word in TOKEN.findall(text.replace("٪", "%")))


@cache
def scales(language: str) -> Mapping[str, int]:
    """Words after a number that multiply it, folded, as this language means them."""
    found: dict[str, int] = dict(_MORE_SCALES)
    for locale in locales(language):
        formats = locale.compact_decimal_formats
        for width in ("long", "short") if "long" in formats else ("short",):
            short_letters = width == "short" and "long" in formats
            for patterns in formats[width].values():
                for power, pattern in patterns.items():
                    text = str(getattr(pattern, "pattern", pattern))
                    zeros = text.count("0")
                    name = folded(re.sub(r"[0\s\u200f\u200e.¤']", "", text))
                    if zeros and len(name) > (2 if short_letters else 0) and "|" not in name:
                        found[name] = int(power) // 10 ** (zeros - 1)
    return found


def scale_of(word: str, language: str) -> tuple[int, int]:
    """The scale that a folded word is or, in a script without blanks, begins with, and how many of
    its characters say so; (1, 0) where there is none.
    """
    known = scales(language)
    if word in known:
        return known[word], len(word)
    if _UNSPACED.match(word):
        name = max((name for name in known if word.startswith(name)), key=len, default="")
        unit = _longest(word, units(language))
        if name and len(unit) <= len(name) and not word.startswith(_NOT_SCALES):
            return known[name], len(name)
        return 1, 0
    for stem, value in _STEMS:
        ending = word.removeprefix(stem)
        if ending != word and len(ending) <= _ENDINGS and not ending.startswith(_OTHER_WORDS):
            return value, len(word)
    return 1, 0


@cache
def units(language: str) -> Mapping[tuple[str, ...], frozenset[str]]:
    """Tokens of units and currencies, and what they may mean."""
    found: dict[tuple[str, ...], frozenset[str]] = {(k,): v for k, v in _SIGNS.items()}
    found |= {(country, "$"): frozenset("$") for country in ("us", "a", "au")}
    found |= {(name,): frozenset({unit}) for name, unit in _MORE_UNITS.items()}
    for locale in locales(language):
        own: dict[tuple[str, ...], set[str]] = {}
        for unit in _UNITS:
            for text in _written(unit, locale):
                if words := words_of(text):
                    own.setdefault(words, set()).add(unit)
        for sign, codes in _CURRENCIES.items():
            for words in _names(codes, locale):
                own.setdefault(words, set()).update(_SIGNS[sign])
        found |= {words: frozenset(names) for words, names in own.items()}
    return found


def unit_at(tokens: tuple[str, ...], language: str) -> tuple[frozenset[str], int]:
    """What unit a text's tokens begin with, and how many of them are it; none is (empty, 0)."""
    known = units(language)
    for length in range(min(4, len(tokens)), 0, -1):
        if meant := known.get(tokens[:length]):
            return meant, length
    if tokens and _UNSPACED.match(tokens[0]):
        name = _longest(tokens[0], known)
        if name:
            return known[(name,)], 1
    return frozenset(), 0


@cache
def eras_and_halves(language: str) -> Mapping[str, str]:
    """Letters of eras and of halves of the day → which: "bc", "ad", "am" or "pm"."""
    found = {"bce": "bc", "ce": "ad"}
    for locale in locales(language):
        for width in ("wide", "abbreviated"):
            eras = locale.eras.get(width, {})
            found |= {
                _letters(str(eras[n])): name for n, name in ((0, "bc"), (1, "ad")) if n in eras
            }
            for context in ("format", "stand-alone"):
                periods = locale.day_periods.get(context, {}).get(width, {})
                found |= {_letters(str(periods[n])): n for n in ("am", "pm") if n in periods}
    # Two letters are a word of its own too often ("de" is the forenoon in Hungarian).
    return {k: name for k, name in found.items() if len(k) > 2 or k in _SHORT or k[0] > "\u02ff"}


def without_eras_and_halves(text: str, language: str) -> tuple[str, frozenset[str]]:
    """A folded text without its eras and halves of the day, and which of "bc", "ad", "am" and "pm"
    it said.
    """
    known = eras_and_halves(language)
    words = list(regex.finditer(r"[\p{L}\p{M}]+\.?", text))
    said: set[str] = set()
    for length in range(4, 0, -1):
        for run in zip(*(words[n:] for n in range(length)), strict=False):
            letters = "".join(word.group().rstrip(".") for word in run)
            start, end = run[0].start(), run[-1].end()
            if letters in known and not text[start:end].isspace():
                said.add(known[letters])
                text = text[:start] + " " * (end - start) + text[end:]
    return text, frozenset(said)


@cache
def locales(language: str) -> tuple[Locale, ...]:
    """English in both spellings, then the language itself where it is known."""
    found = []
    for tag in dict.fromkeys(("en", "en_GB", language.split("-")[0])):
        with suppress(UnknownLocaleError, ValueError):
            found.append(Locale.parse(tag))
    return tuple(found)


def _written(unit: str, locale: Locale) -> Iterator[str]:
    for width in ("long", "short"):
        for number in _plurals(locale):
            with suppress(KeyError, ValueError):
                text = format_unit(number, unit, width, locale=locale)
                if unit not in text:  # so it says what it has no words for
                    yield folded(regex.sub(r"[\d.,٫٬]+", " ", text))


@cache
def _plurals(locale: Locale) -> tuple[float, ...]:
    """A number for each form that the language gives its nouns beside numbers."""
    return tuple({locale.plural_form(number): number for number in _SAMPLES}.values())


def _names(codes: Iterable[str], locale: Locale) -> Iterator[tuple[str, ...]]:
    """A currency's full names, and what they share with another country's."""
    for number in _plurals(locale):
        names = [words_of(folded(get_currency_name(code, number, locale=locale))) for code in codes]
        yield from (name for name in names[:1] if name)
        if len(names) == 2:
            shared = tuple(word for word in names[0] if word in names[1])
            if len(shared) == 1 and len(shared[0]) > 1:
                yield shared


def _longest(word: str, known: Mapping[tuple[str, ...], object]) -> str:
    single = (key[0] for key in known if len(key) == 1 and word.startswith(key[0]))
    return max((name for name in single if len(name) > 1 or len(word) == 1), key=len, default="")


def _letters(text: str) -> str:
    return "".join(regex.findall(r"[\p{L}\p{M}]+", folded(text)))
