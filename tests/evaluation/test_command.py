"""`quoth evaluate` from the command line, on small data and a stand-in for the model."""

import json
import os
from pathlib import Path

import pytest

from api import cli, wiring
from rag import read
from rag.evaluation.results import TIMINGS
from tests.evaluation.conftest import CALIBRATION, squad
from tests.fakes import HashingEmbedder
from tests.shared_data import DATA, needs_data

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def fake_model(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("QUOTH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUOTH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(wiring, "load_embedder", lambda settings, progress=None: HashingEmbedder())
    monkeypatch.setenv("QUOTH_READER", "sentences")
    monkeypatch.setattr(read, "default_calibration", lambda: CALIBRATION)


@pytest.fixture
def parallel(tmp_path: Path) -> Path:
    """Twelve paragraphs in two languages that share no word."""
    folder = tmp_path / "parallel"
    folder.mkdir()
    for tag, made in (("en", "built"), ("de", "baute")):
        rows = [
            (
                f"{tag}keeper{n} {made} {tag}tower{n}.",
                [(f"q{n}", f"{tag}who {made} {tag}tower{n}?", [f"{tag}keeper{n}"])],
            )
            for n in range(12)
        ]
        (folder / f"{tag}.json").write_text(json.dumps(squad(rows)))
    return folder


def evaluated(captured: Captured, *arguments: object) -> dict[str, object]:
    captured.readouterr()
    assert cli.run(["evaluate", *map(str, arguments), "--json"]) == 0
    result: dict[str, object] = json.loads(captured.readouterr().out)
    return result


@pytest.mark.usefixtures("fake_model")
def test_a_table_for_people(facts_file: Path, capsys: Captured) -> None:
    assert cli.run(["evaluate", str(facts_file), "--unanswerable"]) == 0
    shown = capsys.readouterr().out
    assert "13 questions, 7 of them without an answer, over 6 documents" in shown
    lines = {line.split()[0]: line.split()[1:] for line in shown.splitlines() if line.strip()}
    assert lines["retrieval.recall@1"] == ["1.000", "1.000", "–", "1.000", "6"]
    assert lines["answer.accuracy"] == ["1.000", "1.000", "–", "1.000", "13"]


@pytest.mark.usefixtures("fake_model")
def test_the_users_data_is_left_alone(facts_file: Path, tmp_path: Path, capsys: Captured) -> None:
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    evaluated(capsys, facts_file, "--data-dir", tmp_path / "data")
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


@pytest.mark.usefixtures("fake_model")
def test_the_result_says_what_produced_it(facts_file: Path, capsys: Captured) -> None:
    result = evaluated(capsys, facts_file, "--limit", 3, "--seed", 5, "--retrieval-only")
    assert result["seed"] == 5
    assert result["models"] == {"embedder": "hashing (256)", "reader": None, "threshold": None}
    settings = result["settings"]
    assert isinstance(settings, dict)
    shown = {"questions": "facts.json", "limit": 3, "retrieval_only": True, "chunk_tokens": 256}
    assert shown.items() <= settings.items()
    assert len(result["questions"]) == 3  # type: ignore[arg-type]
    assert result["answer"]["f1"] is None  # type: ignore[index]
    assert result["dataset"]["documents"] == 6  # type: ignore[index]
    assert result["latency_ms"]["count"] == 3  # type: ignore[index]


@pytest.mark.usefixtures("fake_model")
def test_two_runs_agree_to_the_last_digit(facts_file: Path, capsys: Captured) -> None:
    runs = [evaluated(capsys, facts_file, "--unanswerable", "--limit", 5) for _ in range(2)]
    for run in runs:
        for key in TIMINGS:
            del run[key]
    assert json.dumps(runs[0]) == json.dumps(runs[1])


@pytest.mark.usefixtures("fake_model")
def test_the_settings_of_parallel_files(parallel: Path, capsys: Captured) -> None:
    mono = evaluated(capsys, parallel, "--retrieval-only")
    assert mono["settings"]["setting"] is None  # type: ignore[index]
    assert mono["dataset"]["setting"] == "mono"  # type: ignore[index]
    assert sorted(mono["by_pair"]) == ["de>de", "en>en"]  # type: ignore[call-overload]
    assert mono["retrieval"]["recall@1"] == 1  # type: ignore[index]
    scattered = evaluated(capsys, parallel, "--setting", "scattered:0", "--retrieval-only")
    assert scattered["dataset"]["documents"] == 12  # type: ignore[index]
    pairs = scattered["by_pair"]
    assert isinstance(pairs, dict)
    assert pairs["de>de"]["retrieval"]["recall@1"] == 1
    assert pairs["en>de"]["retrieval"]["recall@1"] < 1, "no word in common: found by luck alone"


@pytest.mark.usefixtures("fake_model")
def test_the_reader_alone_has_the_documents_that_answer_and_no_others(
    parallel: Path, capsys: Captured
) -> None:
    found = evaluated(capsys, parallel, "--setting", "scattered:0", "--gold-passages")
    assert found["settings"]["gold_passages"]  # type: ignore[index]
    assert found["retrieval"]["recall@1"] == 1.0  # type: ignore[index]
    plain = evaluated(capsys, parallel, "--setting", "scattered:0")
    assert plain["retrieval"]["recall@1"] < 1.0  # type: ignore[index]


@pytest.mark.usefixtures("fake_model")
def test_the_reader_alone_declines_nothing_unless_it_is_told_to(
    parallel: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = evaluated(capsys, parallel, "--setting", "scattered:0", "--gold-passages")
    assert found["abstention"]["answered_rate"] == 1.0  # type: ignore[index]
    assert found["models"]["threshold"] == 0.0  # type: ignore[index]
    monkeypatch.setenv("QUOTH_MIN_CONFIDENCE", "1")
    sure = evaluated(capsys, parallel, "--setting", "scattered:0", "--gold-passages")
    assert sure["abstention"]["answered_rate"] < 1.0  # type: ignore[index]
    assert sure["models"]["threshold"] == 1.0  # type: ignore[index]


@pytest.mark.usefixtures("fake_model")
def test_the_result_names_the_readers_own_thresholds(facts_file: Path, capsys: Captured) -> None:
    found = evaluated(capsys, facts_file, "--limit", 3)
    assert found["models"]["threshold"] == [CALIBRATION.threshold]  # type: ignore[index]


@pytest.mark.parametrize("other", ["--retrieval-only", "--export=made", "--predictions"])
def test_the_reader_alone_needs_answers(
    parallel: Path, tmp_path: Path, capsys: Captured, other: str
) -> None:
    if other == "--predictions":
        (tmp_path / "said.jsonl").write_text("{}")
        other = f"--predictions={tmp_path / 'said.jsonl'}"
    assert cli.run(["evaluate", str(parallel), "--gold-passages", other]) == 2
    assert "--gold-passages" in capsys.readouterr().err


def test_taking_the_answer_out_leaves_its_neighbours(parallel: Path, capsys: Captured) -> None:
    arguments = (parallel, "--unanswerable", "--retrieval-only", "--setting", "cross:de")
    result = evaluated(capsys, *arguments)
    assert result["counts"] == {
        "questions": 24,
        "answerable": 12,
        "unanswerable": 12,
        "answered": 0,
        "missing": 0,
    }
    assert result["dataset"]["documents"] == 12  # type: ignore[index]
    assert result["intervals"]["retrieval"]["recall@1"]["count"] == 12  # type: ignore[index]


@pytest.mark.usefixtures("fake_model")
def test_report_and_comparison(facts_file: Path, tmp_path: Path, capsys: Captured) -> None:
    for name, options in (("a", []), ("b", ["--retrieval-only"])):
        folder = str(tmp_path / name)
        assert cli.run(["evaluate", str(facts_file), "--report", folder, *options]) == 0
    results = [str(tmp_path / name / "results.json") for name in "ab"]
    assert "<h1>Evaluation of facts</h1>" in (tmp_path / "a" / "index.html").read_text("utf-8")
    capsys.readouterr()
    assert cli.run(["evaluate", "--compare", *results]) == 0
    shown = capsys.readouterr().out
    assert "7 questions in both" in shown
    assert "settings.retrieval_only: False → True" in shown
    assert cli.run(["evaluate", "--compare", *results, "--json"]) == 0
    comparison = json.loads(capsys.readouterr().out)
    assert comparison["metrics"]["retrieval.recall@1"]["verdict"] == "noise"
    assert "answer.f1" not in comparison["metrics"], "one of the two has none"


def test_predictions_are_scored_without_a_model(
    facts_file: Path, tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unavailable(*_arguments: object) -> None:
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(wiring, "load_embedder", unavailable)
    assert cli.run(["evaluate", str(facts_file), "--export", str(tmp_path / "task")]) == 0
    lines = (tmp_path / "task" / "questions.jsonl").read_text("utf-8").splitlines()
    path = tmp_path / "theirs.jsonl"
    path.write_text(
        "".join(json.dumps({"id": json.loads(x)["id"], "answer": "Ada"}) + "\n" for x in lines)
    )
    result = evaluated(capsys, facts_file, "--predictions", path)
    assert result["answer"]["exact_match"] == pytest.approx(1 / 6)  # type: ignore[index]
    assert result["abstention"]["false_answer_rate"] == 1  # type: ignore[index]
    assert result["models"] == {"system": "theirs.jsonl"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Name a file of QUESTIONS"),
        (["missing.json"], "does not exist"),
        (["{facts}", "--setting", "mono"], "--setting is for a folder"),
        (["{facts}", "--corpus", "."], "leave --corpus out"),
        (["{folder}", "--setting", "cross:xx"], "There is no setting 'cross:xx'"),
        (["{folder}", "--corpus", "."], "holds its own documents"),
        (["{facts}", "--limit", "0"], "0 is not in the range"),
        (["{facts}", "--compare", "{facts}", "{facts}"], "no QUESTIONS"),
        (["--compare", "{facts}", "{facts}"], "is no result of this version"),
    ],
)
@pytest.mark.usefixtures("fake_model")
def test_wrong_usage_is_one_sentence_and_2(
    facts_file: Path, parallel: Path, capsys: Captured, arguments: list[str], said: str
) -> None:
    filled = [text.format(facts=facts_file, folder=parallel) for text in arguments]
    assert cli.run(["evaluate", *filled]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert len(captured.err.strip().splitlines()) == 1
    assert captured.out == ""


@needs_data
@pytest.mark.model
def test_the_real_model_finds_real_paragraphs(
    tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUOTH_NEUTRAL", "off")
    folder = tmp_path / "two"
    folder.mkdir()
    for tag in ("en", "zh"):
        (folder / f"{tag}.json.gz").symlink_to(DATA / "xquad" / f"{tag}.json.gz")
    arguments = (folder, "--retrieval-only", "--limit", 200)
    mono = evaluated(capsys, *arguments)
    cross = evaluated(capsys, *arguments, "--setting", "cross:en")
    # Published for all questions: .89 on average in one language, .70 from English to Chinese.
    assert mono["retrieval"]["recall@1"] > 0.8  # type: ignore[index]
    assert 0.55 < cross["retrieval"]["recall@1"] < 0.85  # type: ignore[index]
