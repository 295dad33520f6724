"""Questions and searches."""

from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from api.answer_events import answer_events
from api.problems import RESPONSES
from api.schemas import AnswerRequest, AnswerResponse, PassageOut, SearchRequest, SearchResponse
from api.state import CurrentDuring, CurrentEngine
from api.streaming import EVENT, event_stream, result
from rag.answer import require_documents, valid_question

router = APIRouter(prefix="/v1", tags=["Questions"], responses=RESPONSES)
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": EVENT}},
        "description": "The answer, or its events where `stream` is true.",
    }
}


@router.post("/answer", response_model=AnswerResponse, responses=_STREAM)
async def answer(
    body: AnswerRequest, request: Request, engine: CurrentEngine, during: CurrentDuring
) -> AnswerResponse | EventSourceResponse:
    """Answer a question from the documents, with verified quotes, or say that they do not."""
    ask = partial(
        engine.answer,
        body.question,
        collection=body.collection,
        limit=body.limit,
        filters=body.filters.to_filters(),
        min_confidence=body.min_confidence,
        history=[turn.to_turn() for turn in body.history],
    )
    include_passages = body.include_passages
    if not body.stream:
        given = await result(ask, request, during)
        return AnswerResponse.of(given, include_passages=include_passages)
    # What can be told at once gets a status of its own; later errors are events.
    valid_question(body.question)
    await run_in_threadpool(engine.index.store.collection_id, body.collection)
    events = answer_events(
        lambda found: ask(found=found),
        during,
        include_passages=include_passages,
        where="POST /v1/answer",
    )
    return event_stream(events, during)


@router.post("/search")
def search(request: SearchRequest, engine: CurrentEngine) -> SearchResponse:
    """The passages that fit a query best, by meaning and by keywords, in whatever language."""
    query = valid_question(request.query)
    filters = request.filters.to_filters()
    hits = engine.index.search(query, request.collection, request.limit, filters)
    require_documents(hits, request.collection, filters)
    return SearchResponse(query=query, passages=[PassageOut.of(hit) for hit in hits])
