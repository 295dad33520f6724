"""A Model Context Protocol server: ask, search and read for assistants that call tools."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.transport_security import TransportSecuritySettings
from mcp.types import CallToolResult, TextContent, ToolAnnotations
from pydantic import BaseModel, Field
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.access import EVERYTHING, Access
from api.app import quoth_version, surround, working
from api.chat_reply import reply
from api.problems import NotReady, document_of, kind_of
from api.schemas import (
    AnswerResponse,
    CollectionName,
    PassageOut,
    SearchResponse,
    TextRange,
    TurnIn,
)
from api.settings import Settings
from api.state import State
from api.wiring import Engine
from index.errors import InvalidRequest
from index.types import DEFAULT_COLLECTION, Filters
from rag.answer import require_documents, valid_question

READ_CHARACTERS = 20_000
"""Of a document at most, in one call: more would fill an assistant's context."""
_LOADING_SECONDS = 180

_INSTRUCTIONS = (
    "Quoth answers questions from the user's own documents, in any language, with verbatim quotes. "
    "Call `ask` first; it says so when the documents do not hold an answer: do not answer from "
    "memory then. Quote its citations as they are and name their sources. `search` finds passages, "
    "`read_document` shows the text around a quote."
)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)

Collection = Annotated[CollectionName, Field(description="A named set of documents.")]
Languages = Annotated[
    list[str],
    Field(max_length=100, description="Only documents in these languages (BCP 47); empty: all."),
]


class DocumentPart(TextRange):
    """A part of a document's text; `characters` is how many there are in all."""

    source: str
    title: str
    characters: int


def build_server(settings: Settings, engine: Engine | None = None) -> MCPServer:
    """The server. Without an `engine` it loads one in the background, so that a client that waits
    for it to start need not wait for the models.
    """
    state = State(settings, engine, takes_jobs=False)
    state.start()
    return _server(state)


def build_app(settings: Settings, engine: Engine | None = None) -> Starlette:
    """The server over streamable HTTP at `/mcp`, behind the same keys, limits and counts as the
    HTTP service: a key reads what it may see, and none is needed only as long as there is none.
    """
    state = State(settings, engine, takes_jobs=False)
    app = _server(state).streamable_http_app(
        stateless_http=True,
        json_response=True,
        # `api.access` looks at origins and names, and knows of keys and of the settings.
        transport_security=TransportSecuritySettings(enable_dns_rebinding_protection=False),
    )
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with working(state), inner(app):
            yield

    app.router.lifespan_context = lifespan
    surround(app, state)
    app.add_middleware(_NoEvents)
    return app


class _NoEvents:
    """ASGI middleware: 405 to whoever listens for messages of the server's own. There are none, and
    each would hold one of the service's places as long as it is connected.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "GET" and scope["path"] == "/mcp":
            await Response(status_code=405, headers={"Allow": "POST"})(scope, receive, send)
            return
        await self._app(scope, receive, send)


def _server(state: State) -> MCPServer:
    server = MCPServer(
        "quoth",
        title="Quoth",
        instructions=_INSTRUCTIONS,
        version=quoth_version(),
        log_level="WARNING",
        subscriptions=False,
    )
    tools = _Tools(state)
    for tool in (tools.ask, tools.search, tools.read_document):
        server.add_tool(tool, annotations=_READS)
    return server


class _Tools:
    """Each docstring is what an assistant reads about the tool."""

    def __init__(self, state: State) -> None:
        self._state = state

    def ask(
        self,
        context: Context,
        question: Annotated[str, Field(description="A question in any language.")],
        collection: Collection = DEFAULT_COLLECTION,
        history: Annotated[
            list[TurnIn],
            Field(
                max_length=200,
                description="Earlier turns, oldest first, if the question leans on them.",
            ),
        ] = [],  # noqa: B006 - the schema shows it, and nothing changes it
        languages: Languages = [],  # noqa: B006
    ) -> Annotated[CallToolResult, AnswerResponse]:
        """Answer a question from the user's documents, with verbatim quotes and their sources, or
        say that the documents do not hold an answer.
        """
        with self._engine(context) as engine:
            answer = engine.answer(
                question,
                collection=collection,
                filters=Filters(languages=tuple(languages)),
                history=[turn.to_turn() for turn in history],
            )
            made = reply(answer)
            return _result(made.content, AnswerResponse.of(made.answer, include_passages=True))

    def search(
        self,
        context: Context,
        query: Annotated[str, Field(description="What to look for, in any language.")],
        collection: Collection = DEFAULT_COLLECTION,
        limit: Annotated[int, Field(ge=1, le=50, description="Passages at most.")] = 10,
        languages: Languages = [],  # noqa: B006
    ) -> Annotated[CallToolResult, SearchResponse]:
        """Find the passages of the user's documents nearest to a query, best first."""
        with self._engine(context) as engine:
            text = valid_question(query)
            filters = Filters(languages=tuple(languages))
            hits = engine.index.search(text, collection, limit, filters)
            require_documents(hits, collection, filters)
            found = SearchResponse(query=text, passages=[PassageOut.of(hit) for hit in hits])
            shown = "\n\n".join(
                f"{hit.rank}. {hit.source}, characters {hit.span.start} to {hit.span.end} of "
                f"document {hit.document_id}\n{hit.text}"
                for hit in hits
            )
            return _result(shown or "No passage passes the filters.", found)

    def read_document(
        self,
        context: Context,
        document_id: Annotated[str, Field(max_length=100, description="From a citation.")],
        start: Annotated[int, Field(ge=0, le=2**31)] = 0,
        end: Annotated[
            int | None,
            Field(ge=0, le=2**31, description=f"At most {READ_CHARACTERS:,} from start on."),
        ] = None,
    ) -> Annotated[CallToolResult, DocumentPart]:
        """Read the characters `text[start:end]` of a document, to see a quote where it stands."""
        with self._engine(context) as engine:
            record = engine.index.store.document(document_id)
            wanted = record.characters if end is None else min(end, record.characters)
            stop = min(wanted, start + READ_CHARACTERS)
            if start > stop:
                raise InvalidRequest(
                    f"The range {start} to {wanted} is not within the document's 0 to "
                    f"{record.characters}: choose start <= end."
                )
            text = engine.index.store.text_range(document_id, start, stop)
            part = DocumentPart(
                document_id=document_id,
                start=start,
                end=stop,
                text=text,
                source=record.source,
                title=record.title,
                characters=record.characters,
            )
            return _result(text, part)

    @contextmanager
    def _engine(self, context: Context) -> Iterator[Engine]:
        """The engine once it is loaded, as the caller's key sees it.

        What goes wrong as expected is told to the assistant.
        """
        try:
            yield self._loaded(_access(context))
        except Exception as error:
            if kind_of(error) is None:
                raise
            raise ToolError(document_of(error, "a tool").detail) from error

    def _loaded(self, access: Access) -> Engine:
        deadline = time.monotonic() + _LOADING_SECONDS
        while True:
            try:
                return self._state.engine_for(access)
            except NotReady:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)


def _access(context: Context) -> Access:
    """What the caller may see. Over standard input there is no request, and it is the user of this
    machine who asks.
    """
    request = context.request_context.request
    if request is None:
        return EVERYTHING
    access: Access = request.state.access
    return access


def _result(text: str, data: BaseModel) -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text=text)],
        structured_content=data.model_dump(mode="json"),
    )
