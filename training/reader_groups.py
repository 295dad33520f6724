"""Questions with a passage that answers and several that do not, to be told apart in one go.

Scores of single passages need not say which of ten to believe. Here the reader sees what it will
have to choose among: near paragraphs of the language of the question, other news in that language
beside the right ones in another, parts of the same document that leave the answer out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

import numpy as np

from rag.evaluation.metrics import contains_answer
from training.clozes import Translated, answers, stretches, windows
from training.code_switching import Lexicon
from training.near_misses import missed
from training.reader_examples import (
    PIVOT,
    Encoder,
    Example,
    Text,
    cloze_answered,
    cloze_question,
    told_text,
)
from training.reader_pool import Document, Material, sampled

SIZE = 4
"""Passages of a question, the first of which answers."""
PIECES = 224
"""Of question and passage at most: a group is read at once."""
OFTEN = {"jaquad.train": 0.3, "pquad.validation": 0.8, "qed.dev": 2.0, "arcd.train": 2.0}
"""How often a question of a set comes in a group; once in the other sets."""
SWITCHED = 0.5
"""Of the groups of questions have words of another language put in."""
NEAREST = 40
"""Passages that are looked at for a question."""
NEAR = 6
"""Of them, less those that answer, those that are drawn from."""
TRIED = 20
"""Pieces of other news, to find such as do not hold the answer."""
BUDGET = 700
"""Characters of English in a piece of news."""
FOREIGN = 0.85
"""Of the clozes are answered in another language."""
SINGLE = 0.5
"""Of the examples by themselves, that are read beside the groups."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Passages by themselves, and in groups of one question, the first of which answers; and both
    of the questions that were written for this.
    """

    examples: list[Example]
    groups: list[list[Example]]
    written: list[list[Example]]

    def mixed(self, share: float = 1.0) -> list[list[Example]]:
        """What is written, and of the rest a `share`: the groups, and a part of the others, each a
        group of one.
        """
        groups = self.groups[: int(share * len(self.groups))]
        kept = self.examples[: int(share * SINGLE * len(self.examples))]
        return [*self.written, *groups, *([example] for example in kept)]


def build(material: Material, count: int, rng: np.random.Generator) -> list[list[Example]]:
    """All groups, in random order: `count` clozes of news are tried, of which about half can be
    made.
    """
    groups = list(asked_of_paragraphs(material, rng))
    print(f"{len(groups)} groups of paragraphs", flush=True)
    for document in material.documents:
        for _ in range(count // len(material.documents)):
            made = of_news(document, material.documents, rng)
            if made is not None:
                groups.append(made)
    print(f"{len(groups)} groups", flush=True)
    encoder = Encoder(material.tokenizer, rng)
    encoded = [list(encoder(group, PIECES)) for group in groups]
    whole = [group for group in encoded if len(group) == SIZE and group[0].last]
    return [whole[i] for i in rng.permutation(len(whole))]


def asked_of_paragraphs(material: Material, rng: np.random.Generator) -> Iterator[list[Text]]:
    """Questions of qa-train with near paragraphs in their language, so that no language gives the
    answer away; half of them with words of others put in.
    """
    found = sampled(material.folder, OFTEN, rng)
    others = {text: others for text, others, _ in found}
    texts = [text for text, _, often in found for _ in range(often)]
    for text, near in material.near.beside(texts, NEAREST):
        own = [one for one in near if one.language == text.asked][:NEAR]
        misses = [missed(text, own[i], rng) for i in rng.permutation(len(own))]
        gold = text.passage[text.start : text.end]
        beside = [other for other in others[text] if not contains_answer(other, [gold])]
        if beside:
            other = beside[int(rng.integers(len(beside)))]
            misses.insert(0, replace(text, passage=other, start=0, end=0))
        if len(misses) >= SIZE - 1:
            group = [text, *misses[: SIZE - 1]]
            yield _switched(group, material.lexicon, rng) if rng.random() < SWITCHED else group


def _switched(group: list[Text], lexicon: Lexicon, rng: np.random.Generator) -> list[Text]:
    """With the question in the same other words for all passages."""
    names, first = lexicon.languages(), group[0]
    wording, _ = lexicon.switched(
        first.question, first.asked, str(rng.choice(names)), rng.uniform(0.4, 1), rng
    )
    passages = [
        lexicon.passage(text, str(rng.choice(names)), rng.uniform(0.0, 0.6), rng) for text in group
    ]
    return [replace(text, question=wording) for text in passages]


def of_news(
    document: Document, documents: Sequence[Document], rng: np.random.Generator
) -> list[Text] | None:
    """A cloze with the news that answers it, mostly in another language, and with what stands
    beside it; None where none can be made.
    """
    languages = list(document[0])
    asked, told = (str(one) for one in rng.choice(languages, 2, replace=False))
    told = told if rng.random() < FOREIGN else asked
    target = int(rng.integers(len(document)))
    place = document[target]
    options = answers(place[PIVOT].text, place[PIVOT].offsets, rng)
    if not options:
        return None
    answer = options[int(rng.integers(len(options)))]
    wording = cloze_question(place[asked], answer, asked, rng)
    if wording is None or place[told].span(answer.first, answer.last) is None:
        return None
    around = windows(lengths_of(document), target, drawn_budget(rng), rng)
    text = cloze_answered(document, target, around, wording, answer, asked, told)
    first, last = (place[PIVOT].offsets[n] for n in (answer.first, answer.last))
    gold = place[PIVOT].text[first[0] : last[1]]
    beside = news_beside(document, documents, target, gold, asked, told, rng)
    group = [text, *(Text(wording, passage, 0, 0, asked, name) for passage, name in beside)]
    return group if len(group) == SIZE else None


def news_beside(
    document: Document,
    documents: Sequence[Document],
    target: int,
    answer: str,
    asked: str,
    told: str,
    rng: np.random.Generator,
) -> list[tuple[str, str]]:
    """What stands beside a piece of news that answers, each with its language: parts of the
    document without the answering sentence `target`, and other news, all without the `answer`,
    which is in English; as often in the language of the question as in that of the answer as in
    any. Fewer than a group needs where the answer is everywhere.
    """
    parts = [
        document[first:last]
        for first, last in stretches(lengths_of(document), target, drawn_budget(rng), rng)
    ]
    parts = [part for part in parts if not contains_answer(told_text(part, PIVOT), [answer])]
    elsewhere = [other for other in documents if other is not document]
    parts += islice(other_news(elsewhere, answer, rng), SIZE - 1 - len(parts))
    names = [str(rng.choice([asked, told, str(rng.choice(list(document[0])))])) for _ in parts]
    return [(told_text(part, name), name) for part, name in zip(parts, names, strict=True)]


def other_news(
    documents: Sequence[Document], answer: str, rng: np.random.Generator
) -> Iterator[Document]:
    """Pieces of news that do not hold an answer, which is in English, of `TRIED` drawn."""
    for _ in range(TRIED):
        document = documents[int(rng.integers(len(documents)))]
        middle = int(rng.integers(len(document)))
        first, last = windows(lengths_of(document), middle, drawn_budget(rng), rng)
        if not contains_answer(told_text(document[first:last], PIVOT), [answer]):
            yield document[first:last]


def lengths_of(document: Sequence[Mapping[str, Translated]]) -> list[int]:
    """Characters of English in each sentence."""
    return [len(place[PIVOT].text) for place in document]


def drawn_budget(rng: np.random.Generator) -> int:
    """Characters of English in a piece of news."""
    return int(BUDGET * rng.uniform(0.3, 1))
