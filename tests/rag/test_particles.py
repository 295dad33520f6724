"""Answers lose the particle that the tokenizer joined to them, and nothing else."""

import pytest

from documents.types import Span
from rag.particles import without_particles


@pytest.mark.parametrize(
    ("pieces", "answer"),
    [
        (("19", "36", "年の"), "1936年"),
        (("日本の",), "日本"),
        (("3", "つの"), "3つ"),
        (("11", "月", "20", "日から"), "11月20日"),
        (("ピ", "アノ", "スの"), "ピアノス"),
        (("もの",), "もの"),
        (("鹿の", "つの"), "鹿のつの"),
        (("いつも",), "いつも"),
        (("の中", "島美", "嘉"), "中島美嘉"),
        (("東京", "の"), "東京の"),  # a piece of its own was the model's choice
        (("200", "人的"), "200人"),
        (("2004", "年在"), "2004年"),
        (("主要", "目的"), "主要目的"),
        (("存在",), "存在"),
        (("广东", "美的"), "广东美的"),
        (("是中国", "人"), "中国人"),
        (("的确",), "的确"),
        (("1989", "년에"), "1989년"),
        (("200", "명은"), "200명"),
        (("마을",), "마을"),
        (("3", "만", " 명이"), "3만 명"),
        (("1998", "년도"), "1998년도"),
        (("미국", "으로부터"), "미국으로부터"),
        (("라부", "아", "지에"), "라부아지에"),
        (("제도",), "제도"),
        (("ในประเทศ", "ไทย"), "ประเทศไทย"),
        (("ของเล่น",), "ของเล่น"),
        (("โดยการ", "เผา"), "โดยการเผา"),
        (("the", " Bosphorus"), "the Bosphorus"),
    ],
)
def test_a_particle_inside_the_last_or_first_piece(pieces: tuple[str, ...], answer: str) -> None:
    before = "と、"
    text = before + "".join(pieces) + "である。"
    first = Span(len(before), len(before) + len(pieces[0]))
    end = len(before) + len("".join(pieces))
    span = without_particles(text, first, Span(end - len(pieces[-1]), end))
    assert text[span.start : span.end] == answer
