"""The terms of chunks and BM25 over them: SQLite's full-text index FTS5, one a collection.

A collection has a table of its own, so that how rare a term is, and how long chunks are, is counted
within it, and a search reads no other. FTS5 gets terms with blanks between them: the analysis is
ours, and its tokenizer only parts them. It keeps them, so that a chunk is taken out exactly as it
was put in, even after the analysis has changed.
"""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.terms import terms

MIN_POSTINGS = 500
MAX_POSTINGS = 2000
_SHARE = 20


def postings_for(size: int) -> int:
    """How many chunks are looked at for a query in a collection of `size`, counted once a term: a
    twentieth, within bounds that keep a question quick. The rarest terms go first, and those that
    would exceed it are left out: its commonest words, which tell least. In a mix of seven sets of
    `qa-train` with 5,000 chunks, the right passage comes first for .891 of the questions with 500
    and without a bound, .887 with 200, .886 with 100 and .881 with 25.
    """
    return min(MAX_POSTINGS, max(MIN_POSTINGS, size // _SHARE))


MAX_TERMS = 200
"""Terms of a query that are looked for, the rarest; ten times those of a long question."""

_REMEMBERED = 100_000
"""Terms of a collection whose frequency is remembered."""
_TOGETHER = 500
"""Terms that are looked up in one statement."""
_COLLECTIONS = 64
"""Collections whose terms are."""


class Matches(NamedTuple):
    """Chunks that hold a term of the query, by id ascending, with their BM25, above 0."""

    ids: NDArray[np.int64]
    scores: NDArray[np.float64]


NO_MATCHES = Matches(np.empty(0, np.int64), np.empty(0, np.float64))


def analyzed(texts: Mapping[int, str]) -> list[tuple[int, str]]:
    """Texts by chunk → rows as `add` takes them."""
    return [(chunk, " ".join(terms(text))) for chunk, text in texts.items()]


def add(connection: sqlite3.Connection, collection: int, rows: Iterable[tuple[int, str]]) -> None:
    """Add chunks: their ids, and their terms with blanks between them. Within the caller's
    transaction, like all that is here.
    """
    if not exists(connection, collection):
        connection.execute(
            f"CREATE VIRTUAL TABLE terms_{collection} USING"
            " fts5(terms, tokenize = \"ascii tokenchars '.'\")"
        )
        connection.execute(
            f"CREATE VIRTUAL TABLE terms_of_{collection} USING fts5vocab(terms_{collection}, row)"
        )
    connection.executemany(f"INSERT INTO terms_{collection} (rowid, terms) VALUES (?, ?)", rows)


def remove(connection: sqlite3.Connection, collection: int, chunk_ids: Iterable[int]) -> None:
    """Take chunks out."""
    if exists(connection, collection):
        connection.executemany(
            f"DELETE FROM terms_{collection} WHERE rowid = ?", [(chunk,) for chunk in chunk_ids]
        )


def drop(connection: sqlite3.Connection, collection: int) -> None:
    """Take a whole collection out."""
    connection.execute(f"DROP TABLE IF EXISTS terms_of_{collection}")
    connection.execute(f"DROP TABLE IF EXISTS terms_{collection}")


def present(connection: sqlite3.Connection, collection: int, first: int, last: int) -> set[int]:
    """Which chunks of a range of ids, both ends included, are in."""
    if not exists(connection, collection):
        return set()
    rows = connection.execute(
        f"SELECT rowid FROM terms_{collection} WHERE rowid BETWEEN ? AND ?", (first, last)
    )
    return {row[0] for row in rows}


class Frequencies:
    """In how many chunks of a collection terms stand. FTS5 counts a term by reading all of its
    postings, and the commonest ones are in every question: what was counted is remembered until
    the collection changes. Safe to use by several threads.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[int, dict[str, int]]] = {}

    def of(
        self, connection: sqlite3.Connection, collection: int, change: int, wanted: Sequence[str]
    ) -> dict[str, int]:
        """By term; those that stand nowhere are left out. `change` is the collection's newest."""
        when, counts = self._known.get(collection, (-1, {}))
        if when != change or len(counts) > _REMEMBERED:
            if len(self._known) >= _COLLECTIONS:
                self._known.clear()
            self._known[collection] = (change, counts := {})
        new = [term for term in dict.fromkeys(wanted) if term not in counts]
        for start in range(0, len(new), _TOGETHER):
            part = new[start : start + _TOGETHER]
            counts.update(dict.fromkeys(part, 0) | _frequencies(connection, collection, part))
        return {term: counts[term] for term in dict.fromkeys(wanted) if counts[term]}


def search(
    connection: sqlite3.Connection, collection: int, frequencies: Mapping[str, int], postings: int
) -> Matches:
    """The chunks of a collection that hold any of the terms, given in how many each stands; of
    `postings` chunks, see `postings_for`.
    """
    kept = _affordable(frequencies, postings)
    if not kept:
        return NO_MATCHES
    query = " OR ".join(f'"{term}"' for term in kept)
    table = f"terms_{collection}"
    # bm25() is the better the lower it is.
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples: there may be hundreds
    cursor.execute(f"SELECT rowid, -bm25({table}) FROM {table} WHERE {table} MATCH ?", (query,))
    found = np.array(cursor.fetchall(), np.float64).reshape(-1, 2)
    return Matches(found[:, 0].astype(np.int64), found[:, 1])


def _frequencies(
    connection: sqlite3.Connection, collection: int, terms: Sequence[str]
) -> dict[str, int]:
    places = ", ".join("?" * len(terms))
    rows = connection.execute(
        f"SELECT term, doc FROM terms_of_{collection} WHERE term IN ({places})", tuple(terms)
    )
    return {row[0]: row[1] for row in rows}


def _affordable(frequencies: Mapping[str, int], postings: int) -> list[str]:
    """The rarest terms, as far as `postings` and `MAX_TERMS` go; at least one."""
    kept: list[str] = []
    looked_at = 0
    for term, count in sorted(frequencies.items(), key=lambda entry: entry[1])[:MAX_TERMS]:
        looked_at += count
        if kept and looked_at > postings:
            break
        kept.append(term)
    return kept


def exists(connection: sqlite3.Connection, collection: int) -> bool:
    """Whether anything was ever added."""
    row = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE name = ?", (f"terms_{collection}",)
    ).fetchone()
    return row is not None
