"""Filters hold before the cut-off, on vectors and on keywords."""

import pytest

from index.errors import InvalidRequest
from index.hybrid import SearchOptions
from index.ingest import document_id
from index.local import LocalIndex
from index.types import Filters
from tests.index.conftest import Put


@pytest.fixture
def filled(index: LocalIndex, put: Put) -> LocalIndex:
    """Forty passages that fit better than the four that a filter asks for."""
    for number in range(40):
        put(f"near/{number}.txt", f"Zanzibar lemons {number}.", language="en")
    rest = "beyond ships and storms of old"
    put("day.txt", f"Zanzibar {rest}.", language="el", metadata={"date": "2024-05-20"})
    put("month.txt", f"Zanzibar {rest}.", language="el", metadata={"date": "2024-05"})
    put("year.txt", f"Zanzibar {rest}.", language="de", metadata={"date": "2023", "desk": "news"})
    put("time.txt", f"Zanzibar {rest}.", language="de", metadata={"date": "2022-01-31T23:30:00Z"})
    return index


SEARCHES = [SearchOptions(depth=5), SearchOptions(keywords=False, depth=5)]


def found(index: LocalIndex, filters: Filters, options: SearchOptions) -> set[str]:
    searching = LocalIndex(index.store, index.embedder, options)
    return {hit.source for hit in searching.search("Zanzibar lemons", "default", 4, filters)}


@pytest.mark.parametrize("options", SEARCHES, ids=["both", "dense"])
@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(languages=("el",)), {"day.txt", "month.txt"}),
        (Filters(sources=("year.txt", "nothing")), {"year.txt"}),
        (Filters(metadata={"desk": "news"}), {"year.txt"}),
        (Filters(metadata={"desk": "news", "date": "2024"}), set()),
        (Filters(document_ids=(document_id("default", "day.txt"),)), {"day.txt"}),
        # A month or year is all of its days; both bounds are included.
        (Filters(date_from="2024-05-20"), {"day.txt", "month.txt"}),
        (Filters(date_from="2024-05-21"), {"month.txt"}),
        (Filters(date_from="2024-06"), set()),
        (Filters(date_to="2024-05-19"), {"month.txt", "year.txt", "time.txt"}),
        (Filters(date_to="2022-01-31"), {"time.txt"}),
        (Filters(date_to="2022-01-30"), set()),
        (Filters(date_from="2023", date_to="2023"), {"year.txt"}),
        (Filters(date_from="2024-05-20T08:00:00", date_to="2024-05-20"), {"day.txt", "month.txt"}),
        (Filters(languages=("de",), date_from="2023-07-01"), {"year.txt"}),
    ],
)
def test_only_what_passes_is_found(
    filled: LocalIndex, options: SearchOptions, filters: Filters, expected: set[str]
) -> None:
    assert found(filled, filters, options) == expected


@pytest.mark.parametrize("options", SEARCHES, ids=["both", "dense"])
def test_lists_may_be_longer_than_a_statement_takes_parameters(
    filled: LocalIndex, options: SearchOptions
) -> None:
    many = tuple(f"doc_{number}" for number in range(300_000))
    near = tuple(document_id("default", f"near/{number}.txt") for number in range(40))
    assert len(found(filled, Filters(exclude_document_ids=many), options)) == 4
    four = {"day.txt", "month.txt", "year.txt", "time.txt"}
    assert found(filled, Filters(exclude_document_ids=(*many, *near)), options) == four
    last = (*many, document_id("default", "day.txt"))
    assert found(filled, Filters(document_ids=last), options) == {"day.txt"}
    tags = tuple(f"x-{number}" for number in range(3000))
    assert found(filled, Filters(languages=(*tags, "el")), options) == {"day.txt", "month.txt"}
    assert found(filled, Filters(sources=(*tags, "day.txt")), options) == {"day.txt"}


@pytest.mark.parametrize("date", ["yesterday", "2024-13", "2024-02-30", "0000", "24", "20/5/2024"])
def test_what_is_no_date_is_refused(filled: LocalIndex, date: str) -> None:
    with pytest.raises(InvalidRequest, match=r"date_from is .* and no date: write it as in 2024"):
        filled.search("Zanzibar", "default", 4, Filters(date_from=date))
    with pytest.raises(InvalidRequest, match=r"date_to is .* and no date"):
        filled.search("Zanzibar", "default", 4, Filters(date_to=date))


def test_dates_that_leave_no_day_are_refused(filled: LocalIndex) -> None:
    with pytest.raises(InvalidRequest, match="date_from 2024-06 is after date_to 2024-05: swap"):
        filled.search("Zanzibar", "default", 4, Filters(date_from="2024-06", date_to="2024-05"))


def test_a_document_whose_date_cannot_be_read_says_so(index: LocalIndex, put: Put) -> None:
    outcome = put("a.txt", "Zanzibar.", metadata={"date": "last week"})
    assert outcome.status == "added"
    assert "no filter by date will find it: 'last week'" in outcome.note
    assert put("b.txt", "Zanzibar.", metadata={"date": "2024-05-20"}).note == ""
    assert found(index, Filters(date_to="2100"), SEARCHES[0]) == {"b.txt"}
    # The same document with another date is another document.
    put("b.txt", "Zanzibar.", metadata={"date": "2025"})
    assert found(index, Filters(date_to="2024"), SEARCHES[0]) == set()
    assert found(index, Filters(date_from="2025-12"), SEARCHES[0]) == {"b.txt"}
