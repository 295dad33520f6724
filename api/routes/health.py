"""Whether the process lives, whether it can answer, and what it counts."""

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.metrics import JobsCollector, StoreCollector
from api.problems import RESPONSES, NotReady, kind_of
from api.schemas import Health
from api.state import CurrentState

router = APIRouter(tags=["Health"])


@router.get("/healthz")
def healthz() -> Health:
    """The process lives."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Health, "description": "Not ready."}})
def readyz(state: CurrentState, response: Response) -> Health:
    """The models are loaded, the data folder can be read and written, and it is not stopping."""
    response.status_code = 503
    if state.is_draining:
        return Health(status="stopping")
    try:
        state.engine().index.store.collections()
        state.check_writable()
    except NotReady as error:
        return Health(status="loading", detail=str(error))
    except Exception as error:
        kind = kind_of(error)
        if kind is None:
            raise
        return Health(status="failed", detail=kind)
    response.status_code = 200
    return Health(status="ok")


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **{status: RESPONSES[status] for status in (401, 403, 429, 503)},
    },
)
def metrics(state: CurrentState) -> Response:
    """What the service counts, for Prometheus. A key needs the scope `metrics`."""
    try:
        collectors = [StoreCollector(state.engine().index.store), JobsCollector(state.jobs)]
    except NotReady:
        collectors = []
    return Response(state.metrics.exposition(*collectors), media_type=CONTENT_TYPE_LATEST)
