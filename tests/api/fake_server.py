"""A real `quoth serve` process whose embedder is the hashing fake, slowed down where asked.

python -m tests.api.fake_server DATA_DIR PORT [SECONDS_A_QUESTION]
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from fastapi import FastAPI

from api import serving, wiring
from api.settings import load_settings
from index.types import Vectors
from rag import read
from tests.api.conftest import CALIBRATION
from tests.fakes import HashingEmbedder


class SlowEmbedder(HashingEmbedder):
    seconds = 0.0
    passage_seconds = 0.0

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        time.sleep(self.seconds)
        return super().embed_passages(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        time.sleep(self.passage_seconds)
        return super().embed_passages(texts)


def main(folder: str, port: str, seconds: str = "0", passage_seconds: str = "0") -> None:
    os.environ["QUOTH_READER"] = "sentences"  # a model would take seconds to load
    os.environ["FAKE_SECONDS"] = f"{seconds} {passage_seconds}"
    fake()
    serving.serve(
        load_settings(data_dir=Path(folder), port=int(port)), "tests.api.fake_server:worker"
    )


def worker() -> FastAPI:
    """In one of several processes."""
    fake()
    return serving.worker()


def fake() -> None:
    seconds, passage_seconds = os.environ["FAKE_SECONDS"].split()
    SlowEmbedder.seconds = float(seconds)
    SlowEmbedder.passage_seconds = float(passage_seconds)
    wiring.load_embedder = lambda settings, progress=None: SlowEmbedder()  # type: ignore[assignment, misc]
    wiring.default_calibration = read.default_calibration = lambda: CALIBRATION  # type: ignore[assignment]


if __name__ == "__main__":
    main(*sys.argv[1:])
