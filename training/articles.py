"""Passages in the manner of an encyclopedia, written to train on, in three languages or in one.

A line of `questions/articles.jsonl` is one of them: `at` its subject, `texts` the passage by
language, `questions` what is asked of it: `ask` the wording by language (of a passage in one
language, in another too), `answer` by the language of the text the words that answer, which it has
once; null where the passage does not answer, though it comes near. Languages are by their two
letters. Each question is read in its own language and in others, by itself, of the passage without
what answers (`silenced`), and in groups (`reader_groups`) with passages about something else.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from training.near_misses import NearMisses, missed
from training.question_files import trained
from training.reader_examples import CODES as OF_QA_TRAIN
from training.reader_examples import Paragraph, Text
from training.reader_groups import NEAREST, SIZE
from training.reader_pool import Material
from training.silenced import silenced

CODES = {
    **OF_QA_TRAIN, "bg": "bul", "bn": "ben", "cs": "ces", "da": "dan", "de": "deu", "el": "ell",
    "es": "spa", "fi": "fin", "fr": "fra", "he": "heb", "hi": "hin", "hu": "hun", "id": "ind",
    "it": "ita", "ko": "kor", "nl": "nld", "pl": "pol", "pt": "por", "ro": "ron", "ru": "rus",
    "sr": "srp-Cyrl", "sv": "swe", "sw": "swa", "ta": "tam", "tr": "tur", "uk": "ukr", "ur": "urd",
    "vi": "vie",
}  # fmt: skip
"""NTREX's."""
OWN, FOREIGN = 0.8, 0.45
"""Of the questions are read by themselves in their language; and in each of the others."""
GROUPED = 0.4
"""Of the questions come in a group too, half of them in another language than theirs."""
SILENCED = 0.25
"""Of the readings by themselves are made once more without what answers."""


def asked(article: dict[str, Any], number: int, language: str, told: str) -> Text:
    """One of its questions in one language, with the passage in one."""
    question, passage = article["questions"][number], article["texts"][told]
    start = end = 0
    if question["answer"] is not None:
        start = passage.index(question["answer"][told])
        end = start + len(question["answer"][told])
    return Text(question["ask"][language], passage, start, end, CODES[language], CODES[told])


def build(material: Material, rng: np.random.Generator) -> Iterator[list[Text]]:
    """Groups, and such by themselves (as a group of one)."""
    articles = trained("articles")
    grouped: list[Text] = []
    for article in articles:
        for number, question in enumerate(article["questions"]):
            for language in question["ask"]:
                texts = article["texts"]
                others = [told for told in texts if told != language]
                for told in texts:
                    if rng.random() < (OWN if told == language else FOREIGN):
                        text = asked(article, number, language, told)
                        yield [text]
                        if rng.random() < SILENCED and (silent := silenced(text)) is not None:
                            yield [silent]
                if question["answer"] is not None and rng.random() < GROUPED:
                    own = language in texts and (not others or rng.random() < 0.5)
                    told = language if own else str(rng.choice(others))
                    grouped.append(asked(article, number, language, told))
    yield from groups(articles, grouped, material, rng)


def groups(
    articles: list[dict[str, Any]], texts: list[Text], material: Material, rng: np.random.Generator
) -> Iterator[list[Text]]:
    """Each question with its passage and with near ones about something else that do not hold the
    answer, one of them in the question's language where there is one.
    """
    subject = {text: article["at"] for article in articles for text in article["texts"].values()}
    told = [
        Paragraph(text, "", CODES[language])
        for article in articles
        for language, text in article["texts"].items()
    ]
    near = NearMisses(material.near.embedder, told)
    for text, found in near.beside(texts, NEAREST):
        misses = [one for one in found if subject[one.text] != subject[text.passage]]
        own = [one for one in misses if one.language == text.asked][:1]
        rest = [one for one in misses if one not in own][: 2 * SIZE]
        drawn = [rest[n] for n in rng.permutation(len(rest))[: SIZE - 1 - len(own)]]
        yield [text, *(missed(text, miss, rng) for miss in (*own, *drawn))]
