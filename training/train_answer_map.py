"""Train the answer map of the sentence reader: from a question to what its answer looks like.

    python -m training.train_answer_map --data PATH/qa-train

A question's nearest sentence is often about the same thing without saying what is asked: "when was
it signed" is nearer to "the treaty is ..." than to "it was signed on ...". The map moves a question
so that, among the sentences of its paragraph and of others, the one that holds the answer is
nearest. It is one matrix, added to the identity, trained with a softmax over the sentences of a
batch (the in-batch form of Gillick et al. 2019), on vectors that the language-neutral map has been
applied to.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from api.settings import load_settings
from api.wiring import load_embedder
from documents.chunk import ChunkOptions, chunk
from documents.load import Raw, load
from index.types import Embedder
from rag.answer_map import FILE, AnswerMap
from training.data import draw

SETS = {
    "jaquad.train": 3000, "drcd.dev": 1750, "drcd.test": 1750, "cmrc.dev": 2000,
    "iapp.train": 2500, "pquad.validation": 2500, "qed.dev": 1600, "arcd.train": 600,
}  # fmt: skip
TEMPERATURE = 0.05


@dataclass(frozen=True)
class Examples:
    """Vectors of questions, shape (n, d), and of all sentences, shape (m, d); for each question the
    range of its paragraph's sentences, and which of them hold the answer.
    """

    questions: torch.Tensor
    sentences: torch.Tensor
    ranges: list[tuple[int, int]]
    right: list[list[int]]


def main() -> None:
    """Read the arguments, embed, train, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True, help="the folder qa-train")
    parser.add_argument("--epochs", type=int, default=12)
    parser.add_argument("--decay", type=float, default=0.02)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    embedder = load_embedder(load_settings())
    rows = drawn(arguments.data, rng)
    rows = [rows[i] for i in rng.permutation(len(rows))]
    cut = len(rows) // 10
    held, seen = (examples(part, embedder) for part in (rows[:cut], rows[cut:]))
    print(f"{len(seen.ranges)} questions to train on, {len(held.ranges)} to measure on")
    print("before:", measured(held, torch.zeros(embedder.dimension, embedder.dimension)))
    matrix = train(seen, held, arguments.epochs, arguments.decay, rng)
    print("after:", measured(held, matrix))
    about = {
        "embedder": embedder.identity,
        "data": ", ".join(SETS),
        "seed": str(arguments.seed),
    }
    target = Path(__file__).parent.parent / "rag" / FILE
    AnswerMap(matrix.numpy().astype(np.float32)).save(target, about)
    print(f"wrote {target}")


def drawn(folder: Path, rng: np.random.Generator) -> list[dict[str, Any]]:
    """The questions that the map is trained and measured on."""
    return [
        row
        for name, count in SETS.items()
        for row in draw(folder, name, count, rng, per_paragraph=2)
    ]


def examples(rows: list[dict[str, Any]], embedder: Embedder) -> Examples:
    """Cut the paragraphs as the index does, and embed."""
    texts: list[str] = []
    paragraphs: dict[str, tuple[int, list[tuple[int, int]]]] = {}
    ranges, right, questions = [], [], []
    for row in rows:
        context = row["context"]
        if context not in paragraphs:
            document = load(Raw(context.encode(), "p.txt", "p.txt"), "p")
            spans = sorted(
                {
                    (span.start, span.end)
                    for part in chunk(document, embedder.count_tokens, ChunkOptions())
                    for span in part.sentences
                }
            )
            paragraphs[context] = (len(texts), spans)
            texts += [document.text[start:end] for start, end in spans]
        first, spans = paragraphs[context]
        answer = row["answers"][0]["text"]
        holding = [n for n in range(len(spans)) if answer in texts[first + n]]
        if holding and len(spans) > 1:
            ranges.append((first, first + len(spans)))
            right.append(holding)
            questions.append(row["question"])
    print(f"embedding {len(texts)} sentences and {len(questions)} questions", flush=True)
    sentences = torch.from_numpy(embedder.embed_passages(texts))
    return Examples(torch.from_numpy(embedder.embed_queries(questions)), sentences, ranges, right)


def train(
    seen: Examples, held: Examples, epochs: int, decay: float, rng: np.random.Generator
) -> torch.Tensor:
    """The matrix after `epochs`, of the epoch that measured best on the held-out questions."""
    dimension = seen.questions.shape[1]
    matrix = torch.zeros(dimension, dimension, requires_grad=True)
    optimizer = torch.optim.AdamW([matrix], lr=1e-3, weight_decay=decay)
    best, best_score = matrix.detach().clone(), 0.0
    for epoch in range(epochs):
        total = 0.0
        order = rng.permutation(len(seen.ranges))
        batches = np.array_split(order, max(1, len(order) // 128))
        for batch in batches:
            loss = batch_loss(seen, batch.tolist(), matrix)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            total += float(loss.detach())
        scores = measured(held, matrix.detach())
        print(f"epoch {epoch + 1}: loss {total / len(batches):.3f}, {scores}", flush=True)
        if sum(scores) > best_score:
            best, best_score = matrix.detach().clone(), sum(scores)
    return best


def batch_loss(data: Examples, batch: list[int], matrix: torch.Tensor) -> torch.Tensor:
    """Softmax loss of the right sentences among those of all the batch's paragraphs."""
    columns: dict[int, int] = {}
    for example in batch:
        for sentence in range(*data.ranges[example]):
            columns.setdefault(sentence, len(columns))
    target = torch.zeros(len(batch), len(columns), dtype=torch.bool)
    for row, example in enumerate(batch):
        first = data.ranges[example][0]
        for offset in data.right[example]:
            target[row, columns[first + offset]] = True
    questions = data.questions[batch]
    moved = torch.nn.functional.normalize(questions + questions @ matrix, dim=1)
    logits = moved @ data.sentences[list(columns)].T / TEMPERATURE
    right = torch.logsumexp(logits.masked_fill(~target, -1e9), dim=1)
    return (torch.logsumexp(logits, dim=1) - right).mean()


def measured(data: Examples, matrix: torch.Tensor) -> tuple[float, float]:
    """Share of questions whose best sentence is right: within its paragraph, and among all."""
    moved = torch.nn.functional.normalize(data.questions + data.questions @ matrix, dim=1)
    within = overall = 0
    for row, (first, end) in enumerate(data.ranges):
        right = {first + offset for offset in data.right[row]}
        scores = data.sentences @ moved[row]
        within += first + int(scores[first:end].argmax()) in right
        overall += int(scores.argmax()) in right
    return round(within / len(data.ranges), 4), round(overall / len(data.ranges), 4)


if __name__ == "__main__":
    main()
