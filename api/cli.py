"""The command line: `quoth`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.evaluate import evaluate_command
from api.settings import InvalidSettings, Settings, load_settings
from documents.errors import DocumentError
from index.errors import (
    EmbedderMismatch,
    InvalidRequest,
    ModelUnavailable,
    StorageError,
    UnknownCollection,
    UnknownDocument,
)
from index.types import DEFAULT_COLLECTION
from rag.errors import EmptyCollection, InvalidQuestion

if TYPE_CHECKING:
    from api.wiring import Engine
    from index.store import Store

# Modules that import torch are imported where they are needed: `--help` and the commands that
# only look into the store stay quick.

_FAILURES = (
    DocumentError,
    EmbedderMismatch,
    EmptyCollection,
    ModelUnavailable,
    StorageError,
    UnknownCollection,
    UnknownDocument,
)
_USAGE = (InvalidQuestion, InvalidRequest, InvalidSettings)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit: 0 done, 1 failed, 2 wrong usage."""
    sys.exit(run(arguments))


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code. Errors are one sentence on stderr."""
    try:
        code = quoth.main(arguments, prog_name="quoth", standalone_mode=False)
        return code if isinstance(code, int) else 0
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except click.ClickException as error:
        return _fail(error.format_message(), 2)
    except _USAGE as error:
        return _fail(str(error), 2)
    except _FAILURES as error:
        return _fail(str(error), 1)
    except click.Abort:
        return _fail("Stopped; what was acknowledged is kept.", 1)
    except BrokenPipeError:
        return 1


def _fail(message: str, code: int) -> int:
    click.echo(f"quoth: {message}", err=True)
    return code


_data_dir = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder of documents and index (default: QUOTH_DATA_DIR, or the user's data folder).",
)
_collection = click.option(
    "--collection",
    default=DEFAULT_COLLECTION,
    show_default=True,
    metavar="NAME",
    help="Collection of documents.",
)
_json = click.option("--json", "as_json", is_flag=True, help="Print JSON, exactly as over HTTP.")
_limit = click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    metavar="N",
    help="Passages at most.",
)
_languages = click.option(
    "--language",
    "languages",
    multiple=True,
    metavar="TAG",
    help="Only passages in this language (BCP 47); may be given more than once.",
)


@click.group(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quoth", message="quoth %(version)s")
def quoth() -> None:
    """Ask your documents in any language; get the exact words back, and where they stand."""


@quoth.command("ingest")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH..."
)
@_collection
@_data_dir
def ingest_command(paths: tuple[Path, ...], collection: str, data_dir: Path | None) -> int:
    """Take files and folders in.

    Unchanged files are skipped, changed ones replaced. A file that cannot be read is reported with
    its reason and the rest goes on; then the exit code is 1. A line is printed for a file once it
    is stored for good.
    """
    from api.console import IngestReport
    from api.wiring import ingest_options
    from index.ingest import count_files, ingest, read_paths

    settings = _settings(data_dir)
    _valid_collection(collection)
    for path in paths:
        if not path.exists() and len(paths) == 1:
            raise DocumentError(f"{path} does not exist: check the path.")
    options = ingest_options(settings)
    engine = _engine(settings, create=True)
    with IngestReport(total=count_files(paths)) as report:
        inputs = read_paths(paths, options.load)
        for outcome in ingest(engine.index, collection, inputs, options, report.started):
            report.add(outcome)
    if report.stored:
        engine.index.snapshot(collection)
    return 1 if report.failed else 0


@quoth.command("ask")
@click.argument("question")
@_collection
@_limit
@_languages
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="What an answer must reach (default: QUOTH_MIN_CONFIDENCE, or the calibrated one).",
)
@click.option("--passages", is_flag=True, help="Show the passages beside an answer too.")
@_json
@_data_dir
def ask_command(
    question: str,
    collection: str,
    limit: int,
    languages: tuple[str, ...],
    min_confidence: float | None,
    passages: bool,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Answer QUESTION from the documents, with quotes and their sources."""
    from api.console import print_answer
    from api.schemas import AnswerResponse
    from index.types import Filters
    from rag.answer import valid_question

    valid_question(question)
    engine = _engine(_settings(data_dir), create=False)
    answer = engine.answer(
        question,
        collection=collection,
        limit=limit,
        filters=Filters(languages=languages),
        min_confidence=min_confidence,
    )
    if as_json:
        _print_json(AnswerResponse.of(answer, include_passages=passages).model_dump(mode="json"))
    else:
        print_answer(answer, include_passages=passages)


@quoth.command("search")
@click.argument("query")
@_collection
@_limit
@_languages
@_json
@_data_dir
def search_command(
    query: str,
    collection: str,
    limit: int,
    languages: tuple[str, ...],
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Print the passages nearest to QUERY, best first."""
    from api.console import print_passages
    from api.schemas import PassageOut, SearchResponse
    from index.types import Filters
    from rag.answer import require_documents, valid_question

    query = valid_question(query)
    engine = _engine(_settings(data_dir), create=False)
    filters = Filters(languages=languages)
    hits = engine.index.search(query, collection, limit, filters)
    require_documents(hits, collection, filters)
    if as_json:
        found = SearchResponse(query=query, passages=[PassageOut.of(hit) for hit in hits])
        _print_json(found.model_dump(mode="json"))
    else:
        print_passages(hits)


@quoth.group("documents", no_args_is_help=True)
def documents_group() -> None:
    """List, show and remove documents."""


@documents_group.command("list")
@_collection
@_json
@_data_dir
def documents_list(collection: str, as_json: bool, data_dir: Path | None) -> None:
    """Print the documents of a collection."""
    from api.console import print_documents
    from api.schemas import DocumentOut

    store = _store(_settings(data_dir))
    records = store.documents(collection, limit=2**31)
    if as_json:
        _print_json({"documents": [DocumentOut.of(r).model_dump(mode="json") for r in records]})
    else:
        print_documents(records)


@documents_group.command("show")
@click.argument("document_id", metavar="ID")
@_json
@_data_dir
def documents_show(document_id: str, as_json: bool, data_dir: Path | None) -> None:
    """Print a document: what is known of it, and the text that quotes point into."""
    from api.console import print_document
    from api.schemas import DocumentOut, DocumentWithText

    store = _store(_settings(data_dir))
    record = store.document(document_id)
    text = store.text_range(document_id, 0, record.characters)
    if as_json:
        shown = DocumentWithText(**DocumentOut.of(record).model_dump(), text=text)
        _print_json(shown.model_dump(mode="json"))
    else:
        print_document(record, text)


@documents_group.command("remove")
@click.argument("document_ids", nargs=-1, required=True, metavar="ID...")
@_data_dir
def documents_remove(document_ids: tuple[str, ...], data_dir: Path | None) -> None:
    """Remove documents with everything found through them."""
    store = _store(_settings(data_dir))
    for document_id in document_ids:
        store.remove(document_id)
        click.echo(f"removed {document_id}")


@quoth.group("collections", no_args_is_help=True)
def collections_group() -> None:
    """List, create and remove collections."""


@collections_group.command("list")
@_json
@_data_dir
def collections_list(as_json: bool, data_dir: Path | None) -> None:
    """Print the collections and their sizes."""
    from api.console import print_collections
    from api.schemas import CollectionList, CollectionOut

    records = _store(_settings(data_dir)).collections()
    if as_json:
        shown = CollectionList(collections=[CollectionOut.of(record) for record in records])
        _print_json(shown.model_dump(mode="json"))
    else:
        print_collections(records)


@collections_group.command("create")
@click.argument("name")
@_data_dir
def collections_create(name: str, data_dir: Path | None) -> None:
    """Create an empty collection."""
    from index.store import Store

    _valid_collection(name)
    made = Store(_settings(data_dir).data_dir).create_collection(name)
    click.echo(f"created {name}" if made else f"{name} is there already")


@collections_group.command("remove")
@click.argument("name")
@_data_dir
def collections_remove(name: str, data_dir: Path | None) -> None:
    """Remove a collection with all its documents."""
    _store(_settings(data_dir)).delete_collection(name)
    click.echo(f"removed {name}")


@quoth.command("models")
@click.option("--prepare", is_flag=True, help="Prepare the default model now.")
@click.option("--verify", is_flag=True, help="Check the prepared files against their checksums.")
@_json
@_data_dir
def models_command(prepare: bool, verify: bool, as_json: bool, data_dir: Path | None) -> int:
    """Print which models are in use, from where, and whether they are prepared."""
    from api.console import preparing, print_models
    from api.models import describe
    from index import bundled

    settings = _settings(data_dir)
    options = settings.embedder_options()
    if prepare and options.model == "default":
        with preparing() as progress:
            bundled.prepare(options.cache, progress)
    entries = describe(settings, verify=verify)
    if as_json:
        _print_json({"models": entries})
    else:
        print_models(entries)
    return 1 if any(entry["state"] == "damaged" for entry in entries) else 0


@quoth.command("serve")
@click.option(
    "--host", metavar="ADDRESS", help="Address to listen on (default: QUOTH_HOST or 127.0.0.1)."
)
@click.option(
    "--port", type=click.IntRange(0, 65535), metavar="N", help="Port (default: QUOTH_PORT or 8000)."
)
@_data_dir
def serve_command(host: str | None, port: int | None, data_dir: Path | None) -> None:
    """Run the HTTP service; its documentation is at /docs."""
    import uvicorn

    from api.app import create_app
    from api.wiring import set_up_logging

    settings = load_settings(data_dir=data_dir, host=host, port=port)
    set_up_logging(settings)
    click.echo(
        f"Quoth listens on http://{settings.host}:{settings.port} (documentation: /docs)", err=True
    )
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        server_header=False,
    )


quoth.add_command(evaluate_command)


def _settings(data_dir: Path | None) -> Settings:
    return load_settings(data_dir=data_dir)


def _engine(settings: Settings, *, create: bool) -> "Engine":
    from api.console import preparing
    from api.wiring import build, set_up_logging
    from index.store import Store

    set_up_logging(settings)
    # The folder first: its errors should not wait for the models.
    Store(settings.data_dir, create=create).close()
    with preparing() as progress:
        return build(settings, create=create, progress=progress)


def _store(settings: Settings) -> "Store":
    from index.store import Store

    return Store(settings.data_dir, create=False)


def _valid_collection(name: str) -> None:
    import re

    if not re.fullmatch(r"\w[\w.-]{0,63}", name):
        raise InvalidRequest(
            f"{name!r} cannot name a collection: use up to 64 letters, digits, '.', '_' and '-'."
        )


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
