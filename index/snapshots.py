"""Snapshots of FAISS structures.

A snapshot is one file: a line of JSON (what it covers, the checksum of the rest), then FAISS's own
bytes. It is written beside and renamed into place, so a reader finds the old one or the new one.
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import faiss

_FORMAT = 2
"""1 had no number, and held flat structures only; it is read still."""

_BLOCK = 1 << 20


class DamagedSnapshot(Exception):
    """The file is not a whole snapshot of the kind expected."""


class Header(NamedTuple):
    """What a snapshot says of itself. `vectors` is -1 where it does not say how many; `made_for` is
    0 where every vector is compared.
    """

    covers: int
    sha256: str
    embedder: str
    dimension: int
    vectors: int
    made_for: int
    store: str


def write_snapshot(path: Path, header: Mapping[str, object], index: faiss.Index) -> None:
    """Write a structure under its header, a block at a time.

    Raises:
        OSError: it could not be written; an older one is untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".snapshot-", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            # The checksum is known at the end: its place is kept by one of the same length.
            stream.write(_line(header, "0" * 64))
            digest = _write_index(stream, index)
            stream.seek(0)
            stream.write(_line(header, digest))
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def read_header(path: Path) -> Header:
    """What a snapshot says of itself, without a look at the rest.

    Raises:
        FileNotFoundError: there is none.
        DamagedSnapshot: it cannot be read, or is of a newer format.
    """
    with path.open("rb") as stream:
        return _read_header(stream)


def read_snapshot(
    path: Path, embedder: str, dimension: int, store: str = ""
) -> tuple[Header, faiss.Index]:
    """Read a snapshot, once for its checksum and once for FAISS, never all of it twice in memory.

    Raises:
        FileNotFoundError: there is none.
        DamagedSnapshot: it is not whole, or of another embedder or store.
    """
    with path.open("rb") as stream:
        header = _read_header(stream)
        if header.embedder != embedder or header.dimension != dimension:
            raise DamagedSnapshot("it is of another embedder")
        if header.store != store:
            # Its changes may have the same numbers, and be others.
            raise DamagedSnapshot("it is of another store")
        start = stream.tell()
        # FAISS trusts the bytes it is given, so they are checked before it sees them.
        if hashlib.file_digest(stream, "sha256").hexdigest() != header.sha256:
            raise DamagedSnapshot("its checksum does not match")
        stream.seek(start)
        reader = faiss.PyCallbackIOReader(stream.read, _BLOCK)  # type: ignore[attr-defined]
        try:
            index = faiss.read_index(reader)
        except RuntimeError as error:
            raise DamagedSnapshot("FAISS cannot read it") from error
    if index.d != dimension or header.vectors not in (-1, index.ntotal):
        raise DamagedSnapshot("its header tells of something else")
    return header, index


def _line(header: Mapping[str, object], sha256: str) -> bytes:
    whole = {**header, "format": _FORMAT, "sha256": sha256}
    return json.dumps(whole).encode("utf-8") + b"\n"


def _read_header(stream: BinaryIO) -> Header:
    try:
        fields = json.loads(stream.readline(10_000))
        newer = int(fields.get("format", 1)) > _FORMAT
        header = Header(
            covers=int(fields["covers"]),
            sha256=str(fields["sha256"]),
            embedder=str(fields["embedder"]),
            dimension=int(fields["dimension"]),
            vectors=int(fields.get("vectors", -1)),
            made_for=int(fields.get("made_for", 0)),
            store=str(fields.get("store", "")),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedSnapshot("its header cannot be read") from error
    if newer:
        raise DamagedSnapshot("it is of a newer version")
    return header


def _write_index(stream: BinaryIO, index: faiss.Index) -> str:
    digest = hashlib.sha256()

    def write(block: bytes) -> int:
        digest.update(block)
        return stream.write(block)

    writer = faiss.PyCallbackIOWriter(write, _BLOCK)  # type: ignore[attr-defined]
    faiss.write_index(index, writer)
    return digest.hexdigest()
