"""The data folder in one file, while it is in use, and back.

A backup is a gzipped tar: `manifest.json` with the SHA-256 of every other member, then the SQLite
files, each copied by SQLite itself as it was at one moment between two transactions. The moments
lie close together, however long the copying takes; that of the jobs is first, so that what a job
calls stored is among the documents. FAISS's snapshots are left out, since they are made from the
store.
"""

import gzip
import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

from index import database, jobs, schema
from index.errors import InvalidRequest, StorageError
from index.locks import IN_USE, RESTORING, FolderLock, FolderUse
from index.sqlite import translated

FORMAT = 1
MANIFEST = "manifest.json"
KEYS_FILE = "keys.sqlite3"
FILES = (jobs.FILE, database.FILE, KEYS_FILE)
"""What is copied, in this order, where it is there."""

_UNPACKED = f"{RESTORING}-"
"""Begins the names of folders with what is not in place yet."""

_NOTHING = frozenset({IN_USE, "jobs.lock", "lost+found"})
"""May be in an empty data folder; the last is in every newly made file system."""

_PIECE = 1 << 20


class DamagedBackup(Exception):
    """The file is not a whole backup; the caller must name another."""


@dataclass(frozen=True, slots=True)
class BackupReport:
    """What is in a backup: files with their bytes, documents, and when it was made."""

    files: dict[str, int]
    documents: int
    made_at: str


def backup(folder: Path, target: Path, *, overwrite: bool = False) -> BackupReport:
    """Copy a data folder into the file `target`, written beside and renamed into place.

    Raises:
        InvalidRequest: `target` exists and may not be overwritten, or stands in the folder.
        StorageError: there is nothing to copy, it is being restored, or it cannot be written.
    """
    if not (folder / database.FILE).exists():
        raise StorageError(f"There are no documents in {folder} to back up: check --data-dir.")
    if target.exists() and not overwrite:
        raise InvalidRequest(f"{target} exists: choose another name, or say --force.")
    if target.resolve().is_relative_to(folder.resolve()):
        raise InvalidRequest(f"{target} stands in the data folder itself: choose another place.")
    with _writing_errors(target), tempfile.TemporaryDirectory(dir=target.parent) as name:
        work = Path(name)
        _copy_all(folder, work)
        report = _report(work)
        archive = work / "archive"
        _write(archive, work, report)
        os.replace(archive, target)
        _sync(target.parent)
    return report


def restore(source: Path, folder: Path, *, force: bool = False) -> BackupReport:
    """Put a backup back into `folder`, which must be missing or empty; with `force` the documents,
    jobs and keys that are there are replaced, or gone where the backup has none. The store gets a
    new id, so that nothing derived from another one is believed.

    All is unpacked and checked within the folder, which may thus be a mount point, before anything
    is replaced. After a crash until then the folder is as it was. After one later, while the files
    are renamed, whoever opens the folder is refused until it is restored again, with `force`.

    Raises:
        DamagedBackup: it is not whole; what was there is untouched.
        InvalidRequest: the folder is not empty, or in use.
        StorageError: it cannot be written.
    """
    if not source.is_file():
        raise DamagedBackup(f"{source} is no file: check the path.")
    if not force and _holds_something(folder):
        raise InvalidRequest(
            f"The data folder {folder} is not empty: choose another with --data-dir, or say "
            "--force to replace what is in it."
        )
    with _writing_errors(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = FolderLock(folder / IN_USE)
        if not lock.take():
            raise InvalidRequest(
                f"The data folder {folder} is in use: stop the service, and what else works on it, "
                "first."
            )
        try:
            return _restore(source, folder)
        finally:
            lock.release()


def _holds_something(folder: Path) -> bool:
    """Whether anything is in a folder but what may be in an empty one."""
    return folder.exists() and any(
        path.name not in _NOTHING and not path.name.startswith(_UNPACKED)
        for path in folder.iterdir()
    )


def _restore(source: Path, folder: Path) -> BackupReport:
    for path in folder.glob(f"{_UNPACKED}*"):  # of one that was interrupted
        shutil.rmtree(path)
    work = Path(tempfile.mkdtemp(prefix=_UNPACKED, dir=folder))
    try:
        report = _unpack(source, work)
        _check(source, work)
        _replace(folder, work)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return report


def _copy_all(folder: Path, work: Path) -> None:
    use = FolderUse(folder)
    use.begin()
    try:
        with translated(folder), ExitStack() as stack:
            there = [file for file in FILES if (folder / file).exists()]
            opened = [stack.enter_context(closing(_reading(folder / file))) for file in there]
            for file, connection in zip(there, opened, strict=True):
                _copy(connection, work / file)
    finally:
        use.end()


def _reading(path: Path) -> sqlite3.Connection:
    """A connection that sees the file as it is now."""
    connection = sqlite3.connect(
        f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None
    )
    connection.execute("BEGIN")
    connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    return connection


def _copy(source: sqlite3.Connection, target: Path) -> None:
    with closing(sqlite3.connect(target)) as new:
        source.backup(new)
        new.execute("PRAGMA journal_mode = DELETE")


def _report(work: Path) -> BackupReport:
    with closing(sqlite3.connect(work / database.FILE)) as connection:
        (documents,) = connection.execute("SELECT count(*) FROM documents").fetchone()
    files = {file: (work / file).stat().st_size for file in FILES if (work / file).exists()}
    return BackupReport(files, documents, datetime.now(UTC).isoformat(timespec="seconds"))


def _write(archive: Path, work: Path, report: BackupReport) -> None:
    manifest = {
        "format": FORMAT,
        "made_at": report.made_at,
        "documents": report.documents,
        "files": {
            name: {"bytes": size, "sha256": _sha256(work / name)}
            for name, size in report.files.items()
        },
    }
    handle = os.open(archive, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(handle, "wb") as raw:
        with (
            gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, filename="") as packed,
            tarfile.open(fileobj=packed, mode="w|") as tar,
        ):
            data = json.dumps(manifest, indent=1).encode()
            entry = tarfile.TarInfo(MANIFEST)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
            for name, size in report.files.items():
                entry = tarfile.TarInfo(name)
                entry.size, entry.mode = size, 0o600
                with (work / name).open("rb") as stream:
                    tar.addfile(entry, stream)
        raw.flush()
        os.fsync(raw.fileno())


def _unpack(source: Path, work: Path) -> BackupReport:
    """Write the members whose names are known, and nothing else, and compare their checksums."""
    try:
        with tarfile.open(source, "r|gz") as tar:
            members = iter(tar)
            first = next(members, None)
            if first is None or first.name != MANIFEST:
                raise DamagedBackup(_not_whole(source, "it has no manifest"))
            manifest = json.loads(_stream(tar, first).read(1_000_000))
            if manifest["format"] != FORMAT:
                raise DamagedBackup(f"{source} was made by another version of Quoth: use that one.")
            expected = dict(manifest["files"])
            for member in members:
                if member.name not in FILES or member.name not in expected:
                    raise DamagedBackup(_not_whole(source, "it holds something else"))
                digest = _write_member(_stream(tar, member), work / member.name)
                if digest != expected.pop(member.name)["sha256"]:
                    raise DamagedBackup(_not_whole(source, f"{member.name} is damaged"))
        if expected or database.FILE not in manifest["files"]:
            raise DamagedBackup(_not_whole(source, "something is missing"))
        sizes = {name: int(entry["bytes"]) for name, entry in manifest["files"].items()}
        return BackupReport(sizes, int(manifest["documents"]), str(manifest["made_at"]))
    except (tarfile.TarError, EOFError, gzip.BadGzipFile, ValueError, KeyError, TypeError) as error:
        raise DamagedBackup(_not_whole(source, "it cannot be read")) from error
    except OSError as error:
        if error.errno is not None:
            raise
        raise DamagedBackup(_not_whole(source, "it cannot be read")) from error


def _stream(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    stream = tar.extractfile(member) if member.isfile() else None
    if stream is None:
        raise ValueError(member.name)
    return stream


def _write_member(stream: IO[bytes], path: Path) -> str:
    digest = hashlib.sha256()
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as target:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    return digest.hexdigest()


def _check(source: Path, work: Path) -> None:
    """Every file is a sound database, and the store gets a new id."""
    for name in FILES:
        if (work / name).exists():
            with closing(sqlite3.connect(work / name)) as connection:
                try:
                    (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
                except sqlite3.DatabaseError as error:
                    raise DamagedBackup(_not_whole(source, f"{name} is damaged")) from error
                if said != "ok":
                    raise DamagedBackup(_not_whole(source, f"{name} is damaged"))
    with closing(sqlite3.connect(work / database.FILE)) as connection, connection:
        schema.stamp(connection, anew=True)


def _replace(folder: Path, work: Path) -> None:
    """Rename the files into place. The name of the folder they come from is the mark by which a
    crash in between is seen: it is there from before the first change until after the last.
    """
    mark = folder / RESTORING
    if mark.exists():  # an empty folder may be renamed over, so that the mark is never gone
        for path in mark.iterdir():
            path.unlink()
    os.replace(work, mark)
    _sync(folder)
    for name in FILES:
        for suffix in ("-wal", "-shm", "-journal"):
            # Before the file itself: SQLite would take them for its own.
            (folder / f"{name}{suffix}").unlink(missing_ok=True)
    shutil.rmtree(folder / "vectors", ignore_errors=True)
    _sync(folder)
    for name in FILES:
        if (mark / name).exists():
            os.replace(mark / name, folder / name)
        else:
            (folder / name).unlink(missing_ok=True)
    _sync(folder)
    mark.rmdir()
    _sync(folder)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _not_whole(source: Path, reason: str) -> str:
    return f"{source} is not a whole backup ({reason}): use another."


@contextmanager
def _writing_errors(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written ({error.strerror or error}): make room, or choose another "
            "place."
        ) from error
