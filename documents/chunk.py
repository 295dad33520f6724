"""Sentences → chunks within a token budget, offsets exact."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from documents.language import UNDETERMINED, detect
from documents.segment import sentences
from documents.types import Block, Chunk, Document, Span

CountTokens = Callable[[Sequence[str]], Sequence[int]]
"""Token counts of texts, one each, without the special tokens around them."""

_LANGUAGE_MIN_CHARACTERS = 60
_LANGUAGE_MIN_CONFIDENCE = 0.95
_MAX_SENTENCE_CHARACTERS = 2000
_MAX_MARKS = 8
"""Combining marks that a letter is taken to have at most."""


@dataclass(frozen=True, slots=True)
class ChunkOptions:
    """`max_tokens`: tokens of a chunk's own text at most (16 to 8192). `overlap_sentences`: how
    many sentences at the end of a chunk begin the next one too, as far as a quarter of the budget
    allows. `max_heading_tokens`: longer heading paths lose their outer titles.
    """

    max_tokens: int = 256
    overlap_sentences: int = 1
    max_heading_tokens: int = 48


@dataclass(frozen=True, slots=True)
class _Sentence:
    span: Span
    tokens: int
    block: Block

    @property
    def is_heading(self) -> bool:
        return self.block.kind == "heading"


def chunk(document: Document, count_tokens: CountTokens, options: ChunkOptions) -> list[Chunk]:
    """Cut a document into chunks of whole sentences.

    Every visible character stands in at least one chunk, and in one alone but for the overlap. A
    heading opens a chunk. A single sentence over the budget is cut at a space (in scripts without
    spaces, between characters) into parts that fit.

    Args:
        document: its blocks are needed, not only its text.
        count_tokens: of the embedder that the chunks are for.
        options: the budget.
    """
    parts = _within_budget(document, count_tokens, options.max_tokens)
    groups = list(_groups(parts, options))
    paths = _heading_paths(document, [group[0].span.start for group in groups])
    paths = _shortened(paths, count_tokens, options.max_heading_tokens)
    return [
        _chunk(document, ordinal, group, path)
        for ordinal, (group, path) in enumerate(zip(groups, paths, strict=True))
    ]


def _within_budget(document: Document, count_tokens: CountTokens, budget: int) -> list[_Sentence]:
    text = document.text
    found = [
        (part, block)
        for span, block in sentences(text, document.blocks, document.language)
        for part in _cut(text, span, _MAX_SENTENCE_CHARACTERS)
    ]
    result: list[_Sentence] = []
    counts = count_tokens([span.of(text) for span, _block in found])
    pending = [(s, b, n) for (s, b), n in zip(found, counts, strict=True)][::-1]
    while pending:
        span, block, tokens = pending.pop()
        if tokens <= budget or span.end - span.start < 2:
            result.append(_Sentence(span, tokens, block))
            continue
        # A little under the share that would just fit: tokens are not spread evenly.
        size = max(1, int((span.end - span.start) * budget / tokens * 0.8))
        cut = list(_cut(text, span, size))
        counts = count_tokens([part.of(text) for part in cut])
        pending += [(s, block, n) for s, n in zip(cut, counts, strict=True)][::-1]
    return result


def _cut(text: str, span: Span, size: int) -> Iterator[Span]:
    """Parts of at most `size` characters, ended at a blank where one is near."""
    start = span.start
    while span.end - start > size:
        blank = text.rfind(" ", start + size // 2, start + size)
        end = blank if blank > start else _before_marks(text, start, start + size)
        yield Span(start, end)
        start = end
        while start < span.end and text[start].isspace():
            start += 1
    if start < span.end:
        yield Span(start, span.end)


def _before_marks(text: str, start: int, end: int) -> int:
    """`end`, or a little before it: vowel signs and accents stay with their letter."""
    low = max(start + 1, end - _MAX_MARKS)
    base = end
    while base > low and unicodedata.category(text[base]).startswith("M"):
        base -= 1
    return base if base > low else end


def _groups(parts: Sequence[_Sentence], options: ChunkOptions) -> Iterator[list[_Sentence]]:
    group: list[_Sentence] = []
    tokens = 0
    for part in parts:
        opens = part.is_heading and any(not other.is_heading for other in group)
        if group and (opens or tokens + part.tokens > options.max_tokens):
            yield group
            group = [] if opens else _overlap(group, part, options)
            tokens = sum(other.tokens for other in group)
        group.append(part)
        tokens += part.tokens
    if group:
        yield group


def _overlap(
    group: Sequence[_Sentence], following: _Sentence, options: ChunkOptions
) -> list[_Sentence]:
    """The last sentences of a chunk that may open the next: never all of it, never a heading."""
    limit = min(options.max_tokens // 4, options.max_tokens - following.tokens)
    kept: list[_Sentence] = []
    for part in reversed(
        group[1:][-options.overlap_sentences :] if options.overlap_sentences else []
    ):
        limit -= part.tokens
        if part.is_heading or limit < 0:
            break
        kept.append(part)
    return kept[::-1]


def _heading_paths(document: Document, starts: Sequence[int]) -> list[tuple[str, ...]]:
    """For each ascending offset, the titles in force above it, outermost first."""
    paths: list[tuple[str, ...]] = []
    above: list[Block] = []
    headings = iter([block for block in document.blocks if block.kind == "heading"])
    upcoming = next(headings, None)
    for start in starts:
        while upcoming and upcoming.span.start < start:
            above = [block for block in above if block.level < upcoming.level] + [upcoming]
            upcoming = next(headings, None)
        # A heading that opens the chunk replaces those of its own level and below.
        opening = upcoming if upcoming and upcoming.span.start == start else None
        kept = [block for block in above if opening is None or block.level < opening.level]
        paths.append(tuple(" ".join(block.span.of(document.text).split()) for block in kept))
    return paths


def _shortened(
    paths: Sequence[tuple[str, ...]], count_tokens: CountTokens, limit: int
) -> list[tuple[str, ...]]:
    titles = sorted({title for path in paths for title in path})
    tokens = dict(zip(titles, count_tokens(titles), strict=True))
    shortened = []
    for path in paths:
        while sum(tokens[title] for title in path) > limit:
            path = path[1:]
        shortened.append(path)
    return shortened


def _chunk(
    document: Document, ordinal: int, group: Sequence[_Sentence], path: tuple[str, ...]
) -> Chunk:
    span = Span(group[0].span.start, group[-1].span.end)
    body = tuple(part.span for part in group if not part.is_heading)
    return Chunk(
        ordinal=ordinal,
        span=span,
        sentences=body or tuple(part.span for part in group),
        headings=path,
        language=_language(document, span),
    )


def _language(document: Document, span: Span) -> str:
    """The document's, unless this part of it is clearly in another."""
    text = span.of(document.text)
    if len(text) < _LANGUAGE_MIN_CHARACTERS and document.language != UNDETERMINED:
        return document.language
    found = detect(text)
    return found.tag if found.confidence >= _LANGUAGE_MIN_CONFIDENCE else document.language


def rejoin(text: str, chunks: Sequence[Chunk]) -> str:
    """The document's text from its chunks alone: each adds what the one before has not yet given,
    and the blanks between two are read from `text`. Equal to `text` up to blanks at its ends.
    """
    if not chunks:
        return ""
    parts = [chunks[0].span.of(text)]
    for before, after in pairwise(chunks):
        parts.append(text[before.span.end : max(before.span.end, after.span.end)])
    return "".join(parts)
