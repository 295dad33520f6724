"""Train the reader: the default encoder, fine-tuned to point at answers or say "not here".

    python -m training.train_reader --data PATH/data --work PATH/work --minutes 90

Joint from the start on extractive questions in six languages (`qa-train`) and on clozes across
forty languages made from parallel text (`ntrex`, `tatoeba`), because a reader that has only seen
pairs of one language ranks by language. Word embeddings stay as they are. The learning rate falls
to nothing over the minutes given; the weights kept are the average of the last part of the run
(Izmailov et al. 2018). A run that was stopped goes on from its last checkpoint.
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
from training.fit_neutral import HELD_OUT_DOCUMENTS
from training.reader_examples import (
    LANGUAGES,
    Encoder,
    Example,
    Text,
    clozes,
    held_out_paragraphs,
    parallel_documents,
    questions,
    read_lines,
    tatoeba_documents,
)
from training.word_alignment import Aligner

LIMITS = {"jaquad.train": 14000}
"""Questions taken of a set; all of the others."""
HELD_OUT_SHARE = 0.08
BATCH_PIECES = 6144
PEAK_RATE = 1.5e-4
FROZEN_LAYERS = 3
"""Of a model that has been trained before."""
AVERAGE_FROM = 0.7


@dataclass(frozen=True, slots=True)
class Options:
    """Of one run."""

    data: Path
    work: Path
    minutes: float
    clozes: int
    seed: int
    start: Path | None


def main() -> None:
    """Read the arguments, build the examples once, train, save."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--clozes", type=int, default=24000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--start", type=Path, help="go on from this trained model")
    options = Options(**vars(parser.parse_args()))
    options.work.mkdir(parents=True, exist_ok=True)
    folder = bundled.prepare(load_settings().embedder_options().cache)
    examples = remembered(options, folder)
    train(options, folder, examples)
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
        "data": "qa-train (JaQuAD, DRCD, CMRC 2018, iapp, PQuAD, QED, ARCD), NTREX-128, Tatoeba",
        "licence": "CC BY-SA 4.0",
        "base": bundled.NAME,
    }
    target = Path(str(reader_model.artifact_path()))
    reader_model.pack(weights, target, about)
    print(f"wrote {target}: {target.stat().st_size / 1e6:.1f} MB")


def remembered(options: Options, folder: Path) -> list[Example]:
    """The examples, built once and kept in the work folder."""
    path = options.work / "examples.pkl"
    if not path.exists():
        built = build(options, folder)
        path.write_bytes(pickle.dumps(built))
    kept: list[Example] = pickle.loads(path.read_bytes())
    return kept


def held_out_documents(path: Path, seed: int = 0) -> set[str]:
    """Documents of NTREX that no weight sees: those the neutral map was measured on."""
    rng = np.random.default_rng(seed)
    documents = sorted({str(row["document"]) for row in read_lines(path)})
    return set(rng.permutation(documents)[:HELD_OUT_DOCUMENTS].tolist())


def build(options: Options, folder: Path) -> list[Example]:
    """All examples, in random order."""
    from transformers import AutoModel

    rng = np.random.default_rng(options.seed)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    encoder = Encoder(tokenizer, rng)
    held = held_out_paragraphs(options.data / "qa-train", HELD_OUT_SHARE, options.seed)
    texts: list[Text] = []
    for text, others in questions(options.data / "qa-train", held, rng, LIMITS):
        texts.append(text)
        if others and rng.random() < 0.25:
            texts.append(Text(text.question, others[int(rng.integers(len(others)))]))
    print(f"{len(texts)} questions", flush=True)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32, add_pooling_layer=False)
    aligner = Aligner(model, tokenizer)
    out = held_out_documents(options.data / "ntrex.jsonl.gz")
    documents = list(parallel_documents(options.data / "ntrex.jsonl.gz", LANGUAGES, out, aligner))
    foreign = [d for d in documents for _ in range(1)]
    across: list[Text] = []
    each = options.clozes * 2 // len(documents)
    for document in documents:
        across.extend(text for text, _answers in clozes(document, each, rng))
    print(f"{len(across)} clozes from NTREX", flush=True)
    count = len(across)
    for document in tatoeba_documents(options.data / "tatoeba.jsonl.gz", aligner, rng, 204):
        across.extend(text for text, _answers in clozes(document, 10, rng, same_language=0.05))
    print(f"{len(across) - count} clozes from Tatoeba", flush=True)
    # A passage in another language is not the answer for being the only foreign one.
    strangers = []
    for text in texts:
        if rng.random() < 0.06:
            document = foreign[int(rng.integers(len(foreign)))]
            language = str(rng.choice(LANGUAGES))
            first = int(rng.integers(max(1, len(document) - 4)))
            passage = " ".join(place[language].text for place in document[first : first + 4])
            strangers.append(Text(text.question, passage))
    print(f"{len(strangers)} foreign passages", flush=True)
    made = list(encoder([*texts, *across, *strangers]))
    order = rng.permutation(len(made))
    return [made[i] for i in order]


def batches(examples: list[Example], rng: np.random.Generator) -> Iterator[list[Example]]:
    """One pass in batches of like length: pools of a few thousand are sorted and cut."""
    order = rng.permutation(len(examples))
    pool = 2048
    for start in range(0, len(order), pool):
        part = sorted(
            (examples[i] for i in order[start : start + pool]), key=lambda e: -len(e.pieces)
        )
        cut: list[list[Example]] = []
        batch: list[Example] = []
        for example in part:
            if batch and (len(batch) + 1) * len(batch[0].pieces) > BATCH_PIECES:
                cut.append(batch)
                batch = []
            batch.append(example)
        if batch:
            cut.append(batch)
        for position in rng.permutation(len(cut)):
            yield cut[position]


def loss_of(model: Any, batch: list[Example]) -> torch.Tensor:
    """Cross-entropy of the first and the last piece over the passage and the "not here" place."""
    length = max(len(example.pieces) for example in batch)
    pieces = torch.ones(len(batch), length, dtype=torch.long)
    allowed = torch.zeros(len(batch), length, dtype=torch.bool)
    mask = torch.zeros(len(batch), length, dtype=torch.long)
    for row, example in enumerate(batch):
        count = len(example.pieces)
        pieces[row, :count] = torch.from_numpy(example.pieces.astype(np.int64))
        mask[row, :count] = 1
        allowed[row, example.passage : count - 1] = True
        allowed[row, 0] = True
    with torch.autocast("cpu", torch.bfloat16):
        output = model(input_ids=pieces, attention_mask=mask)
    loss = torch.zeros(())
    for logits, golds in (
        (output.start_logits, [example.first for example in batch]),
        (output.end_logits, [example.last for example in batch]),
    ):
        masked = logits.float().masked_fill(~allowed, -1e4)
        loss = loss + torch.nn.functional.cross_entropy(masked, torch.tensor(golds))
    return loss / 2


def train(options: Options, folder: Path, examples: list[Example]) -> None:
    """Train for the minutes given, with a checkpoint every few of them."""
    torch.manual_seed(options.seed)
    # Attention written out: its backward pass is faster here than the fused one's.
    model = AutoModelForQuestionAnswering.from_pretrained(
        options.start or folder, dtype=torch.float32, attn_implementation="eager"
    )
    model.train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0  # costs half of the time here, and an epoch or two do not overfit
    # What a language's words mean is left as it is where that is cheapest to leave: fewer layers
    # to go back through, and better transfer (Wu & Dredze 2019, section 5).
    model.base_model.embeddings.requires_grad_(False)
    if options.start:
        model.base_model.encoder.layer[:FROZEN_LAYERS].requires_grad_(False)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=PEAK_RATE, weight_decay=0.01, fused=True)
    average: list[torch.Tensor] | None = None
    done, steps, averaged = 0.0, 0, 0
    checkpoint = options.work / "checkpoint.pt"
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        average, done, steps, averaged = (
            state[k] for k in ("average", "done", "steps", "averaged")
        )
    total = options.minutes * 60
    started, saved = time.monotonic() - done, time.monotonic()
    seen, recent = 0, []
    rng = np.random.default_rng([options.seed, steps, options.start is not None])
    while done < total:
        for batch in batches(examples, rng):
            done = time.monotonic() - started
            if done >= total:
                break
            share = done / total
            rate = PEAK_RATE * min(1.0, share / 0.05, (1 - share) / 0.95 + 0.02)
            for group in optimizer.param_groups:
                group["lr"] = rate
            loss = loss_of(model, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            steps += 1
            seen += len(batch)
            recent.append(float(loss.detach()))
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
                    f"loss {np.mean(recent[-100:]):.3f}",
                    flush=True,
                )
            if time.monotonic() - saved > 300:
                saved = time.monotonic()
                state = {
                    "model": model.state_dict(), "optimizer": optimizer.state_dict(),
                    "average": average, "done": done, "steps": steps, "averaged": averaged,
                }  # fmt: skip
                torch.save(state, checkpoint.with_suffix(".tmp"))
                checkpoint.with_suffix(".tmp").replace(checkpoint)
    if average is not None:
        for weight, mean in zip(weights, average, strict=True):
            weight.data.copy_(mean)
    model.save_pretrained(options.work / "reader")
    AutoTokenizer.from_pretrained(folder).save_pretrained(options.work / "reader")
    print(f"saved {options.work / 'reader'} after {seen} examples")


if __name__ == "__main__":
    main()
