"""The chat routes of the OpenAI API, for chatbots and their libraries."""

import time
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse
from starlette.concurrency import run_in_threadpool

from api.access import Access
from api.chat_events import Envelope, Finished, chat_events
from api.chat_reply import reply
from api.chat_schemas import MODEL, ChatCompletion, ChatRequest, ModelList, ModelOut, Usage
from api.openai_errors import RESPONSES
from api.state import CurrentAccess, CurrentDuring, CurrentEngine
from api.streaming import EVENT, event_stream, result
from api.wiring import Engine
from index.errors import UnknownCollection
from index.types import DEFAULT_COLLECTION
from rag.answer import Found, valid_question
from rag.chat import TURNS_READ

router = APIRouter(prefix="/v1", tags=["Chat"], responses=RESPONSES)
_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {"text/event-stream": {"schema": EVENT}},
        "description": "The reply, or its chunks where `stream` is true.",
    }
}


@router.post("/chat/completions", response_model=ChatCompletion, responses=_STREAM)
async def completions(
    body: ChatRequest, request: Request, engine: CurrentEngine, during: CurrentDuring
) -> ChatCompletion | EventSourceResponse:
    """Reply to the last `user` message, with numbered marks, quotes and sources in the text, and
    the same citations in `annotations` and `quoth`.
    """
    question, _ = body.question_and_history()
    valid_question(question)
    collection = _collection(body.model)
    await run_in_threadpool(_require_model, engine, body.model, collection)
    ask = partial(_finished, engine, body, collection)
    envelope = Envelope(body.model, str(request.base_url))
    if not body.stream:
        return envelope.completion(await result(ask, request, during))
    include_usage = bool(body.stream_options and body.stream_options.include_usage)
    events = chat_events(ask, envelope, during, include_usage=include_usage)
    return event_stream(events, during)


@router.get("/models")
def models(engine: CurrentEngine, access: CurrentAccess) -> ModelList:
    """The collections as models: `quoth` is the default one, `quoth/NAME` another."""
    return ModelList(data=_models(engine, access))


@router.get("/models/{model:path}")
def model(model: str, engine: CurrentEngine, access: CurrentAccess) -> ModelOut:
    """One of them."""
    collection = _collection(model)
    listed = _models(engine, access)
    found = next((each for each in listed if _collection(each.id) == collection), None)
    if found is None:
        raise _unknown(model)
    return found


def _models(engine: Engine, access: Access) -> list[ModelOut]:
    created = {
        record.name: int(record.created_at.timestamp())
        for record in engine.index.store.collections()
    }
    default: list[ModelOut] = []
    if access.sees(DEFAULT_COLLECTION):
        # It is there to be asked, if only to hear that it is empty.
        made = created.pop(DEFAULT_COLLECTION, int(time.time()))
        default.append(ModelOut(id=MODEL, created=made))
    others = [ModelOut(id=f"{MODEL}/{name}", created=when) for name, when in created.items()]
    return [*default, *others]


def _collection(model: str) -> str:
    """The collection that a model's name selects.

    Raises:
        UnknownCollection: it is another service's model.
    """
    if model == MODEL:
        return DEFAULT_COLLECTION
    prefix, slash, name = model.partition("/")
    if prefix != MODEL or not slash or not name:
        raise _unknown(model)
    return name


def _require_model(engine: Engine, model: str, collection: str) -> None:
    try:
        engine.index.store.collection_id(collection)
    except UnknownCollection as error:
        raise error if collection == DEFAULT_COLLECTION else _unknown(model) from error


def _unknown(model: str) -> UnknownCollection:
    return UnknownCollection(
        f"There is no model {model!r}: use {MODEL!r} for the default collection or "
        f"'{MODEL}/NAME' for the collection NAME; GET /v1/models lists them."
    )


def _finished(
    engine: Engine, body: ChatRequest, collection: str, found: Found = lambda _hits: None
) -> Finished:
    question, history = body.question_and_history()
    answer = engine.answer(
        question,
        collection=collection,
        limit=body.quoth.limit,
        filters=body.quoth.filters.to_filters(),
        min_confidence=body.quoth.min_confidence,
        history=history,
        found=found,
    )
    made = reply(answer)
    read = [question, *(turn.content for turn in history[-TURNS_READ:] if turn.content)]
    prompt = sum(engine.index.embedder.count_tokens(read))
    (completion,) = engine.index.embedder.count_tokens([made.content])
    usage = Usage(
        prompt_tokens=prompt, completion_tokens=completion, total_tokens=prompt + completion
    )
    return Finished(made, usage)
