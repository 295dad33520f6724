"""Follow-up questions: how many find the right document, with and without being made whole.

    python benchmarks/follow_ups.py [CONVERSATIONS] [--corpus FOLDER] [--answers]

Each conversation is played from its start: its earlier questions are answered by the service
itself, and what it said, right or wrong, is the history of the last question. Three ways to search
for that one are compared in the same run:

    alone       the follow-up as it was asked
    joined      the last question and the follow-up, one after the other: the usual makeshift
    understood  what `rag.chat` makes of it

With `--answers` it is also read, and the share of first quotes that hold the answer is printed.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from api.settings import load_settings
from api.wiring import Engine, build
from documents.load import LoadOptions
from index.ingest import ingest, read_paths
from index.types import Hit
from rag.chat import FollowUpSearch, Turn, understand
from rag.phrases import decline

EXAMPLES = Path(__file__).parent.parent / "examples"
WAYS = ("alone", "joined", "understood")


@dataclass(frozen=True, slots=True)
class Conversation:
    """Earlier questions, the follow-up, and what its first passage and quote should be."""

    language: str
    history: tuple[str, ...]
    question: str
    documents: tuple[str, ...]
    answers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """Rank of the right document for each way (0: not among the ten), and right first quotes."""

    language: str
    ranks: dict[str, int]
    right: dict[str, bool]


def main() -> None:
    """Read the arguments, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("path", type=Path, nargs="?", default=EXAMPLES / "conversations.jsonl")
    parser.add_argument("--corpus", type=Path, default=EXAMPLES / "corpus")
    parser.add_argument("--answers", action="store_true", help="read the passages too (slow)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = build(load_settings(data_dir=Path(folder)), create=True)
        for outcome in ingest(
            engine.index, "default", read_paths([arguments.corpus], LoadOptions())
        ):
            if outcome.status == "failed":
                raise SystemExit(f"{outcome.source}: {outcome.reason}")
        outcomes = measure(engine, "default", load(arguments.path), answers=arguments.answers)
        engine.index.close()
    report(outcomes)


def load(path: Path) -> list[Conversation]:
    """The conversations of a file, one JSON object a line."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Conversation(
            row["language"],
            tuple(row["history"]),
            row["question"],
            tuple(row["documents"]),
            tuple(row["answers"]),
        )
        for row in rows
    ]


def measure(
    engine: Engine, collection: str, conversations: Sequence[Conversation], *, answers: bool
) -> list[Outcome]:
    """Play each conversation and search for its last question in each way."""
    said: dict[str, str] = {}

    def reply(question: str) -> str:
        if question not in said:
            result = engine.answer(question, collection)
            said[question] = result.answer or decline(result.question_language)
        return said[question]

    outcomes = []
    for conversation in conversations:
        history: list[Turn] = []
        for earlier in conversation.history:
            history += [Turn("user", earlier), Turn("assistant", reply(earlier))]
        understood = understand(conversation.question, history)
        joined = f"{conversation.history[-1]} {conversation.question}"
        texts = {
            "alone": conversation.question, "joined": joined, "understood": understood.standalone
        }  # fmt: skip
        fused = FollowUpSearch(engine.index, understood.queries)
        found = {
            "alone": engine.index.search(conversation.question, collection, 10),
            "joined": engine.index.search(joined, collection, 10),
            "understood": fused.search(understood.standalone, collection, 10),
        }
        right = {}
        if answers:
            for way in WAYS:
                readings = engine.reader.read(texts[way], found[way])
                quote = readings[0].hit.sentence_text(readings[0].quote) if readings else ""
                right[way] = any(answer in quote for answer in conversation.answers)
        ranks = {way: rank(found[way], conversation.documents) for way in WAYS}
        outcomes.append(Outcome(conversation.language, ranks, right))
    return outcomes


def rank(hits: Sequence[Hit], documents: Sequence[str]) -> int:
    """The first passage of a right document, counted from 1; 0 where there is none."""
    return next((hit.rank for hit in hits if Path(hit.source).name in documents), 0)


def share(outcomes: Sequence[Outcome], holds: Callable[[Outcome], bool]) -> float:
    """Of the outcomes, how many."""
    return sum(map(holds, outcomes)) / len(outcomes)


def report(outcomes: Sequence[Outcome]) -> None:
    """Print the table."""
    print(f"{len(outcomes)} follow-ups in {len({o.language for o in outcomes})} languages")
    print("way         right document first  among three  mean reciprocal rank  right first quote")
    for way in WAYS:
        first = share(outcomes, lambda outcome, way=way: outcome.ranks[way] == 1)
        three = share(outcomes, lambda outcome, way=way: 1 <= outcome.ranks[way] <= 3)
        mean = sum(1 / o.ranks[way] if o.ranks[way] else 0.0 for o in outcomes) / len(outcomes)
        quote = (
            f"{share(outcomes, lambda outcome, way=way: outcome.right[way]):.3f}"
            if outcomes[0].right
            else "-"
        )
        print(f"{way:10}  {first:20.3f}  {three:11.3f}  {mean:20.3f}  {quote:>17}")
    print()
    print("language  follow-ups  " + "  ".join(f"{way} first" for way in WAYS))
    for language in sorted({outcome.language for outcome in outcomes}):
        own = [outcome for outcome in outcomes if outcome.language == language]
        firsts = [sum(outcome.ranks[way] == 1 for outcome in own) for way in WAYS]
        cells = "  ".join(f"{n:>{len(way) + 6}}" for way, n in zip(WAYS, firsts, strict=True))
        print(f"{language:8}  {len(own):10}  {cells}")


if __name__ == "__main__":
    main()
