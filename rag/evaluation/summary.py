"""Scores of many questions → the figures of an evaluation, over all and by language."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.evaluation import abstention
from rag.evaluation.scoring import METRICS
from rag.evaluation.statistics import Interval, bootstrap_mean, bootstrap_statistic
from rag.evaluation.types import Scored

CURVE_POINTS = 200
UNKNOWN = "none"
"""Stands for the document language of a question that no document answers."""

Figures = dict[str, Any]
"""Nested by the parts of a metric's name: {"retrieval": {"recall@1": 0.5}}."""

Columns = tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.float64]]
"""Confidence, answerable and correct, a question an entry."""


def _auroc(columns: Columns, at: NDArray[np.intp]) -> float | None:
    return abstention.auroc(columns[0][at].tolist(), columns[1][at].tolist())


def _aurc(columns: Columns, at: NDArray[np.intp]) -> float | None:
    return abstention.aurc(columns[0][at].tolist(), columns[2][at].tolist())


def _ece(columns: Columns, at: NDArray[np.intp]) -> float | None:
    return abstention.expected_calibration_error(columns[0][at].tolist(), columns[2][at].tolist())


WHOLE: Mapping[str, Callable[[Columns, NDArray[np.intp]], float | None]] = {
    "abstention.auroc": _auroc,
    "abstention.aurc": _aurc,
    "abstention.ece": _ece,
}
"""Figures of many questions at once, which no mean of scores gives."""

SHORT: Mapping[str, str] = {
    "retrieval.recall@1": "recall@1",
    "retrieval.recall@5": "recall@5",
    "retrieval.recall@10": "recall@10",
    "answer.accuracy": "accuracy",
    "answer.correct": "correct",
    "answer.f1": "F1",
    "citations.precision": "citation precision",
    "abstention.auroc": "AUROC",
}
"""The metrics that tables by language show, and their headings there."""

LOWER_IS_BETTER = frozenset({"abstention.false_answer_rate", "abstention.aurc", "abstention.ece"})


def summarise(rows: Sequence[Scored], seed: int) -> Figures:
    """The figures over all questions, by question language, document language and pair.

    Each group has `retrieval`, `answer`, `citations`, `abstention` (None where no question is
    eligible), `intervals` of the same shape, and `counts`. Pairs are "question>document".
    """
    return {
        **group(rows, seed),
        "by_language": _by(rows, lambda row: row.question.language, seed),
        "by_document_language": _by(rows, _document_language, seed),
        "by_pair": _by(rows, _pair, seed, narrow=True),
    }


def group(rows: Sequence[Scored], seed: int, *, narrow: bool = False) -> Figures:
    """The figures of one group of questions; `narrow` groups get no intervals of what is no mean
    of scores, which would take long and say little.
    """
    found: dict[str, Interval | None] = {
        metric: bootstrap_mean([row.scores[metric] for row in rows], seed) for metric in METRICS
    }
    columns = confidence_columns(rows)
    size = columns[0].size
    values: dict[str, float | None] = {
        metric: interval.mean if interval else None for metric, interval in found.items()
    }
    for metric, function in WHOLE.items():
        if narrow:
            values[metric] = function(columns, np.arange(size)) if size else None
            continue
        found[metric] = bootstrap_statistic(partial(function, columns), size, seed)
        interval = found[metric]
        values[metric] = interval.mean if interval else None
    return {
        **nested(values),
        "intervals": nested({metric: _bounds(interval) for metric, interval in found.items()}),
        "counts": counts(rows),
    }


def counts(rows: Sequence[Scored]) -> dict[str, int]:
    """How many questions were asked, could be answered, and were."""
    return {
        "questions": len(rows),
        "answerable": sum(row.question.answerable for row in rows),
        "unanswerable": sum(not row.question.answerable for row in rows),
        "answered": sum(bool(row.prediction.answered) for row in rows),
    }


def confidence_columns(rows: Iterable[Scored]) -> Columns:
    """Confidence, answerable and correct of the questions that all three are known of."""
    known = [
        (row.prediction.confidence, row.question.answerable, row.correct)
        for row in rows
        if row.prediction.confidence is not None and row.correct is not None
    ]
    confidence, answerable, correct = zip(*known, strict=True) if known else ((), (), ())
    return (
        np.array(confidence, np.float64),
        np.array(answerable, np.bool_),
        np.array(correct, np.float64),
    )


def curves(rows: Sequence[Scored]) -> Figures:
    """The risk-coverage curve, thinned to at most 200 points, and the reliability bins."""
    confidence, _answerable, correct = (column.tolist() for column in confidence_columns(rows))
    points = abstention.risk_coverage(confidence, correct)
    step = max(1, math.ceil(len(points) / CURVE_POINTS))
    kept = [*points[:-1:step], *points[-1:]]
    bars = abstention.reliability(confidence, correct) if confidence else ()
    return {
        "risk_coverage": [
            {"threshold": p.threshold, "coverage": p.coverage, "risk": p.risk} for p in kept
        ],
        "reliability": [
            {
                "lower": bar.lower,
                "upper": bar.upper,
                "count": bar.count,
                "confidence": bar.confidence,
                "accuracy": bar.accuracy,
            }
            for bar in bars
        ],
    }


def nested(values: Mapping[str, Any]) -> Figures:
    """Names parted at their first dot: {"a.b": 1} becomes {"a": {"b": 1}}."""
    result: Figures = {}
    for name, value in values.items():
        kind, _dot, metric = name.partition(".")
        result.setdefault(kind, {})[metric] = value
    return result


def flat(figures: Mapping[str, Any]) -> dict[str, float | None]:
    """The metrics of a group under their whole names."""
    return {
        name: figures.get(kind, {}).get(metric)
        for name in (*METRICS, *WHOLE)
        for kind, _dot, metric in [name.partition(".")]
    }


def _bounds(interval: Interval | None) -> Figures | None:
    if interval is None:
        return None
    return {"low": interval.low, "high": interval.high, "count": interval.count}


def _by(
    rows: Sequence[Scored], key: Callable[[Scored], str], seed: int, *, narrow: bool = False
) -> Figures:
    groups: dict[str, list[Scored]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return {name: group(groups[name], seed, narrow=narrow) for name in sorted(groups)}


def _document_language(row: Scored) -> str:
    return row.document_language or UNKNOWN


def _pair(row: Scored) -> str:
    return f"{row.question.language}>{_document_language(row)}"
