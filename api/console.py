"""What the command line shows to people."""

import sys
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

from index import bundled
from index.ingest import Outcome
from index.types import CollectionRecord, DocumentRecord, Hit
from rag.types import Answer, Citation

_MARKS = {"added": "+", "replaced": "~", "unchanged": "=", "failed": "!"}


def _error_console() -> Console:
    return Console(stderr=True, highlight=False)


class IngestReport:
    """A line for each input on standard output as it is stored or fails, a progress bar on
    standard error where that is a terminal, and a summary.
    """

    def __init__(self, total: int) -> None:
        self.counts = dict.fromkeys(_MARKS, 0)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=_error_console(),
            transient=True,
        )
        self._task = self._progress.add_task("reading", total=total)

    def __enter__(self) -> "IngestReport":
        if sys.stderr.isatty():
            self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._progress.live.is_started:
            self._progress.stop()
        if any(self.counts.values()):
            parts = [f"{count} {name}" for name, count in self.counts.items() if count]
            click.echo(", ".join(parts), err=True)

    @property
    def stored(self) -> int:
        """How many documents are new or new again."""
        return self.counts["added"] + self.counts["replaced"]

    @property
    def failed(self) -> int:
        """How many inputs could not be taken in."""
        return self.counts["failed"]

    def started(self, source: str) -> None:
        """Work on an input begins."""
        self._progress.update(self._task, description=source[-40:])

    def add(self, outcome: Outcome) -> None:
        """An input is done."""
        self.counts[outcome.status] += 1
        self._progress.advance(self._task)
        stored = f" ({outcome.chunks} chunks)" if outcome.chunks else ""
        note = f" [{outcome.note}]" if outcome.note else ""
        line = f"{_MARKS[outcome.status]} {outcome.status} {outcome.source}{stored}{note}"
        failed = outcome.status == "failed"
        click.echo(f"{line}: {outcome.reason}" if failed else line, err=failed)
        sys.stdout.flush()


@contextmanager
def preparing() -> Iterator[bundled.Progress]:
    """A progress bar for preparing a model, shown only if there is something to prepare."""
    progress = Progress(
        TextColumn("preparing the model (once): {task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        console=_error_console(),
        transient=True,
    )
    task = progress.add_task("", total=1.0)
    terminal = sys.stderr.isatty()
    last = ""

    def update(what: str, share: float) -> None:
        nonlocal last
        if terminal:
            progress.start()
            progress.update(task, description=what, completed=share)
        elif what != last:
            click.echo(f"preparing the model (once): {what}", err=True)
        last = what

    try:
        yield update
    finally:
        # Stopping what never started would print an empty line.
        if progress.live.is_started:
            progress.stop()


def print_answer(answer: Answer, *, include_passages: bool) -> None:
    """The answer, its quotes and their sources; or that there is none, and what is nearest."""
    if answer.status == "no_answer":
        click.echo(
            f"No answer: the documents do not seem to say (confidence {answer.confidence:.2f})."
        )
        if answer.passages:
            click.echo("\nNearest passages:")
            print_passages(answer.passages[:3])
        return
    click.echo(f"{answer.answer}\n(confidence {answer.confidence:.2f})\n")
    _print_citations(answer.citations)
    if answer.alternatives:
        click.echo("Also found:")
        for alternative in answer.alternatives:
            click.echo(f"  (confidence {alternative.confidence:.2f})")
            _print_citations(alternative.citations)
    if include_passages:
        click.echo("Passages:")
        print_passages(answer.passages)


def _print_citations(citations: Sequence[Citation]) -> None:
    for citation in citations:
        click.echo(textwrap.indent(f"“{citation.quote}”", "  "))
        click.echo(
            f"  — {citation.title} ({citation.language}), {citation.source}, "
            f"characters {citation.start}–{citation.end}, {citation.document_id}\n"
        )


def print_passages(hits: Sequence[Hit]) -> None:
    """Ranked passages, each with its place."""
    for hit in hits:
        place = f"{hit.source}, characters {hit.span.start}–{hit.span.end}, {hit.document_id}"
        click.echo(f"{hit.rank}. {hit.score:.3f}  {hit.title} ({hit.language}), {place}")
        click.echo(f"   {_found(hit)}")
        click.echo(textwrap.indent(hit.text, "   ") + "\n")


def _found(hit: Hit) -> str:
    """How a passage was found, in words."""
    place = f"no. {hit.dense_rank}" if hit.dense_rank else "not among the nearest"
    dense = f"by meaning: {place} ({hit.dense_score:.3f})"
    if hit.keyword_score is None:
        return dense
    place = f"no. {hit.keyword_rank}" if hit.keyword_rank else "not among the best"
    return f"{dense}; by keywords: {place} ({hit.keyword_score:.1f})"


def print_documents(records: Sequence[DocumentRecord]) -> None:
    """A table of documents."""
    table = _table("id", "language", "chunks", "characters", "source", "title")
    for record in records:
        cells = (record.id, record.language, str(record.chunks), str(record.characters))
        # As text: a title may look like rich's markup.
        table.add_row(*cells, Text(record.source), Text(record.title))
    _print_table(table)


def print_document(record: DocumentRecord, text: str) -> None:
    """What is known of a document, then its text."""
    for name in (
        "id",
        "collection",
        "source",
        "title",
        "language",
        "media_type",
        "encoding",
        "content_hash",
        "characters",
        "chunks",
        "added_at",
        "updated_at",
    ):
        click.echo(f"{name}: {getattr(record, name)}")
    for key, value in record.metadata.items():
        click.echo(f"{key}: {value}")
    click.echo(f"\n{text}")


def print_collections(records: Sequence[CollectionRecord]) -> None:
    """A table of collections."""
    table = _table("name", "documents", "chunks")
    for record in records:
        table.add_row(Text(record.name), str(record.documents), str(record.chunks))
    _print_table(table)


def print_models(entries: Sequence[dict[str, Any]]) -> None:
    """A table of models."""
    table = _table("role", "name", "state", "from", "location")
    for entry in entries:
        cells = [entry[key] or "" for key in ("role", "name", "state", "source", "location")]
        table.add_row(*map(Text, cells))
    _print_table(table)


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, no_wrap=column in ("id", "location"), overflow="fold")
    return table


def _print_table(table: Table) -> None:
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=400)
    console.print(table)
