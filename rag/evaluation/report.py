"""The result as one HTML page that needs nothing else: no network, no script, no other file."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined, Template

from rag.evaluation import charts, failures
from rag.evaluation.results import Run, dump
from rag.evaluation.summary import LOWER_IS_BETTER, SHORT, flat
from rag.evaluation.types import InvalidQuestions

MEANINGS: Mapping[str, str] = {
    "retrieval.recall@1": "the document with the answer is ranked first",
    "retrieval.recall@5": "… among the first five",
    "retrieval.recall@10": "… among the first ten",
    "retrieval.mrr@10": "1 / its rank, 0 beyond ten",
    "retrieval.ndcg@10": "its rank, discounted by the logarithm",
    "answer.accuracy": "right: a correct answer, or none where the documents do not say",
    "answer.correct": "a quote from the right document contains the answer",
    "answer.correct_at_hand": "the same, counting answers that were withheld",
    "answer.exact_match": "the answer equals a gold answer",
    "answer.f1": "words (or characters) shared with a gold answer",
    "answer.ngram_recall": "character 3-grams of a gold answer that the answer has",
    "answer.quote_contains": "a quote, of any document, contains a gold answer",
    "answer.language": "answers in the question's language or that of the right document",
    "answer.question_language": "answers in the question's language",
    "citations.verified": "quotes that stand in their document exactly where they say",
    "citations.precision": "documents cited that hold the answer",
    "citations.recall": "documents with the answer that are cited",
    "abstention.answered_rate": "questions with an answer that are answered",
    "abstention.false_answer_rate": "questions without an answer that are answered",
    "abstention.auroc": "confidence tells questions with an answer from those without",
    "abstention.aurc": "mean share wrong, over every share answered",
    "abstention.ece": "how far confidence is from the share right",
}
HEAT_MAPS = ("answer.correct", "retrieval.recall@1", "retrieval.recall@10")
"""The first two of them that there are."""

HEADLINES = (
    "retrieval.recall@1",
    "retrieval.recall@10",
    "answer.accuracy",
    "answer.correct",
    "citations.verified",
    "abstention.auroc",
)


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric with its interval, all from 0 to 1; `low` and `high` are None without one."""

    name: str
    meaning: str
    value: float
    low: float | None
    high: float | None
    count: int | None
    lower_is_better: bool


def write_report(result: Mapping[str, Any], run: Run, folder: Path) -> None:
    """Write `index.html` and `results.json` into a folder, made where it is missing.

    Raises:
        InvalidQuestions: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "index.html").write_text(render(result, run), "utf-8", errors="replace")
        (folder / "results.json").write_text(dump(result), "utf-8", errors="replace")
    except OSError as error:
        raise InvalidQuestions(
            f"The report cannot be written to {folder} ({error.strerror}): choose another folder."
        ) from error


def render(result: Mapping[str, Any], run: Run) -> str:
    """The page. Everything that comes from documents, questions and models is escaped."""
    maps = [charts.heat_map(result["by_pair"], metric) for metric in HEAT_MAPS]
    shown = [found for found in maps if found and len(found.rows) * len(found.columns) > 1][:2]
    return _template().render(
        result=result,
        figures=figures(result),
        headlines=HEADLINES,
        groups=[
            ("language of the question", _groups(result["by_language"])),
            ("language of the document", _groups(result["by_document_language"])),
        ],
        group_metrics={
            metric: short for metric, short in SHORT.items() if flat(result)[metric] is not None
        },
        heat_maps=shown,
        plots=[
            plot
            for plot in (
                charts.risk_coverage_plot(result["curves"]["risk_coverage"]),
                charts.reliability_plot(result["curves"]["reliability"]),
            )
            if plot
        ],
        failures=failures.worst(run.rows, run.library.texts),
        failed_documents=run.library.failed,
        shade=charts.shade,
    )


def figures(result: Mapping[str, Any]) -> list[Figure]:
    """The metrics that there are, in their order."""
    found = []
    for name, value in flat(result).items():
        kind, _dot, metric = name.partition(".")
        bounds = result["intervals"][kind][metric] or {}
        if value is not None:
            low, high, count = (bounds.get(key) for key in ("low", "high", "count"))
            lower = name in LOWER_IS_BETTER
            found.append(Figure(name, MEANINGS[name], value, low, high, count, lower))
    return found


def _groups(groups: Mapping[str, Any]) -> dict[str, tuple[int, dict[str, float | None]]]:
    return {name: (group["counts"]["questions"], flat(group)) for name, group in groups.items()}


@cache
def _template() -> Template:
    source = (files("rag.evaluation") / "report.html").read_text("utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source)
