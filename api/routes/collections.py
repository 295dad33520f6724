"""Collections: named sets of documents."""

from fastapi import APIRouter, Response

from api.problems import RESPONSES
from api.schemas import CollectionIn, CollectionList, CollectionName, CollectionOut
from api.state import CurrentAccess, CurrentEngine, CurrentState

router = APIRouter(prefix="/v1/collections", tags=["Collections"], responses=RESPONSES)


@router.get("")
def collections(engine: CurrentEngine) -> CollectionList:
    """All collections."""
    records = engine.index.store.collections()
    return CollectionList(collections=[CollectionOut.of(record) for record in records])


@router.post("", status_code=201, responses={200: {"description": "It was there already."}})
def create(request: CollectionIn, engine: CurrentEngine, response: Response) -> CollectionOut:
    """Create an empty collection."""
    if not engine.index.store.create_collection(request.name):
        response.status_code = 200
    records = engine.index.store.collections()
    return CollectionOut.of(next(record for record in records if record.name == request.name))


@router.delete("/{name}", status_code=204)
def delete(
    name: CollectionName, engine: CurrentEngine, access: CurrentAccess, state: CurrentState
) -> None:
    """Remove a collection with all its documents. Its jobs are cancelled."""
    access.require(name)
    engine.index.store.collection_id(name)  # of an unknown one nothing is cancelled
    state.jobs.cancel_all(name)
    engine.index.store.delete_collection(name)
