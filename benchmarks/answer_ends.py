"""Where answers end: what cutting joined particles is worth (`rag/particles.py`).

    python -m benchmarks.answer_ends PATH/data [--questions 250]

Pieces    marked answers of Japanese, Chinese and Thai sets, as a reader would give them that points
          at the right word pieces: how many the cutting brings nearer to what was marked, and how
          many further away
Reader    the shipped reader on the paragraph that answers, with questions of sets it never saw:
          exact match and F1 without the cutting, and the ratio with it
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any
from unittest.mock import patch

import numpy as np
from transformers import AutoTokenizer

from api.settings import load_settings
from documents.types import Span
from index import bundled
from rag import reader_model
from rag.evaluation.metrics import exact_match, f1
from rag.particles import without_particles
from rag.span_model import Passage, SpanModel
from training.data import draw
from training.reader_examples import read_lines

MARKED = ("jaquad.train", "drcd.dev", "drcd.test", "cmrc.dev", "iapp.train")
UNSEEN = ("qa-eval/jaquad.dev", "qa-train/cmrc.trial", "qa-eval/iapp.test")


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of qa-train and qa-eval")
    parser.add_argument("--questions", type=int, default=250, help="of a set that the reader reads")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    cache = load_settings().embedder_options().cache
    tokenizer = AutoTokenizer.from_pretrained(bundled.prepare(cache))
    print(f"{'Pieces':20} {'answers':>8} {'inside':>7} {'nearer':>7} {'away':>5}")
    for name in MARKED:
        moved = list(in_pieces(arguments.data / "qa-train" / f"{name}.jsonl.gz", tokenizer))
        inside = sum(before < 1.0 for before, _ in moved)
        nearer = sum(after > before for before, after in moved)
        away = sum(after < before for before, after in moved)
        print(f"{name:20} {len(moved):8} {inside:7} {nearer:7} {away:5}", flush=True)
    model = reader_model.load("default", cache)
    print(f"\n{'Reader':20} {'answers':>8} {'EM':>7} {'ratio':>7} {'F1':>7} {'ratio':>7}")
    for name in UNSEEN:
        rng = np.random.default_rng(arguments.seed)
        rows = list(draw(arguments.data, name, arguments.questions, rng, per_paragraph=10))
        cut = scores(model, rows)
        with patch("rag.span_model.without_particles", as_pieces):
            whole = scores(model, rows)
        figures = "".join(
            f" {without:7.3f} {after / without if without else float('nan'):7.3f}"
            for without, after in zip(whole, cut, strict=True)
        )
        print(f"{name.split('/')[1]:20} {len(rows):8}{figures}", flush=True)


def in_pieces(path: Path, tokenizer: Any) -> Iterator[tuple[float, float]]:
    """Of each marked answer: its overlap (intersection over union of characters) with the pieces
    that it touches, as they are and cut.
    """
    for row in read_lines(path):
        text = row["context"]
        offsets = tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        pieces = [Span(start, end) for start, end in offsets["offset_mapping"] if start < end]
        for answer in row["answers"][:1]:
            marked = Span(answer["start"], answer["start"] + len(answer["text"]))
            touched = [p for p in pieces if p.start < marked.end and marked.start < p.end]
            if touched:
                first, last = touched[0], touched[-1]
                yield (
                    overlap(marked, as_pieces(text, first, last)),
                    overlap(marked, without_particles(text, first, last)),
                )


def as_pieces(_text: str, first: Span, last: Span) -> Span:
    """Nothing cut: from the start of the first piece to the end of the last."""
    return Span(first.start, last.end)


def overlap(left: Span, right: Span) -> float:
    """Intersection over union of two ranges."""
    shared = min(left.end, right.end) - max(left.start, right.start)
    return max(shared, 0) / (max(left.end, right.end) - min(left.start, right.start))


def scores(model: SpanModel, rows: list[dict[str, Any]]) -> tuple[float, float]:
    """Mean exact match and F1 of what the reader finds in the paragraphs that answer."""
    exact, shared = [], []
    for row in rows:
        text, golds = row["context"], [answer["text"] for answer in row["answers"]]
        (found,) = model.find(row["question"], [Passage(text, (Span(0, len(text)),))])
        told = text[found.span.start : found.span.end] if found else ""
        exact.append(exact_match(told, golds, row["lang"]) or 0.0)
        shared.append(f1(told, golds, row["lang"]) or 0.0)
    return fmean(exact), fmean(shared)


if __name__ == "__main__":
    main()
