"""Questions across languages from parallel text: asked in one language, answered in another.

A span of an English sentence is the answer. In the sentence's translation into the language of the
question the aligned words are taken out and a question word put in ("cloze", Lewis et al. 2019,
"Unsupervised Question Answering by Cloze Translation", without the translation: parallel text has
it). The passage is a stretch of the document in a third language, and the aligned words there are
the answer. Without the sentence, the same passage holds none.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import regex

from training.word_alignment import project

WORDS: Mapping[str, tuple[str, str, str, str, str]] = {
    # who, what, when, where, how many
    "eng-US": ("who", "what", "when", "where", "how many"),
    "deu": ("wer", "was", "wann", "wo", "wie viele"),
    "ell": ("ποιος", "τι", "πότε", "πού", "πόσα"),
    "spa": ("quién", "qué", "cuándo", "dónde", "cuántos"),
    "fra": ("qui", "que", "quand", "où", "combien de"),
    "por": ("quem", "o que", "quando", "onde", "quantos"),
    "ron": ("cine", "ce", "când", "unde", "câți"),
    "rus": ("кто", "что", "когда", "где", "сколько"),
    "ukr": ("хто", "що", "коли", "де", "скільки"),
    "pol": ("kto", "co", "kiedy", "gdzie", "ile"),
    "ces": ("kdo", "co", "kdy", "kde", "kolik"),
    "hun": ("ki", "mi", "mikor", "hol", "hány"),
    "fin": ("kuka", "mikä", "milloin", "missä", "kuinka monta"),
    "swe": ("vem", "vad", "när", "var", "hur många"),
    "tur": ("kim", "ne", "ne zaman", "nerede", "kaç"),
    "arb": ("من", "ما", "متى", "أين", "كم"),
    "heb": ("מי", "מה", "מתי", "איפה", "כמה"),
    "fas": ("چه کسی", "چه", "چه زمانی", "کجا", "چند"),
    "hin": ("कौन", "क्या", "कब", "कहाँ", "कितने"),
    "tha": ("ใคร", "อะไร", "เมื่อไร", "ที่ไหน", "กี่"),
    "vie": ("ai", "gì", "khi nào", "ở đâu", "bao nhiêu"),
    "ind": ("siapa", "apa", "kapan", "di mana", "berapa"),
    "zho-CN": ("谁", "什么", "什么时候", "哪里", "多少"),
    "zho-TW": ("誰", "什麼", "什麼時候", "哪裡", "多少"),
    "jpn": ("誰", "何", "いつ", "どこ", "いくつ"),
    "kor": ("누가", "무엇", "언제", "어디", "몇"),
}
"""Question words by NTREX's code of a language."""

UNSPACED = frozenset({"zho-CN", "zho-TW", "jpn", "tha"})
_MARKS = {"arb": "؟", "fas": "؟", "ell": ";", "zho-CN": "？", "zho-TW": "？",
          "jpn": "？", "tha": ""}  # fmt: skip
_STOP = frozenset(
    "a an the and or but of in on at to for from by with as is are was were be been has have had "
    "he she it they his her its their this that these those who which what when where not no so if "
    "than then there i you we my your our do does did will would can could should may might".split()
)
_PAIR = regex.compile(r"\X{1,2}")  # graphemes: a vowel sign stays with its letter
_WORD = re.compile(r"[^\W_]+(?:[-'’.,][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Translated:
    """A sentence in one language, its pieces' offsets and its links from the English pieces."""

    text: str
    offsets: tuple[tuple[int, int], ...]
    links: Mapping[int, int]

    def span(self, first: int, last: int) -> tuple[int, int] | None:
        """The characters that say what the English pieces `first` to `last` say."""
        found = project(dict(self.links), first, last)
        if found is None:
            return None
        start, end = self.offsets[found[0]][0], self.offsets[found[1]][1]
        start, end = _whole_words(self.text, start, end)
        return (start, end) if start < end else None


@dataclass(frozen=True, slots=True)
class Answer:
    """A span of an English sentence that can be asked for: its pieces, inclusive, and what kind of
    thing it is (a position in the rows of `WORDS`).
    """

    first: int
    last: int
    kind: int


def answers(
    text: str, offsets: Sequence[tuple[int, int]], rng: np.random.Generator
) -> list[Answer]:
    """What can be asked for in an English sentence: numbers, names, and runs of content words."""
    words = [(m.start(), m.end(), m.group()) for m in _WORD.finditer(text)]
    runs: list[tuple[int, int, int]] = []
    position = 0
    while position < len(words):
        word = words[position][2]
        end = position
        if any(c.isdigit() for c in word):
            kind = 2 if re.fullmatch(r"1[5-9]\d\d|20\d\d", word) else 4
            if end + 1 < len(words) and rng.random() < 0.5:
                end += 1
        elif word[0].isupper() and position > 0:
            while end + 1 < len(words) and words[end + 1][2][0].isupper():
                end += 1
            kind = int(rng.choice([0, 0, 1, 3]))
        elif word.lower() not in _STOP and rng.random() < 0.1:
            limit = position + int(rng.integers(0, 4))
            while end < min(limit, len(words) - 1):
                end += 1
            while end > position and words[end][2].lower() in _STOP:
                end -= 1
            kind = 1
        else:
            position += 1
            continue
        runs.append((words[position][0], words[end][1], kind))
        position = end + 1
    found = []
    for start, stop, kind in runs:
        inside = [n for n, (a, b) in enumerate(offsets) if a < stop and b > start]
        if inside:
            found.append(Answer(inside[0], inside[-1], kind))
    return found


def question(
    sentence: str, start: int, end: int, kind: int, language: str, rng: np.random.Generator
) -> str:
    """The sentence with characters `start` to `end` asked for: shortened around the gap, some words
    left out, a question word in front or in the gap.
    """
    before, after = _words(sentence[:start], language), _words(sentence[end:], language)
    short = len(before) + len(after) <= 12
    if not short and rng.random() < 0.75:
        keep = int(rng.integers(7, 18))
        left = int(rng.integers(0, keep + 1))
        before, after = before[len(before) - min(left, len(before)) :], after[: keep - left + 2]
    drop = 0.0 if short or rng.random() < 0.4 else 0.15
    before = [word for word in before if rng.random() >= drop]
    after = [word for word in after if rng.random() >= drop]
    glue = "" if language in UNSPACED else " "
    asking = WORDS.get(language)
    word = asking[kind] if asking and rng.random() < 0.9 else ""
    if rng.random() < 0.55 and language not in UNSPACED:
        parts = [word, *before, *after]
    else:
        parts = [*before, word, *after]
    text = glue.join(part for part in parts if part).strip(" ,.;:!?。，、」「\"'“”")
    return text + (_MARKS.get(language, "?") if rng.random() < 0.85 else "")


def _words(text: str, language: str) -> list[str]:
    """Words, or pairs of graphemes where a script has no blanks."""
    if language not in UNSPACED:
        return text.split()
    return _PAIR.findall(text)


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """A range widened to whole words where the script parts them, stripped of marks."""
    while 0 < start < len(text) and _joined(text[start - 1]) and _joined(text[start]):
        start -= 1
    while 0 < end < len(text) and _joined(text[end - 1]) and _joined(text[end]):
        end += 1
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and unicodedata.category(text[end - 1])[0] not in "LNM":
        end -= 1
    return start, end


def _joined(character: str) -> bool:
    """Whether a character belongs to a word whose script parts words by blanks."""
    if not character.isalnum():
        return unicodedata.category(character)[0] == "M"
    name = unicodedata.name(character, "")
    return not name.startswith(("CJK", "HIRAGANA", "KATAKANA", "THAI", "KHMER", "LAO", "MYANMAR"))


def windows(
    lengths: Sequence[int], target: int, budget: int, rng: np.random.Generator
) -> tuple[int, int]:
    """A stretch of sentences (first, last exclusive) around `target` within `budget` of the unit of
    `lengths`, its other sentences at random sides.
    """
    first, last = target, target + 1
    total = lengths[target]
    while True:
        sides = [side for side in (0, 1) if (first > 0, last < len(lengths))[side]]
        if not sides:
            return first, last
        if len(sides) == 2 and rng.random() < 0.5:
            sides.reverse()
        extra = lengths[first - 1] if sides[0] == 0 else lengths[last]
        if total + extra > budget:
            return first, last
        total += extra
        first, last = (first - 1, last) if sides[0] == 0 else (first, last + 1)


def stretches(
    lengths: Sequence[int], avoid: int, budget: int, rng: np.random.Generator
) -> Iterator[tuple[int, int]]:
    """Stretches of a document that leave a sentence out, the ones next to it first."""
    for first, last in ((avoid + 1, len(lengths)), (0, avoid)):
        if last > first:
            target = first if first > avoid else last - 1
            sub = windows(lengths[first:last], target - first, budget, rng)
            yield first + sub[0], first + sub[1]
