"""Question → cited answer. Read top to bottom: find, read, decide, cite."""

import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from documents.language import detect
from index.types import DEFAULT_COLLECTION, Filters, Hit
from rag.cite import Texts, cite
from rag.errors import EmptyCollection, InvalidQuestion
from rag.types import Alternative, Answer, Models, Reader, Reading

MAX_QUESTION_CHARACTERS = 4000

READ_AT_LEAST = 10
"""Passages that are read however few are asked for: what the others say is part of what an answer's
confidence is made of.
"""

_ATTEMPTS = 3
"""At an answer whose document is replaced while it is read."""

Found = Callable[[Sequence[Hit]], None]
"""Told of the passages before they are first read; what it raises stops the work."""


class SearchableTexts(Texts, Protocol):
    """What answering needs of an index."""

    def search(
        self, query: str, collection: str, limit: int, filters: Filters | None = None
    ) -> list[Hit]:
        """The best chunks, best first."""


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """`limit`: passages that are shown (1 to 100), and read where more than `READ_AT_LEAST`.
    `min_confidence`: what an answer, and each alternative, must reach; None for what the reader's
    first reading asks for. `max_alternatives`: other answers shown beside it.
    """

    min_confidence: float | None = None
    limit: int = 10
    collection: str = DEFAULT_COLLECTION
    filters: Filters | None = None
    max_alternatives: int = 3


def answer(
    question: str,
    index: SearchableTexts,
    reader: Reader,
    models: Models,
    options: AnswerOptions,
    found: Found = lambda _hits: None,
) -> Answer:
    """Answer from the documents, with verified quotes, or say that they do not.

    Raises:
        InvalidQuestion: empty, too long, or not text.
        UnknownCollection: there is no such collection.
        EmptyCollection: nothing in it can be searched (where filters are given, no_answer instead).
    """
    clock = _Clock()
    question = valid_question(question)
    language = detect(question).tag

    for attempt in range(_ATTEMPTS):
        depth = max(options.limit, READ_AT_LEAST)
        hits = index.search(question, options.collection, depth, options.filters)
        require_documents(hits, options.collection, options.filters)
        clock.mark("retrieve")
        if attempt == 0:
            found(hits[: options.limit])

        readings = reader.read(question, hits)
        clock.mark("read")

        confident = _confident(readings, options.min_confidence)
        answers = _cited(confident, index, options.max_alternatives + 1)
        clock.mark("cite")
        if not _is_overtaken(confident, answers):
            break

    chosen = answers[0] if answers else None
    return Answer(
        id=f"ans_{uuid.uuid4().hex}",
        status="answered" if chosen else "no_answer",
        question_language=language,
        answer=chosen.answer if chosen else None,
        answer_language=chosen.answer_language if chosen else None,
        confidence=chosen.confidence
        if chosen
        else max((r.confidence for r in readings), default=0.0),
        citations=chosen.citations if chosen else (),
        alternatives=tuple(answers[1:]),
        passages=_reranked(hits, readings)[: options.limit],
        models=models,
        timings_ms=clock.milliseconds(),
        standalone_question=question,
    )


def valid_question(question: str) -> str:
    """The question without blanks around it.

    Raises:
        InvalidQuestion: empty, too long, or not text.
    """
    question = question.strip()
    if not any(character.isalnum() for character in question):
        raise InvalidQuestion("The question is empty: ask something in words.")
    if len(question) > MAX_QUESTION_CHARACTERS:
        raise InvalidQuestion(
            f"The question has {len(question):,} characters and at most "
            f"{MAX_QUESTION_CHARACTERS:,} are read: shorten it."
        )
    if any("\ud800" <= character <= "\udfff" for character in question):
        raise InvalidQuestion("The question holds half a character (a lone surrogate): remove it.")
    return question


def require_documents(hits: Sequence[Hit], collection: str, filters: Filters | None) -> None:
    """Tell an empty collection from one in which nothing passed the filters.

    Raises:
        EmptyCollection: an unfiltered search found nothing at all.
    """
    if not hits and not filters:
        raise EmptyCollection(
            f"The collection {collection!r} holds no documents: add some with `quoth ingest PATH` "
            "or POST /v1/documents."
        )


def _confident(readings: Sequence[Reading], min_confidence: float | None) -> list[Reading]:
    """Those that reach the threshold, which is one for all: so an answer never passes where a surer
    one that says the same does not.
    """
    if min_confidence is None:
        min_confidence = readings[0].threshold if readings else 1.0
    return [reading for reading in readings if reading.confidence >= min_confidence]


def _is_overtaken(confident: Sequence[Reading], answers: Sequence[Alternative]) -> bool:
    """Whether the document of the answer was replaced or removed before it could be cited."""
    best = next((r for r in confident if r.group is not None), None)
    return best is not None and all(
        citation.document_id != best.hit.document_id
        for given in answers
        for citation in given.citations
    )


def _cited(readings: Sequence[Reading], texts: Texts, limit: int) -> list[Alternative]:
    """The first `limit` answers whose quotes verify, each with a citation of every document that
    gives it; the first document's wording is the answer. A document is not its own second source.
    """
    answers: list[Alternative] = []
    told: set[str] = set()
    for group in dict.fromkeys(r.group for r in readings if r.group is not None):
        members = [r for r in readings if r.group == group and r.hit.document_id not in told]
        first: dict[str, Reading] = {}
        for reading in members:
            first.setdefault(reading.hit.document_id, reading)
        sources = list(first.values())
        citations = cite(sources, texts)
        if citations and len(answers) < limit:
            told.update(citation.document_id for citation in citations)
            best = first[citations[0].document_id]
            wording = best.hit.sentence_text(best.answer)
            answers.append(Alternative(wording, best.hit.language, best.confidence, citations))
    return answers


def _reranked(hits: Sequence[Hit], readings: Sequence[Reading]) -> tuple[Hit, ...]:
    """The passages in the reader's order, those it found nothing in last."""
    read = [reading.hit for reading in readings]
    chunks = {hit.chunk_id for hit in read}
    ordered = [*read, *(hit for hit in hits if hit.chunk_id not in chunks)]
    return tuple(replace(hit, rank=rank) for rank, hit in enumerate(ordered, 1))


class _Clock:
    """Milliseconds between marks."""

    def __init__(self) -> None:
        self._start = self._last = time.perf_counter()
        self._marks: dict[str, float] = {}

    def mark(self, stage: str) -> None:
        now = time.perf_counter()
        self._marks[stage] = round(self._marks.get(stage, 0.0) + (now - self._last) * 1000, 2)
        self._last = now

    def milliseconds(self) -> dict[str, float]:
        return {**self._marks, "total": round((time.perf_counter() - self._start) * 1000, 2)}
