from collections.abc import Iterator

import pytest

from api.settings import Settings
from api.wiring import Engine, build
from documents.load import LoadOptions
from index.ingest import ingest, read_paths
from tests.shared_data import DATA, ROOT


@pytest.fixture(scope="session")
def real_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """The default models over the sample corpus, and the four real documents where they are."""
    folder = tmp_path_factory.mktemp("real") / "data"
    engine = build(Settings(data_dir=folder), create=True)
    corpora = {"examples": ROOT / "examples" / "corpus", "default": DATA / "seeds"}
    for collection, path in corpora.items():
        if path.is_dir():
            for outcome in ingest(engine.index, collection, read_paths([path], LoadOptions())):
                assert outcome.status == "added", outcome
    yield engine
    engine.index.close()
