"""Text → sentence spans, for any script.

The rules of about 240 languages come from `sentencex` (Wikimedia). Added here: scripts it leaves
whole (Thai and Lao have no sentence mark, Khmer and Tibetan have their own), and joins where a full
stop ended an abbreviation or an ordinal rather than a sentence.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

import sentencex

from documents.types import Block, Span

_OWN_MARKS = re.compile(
    r"[។៕༎]+\s*|།+\s+|།{2,}\s*"  # Khmer; Tibetan's stroke ends a clause, with a space after it
    r"|[。！？｡]+[」』）”’》\]]*(?=[^」』）”’》\]\s。！？])"
)
_UNMARKED = re.compile(r"[\u0e00-\u0eff]")
"""Thai and Lao: a space ends a clause, and nothing ends a sentence."""

_UNMARKED_MIN_CHARACTERS = 40
_ABBREVIATED = re.compile(r"(?:\w{1,4}\.\s*)+")
_ORDINAL = re.compile(r"(?:^|\s)\d{1,2}\.\s*\Z")
_ORDINAL_LANGUAGES = frozenset(
    "bs cs da de et eu fi fo hr hu is lb lv mk nb nn no pl sk sl sr sv tr".split()
)
_SPEECH_GOES_ON = re.compile(r"[とってのなはがもをにでへ、,]")
_LONGEST_PIECE = 4000
"""Characters handed to the segmenter at once; longer lines are cut at a space first."""


def sentences(text: str, blocks: Iterable[Block], language: str) -> Iterator[tuple[Span, Block]]:
    """The sentences of each block, in order, without surrounding blanks.

    Everything between two spans is blank. A heading is one span; so is each line of code.
    `language` is a BCP 47 tag; only its first subtag matters.
    """
    primary = language.split("-")[0]
    for block in blocks:
        for line in _lines(text, block):
            if block.kind == "paragraph":
                for span in _in_line(text, line, primary):
                    yield span, block
            else:
                yield line, block


def _lines(text: str, block: Block) -> Iterator[Span]:
    if block.kind == "heading":
        yield from filter(None, [_trim(text, block.span.start, block.span.end)])
        return
    start = block.span.start
    for line in block.span.of(text).split("\n"):
        yield from filter(None, [_trim(text, start, start + len(line))])
        start += len(line) + 1


def _in_line(text: str, line: Span, language: str) -> Iterator[Span]:
    for piece in _pieces(text, line):
        cuts = _cuts(piece.of(text), language)
        bounds = [0, *cuts, piece.end - piece.start]
        for start, end in pairwise(bounds):
            yield from filter(None, [_trim(text, piece.start + start, piece.start + end)])


def _pieces(text: str, line: Span) -> Iterator[Span]:
    start = line.start
    while line.end - start > _LONGEST_PIECE:
        space = text.rfind(" ", start + _LONGEST_PIECE // 2, start + _LONGEST_PIECE)
        end = space + 1 if space > 0 else start + _LONGEST_PIECE
        yield Span(start, end)
        start = end
    yield Span(start, line.end)


def _cuts(line: str, language: str) -> list[int]:
    """Ascending offsets at which a new sentence begins, without 0 and the end."""
    offsets: set[int] = set()
    position = 0
    for part in sentencex.segment(language, line):
        position += len(part)
        offsets.add(position)
    offsets.update(match.end() for match in _OWN_MARKS.finditer(line))
    if _UNMARKED.search(line):
        offsets.update(_clauses(line))
    kept: list[int] = []
    for offset in sorted(offsets - {0, len(line)}):
        if offset < len(line) and not _goes_on(
            line[kept[-1] if kept else 0 : offset], line[offset:], language
        ):
            kept.append(offset)
    return kept


def _clauses(line: str) -> Iterator[int]:
    start = 0
    for match in re.finditer(r"\s+", line):
        inside = _UNMARKED.search(line, start, match.start())
        if inside and match.start() - start >= _UNMARKED_MIN_CHARACTERS:
            start = match.end()
            yield start


def _goes_on(sentence: str, rest: str, language: str) -> bool:
    """Whether what a mark closed is not yet a sentence."""
    following = rest.lstrip()[:1]
    if _ORDINAL.search(sentence) and language in _ORDINAL_LANGUAGES:
        return True
    if sentence.rstrip().endswith(".") and following.islower():
        return True
    if _ABBREVIATED.fullmatch(sentence) and not sentence.strip()[:1].isdigit():
        return True
    if language == "ja" and sentence.rstrip()[-1:] in "」』）":
        return bool(_SPEECH_GOES_ON.match(following))
    return False


def _trim(text: str, start: int, end: int) -> Span | None:
    """The range without blanks at its ends; None where nothing is left."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None
