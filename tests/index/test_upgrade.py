"""A data folder of the first version is brought up to date where it stands."""

import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from documents.load import Raw
from index import upgrade
from index.database import FILE
from index.errors import StorageError, StorageReadOnly
from index.ingest import ingest
from index.local import open_index
from index.schema import VERSION
from index.store import Store
from index.types import Filters
from tests.fakes import HashingEmbedder
from tests.index import version1
from tests.index.test_local import unprivileged
from tests.shared_data import ROOT

DOCUMENTS = [
    ("one", "a.txt", ["The lamp of Zanzibar.", "Oil and salt.", "A ship came in."]),
    ("one", "b.txt", ["Lemons were carried.", "双方签署了停战协定。"]),
    ("two", "c.txt", ["The lamp of Lisbon."]),
]


def tables(folder: Path) -> dict[str, set[str]]:
    """Columns by table, as SQLite has them."""
    connection = sqlite3.connect(folder / FILE)
    names = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    ]
    found = {
        name: {row[1] for row in connection.execute(f"PRAGMA table_info({name})")} for name in names
    }
    connection.close()
    return found


def rows(folder: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(folder / FILE)
    found = connection.execute(query).fetchall()
    connection.close()
    return found


def assert_whole(folder: Path) -> None:
    """Every chunk has its terms once, and the mark is gone."""
    assert rows(folder, "PRAGMA user_version") == [(VERSION,)]
    assert rows(folder, "SELECT * FROM meta WHERE key = 'upgrading'") == []
    for (number,) in rows(folder, "SELECT id FROM collections"):
        chunks = rows(
            folder,
            "SELECT k.id FROM chunks k JOIN documents d ON d.id = k.document_id"
            f" WHERE d.collection_id = {number} ORDER BY k.id",
        )
        assert rows(folder, f"SELECT rowid FROM terms_{number} ORDER BY rowid") == chunks
        assert rows(folder, f"SELECT 1 FROM terms_{number} WHERE terms = ''") == []


def test_everything_is_found_as_in_a_new_folder(tmp_path: Path) -> None:
    embedder = HashingEmbedder()
    folder = tmp_path / "old"
    version1.make(
        folder, embedder, DOCUMENTS, {"b.txt": {"date": "2024-05"}, "c.txt": {"date": "soon"}}
    )
    with open_index(folder, embedder) as index:
        (hit, *_rest) = index.search("停戰協定", "one", 5)
        assert (hit.text, hit.keyword_rank, hit.document_id) == (
            "双方签署了停战协定。",
            1,
            "doc_b.txt",
        )
        assert [h.text for h in index.search("Heading", "two", 5)] == ["The lamp of Lisbon."]
        assert index.search("Heading", "two", 5)[0].keyword_rank == 1, "headings are terms too"
        # Only the collection that is asked is searched.
        assert {h.source for h in index.search("lamp Lisbon", "one", 9)} == {"a.txt", "b.txt"}
        dated = index.search("lamp", "one", 9, Filters(date_from="2024-05-31", date_to="2024-12"))
        assert {h.source for h in dated} == {"b.txt"}
        assert index.search("lamp", "two", 9, Filters(date_from="1900")) == []
    assert_whole(folder)
    # The columns are those of a folder that is made today.
    Store(tmp_path / "new").close()
    new = tables(tmp_path / "new")
    assert {name: columns for name, columns in tables(folder).items() if name in new} == new


def test_it_is_said_in_the_log_and_done_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    version1.make(tmp_path / "old", HashingEmbedder(), DOCUMENTS)
    Store(tmp_path / "old").close()
    assert "up to date, once: 6 passages" in caplog.text
    caplog.clear()
    Store(tmp_path / "old").close()
    assert caplog.text == ""


def test_replaced_and_removed_afterwards(tmp_path: Path) -> None:
    embedder = HashingEmbedder()
    version1.make(tmp_path / "old", embedder, DOCUMENTS)
    with open_index(tmp_path / "old", embedder) as index:
        index.remove("doc_a.txt")
        assert all(h.keyword_score is None for h in index.search("Zanzibar", "one", 9))
        index.store.delete_collection("two")
    assert_whole(tmp_path / "old")


def many() -> list[tuple[str, str, list[str]]]:
    return [
        (f"c{n % 3}", f"{n}.txt", [f"Word{n} in passage {p} of many." for p in range(30)])
        for n in range(100)
    ]


UPGRADE = (
    "import sys; from pathlib import Path; from index.store import Store; Store(Path(sys.argv[1]))"
)
KILL_AFTER = (
    "import os, signal, sys; from pathlib import Path; from index import upgrade;"
    " from index.store import Store; left = [int(sys.argv[2])]; add = upgrade._add_terms\n"
    "def counting(connection, after):\n"
    "    left[0] -= 1\n"
    "    done = add(connection, after)\n"
    "    if left[0] == 0: os.kill(os.getpid(), signal.SIGKILL)\n"
    "    return done\n"
    "upgrade._add_terms = counting; Store(Path(sys.argv[1]))"
)


@pytest.mark.parametrize("batches", [1, 2, 9])
def test_killed_in_the_middle_it_goes_on(tmp_path: Path, batches: int) -> None:
    folder = tmp_path / "old"
    version1.make(folder, HashingEmbedder(dimension=8), many())
    killed = subprocess.run(
        [sys.executable, "-c", KILL_AFTER, str(folder), str(batches)], cwd=ROOT, check=False
    )
    assert killed.returncode == -signal.SIGKILL
    assert rows(folder, "SELECT value FROM meta WHERE key = 'upgrading'") == [(str(VERSION),)]
    with open_index(folder, HashingEmbedder(dimension=8)) as index:
        assert index.search("Word71", "c2", 1)[0].source == "71.txt"
    assert_whole(folder)


def test_two_processes_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "old"
    version1.make(folder, HashingEmbedder(dimension=8), many())
    both = [
        subprocess.Popen([sys.executable, "-c", UPGRADE, str(folder)], cwd=ROOT) for _ in range(2)
    ]
    assert [process.wait(timeout=120) for process in both] == [0, 0]
    assert_whole(folder)


def test_a_writer_of_the_older_version_is_kept_out(tmp_path: Path) -> None:
    """It had the folder open before; it must not add what has no terms."""
    folder = tmp_path / "old"
    embedder = HashingEmbedder()
    version1.make(folder, embedder, DOCUMENTS)
    older = sqlite3.connect(folder / FILE)
    Store(folder).close()
    with pytest.raises(sqlite3.OperationalError, match="20 columns but 18 values"):
        version1._add(older, embedder, "one", "late.txt", ["Too late."], {})
    older.close()
    assert_whole(folder)


@pytest.mark.parametrize("begun", [False, True])
def test_a_read_only_folder_says_what_to_do(tmp_path: Path, begun: bool) -> None:
    embedder = HashingEmbedder()
    folder = tmp_path / "old"
    version1.make(folder, embedder, DOCUMENTS)
    if begun:
        connection = sqlite3.connect(folder / FILE)
        connection.row_factory = sqlite3.Row
        upgrade._change_tables(connection)
        upgrade._begin_terms(connection)
        connection.commit()
        connection.close()
    for parent in [tmp_path, *list(tmp_path.parents)[:2]]:
        os.chmod(parent, 0o755)
    for path in [*folder.rglob("*"), folder]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)
    try:
        with unprivileged(), pytest.raises(StorageReadOnly, match=r"older Quoth.*once.*allow it"):
            open_index(folder, embedder)
    finally:
        for path in [folder, *folder.rglob("*")]:
            os.chmod(path, 0o755)
    with open_index(folder, embedder) as index:
        assert index.search("Zanzibar", "one", 1)[0].keyword_rank == 1


def test_terms_of_version_2_are_made_anew(tmp_path: Path) -> None:
    """The folder as version 2 left it: the same tables, and terms of its analysis."""
    with open_index(tmp_path, HashingEmbedder()) as index:
        raws = [Raw("مروا بالقنطرة عند الفجر.".encode(), "a.txt", "a.txt", language="ar")]
        list(ingest(index, "default", raws))
    connection = sqlite3.connect(tmp_path / FILE)
    connection.execute("DELETE FROM terms_1")
    connection.execute("INSERT INTO terms_1 (rowid, terms) VALUES (1, 'مروا بالقنطره عند الفجر')")
    connection.execute("PRAGMA user_version = 2")
    connection.commit()
    connection.close()
    with open_index(tmp_path, HashingEmbedder()) as index:
        assert index.search("قنطرة", "default", 1)[0].keyword_rank == 1
    assert_whole(tmp_path)


def test_a_damaged_older_folder_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    connection = sqlite3.connect(tmp_path / "old" / FILE)
    connection.execute("PRAGMA user_version = 1")
    connection.execute("CREATE TABLE meta (key TEXT, value TEXT)")
    connection.commit()
    connection.close()
    with pytest.raises(StorageError, match="cannot be used"):
        Store(tmp_path / "old")
