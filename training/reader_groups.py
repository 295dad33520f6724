"""Questions with a passage that answers and several that do not, to be told apart in one go.

Scores of single passages need not say which of ten to believe. Here the reader sees what it will
have to choose among: near paragraphs of the language of the question, other news in that language
beside the right ones in another, parts of the same document that leave the answer out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.clozes import Translated, answers, stretches, windows
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
BUDGET = 700
"""Characters of English in a piece of news."""
FOREIGN = 0.85
"""Of the clozes are answered in another language."""

SINGLE = 0.5
"""Of the examples by themselves, that are read beside the groups."""


@dataclass(frozen=True, slots=True)
class Pool:
    """Passages by themselves, and in groups of one question, the first of which answers."""

    examples: list[Example]
    groups: list[list[Example]]

    def mixed(self) -> list[list[Example]]:
        """All groups and a part of the others, each a group of one."""
        kept = self.examples[: int(SINGLE * len(self.examples))]
        return [*self.groups, *([example] for example in kept)]


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
    texts = [text for text, _, often in found for _ in range(often)]
    others = {text.question: others for text, others, _ in found}
    for text, near in material.near.beside(texts, NEAREST):
        own = [one for one in near if one.language == text.asked][:NEAR]
        misses = [missed(text, own[i], rng) for i in rng.permutation(len(own))]
        beside = others[text.question]
        if beside:
            other = beside[int(rng.integers(len(beside)))]
            misses.insert(0, Text(text.question, other, 0, 0, text.asked, text.told))
        if len(misses) < SIZE - 1:
            continue
        group = [text, *misses[: SIZE - 1]]
        yield _switched(group, material, rng) if rng.random() < SWITCHED else group


def _switched(group: list[Text], material: Material, rng: np.random.Generator) -> list[Text]:
    """With the question in the same other words for all passages."""
    lexicon, first = material.lexicon, group[0]
    name = str(rng.choice(lexicon.languages()))
    wording, _ = lexicon.switched(first.question, first.asked, name, rng.uniform(0.4, 1), rng)
    switched = []
    for text in group:
        told, share = str(rng.choice(lexicon.languages())), rng.uniform(0.0, 0.6)
        passage, places = lexicon.switched(text.passage, text.told, told, share, rng)
        start, end = places[text.start], places[text.end]
        while start < end and passage[start].isspace():
            start += 1
        while end > start and passage[end - 1].isspace():
            end -= 1
        switched.append(Text(wording, passage, start, end, text.asked, text.told))
    return switched


def of_news(
    document: Document, documents: Sequence[Document], rng: np.random.Generator
) -> list[Text] | None:
    """A cloze with the news that answers it, mostly in another language; with other parts of the
    same news, and with other news: as often in the language of the question as in that of the
    answer as in any.
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
    around = windows(_lengths(document), target, _budget(rng), rng)
    group = [cloze_answered(document, target, around, wording, answer, asked, told)]
    for first, last in stretches(_lengths(document), target, _budget(rng), rng):
        language = str(rng.choice([asked, told, str(rng.choice(languages))]))
        passage = told_text(document[first:last], language)
        group.append(Text(wording, passage, 0, 0, asked, language))
    while len(group) < SIZE:
        other = documents[int(rng.integers(len(documents)))]
        if other is document:
            continue
        language = str(rng.choice([asked, told, str(rng.choice(languages))]))
        around = windows(_lengths(other), int(rng.integers(len(other))), _budget(rng), rng)
        passage = told_text(other[around[0] : around[1]], language)
        group.append(Text(wording, passage, 0, 0, asked, language))
    return group[:SIZE]


def _lengths(document: Sequence[Mapping[str, Translated]]) -> list[int]:
    return [len(place[PIVOT].text) for place in document]


def _budget(rng: np.random.Generator) -> int:
    return int(BUDGET * rng.uniform(0.3, 1))
