"""The OpenAPI document says whether a key is needed, so that /docs can ask for it, and no more of
errors than there is.
"""

from collections.abc import Callable
from typing import Any

from api.access import OPEN_PATHS
from api.openai_errors import speaks_openai

_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "`quoth keys create` makes one."},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def with_keys(
    document: Callable[[], dict[str, Any]], are_needed: Callable[[], bool]
) -> Callable[[], dict[str, Any]]:
    """The document, with the ways to send a key where one is needed now."""

    def told() -> dict[str, Any]:
        plain = document()
        for path, operations in plain["paths"].items():
            if speaks_openai(path):
                for operation in operations.values():
                    # FastAPI tells of it wherever there is something to check; here it is 400.
                    operation["responses"].pop("422", None)
        if not are_needed():
            return plain
        components = {**plain.get("components", {}), "securitySchemes": _SCHEMES}
        paths = {
            path: {
                method: {**operation, "security": []} if path in OPEN_PATHS else operation
                for method, operation in operations.items()
            }
            for path, operations in plain["paths"].items()
        }
        security: list[dict[str, list[str]]] = [{name: []} for name in _SCHEMES]
        return {**plain, "components": components, "paths": paths, "security": security}

    return told
