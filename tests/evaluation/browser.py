"""Headless Chromium, for the tests that open a page."""

import shutil
import subprocess
from pathlib import Path

import pytest

BINARY = next(
    (
        found
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (found := shutil.which(name))
    ),
    None,
)

needs_browser = pytest.mark.skipif(BINARY is None, reason="chromium is not installed")

_OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)


def dump_dom(page: Path | str, profile: Path) -> str:
    """The document of a file or an address after it was laid out, as the browser has it."""
    return _run(page, profile, "--dump-dom", "--virtual-time-budget=10000")


def screenshot(page: Path, profile: Path, image: Path, size: str = "1200,1600") -> None:
    _run(page, profile, f"--screenshot={image}", f"--window-size={size}")


def _run(page: Path | str, profile: Path, *options: str) -> str:
    address = page.as_uri() if isinstance(page, Path) else page
    command = [str(BINARY), *_OPTIONS, f"--user-data-dir={profile}", *options, address]
    done = subprocess.run(command, capture_output=True, timeout=120, check=True)
    return done.stdout.decode("utf-8")
