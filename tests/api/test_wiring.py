"""Which parts the settings put together, and what they say about it."""

import json
from importlib.resources import files

import pytest

from api import wiring
from api.settings import Settings
from rag import rerank
from rag.read import SentenceReader
from rag.span_reader import SpanReader, default_calibration
from rag.types import Reader
from tests.fakes import HashingEmbedder
from tests.rag.span_fakes import gold_model

Log = pytest.LogCaptureFixture


def test_another_model_has_no_calibration_and_is_told_so(caplog: Log) -> None:
    reader = wiring.reader_with(gold_model(), HashingEmbedder(), Settings())
    assert isinstance(reader, SpanReader)
    (line,) = caplog.messages
    assert "hashing with gold" in line
    assert "QUOTH_MIN_CONFIDENCE" in line


def test_the_reader_around_a_model_has_a_threshold_by_language_and_the_other_one() -> None:
    shipped = {
        name: json.loads((files("rag") / f"{name}.json").read_text("utf-8"))
        for name in ("reader-calibration", "calibration")
    }
    by_language = tuple(shipped["reader-calibration"]["thresholds"])
    assert wiring.default_thresholds(gold_model()) == by_language
    assert wiring.default_thresholds(None) == (shipped["calibration"]["threshold"],)


def test_whoever_sets_a_threshold_is_told_nothing(caplog: Log) -> None:
    wiring.reader_with(gold_model(), HashingEmbedder(), Settings(min_confidence=0.3))
    wiring.reader_with(None, HashingEmbedder(), Settings(reader="sentences", min_confidence=0.3))
    assert caplog.messages == []


def test_the_models_that_were_calibrated_are_told_nothing(caplog: Log) -> None:
    embedder, model = HashingEmbedder(), gold_model()
    embedder.identity, _, model.name = default_calibration().models.partition(" + ")
    wiring.reader_with(model, embedder, Settings())
    assert caplog.messages == []


def test_another_order_of_passages_has_no_calibration(
    caplog: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(name: str, reader: Reader, precision: str) -> Reader:
        assert (name, precision) == ("x/cross", "auto")
        return reader

    monkeypatch.setattr(rerank, "load", loaded)
    settings = Settings(reader="sentences", reranker="x/cross")
    reader = wiring.reader_with(None, HashingEmbedder(), settings)
    assert isinstance(reader, SentenceReader)
    assert any("x/cross" in line for line in caplog.messages)
