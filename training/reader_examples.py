"""Training examples of the reader: questions and passages as word pieces, with the answer's place.

Four kinds: extractive questions with their paragraph; the same with a paragraph that does not
answer (of the same article, or a near one, also in another language); clozes across languages
(`training/clozes.py`) with the stretch that answers; the same with one that does not.
"""

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.clozes import (
    UNSPACED,
    WORDS,
    Answer,
    Translated,
    answers,
    question,
    stretches,
    windows,
)
from training.detokenized import detokenized
from training.fit_neutral import HELD_OUT_DOCUMENTS
from training.word_alignment import Aligner, align

SETS = (
    "jaquad.train", "drcd.dev", "drcd.test", "cmrc.dev", "iapp.train", "pquad.validation",
    "qed.dev", "arcd.train",
)  # fmt: skip
PIVOT = "eng-US"
CODES = {"ja": "jpn", "zh-Hant": "zho-TW", "zh": "zho-CN", "th": "tha", "fa": "fas", "en": "eng-US",
         "ar": "arb"}  # fmt: skip
"""Languages of qa-train by NTREX's codes."""


HELD_OUT_SHARE = 0.08
"""Of the articles of a set of qa-train."""
TITLED = 0.3
"""Of the paragraphs are read under their title."""


@dataclass(frozen=True, slots=True)
class Text:
    """A question with a passage, and what languages they are in (NTREX's codes; "" where not
    known). The answer is `passage[start:end]`; none where both are 0.
    """

    question: str
    passage: str
    start: int = 0
    end: int = 0
    asked: str = ""
    told: str = ""


@dataclass(frozen=True, slots=True)
class Paragraph:
    """One of qa-train, with the title of its article ("" where there is none) and its language."""

    text: str
    title: str
    language: str

    def titled(self) -> str:
        """Under its title, as passages are read that have one."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class Example:
    """Word pieces of question and passage with special ones, shape (length,); the first piece of
    the passage; the answer's first and last piece, 0 and 0 where the passage does not answer; the
    languages of question and passage, as in `Text`.
    """

    pieces: NDArray[np.int32]
    passage: int
    first: int
    last: int
    asked: str
    told: str


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Rows of a `.jsonl.gz` file."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream]


def held_out_documents(path: Path, seed: int = 0) -> set[str]:
    """Documents of NTREX that no weight sees: those the neutral map was measured on."""
    rng = np.random.default_rng(seed)
    documents = sorted({str(row["document"]) for row in read_lines(path)})
    return set(rng.permutation(documents)[:HELD_OUT_DOCUMENTS].tolist())


def held_out_paragraphs(folder: Path) -> set[str]:
    """Paragraphs of qa-train that no weight may see, by whole articles of a set: the same for every
    run.
    """
    rng = np.random.default_rng(0)
    kept: set[str] = set()
    for name in SETS:
        rows = read_lines(folder / f"{name}.jsonl.gz")
        titles = sorted({row["title"] or row["context"] for row in rows})
        out = {title for title in titles if rng.random() < HELD_OUT_SHARE}
        kept |= {row["context"] for row in rows if (row["title"] or row["context"]) in out}
    return kept


def questions(
    folder: Path, name: str, held_out: set[str], rng: np.random.Generator
) -> Iterator[tuple[Text, list[str]]]:
    """Extractive questions of a set with their paragraphs, a third of them under their title, and
    for each the other paragraphs of its article (empty where there are none).
    """
    rows = rows_of(folder, name, held_out)
    of_article: dict[str, list[str]] = {}
    for context, title in sorted({(row["context"], row["title"]) for row in rows}):
        of_article.setdefault(title, []).append(context)
    code = _code(name, rows[0])
    for row in rows:
        others = [c for c in of_article[row["title"]] if c != row["context"]]
        title = f"{row['title']}\n" if row["title"] and rng.random() < TITLED else ""
        if row["answers"]:
            gold = row["answers"][int(rng.integers(len(row["answers"])))]
            end = len(title) + gold["start"] + len(gold["text"].rstrip())
            start = end - len(gold["text"].strip())
        else:
            start = end = 0
        yield Text(row["question"], title + row["context"], start, end, code, code), others


def rows_of(folder: Path, name: str, held_out: set[str]) -> list[dict[str, Any]]:
    """Questions of a set that are not held out, in text as it is written."""
    rows = [
        row for row in read_lines(folder / f"{name}.jsonl.gz") if row["context"] not in held_out
    ]
    return [_written(row) for row in rows] if name.startswith("qed") else rows


def _written(row: dict[str, Any]) -> dict[str, Any]:
    """A row of QED, whose marks stand apart from its words."""
    context, places = detokenized(row["context"])
    answers = []
    for answer in row["answers"]:
        start, end = places[answer["start"]], places[answer["start"] + len(answer["text"])]
        answers.append({"text": context[start:end], "start": start})
    return {**row, "context": context, "answers": answers}


def paragraphs(folder: Path, held_out: set[str]) -> list[Paragraph]:
    """All of qa-train that are not held out."""
    found: dict[str, Paragraph] = {}
    for name in SETS:
        for row in rows_of(folder, name, held_out):
            one = Paragraph(row["context"], row["title"] or "", _code(name, row))
            found.setdefault(one.text, one)
    return list(found.values())


def _code(name: str, row: dict[str, Any]) -> str:
    return "zho-TW" if name.startswith("drcd") else CODES[row["lang"]]


def document_names(path: Path, held_out: set[str]) -> list[str]:
    """Of NTREX, in the order of `parallel_documents`."""
    names = dict.fromkeys(str(row["document"]) for row in read_lines(path))
    return [name for name in names if name not in held_out]


def parallel_documents(
    path: Path, languages: Sequence[str], held_out: set[str], aligner: Aligner
) -> Iterator[list[dict[str, Translated]]]:
    """Documents of NTREX as lists of sentences in every language, aligned with the English."""
    rows = [row for row in read_lines(path) if row["document"] not in held_out]
    english = aligner.encode([row["texts"][PIVOT] for row in rows])
    sentences: list[dict[str, Translated]] = [
        {PIVOT: Translated(s.text, s.offsets, {n: n for n in range(len(s.offsets))})}
        for s in english
    ]
    for language in languages:
        if language == PIVOT:
            continue
        encoded = aligner.encode([row["texts"].get(language) or "-" for row in rows])
        for place, left, right in zip(sentences, english, encoded, strict=True):
            place[language] = Translated(right.text, right.offsets, align(left, right))
        print(f"aligned {language}", flush=True)
    documents: dict[str, list[dict[str, Translated]]] = {}
    for row, place in zip(rows, sentences, strict=True):
        documents.setdefault(row["document"], []).append(place)
    yield from documents.values()


def tatoeba_documents(
    path: Path, aligner: Aligner, rng: np.random.Generator, per_language: int
) -> Iterator[list[dict[str, Translated]]]:
    """Short sentences with their English, a dozen of one language to a "document"."""
    of_language: dict[str, list[dict[str, Any]]] = {}
    for row in read_lines(path):
        if 4 <= len(row["eng"].split()) <= 30:
            of_language.setdefault(row["lang"], []).append(row)
    for language, rows in sorted(of_language.items()):
        if len(rows) < 100:
            continue
        rows = [rows[i] for i in rng.permutation(len(rows))[:per_language]]
        english = aligner.encode([row["eng"] for row in rows])
        other = aligner.encode([row["text"] for row in rows])
        places = [
            {
                PIVOT: Translated(a.text, a.offsets, {n: n for n in range(len(a.offsets))}),
                f"tatoeba-{language}": Translated(b.text, b.offsets, align(a, b)),
            }
            for a, b in zip(english, other, strict=True)
        ]
        for start in range(0, len(places) - 11, 12):
            yield places[start : start + 12]


def clozes(
    document: list[dict[str, Translated]],
    count: int,
    rng: np.random.Generator,
    budget: int = 900,
    same_language: float = 0.15,
    told: str | None = None,
) -> Iterator[tuple[Text, bool]]:
    """Up to `count` questions about a document with a passage each, and whether it answers; a
    quarter of the passages leave the answering sentence out. `budget` counts characters of English;
    `told` fixes the passages' language.
    """
    languages = list(document[0])
    lengths = [len(place[PIVOT].text) for place in document]
    for _ in range(count):
        target = int(rng.integers(len(document)))
        asked, passage = (str(rng.choice(languages)) for _ in range(2))
        passage = told or passage
        if rng.random() < same_language:
            passage = asked
        elif asked == passage and told:
            continue
        place = document[target]
        options = answers(place[PIVOT].text, place[PIVOT].offsets, rng)
        if not options:
            continue
        answer = options[int(rng.integers(len(options)))]
        made = _cloze(
            document,
            target,
            asked,
            passage,
            answer,
            rng,
            int(budget * rng.uniform(0.25, 1)),
            lengths,
        )
        if made is not None:
            yield made


def _cloze(
    document: list[dict[str, Translated]],
    target: int,
    asked: str,
    told: str,
    answer: Answer,
    rng: np.random.Generator,
    budget: int,
    lengths: list[int],
) -> tuple[Text, bool] | None:
    wording = cloze_question(document[target][asked], answer, asked, rng)
    if wording is None or document[target][told].span(answer.first, answer.last) is None:
        return None
    if rng.random() < 0.25:
        for first, last in stretches(lengths, target, budget, rng):
            return Text(wording, told_text(document[first:last], told), 0, 0, asked, told), False
        return None
    around = windows(lengths, target, budget, rng)
    return cloze_answered(document, target, around, wording, answer, asked, told), True


def cloze_question(
    sentence: Translated, answer: Answer, asked: str, rng: np.random.Generator
) -> str | None:
    """A sentence with its answer asked for; None where too little of it is left to ask."""
    gap = sentence.span(answer.first, answer.last)
    if gap is None:
        return None
    wording = question(sentence.text, *gap, answer.kind, asked, rng)
    if len(wording) < 12 or len(wording) < len(sentence.text) * 0.15:
        return None
    return wording


def cloze_answered(
    document: list[dict[str, Translated]],
    target: int,
    around: tuple[int, int],
    wording: str,
    answer: Answer,
    asked: str,
    told: str,
) -> Text:
    """The question with the sentences `around` (first, last exclusive) the one that answers it."""
    gold = document[target][told].span(answer.first, answer.last)
    assert gold is not None
    before = told_text([*document[around[0] : target]], told)
    before += _glue(told) if before else ""
    passage = told_text(document[around[0] : around[1]], told)
    return Text(wording, passage, len(before) + gold[0], len(before) + gold[1], asked, told)


def told_text(places: Sequence[dict[str, Translated]], told: str) -> str:
    """Sentences in one of their languages."""
    return _glue(told).join(place[told].text for place in places)


def _glue(told: str) -> str:
    return "" if told in UNSPACED - {"tha"} else " "


class Encoder:
    """Texts → examples, with long passages cut to a window around the answer."""

    def __init__(self, tokenizer: Any, rng: np.random.Generator) -> None:
        self._tokenizer = tokenizer
        self._rng = rng

    def __call__(self, texts: Sequence[Text], max_pieces: int = 320) -> Iterator[Example]:
        """Examples of at most `max_pieces`, most of them shorter; texts whose answer cannot be
        found among the pieces are left out.
        """
        start = 0
        while start < len(texts):
            part = texts[start : start + 1000]
            start += 1000
            asked = self._tokenizer([t.question for t in part], add_special_tokens=False)
            told = self._tokenizer(
                [t.passage for t in part],
                add_special_tokens=False,
                return_offsets_mapping=True,
                verbose=False,
            )
            for n, text in enumerate(part):
                example = self._one(
                    asked["input_ids"][n][:64], told["input_ids"][n], told["offset_mapping"][n],
                    text, max_pieces,
                )  # fmt: skip
                if example is not None:
                    yield example

    def _one(
        self,
        asked: list[int],
        told: list[int],
        offsets: list[tuple[int, int]],
        text: Text,
        max_pieces: int,
    ) -> Example | None:
        inside = [n for n, (a, b) in enumerate(offsets) if a < text.end and b > text.start]
        if text.end and not inside:
            return None
        first, last = (inside[0], inside[-1]) if inside else (0, 0)
        budget = max_pieces - len(asked) - 4
        if self._rng.random() < 0.5:
            budget = min(budget, int(self._rng.integers(120, 260)))
        offset = 0
        if len(told) > budget:
            low, high = max(0, last - budget + 1), min(first, len(told) - budget)
            if not inside:
                low, high = 0, len(told) - budget
            offset = int(self._rng.integers(low, high + 1)) if low <= high else first
            told = told[offset : offset + budget]
        passage = len(asked) + 3
        pieces = [0, *asked, 2, 2, *told, 2]
        if not inside:
            return Example(np.array(pieces, np.int32), passage, 0, 0, text.asked, text.told)
        begin, end = first - offset + passage, min(last - offset, len(told) - 1) + passage
        return Example(np.array(pieces, np.int32), passage, begin, end, text.asked, text.told)


LANGUAGES = tuple(WORDS)
