"""A `transformers` question-answering model over several passages at once."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from documents.types import Span
from index.embedder import batches

_QUESTION_PIECES = 64
"""Of a question, at most: what is longer is hardly a question, and the passage needs the room."""

_OVERLAP_PIECES = 128
"""By which the windows of a long passage overlap."""

_ANSWER_PIECES = 40
"""Of an answer, at most."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to read, and the ranges of it that may be quoted, ascending."""

    text: str
    quotable: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """A range of a passage that may be the answer. `score` is how much likelier the model holds it
    than that the passage does not answer, in logits: the sum of its first and last piece's over
    that of "not here".
    """

    span: Span
    score: float


class SpanModel:
    """Safe to call from several threads: the model runs one batch at a time, on all cores."""

    def __init__(self, model: Any, tokenizer: Any, name: str, batch_pieces: int = 4096) -> None:
        """`model` is a transformers question-answering model in evaluation mode, `tokenizer` its
        fast tokenizer; `batch_pieces` counts the word pieces of a batch, padding included.
        """
        self.name = name
        self._model = model
        self._tokenizer = tokenizer
        self._batch_pieces = batch_pieces
        self._window = min(int(getattr(model.config, "max_position_embeddings", 512)), 512)
        self._lock = threading.Lock()

    def find(self, question: str, passages: Sequence[Passage]) -> list[Found | None]:
        """The likeliest answer in each passage, in the order given; None where nothing in it can be
        quoted. One comes back also from a passage that does not answer: its score says so.
        """
        windows = self._windows(question, [passage.text for passage in passages])
        rows: list[Sequence[int]] = windows["input_ids"]
        best: list[Found | None] = [None] * len(passages)
        for batch in batches([len(row) for row in rows], self._batch_pieces):
            starts, ends = self._logits([rows[n] for n in batch])
            for row, n in enumerate(batch):
                owner = windows["overflow_to_sample_mapping"][n]
                kinds = windows.sequence_ids(n)
                passage = passages[owner]
                offsets = [_bare(passage.text, *pair) for pair in windows["offset_mapping"][n]]
                found = _best(starts[row], ends[row], kinds, offsets, passage.quotable)
                so_far = best[owner]
                if found is not None and (so_far is None or found.score > so_far.score):
                    best[owner] = found
        return best

    def _windows(self, question: str, texts: Sequence[str]) -> Any:
        asked = self._tokenizer(
            question,
            add_special_tokens=False,
            truncation=True,
            max_length=_QUESTION_PIECES,
            return_offsets_mapping=True,
        )["offset_mapping"]
        question = question[: asked[-1][1]] if asked else question
        return self._tokenizer(
            [question] * len(texts),
            list(texts),
            truncation="only_second",
            max_length=self._window,
            stride=_OVERLAP_PIECES,
            return_overflowing_tokens=True,
            return_offsets_mapping=True,
            verbose=False,
        )

    def _logits(
        self, rows: Sequence[Sequence[int]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        import torch

        features = self._tokenizer.pad({"input_ids": list(rows)}, return_tensors="pt")
        with self._lock, torch.inference_mode():
            output = self._model(**features)
        return output.start_logits.float().numpy(), output.end_logits.float().numpy()


def _best(
    starts: NDArray[np.float32],
    ends: NDArray[np.float32],
    kinds: Sequence[int | None],
    offsets: Sequence[tuple[int, int]],
    quotable: Sequence[Span],
) -> Found | None:
    """The best range in one window; "not here" is its first piece."""
    places = [n for n, kind in enumerate(kinds) if kind == 1 and _inside(offsets[n], quotable)]
    if not places:
        return None
    first, last = np.array(places), np.array(places)
    scores = starts[first][:, None] + ends[last][None, :]
    distance = last[None, :] - first[:, None]
    scores[(distance < 0) | (distance >= _ANSWER_PIECES)] = -np.inf
    i, j = np.unravel_index(int(scores.argmax()), scores.shape)
    span = Span(offsets[first[i]][0], offsets[last[j]][1])
    return Found(span, float(scores[i, j] - starts[0] - ends[0]))


def _bare(text: str, start: int, end: int) -> tuple[int, int]:
    """A piece's characters without the blank that some tokenizers count to it."""
    while start < end and text[start].isspace():
        start += 1
    return start, end


def _inside(offset: tuple[int, int], quotable: Sequence[Span]) -> bool:
    start, end = offset
    return start < end and any(span.start <= start and end <= span.end for span in quotable)
