"""Documents in, listed, shown and removed."""

import re
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse

from api.problems import RESPONSES, UnsupportedBody
from api.schemas import (
    CollectionName,
    DocumentOut,
    DocumentPage,
    DocumentWithText,
    IngestResponse,
    JobOut,
    OutcomeOut,
    TextIn,
    TextRange,
    UploadForm,
)
from api.state import CurrentAccess, CurrentEngine, CurrentJobs, CurrentState
from api.wiring import Engine, ingest_options
from documents.load import Raw
from index.errors import InvalidRequest
from index.ingest import Outcome, ingest
from index.jobs import Job
from index.types import DEFAULT_COLLECTION

MAX_FILES = 100
MAX_FILES_LATER = 1000
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": TextIn.model_json_schema()},
            "multipart/form-data": {"schema": UploadForm.model_json_schema()},
        },
    }
}

router = APIRouter(prefix="/v1/documents", tags=["Documents"], responses=RESPONSES)


@router.post(
    "",
    status_code=201,
    response_model=IngestResponse,
    openapi_extra=_BODY,
    responses={
        200: {"model": IngestResponse, "description": "All of it was stored already."},
        202: {"model": JobOut, "description": "It will be stored; `Location` names the job."},
        415: RESPONSES[422] | {"description": "Neither JSON nor a form, or a format not read."},
        507: RESPONSES[422] | {"description": "The disk is full; nothing of it was stored."},
    },
)
async def add(
    request: Request,
    engine: CurrentEngine,
    access: CurrentAccess,
    state: CurrentState,
    jobs: CurrentJobs,
    response: Response,
    background: Annotated[
        bool, Query(description="Store it later: the answer is a job. Takes more files at once.")
    ] = False,
    prefer: Annotated[
        str, Header(max_length=200, description="`respond-async` is like `background=true`.")
    ] = "",
) -> IngestResponse | JSONResponse:
    """Store files (multipart) or a text (JSON). The same name again replaces a document; the same
    content again changes nothing. What the answer does not call failed is stored.
    """
    later = background or "respond-async" in re.split(r"[\s,;]+", prefer.lower())
    kind = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind == "application/json":
        text = await _text(request)
        collection, inputs = text.collection, [_raw_text(text)]
    elif kind == "multipart/form-data":
        async with request.form(
            max_files=MAX_FILES_LATER if later else MAX_FILES, max_fields=20
        ) as form:
            fields = _fields(form)
            limit = engine.settings.max_document_bytes
            collection, inputs = fields.collection, await _raw_files(form, fields, limit)
    else:
        raise UnsupportedBody("Send application/json or multipart/form-data.")
    access.require(collection)  # before any work is done for it
    if later:
        job = await run_in_threadpool(jobs.add, collection, inputs)
        state.wake_worker()
        return _accepted(job, request)
    outcomes = await run_in_threadpool(_ingested, engine, collection, inputs)
    _raise_if_all_failed(outcomes)
    if all(outcome.status == "unchanged" for outcome in outcomes):
        response.status_code = HTTPStatus.OK
    return IngestResponse(outcomes=[OutcomeOut.of(outcome) for outcome in outcomes])


@router.get("")
def documents(
    engine: CurrentEngine,
    collection: CollectionName = DEFAULT_COLLECTION,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    after: Annotated[str, Query(max_length=100)] = "",
) -> DocumentPage:
    """The documents of a collection by id, a page at a time."""
    records = engine.index.store.documents(collection, limit + 1, after)
    shown = [DocumentOut.of(record) for record in records[:limit]]
    return DocumentPage(documents=shown, next=shown[-1].id if len(records) > limit else None)


@router.get("/{document_id}")
def document(document_id: str, engine: CurrentEngine) -> DocumentWithText:
    """A document with the text that citations point into."""
    record = engine.index.store.document(document_id)
    text = engine.index.store.text_range(document_id, 0, record.characters)
    return DocumentWithText(**DocumentOut.of(record).model_dump(), text=text)


@router.get("/{document_id}/text")
def text_range(
    document_id: str,
    engine: CurrentEngine,
    start: Annotated[int, Query(ge=0, le=2**31)] = 0,
    end: Annotated[int | None, Query(ge=0, le=2**31)] = None,
) -> TextRange:
    """The characters `text[start:end]`, in Unicode code points."""
    record = engine.index.store.document(document_id)
    stop = record.characters if end is None else end
    if not start <= stop <= record.characters:
        raise InvalidRequest(
            f"The range {start} to {stop} is not within the document's 0 to {record.characters}: "
            "choose start <= end <= its characters."
        )
    text = engine.index.store.text_range(document_id, start, stop)
    return TextRange(document_id=document_id, start=start, end=stop, text=text)


@router.delete("/{document_id}", status_code=204)
def delete(document_id: str, engine: CurrentEngine) -> None:
    """Remove a document and everything found through it."""
    engine.index.remove(document_id)


async def _text(request: Request) -> TextIn:
    try:
        return TextIn.model_validate_json(await request.body())
    except ValidationError as error:
        raise RequestValidationError(
            [{**entry, "loc": ("body", *entry["loc"])} for entry in error.errors()]
        ) from error


def _fields(form: FormData) -> UploadForm:
    values = {key: value for key, value in form.items() if isinstance(value, str)}
    try:
        return UploadForm.model_validate(values | {"files": form.getlist("files")})
    except ValidationError as error:
        raise RequestValidationError(
            [{**entry, "loc": ("body", *entry["loc"])} for entry in error.errors()]
        ) from error


def _raw_text(text: TextIn) -> Raw:
    try:
        data = text.text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidRequest(
            f"The text holds half a character (a lone surrogate) at {error.start}: remove it."
        ) from error
    return Raw(
        data,
        source=text.source,
        origin=f"api:{text.source}",
        media_type=text.media_type,
        encoding="utf-8",
        title=text.title,
        language=text.language,
        metadata=text.metadata,
    )


async def _raw_files(form: FormData, fields: UploadForm, limit: int) -> list[Raw]:
    """The uploads. One over the limit is read one byte past it, which is enough to refuse it."""
    raws = []
    for upload in form.getlist("files"):
        if isinstance(upload, UploadFile) and upload.filename:
            declared = upload.headers.get("content-type", "")
            charset = declared.partition("charset=")[2].strip("\"' ;")
            raws.append(
                Raw(
                    await upload.read(limit + 1),
                    source=upload.filename[:500],
                    origin=f"api:{upload.filename[:500]}",
                    encoding=charset,
                    language=fields.language,
                )
            )
    if not raws:
        raise InvalidRequest("The form holds no file: send at least one under the name `files`.")
    return raws


def _ingested(engine: Engine, collection: str, inputs: list[Raw]) -> list[Outcome]:
    return list(ingest(engine.index, collection, inputs, ingest_options(engine.settings)))


def _accepted(job: Job, request: Request) -> JSONResponse:
    headers = {"Location": request.app.url_path_for("job", job_id=job.id)}
    if "prefer" in request.headers:
        headers["Preference-Applied"] = "respond-async"
    body = JobOut.of(job).model_dump(mode="json")
    return JSONResponse(body, HTTPStatus.ACCEPTED, headers)


def _raise_if_all_failed(outcomes: list[Outcome]) -> None:
    errors = [outcome.error for outcome in outcomes if outcome.error]
    if len(errors) < len(outcomes):
        return
    reasons = "; ".join(f"{outcome.source}: {outcome.reason}" for outcome in outcomes[:5])
    raise type(errors[0])(reasons)
