"""Who asks, and what they may see.

One middleware asks every request for its key, so that a route added later, or an application
mounted beside them, is behind it without doing anything. What a key may see is decided below the
routes, by the view of the index they are given (`api.scoped`).
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from ipaddress import IPv6Address, ip_address
from typing import TypeVar
from urllib.parse import urlsplit

from anyio import CapacityLimiter, to_thread
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from api.keys import SCOPES, Key, KeyStore
from api.keys import Scope as KeyScope
from api.problems import HIDDEN_DETAIL, problem
from api.rates import Rates
from index.errors import StorageError, unknown_collection

log = logging.getLogger(__name__)

T = TypeVar("T")

DOCS_FILES = "/docs-files"
OPEN_PATHS = frozenset(
    {"/healthz", "/readyz", "/docs", "/redoc", "/openapi.json"}
    | {"/", "/page/page.js", "/page/style.css"}
    | {
        f"{DOCS_FILES}/{name}"
        for name in (
            "swagger-ui-bundle.js", "swagger-ui.css", "redoc.standalone.js", "favicon.png",
        )
    }
)  # fmt: skip
"""Whether the process lives, and what the interface is: nothing about what is stored."""

READING_POSTS = frozenset({"/v1/answer", "/v1/search", "/v1/chat/completions", "/mcp"})
"""Requests with a body that change nothing. Any other that is not GET or HEAD needs `write`."""

FAILURES_PER_MINUTE = 10
FAILURES_AT_ONCE = 10


@dataclass(frozen=True, slots=True)
class Access:
    """What a request may do. `collections` None: all of them. `key_id` None: no key was needed."""

    key_id: str | None = None
    scopes: frozenset[KeyScope] = frozenset(SCOPES)
    collections: frozenset[str] | None = None

    def sees(self, collection: str) -> bool:
        """Whether a collection is there for this request."""
        return self.collections is None or collection in self.collections

    def require(self, collection: str) -> None:
        """Raises UnknownCollection where a collection is not there for this request."""
        if not self.sees(collection):
            raise unknown_collection(collection)


EVERYTHING = Access()


def required_scope(method: str, path: str) -> KeyScope:
    """What a request needs. What is not known to read only, writes."""
    if path == "/metrics":
        return "metrics"
    if method in ("GET", "HEAD", "OPTIONS") or path in READING_POSTS:
        return "read"
    return "write"


class Authentication:
    """ASGI middleware: 401 without a valid key, 403 without the scope, 429 too often.

    Keys are needed where the service can be reached from elsewhere (`exposed`), and everywhere once
    a key was made. Leaves an `Access` under `access` in the scope's state.
    """

    def __init__(
        self,
        app: ASGIApp,
        keys: KeyStore,
        *,
        exposed: bool,
        origins: frozenset[str] = frozenset(),
        rates: Rates | None = None,
    ) -> None:
        self.app = app
        self._keys = keys
        self._exposed = exposed
        self._origins = origins
        self._names = {_host_of(origin) for origin in origins}
        # Keys are looked up also where every other thread is at work.
        self._threads = CapacityLimiter(4)
        self._requests = Rates() if rates is None else rates
        self._failures = Rates() if rates is None else rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its access, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        access = await self._access(scope)
        if isinstance(access, Response):
            await access(scope, receive, send)
            return
        scope.setdefault("state", {})["access"] = access
        await self.app(scope, receive, send)

    async def _access(self, scope: Scope) -> Access | Response:
        path = scope["path"]
        if scope["type"] == "http" and path in OPEN_PATHS:
            return Access(scopes=frozenset(), collections=frozenset())
        headers = Headers(scope=scope)
        try:
            if not self._exposed and not await self._looked_up(self._keys.any):
                return self._from_here(headers)
            return await self._by_key(scope, headers)
        except StorageError as error:
            log.error("keys cannot be read: %s", error)
            return problem(
                "storage-unavailable",
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The data cannot be used",
                HIDDEN_DETAIL,
            )

    def _from_here(self, headers: Headers) -> Access | Response:
        """Without keys anyone on this machine may ask; but not a web page from elsewhere that runs
        in their browser, nor one whose name was made to lead here ("DNS rebinding"): of these the
        browser tells no origin, but the name.
        """
        origin = headers.get("origin")
        listed = origin is None or origin in self._origins or is_loopback(_host_of(origin))
        name = _host_of(f"//{headers.get('host', 'localhost')}")
        if listed and (name in self._names or is_loopback(name)):
            return EVERYTHING
        return problem(
            "cross-origin",
            HTTPStatus.FORBIDDEN,
            "Pages from elsewhere may not ask",
            "This request was sent by a page of another site, or to another name than this "
            "machine's: list the site in QUOTH_CORS_ORIGINS, or create keys with `quoth keys "
            "create`.",
        )

    async def _by_key(self, scope: Scope, headers: Headers) -> Access | Response:
        text = _key_of(headers)
        if text is None:
            return _unauthorised(missing=True)
        client = address_of(scope)
        wait = self._failures.wait(f"address {client}", FAILURES_PER_MINUTE, FAILURES_AT_ONCE)
        if wait:
            # Before the key is looked at, so that guessing on is of no use.
            return _too_often("Too many requests with a wrong key came from your address.", wait)
        key = await self._looked_up(partial(self._keys.verify, text))
        if key is None:
            self._failures.take(f"address {client}", FAILURES_PER_MINUTE, FAILURES_AT_ONCE)
            return _unauthorised(missing=False)
        if key.rate_per_minute is not None:
            rate = key.rate_per_minute
            wait = self._requests.take(f"key {key.id}", rate, rate)
            if wait:
                return _too_often(f"This key may send {rate} requests a minute.", wait)
        await self._note_use(key)
        needed = required_scope(scope.get("method", "GET"), scope["path"])
        if needed not in key.scopes:
            return _forbidden(needed)
        return Access(key.id, key.scopes, key.collections)

    async def _looked_up(self, look: Callable[[], T]) -> T:
        return await to_thread.run_sync(look, limiter=self._threads)

    async def _note_use(self, key: Key) -> None:
        try:
            await self._looked_up(partial(self._keys.used, key))
        except StorageError as error:
            # A full disk must not lock people out of reading.
            log.warning("the use of key %s could not be noted: %s", key.id, error)


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address to listen on."""
    name = host.strip("[]").lower()
    if name == "localhost":
        return True
    try:
        return ip_address(name).is_loopback
    except ValueError:
        return False


def address_of(scope: Scope) -> str:
    """The client's address; of IPv6 the network, which one client has whole."""
    host = scope["client"][0] if scope.get("client") else "unknown"
    try:
        address = ip_address(host)
    except ValueError:
        return str(host)
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else f"{IPv6Address(int(address) >> 64 << 64)}/64"
    return str(address)


def _key_of(headers: Headers) -> str | None:
    """The key that was sent; None where none was."""
    kind, _, text = headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return text.strip()
    return headers.get("x-api-key", "").strip() or None


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""


def _unauthorised(*, missing: bool) -> Response:
    status = HTTPStatus.UNAUTHORIZED
    if missing:
        headers = {"WWW-Authenticate": 'Bearer realm="quoth"'}
        detail = "Send a key as `Authorization: Bearer KEY` (`quoth keys create` makes one)."
        return problem("key-required", status, "A key is needed", detail, headers)
    headers = {"WWW-Authenticate": 'Bearer realm="quoth", error="invalid_token"'}
    detail = "The key is unknown, expired or revoked: ask for another."
    return problem("invalid-key", status, "The key is not valid", detail, headers)


def _forbidden(needed: KeyScope) -> Response:
    headers = {
        "WWW-Authenticate": f'Bearer realm="quoth", error="insufficient_scope", scope="{needed}"'
    }
    return problem(
        "insufficient-scope",
        HTTPStatus.FORBIDDEN,
        "The key may not do this",
        f"This needs a key with the scope `{needed}`: ask for one.",
        headers,
    )


def _too_often(reason: str, wait: float) -> Response:
    seconds = max(1, math.ceil(wait))
    return problem(
        "rate-limited",
        HTTPStatus.TOO_MANY_REQUESTS,
        "Too many requests",
        f"{reason} Try again in {seconds} s.",
        {"Retry-After": str(seconds)},
    )
