"""What surrounds every request: its id, its line in the log, its numbers, and the headers that keep
browsers careful.
"""

import logging
import re
import time
import uuid
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import OPEN_PATHS, Access
from api.logs import FIELDS, request_id
from api.metrics import Metrics
from api.openai_errors import in_shape
from api.problems import HIDDEN_DETAIL, problem

log = logging.getLogger("quoth.requests")

_GIVEN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECURITY = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_POLICY = "default-src 'none'; frame-ancestors 'none'"
_POLICY_OF_PAGES = (
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
)
_POLICY_OF_DOCS = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:; frame-ancestors 'none'"
)


class Observed:
    """ASGI middleware, the outermost. Takes `X-Request-ID` where it is well formed, makes one where
    not, and sends it back; turns what nobody expected into a problem document.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note what became of it."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        identity = given if _GIVEN_ID.fullmatch(given) else uuid.uuid4().hex
        request_id.set(identity)
        start = time.perf_counter()
        status = 0

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                _add_headers(MutableHeaders(scope=message), scope["path"], identity)
            await send(message)

        try:
            await self.app(scope, receive, noted)
        except Exception as error:
            log.error("%s failed", route_of(scope), exc_info=error)
            if status:  # too late for another answer: the server closes the connection
                raise
            response = problem(
                "internal-error",
                HTTPStatus.INTERNAL_SERVER_ERROR,
                "Something went wrong",
                HIDDEN_DETAIL,
            )
            await response(scope, receive, in_shape(scope, noted))
        finally:
            self._note(scope, status, time.perf_counter() - start)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        # 499: the client went away before there was an answer.
        self._metrics.request(scope["method"], route, status or 499, seconds)
        access: Access | None = scope.get("state", {}).get("access")
        fields = {
            "method": scope["method"],
            "route": route,
            "status": status or 499,
            "duration_ms": round(seconds * 1000, 1),
            "key_id": access.key_id if access else None,
        }
        level = logging.DEBUG if scope["path"] in OPEN_PATHS else logging.INFO
        log.log(level, "request", extra={FIELDS: fields})


def route_of(scope: Scope) -> str:
    """The template of the route that was taken: few of them, and nothing of what was asked."""
    if scope["path"] in OPEN_PATHS:
        return str(scope["path"])
    template = getattr(scope.get("route"), "path", None)
    if template is None:
        return "unmatched"
    # Of nested routers the template is the innermost's; what is before it is in the path.
    parts, given = template.split("/")[1:], scope["path"].split("/")
    begin = len(given) - len(parts)
    if parts[-1].endswith(":path}"):  # stands for any number of parts
        begin = given.index(parts[0])
    return "/".join([*given[:begin], *parts])


def _add_headers(headers: MutableHeaders, path: str, identity: str) -> None:
    headers["X-Request-ID"] = identity
    for name, value in _SECURITY.items():
        headers.setdefault(name, value)
    is_page = headers.get("content-type", "").startswith("text/html")
    policy = _POLICY_OF_PAGES if is_page else _POLICY
    if path in ("/docs", "/redoc"):
        policy = _POLICY_OF_DOCS
    headers.setdefault("Content-Security-Policy", policy)
    if path.startswith("/v1/"):
        headers.setdefault("Cache-Control", "no-store")
