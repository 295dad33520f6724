"""Four real documents: what scrapers and converters left in them is gone."""

import re

import pytest

from documents.load import load, read
from documents.segment import sentences
from documents.types import Document
from tests.shared_data import DATA, needs_data

pytestmark = needs_data


def seed(number: str) -> Document:
    path = next((DATA / "seeds").glob(f"{number}_*.txt"))
    return load(read(path, path.name), "id")


def parts(document: Document, kind: str) -> list[str]:
    found = sentences(document.text, document.blocks, document.language)
    return [span.of(document.text) for span, block in found if block.kind == kind]


def test_greek_text_without_loose_footnote_digits() -> None:
    document = seed("000")
    assert document.language == "el"
    assert not re.search(r"[.»] ?\d", document.text)
    found = parts(document, "paragraph")
    assert len(found) == 13
    assert found[1].endswith("Λαίκό Εθελοντικό Στρατό της Κίνας.")
    assert "Χάρισον Τζ., ο οποίος" in found[1]
    assert found[2].startswith(
        "Η συνθήκη υπογράφτηκε συγκεκριμένα στις 27 Ιουλίου 1953 και ο σκοπός"
    )
    assert found[-2].endswith("παραβεί την ανακωχή 221 φορές.")


def test_a_page_without_its_announcement() -> None:
    document = seed("001")
    assert document.title == "This Day in History: The Korean Armistice"
    assert document.text.startswith(f"{document.title}\n\nOn July 27, 1953")
    assert "viewing" not in document.text
    assert parts(document, "heading") == [document.title]
    assert "In October, U.S. forces pushed" in " ".join(parts(document, "paragraph"))


def test_headings_of_a_long_page() -> None:
    headings = parts(seed("002"), "heading")
    assert len(headings) == 16
    assert (
        headings[0] == "The Preconditions Leading to the Korean War and Its Impact on the Armistice"
    )
    assert headings[-1] == "The Future of the Korean War Armistice and Prospects for Peace"
    assert not [heading for heading in headings if heading.endswith((".", ":"))]


def test_chinese_wiki_text_without_link_markup() -> None:
    document = seed("003")
    assert document.language == "zh"
    for sentence in parts(document, "paragraph"):
        assert not re.search(r"http|wikilink|\]\(|\[|\]|\*\*|\.md|\.jpg|（）|\\", sentence)
    assert parts(document, "heading") == [
        "綜述",
        "嘗試和平條約",
        "中国外交部发言人在例行记者会上的回应",
        "參見",
        "參考資料",
    ]
    found = parts(document, "paragraph")
    assert "其中，美朝和平協議是可能途徑之一。" in found
    assert "朝鮮戰爭" in found


@pytest.mark.parametrize("number", ["000", "001", "002", "003"])
def test_every_kept_character_stands_in_the_file(number: str) -> None:
    document = seed(number)
    source = next((DATA / "seeds").glob(f"{number}_*.txt")).read_bytes().decode(document.encoding)
    kept = 0
    for run in document.alignment.runs:
        assert (
            document.text[run.text_start : run.text_start + run.length]
            == source[run.source_start : run.source_start + run.length]
        )
        kept += run.length
    blanks = sum(character.isspace() for character in document.text)
    assert kept >= len(document.text) - blanks
