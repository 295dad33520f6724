from pathlib import Path

import pytest
import torch
from transformers import BertForSequenceClassification, BertModel

from index.errors import ModelUnavailable
from rag import rerank
from rag.span_reader import SpanReader
from tests.rag.span_fakes import gold_model, one_layer, word_tokenizer
from tests.rag.test_span_reader import LEAD, answers, hits_of


def cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A real model of one layer, with random weights, in a folder."""
    torch.manual_seed(0)
    config = one_layer(num_labels=labels, initializer_range=1.0)
    BertForSequenceClassification(config).save_pretrained(folder)
    word_tokenizer().save_pretrained(folder)
    return folder


def test_passages_come_in_the_cross_encoders_order_with_the_readers_confidence(
    tmp_path: Path,
) -> None:
    hits = hits_of(tmp_path / "data", *(f"It says gold{n} here." for n in (3, 9, 5, 7)))
    reader = SpanReader(gold_model(), calibration=LEAD)
    alone = {reading.hit.chunk_id: reading for reading in reader.read("what", hits)}
    folder = cross_encoder(tmp_path / "model")
    reranked = rerank.load(str(folder), reader, "float32")
    readings = reranked.read("what", hits)
    scores = {hit.chunk_id: reranked._scores([("what", hit.text)])[0] for hit in hits}
    assert [reading.score for reading in readings] == sorted(scores.values(), reverse=True)
    assert len(set(scores.values())) == 4
    for reading in readings:
        one = alone[reading.hit.chunk_id]
        assert reading.score == pytest.approx(scores[reading.hit.chunk_id])
        assert (reading.answer, reading.confidence) == (one.answer, one.confidence)
    assert answers(readings) != ["gold9", "gold7", "gold5", "gold3"]
    assert reranked.name == f"gold, reranked by {folder}"
    assert reranked.read("what", []) == []


def test_a_cross_encoder_that_is_not_there(tmp_path: Path) -> None:
    reader = SpanReader(gold_model(), calibration=LEAD)
    with pytest.raises(ModelUnavailable, match="QUOTH_RERANKER"):
        rerank.load(str(tmp_path / "none"), reader)
    with pytest.raises(ModelUnavailable, match="2 scores"):
        rerank.load(str(cross_encoder(tmp_path / "pairs", labels=2)), reader)


def test_a_model_that_compares_nothing_is_no_reranker(tmp_path: Path) -> None:
    BertModel(one_layer()).save_pretrained(tmp_path)
    word_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelUnavailable, match="no cross-encoder"):
        rerank.load(str(tmp_path), SpanReader(gold_model(), calibration=LEAD))
