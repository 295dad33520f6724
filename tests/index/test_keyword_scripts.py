"""In every script, a question whose passage only keywords can find: all vectors are the same."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from documents.load import Raw
from index.hybrid import SearchOptions
from index.ingest import ingest
from index.local import LocalIndex, open_index
from index.types import Vectors
from tests.fakes import HashingEmbedder

CASES = [
    ("English", "the Battle of Chosin", "The marines fought at Chosin in the cold."),
    ("accents left out", "Jose Nunez", "El alcalde José Núñez firmó la carta."),
    ("accents put in", "café crème", "One cafe with creme on the square."),
    (
        "German sharp s",
        "Hauptstrasse Wuerzburg",
        "Der Laden in der Hauptstraße von Würzburg schloss.",
    ),
    ("German umlaut left out", "Muller Gesprach", "Herr Müller führte das Gespräch."),
    ("German umlaut spelled out", "Koelner Dom", "Der Kölner Dom ist hoch."),
    ("Turkish", "ISPARTA valisi", "Vali, ısparta yolunda durdu."),
    ("Turkish dotted", "istanbul", "Gemi İSTANBUL'dan kalktı."),
    ("Vietnamese", "Dien Bien Phu", "Trận Điện Biên Phủ kết thúc."),
    ("Greek without accents", "Πανμουντζομ", "Η ανακωχή υπογράφτηκε στο Πανμουντζόμ."),
    ("Greek capitals", "ΑΝΑΚΩΧΗΣ", "Οι όροι της ανακωχής ήταν σκληροί."),
    ("Greek polytonic", "τής ἀνακωχῆς", "Οι όροι της ανακωχης έγιναν δεκτοί."),
    ("Russian", "ёлка", "На площади стояла Елка."),
    ("Ukrainian", "Київ", "Потяг до КИЇВ запізнився."),
    ("Arabic with vowels", "هُدْنَة", "وقعت الأطراف هدنة بعد حرب طويلة."),
    ("Arabic asked with the article", "المعاهدة", "وقعوا معاهدة في ربيع ذلك العام."),
    ("Arabic told with the article", "قنطرة", "مروا بالقنطرة القديمة عند الفجر."),
    ("Arabic article after a conjunction", "للجمارك", "وصلت والجمارك مغلقة."),
    ("Arabic without vowels", "امه", "اجتمعت أُمَّةٌ كبيرة هناك."),
    ("Persian", "کتابخانه", "در آن شهر كتابخانه ساخته شد."),
    ("Hebrew", "שלום", "הם אמרו שָׁלוֹם זה לזה."),
    ("Hindi", "युद्धविराम", "दोनों पक्षों ने युद्धविराम पर हस्ताक्षर किए।"),
    ("Hindi dot left out", "ज़मीन", "उनकी जमीन बिक गई।"),
    ("Bengali", "যুদ্ধবিরতি", "দুই পক্ষ যুদ্ধবিরতি মেনে নিল।"),
    ("Tamil", "போர்", "நீண்ட போர் முடிந்தது."),
    ("Thai", "สงบศึก", "ทั้งสองฝ่ายลงนามในข้อตกลงสงบศึกเมื่อปีก่อน"),
    ("Thai, two letters", "จีน", "กองทัพจากจีนข้ามแม่น้ำ"),
    ("Lao", "ສັນຕິພາບ", "ພວກເຂົາຕ້ອງການສັນຕິພາບຢູ່ທີ່ນັ້ນ"),
    ("Khmer", "សន្តិភាព", "ពួកគេចង់បានសន្តិភាពនៅទីនោះ"),
    ("Burmese", "ငြိမ်းချမ်းရေး", "သူတို့သည်ငြိမ်းချမ်းရေးကိုလိုချင်သည်"),
    ("Chinese", "停战协定", "双方签署了停战协定。"),
    ("Chinese, traditional asked", "停戰協定", "双方签署了停战协定。"),
    ("Chinese, simplified asked", "停战协定", "雙方簽署了停戰協定。"),
    ("Chinese, one character", "龙", "水里有一條龍。"),
    ("Japanese", "休戦協定", "両国は休戦協定に署名した。"),
    ("Japanese kana", "りんご", "リンゴを食べた。"),
    ("Japanese halfwidth", "ﾗﾝﾌﾟ", "古いランプが灯った。"),
    ("Korean with a particle", "정전협정", "양측은 정전협정을 체결했다."),
    ("Georgian", "ზავი", "ხანგრძლივი ზავი დაიდო."),
    ("Armenian", "Զինադադար", "Նրանք կնքեցին զինադադար։"),
    ("Amharic", "ሰላም", "እነርሱ ሰላም ይፈልጋሉ።"),
    ("full-width digits", "１９５３", "It ended in 1953."),
    ("Arabic digits", "1954", "انتهت الحرب في ١٩٥٤."),
    ("Devanagari digits", "2753", "यह २७५३ में हुआ।"),
    ("Thai digits", "๑๙๕๖", "สงครามจบลงในปี 1956"),
    ("Persian digits asked", "۱۹۵۷", "1957年に終わった。"),
    ("grouped number", "36,574", "Dort starben 36.574 Soldaten."),
    ("a code", "sf-91", "Form SF91 was signed."),
    ("headings", "Epilogue", "# Epilogue\n\nThey all went home."),
]


class Blind(HashingEmbedder):
    """Its vectors carry no information."""

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return np.tile(np.eye(1, self.dimension, dtype=np.float32), (len(texts), 1))


@pytest.fixture(scope="module")
def blind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalIndex]:
    """Every case's passage, and others before it in one collection; all declared to be of one
    language, so that keywords compare them all.
    """
    folder = tmp_path_factory.mktemp("blind")
    options = SearchOptions(depth=20)
    with open_index(folder, Blind(dimension=8), options=options) as index:
        raws = [
            Raw(f"Filler{n} passage alpha{n} beta{n}.".encode(), f"{n}", f"{n}", language="en")
            for n in range(40)
        ]
        raws += [
            Raw(text.encode(), name, name, language="en", media_type="text/markdown")
            for name, _question, text in CASES
        ]
        assert all(outcome.status == "added" for outcome in ingest(index, "default", raws))
        yield index


@pytest.mark.parametrize(
    ("name", "question", "text"), CASES, ids=[name for name, _question, _text in CASES]
)
def test_keywords_find_it(blind: LocalIndex, name: str, question: str, text: str) -> None:
    hits = blind.search(question, "default", 5)
    found = next(hit for hit in hits if text.endswith(hit.text))
    # Where two cases have the same words, both are best.
    assert found.keyword_score == hits[0].keyword_score == max(h.keyword_score or 0 for h in hits)
    assert found.found_by == "keyword"
    assert found.dense_rank is None, "forty others are as near and come first"


def test_without_keywords_none_of_them_is_found(blind: LocalIndex) -> None:
    with LocalIndex(blind.store, blind.embedder, SearchOptions(keywords=False)) as dense:
        for _name, question, text in CASES:
            hits = dense.search(question, "default", 5)
            assert not any(text.endswith(hit.text) for hit in hits)
