"""Errors as RFC 9457 problem documents, mapped in one place."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from api.schemas import Problem
from documents.errors import DocumentError, DocumentTooLarge, UnsupportedFormat
from index.errors import (
    EmbedderMismatch,
    InvalidRequest,
    ModelUnavailable,
    StorageError,
    StorageFull,
    UnknownCollection,
    UnknownDocument,
)
from index.jobs import TooManyJobs, UnknownJob
from rag.errors import EmptyCollection, InvalidQuestion

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"


class NotReady(Exception):
    """The models are not loaded yet."""


class TookTooLong(Exception):
    """The time for a request was over before there was an answer."""


class UnsupportedBody(Exception):
    """The request's body is of a kind that is not read."""


@dataclass(frozen=True, slots=True)
class _Kind:
    name: str
    status: HTTPStatus
    title: str
    shows_message: bool = True


# The first class that fits decides, so the special stand before the general. Messages of the
# server's own troubles name its folders, and are for its log alone.
_KINDS: tuple[tuple[type[Exception], _Kind], ...] = (
    (
        UnsupportedBody,
        _Kind(
            "unsupported-media-type",
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            "The body is of another kind",
        ),
    ),
    (
        InvalidRequest,
        _Kind("invalid-request", HTTPStatus.UNPROCESSABLE_ENTITY, "The request is not valid"),
    ),
    (
        InvalidQuestion,
        _Kind("invalid-question", HTTPStatus.UNPROCESSABLE_ENTITY, "The question cannot be asked"),
    ),
    (EmptyCollection, _Kind("empty-collection", HTTPStatus.CONFLICT, "There is nothing to search")),
    (
        UnknownCollection,
        _Kind("unknown-collection", HTTPStatus.NOT_FOUND, "There is no such collection"),
    ),
    (UnknownJob, _Kind("unknown-job", HTTPStatus.NOT_FOUND, "There is no such job")),
    (
        TooManyJobs,
        _Kind("too-many-jobs", HTTPStatus.SERVICE_UNAVAILABLE, "Too much waits already"),
    ),
    (UnknownDocument, _Kind("unknown-document", HTTPStatus.NOT_FOUND, "There is no such document")),
    (
        DocumentTooLarge,
        _Kind("too-large", HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "The input is too large"),
    ),
    (
        UnsupportedFormat,
        _Kind("unsupported-format", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "The format is not read"),
    ),
    (
        DocumentError,
        _Kind("invalid-document", HTTPStatus.UNPROCESSABLE_ENTITY, "The document cannot be read"),
    ),
    (TookTooLong, _Kind("timeout", HTTPStatus.GATEWAY_TIMEOUT, "It took too long")),
    (NotReady, _Kind("not-ready", HTTPStatus.SERVICE_UNAVAILABLE, "The service is still starting")),
    (
        StorageFull,
        _Kind("storage-full", HTTPStatus.INSUFFICIENT_STORAGE, "The disk is full", False),
    ),
    (
        StorageError,
        _Kind(
            "storage-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "The data cannot be used", False
        ),
    ),
    (
        EmbedderMismatch,
        _Kind(
            "embedder-mismatch",
            HTTPStatus.SERVICE_UNAVAILABLE,
            "The index is another model's",
            False,
        ),
    ),
    (
        ModelUnavailable,
        _Kind("model-unavailable", HTTPStatus.SERVICE_UNAVAILABLE, "A model is missing", False),
    ),
)
_INTERNAL = _Kind("internal-error", HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong", False)
HIDDEN_DETAIL = "The service cannot do this at the moment; its log says why."

RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "content": {MEDIA_TYPE: {}}, "description": description}
    for status, description in (
        (400, "The body cannot be read at all, or has too many parts."),
        (401, "A valid key is needed."),
        (403, "The key may not do this."),
        (404, "No such collection or document."),
        (409, "The collection is empty."),
        (408, "The body did not come in time."),
        (413, "The request is too large."),
        (422, "The request is at fault; `detail` says where."),
        (429, "Too many requests; `Retry-After` says when to try again."),
        (503, "Not ready, too busy, or the data cannot be used."),
        (504, "It took too long."),
    )
}


def kind_of(error: Exception) -> str | None:
    """The stable name of an error's kind; None for one that is not expected."""
    return next((kind.name for cls, kind in _KINDS if isinstance(error, cls)), None)


def install(app: FastAPI) -> None:
    """Make every error of `app` a problem document."""
    for cls, _kind in _KINDS:
        app.add_exception_handler(cls, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(ClientDisconnect, _left)
    app.add_exception_handler(Exception, _known)


def document_of(error: Exception, where: str) -> Problem:
    """The problem document of any error; one that shows no message goes to the log with `where`."""
    kind = next((kind for cls, kind in _KINDS if isinstance(error, cls)), _INTERNAL)
    if kind is _INTERNAL:
        log.error("%s failed", where, exc_info=error)
    elif not kind.shows_message:
        log.error("%s: %s", where, error)
    detail = str(error) if kind.shows_message else HIDDEN_DETAIL
    return _document(kind.name, kind.status, kind.title, detail)


def problem(
    name: str,
    status: HTTPStatus,
    title: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """A problem document as a response."""
    body = _document(name, status, title, detail)
    if headers is None and status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers = {"Retry-After": "2"}
    return JSONResponse(body.model_dump(), status, headers, MEDIA_TYPE)


def _document(name: str, status: HTTPStatus, title: str, detail: str) -> Problem:
    return Problem(type=f"urn:quoth:problem:{name}", title=title, status=status, detail=detail)


async def _left(_request: Request, _error: Exception) -> Response:
    """Nobody is there to read it: for the log alone, by the number that nginx uses."""
    return Response(status_code=499)


async def _known(request: Request, error: Exception) -> JSONResponse:
    body = document_of(error, f"{request.method} {request.url.path}")
    headers = {"Retry-After": "2"} if body.status == HTTPStatus.SERVICE_UNAVAILABLE else None
    return JSONResponse(body.model_dump(), body.status, headers, MEDIA_TYPE)


async def _invalid(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    parts = []
    for entry in error.errors()[:5]:
        place = ".".join(str(part) for part in entry["loc"])
        parts.append(f"{place}: {entry['msg']}")
    return problem(
        "invalid-request",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request is not valid",
        "; ".join(parts),
    )


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    status = HTTPStatus(error.status_code)
    name = status.phrase.lower().replace(" ", "-")
    headers = error.headers
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers = {"Allow": ", ".join(_methods(request)) or (headers or {}).get("Allow", "")}
    return problem(name, status, status.phrase, str(error.detail), headers)


def _methods(request: Request) -> list[str]:
    """What may be done with a path; a route alone knows only its own methods."""
    methods: set[str] = set()
    for template, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"{.*?}", "[^/]+", template), request.url.path):
            methods |= {method.upper() for method in operations}
    return sorted(methods)
