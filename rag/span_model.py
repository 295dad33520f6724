"""A `transformers` question-answering model over several passages at once."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import regex
from numpy.typing import NDArray

from documents.types import Span
from index import interrupt
from index.embedder import batches, padding
from index.model_thread import ModelThread
from rag.particles import without_particles
from rag.trim import trimmed

_QUESTION_SHARE = 8
"""A question gets this part of a window at most: the passage needs the room."""

_OVERLAP_SHARE = 4
"""Windows of a long passage overlap by this part of a window."""

_ANSWER_PIECES = 40
"""Of an answer, at most."""

_WORD = regex.compile(
    r"(?<!\p{Nd}[.,٫]?)(?:\p{Nd}{1,3}(?:[.,٬’' \u00a0\u202f]\p{Nd}{3})+(?!\p{Nd})(?:[.,٫]\p{Nd}+)?"
    r"|\p{Nd}+[.,٫]\p{Nd}+(?![.,٫]?\p{Nd})|\p{Nd}+)"
    r"|(?:[\p{Latin}\p{Greek}\p{Cyrillic}\p{Devanagari}]\p{M}*)+"
)
"""Words and numbers, in scripts that part words by blanks and join nothing else to them."""

_WORD_REACH = 40
"""Characters before a range in which a word that it cuts begins."""

_LIKELIEST = 20
"""Ranges of a window that are weighed against each other."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to read, and the ranges of it that may be quoted, ascending."""

    text: str
    quotable: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A range of a passage that may be the answer. `score` is how much likelier the model holds the
    likeliest range than that the passage does not answer, in logits: the sum of its first and last
    piece's over that of "not here".
    """

    span: Span
    score: float


class SpanModel:
    """Safe to call from several threads: the model runs one batch at a time, on all cores, first
    come first served.
    """

    def __init__(self, model: Any, tokenizer: Any, name: str, batch_pieces: int = 512) -> None:
        """`model` is a transformers question-answering model in evaluation mode, `tokenizer` its
        fast tokenizer; `batch_pieces` counts the word pieces of a batch, padding included: of two
        or three passages, whose states stay in the processor's cache from layer to layer.
        """
        self.name = name
        self._model = model
        self._tokenizer = tokenizer
        self._batch_pieces = batch_pieces
        self._window = min(int(getattr(model.config, "max_position_embeddings", 512)), 512)
        self._lock = threading.Lock()
        self._on_thread = ModelThread("quoth-reader")

    def find(self, question: str, passages: Sequence[Passage]) -> list[Found | None]:
        """The likeliest answer in each passage, in the order given; None where nothing in it can be
        quoted. One comes back also from a passage that does not answer: its score says so.
        """
        if not passages:
            return []
        with self._lock:  # a tokenizer's truncation is a state of it
            windows = self._windows(question, [passage.text for passage in passages])
        rows: list[Sequence[int]] = windows["input_ids"]
        # Models that were trained with them need segments; the default one has none.
        names = [name for name in ("input_ids", "token_type_ids") if name in windows]
        best: list[Found | None] = [None] * len(passages)
        for batch in batches([len(row) for row in rows], self._batch_pieces):
            interrupt.check()
            starts, ends = self._on_thread(
                partial(self._logits, {name: [windows[name][n] for n in batch] for name in names})
            )
            for row, n in enumerate(batch):
                owner = windows["overflow_to_sample_mapping"][n]
                passage = passages[owner]
                pairs = zip(windows.sequence_ids(n), windows["offset_mapping"][n], strict=True)
                places = {
                    piece: span
                    for piece, (kind, offsets) in enumerate(pairs)
                    if kind == 1
                    and (span := _bare(passage.text, *offsets)) is not None
                    and any(s.start <= span.start and span.end <= s.end for s in passage.quotable)
                }
                if not places:
                    continue
                first, last, score = _best(starts[row], ends[row], list(places))
                so_far = best[owner]
                if so_far is None or score > so_far.score:
                    span = without_particles(passage.text, places[first], places[last])
                    best[owner] = Found(trimmed(passage.text, _whole(passage, span)), score)
        return best

    def _windows(self, question: str, texts: Sequence[str]) -> Any:
        asked = self._tokenizer(
            question, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )["offset_mapping"][-(self._window // _QUESTION_SHARE) :]
        # Of a question that is too long the end is kept, where the asking mostly is.
        question = question[asked[0][0] :] if asked else question
        return self._tokenizer(
            [question] * len(texts),
            list(texts),
            truncation="only_second",
            max_length=self._window,
            stride=self._window // _OVERLAP_SHARE,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            verbose=False,
        )

    def _logits(
        self, rows: Mapping[str, Sequence[Sequence[int]]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        import torch

        with self._lock:
            features = self._tokenizer.pad(
                dict(rows), pad_to_multiple_of=padding(self._window), return_tensors="pt"
            )
        with torch.inference_mode():
            output = self._model(**features)
        return output.start_logits.float().numpy(), output.end_logits.float().numpy()


def _best(
    starts: NDArray[np.float32], ends: NDArray[np.float32], places: Sequence[int]
) -> tuple[int, int, float]:
    """The first and last piece of the best range in one window, whose first piece is "not here",
    and the score of `Found`; `places` are the pieces that may be quoted.
    """
    pieces = np.array(places)
    scores = starts[pieces][:, None] + ends[pieces][None, :]
    distance = pieces[None, :] - pieces[:, None]
    scores[(distance < 0) | (distance >= _ANSWER_PIECES)] = -np.inf
    first, last = _agreed(scores)
    return int(pieces[first]), int(pieces[last]), float(scores.max() - starts[0] - ends[0])


def _agreed(scores: NDArray[np.float32]) -> tuple[int, int]:
    """The range that the likeliest ranges agree on: its expected F1 with them is the highest
    (minimum Bayes risk decoding). `scores` are logits by first and last piece.
    """
    likeliest = np.argsort(-scores, axis=None, kind="stable")[:_LIKELIEST]
    firsts, lasts = np.unravel_index(likeliest, scores.shape)
    possible = np.isfinite(scores[firsts, lasts])
    firsts, lasts = firsts[possible], lasts[possible]
    weights = np.exp(scores[firsts, lasts] - scores.max())
    shared = np.minimum(lasts[:, None], lasts) - np.maximum(firsts[:, None], firsts) + 1
    lengths = lasts - firsts + 1
    f1 = 2 * shared.clip(min=0) / (lengths[:, None] + lengths)
    best = int((f1 @ weights).argmax())
    return int(firsts[best]), int(lasts[best])


def _whole(passage: Passage, span: Span) -> Span:
    """A range without half a number or half a word at its ends: 33 of 33,000."""
    text = passage.text
    quotable = next(s for s in passage.quotable if s.start <= span.start < s.end)
    last = next(s for s in passage.quotable if s.start < span.end <= s.end)
    for match in _WORD.finditer(text, max(quotable.start, span.start - _WORD_REACH), last.end):
        if match.start() < span.start < match.end():
            span = Span(match.start(), span.end)
        if match.start() < span.end < match.end():
            span = Span(span.start, match.end())
        if match.start() >= span.end:
            break
    return span


def _bare(text: str, start: int, end: int) -> Span | None:
    """A piece's characters without the blank that some tokenizers count to it."""
    while start < end and text[start].isspace():
        start += 1
    return Span(start, end) if start < end else None
