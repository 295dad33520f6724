"""Train the reader: the default encoder, fine-tuned to point at answers or say "not here".

    python -m training.train_reader --data PATH/data --work PATH/work --minutes 90

Joint from the start on what `reader_pool` mixes, for a reader that has only seen pairs of one
language ranks by language; on the groups of `reader_groups`, to choose among passages; and on
questions written for this (`written_questions`). Word embeddings stay as they are. The learning
rate falls to nothing over the minutes given; the weights kept are the average of the last part of
the run (Izmailov et al. 2018). A run that was stopped goes on from its last checkpoint.
"""

import argparse
import pickle
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForQuestionAnswering, AutoTokenizer

from api.settings import load_settings
from index import bundled
from rag import reader_model
from training import reader_groups, reader_pool, written_questions
from training.reader_examples import LANGUAGES, Example, held_out_documents, read_lines
from training.reader_groups import Pool
from training.reader_pool import gathered

BATCH_PIECES = 6144
PART_PIECES = 2048
"""Of a batch that go through the model at once: more fall out of the processor's cache."""
PEAK_RATE = 1.5e-4
RESTART_RATE = 1e-4
"""Of a model that has been trained before: less is unlearnt before it learns again."""
FROZEN_LAYERS = 3
"""Of one that has been trained before, likewise."""
AVERAGE_FROM = 0.7
DROPOUT = 0.1
PARALLEL_LAYER = 8
"""Of 12: where translations are pulled together. The layers above are the reader's own."""
PARALLEL_SENTENCES = 16
PARALLEL_WEIGHT = 0.2
TEMPERATURE = 0.1
GROUP_WEIGHT = 1.0
"""Of telling the passage that answers from others, beside finding the answer in each."""


@dataclass(frozen=True, slots=True)
class Options:
    """Of one run."""

    data: Path
    work: Path
    minutes: float
    clozes: int
    seed: int
    start: Path | None
    share: float


def main() -> None:
    """Read the arguments, build the examples once, train, save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--clozes", type=int, default=24000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="go on from this trained model")
    parser.add_argument(
        "--share", type=float, default=1.0, help="of the examples beside the written questions"
    )
    options = Options(**vars(parser.parse_args()))
    options.work.mkdir(parents=True, exist_ok=True)
    folder = bundled.prepare(load_settings().embedder_options().cache)
    path = options.work / "examples.pkl"
    if not path.exists():
        rng = np.random.default_rng(options.seed)
        material = gathered(options.data, folder, rng)
        examples = reader_pool.build(material, options.clozes, rng)
        groups = reader_groups.build(material, options.clozes, rng)
        written = written_questions.build(material, rng)
        path.write_bytes(pickle.dumps(Pool(examples, groups, written)))
    pool: Pool = pickle.loads(path.read_bytes())
    train(options, folder, pool)
    export(options.work / "reader")


def export(folder: Path) -> None:
    """Write the artifact that is shipped: what was trained, without the word embeddings."""
    model = AutoModelForQuestionAnswering.from_pretrained(folder, dtype=torch.float32)
    weights = {
        name: value.numpy()
        for name, value in model.state_dict().items()
        if "word_embeddings" not in name and "position_ids" not in name
    }
    about = {
        "data": "qa-train (JaQuAD, DRCD, CMRC 2018, iapp, PQuAD, QED, ARCD), NTREX-128, Tatoeba, "
        "training/questions",
        "licence": "CC BY-SA 4.0",
        "base": bundled.NAME,
    }
    target = Path(str(reader_model.artifact_path()))
    reader_model.pack(weights, target, about)
    print(f"wrote {target}: {target.stat().st_size / 1e6:.1f} MB")


def batches(groups: list[list[Example]], rng: np.random.Generator) -> Iterator[list[list[Example]]]:
    """One pass in batches of like size and length: pools of a few thousand are sorted and cut."""
    order = rng.permutation(len(groups))
    pool = 2048
    for start in range(0, len(order), pool):
        part = sorted(
            (groups[i] for i in order[start : start + pool]), key=lambda g: (len(g), -_longest([g]))
        )
        cut: list[list[list[Example]]] = []
        batch: list[list[Example]] = []
        for group in part:
            pieces = (len(batch) + 1) * len(group) * _longest(batch[:1] or [group])
            if batch and (len(group) != len(batch[0]) or pieces > BATCH_PIECES):
                cut.append(batch)
                batch = []
            batch.append(group)
        if batch:
            cut.append(batch)
        for position in rng.permutation(len(cut)):
            yield cut[position]


def _longest(groups: list[list[Example]]) -> int:
    return max(len(example.pieces) for group in groups for example in group)


class LockedDropout(torch.nn.Module):
    """Dropout that leaves the same features out of every piece of a row ("variational", Gal &
    Ghahramani 2016): nearly free, where drawing a mask for each piece takes half of the time.
    """

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        """States of shape (rows, pieces, width), scaled to keep their mean."""
        if not self.training:
            return states
        kept = torch.rand(states.shape[0], 1, states.shape[2]) >= DROPOUT
        return states * (kept.to(states.dtype) / (1 - DROPOUT))


class Parallel:
    """Pulls translations together while the reader learns, so that what it learns from questions in
    seven languages holds in the others ("explicit alignment objectives", Hu et al. 2021).

    In sentences of two languages the pieces that mean the same are found as `word_alignment` does,
    and each must be told from all other pieces of the batch by its partner's state (InfoNCE, van
    den Oord et al. 2018), also where the states still say which language they are in.
    """

    def __init__(self, tokenizer: Any, path: Path, seed: int) -> None:
        out = held_out_documents(path)
        self._rows = [row["texts"] for row in read_lines(path) if row["document"] not in out]
        self._names = sorted(self._rows[0])
        self._tokenizer = tokenizer
        self._rng = np.random.default_rng(seed)

    def loss(self, model: Any) -> torch.Tensor:
        """Of one batch of sentences in two languages, one of them among those of the clozes."""
        names = str(self._rng.choice(LANGUAGES)), str(self._rng.choice(self._names))
        picked = self._rng.choice(len(self._rows), PARALLEL_SENTENCES, replace=False)
        texts = [self._rows[n].get(name) or "-" for name in names for n in picked]
        batch = self._tokenizer(
            texts, padding=True, truncation=True, max_length=96, return_tensors="pt"
        )
        base = model.base_model
        states = base.embeddings(input_ids=batch["input_ids"])
        allowed = batch["attention_mask"][:, None, None, :].to(states.dtype)
        away = (1.0 - allowed) * -1e4
        for layer in base.encoder.layer[:PARALLEL_LAYER]:
            states = layer(states, attention_mask=away)
            states = states[0] if isinstance(states, tuple) else states
        states = states.float()
        inside = batch["attention_mask"].bool() & (batch["input_ids"] > 3)
        sentence = torch.arange(len(texts))[:, None].expand_as(inside)[inside] % len(picked)
        side = (torch.arange(len(texts)) >= len(picked))[:, None].expand_as(inside)[inside]
        pieces = states[inside]
        left, right = pieces[~side], pieces[side]
        pairs = mutual(left.detach(), right.detach(), sentence[~side], sentence[side])
        if names[0] == names[1] or not len(pairs):
            return torch.zeros(())
        normalize = torch.nn.functional.normalize
        scores = normalize(left, dim=-1) @ normalize(right, dim=-1).T / TEMPERATURE
        rows, columns = pairs[:, 0], pairs[:, 1]
        cross_entropy = torch.nn.functional.cross_entropy
        return (cross_entropy(scores[rows], columns) + cross_entropy(scores.T[columns], rows)) / 2


def mutual(
    left: torch.Tensor, right: torch.Tensor, of_left: torch.Tensor, of_right: torch.Tensor
) -> torch.Tensor:
    """Pieces of two languages that are each other's nearest within one sentence, by centred cosine:
    shape (pairs, 2). `of_left` and `of_right` say which sentence a piece is of.
    """
    left = torch.nn.functional.normalize(left - left.mean(0), dim=-1)
    right = torch.nn.functional.normalize(right - right.mean(0), dim=-1)
    scores = (left @ right.T).masked_fill(of_left[:, None] != of_right[None, :], -2.0)
    best = scores.argmax(1)
    back = scores.argmax(0)
    own = torch.arange(len(left))
    return torch.stack([own, best], 1)[(back[best] == own) & (scores[own, best] > 0)]


def loss_of(model: Any, groups: list[list[Example]]) -> torch.Tensor:
    """Cross-entropy of the first and the last piece over each passage and its "not here" place,
    and, where a question comes with several passages, over all of them, the pieces' logits less
    those of "not here" ("shared normalization", Clark & Gardner 2018).
    """
    size, batch = len(groups[0]), [example for group in groups for example in group]
    length = _longest(groups)
    pieces = torch.ones(len(batch), length, dtype=torch.long)
    allowed = torch.zeros(len(batch), length, dtype=torch.bool)
    mask = torch.zeros(len(batch), length, dtype=torch.long)
    for row, example in enumerate(batch):
        count = len(example.pieces)
        pieces[row, :count] = torch.from_numpy(example.pieces.astype(np.int64))
        mask[row, :count] = 1
        allowed[row, example.passage : count - 1] = True
        allowed[row, 0] = True
    output = model(input_ids=pieces, attention_mask=mask)
    cross_entropy = torch.nn.functional.cross_entropy
    loss = torch.zeros(())
    for logits, places in (
        (output.start_logits, [example.first for example in batch]),
        (output.end_logits, [example.last for example in batch]),
    ):
        golds = torch.tensor(places)
        masked = logits.float().masked_fill(~allowed, -1e4)
        each = cross_entropy(masked, golds, reduction="none").view(len(groups), size)
        if size == 1:
            loss = loss + each.mean()
            continue
        # What answers counts as much as all that does not.
        loss = loss + (each[:, 0].mean() + each[:, 1:].mean()) / 2
        over = (masked - masked[:, :1])[:, 1:].reshape(len(groups), -1)
        loss = loss + GROUP_WEIGHT * cross_entropy(over, golds.view(-1, size)[:, 0] - 1)
    return loss / 2


def step_back(model: Any, batch: list[list[Example]]) -> float:
    """The mean loss of a batch, its gradients left with the model."""
    together = max(1, PART_PIECES // (len(batch[0]) * _longest(batch)))
    total = 0.0
    for start in range(0, len(batch), together):
        part = batch[start : start + together]
        loss = loss_of(model, part) * (len(part) / len(batch))
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    return total


def weights_from(
    values: list[torch.Tensor], weights: list[torch.Tensor], halves: list[torch.Tensor]
) -> None:
    """Put values into the full weights and into the model's own, rounded to what it holds."""
    with torch.no_grad():
        for value, weight, half in zip(values, weights, halves, strict=True):
            if value is not weight:
                weight.copy_(value)
            half.copy_(value)


def train(options: Options, folder: Path, pool: Pool) -> None:
    """Train for the minutes given, with a checkpoint every few of them."""
    torch.manual_seed(options.seed)
    # Attention written out: its backward pass is faster here than the fused one's. All of the model
    # in half precision is twice as fast as casting each step of it; the weights that are summed up
    # over the run are kept in full.
    model = AutoModelForQuestionAnswering.from_pretrained(
        options.start or folder, dtype=torch.float32, attn_implementation="eager"
    )
    tokenizer = AutoTokenizer.from_pretrained(folder)
    parallel = Parallel(tokenizer, options.data / "ntrex.jsonl.gz", options.seed)
    model.train()
    for layer in model.base_model.encoder.layer:
        layer.attention.output.dropout = layer.output.dropout = LockedDropout()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    # What a language's words mean is left as it is where that is cheapest to leave: fewer layers
    # to go back through, and better transfer (Wu & Dredze 2019, section 5).
    model.base_model.embeddings.requires_grad_(False)
    if options.start:
        model.base_model.encoder.layer[:FROZEN_LAYERS].requires_grad_(False)
    weights = [p.detach().clone() for p in model.parameters() if p.requires_grad]
    model.bfloat16()
    halves = [p for p in model.parameters() if p.requires_grad]
    peak = RESTART_RATE if options.start else PEAK_RATE
    optimizer = torch.optim.AdamW(weights, lr=peak, weight_decay=0.01, fused=True)
    average: list[torch.Tensor] | None = None
    done, steps, averaged = 0.0, 0, 0
    checkpoint = options.work / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        weights_from(state["weights"], weights, halves)
        optimizer.load_state_dict(state["optimizer"])
        average, done, steps, averaged = (
            state[k] for k in ("average", "done", "steps", "averaged")
        )
    total = options.minutes * 60
    started, saved = time.monotonic() - done, time.monotonic()
    seen, recent, apart = 0, [], []
    rng = np.random.default_rng([options.seed, steps, options.start is not None])
    groups = pool.mixed(options.share)
    while done < total:
        for batch in batches(groups, rng):
            done = time.monotonic() - started
            if done >= total:
                break
            share = done / total
            rate = peak * min(1.0, share / 0.05, (1 - share) / 0.95 + 0.02)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = step_back(model, batch)
            together = parallel.loss(model)
            if together.requires_grad:
                (PARALLEL_WEIGHT * together).backward()  # type: ignore[no-untyped-call]
            apart.append(float(together.detach()))
            for weight, half in zip(weights, halves, strict=True):
                weight.grad = None if half.grad is None else half.grad.float()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            weights_from(weights, weights, halves)
            model.zero_grad()
            steps += 1
            seen += len(batch) * len(batch[0])
            recent.append(loss)
            if share >= AVERAGE_FROM and steps % 5 == 0:
                averaged += 1
                if average is None:
                    average = [w.detach().clone() for w in weights]
                else:
                    for mean, weight in zip(average, weights, strict=True):
                        mean += (weight.detach() - mean) / averaged
            if steps % 25 == 0:
                print(
                    f"{done / 60:.1f} min, step {steps}, {seen} examples, "
                    f"loss {np.mean(recent[-100:]):.3f}, parallel {np.mean(apart[-100:]):.3f}",
                    flush=True,
                )
            if time.monotonic() - saved > 300:
                saved = time.monotonic()
                state = {
                    "weights": weights, "optimizer": optimizer.state_dict(),
                    "average": average, "done": done, "steps": steps, "averaged": averaged,
                }  # fmt: skip
                torch.save(state, checkpoint.with_suffix(".tmp"))
                checkpoint.with_suffix(".tmp").replace(checkpoint)
    model.float()
    weights_from(average or weights, weights, [p for p in model.parameters() if p.requires_grad])
    model.save_pretrained(options.work / "reader")
    tokenizer.save_pretrained(options.work / "reader")
    print(f"saved {options.work / 'reader'} after {seen} examples")


if __name__ == "__main__":
    main()
