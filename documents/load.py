"""A path or bytes → a `Document`."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from documents.encoding import Decoded, decode
from documents.errors import DocumentTooLarge, EmptyDocument, MissingFile, UnsupportedFormat
from documents.formats import markdown
from documents.formats import text as plain
from documents.formats.parsed import Parsed
from documents.language import DetectedLanguage, detect
from documents.types import Document

MAX_BYTES = 20_000_000


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
        """`sha256:` and the hex digest of the bytes and of everything declared about them."""
        digest = hashlib.sha256(self.data)
        declared = (self.media_type, self.encoding, self.title, self.language)
        for value in (*declared, *(f"{k}={v}" for k, v in sorted(self.metadata.items()))):
            digest.update(b"\0" + value.encode("utf-8") if value else b"")
        return f"sha256:{digest.hexdigest()}"


def _plain_or_marked(source: str) -> Parsed:
    return markdown.parse(source) if markdown.looks_like_markdown(source) else plain.parse(source)


_PARSERS: dict[str, tuple[str, Callable[[str], Parsed]]] = {
    ".txt": ("text/plain", _plain_or_marked),
    ".text": ("text/plain", _plain_or_marked),
    "": ("text/plain", _plain_or_marked),
    ".md": ("text/markdown", markdown.parse),
    ".markdown": ("text/markdown", markdown.parse),
}
_SUFFIX_OF = {"text/plain": ".txt", "text/markdown": ".md", "text/x-markdown": ".md"}


def is_supported(path: Path) -> bool:
    """Whether a file of this name is read when a folder is taken in."""
    return path.suffix.lower() in _PARSERS and not path.name.startswith(".")


def find(path: Path) -> Iterator[Path]:
    """The files at `path`, a file or a folder with its subfolders, in a stable order. Hidden ones
    and those of other formats are left out of a folder.

    Raises:
        MissingFile: nothing is there.
    """
    if path.is_dir():
        for child in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in child.relative_to(path).parts)
            if child.is_file() and not hidden and is_supported(child):
                yield child
    elif path.exists():
        yield path
    else:
        raise MissingFile(f"{path} does not exist: check the path")


def read(path: Path, source: str, options: LoadOptions | None = None) -> Raw:
    """Read a file whose name for people is `source`; its absolute path identifies it.

    Raises:
        MissingFile: it is not there, is not a file, or may not be opened.
        DocumentTooLarge: it is over the limit; it was not read.
    """
    limit = (options or LoadOptions()).max_bytes
    try:
        size = path.stat().st_size
        if size > limit:
            raise DocumentTooLarge(_too_large(size, limit))
        if not path.is_file():
            raise MissingFile(f"{path} is not a regular file: name a file or a folder")
        data = path.read_bytes()
    except OSError as error:
        raise MissingFile(
            f"the file cannot be opened ({error.strerror}): check the path"
        ) from error
    return Raw(data, source=source, origin=str(path.resolve()))


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
    declared = raw.language or parsed.language
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
    suffix = _SUFFIX_OF.get(raw.media_type.split(";")[0].strip().lower(), named)
    if named in (".md", ".markdown"):
        suffix = named
    try:
        return _PARSERS[suffix]
    except KeyError:
        kinds = ", ".join(sorted(suffix for suffix in _PARSERS if suffix))
        raise UnsupportedFormat(
            f"files of the kind {suffix} are not read: convert it to one of {kinds}"
        ) from None


def _too_large(size: int, limit: int) -> str:
    return (
        f"it has {size:,} bytes and at most {limit:,} are read: split it, "
        "or raise QUOTH_MAX_DOCUMENT_BYTES"
    )
