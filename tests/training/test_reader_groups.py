"""Groups of passages: the first answers, the others do not, and no language gives it away."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fakes import HashingEmbedder
from training import reader_groups, reader_pool
from training.clozes import Translated
from training.code_switching import Lexicon
from training.near_misses import NearMisses
from training.reader_examples import PIVOT, SETS, Example, paragraphs
from training.reader_groups import SIZE, Pool, asked_of_paragraphs, of_news
from training.reader_pool import Material
from training.train_reader import BATCH_PIECES, batches, loss_of

TOWNS = ("Geneva", "Oslo", "Vienna", "Lyon", "Bergen")
STORY = [f"The board of {town} met on {12 + n} May." for n, town in enumerate(TOWNS[:4])]
OTHER = ["A mill burned in 1887.", "Nobody answered the two letters."]


def document(sentences: list[str]) -> list[dict[str, Translated]]:
    """In three languages, the others English with each word marked."""
    found = []
    for text in sentences:
        offsets = tuple(m.span() for m in re.finditer(r"\w+", text))
        links = {n: n for n in range(len(offsets))}
        place = {PIVOT: Translated(text, offsets, links)}
        for name in ("deu", "ell"):
            other = re.sub(r"(\w+)", rf"\1{name[0]}", text)
            spans = tuple(m.span() for m in re.finditer(r"\w+", other))
            place[name] = Translated(other, spans, links)
        found.append(place)
    return found


def test_a_share_of_the_rest_is_read_beside_all_that_is_written() -> None:
    one = Example(np.zeros(4, np.int32), 2, 0, 0, "", "")
    pool = Pool([one] * 100, [[one] * SIZE] * 50, [[one], [one] * SIZE])
    assert sorted(map(len, pool.mixed())) == [1] * 51 + [SIZE] * 51
    assert sorted(map(len, pool.mixed(0.1))) == [1] * 6 + [SIZE] * 6


def test_a_piece_of_news_answers_and_three_others_do_not() -> None:
    story, other = document(STORY), document(OTHER)
    rng = np.random.default_rng(0)
    groups = [group for _ in range(300) if (group := of_news(story, [story, other], rng))]
    assert len(groups) > 100
    languages = set()
    for first, *rest in groups:
        assert len(rest) == SIZE - 1
        gold = first.passage[first.start : first.end]
        assert re.fullmatch(r"\w.*\w", gold)
        begin = first.passage.rfind(".", 0, first.start) + 1
        sentence = first.passage[begin : first.passage.index(".", first.end)].strip()
        (town,) = [town for town in TOWNS if town in sentence]
        for text in rest:
            assert (text.question, text.start, text.end) == (first.question, 0, 0)
            # The other languages are English with a letter more: a town is in all of them.
            assert town not in text.passage
        languages |= {(first.told == first.asked, text.told == first.asked) for text in rest}
    # What answers is mostly in another language, and so are some of the others, and some are not.
    assert languages == {(a, b) for a in (True, False) for b in (True, False)}
    assert sum(first.told != first.asked for first, *_ in groups) > 0.7 * len(groups)


@pytest.fixture
def material(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Material:
    """Of every set one article of five paragraphs, each with a question."""
    monkeypatch.setattr(reader_pool, "held_out_paragraphs", lambda _folder: set())
    for number, name in enumerate(SETS):
        rows = [
            {
                "context": f"The mill of {town} in land {number} burned in {1880 + n} by a river.",
                "title": f"Mills {number}",
                "question": f"When did the mill of {town} in land {number} burn?",
                "answers": [{"text": str(1880 + n), "start": 0}],
                "lang": "en",
            }
            for n, town in enumerate(TOWNS)
        ]
        for row in rows:
            answer = row["answers"][0]  # type: ignore[index]
            answer["start"] = row["context"].index(answer["text"])  # type: ignore
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in rows)
    words = {f"word{n}": (f"Wort{n}",) for n in range(300)}
    lexicon = Lexicon({}, {"deu": {"mill": ("Mühle",), **words}})
    near = NearMisses(HashingEmbedder(), paragraphs(tmp_path, set()))
    return Material(tmp_path, [], [], [], lexicon, near, None)


def test_near_paragraphs_of_its_language_are_beside_the_one_that_answers(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_groups, "SWITCHED", 0.0)
    groups = list(asked_of_paragraphs(material, np.random.default_rng(0)))
    assert len(groups) > 20
    for first, *rest in groups:
        gold = first.passage[first.start : first.end]
        assert re.fullmatch(r"188\d", gold)
        assert len(rest) == SIZE - 1
        assert all(text.told == first.asked and gold not in text.passage for text in rest)
        # One is of the same article.
        land = re.findall(r"land \d", first.passage)
        assert re.findall(r"land \d", rest[0].passage) == land


def test_words_of_another_language_are_put_in_alike_for_all_passages(
    material: Material, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader_groups, "SWITCHED", 1.0)
    groups = list(asked_of_paragraphs(material, np.random.default_rng(0)))
    assert len(groups) > 20
    assert any("Mühle" in group[0].question for group in groups)
    assert any("Mühle" in text.passage for group in groups for text in group[1:])
    for group in groups:
        assert len({text.question for text in group}) == 1
        assert re.fullmatch(r"188\d", group[0].passage[group[0].start : group[0].end])


def example(length: int, passage: int, place: int) -> Example:
    return Example(np.arange(4, 4 + length, dtype=np.int32), passage, place, place, "", "")


def test_batches_are_of_groups_of_one_size_and_lose_none() -> None:
    groups = [[example(20 + n, 3, 0)] * (1 + n % 2 * 3) for n in range(100)]
    got = list(batches(groups, np.random.default_rng(0)))
    assert all(len({len(group) for group in batch}) == 1 for batch in got)
    read = [len(b) * len(b[0]) * max(len(g[0].pieces) for g in b) for b in got]
    assert max(read) <= BATCH_PIECES
    assert len(got) > 3
    assert sorted(len(g[0].pieces) for batch in got for g in batch) == list(range(20, 120))


class Fixed:
    """Every logit of the first row `high` where its piece is that many, else 0."""

    def __init__(self, high: float) -> None:
        self._high = high

    def __call__(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> "Fixed":
        logits = torch.zeros(input_ids.shape)
        logits[0, 2] = self._high
        self.start_logits = self.end_logits = logits
        return self


def test_the_passage_that_answers_is_told_from_the_others_of_its_group() -> None:
    # Five pieces each: "not here", the question's, two of the passage, the end. By hand, with all
    # logits 0: three places for each passage, and two of each of four passages together.
    group = [example(5, 2, 2), *[example(5, 2, 0)] * 3]
    assert float(loss_of(Fixed(0.0), [group])) == pytest.approx(np.log(3) + np.log(8))
    high = float(np.log(4.0))
    alone = (np.log(6 / 4) + np.log(3)) / 2
    together = np.log((4 + 7) / 4)
    assert float(loss_of(Fixed(high), [group])) == pytest.approx(alone + together)
    assert float(loss_of(Fixed(high), [group[:1]])) == pytest.approx(np.log(6 / 4))
