"""What an answer keeps of the marks at its ends."""

import pytest

from documents.types import Span
from rag.trim import trimmed


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("1992.", "1992"),
        ("華爾街日報》", "華爾街日報"),
        ("《華爾街日報》", "《華爾街日報》"),
        ("«Война и мир", "Война и мир"),
        ("„Faust“", "„Faust“"),
        ("„Pan Tadeusz”", "„Pan Tadeusz”"),
        ("»Faust«,", "»Faust«"),
        ('"Sweet Caroline', "Sweet Caroline"),
        ('"Sweet Caroline"', '"Sweet Caroline"'),
        ("(since 1997", "since 1997"),
        ("the Treaty of Paris (1856)", "the Treaty of Paris (1856)"),
        ("Treaty of Paris (", "Treaty of Paris"),
        ("Washington, D.C.", "Washington, D.C."),
        ("Martin Luther King Jr.", "Martin Luther King Jr."),
        ("the bridge was closed.", "the bridge was closed"),
        ("Yahoo!", "Yahoo!"),
        ("in Oslo.", "in Oslo"),
        ("World War I.", "World War I"),
        ("NATO.", "NATO"),
        ('"Yes" and "No"', '"Yes" and "No"'),
        ('"Yes" and "No', '"Yes" and "No'),
        ('"צה"ל"', '"צה"ל"'),
        ('צה"ל', 'צה"ל'),
        ("”Röda rummet”", "”Röda rummet”"),
        ("»Kalle»", "»Kalle»"),
        ("’s-Hertogenbosch", "’s-Hertogenbosch"),
        ("the boys’", "the boys’"),
        ("5'10\"", "5'10\""),
        ("کراچی۔", "کراچی"),
        ("القاهرة.\u200f", "القاهرة"),
        ("-12 °C", "-12 °C"),
        ("نهر النيل،", "نهر النيل"),
        ("गंगा नदी।", "गंगा नदी"),
        ("東京、", "東京"),
        ("...", "..."),
        (" , ", " , "),
    ],
)
def test_marks_without_their_partner_or_of_the_sentence_are_not_the_answers(
    text: str, answer: str
) -> None:
    around = f"« {text} » (…"
    assert outcome(around, text) == answer


@pytest.mark.parametrize(
    ("text", "after", "answer"),
    [
        ("1900-luvun 2.", " puolella", "1900-luvun 2."),
        ("5 млн.", " рублей", "5 млн."),
        ("im Jahr 17.", " Danach", "im Jahr 17"),
        ("at 5 p.m.", " Then", "at 5 p.m."),
    ],
)
def test_a_stop_that_its_sentence_goes_on_after_is_the_words(
    text: str, after: str, answer: str
) -> None:
    assert outcome(f"« {text}{after}", text) == answer


def outcome(around: str, text: str) -> str:
    span = trimmed(around, Span(2, 2 + len(text)))
    return around[span.start : span.end]
