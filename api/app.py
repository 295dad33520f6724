"""The HTTP service."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from api import problems
from api.access import Authentication, is_loopback
from api.limits import BodyLimit
from api.routes import answers, collections, documents, health
from api.settings import Settings
from api.state import State
from api.wiring import Engine

_FORM_OVERHEAD = 1_000_000
"""Bytes of a request beyond its largest document: names, boundaries, a second small file."""

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
        state.start()
        yield
        state.stop()

    app = FastAPI(
        title="Quoth",
        version=quoth_version(),
        description=_DESCRIPTION,
        lifespan=lifespan,
        contact=None,
        license_info={"name": "Apache-2.0"},
    )
    app.state.quoth = state
    problems.install(app)
    # JSON escapes can make a text six times its size.
    app.add_middleware(BodyLimit, limit=6 * settings.max_document_bytes + _FORM_OVERHEAD)
    app.add_middleware(
        Authentication,
        keys=state.keys,
        exposed=not is_loopback(settings.host),
        origins=frozenset(settings.origins),
    )
    for routes in (answers, documents, collections, health):
        app.include_router(routes.router)
    return app


def quoth_version() -> str:
    """The installed version."""
    try:
        return version("quoth")
    except PackageNotFoundError:
        return "0+unknown"
