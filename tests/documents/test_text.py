"""Plain text: what layout means, and what is an author's own."""

import textwrap

import pytest

from documents.aligned import AlignedText
from documents.formats.cleaning import clean
from documents.formats.text import parse
from tests.documents.samples import paragraph, split


def text(source: str) -> str:
    return parse(source).text


PROSE = (
    "The ferry left the old harbour before dawn, and nobody on the pier noticed that the "
    "second lifeboat was missing. By noon the wind had turned and the captain, who had never "
    "liked the northern route, ordered the crew to wait in the bay until the following day."
)


def test_hard_wraps_are_joined() -> None:
    wrapped = textwrap.fill(PROSE, 72)
    assert text(wrapped) == PROSE
    assert text(f"{wrapped}\n\n{wrapped}\r\n".replace("\n", "\r\n")) == f"{PROSE}\n\n{PROSE}"
    assert text(textwrap.fill(PROSE, 72, initial_indent="  ")) == PROSE
    # Two lines go by the width of the rest.
    short = PROSE[:110]
    assert text(f"{wrapped}\n\n{textwrap.fill(short, 72)}") == f"{PROSE}\n\n{short}"
    assert text(textwrap.fill(short, 72)).count("\n") == 1


def test_hard_wraps_without_spaces_leave_none() -> None:
    prose = paragraph("zh") * 10
    lines = [prose[i : i + 35] for i in range(0, len(prose), 35)]
    assert text("\n".join(lines)) == prose


def test_wrapped_items_of_a_list_stay_items() -> None:
    items = [f"- {PROSE}", f"- {PROSE[::-1].capitalize()}"]
    assert text(
        "\n".join(textwrap.fill(item, 72, subsequent_indent="  ") for item in items)
    ) == "\n".join(items)


@pytest.mark.parametrize(
    "lines",
    [
        [
            "I wandered lonely as a cloud",
            "That floats on high o'er vales and hills,",
            "When all at once I saw a crowd,",
            "A host, of golden daffodils;",
        ],
        [
            "Across the fields of yesterday he sometimes comes to me,",
            "A little lad just back from play, the lad I used to be",
            "And yet he smiles so wistfully once he has crept within",
            "I wonder if he hopes to see the man I might have been",
        ],
        ["Row, row, row your boat", "Row, row, row your boat", "Gently down the stream."],
        ["床前明月光", "疑是地上霜", "举头望明月", "低头思故乡"],
        [
            "Apples 3",
            "Pears 4",
            "A much longer item that goes on for more than seventy columns of text",
            "Figs",
        ],
    ],
)
def test_poems_and_lists_keep_their_lines(lines: list[str]) -> None:
    assert text("\n".join(lines)) == "\n".join(lines)
    assert all(block.kind == "paragraph" for block in parse("\n".join(lines)).blocks)


def test_headings() -> None:
    found = parse(f"The Ferry\n\n{PROSE}\nWhat came after\n{PROSE}\n")
    assert [b.span.of(found.text) for b in found.blocks if b.kind == "heading"] == [
        "The Ferry",
        "What came after",
    ]
    assert found.title == "The Ferry"
    assert parse(f"{PROSE}\nand so it went on\n{PROSE}").blocks[1].kind == "paragraph"


@pytest.mark.parametrize(
    "line", ["- an item", "1. first", "Several points follow:", "It ended.", "12345", "***"]
)
def test_no_headings(line: str) -> None:
    assert all(block.kind == "paragraph" for block in parse(f"{line}\n\n{PROSE}").blocks)


def test_loose_footnote_numbers_go_where_they_count_up() -> None:
    source = "It began in 1950. 1  It went on, 2  they say. 3  4  It ended. 5 \nThat was «all». 6\n"
    assert text(source) == "It began in 1950. It went on, they say. It ended.\nThat was «all»."
    assert split(source, language="en") == [
        "It began in 1950.",
        "It went on, they say.",
        "It ended.",
        "That was «all».",
    ]


@pytest.mark.parametrize(
    "source",
    [
        # Dates and amounts.
        "He led the troop. 12 men followed. 13 came back. 14 stayed.",
        "They met on 1 May. 2 June was worse. 3 July was the end.",
        # Numbers that count up, but not as footnotes do.
        "1.1  Beginnings\n1.2  Methods\n1.3  Results",
        "Version 3.1  and 3.2  and 3.3  are old.",
        "Introduction...... 1\nMethods...... 2\nResults...... 3",
        "Apples: 1\nPears: 2\nFigs: 3",
        "Apples, 1\nPears, 2\nFigs, 3",
        "We won. 1\nWe lost. 2",
        "1. one\n2. two\n3. three",
        # Numbers that do not begin with 1, or run ahead.
        "Gone. 4  Then. 5  More. 6  Done.",
        "Gone. 1  Then. 7  More. 9  Done.",
        # Years are no footnotes.
        "Born. 1950  Died. 1951  Gone. 1952  Done.",
    ],
)
def test_an_authors_numbers_stay(source: str) -> None:
    squeezed = "\n".join(" ".join(line.split()) for line in source.split("\n"))
    assert text(source) == squeezed


def test_a_line_that_announces_the_title_goes() -> None:
    assert text("You are viewing: The Ferry\n\nThe Ferry\n\nText.") == "The Ferry\n\nText."
    assert text("You are viewing: The Ferry\nThe Ferry\n\nText.").startswith("You are viewing")
    refrain = "The sea was calm.\n\nAnd so it was: the sea was calm.\n\n" * 3
    assert text(f"{PROSE}\n\n" * 5 + refrain).count("calm") == 6


def test_invisible_characters() -> None:
    # A soft hyphen, a byte order mark and a bell go; joiners and marks of direction mean something.
    assert (
        text("co\u00adope\ufeffrate\x07 می\u200cروم \u200fא\u200e a\u200bb")
        == "cooperate می\u200cروم \u200fא\u200e a\u200bb"
    )
    assert text("a \t b\u00a0\u00a0c  \n\u3000 d") == "a b c\nd"
    assert text("one\u2028two\x85three\x0cfour") == "one\ntwo\nthree\nfour"


def test_code_like_brackets_stay() -> None:
    source = "Call main() or f ( ) with [] and [0, 1) now."
    assert text(source) == source


def test_blanks_at_the_end_of_a_line_go() -> None:
    # Within a block only Markdown has lines; the blank before a hard break is no text.
    assert clean(AlignedText.whole("one  \ntwo \t\n three ")).text == "one\ntwo\n three"


def test_ragged_lines_are_no_wrap() -> None:
    ragged = "a short line\nthen one that goes on for so much longer than the others\nand a short one\nor two"
    assert text(ragged) == ragged
