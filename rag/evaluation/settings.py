"""Parallel files in several languages → corpora that pose the problem of languages.

A folder holds `<language>.json` or `<language>.json.gz` in SQuAD's format, the same paragraphs and
questions in the same order in each, as XQuAD (Artetxe et al. 2020) does.

- `mono`: each language is a corpus of its own, asked in its own language.
- `cross:LANG`: each *other* language is a corpus of its own, asked in LANG.
- `scattered:SEED`: one corpus in which paragraph *i* stands in one language alone, drawn at random;
  it is asked in every language.
- `lopsided:SEED`: for each language a corpus in which nine paragraphs of ten stand in it and the
  others in one of the other languages; only these others are asked about, in that language.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from rag.evaluation.datasets import paragraph_document
from rag.evaluation.files import Asked, Paragraph, read_squad, stem
from rag.evaluation.types import Corpus, Dataset, Gold, InvalidQuestions, Question

FOREIGN_SHARE = 10
"""One paragraph in so many stands in another language where a corpus is lopsided."""

Parallel = Mapping[str, Sequence[Paragraph]]
"""Paragraphs by language, languages ascending; those of one position say the same."""


def load_parallel(folder: Path, setting: str) -> Dataset:
    """Read a folder of parallel files in a setting.

    Documents are named `<language>/<position>`. Question ids are `<language>:<id>`, and in `cross`
    `<language>><document language>:<id>`.

    Raises:
        InvalidQuestions: the files are not parallel, or there is no such setting.
    """
    kind, _colon, value = setting.partition(":")
    parallel = read_parallel(folder)
    if setting == "mono":
        questions, corpora = _mono(parallel)
    elif kind == "cross" and value in parallel:
        questions, corpora = _cross(parallel, value)
    elif kind == "scattered" and value.isascii() and value.isdigit():
        questions, corpora = _scattered(parallel, int(value))
    elif kind == "lopsided" and value.isascii() and value.isdigit():
        questions, corpora = _lopsided(parallel, int(value))
    else:
        raise InvalidQuestions(
            f"There is no setting {setting!r}: use mono, scattered:SEED or lopsided:SEED with a "
            f"whole number, or cross:LANG with one of {', '.join(parallel)}."
        )
    return Dataset(folder.name, setting, tuple(questions), tuple(corpora))


def read_parallel(folder: Path) -> Parallel:
    """The paragraphs of each file in a folder.

    Raises:
        InvalidQuestions: there are fewer than two, or two differ in paragraphs or questions.
    """
    files = sorted(path for path in folder.iterdir() if path.name.endswith((".json", ".json.gz")))
    parallel = {stem(path): read_squad(path, stem(path)) for path in files}
    if len(parallel) < 2:
        raise InvalidQuestions(
            f"{folder} holds {len(parallel)} files <language>.json or .json.gz: at least two are "
            "needed."
        )
    shapes = {
        language: [[asked.id for asked in paragraph.questions] for paragraph in paragraphs]
        for language, paragraphs in parallel.items()
    }
    first = next(iter(shapes))
    for language, shape in shapes.items():
        if shape != shapes[first]:
            raise InvalidQuestions(
                f"{folder}: the questions of {language} are not those of {first}, paragraph by "
                "paragraph: the files must be parallel."
            )
    return dict(sorted(parallel.items()))


def picks(seed: int, paragraphs: int, languages: int) -> list[int]:
    """Which language each paragraph is kept in, as a position in 0 ... languages - 1."""
    drawn: list[int] = np.random.default_rng(seed).integers(0, languages, paragraphs).tolist()
    return drawn


def _mono(parallel: Parallel) -> tuple[list[Question], list[Corpus]]:
    questions = [
        _question(f"{language}:{asked.id}", language, asked, language, language, position, asked)
        for language, paragraphs in parallel.items()
        for position, paragraph in enumerate(paragraphs)
        for asked in paragraph.questions
    ]
    return questions, [_corpus(language, parallel) for language in parallel]


def _cross(parallel: Parallel, language: str) -> tuple[list[Question], list[Corpus]]:
    others = [other for other in parallel if other != language]
    questions = [
        _question(f"{language}>{other}:{asked.id}", other, asked, language, other, position, there)
        for other in others
        for position, (paragraph, target) in enumerate(
            zip(parallel[language], parallel[other], strict=True)
        )
        for asked, there in zip(paragraph.questions, target.questions, strict=True)
    ]
    return questions, [_corpus(other, parallel) for other in others]


def _scattered(parallel: Parallel, seed: int) -> tuple[list[Question], list[Corpus]]:
    languages = list(parallel)
    count = len(parallel[languages[0]])
    places = [languages[pick] for pick in picks(seed, count, len(languages))]
    questions = [
        _question(f"{language}:{asked.id}", "scattered", asked, language, place, position, there)
        for language, paragraphs in parallel.items()
        for position, (place, paragraph) in enumerate(zip(places, paragraphs, strict=True))
        for asked, there in zip(
            paragraph.questions, parallel[place][position].questions, strict=True
        )
    ]
    return questions, [_scattered_corpus("scattered", places, parallel)]


def _lopsided(parallel: Parallel, seed: int) -> tuple[list[Question], list[Corpus]]:
    questions: list[Question] = []
    corpora = []
    generator = np.random.default_rng(seed)
    for language, paragraphs in parallel.items():
        others = [other for other in parallel if other != language]
        away = generator.permutation(len(paragraphs))[: max(1, len(paragraphs) // FOREIGN_SHARE)]
        places = [language] * len(paragraphs)
        for position in away.tolist():
            places[position] = others[int(generator.integers(len(others)))]
        corpora.append(_scattered_corpus(f"mostly-{language}", places, parallel))
        questions += [
            _question(
                f"{language}:{asked.id}", f"mostly-{language}", asked, language, place, position,
                there,
            )
            for position, place in enumerate(places)
            if place != language
            for asked, there in zip(
                paragraphs[position].questions, parallel[place][position].questions, strict=True
            )
        ]  # fmt: skip
    return questions, corpora


def _question(
    identity: str,
    corpus: str,
    asked: Asked,
    language: str,
    document_language: str,
    position: int,
    there: Asked,
) -> Question:
    """A question whose answer stands in another language: right in that language's words, which
    are what can be quoted, or in those of the question.
    """
    answers = [Gold(text, document_language) for text in there.answers]
    answers += [Gold(text, language) for text in asked.answers if language != document_language]
    answerable = bool(there.answers)
    return Question(
        id=identity,
        language=language,
        text=asked.text,
        corpus=corpus,
        answers=tuple(answers) if answerable else (),
        documents=(f"{document_language}/{position}",) if answerable else (),
        document_language=document_language if answerable else None,
        answerable=answerable,
    )


def _scattered_corpus(name: str, places: Sequence[str], parallel: Parallel) -> Corpus:
    """Paragraph i in the language `places[i]`."""
    raws = [
        paragraph_document(f"{place}/{position}", parallel[place][position])
        for position, place in enumerate(places)
    ]
    return Corpus(name, tuple(raws))


def _corpus(language: str, parallel: Parallel) -> Corpus:
    raws = [
        paragraph_document(f"{language}/{position}", paragraph)
        for position, paragraph in enumerate(parallel[language])
    ]
    return Corpus(language, tuple(raws))
