"""Backups: taken while others write, checked before anything is replaced, never half."""

import gzip
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from documents.load import Raw
from index.backup import DamagedBackup, backup, restore
from index.errors import InvalidRequest, StorageError
from index.ingest import ingest
from index.jobs import JobStore
from index.local import LocalIndex, open_index
from index.store import Store
from index.worker import LOCK, FolderLock
from tests.fakes import HashingEmbedder
from tests.index.conftest import Put
from tests.index.test_crash import assert_whole
from tests.index.test_crash import embedder as crash_embedder
from tests.shared_data import ROOT


def test_there_and_back(tmp_path: Path, index: LocalIndex, put: Put) -> None:
    put("a.txt", "The keeper lit the lamp.")
    put("b.txt", "Lemons are shipped in May.", collection="news")
    JobStore(tmp_path / "data").add("news", [Raw(b"Later.", "c.txt", "c.txt")])
    file = tmp_path / "b.tar.gz"
    report = backup(tmp_path / "data", file)
    assert report.documents == 2
    assert set(report.files) == {"quoth.sqlite3", "jobs.sqlite3"}
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir() if "tmp" in path.name] == []
    restored = tmp_path / "other" / "data"
    assert restore(file, restored) == report
    with open_index(restored, HashingEmbedder()) as other:
        assert other.search("who lit the lamp", "default", 1)[0].source == "a.txt"
        assert other.search("lemons", "news", 1)[0].source == "b.txt"
        assert other.store.identity != index.store.identity
    assert JobStore(restored).pending()[0] == 1
    assert [path.name for path in (tmp_path / "other").iterdir()] == ["data"]


def test_a_snapshot_of_another_store_is_not_believed(
    tmp_path: Path, index: LocalIndex, put: Put, caplog: pytest.LogCaptureFixture
) -> None:
    """The same numbers of changes, other documents: as where a backup is put back and worked on."""
    put("a.txt", "The keeper lit the lamp.")
    file = tmp_path / "b.tar.gz"
    backup(tmp_path / "data", file)
    restored = tmp_path / "restored"
    restore(file, restored)
    put("b.txt", "Lemons are shipped in May.")
    index.snapshot("default")
    with open_index(restored, HashingEmbedder()) as other:
        (outcome,) = ingest(other, "default", [Raw(b"Figs are dried.", "c.txt", "c.txt")])
        assert outcome.status == "added"
        assert other.store.last_change(1) == index.store.last_change(1)
    (restored / "vectors").mkdir()
    (tmp_path / "data" / "vectors" / "1.snapshot").rename(restored / "vectors" / "1.snapshot")
    with open_index(restored, HashingEmbedder()) as other:
        assert other.search("figs dried", "default", 1)[0].source == "c.txt"
        assert other.search("lemons shipped", "default", 2)[0].source != "b.txt"
    assert "another store" in caplog.text


def test_a_backup_while_another_process_writes(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    open_index(folder, crash_embedder()).close()
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.index.crash_writer", str(folder), "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    acknowledged = [writer.stdout.readline().strip() for _ in range(7)]
    file = tmp_path / "b.tar.gz"
    for _ in range(3):
        backup(folder, file, overwrite=True)
    writer.kill()
    writer.communicate()
    restore(file, tmp_path / "restored")
    with open_index(tmp_path / "restored", crash_embedder()) as index:
        names = assert_whole(index)
        assert set(acknowledged) <= names
        assert index.search("Paper1", "default", 3)[0].source in names


def test_nothing_is_overwritten_unasked(tmp_path: Path, index: LocalIndex, put: Put) -> None:
    put("a.txt", "The keeper lit the lamp.")
    data, file = tmp_path / "data", tmp_path / "b.tar.gz"
    backup(data, file)
    with pytest.raises(InvalidRequest, match="--force"):
        backup(data, file)
    with pytest.raises(InvalidRequest, match="data folder itself"):
        backup(data, data / "b.tar.gz")
    with pytest.raises(StorageError, match="--data-dir"):
        backup(tmp_path / "nothing", tmp_path / "c.tar.gz")
    with pytest.raises(InvalidRequest, match="--force"):
        restore(file, data)
    lock = FolderLock(data / LOCK)
    assert lock.take()
    with pytest.raises(InvalidRequest, match="stop it"):
        restore(file, data, force=True)
    lock.release()
    put("b.txt", "Lemons.")
    index.close()
    restore(file, data, force=True)
    assert [record.source for record in Store(data).documents("default", 10)] == ["a.txt"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def changed(file: Path, change: dict[str, bytes], *, without: str = "") -> bytes:
    """The backup with members changed, added or left out."""
    output = io.BytesIO()
    with tarfile.open(file) as old, tarfile.open(fileobj=output, mode="w:gz") as new:
        members = {member.name: old.extractfile(member).read() for member in old}  # type: ignore[union-attr]
        for name, data in (members | change).items():
            if name != without:
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                new.addfile(entry, io.BytesIO(data))
    return output.getvalue()


def test_damage_is_seen_before_anything_is_replaced(
    tmp_path: Path, index: LocalIndex, put: Put
) -> None:
    put("a.txt", "The keeper lit the lamp.")
    file = tmp_path / "b.tar.gz"
    backup(tmp_path / "data", file)
    whole = file.read_bytes()
    with tarfile.open(file) as tar:
        store = tar.extractfile("quoth.sqlite3").read()  # type: ignore[union-attr]
        manifest = json.loads(tar.extractfile("manifest.json").read())  # type: ignore[union-attr]
    bad = {
        "empty": b"",
        "text": b"not a backup",
        "cut": whole[: len(whole) // 2],
        "other bytes": changed(file, {"quoth.sqlite3": store[:-1] + b"x"}),
        "shorter": changed(file, {"quoth.sqlite3": store[:-100]}),
        "outside": changed(file, {"../evil": b"x"}),
        "absolute": changed(file, {str(tmp_path / "evil"): b"x"}),
        "no manifest": changed(file, {}, without="manifest.json"),
        "no store": changed(file, {}, without="quoth.sqlite3"),
        "another format": changed(
            file, {"manifest.json": json.dumps(manifest | {"format": 9}).encode()}
        ),
        "no object": changed(file, {"manifest.json": b"[]"}),
        "gzip of text": gzip.compress(b"not a tar"),
    }
    before = sorted(os.listdir(tmp_path))
    for name, data in bad.items():
        file.write_bytes(data)
        with pytest.raises(DamagedBackup):
            restore(file, tmp_path / "data", force=True)
        assert sorted(os.listdir(tmp_path)) == before, name
    assert index.search("lamp", "default", 1)[0].source == "a.txt"
    with pytest.raises(DamagedBackup, match="check the path"):
        restore(tmp_path / "none", tmp_path / "new")


def test_a_store_from_before_ids_gets_one(tmp_path: Path) -> None:
    store = Store(tmp_path / "data")
    first = store.identity
    assert len(first) == 32
    store._connections.get().execute("DELETE FROM meta WHERE key = 'store'")
    again = Store(tmp_path / "data")
    assert again.identity not in ("", first)
    assert Store(tmp_path / "data").identity == again.identity
