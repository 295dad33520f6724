"""The answer map: a question's vector → the vector of a sentence that would answer it.

One matrix added to the identity, trained by `training/train_answer_map.py` on questions and the
sentences that answer them, for the default embedder with its language-neutral map.
"""

from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

from index.types import Vectors

FILE = "answer-map.safetensors"


@dataclass(frozen=True)
class AnswerMap:
    """`matrix` has shape (dimension, dimension)."""

    matrix: Vectors

    def __call__(self, query: Vectors) -> Vectors:
        """A unit vector of shape (dimension,) from one of a question."""
        moved = query + query @ self.matrix
        unit: Vectors = (moved / max(float(np.linalg.norm(moved)), 1e-12)).astype(np.float32)
        return unit

    def save(self, path: Path, about: dict[str, str]) -> None:
        """Write the map in half precision, with strings that say how it was made."""
        save_file({"matrix": self.matrix.astype(np.float16)}, path, about)

    @classmethod
    def load(cls, path: Path) -> tuple["AnswerMap", str]:
        """Read a map that `save` wrote, and the identity of the embedder it is for."""
        with safe_open(path, "numpy") as tensors:
            identity = (tensors.metadata() or {}).get("embedder", "")
            return cls(tensors.get_tensor("matrix").astype(np.float32)), identity


def shipped_map(embedder_identity: str) -> AnswerMap | None:
    """The map that is shipped, if it was trained for this embedder."""
    path = Path(str(files("rag") / FILE))
    if not path.is_file():
        return None
    answer_map, identity = AnswerMap.load(path)
    return answer_map if identity == embedder_identity else None
