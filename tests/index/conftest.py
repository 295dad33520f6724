from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from documents.load import Raw
from index.ingest import Outcome, ingest
from index.local import LocalIndex, open_index
from tests.fakes import HashingEmbedder


@pytest.fixture
def embedder() -> HashingEmbedder:
    return HashingEmbedder()


@pytest.fixture
def index(tmp_path: Path, embedder: HashingEmbedder) -> Iterator[LocalIndex]:
    with open_index(tmp_path / "data", embedder) as opened:
        yield opened


Put = Callable[..., Outcome]


@pytest.fixture
def put(index: LocalIndex) -> Put:
    def put_text(
        source: str, text: str, collection: str = "default", **declared: object
    ) -> Outcome:
        raw = Raw(text.encode(), source, source, **declared)  # type: ignore[arg-type]
        (outcome,) = ingest(index, collection, [raw])
        return outcome

    return put_text
