"""Rows of the store ↔ records."""

import json
import sqlite3
from collections.abc import Sequence
from datetime import datetime

import numpy as np

from documents.types import Alignment, Run, Span
from index.types import DocumentRecord, Found, Hit


def record(row: sqlite3.Row) -> DocumentRecord:
    """A row of documents, joined with its collection's name."""
    values = dict(row)
    values["metadata"] = json.loads(values["metadata"])
    for key in ("added_at", "updated_at"):
        values[key] = datetime.fromisoformat(values[key])
    return DocumentRecord(**values)


def hit(row: sqlite3.Row, rank: int, found: Found) -> Hit:
    """A row of chunks, joined with its document's columns, and how it was found."""
    return Hit(
        chunk_id=row["id"],
        document_id=row["document_id"],
        collection=row["collection"],
        rank=rank,
        score=found.score,
        found_by=found.found_by,
        dense_rank=found.dense_rank,
        dense_score=found.dense_score,
        keyword_rank=found.keyword_rank,
        keyword_score=found.keyword_score,
        text=row["text"],
        span=Span(row["start"], row["stop"]),
        sentences=unpack_spans(row["sentences"]),
        headings=tuple(json.loads(row["headings"])),
        language=row["language"],
        title=row["title"],
        source=row["source"],
        content_hash=row["content_hash"],
    )


def pack_runs(alignment: Alignment) -> bytes:
    """An alignment as rows of three little-endian 32-bit numbers."""
    rows = [(run.text_start, run.source_start, run.length) for run in alignment.runs]
    return np.array(rows, "<u4").tobytes()


def unpack_runs(data: bytes) -> Alignment:
    """What `pack_runs` packed."""
    rows = np.frombuffer(data, "<u4").reshape(-1, 3).tolist()
    return Alignment(tuple(Run(*row) for row in rows))


def pack_spans(spans: Sequence[Span]) -> bytes:
    """Spans as rows of two little-endian 32-bit numbers."""
    return np.array([(span.start, span.end) for span in spans], "<u4").tobytes()


def unpack_spans(data: bytes) -> tuple[Span, ...]:
    """What `pack_spans` packed."""
    return tuple(Span(*row) for row in np.frombuffer(data, "<u4").reshape(-1, 2).tolist())
