"""Filters → a condition of the store, so that they hold before any cut-off."""

from collections.abc import Sequence
from typing import Any

from index.types import Filters

# By length rather than LIKE, whose wildcards may stand in a name.
_LANGUAGE = "k.language = ? OR substr(k.language, 1, length(?) + 1) = ? || '-'"
_SOURCE = "d.source = ? OR substr(d.source, -length(?) - 1) = '/' || ?"


def condition(collection_id: int, filters: Filters) -> tuple[str, list[Any]]:
    """SQL over chunks `k` and documents `d`, and the values of its parameters."""
    clauses = ["d.collection_id = ?"]
    parameters: list[Any] = [collection_id]
    if filters.languages:
        clauses.append(_any_of(_LANGUAGE, filters.languages))
        parameters += [value for tag in filters.languages for value in (tag, tag, tag)]
    if filters.document_ids:
        clauses.append(_any_of("d.id = ?", filters.document_ids))
        parameters += filters.document_ids
    if filters.sources:
        clauses.append(_any_of(_SOURCE, filters.sources))
        parameters += [value for name in filters.sources for value in (name, name, name)]
    for key, value in filters.metadata.items():
        clauses.append(
            "EXISTS (SELECT 1 FROM json_each(d.metadata) m WHERE m.key = ? AND m.value = ?)"
        )
        parameters += [key, value]
    return " AND ".join(clauses), parameters


def _any_of(clause: str, values: Sequence[str]) -> str:
    return "(" + " OR ".join([clause] * len(values)) + ")"
