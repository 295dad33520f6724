"""What the commands share: their options, and how they open what they work on."""

import functools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from api.settings import Settings, load_settings
from index.errors import InvalidRequest
from index.types import DEFAULT_COLLECTION, Filters

if TYPE_CHECKING:
    from api.wiring import Engine
    from index.bundled import Progress
    from index.local import LocalIndex
    from index.store import Store

_Result = TypeVar("_Result")

# Modules that import torch are imported where they are needed: `--help` and the commands that
# only look into the store stay quick.

data_dir_option = click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Folder of documents and index (default: QUOTH_DATA_DIR, or the user's data folder).",
)
collection_option = click.option(
    "--collection",
    default=DEFAULT_COLLECTION,
    show_default=True,
    metavar="NAME",
    help="Collection of documents.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, exactly as over HTTP."
)
limit_option = click.option(
    "--limit",
    type=click.IntRange(1, 100),
    default=10,
    show_default=True,
    metavar="N",
    help="Passages at most.",
)
_FILTERS = (
    click.option(
        "--language",
        "languages",
        multiple=True,
        metavar="TAG",
        help="Only passages in this language (BCP 47). This and the next four may be repeated.",
    ),
    click.option("--document", "documents", multiple=True, metavar="ID", help="Only of this one."),
    click.option(
        "--without", "excluded", multiple=True, metavar="ID", help="Not of this document."
    ),
    click.option(
        "--source",
        "sources",
        multiple=True,
        metavar="NAME",
        help="Only of documents of this name, whole or the last part of its path.",
    ),
    click.option(
        "--metadata",
        multiple=True,
        metavar="KEY=VALUE",
        help="Only of documents whose metadata say so.",
    ),
    click.option(
        "--from",
        "date_from",
        metavar="DATE",
        default="",
        help="Only of documents whose metadata `date` is then or later: 2024-05-31, 2024-05, 2024.",
    ),
    click.option("--to", "date_to", metavar="DATE", default="", help="Then or earlier."),
)


def filter_options(command: Callable[..., _Result]) -> Callable[..., _Result]:
    """Give a command the options of filters, and what they make as its argument `filters`."""

    @functools.wraps(command)
    def filtered(
        *arguments: object,
        languages: tuple[str, ...],
        documents: tuple[str, ...],
        excluded: tuple[str, ...],
        sources: tuple[str, ...],
        metadata: tuple[str, ...],
        date_from: str,
        date_to: str,
        **options: object,
    ) -> _Result:
        filters = Filters(
            languages=languages,
            document_ids=documents,
            sources=sources,
            metadata=dict(map(_pair, metadata)),
            date_from=date_from,
            date_to=date_to,
            exclude_document_ids=excluded,
        )
        return command(*arguments, filters=filters, **options)

    for option in reversed(_FILTERS):
        filtered = option(filtered)
    return filtered


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (key and equals):
        raise InvalidRequest(f"--metadata takes KEY=VALUE, not {text!r}.")
    return key, value


def settings_of(data_dir: Path | None) -> Settings:
    """The settings, with the folder that the command line names."""
    return load_settings(data_dir=data_dir)


def open_engine(settings: Settings, *, create: bool) -> "Engine":
    """Models and index, with a progress bar where a model is prepared."""
    from api.wiring import build

    with _opening(settings, create=create) as progress:
        return build(settings, create=create, progress=progress)


def open_documents(settings: Settings, *, create: bool) -> "LocalIndex":
    """The index alone, for commands that do not answer."""
    from api.wiring import build_index

    with _opening(settings, create=create) as progress:
        return build_index(settings, create=create, progress=progress)


@contextmanager
def _opening(settings: Settings, *, create: bool) -> Iterator["Progress"]:
    from api.console import preparing
    from api.wiring import set_up_logging
    from index.store import Store

    set_up_logging(settings)
    # The folder first: its errors should not wait for the models.
    Store(settings.data_dir, create=create).close()
    with preparing() as progress:
        yield progress


def open_store(settings: Settings) -> "Store":
    """The store alone, for commands that need no model."""
    from index.store import Store

    return Store(settings.data_dir, create=False)


def valid_collection(name: str) -> None:
    """Raises InvalidRequest for what cannot name a collection."""
    if not re.fullmatch(r"\w[\w.-]{0,63}", name):
        raise InvalidRequest(
            f"{name!r} cannot name a collection: use up to 64 letters, digits, '.', '_' and '-'."
        )


def print_json(value: object) -> None:
    """Print a value as JSON, in the characters it is in."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
