"""What is kept for keyword search, and what is not: collections, replacements, two processes."""

import subprocess
import sys
from pathlib import Path

import pytest

from documents.load import Raw
from index import keywords
from index.hybrid import SearchOptions
from index.ingest import document_id, ingest
from index.local import LocalIndex, open_index
from tests.fakes import HashingEmbedder
from tests.index.conftest import Put
from tests.shared_data import ROOT


def matches(index: LocalIndex, query: str, collection: str = "default") -> dict[str, float]:
    """BM25 by source of all chunks that share a word."""
    hits = index.search(query, collection, 1000)
    return {hit.source: hit.keyword_score for hit in hits if hit.keyword_score is not None}


def test_collections_do_not_count_in_one_another(index: LocalIndex, put: Put) -> None:
    for number in range(5):
        put(f"{number}.txt", f"Lamp number {number} and salt.", collection="one")
    put("x.txt", "Zanzibar lies far.", collection="one")
    alone = matches(index, "Zanzibar salt", "one")
    assert set(alone) == {"0.txt", "1.txt", "2.txt", "3.txt", "4.txt", "x.txt"}
    for number in range(30):
        put(f"{number}.txt", f"Zanzibar, Zanzibar {number}.", collection="two")
    assert matches(index, "Zanzibar salt", "one") == alone
    index.store.delete_collection("two")
    assert matches(index, "Zanzibar salt", "one") == alone
    names = index.store._connections.get().execute(
        "SELECT count(*) FROM sqlite_master WHERE name LIKE 'terms%'"
    )
    # The table, its vocabulary, and five shadow tables, of one collection.
    assert names.fetchone()[0] == 7


def test_replaced_and_removed_words_are_gone_and_do_not_count(index: LocalIndex, put: Put) -> None:
    for number in range(6):
        put(f"{number}.txt", f"Lamp number {number}.")
    before = matches(index, "lamp 3")
    put("x.txt", "Zanzibar and lamp.")
    put("x.txt", "Lisbon and lamp.")
    assert "x.txt" in matches(index, "Lisbon")
    assert matches(index, "Zanzibar") == {}
    index.remove(document_id("default", "x.txt"))
    assert matches(index, "Lisbon") == {}
    assert matches(index, "lamp 3") == pytest.approx(before)


def test_what_could_not_be_stored_has_no_terms(index: LocalIndex, put: Put) -> None:
    put("a.txt", "Lemons.")

    def interrupted() -> None:
        with index.store._writing() as connection:
            keywords.add(connection, 1, [(999, "zanzibar")])
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        interrupted()
    assert matches(index, "Zanzibar") == {}
    assert len(index.store.keyword_matches(1, ["zanzibar"]).ids) == 0
    assert len(index.store.keyword_matches(1, ["lemons"]).ids) == 1


def test_a_question_of_no_words_known(index: LocalIndex, put: Put) -> None:
    put("a.txt", "Lemons.")
    assert matches(index, "Zanzibar") == {}
    assert matches(index, "🙂 a") == {}
    index.store.create_collection("empty")
    assert index.search("Lemons", "empty", 5) == []


@pytest.mark.parametrize("text", ['AND OR NOT NEAR("a" b)', "a* ^b -c {d}: e", '""', "lemons:oil"])
def test_a_question_is_no_query_language(index: LocalIndex, put: Put, text: str) -> None:
    put("a.txt", "Near and lemons, or not.")
    put("b.txt", "Ships.")
    assert {hit.source for hit in index.search(text, "default", 5)} == {"a.txt", "b.txt"}


def test_the_commonest_terms_are_left_out_where_there_are_rarer(
    index: LocalIndex, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        put(f"{number}.txt", f"The lamp{' of Zanzibar' if number == 7 else ''} number {number}.")
    assert len(matches(index, "the lamp of Zanzibar")) == 20
    monkeypatch.setattr(keywords, "MAX_POSTINGS", 10)
    assert set(matches(index, "the lamp of Zanzibar")) == {"7.txt"}
    # One term is looked for whatever it costs.
    assert len(matches(index, "the")) == 20
    monkeypatch.setattr(keywords, "MAX_POSTINGS", 1000)
    monkeypatch.setattr(keywords, "MAX_TERMS", 1)
    assert set(matches(index, "the lamp of Zanzibar")) == {"7.txt"}


def test_what_is_remembered_of_terms_follows_the_collection(
    index: LocalIndex, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A word is looked for as soon as it stands somewhere, and is common as soon as it is."""
    monkeypatch.setattr(keywords, "MAX_POSTINGS", 3)
    put("a.txt", "Lemons.")
    assert matches(index, "lemons Zanzibar").keys() == {"a.txt"}
    put("b.txt", "Zanzibar.")
    assert matches(index, "lemons Zanzibar").keys() == {"a.txt", "b.txt"}
    for name in "cdef":
        put(f"{name}.txt", f"Lemons of {name}.")
    assert matches(index, "lemons Zanzibar").keys() == {"b.txt"}
    for name in "acdef":
        index.remove(document_id("default", f"{name}.txt"))
    put("g.txt", "Lemons again.")
    assert matches(index, "lemons Zanzibar").keys() == {"b.txt", "g.txt"}


def test_a_question_of_four_thousand_characters(index: LocalIndex, put: Put) -> None:
    put("a.txt", "ภาษาไทย จบลง")
    put("b.txt", "Zanzibar.")
    long = " ".join(f"word{n}" for n in range(500)) + " Zanzibar"
    assert set(matches(index, long)) == {"b.txt"}
    assert set(matches(index, "ภาษาไทย" * 570)) == {"a.txt"}


WRITER = """
import sys
from pathlib import Path
from documents.load import Raw
from index.ingest import document_id, ingest
from index.local import open_index
from tests.fakes import HashingEmbedder
with open_index(Path(sys.argv[1]), HashingEmbedder()) as index:
    for line in sys.stdin:
        verb, name, *text = line.split(maxsplit=2)
        if verb == "put":
            list(ingest(index, "default", [Raw(text[0].encode(), name, name)]))
        else:
            index.remove(document_id("default", name))
        print("done", flush=True)
"""


def test_what_another_process_wrote_is_found_by_its_words_at_once(tmp_path: Path) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdin is not None
    assert writer.stdout is not None

    def say(line: str) -> None:
        assert writer.stdin is not None
        assert writer.stdout is not None
        print(line, file=writer.stdin, flush=True)
        assert writer.stdout.readline() == "done\n"

    try:
        say("put a Zanzibar is far.")
        with open_index(tmp_path, HashingEmbedder()) as index:
            assert set(matches(index, "Zanzibar")) == {"a"}
            say("put b Zanzibar again.")
            assert set(matches(index, "Zanzibar")) == {"a", "b"}
            say("put a Lisbon is near.")
            assert set(matches(index, "Zanzibar")) == {"b"}
            assert set(matches(index, "Lisbon")) == {"a"}
            say("remove b")
            assert matches(index, "Zanzibar") == {}
            assert {hit.source for hit in index.search("Zanzibar", "default", 9)} == {"a"}
    finally:
        writer.stdin.close()
        writer.wait(timeout=60)


def test_terms_are_kept_whether_or_not_they_are_searched(tmp_path: Path) -> None:
    off = SearchOptions(keywords=False)
    with open_index(tmp_path, HashingEmbedder(), options=off) as index:
        list(ingest(index, "default", [Raw(b"Zanzibar.", "a", "a")]))
        assert matches(index, "Zanzibar") == {}
    with open_index(tmp_path, HashingEmbedder()) as index:
        assert set(matches(index, "Zanzibar")) == {"a"}
