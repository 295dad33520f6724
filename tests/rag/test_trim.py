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
    span = trimmed(around, Span(2, 2 + len(text)))
    assert around[span.start : span.end] == answer
