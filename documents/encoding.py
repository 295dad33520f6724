"""Bytes → text, for declared, wrong and mixed encodings.

What is valid UTF-8 is UTF-8, whatever was declared: other encodings do not form valid UTF-8 by
accident. Otherwise a declared encoding is tried, then each line on its own (files are pasted
together from several sources), then a statistical guess. Nothing is ever replaced by "?".
"""

import codecs
import unicodedata
from typing import NamedTuple

from charset_normalizer import from_bytes

from documents.errors import UndecodableText

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_REMEDY = "save it as UTF-8 text and try again"
_MIXED_SHARE = 0.1
"""Share of the lines beyond ASCII that must be UTF-8 for a file to be mixed, not just legacy."""

_GUESSES = (
    "cp1250 cp1251 cp1252 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 koi8_r koi8_u cp874 "
    "gb18030 big5 cp932 euc_jp cp949"
).split()
"""The legacy encodings that files are still found in; rarer ones must be declared."""

_MIN_COHERENCE = 0.1
"""Share of a guess that charset-normalizer recognises as some language: nought for arbitrary
bytes, and for texts too short to tell.
"""

_MAX_CONTROL_SHARE = 0.001
_GUESS_BYTES = 200_000


class Decoded(NamedTuple):
    """The text, and the codec that gives it: `data.decode(encoding) == text`, except for a mixed
    file, whose encoding reads like "utf-8+cp1252": its valid lines by the first, others by the
    second. `guessed` says that the encoding was not certain.
    """

    text: str
    encoding: str
    guessed: bool


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """Decode the bytes of a text file.

    Raises:
        UndecodableText: the bytes are binary, or no encoding explains them.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return Decoded(_strictly(data, encoding), encoding, guessed=False)
    if b"\0" in data:
        encoding = _wide(data)
        return Decoded(_strictly(data, encoding), encoding, guessed=True)
    try:
        return Decoded(_printable(data.decode("utf-8")), "utf-8", guessed=False)
    except UnicodeDecodeError:
        pass
    if declared and (text := _by_declaration(data, declared)) is not None:
        return Decoded(text, declared, guessed=False)
    return _by_line(data) or _by_guess(data)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return _printable(data.decode(encoding))
    except UnicodeDecodeError as error:
        raise UndecodableText(
            f"the bytes say they are {encoding} but are not ({error.reason} at byte {error.start}): "
            f"{_REMEDY}"
        ) from error


def _printable(text: str) -> str:
    """The text, unless so much of it is control characters that it is no text."""
    sample = text[:_GUESS_BYTES]
    controls = sum(unicodedata.category(c) == "Cc" for c in sample) - sum(
        map(sample.count, "\n\r\t\f")
    )
    if controls > max(2, len(sample) * _MAX_CONTROL_SHARE):
        raise UndecodableText(f"the file is binary, not text: {_REMEDY}")
    return text


def _wide(data: bytes) -> str:
    """UTF-16 without a mark: in text of most scripts, one byte of a pair is zero
    for the spaces and digits at least, and the other never is.
    """
    pairs = len(data) // 2
    low, high = data[0::2].count(0), data[1::2].count(0)
    if len(data) % 2 == 0 and min(low, high) == 0 and max(low, high) >= max(1, pairs // 16):
        return "utf-16-le" if high else "utf-16-be"
    raise UndecodableText(f"the file is binary, not text: {_REMEDY}")


def _by_declaration(data: bytes, declared: str) -> str | None:
    try:
        return _printable(data.decode(declared))
    except (UnicodeDecodeError, LookupError):
        return None


def _by_line(data: bytes) -> Decoded | None:
    lines = data.splitlines(keepends=True)
    texts: list[str | None] = []
    beyond_ascii = 0
    for line in lines:
        try:
            texts.append(line.decode("utf-8"))
            beyond_ascii += not line.isascii()
        except UnicodeDecodeError:
            texts.append(None)
    if beyond_ascii < max(1, _MIXED_SHARE * (beyond_ascii + texts.count(None))):
        return None
    others = [line for line, text in zip(lines, texts, strict=True) if text is None]
    guess = _by_guess(b"".join(others))
    text = "".join(
        line.decode(guess.encoding) if text is None else text
        for line, text in zip(lines, texts, strict=True)
    )
    return Decoded(text, f"utf-8+{guess.encoding}", guessed=True)


def _by_guess(data: bytes) -> Decoded:
    best = from_bytes(data[:_GUESS_BYTES], cp_isolation=_GUESSES).best()
    if best is None or best.coherence < _MIN_COHERENCE:
        raise UndecodableText(
            f"the text is not valid UTF-8 (first at line {_first_invalid_line(data)}) and its "
            f"encoding cannot be told: {_REMEDY}"
        )
    try:
        return Decoded(_printable(data.decode(best.encoding)), best.encoding, guessed=True)
    except UnicodeDecodeError as error:
        raise UndecodableText(
            f"the text looks like {best.encoding} but is not ({error.reason}): {_REMEDY}"
        ) from error


def _first_invalid_line(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return 1
