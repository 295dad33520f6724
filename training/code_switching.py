"""Questions and passages with some of their words said in another language.

A reader of questions in seven languages meets the words of a hundred in the places where its own
would stand, and learns that the place is what counts ("CoSDA-ML", Qin et al. 2020, who had
dictionaries; here the aligned words of parallel sentences are one).
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from training.clozes import UNSPACED, Translated
from training.reader_examples import PIVOT, Text

_WORD = re.compile(r"\w+(?:['’-]\w+)*")
_LONGEST = 6
"""Characters of an entry in a script without blanks, at most."""
_AGREED = 0.3
"""Of a word's translations, the part that the usual one must make up."""
_ENTRIES = 300
"""A language with fewer words than this is not switched to."""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Words of the languages of qa-train → English words, and these → words of other languages;
    all in lower case.
    """

    into_english: Mapping[str, Mapping[str, str]]
    from_english: Mapping[str, Mapping[str, tuple[str, ...]]]

    def languages(self) -> list[str]:
        """Those that texts can be switched to."""
        return sorted(name for name, words in self.from_english.items() if len(words) >= _ENTRIES)

    def switched(
        self, text: str, told: str, target: str, share: float, rng: np.random.Generator
    ) -> tuple[str, list[int]]:
        """A text of language `told` with about `share` of its known words in `target`; and for each
        of its characters, and its end, the place in the new text.
        """
        words = self.from_english[target]
        sources = self.into_english.get(told, {})
        glue = target not in UNSPACED and told in UNSPACED
        parts: list[str] = []
        places: list[int] = []
        length = 0
        for start, end in _units(text, told, sources):
            new = unit = text[start:end]
            english = unit.lower() if told == PIVOT else sources.get(unit.lower(), "")
            if english in words and rng.random() < share:
                new = words[english][int(rng.integers(len(words[english])))]
                new = f" {new} " if glue else new
            places.extend([length] if new is not unit else range(length, length + end - start))
            places.extend([length] * (end - start - 1) if new is not unit else [])
            parts.append(new)
            length += len(new)
        return "".join(parts), [*places, length]

    def example(self, text: Text, rng: np.random.Generator) -> Text:
        """A question with its passage, either or both of them switched, the answer's words too; to
        languages of which more words are known more often.
        """
        names = self.languages()
        sizes = np.array([len(self.from_english[name]) for name in names])
        asked, told = (str(n) for n in rng.choice(names, 2, p=sizes / sizes.sum()))
        told = asked if rng.random() < 0.5 else told
        which, question, new = rng.random(), text.question, text
        if which < 0.75:
            question, _ = self.switched(question, text.asked, asked, rng.uniform(0.4, 1), rng)
        if which > 0.35:
            new = self.passage(text, told, rng.uniform(0.15, 0.7), rng)
        return replace(new, question=question)

    def passage(self, text: Text, target: str, share: float, rng: np.random.Generator) -> Text:
        """With its passage switched, the answer's words too."""
        passage, places = self.switched(text.passage, text.told, target, share, rng)
        start, end = places[text.start], places[text.end]
        while start < end and passage[start].isspace():
            start += 1
        while end > start and passage[end - 1].isspace():
            end -= 1
        return replace(text, passage=passage, start=start, end=end)


def _units(text: str, told: str, known: Mapping[str, str]) -> Iterable[tuple[int, int]]:
    """A text in parts without gaps: words and what is between them; in a script without blanks the
    longest entries that are known, and single characters.
    """
    position = 0
    if told not in UNSPACED:
        for word in _WORD.finditer(text):
            if word.start() > position:
                yield position, word.start()
            yield word.span()
            position = word.end()
        if position < len(text):
            yield position, len(text)
        return
    while position < len(text):
        end = next(
            (
                position + size
                for size in range(_LONGEST, 1, -1)
                if text[position : position + size] in known
            ),
            position + 1,
        )
        yield position, min(end, len(text))
        position = end


class Counts:
    """Collects aligned words, a sentence at a time."""

    def __init__(self) -> None:
        self._into: dict[str, dict[str, Counter[str]]] = {}
        self._out: dict[str, dict[str, Counter[str]]] = {}

    def add(self, place: Mapping[str, Translated], sources: Sequence[str]) -> None:
        """Words of one sentence in English and in other languages; `sources` are those whose words
        are to be said in others.
        """
        english = place[PIVOT]
        for name, sentence in place.items():
            if name == PIVOT:
                continue
            for word in _WORD.finditer(english.text):
                pieces = [
                    n for n, (a, b) in enumerate(english.offsets)
                    if a < word.end() and b > word.start()
                ]  # fmt: skip
                span = sentence.span(pieces[0], pieces[-1]) if pieces else None
                if span is None:
                    continue
                other = sentence.text[slice(*span)]
                key = word.group().lower()
                self._out.setdefault(name, {}).setdefault(key, Counter())[other] += 1
                if name in sources:
                    known = self._into.setdefault(name, {})
                    known.setdefault(other.lower(), Counter())[key] += 1

    def lexicon(self) -> Lexicon:
        """The usual translations, those that most of a word's alignments agree on."""
        into = {
            name: {word: top[0] for word, counts in words.items() if (top := _usual(counts))}
            for name, words in self._into.items()
        }
        out = {
            name: {word: top for word, counts in words.items() if (top := _usual(counts))}
            for name, words in self._out.items()
        }
        return Lexicon(into, out)


def _usual(counts: Counter[str]) -> tuple[str, ...]:
    total = sum(counts.values())
    top = [word for word, n in counts.most_common(3) if n >= max(_AGREED * total, 1)]
    return tuple(top) if total > 1 or (top and len(top[0]) > 3) else ()
