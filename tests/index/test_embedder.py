"""The default model as it is prepared, against the package's own statement of what it is."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from api.settings import load_settings
from index import bundled
from index.embedder import EmbedderOptions, SentenceTransformerEmbedder, batches, load
from index.errors import ModelUnavailable

SENTENCES = [
    "The armistice was signed on 27 July 1953.",
    "Η ανακωχή υπογράφτηκε στις 27 Ιουλίου 1953.",
    "停战协定于1953年7月27日签署。",
    "Lemons are shipped in May.",
]


def test_batches_stay_within_the_budget_and_hold_every_text_once() -> None:
    lengths = [5, 500, 3, 40, 41, 39, 512, 7, 1]
    groups = list(batches(lengths, 120))
    assert sorted(n for group in groups for n in group) == list(range(len(lengths)))
    assert [lengths[group[0]] for group in groups] == [512, 500, 41, 39, 3]
    for group in groups:
        assert len(group) == 1 or len(group) * max(lengths[n] for n in group) <= 120
    assert list(batches([], 120)) == []


@pytest.fixture(scope="module")
def embedder() -> SentenceTransformerEmbedder:
    return load(load_settings(precision="float32", data_dir=None).embedder_options())


@pytest.mark.model
def test_translations_are_nearer_than_other_sentences(
    embedder: SentenceTransformerEmbedder,
) -> None:
    assert (embedder.name, embedder.dimension) == ("multilingual-e5-small", 384)
    vectors = embedder.embed_passages(SENTENCES)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > cosines[0, 3]
    assert cosines[0, 2] > cosines[0, 3]


@pytest.mark.model
def test_batching_does_not_change_vectors(embedder: SentenceTransformerEmbedder) -> None:
    texts = [*SENTENCES, " ".join(SENTENCES * 20), "x"]
    together = embedder.embed_passages(texts)
    alone = np.concatenate([embedder.embed_passages([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-4


@pytest.mark.model
def test_queries_and_passages_get_their_prefixes(embedder: SentenceTransformerEmbedder) -> None:
    plain = embedder.model.encode(
        [f"query: {SENTENCES[0]}", f"passage: {SENTENCES[0]}"], normalize_embeddings=True
    )
    assert np.allclose(embedder.embed_queries(SENTENCES[:1])[0], plain[0], atol=1e-4)
    assert np.allclose(embedder.embed_passages(SENTENCES[:1])[0], plain[1], atol=1e-4)


@pytest.mark.model
def test_the_tokenizer_cuts_like_sentencepiece(embedder: SentenceTransformerEmbedder) -> None:
    pieces = embedder.model.tokenizer.tokenize("Hello, 停战协定 ﬁne １２")
    assert pieces[0] == "▁Hello"
    assert "".join(pieces) == "▁Hello,▁停战协定▁fine▁12"
    assert embedder.count_tokens(["", "Hello"]) == [0, 1]


@pytest.mark.model
def test_a_damaged_model_is_seen_and_made_anew(tmp_path: Path) -> None:
    cache = load_settings().embedder_options().cache
    prepared = bundled.prepare(cache)
    copy = tmp_path / prepared.name
    shutil.copytree(prepared, copy)
    assert bundled.verify(tmp_path)
    config = copy / "config.json"
    config.write_text(config.read_text().replace("384", "385"))
    assert bundled.is_prepared(tmp_path)
    assert not bundled.verify(tmp_path)
    (copy / "model.safetensors").write_bytes(b"")
    assert not bundled.is_prepared(tmp_path)
    shares: list[float] = []
    bundled.prepare(tmp_path, lambda _what, share: shares.append(share))
    assert bundled.verify(tmp_path)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert json.loads(config.read_text())["hidden_size"] == 384
    assert [path.name for path in tmp_path.iterdir()] == [prepared.name]


def test_a_model_that_is_not_there(tmp_path: Path) -> None:
    options = EmbedderOptions(cache=tmp_path, model=str(tmp_path / "none"))
    with pytest.raises(ModelUnavailable, match="QUOTH_EMBEDDER"):
        load(options)


@pytest.mark.model
def test_threads_that_count_and_embed_do_not_change_each_others_cutting(
    embedder: SentenceTransformerEmbedder,
) -> None:
    long = " ".join(SENTENCES * 60)
    alone = embedder.embed_queries([long])
    counted = embedder.count_tokens([long])
    assert counted[0] > embedder.max_tokens
    with ThreadPoolExecutor(2) as pool:
        counts = pool.submit(lambda: [embedder.count_tokens([long]) for _ in range(300)])
        vectors = [embedder.embed_queries([long]) for _ in range(5)]
        assert all(count == counted for count in counts.result())
    assert all(np.abs(vector - alone).max() < 1e-4 for vector in vectors)
