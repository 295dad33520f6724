"""Turns of a conversation → a question that stands alone. Needs no language model.

A question is a follow-up when it has too few words of its own, goes on from the last one ("and in
winter?"), or points back ("who refused it?"). It is then searched for in three ways: as it was
asked, with the content words of the questions it hangs on, and with the last answer besides. The
passages that fit all three on average are read, so that retrieval decides how much of the past was
meant.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from documents.language import detect
from documents.types import Alignment
from index.types import Filters, Hit
from rag.answer import (
    MAX_QUESTION_CHARACTERS,
    AnswerOptions,
    Found,
    SearchableTexts,
    answer,
    valid_question,
)
from rag.chat_text import Analysis, analyse
from rag.phrases import is_decline
from rag.types import Answer, Models, Reader

TURNS_READ = 12
"""Turns looked back at: what was asked longer ago is hardly meant by "it"."""
_QUESTION_CHARACTERS = 300
"""Of an earlier question: a follow-up hangs on its question, not on a letter pasted above it."""
_SUBJECT_WORDS = 16
_ANSWER_CHARACTERS = 160
_DEPTH = 3
"""Passages found for each rewriting, as a multiple of those that are wanted."""
_SURE = 0.6
"""Below this, small words tell the language of a short question better than the detector."""
_SURROGATES = re.compile(r"[\ud800-\udfff]")

Role = Literal["user", "assistant"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Something said before the question."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Understood:
    """What a question means where it stands.

    `standalone` is what is asked of the documents: `question` itself unless `follow_up`. `queries`
    are what is searched for, one or more, the question as it was asked first. `language` is the
    question's, as a BCP 47 tag.
    """

    question: str
    standalone: str
    follow_up: bool
    queries: tuple[str, ...]
    language: str


def converse(
    question: str,
    history: Sequence[Turn],
    index: SearchableTexts,
    reader: Reader,
    models: Models,
    options: AnswerOptions,
    found: Found = lambda _hits: None,
) -> Answer:
    """Answer a question where it stands in a conversation, otherwise as `rag.answer.answer` does.

    Raises:
        As `rag.answer.answer`.
    """
    understood = understand(valid_question(question), history)
    if understood.follow_up:
        index = FollowUpSearch(index, understood.queries)
    result = answer(understood.standalone, index, reader, models, options, found)
    return replace(result, question_language=understood.language)


def understand(question: str, history: Sequence[Turn]) -> Understood:
    """What a question means after `history`, which is oldest first. Never fails."""
    turns = [turn for turn in history if turn.content.strip()][-TURNS_READ:]
    asked_before = [_clipped(turn.content) for turn in turns if turn.role == "user"]
    hints = [analyse(text).language for text in reversed(asked_before)]
    asked = analyse(question, hints)
    detected, confidence = detect(question)
    language = detected if confidence >= _SURE or not asked.language else asked.language
    subject = _subject(asked_before, asked) if _leans(asked) else []
    standalone = _joined(question, subject)
    if not subject or len(standalone) > MAX_QUESTION_CHARACTERS:
        return Understood(question, question, False, (question,), language)
    last_answer = _last_answer(turns)
    queries = [question, standalone]
    if last_answer:
        queries.append(_joined(question, [*subject, last_answer]))
    return Understood(question, standalone, True, tuple(queries), language)


def is_follow_up(question: str, hints: Sequence[str] = ()) -> bool:
    """Whether a question leans on what was said before; `hints` are likely languages of it."""
    return _leans(analyse(question, hints))


def _leans(asked: Analysis) -> bool:
    if not asked.content:
        return True
    if not asked.language:
        # No list of its small words: a couple of words are rarely a whole question.
        return asked.weight <= 2 and not asked.name
    if asked.reference and asked.weight <= 6:
        return True
    if asked.connective and (asked.weight <= 1.5 or (asked.weight <= 2 and not asked.name)):
        return True
    whole = asked.name or asked.defined or (asked.copula and not asked.article)
    return asked.weight <= 1 and not whole


class FollowUpSearch:
    """Implements `SearchableTexts`: whatever is asked of it, it finds the passages that fit the
    rewritings of a follow-up best on average.
    """

    def __init__(self, index: SearchableTexts, queries: Sequence[str]) -> None:
        self._index = index
        self._queries = queries

    def search(
        self, query: str, collection: str, limit: int, filters: Filters | None = None
    ) -> list[Hit]:
        """The `limit` best by mean score, which is each hit's `score`. A passage that a rewriting
        did not bring up counts there as its last one.
        """
        found = [
            self._index.search(each, collection, limit * _DEPTH, filters) for each in self._queries
        ]
        hits = {hit.chunk_id: hit for ranking in found for hit in ranking}
        means = dict.fromkeys(hits, 0.0)
        for ranking in found:
            scores = {hit.chunk_id: hit.score for hit in ranking}
            last = min(scores.values(), default=0.0)
            for chunk_id in means:
                means[chunk_id] += scores.get(chunk_id, last) / len(found)
        best = sorted(means, key=lambda chunk_id: (-means[chunk_id], chunk_id))[:limit]
        return [
            replace(hits[chunk_id], rank=rank, score=means[chunk_id])
            for rank, chunk_id in enumerate(best, 1)
        ]

    def text_range(self, document_id: str, start: int, end: int) -> str:
        """The characters `text[start:end]` of a stored document."""
        return self._index.text_range(document_id, start, end)

    def alignment(self, document_id: str) -> Alignment:
        """How a document's text stands in its original."""
        return self._index.alignment(document_id)


def _subject(asked_before: Sequence[str], asked: Analysis) -> list[str]:
    """Content words of the last question that stood alone, and of the follow-ups since then,
    without those that the question has itself.
    """
    seen = {word.casefold() for word in asked.content}
    words: list[str] = []
    for earlier in reversed(list(_chain(asked_before))):
        for word in earlier.content:
            if word.casefold() not in seen:
                seen.add(word.casefold())
                words.append(word)
    return words[-_SUBJECT_WORDS:]


def _chain(asked_before: Sequence[str]) -> Iterator[Analysis]:
    """The last questions, latest first, as far back as the first that stands alone."""
    for text in reversed(asked_before):
        earlier = analyse(text)
        yield earlier
        if not _leans(earlier):
            return


def _last_answer(turns: Sequence[Turn]) -> str:
    """The last answer's first line without its marks; empty where none was given."""
    if turns[-1].role != "assistant":
        return ""
    first_line = turns[-1].content.strip().split("\n", 1)[0]
    first_line = re.sub(r"\s*\[\d+\]", "", _SURROGATES.sub("", first_line))
    return "" if is_decline(first_line) else first_line[:_ANSWER_CHARACTERS]


def _joined(question: str, words: Sequence[str]) -> str:
    return f"{question} ({' '.join(words)})"


def _clipped(text: str) -> str:
    """An earlier question on one line; of a long message its end, where its question mostly is."""
    return " ".join(_SURROGATES.sub("", text).split())[-_QUESTION_CHARACTERS:]
