"""Files and folders: what is found, what is read, and why something is not."""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from documents.errors import DocumentTooLarge, EmptyDocument, MissingFile, UnsupportedFormat
from documents.load import LoadOptions, Raw, find, is_supported, load, read


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in find(folder)]


def write(folder: Path, *files: str) -> None:
    for name in files:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("Text.", encoding="utf-8")


@contextmanager
def nobody() -> Iterator[None]:
    """Without the rights of root, who may open everything."""
    own = os.geteuid()
    os.seteuid(own or 65534)
    try:
        yield
    finally:
        os.seteuid(own)


def test_a_folder_gives_what_is_read_of_it(tmp_path: Path) -> None:
    write(tmp_path, "b.txt", "a.MD", "c/d/e.markdown", "c/a.text", "README", "x.pdf", "x.tar.gz")
    write(tmp_path, ".hidden.txt", ".git/a.txt", "c/.x/a.txt", "dir.txt/inner.txt")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    assert names(tmp_path) == [
        "README",
        "a.MD",
        "b.txt",
        "c/a.text",
        "c/d/e.markdown",
        "dir.txt/inner.txt",
    ]


def test_a_hidden_folder_that_is_named_is_read(tmp_path: Path) -> None:
    write(tmp_path, ".notes/a.txt")
    assert names(tmp_path / ".notes") == ["a.txt"]


def test_a_file_that_is_named_is_tried_whatever_it_is(tmp_path: Path) -> None:
    write(tmp_path, ".hidden.pdf")
    assert list(find(tmp_path / ".hidden.pdf")) == [tmp_path / ".hidden.pdf"]


def test_links(tmp_path: Path) -> None:
    write(tmp_path, "in/a.txt", "out/b.txt")
    inside = tmp_path / "in"
    (inside / "file.txt").symlink_to(tmp_path / "out" / "b.txt")
    (inside / "folder").symlink_to(tmp_path / "out")
    (inside / "up").symlink_to(inside)
    (inside / "loop.txt").symlink_to(inside / "loop.txt")
    (inside / "dangling.txt").symlink_to(inside / "nowhere")
    assert names(inside) == ["a.txt", "file.txt"]
    assert read(inside / "file.txt", "file.txt").origin == str(
        (tmp_path / "out" / "b.txt").resolve()
    )
    for name in ("loop.txt", "dangling.txt"):
        with pytest.raises(MissingFile):
            list(find(inside / name))
        with pytest.raises(MissingFile, match="cannot be opened"):
            read(inside / name, name)


def test_what_may_not_be_opened_is_told() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, "a.txt", "shut/b.txt", "blind/c.txt")
        folder.chmod(0o755)
        modes = {"a.txt": 0, "shut": 0, "blind": 0o444}
        for path, mode in modes.items():
            (folder / path).chmod(mode)
        with nobody():
            # A shut folder is named itself, so that reading it says why.
            assert sorted(names(folder)) == ["a.txt", "blind/c.txt", "shut"]
            for path in ("a.txt", "shut", "blind/c.txt"):
                with pytest.raises(MissingFile, match="Permission denied"):
                    read(folder / path, path)
            with pytest.raises(MissingFile, match="Permission denied"):
                list(find(folder / "shut" / "b.txt"))
        for path in modes:
            (folder / path).chmod(0o755)


@pytest.mark.parametrize("name", ["nowhere", "a\0b", "x" * 300])
def test_what_is_not_there(tmp_path: Path, name: str) -> None:
    with pytest.raises(MissingFile, match="check the path"):
        list(find(tmp_path / name))
    with pytest.raises(MissingFile, match="check the path"):
        read(tmp_path / name, name)


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.txt").mkdir()
    os.mkfifo(tmp_path / "pipe.txt")
    for name in ("x.txt", "pipe.txt"):
        with pytest.raises(MissingFile, match="not a regular file"):
            read(tmp_path / name, name)


def test_size(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"x" * 101)
    options = LoadOptions(max_bytes=100)
    with pytest.raises(DocumentTooLarge, match="101 bytes and at most 100"):
        read(tmp_path / "a.txt", "a.txt", options)
    with pytest.raises(DocumentTooLarge):
        load(Raw(b"x" * 101, "a.txt", "a"), "id", options)
    assert load(Raw(b"x" * 100, "a.txt", "a"), "id", options).text == "x" * 100


def test_names_with_odd_characters(tmp_path: Path) -> None:
    odd = ["new\nline.txt", "tab\t'\".txt", "日本 語.txt", "a%20b.txt", os.fsdecode(b"caf\xe9.txt")]
    write(tmp_path, *odd)
    assert names(tmp_path) == sorted(odd)
    for path in find(tmp_path):
        raw = read(path, path.name)
        document = load(raw, "id")
        for text in (document.title, document.source, document.origin):
            text.encode("utf-8")
        assert "\n" not in document.title
    assert read(tmp_path / odd[-1], odd[-1]).source == "caf\\xe9.txt"
    assert load(read(tmp_path / odd[0], odd[0]), "id").title == "new line"


@pytest.mark.parametrize(
    ("name", "media_type", "expected"),
    [
        ("a.txt", "", "text/plain"),
        ("a.TXT", "", "text/plain"),
        ("a.md", "", "text/markdown"),
        ("a", "", "text/plain"),
        ("a", "application/octet-stream", "text/plain"),
        ("a.md", "text/plain; charset=utf-8", "text/markdown"),
        ("a.md", "application/octet-stream", "text/markdown"),
        ("a.pdf", "text/plain", "text/plain"),
        ("a", "TEXT/Markdown; variant=GFM", "text/markdown"),
        ("Notes, v1.2 of May", "text/plain", "text/plain"),
    ],
)
def test_formats(name: str, media_type: str, expected: str) -> None:
    assert load(Raw(b"Some text.", name, name, media_type=media_type), "id").media_type == expected


@pytest.mark.parametrize(
    ("name", "media_type", "kind"),
    [
        ("a.pdf", "", ".pdf"),
        ("a", "text/html", "text/html"),
        ("a.docx", "application/msword", ".docx"),
    ],
)
def test_formats_that_are_not_read(name: str, media_type: str, kind: str) -> None:
    with pytest.raises(
        UnsupportedFormat,
        match=rf"{kind} are not read: convert it to one of .markdown, .md, .text, .txt",
    ):
        load(Raw(b"Some text.", name, name, media_type=media_type), "id")
    assert not is_supported(Path("a.pdf"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" \r\n\t ",
        b"...!?",
        b"\xef\xbb\xbf",
        "— … ¿? 。\u200b".encode(),
        b"\xff\xfe",
        b"<br>\n",
    ],
)
@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_nothing_to_find(data: bytes, name: str) -> None:
    if name == "a.txt" and data.startswith(b"<"):
        pytest.skip("plain text has no tags")
    with pytest.raises(EmptyDocument):
        load(Raw(data, name, name), "id")


def test_the_title_is_the_senders_the_texts_or_the_names() -> None:
    def title(data: bytes, name: str, **declared: str) -> str:
        return load(Raw(data, name, name, **declared), "id").title  # type: ignore[arg-type]

    assert title(b"# Top\n\nText.", "dir/a.b.md") == "Top"
    assert title(b"Text here.", "dir/a.b.md") == "a.b"
    assert title(b"# Top\n\nText.", "a.md", title=" My \n own ") == "My own"
    assert title(b"Text here.", "") == ""


def test_the_hash_is_of_the_bytes_and_declarations_tell_inputs_apart() -> None:
    raws = [
        Raw(b"x", "a", "b"),
        Raw(b"x", "a", "b", title="en"),
        Raw(b"x", "a", "b", language="en"),
        Raw(b"x", "a", "b", encoding="en"),
        Raw(b"x", "a", "b", media_type="en"),
        Raw(b"x", "a", "b", metadata={"title": "en"}),
        Raw(b"x", "a", "b", metadata={"a": "b", "c": "d"}),
    ]
    assert {raw.content_hash for raw in raws} == {f"sha256:{hashlib.sha256(b'x').hexdigest()}"}
    assert Raw(b"y", "a", "b").content_hash != raws[0].content_hash
    assert len({raw.declared for raw in raws}) == len(raws)
    assert Raw(b"x", "a", "b", metadata={"c": "d", "a": "b"}).declared == raws[-1].declared


def test_what_is_declared_is_kept() -> None:
    raw = Raw(
        b"---\nauthor: A\nyear: 1\n---\nText.",
        "a.md",
        "o",
        language="EN_gb",
        metadata={"year": "2"},
    )
    document = load(raw, "id")
    assert (document.language, document.language_confidence) == ("en-gb", 1.0)
    assert document.metadata == {"author": "A", "year": "2"}
    assert (document.id, document.origin, document.source) == ("id", "o", "a.md")
