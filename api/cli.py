"""The command line: `quoth`."""

import sys
from collections.abc import Sequence
from pathlib import Path

import click

from api.cli_backup import backup_command, restore_command
from api.cli_keys import keys_group
from api.cli_mcp import mcp_command
from api.cli_store import collections_group, documents_group
from api.errors import MissingExtra
from api.evaluate import evaluate_command
from api.fit_neutral import fit_neutral_command
from api.keys import UnknownKey
from api.options import (
    collection_option,
    data_dir_option,
    filter_options,
    json_option,
    limit_option,
    open_documents,
    open_engine,
    print_json,
    settings_of,
    valid_collection,
)
from api.settings import InvalidSettings, load_settings
from documents.errors import DocumentError
from index.backup import DamagedBackup
from index.errors import (
    EmbedderMismatch,
    InvalidRequest,
    ModelUnavailable,
    StorageError,
    UnknownCollection,
    UnknownDocument,
)
from index.types import Filters
from rag.errors import EmptyCollection, InvalidQuestion

# Modules that import torch are imported where they are needed: `--help` and the commands that
# only look into the store stay quick.

_FAILURES = (
    DamagedBackup,
    DocumentError,
    EmbedderMismatch,
    EmptyCollection,
    MissingExtra,
    ModelUnavailable,
    StorageError,
    UnknownCollection,
    UnknownDocument,
    UnknownKey,
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


@click.group(no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="quoth", message="quoth %(version)s")
def quoth() -> None:
    """Ask your documents in any language; get the exact words back, and where they stand."""


@quoth.command("ingest")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH..."
)
@collection_option
@data_dir_option
def ingest_command(paths: tuple[Path, ...], collection: str, data_dir: Path | None) -> int:
    """Take files and folders in.

    Unchanged files are skipped, changed ones replaced. A file that cannot be read is reported with
    its reason and the rest goes on; then the exit code is 1. A line is printed for a file once it
    is stored for good.
    """
    from api.console import IngestReport
    from api.wiring import ingest_options
    from index.ingest import count_files, ingest, read_paths

    settings = settings_of(data_dir)
    valid_collection(collection)
    for path in paths:
        if not path.exists() and len(paths) == 1:
            raise DocumentError(f"{path} does not exist: check the path.")
    options = ingest_options(settings)
    index = open_documents(settings, create=True)
    with IngestReport(total=count_files(paths)) as report:
        inputs = read_paths(paths, options.load)
        for outcome in ingest(index, collection, inputs, options, report.started):
            report.add(outcome)
    if report.stored:
        index.snapshot(collection)
    return 1 if report.failed else 0


@quoth.command("ask")
@click.argument("question")
@collection_option
@limit_option
@filter_options
@click.option(
    "--min-confidence",
    type=click.FloatRange(0, 1),
    metavar="P",
    help="What an answer must reach (default: QUOTH_MIN_CONFIDENCE, or the calibrated one).",
)
@click.option("--passages", is_flag=True, help="Show the passages beside an answer too.")
@json_option
@data_dir_option
def ask_command(
    question: str,
    collection: str,
    limit: int,
    filters: Filters,
    min_confidence: float | None,
    passages: bool,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Answer QUESTION from the documents, with quotes and their sources."""
    from api.console import print_answer
    from api.schemas import AnswerResponse
    from rag.answer import valid_question

    valid_question(question)
    engine = open_engine(settings_of(data_dir), create=False)
    answer = engine.answer(
        question,
        collection=collection,
        limit=limit,
        filters=filters,
        min_confidence=min_confidence,
    )
    if as_json:
        print_json(AnswerResponse.of(answer, include_passages=passages).model_dump(mode="json"))
    else:
        print_answer(answer, include_passages=passages)


@quoth.command("search")
@click.argument("query")
@collection_option
@limit_option
@filter_options
@json_option
@data_dir_option
def search_command(
    query: str,
    collection: str,
    limit: int,
    filters: Filters,
    as_json: bool,
    data_dir: Path | None,
) -> None:
    """Print the passages that fit QUERY best, by meaning and by keywords."""
    from api.console import print_passages
    from api.schemas import PassageOut, SearchResponse
    from rag.answer import require_documents, valid_question

    query = valid_question(query)
    index = open_documents(settings_of(data_dir), create=False)
    hits = index.search(query, collection, limit, filters)
    require_documents(hits, collection, filters)
    if as_json:
        found = SearchResponse(query=query, passages=[PassageOut.of(hit) for hit in hits])
        print_json(found.model_dump(mode="json"))
    else:
        print_passages(hits)


@quoth.group("models", invoke_without_command=True)
@click.option("--prepare", is_flag=True, help="Prepare the default models now.")
@click.option("--verify", is_flag=True, help="Check the prepared files against their checksums.")
@json_option
@data_dir_option
@click.pass_context
def models_command(
    context: click.Context, prepare: bool, verify: bool, as_json: bool, data_dir: Path | None
) -> int:
    """Print which models are in use, from where, and whether they are prepared."""
    from api.console import preparing, print_models
    from api.models import describe
    from index import bundled
    from rag import reader_model

    if context.invoked_subcommand:
        return 0
    settings = settings_of(data_dir)
    options = settings.embedder_options()
    if prepare:
        with preparing() as progress:
            if options.model == "default":
                bundled.prepare(options.cache, progress)
            if settings.reader == "default":
                reader_model.prepare(options.cache, progress)
    entries = describe(settings, verify=verify)
    if as_json:
        print_json({"models": entries})
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
@click.option(
    "--workers",
    type=click.IntRange(1, 64),
    metavar="N",
    help="Processes on the one data folder (default: QUOTH_WORKERS or 1).",
)
@data_dir_option
def serve_command(
    host: str | None, port: int | None, workers: int | None, data_dir: Path | None
) -> None:
    """Run the HTTP service with its page at / and its documentation at /docs.

    Where others can reach its address it needs a key: see `quoth keys`.
    """
    from api.serving import require_key_where_exposed, serve

    settings = load_settings(data_dir=data_dir, host=host, port=port, workers=workers)
    require_key_where_exposed(settings)
    click.echo(
        f"Quoth listens on http://{settings.host}:{settings.port}/ (for programs: /docs)", err=True
    )
    serve(settings)


for _command in (
    evaluate_command,
    documents_group,
    collections_group,
    keys_group,
    backup_command,
    restore_command,
    mcp_command,
):
    quoth.add_command(_command)
models_command.add_command(fit_neutral_command)
