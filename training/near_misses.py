"""Passages that the search brings for a question and that do not answer it.

A reader that has only seen easy ones takes whatever is about the matter for an answer. These come
from all sets of questions at once, so that many are in another language than the question.
"""

from collections.abc import Iterator, Sequence

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
        self.embedder = embedder
        self.paragraphs = paragraphs
        self._vectors = embedder.embed_passages([one.text for one in paragraphs])

    def of(self, texts: Sequence[Text], rng: np.random.Generator) -> list[Text]:
        """Each question with a near paragraph that does not hold its answer; questions that have
        none, or no answer themselves, are left out.
        """
        found: list[Text] = []
        for text, misses in self.beside(texts, NEAREST):
            if misses:
                miss = misses[:KEPT][int(rng.integers(len(misses[:KEPT])))]
                found.append(missed(text, miss, rng))
        return found

    def beside(self, texts: Sequence[Text], nearest: int) -> Iterator[tuple[Text, list[Paragraph]]]:
        """Each question that has an answer, and of the `nearest` paragraphs those that do not hold
        it, nearest first.
        """
        answered = [text for text in texts if text.end]
        for start in range(0, len(answered), _BLOCK):
            part = answered[start : start + _BLOCK]
            asked = self.embedder.embed_queries([text.question for text in part])
            for text, scores in zip(part, asked @ self._vectors.T, strict=True):
                near = [self.paragraphs[n] for n in np.argsort(-scores)[:nearest].tolist()]
                yield text, [one for one in near if not _answers(one, text)]


def missed(text: Text, miss: Paragraph, rng: np.random.Generator) -> Text:
    """A question with a paragraph that does not answer, at times under its title."""
    passage = miss.titled() if rng.random() < TITLED else miss.text
    return Text(text.question, passage, 0, 0, text.asked, miss.language)


def _answers(paragraph: Paragraph, text: Text) -> bool:
    gold = text.passage[text.start : text.end]
    return paragraph.text in text.passage or bool(contains_answer(paragraph.text, [gold]))
