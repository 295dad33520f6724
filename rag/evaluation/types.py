"""Records of an evaluation: what is asked, over which documents, and what came back.

Documents are named by their source, which is unique within a corpus and the same for every system.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from documents.load import Raw
from index.errors import InvalidRequest

ALTERED = "~without"
"""Ends the id of a question that is asked with its documents taken out of the corpus."""


class InvalidQuestions(InvalidRequest):
    """A file of questions, its corpus or a setting is at fault; the message says where."""


@dataclass(frozen=True, slots=True)
class Gold:
    """A right answer, with the BCP 47 tag of its language where that is known."""

    text: str
    language: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it is asked of one corpus.

    `id` is unique in its data set. `documents` are the sources that hold the answer, none where
    `answerable` is false. `without` are the sources that are taken out before it is asked.
    `language` and `document_language` are BCP 47 tags; the latter is None where only the corpus
    can tell it.
    """

    id: str
    language: str
    text: str
    corpus: str
    answers: tuple[Gold, ...] = ()
    documents: tuple[str, ...] = ()
    document_language: str | None = None
    answerable: bool = True
    without: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Corpus:
    """A collection of its own: documents as they come in, each with a source that no other has."""

    name: str
    documents: tuple[Raw, ...]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Questions, and the corpora that they are asked of by name."""

    name: str
    setting: str
    questions: tuple[Question, ...]
    corpora: tuple[Corpus, ...]


@dataclass(frozen=True, slots=True)
class Quote:
    """A citation: the words, and where they are said to stand. It satisfies `metrics.Quoted`.

    `document_id` is the document's source. `start` and `end` count code points.
    """

    document_id: str
    quote: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a system said to one question.

    `ranked` are sources, best first; None where the system ranks nothing. `answered` says whether
    it gave an answer; None where it was asked for none (retrieval alone). Where it declined,
    `answer` and `quotes` are the best it had at hand. `confidence` is in [0, 1], or None where the
    system tells none. `alternatives` are quotes of other answers shown beside it.
    """

    ranked: tuple[str, ...] | None = None
    answered: bool | None = None
    answer: str = ""
    answer_language: str | None = None
    confidence: float | None = None
    quotes: tuple[Quote, ...] = ()
    alternatives: tuple[Quote, ...] = ()


@dataclass(frozen=True, slots=True)
class Scored:
    """A question, what was said to it, and its scores.

    `scores` has an entry for each of `scoring.METRICS`, None where the question is not eligible.
    `correct` is whether the answer, given or at hand, is right, in [0, 1]; None where no answer was
    asked for. `document_language` is None where no document holds the answer.
    """

    question: Question
    prediction: Prediction
    document_language: str | None
    scores: Mapping[str, float | None]
    correct: float | None


class System(Protocol):
    """Anything that can be asked."""

    def respond(self, question: Question) -> Prediction:
        """Answer, as if the documents in `question.without` were not in the corpus."""


@dataclass(frozen=True, slots=True)
class Texts:
    """The documents of one corpus by source, as quotes may point into them.

    `canonical` is the text as Quoth reads it; `original` the decoded input, where it differs.
    `languages` are BCP 47 tags.
    """

    canonical: Mapping[str, str]
    original: Mapping[str, str]
    languages: Mapping[str, str]
