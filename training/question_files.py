"""The files of questions written to train on, and what of them is held out to choose runs by."""

import json
from pathlib import Path
from typing import Any
from zlib import crc32

HELD_OUT = 16
"""Of as many documents, paragraphs and passages, one is not trained on."""


def written(name: str) -> list[dict[str, Any]]:
    """Of one of the files: "news", "paragraphs", "translated" or "articles"."""
    path = Path(__file__).parent / "questions" / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def trained(name: str) -> list[dict[str, Any]]:
    """Those that are not held out, by what they ask about."""
    return [row for row in written(name) if not is_held_out(row)]


def is_held_out(row: dict[str, Any]) -> bool:
    """Whether a row is about something that is kept to choose among runs with."""
    return crc32(row["at"].encode()) % HELD_OUT == 0
