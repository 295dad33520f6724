"""Records of a question's answer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from documents.types import Span
from index.types import Hit

Status = Literal["answered", "no_answer"]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader takes from one passage: the part of it that answers.

    `answer` is the range of the answer and `quote` the whole sentences around it, both ranges of
    the document's text with `quote.start <= answer.start < answer.end <= quote.end`. `score` is the
    reader's own, higher is better; `confidence` the calibrated probability, 0 to 1, that the quote
    answers the question, and `threshold` what that of an answer must reach where nobody says
    otherwise and this reading is the first. Readings of one `group` say the same; one without a
    group says less or more than another and does not contradict it.
    """

    hit: Hit
    answer: Span
    quote: Span
    score: float
    confidence: float
    threshold: float
    group: int | None


class Reader(Protocol):
    """Question and passages → what answers, best first. May return nothing."""

    @property
    def name(self) -> str:
        """Which model reads, for people."""

    def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
        """At most one reading a passage, the best first."""


@dataclass(frozen=True, slots=True)
class Citation:
    """A verified quote: `quote == text[start:end]` held when it was made.

    `start` and `end` count code points of the document's text, `source_start` and `source_end` of
    its decoded original. `answer_start` and `answer_end` are the part of the answer it supports.
    """

    index: int
    document_id: str
    title: str
    source: str
    language: str
    quote: str
    start: int
    end: int
    source_start: int | None
    source_end: int | None
    page: int | None
    answer_start: int
    answer_end: int
    content_hash: str
    score: float


@dataclass(frozen=True, slots=True)
class Alternative:
    """Another answer, with evidence of its own."""

    answer: str
    answer_language: str
    confidence: float
    citations: tuple[Citation, ...]


@dataclass(frozen=True, slots=True)
class Models:
    """Which models made an answer."""

    embedder: str
    reader: str
    generator: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a question. Without one, `status` is "no_answer", `answer` is None, there is
    no citation, and `confidence` is the best reading's. `standalone_question` is what was asked of
    the documents: the question, with what a follow-up leaves unsaid.
    """

    id: str
    status: Status
    question_language: str
    answer: str | None
    answer_language: str | None
    confidence: float
    citations: tuple[Citation, ...]
    alternatives: tuple[Alternative, ...]
    passages: tuple[Hit, ...]
    models: Models
    timings_ms: Mapping[str, float] = field(default_factory=dict)
    standalone_question: str = ""
