"""Documents that are taken in later."""

from typing import Annotated

from fastapi import APIRouter, Query

from api.problems import RESPONSES
from api.schemas import JobOut, JobPage, JobWithItems
from api.state import CurrentJobs

router = APIRouter(prefix="/v1/jobs", tags=["Jobs"], responses=RESPONSES)


@router.get("")
def jobs(
    store: CurrentJobs,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[str, Query(max_length=100)] = "",
) -> JobPage:
    """The jobs, newest first, a page at a time."""
    records = store.jobs(limit + 1, before)
    shown = [JobOut.of(record) for record in records[:limit]]
    return JobPage(jobs=shown, next=shown[-1].id if len(records) > limit else None)


@router.get("/{job_id}")
def job(job_id: str, store: CurrentJobs) -> JobWithItems:
    """A job, and what became of each of its files."""
    return JobWithItems.of_items(store.job(job_id), store.items(job_id))


@router.delete("/{job_id}")
def cancel(job_id: str, store: CurrentJobs) -> JobWithItems:
    """Give up the files that still wait. What is stored stays; a job that is over is unchanged."""
    cancelled = store.cancel(job_id)
    return JobWithItems.of_items(cancelled, store.items(job_id))
