"""The labels that calibration goes by."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest

from documents.load import Raw
from documents.types import Span
from index.ingest import ingest
from index.local import open_index
from rag.span_reader import Candidate
from tests.fakes import HashingEmbedder
from tests.rag.span_fakes import gold_model
from training import calibrate_reader
from training.calibrate_reader import (
    COLLECTION,
    answered,
    says_it,
    uncalibrated,
)
from training.calibration_questions import Asked


@pytest.mark.parametrize(
    ("answer", "golds", "told"),
    [
        ("his uncle Kemal", ("uncle Kemal",), True),
        # Other words of a sentence that happens to hold the gold ones.
        ("a pirate", ("uncle Kemal",), False),
        ("his uncle Kemal", ("Murat",), False),
        ("his uncle Kemal", (), False),
    ],
)
def test_another_document_may_say_it_too(
    tmp_path: Path, answer: str, golds: tuple[str, ...], told: bool
) -> None:
    text = "Piri was brought up by his uncle Kemal, a pirate."
    with open_index(tmp_path, HashingEmbedder()) as index:
        list(ingest(index, "default", [Raw(text.encode(), "a.txt", "a.txt")]))
        (hit,) = index.search("x", "default", 10)
    start = text.index(answer)
    candidate = Candidate(hit, Span(start, start + len(answer)), 1.0)
    asked = Asked("Who brought up Piri?", (), (), (), golds, foreign=False, held=False)
    assert says_it(candidate, asked) is told
    # Of clozes and of news another document is no proof.
    assert not says_it(candidate, replace(asked, foreign=True))
    assert not says_it(candidate, replace(asked, sentences=True))


@pytest.mark.parametrize(
    ("second", "unanswerable", "right"),
    [
        # The other document answers as well: leaving the first out leaves no silence.
        ("The tower was built by gold5 too.", 0, 2),
        # Something else is a false answer: of the collection without the first, and of the article.
        ("The tower was painted by gold7.", 2, 1),
    ],
)
def test_what_another_document_says_too_is_no_silence(
    tmp_path: Path, second: str, unanswerable: int, right: int
) -> None:
    asked = Asked(
        "Who built the tower?", ("a.txt",), ("a.txt", "b.txt"), ("a.txt",), ("gold5",),
        foreign=False, held=False,
    )  # fmt: skip
    with open_index(tmp_path, HashingEmbedder()) as index:
        texts = {"a.txt": "The tower was built by gold5.", "b.txt": second}
        list(ingest(index, COLLECTION, [Raw(t.encode(), n, n) for n, t in texts.items()]))
        rows = list(answered([asked], index, uncalibrated(gold_model(), HashingEmbedder(), (1, 0))))
    assert [row.right.sum() for row in rows if row.answerable] == [right, right]
    silent = [row for row in rows if not row.answerable]
    assert len(silent) == unanswerable
    assert not any(row.right.any() for row in silent)


@pytest.mark.model
def test_what_another_reader_was_asked_is_not_fitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = tmp_path / "askings.pickle"
    kept.write_bytes(pickle.dumps(("another embedder + quoth-reader-small-0123456789ab", [])))
    monkeypatch.setattr(
        "sys.argv", ["calibrate_reader", "--data", str(tmp_path), "--askings", str(kept)]
    )
    with pytest.raises(SystemExit):
        calibrate_reader.main()
    said = capsys.readouterr().err
    assert "asked with another embedder + quoth-reader-small-0123456789ab, not " in said
    assert "name another file" in said
