import json
import os
from pathlib import Path

import pytest

from api import cli, wiring
from api.settings import InvalidSettings, load_settings
from documents.load import Raw
from index.jobs import JobStore
from rag import read
from tests.api.conftest import CALIBRATION
from tests.fakes import HashingEmbedder


@pytest.fixture(autouse=True)
def fake_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("QUOTH_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUOTH_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setattr(wiring, "load_embedder", lambda settings, progress=None: HashingEmbedder())
    monkeypatch.setenv("QUOTH_READER", "sentences")
    monkeypatch.setattr(read, "default_calibration", lambda: CALIBRATION)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    for number in range(9):
        (corpus / f"{number}.txt").write_text(f"Keeper {number} lit the lamp in 187{number}.")
    return corpus


Captured = pytest.CaptureFixture[str]


def assert_fails(arguments: list[str], code: int, captured: Captured, *said: str) -> None:
    """One sentence on standard error, nothing on standard output, no traceback."""
    captured.readouterr()
    assert cli.run(arguments) == code
    output = captured.readouterr()
    assert output.out == ""
    (line,) = output.err.strip().splitlines()
    assert line.startswith("quoth: ")
    for part in said:
        assert part in line


def test_what_does_not_answer_needs_no_reader(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUOTH_READER", str(folder / "nowhere"))
    monkeypatch.setenv("QUOTH_RERANKER", str(folder / "nowhere"))
    assert cli.run(["ingest", str(folder)]) == 0
    assert cli.run(["search", "lamp"]) == 0
    assert_fails(["ask", "who lit the lamp"], 1, capsys, "QUOTH_READER")


def test_ingest_then_ask(folder: Path, capsys: Captured) -> None:
    assert cli.run(["ingest", str(folder)]) == 0
    output = capsys.readouterr()
    assert "+ added corpus/3.txt (1 chunks)" in output.out.splitlines()
    assert "9 added" in output.err
    assert cli.run(["ask", "which keeper lit the lamp in 1874"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("Keeper 4 lit the lamp in 1874.")
    assert "corpus/4.txt, characters 0–30" in shown


def test_json_is_the_response(folder: Path, capsys: Captured) -> None:
    cli.run(["ingest", str(folder)])
    capsys.readouterr()
    assert cli.run(["ask", "which keeper lit the lamp in 1874", "--json"]) == 0
    body = json.loads(capsys.readouterr().out)
    assert body["citations"][0]["quote"] == "Keeper 4 lit the lamp in 1874."
    assert cli.run(["search", "keeper 1874", "--json", "--limit", "1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [p["source"] for p in found["passages"]] == ["corpus/4.txt"]


def test_no_answer_shows_what_is_nearest(folder: Path, capsys: Captured) -> None:
    cli.run(["ingest", str(folder)])
    capsys.readouterr()
    assert cli.run(["ask", "population of Lisbon"]) == 0
    shown = capsys.readouterr().out
    assert shown.startswith("No answer")
    assert "Nearest passages:" in shown


def test_ingestion_is_idempotent(folder: Path, capsys: Captured) -> None:
    cli.run(["ingest", str(folder)])
    (folder / "3.txt").write_text("Keeper 3 left.")
    capsys.readouterr()
    assert cli.run(["ingest", str(folder), str(folder / "3.txt")]) == 0
    output = capsys.readouterr()
    assert "~ replaced corpus/3.txt (1 chunks)" in output.out
    assert "1 replaced, 9 unchanged" in output.err


def test_one_bad_file_among_ten(folder: Path, capsys: Captured) -> None:
    (folder / "bad.txt").write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00")
    assert cli.run(["ingest", str(folder)]) == 1
    output = capsys.readouterr()
    assert "! failed corpus/bad.txt: the file is binary" in output.err
    assert "9 added, 1 failed" in output.err
    assert output.out.count("added") == 9
    assert cli.run(["documents", "list", "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["documents"]) == 9


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.txt", b" \n\t\n", "is empty"),
        ("marks.txt", b"... --- !!!", "no words"),
        ("binary.txt", bytes(range(256)) * 10, "binary"),
        ("invalid.txt", b"caf\xc3\x28 \xff\xfe text", "not valid UTF-8"),
        ("page.pdf", b"%PDF-1.7", "not read"),
        ("huge.txt", b"word " * 10_000_000, "QUOTH_MAX_DOCUMENT_BYTES"),
    ],
)
def test_a_bad_file_is_reported_and_nothing_stored(
    tmp_path: Path, capsys: Captured, name: str, data: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(data)
    assert cli.run(["ingest", str(tmp_path / name)]) == 1
    output = capsys.readouterr()
    assert output.out == ""
    failure, summary = output.err.strip().splitlines()
    assert failure.startswith(f"! failed {name}: ")
    assert said in failure
    assert summary == "1 failed"
    assert cli.run(["collections", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"collections": []}


def test_wrong_usage(folder: Path, capsys: Captured) -> None:
    cli.run(["ingest", str(folder)])
    assert_fails(["ask", ""], 2, capsys, "empty")
    assert_fails(["ask", " ?! "], 2, capsys, "empty")
    assert_fails(["ask", "why " * 25_000], 2, capsys, "shorten")
    assert_fails(["search", ""], 2, capsys, "empty")
    assert_fails(["ask"], 2, capsys, "QUESTION")
    assert_fails(["ask", "why", "--limit", "0"], 2, capsys, "--limit")
    assert_fails(["ask", "why", "--min-confidence", "7"], 2, capsys, "--min-confidence")
    assert_fails(["nonsense"], 2, capsys, "nonsense")
    assert_fails(["ingest"], 2, capsys, "PATH")
    assert_fails(["ingest", str(folder), "--collection", "a/b"], 2, capsys, "collection")


def test_failures(folder: Path, tmp_path: Path, capsys: Captured) -> None:
    assert_fails(["ingest", str(tmp_path / "missing")], 1, capsys, "does not exist")
    assert_fails(["ask", "why"], 1, capsys, "quoth ingest")
    assert_fails(["documents", "list"], 1, capsys, "quoth ingest")
    cli.run(["collections", "create", "default"])
    assert_fails(["ask", "why"], 1, capsys, "holds no documents", "quoth ingest")
    cli.run(["ingest", str(folder)])
    assert_fails(["ask", "why", "--collection", "none"], 1, capsys, "no collection 'none'")
    assert_fails(["documents", "show", "doc_x"], 1, capsys, "no document 'doc_x'")
    assert_fails(["documents", "remove", "doc_x"], 1, capsys, "no document 'doc_x'")


def test_a_missing_path_among_others(folder: Path, tmp_path: Path, capsys: Captured) -> None:
    assert cli.run(["ingest", str(tmp_path / "missing"), str(folder)]) == 1
    output = capsys.readouterr()
    assert "cannot be opened" in output.err
    assert "9 added, 1 failed" in output.err


def test_another_embedder(folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.run(["ingest", str(folder)])
    other = HashingEmbedder(name="other")
    monkeypatch.setattr(wiring, "load_embedder", lambda settings, progress=None: other)
    for arguments in (["ask", "why"], ["ingest", str(folder)]):
        assert_fails(arguments, 1, capsys, "hashing, not other", "QUOTH_EMBEDDER", "--data-dir")


def test_documents_are_shown_and_removed(folder: Path, capsys: Captured) -> None:
    cli.run(["ingest", str(folder)])
    capsys.readouterr()
    cli.run(["documents", "list", "--json"])
    records = json.loads(capsys.readouterr().out)["documents"]
    third = next(record for record in records if record["source"] == "corpus/3.txt")
    cli.run(["documents", "show", third["id"]])
    assert capsys.readouterr().out.endswith("Keeper 3 lit the lamp in 1873.\n")
    assert cli.run(["documents", "remove", third["id"]]) == 0
    capsys.readouterr()
    cli.run(["search", "keeper 3 1873", "--json"])
    sources = [p["source"] for p in json.loads(capsys.readouterr().out)["passages"]]
    assert "corpus/3.txt" not in sources
    assert len(sources) == 8


def test_a_removed_collection_takes_its_jobs_with_it(folder: Path, capsys: Captured) -> None:
    cli.run(["ingest", str(folder)])
    data = load_settings().data_dir
    jobs = JobStore(data)
    job = jobs.add("default", [Raw(b"Later.", "later.txt", "later.txt")])
    jobs.close()
    assert cli.run(["collections", "remove", "default"]) == 0
    assert jobs.job(job.id).status == "cancelled"
    assert_fails(["collections", "remove", "default"], 1, capsys, "default")


def test_search_says_how_and_filters(folder: Path, capsys: Captured) -> None:
    (folder / "notes.md").write_text("---\ndate: 1953-07\n---\nThe Zanzibar log.\n")
    cli.run(["ingest", str(folder)])
    (record,) = [
        r
        for r in json.loads(_out(["documents", "list", "--json"], capsys))["documents"]
        if r["source"] == "corpus/notes.md"
    ]

    def found(*options: str) -> list[str]:
        shown = json.loads(_out(["search", "Zanzibar log", "--json", *options], capsys))
        return [passage["source"] for passage in shown["passages"]]

    shown = _out(["search", "Zanzibar log", "--limit", "1"], capsys)
    assert "by meaning: no. 1 (0." in shown
    assert "; by keywords: no. 1 (" in shown
    assert found("--from", "1953", "--to", "1953") == ["corpus/notes.md"]
    assert found("--to", "1952") == []
    assert found("--metadata", "date=1953-07") == ["corpus/notes.md"]
    assert found("--document", record["id"]) == ["corpus/notes.md"]
    assert found("--source", "3.txt", "--source", "4.txt") in (
        ["corpus/3.txt", "corpus/4.txt"],
        ["corpus/4.txt", "corpus/3.txt"],
    )
    assert len(found("--without", record["id"])) == 9
    assert_fails(["search", "log", "--from", "May"], 2, capsys, "'May'", "2024-05-31")
    assert_fails(["ask", "log", "--metadata", "May"], 2, capsys, "KEY=VALUE")


def test_keywords_can_be_turned_off(
    folder: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.run(["ingest", str(folder)])
    monkeypatch.setenv("QUOTH_KEYWORDS", "off")
    capsys.readouterr()
    passages = json.loads(_out(["search", "keeper 1874", "--json"], capsys))["passages"]
    assert passages[0]["source"] == "corpus/4.txt"
    assert {(p["found_by"], p["keyword_score"]) for p in passages} == {("dense", None)}
    monkeypatch.setenv("QUOTH_KEYWORDS", "no")
    assert_fails(["search", "keeper"], 2, capsys, "QUOTH_KEYWORDS")


def _out(arguments: list[str], captured: Captured) -> str:
    captured.readouterr()
    assert cli.run(arguments) == 0
    return captured.readouterr().out


def test_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: Captured) -> None:
    assert load_settings().data_dir == tmp_path / "data"
    assert load_settings(data_dir=tmp_path / "x").data_dir == tmp_path / "x"
    monkeypatch.setenv("QUOTH_COLOUR", "red")
    assert_fails(["documents", "list"], 2, capsys, "QUOTH_COLOUR")
    monkeypatch.delenv("QUOTH_COLOUR")
    (tmp_path / ".env").write_text("QUOTH_MIN_CONFIDENCE=0.9\n")
    assert load_settings().min_confidence == 0.9
    (tmp_path / ".env").write_text("QUOTH_PROT=80\n")
    assert_fails(["documents", "list"], 2, capsys, "QUOTH_PROT")
    (tmp_path / ".env").write_text("QUOTH_PORT=80000\n")
    assert_fails(["documents", "list"], 2, capsys, "QUOTH_PORT")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MIN_CONFIDENCE", "1.01"),
        ("MIN_CONFIDENCE", "-0.01"),
        ("PORT", "65536"),
        ("CHUNK_TOKENS", "31"),
        ("CHUNK_TOKENS", "8193"),
        ("MAX_DOCUMENT_BYTES", "0"),
        ("PRECISION", "float8"),
        ("NEUTRAL", "on"),
        ("EMBEDDER", ""),
    ],
)
def test_a_setting_out_of_bounds_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(f"QUOTH_{name}", value)
    with pytest.raises(InvalidSettings, match=f"QUOTH_{name}"):
        load_settings()


def test_help_names_every_command(capsys: Captured) -> None:
    assert cli.run(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in ("ingest", "ask", "search", "documents", "collections", "models", "serve"):
        assert f"  {command} " in shown
