"""Filters → a condition of the store, so that they hold before any cut-off.

Lists go in as one JSON value each: a statement takes so many parameters and so deep a condition,
and a list may be longer.
"""

import json
from collections.abc import Sequence
from typing import NamedTuple

from index import dates
from index.errors import InvalidRequest
from index.types import Filters

# By length rather than LIKE, whose wildcards may stand in a name. The lists are made tables once
# for a statement, not parsed anew for every row.
_LANGUAGE = (
    "EXISTS (SELECT 1 FROM languages w WHERE k.language = w.value"
    " OR substr(k.language, 1, length(w.value) + 1) = w.value || '-')"
)
_SOURCE = (
    "EXISTS (SELECT 1 FROM sources w WHERE d.source = w.value"
    " OR substr(d.source, -length(w.value) - 1) = '/' || w.value)"
)
_METADATA = (
    "NOT EXISTS (SELECT 1 FROM metadata w WHERE NOT EXISTS (SELECT 1 FROM json_each(d.metadata) m"
    " WHERE m.key = w.key AND m.value = w.value))"
)


class Condition(NamedTuple):
    """SQL over chunks `k` and documents `d`: tables that go before the statement, what goes after
    WHERE, and the values of the parameters of both.
    """

    tables: str
    where: str
    parameters: list[str | int]


def condition(collection_id: int, filters: Filters) -> Condition:
    """What chunks of a collection must be.

    Raises:
        InvalidRequest: a date is none, or the dates leave no day.
    """
    tables: list[str] = []
    values: list[str | int] = []
    clauses: list[str] = []
    for name, wanted, clause in (
        ("languages", filters.languages, _LANGUAGE),
        ("sources", filters.sources, _SOURCE),
        ("metadata", dict(filters.metadata), _METADATA),
    ):
        if wanted:
            tables.append(f"{name} AS MATERIALIZED (SELECT key, value FROM json_each(?))")
            values.append(json.dumps(wanted, ensure_ascii=False))
            clauses.append(clause)
    clauses.append("d.collection_id = ?")
    values.append(collection_id)
    for ids, operator in ((filters.document_ids, "IN"), (filters.exclude_document_ids, "NOT IN")):
        if ids:
            clauses.append(f"d.id {operator} (SELECT value FROM json_each(?))")
            values.append(json.dumps(ids))
    dated, days = _dates(filters)
    tables_sql = f"WITH {', '.join(tables)}" if tables else ""
    return Condition(tables_sql, " AND ".join([*clauses, *dated]), [*values, *days])


def _dates(filters: Filters) -> tuple[Sequence[str], Sequence[str]]:
    """Clauses and values: the document's days and those of the filter have one in common."""
    clauses, values = [], []
    if filters.date_from:
        clauses.append("d.date_last >= ?")
        values.append(dates.bound(filters.date_from, "date_from")[0])
    if filters.date_to:
        clauses.append("d.date_first <= ?")
        values.append(dates.bound(filters.date_to, "date_to")[1])
    if len(values) == 2 and values[0] > values[1]:
        raise InvalidRequest(
            f"date_from {filters.date_from} is after date_to {filters.date_to}: swap them."
        )
    return clauses, values
