"""The interface's documentation, in a browser that reaches nothing but the service."""

from pathlib import Path

import pytest

from api.app import create_app
from api.settings import Settings
from api.wiring import Engine
from tests.api.live import live
from tests.evaluation.browser import dump_dom, needs_browser


@needs_browser
@pytest.mark.parametrize("page", ["/docs", "/redoc"])
def test_it_needs_no_other_site(
    page: str, settings: Settings, engine: Engine, tmp_path: Path
) -> None:
    with live(create_app(settings, engine)) as address:
        shown = dump_dom(address + page, tmp_path)
    # From the OpenAPI document, which the page itself does not hold.
    assert "/v1/chat/completions" in shown
    assert "RFC 9457" in shown
