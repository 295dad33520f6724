"""Stand-ins at the model seam: vectors made by hashing words, so that a test can say which chunk wins."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from index.types import Vectors


class HashingEmbedder:
    """Each word is a fixed random direction; a text is the sum of its words. Texts that share words
    are near, others nearly orthogonal.
    """

    def __init__(self, dimension: int = 256, name: str = "hashing", max_tokens: int = 200) -> None:
        self.dimension = dimension
        self.name = name
        self.identity = f"{name} ({dimension})"
        self.max_tokens = max_tokens

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        return [len(words(text)) for text in texts]

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.array([self._vector(text) for text in texts], np.float32).reshape(
            -1, self.dimension
        )

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self.embed_passages(texts)

    def _vector(self, text: str) -> Vectors:
        total = sum((self._word(word) for word in words(text)), np.zeros(self.dimension))
        length = float(np.linalg.norm(total))
        unit: Vectors = total / length if length else np.eye(1, self.dimension)[0]
        return unit

    def _word(self, word: str) -> Vectors:
        seed = int.from_bytes(
            hashlib.sha256(word.encode("utf-8", "replace")).digest()[:8], "little"
        )
        direction: Vectors = np.random.default_rng(seed).standard_normal(self.dimension)
        return direction


def words(text: str) -> list[str]:
    """Words of spaced scripts; single characters of Chinese and Japanese."""
    return re.findall(r"[\u3040-\u9fff]|[^\W\u3040-\u9fff]+", text.casefold())
