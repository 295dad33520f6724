from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from documents.load import Raw
from index.ingest import document_id, ingest
from index.local import LocalIndex, open_index
from index.types import Filters, Hit
from rag.answer import AnswerOptions, answer, valid_question
from rag.cite import cite
from rag.errors import EmptyCollection, InvalidQuestion
from rag.read import Calibration, SentenceReader
from rag.types import Answer, Models, Reading
from tests.fakes import HashingEmbedder

CALIBRATION = Calibration(weights=(12.0, 0.0, 0.0, 0.0), bias=-4.0, threshold=0.5)
MODELS = Models("hashing", "sentences")
EVENING = "The keeper lit the lamp every evening. It burned paraffin. Ships saw it for miles."


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    with open_index(tmp_path, HashingEmbedder()) as opened:
        yield opened


def put(index: LocalIndex, source: str, text: str) -> str:
    (outcome,) = ingest(index, "default", [Raw(text.encode(), source, source)])
    assert outcome.status in ("added", "replaced")
    return outcome.document_id


def ask(index: LocalIndex, question: str, **options: object) -> Answer:
    reader = SentenceReader(index.embedder, calibration=CALIBRATION)
    chosen = AnswerOptions(**{"min_confidence": 0.5, **options})  # type: ignore[arg-type]
    return answer(question, index, reader, MODELS, chosen)


def test_the_sentence_that_answers_is_the_answer_and_its_quote_has_a_neighbour(
    index: LocalIndex,
) -> None:
    put(index, "a.txt", EVENING)
    result = ask(index, "what did it burn: it burned paraffin?")
    assert result.status == "answered"
    assert result.answer == "It burned paraffin."
    (citation,) = result.citations
    assert result.answer in citation.quote
    assert EVENING[citation.start : citation.end] == citation.quote
    assert citation.quote in (
        "The keeper lit the lamp every evening. It burned paraffin.",
        "It burned paraffin. Ships saw it for miles.",
    )


def test_what_is_read_from_a_changed_document_is_not_cited(index: LocalIndex) -> None:
    put(index, "a.txt", EVENING)
    hits = index.search("lamp", "default", 1)
    reading = reading_of(hits[0])
    assert [c.quote for c in cite([reading], index)] == [reading_text(reading)]
    put(index, "a.txt", "Other words " + EVENING)
    assert cite([reading], index) == ()
    index.remove(document_id("default", "a.txt"))
    assert cite([reading], index) == ()


def test_a_document_replaced_while_it_is_read_is_read_again(index: LocalIndex) -> None:
    put(index, "a.txt", EVENING)
    reader = SentenceReader(index.embedder, calibration=CALIBRATION)
    told: list[int] = []

    class Overtaken:
        name = "overtaken"
        reads = 0

        def read(self, question: str, hits: Sequence[Hit]) -> list[Reading]:
            self.reads += 1
            if self.reads < 3:
                put(index, "a.txt", "New. " * self.reads + EVENING)
            return reader.read(question, hits)

    overtaken = Overtaken()
    options = AnswerOptions(min_confidence=0.5)
    question = "what did it burn: it burned paraffin?"
    result = answer(
        question, index, overtaken, MODELS, options, lambda hits: told.append(len(hits))
    )
    assert (result.status, result.answer) == ("answered", "It burned paraffin.")
    (citation,) = result.citations
    text = "New. New. " + EVENING
    assert text[citation.start : citation.end] == citation.quote
    assert overtaken.reads == 3
    assert len(told) == 1, "the passages are told once"


def test_a_quote_that_is_off_by_one_is_dropped(index: LocalIndex) -> None:
    put(index, "a.txt", EVENING)
    hit = index.search("lamp", "default", 1)[0]
    shifted = replace(hit, text="X" + hit.text[1:])
    assert cite([reading_of(shifted)], index) == ()


def test_an_answer_left_without_a_citation_is_no_answer(index: LocalIndex) -> None:
    put(index, "a.txt", EVENING)

    class Lying:
        name = "lying"

        def read(self, question: str, hits: list[Hit]) -> list[Reading]:
            return [reading_of(replace(hits[0], text="Y" * len(hits[0].text)))]

    result = answer("lamp?", index, Lying(), MODELS, AnswerOptions(min_confidence=0.0))  # type: ignore[arg-type]
    assert (result.status, result.answer, result.citations) == ("no_answer", None, ())
    assert result.passages[0].source == "a.txt"


def reading_of(hit: Hit) -> Reading:
    return Reading(hit, hit.sentences[0], hit.sentences[0], 1.0, 0.9, 0.5, 0)


def reading_text(reading: Reading) -> str:
    return reading.hit.sentence_text(reading.quote)


def test_below_the_threshold_there_is_no_answer(index: LocalIndex) -> None:
    put(index, "a.txt", EVENING)
    confidence = ask(index, "keeper lamp").confidence
    assert ask(index, "keeper lamp", min_confidence=confidence).status == "answered"
    over = ask(index, "keeper lamp", min_confidence=min(1.0, confidence + 1e-9))
    assert (over.status, over.confidence) == ("no_answer", confidence)


def test_where_nobody_says_otherwise_the_first_reading_says_what_must_be_reached(
    index: LocalIndex,
) -> None:
    put(index, "a.txt", EVENING)

    class Fixed:
        name = "fixed"

        def __init__(self, first: float, confidence: float) -> None:
            self._values = (first, confidence)

        def read(self, question: str, hits: list[Hit]) -> list[Reading]:
            first, confidence = self._values
            reading = replace(reading_of(hits[0]), confidence=confidence)
            return [replace(reading, threshold=first), replace(reading, threshold=0.1)]

    for first, confidence, status in (
        (0.4, 0.4, "answered"),
        (0.4, 0.39, "no_answer"),
        (0.3, 0.39, "answered"),
    ):
        result = answer("lamp?", index, Fixed(first, confidence), MODELS, AnswerOptions())
        assert result.status == status
    assert answer("lamp?", index, Fixed(0.4, 0.39), MODELS, AnswerOptions(0.2)).answer


def test_alternatives_are_other_documents_above_the_threshold(index: LocalIndex) -> None:
    put(index, "a.txt", "The tower is 31 metres high.")
    put(index, "b.txt", "The tower is 34 metres high.")
    put(index, "c.txt", "Lemons are sold in May.")
    result = ask(index, "how many metres high is the tower")
    assert {result.citations[0].source, result.alternatives[0].citations[0].source} == {
        "a.txt", "b.txt",
    }  # fmt: skip
    assert len(result.alternatives) == 1
    assert result.confidence >= result.alternatives[0].confidence >= 0.5


def test_few_passages_are_shown_and_confidence_is_that_of_many(index: LocalIndex) -> None:
    for number in range(12):
        put(index, f"{number}.txt", f"Keeper {number} lit the lamp.")
    few, many = (ask(index, "who lit the lamp", limit=n, min_confidence=0) for n in (1, 10))
    assert (len(few.passages), len(many.passages)) == (1, 10)
    assert (few.answer, few.confidence) == (many.answer, many.confidence)
    assert few.passages[0] == many.passages[0]
    told: list[int] = []
    reader = SentenceReader(index.embedder, calibration=CALIBRATION)
    options = AnswerOptions(min_confidence=0, limit=2)
    answer("lamp", index, reader, MODELS, options, lambda hits: told.append(len(hits)))
    assert told == [2]


def test_a_document_is_not_its_own_alternative(index: LocalIndex) -> None:
    long = " ".join(f"The lamp number {n} is lit by the keeper at night." for n in range(60))
    put(index, "a.txt", long)
    assert index.store.document(document_id("default", "a.txt")).chunks > 2
    assert ask(index, "is the lamp lit by the keeper at night").alternatives == ()


def test_an_empty_collection_is_told_from_filters_that_leave_nothing(index: LocalIndex) -> None:
    index.store.create_collection("default")
    with pytest.raises(EmptyCollection, match="quoth ingest"):
        ask(index, "why?")
    put(index, "a.txt", EVENING)
    result = ask(index, "why?", filters=Filters(languages=("zh",)))
    assert (result.status, result.passages, result.confidence) == ("no_answer", (), 0.0)


@pytest.mark.parametrize("question", ["", " ", "…", "x" * 4001, "a\ud800"])
def test_questions_that_cannot_be_asked(question: str) -> None:
    with pytest.raises(InvalidQuestion):
        valid_question(question)


def test_a_question_is_trimmed_and_may_be_any_script() -> None:
    assert valid_question(" 为什么？\n") == "为什么？"
    assert valid_question("γιατί;") == "γιατί;"
    assert valid_question("x" * 4000) == "x" * 4000


def test_sentences_of_overlapping_chunks_are_read_once(index: LocalIndex) -> None:
    long = " ".join(f"Sentence number {n} is about one thing or another here." for n in range(60))
    put(index, "a.txt", long)
    hits = index.search("sentence", "default", 10)
    assert sum(len(hit.sentences) for hit in hits) > 60

    class Counting(HashingEmbedder):
        seen = 0

        def embed_passages(self, texts):  # type: ignore[no-untyped-def]
            self.seen += len(texts)
            return super().embed_passages(texts)

    embedder = Counting()
    SentenceReader(embedder, calibration=CALIBRATION).read("sentence", hits)
    assert embedder.seen == 60 + 1  # the question too


def test_probability_is_the_logistic_of_the_weighted_sum() -> None:
    # 1*2 + 2*(-1) + 0.5 = 0.5; 1 / (1 + e^-0.5) = 0.622459...
    calibration = Calibration((1.0, 2.0), 0.5, 0.5)
    assert calibration.probability((2.0, -1.0)) == pytest.approx(0.6224593312)
    assert calibration.probability((1e9, 0.0)) == pytest.approx(1.0)
    assert calibration.probability((-1e9, 0.0)) == pytest.approx(0.0)
