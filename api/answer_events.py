"""An answer as server-sent events: passages, answer, citations, done."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing

from sse_starlette import ServerSentEvent

from api.problems import document_of
from api.schemas import AnswerResponse, AnswerStart, PassageOut, PassagesFound
from api.streaming import During, Emit, event, streamed
from index.types import Hit
from rag.answer import Found
from rag.types import Answer


async def answer_events(
    ask: Callable[[Found], Answer], during: During, *, include_passages: bool, where: str
) -> AsyncIterator[ServerSentEvent]:
    """The events of one question, in this order: `passages`, `answer`, a `citation` each, `done`
    with the whole response; `error` with a problem document ends it early.

    Args:
        ask: answers, and tells of the passages before it reads them.
        during: how long it may take.
        include_passages: whether the whole response shows them beside an answer too.
        where: the request, for the log.
    """
    try:
        async with aclosing(streamed(_work(ask), during)) as items:
            async for item in items:
                events = (
                    _of_answer(item, include_passages)
                    if isinstance(item, Answer)
                    else [event(PassagesFound(passages=list(map(PassageOut.of, item))), "passages")]
                )
                for each in events:
                    yield each
    except Exception as error:
        # The status is sent already: this is the edge where errors become documents.
        yield event(document_of(error, where), "error")


def _work(ask: Callable[[Found], Answer]) -> Callable[[Emit[Answer | Sequence[Hit]]], None]:
    def work(emit: Emit[Answer | Sequence[Hit]]) -> None:
        emit(ask(emit))

    return work


def _of_answer(answer: Answer, include_passages: bool) -> list[ServerSentEvent]:
    whole = AnswerResponse.of(answer, include_passages=include_passages)
    start = AnswerStart.model_validate(whole.model_dump(include=set(AnswerStart.model_fields)))
    return [
        event(start, "answer"),
        *(event(citation, "citation") for citation in whole.citations),
        event(whole, "done"),
    ]
