"""What the reader is trained on, mixed.

Extractive questions in seven languages (`qa-train`), as they are and with words of other languages
put in; clozes across forty languages from parallel text (`ntrex`, `tatoeba`); and of each kind some
whose passage does not answer, of the questions with what the search brings (`near_misses`), or with
their paragraph less what answers (`silenced`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from api.settings import load_settings
from api.wiring import load_embedder
from training.clozes import Translated
from training.code_switching import Counts, Lexicon
from training.near_misses import NearMisses
from training.reader_examples import (
    CODES,
    LANGUAGES,
    SETS,
    Encoder,
    Example,
    Text,
    clozes,
    document_names,
    held_out_documents,
    held_out_paragraphs,
    paragraphs,
    parallel_documents,
    questions,
    tatoeba_documents,
)
from training.silenced import silenced
from training.word_alignment import Aligner

Document = list[dict[str, Translated]]
PLAIN = {"jaquad.train": 0.45, "pquad.validation": 0.8, "qed.dev": 3.0, "arcd.train": 3.0}
"""How often a question of a set comes as it is; once in the other sets."""
SWITCHED = {"jaquad.train": 0.4, "pquad.validation": 0.7, "qed.dev": 9.0, "arcd.train": 8.0}
"""And with words of other languages: the small sets most, which read differently each time."""
UNANSWERED = 0.1
"""Of the questions, that come once more with another paragraph of their article."""
STRANGERS = 0.06
"""And with a passage in another language: one is not the answer for being the only foreign one."""
NEAR = 0.3
"""And with a passage that the search brings for it and that does not answer."""
SILENCED = 0.08
"""And with its paragraph less the sentence that answers."""
TATOEBA = {"ara": "arb", "pes": "fas", "cmn": "zho-CN"}
"""Its codes of languages that NTREX has by another."""
SENTENCES = 600
"""Of a language of Tatoeba that words are learnt from."""
CLOZE_SHARE = 0.27
"""Of them that clozes are made of."""


@dataclass(frozen=True, slots=True)
class Material:
    """What examples are made of: qa-train's folder, news by name and short sentences in many
    languages, words that mean the same, near misses.
    """

    folder: Path
    names: list[str]
    documents: list[Document]
    sentences: list[Document]
    lexicon: Lexicon
    near: NearMisses
    tokenizer: Any


def gathered(data: Path, model_folder: Path, rng: np.random.Generator) -> Material:
    """Of everything that is not held out."""
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(model_folder)
    model = AutoModel.from_pretrained(model_folder, dtype=torch.bfloat16, add_pooling_layer=False)
    aligner = Aligner(model, tokenizer)
    ntrex, folder = data / "ntrex.jsonl.gz", data / "qa-train"
    held_news = held_out_documents(ntrex)
    names = document_names(ntrex, held_news)
    documents = list(parallel_documents(ntrex, LANGUAGES, held_news, aligner))
    sentences = list(tatoeba_documents(data / "tatoeba.jsonl.gz", aligner, rng, SENTENCES))
    held = held_out_paragraphs(folder)
    near = NearMisses(load_embedder(load_settings()), paragraphs(folder, held))
    lexicon = learnt([*documents, *sentences])
    return Material(folder, names, documents, sentences, lexicon, near, tokenizer)


def build(material: Material, count: int, rng: np.random.Generator) -> list[Example]:
    """All examples, in random order: `count` clozes are tried, of which about half can be made."""
    documents, lexicon, near = material.documents, material.lexicon, material.near
    texts: list[Text] = []
    plain = sampled(material.folder, PLAIN, rng)
    switched = sampled(material.folder, SWITCHED, rng)
    texts += near.of([text for text, _, _ in plain if rng.random() < NEAR], rng)
    misses = near.of([text for text, _, _ in switched if rng.random() < NEAR], rng)
    texts += [lexicon.example(one, rng) for one in misses]
    print(f"{len(texts)} near misses", flush=True)
    for text, others, often in plain:
        texts += [text] * often
        texts += with_another(text, others, often, rng)
        if rng.random() < STRANGERS * often:
            texts.append(with_stranger(text, documents, rng))
        if rng.random() < SILENCED * often and (silent := silenced(text)) is not None:
            texts.append(silent)
    for text, others, often in switched:
        found = [text] * often + with_another(text, others, often, rng)
        texts += [lexicon.example(one, rng) for one in found]
    print(f"{len(texts)} questions", flush=True)
    across = len(texts)
    for document in documents:
        made = clozes(document, count * 2 // len(documents), rng)
        texts.extend(text for text, _answers in made)
    for document in material.sentences:
        if rng.random() < CLOZE_SHARE:
            made = clozes(document, 10, rng, same_language=0.05)
            texts.extend(text for text, _answers in made)
    print(f"{len(texts) - across} clozes", flush=True)
    examples = list(Encoder(material.tokenizer, rng)(texts))
    return [examples[i] for i in rng.permutation(len(examples))]


def sampled(
    folder: Path, often: dict[str, float], rng: np.random.Generator
) -> list[tuple[Text, list[str], int]]:
    """Questions of qa-train that are not held out, the other paragraphs of their articles, and how
    often each comes: a part of one is a chance.
    """
    held = held_out_paragraphs(folder)
    found = []
    for name in SETS:
        share = often.get(name, 1.0)
        for text, others in questions(folder, name, held, rng):
            times = int(share) + int(rng.random() < share % 1)
            if times:
                found.append((text, others, times))
    return found


def with_another(
    text: Text, others: Sequence[str], often: int, rng: np.random.Generator
) -> list[Text]:
    """A question with a paragraph of its article that does not answer it, sometimes."""
    if not others or rng.random() >= UNANSWERED * often:
        return []
    passage = others[int(rng.integers(len(others)))]
    return [Text(text.question, passage, 0, 0, text.asked, text.told)]


def with_stranger(text: Text, documents: Sequence[Document], rng: np.random.Generator) -> Text:
    """A question with news in any language."""
    document = documents[int(rng.integers(len(documents)))]
    language = str(rng.choice(LANGUAGES))
    first = int(rng.integers(max(1, len(document) - 4)))
    passage = " ".join(place[language].text for place in document[first : first + 4])
    return Text(text.question, passage, 0, 0, text.asked, language)


def learnt(documents: Sequence[Document]) -> Lexicon:
    """Words of parallel sentences and of what languages they are."""
    counts = Counts()
    for document in documents:
        for place in document:
            named = {code.removeprefix("tatoeba-"): sentence for code, sentence in place.items()}
            counts.add({TATOEBA.get(c, c): s for c, s in named.items()}, [*CODES.values()])
    return counts.lexicon()
