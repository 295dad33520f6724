"""What is a follow-up, what it means, and that a question of its own stays as it is."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from documents.load import Raw
from index.ingest import ingest
from index.local import LocalIndex, open_index
from rag.chat import FollowUpSearch, Turn, understand
from rag.chat_text import analyse
from rag.phrases import DECLINES, decline
from tests.fakes import HashingEmbedder

ASKED = {
    "en": "When was the armistice at Panmunjom signed?",
    "de": "Wann wurde der Waffenstillstand in Panmunjom unterzeichnet?",
    "es": "¿Cuándo se firmó el armisticio en Panmunjom?",
    "fr": "Quand l'armistice de Panmunjom a-t-il été signé ?",
    "it": "Quando fu firmato l'armistizio a Panmunjom?",
    "pt": "Quando foi assinado o armistício em Panmunjom?",
    "nl": "Wanneer werd de wapenstilstand in Panmunjom getekend?",
    "el": "Πότε υπογράφτηκε η ανακωχή στο Πανμουντζόμ;",
    "ru": "Когда подписали перемирие в Пханмунджоме?",
    "uk": "Коли підписали перемир'я в Пханмунджомі?",
    "pl": "Kiedy podpisano rozejm w Panmundżomie?",
    "cs": "Kdy bylo podepsáno příměří v Pchanmundžomu?",
    "tr": "Panmunjom ateşkesi ne zaman imzalandı?",
    "ar": "متى وُقّعت الهدنة في بانمونجوم؟",
    "fa": "آتش‌بس پانمونجوم کی امضا شد؟",
    "he": "מתי נחתמה שביתת הנשק בפאנמונג'ום?",
    "hi": "पानमुनजोम में युद्धविराम पर कब हस्ताक्षर हुए?",
    "zh": "板门店停战协定是什么时候签的？",
    "ja": "板門店の休戦協定はいつ調印されましたか？",
    "ko": "판문점 휴전 협정은 언제 체결되었나요?",
    "vi": "Hiệp định đình chiến Bàn Môn Điếm được ký khi nào?",
    "th": "ข้อตกลงหยุดยิงปันมุนจอมลงนามเมื่อไหร่",
}
TOPIC = {
    "en": "Panmunjom", "de": "Panmunjom", "es": "Panmunjom", "fr": "Panmunjom",
    "it": "Panmunjom", "pt": "Panmunjom", "nl": "Panmunjom", "el": "Πανμουντζόμ",
    "ru": "Пханмунджоме", "uk": "Пханмунджомі", "pl": "Panmundżomie", "cs": "Pchanmundžomu",
    "tr": "Panmunjom", "ar": "بانمونجوم", "fa": "پانمونجوم", "he": "פאנמונג",
    "hi": "पानमुनजोम", "zh": "板门店", "ja": "板門店", "ko": "판문점", "vi": "Điếm",
    "th": "ปันมุนจอม",
}  # fmt: skip

FOLLOW_UPS = [
    ("en", "And who refused it?"), ("en", "Why?"), ("en", "Who else?"), ("en", "How many?"),
    ("en", "And in winter?"), ("en", "What happened then?"), ("en", "Who signed it for them?"),
    ("en", "When did they begin?"), ("en", "What about 1954?"), ("en", "and where"),
    ("de", "Und wo?"), ("de", "Wer hat ihn unterschrieben?"), ("de", "Warum dauerte er so lange?"),
    ("de", "Und danach?"), ("de", "Wer war dabei?"),
    ("es", "¿Y cuándo?"), ("es", "¿Quién lo firmó?"), ("es", "¿Y en invierno?"),
    ("es", "¿Por qué no los firmó?"), ("es", "¿Y ella?"),
    ("fr", "Et pourquoi ?"), ("fr", "Qui l'a signé ?"), ("fr", "Où sont-ils allés ensuite ?"),
    ("it", "E dove?"), ("it", "Chi l'ha firmato?"), ("pt", "E onde fica?"),
    ("pt", "Quem assinou isso?"), ("nl", "En waarom?"), ("nl", "Wie heeft het getekend?"),
    ("el", "Και πότε;"), ("el", "Ποιος την υπέγραψε;"), ("el", "Γιατί αρνήθηκε;"),
    ("el", "Πού έγινε αυτό;"),
    ("ru", "И кто отказался?"), ("ru", "Где это было?"), ("ru", "А почему?"), ("uk", "Та чому?"),
    ("pl", "A gdzie?"), ("cs", "A proč?"), ("tr", "Peki kim reddetti?"), ("tr", "Ne zaman?"),
    ("tr", "Bunu kim imzaladı?"),
    ("ar", "ومن رفضها؟"), ("ar", "أين كان ذلك؟"), ("ar", "ولماذا؟"), ("fa", "و کجا؟"),
    ("he", "ומי סירב?"), ("hi", "और किसने मना किया?"), ("hi", "वह कहाँ हुआ?"), ("hi", "क्यों?"),
    ("zh", "那是谁签的？"), ("zh", "为什么？"), ("zh", "它有多长？"), ("zh", "谁拒绝了？"),
    ("ja", "それはどこですか？"), ("ja", "なぜ？"), ("ja", "誰が断ったのですか？"),
    ("ko", "그게 어디였나요?"), ("ko", "왜?"), ("vi", "Còn ở đâu?"), ("th", "แล้วใคร"),
]  # fmt: skip

OF_THEIR_OWN = [
    ("en", "What is the capital of France?"), ("en", "Who wrote Hamlet?"),
    ("en", "When did Brehmer finish her work?"), ("en", "What is photosynthesis?"),
    ("en", "How long does it take to reach the island?"),
    ("en", "And how tall is the Eiffel Tower in Paris?"),
    ("en", "Is it true that the lighthouse is closed on Tuesdays?"),
    ("en", "Who is Katharina Brehmer?"),
    ("de", "Wie viele Einwohner hat Berlin?"), ("de", "Was ist Photosynthese?"),
    ("de", "Wie lange dauert es mit der Fähre auf die Insel?"),
    ("es", "¿Cuál es la capital de Portugal?"), ("es", "¿Por qué los barcos no pueden fondear?"),
    ("fr", "Quand la tour Eiffel a-t-elle été construite ?"),
    ("fr", "Qu'est-ce que la photosynthèse ?"), ("it", "Qual è la capitale della Francia?"),
    ("el", "Ποια είναι η πρωτεύουσα της Γαλλίας;"), ("ru", "Какова столица Франции?"),
    ("ru", "Что такое фотосинтез?"), ("ar", "ما هي عاصمة فرنسا؟"),
    ("hi", "फ्रांस की राजधानी क्या है?"), ("tr", "Fransa'nın başkenti neresidir?"),
    ("zh", "灯塔有多高？"), ("zh", "什么是光合作用？"), ("zh", "中国的首都是哪里？"),
    ("ja", "東京の人口はどれくらいですか？"), ("ko", "프랑스의 수도는 어디인가요?"),
    ("vi", "Thủ đô của nước Pháp là thành phố nào?"),
    ("hr", "Koliko stanovnika ima grad Zagreb danas?"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "question"), FOLLOW_UPS)
def test_a_follow_up_gets_the_subject_of_what_was_asked(language: str, question: str) -> None:
    understood = understand(question, [Turn("user", ASKED[language])])
    assert understood.follow_up
    assert understood.standalone.startswith(question)
    assert TOPIC[language] in understood.standalone
    # The words that asked the earlier question do not ask this one.
    asking = {"en": "When was", "de": "Wann", "es": "Cuándo", "el": "Πότε", "zh": "什么时候"}
    assert asking.get(language, "\0") not in understood.standalone.removeprefix(question)
    assert understood.queries[:2] == (question, understood.standalone)


@pytest.mark.parametrize(("language", "question"), OF_THEIR_OWN)
def test_a_question_of_its_own_stays_as_it_is(language: str, question: str) -> None:
    for history in ([Turn("user", ASKED.get(language, ASKED["en"]))], [Turn("user", ASKED["zh"])]):
        understood = understand(question, [*history, Turn("assistant", "27 July 1953.")])
        assert (understood.standalone, understood.follow_up) == (question, False)
        assert understood.queries == (question,)


@pytest.mark.parametrize(
    ("first", "then"),
    [("en", "¿Y quién lo firmó?"), ("zh", "And why?"), ("el", "Und wo?"), ("es", "那是谁签的？"),
     ("hi", "Και πότε;"), ("de", "Почему?")],
)  # fmt: skip
def test_the_language_may_change_between_turns(first: str, then: str) -> None:
    assert TOPIC[first] in understand(then, [Turn("user", ASKED[first])]).standalone


@pytest.mark.parametrize(
    ("language", "question"),
    [("de", "Und wo?"), ("zh", "里斯本有多少人口？"), ("zh", "灯塔有多高？"), ("tr", "Ne zaman?"),
     ("fa", "و کجا؟"), ("da", "Hvornår blev fyret tændt?"), ("hu", "Hány ember él Lisszabonban?"),
     ("nb", "Når ble fyret tent?"), ("en", "Why?"), ("ca", "Quan es va encendre el far?")],
)  # fmt: skip
def test_the_language_of_a_short_question(language: str, question: str) -> None:
    assert understand(question, []).language == language
    assert understand(question, [Turn("user", ASKED["el"])]).language == language


def test_follow_ups_of_follow_ups_reach_back_to_their_subject() -> None:
    history = [
        Turn("user", "Who painted the Sistine ceiling?"),
        Turn("assistant", "Michelangelo."),
        Turn("user", ASKED["en"]),
        Turn("assistant", "On 27 July 1953."),
        Turn("user", "Who refused to sign it?"),
        Turn("assistant", "President Rhee."),
    ]
    understood = understand("And why?", history)
    assert "Panmunjom" in understood.standalone
    assert "refused" in understood.standalone
    assert not any("Sistine" in query or "Michelangelo" in query for query in understood.queries)
    assert "Rhee" not in understood.standalone
    assert "President Rhee." in understood.queries[2]


def test_the_last_answer_is_its_first_line_without_marks() -> None:
    said = "On 27 July 1953. [1]\n\n[1] «Signed on 27 July 1953.» — korea.txt"
    (_, _, query) = understand(
        "Who signed?", [Turn("user", ASKED["en"]), Turn("assistant", said)]
    ).queries
    assert query.endswith("On 27 July 1953.)")
    for words in DECLINES.values():
        declined = [Turn("user", ASKED["en"]), Turn("assistant", words)]
        assert len(understand("Who signed?", declined).queries) == 2


def test_without_anything_asked_before_a_question_stays() -> None:
    for history in ([], [Turn("assistant", "Hello! How can I help?")], [Turn("user", " \n")]):
        assert understand("And why?", history).standalone == "And why?"
    # ... and where what was asked has no words of its own.
    assert understand("And why?", [Turn("user", "👍"), Turn("user", "?!")]).standalone == "And why?"


def test_long_conversations_and_letters_are_cut_down() -> None:
    letter = "Dear friend, " + "so it goes. " * 20_000 + "When was Panmunjom signed?"
    understood = understand("And why?", [Turn("user", letter)])
    assert "Panmunjom" in understood.standalone
    assert len(understood.standalone) < 500
    many = [Turn("user", "why?")] * 5000 + [Turn("user", ASKED["en"])]
    assert "Panmunjom" in understand("And who?", many).standalone
    old = [Turn("user", ASKED["en"]), *[Turn("user", "And why?")] * 40]
    assert understand("And who?", old).standalone == "And who?"


@pytest.mark.parametrize(
    "text", ["", "?", "👍🏽", "\u202eאבג", "a" * 10_000, "\ud800", "ﷺ", "१२३", "ก็", "'", "-1"]
)
def test_odd_texts_are_taken_apart_without_failing(text: str) -> None:
    analyse(text)
    understand(text, [Turn("user", text), Turn("assistant", text)])


def test_half_characters_of_a_history_are_left_out() -> None:
    history = [Turn("user", "Panmun\ud800jom armistice"), Turn("assistant", "\udfffSigned.")]
    understood = understand("And why?", history)
    assert understood.standalone == "And why? (Panmunjom armistice)"
    assert understood.queries[2] == "And why? (Panmunjom armistice Signed.)"


def test_a_name_in_another_script_is_a_word_of_its_sentence() -> None:
    asked = analyse("Where was 林兆安 found?")
    assert (asked.language, asked.content) == ("en", ("林兆安", "found"))
    assert analyse("COVID-19是什么？").language == "zh"
    assert analyse("NASAはいつ設立されましたか？").language == "ja"
    whole = "And where is 林兆安 buried in China?"
    assert not understand(whole, [Turn("user", ASKED["en"])]).follow_up


def test_words_of_scripts_with_marks_stay_whole() -> None:
    assert analyse("जहाज़ का इंजन क्यों बंद हुआ?").content == ("जहाज़", "इंजन", "बंद")
    assert analyse("Ποιος σχεδίασε τον φάρο;").content == ("σχεδίασε", "φάρο")
    assert analyse("灯塔的设计图是谁画的？").content == ("灯塔", "设计图", "画")


def test_a_decline_is_in_the_language_or_in_english() -> None:
    assert len(DECLINES) >= 30
    assert len(set(DECLINES.values())) == len(DECLINES)
    assert decline("el").startswith("Δεν βρήκα")
    assert decline("zh-Hant") == DECLINES["zh"]
    assert decline("tlh") == decline("und") == DECLINES["en"]


@pytest.fixture
def index(tmp_path: Path) -> Iterator[LocalIndex]:
    with open_index(tmp_path, HashingEmbedder()) as opened:
        for source, text in {
            "a.txt": "President Rhee refused the armistice.",
            "b.txt": "The mayor refused the lemons.",
            "c.txt": "The armistice was long.",
        }.items():
            ingest_one(opened, source, text)
        yield opened


def ingest_one(index: LocalIndex, source: str, text: str) -> None:
    (outcome,) = ingest(index, "default", [Raw(text.encode(), source, source)])
    assert outcome.status == "added"


def test_passages_that_fit_all_rewritings_come_first(index: LocalIndex) -> None:
    queries = ("who refused", "who refused (armistice)")
    found = FollowUpSearch(index, queries).search("ignored", "default", 3)
    assert found[0].source == "a.txt"
    assert [hit.rank for hit in found] == [1, 2, 3]
    # The score of a hit is the mean of its cosines.
    each = [{h.source: h.score for h in index.search(q, "default", 9)} for q in queries]
    for hit in found:
        assert hit.score == pytest.approx((each[0][hit.source] + each[1][hit.source]) / 2)
    assert len(FollowUpSearch(index, queries).search("ignored", "default", 1)) == 1
