import gzip
import json
from pathlib import Path

import pytest

from rag.evaluation.datasets import load_dataset, sample, with_unanswerable
from rag.evaluation.types import Gold, InvalidQuestions
from tests.evaluation.conftest import squad
from tests.shared_data import DATA, needs_data


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def corpus_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "corpus"
    (folder / "sub").mkdir(parents=True)
    (folder / "a.txt").write_text("The mill burned in 1820.")
    (folder / "sub" / "b.txt").write_text("Ο μύλος χτίστηκε ξανά το 1822.")
    return folder


def test_squad_contexts_are_documents_each_once(tmp_path: Path) -> None:
    path = tmp_path / "el.json.gz"
    content = squad(
        [
            ("Πρώτο κείμενο, 1820.", [("a", " Πότε; ", ["1820", "1820", "το 1820"])]),
            ("Δεύτερο κείμενο.", [("b", "Ποιο;", [])]),
            ("Πρώτο κείμενο, 1820.", [("a", "Τι;", ["κείμενο"])]),
        ]
    )
    path.write_bytes(gzip.compress(json.dumps(content).encode()))
    dataset = load_dataset(path)
    (corpus,) = dataset.corpora
    assert [(raw.source, raw.data.decode()) for raw in corpus.documents] == [
        ("el/0", "Πρώτο κείμενο, 1820."),
        ("el/1", "Δεύτερο κείμενο."),
    ]
    assert corpus.documents[0].title == "A title"
    first, second, third = dataset.questions
    assert first.text == "Πότε;"
    assert first.answers == (Gold("1820", "el"), Gold("το 1820", "el"))
    assert (first.language, first.documents, first.document_language) == ("el", ("el/0",), "el")
    assert (second.answerable, second.documents, second.document_language) == (False, (), None)
    # The id comes again, the context is the first one's document.
    assert (third.id, third.documents) == ("a#2", ("el/0",))


def test_the_language_of_a_squad_file_without_one_in_its_name_is_detected(tmp_path: Path) -> None:
    path = tmp_path / "questions-2024.json"
    text = "Die Mühle am Fluss brannte im Jahr 1820 ab und wurde zwei Jahre später neu gebaut."
    path.write_text(json.dumps(squad([(text, [("a", "Wann brannte die Mühle?", ["1820"])])])))
    assert load_dataset(path).questions[0].language == "de"


def test_context_lines(tmp_path: Path) -> None:
    row = {
        "id": "1",
        "lang": "th",
        "title": "t",
        "context": "ก",
        "question": "ข",
        "impossible": False,
    }
    path = write(
        tmp_path / "q.jsonl",
        {**row, "answers": [{"text": "ก", "start": 0}]},
        {**row, "id": "2", "answers": [{"text": "ก", "start": 0}], "impossible": True},
    )
    answerable, impossible = load_dataset(path).questions
    assert answerable.answers == (Gold("ก", "th"),)
    assert answerable.documents == ("q/0",)
    assert (impossible.answerable, impossible.answers) == (False, ())
    assert len(load_dataset(path).corpora[0].documents) == 1


def test_questions_over_a_folder(tmp_path: Path) -> None:
    path = write(
        tmp_path / "q.jsonl",
        {
            "id": "1",
            "language": "en",
            "question": "When?",
            "answers": ["1822"],
            "documents": ["b.txt"],
        },
        {"id": "2", "question": "Which president resigned after the war?", "impossible": True},
    )
    dataset = load_dataset(path, corpus_folder(tmp_path))
    known, unknown = dataset.questions
    assert known.documents == ("corpus/sub/b.txt",)
    assert known.document_language is None, "only the corpus can tell"
    assert (unknown.answerable, unknown.language) == (False, "en")
    assert [raw.source for raw in dataset.corpora[0].documents] == [
        "corpus/a.txt",
        "corpus/sub/b.txt",
    ]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (
            {"question": "?", "answers": ["x"], "documents": ["c.txt"]},
            "'c.txt' is not in the corpus",
        ),
        ({"question": "?", "answers": ["x"], "documents": []}, "line 2 needs both"),
        ({"question": "?", "documents": ["a.txt"]}, "line 2 lacks or breaks 'answers'"),
        ({"answers": ["x"], "documents": ["a.txt"]}, "line 2 lacks or breaks 'question'"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: object, said: str) -> None:
    good = {"question": "When?", "answers": ["1820"], "documents": ["a.txt"]}
    path = write(tmp_path / "q.jsonl", good, row)
    with pytest.raises(InvalidQuestions, match=said):
        load_dataset(path, corpus_folder(tmp_path))


def test_a_name_that_two_documents_end_in_is_refused(tmp_path: Path) -> None:
    folder = corpus_folder(tmp_path)
    (folder / "sub" / "a.txt").write_text("Another mill.")
    path = write(tmp_path / "q.jsonl", {"question": "?", "answers": ["x"], "documents": ["a.txt"]})
    with pytest.raises(InvalidQuestions, match="names several documents"):
        load_dataset(path, folder)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("q.json", b'{"rows": []}', "not in SQuAD's format"),
        ("q.json", b"{", "is not JSON"),
        ("q.jsonl", b"[1]\n", "line 1 is not a JSON object"),
        ("q.jsonl", b"\xff", "cannot be read"),
        ("q.jsonl.gz", b"not packed", "cannot be read"),
        ("q.csv", b"", "must end in .json or .jsonl"),
    ],
)
def test_a_file_that_cannot_be_read_says_why(
    tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(InvalidQuestions, match=said):
        load_dataset(path)


def test_a_corpus_is_needed_exactly_where_none_is_in_the_file(
    tmp_path: Path, facts_file: Path
) -> None:
    path = write(tmp_path / "q.jsonl", {"question": "?", "answers": ["x"], "documents": ["a.txt"]})
    with pytest.raises(InvalidQuestions, match="--corpus"):
        load_dataset(path)
    with pytest.raises(InvalidQuestions, match="leave --corpus out"):
        load_dataset(facts_file, corpus_folder(tmp_path))


def test_a_sample_is_seeded_and_leaves_the_corpus_whole(facts_file: Path) -> None:
    dataset = load_dataset(facts_file)
    drawn = [sample(dataset, 3, seed) for seed in (0, 0, 1, 2, 3)]
    assert [len(some.questions) for some in drawn] == [3] * 5
    assert drawn[0] == drawn[1]
    assert len({some.questions for some in drawn}) > 1, "the seed decides"
    assert all(some.corpora == dataset.corpora for some in drawn)
    order = [dataset.questions.index(question) for question in drawn[0].questions]
    assert order == sorted(order)
    assert sample(dataset, None, 0) == dataset == sample(dataset, 7, 0)


def test_taking_documents_out_makes_a_second_question(facts_file: Path) -> None:
    dataset = load_dataset(facts_file)
    doubled = with_unanswerable(dataset)
    # Six can be answered, one cannot and is not asked again.
    assert len(doubled.questions) == 7 + 6
    altered = doubled.questions[7]
    original = dataset.questions[0]
    assert (altered.id, altered.without) == ("q0~without", original.documents)
    assert (altered.answerable, altered.answers, altered.documents) == (False, (), ())
    assert (altered.text, altered.document_language) == (original.text, original.document_language)


@needs_data
def test_the_seed_questions_find_their_documents() -> None:
    dataset = load_dataset(DATA / "seeds-questions.jsonl", DATA / "seeds")
    assert len(dataset.questions) == 22
    assert sum(not question.answerable for question in dataset.questions) == 4
    assert dataset.questions[0].documents == ("seeds/000_73fc6093afe37237.txt",)


@needs_data
def test_a_real_set_with_unanswerable_questions() -> None:
    dataset = load_dataset(DATA / "qa-train" / "pquad.validation.jsonl.gz")
    packed = (DATA / "qa-train" / "pquad.validation.jsonl.gz").read_bytes()
    rows = [json.loads(line) for line in gzip.decompress(packed).decode().splitlines()]
    assert len(dataset.questions) == len(rows)
    assert len(dataset.corpora[0].documents) == len({row["context"] for row in rows})
    impossible = [question for question in dataset.questions if not question.answerable]
    assert len(impossible) == sum(row["impossible"] for row in rows) > 0
    by_source = {raw.source: raw.data.decode() for raw in dataset.corpora[0].documents}
    for question, row in zip(dataset.questions, rows, strict=True):
        assert all(by_source[source] == row["context"] for source in question.documents)
        assert question.language == "fa"
