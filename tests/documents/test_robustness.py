"""Large and twisted input: read in a time that grows with its size, and nothing lost.

The sizes make anything quadratic run into the time limit of a test.
"""

import pytest

from documents.chunk import ChunkOptions, chunk, rejoin
from documents.errors import EmptyDocument
from tests.documents.samples import count_words, document

PLAIN = {
    "a line without spaces": "a" * 1_000_000,
    "characters without spaces": "和" * 300_000,
    "full stops": "a." * 500_000,
    "full stops and spaces": "a. " * 100_000,
    "ordinals": "1. " * 100_000 + "a",
    "short lines": "short line\n" * 40_000,
    "short paragraphs": "short one.\n\n" * 20_000,
    "line breaks": "a" + "\n" * 1_000_000 + "b",
    "indented line breaks": "a" + "\n " * 500_000 + "b",
    "blanks": "a" + " " * 1_000_000 + "b.",
    "brackets": "[ " * 100_000 + "a",
    "links that never end": "](a" * 100_000,
    "references": "a" + "[1]" * 100_000,
    "loose digits": "a." + "  1" * 100_000 + "x",
    "accents": "a" + "\u0301" * 100_000,
    "Thai": "ก " * 100_000,
}
MARKED = {
    "quotes": "> " * 1_000 + "deep",
    "growing quotes": "\n".join("> " * i + "deep" for i in range(1_000)),
    "lists": "\n".join("  " * i + "- deep" for i in range(1_000)),
    "wrapped lines": "word line\n" * 60_000,
    "brackets": "[" * 100_000 + "a" + "]" * 100_000,
    "emphasis": "*a **b " * 20_000,
    "code": "`a``" * 20_000,
    "tags": "<a " * 30_000,
    "comments": "<!-- " * 30_000 + "-->\n\na",
    "scripts": "<div>\n" + "<script " * 30_000 + "\n\na",
    "tables": "|a|b|\n|-|-|\n" + "|c|d|\n" * 8_000,
    "front matter": "---\n" + "a: {" * 100_000 + "\n---\na",
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    ("name", "text"),
    [("a.txt", text) for text in PLAIN.values()] + [("a.md", text) for text in MARKED.values()],
    ids=[*PLAIN, *(f"marked {name}" for name in MARKED)],
)
def test_twisted_text(name: str, text: str) -> None:
    found = document(text, name, language="de")
    chunks = chunk(found, count_words, ChunkOptions())
    assert rejoin(found.text, chunks).strip() == found.text.strip()
    assert max(count_words([part.span.of(found.text)])[0] for part in chunks) <= 256
    if name == "a.txt" and "[1]" not in text:
        visible = "".join(found.text.split())
        assert visible == "".join(text.split())


def test_no_words_are_lost_in_depth() -> None:
    assert document(MARKED["quotes"], "a.md").text.endswith("deep")
    assert document(MARKED["growing quotes"], "a.md").text.count("deep") == 1_000
    assert document(MARKED["lists"], "a.md").text.count("deep") == 1_000


@pytest.mark.parametrize("text", ["。" * 100_000, "」" * 100_000, '"' * 100_000, "( " * 100_000])
def test_marks_alone_are_no_words(text: str) -> None:
    with pytest.raises(EmptyDocument):
        document(text)


def test_text_from_right_to_left_keeps_its_order_and_marks() -> None:
    text = "\u202bשלום עולם.\u202c \u2067متى؟\u2069 عدد 3.5 هنا."
    found = document(text, language="he")
    assert found.text == text
    spans = chunk(found, count_words, ChunkOptions())[0].sentences
    assert "".join(span.of(text) for span in spans).replace(" ", "") == text.replace(" ", "")
