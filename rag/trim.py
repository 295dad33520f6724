"""Answers without marks that are not theirs: a sentence's stop, half a pair of brackets."""

import regex

from documents.types import Span

_PAIRS = (
    "()", "[]", "{}", "«»", "»«", "»»", "‹›", "“”", "„“", "„”", "””", "《》", "〈〉", "「」",
    "『』", "（）", "【】", "〔〕",
)  # fmt: skip
"""Not ‘ and ’, which are apostrophes too."""
_MARKS = frozenset("".join(_PAIRS))
_STOPS = ",;:،؛。、，；：।۔።．｡\u200e\u200f"
_QUOTE = regex.compile(r'(?<!\p{L})"|"(?!\p{L})')
"""Not inside a word, where it is Hebrew's mark of an abbreviation."""
_ABBREVIATED = regex.compile(
    r"(?:\p{L}\.){2,}$|(?<!\p{L})(?:Jr|Sr|Inc|Ltd|Co|Corp|Bros|St|Dr|Mr|Mrs|Ms|Prof)\.$"
)
_GOES_ON = regex.compile(r"\s*[\p{Ll}\p{Nd}]")
"""After a stop that is not its sentence's: 2. sınıf, 5 млн. рублей."""


def trimmed(text: str, span: Span) -> Span:
    """A range without blanks, stops, and brackets or quotation marks that have no partner in it, at
    its ends; as it was if it holds nothing else.
    """
    start, end = span.start, span.end
    while start < end:
        inside = text[start:end]
        if _is_loose(inside[0], inside[1:], opens=True):
            start += 1
        elif _is_loose(inside[-1], inside[:-1], opens=False) or _ends_sentence(text, start, end):
            end -= 1
        else:
            return Span(start, end)
    return span


def _ends_sentence(text: str, start: int, end: int) -> bool:
    """Whether the range ends in a full stop that is not its last word's."""
    inside = text[start:end]
    return inside[-1] == "." and not (_ABBREVIATED.search(inside) or _GOES_ON.match(text, end))


def _is_loose(mark: str, rest: str, *, opens: bool) -> bool:
    """Whether a mark before (if it `opens`) or after the `rest` has nothing to do there."""
    if mark == '"':
        inches = not opens and rest[-1:].isdigit()
        return not inches and not _QUOTE.search(rest)
    if mark in _MARKS:
        partners = [pair[opens] for pair in _PAIRS if pair[not opens] == mark]
        return not any(partner in rest for partner in partners)
    return mark.isspace() or mark in _STOPS
