"""Chunks: nothing lost, nothing moved, nothing over the budget."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.chunk import ChunkOptions, chunk, rejoin
from documents.encoding import decode
from documents.errors import DocumentError
from documents.segment import sentences
from documents.types import Chunk, Document
from tests.documents.samples import (
    SAMPLES,
    UNSPACED,
    count_words,
    document,
    paragraph,
    texts,
    udhr,
)
from tests.shared_data import needs_data


def check(found: Document, source: str, options: ChunkOptions) -> list[Chunk]:
    """Every promise about a document and its chunks."""
    text = found.text
    runs = found.alignment.runs
    for run in runs:
        kept = source[run.source_start : run.source_start + run.length]
        assert text[run.text_start : run.text_start + run.length] == kept
    for a, b in pairwise(runs):
        assert a.text_start + a.length <= b.text_start
        assert a.source_start + a.length <= b.source_start

    for a, b in pairwise(found.blocks):
        assert a.span.end <= b.span.start
    spans = [span for span, _ in sentences(text, found.blocks, found.language)]
    end = 0
    for span in spans:
        assert text[end : span.start].strip() == ""
        assert span.of(text) == span.of(text).strip() != ""
        end = span.end
    assert text[end:].strip() == ""

    chunks = chunk(found, count_words, options)
    assert [part.ordinal for part in chunks] == list(range(len(chunks)))
    assert rejoin(text, chunks).strip() == text.strip()
    covered = [False] * len(text)
    for part in chunks:
        covered[part.span.start : part.span.end] = [True] * (part.span.end - part.span.start)
        assert part.sentences
        end = part.span.start
        for span in part.sentences:
            assert end <= span.start < span.end <= part.span.end
            end = span.end
        body = part.span.of(text)
        assert count_words([body])[0] <= options.max_tokens or len(body) == 1
        assert sum(count_words(list(part.headings))) <= options.max_heading_tokens
    assert all(inside or text[i].isspace() for i, inside in enumerate(covered))
    for a, b in pairwise(chunks):
        assert a.span.start < b.span.start
        assert a.span.end < b.span.end
    return chunks


@settings(max_examples=150)
@given(
    texts,
    st.sampled_from(["a.txt", "a.md"]),
    st.sampled_from(["", "en", "zh", "th", "de", "ja", "xx"]),
    st.sampled_from([(16, 1), (16, 0), (40, 3), (256, 1)]),
)
def test_any_text(text: str, name: str, language: str, budget: tuple[int, int]) -> None:
    try:
        found = document(text, name, language=language)
    except DocumentError:
        return
    # A few characters that are mostly controls can be UTF-16 just as well.
    source = decode(text.encode()).text
    check(found, source.removeprefix("\ufeff"), ChunkOptions(budget[0], budget[1]))


@pytest.mark.parametrize("language", SAMPLES)
def test_the_samples(language: str) -> None:
    text = f"{paragraph(language)}\n\n{paragraph(language)}\n" * 5
    chunks = check(document(text, language=language), text, ChunkOptions(32))
    assert len(chunks) > 1


@needs_data
def test_every_language_of_the_declaration() -> None:
    languages = udhr()
    assert len(languages) == 88
    for tag, articles in languages:
        text = "\n\n".join(articles)
        chunks = check(document(text, language=tag), text, ChunkOptions(64))
        assert len(chunks) >= 10, tag


def spans(
    text: str, options: ChunkOptions, name: str = "a.md"
) -> list[tuple[str, tuple[str, ...]]]:
    found = document(text, name)
    return [
        (part.span.of(found.text), part.headings) for part in chunk(found, count_words, options)
    ]


def test_chunks_overlap_by_sentences() -> None:
    # Each sentence is 4 tokens: two fit into nine, and a quarter of 16 allows one to be repeated.
    text = "Aaaa bbbb cccc dd1. Eeee ffff gggg hh2. Iiii jjjj kkkk ll3. Mmmm nnnn oooo pp4. Q."
    assert spans(text, ChunkOptions(16, overlap_sentences=1)) == [
        ("Aaaa bbbb cccc dd1. Eeee ffff gggg hh2. Iiii jjjj kkkk ll3. Mmmm nnnn oooo pp4.", ()),
        ("Mmmm nnnn oooo pp4. Q.", ()),
    ]
    assert [body for body, _ in spans(text, ChunkOptions(8, overlap_sentences=0))] == [
        "Aaaa bbbb cccc dd1. Eeee ffff gggg hh2.",
        "Iiii jjjj kkkk ll3. Mmmm nnnn oooo pp4.",
        "Q.",
    ]


def test_a_heading_opens_a_chunk_and_names_those_below() -> None:
    text = "# Top\n\nOne.\n\n## Part\n\nTwo.\n\n### Deep\n\nThree.\n\n## Other\n\nFour.\n"
    assert spans(text, ChunkOptions()) == [
        ("Top\n\nOne.", ()),
        ("Part\n\nTwo.", ("Top",)),
        ("Deep\n\nThree.", ("Top", "Part")),
        ("Other\n\nFour.", ("Top",)),
    ]


def test_headings_are_not_quoted_unless_they_are_alone() -> None:
    found = document("# Top\n\nOne.\n\n# End\n", "a.md")
    quoted = [
        [span.of(found.text) for span in part.sentences]
        for part in chunk(found, count_words, ChunkOptions())
    ]
    assert quoted == [["One."], ["End"]]


def test_a_long_path_of_headings_loses_its_outer_titles() -> None:
    text = "# Aaaa aaaa aaaa\n\nX.\n\n## Bbbb bbbb\n\nY.\n\n### Cccc\n\nText.\n"
    assert spans(text, ChunkOptions(8, max_heading_tokens=4))[-1] == (
        "Cccc\n\nText.",
        ("Bbbb bbbb",),
    )


def test_a_sentence_over_the_budget_is_cut_at_blanks() -> None:
    text = "word " * 100 + "end."
    parts = [body for body, _ in spans(text, ChunkOptions(16, overlap_sentences=0))]
    assert len(parts) > 6
    assert all(part.split()[0] in ("word", "end.") and not part.endswith(" ") for part in parts)
    assert " ".join(parts) == text


def test_a_cut_leaves_marks_with_their_letters() -> None:
    text = "กี้" * 3000
    found = document(text, language="th")
    for part in chunk(found, count_words, ChunkOptions(16)):
        assert part.span.of(found.text)[0] == "ก"


def test_chunks_say_their_own_language() -> None:
    text = "\n\n".join([paragraph("en") * 4, paragraph("el") * 4])
    chunks = chunk(document(text, language="en"), count_words, ChunkOptions(90))
    assert (chunks[0].language, chunks[-1].language) == ("en", "el")


def test_rejoining_nothing() -> None:
    assert rejoin("text", []) == ""


def test_unspaced_samples_are_known() -> None:
    assert set(SAMPLES) > UNSPACED


def test_the_overlap_takes_at_most_a_quarter_of_the_budget() -> None:
    # The last sentence of the first chunk has five tokens, and a quarter of 16 is four.
    text = "Aaaa bbbb cccc dd1. Eeee ffff gg2. Iiii jjjj kkkk llll mm3. Mmmm nnnn oooo pppp qq4."
    assert [body for body, _ in spans(text, ChunkOptions(16))] == [
        "Aaaa bbbb cccc dd1. Eeee ffff gg2. Iiii jjjj kkkk llll mm3.",
        "Mmmm nnnn oooo pppp qq4.",
    ]
