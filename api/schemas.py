"""What goes over HTTP, and what `--json` prints."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from index.ingest import Outcome
from index.jobs import Item, Job
from index.types import DEFAULT_COLLECTION, CollectionRecord, DocumentRecord, Filters, Hit
from rag.answer import MAX_QUESTION_CHARACTERS
from rag.chat import Turn
from rag.types import Answer

CollectionName = Annotated[
    str, Field(min_length=1, max_length=64, pattern=r"^[\w][\w.-]*$", examples=[DEFAULT_COLLECTION])
]
MAX_FILTER_VALUES = 100
MAX_TURNS = 200
MAX_TURN_CHARACTERS = 100_000
_QUESTIONS = ["When was the lighthouse first lit?"]
# Told, not enforced here: `valid_question` does, and says what to change.
_QUESTION_SCHEMA: JsonDict = {"minLength": 1, "maxLength": MAX_QUESTION_CHARACTERS}


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class FiltersIn(_Request):
    """What a passage must be, all of it; an empty list asks nothing."""

    languages: list[str] = Field([], max_length=MAX_FILTER_VALUES, examples=[["el", "zh"]])
    document_ids: list[str] = Field([], max_length=MAX_FILTER_VALUES)
    sources: list[str] = Field([], max_length=MAX_FILTER_VALUES)
    metadata: dict[str, str] = Field({}, max_length=20)
    date_from: str | None = Field(
        None,
        max_length=40,
        description="The document's metadata `date` is then or later: a day, month or year.",
        examples=["2024-05"],
    )
    date_to: str | None = Field(
        None, max_length=40, description="Then or earlier, the whole day, month or year included."
    )
    exclude_document_ids: list[str] = Field([], max_length=MAX_FILTER_VALUES)

    def to_filters(self) -> Filters:
        """The same as the index takes it."""
        return Filters(
            languages=tuple(self.languages),
            document_ids=tuple(self.document_ids),
            sources=tuple(self.sources),
            metadata=self.metadata,
            date_from=self.date_from or "",
            date_to=self.date_to or "",
            exclude_document_ids=tuple(self.exclude_document_ids),
        )


class SearchRequest(_Request):
    """A query for passages."""

    query: str = Field(examples=_QUESTIONS, json_schema_extra=_QUESTION_SCHEMA)
    collection: CollectionName = DEFAULT_COLLECTION
    filters: FiltersIn = FiltersIn()
    limit: int = Field(10, ge=1, le=100)


class TurnIn(_Request):
    """Something said before the question."""

    role: Literal["user", "assistant"]
    content: str = Field(max_length=MAX_TURN_CHARACTERS, examples=["Who was the last keeper?"])

    def to_turn(self) -> Turn:
        """The same as the conversation takes it."""
        return Turn(self.role, self.content)


class AnswerRequest(_Request):
    """A question in any language."""

    question: str = Field(examples=_QUESTIONS, json_schema_extra=_QUESTION_SCHEMA)
    collection: CollectionName = DEFAULT_COLLECTION
    history: list[TurnIn] = Field(
        [],
        max_length=MAX_TURNS,
        description="What was said before, oldest first, for a question that leans on it.",
    )
    filters: FiltersIn = FiltersIn()
    limit: int = Field(
        10, ge=1, le=100, description="Passages that are shown; ten are read at least."
    )
    min_confidence: float | None = Field(
        None, ge=0, le=1, description="What an answer must reach; unset, the service's default."
    )
    include_passages: bool = Field(False, description="Show the passages beside an answer too.")
    stream: bool = Field(
        False,
        description="Answer with server-sent events: `passages`, `answer`, a `citation` each, and "
        "`done` with the whole response; `error` holds a problem document.",
    )


class TextIn(_Request):
    """A document given as text."""

    text: str = Field(examples=["The light was first lit in 1871."])
    source: str = Field(
        min_length=1,
        max_length=500,
        description="Its name; the same name again replaces it.",
        examples=["notes/lighthouse.md"],
    )
    title: str = Field("", max_length=500)
    language: str = Field("", max_length=35, pattern=r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$")
    media_type: Literal["text/plain", "text/markdown"] = "text/plain"
    metadata: dict[str, str] = Field({}, max_length=50)
    collection: CollectionName = DEFAULT_COLLECTION


class UploadForm(_Request):
    """Files to store, each under its own name."""

    files: list[Any] = Field(
        min_length=1,
        json_schema_extra={"items": {"type": "string", "format": "binary"}},
    )
    language: str = Field("", max_length=35, pattern=r"^([A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*)?$")
    collection: CollectionName = DEFAULT_COLLECTION


class CollectionIn(_Request):
    """A collection to create."""

    name: CollectionName


class CitationOut(BaseModel):
    """A verified quote: the document's `text[start:end]` is `quote`."""

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


class AlternativeOut(BaseModel):
    """Another answer with its own evidence."""

    answer: str
    answer_language: str
    confidence: float
    citations: list[CitationOut]


class PassageOut(BaseModel):
    """A passage that was found; `text` is the document's `text[start:end]`."""

    rank: int
    score: float = Field(
        description="Of the search, which orders by it; an answer orders as its reader does."
    )
    found_by: Literal["dense", "keyword", "both"] = Field(
        description="Which searches have it among their best."
    )
    dense_rank: int | None = Field(description="Its place by `dense_score`.")
    dense_score: float = Field(description="Cosine of question and passage, -1 to 1.")
    keyword_rank: int | None = Field(description="Its place by `keyword_score`.")
    keyword_score: float | None = Field(
        description="BM25 of the words it shares with the question; null where it shares none."
    )
    document_id: str
    title: str
    source: str
    collection: str
    language: str
    headings: list[str]
    text: str
    start: int
    end: int
    content_hash: str

    @classmethod
    def of(cls, hit: Hit) -> "PassageOut":
        """A hit as it is shown."""
        values = {name: getattr(hit, name) for name in cls.model_fields if hasattr(hit, name)}
        values |= {"start": hit.span.start, "end": hit.span.end, "headings": list(hit.headings)}
        return cls(**values)


class ModelsOut(BaseModel):
    """Names of the models that made an answer."""

    embedder: str
    reader: str
    generator: str | None


class AnswerResponse(BaseModel):
    """The answer, or `no_answer` with the nearest passages."""

    id: str
    status: Literal["answered", "no_answer"]
    question_language: str
    answer: str | None
    answer_language: str | None
    confidence: float
    citations: list[CitationOut]
    alternatives: list[AlternativeOut]
    passages: list[PassageOut] | None = None
    models: ModelsOut
    timings_ms: dict[str, float]
    standalone_question: str = Field(
        description="What was asked of the documents: the question, made whole by its history."
    )

    @classmethod
    def of(cls, answer: Answer, *, include_passages: bool) -> "AnswerResponse":
        """An answer as it is shown; passages only where they are all there is, or asked for."""
        values = asdict(answer)
        shown = include_passages or answer.status == "no_answer"
        values["passages"] = [PassageOut.of(hit) for hit in answer.passages] if shown else None
        return cls.model_validate(values)


class PassagesFound(BaseModel):
    """The data of a `passages` event: what is read for the answer."""

    passages: list[PassageOut]


class AnswerStart(BaseModel):
    """The data of an `answer` event; its citations follow."""

    id: str
    status: Literal["answered", "no_answer"]
    question_language: str
    standalone_question: str
    answer: str | None
    answer_language: str | None
    confidence: float


class SearchResponse(BaseModel):
    """Ranked passages."""

    query: str
    passages: list[PassageOut]


class DocumentOut(BaseModel):
    """A stored document."""

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
    metadata: dict[str, str]

    @classmethod
    def of(cls, record: DocumentRecord) -> "DocumentOut":
        """A record as it is shown."""
        return cls.model_validate(asdict(record))


class DocumentWithText(DocumentOut):
    """A stored document with the text its citations point into."""

    text: str


class DocumentPage(BaseModel):
    """Some documents, and where the next page begins."""

    documents: list[DocumentOut]
    next: str | None = Field(description="Give it as `after` for the next page.")


class TextRange(BaseModel):
    """The characters `text[start:end]` of a document."""

    document_id: str
    start: int
    end: int
    text: str


class OutcomeOut(BaseModel):
    """What became of one input."""

    source: str
    status: Literal["added", "replaced", "unchanged", "failed"]
    document_id: str
    chunks: int
    reason: str
    note: str

    @classmethod
    def of(cls, outcome: Outcome) -> "OutcomeOut":
        """An outcome as it is shown."""
        return cls(**{name: getattr(outcome, name) for name in cls.model_fields})


class IngestResponse(BaseModel):
    """What became of each input, in order."""

    outcomes: list[OutcomeOut]


class JobOut(BaseModel):
    """A job: documents that are taken in later. `failed` of the `finished` files were in vain."""

    id: str
    collection: str
    status: Literal["queued", "running", "done", "cancelled"]
    files: int
    finished: int
    failed: int
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job) -> "JobOut":
        """A job as it is shown."""
        return cls.model_validate(asdict(job))


class JobItemOut(BaseModel):
    """What became of one file of a job."""

    source: str
    status: Literal["queued", "added", "replaced", "unchanged", "failed", "cancelled"]
    document_id: str
    chunks: int
    reason: str
    note: str


class JobWithItems(JobOut):
    """A job with its files, in the order they came."""

    outcomes: list[JobItemOut]

    @classmethod
    def of_items(cls, job: Job, items: list[Item]) -> "JobWithItems":
        """A job as it is shown with its files."""
        return cls.model_validate({**asdict(job), "outcomes": [asdict(item) for item in items]})


class JobPage(BaseModel):
    """Some jobs, and where the next page begins."""

    jobs: list[JobOut]
    next: str | None = Field(description="Give it as `before` for the next page.")


class CollectionOut(BaseModel):
    """A collection and its size."""

    name: str
    documents: int
    chunks: int
    created_at: datetime

    @classmethod
    def of(cls, record: CollectionRecord) -> "CollectionOut":
        """A record as it is shown."""
        return cls.model_validate(asdict(record))


class CollectionList(BaseModel):
    """All collections."""

    collections: list[CollectionOut]


class Health(BaseModel):
    """Whether the process lives, or is ready."""

    status: Literal["ok", "loading", "failed", "stopping"]
    detail: str = ""


class Problem(BaseModel):
    """An RFC 9457 problem document. `type` is stable; `detail` says what to change."""

    type: str = Field(examples=["urn:quoth:problem:unknown-collection"])
    title: str
    status: int
    detail: str
