"""Small numbers in words: three, drei, τρία, तीन, 三 are 3.

From two, since "one" is an article in half of the languages, to twelve, which is how far people
spell numbers out. A word counts as a number in a short answer alone: "three", "three men".
"""

import re
from collections.abc import Mapping
from functools import cache

_WORDS = {
    "en": "two three four five six seven eight nine ten eleven twelve",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
    "nl": "twee drie vier vijf zes zeven acht negen tien elf twaalf",
    "sv": "två tre fyra fem sex sju åtta nio tio elva tolv",
    "da": "to tre fire fem seks syv otte ni ti elleve tolv",
    "nb": "to tre fire fem seks sju/syv åtte ni ti elleve tolv",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "fr": "deux trois quatre cinq six sept huit neuf dix onze douze",
    "it": "due tre quattro cinque sei sette otto nove dieci undici dodici",
    "pt": "dois/duas três quatro cinco seis sete oito nove dez onze doze",
    "ro": "doi/două trei patru cinci șase/şase șapte/şapte opt nouă zece unsprezece doisprezece",
    "pl": "dwa/dwie/dwóch trzy/trzech cztery/czterech pięć/pięciu sześć/sześciu siedem/siedmiu"
    " osiem/ośmiu dziewięć/dziewięciu dziesięć/dziesięciu jedenaście dwanaście",
    "cs": "dva/dvě/dvou tři/tří čtyři/čtyř pět/pěti šest/šesti sedm/sedmi osm/osmi devět/devíti"
    " deset/deseti jedenáct dvanáct",
    "ru": "два/две/двух/двое три/трёх/трех/трое четыре/четырёх/четырех пять/пяти шесть/шести"
    " семь/семи восемь/восьми девять/девяти десять/десяти одиннадцать двенадцать",
    "uk": "два/дві/двох три/трьох чотири/чотирьох п'ять/пять шість сім вісім дев'ять/девять десять"
    " одинадцять дванадцять",
    "el": "δύο/δυο τρία/τρεις/τριών τέσσερα/τέσσερις/τεσσάρων πέντε έξι επτά/εφτά οκτώ/οχτώ"
    " εννέα/εννιά δέκα έντεκα/ένδεκα δώδεκα",
    "tr": "iki üç dört beş altı yedi sekiz dokuz on onbir oniki",
    "fi": "kaksi kolme neljä viisi kuusi seitsemän kahdeksan yhdeksän kymmenen yksitoista"
    " kaksitoista",
    "hu": "kettő/két három négy öt hat hét nyolc kilenc tíz tizenegy tizenkettő/tizenkét",
    "id": "dua tiga empat lima enam tujuh delapan sembilan sepuluh sebelas",
    "vi": "hai ba bốn năm sáu bảy tám chín mười",
    "ar": "اثنان/اثنين/اثنتان ثلاثة/ثلاث أربعة/أربع خمسة/خمس ستة/ست سبعة/سبع ثمانية/ثماني/ثمان"
    " تسعة/تسع عشرة/عشر",
    "fa": "دو سه چهار پنج شش هفت هشت نه ده یازده دوازده",
    "he": "שניים/שתיים/שני/שתי שלושה/שלוש ארבעה/ארבע חמישה/חמש שישה/שש שבעה/שבע שמונה"
    " תשעה/תשע עשרה/עשר",
    "hi": "दो तीन चार पाँच/पांच छह/छः/छ: सात आठ नौ दस ग्यारह बारह",
    "th": "สอง สาม สี่ ห้า หก เจ็ด แปด เก้า สิบ",
    "ko": "둘/두 셋/세 넷/네 다섯 여섯 일곱 여덟 아홉 열",
}  # fmt: skip
_HAN = {numeral: value for value, numeral in enumerate("一二三四五六七八九十", 1)}
_HAN |= {"两": 2, "兩": 2}
_HAN_NUMBER = re.compile(
    r"(十[一二]|[二三四五六七八九十两兩])([人个個名次年天岁歲本台位条條座种種倍つ回匹頭头件票篇章枚艘架]?)"
)
"""With a counter at most: 四川 is Sichuan, and no four."""
_MOST_WORDS = 3


def small_number_in(tokens: tuple[str, ...], language: str) -> tuple[int, tuple[str, ...]] | None:
    """The number that one of a short answer's folded words is, and the other words; None where
    there is none, or more than one.
    """
    if not tokens or len(tokens) > _MOST_WORDS:
        return None
    if han := _HAN_NUMBER.fullmatch("".join(tokens)):
        value = sum(_HAN[numeral] for numeral in han[1])
        return value, tuple(word for word in (han[2],) if word)
    known = _named(language.split("-")[0])
    found = [n for n, word in enumerate(tokens) if word in known]
    if len(found) != 1:
        return None
    place = found[0]
    return known[tokens[place]], (*tokens[:place], *tokens[place + 1 :])


@cache
def _named(language: str) -> Mapping[str, int]:
    words = _WORDS.get(language, "").casefold().split()
    return {form: value for value, forms in enumerate(words, 2) for form in forms.split("/")}
