"""Records of a document and its parts.

Every offset counts Unicode code points. `start` is inclusive and `end` exclusive, so that
`text[start:end]` is the thing meant.
"""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class Span:
    """A half-open range of code points, `0 <= start <= end`."""

    start: int
    end: int

    def of(self, text: str) -> str:
        """The characters of `text` in this range."""
        return text[self.start : self.end]


@dataclass(frozen=True, slots=True)
class Run:
    """`length` characters that stand unchanged in both texts: `text[text_start + i] ==
    source[source_start + i]` for `0 <= i < length`.
    """

    text_start: int
    source_start: int
    length: int


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which characters of a canonical text are which characters of its decoded original.

    Runs ascend in both texts and do not overlap. What lies between two runs was deleted from the
    original, or was put in its place.
    """

    runs: tuple[Run, ...]

    def to_source(self, span: Span) -> Span | None:
        """The range of the original from the first to the last kept character of `span`, markup
        between them included; None where no character of it stands in the original.
        """
        first = bisect_right(self.runs, span.start, key=lambda run: run.text_start) - 1
        if first < 0 or self.runs[first].text_start + self.runs[first].length <= span.start:
            first += 1
        last = bisect_right(self.runs, span.end - 1, key=lambda run: run.text_start) - 1
        if first > last:
            return None
        head, tail = self.runs[first], self.runs[last]
        start = head.source_start + max(0, span.start - head.text_start)
        end = tail.source_start + min(tail.length, span.end - tail.text_start)
        return Span(start, end)


BlockKind = Literal["heading", "paragraph", "code"]


@dataclass(frozen=True, slots=True)
class Block:
    """A heading, paragraph, list item, table row or code block of a canonical text.

    `level` is 1 to 6 for headings and 0 otherwise. Inside a paragraph a line break ends a
    sentence: soft wraps have become spaces.
    """

    span: Span
    kind: BlockKind = "paragraph"
    level: int = 0


@dataclass(frozen=True, slots=True)
class Document:
    """A document as it is quoted.

    `text` is canonical: what citations point into. `source` is the name people know it by and
    `origin` what identifies it in a collection (for a file, its absolute path; for an upload, the
    same as `source`). `language` is a BCP 47 tag ("und" when it cannot be told), with
    `language_confidence` between 0 and 1. `content_hash` is of the original bytes.
    """

    id: str
    origin: str
    source: str
    title: str
    text: str
    alignment: Alignment
    blocks: tuple[Block, ...]
    language: str
    language_confidence: float
    content_hash: str
    media_type: str
    encoding: str
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole sentences of one document, within a token budget.

    `span` is the chunk's range in the document's text. `sentences` ascend inside it and leave out
    headings, which are in the text but are nothing to quote; a chunk of headings alone has them as
    its sentences. `headings` is the path of titles above the chunk, outermost first.
    """

    ordinal: int
    span: Span
    sentences: tuple[Span, ...]
    headings: tuple[str, ...]
    language: str
