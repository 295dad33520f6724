"""Text with its alignment, against an oracle of single characters."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from documents.aligned import AlignedText, Edit
from documents.types import Alignment, Run, Span

Oracle = list[tuple[str, int | None]]


def characters(text: AlignedText) -> Oracle:
    """Each character with its place in the original, read off the runs."""
    places: list[int | None] = [None] * len(text.text)
    for run in text.runs:
        for i in range(run.length):
            assert places[run.text_start + i] is None
            places[run.text_start + i] = run.source_start + i
    return list(zip(text.text, places, strict=True))


def ascends(runs: tuple[Run, ...]) -> bool:
    return all(
        a.text_start + a.length <= b.text_start and a.source_start + a.length <= b.source_start
        for a, b in pairwise(runs)
    ) and all(run.length > 0 for run in runs)


@st.composite
def edits(draw: st.DrawFn, length: int) -> list[Edit]:
    bounds = sorted(draw(st.lists(st.integers(0, length), max_size=8)))
    bounds = bounds[: len(bounds) // 2 * 2]
    return [
        Edit(start, end, draw(st.text("xyz", max_size=3)))
        for start, end in zip(bounds[::2], bounds[1::2], strict=True)
    ]


@st.composite
def edited(draw: st.DrawFn) -> tuple[AlignedText, Oracle]:
    source = draw(st.text("abcde é和", max_size=25))
    text = AlignedText.whole(source)
    oracle: Oracle = [(character, i) for i, character in enumerate(source)]
    for _ in range(draw(st.integers(0, 3))):
        changes = draw(edits(len(text.text)))
        text = text.edit(changes)
        for start, end, replacement in reversed(changes):
            oracle[start:end] = [(character, None) for character in replacement]
    return text, oracle


@given(edited())
def test_edits_agree_with_the_oracle(case: tuple[AlignedText, Oracle]) -> None:
    text, oracle = case
    assert characters(text) == oracle
    assert ascends(text.runs)


@given(edited(), st.integers(0, 30), st.integers(0, 30))
def test_a_slice_agrees_with_the_oracle(
    case: tuple[AlignedText, Oracle], start: int, length: int
) -> None:
    text, oracle = case
    assert characters(text.slice(start, start + length)) == oracle[start : start + length]


@given(edited(), st.lists(st.integers(0, 30), max_size=5), st.text("xyz", max_size=3))
def test_a_join_agrees_with_the_oracle(
    case: tuple[AlignedText, Oracle], cuts: list[int], between: str
) -> None:
    text, oracle = case
    bounds = [0, *sorted(min(cut, len(oracle)) for cut in cuts), len(oracle)]
    parts: list[AlignedText] = []
    expected: Oracle = []
    for start, end in pairwise(bounds):
        parts += [text.slice(start, end), AlignedText.inserted(between)]
        expected += oracle[start:end] + [(character, None) for character in between]
    joined = AlignedText.join(parts)
    assert characters(joined) == expected
    assert ascends(joined.runs)


@given(edited(), st.integers(0, 30), st.integers(1, 30))
def test_to_source_agrees_with_the_oracle(
    case: tuple[AlignedText, Oracle], start: int, length: int
) -> None:
    text, oracle = case
    kept = [place for _, place in oracle[start : start + length] if place is not None]
    expected = Span(kept[0], kept[-1] + 1) if kept else None
    assert text.alignment().to_source(Span(start, min(start + length, len(oracle)))) == expected


def test_parts_that_go_on_in_both_texts_are_one_run() -> None:
    text = AlignedText.whole("abcdef")
    assert AlignedText.join([text.slice(0, 2), text.slice(2, 6)]).runs == (Run(0, 0, 6),)
    assert text.edit([Edit(2, 4)]).runs == (Run(0, 0, 2), Run(2, 4, 2))


def test_an_empty_text_has_no_runs() -> None:
    assert AlignedText.whole("").runs == ()
    assert Alignment(()).to_source(Span(0, 0)) is None
