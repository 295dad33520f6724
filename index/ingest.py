"""Files in, each stored whole or reported: load → chunk → embed → store.

Chunks of several documents are embedded together, so that batches are full even when documents are
short; each document is then stored in a transaction of its own.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from documents.chunk import ChunkOptions, chunk
from documents.errors import DocumentError, EmptyDocument
from documents.load import LoadOptions, Raw, find, load, read
from documents.types import Chunk, Document
from index import dates
from index.local import LocalIndex
from index.terms import passage_text

_PIPELINE = 1
"""Raised whenever the same bytes come to give other chunks, so that they are taken in anew."""

_TOGETHER_CHARACTERS = 40_000
"""Text that is embedded at once: enough chunks for full batches, and a few seconds between one
acknowledgement and the next.
"""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one input. `error` is there where it failed; `chunks` are those stored now;
    `note` is what its owner should look at.
    """

    source: str
    status: Literal["added", "replaced", "unchanged", "failed"]
    document_id: str = ""
    chunks: int = 0
    error: DocumentError | None = None
    note: str = ""

    @property
    def reason(self) -> str:
        """Why it failed; empty where it did not."""
        return str(self.error) if self.error else ""


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """Limits of loading and the budget of chunks."""

    load: LoadOptions = field(default_factory=LoadOptions)
    chunk: ChunkOptions = field(default_factory=ChunkOptions)


class _Waiting(NamedTuple):
    document: Document
    chunks: list[Chunk]
    fingerprint: str


Input = Raw | Outcome
"""An input that was read, or the failure to read it."""


def document_id(collection: str, origin: str) -> str:
    """The id of a document: the same whenever the same origin comes into the same collection."""
    digest = hashlib.sha256(f"{collection}\0{origin}".encode()).hexdigest()
    return f"doc_{digest[:20]}"


def fingerprint(raw: Raw, options: ChunkOptions) -> str:
    """Of the bytes, what was declared about them, and how they are cut: what must differ for a
    document to be taken in again.
    """
    parts = (raw.content_hash, *raw.declared, str(options), str(_PIPELINE))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def read_paths(paths: Iterable[Path], options: LoadOptions) -> Iterator[Input]:
    """Read files and the files of folders one by one. A file in a folder is named by the folder's
    name and its path in it.
    """
    for path in paths:
        root = path.resolve()
        try:
            found = find(path)
            count = 0
            for file in found:
                count += 1
                inside = file.resolve() != root
                source = f"{root.name}/{file.relative_to(path).as_posix()}" if inside else path.name
                yield _read(file, source, options)
            if count == 0:
                raise EmptyDocument("the folder holds no file of a format that is read")
        except DocumentError as error:
            yield Outcome(str(path), "failed", error=error)


def count_files(paths: Iterable[Path]) -> int:
    """How many inputs `read_paths` will give."""
    total = 0
    for path in paths:
        total += max(1, sum(1 for _ in find(path))) if path.exists() else 1
    return total


def ingest(
    index: LocalIndex,
    collection: str,
    inputs: Iterable[Input],
    options: IngestOptions | None = None,
    started: Callable[[str], None] = lambda _source: None,
) -> Iterator[Outcome]:
    """Take inputs in and say what became of each. An outcome that is not "failed" is a promise: the
    document is stored. Inputs whose content is stored already are left alone.

    Args:
        index: where they go.
        collection: created where it is missing, as soon as something is stored in it.
        inputs: read lazily.
        options: limits and budget.
        started: called with an input's source before work on it begins.

    Raises:
        StorageError: nothing more can be stored. What was acknowledged is kept.
    """
    options = options or IngestOptions()
    budget = _fitted(options.chunk, index.embedder.max_tokens)
    waiting: list[_Waiting] = []
    size = 0
    for item in inputs:
        if isinstance(item, Outcome):
            yield item
            continue
        started(item.source)
        identity = document_id(collection, item.origin)
        if any(entry.document.id == identity for entry in waiting):
            yield from _store(index, collection, waiting)
            waiting, size = [], 0
        made = fingerprint(item, budget)
        if index.store.fingerprint(identity) == made:
            yield Outcome(item.source, "unchanged", identity)
            continue
        try:
            document = load(item, identity, options.load)
            chunks = chunk(document, index.embedder.count_tokens, budget)
        except DocumentError as error:
            yield Outcome(item.source, "failed", error=error)
            continue
        waiting.append(_Waiting(document, chunks, made))
        size += len(document.text)
        if size >= _TOGETHER_CHARACTERS:
            yield from _store(index, collection, waiting)
            waiting, size = [], 0
    yield from _store(index, collection, waiting)


def _store(index: LocalIndex, collection: str, waiting: list[_Waiting]) -> Iterator[Outcome]:
    texts = [
        passage_text(part.span.of(entry.document.text), part.headings)
        for entry in waiting
        for part in entry.chunks
    ]
    vectors = index.embedder.embed_passages(texts)
    position = 0
    for document, chunks, made in waiting:
        part = vectors[position : position + len(chunks)]
        position += len(chunks)
        status = index.put(collection, document, chunks, part, made)
        yield Outcome(document.source, status, document.id, len(chunks), note=_note(document))


def _note(document: Document) -> str:
    """What the owner of a stored document should look at."""
    notes = []
    guessed = not document.encoding.startswith(("utf-8", "utf-16", "utf-32"))
    if guessed or "+" in document.encoding:
        notes.append(f"read as {document.encoding}")
    date = document.metadata.get(dates.KEY)
    if date is not None and dates.of_document(document.metadata) is None:
        notes.append(f"no filter by date will find it: {date!r} is no date as 2024-05-31 is")
    return "; ".join(notes)


def _read(path: Path, source: str, options: LoadOptions) -> Input:
    try:
        return read(path, source, options)
    except DocumentError as error:
        return Outcome(source, "failed", error=error)


def _fitted(options: ChunkOptions, max_tokens: int) -> ChunkOptions:
    """The budget, lowered where the embedder reads less than it plus the headings."""
    room = max(16, max_tokens - options.max_heading_tokens)
    return ChunkOptions(
        min(options.max_tokens, room), options.overlap_sentences, options.max_heading_tokens
    )
