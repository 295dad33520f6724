import dataclasses
from pathlib import Path

import numpy as np

from documents.load import Raw
from index.hybrid import SearchOptions
from index.ingest import ingest
from index.local import LocalIndex, open_index
from index.types import Filters
from rag.evaluation.runner import Library
from rag.evaluation.systems import (
    Filtered,
    Pieces,
    Quoth,
    RememberingEmbedder,
    best_hits,
)
from rag.evaluation.types import Dataset, Question
from tests.evaluation.conftest import SMALL_CHUNKS
from tests.fakes import HashingEmbedder


class CountingEmbedder(HashingEmbedder):
    def __init__(self) -> None:
        super().__init__()
        self.batches: list[list[str]] = []

    def embed_queries(self, texts):  # type: ignore[no-untyped-def]
        self.batches.append(list(texts))
        return super().embed_queries(texts)


def fill(index: LocalIndex, texts: dict[str, str]) -> dict[str, str]:
    raws = [Raw(text.encode(), source, source) for source, text in texts.items()]
    outcomes = list(ingest(index, "default", raws, SMALL_CHUNKS))
    return {outcome.source: outcome.document_id for outcome in outcomes}


def long_document(count: int) -> str:
    """Many chunks, all about the lamp."""
    return "\n\n".join(
        f"The lamp burned oil number{n} and the keeper wrote number{n} into the big book every night."
        for n in range(count)
    )


def corpus(count: int = 14) -> dict[str, str]:
    others = {f"other{n}": f"A keeper{n} had a lamp and much else to do{n}." for n in range(count)}
    return {"long": long_document(60), **others}


def question(text: str = "The lamp burned oil") -> Question:
    return Question("q", "en", text, "default")


def brute_force(texts: dict[str, str], query: str) -> list[str]:
    """Documents by their best chunk's cosine, over every chunk."""
    embedder = HashingEmbedder()
    wanted = embedder.embed_queries([query])[0]
    best = {
        source: max(float(v @ wanted) for v in embedder.embed_passages(text.split("\n\n")))
        for source, text in texts.items()
    }
    return sorted(best, key=lambda source: -best[source])


def test_ten_documents_are_ranked_however_many_chunks_one_has(tmp_path: Path) -> None:
    texts = corpus()
    with open_index(tmp_path, HashingEmbedder()) as index:
        fill(index, texts)
        top = index.search(question().text, "default", 60)
        assert len({hit.source for hit in top}) < 10, "sixty chunks of one document come first"
        ranked = [hit.source for hit in best_hits(index, question())]
    assert ranked == brute_force(texts, question().text)[:10]
    assert len(set(ranked)) == 10


def test_a_small_corpus_is_ranked_whole(tmp_path: Path) -> None:
    with open_index(tmp_path, HashingEmbedder()) as index:
        fill(index, {"a": "The lamp.", "b": "A ship."})
        assert [hit.source for hit in best_hits(index, question("lamp"))] == ["a", "b"]


def test_taking_documents_out_is_as_if_they_had_never_come(tmp_path: Path) -> None:
    texts = corpus()
    rest = {source: text for source, text in texts.items() if source not in ("long", "other3")}
    # How rare a keyword is depends on all documents; scores of vectors depend on none.
    dense = SearchOptions(keywords=False)
    with (
        open_index(tmp_path / "all", HashingEmbedder(), options=dense) as full,
        open_index(tmp_path / "rest", HashingEmbedder(), options=dense) as smaller,
    ):
        ids = fill(full, texts)
        fill(smaller, rest)
        without = Filtered(full, Filters(exclude_document_ids=(ids["long"], ids["other3"])))
        for limit in (1, 5, 10, 100):
            found = without.search(question().text, "default", limit)
            expected = smaller.search(question().text, "default", limit)
            assert [(h.source, h.score, h.rank) for h in found] == [
                (h.source, h.score, h.rank) for h in expected
            ]


def test_what_was_taken_out_is_not_found_by_its_words(tmp_path: Path) -> None:
    with open_index(tmp_path, HashingEmbedder()) as index:
        ids = fill(index, corpus())
        without = Filtered(index, Filters(exclude_document_ids=(ids["long"],)))
        found = without.search("The lamp burned oil number7", "default", 100)
    assert {hit.source for hit in found} == set(corpus()) - {"long"}


def test_each_text_is_embedded_once_and_questions_in_batches() -> None:
    inner = CountingEmbedder()
    embedder = RememberingEmbedder(inner)
    texts = [f"question {n % 700}" for n in range(1000)]
    reported: list[tuple[int, int]] = []
    embedder.prepare(texts, lambda _stage, done, total: reported.append((done, total)))
    assert [len(batch) for batch in inner.batches] == [512, 188]
    assert reported == [(0, 700), (512, 700), (700, 700)]
    found = embedder.embed_queries(texts)
    assert len(inner.batches) == 2, "all were known"
    assert np.array_equal(found, HashingEmbedder().embed_queries(texts))
    assert embedder.embed_queries([]).shape == (0, 256)


def test_queries_and_passages_are_not_mixed_up() -> None:
    class Signed(HashingEmbedder):
        def embed_queries(self, texts):  # type: ignore[no-untyped-def]
            return -super().embed_queries(texts)

    embedder = RememberingEmbedder(Signed())
    (passage,), (query,) = embedder.embed_passages(["x"]), embedder.embed_queries(["x"])
    assert np.array_equal(passage, -query)


def test_quoth_answers_and_cites(quoth: Quoth, facts: Dataset) -> None:
    prediction = quoth.respond(facts.questions[0])
    assert prediction.ranked is not None
    assert prediction.ranked[0] == "facts/0"
    assert len(prediction.ranked) == 6
    assert prediction.answered
    assert prediction.answer == "Ada finished the lighthouse in 1871."
    assert prediction.quotes[0].document_id == "facts/0"
    assert (prediction.confidence or 0) > 0.5


def test_what_is_taken_out_is_neither_ranked_nor_quoted(quoth: Quoth, facts: Dataset) -> None:
    for asked in facts.questions:
        prediction = quoth.respond(asked)
        quoted = {quote.document_id for quote in (*prediction.quotes, *prediction.alternatives)}
        assert not set(asked.without) & (set(prediction.ranked or ()) | quoted), asked.id
        assert len(prediction.ranked or ()) == 6 - len(asked.without)


def test_a_declined_question_keeps_what_was_at_hand(
    pieces: Pieces, library: Library, facts: Dataset
) -> None:
    strict = Quoth(dataclasses.replace(pieces, threshold=1.0), library.ids, retrieval_only=False)
    lenient = Quoth(dataclasses.replace(pieces, threshold=0.0), library.ids, retrieval_only=False)
    declined, given = strict.respond(facts.questions[0]), lenient.respond(facts.questions[0])
    assert (declined.answered, given.answered) == (False, True)
    assert declined.answer == given.answer == "Ada finished the lighthouse in 1871."
    assert declined.confidence == given.confidence
    assert declined.quotes == given.quotes


def test_a_corpus_of_which_nothing_is_left(tmp_path: Path, pieces: Pieces) -> None:
    raws = [Raw(b"One lamp alone.", "one", "one")]
    (outcome,) = ingest(pieces.index, "alone", raws)
    system = Quoth(pieces, {("alone", "one"): outcome.document_id}, retrieval_only=False)
    asked = Question("q", "en", "One lamp?", "alone", answerable=False, without=("one",))
    prediction = system.respond(asked)
    assert (prediction.ranked, prediction.answered, prediction.confidence) == ((), False, 0.0)


def test_retrieval_alone_never_reads(pieces: Pieces, library: Library, facts: Dataset) -> None:
    class Unreadable:
        name = "none"

        def read(self, question: str, hits: object) -> list[object]:
            raise AssertionError("it was read")

    silent = dataclasses.replace(pieces, reader=Unreadable())
    system = Quoth(silent, library.ids, retrieval_only=True)
    prediction = system.respond(facts.questions[2])
    assert prediction.ranked is not None
    assert (prediction.ranked[0], prediction.answered) == ("facts/1", None)
    assert system.milliseconds(facts.questions[2]) > 0
