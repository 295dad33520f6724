"""Quoth as a system that can be asked, and what makes asking thousands of questions quick."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from documents.types import Alignment
from index.local import LocalIndex
from index.types import Embedder, Filters, Hit, Vectors
from rag.answer import AnswerOptions, SearchableTexts, answer
from rag.errors import EmptyCollection, InvalidQuestion
from rag.evaluation.types import Prediction, Question, Quote
from rag.types import Answer, Citation, Models, Reader, Reading

DEPTH = 10
"""Distinct documents that are ranked."""

_BLOCK = 512
_REMEMBERED = 200_000

Progress = Callable[[str, int, int], None]
"""Called with the stage, how much of it is done, and the whole."""


@dataclass(frozen=True, slots=True)
class Pieces:
    """What answering is made of. `threshold` is the confidence an answer must reach, 0 to 1; None
    for what the reader asks for.
    """

    index: LocalIndex
    reader: Reader
    models: Models
    threshold: float | None


class RememberingEmbedder:
    """An embedder that embeds each text once, so that questions can be embedded in batches ahead of
    time and passages that many questions share are not read again. Not for several threads.
    """

    def __init__(self, inner: Embedder) -> None:
        self._inner = inner
        self._known: dict[tuple[str, str], Vectors] = {}
        self.name = inner.name
        self.identity = inner.identity
        self.dimension = inner.dimension
        self.max_tokens = inner.max_tokens

    def prepare(self, questions: Sequence[str], progress: Progress) -> None:
        """Embed questions in batches."""
        distinct = list(dict.fromkeys(questions))
        for start in range(0, len(distinct), _BLOCK):
            progress("embedding the questions", start, len(distinct))
            self.embed_queries(distinct[start : start + _BLOCK])
        progress("embedding the questions", len(distinct), len(distinct))

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without special tokens."""
        return self._inner.count_tokens(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that may be found."""
        return self._embed("passage", texts, self._inner.embed_passages)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that look for others."""
        return self._embed("query", texts, self._inner.embed_queries)

    def _embed(
        self, kind: str, texts: Sequence[str], embed: Callable[[Sequence[str]], Vectors]
    ) -> Vectors:
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        new = list(dict.fromkeys(text for text in texts if (kind, text) not in self._known))
        if new:
            keys = [(kind, text) for text in new]
            self._known.update(zip(keys, embed(new), strict=True))
        if not texts:
            return np.empty((0, self.dimension), np.float32)
        return np.stack([self._known[kind, text] for text in texts])


class Filtered:
    """An index as if only some documents had ever come in. Implements `SearchableTexts`.

    The others are filtered out before any cut-off, so that what is left is searched whole. Only how
    rare a keyword is, and how long passages are, is still counted with them.
    """

    def __init__(self, index: LocalIndex, filters: Filters) -> None:
        self._index = index
        self._filters = filters

    def search(
        self, query: str, collection: str, limit: int, filters: Filters | None = None
    ) -> list[Hit]:
        """The best chunks of those documents, best first, ranked from 1."""
        if filters:
            raise ValueError("a filtered index takes no filters of its own")
        return self._index.search(query, collection, limit, self._filters)

    def text_range(self, document_id: str, start: int, end: int) -> str:
        """The characters `text[start:end]` of a stored document."""
        return self._index.text_range(document_id, start, end)

    def alignment(self, document_id: str) -> Alignment:
        """How a document's text stands in its original."""
        return self._index.alignment(document_id)


class Quoth:
    """Implements `System` with Quoth's own search and answering."""

    def __init__(
        self,
        pieces: Pieces,
        ids: Mapping[tuple[str, str], str],
        *,
        retrieval_only: bool,
        gold_passages: bool = False,
    ) -> None:
        """`ids` are those of the stored documents by corpus and source; `gold_passages` has each
        question read in the documents that answer it and no other.
        """
        self._gold_passages = gold_passages
        self._pieces = pieces
        self._reader = _ReadOnce(pieces.reader)
        self._ids = ids
        self._retrieval_only = retrieval_only

    def respond(self, question: Question) -> Prediction:
        """Rank documents and answer."""
        index = self._corpus(question)
        ranked = tuple(hit.source for hit in best_hits(index, question))
        if self._retrieval_only:
            return Prediction(ranked)
        given = self._answer(question, index, self._pieces.threshold, self._reader)
        if given is None:
            return Prediction(ranked, answered=False, confidence=0.0)
        # What it would have said had it not declined: its most confident answer.
        at_hand = given
        if given.status == "no_answer":
            at_hand = self._answer(question, index, given.confidence, self._reader) or given
        return Prediction(
            ranked=_reranked(given.passages, ranked),
            answered=given.status == "answered",
            answer=at_hand.answer or "",
            answer_language=at_hand.answer_language,
            confidence=given.confidence,
            quotes=_quotes(at_hand.citations),
            alternatives=_quotes([c for other in at_hand.alternatives for c in other.citations]),
        )

    def milliseconds(self, question: Question) -> float:
        """Wall-clock time of one question asked as users ask, alone."""
        index = self._corpus(question)
        start = time.perf_counter()
        if self._retrieval_only:
            index.search(question.text, question.corpus, DEPTH)
        else:
            self._answer(question, index, self._pieces.threshold, self._pieces.reader)
        return (time.perf_counter() - start) * 1000

    def _corpus(self, question: Question) -> SearchableTexts:
        if self._gold_passages and question.documents:
            # No ids are no filter, so that where none came in an id stands that nothing has.
            gold = self._known(question.corpus, question.documents) or ("none",)
            return Filtered(self._pieces.index, Filters(document_ids=gold))
        if question.without:
            without = self._known(question.corpus, question.without)
            return Filtered(self._pieces.index, Filters(exclude_document_ids=without))
        return self._pieces.index

    def _known(self, corpus: str, sources: Sequence[str]) -> tuple[str, ...]:
        keys = [(corpus, source) for source in sources]
        return tuple(self._ids[key] for key in keys if key in self._ids)

    def _answer(
        self,
        question: Question,
        index: SearchableTexts,
        min_confidence: float | None,
        reader: Reader,
    ) -> Answer | None:
        """The answer; None to a question that is refused, or where nothing is left to search."""
        options = AnswerOptions(min_confidence, limit=DEPTH, collection=question.corpus)
        try:
            return answer(question.text, index, reader, self._pieces.models, options)
        except (EmptyCollection, InvalidQuestion):
            return None


def best_hits(index: SearchableTexts, question: Question, depth: int = DEPTH) -> list[Hit]:
    """The best chunk of each of the `depth` best documents, best first: a document ranks where its
    best chunk does. Fewer only where the corpus has no more.
    """
    limit = 3 * depth
    while True:
        hits = index.search(question.text, question.corpus, limit)
        best: dict[str, Hit] = {}
        for hit in hits:
            best.setdefault(hit.document_id, hit)
        if len(best) >= depth or len(hits) < limit:
            return list(best.values())[:depth]
        limit *= 4


def _reranked(passages: Sequence[Hit], ranked: Sequence[str]) -> tuple[str, ...]:
    """Documents in the reader's order, then the others as they were found."""
    return tuple(dict.fromkeys([*(hit.source for hit in passages), *ranked]))[:DEPTH]


class _ReadOnce:
    """A reader that keeps its last reading, for the second look at a question it declined."""

    def __init__(self, inner: Reader) -> None:
        self._inner = inner
        self._last: tuple[str, Sequence[Hit], list[Reading]] | None = None

    @property
    def name(self) -> str:
        """Which model reads, for people."""
        return self._inner.name

    def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
        """At most one reading a passage, the best first."""
        if self._last is None or self._last[:2] != (question, hits):
            self._last = (question, hits, self._inner.read(question, hits))
        return self._last[2]


def _quotes(citations: Sequence[Citation]) -> tuple[Quote, ...]:
    return tuple(Quote(c.source, c.quote, c.start, c.end) for c in citations)
