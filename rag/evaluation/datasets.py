"""Files of questions → a `Dataset`.

Three kinds of file are read, told apart by their name and first line:

- SQuAD's JSON (`.json`, `.json.gz`; version 1.1 or 2.0);
- JSON lines with a `context` in each (`.jsonl`, `.jsonl.gz`);
- JSON lines with expected `documents`, over a folder of documents.

In the first two the contexts are the corpus, each distinct one a document `NAME/NUMBER` in order
of appearance, where NAME is the file's name without its suffixes.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from documents.errors import DocumentError
from documents.language import detect
from documents.load import LoadOptions, Raw
from index.ingest import Outcome, read_paths
from rag.evaluation.files import Asked, Paragraph, read_lines, read_squad, stem, suffix
from rag.evaluation.types import ALTERED, Corpus, Dataset, Gold, InvalidQuestions, Question


def load_dataset(questions: Path, corpus: Path | None = None) -> Dataset:
    """Read one file of questions.

    Args:
        questions: of one of the three kinds.
        corpus: a file or folder of documents, for the third kind and only for it.

    Raises:
        InvalidQuestions: the file cannot be read, breaks its format, or names documents that the
            corpus does not hold.
    """
    if suffix(questions) == ".json":
        _refuse_corpus(questions, corpus)
        return paragraph_dataset(stem(questions), read_squad(questions))
    rows = list(read_lines(questions))
    if rows and "context" in rows[0][1]:
        _refuse_corpus(questions, corpus)
        return paragraph_dataset(stem(questions), _paragraphs_of(questions, rows))
    if corpus is None:
        raise InvalidQuestions(
            f"{questions} names documents but holds none: say where they are with --corpus."
        )
    return _corpus_dataset(questions, rows, corpus)


def paragraph_dataset(name: str, paragraphs: Sequence[Paragraph]) -> Dataset:
    """A corpus of distinct paragraphs, asked their own questions."""
    numbers: dict[str, int] = {}
    raws: list[Raw] = []
    questions: list[Question] = []
    for paragraph in paragraphs:
        number = numbers.setdefault(paragraph.text, len(numbers))
        source = f"{name}/{number}"
        if number == len(raws):
            raws.append(paragraph_document(source, paragraph))
        for asked in paragraph.questions:
            questions.append(
                Question(
                    id=asked.id,
                    language=asked.language,
                    text=asked.text,
                    corpus=name,
                    answers=tuple(Gold(text, paragraph.language) for text in asked.answers),
                    documents=(source,) if asked.answers else (),
                    document_language=paragraph.language if asked.answers else None,
                    answerable=bool(asked.answers),
                )
            )
    return Dataset(name, "", _unique(questions), (Corpus(name, tuple(raws)),))


def paragraph_document(source: str, paragraph: Paragraph) -> Raw:
    """A paragraph as a document that comes in; its language is left for the pipeline to tell."""
    data = paragraph.text.encode("utf-8", errors="replace")
    title = paragraph.title or source
    return Raw(data, source, source, media_type="text/plain", encoding="utf-8", title=title)


def sample(dataset: Dataset, limit: int | None, seed: int) -> Dataset:
    """At most `limit` of the questions (from 1; None for all), drawn evenly and without
    replacement, in their own order. The corpora stay whole.
    """
    questions = dataset.questions
    if limit is None or limit >= len(questions):
        return dataset
    drawn = np.random.default_rng(seed).choice(len(questions), limit, replace=False)
    return replace(dataset, questions=tuple(questions[i] for i in sorted(drawn.tolist())))


def with_unanswerable(dataset: Dataset) -> Dataset:
    """Each answerable question once more, with the documents that answer it taken out."""
    altered = [
        replace(
            question,
            id=question.id + ALTERED,
            answers=(),
            documents=(),
            answerable=False,
            without=question.documents,
        )
        for question in dataset.questions
        if question.answerable
    ]
    return replace(dataset, questions=(*dataset.questions, *altered))


def _refuse_corpus(questions: Path, corpus: Path | None) -> None:
    if corpus is not None:
        raise InvalidQuestions(f"{questions} holds its own documents: leave --corpus out.")


def _paragraphs_of(path: Path, rows: Iterable[tuple[int, dict[str, Any]]]) -> list[Paragraph]:
    paragraphs = []
    for number, row in rows:
        try:
            context = str(row["context"])
            language = str(row.get("lang") or row.get("language") or detect(context).tag)
            answers = [] if row.get("impossible") else row["answers"]
            texts = tuple(dict.fromkeys(str(answer["text"]) for answer in answers))
            text = str(row["question"]).strip()
            asked = Asked(str(row.get("id", number)), text, language, texts)
        except (KeyError, TypeError) as error:
            raise InvalidQuestions(f"{path} line {number} lacks or breaks {error}.") from error
        paragraphs.append(Paragraph(context, str(row.get("title") or ""), language, (asked,)))
    return paragraphs


def _corpus_dataset(
    path: Path, rows: Iterable[tuple[int, dict[str, Any]]], corpus: Path
) -> Dataset:
    raws = tuple(_read_corpus(corpus))
    sources = [raw.source for raw in raws]
    questions = []
    for number, row in rows:
        try:
            answers = () if row.get("impossible") else tuple(map(str, row["answers"]))
            named = () if row.get("impossible") else tuple(map(str, row["documents"]))
            text = str(row["question"]).strip()
        except (KeyError, TypeError) as error:
            raise InvalidQuestions(f"{path} line {number} lacks or breaks {error}.") from error
        if bool(answers) != bool(named):
            raise InvalidQuestions(
                f'{path} line {number} needs both answers and documents, or "impossible": true.'
            )
        questions.append(
            Question(
                id=str(row.get("id", number)),
                language=str(row.get("language") or detect(text).tag),
                text=text,
                corpus=corpus.name,
                answers=tuple(map(Gold, answers)),
                documents=tuple(_source(name, sources, f"{path} line {number}") for name in named),
                answerable=bool(answers),
            )
        )
    return Dataset(stem(path), "", _unique(questions), (Corpus(corpus.name, raws),))


def _read_corpus(corpus: Path) -> Iterator[Raw]:
    for item in read_paths([corpus], LoadOptions()):
        if isinstance(item, Outcome):
            error = item.error or DocumentError("it cannot be read")
            raise InvalidQuestions(f"The corpus file {item.source} cannot be read: {error}.")
        yield item


def _source(name: str, sources: Sequence[str], where: str) -> str:
    """The one source that is `name`, or ends in it as a path does."""
    found = [source for source in sources if source == name or source.endswith(f"/{name}")]
    if len(found) != 1:
        problem = "names several documents" if found else "is not in the corpus"
        raise InvalidQuestions(f"{where}: {name!r} {problem}: write its path within the corpus.")
    return found[0]


def _unique(questions: Sequence[Question]) -> tuple[Question, ...]:
    """Ids that come again get `#2`, `#3` and so on, in order."""
    seen: Counter[str] = Counter()
    result = []
    for question in questions:
        seen[question.id] += 1
        count = seen[question.id]
        result.append(question if count == 1 else replace(question, id=f"{question.id}#{count}"))
    return tuple(result)
