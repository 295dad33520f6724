"""Lexical terms of every script: a table of cases, properties, and real text."""

import gzip
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.terms import MAX_LENGTH, query_terms, terms
from tests.shared_data import DATA, needs_data


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Latin: case, accents, joined letters, strokes; ß is ss.
        ("Große STRASSE, „Müller“", "grosse strasse muller"),
        ("cœur Ærø Łódź Đặng þing", "coeur aero lodz dang thing"),
        ("Mu\u0308ller e\u0301te\u0301", "muller ete"),
        # Apostrophes part words, hyphens too.
        ("l'homme d’Artagnan co-operate", "l homme d artagnan co operate"),
        # Turkish: all four i are one; an ending goes off at its apostrophe.
        ("IŞIK ışık İstanbul'da ISPARTA ısparta", "isik isik istanbul da isparta isparta"),
        # Greek: monotonic, polytonic and without accents; final sigma.
        ("Ο ΠΌΛΕΜΟΣ τῆς Κορέας, ᾳ", "ο πολεμοσ τησ κορεασ α"),
        # Cyrillic: ё is е, stress marks go, й and ї are letters of their own.
        ("Ёлка Москва\u0301 йод Їжак", "елка москва йод їжак"),
        # Hebrew: points go; acronyms are one word however they are typed.
        ('שָׁלוֹם צה״ל צה"ל', "שלום צהל צהל"),
        # Arabic: vowels, tatweel, alef, alef maksura, ta marbuta; Persian ya and kaf.
        ("الْحَرْبُ مــصر أُمّة إلى", "الحرب حرب مصر امه الي"),
        ("ایران کتاب می\u200cخواهم", "ايران كتاب ميخواهم"),
        # Vowel signs of Indic scripts stay; the dot below and the moon dot are often left out.
        ("हिंदी हिंदू क़लम चाँद", "हिंदी हिंदू कलम चांद"),
        ("தமிழ் বাংলা తెలుగు", "தமிழ் বাংলা తెలుగు"),
        # Han: characters and pairs; traditional and simplified are one.
        ("漢語", "汉 语 汉语"),
        ("汉语", "汉 语 汉语"),
        ("朝鮮戰爭。", "朝 鲜 战 争 朝鲜 鲜战 战争"),
        ("人々", "人 々 人々"),
        # Kana: pairs; katakana, halfwidth katakana and hiragana are one.
        ("リンゴ ﾘﾝｺﾞ りんご", "りん んご りん んご りん んご"),
        ("サーバー", "さー ーば ばー"),
        ("え", "え"),
        ("東京タワー", "东 京 东京 京た たわ わー"),
        # Hangul: words, and pairs of syllables where they are longer.
        ("한국은 전쟁 물", "한국은 한국 국은 전쟁 물"),
        ("한국".encode().decode() and unicodedata.normalize("NFD", "한국"), "한국"),
        # Thai: pairs and triples of letters with their marks; a lone letter stays.
        ("ภาษา", "ภา าษ ษา ภาษ าษา"),
        ("ปี", "ปี"),
        ("จีน", "จีน"),
        # Khmer and Burmese: letters that stand one under the other are not parted.
        ("ភាសាខ្មែរ", "ភាសា សាខ្មែ ខ្មែរ ភាសាខ្មែ សាខ្មែរ"),
        ("ကမ္ဘာ", "ကမ္ဘာ"),
        ("ລາວ", "ລາ າວ ລາວ"),
        # Digits of every script.
        ("١٩٥٣ ۱۹۵۳ १९५३ ๑๙๕๓ １９５３ ১৯৫৩", "1953 1953 1953 1953 1953 1953"),
        # Numbers are whole, without grouping; other chains part.
        ("1,953 1.953 1\u202f953 ١٬٩٥٣", "1953 1953 1953 1953"),
        ("3,5 3.5 ٣٫٥ 1,234,567.8", "3.5 3.5 3.5 1234567.8"),
        ("27.7.1953 1950-1953 27/7/1953", "27 7 1953 1950 1953 27 7 1953"),
        ("1950，1953 1953² m²", "1950 1953 1953 2 m2"),
        ("1953年7月27日", "1953 年 7 月 27 日"),
        ("1953년 1953г", "1953 년 1953г 1953"),
        # Words with digits give their parts of two characters and more.
        ("COVID-19 covid19 10km H2O 3.5km", "covid 19 covid19 covid 19 10km 10 km h2o 3.5 km"),
        # Nothing that can be searched.
        ("", ""),
        ("… — !? € 🙂 \u200d", ""),
    ],
)
def test_terms(text: str, expected: str) -> None:
    assert terms(text) == expected.split()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Köln", "koln koeln"),
        ("Koeln", "koeln koln"),
        ("Müller MUELLER", "muller mueller"),
        ("queue neue", "queue neue"),
        ("the the lamp", "the lamp"),
    ],
)
def test_a_question_is_also_asked_in_other_spellings(text: str, expected: str) -> None:
    assert query_terms(text) == expected.split()


def test_every_digit_is_read() -> None:
    digits = [chr(c) for c in range(0x110000) if unicodedata.category(chr(c)) == "Nd"]
    assert len(digits) > 600
    for digit in digits:
        assert terms(digit * 3) == [str(unicodedata.digit(digit)) * 3], hex(ord(digit))


def test_a_long_word_is_cut_and_still_found() -> None:
    assert terms("x" * 1000) == ["x" * MAX_LENGTH]
    assert query_terms("x" * 1000) == terms("x" * 1000)


any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(any_text)
def test_terms_are_letters_marks_and_digits(text: str) -> None:
    for term in terms(text):
        assert 0 < len(term) <= 3 * MAX_LENGTH
        assert not set(term) & set(" \t\n\"'()*^:-+{}")
        for character in term:
            # Ideographs of a newer Unicode are not assigned in this one's tables.
            category = unicodedata.category(character)
            assert category[0] in "LMN" or category == "Cn" or character == ".", ascii(term)


@given(any_text)
def test_neither_form_nor_case_changes_the_terms(text: str) -> None:
    for form in ("NFC", "NFD"):
        assert terms(unicodedata.normalize(form, text)) == terms(unicodedata.normalize("NFC", text))
    latin = "".join(c for c in text if c.isalpha() and c < "\u0180")
    assert terms(latin.upper()) == terms(latin.lower()) == terms(latin)


@given(any_text, any_text)
def test_lines_are_analyzed_apart(first: str, second: str) -> None:
    assert terms(f"{first}\n\n{second}") == terms(first) + terms(second)


@given(st.lists(st.text(st.characters(categories=["L"]), min_size=1, max_size=12), max_size=5))
def test_a_question_looks_for_what_the_passage_has(words: list[str]) -> None:
    text = " ".join(words)
    assert set(terms(text)) <= set(query_terms(text))


def udhr() -> dict[str, list[str]]:
    with gzip.open(DATA / "udhr.jsonl.gz", "rt", encoding="utf-8") as lines:
        return {row["bcp47"]: row["articles"] for row in map(json.loads, lines)}


@needs_data
def test_real_text_of_every_language_has_terms() -> None:
    languages = udhr()
    assert len(languages) == 88
    for language, articles in languages.items():
        for article in articles:
            found = terms(article)
            letters = sum(c.isalpha() for c in article)
            # A word of twenty letters at most on average, and no letter in more than three terms.
            assert letters / 20 <= len(found) <= 3 * letters, (language, article)
            assert all(unicodedata.category(c)[0] in "LMN" for term in found for c in term), article


@needs_data
def test_real_text_of_every_language_is_told_by_its_terms() -> None:
    """A stretch out of the middle of an article shares most terms with it, and with no other."""
    for language, articles in udhr().items():
        known = [set(terms(article)) for article in articles]
        for number, article in enumerate(articles):
            if len(article) < 300:
                continue
            third = len(article) // 3
            asked = set(terms(article[third : 2 * third].upper()))
            shared = [len(asked & there) for there in known]
            # What the cut made at its two ends aside.
            assert shared[number] >= len(asked) - 6, (language, number)
            assert len(asked) > 6, (language, number)
            assert shared[number] == max(shared), (language, number)


@needs_data
def test_real_text_without_its_accents_has_the_same_terms() -> None:
    languages = udhr()
    for language in ("el", "es", "fr", "cs", "pl", "vi", "ar", "he", "pt"):
        for article in languages.get(language, []):
            bare = "".join(
                c for c in unicodedata.normalize("NFD", article) if unicodedata.category(c) != "Mn"
            )
            assert terms(bare) == terms(article), language
