"""Questions and searches."""

from fastapi import APIRouter

from api.problems import RESPONSES
from api.schemas import AnswerRequest, AnswerResponse, PassageOut, SearchRequest, SearchResponse
from api.state import CurrentEngine
from rag.answer import require_documents, valid_question

router = APIRouter(prefix="/v1", tags=["Questions"], responses=RESPONSES)


@router.post("/answer")
def answer(request: AnswerRequest, engine: CurrentEngine) -> AnswerResponse:
    """Answer a question from the documents, with verified quotes, or say that they do not."""
    result = engine.answer(
        request.question,
        collection=request.collection,
        limit=request.limit,
        filters=request.filters.to_filters(),
        min_confidence=request.min_confidence,
        history=[turn.to_turn() for turn in request.history],
    )
    return AnswerResponse.of(result, include_passages=request.include_passages)


@router.post("/search")
def search(request: SearchRequest, engine: CurrentEngine) -> SearchResponse:
    """The passages nearest to a query, in whatever language they are."""
    query = valid_question(request.query)
    filters = request.filters.to_filters()
    hits = engine.index.search(query, request.collection, request.limit, filters)
    require_documents(hits, request.collection, filters)
    return SearchResponse(query=query, passages=[PassageOut.of(hit) for hit in hits])
