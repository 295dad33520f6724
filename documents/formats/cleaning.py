"""Removes what scrapers and converters leave in a text, never an author's words."""

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise

from documents.aligned import AlignedText, Edit
from documents.formats.parsed import Piece

_BLANKS = re.compile(r"[ \t\u00a0\u3000]{2,}|\t|[ \t\u00a0\u3000]+(?=\n|\Z)|\A[ \t\u00a0\u3000]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x80-\x9f\ufeff\u00ad\ufffe\uffff]")
_LOOSE_DIGITS = re.compile(
    r"(?<=[.!?;:,·…»”\"')\]。！？；」』）])"  # after the end of a sentence or clause,
    r"(?P<digits>(?:[ \u00a0]*\d{1,3}[ \u00a0]{2,})+|(?:[ \u00a0]+\d{1,3}[ \u00a0]*)+(?=\n|\Z))"
)
_REFERENCES = re.compile(r"(?<=\S)(?:\[\d{1,3}\])+")
_NUMBER = re.compile(r"\d+")
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
    author wrote is never taken for one by its looks alone.
    """
    for pattern in (_LOOSE_DIGITS, _REFERENCES):
        found = [list(pattern.finditer(piece.content.text)) for piece in pieces]
        if _counts_up(match.group() for matches in found for match in matches):
            pieces = [
                _edited(piece, [_gap(piece.content.text, *match.span()) for match in matches])
                for piece, matches in zip(pieces, found, strict=True)
            ]
    return list(pieces)


def _counts_up(groups: Iterable[str]) -> bool:
    """Whether the numbers begin with 1 and none runs ahead of the count; at least two of them."""
    highest = 0
    count = 0
    for group in groups:
        for number in _NUMBER.findall(group):
            if int(number) > highest + 1 or int(number) == 0:
                return False
            highest = max(highest, int(number))
            count += 1
    return count >= 2 and highest >= 2


def _gap(text: str, start: int, end: int) -> Edit:
    """Take out `text[start:end]`; one space remains where there was one and words follow."""
    spaced = any(character.isspace() for character in text[start:end])
    return Edit(start, end, " " if spaced and end < len(text) and text[end] != "\n" else "")


def without_leftover_brackets(piece: Piece) -> Piece:
    """Drop brackets that lost their content or their partner when markup was converted."""
    text = piece.content.text
    edits = [Edit(*match.span()) for match in _EMPTY_BRACKETS.finditer(text)]
    opened: list[int] = []
    for position, character in enumerate(text):
        if character == "[":
            opened.append(position)
        elif character == "]":
            if opened:
                opened.pop()
            else:
                edits.append(Edit(position, position + 1))
    edits += [Edit(position, position + 1) for position in opened]
    return _edited(piece, _disjoint(edits))


def without_repeats(pieces: Sequence[Piece]) -> list[Piece]:
    """Drop a line that only announces the one below: `You are viewing: Title` above `Title`."""
    kept = [
        piece
        for piece, following in pairwise(pieces)
        if not _repeats(piece.content.text.strip(), following.content.text.strip())
    ]
    return kept + list(pieces[-1:])


def _repeats(line: str, following: str) -> bool:
    short = "\n" not in line and len(line) <= 200 and len(following) >= 8
    return short and line.endswith(following)


def _disjoint(edits: Iterable[Edit]) -> list[Edit]:
    result: list[Edit] = []
    for edit in sorted(edits):
        if not result or edit.start >= result[-1].end:
            result.append(edit)
    return result


def _edited(piece: Piece, edits: Sequence[Edit]) -> Piece:
    if not edits:
        return piece
    return Piece(piece.content.edit(edits), piece.kind, piece.level, piece.separator)
