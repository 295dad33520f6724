"""Bytes → text, for declared, wrong and mixed encodings.

What is valid UTF-8 is UTF-8, whatever was declared: other encodings do not form valid UTF-8 by
accident. Otherwise a declared encoding is tried, then each line on its own (files are pasted
together from several sources), then a statistical guess. Nothing is ever replaced by "?".
"""

import codecs
import re
import unicodedata
from contextlib import suppress
from typing import NamedTuple

from charset_normalizer import CharsetMatch, from_bytes

from documents.errors import UndecodableText

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_UNMARKED_WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
_SURROGATE = re.compile("[\ud800-\udfff]")
_REMEDY = "save it as UTF-8 text and try again"
_MIXED_SHARE = 0.1
"""Share of the lines beyond ASCII that must be UTF-8 for a file to be mixed, not just legacy."""

_GUESSES = (
    "cp1252 cp1250 cp1251 cp1253 cp1254 cp1255 cp1256 cp1257 cp1258 koi8_r koi8_u cp874 "
    "gb18030 big5 cp932 euc_jp cp949"
).split()
"""The legacy encodings that files are still found in, of two that explain a text equally well the
likelier first; rarer ones must be declared.
"""

_MIN_HIRAGANA = 0.2
"""Share of the characters beyond ASCII that makes a short text Japanese: no other encoding's
letters are read as these by accident.
"""

_MIN_COHERENCE = 0.1
"""Share of a guess that charset-normalizer recognises as some language: nought for arbitrary
bytes, and for texts too short to tell.
"""

_MAX_CONTROL_SHARE = 0.001
_WIDE_CONTROL_SHARE = 0.4
"""Of UTF-16 read as UTF-8, at least every other character is one."""

_MAX_UNKNOWN_SHARE = 0.01
"""Share of characters that Unicode does not define, above which a reading is wrong."""

_MIN_ASCII_SHARE = 0.01
_DAMAGED_RATIO = 4
"""As many valid UTF-8 characters for each invalid byte make bytes damaged UTF-8, nothing older."""

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
    with suppress(UnicodeDecodeError):
        text = data.decode("utf-8")
        if b"\0" not in data or _controls(text) < _WIDE_CONTROL_SHARE * len(text):
            return Decoded(_printable(text), "utf-8", guessed=False)
    if declared and (said := _reading(data, declared)) and not _has_unknown(said):
        return Decoded(said, declared, guessed=False)
    if b"\0" in data:
        return _wide(data)
    return _by_line(data) or _by_guess(data, data)


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return _printable(data.decode(encoding))
    except UnicodeDecodeError as error:
        raise UndecodableText(
            f"it begins as {encoding} text but is not ({error.reason} at byte {error.start}): "
            f"{_REMEDY}"
        ) from error


def _printable(text: str) -> str:
    """The text, unless so much of it is control characters that it is no text."""
    sample = text[:_GUESS_BYTES]
    allowed = max(2, len(sample) * _MAX_CONTROL_SHARE)
    if _controls(sample) > allowed or _SURROGATE.search(text):
        raise UndecodableText(f"the file is binary, not text: {_REMEDY}")
    return text


def _controls(text: str) -> int:
    controls = sum(unicodedata.category(character) == "Cc" for character in text)
    return controls - sum(map(text.count, "\n\r\t\f"))


def _wide(data: bytes) -> Decoded:
    """UTF-16 or UTF-32 without a mark: the reading with most of ASCII's blanks, digits and signs,
    without which there would be no zero bytes, and with no characters that do not exist.
    """
    readings = [Decoded(text, e, True) for e in _UNMARKED_WIDE if (text := _reading(data, e))]
    known = [reading for reading in readings if not _has_unknown(reading.text)]
    best = max(known, key=lambda reading: _ascii_share(reading.text), default=None)
    if best and _ascii_share(best.text) >= _MIN_ASCII_SHARE:
        return best
    raise UndecodableText(f"the file is binary, not text: {_REMEDY}")


def _ascii_share(text: str) -> float:
    return sum(" " <= character < "\x7f" or character == "\n" for character in text) / len(text)


def _has_unknown(text: str) -> bool:
    sample = text[:_GUESS_BYTES]
    unknown = sum(unicodedata.category(character) in ("Cn", "Co") for character in sample)
    return unknown > len(sample) * _MAX_UNKNOWN_SHARE


def _reading(data: bytes, encoding: str) -> str | None:
    """The text in this encoding; None where it is no text in it, or no such encoding exists."""
    try:
        return _printable(data.decode(encoding))
    except (ValueError, LookupError, UndecodableText):
        return None


def _by_line(data: bytes) -> Decoded | None:
    lines = data.splitlines(keepends=True)
    texts = [_reading(line, "utf-8") for line in lines]
    others = [line for line, text in zip(lines, texts, strict=True) if text is None]
    beyond_ascii = sum(not line.isascii() for line in lines)
    if beyond_ascii - len(others) < max(1, _MIXED_SHARE * beyond_ascii):
        return None
    guess = _by_guess(b"".join(others), data)
    text = "".join(
        line.decode(guess.encoding) if text is None else text
        for line, text in zip(lines, texts, strict=True)
    )
    return Decoded(text, f"utf-8+{guess.encoding}", guessed=True)


def _by_guess(data: bytes, file: bytes) -> Decoded:
    """Decode `data`, all or the invalid lines of `file`."""
    sample = _sample(data)
    matches = [] if _is_damaged(sample) else list(from_bytes(sample, cp_isolation=_GUESSES))
    best = max(matches, key=_likelihood, default=None)
    if best is None or _likelihood(best)[0] < _MIN_COHERENCE:
        raise UndecodableText(
            f"the text is not valid UTF-8 (first at line {_first_invalid_line(file)}) and its "
            f"encoding cannot be told: {_REMEDY}"
        )
    text = _reading(data, best.encoding)
    if text is None:
        raise UndecodableText(f"the text looks like {best.encoding} but is not: {_REMEDY}")
    return Decoded(text, best.encoding, guessed=True)


def _likelihood(match: CharsetMatch) -> tuple[float, int, float, int]:
    """How much of it is some language, how few words have a sign within, and what is likelier."""
    text = str(match)
    letters = [character for character in text if character > "\x7f"]
    hiragana = sum("\u3041" <= character <= "\u3096" for character in letters)
    is_japanese = hiragana > _MIN_HIRAGANA * len(letters)
    coherence = 1.0 if is_japanese else match.coherence
    broken = sum(
        sign > "\x7f" and before.isalpha() and after.isalpha() and not sign.isalpha()
        for before, sign, after in zip(text, text[1:], text[2:], strict=False)
    )
    return round(coherence, 1), -broken, -match.chaos, -_GUESSES.index(match.encoding)


def _sample(data: bytes) -> bytes:
    """The first lines beyond ASCII, whole ones: half a character would rule its encoding out."""
    lines: list[bytes] = []
    size = 0
    for line in data.splitlines(keepends=True):
        if size and size + len(line) > _GUESS_BYTES:
            break
        if not line.isascii():
            lines.append(line)
            size += len(line)
    return b"".join(lines)


def _is_damaged(data: bytes) -> bool:
    """Whether bytes are UTF-8 with something missing: read otherwise, all of it would be wrong."""
    text = data.decode("utf-8", "replace")
    invalid = text.count("\ufffd")
    valid = sum(character > "\x7f" for character in text) - invalid
    return valid >= _DAMAGED_RATIO * invalid


def _first_invalid_line(data: bytes) -> int:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        return data.count(b"\n", 0, error.start) + 1
    return 1
