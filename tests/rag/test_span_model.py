from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from tokenizers import processors

from documents.types import Span
from rag.span_model import Passage, SpanModel, _agreed, _whole
from tests.rag.span_fakes import GoldModel, gold_model, word_tokenizer


def whole(text: str) -> Passage:
    return Passage(text, (Span(0, len(text)),))


def test_the_best_word_of_each_passage_with_its_score_over_not_here() -> None:
    texts = ["the lamp gold7 burns", "gold3 and gold5", "nothing"]
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


def test_marks_of_the_sentence_are_no_part_of_an_answer() -> None:
    text = "(unheard-of."
    (found,) = gold_model().find("what", [whole(text)])
    assert found is not None
    assert found.span.of(text) == "unheard-of"


def test_a_particle_in_the_piece_of_a_word_is_no_part_of_an_answer() -> None:
    text = "1936年の"
    (found,) = gold_model().find("what", [whole(text)])
    assert found is not None
    assert found.span.of(text) == "1936年"


def test_blanks_before_a_word_are_no_part_of_it() -> None:
    text = "one\n \t gold6  two"
    (found,) = gold_model().find("what", [whole(text)])
    assert found is not None
    assert found.span == Span(7, 12)


def test_a_question_far_too_long_keeps_its_end_and_leaves_room_for_the_passage() -> None:
    model = gold_model()
    (found,) = model.find("gold9 " + "why " * 500 + "gold1", [whole("x gold2 x")])
    assert found is not None
    assert found.score == 2.0
    (row,) = model._windows("gold9 " + "why " * 500 + "gold1", ["x"])["input_ids"]
    assert (word_tokenizer().decode(row[6]), len(row)) == (
        "gold1",
        11,
    )  # 6 of 48 are the question's


def test_models_that_know_segments_get_them() -> None:
    class Segmented(GoldModel):
        def __call__(self, input_ids: Any, attention_mask: Any, **more: Any) -> Any:
            seen.append(more["token_type_ids"].tolist())
            return super().__call__(input_ids, attention_mask)

    seen: list[Any] = []
    tokenizer = word_tokenizer()
    tokenizer.model_input_names = ["input_ids", "token_type_ids", "attention_mask"]
    tokenizer.backend_tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>",
        pair="<s>:0 $A:0 </s>:0 $B:1 </s>:1",
        special_tokens=[("<s>", 0), ("</s>", 2)],
    )
    SpanModel(Segmented(), tokenizer, "segmented").find("why", [whole("x gold2")])
    assert seen == [[[0, 0, 0, 1, 1, 1, *[0] * 10]]]  # a batch is padded to 16


def test_a_window_that_padding_would_overrun_is_left_as_it_is() -> None:
    class Narrow(GoldModel):
        config = SimpleNamespace(max_position_embeddings=50)

        def __call__(self, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
            widths.append(input_ids.shape[1])
            return super().__call__(input_ids, attention_mask)

    widths: list[int] = []
    model = SpanModel(Narrow(), word_tokenizer(), "narrow")
    found = model.find("why", [whole("x gold2 " + "y " * 200), whole("gold3")])
    assert [one.score for one in found if one] == [2.0, 4.0]
    assert max(widths) == 50


def test_no_passages() -> None:
    assert gold_model().find("what", []) == []


def test_ranges_that_agree_outweigh_a_lone_one_that_is_a_little_likelier() -> None:
    # Pieces 0 to 5. Likelihoods: 0-0 has .4; 3-4, 3-5 and 4-5 have .3, .15 and .15. The expected F1
    # of 0-0 is .4; of 3-4 it is .3 + .15 * 4/5 + .15 * 1/2 = .495; of 3-5 it is
    # .3 * 4/5 + .15 + .15 * 4/5 = .51; of 4-5 it is .3 * 1/2 + .15 * 4/5 + .15 = .42.
    scores = np.full((6, 6), -np.inf, np.float32)
    for (first, last), likelihood in {(0, 0): 0.4, (3, 4): 0.3, (3, 5): 0.15, (4, 5): 0.15}.items():
        scores[first, last] = np.log(likelihood)
    assert _agreed(scores) == (3, 5)
    scores[0, 0] = np.log(0.7)
    assert _agreed(scores) == (0, 0)


@pytest.mark.parametrize(
    ("text", "cut", "expected"),
    [
        ("about 33,000 men", "33", "33,000"),
        ("about 33,000 men", "000", "33,000"),
        ("about 1 234 567 men", "234", "1 234 567"),
        ("in 1953 400 men", "1953", "1953"),
        ("on 27.7.1953 at noon", "1953", "1953"),
        ("on 27.7.1953 at noon", "27", "27"),
        ("it is 3.5 km", "5", "3.5"),
        ("the lighthouse burns", "light", "lighthouse"),
        ("η Σεούλ είναι", "εούλ", "Σεούλ"),
        ("दिल्ली में", "दिल", "दिल्ली"),
        ("北京市政府", "北京", "北京"),  # no blanks: a part may be the answer
        ("في القاهرة", "قاهرة", "قاهرة"),  # the article is joined to the name
        ("서울에서", "서울", "서울"),
    ],
)
def test_an_answer_is_no_half_of_a_word_or_a_number(text: str, cut: str, expected: str) -> None:
    start = text.index(cut)
    assert _whole(whole(text), Span(start, start + len(cut))).of(text) == expected


def test_a_word_is_not_finished_beyond_what_may_be_quoted() -> None:
    text = "one lighthouse"
    passage = Passage(text, (Span(0, 9),))
    assert _whole(passage, Span(4, 9)).of(text) == "light"
