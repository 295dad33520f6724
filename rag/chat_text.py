"""A short question taken apart: its small words by what they do, and its content words."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from documents.language import detect
from rag.chat_words import SPACED, UNSPACED, SmallWords

_UNSPACED_SCRIPTS = re.compile(r"[\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]")
_KANA = re.compile(r"[\u3040-\u30ff]")
_THAI = re.compile(r"[\u0e00-\u0e7f]")
# `\w` takes the vowel signs of Indic scripts and the points of Arabic and Hebrew for gaps.
_WORD = re.compile(r"[\w\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0900-\u0dff]+")
_CHARACTERS_A_WORD = {"zh": 2.0, "ja": 2.0, "th": 4.0}
_NO_CASE_FOR_NAMES = frozenset({"de"})
"""Languages that write every noun with a capital."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What a question is made of.

    `language` is a key of the word lists, or empty where none fits. `content` are its content
    words in order and as written; `weight` is how many they are (of a script without spaces: about
    how many). `reference` is whether it points at something said before, with no name before it
    that it could mean instead. `small` counts its small words.
    """

    language: str
    content: tuple[str, ...]
    weight: float
    small: int
    connective: bool
    reference: bool
    copula: bool
    article: bool
    name: bool
    defined: bool


def analyse(text: str, hints: Sequence[str] = ()) -> Analysis:
    """Take a question apart; `hints` are languages that it is likely in, likeliest first."""
    text = unicodedata.normalize("NFKC", text)
    if _UNSPACED_SCRIPTS.search(text) and not _names_only(text):
        return _unspaced(text)
    return _spaced(text, hints)


def _names_only(text: str) -> bool:
    """Whether what a text has of a script without spaces is a name in a sentence of another."""
    inside = len(_UNSPACED_SCRIPTS.findall(text))
    outside = sum(character.isalpha() for character in text) - inside
    words = {word.casefold() for word in _WORD.findall(text)}
    return outside > inside and any(words & lists.small for lists in SPACED.values())


def _spaced(text: str, hints: Sequence[str]) -> Analysis:
    written = _WORD.findall(text)
    language = _language(text, [word.casefold() for word in written], hints)
    lists = SPACED.get(language)
    if lists is None:
        return Analysis(
            "", tuple(written), float(len(written)), 0, False, False, False, False,
            _has_name(written, language), False,
        )  # fmt: skip
    text = text.replace("’", "'")
    pointer = bool(lists.pointers) and re.search(lists.pointers, text, re.IGNORECASE) is not None
    without, defined = _without_phrases(text, lists)
    written = _WORD.findall(without)
    words = [word.casefold() for word in written]
    content = [word for word, folded in zip(written, words, strict=True) if _says(folded, lists)]
    first = next((n for n, word in enumerate(words) if word in lists.references), None)
    named_before = first is not None and _has_name(written[:first], language)
    # Vietnamese writes its syllables apart, mostly two to a word.
    weight = len(content) / (2 if language == "vi" else 1)
    return Analysis(
        language=language,
        content=tuple(content),
        weight=weight,
        small=len(words) - len(content),
        connective=bool(words) and words[0] in lists.connectives,
        reference=pointer or (first is not None and not named_before),
        copula=any(word in lists.copulas for word in words),
        article=any(word in lists.articles for word in words),
        name=_has_name(written, language),
        defined=defined,
    )


def _says(folded: str, lists: SmallWords) -> bool:
    """Whether a word says something by itself: single letters are left-overs of elisions."""
    return folded not in lists.small and (len(folded) > 1 or folded.isdigit())


def _language(text: str, words: Sequence[str], hints: Sequence[str]) -> str:
    """The language with most of its small words in the text; among equals the detected one, then
    the first of `hints`. Detection alone is unreliable for a few words.
    """
    counts = {tag: sum(word in lists.small for word in words) for tag, lists in SPACED.items()}
    most = max(counts.values(), default=0)
    if not most:
        detected, confidence = detect(text)
        return detected if confidence > 0.9 and detected in SPACED else ""
    best = [tag for tag, count in counts.items() if count == most]
    if len(best) == 1:
        return best[0]
    preferred = [*hints, detect(text).tag] if len(words) < 3 else [detect(text).tag, *hints]
    return next((tag for tag in preferred if tag in best), best[0])


def _without_phrases(text: str, lists: SmallWords) -> tuple[str, bool]:
    """The text without the phrases that only look like references, and whether it had one."""
    found = False
    for phrase in lists.phrases:
        pattern = rf"(?<!\w){re.escape(phrase)}(?!\w)"
        text, count = re.subn(pattern, " ", text, flags=re.IGNORECASE)
        found = found or bool(count)
    return text, found


def _has_name(written: Sequence[str], language: str) -> bool:
    """Whether a word other than the first begins with a capital, in a language where that tells,
    and not all of them do.
    """
    if language in _NO_CASE_FOR_NAMES:
        return False
    later = [word for word in written[1:] if len(word) > 1]
    capitals = [word for word in later if word[0].isupper()]
    return bool(capitals) and (len(capitals) < len(later) or len(later) == 1)


def _unspaced(text: str) -> Analysis:
    language = "th" if _THAI.search(text) else "ja" if _KANA.search(text) else "zh"
    lists = UNSPACED[language]
    defined = any(phrase in text for phrase in lists.phrases)
    bare = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
    bare = bare.strip()
    rest = bare
    seen = {"references": False, "small": 0}
    for word in sorted(lists.small, key=lambda word: (-len(word), word)):
        count = rest.count(word)
        if count:
            rest = rest.replace(word, " ")
            seen["small"] += count
            seen["references"] = bool(seen["references"]) or word in lists.references
    content = tuple(rest.split())
    each = _CHARACTERS_A_WORD[language]
    weight = sum(len(run) / each if _UNSPACED_SCRIPTS.search(run) else 1.0 for run in content)
    if language == "ja":
        # Runs of kanji and katakana are words of their own once the hiragana between is gone.
        weight = max(weight, float(len([run for run in content if not _hiragana(run)])))
        content = tuple(run for run in content if not _hiragana(run))
    return Analysis(
        language=language,
        content=content,
        weight=weight,
        small=int(seen["small"]),
        connective=bare.startswith(tuple(lists.connectives)),
        reference=bool(seen["references"]),
        copula=False,
        article=False,
        name=bool(re.search(r"[A-Za-z]{2,}", bare)),
        defined=defined,
    )


def _hiragana(run: str) -> bool:
    return all("\u3040" <= character <= "\u309f" for character in run)
