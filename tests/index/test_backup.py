"""Backups: taken while others write, checked before anything is replaced, never half."""

import gzip
import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from documents.load import Raw
from index import backup as index_backup
from index.backup import DamagedBackup, backup, restore
from index.errors import InvalidRequest, StorageError
from index.ingest import ingest
from index.jobs import JobStore
from index.local import LocalIndex, open_index
from index.locks import IN_USE, RESTORING, FolderLock
from index.store import Store
from tests.fakes import HashingEmbedder
from tests.index.conftest import Put
from tests.index.test_crash import assert_whole
from tests.index.test_crash import embedder as crash_embedder
from tests.index.test_local import unprivileged
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
    put("b.txt", "Lemons.")
    index.close()
    restore(file, data, force=True)
    assert sources(data) == ["a.txt"]
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def sources(folder: Path) -> list[str]:
    store = Store(folder, create=False)
    try:
        return [record.source for record in store.documents("default", 10)]
    finally:
        store.close()


def holding(folder: Path) -> list[Path]:
    """What is in a data folder, but for its locks."""
    return sorted(path for path in folder.iterdir() if path.suffix != ".lock")


@pytest.fixture
def backup_of_one(tmp_path: Path) -> Path:
    """A backup that holds one document, `kept.txt`, and one waiting job."""
    folder, file = tmp_path / "first", tmp_path / "one.tar.gz"
    with open_index(folder, HashingEmbedder()) as index:
        list(ingest(index, "default", [Raw(b"The keeper lit the lamp.", "kept.txt", "kept.txt")]))
    jobs = JobStore(folder)
    jobs.add("default", [Raw(b"Later.", "later.txt", "later.txt")])
    jobs.close()
    backup(folder, file)
    shutil.rmtree(folder)
    return file


def open_jobs(folder: Path) -> Callable[[], None]:
    jobs = JobStore(folder)
    jobs.add("default", [Raw(b"Later.", "c.txt", "c.txt")])
    return jobs.close


@pytest.mark.parametrize("opened", [lambda folder: Store(folder).close, open_jobs])
def test_what_is_open_is_not_replaced(
    tmp_path: Path, backup_of_one: Path, opened: Callable[[Path], Callable[[], None]]
) -> None:
    data = tmp_path / "data"
    with open_index(data, HashingEmbedder()) as index:
        list(ingest(index, "default", [Raw(b"Lemons.", "mine.txt", "mine.txt")]))
    close, also = opened(data), Store(data)  # several may use it at once
    for finish in (close, also.close):
        with pytest.raises(InvalidRequest, match=r"in use.*stop"):
            restore(backup_of_one, data, force=True)
        assert sources(data) == ["mine.txt"]
        finish()
    restore(backup_of_one, data, force=True)
    assert sources(data) == ["kept.txt"]


def test_a_killed_process_lets_go(tmp_path: Path, backup_of_one: Path) -> None:
    data = tmp_path / "data"
    writer = subprocess.Popen(
        [sys.executable, "-m", "tests.index.crash_writer", str(data), "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    with pytest.raises(InvalidRequest, match="in use"):
        restore(backup_of_one, data, force=True)
    writer.kill()
    writer.communicate()
    restore(backup_of_one, data, force=True)
    assert sources(data) == ["kept.txt"]


def test_nobody_opens_what_is_being_restored(tmp_path: Path, backup_of_one: Path) -> None:
    data = tmp_path / "data"
    restore(backup_of_one, data)
    restoring = FolderLock(data / IN_USE)
    assert restoring.take()
    with pytest.raises(StorageError, match=r"being restored.*try again"):
        Store(data)
    with pytest.raises(StorageError, match="being restored"):
        JobStore(data).pending()
    with pytest.raises(StorageError, match="being restored"):
        backup(data, tmp_path / "b.tar.gz")
    restoring.release()
    assert sources(data) == ["kept.txt"]


def test_into_a_mount_point(tmp_path: Path, backup_of_one: Path) -> None:
    """Its parent cannot be written, nor the folder itself be renamed."""
    data = tmp_path / "parent" / "data"
    data.mkdir(parents=True)
    (data / "lost+found").mkdir()
    inode = data.stat().st_ino
    if os.geteuid() == 0:
        os.chown(data, 65534, 65534)
    for path in [backup_of_one, *list(tmp_path.parents)[:3], tmp_path]:
        os.chmod(path, 0o755)
    os.chmod(data.parent, 0o555)
    try:
        with unprivileged():
            for force in (False, True):
                restore(backup_of_one, data, force=force)
                assert sources(data) == ["kept.txt"]
    finally:
        os.chmod(data.parent, 0o755)
    assert data.stat().st_ino == inode
    assert [path.name for path in holding(data)] == ["jobs.sqlite3", "lost+found", "quoth.sqlite3"]


class Killed(BaseException):
    """From here on the process does nothing any more."""


def test_a_crash_at_any_step_of_a_restore(tmp_path: Path, backup_of_one: Path) -> None:
    seen = set()
    for step in range(100):
        data = tmp_path / f"data-{step}"
        with open_index(data, HashingEmbedder()) as index:
            list(ingest(index, "default", [Raw(b"Lemons.", "old.txt", "old.txt")]))
            index.snapshot("default")
            # As a kill leaves it: the document is in the log alone.
            for path in [*data.glob("quoth.sqlite3*")]:
                shutil.copy(path, tmp_path / path.name)
        for path in tmp_path.glob("quoth.sqlite3*"):
            path.rename(data / path.name)
        (data / "keys.sqlite3").write_bytes(b"")
        (data / "notes.txt").write_text("Not Quoth's.")
        was_killed = killed_at(step, partial(restore, backup_of_one, data, force=True))
        if not was_killed:
            break
        assert (data / IN_USE).exists()
        if (data / RESTORING).exists():
            seen.add("refused")
            for opened in (Store, open_jobs):
                with pytest.raises(StorageError, match="restore FILE --force"):
                    opened(data)
            with pytest.raises(InvalidRequest, match="--force"):
                restore(backup_of_one, data)
        else:
            seen.add(" ".join(sources(data)))
        restore(backup_of_one, data, force=True)
        assert sources(data) == ["kept.txt"]
        jobs = JobStore(data)
        assert jobs.pending()[0] == 1
        jobs.close()
        names = [path.name for path in holding(data)]
        assert names == ["jobs.sqlite3", "notes.txt", "quoth.sqlite3"]
    assert step > 8
    assert seen in ({"old.txt", "refused"}, {"old.txt", "refused", "kept.txt"})


def killed_at(step: int, work: Callable[[], object]) -> bool:
    """Whether the work was killed, just before it changed a folder for the `step`th time."""
    left = step

    def dying(change: Callable[..., object]) -> Callable[..., object]:
        def changed(*arguments: object, **options: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return change(*arguments, **options)

        return changed

    with pytest.MonkeyPatch.context() as patch:
        for name in ("replace", "unlink", "rmdir", "mkdir"):
            patch.setattr(os, name, dying(getattr(os, name)))
        try:
            work()
        except Killed:
            return True
    return False


def test_all_files_are_of_about_one_moment(
    tmp_path: Path, index: LocalIndex, put: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What comes while the first file is copied is in none."""
    put("a.txt", "The keeper lit the lamp.")
    jobs = JobStore(tmp_path / "data")
    jobs.add("default", [Raw(b"Later.", "c.txt", "c.txt")])
    copy = index_backup._copy

    def slowly(source: sqlite3.Connection, target: Path) -> None:
        if target.name == "jobs.sqlite3":
            put("b.txt", "Lemons.")
            jobs.add("default", [Raw(b"Later.", "d.txt", "d.txt")])
        copy(source, target)

    monkeypatch.setattr(index_backup, "_copy", slowly)
    report = backup(tmp_path / "data", tmp_path / "b.tar.gz")
    assert report.documents == 1
    restore(tmp_path / "b.tar.gz", tmp_path / "other")
    assert JobStore(tmp_path / "other").pending()[0] == 1
    assert sources(tmp_path / "other") == ["a.txt"]


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
    index.close()
    before, files = sorted(os.listdir(tmp_path)), holding(tmp_path / "data")
    for name, data in bad.items():
        file.write_bytes(data)
        with pytest.raises(DamagedBackup):
            restore(file, tmp_path / "data", force=True)
        assert sorted(os.listdir(tmp_path)) == before, name
        assert holding(tmp_path / "data") == files, name
    assert sources(tmp_path / "data") == ["a.txt"]
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
