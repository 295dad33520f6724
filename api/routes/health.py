"""Whether the process lives, whether it can answer, and what it counts."""

from functools import partial

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST

from api.metrics import JobsCollector, StoreCollector
from api.problems import RESPONSES, NotReady, kind_of
from api.schemas import Health
from api.state import CurrentState, State

router = APIRouter(tags=["Health"])


_THREADS = CapacityLimiter(2)
"""Probes answer also where every other thread is at work, and take no more than these."""


@router.get("/healthz")
async def healthz() -> Health:
    """The process lives."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Health, "description": "Not ready."}})
async def readyz(state: CurrentState, response: Response) -> Health:
    """The models are loaded, the data folder can be read and written, and it is not stopping."""
    health = await to_thread.run_sync(partial(_readiness, state), limiter=_THREADS)
    response.status_code = 200 if health.status == "ok" else 503
    return health


def _readiness(state: State) -> Health:
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
