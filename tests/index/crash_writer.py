"""Ingests without end and says what is stored, for the test that kills it."""

import sys
from pathlib import Path

from documents.load import Raw
from index.ingest import ingest
from index.local import open_index
from tests.fakes import HashingEmbedder


def main(folder: str, first: int) -> None:
    with open_index(Path(folder), HashingEmbedder(dimension=128, max_tokens=80)) as index:
        number = first
        while True:
            batch = []
            for _ in range(5):
                # Every third round replaces a document that is there already.
                name = number if number % 3 else max(first, number - 4)
                text = " ".join(f"Paper{name} of round {number}, sentence {s}." for s in range(60))
                batch.append(Raw(text.encode(), f"{name}.txt", f"{name}.txt"))
                number += 1
            for outcome in ingest(index, "default", batch):
                print(outcome.source, flush=True)
            if number % 4 == 0:
                index.snapshot("default")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
