"""Puts the parts together as the settings say."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from api import logs
from api.settings import Settings
from documents.chunk import ChunkOptions
from documents.load import LoadOptions
from index import embedder as embedders
from index.batching import BatchingEmbedder
from index.bundled import Progress
from index.ingest import IngestOptions
from index.local import LocalIndex, open_index
from index.neutral import with_map
from index.types import DEFAULT_COLLECTION, Embedder, Filters
from rag import read, reader_model, rerank, span_reader
from rag.answer import AnswerOptions, Found
from rag.answer_map import shipped_map
from rag.chat import Turn, converse
from rag.span_model import SpanModel
from rag.types import Answer, Models, Reader

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """An open index with a reader: everything that answering needs."""

    settings: Settings
    index: LocalIndex
    reader: Reader
    observe: Callable[[Answer], None] = lambda _answer: None

    def answer(
        self,
        question: str,
        collection: str = DEFAULT_COLLECTION,
        limit: int = 10,
        filters: Filters | None = None,
        min_confidence: float | None = None,
        history: Sequence[Turn] = (),
        found: Found = lambda _hits: None,
    ) -> Answer:
        """Answer as `rag.chat.converse` does; an unset `min_confidence` is the settings', and
        unset there the reader's.
        """
        if min_confidence is None:
            min_confidence = self.settings.min_confidence
        options = AnswerOptions(
            min_confidence=min_confidence, limit=limit, collection=collection, filters=filters
        )
        result = converse(question, history, self.index, self.reader, self.models, options, found)
        self.observe(result)
        return result

    @property
    def models(self) -> Models:
        """Names of the models in use."""
        return Models(self.index.embedder.name, self.reader.name)


def load_embedder(settings: Settings, progress: Progress = lambda _what, _share: None) -> Embedder:
    """The embedder as the settings say, with its language-neutral map.

    Raises:
        ModelUnavailable: with what to do about it.
    """
    embedder = embedders.load(settings.embedder_options(), progress)
    return with_map(embedder, settings.neutral_dir) if settings.neutral == "auto" else embedder


def build(
    settings: Settings,
    *,
    create: bool,
    progress: Progress = lambda _what, _share: None,
    batched: Callable[[int], None] | None = None,
) -> Engine:
    """Load the models and open the data folder; `create` makes a missing one. With `batched`,
    questions of several threads are embedded together, and it is told how many were.

    Raises:
        StorageError, EmbedderMismatch, ModelUnavailable: with what to do about it.
    """
    embedder = load_embedder(settings, progress)
    if batched is not None and settings.batch_queries:
        embedder = BatchingEmbedder(embedder, observe=batched)
    model = load_reader_model(settings, progress)
    reader = reader_with(model, embedder, settings)
    return Engine(settings, _index(settings, embedder, create=create), reader)


def build_index(
    settings: Settings, *, create: bool, progress: Progress = lambda _what, _share: None
) -> LocalIndex:
    """The data folder alone, for what needs no answers.

    Raises:
        StorageError, EmbedderMismatch, ModelUnavailable: with what to do about it.
    """
    return _index(settings, load_embedder(settings, progress), create=create)


def _index(settings: Settings, embedder: Embedder, *, create: bool) -> LocalIndex:
    return open_index(
        settings.data_dir,
        embedder,
        create=create,
        options=settings.search_options(),
        vectors=settings.vector_options(),
    )


def load_reader_model(
    settings: Settings, progress: Progress = lambda _what, _share: None
) -> SpanModel | None:
    """The model that reads; None where the settings want none.

    Raises:
        ModelUnavailable: with what to do about it.
    """
    if settings.reader == "sentences":
        return None
    cache = settings.embedder_options().cache
    return reader_model.load(settings.reader, cache, settings.precision, progress)


def reader_with(model: SpanModel | None, embedder: Embedder, settings: Settings) -> Reader:
    """The reader around its model, behind a reranker where the settings name one.

    Raises:
        ModelUnavailable: the reranker cannot be loaded.
    """
    reader: Reader
    if model is None:
        sentences = read.default_calibration()
        _warn_unless(sentences.embedder == embedder.identity, embedder.name, settings)
        reader = read.SentenceReader(embedder, shipped_map(embedder.identity))
    else:
        spans = span_reader.default_calibration()
        pair = f"{embedder.identity} + {model.name}"
        _warn_unless(spans.models == pair, f"{embedder.name} with {model.name}", settings)
        reader = span_reader.SpanReader(model, embedder, spans)
    if settings.reranker:
        _warn_unless(False, f"the order of {settings.reranker}", settings)
        reader = rerank.load(settings.reranker, reader, settings.precision)
    return reader


def default_thresholds(model: SpanModel | None) -> tuple[float, ...]:
    """What an answer must reach where nobody says otherwise: of the reader around a model, where
    the first passage is in the question's language and where it is not; else one.
    """
    if model is None:
        return (read.default_calibration().threshold,)
    return span_reader.default_calibration().thresholds


def _warn_unless(calibrated: bool, name: str, settings: Settings) -> None:
    if not calibrated and settings.min_confidence is None:
        log.warning("confidence is not calibrated for %s: set QUOTH_MIN_CONFIDENCE", name)


def ingest_options(settings: Settings) -> IngestOptions:
    """What ingestion needs of the settings."""
    return IngestOptions(
        LoadOptions(max_bytes=settings.max_document_bytes),
        ChunkOptions(max_tokens=settings.chunk_tokens),
    )


def set_up_logging(settings: Settings) -> None:
    """Log lines go to standard error, so that standard output holds results alone."""
    logs.set_up(settings.log_level, settings.log_format)
