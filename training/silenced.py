"""Passages without the sentence that answers.

What is left is about the same, often with things of the same kind in it, and does not answer: the
nearest miss there is. A reader that has not seen such takes them for the answer.
"""

from dataclasses import replace

from documents.language import detect
from documents.segment import sentences
from documents.types import Block, Span
from rag.evaluation.metrics import contains_answer
from training.reader_examples import Text

LEAST = 60
"""Characters that must be left, for there to be something to be misled by."""


def silenced(text: Text) -> Text | None:
    """A question with its passage less all sentences that the answer touches; None where nothing
    answers, too little is left, or what is left holds the answer's words too.
    """
    if not text.end:
        return None
    passage = text.passage
    block = Block(Span(0, len(passage)), "paragraph")
    spans = [span for span, _ in sentences(passage, [block], detect(passage).tag)]
    touched = [span for span in spans if span.start < text.end and text.start < span.end]
    if not touched:
        return None
    before, after = passage[: touched[0].start], passage[touched[-1].end :].lstrip()
    left = f"{before}{after}".strip()
    if len(left) < LEAST or contains_answer(left, [passage[text.start : text.end]]):
        return None
    return replace(text, passage=left, start=0, end=0)
