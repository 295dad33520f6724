"""Text whose marks stand apart, as it is written."""

import pytest

from training.detokenized import detokenized


@pytest.mark.parametrize(
    ("apart", "written"),
    [
        ("Ross ( born 1950 ) , a singer .", "Ross (born 1950), a singer."),
        ("`` Jai Ho '' is Rahman 's song .", '"Jai Ho" is Rahman\'s song.'),
        ("It does n't cost $ 5 !", "It doesn't cost $5!"),
        ("From 2007 -- 15 , and 2016 – 18 .", "From 2007–15, and 2016–18."),
        ("Internet - related and / or free", "Internet-related and/or free"),
        ("Oslo -- a city -- lies there .", "Oslo – a city – lies there."),
        ("already written, as it (mostly) is.", "already written, as it (mostly) is."),
        ("", ""),
    ],
)
def test_marks_go_where_they_belong(apart: str, written: str) -> None:
    text, places = detokenized(apart)
    assert text == written
    assert len(places) == len(apart) + 1
    assert (places[0], places[-1]) == (0, len(text))
    assert places == sorted(places)


def test_a_range_is_found_again() -> None:
    apart = "`` Dogs '' were kept by Skłodowska - Curie 's aunt ( in Płock ) ."
    text, places = detokenized(apart)
    for words, found in (
        ("Skłodowska - Curie", "Skłodowska-Curie"),
        ("Płock", "Płock"),
        ("Dogs", "Dogs"),
    ):
        start = apart.index(words)
        assert text[places[start] : places[start + len(words)]] == found
