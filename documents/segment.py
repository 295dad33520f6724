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
    r"(?:។ល។|[។៕༎])+\s*"  # Khmer, with its "etc."
    r"|།+\s+|།{2,}\s*"  # Tibetan's stroke ends a clause, with a space after it
    r"|[。！？｡]+[」』）”’》\]]*(?=[^」』）”’》\]\s。！？])"
)
_UNMARKED = re.compile(r"[\u0e00-\u0eff]")
"""Thai and Lao: a space ends a clause, nothing ends a sentence, and a full stop shortens a word."""

_UNMARKED_MIN_CHARACTERS = 40
_ABBREVIATED = re.compile(
    r"(?:\A|[\s(\[«“„\"'])"
    r"(?:[A-Z][b-df-hj-np-tv-xz]{1,3}|[Α-Ω][βγδζθκλμνξπρσςτφχψ]{1,3}|[А-Я][бвгджзклмнпрстфхцчшщ]{1,3}"
    r"|डॉ|प्रो|पं|श्री)\.\Z"
)
"""Short capitalised words without a vowel (`Dr.`, `Τζ.`, `Св.`), and titles in Devanagari."""

_LETTER = re.compile(r"(?:\A|[\s(\[«“„\"'])[^\W\d_]\.(?=\s|\Z)")
_ORDINAL = re.compile(r"(?:\A|\s)(?:\d{1,2}|[IVXLC]+)\.\Z")
_ORDINAL_LANGUAGES = frozenset(
    "bs cs da de et eu fi fo hr hu is lb lv mk nb nn no pl sk sl sr sv tr".split()
)
_NEVER_FIRST = tuple(",;:،؛，、")
_NEVER_LAST = ("၊",)
"""The Burmese comma, which sentencex takes for a full stop."""

_SPEECH_GOES_ON = tuple("とってのなはがもをにでへ")
_LONGEST_PIECE = 4000
"""Characters handed to the segmenter at once; what a longer line's last sentence lost is read again
with what follows it.
"""

_CONTEXT = 12
"""Characters on either side of a mark that tell whether it ends a sentence."""


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
    start = line.start
    while start < line.end:
        end = min(start + _LONGEST_PIECE, line.end)
        cuts = [start + cut for cut in _cuts(text[start:end], language)]
        if end < line.end:
            space = text.rfind(" ", start + _LONGEST_PIECE // 2, end)
            end = cuts.pop() if cuts else space + 1 if space > 0 else end
        for low, high in pairwise([start, *cuts, end]):
            yield from filter(None, [_trim(text, low, high)])
        start = end


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
    has_capitals = line != line.lower()
    kept = [0]
    for offset in sorted(offsets - {0, len(line)}):
        before = line[kept[-1] : offset].rstrip()[-_CONTEXT:]
        after = line[offset : offset + _CONTEXT].lstrip()
        if not _goes_on(before, after, language, has_capitals):
            kept.append(offset)
    return kept[1:]


def _clauses(line: str) -> Iterator[int]:
    start = searched = 0
    inside = False
    for match in re.finditer(r"\s+", line):
        inside = inside or bool(_UNMARKED.search(line, searched, match.start()))
        searched = match.end()
        if inside and match.start() - start >= _UNMARKED_MIN_CHARACTERS:
            start = searched
            inside = False
            yield start


def _goes_on(before: str, after: str, language: str, has_capitals: bool) -> bool:
    """Whether what a mark closed is not yet a sentence, by the characters around it."""
    if after.startswith(_NEVER_FIRST) or before.endswith(_NEVER_LAST):
        return True
    if before.endswith("."):
        return (
            (has_capitals and after[:1].islower())
            or bool(_UNMARKED.match(before[-2:-1]))
            or (language in _ORDINAL_LANGUAGES and bool(_ORDINAL.search(before)))
            or bool(_ABBREVIATED.search(before))
            or (
                bool(_LETTER.search(before))
                and (before[-2:-1].isupper() or bool(_LETTER.match(after)))
            )
        )
    if language == "ja" and before.endswith(("」", "』", "）")):
        return after.startswith(_SPEECH_GOES_ON)
    return False


def _trim(text: str, start: int, end: int) -> Span | None:
    """The range without blanks at its ends; None where nothing is left."""
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None
