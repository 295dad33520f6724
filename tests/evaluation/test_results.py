import json
from pathlib import Path

import pytest

from rag.evaluation.results import FORMAT, TIMINGS, Run, dump, load_result, to_json
from rag.evaluation.runner import Library, ask, take_in
from rag.evaluation.statistics import bootstrap_statistic
from rag.evaluation.systems import Pieces, Quoth
from rag.evaluation.types import Dataset, InvalidQuestions


def run_of(quoth: Quoth, facts: Dataset, library: Library, **timings: object) -> Run:
    rows = ask(facts, quoth, library)
    return Run(facts, library, rows, {"limit": None}, {"reader": "r"}, 7, {}, **timings)  # type: ignore[arg-type]


def test_the_keys_that_are_promised(quoth: Quoth, facts: Dataset, library: Library) -> None:
    result = to_json(
        Run(facts, library, ask(facts, quoth, library), {}, {}, 7, {"asking": 2.0}, [5.0, 3.0, 9.0])
    )
    assert result["retrieval"]["recall@1"] == 1
    assert set(result["retrieval"]) == {"recall@1", "recall@5", "recall@10", "mrr@10", "ndcg@10"}
    assert 0 < result["answer"]["f1"] < 1
    assert result["citations"]["verified"] == 1
    assert result["abstention"]["auroc"] == 1
    assert result["latency_ms"] == {"p50": 5.0, "p95": 9.0, "count": 3}
    assert result["throughput"]["questions_per_second"] == 6.5  # 13 in 2 s
    assert result["intervals"]["retrieval"]["recall@1"] == {"low": 1, "high": 1, "count": 6}
    assert result["counts"] == {
        "questions": 13,
        "answerable": 6,
        "unanswerable": 7,
        "answered": 6,
        "missing": 0,
    }
    assert result["by_language"]["en"]["retrieval"]["recall@1"] == 1
    assert result["by_pair"]["en>en"]["counts"]["questions"] == 12
    assert result["by_pair"]["en>none"]["counts"]["questions"] == 1
    assert result["by_document_language"]["en"]["answer"]["correct"] == 1
    assert result["seed"] == 7
    assert result["versions"]["numpy"]
    assert result["quoth_evaluation"] == FORMAT


def test_the_curves_end_where_the_questions_do(
    quoth: Quoth, facts: Dataset, library: Library
) -> None:
    curves = to_json(run_of(quoth, facts, library))["curves"]
    last = curves["risk_coverage"][-1]
    assert (last["coverage"], last["risk"]) == (1.0, pytest.approx(7 / 13))
    assert curves["risk_coverage"][0]["risk"] == 0
    assert sum(entry["count"] for entry in curves["reliability"]) == 13


def test_the_same_run_gives_the_same_numbers_to_the_last_digit(
    tmp_path: Path, pieces: Pieces, quoth: Quoth, facts: Dataset, library: Library
) -> None:
    first = to_json(run_of(quoth, facts, library, durations=[1.0]))
    again = take_in(pieces.index, facts)  # unchanged documents: other timings, the same texts
    second = to_json(run_of(Quoth(pieces, again.ids, retrieval_only=False), facts, again))
    assert first["latency_ms"] != second["latency_ms"]
    for result in (first, second):
        for key in TIMINGS:
            del result[key]
    assert dump(first) == dump(second)
    assert first["fingerprint"] == second["fingerprint"]


def test_the_fingerprint_notices_one_question(
    quoth: Quoth, facts: Dataset, library: Library
) -> None:
    run = run_of(quoth, facts, library)
    rows = list(run.rows)
    rows[3] = rows[2]
    other = Run(facts, library, rows, run.settings, run.models, 7, {})
    assert to_json(run)["fingerprint"] != to_json(other)["fingerprint"]


def test_a_result_is_read_as_it_was_written(
    tmp_path: Path, quoth: Quoth, facts: Dataset, library: Library
) -> None:
    result = to_json(run_of(quoth, facts, library))
    path = tmp_path / "a.json"
    path.write_text(dump(result), "utf-8")
    assert load_result(path) == json.loads(json.dumps(result))
    assert sum('"id": "q' in line for line in path.read_text("utf-8").splitlines()) == 13


def test_a_result_without_questions_is_json_too() -> None:
    assert json.loads(dump({"questions": [], "z": 1})) == {"questions": [], "z": 1}


@pytest.mark.parametrize("content", ["{}", "[]", "{", '{"quoth_evaluation": 99}'])
def test_what_is_no_result_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(InvalidQuestions):
        load_result(path)


def test_the_interval_of_any_figure() -> None:
    values = [0.0] * 50 + [1.0] * 50
    interval = bootstrap_statistic(lambda at: sum(values[i] for i in at) / len(at), 100, seed=1)
    assert interval is not None
    assert interval.mean == 0.5
    # The standard error of the mean is .05, so the interval is .5 ± .098.
    assert interval.low == pytest.approx(0.402, abs=0.02)
    assert interval.high == pytest.approx(0.598, abs=0.02)
    assert bootstrap_statistic(lambda _at: None, 100, seed=1) is None
    assert bootstrap_statistic(lambda _at: 1.0, 0, seed=1) is None
