"""Removes what scrapers and converters leave in a text, never an author's words."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise

from documents.aligned import AlignedText, Edit
from documents.formats.parsed import Piece

_BLANKS = re.compile(r"[ \t\u00a0\u3000]{2,}|\t|[ \t\u00a0\u3000]+(?=\n|\Z)|\A[ \t\u00a0\u3000]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\ufeff\u00ad\ufffe\uffff]")
_LOOSE_DIGITS = re.compile(
    # In a line: after a sentence or clause, and before two blanks, as nobody writes a number.
    r"(?<=[.!?…。！？»”\"')\],，、])(?<!\.\.)(?:[ \u00a0]{1,4}\d{1,3}(?=[ \u00a0]{2}))+[ \u00a0]+"
    # At its end: after a sentence, and not after a table of contents' dots.
    r"|(?<=[.!?…。！？»”\"')\]])(?<!\.\.)(?:[ \u00a0]{1,4}\d{1,3})+[ \u00a0]*(?=\n|\Z)"
)
_REFERENCES = re.compile(r"(?<=\S)(?:\[\d{1,3}\])+")
_NUMBER = re.compile(r"\d+")
_BRACKET = re.compile(r"[\[\]]")
_UNSPACED = re.compile(r"[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_REPEAT_PIECES = 5
"""How far down a page its title may be announced."""

_EMPTY_BRACKETS = re.compile(r"（\s*）|【\s*】|(?<=\s)\(\s*\)|(?<=\s)\[\s*\]")


def clean(text: AlignedText, *, fold: bool = True) -> AlignedText:
    """Drop invisible characters and trailing blanks; `fold` runs of blanks to one space (code keeps
    its indentation).
    """
    text = text.edit([Edit(*match.span()) for match in _CONTROLS.finditer(text.text)])
    if fold:
        edits = [
            Edit(
                start,
                end,
                " " if start > 0 and end < len(text.text) and text.text[end] != "\n" else "",
            )
            for start, end in (match.span() for match in _BLANKS.finditer(text.text))
        ]
        text = text.edit(edits)
    return text.slice(0, len(text.text.rstrip()))


def without_footnote_marks(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop footnote numbers that lost their raised place: `war. 3  Then`, `war.[3] Then`.

    Only where the numbers of the whole document count up from 1, as footnotes do: a number that an
    author wrote is never taken for one by its looks alone. Code keeps its numbers.
    """
    for pattern, fewest in ((_LOOSE_DIGITS, 3), (_REFERENCES, 2)):
        found = [list(pattern.finditer(_prose(piece))) for piece in pieces]
        if _counts_up((match.group() for matches in found for match in matches), fewest):
            pieces = [
                _edited(piece, [_gap(piece.content.text, *match.span()) for match in matches])
                for piece, matches in zip(pieces, found, strict=True)
            ]
    return list(pieces)


def _counts_up(groups: Iterable[str], fewest: int) -> bool:
    """Whether the numbers begin with 1, none runs ahead of the count, and they get to `fewest`."""
    highest = 0
    for group in groups:
        for number in _NUMBER.findall(group):
            if int(number) > highest + 1 or int(number) == 0:
                return False
            highest = max(highest, int(number))
    return highest >= fewest


def _gap(text: str, start: int, end: int) -> Edit:
    """Take out `text[start:end]`; one space remains where there was one and words follow."""
    spaced = any(character.isspace() for character in text[start:end])
    return Edit(start, end, " " if spaced and end < len(text) and text[end] != "\n" else "")


def without_leftover_brackets(piece: Piece) -> Piece:
    """Drop brackets that lost their content when markup was converted, and doubled ones that lost
    their partners: a single one may be an interval's or a list's.
    """
    text = _prose(piece)
    edits = [Edit(*match.span()) for match in _EMPTY_BRACKETS.finditer(text)]
    opened: list[int] = []
    alone: list[int] = []
    for bracket in _BRACKET.finditer(text):
        if bracket.group() == "[":
            opened.append(bracket.start())
        elif opened:
            opened.pop()
        else:
            alone.append(bracket.start())
    for first, second in pairwise(sorted(alone + opened)):
        if second == first + 1 and text[first] == text[second]:
            edits += [Edit(first, second), Edit(second, second + 1)]
    return _edited(piece, _disjoint(edits))


def without_repeats(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop a line at the top that only announces the one below a blank: `You are viewing: Title`
    above `Title`.
    """
    kept = [
        piece
        for position, (piece, following) in enumerate(pairwise(pieces))
        if position >= _REPEAT_PIECES or not _announces(piece, following)
    ]
    return kept + list(pieces[-1:])


def _announces(piece: Piece, following: Piece) -> bool:
    line, below = piece.content.text.strip(), following.content.text.strip()
    short = "\n" not in line and 8 <= len(below) < len(line) <= 200
    return short and following.separator == "\n\n" and line.endswith(below)


def joint(before: str, after: str) -> str:
    """What a line break between two characters of one sentence stands for: nothing in scripts
    without spaces.
    """
    return "" if _UNSPACED.match(before) and _UNSPACED.match(after) else " "


def _prose(piece: Piece) -> str:
    return piece.prose or piece.content.text


def _disjoint(edits: Iterable[Edit]) -> list[Edit]:
    result: list[Edit] = []
    for edit in sorted(edits):
        if not result or edit.start >= result[-1].end:
            result.append(edit)
    return result


def _edited(piece: Piece, edits: Sequence[Edit]) -> Piece:
    if not edits:
        return piece
    prose = AlignedText.inserted(piece.prose).edit(edits).text if piece.prose else ""
    return replace(piece, content=piece.content.edit(edits), prose=prose)
