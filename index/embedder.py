"""The embedder: a sentence-transformers model, its prefixes, and batches of even work."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from index import bundled, interrupt
from index.errors import ModelUnavailable
from index.model_thread import ModelThread
from index.types import Vectors

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

PADDED_TO = 16
"""Tokens by whose multiples batches are long. For each shape of a batch torch keeps what it made to
compute it, up to a thousand of them: hundreds of megabytes where every length is one.
"""

Precision = Literal["auto", "float32", "bfloat16"]


@dataclass(frozen=True, slots=True)
class EmbedderOptions:
    """`model`: "default" for the bundled one, else a sentence-transformers name or folder.
    `batch_tokens`: tokens of a batch, padding included (at least one text goes in).
    `cache`: where the prepared default model is kept.
    """

    cache: Path
    model: str = "default"
    precision: Precision = "auto"
    batch_tokens: int = 1024


class SentenceTransformerEmbedder:
    """Implements `Embedder` with sentence-transformers. Safe to call from several threads: the
    model runs one batch at a time, on all cores, first come first served.
    """

    def __init__(self, model: "SentenceTransformer", name: str, options: EmbedderOptions) -> None:
        self.model = model
        self._tokenizer: Any = model.tokenizer
        self._options = options
        self._on_thread = ModelThread("quoth-embedder")
        self._lock = threading.Lock()
        self._query_prefix, self._passage_prefix = _prefixes(model, name)
        dimension = model.get_embedding_dimension()
        if not dimension:
            raise ModelUnavailable(
                f"The model {name} gives no vectors of one size: choose another."
            )
        self.dimension: int = dimension
        self.name = name
        self.identity = f"{name} ({dimension}; {self._query_prefix}|{self._passage_prefix})"
        special = 2 + len(self._encode([self._passage_prefix], special=False)[0])
        self._window = min(int(model.max_seq_length or 512), 8192)
        self.max_tokens = self._window - special

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, without prefix and special tokens."""
        return [len(ids) for ids in self._encode(texts, special=False)]

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that may be found."""
        return self._embed([self._passage_prefix + text for text in texts])

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Vectors of texts that look for others."""
        return self._embed([self._query_prefix + text for text in texts])

    def _encode(self, texts: Sequence[str], *, special: bool) -> list[list[int]]:
        if not texts:
            return []
        with self._lock:  # whether it truncates is a state of the tokenizer
            encoded = self._tokenizer(
                list(texts),
                add_special_tokens=special,
                truncation=special,
                max_length=self._window if special else None,
                return_attention_mask=False,
                return_token_type_ids=False,
                verbose=False,
            )
        ids: list[list[int]] = encoded["input_ids"]
        return ids

    def _embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.empty((len(texts), self.dimension), np.float32)
        ids = self._encode(texts, special=True)
        for batch in batches([len(row) for row in ids], self._options.batch_tokens):
            interrupt.check()
            features = self._tokenizer.pad(
                {"input_ids": [ids[i] for i in batch]},
                pad_to_multiple_of=padding(self._window),
                return_tensors="pt",
            )
            vectors[batch] = self._on_thread(partial(self._forward, dict(features)))
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        normalised: Vectors = vectors / np.maximum(lengths, 1e-12)
        return normalised

    def _forward(self, features: dict[str, Any]) -> Vectors:
        import torch

        with torch.inference_mode():
            vectors: Vectors = self.model(features)["sentence_embedding"].float().numpy()
        return vectors


def padding(window: int) -> int | None:
    """To what multiple a batch is padded; None where that would not fit a model's window."""
    return PADDED_TO if window % PADDED_TO == 0 else None


def batches(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Positions of texts, grouped so that a group padded to its longest text stays within `budget`
    tokens. Texts of like length go together, the longest first: little padding, and the peak of
    memory comes at once.
    """
    order = sorted(range(len(lengths)), key=lambda position: -lengths[position])
    batch: list[int] = []
    for position in order:
        if batch and (len(batch) + 1) * lengths[batch[0]] > budget:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch


def load(
    options: EmbedderOptions, progress: bundled.Progress = lambda _what, _share: None
) -> SentenceTransformerEmbedder:
    """Load the embedder, preparing the default model first where that is needed.

    Raises:
        ModelUnavailable: it is not there, cannot be read, or gives no vectors.
    """
    is_default = options.model == "default"
    path = str(bundled.prepare(options.cache, progress)) if is_default else options.model
    name = bundled.NAME if is_default else options.model
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    dtype = torch.bfloat16 if use_bfloat16(options.precision) else torch.float32
    settings: dict[str, Any] = {"dtype": dtype}
    if is_default:
        settings["add_pooling_layer"] = False  # the bundle has none, and mean pooling needs none
    try:
        model = SentenceTransformer(path, device="cpu", model_kwargs=settings)
    except (OSError, ValueError) as error:
        raise ModelUnavailable(
            f"The embedder {options.model!r} cannot be loaded: name a sentence-transformers folder "
            "on this machine, or unset QUOTH_EMBEDDER to use the default model."
        ) from error
    model.eval()
    return SentenceTransformerEmbedder(model, name, options)


def use_bfloat16(precision: Precision) -> bool:
    """Whether the processor multiplies bfloat16 matrices by itself (AMX or AVX-512 BF16)."""
    if precision != "auto":
        return precision == "bfloat16"
    try:
        flags = Path("/proc/cpuinfo").read_text("ascii", errors="ignore")
    except OSError:
        return False
    return "amx_bf16" in flags or "avx512_bf16" in flags


def _prefixes(model: "SentenceTransformer", name: str) -> tuple[str, str]:
    """What the model wants before a query and before a passage, from its own configuration."""
    prompts = {key: value or "" for key, value in (model.prompts or {}).items()}
    passage = prompts.get("document") or prompts.get("passage") or ""
    query = prompts.get("query", "")
    if not query and not passage and "e5" in name.lower().split("/")[-1].split("-"):
        return "query: ", "passage: "
    return query, passage
