"""The reader's model: the default one, put together from an artifact and the default embedder, or
any other question-answering model of `transformers`.

The artifact holds the layers that were fine-tuned (`training/train_reader.py`), 8 bits a weight
with a scale a row; word embeddings and tokenizer are the default embedder's. Together they make an
ordinary model folder in the cache.
"""

import functools
import hashlib
import json
import shutil
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load_file, save_file

from index import bundled, prepared
from index.embedder import Precision, use_bfloat16
from index.errors import ModelUnavailable
from rag.span_model import SpanModel

NAME = "quoth-reader-small"
ARTIFACT = "reader-multilingual-e5-small.safetensors"
_WORDS = "embeddings.word_embeddings.weight"


def artifact_path() -> Path:
    """Where the shipped weights are."""
    return Path(str(files("rag") / ARTIFACT))


def folder(cache: Path) -> Path:
    """Where the prepared reader is, or will be: another artifact, or another default embedder, has
    another folder.
    """
    named = _artifact_digest() + bundled.folder(cache).name
    return cache / f"{NAME}-{hashlib.sha256(named.encode()).hexdigest()[:12]}"


@functools.cache
def _artifact_digest() -> str:
    return prepared.sha256(artifact_path())


def is_prepared(cache: Path) -> bool:
    """Whether the reader stands in `cache`, every file with the size it was written with."""
    return prepared.is_whole(folder(cache))


def verify(cache: Path) -> bool:
    """Whether every file of the prepared reader still has the SHA-256 it was written with."""
    return prepared.verify(folder(cache))


def prepare(cache: Path, progress: bundled.Progress = lambda _what, _share: None) -> Path:
    """The folder of the prepared reader, made first where it is missing or not whole.

    Raises:
        ModelUnavailable: the default embedder cannot be prepared, or the cache cannot be written.
    """
    target = folder(cache)
    if is_prepared(cache):
        return target
    base = bundled.prepare(cache, progress)
    progress("putting the reader together", 0.0)
    try:
        prepared.write(target, ARTIFACT, lambda work: _write(base, work))
    except OSError as error:
        raise ModelUnavailable(
            f"The reader cannot be written to {cache} ({error.strerror or error}): make room "
            "there, or set QUOTH_CACHE_DIR to a folder that can be written."
        ) from error
    progress("ready", 1.0)
    return target


def load(
    model: str,
    cache: Path,
    precision: Precision = "auto",
    progress: bundled.Progress = lambda _what, _share: None,
) -> SpanModel:
    """Load a reader: "default", or the name or folder of a `transformers` question-answering model.

    Raises:
        ModelUnavailable: it is not there, or is no such model.
    """
    path = str(prepare(cache, progress)) if model == "default" else model
    import torch
    from transformers import AutoModelForQuestionAnswering, AutoTokenizer
    from transformers.utils import logging as transformers_logging

    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
    dtype = torch.bfloat16 if use_bfloat16(precision) else torch.float32
    try:
        network: Any
        # Attention written out is a tenth faster on a processor than torch's fused one.
        network, about = AutoModelForQuestionAnswering.from_pretrained(
            path, dtype=dtype, attn_implementation="eager", output_loading_info=True
        )
        tokenizer: Any = AutoTokenizer.from_pretrained(path)
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelUnavailable(_advice(model)) from error
    # Of any other model the weights that answer would be made up.
    if any(name.startswith("qa_outputs") for name in about["missing_keys"]):
        raise ModelUnavailable(
            f"The reader {model!r} was not trained to answer questions: name the folder of a "
            "question-answering model, or unset QUOTH_READER to use the default one."
        )
    if not tokenizer.is_fast:
        raise ModelUnavailable(
            f"The reader {model!r} has no fast tokenizer, so that its answers have no place in the "
            "text: choose another."
        )
    return SpanModel(network.eval(), tokenizer, NAME if model == "default" else model)


def _advice(model: str) -> str:
    if model == "default":
        return (
            "The prepared reader cannot be loaded: check it with `quoth models --verify`, and "
            "remove the folder that this names to have it made again."
        )
    return (
        f"The reader {model!r} cannot be loaded: name the folder of a question-answering model on "
        "this machine, or unset QUOTH_READER to use the default one."
    )


def pack(weights: dict[str, NDArray[np.float32]], path: Path, about: dict[str, str]) -> None:
    """Write weights in 8 bits: a matrix as whole numbers -127 to 127 with a half-precision scale a
    row, everything else in half precision.
    """
    packed: dict[str, NDArray[Any]] = {}
    for name, values in weights.items():
        if values.ndim == 2:
            scale = (np.abs(values).max(axis=1, keepdims=True) / 127).astype(np.float16)
            scale = np.maximum(scale, np.float16(1e-7))
            packed[name] = np.round(values / scale.astype(np.float32)).clip(-127, 127).astype("i1")
            packed[f"{name}:scale"] = scale
        else:
            packed[name] = values.astype(np.float16)
    save_file(packed, path, about)


def unpack(path: Path) -> dict[str, NDArray[np.float32]]:
    """The weights that `pack` wrote."""
    stored = load_file(path)
    weights = {}
    for name, values in stored.items():
        if not name.endswith(":scale"):
            scale = stored.get(f"{name}:scale")
            weights[name] = values.astype(np.float32)
            if scale is not None:
                weights[name] *= scale.astype(np.float32)
    return weights


def _write(base: Path, work: Path) -> None:
    weights = {name: values.astype(np.float16) for name, values in unpack(artifact_path()).items()}
    with safe_open(base / "model.safetensors", "numpy") as tensors:
        words = next(name for name in tensors.keys() if name.endswith(_WORDS))  # noqa: SIM118
        weights[f"bert.{_WORDS}"] = tensors.get_tensor(words).astype(np.float16)
    save_file(weights, work / "model.safetensors", {"format": "pt"})
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(base / name, work / name)
    config = json.loads((base / "config.json").read_text("utf-8"))
    config["architectures"] = ["BertForQuestionAnswering"]
    (work / "config.json").write_text(json.dumps(config, indent=1), "utf-8")
