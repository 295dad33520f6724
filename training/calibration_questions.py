"""What the reader is calibrated on: questions that no shipped weight has seen, and their documents.

Of three kinds: questions of untrained sets about paragraphs in their own language; clozes about
news (NTREX's held-out documents) in another language; and questions written for this about the
same news, in 30 languages, as people ask (`news_questions.jsonl`: which sentences, from 0, of which
documents answer; none where the document that a question is `about` comes near and does not). A
document of the news is in one language at a time, drawn at random.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from index import bundled
from training.clozes import UNSPACED, Translated
from training.reader_examples import (
    LANGUAGES,
    SETS,
    clozes,
    document_names,
    held_out_documents,
    held_out_paragraphs,
    parallel_documents,
    read_lines,
)
from training.word_alignment import Aligner

UNTRAINED_SETS = (
    "qa-train/cmrc.trial", "qa-train/iapp.valid", "qa-eval/iapp.test", "qa-eval/jaquad.dev",
    "qa-eval/tquad.dev",
)  # fmt: skip
UNTRAINED_PARAGRAPHS = 150
"""Of a set, by whole articles, about."""


STORIES = (
    ("abcnews.306815", "newsweek.51338"), ("cnn.304489", "cnn.304447"),
    ("bbc.381736", "cnbc.com.6790"),
)  # fmt: skip
"""Of the news."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question; the sources of the documents that answer; those of its article; those that are
    left out to have it unanswered; the gold answers, or, where `sentences`, the whole sentences
    that hold one (none where nothing answers); whether the document is in another language; and
    whether it is of the half that measures.
    """

    question: str
    answering: tuple[str, ...]
    article: tuple[str, ...]
    without: tuple[str, ...]
    golds: tuple[str, ...]
    foreign: bool
    held: bool
    sentences: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """The held-out documents of NTREX by name, sentence by sentence, each with what language (of
    NTREX) it is in for now. Documents of one `story` say some of the same.
    """

    documents: dict[str, list[dict[str, Translated]]]
    told: dict[str, str]

    def texts(self) -> dict[str, str]:
        """By source."""
        found = {}
        for name, document in self.documents.items():
            told = self.told[name]
            glue = "" if told in UNSPACED - {"tha"} else " "
            found[self.source(name)] = glue.join(place[told].text for place in document)
        return found

    def source(self, name: str) -> str:
        """Of a document."""
        return f"news-{sorted(self.documents).index(name)}.txt"

    def story(self, name: str) -> tuple[str, ...]:
        """The sources of a document and of those that tell some of the same, in order."""
        together = next((names for names in STORIES if name in names), (name,))
        return tuple(sorted(self.source(one) for one in together))

    def is_held(self, name: str) -> bool:
        """Half of the stories measure."""
        return int(self.story(name)[0].removeprefix("news-").removesuffix(".txt")) % 2 == 1

    def drawn(self, rng: np.random.Generator) -> "News":
        """Each in another language, drawn at random."""
        return News(self.documents, {name: str(rng.choice(LANGUAGES)) for name in self.documents})


def news(folder: Path, cache: Path, rng: np.random.Generator) -> News:
    """The documents, aligned word by word."""
    path = folder / "ntrex.jsonl.gz"
    held = held_out_documents(path)
    others = set(document_names(path, held))
    names = document_names(path, others)
    base = bundled.prepare(cache)
    model = AutoModel.from_pretrained(base, dtype=torch.float32, add_pooling_layer=False)
    aligner = Aligner(model, AutoTokenizer.from_pretrained(base))
    documents = parallel_documents(path, LANGUAGES, others, aligner)
    return News(dict(zip(names, documents, strict=True)), {}).drawn(rng)


def questions(
    folder: Path, rng: np.random.Generator, count: int
) -> tuple[dict[str, str], list[Asked]]:
    """Paragraphs by source: those of `UNTRAINED_SETS` and beside them what is held out of qa-train;
    and questions about the former, alike many of each set and at most one a paragraph.
    """
    trained = {r["title"] for n in SETS for r in read_lines(folder / f"qa-train/{n}.jsonl.gz")}
    rows_of = {n: untrained(folder / f"{n}.jsonl.gz", trained, rng) for n in UNTRAINED_SETS}
    texts = {row["context"] for rows in rows_of.values() for row in rows}
    texts |= held_out_paragraphs(folder / "qa-train")
    sources = {text: f"paragraph-{n}.txt" for n, text in enumerate(sorted(texts))}
    asked: list[Asked] = []
    for rows in rows_of.values():
        articles: dict[str, set[str]] = {}
        for row in rows:
            articles.setdefault(row["title"], set()).add(sources[row["context"]])
        taken: set[str] = set()
        for row in (rows[i] for i in rng.permutation(len(rows))):
            if row["context"] not in taken and len(taken) < count // len(rows_of):
                taken.add(row["context"])
                golds = tuple(answer["text"] for answer in row["answers"])
                article = tuple(sorted(articles[row["title"]]))
                source = sources[row["context"]]
                held = int(article[0].removeprefix("paragraph-").removesuffix(".txt")) % 2 == 1
                asked.append(
                    Asked(row["question"], (source,), article, (source,), golds, False, held)
                )
    return {source: text for text, source in sources.items()}, asked


def untrained(path: Path, trained: set[str], rng: np.random.Generator) -> list[dict[str, Any]]:
    """Questions of a set about whole articles of it, drawn at random from those not `trained`."""
    of_title: dict[str, list[dict[str, Any]]] = {}
    for row in read_lines(path):
        if row["title"] not in trained:
            of_title.setdefault(row["title"], []).append(row)
    drawn: list[dict[str, Any]] = []
    for title in rng.permutation(sorted(of_title)):
        drawn += of_title[str(title)]
        if len({row["context"] for row in drawn}) >= UNTRAINED_PARAGRAPHS:
            break
    return drawn


def news_clozes(told: News, rng: np.random.Generator, count: int) -> list[Asked]:
    """About each document as it is now, in other languages."""
    asked: list[Asked] = []
    each = count // len(told.documents)
    for name, document in told.documents.items():
        source = told.source(name)
        kept = [{language: place[language] for language in LANGUAGES} for place in document]
        made = clozes(kept, 20 * each, rng, told=told.told[name], same_language=0)
        for text in [text for text, answers in made if answers][:each]:
            gold = text.passage[text.start : text.end]
            story, held = told.story(name), told.is_held(name)
            asked.append(Asked(text.question, (source,), story, story, (gold,), True, held))
    return asked


def news_questions(told: News) -> list[Asked]:
    """Those written about the documents, as these are now."""
    asked: list[Asked] = []
    lines = (Path(__file__).parent / "news_questions.jsonl").read_text("utf-8").splitlines()
    for row in map(json.loads, lines):
        sources = tuple(told.source(name) for name in row["answers"])
        golds = tuple(
            told.documents[name][number][told.told[name]].text
            for name, numbers in row["answers"].items()
            for number in numbers
        )
        near = list(row["answers"]) or [row["about"]]
        foreign = not any(told.told[name].startswith(row["language"]) for name in near)
        name = near[0]
        story, held = told.story(name), told.is_held(name)
        asked.append(
            Asked(row["question"], sources, story, story, golds, foreign, held, sentences=True)
        )
    return asked
