"""Answers without marks that are not theirs: a sentence's stop, half a pair of brackets."""

import regex

from documents.types import Span

_PAIRS = (
    "()", "[]", "{}", "«»", "»«", "‹›", "“”", "„“", "„”", "‘’", "《》", "〈〉", "「」", "『』",
    "（）", "【】", "〔〕",
)  # fmt: skip
_MARKS = frozenset("".join(_PAIRS))
_STOPS = ",;:،؛。、，；：।"
_ABBREVIATED = regex.compile(r"(?:\p{L}\.){2,}$|(?<!\p{L})\p{Lu}\p{L}{0,3}\.$")
"""A stop that belongs to the word before it: D.C., Jr., Inc."""


def trimmed(text: str, span: Span) -> Span:
    """A range without blanks, stops, and brackets or quotation marks whose partner is outside, at
    its ends; as it was if it holds nothing else.
    """
    start, end = span.start, span.end
    while start < end:
        inside = text[start:end]
        if _is_loose(inside[0], inside[1:], opens=True):
            start += 1
        elif _is_loose(inside[-1], inside[:-1], opens=False) or (
            inside[-1] == "." and not _ABBREVIATED.search(inside)
        ):
            end -= 1
        else:
            return Span(start, end)
    return span


def _is_loose(mark: str, rest: str, *, opens: bool) -> bool:
    """Whether a mark before (if it `opens`) or after the `rest` has nothing to do there."""
    if mark == '"':
        return rest.count(mark) % 2 == 0
    if mark in _MARKS:
        partners = [pair[opens] for pair in _PAIRS if pair[not opens] == mark]
        return not any(partner in rest for partner in partners)
    return mark.isspace() or mark in _STOPS
