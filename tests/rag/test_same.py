import numpy as np
import pytest

from index.types import Vectors
from rag.dates import Date, date_in
from rag.same import NAMES_ALIKE, NAMES_NEAR, Wording, relation, relations
from tests.fakes import HashingEmbedder

ARMISTICE = [
    ("July 27, 1953", "en"),
    ("27 July 1953", "en"),
    ("on 27 July 1953", "en"),
    ("1953-07-27", "en"),
    ("27.7.1953", "de"),
    ("27. Juli 1953", "de"),
    ("27 Ιουλίου 1953", "el"),
    ("27 июля 1953 года", "ru"),
    ("27 липня 1953", "uk"),
    ("27 de julio de 1953", "es"),
    ("27 lipca 1953", "pl"),
    ("27. července 1953", "cs"),
    ("27 Temmuz 1953", "tr"),
    ("27 जुलाई 1953", "hi"),
    ("٢٧ يوليو ١٩٥٣", "ar"),
    ("ngày 27 tháng 7 năm 1953", "vi"),
    ("1953年7月27日", "zh"),
    ("１９５３年７月２７日", "ja"),
    ("1953년 7월 27일", "ko"),
    ("27 กรกฎาคม พ.ศ. 2496", "th"),
]


@pytest.mark.parametrize(("text", "language"), ARMISTICE)
def test_one_date_in_many_languages(text: str, language: str) -> None:
    assert date_in(text, language) == Date(1953, 7, 27)
    assert relation(Wording(text, language), Wording(*ARMISTICE[0])) == "same"


@pytest.mark.parametrize(
    ("text", "language", "date"),
    [
        ("1953", "en", Date(1953, 0, 0)),
        ("το 1953", "el", Date(1953, 0, 0)),
        ("March 1953", "en", Date(1953, 3, 0)),
        ("tháng 12 năm 1953", "vi", Date(1953, 12, 0)),
        ("3/4/1953", "en", Date(1953, 0, 0, either=(3, 4))),  # April or March: not said
        ("3.4.1953", "de", Date(1953, 4, 3)),
        ("27/07/53", "en", Date(53, 7, 27)),
        ("10 a.m. on July 27, 1953", "en", Date(1953, 7, 27, clock="10am")),
        ("July", "en", Date(0, 7, 0)),
        ("27 Sept. 1953", "en", Date(1953, 9, 27)),
        ("27 Temmuz 1953'te", "tr", Date(1953, 7, 27)),
        ("昭和28年7月27日", "ja", Date(1953, 7, 27)),
        ("tháng sáu năm 1953", "vi", Date(1953, 6, 0)),
        ("1953-07", "en", Date(1953, 7, 0)),
        ("1984-05", "en", Date(1984, 5, 0)),
        ("1910-12", "en", None),  # or two years
        ("2010/11", "en", None),
        ("1984.5", "en", None),
        ("$1500", "en", None),
        ("-1500", "en", None),
        ("<1900", "en", None),
        ("1500%", "en", None),
        ("1000 Jahre", "de", None),
        ("1000 يوم", "ar", None),
        ("1000 ngày", "vi", None),
        ("1000日", "ja", None),
        ("2500 ปี", "th", None),
        ("ปี 2500", "th", Date(1957, 0, 0)),
        ("1950's", "en", None),
        ("1" * 5000, "en", None),
        ("Monday, the 27th of July 1953", "en", Date(1953, 7, 27)),
        ("一九五三年七月二十七日", "zh", Date(1953, 7, 27)),
        ("27\u200f/01\u200f/1953", "ar", Date(1953, 1, 27)),
        ("27 تموز 1953", "ar", Date(1953, 7, 27)),
        ("1953. 1. 27.", "ko", Date(1953, 1, 27)),
        ("27 ก.ค. 2496", "th", Date(1953, 7, 27)),
        ("2500 คน", "th", None),
        ("τον Ιούλιο του 1953", "el", Date(1953, 7, 0)),
        ("в июле 1953", "ru", Date(1953, 7, 0)),
        ("25 December 800", "en", Date(800, 12, 25)),
        ("25 June 1950 – 27 July 1953", "en", None),
        ("1950年至1953年", "zh", None),
        ("2008年北京奥运会", "zh", None),
        ("Theresa May", "en", None),
        ("the May 1968 protests", "en", None),
        ("cel mai mare oraș", "ro", None),
        ("Windows 2000", "en", None),
        ("1200 BC", "en", None),
        ("1953 soldiers of the second division", "en", None),
        ("37 people", "en", None),
        ("27", "en", None),
        ("Seoul", "en", None),
        ("", "en", None),
        ("July 27", "xx", Date(0, 7, 27)),
    ],
)
def test_what_a_text_says_of_a_date(text: str, language: str, date: Date | None) -> None:
    assert date_in(text, language) == date


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (("27 July 1953", "en"), ("28 Ιουλίου 1953", "el"), "different"),
        (("1953", "en"), ("27 Ιουλίου 1953", "el"), "compatible"),
        (("1950", "en"), ("27 Ιουλίου 1953", "el"), "different"),
        (("33,000", "en"), ("33.000", "de"), "same"),
        (("33,000 soldiers", "en"), ("33.000 Soldaten", "de"), "compatible"),
        (("33,000", "en"), ("34,000", "en"), "different"),
        (("5%", "en"), ("6%", "en"), "different"),
        (("Seoul", "en"), ("seoul", "en"), "same"),
        (("the United Nations", "en"), ("United Nations", "en"), "same"),
        (("Mark Clark", "en"), ("General Mark W. Clark", "en"), "compatible"),
        (("Theresa May", "en"), ("Brian May", "en"), "different"),
        (("male", "en"), ("female", "en"), "different"),
        (("World War I", "en"), ("World War II", "en"), "different"),
        (("3/4/1953", "en"), ("3/5/1953", "en"), "different"),
        (("25 June 1950 – 27 July 1953", "en"), ("25 June 1950", "en"), "compatible"),
        (("3.5 million", "en"), ("3,5 Millionen", "de"), "same"),
        (("3.5 million", "en"), ("٣٫٥ مليون", "ar"), "same"),
        (("33,000", "en"), ("33 000 солдат", "ru"), "same"),
        (("100,000", "en"), ("1,00,000 सैनिक", "hi"), "same"),
        (("50,000", "en"), ("5万人", "zh"), "same"),
        (("10 billion", "en"), ("10 mil millones", "es"), "same"),
        (("5 km", "en"), ("5千米", "zh"), "same"),
        (("5 people", "en"), ("5万人", "zh"), "different"),
        (("5 million", "en"), ("5 миллиардов", "ru"), "different"),
        (("-40 °C", "en"), ("40 °C", "en"), "different"),
        (("$5 million", "en"), ("€5 million", "en"), "different"),
        (("2–1", "en"), ("1–2", "en"), "different"),
        (("2000 people", "en"), ("2000 horses", "en"), "compatible"),
        (("Clark", "en"), ("General Mark W. Clark", "en"), "compatible"),
        (("Seoul", "en"), ("Pyongyang", "en"), "different"),
        (("北京", "zh"), ("北京市", "zh"), "compatible"),
        (("2,500", "en"), ("2,500 people", "en"), "same"),
        (("1953", "en"), ("1953 meters", "fr"), "compatible"),
        (("5 km", "en"), ("5 Meilen", "de"), "different"),
        (("5 km", "en"), ("5 miles", "en"), "different"),
        (("5 km", "en"), ("5 Kilometer", "de"), "same"),
        (("5 km", "en"), ("5 kg", "de"), "different"),
        (("50 metres", "en"), ("50 feet", "en"), "different"),
        (("50 metres", "en"), ("50 meters", "en"), "same"),
        (("5 km²", "en"), ("5 km", "de"), "different"),
        (("20 °C", "en"), ("20 °F", "de"), "different"),
        (("20 °C", "en"), ("20 Grad Celsius", "de"), "same"),
        (("20 years", "en"), ("20 Tage", "de"), "different"),
        (("20 years", "en"), ("20 лет", "ru"), "same"),
        (("20 years", "en"), ("20 days", "en"), "different"),
        (("44 BC", "en"), ("44 AD", "en"), "different"),
        (("16 BC", "en"), ("16 n. Chr.", "de"), "different"),
        (("16 BC", "en"), ("16 v. Chr.", "de"), "same"),
        (("12 p.m.", "en"), ("12 a.m.", "en"), "different"),
        (("$5 million", "en"), ("5 million euros", "en"), "different"),
        (("$5 million", "en"), ("5 Millionen Euro", "de"), "different"),
        (("$5 million", "en"), ("5 Millionen Dollar", "de"), "same"),
        (("$5 million", "en"), ("5 млн долларов", "ru"), "same"),
        (("$1500", "en"), ("€1500", "en"), "different"),
        (("5元", "zh"), ("¥5", "zh"), "same"),
        (("5円", "ja"), ("¥5", "en"), "same"),
        (("5%", "en"), ("$5", "en"), "different"),
        (("5%", "en"), ("5 процентов", "ru"), "same"),
        (("%5", "tr"), ("5%", "en"), "same"),
        (("-1500", "en"), ("1500", "en"), "different"),
        (("> 5 km", "en"), ("< 5 km", "en"), "different"),
        (("Apollo 11", "en"), ("Gemini 11", "de"), "compatible"),
        (("27/07/53", "en"), ("27/07/72", "en"), "different"),
        (("27/07/53", "en"), ("27 July 1953", "en"), "same"),
        (("3/4/53", "en"), ("5/6/72", "en"), "different"),
        (("10.1.20", "de"), ("27 July 1953", "en"), "different"),
        (("3/4/1953", "en"), ("27 July 1953", "en"), "different"),
        (("3/4/1953", "en"), ("3 April 1953", "en"), "compatible"),
        (("3/4/1953", "en"), ("03/04/1953", "en"), "same"),
        (("3.4.1953", "de"), ("3. April 1953", "de"), "same"),
        (("10 a.m. on July 27, 1953", "en"), ("10 p.m. on July 27, 1953", "en"), "different"),
        (("10 a.m. on July 27, 1953", "en"), ("July 27, 1953", "en"), "compatible"),
        (("July", "en"), ("Ιούνιος", "el"), "different"),
        (("July", "en"), ("Ιούλιος", "el"), "same"),
        (("2010-11", "en"), ("2010–2011", "en"), "same"),
        (("1914–18", "en"), ("1914 – 1918", "en"), "same"),
        (("tháng sáu năm 1953", "vi"), ("tháng bảy năm 1953", "vi"), "different"),
        (("C++", "en"), ("C#", "en"), "different"),
        (("AB+", "en"), ("AB−", "en"), "different"),
        (("guilty", "en"), ("not guilty", "en"), "different"),
        (("可能", "zh"), ("不可能", "zh"), "different"),
        (("Henry VIII", "en"), ("Heinrich VII.", "de"), "different"),
        (("Monday", "en"), ("Dienstag", "de"), "different"),
        (("3億5000万", "ja"), ("350 million", "en"), "same"),
        (("12만 5천 명", "ko"), ("125,000", "en"), "same"),
        (("1万5千", "ja"), ("15,000", "en"), "same"),
        (("2千万", "zh"), ("20 million", "en"), "same"),
        (("2千万", "zh"), ("2,000", "en"), "different"),
        (("1.5万亿", "zh"), ("1.5 trillion", "en"), "same"),
        (("5兆円", "ja"), ("5 yen", "en"), "different"),
        (("2 trillion dollars", "en"), ("2 Dollar", "de"), "different"),
        (("2 trillion", "en"), ("2 Trillionen", "de"), "different"),
        (("2 trillion", "en"), ("2 Billionen", "de"), "same"),
        (("5 hundred", "en"), ("5", "de"), "different"),
        (("5 million", "en"), ("5 miljoner", "sv"), "same"),
        (("5 million", "en"), ("5 juta", "id"), "same"),
        (("5 million", "en"), ("5 millió", "hu"), "same"),
        (("5 million", "en"), ("5 милиона", "bg"), "same"),
        (("5 million", "en"), ("5 מיליון", "he"), "same"),
        (("5 million", "en"), ("5 miljoonaa", "fi"), "same"),
        (("5,000", "en"), ("5 mila", "it"), "same"),
        (("5,000", "en"), ("5 duizend", "nl"), "same"),
        (("3 million", "en"), ("3 Millionäre", "de"), "different"),
        (("3000", "en"), ("3 Tausendstel", "de"), "different"),
        (("5 species", "en"), ("5 พันธุ์", "th"), "compatible"),
        (("three", "en"), ("3", "en"), "same"),
        (("three", "en"), ("drei", "de"), "same"),
        (("three men", "en"), ("three", "en"), "same"),
        (("three", "en"), ("τρεις", "el"), "same"),
        (("three", "en"), ("三人", "zh"), "same"),
        (("twelve", "en"), ("十二", "ja"), "same"),
        (("six", "en"), ("sieben", "de"), "different"),
        (("six kilometres", "en"), ("6 km", "de"), "same"),
        (("six kilometres", "en"), ("6 Meilen", "de"), "different"),
        (("three million", "en"), ("3 Millionen", "de"), "same"),
        (("四川", "zh"), ("四川省", "zh"), "compatible"),
        (("the Three Musketeers of Dumas", "en"), ("3", "en"), "different"),
        (("10 -12", "en"), ("10–12", "en"), "same"),
    ],
)
def test_how_two_answers_stand(one: tuple[str, str], other: tuple[str, str], expected: str) -> None:
    assert relation(Wording(*one), Wording(*other)) == expected
    assert relation(Wording(*other), Wording(*one)) == expected


def test_alike_names_never_bridge_numbers_or_dates() -> None:
    assert relation(Wording("8 km", "en"), Wording("9 χλμ", "el"), cosine=0.99) == "different"
    dates = Wording("27 July 1953", "en"), Wording("26 Ιουλίου 1953", "el")
    assert relation(*dates, cosine=0.99) == "different"


def test_equal_numbers_of_alike_things_are_the_same() -> None:
    soldiers = Wording("33,000 soldiers", "en"), Wording("33.000 Soldaten", "de")
    assert relation(*soldiers, cosine=NAMES_NEAR) == "same"
    assert relation(*soldiers, cosine=NAMES_NEAR - 0.01) == "compatible"
    assert relation(Wording("5 km", "en"), Wording("5 Meilen", "de"), cosine=0.99) == "different"


def test_names_in_two_scripts_are_compared_by_vectors() -> None:
    names = Wording("Σεούλ", "el"), Wording("Seoul", "en")
    assert relation(*names, cosine=NAMES_ALIKE) == "same"
    assert relation(*names, cosine=NAMES_ALIKE - 0.01) == "compatible"
    assert relation(*names, cosine=NAMES_NEAR - 0.01) == "different"
    assert relation(*names) == "different"


def test_a_name_that_begins_with_a_numeral_is_a_name() -> None:
    assert relation(Wording("四川", "zh"), Wording("Sichuan", "en"), cosine=NAMES_ALIKE) == "same"


def test_only_answers_in_two_languages_are_embedded() -> None:
    class Alike(HashingEmbedder):
        asked = 0

        def embed_queries(self, texts) -> Vectors:  # type: ignore[no-untyped-def]
            self.asked += 1
            return np.ones((len(texts), 1), np.float32)

    embedder = Alike()
    table = relations([Wording("Seoul", "en"), Wording("Pyongyang", "en")], embedder)
    assert (table, embedder.asked) == ([["same", "different"], ["different", "same"]], 0)
    mixed = [Wording("Seoul", "en"), Wording("Σεούλ", "el"), Wording("Busan", "en")]
    # Everything has the same vector: only the two English names are kept apart, by their letters.
    assert relations(mixed, embedder) == [
        ["same", "same", "different"],
        ["same", "same", "same"],
        ["different", "same", "same"],
    ]
    assert embedder.asked == 1
