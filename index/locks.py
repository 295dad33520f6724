"""Who may do what with a data folder: locks that the system frees when their process dies."""

import fcntl
import os
import weakref
from pathlib import Path

from index.errors import StorageError

IN_USE = "in-use.lock"
"""Held together by all that have a file of the folder open, and alone by who replaces the files."""

RESTORING = ".restoring"
"""Stands in the folder while its files are replaced, so that a crash in between is seen."""


class FolderLock:
    """A lock on a data folder that its process holds alone until it lets go or dies."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._handle: int | None = None

    def take(self) -> bool:
        """Whether this process holds it now.

        Raises:
            OSError: the file cannot be made.
        """
        if self._handle is None:
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(handle)
                return False
            self._handle = handle
        return True

    def release(self) -> None:
        """Let go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


class FolderUse:
    """Keeps a data folder's files from being replaced, beside any number of other users, from
    `begin` to `end` or until it is forgotten. A folder that cannot be written is used without.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: weakref.finalize[..., FolderUse] | None = None

    def begin(self) -> None:
        """Begin, unless it was begun.

        Raises:
            StorageError: the folder is being restored, or was not restored to the end.
        """
        if self._held is None:
            handle = self._locked()
            if handle is not None:
                self._held = weakref.finalize(self, os.close, handle)
                # Threads may still write while the interpreter ends: the system lets go after them.
                self._held.atexit = False
        try:
            self.refuse_unfinished()
        except StorageError:
            self.end()
            raise

    def end(self) -> None:
        """End."""
        if self._held is not None:
            self._held()
            self._held = None

    def refuse_unfinished(self) -> None:
        """Raises StorageError where a restore broke off between two files."""
        if (self._folder / RESTORING).exists():
            raise StorageError(
                f"The data folder {self._folder} was not restored to the end: run "
                "`quoth restore FILE --force` again."
            )

    def _locked(self) -> int | None:
        """The open lock file; None where there can be no lock."""
        path = self._folder / IN_USE
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            try:
                handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except OSError:
                return None
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(handle)
            raise StorageError(
                f"The data folder {self._folder} is being restored: wait until that is done, and "
                "try again."
            ) from error
        except OSError:  # a file system without locks
            os.close(handle)
            return None
        return handle
