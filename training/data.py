"""Seeded samples of the extractive question data sets (`qa-train`), one question a line."""

import gzip
import json
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import numpy as np


def draw(
    folder: Path,
    name: str,
    count: int,
    rng: np.random.Generator,
    *,
    per_paragraph: int,
    impossible: bool = False,
    without: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """`count` questions of the set `name` in random order, at most `per_paragraph` about the same
    paragraph, none about those in `without`; `impossible` ones only where asked for.
    """
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        rows = [json.loads(line) for line in stream]
    taken: dict[str, int] = {}
    for position in rng.permutation(len(rows)):
        row = rows[position]
        paragraph = row["context"]
        fits = impossible or row["answers"]
        if fits and taken.get(paragraph, 0) < per_paragraph and paragraph not in without:
            taken[paragraph] = taken.get(paragraph, 0) + 1
            yield row
            count -= 1
            if count == 0:
                return
