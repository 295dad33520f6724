"""Sentences of a dozen scripts, and what the tests of documents share."""

import gzip
import json
from collections.abc import Sequence
from functools import cache
from typing import Any

from hypothesis import strategies as st

from documents.load import Raw, load
from documents.segment import sentences
from documents.types import Document
from tests.shared_data import DATA

SAMPLES: dict[str, tuple[str, ...]] = {
    "en": ("Dr. Okafor met Mrs. Lee at 5.30 p.m. today.", "It weighed 3.5 kg!", "Did it rain?"),
    "el": ("Πότε ανοίγει η βιβλιοθήκη;", "Ο κ. Παπάς ήρθε χθες.", "Έφυγε νωρίς."),
    "ru": ("А. С. Пушкин родился в Москве.", "Сколько это стоит?", "Никто не знает."),
    "de": ("Sie kam am 3. Mai 1921 zur Welt.", "Das kostet z. B. 4,50 Euro.", "Warum nicht?"),
    "zh": ("图书馆几点开门？", "他昨天来了。", "太好了！"),
    "ja": ("図書館は何時に開きますか？", "彼は昨日来ました。", "雨が降っている。"),
    "ko": ("도서관은 언제 여나요?", "그는 어제 왔습니다.", "비가 온다."),
    "hi": ("पुस्तकालय कब खुलता है?", "वह कल आया था।", "बारिश हो रही है।"),
    "ar": ("متى تفتح المكتبة؟", "جاء أمس.", "السماء تمطر الآن."),
    "ur": ("کتب خانہ کب کھلتا ہے؟", "وہ کل آیا تھا۔", "بارش ہو رہی ہے۔"),
    "hy": ("Նա երեկ եկավ։", "Անձրև է գալիս։", "Գրադարանը փակ է։"),
    "am": ("እሱ ትናንት መጣ።", "ዝናብ እየዘነበ ነው።", "ቤተ መጻሕፍቱ ተዘግቷል።"),
    "km": ("បណ្ណាល័យបិទ។", "គាត់បានមកម្សិលមិញ។", "ភ្លៀងកំពុងធ្លាក់។"),
    "my": ("စာကြည့်တိုက်ပိတ်သည်။", "သူမနေ့ကလာသည်။", "မိုးရွာနေသည်။"),
    "bo": ("ཁོ་ཁ་སང་འབྱོར་སོང་།", "ང་བོད་པ་ཡིན།", "འདི་དེབ་རེད།"),
    "he": ("מתי נפתחת הספרייה?", "הוא בא אתמול.", "יורד גשם."),
    "th": ("ห้องสมุดเปิดกี่โมงและปิดเมื่อไรในวันหยุดราชการ", "เขามาเมื่อวานนี้พร้อมกับเพื่อนสนิทของเขาสองคน"),
}
UNSPACED = {"zh", "ja"}


def paragraph(language: str) -> str:
    return ("" if language in UNSPACED else " ").join(SAMPLES[language])


words = st.sampled_from(
    [sentence for group in SAMPLES.values() for sentence in group]
    + " \n|\n\n| |\t|1. |- |# |## |> |**|[a](b)|`code`|[1]|. 1  |Title|\r\n|\u200f|\u200b|😀|e\u0301|(|)|3.5|\u3000|A. ".split(
        "|"
    )
)
texts = st.lists(st.one_of(words, st.text(max_size=8)), max_size=40).map("".join)
"""Text that mixes scripts, markup and any characters at all, but for lone surrogates."""


def document(text: str, name: str = "a.txt", **declared: Any) -> Document:
    return load(Raw(text.encode("utf-8"), source=name, origin=name, **declared), "id")


def split(text: str, name: str = "a.txt", **declared: Any) -> list[str]:
    """The sentences of a document, headings and code included."""
    found = document(text, name, **declared)
    spans = sentences(found.text, found.blocks, found.language)
    return [span.of(found.text) for span, _block in spans]


def in_language(text: str, language: str) -> list[str]:
    return split(text, language=language)


def count_words(texts: Sequence[str]) -> list[int]:
    """A stand-in for a tokenizer: one token for every four characters, at least one a word."""
    return [max(1, sum((len(word) + 3) // 4 for word in text.split())) for text in texts]


@cache
def udhr() -> list[tuple[str, list[str]]]:
    with gzip.open(DATA / "udhr.jsonl.gz", "rt", encoding="utf-8") as lines:
        return [(row["bcp47"], row["articles"]) for row in map(json.loads, lines)]


@cache
def contexts(language: str) -> list[str]:
    if language == "ja":
        with gzip.open(
            DATA / "qa-train" / "jaquad.train.jsonl.gz", "rt", encoding="utf-8"
        ) as lines:
            return sorted({json.loads(line)["context"] for line in lines})[:150]
    data = json.loads(gzip.decompress((DATA / "xquad" / f"{language}.json.gz").read_bytes()))
    return [part["context"] for article in data["data"] for part in article["paragraphs"]]
