"""Questions written to train on, in 26 languages, as people ask them.

`questions/news.jsonl` asks about NTREX's documents (those not held out, less those that tell the
same stories), `questions/paragraphs.jsonl` about QED's paragraphs. A line is one question in five
languages: `at` names the document or QED's question, `sentence` the document's sentence, from 0, or
`start` the answer's place in the paragraph as it is written; `answer` is in English, null where
nothing there answers, though it comes near. Keys of three letters are languages.
`questions/translated.jsonl` has questions of the other sets of qa-train in five more languages;
`at` names set and question.

News is read in the question's language or another, a paragraph in English or with words of others
put in; by themselves and in groups (`reader_groups`). `articles` has passages of its own.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np

from training import articles
from training.clozes import Answer, windows
from training.code_switching import Lexicon
from training.near_misses import NearMisses, missed
from training.question_files import trained
from training.reader_examples import (
    LANGUAGES,
    PIVOT,
    SETS,
    Encoder,
    Example,
    Paragraph,
    Text,
    cloze_answered,
    held_out_paragraphs,
    questions,
    rows_of,
    told_text,
)
from training.reader_groups import (
    NEAREST,
    PIECES,
    SIZE,
    drawn_budget,
    lengths_of,
    news_beside,
    other_news,
)
from training.reader_pool import Document, Material

CODES = {"eng": PIVOT, "zho": "zho-CN"}
"""Languages of the questions that NTREX has by another code."""
GROUPED = 0.4
"""Of the questions come in a group too."""
OWN = 0.35
"""Of the groups about news answer in the language of the question."""
FOREIGN = 0.5
"""Of the questions about news, that are asked by themselves of another language too."""
PLAIN, SWITCHED = 0.7, 0.5
"""Of the questions about paragraphs, that are asked by themselves of it as it is; and of it with
words of another language put in. Those `translated` are one or the other."""


def wordings(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """A question in each of its languages, by NTREX's code."""
    for key, wording in row.items():
        if key not in {"at", "sentence", "start", "answer"}:
            yield CODES.get(key, key), wording


def build(material: Material, rng: np.random.Generator) -> list[list[Example]]:
    """All of them, groups and such by themselves (as a group of one), in random order."""
    asked = [
        *of_news(material, rng), *of_paragraphs(material, rng), *translated(material, rng),
        *articles.build(material, rng),
    ]  # fmt: skip
    encoder = Encoder(material.tokenizer, rng)
    found = []
    for texts in asked:
        group = list(encoder(texts, PIECES if len(texts) > 1 else 320))
        if len(group) == len(texts) and (len(group) == 1 or group[0].last):
            found.append(group)
    print(f"{len(found)} written, with {sum(map(len, found))} passages", flush=True)
    return [found[i] for i in rng.permutation(len(found))]


def of_news(material: Material, rng: np.random.Generator) -> Iterator[list[Text]]:
    """Those about news that can be found in the language it is told in."""
    documents = dict(zip(material.names, material.documents, strict=True))
    for row in trained("news"):
        document, target = documents[row["at"]], row["sentence"]
        for asked, wording in wordings(row):
            own = asked if asked in LANGUAGES else PIVOT
            other = str(rng.choice([name for name in LANGUAGES if name != own]))
            singles = [own, other] if rng.random() < FOREIGN else [own]
            for told in singles:
                text = _told(document, target, row["answer"], wording, asked, told, rng)
                if text is not None:
                    yield [text]
            if row["answer"] is not None and rng.random() < GROUPED:
                told = own if rng.random() < OWN else other
                text = _told(document, target, row["answer"], wording, asked, told, rng)
                if text is not None:
                    beside = news_beside(
                        document, material.documents, target, row["answer"], own, told, rng
                    )
                    rest = [Text(wording, t, 0, 0, asked, name) for t, name in beside]
                    if len(rest) == SIZE - 1:
                        yield [text, *rest]


def _told(
    document: Document,
    target: int,
    answer: str | None,
    wording: str,
    asked: str,
    told: str,
    rng: np.random.Generator,
) -> Text | None:
    """A question with the part of a document around a sentence, in one of its languages; None
    where the answer is not found there.
    """
    around = windows(lengths_of(document), target, drawn_budget(rng), rng)
    if answer is None:
        return Text(wording, told_text(document[slice(*around)], told), 0, 0, asked, told)
    english = document[target][PIVOT]
    start = english.text.index(answer)
    end = start + len(answer)
    inside = [n for n, (a, b) in enumerate(english.offsets) if a < end and b > start]
    if not inside or document[target][told].span(inside[0], inside[-1]) is None:
        return None
    span = Answer(inside[0], inside[-1], 0)
    return cloze_answered(document, target, around, wording, span, asked, told)


def of_paragraphs(material: Material, rng: np.random.Generator) -> Iterator[list[Text]]:
    """Those about paragraphs, which are in English."""
    paragraphs = [one for one in material.near.paragraphs if one.language == PIVOT]
    near = NearMisses(material.near.embedder, paragraphs)
    held = held_out_paragraphs(material.folder)
    contexts = {row["id"]: row["context"] for row in rows_of(material.folder, "qed.dev", held)}
    grouped: list[Text] = []
    for row in trained("paragraphs"):
        passage = contexts[row["at"]]
        start, end = 0, 0
        if row["answer"] is not None:
            start = row["start"]
            end = start + len(row["answer"])
        for asked, wording in wordings(row):
            text = Text(wording, passage, start, end, asked, PIVOT)
            if rng.random() < PLAIN:
                yield [text]
            if rng.random() < SWITCHED:
                yield [_switched(text, material.lexicon, rng)]
            if text.end and rng.random() < GROUPED:
                grouped.append(text)
    for text, misses in near.beside(grouped, NEAREST):
        yield _group(text, misses, material, rng)


def translated(material: Material, rng: np.random.Generator) -> Iterator[list[Text]]:
    """Questions of other sets in more languages, with their paragraph: as it is, or with words of
    the question's language put in.
    """
    held = held_out_paragraphs(material.folder)
    texts = {
        f"{name}/{row['id']}": text
        for name in SETS
        for row, (text, _others) in zip(
            rows_of(material.folder, name, held),
            questions(material.folder, name, held, rng),
            strict=True,
        )
    }
    for row in trained("translated"):
        for asked, wording in wordings(row):
            text = replace(texts[row["at"]], question=wording, asked=asked)
            yield [text if rng.random() < PLAIN else _switched(text, material.lexicon, rng)]


def _switched(text: Text, lexicon: Lexicon, rng: np.random.Generator) -> Text:
    """With words of the question's language in the passage, or of another."""
    names = lexicon.languages()
    own = text.asked in names and rng.random() < 0.5
    return lexicon.passage(
        text, text.asked if own else str(rng.choice(names)), rng.uniform(0.2, 0.9), rng
    )


def _group(
    text: Text, misses: Sequence[Paragraph], material: Material, rng: np.random.Generator
) -> list[Text]:
    """A question with its paragraph, two near ones, and news in the language of the question."""
    told = text.asked if text.asked in LANGUAGES else PIVOT
    group = [text, *(missed(text, one, rng) for one in misses[: SIZE - 2])]
    for piece in islice(
        other_news(material.documents, text.passage[text.start : text.end], rng), 1
    ):
        group.append(Text(text.question, told_text(piece, told), 0, 0, text.asked, told))
    if rng.random() < 0.5:
        return group
    return [_switched(one, material.lexicon, rng) if one.told == PIVOT else one for one in group]
