"""The questions that went worst, each with the evidence it should have found and what it found."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rag.evaluation.scoring import is_verified
from rag.evaluation.types import Question, Quote, Scored, Texts

AROUND = 160
"""Characters of context on each side of what is highlighted."""

_HEAD = 400


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text, highlighted or not."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """An excerpt of a document; `verified` is false where a quote is not in it as claimed."""

    source: str
    language: str
    pieces: tuple[Piece, ...]
    verified: bool = True


@dataclass(frozen=True, slots=True)
class Failure:
    """A question that went wrong. `found_is_quote` tells quotes from the passage ranked first."""

    kind: str
    row: Scored
    rank: int | None
    expected: tuple[Evidence, ...]
    found: tuple[Evidence, ...]
    found_is_quote: bool


def worst(
    rows: Sequence[Scored], texts: Mapping[str, Texts], limit: int = 40
) -> tuple[Failure, ...]:
    """The `limit` worst failures: wrong answers by falling confidence, then right documents that
    were not ranked or ranked low, then right answers that were withheld. Ties by question id.
    """
    failed = [(key, row) for row in rows if (key := _severity(row)) is not None]
    failed.sort(key=lambda entry: (entry[0], entry[1].question.id))
    return tuple(_failure(row, texts[row.question.corpus]) for _key, row in failed[:limit])


def gold_rank(row: Scored) -> int | None:
    """The rank of the first document that holds the answer, from 1; None where none is ranked."""
    for rank, source in enumerate(row.prediction.ranked or (), 1):
        if source in row.question.documents:
            return rank
    return None


def _severity(row: Scored) -> tuple[int, float] | None:
    """Smaller is worse; None is no failure."""
    prediction = row.prediction
    if prediction.answered and not row.correct:
        return (0, -(prediction.confidence or 0.0))
    if not row.question.answerable:
        return None
    if prediction.ranked is not None and row.scores["retrieval.recall@1"] == 0:
        return (1, -float(gold_rank(row) or len(prediction.ranked) + 1))
    if prediction.answered is False:
        return (2, -(prediction.confidence or 0.0))
    return None


def _failure(row: Scored, texts: Texts) -> Failure:
    prediction, rank = row.prediction, gold_rank(row)
    quotes = prediction.quotes if prediction.answered else ()
    top = (prediction.ranked or ())[:1] if not quotes else ()
    return Failure(
        kind=_kind(row, rank),
        row=row,
        rank=rank,
        expected=tuple(_gold(row.question, source, texts) for source in row.question.documents),
        found=(
            *(_quoted(quote, texts) for quote in quotes),
            *(_excerpt(source, texts) for source in top),
        ),
        found_is_quote=bool(quotes),
    )


def _kind(row: Scored, rank: int | None) -> str:
    if row.prediction.answered and not row.question.answerable:
        return "answered, though the documents do not say"
    if row.prediction.answered:
        return "answered wrongly"
    if row.prediction.ranked is None or rank == 1:
        return "withheld the right answer" if row.correct else "declined, and had no right answer"
    return f"ranked {rank}" if rank else "not found"


def _gold(question: Question, source: str, texts: Texts) -> Evidence:
    text = texts.canonical.get(source, "")
    language = texts.languages.get(source, "")
    for gold in question.answers:
        start = text.find(gold.text)
        if start >= 0:
            return Evidence(source, language, _around(text, start, start + len(gold.text)))
    return _excerpt(source, texts)


def _quoted(quote: Quote, texts: Texts) -> Evidence:
    source = quote.document_id
    language = texts.languages.get(source, "")
    for text in (texts.canonical.get(source, ""), texts.original.get(source, "")):
        if 0 <= quote.start < quote.end and text[quote.start : quote.end] == quote.quote:
            return Evidence(source, language, _around(text, quote.start, quote.end))
    claimed = (Piece(quote.quote, marked=True),)
    return Evidence(source, language, claimed, verified=is_verified(quote, texts))


def _excerpt(source: str, texts: Texts) -> Evidence:
    text = texts.canonical.get(source, "")
    shown = text[:_HEAD] + ("…" if len(text) > _HEAD else "")
    return Evidence(source, texts.languages.get(source, ""), (Piece(shown),))


def _around(text: str, start: int, end: int) -> tuple[Piece, ...]:
    return tuple(piece for piece in _pieces(text, start, end) if piece.text)


def _pieces(text: str, start: int, end: int) -> Iterator[Piece]:
    first, last = max(0, start - AROUND), min(len(text), end + AROUND)
    yield Piece(("…" if first else "") + text[first:start])
    yield Piece(text[start:end], marked=True)
    yield Piece(text[end:last] + ("…" if last < len(text) else ""))
