"""The ranking of both searches together: by hand, and against brute force."""

import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from documents.load import Raw
from index.hybrid import SearchOptions, allowed_only, fuse, rank, strongest
from index.ingest import ingest
from index.keywords import Matches
from index.local import open_index
from index.spread import spread
from index.terms import query_terms, terms
from index.types import Filters
from tests.fakes import HashingEmbedder
from tests.index.conftest import Put


def floats(*values: float) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array(values, np.float64)


def test_keywords_are_compared_within_a_language_alone() -> None:
    # English: best 12, so the second pays .01 * (12 - 2). Greek: best 3. Hindi: nothing matches.
    scores = fuse(
        floats(0.80, 0.85, 0.70, 0.75, 0.79),
        floats(12, 2, 3, 0, 0),
        ["en", "en", "el", "el", "hi"],
        0.01,
    )
    assert scores == pytest.approx([0.80, 0.75, 0.70, 0.72, 0.79])


def test_without_a_match_the_cosine_is_the_score() -> None:
    assert fuse(floats(0.3, -0.2), floats(0, 0), ["en", "el"], 0.01).tolist() == [0.3, -0.2]
    assert fuse(floats(), floats(), [], 0.01).tolist() == []


def test_the_weight_is_of_one_unit_of_bm25() -> None:
    cosine, keyword = floats(0.5, 0.6), floats(4, 1)
    assert fuse(cosine, keyword, ["en", "en"], 0.0).tolist() == [0.5, 0.6]
    assert fuse(cosine, keyword, ["en", "en"], 0.1) == pytest.approx([0.5, 0.3])


@given(
    st.lists(
        st.tuples(st.floats(-1, 1), st.floats(0, 40), st.sampled_from(["en", "el", "zh"])),
        max_size=20,
    )
)
def test_the_best_match_of_each_language_pays_nothing(
    rows: list[tuple[float, float, str]],
) -> None:
    cosine, keyword, languages = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([], [], [])
    )
    scores = fuse(floats(*cosine), floats(*keyword), languages, 0.01)  # type: ignore[arg-type]
    for language in set(languages):
        mine = [n for n, other in enumerate(languages) if other == language]
        best = max(mine, key=lambda n: keyword[n])
        assert scores[best] == cosine[best]
        assert all(scores[n] <= cosine[n] for n in mine)


MATCHES = Matches(np.array([2, 5, 7, 9]), floats(1.0, 4.0, 4.0, 2.0))


def test_the_strongest_matches_and_of_equals_the_older() -> None:
    assert strongest(MATCHES, 3) == [5, 7, 9]
    assert strongest(MATCHES, 10) == [5, 7, 9, 2]


def test_matches_among_the_allowed() -> None:
    kept = allowed_only(MATCHES, [1, 7, 2])
    assert kept.ids.tolist() == [2, 7]
    assert kept.scores.tolist() == [1.0, 4.0]
    assert allowed_only(MATCHES, None) is MATCHES
    assert allowed_only(MATCHES, []).ids.tolist() == []


def test_every_hit_says_how_it_was_found() -> None:
    near = [(2, 0.9), (3, 0.8), (4, 0.7)]
    languages = {2: "en", 3: "en", 5: "en", 7: "el"}  # 4 has gone since
    found = rank(near, MATCHES, 2, languages, {5: 0.5, 7: 0.6, 2: -1.0}, 0.1, 9)
    shown = [
        (f.chunk_id, f.found_by, f.dense_rank, f.dense_score, f.keyword_rank, f.keyword_score)
        for f in found
    ]
    # English: best 4, so 2 pays .3, 3 pays .4 and 5 nothing; Greek: 7 is its best.
    assert shown == [
        (2, "dense", 1, 0.9, None, 1.0),
        (7, "keyword", None, 0.6, 2, 4.0),
        (5, "keyword", None, 0.5, 1, 4.0),
        (3, "dense", 2, 0.8, None, None),
    ]
    assert [f.score for f in found] == pytest.approx([0.6, 0.6, 0.5, 0.4])


WORDS = "lamp keeper oil ship harbour lemon ledger storm".split()
LANGUAGES = ("en", "el", "de")

document = st.tuples(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=8),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["2023", "2024-05", "2024-05-20", ""]),
)


def bm25(texts: dict[str, list[str]], query: str) -> dict[str, float]:
    """Okapi BM25, k1 = 1.2, b = .75, as textbooks have it."""
    count = len(texts)
    mean = sum(map(len, texts.values())) / count
    scores = dict.fromkeys(texts, 0.0)
    for term in query_terms(query):
        holders = sum(term in words for words in texts.values())
        rarity = math.log((count - holders + 0.5) / (holders + 0.5))
        rarity = rarity if rarity > 0 else 1e-6
        for name, words in texts.items():
            times = words.count(term)
            length = 1.2 * (0.25 + 0.75 * len(words) / mean)
            scores[name] += rarity * times * 2.2 / (times + length)
    return scores


def passes(filters: Filters, name: str, language: str, date: str) -> bool:
    first, last = {
        "2023": ("2023-01-01", "2023-12-31"),
        "2024-05": ("2024-05-01", "2024-05-31"),
        "2024-05-20": ("2024-05-20", "2024-05-20"),
        "": ("", ""),
    }[date]
    return (
        (not filters.languages or language in filters.languages)
        and (not filters.sources or name in filters.sources)
        and (not filters.date_from or (bool(date) and last >= filters.date_from))
        and (not filters.date_to or (bool(date) and first <= filters.date_to))
    )


@settings(max_examples=25, deadline=None)
@given(
    documents=st.lists(document, min_size=1, max_size=14),
    query=st.lists(st.sampled_from(WORDS), min_size=1, max_size=3).map(" ".join),
    limit=st.integers(1, 16),
    languages=st.sets(st.sampled_from(LANGUAGES), max_size=2),
    sources=st.sets(st.integers(0, 13).map(str), max_size=6),
    dates=st.sampled_from(
        [("", ""), ("2024-05-10", ""), ("", "2023-06-30"), ("2024-05-20", "2024-06-01")]
    ),
)
def test_the_ranking_equals_brute_force(
    documents: list[tuple[list[str], str, str]],
    query: str,
    limit: int,
    languages: set[str],
    sources: set[str],
    dates: tuple[str, str],
) -> None:
    filters = Filters(
        languages=tuple(languages), sources=tuple(sources), date_from=dates[0], date_to=dates[1]
    )
    texts = {str(n): " ".join(words) for n, (words, _language, _date) in enumerate(documents)}
    embedder = HashingEmbedder()
    # Ten times the default weight, so that a wrong one shows beside the rounding of vectors.
    weight = 0.1
    options = SearchOptions(weight=weight / spread(embedder))
    with (
        TemporaryDirectory() as folder,
        open_index(Path(folder), embedder, options=options) as index,
    ):
        raws = [
            Raw(
                texts[str(n)].encode(),
                str(n),
                str(n),
                language=language,
                metadata={"date": date} if date else {},
            )
            for n, (_words, language, date) in enumerate(documents)
        ]
        assert all(outcome.status == "added" for outcome in ingest(index, "default", raws))
        hits = index.search(query, "default", limit, filters)

    keyword = bm25({name: terms(text) for name, text in texts.items()}, query)
    allowed = [
        str(n)
        for n, (_w, language, date) in enumerate(documents)
        if passes(filters, str(n), language, date)
    ]
    vectors = embedder.embed_passages([texts[name] for name in allowed])
    wanted = embedder.embed_queries([query])[0]
    expected: dict[str, float] = {}
    for name, vector in zip(allowed, vectors, strict=True):
        language = documents[int(name)][1]
        rivals = [keyword[other] for other in allowed if documents[int(other)][1] == language]
        expected[name] = float(vector @ wanted) - weight * (max(rivals) - keyword[name])
    assert len(hits) == min(limit, len(allowed))
    best = sorted(expected.values(), reverse=True)[:limit]
    assert [hit.score for hit in hits] == pytest.approx(best, abs=2e-3)  # vectors of 16 bits
    for hit in hits:
        assert hit.score == pytest.approx(expected[hit.source], abs=2e-3)
        assert (hit.keyword_score or 0.0) == pytest.approx(keyword[hit.source], rel=1e-6, abs=1e-9)


def test_without_keywords_only_vectors_count(tmp_path: Path) -> None:
    embedder = HashingEmbedder()
    with open_index(tmp_path, embedder, options=SearchOptions(keywords=False)) as index:
        raws = [Raw(text, name, name) for name, text in (("a", b"lamp oil"), ("b", b"ship"))]
        list(ingest(index, "default", raws))
        first, second = index.search("lamp", "default", 5)
        assert (first.source, first.found_by, first.dense_rank) == ("a", "dense", 1)
        assert first.score == first.dense_score > 0.5
        assert (first.keyword_rank, first.keyword_score) == (None, None)
        assert (second.source, second.rank, second.dense_rank) == ("b", 2, 2)


def test_a_passage_far_away_is_found_by_its_words(tmp_path: Path) -> None:
    """More passages are nearer than are looked at; the right one comes from the keywords alone."""

    class Away(HashingEmbedder):
        def embed_passages(self, texts):  # type: ignore[no-untyped-def]
            vectors = np.zeros((len(texts), 2), np.float32)
            for row, text in zip(vectors, texts, strict=True):
                row[1 if "Zanzibar" in text else 0] = 1
            return vectors

        def embed_queries(self, texts):  # type: ignore[no-untyped-def]
            return np.tile(np.array([[0.8, 0.6]], np.float32), (len(texts), 1))

    embedder = Away(dimension=2)
    options = SearchOptions(depth=5, weight=0.1 / spread(embedder))
    with open_index(tmp_path, embedder, options=options) as index:
        texts = {str(n): f"Number {n} sails home." for n in range(30)}
        texts["right"] = "The ship from Zanzibar."
        raws = [Raw(text.encode(), name, name, language="en") for name, text in texts.items()]
        list(ingest(index, "default", raws))
        hit = index.search("Zanzibar", "default", 3)[0]
    assert (hit.source, hit.found_by, hit.dense_rank, hit.keyword_rank) == (
        "right",
        "keyword",
        None,
        1,
    )
    assert hit.dense_score == pytest.approx(0.6, abs=1e-3)
    assert hit.score == hit.dense_score


@pytest.mark.parametrize("filters", [None, Filters(sources=("a",))])
@pytest.mark.parametrize("keywords", [True, False])
@pytest.mark.parametrize("when", ["allowed_chunks", "keyword_matches", "languages", "hits"])
def test_a_document_replaced_during_the_search_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    when: str,
    keywords: bool,
    filters: Filters | None,
) -> None:
    """It is not missing in both its versions, nor there in both."""
    options = SearchOptions(keywords=keywords)
    with open_index(tmp_path, HashingEmbedder(), options=options) as index:

        def put(text: str) -> None:
            assert list(ingest(index, "default", [Raw(text.encode(), "a", "a")]))

        put("The old lamp.")
        real = getattr(index.store, when)
        calls = 0

        def overtaken(*arguments: Any) -> Any:
            nonlocal calls
            calls += 1
            seen = real(*arguments)
            if calls == 1:
                put("The new lamp.")
                return seen if when == "allowed_chunks" else real(*arguments)
            return seen

        monkeypatch.setattr(index.store, when, overtaken)
        hits = index.search("lamp", "default", 5, filters)
        expected = "The new lamp." if calls else "The old lamp."
        assert [hit.text for hit in hits] == [expected]


def test_as_many_hits_as_are_asked_for(index: object, put: Put) -> None:
    for number in range(260):
        put(f"{number}.txt", f"Lamp number {number}.")
    hits = index.search("lamp", "default", 250)  # type: ignore[attr-defined]
    assert len({hit.source for hit in hits}) == 250
    assert [hit.rank for hit in hits] == list(range(1, 251))
