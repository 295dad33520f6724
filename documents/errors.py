"""Why a file or text cannot become a document. Each message names the remedy."""


class DocumentError(Exception):
    """The input is at fault; the caller must change it."""


class MissingFile(DocumentError):
    """There is no file at the path, or it cannot be opened."""


class UnsupportedFormat(DocumentError):
    """No reader for files of this kind."""


class UndecodableText(DocumentError):
    """The bytes are not text in any encoding that can be told."""


class EmptyDocument(DocumentError):
    """Nothing is left to index."""


class DocumentTooLarge(DocumentError):
    """More bytes than the limit allows."""
