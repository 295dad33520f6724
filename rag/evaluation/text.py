"""Answers as they are compared: normalised text, tokens and containment, for any script.

The rules start from the SQuAD evaluation script (Rajpurkar et al. 2016: lower case, no
punctuation, no English articles, single spaces) and from its multilingual heir of MLQA
(Lewis et al. 2020: punctuation of every script, one token per Chinese character). They part
from both where a different fact would otherwise pass for the same one: the decimal mark is
kept (3.5 is not 35) and numbers joined by a dash stay two numbers (1950-1953).
"""

import functools
import re
import unicodedata

from index.han import fold_han
from index.numbers import mend, plain

_ARTICLES = frozenset({"a", "an", "the"})
_BREAK = "\n"

# Marks that look alike, brought together before NFKC would turn some of them into spaces. The
# full-width comma always ends a phrase; left to NFKC it would make a decimal of 1950，1953.
_LOOKALIKES = str.maketrans(dict.fromkeys("´`’‘ʼʻ＇′", "'") | {"，": ", ", "٫": ".", "٬": ","})
_PERSIAN_LETTERS = {"ک": "ك", "ی": "ي"}
# Marks that stand inside words and names: removed, as in SQuAD, where all others part words.
_INNER_MARKS = frozenset("'-\u2010\u2011·•・‧\"&׳״")

_STRESS = re.compile(r"(?<=[\u0400-\u052f])[\u0300\u0301]")
_DOTTED_I = re.compile("i\u0307+")
_NUMBER = re.compile(r"\d+(?:[.,']\d+)+")
_LOOSE_POINT = re.compile(r"(?<!\d)\.|\.(?!\d)")
_BETWEEN_NUMBERS = re.compile(
    rf"(?<=\d)(?:[{''.join(map(re.escape, sorted(_INNER_MARKS)))}]|{_LOOSE_POINT.pattern})+(?=\d)"
)

# Scripts written without spaces: Han, kana, bopomofo, Thai, Lao, Tibetan, Burmese, Khmer, Tai.
_UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\u3005-\u3007\u3021-\u3029"
    "\u3031-\u3035\u3038-\u303c\u3040-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff"
    "\ua9e0-\ua9ff\uaa60-\uaa7f\uf900-\ufaff\U0001aff0-\U0001b16f\U00020000-\U0003ffff]"
)
# What, next to a number, makes it another number: digits, the decimal point, Han numerals.
_NUMERALS = frozenset("0123456789.〇零一二三四五六七八九十百千万亿兆两")


def tokens(text: str, language: str | None = None) -> list[str]:
    """Split a text into the tokens that answers are compared by.

    Spaced scripts give whitespace words, as in SQuAD. Scripts written without spaces give one
    token per character with its vowel and tone marks; a Latin word or a number among them stays
    a word ("Windows系统" is ``["windows", "系", "统"]``).

    Folding, in order:

    - NFKC and full case folding, so final sigma equals sigma and ß equals ss. With ``language``
      Turkish or Azeri, I folds to dotless ı; İ folds to i in every language.
    - Digits of every script become ASCII. Grouping marks go (75,000 and 75.000 and the
      Indian 1,00,000), one decimal mark stays as a point (3,5 is 3.5), and other chains
      (27.7.1953) part into their numbers. A lone mark before exactly three digits is read as
      grouping (1.125 is 1125), because languages disagree and the text does not say.
    - Accents of Latin, Greek and Cyrillic letters are kept, as in SQuAD: in Greek and Vietnamese
      they tell words apart. Optional marks go: Arabic diacritics and tatweel, Hebrew points, the
      stress marks of Russian reference works. Indic and South-East Asian vowel signs are
      letters and stay. Arabic letters keep their hamza; Persian yeh and kaf equal Arabic ones.
    - Traditional and simplified Han characters become one, character by character, so that an
      answer folds alike alone and inside its quote. This may also join a few characters of
      Japanese, the same way on both sides.
    - Punctuation (P*) and symbols (S*) of every script go, currency, percent and degree signs
      and signs of number included, since their place and form vary by language ("%5", "5 %").
      Apostrophes, hyphens and the like inside a word vanish, others part words.
    - The articles a, an and the go when ``language`` is English, and only then.

    Args:
        text: any text.
        language: its BCP 47 tag, or None where it is not known.

    Returns:
        The tokens in order. Where nothing would be left of a text that has visible characters
        ("%", or "A" in English), what the last steps removed is kept: articles, or else the
        marks as one token. Empty only for a text without visible characters.
    """
    return [piece for piece in _pieces(text, language) if piece != _BREAK]


def normalise(text: str, language: str | None = None) -> str:
    """Fold a text to the form in which equal answers are equal strings.

    It is the text's :func:`tokens`, joined by one space between words and by nothing next to a
    character of an unspaced script: "2017 年" equals "2017年". A line break stays between two
    numbers that would otherwise run together where punctuation parts them ("十五、三十").

    Args:
        text: any text.
        language: its BCP 47 tag, or None where it is not known.

    Returns:
        The normalised text, empty only for a text without visible characters.
    """
    joined = ""
    parted = False
    for piece in _pieces(text, language):
        if piece == _BREAK:
            parted = True
            continue
        if joined and not (_UNSPACED.match(piece) or _ends_unspaced(joined)):
            joined += " "
        elif parted and _one_number(joined, piece):
            joined += _BREAK
        joined += piece
        parted = False
    return joined


def is_unspaced(token: str) -> bool:
    """Tell whether a token begins with a character of a script written without spaces."""
    return _UNSPACED.match(token) is not None


def contains(text: str, answer: str) -> bool:
    """Tell whether a normalised text contains a normalised answer.

    Words are found inside longer words, because many languages attach articles, prepositions
    and endings. Numbers are not found inside longer numbers: where the answer begins or ends
    with a digit or a Han numeral, the text must not go on with another one or with a decimal
    point. So 221 is not in 2215, 22.1 or 221万, and 三 is not in 十三.

    Args:
        text: the normalised text to look in.
        answer: the normalised answer to look for.

    Returns:
        True when the answer is there. An empty answer is in no text.
    """
    start = text.find(answer) if answer else -1
    while start >= 0:
        end = start + len(answer)
        if not (_one_number(text[:start], answer) or _one_number(answer, text[end:])):
            return True
        start = text.find(answer, start + 1)
    return False


def _one_number(left: str, right: str) -> bool:
    """Tell whether the end of one text and the start of the next belong to one number."""
    return left[-1:] in _NUMERALS and right[:1] in _NUMERALS


def _pieces(text: str, language: str | None) -> list[str]:
    """Give a text's tokens, with a break wherever a mark or a line end stood between them."""
    primary = (language or "").lower().replace("_", "-").partition("-")[0]
    folded = _fold_letters(text, turkic=primary in {"tr", "az"})
    bare = _LOOSE_POINT.sub("", _BETWEEN_NUMBERS.sub(_BREAK, _NUMBER.sub(_plain, folded)))
    pieces = _split(unicodedata.normalize("NFC", "".join(map(_without_mark, bare))))
    articles = _ARTICLES if primary == "en" else frozenset()
    meaningful = [piece for piece in pieces if piece not in articles]
    for kept in (meaningful, pieces):
        if any(piece != _BREAK for piece in kept):
            return kept
    return ["".join(folded.split())] if folded.strip() else []


def _plain(number: re.Match[str]) -> str:
    return plain(number.group())


def _fold_letters(text: str, *, turkic: bool) -> str:
    """Fold case, width, digits, optional marks and Han variants; keep punctuation."""
    text = mend(text).translate(_LOOKALIKES)
    text = unicodedata.normalize("NFKC", text)
    if turkic:
        text = text.replace("I", "ı")
    text = "".join(map(_fold_character, unicodedata.normalize("NFKC", text.casefold())))
    # İ folds to i with a combining dot, which no other spelling of the word has.
    return _STRESS.sub("", _DOTTED_I.sub("i", text))


@functools.cache
def _fold_character(character: str) -> str:
    """Fold one character's digit value, Han variant or optional mark, or keep it as it is."""
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category in {"Cf", "Me"} or character == "\u0640" or _is_optional_mark(character):
        return ""
    if character >= "\u3400":
        return fold_han(character)
    return _PERSIAN_LETTERS.get(character, character)


def _is_optional_mark(character: str) -> bool:
    """Tell Arabic, Hebrew and Syriac vowel points and variation selectors from other marks."""
    return unicodedata.category(character) == "Mn" and (
        "\u0591" <= character <= "\u074a"
        or "\u0898" <= character <= "\u08ff"
        or "\ufe00" <= character <= "\ufe0f"
        or "\U000e0100" <= character <= "\U000e01ef"
    )


@functools.cache
def _without_mark(character: str) -> str:
    """Give what is left of a character once punctuation and symbols are gone."""
    category = unicodedata.category(character)
    if character in _INNER_MARKS:
        return ""
    if category in {"Cc", "Zl", "Zp"} or (category[0] in "PS" and character != "."):
        return _BREAK
    return " " if category[0] in "ZC" else character


def _split(text: str) -> list[str]:
    """Cut folded text into words, single unspaced characters with their marks, and breaks."""
    found: list[str] = []
    for word in re.findall(rf"[^\s]+|{_BREAK}", text):
        fresh = True
        for character in word:
            if unicodedata.category(character)[0] == "M":
                # A mark with no letter under it is debris of what was removed before it.
                if not fresh:
                    found[-1] += character
                continue
            if _UNSPACED.match(character) or fresh or _ends_unspaced(found[-1]):
                found.append(character)
            else:
                found[-1] += character
            fresh = False
    return found


def _ends_unspaced(text: str) -> bool:
    """Tell whether the last letter of a text, past its marks, is of an unspaced script."""
    for character in reversed(text):
        if unicodedata.category(character)[0] != "M" or _UNSPACED.match(character):
            return _UNSPACED.match(character) is not None
    return False
