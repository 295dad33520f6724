"""Passages that the search brings for a question and that do not answer it.

A reader that has only seen easy ones takes whatever is about the matter for an answer. These come
from all sets of questions at once, so that many are in another language than the question.
"""

from collections.abc import Sequence

import numpy as np

from index.types import Embedder
from rag.evaluation.metrics import contains_answer
from training.reader_examples import TITLED, Paragraph, Text

NEAREST = 12
"""Passages that are looked at for a question."""
KEPT = 4
"""Of those that do not answer, the nearest, one of which is drawn."""
_BLOCK = 512


class NearMisses:
    """Paragraphs, embedded once."""

    def __init__(self, embedder: Embedder, paragraphs: Sequence[Paragraph]) -> None:
        self._embedder = embedder
        self._paragraphs = paragraphs
        self._vectors = embedder.embed_passages([one.text for one in paragraphs])

    def of(self, texts: Sequence[Text], rng: np.random.Generator) -> list[Text]:
        """Each question with a near paragraph that does not hold its answer; questions that have
        none, or no answer themselves, are left out.
        """
        answered = [text for text in texts if text.end]
        found: list[Text] = []
        for start in range(0, len(answered), _BLOCK):
            part = answered[start : start + _BLOCK]
            asked = self._embedder.embed_queries([text.question for text in part])
            for text, scores in zip(part, asked @ self._vectors.T, strict=True):
                nearest = np.argsort(-scores)[:NEAREST].tolist()
                misses = [n for n in nearest if not _answers(self._paragraphs[n], text)][:KEPT]
                if misses:
                    miss = self._paragraphs[int(rng.choice(misses))]
                    passage = miss.titled() if rng.random() < TITLED else miss.text
                    found.append(Text(text.question, passage, 0, 0, text.asked, miss.language))
        return found


def _answers(paragraph: Paragraph, text: Text) -> bool:
    gold = text.passage[text.start : text.end]
    return paragraph.text in text.passage or bool(contains_answer(paragraph.text, [gold]))
