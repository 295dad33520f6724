from documents.types import Span
from rag.span_model import Passage
from tests.rag.span_fakes import gold_model


def whole(text: str) -> Passage:
    return Passage(text, (Span(0, len(text)),))


def test_the_best_word_of_each_passage_with_its_score_over_not_here() -> None:
    texts = ["the lamp gold7 burns", "gold3 and gold5", "nothing in this one"]
    found = gold_model().find("what burns", [whole(text) for text in texts])
    # Start and end logits 7 + 7, against 1 + 1 for "not here".
    assert [(f.span.of(t), f.score) for f, t in zip(found, texts, strict=True) if f] == [
        ("gold7", 12.0),
        ("gold5", 8.0),
        ("nothing", -4.0),
    ]


def test_passages_of_many_lengths_come_back_in_order() -> None:
    passages = [whole("x " * n + f"gold{n}") for n in (9, 1, 19, 5, 13)]
    found = gold_model(batch_pieces=60).find("which", passages)
    assert [f.span.of(p.text) for f, p in zip(found, passages, strict=True) if f] == [
        "gold9", "gold1", "gold19", "gold5", "gold13",
    ]  # fmt: skip


def test_only_what_may_be_quoted_is_found() -> None:
    text = "Title gold9\nSome words. Then gold4 comes."
    sentences = (Span(12, 23), Span(24, len(text)))
    (found,) = gold_model().find("what", [Passage(text, sentences)])
    assert found is not None
    assert (found.span.of(text), found.score) == ("gold4", 6.0)
    assert gold_model().find("what", [Passage(text, ())]) == [None]


def test_a_long_passage_is_read_in_windows_that_overlap() -> None:
    for place in range(0, 200, 7):
        words = ["x"] * 200
        words[place] = "gold8"
        text = " ".join(words)
        (found,) = gold_model().find("what", [whole(text)])
        assert found is not None
        assert found.span.of(text) == "gold8"


def test_blanks_before_a_word_are_no_part_of_it() -> None:
    text = "one\n \t gold6  two"
    (found,) = gold_model().find("what", [whole(text)])
    assert found is not None
    assert found.span == Span(7, 12)


def test_a_question_far_too_long_still_leaves_room_for_the_passage() -> None:
    (found,) = gold_model().find("why " * 500, [whole("x gold2 x")])
    assert found is not None
    assert found.score == 2.0


def test_no_passages() -> None:
    assert gold_model().find("what", []) == []
