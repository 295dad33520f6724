"""Sentence ends, script by script, on real text."""

import re

import pytest

from documents.language import UNDETERMINED
from tests.documents.samples import SAMPLES, contexts, document, in_language, split, udhr
from tests.shared_data import needs_data


@pytest.mark.parametrize("language", [tag for tag in SAMPLES if tag != "th"])
def test_the_samples_come_apart(language: str) -> None:
    between = "" if language in ("zh", "ja") else " "
    assert in_language(between.join(SAMPLES[language]), language) == list(SAMPLES[language])


def test_thai_comes_apart_at_the_blanks_of_long_clauses() -> None:
    assert in_language(" ".join(SAMPLES["th"]), "th") == list(SAMPLES["th"])
    # ... and not at those of short ones, nor after a shortened word.
    short = "เขามา วันที่ 3 พ. ศ. 2475"
    assert in_language(short, "th") == [short]


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["Dr. Smith met Mrs. Jones.", "It rained."]),
        ("en", ["J. R. R. Tolkien wrote it.", "He taught."]),
        ("en", ["It took 3.5 hours, from 5.30 to 9.00.", "Version 2.0.1 came later."]),
        ("en", ["Yes.", "I will not.", "Never.", "Stop!", "Go."]),
        ("en", ["See example.com or mail a.b@c.org.", "Then write."]),
        ("en", ["\u201cWho are you?\u201d she asked.", "\u201cNobody.\u201d"]),
        ("el", ["Ποιος ήρθε;", "Ο κ. Παπάς.", "Πότε;", "Χθες."]),
        ("el", ["Ήταν ο Χάρισον Τζ., ο οποίος έφυγε.", "Γύρισε."]),
        ("el", ["Το κτίριο του Ε. Ι. Παππά έκλεισε.", "Άνοιξε πάλι."]),
        ("el", ["Ο Τζ. Μπους μίλησε.", "Έφυγε."]),
        ("ru", ["Это храм Св. Петра.", "Он стоит в г. Москва."]),
        ("ru", ["Его звали Николас Э. Головин.", "Он умер в 1969 г. в Бостоне."]),
        ("de", ["Er kam am 27. Juli 1953 an.", "Ludwig XIV. war König."]),
        ("de", ["Das gilt z. B. für Wien.", "Sonst nicht."]),
        ("tr", ["Bu, II. Dünya Savaşı'nda oldu.", "Sonra 5. Ordu geldi."]),
        ("es", ["Fue en el siglo II d. C. en Roma.", "Terminó."]),
        ("hi", ["डॉ. सिंह आए।", "वे बोले॥"]),
        ("ar", ["ما هذا؟", "هذا كتاب.", "نعم!"]),
        ("ur", ["یہ کیا ہے؟", "یہ کتاب ہے۔"]),
        ("zh", ["他问：“几点了？”", "我说：“三点。”", "好！"]),
        ("ja", ["「そうだ。」と言った。", "私は3.5キロ走った。"]),
        ("km", ["មានផ្លែឈើ បន្លែ ។ល។", "គាត់មក។"]),
    ],
)
def test_marks_and_what_looks_like_them(language: str, expected: list[str]) -> None:
    between = "" if language in ("zh", "ja") else " "
    assert in_language(between.join(expected), language) == expected


def test_lower_case_after_a_full_stop_goes_on_unless_all_is_lower_case() -> None:
    assert in_language("Das ist entspr. der Regel so. Ende.", "de") == [
        "Das ist entspr. der Regel so.",
        "Ende.",
    ]
    assert in_language("i went home. then i slept. it rained.", "en") == [
        "i went home.",
        "then i slept.",
        "it rained.",
    ]


def test_a_sentence_never_begins_with_a_comma() -> None:
    assert in_language("Yahoo!, the company, grew. It fell.", "en") == [
        "Yahoo!, the company, grew.",
        "It fell.",
    ]


def test_a_long_line_is_cut_only_at_sentences() -> None:
    sentence = "The committee met again in the old hall and talked about the bridge."
    assert in_language(" ".join([sentence] * 300), "en") == [sentence] * 300
    sentence = "委员会再次在旧大厅开会讨论桥梁问题。"
    assert in_language(sentence * 1000, "zh") == [sentence] * 1000


def test_code_is_quoted_line_by_line() -> None:
    assert split("```\nx = 1. Y = 2.\n\n  f()\n```\n", "a.md") == ["x = 1. Y = 2.", "f()"]


@pytest.mark.parametrize("language", ["xx", "zz-Zzzz", "sgn-BE-FR"])
def test_an_unknown_language_still_has_sentences(language: str) -> None:
    assert in_language("One is here. Two is there. 三。四。", language) == [
        "One is here.",
        "Two is there.",
        "三。",
        "四。",
    ]


def test_letters_tell_the_language_and_digits_do_not() -> None:
    assert document("12345").language == UNDETERMINED
    assert document("Η συνθήκη υπογράφτηκε στις 27 Ιουλίου 1953.").language == "el"


# How many sentences each text has is read off its own marks, by rules simpler than the segmenter's.
MARKS = {
    "el": r"[.;!](?=\s+[«\"]?[Α-ΩΆ-Ώ])",
    "ru": r"[.?!](?=\s+[«\"]?[А-Я])",
    "hi": r"[।?!](?=\s)",
    "ar": r"[.؟!](?=\s)",
    "zh": r"[。！？](?![”」』）\n]|\Z)",
    "ja": r"[。！？](?![”」』）\n]|\Z)",
}


@needs_data
@pytest.mark.parametrize("language", MARKS)
def test_real_paragraphs_come_apart_about_where_their_marks_are(language: str) -> None:
    found = expected = inside = 0
    for context in contexts(language):
        text = context.strip()
        expected += len(text.splitlines()) + len(re.findall(MARKS[language], text))
        for sentence in in_language(text, language):
            found += 1
            inside += len(re.findall(MARKS[language], sentence[:-1]))
    # Abbreviations and quotations account for the rest.
    assert abs(found - expected) <= 0.05 * expected
    assert inside <= 0.05 * found


@needs_data
def test_real_thai_is_cut_into_clauses_and_never_after_a_shortened_word() -> None:
    lengths = []
    for context in contexts("th"):
        found = in_language(context, "th")
        lengths += [len(sentence) for sentence in found]
        assert not [
            a for a in found[:-1] if re.search(r"[ก-ฮ]\.\Z", a) and a not in context.split("\n")
        ]
    assert sorted(lengths)[len(lengths) // 2] < 80
    assert max(lengths) < 400


@needs_data
@pytest.mark.parametrize("language", ["th", "hi", "ar", "zh", "el", "ru", "ja"])
def test_sentences_of_real_paragraphs_are_neither_tiny_nor_huge(language: str) -> None:
    lengths = [len(s) for context in contexts(language) for s in in_language(context, language)]
    assert 30 < sorted(lengths)[len(lengths) // 2] < 200
    assert sum(length < 4 for length in lengths) <= 0.005 * len(lengths)


@needs_data
def test_articles_of_the_declaration_come_apart_in_every_script() -> None:
    ends = {
        "hi": "।",
        "ur": "۔",
        "hy": "։",
        "am": "።",
        "my": "။",
        "km": "។",
        "ja": "。",
        "zh": "。",
        "el-monoton": ".",
        "de-1996": ".",
        "ka": ".",
        "bn": "।",
        "ne": "।",
        "ar": ".",
        "sw": ".",
    }
    for tag, articles in udhr():
        if tag not in ends:
            continue
        text = "\n\n".join(articles)
        found = in_language(text, tag)
        ended = sum(sentence.endswith(ends[tag]) for sentence in found)
        inside = sum(ends[tag] in sentence[:-1] for sentence in found)
        assert len(found) >= 60, tag
        assert ended >= 0.6 * len(found), tag
        assert inside <= 0.05 * len(found), tag
