"""Tests of the unit that keywords are weighed in."""

import numpy as np
import pytest

from documents.load import Raw
from index.hybrid import SearchOptions
from index.ingest import ingest
from index.local import open_index
from index.spread import UNLIKE, spread
from index.types import Vectors
from tests.fakes import HashingEmbedder


class Compressed(HashingEmbedder):
    """All cosines of another embedder, brought near 1: 1 - share + share * cosine."""

    share = 0.04

    def __init__(self, dimension: int = 64) -> None:
        super().__init__(dimension)
        self.dimension = dimension + 1
        self.identity = "compressed"

    def embed_passages(self, texts: object) -> Vectors:
        inner = HashingEmbedder(self.dimension - 1).embed_passages(texts)  # type: ignore[arg-type]
        common = np.full((len(inner), 1), np.sqrt(1 - self.share), np.float32)
        return np.hstack([inner * np.float32(np.sqrt(self.share)), common])

    embed_queries = embed_passages


def test_it_is_the_standard_deviation_of_unlike_passages() -> None:
    embedder = HashingEmbedder(64)
    vectors = embedder.embed_passages(UNLIKE).astype(np.float64)
    cosines = [float(a @ b) for n, a in enumerate(vectors) for b in vectors[:n]]
    assert len(cosines) == len(UNLIKE) * (len(UNLIKE) - 1) // 2
    assert spread(embedder) == pytest.approx(float(np.std(cosines)), rel=1e-4)


def test_cosines_nearer_to_each_other_have_less_of_it() -> None:
    assert spread(Compressed(64)) == pytest.approx(0.04 * spread(HashingEmbedder(64)), rel=1e-3)


def test_keywords_weigh_alike_whatever_the_embedders_cosines(tmp_path: object) -> None:
    """The same ranking from cosines squeezed into a twenty-fifth of their range."""
    texts = {
        "both": "The lamp keeper of Zanzibar lit the lamp.",
        "lamp": "A lamp keeper keeps the lamp oil.",
        "name": "Boats from Zanzibar are late.",
        "none": "It rains.",
    }
    orders = []
    for embedder in (HashingEmbedder(64), Compressed(64)):
        folder = tmp_path / embedder.identity  # type: ignore[operator]
        with open_index(folder, embedder, options=SearchOptions(weight=1.0)) as index:
            raws = [Raw(text.encode(), name, name, language="en") for name, text in texts.items()]
            list(ingest(index, "default", raws))
            orders.append([hit.source for hit in index.search("lamp Zanzibar", "default", 4)])
    assert orders[0] == orders[1]
    assert orders[0][0] == "both"
