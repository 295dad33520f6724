import json
from pathlib import Path

import numpy as np
import pytest

from rag.evaluation.settings import load_parallel, picks
from rag.evaluation.types import Gold, InvalidQuestions
from tests.evaluation.conftest import squad
from tests.shared_data import DATA, needs_data

LANGUAGES = "ar de el en es hi ro ru th tr vi zh".split()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three languages, two paragraphs, three questions."""
    path = tmp_path / "parallel"
    path.mkdir()
    for tag in ("en", "de", "el"):
        content = squad(
            [
                (
                    f"{tag} first",
                    [("a", f"{tag} a?", [f"{tag} x"]), ("b", f"{tag} b?", [f"{tag} y"])],
                ),
                (f"{tag} second", [("c", f"{tag} c?", [f"{tag} z"])]),
            ]
        )
        (path / f"{tag}.json").write_text(json.dumps(content))
    (path / "README.md").write_text("not a file of questions")
    return path


def test_mono_asks_each_language_of_its_own_corpus(folder: Path) -> None:
    dataset = load_parallel(folder, "mono")
    assert [corpus.name for corpus in dataset.corpora] == ["de", "el", "en"]
    assert [raw.source for raw in dataset.corpora[1].documents] == ["el/0", "el/1"]
    assert len(dataset.questions) == 3 * 3
    question = next(q for q in dataset.questions if q.id == "el:c")
    assert (question.corpus, question.language, question.document_language) == ("el", "el", "el")
    assert question.documents == ("el/1",)
    assert question.answers == (Gold("el z", "el"),), "one gold answer, in one language"


def test_cross_asks_one_language_of_each_other_corpus(folder: Path) -> None:
    dataset = load_parallel(folder, "cross:en")
    assert [corpus.name for corpus in dataset.corpora] == ["de", "el"]
    assert len(dataset.questions) == 2 * 3
    assert {question.language for question in dataset.questions} == {"en"}
    question = next(q for q in dataset.questions if q.id == "en>el:b")
    assert (question.text, question.corpus, question.documents) == ("en b?", "el", ("el/0",))
    assert question.answers == (Gold("el y", "el"), Gold("en y", "en"))


def test_scattered_keeps_each_paragraph_once_and_asks_in_every_language(folder: Path) -> None:
    dataset = load_parallel(folder, "scattered:3")
    drawn = np.random.default_rng(3).integers(0, 3, 2)
    places = [["de", "el", "en"][pick] for pick in drawn]
    (corpus,) = dataset.corpora
    assert [raw.source for raw in corpus.documents] == [f"{places[0]}/0", f"{places[1]}/1"]
    assert [raw.data.decode() for raw in corpus.documents] == [
        f"{places[0]} first",
        f"{places[1]} second",
    ]
    assert len(dataset.questions) == 3 * 3
    for question in dataset.questions:
        position = 1 if question.id.endswith(":c") else 0
        assert question.documents == (f"{places[position]}/{position}",)
        assert question.document_language == places[position]
        assert question.corpus == corpus.name


@pytest.mark.parametrize(
    "setting",
    ["", "monos", "cross", "cross:fr", "scattered", "scattered:x", "scattered:-1", "lopsided:x"],
)
def test_an_unknown_setting_is_refused(folder: Path, setting: str) -> None:
    with pytest.raises(InvalidQuestions, match="use mono, scattered:SEED"):
        load_parallel(folder, setting)


def test_files_that_are_not_parallel_are_refused(folder: Path) -> None:
    (folder / "fr.json").write_text(json.dumps(squad([("fr first", [("a", "fr a?", ["x"])])])))
    with pytest.raises(InvalidQuestions, match="questions of fr are not those of de"):
        load_parallel(folder, "mono")


def test_one_file_is_not_enough(tmp_path: Path) -> None:
    with pytest.raises(InvalidQuestions, match="at least two"):
        load_parallel(tmp_path, "mono")


def test_the_draw_is_the_published_one() -> None:
    # numpy.random.default_rng(0).integers(0, 12, 240), its first ten as printed by NumPy.
    assert picks(0, 240, 12)[:10] == [10, 7, 6, 3, 3, 0, 0, 0, 2, 9]


def test_lopsided_keeps_a_tenth_in_other_languages_and_asks_about_it(tmp_path: Path) -> None:
    for language in ("de", "el", "en"):
        paragraphs = [
            (f"{language} text {n}", [(f"q{n}", f"{language} q{n}?", [f"text {n}"])])
            for n in range(30)
        ]
        (tmp_path / f"{language}.json").write_text(json.dumps(squad(paragraphs)))
    dataset = load_parallel(tmp_path, "lopsided:5")
    assert [corpus.name for corpus in dataset.corpora] == ["mostly-de", "mostly-el", "mostly-en"]
    for corpus in dataset.corpora:
        language = corpus.name.removeprefix("mostly-")
        sources = [raw.source for raw in corpus.documents]
        assert [source.split("/")[1] for source in sources] == [str(n) for n in range(30)]
        away = {source for source in sources if not source.startswith(language)}
        assert len(away) == 3
        asked = [question for question in dataset.questions if question.corpus == corpus.name]
        assert {question.documents[0] for question in asked} == away
        assert {question.language for question in asked} == {language}
    assert load_parallel(tmp_path, "lopsided:5") == dataset
    assert load_parallel(tmp_path, "lopsided:6") != dataset


@needs_data
def test_xquad_scattered_is_as_published() -> None:
    dataset = load_parallel(DATA / "xquad", "scattered:0")
    pick = np.random.default_rng(0).integers(0, 12, 240)
    sources = [raw.source for raw in dataset.corpora[0].documents]
    assert sources == [f"{LANGUAGES[pick[i]]}/{i}" for i in range(240)]
    assert len(dataset.questions) == 12 * 1190
    text = {raw.source: raw.data.decode() for raw in dataset.corpora[0].documents}
    for question in dataset.questions:
        (source,) = question.documents
        assert question.answers[0].text in text[source], question.id


@needs_data
def test_xquad_in_the_other_settings() -> None:
    mono = load_parallel(DATA / "xquad", "mono")
    assert len(mono.questions) == 14_280
    assert [len(corpus.documents) for corpus in mono.corpora] == [240] * 12
    cross = load_parallel(DATA / "xquad", "cross:en")
    assert len(cross.questions) == 11 * 1190
    assert [corpus.name for corpus in cross.corpora] == [tag for tag in LANGUAGES if tag != "en"]
