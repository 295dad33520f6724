"""Scores of one question against arithmetic done by hand."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.evaluation.metrics import (
    citation_precision,
    citation_recall,
    contains_answer,
    exact_match,
    f1,
    mean_of,
    ndcg_at,
    ngram_recall,
    recall_at,
    reciprocal_rank_at,
    verified_rate,
)


@dataclass(frozen=True, slots=True)
class Quote:
    """The least that a citation has."""

    document_id: str
    quote: str
    start: int
    end: int


TEXTS = {"el": "Η ανακωχή 1953.", "zh": "停戰協定"}
GOOD = [Quote("el", "ανακωχή", 2, 9), Quote("el", "1953", 10, 14), Quote("zh", "協定", 2, 4)]
RANKED = ["a", "b", "c", "d", "e"]


class TestMean:
    def test_ineligible_questions_do_not_count(self) -> None:
        # (1 + 0) / 2, not (1 + 0) / 3.
        assert mean_of([1.0, None, 0.0]) == 0.5

    def test_there_is_no_mean_of_nothing(self) -> None:
        assert mean_of([]) is None
        assert mean_of([None, None]) is None

    def test_order_does_not_move_the_last_digit(self) -> None:
        # Left to right, .1 + .2 + .3 is .6000000000000001 and .3 + .2 + .1 is .6.
        assert mean_of([0.1, 0.2, 0.3]) == mean_of([0.3, 0.2, 0.1])


class TestRetrieval:
    def test_recall(self) -> None:
        # Of b, d and x the first three ranks hold b: 1/3; the first four hold b and d: 2/3.
        assert recall_at(RANKED, {"b", "d", "x"}, 3) == pytest.approx(1 / 3)
        assert recall_at(RANKED, {"b", "d", "x"}, 4) == pytest.approx(2 / 3)

    def test_recall_cannot_be_whole_when_more_are_relevant_than_looked_at(self) -> None:
        assert recall_at(RANKED, {"a", "b"}, 1) == 0.5

    def test_reciprocal_rank_is_of_the_first_hit(self) -> None:
        # The first hit is c, at rank 3.
        assert reciprocal_rank_at(RANKED, {"c", "e"}, 10) == pytest.approx(1 / 3)

    def test_reciprocal_rank_stops_at_k(self) -> None:
        assert reciprocal_rank_at(RANKED, {"c"}, 2) == 0.0
        assert reciprocal_rank_at(RANKED, {"c"}, 3) == pytest.approx(1 / 3)

    def test_ndcg(self) -> None:
        # Hits at ranks 2 and 4: 1/log2(3) + 1/log2(5) = 0.63093 + 0.43068 = 1.06161.
        # Ideal, ranks 1 and 2: 1/log2(2) + 1/log2(3) = 1 + 0.63093 = 1.63093.
        # 1.06161 / 1.63093 = 0.65092.
        assert ndcg_at(RANKED, {"b", "d"}, 5) == pytest.approx(0.65092, abs=1e-5)

    def test_ndcg_ideal_stops_at_k(self) -> None:
        # Two relevant, one place, filled: nothing better is possible.
        assert ndcg_at(RANKED, {"a", "b"}, 1) == 1.0

    def test_a_repeated_id_earns_once(self) -> None:
        # a, a, b: of a and b the first two ranks hold a alone; recall 1/2.
        assert recall_at(["a", "a", "b"], {"a", "b"}, 2) == 0.5
        # nDCG@3: (1/log2(2) + 1/log2(4)) / (1 + 1/log2(3)) = 1.5 / 1.63093 = 0.91972.
        assert ndcg_at(["a", "a", "b"], {"a", "b"}, 3) == pytest.approx(0.91972, abs=1e-5)

    @pytest.mark.parametrize("score", [recall_at, reciprocal_rank_at, ndcg_at])
    def test_nothing_found_is_zero_and_nothing_to_find_is_no_score(self, score) -> None:  # type: ignore[no-untyped-def]
        assert score([], {"a"}, 10) == 0.0
        assert score(RANKED, {"x"}, 10) == 0.0
        assert score(RANKED, set(), 10) is None
        with pytest.raises(ValueError, match="k must be"):
            score(RANKED, {"a"}, 0)

    def test_a_reversed_ranking_scores_as_badly_as_it_should(self) -> None:
        # One relevant id at the top of a hundred, and at the bottom.
        ranked = [str(number) for number in range(100)]
        for score in (recall_at, reciprocal_rank_at, ndcg_at):
            assert score(ranked, {"0"}, 10) == 1.0
            assert score(ranked[::-1], {"0"}, 10) == 0.0


class TestAnswers:
    @pytest.mark.parametrize(
        ("prediction", "gold", "language"),
        [
            ("the July 27, 1953.", "July 27 1953", "en"),
            ("ΤΗΣ ΚΟΡΈΑΣ", "της Κορέας", "el"),
            ("华尔街日报", "《華爾街日報》", "zh"),
            ("2017年5月2日", "2017 年 5 月 2 日", "zh"),
            ("ユーザー", "ﾕｰｻﾞｰ", "ja"),
            ("๒๒๑ คน", "221คน", "th"),
            ("مُحَمَّد ٢٢١", "محمد 221", "ar"),
            ("२२१", "221", "hi"),
        ],
    )
    def test_the_same_answer_matches(self, prediction: str, gold: str, language: str) -> None:
        assert exact_match(prediction, [gold], language) == 1.0
        assert f1(prediction, [gold], language) == 1.0

    @pytest.mark.parametrize(
        ("prediction", "gold"),
        [("5", "6"), ("35", "3.5"), ("2215", "221"), ("τηs", "της"), ("πότε", "ποτέ")],
    )
    def test_another_answer_does_not(self, prediction: str, gold: str) -> None:
        assert exact_match(prediction, [gold]) == 0.0
        assert f1(prediction, [gold]) == 0.0

    def test_f1_counts_shared_tokens(self) -> None:
        # Shared: kaesong, panmunjom = 2. Precision 2/3, recall 2/4, F1 = 2 * 2 / (3 + 4) = 4/7.
        score = f1("Kaesong, Panmunjom, Seoul", ["Kaesong or perhaps Panmunjom"])
        assert score == pytest.approx(4 / 7)

    def test_f1_counts_repeats_no_more_often_than_gold_does(self) -> None:
        # Shared: one "no". 2 * 1 / (3 + 1) = 1/2; as sets it would be 1.
        assert f1("no no no", ["no"]) == 0.5

    def test_f1_counts_chinese_characters(self) -> None:
        # 朝鲜战争 is 4 characters, 朝鮮 is 2 of them: 2 * 2 / (4 + 2) = 2/3.
        assert f1("朝鲜战争", ["朝鮮"], "zh") == pytest.approx(2 / 3)

    def test_f1_of_mixed_scripts_counts_words_and_characters(self) -> None:
        # windows, 10, 系, 统 against windows, 系, 统: 2 * 3 / (4 + 3) = 6/7.
        assert f1("Windows 10系统", ["Windows系統"], "zh") == pytest.approx(6 / 7)

    def test_f1_counts_thai_letters(self) -> None:
        # สงคราม: ส ง ค ร า ม; สงบ: ส ง บ. Shared: 2; 2 * 2 / (6 + 3) = 4/9.
        assert f1("สงคราม", ["สงบ"], "th") == pytest.approx(4 / 9)

    def test_articles_are_english_only(self) -> None:
        # "a" is a word in Portuguese: 2 * 1 / (2 + 1) = 2/3.
        assert f1("a paz", ["paz"], "en") == 1.0
        assert f1("a paz", ["paz"], "pt") == pytest.approx(2 / 3)

    def test_the_best_of_several_golds_counts(self) -> None:
        golds = ["27 Ιουλίου 1953", "July 27, 1953"]
        assert exact_match("July 27 1953", golds) == 1.0
        # 1953 against either: 2 * 1 / (1 + 3) = 1/2. July 1953: 2 * 2 / (2 + 3) = 4/5 (English).
        assert f1("1953", golds) == 0.5
        assert f1("July 1953", golds) == pytest.approx(4 / 5)

    def test_ngram_recall(self) -> None:
        # Gold seoul: seo, eou, oul. In "seoulites" all 3; in "seo" 1 of 3; in "soul": oul, 1/3.
        assert ngram_recall("the Seoulites", ["Seoul"]) == 1.0
        assert ngram_recall("Seo", ["Seoul"]) == pytest.approx(1 / 3)
        assert ngram_recall("soul", ["Seoul"]) == pytest.approx(1 / 3)

    def test_ngram_recall_counts_repeats(self) -> None:
        # Gold aaaa has aaa twice, the prediction aaa once.
        assert ngram_recall("aaa", ["aaaa"]) == 0.5

    def test_ngram_recall_of_short_golds_is_containment(self) -> None:
        assert ngram_recall("平壤和首爾", ["首尔"], "zh") == 1.0
        assert ngram_recall("38 times", ["38"]) == 1.0
        assert ngram_recall("381 times", ["38"]) == 0.0

    def test_ngram_recall_needs_a_length(self) -> None:
        with pytest.raises(ValueError, match="n must be"):
            ngram_recall("a", ["a"], n=0)

    def test_a_quote_contains_any_gold(self) -> None:
        quote = "Η ανακωχή υπογράφτηκε στις 27 Ιουλίου 1953."
        assert contains_answer(quote, ["July 27, 1953", "27 Ιουλίου 1953"], "el") == 1.0
        assert contains_answer(quote, ["July 27, 1953"], "el") == 0.0
        assert contains_answer("《華爾街日報》報道", ["华尔街日报"], "zh") == 1.0

    def test_a_quote_contains_whole_numbers_only(self) -> None:
        assert contains_answer("violated it 221 times", ["221"], "en") == 1.0
        assert contains_answer("violated it 2215 times", ["221"], "en") == 0.0
        assert contains_answer("violated it 2,215 times", ["221"], "en") == 0.0
        assert contains_answer("75.000 στρατιώτες", ["75,000"], "el") == 1.0

    @pytest.mark.parametrize("score", [exact_match, f1, ngram_recall, contains_answer])
    def test_no_answer_is_zero_and_no_gold_is_no_score(self, score) -> None:  # type: ignore[no-untyped-def]
        assert score("", ["Seoul"]) == 0.0
        assert score(None, ["Seoul"]) == 0.0
        assert score(" \u200b", ["%"]) == 0.0
        assert score("Seoul", []) is None
        assert score("", []) is None
        # A blank gold is none; it neither matches a blank answer nor hides the other gold.
        assert score("", [" "]) is None
        assert score("", ["", "Seoul"]) == 0.0
        assert score("Seoul", ["", "Seoul"]) == 1.0

    @given(st.text(max_size=20), st.text(max_size=20))
    def test_f1_is_bounded_and_symmetric(self, one: str, other: str) -> None:
        forth, back = f1(one, [other]), f1(other, [one])
        if forth is not None and back is not None:
            assert 0 <= forth <= 1
            assert forth == back

    @given(st.text(alphabet="aA 系系.,-1٣の\u0301", max_size=5), st.text("a 系1の.", max_size=5))
    def test_an_exact_match_is_perfect_by_every_measure(self, one: str, other: str) -> None:
        if exact_match(one, [other]) == 1.0:
            assert f1(one, [other]) == 1.0
            assert ngram_recall(one, [other]) == 1.0
            assert contains_answer(one, [other]) == 1.0


class TestCitations:
    def test_quotes_in_their_place_are_verified(self) -> None:
        assert verified_rate(GOOD, TEXTS) == 1.0

    def test_shuffled_offsets_verify_nothing(self) -> None:
        # Each quote is given the place of the next one.
        places = [*GOOD[1:], GOOD[0]]
        shuffled = [
            Quote(place.document_id, good.quote, place.start, place.end)
            for good, place in zip(GOOD, places, strict=True)
        ]
        assert verified_rate(shuffled, TEXTS) == 0.0

    @pytest.mark.parametrize(
        "bad",
        [
            Quote("el", "ανακωχή", 3, 10),  # one off
            Quote("el", "Ανακωχή", 2, 9),  # another case: verbatim is verbatim
            Quote("zh", "协定", 2, 4),  # another script
            Quote("zh", "協定", -2, 4),  # Python would read it from the end
            Quote("zh", "協定", 2, 9),  # Python would cut it at the end
            Quote("zh", "", 2, 2),  # nothing quoted, nothing proved
            Quote("en", "協定", 2, 4),  # no such document
        ],
    )
    def test_one_wrong_quote_in_four(self, bad: Quote) -> None:
        assert verified_rate([*GOOD, bad], TEXTS) == 0.75

    def test_precision_and_recall_count_documents_once(self) -> None:
        # Cited: a, b, c; gold: a, d. Precision 1/3, recall 1/2.
        assert citation_precision(["a", "a", "b", "c"], {"a", "d"}) == pytest.approx(1 / 3)
        assert citation_recall(["a", "a", "b", "c"], {"a", "d"}) == 0.5

    def test_citing_everything_costs_precision_and_citing_nothing_recall(self) -> None:
        everything = [str(number) for number in range(10)]
        assert citation_precision(everything, {"3"}) == 0.1
        assert citation_recall(everything, {"3"}) == 1.0
        assert citation_recall([], {"3"}) == 0.0

    def test_ineligible(self) -> None:
        assert verified_rate([], TEXTS) is None
        assert citation_precision([], {"a"}) is None
        assert citation_precision(["a"], set()) is None
        assert citation_recall(["a"], set()) is None
