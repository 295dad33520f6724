"""Two results → what changed between them, and whether it is more than noise."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rag.evaluation.scoring import METRICS
from rag.evaluation.statistics import Difference, bootstrap_statistic, paired_difference
from rag.evaluation.summary import LOWER_IS_BETTER, WHOLE, Columns
from rag.evaluation.types import InvalidQuestions

Comparison = dict[str, Any]
Row = Mapping[str, Any]

_ABOUT = ("dataset", "settings", "models", "versions")
_UNCHANGED = ("sha256", "failed_documents")
_GROUPS = (("by_language", "language"), ("by_document_language", "document_language"))


def compare(first: Mapping[str, Any], second: Mapping[str, Any]) -> Comparison:
    """Compare two results question by question, on the questions that both have.

    Returns:
        `questions`, how many those are; `changed`, what differs in data, settings, models and
        versions as [first, second]; `notes`, what makes the comparison less than fair;
        `fingerprints`; and `metrics`, `by_language` and `by_document_language`, in which each
        metric has `a`, `b` (over those questions), `difference` (second minus first) with `low`,
        `high` and `p_value` as `statistics.paired_difference` gives them, and `verdict`: "better",
        "worse" or "noise". Figures that are no mean of scores (AUROC, AURC, ECE) are judged by
        their bootstrap interval alone and have no p-value.

    Raises:
        InvalidQuestions: they have no question in common.
    """
    pairs = _pairs(first["questions"], second["questions"])
    if not pairs:
        raise InvalidQuestions("The two results have no question in common: nothing to compare.")
    seed = int(second["seed"])
    return {
        "questions": len(pairs),
        "fingerprints": [first["fingerprint"], second["fingerprint"]],
        "notes": _notes(first, second, len(pairs)),
        "changed": _changed(first, second),
        "metrics": _metrics(pairs, seed),
        **{name: _by(pairs, key, seed) for name, key in _GROUPS},
        "latency_ms": {
            name: [first["latency_ms"][name], second["latency_ms"][name]] for name in ("p50", "p95")
        },
    }


def _pairs(first: Sequence[Row], second: Sequence[Row]) -> list[tuple[Row, Row]]:
    others = {row["id"]: row for row in second}
    return [(row, others[row["id"]]) for row in first if row["id"] in others]


def _notes(first: Mapping[str, Any], second: Mapping[str, Any], common: int) -> list[str]:
    notes = []
    for name, result in (("A", first), ("B", second)):
        asked = len(result["questions"])
        if asked > common:
            notes.append(f"{asked - common} of the {asked} questions of {name} are in it alone.")
    if first["dataset"]["sha256"] != second["dataset"]["sha256"]:
        notes.append("The questions, gold answers or documents are not the same.")
    return notes


def _changed(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, list[Any]]:
    changed = {}
    for part in _ABOUT:
        for key in dict.fromkeys([*first[part], *second[part]]):
            before, after = first[part].get(key), second[part].get(key)
            if before != after and key not in _UNCHANGED:
                changed[f"{part}.{key}"] = [before, after]
    if first["seed"] != second["seed"]:
        changed["seed"] = [first["seed"], second["seed"]]
    return changed


def _by(pairs: Sequence[tuple[Row, Row]], key: str, seed: int) -> dict[str, dict[str, Any]]:
    groups: dict[str, list[tuple[Row, Row]]] = {}
    for pair in pairs:
        groups.setdefault(pair[0][key] or "none", []).append(pair)
    return {name: _metrics(groups[name], seed) for name in sorted(groups)}


def _metrics(pairs: Sequence[tuple[Row, Row]], seed: int) -> dict[str, dict[str, Any]]:
    found = {}
    for metric in METRICS:
        a, b = ([row["scores"].get(metric) for row in side] for side in zip(*pairs, strict=True))
        difference = paired_difference(b, a, seed)
        if difference is not None:
            both = [(x, y) for x, y in zip(a, b, strict=True) if x is not None and y is not None]
            means = [float(np.mean(side)) for side in zip(*both, strict=True)]
            found[metric] = _row(metric, means, difference)
    for metric, function in WHOLE.items():
        row = _whole(metric, function, pairs, seed)
        if row is not None:
            found[metric] = row
    return found


def _whole(
    metric: str,
    function: Callable[[Columns, NDArray[np.intp]], float | None],
    pairs: Sequence[tuple[Row, Row]],
    seed: int,
) -> dict[str, Any] | None:
    """Resample the questions, both systems' together, and look at the difference."""
    known = [
        pair
        for pair in pairs
        if all(row["confidence"] is not None for row in pair)
        and all(row["correct"] is not None for row in pair)
    ]
    if not known:
        return None
    columns = [_columns([pair[side] for pair in known]) for side in (0, 1)]

    def difference(at: NDArray[np.intp]) -> float | None:
        before, after = (function(side, at) for side in columns)
        return None if before is None or after is None else after - before

    found = bootstrap_statistic(difference, len(known), seed)
    if found is None:
        return None
    everything = np.arange(len(known))
    values = [function(side, everything) or 0.0 for side in columns]
    sign = (found.low > 0) - (found.high < 0)
    judged = Difference(found.mean, found.low, found.high, 1.0, sign, found.count)
    return {**_row(metric, values, judged), "p_value": None}


def _columns(rows: Sequence[Row]) -> Columns:
    return (
        np.array([row["confidence"] for row in rows], np.float64),
        np.array([row["answerable"] for row in rows], np.bool_),
        np.array([row["correct"] for row in rows], np.float64),
    )


def _row(metric: str, values: Sequence[float], difference: Difference) -> dict[str, Any]:
    gain = -difference.sign if metric in LOWER_IS_BETTER else difference.sign
    return {
        "a": values[0],
        "b": values[1],
        "difference": difference.mean,
        "low": difference.low,
        "high": difference.high,
        "p_value": difference.p_value,
        "questions": difference.count,
        "verdict": ("noise", "better", "worse")[gain],
    }
