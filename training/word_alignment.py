"""Which word pieces of two translations of a sentence mean the same.

The pieces' hidden states in a middle layer of the default encoder, each language's mean taken away,
are compared by cosine; two pieces are aligned when each is the other's best (the "mutual argmax" of
Jalili Sabet et al. 2020, "SimAlign"). No dictionary and no parallel corpus is needed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch

LAYER = 7
"""Of 12. Here the most pieces find a mutual partner; the last layers have turned to whole texts."""

_BATCH = 64


@dataclass(frozen=True, slots=True)
class Sentence:
    """A text cut into word pieces: `offsets` are their ranges of characters, and `states` their
    centred unit vectors, shape (pieces, width).
    """

    text: str
    offsets: tuple[tuple[int, int], ...]
    states: torch.Tensor


class Aligner:
    """Encodes sentences and aligns them."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        """`model` is a transformers BERT, which loses the layers that are not needed, `tokenizer`
        its fast tokenizer.
        """
        self._model = model.eval()
        del self._model.encoder.layer[LAYER:]
        self._tokenizer = tokenizer

    def encode(self, texts: Sequence[str]) -> list[Sentence]:
        """Sentences of one language, in the order given."""
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))
        found: dict[int, tuple[str, list[tuple[int, int]], torch.Tensor]] = {}
        for start in range(0, len(order), _BATCH):
            part = order[start : start + _BATCH]
            found.update(zip(part, self._states([texts[n] for n in part]), strict=True))
        raw = [found[n] for n in range(len(texts))]
        mean = torch.cat([states for _text, _offsets, states in raw]).mean(0)
        return [
            Sentence(
                text, tuple(offsets), torch.nn.functional.normalize(states - mean, dim=-1).half()
            )
            for text, offsets, states in raw
        ]

    def _states(
        self, texts: Sequence[str]
    ) -> Iterator[tuple[str, list[tuple[int, int]], torch.Tensor]]:
        encoded = self._tokenizer(
            list(texts),
            return_tensors="pt",
            padding=True,
            truncation=True,
            max_length=200,
            return_offsets_mapping=True,
        )
        offsets = encoded.pop("offset_mapping").tolist()
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            hidden = self._model(**encoded).last_hidden_state
        for row, text in enumerate(texts):
            end = int(encoded["attention_mask"][row].sum()) - 1
            pieces = [(start, stop) for start, stop in offsets[row][1:end]]
            yield text, pieces, hidden[row, 1:end].float()


def align(left: Sentence, right: Sentence) -> dict[int, int]:
    """Pieces of `left` → pieces of `right`, one to one."""
    if not left.offsets or not right.offsets:
        return {}
    similarity = left.states.float() @ right.states.float().T
    forth, back = similarity.argmax(1).tolist(), similarity.argmax(0).tolist()
    return {i: j for i, j in enumerate(forth) if back[j] == i}


def project(links: dict[int, int], first: int, last: int) -> tuple[int, int] | None:
    """The range of right pieces that says what left pieces `first` to `last` (inclusive) say; None
    where the links do not show one: too few of the pieces are linked, the range is far longer, or
    a piece in it belongs to something outside.
    """
    found = sorted(links[i] for i in range(first, last + 1) if i in links)
    length = last - first + 1
    if not found or len(found) < 0.5 * length:
        return None
    start, end = found[0], found[-1]
    if end - start + 1 > 2 * length + 2:
        return None
    for i, j in links.items():
        if start <= j <= end and not first <= i <= last:
            return None
    return start, end
