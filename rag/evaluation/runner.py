"""Documents in, questions asked, scores out."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from documents.encoding import decode
from documents.errors import DocumentError
from documents.load import load
from index.errors import UnknownCollection
from index.ingest import IngestOptions, ingest
from index.local import LocalIndex
from rag.evaluation.scoring import score
from rag.evaluation.systems import Progress, Quoth
from rag.evaluation.types import Corpus, Dataset, Prediction, Question, Scored, System, Texts

TIMED = 50
"""Questions asked once more, alone, to measure how long one takes."""


def quiet(_stage: str, _done: int, _total: int) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Library:
    """What was taken in.

    `texts` is by corpus, `ids` are document ids by corpus and source, `failed` says why by source.
    `seconds` is the wall-clock time it took.
    """

    texts: Mapping[str, Texts]
    ids: Mapping[tuple[str, str], str]
    failed: Mapping[str, str]
    seconds: float

    @property
    def documents(self) -> int:
        """How many documents are in."""
        return len(self.ids)


def needed_corpora(dataset: Dataset) -> list[Corpus]:
    """The corpora that a question is asked of, whole."""
    asked = {question.corpus for question in dataset.questions}
    return [corpus for corpus in dataset.corpora if corpus.name in asked]


def take_in(
    index: LocalIndex,
    dataset: Dataset,
    options: IngestOptions | None = None,
    progress: Progress = quiet,
) -> Library:
    """Ingest the corpora that are asked, each into a collection of its name.

    Raises:
        StorageError: nothing more can be stored.
    """
    corpora = needed_corpora(dataset)
    total = sum(len(corpus.documents) for corpus in corpora)
    ids: dict[tuple[str, str], str] = {}
    failed: dict[str, str] = {}
    start = time.perf_counter()
    for corpus in corpora:
        for outcome in ingest(index, corpus.name, corpus.documents, options):
            if outcome.error is not None:
                failed[outcome.source] = outcome.reason
            else:
                ids[corpus.name, outcome.source] = outcome.document_id
            progress("taking in the documents", len(ids) + len(failed), total)
    seconds = time.perf_counter() - start
    texts = {corpus.name: _stored_texts(index, corpus.name) for corpus in corpora}
    return Library(texts, ids, failed, seconds)


def read_texts(dataset: Dataset, options: IngestOptions | None = None) -> Library:
    """The same texts without an index, with the originals beside them: what other systems quote."""
    options = options or IngestOptions()
    texts: dict[str, Texts] = {}
    ids: dict[tuple[str, str], str] = {}
    failed: dict[str, str] = {}
    start = time.perf_counter()
    for corpus in needed_corpora(dataset):
        canonical, original, languages = {}, {}, {}
        for raw in corpus.documents:
            try:
                document = load(raw, raw.source, options.load)
            except DocumentError as error:
                failed[raw.source] = str(error)
                continue
            ids[corpus.name, raw.source] = document.id
            canonical[raw.source] = document.text
            original[raw.source] = decode(raw.data, raw.encoding or None).text
            languages[raw.source] = document.language
        texts[corpus.name] = Texts(canonical, original, languages)
    return Library(texts, ids, failed, time.perf_counter() - start)


def ask(
    dataset: Dataset, system: System, library: Library, progress: Progress = quiet
) -> list[Scored]:
    """Ask every question and score what comes back, in the order of the questions."""
    total = len(dataset.questions)
    rows = []
    for number, question in enumerate(dataset.questions, 1):
        prediction = system.respond(question)
        rows.append(score(question, prediction, library.texts[question.corpus]))
        progress("asking", number, total)
    return rows


def time_questions(
    dataset: Dataset, system: Quoth, seed: int, progress: Progress = quiet
) -> list[float]:
    """Milliseconds of a seeded sample of the questions, asked one by one; the first is asked twice
    and counted once, since whatever is loaded late is loaded then.
    """
    count = min(TIMED, len(dataset.questions))
    drawn = np.random.default_rng(seed).choice(len(dataset.questions), count, replace=False)
    questions = [dataset.questions[number] for number in sorted(drawn.tolist())]
    durations = []
    for number, question in enumerate([*questions[:1], *questions]):
        progress("timing", number, count)
        durations.append(system.milliseconds(question))
    return durations[1:]


class Recorded:
    """Implements `System` with predictions made before. A question without one got nothing:
    no ranking, no answer.
    """

    def __init__(self, predictions: Mapping[str, Prediction], nothing: Prediction) -> None:
        self._predictions = predictions
        self._nothing = nothing

    def respond(self, question: Question) -> Prediction:
        """What was recorded for the question's id."""
        return self._predictions.get(question.id, self._nothing)


def missing(questions: Sequence[Question], predictions: Mapping[str, Prediction]) -> int:
    """How many questions have no prediction."""
    return sum(question.id not in predictions for question in questions)


def _stored_texts(index: LocalIndex, collection: str) -> Texts:
    try:
        records = index.store.documents(collection, limit=2**31)
    except UnknownCollection:  # nothing could be taken in
        records = []
    return Texts(
        {r.source: index.text_range(r.id, 0, r.characters) for r in records},
        {},
        {r.source: r.language for r in records},
    )
