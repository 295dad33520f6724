import gzip
import json
from pathlib import Path

import numpy as np
import pytest

from api import cli
from api.fit_neutral import read_parallel
from documents.load import Raw
from index import embedder as embedders
from index.errors import EmbedderMismatch
from index.ingest import ingest
from index.local import open_index
from index.neutral import NeutralMap, fitted_path, with_map
from tests.fakes import HashingEmbedder


class Accented(HashingEmbedder):
    """Words mean the same in each language; a language adds a direction of its own."""

    def embed_passages(self, texts):  # type: ignore[no-untyped-def]
        bare = super().embed_passages([text[2:] for text in texts])
        for row, text in zip(bare, texts, strict=True):
            row["xyz".index(text[0])] += 3.0
        return (bare / np.linalg.norm(bare, axis=1, keepdims=True)).astype(np.float32)

    embed_queries = embed_passages


def write(path: Path, sentences: int = 40, languages: str = "xyz") -> Path:
    rows = [
        {"texts": {name: f"{name} word{n} word{n * 7 % 11}" for name in languages}}
        for n in range(sentences)
    ]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)
    return path


@pytest.fixture(autouse=True)
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("QUOTH_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("QUOTH_EMBEDDER", "accented")
    monkeypatch.setattr(embedders, "load", lambda options, progress=None: Accented())


@pytest.mark.parametrize("name", ["p.jsonl", "p.jsonl.gz"])
def test_a_map_is_fitted_kept_and_used(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["models", "fit-neutral", str(write(tmp_path / name))]) == 0
    assert "2 directions of 3 languages" in capsys.readouterr().out
    inner = Accented()
    path = fitted_path(tmp_path / "cache" / "neutral", inner)
    embedder = with_map(inner, tmp_path / "cache" / "neutral")
    assert embedder.identity == f"{inner.identity} neutral-{NeutralMap.load(path).fingerprint}"
    # Of y's passages, the one that says the same as x's is now the nearest, not x's own others.
    (query,) = embedder.embed_queries(["x word5 word2"])
    found = embedder.embed_passages(["y word5 word2", "x word6 word9", "x word8 word1"]) @ query
    assert found.argmax() == 0
    plain = (
        inner.embed_passages(["y word5 word2", "x word6 word9"])
        @ inner.embed_queries(["x word5 word2"]).T
    )
    assert plain[0, 0] < plain[1, 0]


def test_a_map_is_replaced_on_demand_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Folders that were made with it need it; they say so where it is gone."""
    maps = tmp_path / "cache" / "neutral"
    first = ["models", "fit-neutral", str(write(tmp_path / "p.jsonl"))]
    other = ["models", "fit-neutral", str(write(tmp_path / "q.jsonl", 30)), "--sentences", "25"]
    assert cli.run(first) == 0
    embedder = with_map(Accented(), maps)
    with open_index(tmp_path / "data", embedder) as index:
        list(ingest(index, "default", [Raw(b"x word5", "a.txt", "a.txt")]))
    assert cli.run(other) == 2
    assert "--force" in capsys.readouterr().err
    assert with_map(Accented(), maps).identity == embedder.identity
    assert cli.run([*other, "--force"]) == 0
    assert [path.suffix for path in maps.iterdir()] == [".safetensors"]
    for changed in (with_map(Accented(), maps), Accented()):
        with pytest.raises(EmbedderMismatch, match="QUOTH_NEUTRAL as it was"):
            open_index(tmp_path / "data", changed)


def test_where_nothing_was_fitted_there_is_no_map(tmp_path: Path) -> None:
    inner = Accented()
    assert with_map(inner, tmp_path / "cache" / "neutral") is inner


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("not json\n", "line 1"),
        ('{"text": {}}\n', "texts"),
        ('{"texts": []}\n', "line 1"),
        ("", "0 sentences"),
        ('{"texts": {"a": "x", "b": "y", "c": "z"}}\n' * 5, "5 sentences in 3 languages"),
        ('{"texts": {"a": "x", "b": "y"}}\n' * 50, "50 sentences in 2 languages"),
        (b'{"texts": {"a": "\xff"}}\n', "UTF-8"),
    ],
)
def test_text_that_cannot_be_fitted_on(
    tmp_path: Path, content: str | bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert cli.run(["models", "fit-neutral", str(path)]) == 2
    output = capsys.readouterr()
    assert said in output.err
    assert output.out == ""
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("cut", [0, 40])
def test_a_damaged_archive_is_told(
    tmp_path: Path, cut: int, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "p.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-cut] if cut else b"no archive")
    assert cli.run(["models", "fit-neutral", str(path)]) == 2
    assert "cannot be read" in capsys.readouterr().err


def test_lines_that_lack_a_language_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "p.jsonl")
    with path.open("a") as stream:
        stream.write(json.dumps({"texts": {"x": "x alone", "rare": "w"}}) + "\n")
    rows = read_parallel(path, 200)
    assert len(rows) == 40
    assert {tuple(row) for row in rows} == {("x", "y", "z")}
    assert len(read_parallel(path, 20)) == 20


def test_a_shipped_map_is_not_fitted_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    default = Accented()
    default.name = "multilingual-e5-small"
    monkeypatch.setattr(embedders, "load", lambda options, progress=None: default)
    assert cli.run(["models", "fit-neutral", str(write(tmp_path / "p.jsonl"))]) == 2
    assert "shipped" in capsys.readouterr().err
