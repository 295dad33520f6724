"""Text → lexical terms, for any script: one analyzer for passages and questions alike.

What terms a text has is part of a data folder: whoever changes it raises `index.schema.VERSION`,
so that the terms of older folders are made anew.
"""

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator
from itertools import pairwise

from index.han import fold_han
from index.numbers import mend, plain

MAX_LENGTH = 64
"""Longer words are cut: nobody asks for the rest of an encoded picture."""

# Han and kana; Hangul; the scripts of South-East Asia that put no space between words.
_CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3031-\u3035\u3038-\u303c\u3041-\u309f\u30a1-\u30fa"
    "\u30fc-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U0001aff0-\U0001b16f\U00020000-\U0003ffff"
)
_HANGUL = "\u1100-\u11ff\u3131-\u318e\ua960-\ua97f\uac00-\ud7ff"
_UNSPACED = (
    "\u0e01-\u0e3a\u0e40-\u0e4e\u0e81-\u0ecf\u0edc-\u0edf\u1000-\u103f\u1050-\u109f"
    "\u1780-\u17d3\u17d7\u17dc\u17dd\u1950-\u19cf\u1a20-\u1a7f\u1aa7\ua9e0-\ua9ef\ua9fa-\ua9fe"
    "\uaa60-\uaadf"
)
_STACKING = "\u1039\u17d2\u1a60"
"""Burmese, Khmer and Tai Tham signs that put the next letter under the last one."""

# Letters with a stroke or joined, which have no decomposition.
_LATIN = dict(zip("đðħıłøŧŋ", "ddhiloŧn", strict=True)) | {
    "æ": "ae",
    "œ": "oe",
    "þ": "th",
    "ŧ": "t",
}
# Letters that Arabic, Persian and Urdu write in several ways (alef and waw with hamza decompose).
_ARABIC = dict(zip("ىیۍېےکڪةۃہھۂەٱ", "يييييككهههههها", strict=True))
_ARABIC_ARTICLE = re.compile("[وف]?(?:ال|بال|كال|لل)(?=[ء-ي]{3})")
_LETTERS_OF_THEIR_OWN = frozenset("йїЙЇ")
"""Decomposable, yet nobody writes them without their mark."""

_ALL_MARKS_BETWEEN = (
    ("\u0300", "\u036f"),
    ("\u0483", "\u0489"),
    ("\u0591", "\u05c7"),
    ("\u0610", "\u061a"),
    ("\u064b", "\u065f"),
    ("\u0670", "\u074a"),
    ("\u0897", "\u08ff"),
    ("\u1ab0", "\u1aff"),
    ("\u1dc0", "\u1dff"),
    ("\u20d0", "\u20ff"),
    ("\ufe00", "\ufe2f"),
    ("\U000e0100", "\U000e01ef"),
)
"""Where marks are accents, points and vowels that people leave out; elsewhere they are letters."""

_KATAKANA_TO_HIRAGANA = ord("ァ") - ord("ぁ")
_HEBREW_ACRONYM = re.compile("(?<=[א-ת])[\"'](?=[א-ת])")
_PIECE = re.compile(r"\d+(?:[.,']\d+)*|[^\d.,']+")


def passage_text(chunk_text: str, headings: Iterable[str]) -> str:
    """What is embedded and analyzed for a chunk: the titles above it, then its own text."""
    return "\n".join([*headings, chunk_text])


def terms(text: str) -> list[str]:
    """The terms of a text in order, repeated as often as it has them.

    - Spaced scripts give words. Case, width and accents are folded, with the points of Hebrew, the
      vowels and tatweel of Arabic, and the variants of its alef, ya, kaf and ta marbuta; vowel
      signs of Indic scripts stay, for there they are letters. ß is ss, every sigma one letter, and
      dotted and dotless i one. An Arabic word with the article, and a preposition or conjunction
      before it, also gives the word without (as in the light stemming of Larkey et al. 2002).
    - Han and kana give each pair of neighbours and each Han character; traditional and simplified
      characters are one, and so are katakana and hiragana.
    - Hangul gives words and the pairs of their syllables, for particles stick to words.
    - Thai, Lao, Khmer, Burmese and their kin give pairs and triples of letters with their marks.
    - Numbers are whole, in ASCII digits, without grouping marks and with a decimal point:
      "١٬٩٥٣" is "1953" and "3,5" is "3.5". A word with digits in it gives its parts too.

    Every term is made of letters, marks, digits and the point of a decimal.
    """
    found: list[str] = []
    for match in _runs().finditer(_folded(text)):
        run = match[0]
        match match.lastgroup:
            case "word":
                _add_word(run, found)
            case "cjk":
                found += _han(run)
                found += _pairs(run)
            case "hangul":
                found.append(run[:MAX_LENGTH])
                if len(run) > 2:
                    found += _pairs(run)
            case _:
                _add_units(run, found)
    return found


def query_terms(text: str) -> list[str]:
    """The distinct terms to look for, in order: those of the text, and other spellings of words
    with an umlaut (Köln, Koeln).
    """
    found = dict.fromkeys(terms(text))
    for word in re.findall(r"[^\W\d_]+", unicodedata.normalize("NFC", text).casefold()):
        for spelling in _spellings(word):
            found.update(dict.fromkeys(terms(spelling)))
    return list(found)


def _spellings(word: str) -> Iterator[str]:
    if any(umlaut in word for umlaut in "äöü"):
        yield word.replace("ä", "ae").replace("ö", "oe").replace("ü", "ue")
    elif word.isascii() and any(pair in word for pair in ("ae", "oe", "ue")):
        # As in "queue" and "neue", u is often a vowel's or q's companion and no umlaut.
        yield re.sub("(?<![aeiouq])ue", "u", word).replace("ae", "a").replace("oe", "o")


def _folded(text: str) -> str:
    if text.isascii():
        return text.casefold()
    # The full-width comma ends a phrase; NFKC would make a decimal of 1950，1953.
    text = unicodedata.normalize("NFKC", mend(text).replace("，", ", "))
    return _HEBREW_ACRONYM.sub("", text.translate(_FOLDING))


def _add_word(run: str, found: list[str]) -> None:
    if run.isdigit() or run.isalpha():
        found.append(run[:MAX_LENGTH])
        if article := _ARABIC_ARTICLE.match(run):
            found.append(run[article.end() :][:MAX_LENGTH])
        return
    pieces = _PIECE.findall(run)
    joined = not any(mark in run for mark in ".,'")
    if joined:
        found.append(run[:MAX_LENGTH])
    if len(pieces) == 1 and joined:
        return  # letters with their marks
    shortest = 1 if len(pieces) == 1 else 2  # the parts of H2O say nothing
    for piece in pieces:
        numbers = plain(piece).split() if any(mark in piece for mark in ".,'") else [piece]
        found += [part[:MAX_LENGTH] for part in numbers if len(part) >= shortest]


def _han(run: str) -> list[str]:
    if len(run) == 1:
        return [run]
    return [character for character in run if not "\u3041" <= character <= "\u30ff"]


def _pairs(run: str) -> list[str]:
    return [run[n : n + 2] for n in range(len(run) - 1)]


def _add_units(run: str, found: list[str]) -> None:
    units = _units().findall(run)
    if len(units) == 1:
        found.append(run[:MAX_LENGTH])
    found += [a + b for a, b in pairwise(units)]
    found += [a + b + c for a, b, c in zip(units, units[1:], units[2:], strict=False)]


class _Folding(dict[int, str]):
    """What each character becomes, worked out when it first comes."""

    def __missing__(self, code: int) -> str:
        self[code] = folded = _fold(chr(code))
        return folded


_FOLDING = _Folding()


def _fold(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Nd":
        return str(unicodedata.decimal(character))
    if category == "Cf":
        # A zero-width space parts words of Khmer and Thai; joiners and the like say nothing.
        return " " if character == "\u200b" else ""
    if category[0] == "M":
        # Hindi writes either sign over the line where a vowel is nasal.
        return "" if _may_be_left_out(character) else character.replace("ँ", "ं")
    if "ァ" <= character <= "ヶ":
        return chr(ord(character) - _KATAKANA_TO_HIRAGANA)
    if character >= "\u3400":
        return fold_han(character) if category == "Lo" else character.casefold()
    if character in "٫٬’ʼ׳״ـ":
        return {"٫": ".", "٬": ",", "’": "'", "ʼ": "'"}.get(character, "")
    if character in _LETTERS_OF_THEIR_OWN:
        return character.casefold()
    letters = unicodedata.normalize("NFD", character)
    bare = "".join(c for c in letters if not _may_be_left_out(c)).casefold()
    plain_letters = (_LATIN.get(c) or _ARABIC.get(c, c) for c in bare)
    return unicodedata.normalize("NFC", "".join(plain_letters))


def _may_be_left_out(character: str) -> bool:
    if unicodedata.category(character)[0] != "M":
        return False
    return character == "\u093c" or any(a <= character <= b for a, b in _ALL_MARKS_BETWEEN)


@functools.cache
def _runs() -> re.Pattern[str]:
    letter = rf"[^\W_{_CJK}{_HANGUL}{_UNSPACED}]"
    # Characters beyond the basic plane are looked at apart: a class that holds some is slow.
    mark = rf"[{_marks(0x700, 0xFFFF)}]|(?=[\U00010000-\U0010ffff])[{_marks(0x10000, 0x1F000)}]"
    return re.compile(
        rf"(?P<word>{letter}+(?:(?:{mark}|(?<=\d)[.,'](?=\d)){letter}*)*)|(?P<cjk>[{_CJK}]+)"
        rf"|(?P<hangul>[{_HANGUL}]+)|(?P<unspaced>[{_UNSPACED}]+)"
    )


@functools.cache
def _units() -> re.Pattern[str]:
    marks = _marks(0xE00, 0xFFFF)
    return re.compile(rf".[{marks}]*(?:(?<=[{_STACKING}]).[{marks}]*)*", re.DOTALL)


def _marks(first: int, last: int) -> str:
    """The marks between two codes that are letters, as the inside of a character class."""
    characters = map(chr, range(first, last + 1))
    marks = (c for c in characters if unicodedata.category(c)[0] == "M")
    return "".join(mark for mark in marks if not _may_be_left_out(mark))
