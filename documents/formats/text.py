"""Plain text: paragraphs, and the headings and hard wraps that people mark by layout alone."""

import re
from statistics import median

from documents.aligned import AlignedText, Edit
from documents.formats.cleaning import clean, without_footnote_marks, without_repeats
from documents.formats.parsed import Parsed, Piece, assemble

_LINE_END = re.compile(r"\r\n?|\u2028|\u2029|\x0b|\x0c|\x85")
_SENTENCE_END = re.compile(r"[.!?;:,…。！？；：，、।॥۔؟۝።։།။៕»”\"'’)\]』）]\s*\Z")
_WRAP_WIDTH = range(40, 101)
_HEADING_CHARACTERS = 120
_LIST_MARK = re.compile(r"[-*•‣–—·▪●◦+>|]|\(?\w{1,3}[.)]\s")


def parse(source: str) -> Parsed:
    """Read plain text. Blank lines part paragraphs; a line of its own that ends like no sentence
    and stands above text is a heading; lines wrapped at a fixed width are joined again.
    """
    text = AlignedText.whole(source)
    text = text.edit([Edit(*match.span(), "\n") for match in _LINE_END.finditer(source)])
    pieces = [piece for paragraph in _paragraphs(text) for piece in _lines(paragraph)]
    pieces = without_repeats(without_footnote_marks(pieces))
    pieces = _with_headings([Piece(clean(p.content), p.kind, p.level, p.separator) for p in pieces])
    joined, blocks = assemble(pieces)
    first = blocks[0] if blocks else None
    title = first.span.of(joined.text) if first and first.kind == "heading" else ""
    return Parsed(joined.text, joined.alignment(), blocks, title)


def _paragraphs(text: AlignedText) -> list[AlignedText]:
    """The stretches between blank lines."""
    found = re.finditer(r"\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*", text.text)
    return [text.slice(*match.span()) for match in found]


def _lines(paragraph: AlignedText) -> list[Piece]:
    """One piece a line, or one for the whole paragraph where its lines are only wrapped."""
    lines = [match.span() for match in re.finditer(r"[^\n]+", paragraph.text)]
    widths = [end - start for start, end in lines]
    if len(lines) > 2 and _is_wrapped([paragraph.text[start:end] for start, end in lines], widths):
        breaks = [Edit(end, end + 1, " ") for _start, end in lines[:-1]]
        return [Piece(paragraph.edit(breaks))]
    return [
        Piece(paragraph.slice(start, end), separator="\n" if position else "\n\n")
        for position, (start, end) in enumerate(lines)
    ]


def _is_wrapped(lines: list[str], widths: list[int]) -> bool:
    """Whether all lines but the last fill about the same width and most break off mid-sentence."""
    body = widths[:-1]
    if (
        max(body) not in _WRAP_WIDTH
        or min(body) < 0.6 * max(body)
        or median(body) < 0.8 * max(body)
    ):
        return False
    broken = sum(not _SENTENCE_END.search(line) for line in lines[:-1])
    return broken >= len(body) / 2


def _with_headings(pieces: list[Piece]) -> list[Piece]:
    pieces = [piece for piece in pieces if piece.content.text.strip()]
    result: list[Piece] = []
    for piece, following in zip(pieces, [*pieces[1:], None], strict=True):
        if following is not None and _is_heading(piece, following, first=not result):
            piece = Piece(piece.content, "heading", 2 if result else 1, piece.separator)
        result.append(piece)
    return result


def _is_heading(piece: Piece, following: Piece, *, first: bool) -> bool:
    """A short line with no sentence's end, above a longer text that has one; above any text, where
    it is the first line and a blank one follows.
    """
    line = piece.content.text.strip()
    below = following.content.text.strip()
    return (
        "\n" not in line
        and len(line) <= _HEADING_CHARACTERS
        and any(character.isalpha() for character in line)
        and not _SENTENCE_END.search(line)
        and not _LIST_MARK.match(line)
        and (
            (first and following.separator == "\n\n")
            or (len(below) > max(len(line), 40) and bool(_SENTENCE_END.search(below)))
        )
    )
