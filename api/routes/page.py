"""The web page: `/`, with its script and its style under `/page`."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

_FOLDER = Path(__file__).parent.parent / "page"

router = APIRouter(include_in_schema=False)


@router.get("/")
def page() -> FileResponse:
    """Asks the service what any program could ask it."""
    return FileResponse(_FOLDER / "index.html")


@router.get("/page/page.js")
def script() -> FileResponse:
    """Of the page."""
    return FileResponse(_FOLDER / "page.js")


@router.get("/page/style.css")
def style() -> FileResponse:
    """Of the page."""
    return FileResponse(_FOLDER / "style.css")
