"""Bytes of every kind that files are found in."""

import codecs
import random
from unicodedata import category

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from documents.encoding import decode
from documents.errors import DocumentError, UndecodableText
from documents.load import Raw, load
from tests.documents.samples import SAMPLES, contexts, paragraph, udhr
from tests.shared_data import needs_data

GREEK = "Η συνθήκη υπογράφτηκε στις 27 Ιουλίου 1953.\nΠότε τελείωσε ο πόλεμος;\n"
ALL = "\n".join(map(paragraph, SAMPLES))


@pytest.mark.parametrize("text", [GREEK, ALL, "plain\n", "a"])
@pytest.mark.parametrize(
    ("mark", "codec", "encoding"),
    [
        (b"", "utf-8", "utf-8"),
        (codecs.BOM_UTF8, "utf-8", "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16-le", "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16-be", "utf-16"),
        (codecs.BOM_UTF32_LE, "utf-32-le", "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32-be", "utf-32"),
    ],
)
def test_unicode_with_its_mark(text: str, mark: bytes, codec: str, encoding: str) -> None:
    data = mark + text.encode(codec)
    assert decode(data) == (text, encoding, False)
    # A wrong declaration changes nothing.
    assert decode(data, "cp1253") == (text, encoding, False)
    assert data.decode(encoding) == text


@pytest.mark.parametrize("codec", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize(
    "text", [GREEK, ALL, *[paragraph(tag) + "\n" for tag in ("zh", "th", "am")]]
)
def test_wide_unicode_without_a_mark(codec: str, text: str) -> None:
    assert decode(text.encode(codec)) == (text, codec, True)
    assert decode(text.encode(codec), codec) == (text, codec, False)
    assert decode(text.encode(codec), "cp1253") == (text, codec, True)


@pytest.mark.parametrize("declared", ["cp1253", "iso-8859-7", "WINDOWS-1253"])
def test_a_right_declaration(declared: str) -> None:
    data = GREEK.encode(declared)
    assert decode(data, declared) == (GREEK, declared, False)


@pytest.mark.parametrize(
    "declared",
    ["ascii", "utf-8", "utf-16", "no-such", "hex", "idna", "punycode", "\0", "ü", "utf-7"],
)
def test_a_wrong_declaration_is_not_believed(declared: str) -> None:
    data = (GREEK * 6).encode("cp1253")
    assert decode(data, declared) == (GREEK * 6, "cp1253", True)


def test_a_declaration_whose_text_has_controls_is_not_believed() -> None:
    text = "„Das ist – sagte er – die größte Brücke der Stadt.“\n" * 5
    assert decode(text.encode("cp1252"), "latin-1").text == text


def test_a_declaration_cannot_bring_in_half_characters() -> None:
    assert b"+2AA-".decode("utf-7") == "\ud800"
    with pytest.raises(UndecodableText):
        decode(b"+2AA- \xff", "utf-7")
    with pytest.raises(UndecodableText):
        decode(b"\\ud800 \xe1\xe2", "unicode_escape")


LEGACY = [
    ("el", "cp1253"),
    ("de", "cp1252"),
    ("es", "cp1252"),
    ("ru", "koi8-r"),
    ("ru", "cp1251"),
    ("ro", "cp1250"),
    ("tr", "cp1254"),
    ("ar", "cp1256"),
    ("th", "cp874"),
    ("zh", "gb18030"),
    ("ja", "shift_jis"),
    ("ja", "euc-jp"),
]


@needs_data
@pytest.mark.parametrize(("language", "codec"), LEGACY)
@pytest.mark.parametrize("count", [3, 30])
def test_legacy_encodings_are_told(language: str, codec: str, count: int) -> None:
    if language == "tr" and count < 30:
        pytest.skip("a few lines of Turkish have too few letters of its own")
    data = "\n".join(contexts(language)[5 : 5 + count]).encode(codec, "ignore")
    found = decode(data)
    assert found.text == data.decode(codec)
    assert found.guessed
    assert data.decode(found.encoding) == found.text


@needs_data
@pytest.mark.parametrize(("language", "codec"), [("zh-Hant", "big5"), ("ko", "euc-kr")])
def test_legacy_encodings_of_the_declaration_are_told(language: str, codec: str) -> None:
    data = "\n".join(dict(udhr())[language]).encode(codec, "ignore")
    assert decode(data).text == data.decode(codec)


@needs_data
def test_a_long_file_is_told_by_a_part_of_it() -> None:
    text = "all of it plain\n" * 20_000 + "\n".join(contexts("zh") * 5)
    data = text.encode("gb18030")
    assert len(data) > 400_000
    assert decode(data).text == text


def test_lines_in_two_encodings() -> None:
    utf8 = "Ο πόλεμος της Κορέας άρχισε το 1950.\n"
    data = b"".join(
        [utf8.encode(), *[line.encode("cp1253") for line in (GREEK * 4).splitlines(True)]]
    )
    assert decode(data) == (utf8 + GREEK * 4, "utf-8+cp1253", True)


@pytest.mark.parametrize("text", [GREEK, GREEK.replace("\n", " "), GREEK * 20, paragraph("zh")])
def test_utf8_that_was_cut_off_is_not_read_as_something_else(text: str) -> None:
    data = text.rstrip("\n .;！").encode()[:-1]
    with pytest.raises(UndecodableText, match="not valid UTF-8"):
        decode(data)


def test_the_first_invalid_line_is_named() -> None:
    data = "ένα\nδύο\nτρία και τέσσερα".encode()[:-1]
    with pytest.raises(UndecodableText, match="line 3"):
        decode(data)


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0\\r\xa8f",
        b"\x7fELF\2\1\1" + bytes(9) + bytes(range(256)),
        b"PK\3\4\x14\0\x08\0\x08\0" + bytes(range(255, 0, -1)) * 3,
        b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + bytes(range(1, 256)) * 4,
        b"\0" * 100,
        b"\1\2\3\4\5\6\7",
    ],
    ids=["png", "elf", "zip", "pdf", "zeros", "controls"],
)
def test_binary_named_txt(data: bytes) -> None:
    with pytest.raises(UndecodableText):
        load(Raw(data, source="a.txt", origin="a.txt"), "id")


@pytest.mark.parametrize("size", [2, 3, 16, 256, 1000, 5000])
def test_random_bytes(size: int) -> None:
    chance = random.Random(size)
    for _ in range(5):
        data = bytes([0xFF]) + chance.randbytes(size - 1)
        with pytest.raises(UndecodableText):
            decode(data)


def test_a_stray_zero_byte_is_dropped() -> None:
    data = GREEK.encode() + b"\0"
    assert decode(data).encoding == "utf-8"
    assert load(Raw(data, source="a.txt", origin="a"), "id").text == GREEK.rstrip()


@given(st.binary(max_size=60), st.sampled_from([None, "utf-8", "cp1252", "utf-16", "gb18030", "x"]))
def test_any_bytes_give_text_or_a_reason(data: bytes, declared: str | None) -> None:
    try:
        found = decode(data, declared)
    except DocumentError:
        return
    found.text.encode("utf-8")
    if "+" not in found.encoding:
        assert data.decode(found.encoding) == found.text


@given(st.text(max_size=200))
def test_any_text_comes_back_from_utf8(text: str) -> None:
    assume(sum(category(character) == "Cc" for character in text) <= min(2, len(text) // 3))
    assert decode(text.encode()).text == text.removeprefix("\ufeff")
