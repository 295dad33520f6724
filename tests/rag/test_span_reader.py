import json
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import pytest

from documents.load import Raw
from documents.types import Span
from index.ingest import ingest
from index.local import open_index
from index.types import Hit
from rag.answer import AnswerOptions, answer
from rag.span_reader import FEATURES, Calibration, Candidate, SpanReader, default_calibration
from rag.types import Answer, Models, Reading
from tests.fakes import HashingEmbedder
from tests.rag.span_fakes import gold_model

# Confidence rises with the lead alone; passages are ordered by the model's score.
LEAD = Calibration((1.0, 0.0), (0.0, 0.0, 1.0, 0.0, 0.0, 0.0), 0.0, (0.5, 0.3))


def hits_of(tmp_path: Path, *texts: str) -> list[Hit]:
    """A hit for each text, in the order given."""
    with open_index(tmp_path, HashingEmbedder()) as index:
        raws = [Raw(text.encode(), f"{n}.txt", f"{n}.txt") for n, text in enumerate(texts)]
        list(ingest(index, "default", raws))
        found = {hit.source: hit for hit in index.search("x", "default", 10)}
    return [replace(found[f"{n}.txt"], rank=n + 1) for n in range(len(texts))]


def answers(readings: list[Reading]) -> list[str]:
    return [reading.hit.sentence_text(reading.answer) for reading in readings]


def test_passages_are_ordered_by_the_model(tmp_path: Path) -> None:
    hits = hits_of(tmp_path, "It says gold3 here.", "It says gold9 here.", "It says gold5 here.")
    readings = SpanReader(gold_model(), calibration=LEAD).read("what", hits)
    assert answers(readings) == ["gold9", "gold5", "gold3"]
    assert [reading.score for reading in readings] == [16.0, 8.0, 4.0]
    # Leads: 16 - 8, 8 - 16, 4 - 16; the logistic of each.
    assert [reading.confidence for reading in readings] == pytest.approx(
        [0.99966465, 0.00033535, 0.00000614], abs=1e-8
    )


def test_search_can_outweigh_the_model(tmp_path: Path) -> None:
    near, far = hits_of(tmp_path, "It says gold3 here.", "It says gold5 here.")
    hits = [replace(near, score=0.9), replace(far, score=0.1)]
    mixed = Calibration((1.0, 6.0), (0.0,) * len(FEATURES), 0.0, (0.5, 0.3))
    # 4 + 6 * .9 = 9.4 against 8 + 6 * .1 = 8.6.
    assert answers(SpanReader(gold_model(), calibration=mixed).read("what", hits)) == [
        "gold3", "gold5",
    ]  # fmt: skip


def test_the_quote_is_the_sentence_around_the_answer(tmp_path: Path) -> None:
    (hit,) = hits_of(tmp_path, "The lamp is old. It was made by gold7 at sea. Nobody knows why.")
    (reading,) = SpanReader(gold_model(), calibration=LEAD).read("who made it", [hit])
    assert hit.sentence_text(reading.quote) == "It was made by gold7 at sea."
    assert hit.sentence_text(reading.answer) == "gold7"


def test_titles_are_read_and_never_quoted(tmp_path: Path) -> None:
    with open_index(tmp_path, HashingEmbedder()) as index:
        raw = Raw(b"# About gold9\n\nThe year was gold4 then.\n", "a.md", "a.md")
        list(ingest(index, "default", [raw]))
        (hit,) = index.search("year", "default", 1)
    (reading,) = SpanReader(gold_model(), calibration=LEAD).read("which year", [hit])
    assert hit.sentence_text(reading.answer) == "gold4"


def ask(tmp_path: Path, *texts: str, threshold: float = 0.5) -> Answer:
    with open_index(tmp_path, HashingEmbedder()) as index:
        raws = [Raw(text.encode(), f"{n}.txt", f"{n}.txt") for n, text in enumerate(texts)]
        list(ingest(index, "default", raws))
        reader = SpanReader(gold_model(), calibration=replace(LEAD, bias=2.0))
        return answer("what", index, reader, Models("h", "g"), AnswerOptions(threshold))


def test_documents_that_agree_are_one_answer_with_a_citation_each(tmp_path: Path) -> None:
    result = ask(tmp_path, "It says gold5 here.", "And gold5 is said there.", "But gold3 it is.")
    assert (result.answer, result.status) == ("gold5", "answered")
    assert {citation.source for citation in result.citations} == {"0.txt", "1.txt"}
    assert [citation.index for citation in result.citations] == [1, 2]
    assert {(c.answer_start, c.answer_end) for c in result.citations} == {(0, 5)}
    assert result.alternatives == ()  # gold3 trails by 4: the logistic of -2 is .12


def test_documents_that_disagree_are_alternatives(tmp_path: Path) -> None:
    result = ask(tmp_path, "It says gold5 here.", "But gold4 it is there.")
    assert result.answer == "gold5"
    (other,) = result.alternatives
    assert (other.answer, other.citations[0].source) == ("gold4", "1.txt")
    assert result.confidence > other.confidence >= 0.5  # leads 2 and -2, and 2 for both


def test_an_answer_that_says_less_is_neither_support_nor_alternative(tmp_path: Path) -> None:
    hits = hits_of(tmp_path, "On 27 July 1953 it ended.", "In 1953 it ended.", "In 1950, no.")
    said = ("27 July 1953", "1953", "1950")
    candidates = [
        Candidate(hit, Span(start := hit.text.index(text), start + len(text)), score)
        for hit, text, score in zip(hits, said, (6.0, 5.0, 4.0), strict=True)
    ]
    judged = SpanReader(gold_model(), calibration=LEAD).judged(candidates, "en")
    assert [entry.group for entry in judged] == [0, None, 1]
    # The year is no rival of the day in it; 1950 is one of both.
    assert [entry.features[2] for entry in judged] == [2.0, 1.0, -2.0]


def test_the_surest_of_answers_that_say_more_or_less_is_given(tmp_path: Path) -> None:
    # Closer vectors make the full date surer than the year, which the model ranks before it.
    near = Calibration((1.0, 0.0), (0.0, 3.0, 0.0, 0.0, 0.0, 0.0), 0.0, (0.5, 0.3))
    texts = ("In 1953 it ended.", "On 27 July 1953 it ended.", "Es war am 27. Juli 1953 zu Ende.")
    hits = hits_of(tmp_path, *texts)
    said = ("1953", "27 July 1953", "27. Juli 1953")
    candidates = [
        Candidate(replace(hit, language=language, dense_score=cosine), Span(start := hit.text.index(text), start + len(text)), score)
        for hit, text, language, cosine, score in zip(
            hits, said, ("en", "nl", "de"), (0.1, 0.7, 0.7), (6.0, 5.0, 4.0), strict=True
        )
    ]  # fmt: skip
    judged = SpanReader(gold_model(), calibration=near).judged(candidates, "en")
    # The logistic of 3 times -.4, and .2.
    assert [entry.confidence for entry in judged] == pytest.approx([0.231, 0.646, 0.646], abs=1e-3)
    assert [entry.group for entry in judged] == [None, 0, 0]


@pytest.mark.parametrize(("language", "threshold"), [("de", 0.5), ("de-AT", 0.5), ("el", 0.3)])
def test_what_an_answer_must_reach_goes_by_the_language_of_the_passage(
    tmp_path: Path, language: str, threshold: float
) -> None:
    (hit,) = hits_of(tmp_path, "It says gold7 here.")
    hit = replace(hit, language=language)
    reader = SpanReader(gold_model(), calibration=LEAD)
    (reading,) = reader.read("Wie hoch ist der Turm der Kirche?", [hit])
    assert reading.threshold == threshold


def test_what_its_own_document_says_besides_is_no_rival(tmp_path: Path) -> None:
    first, second = hits_of(tmp_path, "It says gold7 here.", "It says gold3 here.")
    for document, lead in ((second.document_id, 4.0), (first.document_id, 20.0)):
        candidates = [
            Candidate(first, Span(8, 13), 7.0),
            Candidate(replace(second, document_id=document), Span(8, 13), 3.0),
        ]
        judged = SpanReader(gold_model(), calibration=LEAD).judged(candidates, "en")
        assert judged[0].features[:3] == (7.0, pytest.approx(0, abs=1), lead)
        assert judged[0].features[3:] == (0, 0, 0)


def test_an_answer_is_not_surer_than_the_better_one_of_its_own_document(tmp_path: Path) -> None:
    first, second = hits_of(tmp_path, "It says gold7 here.", "It says gold3 here.")
    candidates = [
        Candidate(first, Span(8, 13), 7.0),
        Candidate(replace(second, document_id=first.document_id), Span(8, 13), 3.0),
    ]
    judged = SpanReader(gold_model(), calibration=LEAD).judged(candidates, "en")
    assert [entry.features[2] for entry in judged] == [20.0, -4.0]


def test_the_best_passage_of_a_document_speaks_for_it(tmp_path: Path) -> None:
    with open_index(tmp_path, HashingEmbedder()) as index:
        raws = [Raw(text.encode(), f"{n}.txt", f"{n}.txt") for n, text in enumerate(("a b", "c d"))]
        list(ingest(index, "default", raws))
        found = {hit.source: hit for hit in index.search("x", "default", 10)}

        def reading(source: str, confidence: float) -> Reading:
            hit, span = found[source], Span(0, 3)
            return Reading(hit, span, span, confidence, confidence, threshold=0.5, group=0)

        class Fixed:
            name = "fixed"

            def read(self, question: str, hits: object) -> list[Reading]:
                return [reading("0.txt", 0.94), reading("1.txt", 0.55), reading("0.txt", 0.5)]

        given = answer("which", index, Fixed(), Models("e", "r"), AnswerOptions(0.5))
    assert (given.answer, given.confidence) == ("a b", 0.94)
    assert [citation.source for citation in given.citations] == ["0.txt", "1.txt"]


def test_the_passages_of_a_response_are_in_the_readers_order(tmp_path: Path) -> None:
    result = ask(tmp_path, "It says gold2 here.", "It says gold8 here.", "It says gold5 here.")
    assert [(hit.rank, hit.source) for hit in result.passages] == [
        (1, "1.txt"), (2, "2.txt"), (3, "0.txt"),
    ]  # fmt: skip


def test_the_shipped_calibration_has_a_weight_for_each_feature() -> None:
    values = json.loads((files("rag") / "reader-calibration.json").read_text("utf-8"))
    assert values["features"] == list(FEATURES)
    calibration = default_calibration()
    assert len(calibration.weights) == len(FEATURES)
    assert all(0 < threshold < 1 for threshold in calibration.thresholds)
    # More of each of these never makes an answer less sure, in whatever language.
    score, cosine_lead, lead, _foreign, foreign_score, foreign_cosine_lead = calibration.weights
    assert min(score, cosine_lead, lead) > 0
    assert min(score + foreign_score, cosine_lead + foreign_cosine_lead) > 0


def test_a_passage_in_another_language_is_weighed_by_its_own_terms(tmp_path: Path) -> None:
    hits = hits_of(tmp_path, "It says gold9 here.", "It says gold3 here.")
    english = [replace(hit, language="en", dense_score=0.5 / hit.rank) for hit in hits]
    reader = SpanReader(gold_model(), calibration=LEAD)
    candidates = reader.candidates("what", english)
    assert reader.judged(candidates, "de")[0].features[3:] == (1.0, 16.0, pytest.approx(0.125))
    for same in ("en-GB", "und"):
        assert reader.judged(candidates, same)[0].features[3:] == (0, 0, 0)
