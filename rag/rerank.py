"""Another model's order of the passages: any cross-encoder of sentence-transformers."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from safetensors import SafetensorError

from index import interrupt
from index.embedder import Precision, use_bfloat16
from index.errors import ModelUnavailable
from index.model_thread import ModelThread
from index.terms import passage_text
from index.types import Hit
from rag.types import Reader, Reading

_BATCH = 16
"""Passages scored at a time."""


class RerankingReader:
    """Implements `Reader`: what another reader finds, in the order of a cross-encoder's scores of
    question and passage. Confidence stays the reader's, so that thresholds mean what they meant.
    Safe to call from several threads: the cross-encoder runs one batch at a time.
    """

    def __init__(self, reader: Reader, model: Any, name: str) -> None:
        """`model` is a sentence-transformers CrossEncoder with one score a pair."""
        self._reader = reader
        self._model = model
        self._on_thread = ModelThread("quoth-reranker")
        self.name = f"{reader.name}, reranked by {name}"

    def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
        """The reader's readings, the best passage first."""
        readings = self._reader.read(question, hits)
        scores: list[float] = []
        for start in range(0, len(readings), _BATCH):
            interrupt.check()
            pairs = [
                (question, passage_text(reading.hit.text, reading.hit.headings))
                for reading in readings[start : start + _BATCH]
            ]
            scores.extend(self._on_thread(partial(self._scores, pairs)))
        scored = [replace(r, score=s) for r, s in zip(readings, scores, strict=True)]
        return sorted(scored, key=lambda reading: (-reading.score, reading.hit.rank))

    def _scores(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        values = self._model.predict(pairs, batch_size=_BATCH, show_progress_bar=False)
        return [float(value) for value in values]


def load(model: str, reader: Reader, precision: Precision = "auto") -> RerankingReader:
    """Load a cross-encoder by name or folder and put it behind a reader.

    Raises:
        ModelUnavailable: it is not there, or does not give one score a pair.
    """
    import torch
    from sentence_transformers import CrossEncoder

    dtype = torch.bfloat16 if use_bfloat16(precision) else torch.float32
    try:
        network = CrossEncoder(model, device="cpu", model_kwargs={"dtype": dtype})
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelUnavailable(
            f"The reranker {model!r} cannot be loaded: name the folder of a cross-encoder on this "
            "machine, or unset QUOTH_RERANKER."
        ) from error
    # Of any other model the weights that score would be made up.
    kinds = getattr(network.config, "architectures", None) or []
    if not any(kind.endswith("ForSequenceClassification") for kind in kinds):
        raise ModelUnavailable(
            f"The reranker {model!r} is no cross-encoder ({', '.join(kinds) or 'unknown'}): "
            "name the folder of one, or unset QUOTH_RERANKER."
        )
    if network.num_labels != 1:
        raise ModelUnavailable(
            f"The reranker {model!r} gives {network.num_labels} scores a passage, and one is "
            "needed: choose another."
        )
    return RerankingReader(reader, network, model)
