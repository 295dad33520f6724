"""The HTTP service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from anyio import to_thread
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware

from api import problems
from api.access import DOCS_FILES, Authentication
from api.admission import Gate
from api.limits import BodyLimit
from api.observe import Observed
from api.openai_errors import OpenAIErrors
from api.openapi import with_keys
from api.routes import answers, chat, collections, documents, health, jobs, page
from api.serving import draining
from api.settings import Settings
from api.state import State
from api.wiring import Engine

_FORM_OVERHEAD = 1_000_000
"""Bytes of a request beyond its largest document: names, boundaries, a second small file."""

_HEADERS = ("Authorization", "Content-Type", "Prefer", "X-API-Key", "X-Request-ID")
_OPENAI_HEADERS = (
    "OpenAI-Organization",
    "OpenAI-Project",
    *(
        f"X-Stainless-{name}"
        for name in (
            "Arch", "Async", "Helper-Method", "Lang", "OS", "Package-Version", "Read-Timeout",
            "Retry-Count", "Runtime", "Runtime-Version", "Timeout",
        )
    ),
)  # fmt: skip
"""What the openai client for browsers sends with every request."""

_DESCRIPTION = """
Ask your documents in any language; get the exact words back, and where they stand.

Every quote is verbatim: `text[start:end]` of its document, in Unicode code points. Errors are
RFC 9457 problem documents with a stable `type`.
"""


def create_app(settings: Settings, engine: Engine | None = None) -> FastAPI:
    """The service. Without an `engine` it loads one in the background when it starts."""
    state = State(settings, engine)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with working(state):
            yield

    app = FastAPIOffline(
        title="Quoth",
        version=quoth_version(),
        description=_DESCRIPTION,
        lifespan=lifespan,
        # An empty id would lead to the list.
        redirect_slashes=False,
        contact=None,
        license_info={"name": "Apache-2.0"},
        static_url=DOCS_FILES,
    )
    app.state.quoth = state
    app.openapi = with_keys(app.openapi, state.needs_key)  # type: ignore[method-assign]
    problems.install(app)
    surround(app, state)
    for routes in (answers, chat, documents, jobs, collections, health, page):
        app.include_router(routes.router)
    return app


@asynccontextmanager
async def working(state: State) -> AsyncIterator[None]:
    """From the start of a server to its end: what it works with is there, then finished."""
    # Each question, and each request that brings documents, may hold a thread.
    tokens = 2 * state.settings.running_requests + 16
    to_thread.current_default_thread_limiter().total_tokens = tokens
    state.start()
    with draining(state):
        yield
    await state.finish()
    state.stop()


def surround(app: Starlette, state: State) -> None:
    """What every request passes through; the last that is added is passed first."""
    settings = state.settings
    app.add_middleware(
        Gate,
        running=settings.running_requests,
        waiting=settings.waiting_requests,
        timeout_s=settings.request_seconds,
        metrics=state.metrics,
        count=state.count_busy,
    )
    # JSON escapes can make a text six times its size.
    app.add_middleware(BodyLimit, limit=6 * settings.max_document_bytes + _FORM_OVERHEAD)
    app.add_middleware(
        Authentication,
        keys=state.keys,
        exposed=state.is_exposed,
        origins=frozenset(settings.origins),
    )
    if settings.origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.origins,
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=[*_HEADERS, *_OPENAI_HEADERS],
            expose_headers=["Location", "Retry-After", "X-Request-ID"],
        )
    app.add_middleware(OpenAIErrors)
    if state.tracing is not None:
        app.add_middleware(state.tracing.around)
    app.add_middleware(Observed, metrics=state.metrics)


def quoth_version() -> str:
    """The installed version."""
    try:
        return version("quoth")
    except PackageNotFoundError:
        return "0+unknown"
