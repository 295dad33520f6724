"""Records and seams of the index."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from documents.types import Chunk, Document, Span

Vectors = NDArray[np.float32]
"""Shape (n, dimension), each row of Euclidean length 1."""

DEFAULT_COLLECTION = "default"


@dataclass(frozen=True, slots=True)
class Filters:
    """What a hit must be, all of it; an empty field asks nothing.

    `languages` are BCP 47 tags of the passage: "zh" also takes "zh-Hant". `sources` are names of
    documents, whole or the last part of their path. `metadata` must be equal.

    `date_from` and `date_to`, both included, are ISO 8601 dates, months or years, compared with the
    document's metadata `date`: it must have one, and any day of it must be between them.
    """

    languages: tuple[str, ...] = ()
    document_ids: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    date_from: str = ""
    date_to: str = ""
    exclude_document_ids: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return any(getattr(self, each.name) for each in fields(self))


FoundBy = Literal["dense", "keyword", "both"]


@dataclass(frozen=True, slots=True)
class Found:
    """How a chunk was found. `score` orders, higher first.

    `dense_score` is the cosine of question and chunk, -1 to 1, and `dense_rank` its place, from 1,
    among the chunks nearest to the question; None where it is not among those looked at.
    `keyword_score` is the BM25 of the terms that it shares with the question, above 0, or None
    where it shares none; `keyword_rank` is its place by it, None where it is not among the best.
    """

    chunk_id: int
    score: float
    dense_score: float
    dense_rank: int | None
    keyword_score: float | None = None
    keyword_rank: int | None = None

    @property
    def found_by(self) -> FoundBy:
        """Which of the two searches has it among its best."""
        if self.keyword_rank is None:
            return "dense"
        return "keyword" if self.dense_rank is None else "both"


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found. `rank` counts from 1 and follows `score`; this and what tells how it
    was found are as in `Found`. `text` is the chunk's own; `span` and `sentences` are ranges of the
    document's text.
    """

    chunk_id: int
    document_id: str
    collection: str
    rank: int
    score: float
    found_by: FoundBy
    dense_rank: int | None
    dense_score: float
    keyword_rank: int | None
    keyword_score: float | None
    text: str
    span: Span
    sentences: tuple[Span, ...]
    headings: tuple[str, ...]
    language: str
    title: str
    source: str
    content_hash: str

    def sentence_text(self, span: Span) -> str:
        """The characters of one of the chunk's sentences."""
        return self.text[span.start - self.span.start : span.end - self.span.start]


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A stored document without its text."""

    id: str
    collection: str
    source: str
    title: str
    language: str
    language_confidence: float
    content_hash: str
    media_type: str
    encoding: str
    characters: int
    chunks: int
    added_at: datetime
    updated_at: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CollectionRecord:
    """A named set of documents."""

    name: str
    documents: int
    chunks: int
    created_at: datetime


PutOutcome = Literal["added", "replaced"]


class Embedder(Protocol):
    """Texts → unit vectors of one dimension. A seeded fake stands in for it in unit tests."""

    @property
    def name(self) -> str:
        """What people call the model."""

    @property
    def identity(self) -> str:
        """Name, " (", and all else that changes its vectors: different embedders differ here."""

    @property
    def dimension(self) -> int:
        """Length of a vector."""

    @property
    def max_tokens(self) -> int:
        """Tokens of a passage that it reads, prefix and special tokens left aside."""

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special tokens."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), in the order given."""

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Shape (len(texts), dimension), in the order given."""


class Index(Protocol):
    """Keeps documents and finds their chunks. What `put` returned from is kept."""

    def put(
        self,
        collection: str,
        document: Document,
        chunks: Sequence[Chunk],
        vectors: Vectors,
        fingerprint: str,
    ) -> PutOutcome:
        """Store a document whole, in place of an older one with its id. `fingerprint` says from
        what and how it was made.
        """

    def search(
        self, query: str, collection: str, limit: int, filters: Filters | None = None
    ) -> list[Hit]:
        """The `limit` best chunks, best first, among those the filters allow."""

    def text_range(self, document_id: str, start: int, end: int) -> str:
        """The characters `text[start:end]` of a stored document."""
