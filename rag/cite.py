"""Readings → verified citations. Offsets are carried from the chunker, never searched for."""

import logging
from collections.abc import Iterable
from typing import Protocol

from documents.types import Alignment, Span
from index.errors import UnknownDocument
from rag.types import Citation, Reading

log = logging.getLogger(__name__)


class Texts(Protocol):
    """Where the text of a document is read from."""

    def text_range(self, document_id: str, start: int, end: int) -> str:
        """The characters `text[start:end]`."""

    def alignment(self, document_id: str) -> Alignment:
        """How the text stands in its original."""


def cite(readings: Iterable[Reading], texts: Texts) -> tuple[Citation, ...]:
    """A citation for each reading whose quote stands in its document right now, numbered from 1.

    One that fails, because its document was replaced or removed since it was read, is dropped. The
    first one's wording is the answer, and each supports the whole of it.

    Args:
        readings: best first.
        texts: the documents as they are stored.
    """
    citations: list[Citation] = []
    length = 0
    for reading in readings:
        length = length or reading.answer.end - reading.answer.start
        citation = _citation(reading, texts, Span(0, length), len(citations) + 1)
        if citation is None and not citations:
            length = 0  # the next one's wording is the answer then
        elif citation is not None:
            citations.append(citation)
    return tuple(citations)


def _citation(reading: Reading, texts: Texts, supports: Span, index: int) -> Citation | None:
    hit, quote = reading.hit, reading.quote
    wording = hit.sentence_text(quote)
    try:
        verified = texts.text_range(hit.document_id, quote.start, quote.end) == wording
        in_source = texts.alignment(hit.document_id).to_source(quote) if verified else None
    except UnknownDocument:
        verified = False
    if not verified or not wording:
        log.warning("dropped a citation of %s: its text has changed", hit.document_id)
        return None
    return Citation(
        index=index,
        document_id=hit.document_id,
        title=hit.title,
        source=hit.source,
        language=hit.language,
        quote=wording,
        start=quote.start,
        end=quote.end,
        source_start=in_source.start if in_source else None,
        source_end=in_source.end if in_source else None,
        page=None,
        answer_start=supports.start,
        answer_end=supports.end,
        content_hash=hit.content_hash,
        score=reading.confidence,
    )
