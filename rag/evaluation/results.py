"""The result of an evaluation as JSON: figures, and everything that produced them."""

import hashlib
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from rag.evaluation.runner import Library, needed_corpora
from rag.evaluation.statistics import latency, throughput
from rag.evaluation.summary import curves, summarise
from rag.evaluation.types import Dataset, InvalidQuestions, Scored

FORMAT = 1
"""Raised when a key changes its meaning."""

PACKAGES = (
    "quoth",
    "faiss-cpu",
    "numpy",
    "opencc-py",
    "sentence-transformers",
    "tokenizers",
    "torch",
    "transformers",
)
TIMINGS = ("latency_ms", "throughput", "seconds")
"""The keys that two runs differ in."""


@dataclass(frozen=True, slots=True)
class Run:
    """What an evaluation was and did. `settings` and `models` are shown as they are.

    `seconds` are the wall-clock times of its stages, "asking" among them; `durations` the
    milliseconds of questions asked alone.
    """

    dataset: Dataset
    library: Library
    rows: Sequence[Scored]
    settings: Mapping[str, Any]
    models: Mapping[str, Any]
    seed: int
    seconds: Mapping[str, float]
    durations: Sequence[float] = ()
    missing: int = 0


def to_json(run: Run) -> dict[str, Any]:
    """The result. Everything but `TIMINGS` is the same for the same run, to the last digit;
    `fingerprint` is a hash of that part.
    """
    figures = summarise(run.rows, run.seed)
    result: dict[str, Any] = {
        "quoth_evaluation": FORMAT,
        "dataset": _dataset(run),
        "settings": dict(run.settings),
        "models": dict(run.models),
        "versions": versions(),
        "seed": run.seed,
        **{name: figures.pop(name) for name in ("retrieval", "answer", "citations", "abstention")},
        "counts": {**figures.pop("counts"), "missing": run.missing},
        **figures,
        "curves": curves(run.rows),
        "questions": [_question(row) for row in run.rows],
    }
    content = json.dumps(result, ensure_ascii=False, sort_keys=True).encode("utf-8", "replace")
    result["fingerprint"] = hashlib.sha256(content).hexdigest()
    return {**result, **_timings(run)}


def dump(result: Mapping[str, Any]) -> str:
    """The result as text: indented, but a question a line."""
    head = json.dumps({**result, "questions": []}, ensure_ascii=False, indent=2)
    lines = ",\n    ".join(json.dumps(row, ensure_ascii=False) for row in result["questions"])
    before, empty, after = head.partition('"questions": []')
    return f"{before}{empty[:-1]}\n    {lines}\n  ]{after}\n" if lines else head + "\n"


def load_result(path: Path) -> dict[str, Any]:
    """Read a result that `dump` wrote.

    Raises:
        InvalidQuestions: it cannot be read or is no result of this version.
    """
    try:
        result = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidQuestions(f"{path} cannot be read ({error}): check the path.") from error
    if not isinstance(result, dict) or result.get("quoth_evaluation") != FORMAT:
        raise InvalidQuestions(
            f"{path} is no result of this version: write one with `quoth evaluate … --json`."
        )
    return result


def versions() -> dict[str, str | None]:
    """Of Python and of the packages that figures depend on; None for what is not installed."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = None
    return found


def _dataset(run: Run) -> dict[str, Any]:
    """What was asked; `sha256` covers every question, gold answer and document."""
    digest = hashlib.sha256()
    for question in run.dataset.questions:
        digest.update(repr(question).encode("utf-8", "replace"))
    for corpus in needed_corpora(run.dataset):
        for raw in corpus.documents:
            digest.update(f"{corpus.name}\0{raw.source}\0".encode() + raw.data)
    return {
        "name": run.dataset.name,
        "setting": run.dataset.setting or None,
        "documents": run.library.documents,
        "failed_documents": dict(run.library.failed),
        "sha256": digest.hexdigest(),
    }


def _question(row: Scored) -> dict[str, Any]:
    return {
        "id": row.question.id,
        "language": row.question.language,
        "document_language": row.document_language,
        "answerable": row.question.answerable,
        "answered": row.prediction.answered,
        "confidence": row.prediction.confidence,
        "correct": row.correct,
        "scores": {name: value for name, value in row.scores.items() if value is not None},
    }


def _timings(run: Run) -> dict[str, Any]:
    found = latency(run.durations)
    asking = run.seconds.get("asking", 0.0)
    taking_in = run.seconds.get("taking_in", 0.0)
    return {
        "latency_ms": {
            "p50": found.p50 if found else None,
            "p95": found.p95 if found else None,
            "count": found.count if found else 0,
        },
        "throughput": {
            "questions_per_second": throughput(len(run.rows), asking) if asking > 0 else None,
            "documents_per_second": (
                throughput(run.library.documents, taking_in) if taking_in > 0 else None
            ),
        },
        "seconds": dict(run.seconds),
    }
