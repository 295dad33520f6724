import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from documents.chunk import ChunkOptions
from index.ingest import IngestOptions
from index.local import LocalIndex, open_index
from rag.evaluation.datasets import load_dataset, with_unanswerable
from rag.evaluation.runner import Library, take_in
from rag.evaluation.systems import Pieces, Quoth, RememberingEmbedder
from rag.evaluation.types import Dataset
from rag.read import Calibration, SentenceReader
from rag.types import Models
from tests.fakes import HashingEmbedder

# The right sentence has a cosine near .6 with its question, one about another building near .4.
CALIBRATION = Calibration(weights=(24.0, 0.0, 0.0, 0.0), bias=-12.5, threshold=0.5)
SMALL_CHUNKS = IngestOptions(chunk=ChunkOptions(max_tokens=20, overlap_sentences=0))

FACTS = (
    ("Ada", "lighthouse", "1871"),
    ("Boris", "harbour", "1902"),
    ("Chloe", "railway", "1833"),
    ("Dmitri", "observatory", "1765"),
    ("Elena", "library", "1648"),
    ("Farid", "aqueduct", "1999"),
)
"""Who finished what and when; each is a paragraph."""

ParagraphRow = tuple[str, Sequence[tuple[str, str, Sequence[str]]]]


def squad(paragraphs: Sequence[ParagraphRow], title: str = "A_title") -> dict[str, Any]:
    """SQuAD's JSON of contexts, each with (id, question, answers)."""
    return {
        "version": "1.1",
        "data": [
            {
                "title": title,
                "paragraphs": [
                    {
                        "context": context,
                        "qas": [
                            {
                                "id": identity,
                                "question": question,
                                "answers": [
                                    {"text": text, "answer_start": context.find(text)}
                                    for text in answers
                                ],
                                "is_impossible": not answers,
                            }
                            for identity, question, answers in questions
                        ],
                    }
                    for context, questions in paragraphs
                ],
            }
        ],
    }


def paragraph(who: str, what: str, year: str) -> str:
    return (
        f"{who} finished the {what} in {year}. "
        f"Rain fell all week upon villages nearby. "
        f"Nobody there had expected so large a crowd."
    )


@pytest.fixture
def facts_file(tmp_path: Path) -> Path:
    """Six paragraphs with a question each, and one question that none answers."""
    rows: list[ParagraphRow] = [
        (paragraph(*fact), [(f"q{n}", f"Who finished the {fact[1]}?", [fact[0]])])
        for n, fact in enumerate(FACTS)
    ]
    rows[0][1].append(("q-none", "Which volcano erupted yesterday?", []))  # type: ignore[attr-defined]
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(squad(rows)), "utf-8")
    return path


@pytest.fixture
def facts(facts_file: Path) -> Dataset:
    """Asked as they are, and once more with their paragraph taken out."""
    return with_unanswerable(load_dataset(facts_file))


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    with open_index(tmp_path / "store", RememberingEmbedder(HashingEmbedder())) as opened:
        yield opened


@pytest.fixture
def library(index: LocalIndex, facts: Dataset) -> Library:
    return take_in(index, facts)


@pytest.fixture
def pieces(index: LocalIndex) -> Pieces:
    reader = SentenceReader(index.embedder, calibration=CALIBRATION)
    return Pieces(index, reader, Models("hashing", reader.name), CALIBRATION.threshold)


@pytest.fixture
def quoth(pieces: Pieces, library: Library) -> Quoth:
    return Quoth(pieces, library.ids, retrieval_only=False)
