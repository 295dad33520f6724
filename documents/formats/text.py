"""Plain text: paragraphs, and the headings and hard wraps that people mark by layout alone."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, zip_longest

from documents.aligned import AlignedText, Edit
from documents.formats.cleaning import clean, joint, without_footnote_marks, without_repeats
from documents.formats.parsed import Parsed, Piece, assemble
from documents.types import Span

_LINE_END = re.compile(r"\r\n?|\u2028|\u2029|\x0b|\x0c|\x85")
_SENTENCE_END = re.compile(r"[.!?;:,…。！？；：，、।॥۔؟۝།։።៖។៕»”\"'’)\]』）」]\Z")
_WRAP_COLUMNS = range(40, 101)
_WRAP_SHARE = 0.9
"""Share of the lines that must be full for a paragraph to be wrapped."""

_FIRST_WORD = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]{1,2}|[^\s\u2e80-\u9fff]{1,20}")
"""What did not fit on the line before: in scripts without spaces a character, and one more where
the second may not begin a line.
"""

_HEADING_CHARACTERS = 120
_ITEM = re.compile(r"[-*•‣·▪●◦+>|]\s|\(?(?:\d{1,3}|[A-Za-z])[.)]\s")
_LIST_MARK = re.compile(rf"[–—|>]|{_ITEM.pattern}")


@dataclass(frozen=True, slots=True)
class _Paragraph:
    """Lines that nothing parts, or one item of a list: `lines` are ranges of `text` without the
    blanks around them, `widths` their columns.
    """

    text: AlignedText
    lines: tuple[Span, ...]
    widths: tuple[int, ...]
    separator: str

    def is_wrapped(self, width: int) -> bool:
        """Whether every line but the last was ended because the next word did not fit within
        `width`, and most of them in the middle of a sentence. Verse may look the same, but for
        capitals at the beginning of each line.
        """
        if width not in _WRAP_COLUMNS or max(self.widths) > width:
            return False
        text = self.text.text
        if len(self.lines) > 3 and all(text[line.start].isupper() for line in self.lines):
            return False
        full = broken = 0
        for (line, following), columns in zip(pairwise(self.lines), self.widths, strict=False):
            word = _FIRST_WORD.match(text, following.start, following.end)
            full += columns + _columns(word.group() if word else "") >= width
            broken += not _SENTENCE_END.search(line.of(text))
        count = len(self.lines) - 1
        return full >= _WRAP_SHARE * count and broken >= count / 2


def parse(source: str) -> Parsed:
    """Read plain text. Blank lines part paragraphs; a line of its own that ends like no sentence
    and stands above text is a heading; lines wrapped at a fixed width are joined again.
    """
    text = AlignedText.whole(source)
    text = text.edit([Edit(*match.span(), "\n") for match in _LINE_END.finditer(source)])
    pieces = _unwrapped(_paragraphs(text))
    pieces = without_repeats(without_footnote_marks(pieces))
    pieces = _with_headings([replace(piece, content=clean(piece.content)) for piece in pieces])
    joined, blocks = assemble(pieces)
    first = blocks[0] if blocks else None
    title = first.span.of(joined.text) if first and first.kind == "heading" else ""
    return Parsed(joined.text, joined.alignment(), blocks, title)


def _paragraphs(text: AlignedText) -> list[_Paragraph]:
    """The stretches between blank lines, and within them the items of lists."""
    found: list[_Paragraph] = []
    for match in re.finditer(r"\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*", text.text):
        body = match.group()
        lines = [line.span() for line in re.finditer(r"\S(?:[^\n]*\S)?", body)]
        starts = [i for i, (low, _) in enumerate(lines) if i and _ITEM.match(body, low)]
        for first, last in pairwise([0, *starts, len(lines)]):
            low, high = lines[first][0], lines[last - 1][1]
            part = text.slice(match.start() + low, match.start() + high)
            spans = tuple(Span(start - low, end - low) for start, end in lines[first:last])
            widths = tuple(_columns(span.of(part.text)) for span in spans)
            found.append(_Paragraph(part, spans, widths, "\n" if first else "\n\n"))
    return found


def _columns(text: str) -> int:
    """Columns of a terminal: two for each wide character."""
    if text.isascii():
        return len(text)
    return len(text) + sum(unicodedata.east_asian_width(character) in "WF" for character in text)


def _unwrapped(paragraphs: Sequence[_Paragraph]) -> list[Piece]:
    """One piece a line, or one for a whole paragraph where its lines are only wrapped.

    Two lines are too few to tell by themselves: they go by the width of the wrapped paragraphs of
    three and more.
    """
    width = 0
    for paragraph in paragraphs:
        widest = max(paragraph.widths)
        if len(paragraph.lines) > 2 and paragraph.is_wrapped(widest):
            width = max(width, widest)
    pieces: list[Piece] = []
    for paragraph in paragraphs:
        text, lines = paragraph.text, paragraph.lines
        own = max(paragraph.widths) if len(lines) > 2 else width
        if len(lines) > 1 and (paragraph.is_wrapped(own) or paragraph.is_wrapped(width)):
            breaks = [
                Edit(line.end, following.start, _joint(text.text, line, following))
                for line, following in pairwise(lines)
            ]
            pieces.append(Piece(text.edit(breaks), separator=paragraph.separator))
            continue
        for position, line in enumerate(lines):
            separator = "\n" if position else paragraph.separator
            pieces.append(Piece(text.slice(line.start, line.end), separator=separator))
    return pieces


def _joint(text: str, line: Span, following: Span) -> str:
    return joint(text[line.end - 1], text[following.start])


def _with_headings(pieces: list[Piece]) -> list[Piece]:
    pieces = [piece for piece in pieces if piece.content.text.strip()]
    result: list[Piece] = []
    for piece, following in zip_longest(pieces, pieces[1:]):
        if following and _is_heading(piece, following, first=not result):
            piece = replace(piece, kind="heading", level=2 if result else 1)
        result.append(piece)
    return result


def _is_heading(piece: Piece, following: Piece, *, first: bool) -> bool:
    """A short line with no sentence's end, above a text at least twice as long that has one; above
    any text, where it is the first line and a blank one follows.
    """
    line = piece.content.text.strip()
    below = following.content.text.strip()
    return (
        len(line) <= _HEADING_CHARACTERS
        and any(character.isalpha() for character in line)
        and not line[0].islower()
        and not _SENTENCE_END.search(line)
        and not _LIST_MARK.match(line)
        and (
            (first and following.separator == "\n\n")
            or (
                len(below) >= max(2 * len(line), 40)
                and not below[0].islower()
                and bool(_SENTENCE_END.search(below))
            )
        )
    )
