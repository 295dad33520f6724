"""The web page in a real browser, of a real server."""

from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from api.app import create_app
from api.keys import KeyStore
from api.settings import Settings
from api.wiring import Engine
from tests.api.live import live
from tests.evaluation.browser import dump_dom, needs_browser

KEEPER = "The keeper rowed to the rock in 1871. Nobody saw him again."
HOSTILE = '<img src="x" onerror="document.title=1"> The engine stopped in the fog.'


def shown(address: str, profile: Path, **asked: str) -> str:
    return dump_dom(f"{address}/?{urlencode(asked)}", profile)


@pytest.fixture
def address(settings: Settings, engine: Engine) -> object:
    with live(create_app(settings, engine)) as address:
        for name, text in (("keeper.txt", KEEPER), ("<b>engine</b>.txt", HOSTILE)):
            body = {"source": name, "title": name, "text": text, "language": "en"}
            assert httpx.post(f"{address}/v1/documents", json=body).status_code == 201
        yield address


@needs_browser
def test_an_answer_with_its_words_marked_and_its_source(address: str, tmp_path: Path) -> None:
    page = shown(address, tmp_path, q="When rowed the keeper to the rock in 1871?")
    assert "<mark>The keeper rowed to the rock in 1871.</mark>" in page
    assert "<bdi>keeper.txt</bdi>" in page
    assert "Confidence" in page


@needs_browser
def test_it_declines_and_shows_what_is_nearest(address: str, tmp_path: Path) -> None:
    page = shown(address, tmp_path, q="Quantum chromodynamics?")
    assert "The documents do not answer this." in page
    assert "<mark>" not in page


@needs_browser
def test_what_a_document_says_stays_text(address: str, tmp_path: Path) -> None:
    page = shown(address, tmp_path, q="The engine stopped in the fog")
    assert "&lt;img src=" in page
    assert "<img" not in page
    assert "&lt;b&gt;engine&lt;/b&gt;.txt" in page
    assert "<title>Quoth</title>" in page


@needs_browser
def test_the_address_says_which_collection(address: str, tmp_path: Path) -> None:
    page = shown(address, tmp_path, q="The engine", **{"in": "nowhere"})
    assert "There is no collection" in page
    assert "nowhere" in page


@needs_browser
def test_with_keys_it_asks_for_one(settings: Settings, engine: Engine, tmp_path: Path) -> None:
    KeyStore(settings.data_dir).create("test", ("read",))
    with live(create_app(settings, engine)) as address:
        page = shown(address, tmp_path, q="Where is the keeper?")
    assert '<form id="key">' in page
    assert "Confidence" not in page
