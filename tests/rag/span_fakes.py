"""A question-answering model whose answers can be foretold, behind the seam of `SpanModel`."""

from types import SimpleNamespace
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, PreTrainedTokenizerFast

from rag.span_model import SpanModel

WORDS = ["<s>", "<pad>", "</s>", "<unk>"]


def word_tokenizer() -> PreTrainedTokenizerFast:
    """One piece a word; unknown words are all alike, but those of a passage that are like "gold7"
    score 7.
    """
    vocabulary = {word: n for n, word in enumerate(WORDS)}
    vocabulary |= {f"gold{n}": len(WORDS) + n for n in range(20)}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", cls_token="<s>", sep_token="</s>"
    )


def one_layer(**options: Any) -> BertConfig:
    """Of a real model for these words, as small as one can be."""
    return BertConfig(
        vocab_size=len(word_tokenizer()), hidden_size=16, num_hidden_layers=1,
        num_attention_heads=2, intermediate_size=16, **options,
    )  # fmt: skip


class GoldModel:
    """Points at the words goldN, the surer the higher N is; "not here" has the logits 1 and 1."""

    config = SimpleNamespace(max_position_embeddings=48)

    def __init__(self) -> None:
        self.rows: list[int] = []

    def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, **_: Any) -> Any:
        self.rows.append(len(input_ids))
        logits = (input_ids - len(WORDS)).clamp(min=-9).float()
        logits[:, 0] = 1.0
        return SimpleNamespace(start_logits=logits, end_logits=logits.clone())


def gold_model(batch_pieces: int = 4096) -> SpanModel:
    """The fake as a `SpanModel` with windows of 48 pieces."""
    return SpanModel(GoldModel(), word_tokenizer(), "gold", batch_pieces)
