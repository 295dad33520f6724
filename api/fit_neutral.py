"""`quoth models fit-neutral`: a language-neutral map for an embedder that none is shipped for."""

import gzip
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.options import data_dir_option, settings_of

if TYPE_CHECKING:
    from index.bundled import Progress
    from index.neutral import NeutralMap
    from index.types import Embedder, Vectors

_LEAST_LANGUAGES = 3
_LEAST_SENTENCES = 20


@click.command("fit-neutral")
@click.argument(
    "parallel", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="PARALLEL"
)
@click.option(
    "--sentences",
    type=click.IntRange(_LEAST_SENTENCES),
    default=200,
    show_default=True,
    metavar="N",
    help="Sentences to fit on, in each language.",
)
@click.option(
    "--directions",
    type=click.IntRange(1),
    metavar="N",
    help="Directions to project out (default: as many as languages less one, at most 32).",
)
@click.option("--force", is_flag=True, help="Replace a map that was fitted before.")
@data_dir_option
def fit_neutral_command(
    parallel: Path, sentences: int, directions: int | None, force: bool, data_dir: Path | None
) -> None:
    """Fit a language-neutral map for QUOTH_EMBEDDER on PARALLEL text.

    PARALLEL holds JSON lines {"texts": {"en": "…", "el": "…"}}, a sentence in several languages a
    line; it may end in .gz. The map is kept in QUOTH_CACHE_DIR and used from then on: keep a
    copy of its folder `neutral` with the data. A data folder remembers which map its vectors have:
    documents that are in must be ingested again elsewhere.
    """
    from api.console import preparing
    from index import embedder as embedders
    from index.neutral import fitted_path, shipped_path

    settings = settings_of(data_dir)
    rows = read_parallel(parallel, sentences)
    with preparing() as progress:
        embedder = embedders.load(settings.embedder_options(), progress)
        if shipped_path(embedder) is not None:
            raise click.UsageError(
                f"A map is shipped for {embedder.name}: set QUOTH_EMBEDDER to another model."
            )
        path = fitted_path(settings.neutral_dir, embedder)
        if path.exists() and not force:
            raise click.UsageError(
                f"{path} is there: data folders that were made with it could not be opened any "
                "more without it. Keep a copy and give --force to replace it."
            )
        neutral = fitted(embedder, rows, directions, progress)
    about = {"embedder": embedder.identity, "data": parallel.name, "languages": " ".join(rows[0])}
    _keep(neutral, path, about)
    click.echo(f"wrote {path}: {len(neutral.directions)} directions of {len(rows[0])} languages")


def _keep(neutral: "NeutralMap", path: Path, about: dict[str, str]) -> None:
    """Written beside and renamed, so that a map that is there is whole."""
    beside = path.with_suffix(f".{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        neutral.save(beside, about)
        beside.replace(path)
    except OSError as error:
        raise click.ClickException(
            f"The map cannot be written to {path.parent} ({error.strerror or error}): make room "
            "there, or set QUOTH_CACHE_DIR to a folder that can be written."
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def read_parallel(path: Path, count: int) -> list[dict[str, str]]:
    """Up to `count` sentences, spread over the file, in the languages that nearly all lines have;
    lines that lack one of them are left out.

    Raises:
        click.ClickException: the file is not of that form, or holds too little.
    """
    lines, number = [], 0
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8") as stream
        ):
            for line in stream:
                number += 1
                row: Any = json.loads(line)["texts"]
                lines.append({str(k): str(v).strip() for k, v in row.items() if str(v).strip()})
    except (OSError, EOFError) as error:
        raise click.ClickException(f"{path} cannot be read: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise click.ClickException(
            f"{path}, line {max(1, number)}: give JSON lines in UTF-8 with an object `texts`."
        ) from error
    totals: dict[str, int] = {}
    for row in lines:
        for language in row:
            totals[language] = totals.get(language, 0) + 1
    languages = sorted(name for name, total in totals.items() if total >= 0.9 * len(lines))
    whole = [
        {name: row[name] for name in languages} for row in lines if row.keys() >= set(languages)
    ]
    if len(languages) < _LEAST_LANGUAGES or len(whole) < _LEAST_SENTENCES:
        raise click.ClickException(
            f"{path} has {len(whole)} sentences in {len(languages)} languages: at least "
            f"{_LEAST_SENTENCES} in {_LEAST_LANGUAGES} are needed."
        )
    count = min(count, len(whole))
    return [whole[n * len(whole) // count] for n in range(count)]


def fitted(
    embedder: "Embedder",
    rows: Sequence[dict[str, str]],
    directions: int | None,
    progress: "Progress",
) -> "NeutralMap":
    """The map of the rows' languages."""
    import numpy as np

    from index.neutral import fit

    languages = list(rows[0])
    shape = (len(languages), len(rows), embedder.dimension)
    passages: Vectors = np.empty(shape, np.float32)
    queries: Vectors = np.empty(shape, np.float32)
    for n, language in enumerate(languages):
        progress(f"embedding {language}", n / len(languages))
        texts = [row[language] for row in rows]
        passages[n] = embedder.embed_passages(texts)
        queries[n] = embedder.embed_queries(texts)
    most = min(2 * len(languages) - 2, embedder.dimension // 2)
    return fit(passages, queries, min(most, directions or min(32, len(languages) - 1)))
