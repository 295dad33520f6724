"""An answer as a chat message: marks in the text, quotes and sources under it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from rag.phrases import decline, elsewhere
from rag.types import Alternative, Answer, Citation

Link = Callable[[Citation], str]


@dataclass(frozen=True, slots=True)
class Mark:
    """`content[start:end]` is the mark of `citation`, such as "[2]"."""

    start: int
    end: int
    citation: Citation


@dataclass(frozen=True, slots=True)
class Reply:
    """`pieces` joined are the content. `answer` is the one that was given, with all its citations
    numbered through as the marks are, and without passages: a reply shows nothing but what it says.
    """

    pieces: tuple[str, ...]
    marks: tuple[Mark, ...]
    answer: Answer

    @property
    def content(self) -> str:
        """The whole text."""
        return "".join(self.pieces)


def reply(answer: Answer) -> Reply:
    """The message of an answer: its wording with marks, what other documents say instead, and the
    quotes. One that declines is a sentence in the question's language and nothing else.
    """
    if answer.answer is None:
        text = decline(answer.question_language)
        bare = replace(answer, passages=(), citations=(), alternatives=())
        return Reply((text,), (), bare)
    numbered = _numbered(answer)
    writer = _Writer()
    writer.statement(answer.answer, numbered.citations)
    for other in numbered.alternatives:
        if _same(other.answer, answer.answer):
            writer.marks_only(other.citations)
    for other in numbered.alternatives:
        if not _same(other.answer, answer.answer):
            writer.write(f"\n\n{elsewhere(answer.question_language)} ")
            writer.statement(other.answer, other.citations)
    for citation in _all(numbered):
        writer.write(f"\n\n[{citation.index}] “{citation.quote}” — {_source(citation)}")
    return Reply(tuple(writer.pieces), tuple(writer.marks), numbered)


class _Writer:
    """Text in pieces, knowing where each mark stands."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.marks: list[Mark] = []
        self._length = 0

    def write(self, text: str) -> None:
        """Add a piece."""
        self.pieces.append(text)
        self._length += len(text)

    def statement(self, wording: str, citations: Sequence[Citation]) -> None:
        """A wording with the mark of each citation behind the part of it that it supports."""
        done = 0
        for citation in sorted(citations, key=lambda citation: citation.answer_end):
            end = min(max(citation.answer_end, done), len(wording))
            if end > done:
                self.write(wording[done:end])
                done = end
            self.marks_only([citation])
        if done < len(wording):
            self.write(wording[done:])

    def marks_only(self, citations: Sequence[Citation]) -> None:
        """The marks of citations."""
        for citation in citations:
            mark = f"[{citation.index}]"
            self.marks.append(Mark(self._length + 1, self._length + 1 + len(mark), citation))
            self.write(f" {mark}")


def _numbered(answer: Answer) -> Answer:
    """The answer with its citations and those of its alternatives numbered through from 1."""
    count = 0

    def renumbered(citations: Sequence[Citation]) -> tuple[Citation, ...]:
        nonlocal count
        result = []
        for citation in citations:
            count += 1
            result.append(replace(citation, index=count))
        return tuple(result)

    citations = renumbered(answer.citations)
    others = tuple(
        Alternative(
            other.answer, other.answer_language, other.confidence, renumbered(other.citations)
        )
        for other in answer.alternatives
    )
    return replace(answer, citations=citations, alternatives=others, passages=())


def _all(answer: Answer) -> list[Citation]:
    return [
        *answer.citations,
        *(citation for other in answer.alternatives for citation in other.citations),
    ]


def _same(one: str, other: str) -> bool:
    return one.casefold().split() == other.casefold().split()


def _source(citation: Citation) -> str:
    if citation.title and citation.title != citation.source:
        return f"{citation.title} ({citation.source})"
    return citation.source
