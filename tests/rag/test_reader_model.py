import shutil
from pathlib import Path

import numpy as np
import pytest
from transformers import BertForQuestionAnswering, BertModel

from api.settings import Settings
from index.errors import ModelUnavailable
from rag import reader_model
from rag.span_model import SpanModel
from tests.rag.span_fakes import one_layer, word_tokenizer
from tests.rag.test_span_model import whole


def test_packed_weights_come_back_within_half_a_step(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(7, 50)).astype(np.float32) * np.logspace(-4, 3, 7)[:, None]
    weights = {
        "matrix": matrix.astype(np.float32),
        "zeros": np.zeros((3, 4), np.float32),
        "bias": rng.normal(size=50).astype(np.float32),
    }
    reader_model.pack(weights, tmp_path / "w", {"licence": "x"})
    back = reader_model.unpack(tmp_path / "w")
    assert set(back) == set(weights)
    step = np.abs(weights["matrix"]).max(axis=1, keepdims=True) / 127
    assert (np.abs(back["matrix"] - weights["matrix"]) <= 0.52 * step + 1e-9).all()
    assert np.abs(back["bias"] - weights["bias"]).max() < 2e-3
    assert not back["zeros"].any()


def test_the_artifact_is_small() -> None:
    assert reader_model.artifact_path().stat().st_size < 45e6


@pytest.fixture(scope="module")
def reader() -> SpanModel:
    return reader_model.load("default", Settings().embedder_options().cache)


@pytest.mark.model
def test_the_prepared_reader_is_an_ordinary_model() -> None:
    from transformers import AutoModelForQuestionAnswering, BertForQuestionAnswering

    folder = reader_model.prepare(Settings().embedder_options().cache)
    model = AutoModelForQuestionAnswering.from_pretrained(folder)
    assert isinstance(model, BertForQuestionAnswering)
    packed = reader_model.unpack(reader_model.artifact_path())
    state = model.state_dict()
    assert set(state) - set(packed) <= {"bert.embeddings.word_embeddings.weight"}
    name = "bert.encoder.layer.11.output.dense.weight"
    assert np.allclose(state[name].float().numpy(), packed[name], rtol=1e-3, atol=1e-4)


@pytest.mark.model
@pytest.mark.parametrize(
    ("question", "passage", "answer"),
    [
        (
            "When did the mill burn down?",
            "The mill stood by the river for a century. It burned down in 1887. "
            "Nobody was hurt, and the miller moved to Leeds.",
            "1887",
        ),
        (
            "Wie viele Boote hatte der Hafen?",
            "Το λιμάνι ήταν μικρό αλλά ζωντανό. Είχε 43 βάρκες και δύο πλοία. Οι ψαράδες "
            "έβγαιναν κάθε πρωί.",
            "43",
        ),
        (
            "¿En qué año se abrió el puente?",
            "这座桥很有名。它于1911年通车，长三百米。每天有许多人走过。",
            "1911",
        ),
    ],
)
def test_answers_in_the_question_s_language_and_in_another(
    reader: SpanModel, question: str, passage: str, answer: str
) -> None:
    (found,) = reader.find(question, [whole(passage)])
    assert found is not None
    assert answer in found.span.of(passage)
    (elsewhere,) = reader.find(question, [whole("The shop sells bread and milk to the village.")])
    assert elsewhere is not None
    assert found.score > elsewhere.score


@pytest.mark.model
def test_one_reading_does_not_change_another(reader: SpanModel) -> None:
    passages = [whole(f"In {1800 + n} the mill was sold. " * (n % 4 + 1)) for n in range(9)]
    together = reader.find("When was the mill sold?", passages)
    for passage, found in zip(passages, together, strict=True):
        (alone,) = reader.find("When was the mill sold?", [passage])
        assert alone is not None
        assert found is not None
        assert found.span == alone.span
        assert found.score == pytest.approx(alone.score, abs=0.3)  # bfloat16


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="QUOTH_READER"):
        reader_model.load(str(tmp_path / "nowhere"), tmp_path)


def test_a_model_that_was_never_trained_to_answer(tmp_path: Path) -> None:
    tokenizer = word_tokenizer()
    for made in (BertModel(one_layer()), BertForQuestionAnswering(one_layer())):
        made.save_pretrained(tmp_path)
        tokenizer.save_pretrained(tmp_path)
        if isinstance(made, BertModel):
            with pytest.raises(ModelUnavailable, match="not trained to answer"):
                reader_model.load(str(tmp_path), tmp_path)
    assert reader_model.load(str(tmp_path), tmp_path).find("what", [whole("gold1")])[0]


def test_a_model_whose_weights_are_cut_off(tmp_path: Path) -> None:
    tokenizer = word_tokenizer()
    BertForQuestionAnswering(one_layer()).save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    weights = tmp_path / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(ModelUnavailable, match="QUOTH_READER"):
        reader_model.load(str(tmp_path), tmp_path)


@pytest.mark.model
def test_preparing_again_makes_what_is_missing(tmp_path: Path) -> None:
    cache = Settings().embedder_options().cache
    base = reader_model.prepare(cache).name
    for folder in cache.iterdir():
        if folder.name != base and not folder.name.startswith("."):
            shutil.copytree(folder, tmp_path / folder.name)
    target = reader_model.prepare(tmp_path)
    assert reader_model.is_prepared(tmp_path)
    assert reader_model.verify(tmp_path)
    assert reader_model.prepare(tmp_path) == target


@pytest.mark.model
def test_a_damaged_reader_is_noticed_and_a_broken_one_made_again(tmp_path: Path) -> None:
    cache = Settings().embedder_options().cache
    target = tmp_path / reader_model.prepare(cache).name
    shutil.copytree(cache / target.name, target)
    weights = target / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    assert reader_model.is_prepared(tmp_path)
    assert not reader_model.verify(tmp_path)
    weights.write_bytes(data[:-100])
    assert not reader_model.is_prepared(tmp_path)
    for folder in cache.iterdir():
        if folder.name != target.name and not folder.name.startswith("."):
            shutil.copytree(folder, tmp_path / folder.name)
    assert reader_model.prepare(tmp_path) == target
    assert reader_model.verify(tmp_path)
