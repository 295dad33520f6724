from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from api.settings import Settings
from api.wiring import Engine
from index.local import open_index
from rag.read import Calibration, SentenceReader
from tests import LOCAL
from tests.fakes import HashingEmbedder

# A sentence that shares no word with the question has a cosine near 0, one that shares most of
# them above .5: this calibration tells the two apart.
CALIBRATION = Calibration(weights=(12.0, 0.0, 0.0, 0.0), bias=-4.0, threshold=0.5)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path / "data", max_document_bytes=100_000, min_confidence=0.5, embedder="fake"
    )


@pytest.fixture
def engine(settings: Settings) -> Iterator[Engine]:
    embedder = HashingEmbedder()
    with open_index(settings.data_dir, embedder) as index:
        reader = SentenceReader(embedder, calibration=CALIBRATION)
        yield Engine(settings, index, reader)


@pytest.fixture
def client(settings: Settings, engine: Engine) -> Iterator[TestClient]:
    with TestClient(create_app(settings, engine), LOCAL, raise_server_exceptions=False) as opened:
        yield opened
