"""What can go wrong below question answering, grouped by what the caller can do next.

Every message is one sentence for the person who asked, and names the remedy.
"""


class StorageError(Exception):
    """The data folder cannot be read or written; the caller must change the surroundings."""


class StorageFull(StorageError):
    """There is no room left; nothing was stored."""


class StorageReadOnly(StorageError):
    """The data folder may only be read."""


class EmbedderMismatch(Exception):
    """The data folder was made by another embedder; the caller must choose one of the two."""


class ModelUnavailable(Exception):
    """A model cannot be loaded; the caller must install or name another."""


class UnknownCollection(Exception):
    """No collection of that name; the caller must name another or create it."""


class UnknownDocument(Exception):
    """No document of that id; the caller must name another."""


class InvalidRequest(Exception):
    """The request itself is at fault; the caller must change it."""


def unknown_collection(name: str) -> UnknownCollection:
    """What is said of a collection that is not there, or that the caller may not see."""
    return UnknownCollection(
        f"There is no collection {name!r}: see `quoth collections list`, or ingest into it."
    )


def unknown_document(document_id: str) -> UnknownDocument:
    """What is said of a document that is not there, or that the caller may not see."""
    return UnknownDocument(f"There is no document {document_id!r}: see `quoth documents list`.")
