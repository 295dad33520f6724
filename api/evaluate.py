"""`quoth evaluate`: puts the parts together, asks, and shows what came out."""

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from api.settings import Settings, load_settings

if TYPE_CHECKING:
    from index.store import Store
    from index.types import Embedder
    from rag.evaluation.results import Run
    from rag.evaluation.systems import Pieces, Progress
    from rag.evaluation.types import Dataset
    from rag.span_model import SpanModel


@dataclass(frozen=True, slots=True)
class Task:
    """What the command line asked for."""

    questions: Path
    corpus: Path | None
    setting: str | None
    unanswerable: bool
    limit: int | None
    seed: int
    retrieval_only: bool
    gold_passages: bool
    predictions: Path | None

    def shown(self) -> dict[str, Any]:
        """The same for a result: names and not places, so that two machines agree."""
        return {
            "questions": self.questions.name,
            "corpus": self.corpus.name if self.corpus else None,
            "setting": self.setting,
            "unanswerable": self.unanswerable,
            "limit": self.limit,
            "retrieval_only": self.retrieval_only,
            "gold_passages": self.gold_passages,
            "predictions": self.predictions.name if self.predictions else None,
        }


@click.command("evaluate")
@click.argument(
    "questions", required=False, type=click.Path(exists=True, path_type=Path), metavar="QUESTIONS"
)
@click.option(
    "--corpus",
    type=click.Path(exists=True, path_type=Path),
    metavar="PATH",
    help="File or folder of documents, for questions that name documents.",
)
@click.option(
    "--setting",
    metavar="mono|cross:LANG|scattered:SEED|lopsided:SEED",
    help="For a folder of parallel files: which documents are asked in which languages.",
)
@click.option(
    "--unanswerable",
    is_flag=True,
    help="Ask each question once more with the documents that answer it taken out.",
)
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Ask a sample; the corpus stays whole."
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    default=0,
    show_default=True,
    metavar="N",
    help="Of the sample and of the intervals.",
)
@click.option("--retrieval-only", is_flag=True, help="Rank documents and do not answer.")
@click.option(
    "--gold-passages",
    is_flag=True,
    help="Read each question in the documents that answer it, and decline nothing unless "
    "QUOTH_MIN_CONFIDENCE is set: measures the reader alone.",
)
@click.option(
    "--predictions",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Score what another system said instead of asking Quoth.",
)
@click.option(
    "--export",
    "export_to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the questions and documents for another system, and ask nothing.",
)
@click.option(
    "--report",
    "report_to",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write index.html and results.json there.",
)
@click.option(
    "--compare",
    nargs=2,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="A.json B.json",
    help="Say what changed from one result to another, and whether it is more than noise.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Not used: evaluation works in a temporary folder and leaves your documents alone.",
)
def evaluate_command(
    questions: Path | None,
    export_to: Path | None,
    report_to: Path | None,
    compare: tuple[Path, Path] | None,
    as_json: bool,
    data_dir: Path | None,
    **options: Any,
) -> None:
    """Measure retrieval, answers, citations and abstention on QUESTIONS.

    QUESTIONS is a file of questions (JSON lines, or SQuAD's JSON; either may end in .gz), or a
    folder of parallel files <language>.json. docs/evaluation.md describes them, and every figure.
    """
    if compare:
        if questions:
            raise click.UsageError("--compare takes two results and no QUESTIONS.")
        _compare(compare, as_json=as_json)
        return
    if questions is None:
        raise click.UsageError("Name a file of QUESTIONS, or two results to --compare.")
    task = Task(questions, **options)
    if task.gold_passages and (task.predictions or export_to or task.retrieval_only):
        raise click.UsageError("--gold-passages is for asking Quoth for answers.")
    dataset = _dataset(task)
    if export_to:
        from rag.evaluation.predictions import export

        export(dataset, export_to)
        click.echo(f"wrote {export_to / 'questions.jsonl'} and {export_to / 'corpus.jsonl'}")
        return
    settings = load_settings(data_dir=data_dir)
    run = _score_predictions(task, dataset) if task.predictions else _ask(task, dataset, settings)
    _show(run, report_to, as_json=as_json)


def _dataset(task: Task) -> "Dataset":
    from rag.evaluation.datasets import load_dataset, sample, with_unanswerable
    from rag.evaluation.settings import load_parallel

    if task.questions.is_dir():
        if task.corpus:
            raise click.UsageError("A folder of parallel files holds its own documents.")
        dataset = load_parallel(task.questions, task.setting or "mono")
    else:
        if task.setting:
            raise click.UsageError("--setting is for a folder of parallel files <language>.json.")
        dataset = load_dataset(task.questions, task.corpus)
    if not dataset.questions:
        raise click.UsageError(f"{task.questions} holds no questions.")
    dataset = sample(dataset, task.limit, task.seed)
    return with_unanswerable(dataset) if task.unanswerable else dataset


def _ask(task: Task, dataset: "Dataset", settings: Settings) -> "Run":
    from api.console import preparing
    from api.evaluate_console import progress_bar
    from api.wiring import load_embedder, load_reader_model, set_up_logging

    set_up_logging(settings)
    with preparing() as preparation:
        embedder = load_embedder(settings, preparation)
        model = None if task.retrieval_only else load_reader_model(settings, preparation)
    with (
        tempfile.TemporaryDirectory(prefix="quoth-evaluate-") as folder,
        progress_bar() as progress,
    ):
        return _asked(task, dataset, settings, (embedder, model), Path(folder), progress)


def _asked(
    task: Task,
    dataset: "Dataset",
    settings: Settings,
    models: "tuple[Embedder, SpanModel | None]",
    folder: Path,
    progress: "Progress",
) -> "Run":
    from api.wiring import ingest_options
    from index.store import Store
    from rag.evaluation.results import Run
    from rag.evaluation.runner import ask, take_in, time_questions
    from rag.evaluation.systems import Quoth, RememberingEmbedder

    embedder, model = models
    store = Store(folder)
    try:
        remembering = RememberingEmbedder(embedder)
        pieces = _pieces(task, settings, store, remembering, model)
        library = take_in(pieces.index, dataset, ingest_options(settings), progress)
        start = time.perf_counter()
        remembering.prepare([question.text for question in dataset.questions], progress)
        kind = {"retrieval_only": task.retrieval_only, "gold_passages": task.gold_passages}
        system = Quoth(pieces, library.ids, **kind)
        rows = ask(dataset, system, library, progress)
        asking = time.perf_counter() - start
        plain = _pieces(task, settings, store, embedder, model)
        alone = Quoth(plain, library.ids, **kind)
        durations = time_questions(dataset, alone, task.seed, progress)
    finally:
        store.close()
    return Run(
        dataset=dataset,
        library=library,
        rows=rows,
        settings={**task.shown(), **_measured_settings(settings)},
        models={
            "embedder": embedder.identity,
            "reader": None if task.retrieval_only else pieces.reader.name,
            "threshold": None if task.retrieval_only else _in_force(pieces.threshold, model),
        },
        seed=task.seed,
        seconds={"taking_in": library.seconds, "asking": asking},
        durations=durations,
    )


def _pieces(
    task: Task,
    settings: Settings,
    store: "Store",
    embedder: "Embedder",
    model: "SpanModel | None",
) -> "Pieces":
    """What answering is made of, around an embedder and a store of our own."""
    from api.wiring import reader_with
    from index.local import LocalIndex
    from rag.evaluation.systems import Pieces
    from rag.types import Models

    if model is None:
        settings = settings.model_copy(update={"reranker": None})
    reader = reader_with(model, embedder, settings)
    threshold = settings.min_confidence
    if threshold is None and task.gold_passages:
        threshold = 0.0  # the answer is there: what it says counts, not whether it dares to
    index = LocalIndex(store, embedder, settings.search_options())
    return Pieces(index, reader, Models(embedder.name, reader.name), threshold)


def _in_force(threshold: float | None, model: "SpanModel | None") -> float | list[float]:
    """The threshold of a run; where none was chosen the reader's own, one or two."""
    from api.wiring import default_thresholds

    if threshold is not None:
        return threshold
    return list(default_thresholds(model))


def _measured_settings(settings: Settings) -> dict[str, Any]:
    """The settings that can change a figure."""
    names = (
        "embedder",
        "precision",
        "neutral",
        "keywords",
        "reader",
        "reranker",
        "chunk_tokens",
        "min_confidence",
    )
    return {name: getattr(settings, name) for name in names}


def _score_predictions(task: Task, dataset: "Dataset") -> "Run":
    from rag.evaluation.predictions import load_predictions
    from rag.evaluation.results import Run
    from rag.evaluation.runner import Recorded, ask, missing, read_texts

    if task.predictions is None:
        raise click.UsageError("There are no predictions to score.")
    predictions, nothing = load_predictions(task.predictions, dataset)
    library = read_texts(dataset)
    rows = ask(dataset, Recorded(predictions, nothing), library)
    return Run(
        dataset=dataset,
        library=library,
        rows=rows,
        settings=task.shown(),
        models={"system": task.predictions.name},
        seed=task.seed,
        seconds={},
        missing=missing(dataset.questions, predictions),
    )


def _show(run: "Run", report_to: Path | None, *, as_json: bool) -> None:
    from api.evaluate_console import print_result

    if report_to:
        from rag.evaluation.report import write_report
    from rag.evaluation.results import dump, to_json

    result = to_json(run)
    for source, reason in run.library.failed.items():
        click.echo(f"quoth: {source} could not be taken in: {reason}", err=True)
    if report_to:
        write_report(result, run, report_to)
        click.echo(f"wrote {report_to / 'index.html'}", err=True)
    if as_json:
        click.echo(dump(result), nl=False)
    else:
        print_result(result)


def _compare(paths: tuple[Path, Path], *, as_json: bool) -> None:
    import json

    from api.evaluate_console import print_comparison
    from rag.evaluation.compare import compare
    from rag.evaluation.results import load_result

    first, second = (load_result(path) for path in paths)
    comparison = compare(first, second)
    if as_json:
        click.echo(json.dumps(comparison, ensure_ascii=False, indent=2))
    else:
        print_comparison(comparison, (str(paths[0]), str(paths[1])))
