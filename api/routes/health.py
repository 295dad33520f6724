"""Whether the process lives, and whether it can answer."""

from fastapi import APIRouter, Response

from api.problems import NotReady, kind_of
from api.schemas import Health
from api.state import CurrentState

router = APIRouter(tags=["Health"])


@router.get("/healthz")
def healthz() -> Health:
    """The process lives."""
    return Health(status="ok")


@router.get("/readyz", responses={503: {"model": Health, "description": "Not ready."}})
def readyz(state: CurrentState, response: Response) -> Health:
    """The models are loaded and the data folder can be read."""
    try:
        state.engine().index.store.collections()
    except NotReady as error:
        response.status_code = 503
        return Health(status="loading", detail=str(error))
    except Exception as error:
        kind = kind_of(error)
        if kind is None:
            raise
        response.status_code = 503
        return Health(status="failed", detail=kind)
    return Health(status="ok")
