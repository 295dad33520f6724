"""Markdown: the words stay, the markup goes."""

import pytest

from documents.formats.markdown import looks_like_markdown, parse
from documents.load import Raw, load
from tests.documents.samples import document, split


def text(source: str) -> str:
    return parse(source).text


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        # Lists, nested and loose.
        ("- one\n  - two\n    1. three\n- four\n", "one\ntwo\nthree\nfour"),
        ("1. one\n2. two\n", "one\ntwo"),
        ("- [x] done\n- [ ] open\n", "done\nopen"),
        # Tables.
        ("|a|b|\n|-|:-:|\n|c|`d`|\n|e||\n", "a | b\nc | d\ne |"),
        # Code keeps its indentation and its brackets, blanks and numbers.
        (
            "```python\ndef f():\n    return a[1] + b[2], [], ()\n```\n",
            "def f():\n    return a[1] + b[2], [], ()",
        ),
        ("    x  =  (  )\n    y]]\n", "x  =  (  )\ny]]"),
        (
            "Call `main()`, or `a[1]` then `a[2]`, for `[]` and `()`.",
            "Call main(), or a[1] then a[2], for [] and ().",
        ),
        # Entities and escapes.
        ("a &amp; b &lt; c &#65; &nosuch; \\* \\[x\\]", "a & b < c A &nosuch; * [x]"),
        # HTML: words within it stay.
        (
            "<div class='x'>\n<p>Hello <b>you</b> &amp; me.</p>\n<!-- no -->\n</div>\n",
            "\nHello you & me.",
        ),
        ("<script>\nvar x = 1;\n</script>\n\nText.", "Text."),
        ("A <b>bold</b> word<br>and a line.", "A bold word\nand a line."),
        # Pictures go, links stay without their address.
        ('See ![alt](p.png) the [report.pdf](http://x.y/report.pdf "t").', "See the report.pdf."),
        ("[shown][ref] and [ref].\n\n[ref]: http://x.y 'T'\n", "shown and ref."),
        ("<https://x.y/z> and [[Page]] and [[Page|name]].", "https://x.y/z and Page and name."),
        # Footnotes.
        ("Text[^1] goes on.\n\n[^1]: The note.\n", "Text goes on.\n\nThe note."),
        # Line breaks: wraps are blanks, or nothing between wide characters; hard ones stay.
        ("one\r\ntwo\r\n\r\nthree\r\n", "one two\n\nthree"),
        ("one  \ntwo\\\nthree", "one\ntwo\nthree"),
        ("朝鲜\n战争 in\n1950", "朝鲜战争 in 1950"),
        # Emphasis inside words, setext headings, nested quotes.
        ("un*frigging*believ**able** a_b_c 2*3*4", "unfriggingbelievable a_b_c 234"),
        ("Title\n=====\n\nPart\n----\n\nText.", "Title\n\nPart\n\nText."),
        ("> a\n> > b\n> > c\n>\n> d\n", "a\n\nb c\n\nd"),
        # What brackets an author wrote is kept; what a converter left is not.
        ("The interval [0, 1) and (0, 1] and [a].", "The interval [0, 1) and (0, 1] and [a]."),
        ("Kim\\]\\] said （）so ( ).", "Kim said so ."),
    ],
)
def test_markup(source: str, expected: str) -> None:
    assert text(source).strip() == expected.strip()


def test_front_matter() -> None:
    found = parse(
        "---\ntitle: A Title\nlang: el_GR\ndate: 2024-02-30\nver: 1.10\ntags: [a]\nempty:\n---\n\n# Other\n\nText.\n"
    )
    assert (found.title, found.language) == ("A Title", "el_GR")
    assert found.metadata == {"date": "2024-02-30", "ver": "1.10"}
    assert found.text == "Other\n\nText."
    assert document("---\nlang: el_GR\n---\nText.\n", "a.md").language == "el-GR"


@pytest.mark.parametrize(
    "header",
    [
        "a: [",
        "- 1",
        "a: b: c",
        "? [x]\n: y",
        "a: !!python/object:os.system x",
        "&a a: *b",
        "[" * 9000,
        "x: y\n" * 9000,
    ],
)
def test_broken_front_matter_is_treated_as_absent(header: str) -> None:
    found = parse(f"---\n{header}\n---\n\nText.\n")
    assert found.text == "Text."
    assert found.title == ""


@pytest.mark.parametrize(
    ("written", "language"), [("no", "no"), ("Norsk bokmål", "nb"), ("und", "nb")]
)
def test_a_declared_language_is_believed_only_if_it_is_a_tag(written: str, language: str) -> None:
    body = (
        "Våpenhvilen ble undertegnet i juli, og siden har grensen mellom de to landene vært stengt."
    )
    assert document(f"---\nlang: {written}\n---\n\n{body}\n", "a.md").language == language


def test_footnote_references_go_where_they_count_up() -> None:
    assert text("War.[1] Peace.[2][3] End.") == "War. Peace. End."
    assert text("War.[7] Peace.[9]") == "War.[7] Peace.[9]"
    assert text("As in [1] and [2].") == "As in [1] and [2]."


def test_headings_and_title() -> None:
    found = parse("## Small\n\n# Big *one*\n\nText.\n")
    assert [(b.kind, b.level, b.span.of(found.text)) for b in found.blocks] == [
        ("heading", 2, "Small"),
        ("heading", 1, "Big one"),
        ("paragraph", 0, "Text."),
    ]
    assert found.title == "Big one"


def test_pictures_that_became_links_go() -> None:
    assert text('[a.jpg](http://x/File:a.jpg "fig:a.jpg")Text.') == "Text."


def test_quotes_point_into_the_source() -> None:
    source = "# Ü\n\nThe [*big*](http://x.y) w&auml;r \\* end.\n"
    found = load(Raw(source.encode(), "a.md", "a.md"), "id")
    from documents.types import Span

    start = found.text.index("big")
    where = found.alignment.to_source(Span(start, start + 3))
    assert where is not None
    assert where.of(source) == "big"
    start = found.text.index("The")
    where = found.alignment.to_source(Span(start, found.text.index("*") + 1))
    assert where is not None
    assert where.of(source) == "The [*big*](http://x.y) w&auml;r \\*"


def test_sentences_of_wrapped_quotes_are_whole() -> None:
    assert split("> One long\n> sentence here. Two\n> as well.\n", "a.md") == [
        "One long sentence here.",
        "Two as well.",
    ]


@pytest.mark.parametrize(
    ("source", "is_marked"),
    [
        ('[a](http://b) and [c](d "wikilink")', True),
        ("# A\n\n## B\n", True),
        ("A plain text, with (brackets) and [brackets].\n#hashtag\n", False),
        ("f[a](b)", False),
    ],
)
def test_plain_text_full_of_markup_is_read_as_markdown(source: str, is_marked: bool) -> None:
    assert looks_like_markdown(source) is is_marked
