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
        ("3/4/1953", "en", Date(1953, 0, 0, sure=False)),  # April or March: not said
        ("27/07/53", "en", Date(0, 7, 27)),
        ("10 a.m. on July 27, 1953", "en", Date(1953, 7, 27)),
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
        (("33,000 soldiers", "en"), ("33.000 Soldaten", "de"), "same"),
        (("33,000", "en"), ("34,000", "en"), "different"),
        (("5%", "en"), ("6%", "en"), "different"),
        (("Seoul", "en"), ("seoul", "en"), "same"),
        (("the United Nations", "en"), ("United Nations", "en"), "same"),
        (("Mark Clark", "en"), ("General Mark W. Clark", "en"), "compatible"),
        (("Theresa May", "en"), ("Brian May", "en"), "different"),
        (("male", "en"), ("female", "en"), "different"),
        (("World War I", "en"), ("World War II", "en"), "different"),
        (("3/4/1953", "en"), ("3/5/1953", "en"), "compatible"),
        (("25 June 1950 – 27 July 1953", "en"), ("25 June 1950", "en"), "compatible"),
        (("3.5 million", "en"), ("3,5 Millionen", "de"), "same"),
        (("3.5 million", "en"), ("٣٫٥ مليون", "ar"), "same"),
        (("33,000 soldiers", "en"), ("33 000 солдат", "ru"), "same"),
        (("100,000", "en"), ("1,00,000 सैनिक", "hi"), "same"),
        (("50,000 people", "en"), ("5万人", "zh"), "same"),
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
    ],
)
def test_how_two_answers_stand(one: tuple[str, str], other: tuple[str, str], expected: str) -> None:
    assert relation(Wording(*one), Wording(*other)) == expected
    assert relation(Wording(*other), Wording(*one)) == expected


def test_alike_names_never_bridge_numbers_or_dates() -> None:
    assert relation(Wording("8 km", "en"), Wording("9 χλμ", "el"), cosine=0.99) == "different"
    dates = Wording("27 July 1953", "en"), Wording("26 Ιουλίου 1953", "el")
    assert relation(*dates, cosine=0.99) == "different"


def test_names_in_two_scripts_are_compared_by_vectors() -> None:
    names = Wording("Σεούλ", "el"), Wording("Seoul", "en")
    assert relation(*names, cosine=NAMES_ALIKE) == "same"
    assert relation(*names, cosine=NAMES_ALIKE - 0.01) == "compatible"
    assert relation(*names, cosine=NAMES_NEAR - 0.01) == "different"
    assert relation(*names) == "different"


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
