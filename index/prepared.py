"""Folders of models that Quoth makes itself: written beside, checked, renamed into place."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

CHECKSUM = "checksum.json"


def write(target: Path, made_from: str, fill: Callable[[Path], None]) -> None:
    """Make a folder where no whole one is: `fill` writes its files. A folder that exists is whole,
    and two processes that make it at once do not disturb each other.

    Raises:
        OSError: it cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=".preparing-", dir=target.parent))
    try:
        fill(work)
        files = {
            str(path.relative_to(work)): {"bytes": path.stat().st_size, "sha256": sha256(path)}
            for path in sorted(work.rglob("*"))
            if path.is_file()
        }
        text = json.dumps({"made_from": made_from, "files": files}, ensure_ascii=False, indent=1)
        (work / CHECKSUM).write_text(text, "utf-8")
        if target.exists() and not is_whole(target):
            shutil.rmtree(target, ignore_errors=True)
        try:
            os.replace(work, target)
        except OSError:
            if not is_whole(target):
                raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


def is_whole(folder: Path) -> bool:
    """Whether every file is there, with the size it was written with."""
    try:
        files = json.loads((folder / CHECKSUM).read_text("utf-8"))["files"]
        return all((folder / name).stat().st_size == e["bytes"] for name, e in files.items())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def verify(folder: Path) -> bool:
    """Whether every file still has the SHA-256 it was written with."""
    if not is_whole(folder):
        return False
    files = json.loads((folder / CHECKSUM).read_text("utf-8"))["files"]
    return all(sha256(folder / name) == entry["sha256"] for name, entry in files.items())


def sha256(path: Path) -> str:
    """Of a file, in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
