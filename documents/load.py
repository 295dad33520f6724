"""A path or bytes → a `Document`."""

import hashlib
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from documents.encoding import Decoded, decode
from documents.errors import DocumentTooLarge, EmptyDocument, MissingFile, UnsupportedFormat
from documents.formats import markdown
from documents.formats import text as plain
from documents.formats.parsed import Parsed
from documents.language import DetectedLanguage, declared_tag, detect
from documents.types import Document

MAX_BYTES = 20_000_000
_CHECK = "check the path and its permissions"


@dataclass(frozen=True, slots=True)
class LoadOptions:
    """`max_bytes`: the largest input that is read."""

    max_bytes: int = MAX_BYTES


@dataclass(frozen=True, slots=True)
class Raw:
    """An input before it is read.

    `source` names it for people and `origin` identifies it. `media_type`, `encoding`, `title` and
    `language` are what the sender declared, empty where nothing was.
    """

    data: bytes
    source: str
    origin: str
    media_type: str = ""
    encoding: str = ""
    title: str = ""
    language: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def content_hash(self) -> str:
        """`sha256:` and the hex digest of the bytes."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    @property
    def declared(self) -> tuple[str, ...]:
        """All that was declared about the bytes: another declaration makes another document."""
        extra = (f"{key}={value}" for key, value in sorted(self.metadata.items()))
        return (self.media_type, self.encoding, self.title, self.language, *extra)


def _plain_or_marked(source: str) -> Parsed:
    return markdown.parse(source) if markdown.looks_like_markdown(source) else plain.parse(source)


_PARSERS: dict[str, tuple[str, Callable[[str], Parsed]]] = {
    ".txt": ("text/plain", _plain_or_marked),
    ".text": ("text/plain", _plain_or_marked),
    "": ("text/plain", _plain_or_marked),
    ".md": ("text/markdown", markdown.parse),
    ".markdown": ("text/markdown", markdown.parse),
}
_MARKDOWN = (".md", ".markdown")
_ANY_TYPE = ("", "application/octet-stream")
"""What senders say that do not know the type."""

_SUFFIX_OF = {"text/plain": ".txt", "text/markdown": ".md", "text/x-markdown": ".md"}


def is_supported(path: Path) -> bool:
    """Whether a file of this name is read when a folder is taken in."""
    return path.suffix.lower() in _PARSERS and not path.name.startswith(".")


def find(path: Path) -> Iterator[Path]:
    """The files at `path`, a file or a folder with its subfolders, in a stable order. Hidden ones,
    those of other formats, and folders behind links are left out of a folder. A folder that cannot
    be opened is among them, so that reading it tells why.

    Raises:
        MissingFile: nothing is there.
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError) as error:
        raise MissingFile(f"{_name(path)} cannot be opened ({_reason(error)}): {_CHECK}") from error
    if not stat.S_ISDIR(mode):
        yield path
        return
    unreadable: list[Path] = []
    walk = os.walk(path, onerror=lambda error: unreadable.append(Path(error.filename)))
    for folder, folders, names in walk:
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        children = (Path(folder, name) for name in sorted(names))
        yield from (child for child in children if is_supported(child) and _is_file(child))
    yield from unreadable


def read(path: Path, source: str, options: LoadOptions | None = None) -> Raw:
    """Read a file whose name for people is `source`; its absolute path identifies it.

    Raises:
        MissingFile: it is not there, is not a file, or may not be opened.
        DocumentTooLarge: it is over the limit; it was not read.
    """
    limit = (options or LoadOptions()).max_bytes
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            os.listdir(path)
        if not stat.S_ISREG(status.st_mode):
            raise MissingFile(f"{_name(path)} is not a regular file: name a file or a folder")
        if status.st_size > limit:
            raise DocumentTooLarge(_too_large(status.st_size, limit))
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        raise MissingFile(f"it cannot be opened ({_reason(error)}): {_CHECK}") from error
    return Raw(data, source=_name(source), origin=_name(path.resolve()))


def _is_file(path: Path) -> bool:
    """Whether it is a file or a link to one; one that may not be looked at is: reading tells."""
    try:
        return path.is_file()
    except OSError:
        return True


def _name(path: Path | str) -> str:
    """A path as text that can be stored and sent: bytes that are no UTF-8 become escapes."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _reason(error: OSError | ValueError) -> str:
    return str((isinstance(error, OSError) and error.strerror) or error)


def load(raw: Raw, document_id: str, options: LoadOptions | None = None) -> Document:
    """Turn an input into a document.

    Raises:
        DocumentTooLarge: more bytes than allowed.
        UnsupportedFormat: neither its media type nor its name says a format that is read.
        UndecodableText: it is binary or in no encoding that can be told.
        EmptyDocument: it holds no text.
    """
    limit = (options or LoadOptions()).max_bytes
    if len(raw.data) > limit:
        raise DocumentTooLarge(_too_large(len(raw.data), limit))
    media_type, parse = _parser(raw)
    if not raw.data.strip():
        raise EmptyDocument("it is empty: there is nothing to find in it")
    decoded: Decoded = decode(raw.data, raw.encoding or None)
    parsed = parse(decoded.text)
    if not any(character.isalnum() for character in parsed.text):
        raise EmptyDocument("it holds no words: there is nothing to find in it")
    declared = declared_tag(raw.language) or declared_tag(parsed.language)
    language = DetectedLanguage(declared, 1.0) if declared else detect(parsed.text)
    return Document(
        id=document_id,
        origin=raw.origin,
        source=raw.source,
        title=" ".join((raw.title or parsed.title or Path(raw.source).stem or raw.source).split()),
        text=parsed.text,
        alignment=parsed.alignment,
        blocks=parsed.blocks,
        language=language.tag,
        language_confidence=language.confidence,
        content_hash=raw.content_hash,
        media_type=media_type,
        encoding=decoded.encoding,
        metadata={**parsed.metadata, **raw.metadata},
    )


def _parser(raw: Raw) -> tuple[str, Callable[[str], Parsed]]:
    named = Path(raw.source).suffix.lower()
    media_type = raw.media_type.split(";")[0].strip().lower()
    suffix = _SUFFIX_OF.get(media_type, named)
    if named in _MARKDOWN:
        suffix = named
    is_known = suffix in _PARSERS and (suffix or media_type in _ANY_TYPE)
    if is_known:
        return _PARSERS[suffix]
    kinds = ", ".join(sorted(suffix for suffix in _PARSERS if suffix))
    raise UnsupportedFormat(
        f"files of the kind {suffix or media_type} are not read: convert it to one of {kinds}"
    )


def _too_large(size: int, limit: int) -> str:
    return (
        f"it has {size:,} bytes and at most {limit:,} are read: split it, "
        "or raise QUOTH_MAX_DOCUMENT_BYTES"
    )
