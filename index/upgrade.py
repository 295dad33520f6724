"""Brings a data folder of an older version up to date, where it stands.

Version 2 added the terms of every chunk and the dates of documents; version 3 made the terms anew,
since their analysis had changed. The tables change, and the
version is raised, in one transaction; the terms of the chunks follow in batches. Until the last one
is in, a mark in the database says so, and whoever opens it goes on where they are missing: after a
kill, and beside another process that does the same.
"""

import json
import logging
import sqlite3
import time
from collections.abc import Callable
from contextlib import AbstractContextManager

from index import dates, keywords, schema
from index.terms import passage_text

log = logging.getLogger(__name__)

BATCH = 200
"""Chunks a transaction: other processes can write between two of them."""

_MARK = "upgrading"
_LOG_SECONDS = 5.0

Writing = Callable[[], AbstractContextManager[sqlite3.Connection]]
"""Opens a write transaction."""


def needed(connection: sqlite3.Connection) -> bool:
    """Whether the tables are of an older version, or an upgrade was begun and not finished."""
    return schema.version(connection) < schema.VERSION or _is_marked(connection)


def run(writing: Writing, name: str) -> None:
    """Do all that is missing. `name` says in the log which folder it is.

    Raises:
        StorageError: it cannot be written; what is done is kept, and the next run goes on.
    """
    with writing() as connection:
        version = schema.version(connection)
        if version == 1:
            _change_tables(connection)
        if version < schema.VERSION:
            _begin_terms(connection)
        (total,) = connection.execute("SELECT count(*) FROM chunks").fetchone()
    done, last, told = 0, 0, time.monotonic()
    log.warning("bringing the data folder %s up to date, once: %d passages", name, total)
    while True:
        with writing() as connection:
            if not _is_marked(connection):
                break  # another process finished it
            count, last = _add_terms(connection, last)
            if count == 0:
                connection.execute("DELETE FROM meta WHERE key = ?", (_MARK,))
                break
        done += count
        if time.monotonic() - told > _LOG_SECONDS:
            log.warning("%s: %d of %d passages", name, done, total)
            told = time.monotonic()
    log.warning("%s is up to date", name)


def _is_marked(connection: sqlite3.Connection) -> bool:
    return bool(connection.execute("SELECT 1 FROM meta WHERE key = ?", (_MARK,)).fetchone())


def _change_tables(connection: sqlite3.Connection) -> None:
    """Also keeps writers of the older version out that are still running: they give a row of
    documents fewer values than it now has.
    """
    for statement in schema.FROM_1_TO_2:
        connection.execute(statement)
    rows = connection.execute("SELECT id, metadata FROM documents WHERE metadata != '{}'")
    for row in rows.fetchall():
        days = dates.of_document(json.loads(row["metadata"]))
        if days:
            connection.execute(
                "UPDATE documents SET date_first = ?, date_last = ? WHERE id = ?",
                (*days, row["id"]),
            )


def _begin_terms(connection: sqlite3.Connection) -> None:
    """Take out the terms of an older analysis, and mark that they are missing."""
    for (collection,) in connection.execute("SELECT id FROM collections").fetchall():
        keywords.drop(connection, collection)
    connection.execute(
        "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING", (_MARK, str(schema.VERSION))
    )
    connection.execute(f"PRAGMA user_version = {schema.VERSION}")


def _add_terms(connection: sqlite3.Connection, after: int) -> tuple[int, int]:
    """Add the terms of the next chunks past the id `after` that have none; how many chunks were
    looked at, and the last of their ids.
    """
    rows = connection.execute(
        "SELECT k.id, k.text, k.headings, d.collection_id FROM chunks k"
        " JOIN documents d ON d.id = k.document_id WHERE k.id > ? ORDER BY k.id LIMIT ?",
        (after, BATCH),
    ).fetchall()
    for collection in {row["collection_id"] for row in rows}:
        texts = {
            row["id"]: passage_text(row["text"], json.loads(row["headings"]))
            for row in rows
            if row["collection_id"] == collection
        }
        there = keywords.present(connection, collection, rows[0]["id"], rows[-1]["id"])
        missing = {chunk: text for chunk, text in texts.items() if chunk not in there}
        keywords.add(connection, collection, keywords.analyzed(missing))
    return len(rows), rows[-1]["id"] if rows else after
